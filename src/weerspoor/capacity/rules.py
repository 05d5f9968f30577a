"""Rule sets: what the law, an announcement or a proposal lets happen to other trains, line by line, with its article.

A rule set is a file of ``data/rules``. Its lines of the kind ``move`` are gone through in order; the first that fits a
move decides, and is the line to cite. An analogy is a value of another class than a line: it ranks harm, and no answer
of :meth:`RuleSet.permission` can cite it.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import msgspec

from weerspoor.capacity.plan import Sentence
from weerspoor.capacity.request import DECIDERS, GROUNDS, Urgency
from weerspoor.common.errors import DataError, InputError
from weerspoor.common.files import content_hash
from weerspoor.timetable.day import LAYER_EMPTY, LAYER_FREIGHT, LAYER_MILITARY, LAYER_PASSENGER, LAYER_RESERVE
from weerspoor.trains.tables import CERTAINTIES

MOVES = ("free", "reserve", "shift_by_consent", "shift", "hold", "reroute", "shorten", "cancel")
"""What may be done to make room: use free capacity or a reserve path; with or without consent, alter a train's path."""

MOVES_OF_NOBODY = ("free", "reserve")
"""Moves that alter no train that runs."""

WITHDRAWALS = ("shift", "hold", "reroute", "shorten", "cancel")
"""Moves that take allocated capacity from its holder without being asked."""

LAYERS = (LAYER_PASSENGER, LAYER_EMPTY, LAYER_FREIGHT, LAYER_MILITARY, LAYER_RESERVE)

SEGMENTS = (
    "urban_regional",
    "national",
    "international",
    "national_high_speed",
    "international_high_speed",
    "regional",
    "freight",
    "night",
    "other",
)
"""Market segments of the Besluit capaciteitsverdeling, art. 10(1), with night trains apart."""

MOVE, MINIMUM_LEVELS, LAST_RESORT, DECISION, COMPENSATION = (
    "move",
    "minimum_levels",
    "last_resort",
    "decision",
    "compensation",
)
KINDS = (MOVE, MINIMUM_LEVELS, LAST_RESORT, DECISION, COMPENSATION)
BASES = ("law", "announcement", "proposal", "assumption")
"""What a line rests on; an analogy is none of them."""

ANALOGY = "analogy"
CLOSURE, ANY_CAUSE = "closure", "any"
IN_FORCE = ("yes", "unknown", "proposal")
COMPENSATED = ("yes", "no", "unknown")
READY, DRAFT, REFUSED = "ready", "draft", "refused"


class _Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A table of a rule file: an unknown key is an error."""


class _Title(_Strict):
    nl: str
    en: str


class _Validity(_Strict):
    in_force: str
    certainty: str
    note: str
    from_: dt.date | None = msgspec.field(default=None, name="from")
    until: dt.date | None = None


class _Urgency(_Strict):
    needed: bool
    grounds: tuple[str, ...] = ()
    decided_by: tuple[str, ...] = ()
    legal_basis: bool = False


class _Line(_Strict):
    id: str
    kind: str
    article: str
    basis: str
    certainty: str
    nl: str
    en: str
    moves: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    cause: str = ANY_CAUSE
    allows: bool | None = None
    needs_consent: bool = False
    relaxable: bool = False
    compensated: str = ""


class _Analogy(_Strict):
    id: str
    basis: str
    article: str
    certainty: str
    source: str
    nl: str
    en: str
    ranks: dict[str, int] = {}
    limit_s: int | None = None
    segments: tuple[str, ...] = ()


class _File(_Strict):
    name: str
    source: str
    certainty: str
    title: _Title
    validity: _Validity
    urgency: _Urgency
    line: tuple[_Line, ...]
    analogy: tuple[_Analogy, ...] = ()


@dataclass(frozen=True)
class RuleLine:
    """A line that may be cited for what happens to a train.

    Attributes
    ----------
    id : str
        Unique in its set.
    kind : str
        One of ``KINDS``; only those of the kind ``move`` allow or forbid moves.
    article : str
        Where it stands, such as ``art. 13(2)``, or that it stands nowhere.
    basis : str
        One of ``BASES``.
    certainty : str
        sure, likely or assumed.
    nl, en : str
        A sentence for people.
    moves, layers, segments : tuple of str
        What it fits; empty layers or segments: all.
    cause : str
        ``closure`` for what only a fault or closure may force, else ``any``.
    allows : bool
    needs_consent : bool
        The holder of the path has to be asked.
    relaxable : bool
        :meth:`RuleSet.without` may leave it out, to see what it costs.
    relaxed : bool
        It is left out: what it forbids is allowed, for a comparison only.
    compensated : str
        yes, no or unknown, in lines of the kind ``compensation``; else empty.
    """

    id: str
    kind: str
    article: str
    basis: str
    certainty: str
    nl: str
    en: str
    moves: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    cause: str = ANY_CAUSE
    allows: bool = False
    needs_consent: bool = False
    relaxable: bool = False
    relaxed: bool = False
    compensated: str = ""

    def fits(self, move: str, layer: str, segment: str, forced_by_closure: bool) -> bool:
        """Return whether this line decides on such a move."""
        return (
            move in self.moves
            and (move in MOVES_OF_NOBODY or layer in (self.layers or LAYERS))
            and (move in MOVES_OF_NOBODY or segment in (self.segments or SEGMENTS))
            and (self.cause == ANY_CAUSE or forced_by_closure)
        )

    def text(self, lang: str) -> str:
        """Return the sentence in ``nl`` or ``en``."""
        return self.nl if lang == "nl" else self.en


@dataclass(frozen=True)
class Analogy:
    """What the law says of requests, used here to rank harm. It permits nothing and is no :class:`RuleLine`."""

    id: str
    article: str
    certainty: str
    source: str
    nl: str
    en: str
    basis: str = ANALOGY

    def text(self, lang: str) -> str:
        """Return the sentence in ``nl`` or ``en``."""
        return self.nl if lang == "nl" else self.en


@dataclass(frozen=True)
class Rank:
    """How heavily harm to trains of a market segment weighs, by analogy.

    Attributes
    ----------
    rank : int
        1 stands highest: such a train is moved last.
    counter_offer_s : int or None
        A shift up to this counts as slight; None where nothing is said.
    analogies : tuple of Analogy
        What it is taken from.
    """

    rank: int
    counter_offer_s: int | None
    analogies: tuple[Analogy, ...]


@dataclass(frozen=True)
class Permission:
    """Whether a move may be made, and the line that says so.

    Attributes
    ----------
    allowed : bool
    line : RuleLine
        The line that allows it, or the one that forbids it.
    needs_consent : bool
        Only if the holder agrees: list whom to ask.
    """

    allowed: bool
    line: RuleLine
    needs_consent: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.line, RuleLine) or self.line.kind != MOVE:
            raise TypeError("only a line on moves can be cited for a move")


@dataclass(frozen=True)
class Status:
    """What a plan under a rule set is worth.

    Attributes
    ----------
    kind : str
        ``ready``; ``draft`` with what is missing; ``refused`` with the reason.
    missing : tuple of Sentence
    """

    kind: str
    missing: tuple[Sentence, ...] = ()


@dataclass(frozen=True)
class RuleSet:
    """A dated set of rules.

    Attributes
    ----------
    name : str
    title_nl, title_en : str
    source, certainty : str
    in_force : str
        yes, unknown, or proposal.
    valid_from, valid_to : datetime.date or None
        First and last day; None if not known.
    validity_certainty, validity_note : str
    needs_urgency : bool
        It cannot be used without a recorded urgency.
    grounds, decided_by : tuple of str
        Grounds of urgency that count, and all who have to decide.
    needs_legal_basis : bool
        On what legal basis it is used has to be recorded.
    lines : tuple of RuleLine
    analogies : tuple of Analogy
    ranking : mapping of str to Rank
        By market segment, by analogy.
    """

    name: str
    title_nl: str
    title_en: str
    source: str
    certainty: str
    in_force: str
    valid_from: dt.date | None
    valid_to: dt.date | None
    validity_certainty: str
    validity_note: str
    needs_urgency: bool
    grounds: tuple[str, ...]
    decided_by: tuple[str, ...]
    needs_legal_basis: bool
    lines: tuple[RuleLine, ...]
    analogies: tuple[Analogy, ...]
    ranking: Mapping[str, Rank] = field(hash=False)

    def title(self, lang: str) -> str:
        """Return the title in ``nl`` or ``en``."""
        return self.title_nl if lang == "nl" else self.title_en

    def line(self, line_id: str) -> RuleLine:
        """Return a line.

        Raises
        ------
        InputError
            If there is none of that id.
        """
        for line in self.lines:
            if line.id == line_id:
                return line
        known = ", ".join(line.id for line in self.lines)
        raise InputError(f"has no line {line_id!r}", where=f"rule set {self.name}", hint=f"its lines: {known}")

    def permission(self, move: str, *, layer: str, segment: str, forced_by_closure: bool = False) -> Permission:
        """Return whether a move of a train may be made, and by which line.

        Parameters
        ----------
        move : str
            One of ``MOVES``.
        layer : str
            Of the train that is moved, one of ``LAYERS``; without meaning for ``MOVES_OF_NOBODY``, which move none.
        segment : str
            Its market segment, one of ``SEGMENTS``; without meaning for ``MOVES_OF_NOBODY``.
        forced_by_closure : bool
            A fault or closure forces it, not the military train.

        Raises
        ------
        InputError
            If there is no such move, layer or segment.
        """
        _one_of("move", move, MOVES)
        if move not in MOVES_OF_NOBODY:
            _one_of("layer", layer, LAYERS)
            _one_of("segment", segment, SEGMENTS)
        line = _deciding(self.lines, move, layer, segment, forced_by_closure)
        if line is None:
            raise DataError(f"has no line on {move} in layer {layer!r}", where=f"rule set {self.name}")
        allowed = line.allows or line.relaxed
        return Permission(allowed, line, needs_consent=allowed and line.needs_consent and not line.relaxed)

    def status(self, urgency: Urgency | None, on: dt.date | None) -> Status:
        """Return whether a plan of a day may be carried out under this set, and what is missing.

        Parameters
        ----------
        urgency : Urgency or None
            As the request records it.
        on : datetime.date or None
            The operating day; None if the request names none.

        Raises
        ------
        InputError
            If the set needs an urgency and none is recorded.
        """
        if urgency is None and self.needs_urgency:
            raise InputError(
                f"is missing: rule set {self.name} is for urgent trains only",
                where="urgency",
                hint=f"add [urgency] with ground = one of {', '.join(self.grounds)}",
            )
        if refusals := tuple(self._refusals(urgency, on)):
            return Status(REFUSED, refusals)
        missing = tuple(self._missing(urgency))
        return Status(DRAFT if missing else READY, missing)

    def _refusals(self, urgency: Urgency | None, on: dt.date | None) -> Iterator[Sentence]:
        if on is not None and self.valid_from is not None and on < self.valid_from:
            yield Sentence("rules.refused.not_yet", {"date": self.valid_from.isoformat()})
        if on is not None and self.valid_to is not None and on > self.valid_to:
            yield Sentence("rules.refused.no_longer", {"date": self.valid_to.isoformat()})
        if urgency is not None and self.grounds and urgency.ground not in self.grounds:
            yield Sentence("rules.refused.ground", {"ground": urgency.ground})

    def _missing(self, urgency: Urgency | None) -> Iterator[Sentence]:
        if self.in_force == "proposal":
            yield Sentence("rules.missing.adoption", {})
        if self.needs_legal_basis and (urgency is None or not urgency.legal_basis):
            yield Sentence("rules.missing.legal_basis", {})
        for decider in self.decided_by:
            if urgency is None or decider not in urgency.decided_by:
                yield Sentence("rules.missing.decision", {"decider": decider})

    @property
    def relaxable(self) -> tuple[RuleLine, ...]:
        """The lines that may be left out to see what they cost."""
        return tuple(line for line in self.lines if line.relaxable and not line.relaxed)

    def without(self, line_id: str) -> RuleSet:
        """Return the set with one line relaxed, to compare: what it forbids is allowed, what it keeps is not kept.

        Raises
        ------
        InputError
            If there is no such line, or it cannot be relaxed.
        """
        line = self.line(line_id)
        if not line.relaxable:
            possible = ", ".join(line.id for line in self.relaxable) or "none"
            raise InputError(
                f"has a line {line_id!r} that cannot be relaxed",
                where=f"rule set {self.name}",
                hint=f"these can: {possible}",
            )
        lines = tuple(replace(one, relaxed=True) if one is line else one for one in self.lines)
        return replace(self, lines=lines)

    @property
    def keeps_minimum_levels(self) -> bool:
        """Whether the minimum levels of art. 8 have to be left."""
        return self._holds(MINIMUM_LEVELS)

    @property
    def last_resort(self) -> bool:
        """Whether paths of others may be taken only where nothing else serves."""
        return self._holds(LAST_RESORT)

    @property
    def displaces(self) -> bool:
        """Whether it lets any train that runs be moved for a train, without asking its holder."""
        return any(
            self.permission(move, layer=layer, segment=segment).allowed
            for move in WITHDRAWALS
            for layer in LAYERS
            if layer != LAYER_RESERVE
            for segment in SEGMENTS
        )

    @property
    def compensated(self) -> str:
        """Whether holders of withdrawn paths are compensated: yes, no or unknown."""
        return next((line.compensated for line in self.lines if line.kind == COMPENSATION), "unknown")

    @property
    def content_hash(self) -> str:
        """Hash of the lines and of everything else that decides; of a relaxed set it is another one."""
        values: dict[str, Any] = {key: getattr(self, key) for key in self.__dataclass_fields__ if key != "ranking"}
        values["lines"] = [asdict(line) for line in self.lines]
        values["analogies"] = [asdict(line) for line in self.analogies]
        values["ranking"] = {key: [rank.rank, rank.counter_offer_s] for key, rank in self.ranking.items()}
        return content_hash(msgspec.json.encode(values, order="sorted"))

    def _holds(self, kind: str) -> bool:
        return any(line.kind == kind and not line.relaxed for line in self.lines)


def rule_set_names() -> tuple[str, ...]:
    """Return the names of the rule sets, that of the law as read first."""
    folder = files("weerspoor.data").joinpath("rules")
    found = sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))
    return tuple(sorted(found, key=lambda name: (name != "besluit", name == "eu-emers", name)))


@cache
def rule_set(name: str) -> RuleSet:
    """Return a rule set by name.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in rule_set_names():
        raise InputError(
            f"there is no rule set {name!r}", where="--rules", hint=f"one of {', '.join(rule_set_names())}"
        )
    file = f"{name}.toml"
    text = files("weerspoor.data").joinpath("rules", file).read_text(encoding="utf-8")
    found = read_rule_set(text, file)
    if found.name != name:
        raise DataError(f"calls itself {found.name!r}", where=file)
    return found


def read_rule_set(text: str, file: str) -> RuleSet:
    """Read the text of a rule file.

    Parameters
    ----------
    text : str
        TOML.
    file : str
        Its name, for messages.

    Raises
    ------
    DataError
        For an unknown key, an unknown word, a line that says nothing, or a move that no line decides on.
    """
    try:
        read = msgspec.convert(tomllib.loads(text), _File)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"is not TOML: {error}", where=file) from error
    except msgspec.ValidationError as error:
        raise DataError(_plainly(str(error)), where=file) from error
    _check_head(read, file)
    lines = tuple(_line(line, f"{file}: line[{i}]") for i, line in enumerate(read.line, 1))
    for i, analogy in enumerate(read.analogy, 1):
        _check_analogy(analogy, f"{file}: analogy[{i}]")
    _check_ids([line.id for line in read.line] + [one.id for one in read.analogy], file)
    _check_every_move_is_decided(lines, file)
    validity, urgency = read.validity, read.urgency
    return RuleSet(
        name=read.name,
        title_nl=read.title.nl,
        title_en=read.title.en,
        source=read.source,
        certainty=read.certainty,
        in_force=validity.in_force,
        valid_from=validity.from_,
        valid_to=validity.until,
        validity_certainty=validity.certainty,
        validity_note=validity.note,
        needs_urgency=urgency.needed,
        grounds=urgency.grounds,
        decided_by=urgency.decided_by,
        needs_legal_basis=urgency.legal_basis,
        lines=lines,
        analogies=tuple(_analogy(one) for one in read.analogy),
        ranking=MappingProxyType(_ranking(read.analogy, file)),
    )


def _plainly(message: str) -> str:
    """Say in the words of the file what does not fit: ``… - at `$.line[0]` `` becomes ``… in line[1]``."""
    what, _, place = message.partition(" - at `$")
    return f"{what[:1].lower()}{what[1:]} in {place.strip('`.')}" if place else what[:1].lower() + what[1:]


def _one_of(what: str, word: str, known: tuple[str, ...], where: str = "") -> None:
    if word not in known:
        error = DataError if where else InputError
        raise error(f"there is no {what} {word!r}", where=where, hint=f"one of {', '.join(known)}")


def _check_head(read: _File, file: str) -> None:
    _one_of("certainty", read.certainty, CERTAINTIES, file)
    _one_of("certainty", read.validity.certainty, CERTAINTIES, f"{file}: validity.certainty")
    _one_of("word", read.validity.in_force, IN_FORCE, f"{file}: validity.in_force")
    if read.validity.from_ and read.validity.until and read.validity.until < read.validity.from_:
        raise DataError("ends before it begins", where=f"{file}: validity")
    for ground in read.urgency.grounds:
        _one_of("ground", ground, GROUNDS, f"{file}: urgency.grounds")
    for decider in read.urgency.decided_by:
        _one_of("decider", decider, DECIDERS, f"{file}: urgency.decided_by")
    if read.urgency.needed and not read.urgency.grounds:
        raise DataError("needs urgency, but names no ground", where=f"{file}: urgency.grounds")


def _line(read: _Line, where: str) -> RuleLine:
    """Return a line as a value, once every word in it is known and it says what its kind has to say."""
    where = f"{where} ({read.id})"
    _one_of("kind", read.kind, KINDS, where)
    if read.basis == ANALOGY:
        raise DataError("an analogy is no line: it permits and keeps nothing", where=where, hint="write [[analogy]]")
    _one_of("basis", read.basis, BASES, where)
    _one_of("certainty", read.certainty, CERTAINTIES, where)
    for what, words, known in (
        ("move", read.moves, MOVES),
        ("layer", read.layers, LAYERS),
        ("segment", read.segments, SEGMENTS),
    ):
        for word in words:
            _one_of(what, word, known, where)
    _one_of("cause", read.cause, (CLOSURE, ANY_CAUSE), where)
    if not (read.id and read.article and read.nl and read.en):
        raise DataError("lacks its id, its article or its sentences", where=where)
    if (read.kind == MOVE) != bool(read.moves) or (read.kind == MOVE) != (read.allows is not None):
        raise DataError("a line on moves, and no other, says which moves it allows or not", where=where)
    if (read.kind == COMPENSATION) != (read.compensated in COMPENSATED):
        raise DataError("a line on compensation, and no other, says yes, no or unknown", where=where)
    if read.relaxable and read.allows:
        raise DataError("allows something: there is nothing to relax", where=where)
    if read.needs_consent and not read.allows:
        raise DataError("asks for consent to something it does not allow", where=where)
    values = {key: getattr(read, key) for key in read.__struct_fields__}
    return RuleLine(**{**values, "allows": bool(read.allows)})


def _check_analogy(read: _Analogy, where: str) -> None:
    where = f"{where} ({read.id})"
    _one_of("basis", read.basis, (ANALOGY,), where)
    _one_of("certainty", read.certainty, CERTAINTIES, where)
    for segment in (*read.ranks, *read.segments):
        _one_of("segment", segment, SEGMENTS, where)
    if bool(read.ranks) == (read.limit_s is not None):
        raise DataError("says either ranks or limit_s", where=where)
    if read.limit_s is not None and read.limit_s <= 0:
        raise DataError("has a limit_s that is not above 0", where=where)
    if not (read.id and read.article and read.nl and read.en and read.source):
        raise DataError("lacks its id, its article, its source or its sentences", where=where)


def _check_ids(ids: list[str], file: str) -> None:
    for one in ids:
        if ids.count(one) > 1:
            raise DataError(f"has the id {one!r} twice", where=file)


def _check_every_move_is_decided(lines: tuple[RuleLine, ...], file: str) -> None:
    for move in MOVES:
        for layer in LAYERS:
            for segment in SEGMENTS:
                if _deciding(lines, move, layer, segment, forced_by_closure=False) is None:
                    raise DataError(
                        f"has no line that allows or forbids {move} of segment {segment} in layer {layer}", where=file
                    )


def _deciding(
    lines: tuple[RuleLine, ...], move: str, layer: str, segment: str, forced_by_closure: bool
) -> RuleLine | None:
    return next(
        (line for line in lines if line.kind == MOVE and line.fits(move, layer, segment, forced_by_closure)), None
    )


def _analogy(read: _Analogy) -> Analogy:
    return Analogy(read.id, read.article, read.certainty, read.source, read.nl, read.en)


def _ranking(analogies: tuple[_Analogy, ...], file: str) -> dict[str, Rank]:
    """Return rank and limit of every segment, with what they are taken from."""
    order = [one for one in analogies if one.ranks]
    limits = [one for one in analogies if one.limit_s is not None]
    if len(order) != 1 or set(order[0].ranks) != set(SEGMENTS):
        raise DataError("needs one analogy that ranks every segment", where=file)
    found = {}
    for segment in SEGMENTS:
        said = [one for one in limits if segment in (one.segments or SEGMENTS)]
        limit_s = min((one.limit_s for one in said if one.limit_s is not None), default=None)
        found[segment] = Rank(order[0].ranks[segment], limit_s, tuple(_analogy(one) for one in (*order, *said)))
    return found

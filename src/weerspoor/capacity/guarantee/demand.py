"""The demand file of a guarantee: corridors to count, kinds of train, and the flows that have to fit.

Clock times are of the operating day, 05:00 to 05:00. The reader never guesses: an unknown key or point, or a number
that cannot be, raises :class:`~weerspoor.common.errors.InputError` that names the place in the file.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from weerspoor.capacity.request import known_point
from weerspoor.capacity.settings import DATA
from weerspoor.common.clock import DAY_S, DAY_START_S
from weerspoor.common.errors import InputError
from weerspoor.common.files import content_hash
from weerspoor.network.model import ASSUMED
from weerspoor.trains.catalogue import train_from

if TYPE_CHECKING:
    from weerspoor.network.model import Points
    from weerspoor.trains.model import Train

DEFAULT = DATA / "demand_default.toml"
MOST_TRAINS = 200
"""More trains a day are taken for a slip of the pen."""


class Growth(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """So many times more trains a transport (volume) and transports a day (frequency)."""

    volume: float = 1.0
    frequency: float = 1.0


class _Corridor(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: str
    from_: str = msgspec.field(name="from")
    to: str
    via: list[str] = []
    title: dict[str, str] = {}
    kinds: list[str] = []
    both: bool = True
    source: str = ""


class _Flow(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: str
    from_: str = msgspec.field(name="from")
    to: str
    via: list[str] = []
    title: dict[str, str] = {}
    kind: str
    transports: int = 1
    trains: int = 1
    first: str = "05:00"
    notice_h: float
    within_h: float
    growth: Growth = Growth()
    source: str = ""


class _File(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    reference: str
    title: dict[str, str] = {}
    source: str = ""
    certainty: str = ASSUMED
    growth: Growth = Growth()
    kind: dict[str, dict[str, Any]]
    corridor: list[_Corridor] = []
    flow: list[_Flow] = []


@dataclass(frozen=True)
class Kind:
    """A kind of train that is counted.

    Attributes
    ----------
    title : dict of str to str
        By language; empty when the name will do.
    """

    name: str
    title: dict[str, str]
    train: Train


@dataclass(frozen=True)
class Relation:
    """From a point to another by places in between, one way."""

    origin: str
    destination: str
    via: tuple[str, ...] = ()

    @property
    def back(self) -> Relation:
        """The same the other way."""
        return Relation(self.destination, self.origin, self.via[::-1])


@dataclass(frozen=True)
class Corridor:
    """A way that is counted hour by hour, for some kinds of train; ``both`` ways or one."""

    name: str
    title: dict[str, str]
    relation: Relation
    kinds: tuple[str, ...]
    both: bool
    source: str

    @property
    def directions(self) -> tuple[Relation, ...]:
        """The relations counted, there first."""
        return (self.relation, self.relation.back) if self.both else (self.relation,)


@dataclass(frozen=True)
class Flow:
    """Trains that have to fit every day.

    Attributes
    ----------
    transports, trains : int
        Transports a day, trains a transport; growth is in them.
    first_s : int
        When the first transport is ready; the others follow evenly through the day.
    notice_s : int
        So long before it is ready a train is asked for.
    within_s : int
        It has to leave within so long of being ready.
    """

    name: str
    title: dict[str, str]
    relation: Relation
    kind: str
    transports: int
    trains: int
    first_s: int
    notice_s: int
    within_s: int
    source: str

    @property
    def ready_s(self) -> list[int]:
        """When each transport is ready, in seconds of the operating day, rising."""
        step = DAY_S / self.transports
        times = (self.first_s + round(i * step / 60) * 60 for i in range(self.transports))
        return sorted(DAY_START_S + (t - DAY_START_S) % DAY_S for t in times)


@dataclass(frozen=True)
class MilitaryDemand:
    """A demand file as read.

    Attributes
    ----------
    growth : Growth
        Of all flows together; it is in their numbers already.
    content_hash : str
    """

    reference: str
    title: dict[str, str]
    source: str
    certainty: str
    growth: Growth
    kinds: dict[str, Kind]
    corridors: tuple[Corridor, ...]
    flows: tuple[Flow, ...]
    content_hash: str
    file: str = ""

    @property
    def trains(self) -> int:
        """Trains a day."""
        return sum(flow.transports * flow.trains for flow in self.flows)


def load_demand_file(path: Path) -> MilitaryDemand:
    """Read a demand file; its points are as written until :func:`with_codes` has looked them up.

    Raises
    ------
    InputError
        If the file cannot be read, or :func:`read_demand` refuses what is in it.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except IsADirectoryError as error:
        raise InputError("is a folder, a demand file was expected", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise InputError(f"is not text in UTF-8 (byte {error.start})", where=path.name) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "no such name"
        raise InputError(f"cannot be read: {reason}", where=str(path)) from error
    return read_demand(text, path.name)


def read_demand(text: str, file: str = "demand.toml") -> MilitaryDemand:
    """Read the text of a demand file.

    Raises
    ------
    InputError
        For anything unknown, malformed or contradictory, with the place in the file.
    """
    try:
        document = tomllib.loads(text.replace("\r\n", "\n"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not TOML: {error}", where=file) from error
    try:
        given = msgspec.convert(document, _File)
    except msgspec.ValidationError as error:
        raise _refused(str(error), file) from error
    kinds = {name: _kind(name, values, f"{file}: kind.{name}") for name, values in given.kind.items()}
    if not kinds:
        raise InputError("names no kind of train", where=f"{file}: kind", hint="add a table [kind.normal]")
    if not given.corridor and not given.flow:
        raise InputError("has neither a corridor nor a flow", where=file, hint="add a table [[corridor]] or [[flow]]")
    _check_growth(given.growth, f"{file}: growth")
    _once([row.name for row in given.corridor], f"{file}: corridor")
    _once([row.name for row in given.flow], f"{file}: flow")
    demand = MilitaryDemand(
        reference=given.reference,
        title=_title(given.title, f"{file}: title"),
        source=given.source,
        certainty=given.certainty,
        growth=given.growth,
        kinds=kinds,
        corridors=tuple(_corridor(row, kinds, f"{file}: corridor[{i + 1}]") for i, row in enumerate(given.corridor)),
        flows=tuple(_flow(row, given.growth, kinds, f"{file}: flow[{i + 1}]") for i, row in enumerate(given.flow)),
        content_hash=content_hash(msgspec.json.encode(given, order="sorted")),
        file=file,
    )
    if demand.trains > MOST_TRAINS:
        raise InputError(f"asks for {demand.trains} trains a day; at most {MOST_TRAINS}", where=f"{file}: flow")
    return demand


def with_codes(demand: MilitaryDemand, points: Points) -> MilitaryDemand:
    """Return the demand with the codes of its points as the network writes them.

    Raises
    ------
    InputError
        If a point is unknown, with the nearest names, or stands twice on a way.
    """

    def looked_up(relation: Relation, place: str) -> Relation:
        named = [("from", relation.origin), *(("via", v) for v in relation.via), ("to", relation.destination)]
        codes = [points.code[known_point(points, text, f"{demand.file}: {place}.{key}")] for key, text in named]
        if len(set(codes)) < len(codes):
            raise InputError("names the same point twice", where=f"{demand.file}: {place}")
        return Relation(codes[0], codes[-1], tuple(codes[1:-1]))

    return replace(
        demand,
        corridors=tuple(
            replace(row, relation=looked_up(row.relation, f"corridor[{i + 1}]"))
            for i, row in enumerate(demand.corridors)
        ),
        flows=tuple(
            replace(row, relation=looked_up(row.relation, f"flow[{i + 1}]")) for i, row in enumerate(demand.flows)
        ),
    )


_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`(?: - at `(?P<path>[^`]*)`)?")
_KEYS: dict[str, type[msgspec.Struct]] = {"$": _File, "corridor": _Corridor, "flow": _Flow, "growth": Growth}


def _refused(message: str, file: str) -> InputError:
    """Return the error of a value that msgspec refuses, in our words."""
    what, _, path = message.partition(" - at `")
    place = ".".join(_steps(path.rstrip("`")))
    where = f"{file}: {place}" if place else file
    if match := _UNKNOWN.match(message):
        key = match["key"]
        table = re.sub(r"\[\d+\]", "", place.rsplit(".", 1)[-1]) or "$"
        known = [field.encode_name for field in msgspec.structs.fields(_KEYS.get(table, _File))]
        near = difflib.get_close_matches(key, known, n=2, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known here: {', '.join(known)}"
        return InputError(
            "is not a key of a demand", where=f"{file}: {place}.{key}" if place else f"{file}: {key}", hint=hint
        )
    return InputError(what[:1].lower() + what[1:], where=where)


def _steps(path: str) -> Iterator[str]:
    """Yield the steps of a path of msgspec, lists counted from 1."""
    for step in path.removeprefix("$").lstrip(".").split("."):
        if step:
            yield re.sub(r"\[(\d+)\]", lambda match: f"[{int(match[1]) + 1}]", step)


def _title(title: Mapping[str, str], where: str) -> dict[str, str]:
    for lang in title:
        if lang not in ("nl", "en"):
            raise InputError(f"does not know language {lang!r}", where=where, hint="nl or en")
    return dict(title)


def _once(names: list[str], where: str) -> None:
    for name in names:
        if not name.strip():
            raise InputError("has an empty name", where=where)
        if names.count(name) > 1:
            raise InputError(f"names {name!r} twice", where=where)


def _kind(name: str, values: Mapping[str, Any], where: str) -> Kind:
    given = dict(values)
    title = given.pop("title", {})
    if not isinstance(title, dict) or not all(isinstance(text, str) for text in title.values()):
        raise InputError("must be texts by language", where=f"{where}.title", hint='title = { nl = "…", en = "…" }')
    try:
        train = train_from({k: float(v) if type(v) is int else v for k, v in given.items()})
    except InputError as error:
        raise InputError(error.message, where=f"{where}.{error.where}".rstrip("."), hint=error.hint) from error
    return Kind(name, _title(title, f"{where}.title"), train)


def _known_kind(name: str, kinds: Mapping[str, Kind], where: str) -> str:
    if name not in kinds:
        raise InputError(f"names {name!r}, which is no kind of train here", where=where, hint=", ".join(kinds))
    return name


def _check_growth(growth: Growth, where: str) -> None:
    for key in ("volume", "frequency"):
        value = getattr(growth, key)
        if not (math.isfinite(value) and 0.1 <= value <= 20):
            raise InputError(f"is {value:g}; it must lie between 0.1 and 20", where=f"{where}.{key}")


def _corridor(row: _Corridor, kinds: Mapping[str, Kind], where: str) -> Corridor:
    chosen = tuple(_known_kind(kind, kinds, f"{where}.kinds") for kind in row.kinds) or tuple(kinds)
    relation = Relation(row.from_, row.to, tuple(row.via))
    return Corridor(row.name, _title(row.title, f"{where}.title"), relation, chosen, row.both, row.source)


def _flow(row: _Flow, growth: Growth, kinds: Mapping[str, Kind], where: str) -> Flow:
    _known_kind(row.kind, kinds, f"{where}.kind")
    _check_growth(row.growth, f"{where}.growth")
    limits = (("transports", 1.0, 96.0), ("trains", 1.0, 50.0), ("notice_h", 0.0, 8760.0), ("within_h", 0.25, 24.0))
    for key, least, most in limits:
        value = getattr(row, key)
        if not least <= value <= most:
            raise InputError(f"is {value:g}; it must lie between {least:g} and {most:g}", where=f"{where}.{key}")
    return Flow(
        name=row.name,
        title=_title(row.title, f"{where}.title"),
        relation=Relation(row.from_, row.to, tuple(row.via)),
        kind=row.kind,
        transports=_grown(row.transports, growth.frequency * row.growth.frequency),
        trains=_grown(row.trains, growth.volume * row.growth.volume),
        first_s=_clock_s(row.first, f"{where}.first"),
        notice_s=round(row.notice_h * 3600),
        within_s=round(row.within_h * 3600),
        source=row.source,
    )


def _grown(number: int, times: float) -> int:
    return max(math.ceil(number * times - 1e-9), 1)


def _clock_s(text: str, where: str) -> int:
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", text.strip(), re.ASCII)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise InputError(f"is {text!r}, a clock time was expected", where=where, hint='write first = "06:00"')
    seconds = int(match[1]) * 3600 + int(match[2]) * 60
    return seconds if seconds >= DAY_START_S else seconds + DAY_S

"""The request file: what has to run, from where to where, when, and under which conditions.

Clock times are Europe/Amsterdam; inside the program they are seconds of the operating day
(see :mod:`weerspoor.common.clock`). The reader never guesses: an unknown key, a time that cannot be or a
contradiction raises :class:`~weerspoor.common.errors.InputError` that names the place in the file.
"""

from __future__ import annotations

import datetime as dt
import difflib
import json
import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from weerspoor.capacity.plan import Sentence
from weerspoor.common.clock import DAY_S, DAY_START_S, clock
from weerspoor.common.errors import InputError
from weerspoor.common.files import content_hash

if TYPE_CHECKING:
    from pathlib import Path

    from weerspoor.network.model import Points

LOOK_AHEAD_S = DAY_S
"""How far after the anchor a search without a window at its end looks."""

LONGEST_CLOCK_WINDOW_S = DAY_S // 2
"""A longer window has to be written in full times, because clock times would not say which day is meant."""

FURTHEST_S = 2 * DAY_S
"""No time of a request may lie further after its anchor."""

FURTHEST_CLOSURE_S = 366 * DAY_S
"""A closure may have begun a year ago and end in a year; more is taken for a slip of the pen."""

NUMBERS = (
    "length_m",
    "mass_t",
    "max_speed_kmh",
    "axle_load_t",
    "metre_load_t",
    "load_half_width_mm",
    "load_height_mm",
    "brake_percentage",
)
"""Characteristics of a train that are numbers above 0."""

WORDS = ("brake_position", "gauge")
LISTS = ("traction", "protection", "dangerous_goods", "locomotives")
TRUTHS = ("guarded", "cab_at_both_ends")
NEEDED = ("length_m", "mass_t", "max_speed_kmh", "traction")
"""What a train without a template has to say."""

NEEDED_ONLY, ALLOWED, NEVER = "needed", "allowed", "never"
TURN_BACK = (NEEDED_ONLY, ALLOWED, NEVER)
"""When a train turns back on the way: only where tracks lead through in no other way, wherever it may, or never."""

GROUNDS = ("fixed_time", "guarding", "threat")
"""Grounds of urgency: must be somewhere at a fixed time; needs special care such as guarding; the threat asks for it."""

DECIDERS = ("DEF", "IENW")
"""Who may decide on urgency: the ministries of Defence, and of Infrastructure and Water Management."""

MOST_IN_SERIES = 20
LONGEST_INTERVAL_S = 4 * 3600
FURTHEST_RETURN_S = 7 * DAY_S
"""The empty or loaded trains of a series have to be ready to go back within this time after its anchor."""

ZONE = ZoneInfo("Europe/Amsterdam")


@dataclass(frozen=True)
class Window:
    """From ``earliest_s`` to ``latest_s``, both included, in seconds of the operating day."""

    earliest_s: int
    latest_s: int


@dataclass(frozen=True)
class TrainRequest:
    """A template, or nothing, and the characteristics that the request gives itself.

    Attributes
    ----------
    template : str
        Name of a template; empty when the request gives the characteristics themselves.
    values : dict
        Characteristics by name, lists as tuples.
    """

    template: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Via:
    """A place on the way: passed when ``stop_s`` is 0, else stopped at for at least that long.

    Attributes
    ----------
    kind : str
        Kind of stop (``crew_change``, …) or empty.
    """

    point: str
    stop_s: int = 0
    window: Window | None = None
    kind: str = ""


@dataclass(frozen=True)
class Closure:
    """Tracks between two points on which nothing runs from ``from_s`` until ``until_s``.

    Attributes
    ----------
    tracks : tuple of str
        Names of tracks; ``("all",)`` for every parallel running track of the shortest way between the two.
    """

    points: tuple[str, str]
    tracks: tuple[str, ...]
    from_s: int
    until_s: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as a plan repeats them."""
        return {
            "between": list(self.points),
            "tracks": list(self.tracks),
            "from_s": self.from_s,
            "until_s": self.until_s,
        }


@dataclass(frozen=True)
class Urgency:
    """Why a train is urgent, and who has decided so.

    Attributes
    ----------
    ground : str
        One of ``GROUNDS``.
    legal_basis : str
        What the urgency rests on, in the words of the request; empty if it says nothing.
    decided_by : tuple of str
        Those of ``DECIDERS`` who have decided, in that order.
    """

    ground: str
    legal_basis: str = ""
    decided_by: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as a plan repeats them."""
        return {"ground": self.ground, "legal_basis": self.legal_basis, "decided_by": list(self.decided_by)}


@dataclass(frozen=True)
class Series:
    """Several equal trains that belong together.

    Attributes
    ----------
    count : int
        Trains, the first included; 1 to ``MOST_IN_SERIES``.
    interval_s : int
        Least time from one train to the next at the origin; 0 to ``LONGEST_INTERVAL_S``.
    together : bool
        All of them or none.
    return_ready_s : int or None
        When the first train is ready at the destination to go back; None if none goes back.
    """

    count: int
    interval_s: int = 0
    together: bool = False
    return_ready_s: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as a plan repeats them."""
        return {
            "count": self.count,
            "interval_s": self.interval_s,
            "together": self.together,
            "return_ready_s": self.return_ready_s,
        }


@dataclass(frozen=True)
class Change:
    """What becomes different from a moment on; only what is given changes.

    Attributes
    ----------
    ready_s : int or None
        The train is ready at its origin at another time.
    window : Window or None
        Another window at the destination.
    closures : tuple of Closure
        Tracks that are closed beside those of the request.
    file : str
        Name of the file, for messages.
    """

    ready_s: int | None = None
    window: Window | None = None
    closures: tuple[Closure, ...] = ()
    file: str = field(default="", compare=False)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values in seconds of the operating day, as a plan repeats them."""
        return {
            "ready_s": self.ready_s,
            "window_s": None if self.window is None else [self.window.earliest_s, self.window.latest_s],
            "closed": [closure.as_dict() for closure in self.closures],
        }


@dataclass(frozen=True)
class Request:
    """A request as read; its points are as written until :func:`with_points` has looked them up.

    Attributes
    ----------
    reference : str
    date : datetime.date or None
        The operating day, 05:00 to 05:00.
    origin, destination : str
        Points.
    ready_s : int or None
        Not before; None for a train that comes in over a border in ``origin_window``.
    origin_window, destination_window : Window or None
    avoid : tuple of str
        Points the train does not come through.
    avoid_stand : tuple of str
        Points it may pass but not stand at.
    slack_s : int
        Distance to other trains wanted beyond the norm.
    turn_back : str
        One of ``TURN_BACK``.
    urgency : Urgency or None
    series : Series or None
        None for a single train.
    notes : tuple of str
        What the reader of a plan has to know about its times.
    content_hash : str
        Of the meaning, not of the spelling.
    file : str
        Name of the file, for messages.
    """

    reference: str
    date: dt.date | None
    train: TrainRequest
    origin: str
    ready_s: int | None
    origin_window: Window | None
    destination: str
    destination_window: Window | None
    via: tuple[Via, ...] = ()
    avoid: tuple[str, ...] = ()
    avoid_stand: tuple[str, ...] = ()
    slack_s: int = 0
    turn_back: str = NEEDED_ONLY
    closures: tuple[Closure, ...] = ()
    urgency: Urgency | None = None
    series: Series | None = None
    notes: tuple[Sentence, ...] = ()
    file: str = field(default="", compare=False)
    places: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def anchor_s(self) -> int:
        """The time every other clock time of the request follows on."""
        return self.ready_s if self.origin_window is None and self.ready_s is not None else self._window_start_s

    @property
    def _window_start_s(self) -> int:
        if self.origin_window is None:
            raise InputError("has neither a time it is ready nor a window", where=f"{self.file}: from")
        return self.origin_window.earliest_s

    @property
    def horizon_s(self) -> int:
        """The last second the search looks at: 24 hours after the anchor, or the end of the window at the end."""
        if self.destination_window is not None:
            return self.destination_window.latest_s
        return self.anchor_s + LOOK_AHEAD_S

    @property
    def content_hash(self) -> str:
        """Hash of the meaning: two files that ask the same have the same."""
        return content_hash(json.dumps(self.as_dict(), sort_keys=True, ensure_ascii=False).encode())

    def as_dict(self) -> dict[str, Any]:
        """Return the request as plain values in seconds of the operating day, as a plan repeats it."""

        def window(value: Window | None) -> list[int] | None:
            return None if value is None else [value.earliest_s, value.latest_s]

        return {
            "reference": self.reference,
            "date": self.date.isoformat() if self.date else "",
            "train": {"template": self.train.template}
            | {k: list(v) if isinstance(v, tuple) else v for k, v in sorted(self.train.values.items())},
            "from": {"point": self.origin, "ready_s": self.ready_s, "window_s": window(self.origin_window)},
            "to": {"point": self.destination, "window_s": window(self.destination_window)},
            "via": [
                {"point": v.point, "stop_s": v.stop_s, "kind": v.kind, "window_s": window(v.window)} for v in self.via
            ],
            "avoid": {"points": list(self.avoid), "stand": list(self.avoid_stand)},
            "prefer": {"slack_s": self.slack_s, "turn_back": self.turn_back},
            "closed": [closure.as_dict() for closure in self.closures],
            "horizon_s": self.horizon_s,
            **({} if self.urgency is None else {"urgency": self.urgency.as_dict()}),
            **({} if self.series is None else {"series": self.series.as_dict()}),
        }


def load_request(path: Path) -> Request:
    """Read a request file.

    Raises
    ------
    InputError
        If the file cannot be read, or :func:`read_request` refuses what is in it.
    """
    try:
        raw = path.read_bytes()
    except IsADirectoryError as error:
        raise InputError("is a folder, a request file was expected", where=str(path)) from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except ValueError as error:
        raise InputError("is not the name of a file", where=repr(str(path))) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"is not text in UTF-8 (byte {error.start})", where=path.name) from error
    return read_request(text, path.name)


def read_request(text: str, file: str = "request.toml") -> Request:
    """Read the text of a request.

    Parameters
    ----------
    text : str
        TOML.
    file : str
        Its name, for messages; its stem is the reference of a request that gives none.

    Raises
    ------
    InputError
        For anything unknown, malformed or contradictory, with the place in the file.
    """
    try:
        document = tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"is not TOML: {error}", where=file) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not TOML: {str(error).splitlines()[0] if str(error) else 'too deep'}", where=file) from (
            error
        )
    request = _Reader(text, file).request(document)
    _refuse_contradictions(request)
    return request


class _Table:
    """One table of the file, which knows where it stands and which keys have been asked for."""

    def __init__(self, reader: _Reader, path: str, values: Mapping[str, Any]) -> None:
        self.reader, self.path, self.values = reader, path, values

    def place(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def refuse(self, key: str, message: str, hint: str = "") -> InputError:
        return self.reader.refuse(self.place(key), message, hint)

    def only(self, *known: str) -> _Table:
        for key in self.values:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=2, cutoff=0.5)
                hint = f"did you mean {' or '.join(near)}?" if near else f"known here: {', '.join(known)}"
                raise self.refuse(key, "is not a key of a request", hint)
        return self

    def get(self, key: str) -> Any:
        return self.values.get(key)

    def table(self, key: str, *, needed: bool = False) -> _Table:
        value = self.values.get(key)
        if value is None:
            if needed:
                raise self.refuse(key, "is missing", f"add a table [{self.place(key)}]")
            value = {}
        if not isinstance(value, dict):
            raise self.refuse(key, f"is {_sort(value)}, a table was expected", f"write [{self.place(key)}]")
        return _Table(self.reader, self.place(key), value)

    def tables(self, key: str) -> list[_Table]:
        value = self.values.get(key, [])
        if isinstance(value, dict):
            raise self.refuse(key, "is one table, a list of tables was expected", f"write [[{self.place(key)}]]")
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.refuse(key, f"is {_sort(value)}, a list of tables was expected", f"write [[{self.place(key)}]]")
        return [_Table(self.reader, f"{self.place(key)}[{i + 1}]", item) for i, item in enumerate(value)]

    def word(self, key: str, *, needed: bool = False, longest: int = 80) -> str:
        value = self.values.get(key)
        if value is None:
            if needed:
                raise self.refuse(key, "is missing")
            return ""
        return self._word(key, value, longest)

    def _word(self, key: str, value: Any, longest: int = 80) -> str:
        if not isinstance(value, str):
            raise self.refuse(key, f"is {_sort(value)}, a text was expected", f'write {key} = "…"')
        if not value.strip():
            raise self.refuse(key, "is empty")
        if len(value) > longest or not value.isprintable():
            raise self.refuse(key, f"must be one line of at most {longest} characters")
        return value.strip()

    def words(self, key: str) -> tuple[str, ...]:
        value = self.values.get(key, [])
        if isinstance(value, str):
            raise self.refuse(key, "is a text, a list was expected", f'write {key} = ["{value}"]')
        if not isinstance(value, list):
            raise self.refuse(key, f"is {_sort(value)}, a list of texts was expected")
        result = tuple(self._word(key, item) for item in value)
        for i, item in enumerate(result):
            if item.casefold() in (other.casefold() for other in result[:i]):
                raise self.refuse(key, f"names {item} twice")
        return result

    def number(self, key: str, *, least: float, most: float, unit: str = "") -> float | None:
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.refuse(key, f"is {_sort(value)}, a number was expected", f"write {key} = 100")
        if not math.isfinite(value):
            raise self.refuse(key, f"is {value}, a number was expected")
        if not least <= value <= most:
            raise self.refuse(key, f"is {value:g}{unit}; it must lie between {least:g} and {most:g}{unit}")
        return float(value)

    def seconds(self, key: str, most: int) -> int:
        value = self.number(key, least=0, most=most, unit=" s")
        if value is None:
            return 0
        if value != int(value):
            raise self.refuse(key, f"is {value:g}; whole seconds were expected")
        return int(value)

    def truth(self, key: str) -> bool | None:
        value = self.values.get(key)
        if value is not None and not isinstance(value, bool):
            raise self.refuse(key, f"is {_sort(value)}; write true or false")
        return value


_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\Z", re.ASCII)
_FULL = re.compile(r"(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2}))?(Z|[+-]\d{2}:\d{2})?\Z", re.ASCII)


@dataclass(frozen=True)
class _Time:
    """A time as written: seconds of the clock, or a full time as seconds of the operating day."""

    clock_s: int | None
    full_s: int | None


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.text, self.file = text, file
        self.date: dt.date | None = None
        self.notes: list[Sentence] = []

    def refuse(self, place: str, message: str, hint: str = "") -> InputError:
        line = line_of(self.text, place)
        return InputError(
            message, where=f"{self.file}, line {line}: {place}" if line else f"{self.file}: {place}", hint=hint
        )

    def request(self, document: Mapping[str, Any]) -> Request:
        top = _Table(self, "", document).only(
            "reference", "date", "train", "from", "to", "via", "avoid", "prefer", "closed"
        )
        reference = top.word("reference", longest=64) or self.file.rsplit("/", 1)[-1].removesuffix(".toml") or "request"
        self.date = self._date(top)
        self._note_change_of_clock()
        train = self._train(top.table("train", needed=True))

        origin = top.table("from", needed=True).only("point", "ready", "window")
        destination = top.table("to", needed=True).only("point", "window")
        origin_point = origin.word("point", needed=True)
        destination_point = destination.word("point", needed=True)
        if origin.get("ready") is not None and origin.get("window") is not None:
            raise origin.refuse("window", "stands beside from.ready", "give one of the two")
        ready_s: int | None = None
        origin_window: Window | None = None
        if origin.get("window") is not None:
            origin_window = self._window(origin, anchor_s=None)
            anchor_s = origin_window.earliest_s
        elif origin.get("ready") is not None:
            ready_s = anchor_s = self._anchor(origin, "ready", self._time(origin, "ready", origin.get("ready")))
        else:
            raise origin.refuse("ready", "is missing", 'write ready = "20:30", or window = ["20:30", "21:00"]')

        destination_window = self._window(destination, anchor_s) if destination.get("window") is not None else None
        via = tuple(self._via(table, anchor_s) for table in top.tables("via"))
        avoid = top.table("avoid").only("points", "stand")
        prefer = top.table("prefer").only("slack_s", "turn_back")
        turn_back = prefer.word("turn_back") or NEEDED_ONLY
        if turn_back not in TURN_BACK:
            raise prefer.refuse("turn_back", f"is {turn_back!r}", f"one of {', '.join(TURN_BACK)}")
        return Request(
            reference=reference,
            date=self.date,
            train=train,
            origin=origin_point,
            ready_s=ready_s,
            origin_window=origin_window,
            destination=destination_point,
            destination_window=destination_window,
            via=via,
            avoid=avoid.words("points"),
            avoid_stand=avoid.words("stand"),
            slack_s=prefer.seconds("slack_s", most=3600),
            turn_back=turn_back,
            closures=tuple(self._closure(table, anchor_s) for table in top.tables("closed")),
            notes=tuple(self.notes),
            file=self.file,
            places=_places(self),
        )

    def _date(self, top: _Table) -> dt.date | None:
        value = top.get("date")
        if value is None:
            return None
        if isinstance(value, dt.datetime) or not isinstance(value, (str, dt.date)):
            raise top.refuse("date", f"is {_sort(value)}, a date was expected", 'write date = "2026-11-24"')
        if isinstance(value, str):
            if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip(), re.ASCII):
                raise top.refuse("date", f"is {value!r}, a date was expected", 'write date = "2026-11-24"')
            try:
                value = dt.date.fromisoformat(value.strip())
            except ValueError as error:
                raise top.refuse("date", f"is {value!r}: there is no such day") from error
        if not 2000 <= value.year <= 2100:
            raise top.refuse("date", f"is in the year {value.year}; it must lie between 2000 and 2100")
        return value

    def _note_change_of_clock(self) -> None:
        if self.date is None:
            return
        start, end = _day_start(self.date), _day_start(self.date + dt.timedelta(days=1))
        if end - start != DAY_S:
            way = "forward" if end - start < DAY_S else "back"
            self.notes.append(Sentence(f"plan.warning.clock_{way}", {"date": self.date.isoformat()}))

    def _train(self, table: _Table) -> TrainRequest:
        table.only("template", *TRUTHS, *NUMBERS, *WORDS, *LISTS)
        values: dict[str, Any] = {}
        for key in NUMBERS:
            number = table.number(key, least=0, most=1_000_000)
            if number is not None:
                if number == 0:
                    raise table.refuse(key, "is 0; it must be above 0")
                values[key] = number
        for key in WORDS:
            if table.get(key) is not None:
                values[key] = table.word(key)
        for key in LISTS:
            if table.get(key) is not None:
                values[key] = table.words(key)
        for key in TRUTHS:
            if (truth := table.truth(key)) is not None:
                values[key] = truth
        if "traction" in values and not values["traction"]:
            raise table.refuse("traction", "is empty", 'write traction = ["diesel"]')
        template = table.word("template")
        if not template:
            for key in NEEDED:
                if key not in values:
                    raise table.refuse(key, "is missing", "a train without a template has to say it itself")
        mean = values.get("mass_t", 0) / values.get("length_m", math.inf)
        if mean > values.get("metre_load_t", math.inf):
            raise table.refuse(
                "metre_load_t",
                f"is {values['metre_load_t']:g} t/m, but the mass over the length is already {mean:.1f} t/m on average",
            )
        return TrainRequest(template, values)

    def _via(self, table: _Table, anchor_s: int) -> Via:
        table.only("point", "stop_s", "window", "kind")
        window = self._window(table, anchor_s) if table.get("window") is not None else None
        via = Via(table.word("point", needed=True), table.seconds("stop_s", most=DAY_S), window, table.word("kind"))
        if via.kind and not via.stop_s:
            raise table.refuse("kind", "says what the stop is for, but there is no stop", "give stop_s as well")
        return via

    def _closure(self, table: _Table, anchor_s: int) -> Closure:
        table.only("between", "tracks", "from", "to")
        between = table.words("between")
        if len(between) != 2:
            raise table.refuse("between", f"names {len(between)} points", 'write between = ["Dv", "Hgl"]')
        tracks = table.words("tracks") or ("all",)
        if any(name.casefold() == "all" for name in tracks):
            if len(tracks) > 1:
                raise table.refuse("tracks", "names all and single tracks", "give one of the two")
            tracks = ("all",)
        for key in ("from", "to"):
            if table.get(key) is None:
                raise table.refuse(key, "is missing")
        start, end = self._time(table, "from", table.get("from")), self._time(table, "to", table.get("to"))
        if end.full_s is not None:
            until_s = end.full_s
        elif start.full_s is not None:
            until_s = self._first(table, "to", end, start.full_s + 1)
        else:
            until_s = self._first(table, "to", end, anchor_s + 1)
        if start.full_s is not None:
            from_s = start.full_s
        elif start.clock_s == end.clock_s:
            raise table.refuse("from", "is the same time as its end", "write both as full times: 2026-11-24T23:00")
        else:
            from_s = self._last_before(table, "from", start, until_s)
        if from_s >= until_s:
            raise table.refuse("to", "is not after its beginning")
        if max(abs(from_s), abs(until_s)) > FURTHEST_CLOSURE_S:
            raise table.refuse("from", "lies more than a year away from the operating day")
        return Closure((between[0], between[1]), tracks, from_s, until_s)

    def _window(self, table: _Table, anchor_s: int | None) -> Window:
        value = table.get("window")
        if not isinstance(value, list) or len(value) != 2:
            raise table.refuse("window", "must be two times", 'write window = ["04:10", "04:40"]')
        start, end = (self._time(table, "window", item) for item in value)
        if anchor_s is None:
            earliest_s = self._anchor(table, "window", start)
        elif start.full_s is not None:
            earliest_s = start.full_s
        else:
            earliest_s = self._first(table, "window", start, anchor_s)
        if end.full_s is not None:
            latest_s = end.full_s
        elif end.clock_s == start.clock_s:
            raise table.refuse("window", "ends when it begins", "give it some minutes, or write full times")
        else:
            latest_s = self._first(table, "window", end, earliest_s + 1)
            if latest_s - earliest_s > LONGEST_CLOCK_WINDOW_S:
                hours, minutes = divmod((latest_s - earliest_s) // 60, 60)
                raise table.refuse(
                    "window",
                    f"ends before it begins, or lasts {hours} h {minutes:02d} min",
                    "a window of more than 12 hours needs full times: 2026-11-25T04:10",
                )
        if latest_s <= earliest_s:
            raise table.refuse("window", "ends before it begins")
        first_s = earliest_s if anchor_s is None else anchor_s
        if latest_s < first_s:
            raise table.refuse("window", f"ends before the train is there to run ({clock(first_s)})")
        if latest_s - first_s > FURTHEST_S:
            raise table.refuse("window", f"lies more than {FURTHEST_S // 3600} hours after the train is ready")
        return Window(earliest_s, latest_s)

    def _time(self, table: _Table, key: str, value: Any) -> _Time:
        """Read a clock time or a full time; tables of TOML's own kinds of time are welcome too."""
        if isinstance(value, (dt.datetime, dt.time)):
            value = value.isoformat(timespec="seconds")
        if not isinstance(value, str):
            raise table.refuse(key, f"is {_sort(value)}, a time was expected", 'write "20:30"')
        text = value.strip()
        if match := _CLOCK.match(text):
            hours, minutes, seconds = int(match[1]), int(match[2]), int(match[3] or 0)
            if hours > 23 or minutes > 59 or seconds > 59:
                raise table.refuse(key, f"is {text!r}: there is no such time", "the day runs from 00:00 to 23:59:59")
            return _Time(hours * 3600 + minutes * 60 + seconds, None)
        if match := _FULL.match(text):
            if self.date is None:
                raise table.refuse(key, f"is the full time {text!r}, but the request has no date", 'add date = "…"')
            return _Time(None, self._full(table, key, text, match))
        raise table.refuse(key, f"is {text[:40]!r}, a time was expected", 'write "20:30", or "2026-11-25T04:10"')

    def _full(self, table: _Table, key: str, text: str, match: re.Match[str]) -> int:
        offset = match[7]
        parts = [int(match[i] or 0) for i in range(1, 7)]
        try:
            moment = dt.datetime(*parts)  # type: ignore[arg-type]
        except ValueError as error:
            raise table.refuse(key, f"is {text!r}: there is no such time") from error
        if not 1990 <= moment.year <= 2110:
            raise table.refuse(key, f"is {text!r}: it lies too far from the operating day")
        if offset:
            try:
                aware = dt.datetime.fromisoformat(text.replace(" ", "T").replace("Z", "+00:00"))
            except ValueError as error:
                raise table.refuse(key, f"is {text!r}: there is no such offset") from error
            return self._elapsed(aware)
        return self._local(table, key, moment)

    def _elapsed(self, moment: dt.datetime) -> int:
        if self.date is None:
            raise InputError("a full time needs a date", where=self.file)
        return int(moment.timestamp()) - _day_start(self.date) + DAY_START_S

    def _local(self, table: _Table, key: str, moment: dt.datetime) -> int:
        """Seconds of the operating day of a local time; refuses the hours a change of clock leaves out or repeats."""
        aware = moment.replace(tzinfo=ZONE)
        if aware.astimezone(dt.UTC).astimezone(ZONE).replace(tzinfo=None) != moment:
            raise table.refuse(
                key, f"is {moment:%H:%M} on {moment:%Y-%m-%d}: the clock goes forward then and there is no such time"
            )
        if aware.utcoffset() != aware.replace(fold=1).utcoffset():
            raise table.refuse(
                key,
                f"is {moment:%H:%M} on {moment:%Y-%m-%d}: the clock goes back then and there are two such times",
                f"write {moment:%Y-%m-%dT%H:%M}+02:00 for the first, +01:00 for the second",
            )
        return self._elapsed(aware)

    def _anchor(self, table: _Table, key: str, time: _Time) -> int:
        """Read the anchor in the operating day: clock times before 05:00 are of its night."""
        anchor_s = time.full_s if time.full_s is not None else self._first(table, key, time, DAY_START_S)
        length_s = _day_length(self.date) if self.date else DAY_S
        if not DAY_START_S <= anchor_s < DAY_START_S + length_s:
            raise table.refuse(
                key,
                "lies outside the operating day, which runs from 05:00 to 05:00",
                f"the date is {self.date.isoformat()}" if self.date else "",
            )
        return anchor_s

    def _first(self, table: _Table, key: str, time: _Time, not_before_s: int) -> int:
        """First such clock time at or after a moment."""
        for day in range(-2, 6):
            moment_s = self._on_day(table, key, time, not_before_s, day)
            if moment_s is not None and moment_s >= not_before_s:
                return moment_s
        raise table.refuse(key, "has no such time in the days that follow")

    def _last_before(self, table: _Table, key: str, time: _Time, before_s: int) -> int:
        for day in range(2, -6, -1):
            moment_s = self._on_day(table, key, time, before_s, day)
            if moment_s is not None and moment_s < before_s:
                return moment_s
        raise table.refuse(key, "has no such time in the days before")

    def _on_day(self, table: _Table, key: str, time: _Time, near_s: int, day: int) -> int | None:
        """Return the clock time on the ``day``-th day from the one of ``near_s``; with a date, by the real clock."""
        if time.clock_s is None:
            raise table.refuse(key, "must be a clock time")
        days = near_s // DAY_S + day
        if self.date is None:
            return days * DAY_S + time.clock_s
        hours, rest = divmod(time.clock_s, 3600)
        date = self.date + dt.timedelta(days=days)
        moment = dt.datetime.combine(date, dt.time(hours, rest // 60, rest % 60))
        rough_s = days * DAY_S + time.clock_s
        if abs(rough_s - near_s) > DAY_S + 2 * 3600:  # never asked for, so the change of clock there does not matter
            return self._elapsed(moment.replace(tzinfo=ZONE))
        return self._local(table, key, moment)


@cache
def _day_start(date: dt.date) -> int:
    """POSIX seconds of 05:00 in Amsterdam."""
    return int(dt.datetime.combine(date, dt.time(DAY_START_S // 3600), ZONE).timestamp())


def _day_length(date: dt.date) -> int:
    return _day_start(date + dt.timedelta(days=1)) - _day_start(date)


def kind_of_day(date: dt.date) -> str:
    """Return weekday, saturday or sunday; holidays are not known."""
    return {5: "saturday", 6: "sunday"}.get(date.weekday(), "weekday")


def _sort(value: Any) -> str:
    """Name the kind of a value in words of the file, with the value where it is short."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"the number {value}"[:60]
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, (dt.date, dt.time)):
        return f"the time {value.isoformat()}"
    return "of another kind"


_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.\"'-]+)\s*\]")
_KEY = re.compile(r"\s*[\"']?([\w-]+)[\"']?\s*=")


def line_of(text: str, place: str) -> int:
    """Return the line of the file on which ``place`` (such as ``via[2].stop_s``) stands, 0 if it is not found."""
    table = ""
    counts: dict[str, int] = {}
    table_line = 0
    header, _, key = place.rpartition(".")
    for number, line in enumerate(text.splitlines(), 1):
        if match := _HEADER.match(line):
            table = match[2].strip("\"'")
            if match[1] == "[[":
                counts[table] = counts.get(table, 0) + 1
                table = f"{table}[{counts[table]}]"
            if table == place or re.sub(r"\[\d+\]", "", table) == place:
                return number
            if table == header:
                table_line = number
        elif (match := _KEY.match(line)) and table == header and match[1] == key:
            return number
    return table_line


def _places(reader: _Reader) -> dict[str, str]:
    """Where each table of the file stands, for messages about values that are looked up later."""
    return {place: str(line) for place in ("train", "from", "to", "avoid") if (line := line_of(reader.text, place))}


def where(request: Request, place: str) -> str:
    """Return the place of a value as messages name it."""
    line = request.places.get(place.split(".", 1)[0], "")
    return f"{request.file}, line {line}: {place}" if line else f"{request.file}: {place}"


def named_points(request: Request) -> Iterator[tuple[str, str]]:
    """Yield (place in the file, point) for every point the request names."""
    yield "from.point", request.origin
    yield "to.point", request.destination
    for i, via in enumerate(request.via):
        yield f"via[{i + 1}].point", via.point
    for point in request.avoid:
        yield "avoid.points", point
    for point in request.avoid_stand:
        yield "avoid.stand", point
    for i, closure in enumerate(request.closures):
        for point in closure.points:
            yield f"closed[{i + 1}].between", point


def _refuse_contradictions(request: Request) -> None:
    """Refuse what cannot be meant: a point twice on the way, or both wanted and avoided."""

    def refuse(place: str, message: str) -> InputError:
        return InputError(message, where=where(request, place))

    seen: dict[str, str] = {}
    for place, point in named_points(request):
        if not place.startswith(("from", "to", "via")):
            continue
        key = point.casefold()
        if key in seen:
            raise refuse(place, f"names {point}, which already stands in {seen[key]}")
        seen[key] = place
    for point in request.avoid:
        if point.casefold() in seen:
            raise refuse(
                "avoid.points", f"names {point}, which the train has to come through ({seen[point.casefold()]})"
            )
    stands = {via.point.casefold(): f"via[{i + 1}]" for i, via in enumerate(request.via) if via.stop_s}
    if request.ready_s is not None:
        stands[request.origin.casefold()] = "from.ready"
    for point in request.avoid_stand:
        if point.casefold() in stands:
            raise refuse("avoid.stand", f"names {point}, where the train has to stand ({stands[point.casefold()]})")
    last_s = request.anchor_s
    for i, via in enumerate(request.via):
        if via.window is not None:
            if via.window.latest_s < last_s:
                raise refuse(f"via[{i + 1}].window", f"ends before the train can be there ({clock(last_s)})")
            last_s = max(last_s, via.window.earliest_s)
    if request.destination_window is not None and request.destination_window.latest_s <= last_s:
        raise refuse("to.window", f"ends before the train can be there ({clock(last_s)})")


def nearest(text: str, words: Iterable[str], n: int = 3) -> list[str]:
    """Return the words most like ``text``, without regard to case."""
    by_fold: dict[str, str] = {}
    for word in words:
        by_fold.setdefault(word.casefold(), word)
    return [by_fold[near] for near in difflib.get_close_matches(text.casefold(), by_fold, n=n, cutoff=0.4)]


def point_index(points: Points, text: str) -> int:
    """Return the index of the point with this code, or with this name if only one has it; -1 if there is none."""
    key = text.casefold()
    for i, code in enumerate(points.code):
        if code.casefold() == key:
            return i
    named = [i for i, name in enumerate(points.name) if name.casefold() == key]
    return named[0] if len(named) == 1 else -1


def nearest_points(points: Points, text: str, n: int = 3) -> list[str]:
    """Return ``Name (Code)`` of the points whose code or name is most like ``text``."""
    labels = {f"{name} ({code})": (code, name) for code, name in zip(points.code, points.name, strict=True)}
    key = text.casefold()

    def score(pair: tuple[str, str]) -> float:
        code, name = (part.casefold() for part in pair)
        likeness = max(difflib.SequenceMatcher(None, key, part).ratio() for part in (code, name))
        return likeness + (0.3 if name.startswith(key) or code.startswith(key) else 0.0)

    return sorted(labels, key=lambda label: (-score(labels[label]), label))[:n]


def with_points(request: Request, points: Points) -> Request:
    """Return the request with the codes of its points as the network writes them.

    Raises
    ------
    InputError
        If a point is unknown, with the nearest names; or two spellings name the same one.
    """
    codes = {
        text: points.code[known_point(points, text, where(request, place))] for place, text in named_points(request)
    }
    resolved = replace(
        request,
        origin=codes[request.origin],
        destination=codes[request.destination],
        via=tuple(replace(via, point=codes[via.point]) for via in request.via),
        avoid=_once(codes[point] for point in request.avoid),
        avoid_stand=_once(codes[point] for point in request.avoid_stand),
        closures=tuple(
            replace(closure, points=(codes[closure.points[0]], codes[closure.points[1]]))
            for closure in request.closures
        ),
    )
    _refuse_contradictions(resolved)
    for i, closure in enumerate(resolved.closures):
        if closure.points[0] == closure.points[1]:
            raise InputError("names the same point twice", where=where(request, f"closed[{i + 1}].between"))
    return resolved


def _once(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


def known_point(points: Points, text: str, place: str) -> int:
    """Return the index of a point that must be there.

    Raises
    ------
    InputError
        If there is none, with the nearest names.
    """
    index = point_index(points, text)
    if index < 0:
        near = nearest_points(points, text)
        raise InputError(
            f"names {text!r}, which is no operational point",
            where=place,
            hint=f"nearest: {', '.join(near)}" if near else "",
        )
    return index


def find_points(points: Points, text: str, most: int = 15) -> list[int]:
    """Return the points that a search for ``text`` is after: the code first, then beginnings, parts, likeness."""
    key = text.strip().casefold()

    def rank(i: int) -> tuple[float, str]:
        code, name = points.code[i].casefold(), points.name[i].casefold()
        if key == code:
            return (0, code)
        if key == name:
            return (1, code)
        if name.startswith(key) or code.startswith(key):
            return (2, name)
        if key in name:
            return (3, name)
        return (5 - difflib.SequenceMatcher(None, key, name).ratio(), name)

    ranked = sorted((rank(i), i) for i in range(len(points.code)))
    return [i for (score, _), i in ranked if score <= 4.3][:most] if key else []

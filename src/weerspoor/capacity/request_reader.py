"""Reading of request files, and of the files that change a request.

The reader never guesses: an unknown key, a time that cannot be or a contradiction raises
:class:`~weerspoor.common.errors.InputError` that names the place in the file.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from weerspoor.capacity.plan import Sentence
from weerspoor.capacity.request import (
    DECIDERS,
    GROUNDS,
    NEEDED_ONLY,
    TURN_BACK,
    Change,
    Closure,
    Request,
    Series,
    TrainRequest,
    Urgency,
    Via,
    Window,
    refuse_contradictions,
    with_change,
)
from weerspoor.capacity.request_table import Table, line_of, sort_of, toml_document
from weerspoor.common.clock import DAY_S, DAY_START_S, clock
from weerspoor.common.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

TABLES = ("reference", "date", "train", "from", "to", "via", "avoid", "prefer", "closed", "urgency", "series")
"""The keys of a request."""

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

MOST_IN_SERIES = 20
LONGEST_INTERVAL_S = 4 * 3600
FURTHEST_RETURN_S = 7 * DAY_S
"""The empty or loaded trains of a series have to be ready to go back within this time after its anchor."""

ZONE = ZoneInfo("Europe/Amsterdam")


def load_request(path: Path) -> Request:
    """Read a request file.

    Raises
    ------
    InputError
        If the file cannot be read, or :func:`read_request` refuses what is in it.
    """
    return read_request(_text_of(path), path.name)


def _text_of(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except IsADirectoryError as error:
        raise InputError("is a folder, a file was expected", where=str(path)) from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except ValueError as error:
        raise InputError("is not the name of a file", where=repr(str(path))) from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"is not text in UTF-8 (byte {error.start})", where=path.name) from error


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
    document = toml_document(text, file)
    request = _Reader(text, file).request(document)
    refuse_contradictions(request)
    return request


def load_change(path: Path, request: Request) -> Change:
    """Read a file that changes a request.

    Raises
    ------
    InputError
        If the file cannot be read, or :func:`read_change` refuses what is in it.
    """
    return read_change(_text_of(path), path.name, request)


def read_change(text: str, file: str, request: Request) -> Change:
    """Read the text of a change: any of ``ready``, ``window`` at the destination and ``[[closed]]``.

    Parameters
    ----------
    text : str
        TOML.
    file : str
        Its name, for messages.
    request : Request
        The request that changes. ``ready`` as a clock time is the one nearest the request's own, a window the first
        after the train is ready; full times need the request's date.

    Raises
    ------
    InputError
        For anything unknown, malformed or contradictory, with the place in the file; if nothing changes; or if the
        request no longer makes sense, as with a window on the way that is over, with the place in the request.
    """
    change = _Reader(text, file, request.date).change(toml_document(text, file), request)
    refuse_contradictions(with_change(request, change))
    return change


def read_moment(text: str, request: Request) -> int:
    """Return a moment of the command line: a full time, or a clock time of the request's operating day.

    Returns
    -------
    int
        Seconds of the operating day.

    Raises
    ------
    InputError
        If it is no time, or lies far from the request.
    """
    return _Reader("", "", request.date).moment("--at", text, request)


_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\Z", re.ASCII)
_FULL = re.compile(r"(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2}))?(Z|[+-]\d{2}:\d{2})?\Z", re.ASCII)


@dataclass(frozen=True)
class _Time:
    """A time as written: seconds of the clock, or a full time as seconds of the operating day."""

    clock_s: int | None
    full_s: int | None


class _Reader:
    def __init__(self, text: str, file: str, date: dt.date | None = None) -> None:
        self.text, self.file, self.date = text, file, date
        self.notes: list[Sentence] = []

    def request(self, document: Mapping[str, Any]) -> Request:
        top = Table(self.text, self.file, "", document).only(*TABLES)
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
            urgency=self._urgency(top),
            series=self._series(top, destination_window.earliest_s if destination_window else anchor_s),
            notes=tuple(self.notes),
            file=self.file,
            places=_places(self),
        )

    def change(self, document: Mapping[str, Any], request: Request) -> Change:
        top = Table(self.text, self.file, "", document, "change").only("ready", "window", "closed")
        if not document:
            raise top.refuse("ready", "is missing, and so is everything else", "give ready, window or [[closed]]")
        ready_s = None
        if (value := top.get("ready")) is not None:
            if request.origin_window is not None:
                raise top.refuse("ready", "changes a train that comes in over a border in a window", "leave it out")
            ready_s = self._near(top, "ready", self._time(top, "ready", value), request.anchor_s)
        first_s = request.anchor_s if ready_s is None else ready_s
        window = self._window(top, first_s) if top.get("window") is not None else None
        until = window or request.destination_window
        if until is not None and until.latest_s <= first_s:
            raise top.refuse(
                "ready", f"lies behind the end of the window ({clock(until.latest_s)})", "give a window too"
            )
        closures = tuple(self._closure(table, request.anchor_s) for table in top.tables("closed"))
        if ready_s is None and window is None and not closures:
            raise top.refuse("closed", "is empty, and nothing else is given", "give ready, window or [[closed]]")
        return Change(ready_s, window, closures, self.file)

    def moment(self, key: str, value: str, request: Request) -> int:
        table = Table("", "", "", {key: value})
        time = self._time(table, key, value)
        if time.full_s is None:
            return self._anchor(table, key, time)
        if abs(time.full_s - request.anchor_s) > FURTHEST_S:
            hours = FURTHEST_S // 3600
            raise table.refuse(key, f"lies more than {hours} hours from when the train is ready")
        return time.full_s

    def _urgency(self, top: Table) -> Urgency | None:
        if top.get("urgency") is None:
            return None
        table = top.table("urgency").only("ground", "legal_basis", "decided_by")
        ground = table.word("ground", needed=True)
        if ground not in GROUNDS:
            raise table.refuse("ground", f"is {ground!r}", f"one of {', '.join(GROUNDS)}")
        decided_by = table.words("decided_by")
        for decider in decided_by:
            if decider not in DECIDERS:
                raise table.refuse("decided_by", f"names {decider!r}", f"one or both of {', '.join(DECIDERS)}")
        in_order = tuple(decider for decider in DECIDERS if decider in decided_by)
        return Urgency(ground, table.word("legal_basis", longest=200), in_order)

    def _series(self, top: Table, there_s: int) -> Series | None:
        """Read the series; ``there_s`` is when the first train may be at the destination at the earliest."""
        if top.get("series") is None:
            return None
        table = top.table("series").only("count", "interval_s", "together", "return")
        count = table.number("count", least=1, most=MOST_IN_SERIES)
        if count is None:
            raise table.refuse("count", "is missing", "write count = 4")
        if count != int(count):
            raise table.refuse("count", f"is {count:g}; a whole number was expected")
        return_ready_s = None
        if table.get("return") is not None:
            back = table.table("return").only("ready")
            if back.get("ready") is None:
                raise back.refuse("ready", "is missing", 'write return = { ready = "2026-11-26T06:00" }')
            return_ready_s = self._return(back, there_s)
        interval_s = table.seconds("interval_s", most=LONGEST_INTERVAL_S)
        return Series(int(count), interval_s, table.truth("together") or False, return_ready_s)

    def _return(self, table: Table, there_s: int) -> int:
        time = self._time(table, "ready", table.get("ready"))
        ready_s = time.full_s if time.full_s is not None else self._first(table, "ready", time, there_s + 1)
        if ready_s <= there_s:
            raise table.refuse("ready", f"lies before the first train can be there ({clock(there_s)})")
        if ready_s - there_s > FURTHEST_RETURN_S:
            raise table.refuse("ready", f"lies more than {FURTHEST_RETURN_S // DAY_S} days after the first train")
        return ready_s

    def _near(self, table: Table, key: str, time: _Time, anchor_s: int) -> int:
        """Return a full time, or the clock time nearest the anchor; neither may lie far from it."""
        moment_s = time.full_s if time.full_s is not None else self._first(table, key, time, anchor_s - DAY_S // 2)
        if moment_s < DAY_START_S:
            raise table.refuse(key, "lies before the operating day, which begins at 05:00")
        if moment_s - anchor_s > FURTHEST_S:
            raise table.refuse(key, f"lies more than {FURTHEST_S // 3600} hours later than the request has it")
        return moment_s

    def _date(self, top: Table) -> dt.date | None:
        value = top.get("date")
        if value is None:
            return None
        if isinstance(value, dt.datetime) or not isinstance(value, (str, dt.date)):
            raise top.refuse("date", f"is {sort_of(value)}, a date was expected", 'write date = "2026-11-24"')
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

    def _train(self, table: Table) -> TrainRequest:
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

    def _via(self, table: Table, anchor_s: int) -> Via:
        table.only("point", "stop_s", "window", "kind")
        window = self._window(table, anchor_s) if table.get("window") is not None else None
        via = Via(table.word("point", needed=True), table.seconds("stop_s", most=DAY_S), window, table.word("kind"))
        if via.kind and not via.stop_s:
            raise table.refuse("kind", "says what the stop is for, but there is no stop", "give stop_s as well")
        return via

    def _closure(self, table: Table, anchor_s: int) -> Closure:
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

    def _window(self, table: Table, anchor_s: int | None) -> Window:
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

    def _time(self, table: Table, key: str, value: Any) -> _Time:
        """Read a clock time or a full time; tables of TOML's own kinds of time are welcome too."""
        if isinstance(value, (dt.datetime, dt.time)):
            value = value.isoformat(timespec="seconds")
        if not isinstance(value, str):
            raise table.refuse(key, f"is {sort_of(value)}, a time was expected", 'write "20:30"')
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

    def _full(self, table: Table, key: str, text: str, match: re.Match[str]) -> int:
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

    def _local(self, table: Table, key: str, moment: dt.datetime) -> int:
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

    def _anchor(self, table: Table, key: str, time: _Time) -> int:
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

    def _first(self, table: Table, key: str, time: _Time, not_before_s: int) -> int:
        """First such clock time at or after a moment."""
        for day in range(-2, 6):
            moment_s = self._on_day(table, key, time, not_before_s, day)
            if moment_s is not None and moment_s >= not_before_s:
                return moment_s
        raise table.refuse(key, "has no such time in the days that follow")

    def _last_before(self, table: Table, key: str, time: _Time, before_s: int) -> int:
        for day in range(2, -6, -1):
            moment_s = self._on_day(table, key, time, before_s, day)
            if moment_s is not None and moment_s < before_s:
                return moment_s
        raise table.refuse(key, "has no such time in the days before")

    def _on_day(self, table: Table, key: str, time: _Time, near_s: int, day: int) -> int | None:
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


def _places(reader: _Reader) -> dict[str, str]:
    """Where each table of the file stands, for messages about values that are looked up later."""
    return {place: str(line) for place in ("train", "from", "to", "avoid") if (line := line_of(reader.text, place))}

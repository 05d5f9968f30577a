"""Reading the trains of a date from a GTFS feed.

Only what a railway day needs is read: routes of trains, their trips on a date and the dates beside it, and the times
at stops. Whatever is wrong is reported with the file and the line in it.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from weerspoor.common.clock import DAY_S
from weerspoor.common.errors import InputError

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ADDED, REMOVED = "1", "2"
"""Kinds of exception in ``calendar_dates.txt``."""


@dataclass(frozen=True)
class FeedStop:
    """A stop as the feed describes it.

    Attributes
    ----------
    stop_id, code, name, zone, platform : str
        Empty where the feed has none.
    lat, lon : float or None
    parent : str
        ``stop_id`` of its station, or "".
    """

    stop_id: str
    code: str
    name: str
    zone: str
    platform: str
    lat: float | None
    lon: float | None
    parent: str


@dataclass(frozen=True)
class FeedCall:
    """A call of a trip; times in seconds from 00:00 of the date asked for, None where the feed gives none."""

    stop_id: str
    arrival_s: int | None
    departure_s: int | None


@dataclass(frozen=True)
class FeedTrip:
    """A train of the feed on one service date.

    Attributes
    ----------
    trip_id, number : str
        ``number`` is the trip's short name, or "".
    product : str
        Short and long name of its route, and its agency.
    series : str
        Short name of its route, or the long one.
    direction : int
    service_day : int
        -1, 0 or 1: the date before the one asked for, that date, the next.
    calls : list of FeedCall
    """

    trip_id: str
    number: str
    product: str
    series: str
    direction: int
    service_day: int
    calls: list[FeedCall]


@dataclass(frozen=True)
class Feed:
    """The trains of a feed around a date, and the stops they call at."""

    trips: list[FeedTrip]
    stops: dict[str, FeedStop]


@dataclass(frozen=True)
class _Trip:
    number: str
    route: str
    direction: int
    days: tuple[int, ...]


Row = tuple[str, dict[str, str]]
"""Place (file and line) and values."""


def is_train(route_type: str) -> bool:
    """Say whether a type of route is a railway: 2, or 100 to 109 of the extended types."""
    return route_type == "2" or (_is_whole(route_type) and 100 <= int(route_type) <= 109)


def read_feed(path: Path, date: dt.date) -> Feed:
    """Return the trains of a date, of the date before and of the date after.

    Parameters
    ----------
    path : Path
        A zip archive.
    date : datetime.date

    Raises
    ------
    InputError
        If the file is no feed, lacks a file or a column, holds a value that cannot be, refers to something that is not
        there, or has no train on the date; ``where`` names the file and the line.
    """
    if not 1900 < date.year < 2200:
        raise InputError(f"is a date that no feed covers: {date.isoformat()}", where="date")
    if path.is_dir():
        raise InputError("is a folder, a zip archive was expected", where=str(path))
    try:
        with zipfile.ZipFile(path) as archive:
            return _Reader(archive, path).read(date)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError("is not a GTFS feed: not a readable zip archive", where=str(path)) from error


class _Reader:
    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self.archive = archive
        self.path = path
        self.names = {name.rsplit("/", 1)[-1]: name for name in archive.namelist()}

    def read(self, date: dt.date) -> Feed:
        routes = self._routes()
        services, covered = self._services(date)
        trips = self._trips(routes, services)
        if not any(0 in trip.days for trip in trips.values()):
            reach = f"the feed covers {covered[0]} to {covered[1]}" if covered else "the feed names no dates"
            raise InputError(f"has no trains on {date.isoformat()}", where=str(self.path), hint=reach)
        times = self._times(trips)
        stops = self._stops({call.stop_id for calls in times.values() for call in calls})
        repeats = self._frequencies(trips)
        made: list[FeedTrip] = []
        for trip_id, trip in trips.items():
            calls = times.get(trip_id, [])
            if len(calls) < 2:
                continue
            starts = repeats.get(trip_id, [None])
            for copy, start in enumerate(starts):
                shift = 0 if start is None else start - _first(calls)
                for day in trip.days:
                    by = shift + day * DAY_S
                    made.append(
                        FeedTrip(
                            trip_id if copy == 0 else f"{trip_id}.{copy}",
                            trip.number if copy == 0 or not trip.number else f"{trip.number}.{copy}",
                            *routes[trip.route],
                            trip.direction,
                            day,
                            [
                                FeedCall(call.stop_id, _plus(call.arrival_s, by), _plus(call.departure_s, by))
                                for call in calls
                            ],
                        )
                    )
        made.sort(key=lambda trip: (_first(trip.calls), trip.trip_id, trip.service_day))
        return Feed(made, stops)

    # -- files ------------------------------------------------------------------------------------------------------

    def _rows(self, name: str, needed: tuple[str, ...], *, optional: bool = False) -> Iterator[Row]:
        """Yield the rows of a file with their place; nothing when an optional file is not there."""
        if name not in self.names:
            if optional:
                return
            raise InputError(f"has no file {name}", where=str(self.path), hint="a GTFS feed needs it")
        with self.archive.open(self.names[name]) as raw:
            reader = csv.reader(io.TextIOWrapper(raw, encoding="utf-8-sig", newline=""), strict=True)
            line = 1
            try:
                head = [column.strip() for column in next(reader, [])]
                missing = [column for column in needed if column not in head]
                if missing:
                    raise InputError(f"has no column {missing[0]}", where=f"{name}: line 1")
                for values in reader:
                    line = reader.line_num
                    if not values:
                        continue
                    if len(values) != len(head):
                        raise InputError(
                            f"has {len(values)} values, the heading has {len(head)}", where=f"{name}: line {line}"
                        )
                    yield f"{name}: line {line}", dict(zip(head, (value.strip() for value in values), strict=True))
            except csv.Error as error:
                raise InputError(
                    f"cannot be read: {error}", where=f"{name}: line {max(line, reader.line_num)}"
                ) from error
            except UnicodeDecodeError as error:
                raise InputError("is not UTF-8 text", where=f"{name}: after line {line}") from error

    def _routes(self) -> dict[str, tuple[str, str]]:
        """Return product and series of the routes that are trains."""
        agencies = {row.get("agency_id", ""): row.get("agency_name", "") for _, row in self._rows("agency.txt", ())}
        found: dict[str, tuple[str, str]] = {}
        for _, row in self._rows("routes.txt", ("route_id", "route_type")):
            if is_train(row["route_type"]):
                short, long = row.get("route_short_name", ""), row.get("route_long_name", "")
                agency = agencies.get(row.get("agency_id", ""), "")
                found[row["route_id"]] = (" | ".join(text for text in (short, long, agency) if text), short or long)
        if not found:
            raise InputError("has no routes of trains", where="routes.txt", hint="route_type 2, or 100 to 109")
        return found

    def _services(self, date: dt.date) -> tuple[dict[str, tuple[int, ...]], tuple[str, str] | None]:
        """Return the days (-1, 0, 1 from the date) on which each service runs, and first and last date of the feed."""
        days = {offset: date + dt.timedelta(days=offset) for offset in (-1, 0, 1)}
        runs: dict[str, set[int]] = defaultdict(set)
        dates: list[str] = []
        if "calendar.txt" not in self.names and "calendar_dates.txt" not in self.names:
            raise InputError("has neither calendar.txt nor calendar_dates.txt", where=str(self.path))
        needed = ("service_id", *WEEKDAYS, "start_date", "end_date")
        for place, row in self._rows("calendar.txt", needed, optional=True):
            first, last = _date(row["start_date"], place), _date(row["end_date"], place)
            dates += [first.isoformat(), last.isoformat()]
            flags = [row[name] for name in WEEKDAYS]
            if any(flag not in ("0", "1") for flag in flags):
                raise InputError("has a weekday that is neither 0 nor 1", where=place)
            runs[row["service_id"]] |= {
                offset for offset, day in days.items() if first <= day <= last and flags[day.weekday()] == "1"
            }
        changes = ("service_id", "date", "exception_type")
        for place, row in self._rows("calendar_dates.txt", changes, optional=True):
            day = _date(row["date"], place)
            dates.append(day.isoformat())
            if row["exception_type"] not in (ADDED, REMOVED):
                raise InputError(f"has exception_type {row['exception_type']!r}, 1 or 2 was expected", where=place)
            for offset, other in days.items():
                if day == other:
                    change = (
                        runs[row["service_id"]].add
                        if row["exception_type"] == ADDED
                        else runs[row["service_id"]].discard
                    )
                    change(offset)
            runs[row["service_id"]]
        return {name: tuple(sorted(found)) for name, found in runs.items()}, (min(dates), max(dates)) if dates else None

    def _trips(self, routes: dict[str, tuple[str, str]], services: dict[str, tuple[int, ...]]) -> dict[str, _Trip]:
        found: dict[str, _Trip] = {}
        known = {row["route_id"] for _, row in self._rows("routes.txt", ("route_id",))}
        for place, row in self._rows("trips.txt", ("route_id", "service_id", "trip_id")):
            if row["route_id"] not in known:
                raise InputError(f"names a route that is not in routes.txt: {row['route_id']!r}", where=place)
            if row["route_id"] not in routes:
                continue
            if row["service_id"] not in services:
                raise InputError(f"names a service that no calendar has: {row['service_id']!r}", where=place)
            if row["trip_id"] in found:
                raise InputError(f"has trip_id {row['trip_id']!r} a second time", where=place)
            days = services[row["service_id"]]
            if days:
                direction = 1 if row.get("direction_id") == "1" else 0
                found[row["trip_id"]] = _Trip(row.get("trip_short_name", ""), row["route_id"], direction, days)
        return found

    def _times(self, trips: dict[str, _Trip]) -> dict[str, list[FeedCall]]:
        needed = ("trip_id", "arrival_time", "departure_time", "stop_id", "stop_sequence")
        rows: dict[str, dict[int, tuple[FeedCall, str]]] = defaultdict(dict)
        for place, row in self._rows("stop_times.txt", needed):
            if row["trip_id"] not in trips:
                continue
            sequence = row["stop_sequence"]
            if not _is_whole(sequence):
                raise InputError(f"has stop_sequence {sequence!r}, a whole number was expected", where=place)
            if int(sequence) in rows[row["trip_id"]]:
                raise InputError(f"has stop_sequence {sequence} a second time in trip {row['trip_id']!r}", where=place)
            arrival, departure = _time(row["arrival_time"], place), _time(row["departure_time"], place)
            call = FeedCall(
                row["stop_id"],
                arrival if arrival is not None else departure,
                departure if departure is not None else arrival,
            )
            rows[row["trip_id"]][int(sequence)] = (call, place)
        found: dict[str, list[FeedCall]] = {}
        for trip_id, calls in rows.items():
            ordered = [calls[number] for number in sorted(calls)]
            last = -1
            for call, place in ordered:
                for time in (call.arrival_s, call.departure_s):
                    if time is not None and time < last:
                        raise InputError(
                            f"has a time before the one of the stop before, in trip {trip_id!r}", where=place
                        )
                    last = last if time is None else time
            if ordered[0][0].departure_s is None:
                raise InputError(f"has no departure at the first stop of trip {trip_id!r}", where=ordered[0][1])
            if ordered[-1][0].arrival_s is None:
                raise InputError(f"has no arrival at the last stop of trip {trip_id!r}", where=ordered[-1][1])
            found[trip_id] = [call for call, _ in ordered]
        return found

    def _stops(self, used: set[str]) -> dict[str, FeedStop]:
        found: dict[str, FeedStop] = {}
        for place, row in self._rows("stops.txt", ("stop_id",)):
            if row["stop_id"] in found:
                raise InputError(f"has stop_id {row['stop_id']!r} a second time", where=place)
            found[row["stop_id"]] = FeedStop(
                row["stop_id"],
                row.get("stop_code", ""),
                row.get("stop_name", ""),
                row.get("zone_id", ""),
                row.get("platform_code", ""),
                _degrees(row.get("stop_lat", ""), 90, place),
                _degrees(row.get("stop_lon", ""), 180, place),
                row.get("parent_station", ""),
            )
        for stop_id in sorted(used):
            if stop_id not in found:
                raise InputError(f"names a stop that is not in stops.txt: {stop_id!r}", where="stop_times.txt")
        return found

    def _frequencies(self, trips: dict[str, _Trip]) -> dict[str, list[int | None]]:
        """Return the starts of trips that repeat themselves."""
        found: dict[str, list[int | None]] = defaultdict(list)
        needed = ("trip_id", "start_time", "end_time", "headway_secs")
        for place, row in self._rows("frequencies.txt", needed, optional=True):
            start, end = _time(row["start_time"], place), _time(row["end_time"], place)
            if start is None or end is None or end < start:
                raise InputError("has no period from start_time to end_time", where=place)
            if not _is_whole(row["headway_secs"]) or int(row["headway_secs"]) == 0:
                raise InputError(f"has headway_secs {row['headway_secs']!r}, seconds were expected", where=place)
            if row["trip_id"] in trips:
                found[row["trip_id"]] += list(range(start, end, int(row["headway_secs"])))
        return found


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _first(calls: list[FeedCall]) -> int:
    return calls[0].departure_s or 0


def _plus(time: int | None, by: int) -> int | None:
    return None if time is None else time + by


def _time(text: str, place: str) -> int | None:
    """Return seconds of ``H:MM:SS``, which may be past midnight; None for an empty field."""
    if not text:
        return None
    parts = text.split(":")
    if len(parts) != 3 or not all(map(_is_whole, parts)):
        raise InputError(f"has a time {text!r}, HH:MM:SS was expected", where=place)
    hours, minutes, seconds = (int(part) for part in parts)
    if minutes > 59 or seconds > 59 or hours > 72:
        raise InputError(f"has a time {text!r} that cannot be", where=place)
    return hours * 3600 + minutes * 60 + seconds


def _date(text: str, place: str) -> dt.date:
    try:
        if len(text) != 8:
            raise ValueError(text)
        return dt.datetime.strptime(text, "%Y%m%d").date()
    except ValueError as error:
        raise InputError(f"has a date {text!r}, YYYYMMDD was expected", where=place) from error


def _degrees(text: str, most: float, place: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise InputError(f"has a coordinate {text!r} that is no number", where=place) from error
    if not -most <= value <= most:
        raise InputError(f"has a coordinate {text} that cannot be", where=place)
    return value

"""A day of the user's own from a GTFS feed: its trains matched to operational points and placed on the tracks."""

from __future__ import annotations

import csv
import datetime as dt
import math
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

import weerspoor.data
from weerspoor.common.clock import DAY_END_S, DAY_S, DAY_START_S
from weerspoor.common.errors import DataError, InputError
from weerspoor.formats.gtfs import Feed, FeedCall, FeedStop, FeedTrip, read_feed
from weerspoor.network.model import Network, Points
from weerspoor.timetable.assignment import assign
from weerspoor.timetable.day import LAYER_PASSENGER, Day
from weerspoor.timetable.demand import Demand, wanted_trains
from weerspoor.timetable.measure import passenger_line
from weerspoor.timetable.turns import find_turns

if TYPE_CHECKING:
    pass

Degrees = npt.NDArray[np.float64]
DATA = Path(weerspoor.data.__file__).parent
LACKS = ("freight", "empty", "works")
"""What a feed of passenger trains never has."""

FEED_DAYS = 2
"""From 05:00 of the date to 05:00 two days later."""

NEAR_M = 400.0
"""A stop without a known code or name is the station whose place is this near, if there is one."""

ABROAD_M = 3_000.0
"""A stop farther than this from every operational point is taken to be abroad."""

SHORTENED = (("centraal", "c"), ("station", ""), ("sint", "st"))
"""Words that feeds write in several ways."""


@dataclass(frozen=True)
class Matched:
    """What was made of a feed.

    Attributes
    ----------
    demand : Demand
    notes : list of (reference, reason)
        Trips left out or shortened.
    unknown : dict of str to int
        Names of stops inside the country that match no point, and how often they were asked.
    """

    demand: Demand
    notes: list[tuple[str, str]]
    unknown: dict[str, int]


def import_feed(
    feed: Path,
    date: dt.date,
    network: Network,
    *,
    progress: Callable[[str], None] = lambda text: None,
    work: int = 2000,
) -> tuple[Day, list[str]]:
    """Make a day from a feed, and say what was made of it.

    The trains of the date from 05:00, those of the next date, and those of the date before that still run at 05:00
    are placed on the tracks. A train of the next date is named ``<train>+1``, one of the date before ``<train>-1``.

    Parameters
    ----------
    feed : Path
    date : datetime.date
        The operating day.
    network : Network
    progress : callable
        Told what is being done.
    work : int
        So many paths are looked for in re-planning around the worst placed trains.

    Returns
    -------
    day : Day
        Its notes list the trains that could not be placed.
    lines : list of str
        A summary for people.

    Raises
    ------
    InputError
        If the feed is broken or has no train on the date that runs here.
    """
    progress("reading the feed")
    matched = match_feed(read_feed(feed, date), network)
    if not len(matched.demand):
        raise InputError(
            "has no train that calls at two known points",
            where=str(feed),
            hint="stops are matched by stop_code, name or coordinates",
        )
    day, missing = _placed_day(matched.demand, date, network, progress, work)
    not_placed = [*matched.notes, *missing]
    day = replace(
        day,
        notes={
            "feed": feed.name,
            "not_placed": [list(row) for row in not_placed],
            "unknown_stops": dict(sorted(matched.unknown.items())),
        },
    )
    lines = summary(day, len(matched.demand), not_placed, matched.unknown)
    progress("putting passengers on the trains")
    day, line = with_passengers(day, network)
    return day, [*lines, line]


def with_passengers(day: Day, network: Network) -> tuple[Day, str]:
    """Return the day of a feed with turns and, on a weekday, with passengers; and a line for people.

    The trains of the next date get the passengers of another weekday.
    """
    day = replace(day, turns=find_turns(day))
    if day.kind != "weekday":
        return day, "Passengers are known for weekdays only: what moving its trains costs cannot be said."
    try:
        day = replace(day, passengers=assign(day, network, days=FEED_DAYS)[0])
    except DataError as error:
        return day, f"Passengers could not be put on its trains: {error.message}."
    return day, passenger_line(day, network)


def summary(day: Day, wanted: int, not_placed: Sequence[tuple[str, str]], unknown: dict[str, int]) -> list[str]:
    """Return lines that say what an import did: trains placed, trains left out with reasons, what the day lacks."""
    lines = [
        f"{len(day.trains.reference)} of {wanted} trains placed on the tracks, {day.date} ({day.kind}).",
        f"The day lacks: {', '.join(day.lacks)}.",
    ]
    if unknown:
        names = ", ".join(f"{name} ({count})" for name, count in sorted(unknown.items()))
        lines.append(f"Stops that match no operational point: {names}.")
    for reason, count in Counter(reason for _, reason in not_placed).most_common():
        named = [reference for reference, why in not_placed if why == reason]
        shown = ", ".join(named[:10]) + (f" and {count - 10} more" if count > 10 else "")
        lines.append(f"Not as asked ({count}): {reason}: {shown}.")
    return lines


# -- from feed to demand --------------------------------------------------------------------------------------------


def match_feed(feed: Feed, network: Network) -> Matched:
    """Return the trains of a feed as demand of phase ``feed``, from 05:00 of the date to 05:00 two days later."""
    points = network.points
    of_stop = _Matcher(points, feed.stops)
    notes: list[tuple[str, str]] = []
    unknown: Counter[str] = Counter()
    rows: list[tuple[str, FeedTrip, list[_Call]]] = []
    used: Counter[str] = Counter()
    for trip in feed.trips:
        last = trip.calls[-1].arrival_s or 0
        first = trip.calls[0].departure_s or 0
        if last <= DAY_START_S or first >= DAY_END_S + DAY_S or first < 0:
            continue
        if trip.service_day == -1 and first >= DAY_START_S:
            continue
        name = (trip.number or trip.trip_id) + {-1: "-1", 0: "", 1: "+1"}[trip.service_day]
        used[name] += 1
        reference = name if used[name] == 1 else f"{name}/{used[name]}"
        calls = _calls(trip, of_stop, points, unknown)
        if len(calls) < 2:
            notes.append((reference, "calls at fewer than two known points"))
            continue
        rows.append((reference, trip, calls))
    return Matched(_demand(rows), notes, dict(unknown))


@dataclass(frozen=True)
class _Call:
    point: str
    arrival_s: int
    departure_s: int
    stops: bool
    given: bool


def _calls(trip: FeedTrip, of_stop: _Matcher, points: Points, unknown: Counter[str]) -> list[_Call]:
    """Return the calls of a trip here; where it comes from or goes abroad, it begins or ends at the border."""
    places = [of_stop(call.stop_id) for call in trip.calls]
    inside = [number for number, place in enumerate(places) if place.point >= 0]
    if not inside:
        return []
    first, last = inside[0], inside[-1]
    calls: list[_Call] = []
    for number in range(first, last + 1):
        place, call = places[number], trip.calls[number]
        if place.point < 0:
            if not place.abroad:
                unknown[place.name] += 1
            continue
        code = points.code[place.point]
        if calls and calls[-1].point == code:
            continue
        calls.append(_Call(code, _or_nothing(call.arrival_s), _or_nothing(call.departure_s), True, True))
    for number in [*range(first), *range(last + 1, len(places))]:
        if not places[number].abroad:
            unknown[places[number].name] += 1
    if first > 0 and places[first - 1].abroad:
        calls = _border(calls[0], trip.calls[first], -1) + calls
    if last + 1 < len(places) and places[last + 1].abroad:
        calls = calls + _border(calls[-1], trip.calls[last], 1)
    if not calls:
        return []
    head, tail = calls[0], calls[-1]
    calls[0] = replace(head, arrival_s=-1)
    calls[-1] = replace(tail, departure_s=-1)
    return calls


def _border(call: _Call, feed_call: FeedCall, sense: int) -> list[_Call]:
    """Return the passage of the border beyond a station, with the minutes the table gives; nothing when unknown."""
    found = border_minutes().get(call.point.casefold())
    time = feed_call.arrival_s if sense < 0 else feed_call.departure_s
    if found is None or time is None:
        return []
    border, minutes = found
    moment = time + sense * int(60 * minutes)
    return [_Call(border, moment, moment, False, False)] if moment >= 0 else []


@cache
def border_minutes() -> dict[str, tuple[str, float]]:
    """Return the border point and the minutes to it, by code (in small letters) of the last station before it."""
    with (DATA / "border_minutes.csv").open(encoding="utf-8", newline="") as file:
        return {row["station"].casefold(): (row["border"], float(row["minutes"])) for row in csv.DictReader(file)}


@cache
def feed_kinds() -> tuple[tuple[str, str], ...]:
    """Return what to look for in the name of a product, in order, and the kind of train that it means."""
    with (DATA / "feed_kinds.csv").open(encoding="utf-8", newline="") as file:
        return tuple((row["text"], row["kind"]) for row in csv.DictReader(file))


def kind_of(product: str) -> str:
    """Return the civil kind of train for the words a feed uses of a route."""
    words = product.casefold()
    for text, kind in feed_kinds():
        if re.search(rf"\b{re.escape(text)}\b", words) or not text:
            return kind
    raise InputError("has no row for any other train", where="feed_kinds.csv")


def _demand(rows: list[tuple[str, FeedTrip, list[_Call]]]) -> Demand:
    with (DATA / "demand.toml").open("rb") as file:
        rule = tomllib.load(file)
    calls = [call for _, _, group in rows for call in group]
    kinds = [kind_of(trip.product) for _, trip, _ in rows]
    dwell = []
    for kind, (_, _, group) in zip(kinds, rows, strict=True):
        for call in group:
            wanted = int(rule["min_dwell_s"].get(kind, rule["short_stand_s"])) if call.stops else 0
            if call.stops and call.arrival_s >= 0 and call.departure_s >= 0:
                wanted = min(wanted, max(rule["short_stand_s"], call.departure_s - call.arrival_s))
            dwell.append(wanted)
    start = [group[0].departure_s for _, _, group in rows]
    n = len(rows)
    return Demand(
        reference=[reference for reference, _, _ in rows],
        series=[trip.series for _, trip, _ in rows],
        kind=kinds,
        layer=[LAYER_PASSENGER] * n,
        phase=["feed"] * n,
        direction=np.array([trip.direction for _, trip, _ in rows], np.int32),
        free_group=[""] * n,
        period_s=np.zeros(n, np.int32),
        earliest_s=np.array(start, np.int32),
        latest_s=np.array(start, np.int32),
        held=np.zeros(n, np.bool_),
        call_start=np.cumsum([0, *(len(group) for _, _, group in rows)]).astype(np.int32),
        point=[call.point for call in calls],
        arrival_s=np.array([call.arrival_s for call in calls], np.int32),
        departure_s=np.array([call.departure_s for call in calls], np.int32),
        dwell_s=np.array(dwell, np.int32),
        stops=np.array([call.stops for call in calls], np.bool_),
        given=np.array([call.given for call in calls], np.bool_),
    )


def _or_nothing(time: int | None) -> int:
    return -1 if time is None else time


@dataclass(frozen=True)
class _Place:
    point: int
    abroad: bool
    name: str


class _Matcher:
    """Finds the operational point of a stop: by code, then by name, then by place."""

    def __init__(self, points: Points, stops: dict[str, FeedStop]) -> None:
        self.points = points
        self.stops = stops
        self.known: dict[str, _Place] = {}
        self.by_code = {code.casefold(): number for number, code in enumerate(points.code)}
        self.by_name = {
            plain(name): number
            for number, (name, kind) in enumerate(zip(points.name, points.kind, strict=True))
            if kind == "station"
        }
        self.stations = np.array([kind == "station" for kind in points.kind], np.bool_)

    def __call__(self, stop_id: str) -> _Place:
        if stop_id not in self.known:
            self.known[stop_id] = self._find(self.stops[stop_id])
        return self.known[stop_id]

    def _find(self, stop: FeedStop) -> _Place:
        chain = [stop]
        while chain[-1].parent in self.stops and len(chain) < 4:
            chain.append(self.stops[chain[-1].parent])
        for one in chain:
            for text in (one.code, *re.split(r"[:|]", one.zone)[-1:], *re.split(r"[:|_]", one.stop_id)[-1:]):
                number = self.by_code.get(text.casefold(), -1)
                if number >= 0 and self._distance_m(one, number) < ABROAD_M:
                    return _Place(number, False, stop.name)
        nearest, distance = self._nearest(chain)
        abroad = distance > ABROAD_M
        if not abroad or not math.isfinite(distance):
            for one in chain:
                number = self.by_name.get(plain(one.name), -1)
                if number >= 0:
                    return _Place(number, False, stop.name)
        if distance < NEAR_M:
            return _Place(nearest, False, stop.name)
        return _Place(-1, abroad, stop.name or stop.stop_id)

    def _distance_m(self, stop: FeedStop, number: int) -> float:
        """Return the distance to a point; 0 when the feed gives no place, so that the code decides alone."""
        if stop.lat is None or stop.lon is None:
            return 0.0
        return float(
            _metres(stop.lat, stop.lon, self.points.lat[number : number + 1], self.points.lon[number : number + 1])[0]
        )

    def _nearest(self, chain: list[FeedStop]) -> tuple[int, float]:
        placed = [stop for stop in chain if stop.lat is not None and stop.lon is not None]
        if not placed or not self.stations.any():
            return -1, math.inf
        assert placed[0].lat is not None and placed[0].lon is not None
        away = _metres(placed[0].lat, placed[0].lon, self.points.lat, self.points.lon)
        away = np.where(self.stations, away, np.inf)
        number = int(np.argmin(away))
        return number, float(away[number])


def plain(name: str) -> str:
    """Return the letters and digits of a name, without accents and without words that feeds write in several ways."""
    text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
    words = re.findall(r"[a-z0-9]+", text)
    swaps = dict(SHORTENED)
    return "".join(swaps.get(word, word) for word in words)


def _metres(lat: float, lon: float, lats: Degrees, lons: Degrees) -> Degrees:
    """Return distances on the ground, good to 1 % over some kilometres."""
    return np.asarray(111_195.0 * np.hypot(lats - lat, (lons - lon) * math.cos(math.radians(lat))))


# -- from demand to day ---------------------------------------------------------------------------------------------


def _placed_day(
    demand: Demand, date: dt.date, network: Network, progress: Callable[[str], None], work: int
) -> tuple[Day, list[tuple[str, str]]]:
    from weerspoor.kernel.timelines import Timelines
    from weerspoor.timetable.build import Placed, Placer, place_all
    from weerspoor.timetable.civil import CivilModels, building_settings
    from weerspoor.timetable.compose import compose_day
    from weerspoor.timetable.repair import repair

    wanted, missing = wanted_trains(demand, network, (LAYER_PASSENGER,))
    norms, settings = building_settings()
    models = CivilModels(network, settings)
    placer = Placer(network, Timelines.empty(network.n_zones), models, norms)
    wanted.sort(key=lambda train: (train.departure_s[0], train.reference))
    progress(f"placing {len(wanted)} trains")
    placed = [Placed(train, reason="not tried") for train in wanted]
    place_all(placer, wanted, placed, range(len(wanted)), progress)
    repair(
        placer,
        placed,
        work=work,
        seed=int(settings["seed"]),
        most_blockers=int(settings["most_blockers"]),
        progress=progress,
    )
    missing = [*missing, *((train.wanted.reference, train.reason) for train in placed if not train.runs)]
    kind = {5: "saturday", 6: "sunday"}.get(date.weekday(), "weekday")
    day = compose_day(
        placer,
        placed,
        models.length_m,
        name=f"feed-{date.isoformat()}",
        kind=kind,
        date=date.isoformat(),
        lacks=LACKS,
        periodic=False,
    )
    return day, missing

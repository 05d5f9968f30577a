"""What it cost to make a day free of conflicts: trains moved, trains not placed, and how it compares with plans seen.

The pattern day is measured against what its sources ask (``demand_*`` tables); observed plans are given by the caller.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from weerspoor.common.clock import DAY_S
from weerspoor.network.model import Network
from weerspoor.timetable.assignment import km_to_next, mostly_estimated
from weerspoor.timetable.day import Day
from weerspoor.timetable.demand import Contradiction, Demand

CLOSE_S, FAR_S = 60, 180
"""Within these a train counts as where its source puts it, and as not far from there."""

SAME_S = 120
"""A departure seen and one of the day within this time are the same departure."""

CONTROL_SHIFT_S = 420
"""The clock is shifted by this to see how much agreement is chance."""


@dataclass(frozen=True)
class Punctuality:
    """How near the trains of one phase are to the minutes of their source.

    Attributes
    ----------
    phase : str
    wanted : int
        Trains asked for, those left out not counted.
    left_out : int
        Trains that contradict each other in the source itself.
    placed : int
    within_close, within_far : int
        Trains within 60 and within 180 s at every departure and at the arrival at the last stop.
    median_s, p95_s, most_s : float
        Of the greatest deviation of each placed train; 0 when there is none.
    early : int
        Trains of which the greatest deviation is to the early side.
    """

    phase: str
    wanted: int
    left_out: int
    placed: int
    within_close: int
    within_far: int
    median_s: float
    p95_s: float
    most_s: float
    early: int

    @property
    def share_close(self) -> float:
        """Share of the trains wanted that are within 60 s."""
        return self.within_close / self.wanted if self.wanted else 1.0

    @property
    def share_far(self) -> float:
        """Share of the trains wanted that are within 180 s."""
        return self.within_far / self.wanted if self.wanted else 1.0


@dataclass(frozen=True)
class Agreement:
    """How many departures of a plan seen the day has too.

    Attributes
    ----------
    seen : int
        Departures compared.
    same, control : int
        Departures with a train of the day to the same next place within two minutes; with the clock shifted by seven
        minutes, the mean of earlier and later.
    """

    seen: int
    same: int
    control: float


@dataclass(frozen=True)
class PlatformAgreement:
    """How many departures seen use the platform track that the day gives their series there.

    Attributes
    ----------
    seen : int
        Departures of a series that the day has at that place, to the same next place.
    usual, any_used : int
        The track is the one most used by that series in the day; is one of those used.
    """

    seen: int
    usual: int
    any_used: int


@dataclass(frozen=True)
class Departure:
    """A departure of a plan seen: codes of the place and of the next place, seconds of the day, series and track."""

    point: str
    onward: str
    time_s: float
    series: str = ""
    track: str = ""


def deviations(day: Day) -> npt.NDArray[np.int32]:
    """Return for each train the deviation (s) from its source that is greatest in size; 0 for one without wishes.

    Departures of every call count, and the arrival at the last. Late is positive.
    """
    calls = day.calls
    found = np.zeros(len(day.trains.reference), np.int32)
    late = np.where(calls.planned_departure_s >= 0, calls.departure_s - calls.planned_departure_s, 0)
    for train in range(len(found)):
        low, high = int(calls.start[train]), int(calls.start[train + 1])
        if low == high:
            continue
        own = late[low:high].tolist()
        if calls.planned_arrival_s[high - 1] >= 0:
            own[-1] = int(calls.arrival_s[high - 1] - calls.planned_arrival_s[high - 1])
        found[train] = max(own, key=abs)
    return found


def punctuality(day: Day, demand: Demand, contradictions: Sequence[Contradiction]) -> list[Punctuality]:
    """Return the punctuality of each phase, the most certain first; trains that are not placed count as far away.

    Parameters
    ----------
    day : Day
    demand : Demand
        What the day was made from.
    contradictions : sequence of Contradiction
        Trains in it are left out, in every phase.
    """
    excluded = {row.train for row in contradictions}
    moved = dict(zip(day.trains.reference, deviations(day).tolist(), strict=True))
    groups: dict[str, list[str]] = defaultdict(list)
    for reference, phase, layer in zip(demand.reference, demand.phase, demand.layer, strict=True):
        if layer != "reserve":
            groups[phase].append(reference)
    order = ("anchored2", "anchored1", "unanchored", "evening", "feed", "freight_real", "freight_assumed")
    made = []
    for phase in sorted(groups, key=lambda name: (order.index(name) if name in order else len(order), name)):
        counted = [reference for reference in groups[phase] if reference not in excluded]
        own = np.array([moved[reference] for reference in counted if reference in moved], np.int64)
        size = np.abs(own)
        made.append(
            Punctuality(
                phase,
                wanted=len(counted),
                left_out=len(groups[phase]) - len(counted),
                placed=len(own),
                within_close=int(np.count_nonzero(size <= CLOSE_S)),
                within_far=int(np.count_nonzero(size <= FAR_S)),
                median_s=float(np.median(size)) if len(size) else 0.0,
                p95_s=float(np.percentile(size, 95)) if len(size) else 0.0,
                most_s=float(size.max()) if len(size) else 0.0,
                early=int(np.count_nonzero(own < 0)),
            )
        )
    return made


def not_placed(day: Day) -> list[tuple[str, str]]:
    """Return the trains that are not in the day, with the reason."""
    rows = day.notes.get("not_placed", [])
    return [(str(row[0]), str(row[1])) for row in rows] if isinstance(rows, list) else []


def departures_of(day: Day, network: Network, places: frozenset[str]) -> list[Departure]:
    """Return the departures of the day from places where a train stops, to the next of these places where it stops.

    Parameters
    ----------
    places : frozenset of str
        Codes in capitals; others are passed over. All when empty.
    """
    calls, trains = day.calls, day.trains
    codes = [code.upper() for code in network.points.code]
    made: list[Departure] = []
    for train in range(len(trains.reference)):
        low, high = int(calls.start[train]), int(calls.start[train + 1])
        stops = [
            call
            for call in range(low, high)
            if (call in (low, high - 1) or calls.departure_s[call] > calls.arrival_s[call])
            and (not places or codes[calls.point[call]] in places)
        ]
        for one, other in itertools.pairwise(stops):
            made.append(
                Departure(
                    codes[calls.point[one]],
                    codes[calls.point[other]],
                    float(calls.departure_s[one]),
                    trains.series[train],
                    calls.track[one],
                )
            )
    return made


def agreement(own: Iterable[Departure], seen: Sequence[Departure], within_s: float = SAME_S) -> Agreement:
    """Compare departures seen with those of the day, by place, next place and time; the day repeats itself.

    Parameters
    ----------
    own : iterable of Departure
        Of the day, as from :func:`departures_of`.
    seen : sequence of Departure
    within_s : float
    """
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for departure in own:
        times[departure.point, departure.onward].append(departure.time_s % DAY_S)
    for way, moments in times.items():
        times[way] = sorted([*moments, *(time + DAY_S for time in moments), *(time - DAY_S for time in moments)])

    def found(shift_s: float) -> int:
        return sum(
            _near(times.get((departure.point, departure.onward), []), departure.time_s % DAY_S + shift_s) <= within_s
            for departure in seen
        )

    return Agreement(len(seen), found(0.0), (found(CONTROL_SHIFT_S) + found(-CONTROL_SHIFT_S)) / 2)


def platform_agreement(own: Iterable[Departure], seen: Iterable[Departure]) -> PlatformAgreement:
    """Compare platform tracks of departures seen with those the day gives to the same series there."""
    used: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for departure in own:
        if departure.track:
            used[departure.series, departure.point, departure.onward][departure.track.casefold()] += 1
    count = usual = any_used = 0
    for departure in seen:
        tracks = used.get((departure.series, departure.point, departure.onward))
        if not tracks or not departure.track:
            continue
        track = departure.track.casefold()
        count += 1
        usual += max(tracks, key=lambda name: (tracks[name], name)) == track
        any_used += track in tracks
    return PlatformAgreement(count, usual, any_used)


def _near(times: list[float], moment: float) -> float:
    """Return the distance to the nearest of sorted times."""
    position = bisect_left(times, moment)
    return min((abs(time - moment) for time in times[max(0, position - 1) : position + 1]), default=float("inf"))


def cost_lines(day: Day, demand: Demand, contradictions: Sequence[Contradiction]) -> list[str]:
    """Return lines for people: how many trains were moved and by how much, and which are not placed and why."""
    lines = ["phase            wanted  left out  placed  within 60 s  within 180 s  median  p95     most"]
    rows = punctuality(day, demand, contradictions)
    for row in rows:
        lines.append(
            f"{row.phase:16} {row.wanted:6}  {row.left_out:8}  {row.placed:6}  {row.share_close:10.1%}  "
            f"{row.share_far:11.1%}  {row.median_s:4.0f} s  {row.p95_s:4.0f} s  {row.most_s:4.0f} s"
        )
    for row in punctuality(day, demand, []):
        if row.phase == "anchored2":
            lines.append(
                f"With those left out, of {row.wanted} trains {row.share_close:.1%} within 60 s,"
                f" {row.share_far:.1%} within 180 s."
            )
    missing = not_placed(day)
    wanted = sum(row.wanted + row.left_out for row in rows)
    lines.append(f"Not placed: {len(missing)} of {wanted} trains ({len(missing) / max(1, wanted):.1%}).")
    for reason, count in Counter(reason for _, reason in missing).most_common():
        lines.append(f"  {count:5}  {reason}")
    return lines


def passenger_line(day: Day, network: Network) -> str:
    """Return in a line for people how many passengers a day has, and how many of its stations are estimated."""
    found = day.passengers
    if found is None:
        return "Passengers: none worked out; what moving its trains costs cannot be said."
    trips = float(found.boarding.sum() - found.connection_passengers.sum())
    km = float(found.aboard @ km_to_next(day, network))
    used = np.unique(day.calls.point[(found.boarding > 0) | (found.alighting > 0)])
    guessed = mostly_estimated(network)[used]
    return (
        f"Passengers: {trips:,.0f} trips and {km / 1e6:.1f} million km, worked out from counts and from estimates at "
        f"{int(guessed.sum())} of {len(used)} stations; {len(found.connection_from)} connections."
    )

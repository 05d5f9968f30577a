"""Other tracks for displaced trains: another platform, the other track of a line, another way between two calls.

A re-planning keeps every train on its tracks of the day. Where that costs much, the builder of days looks for another
run: the train itself taken out, the military path and all others as they stand, not before its times, with all its
stops in the same order and no later at any of them than would cost as much as what is decided now. The run becomes a
:class:`~weerspoor.capacity.displace.scene.Variant` of its own: its legs are put back as near to the times of the day as
the running times over the new tracks allow, and the next re-planning shifts them as it does those of the day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from string import ascii_lowercase

import numpy as np
import numpy.typing as npt

from weerspoor.capacity.displace.paths import Candidate, Pricing
from weerspoor.capacity.displace.replan import Replanner
from weerspoor.capacity.displace.scene import Placement, Scene, Variant
from weerspoor.capacity.displace.settings import displace_settings
from weerspoor.capacity.proposal import Move
from weerspoor.kernel.graph import KEEP_ALL, Run
from weerspoor.kernel.timelines import Rows, Timelines
from weerspoor.network.model import Network
from weerspoor.timetable.build import Placer, Wanted
from weerspoor.timetable.civil import CivilModels, building_settings
from weerspoor.timetable.day import LAYER_FREIGHT, Calls
from weerspoor.timetable.legs import Stand, cut
from weerspoor.timetable.passages import Passage, passages

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """What is asked of a train that may run over other tracks.

    Attributes
    ----------
    train : int
    calls : tuple of int
        Where it begins, stops and ends, counted from its first call.
    earliest_s : dict of int to float
        Departure in the day of every one of these but the last.
    wanted : Wanted
        The same for the builder, one point a call.
    """

    train: int
    calls: tuple[int, ...]
    earliest_s: dict[int, float]
    wanted: Wanted


@dataclass
class OtherTracks:
    """Finds other tracks for the trains of a scene.

    Attributes
    ----------
    scene : Scene
    tried : set
        Trains that have been looked at, with what they cost then, and departure and arrival of the path.
    """

    scene: Scene
    tried: set[tuple[int, int, float, float]] = field(default_factory=set)
    placer: Placer = field(init=False)

    def __post_init__(self) -> None:
        known = _placer(self.scene.network)
        self.placer = Placer(
            self.scene.network, self.scene.timelines, known.model_of, known.norms, ways_of=known
        )  # fmt: skip

    def better(self, pricing: Pricing, candidate: Candidate, rounds: int) -> Candidate:
        """Return a candidate with other tracks for the costliest trains that gain by them, re-planned anew.

        Parameters
        ----------
        pricing : Pricing
            Of the same scene, which is as before afterwards, but for the tracks that trains have gained.
        candidate : Candidate
        rounds : int
            So often at most, the last time without gain.
        """
        for _ in range(rounds):
            again = self._once(pricing, candidate)
            if again is None or _weight(again) >= _weight(candidate):
                break
            candidate = again
        return candidate

    def _once(self, pricing: Pricing, candidate: Candidate) -> Candidate | None:
        """Return a candidate with other tracks for some of its trains; None if none gains by them."""
        costly = sorted(candidate.placements.items(), key=lambda item: (-item[1].eur, item[0]))
        rules, path = displace_settings().search, (candidate.departure_s, candidate.arrival_s)
        seen = {train: (train, round(place.eur), *path) for train, place in costly}
        chosen = [train for train, place in costly if self._may(train, place) and seen[train] not in self.tried]
        chosen = chosen[: rules.other_tracks]
        self.tried.update(seen[train] for train in chosen)
        with pricing.as_in(candidate):
            taken = [self._take(train) for train in chosen]
            if not any(taken):
                return None
            replanner = Replanner(self.scene, pricing.fixed(pricing.rows_of(candidate.runs)))
            replanner.improve(rules.track_steps)
            return replace(candidate, placements=dict(self.scene.moved), eur=self.scene.harm_eur)

    def _may(self, train: int, placement: Placement) -> bool:
        allowed, known = self.scene.allowed(train), self.scene.of(train)
        if not allowed.other_tracks or not allowed.later_s or placement.variant or not known:
            return False
        # Outside the window nobody knows what is free.
        legs, window = known[0].legs, self.scene.window
        begins_s = float(legs.departures_s[0]) - displace_settings().moves.ready_s
        return begins_s >= window.from_s and float(legs.arrivals_s[-1]) <= window.until_s

    def _take(self, train: int) -> bool:
        """Put a moved train on other tracks if it costs less there; tell whether such tracks were found."""
        scene = self.scene
        was = scene.moved.get(train)
        if was is None:
            return False
        found = self.find(train, was)
        if found is None:
            return False
        scene.of(train).append(found[0])
        scene.take_out(train)
        scene.put(train, found[1])
        follower = scene.follows(train)
        if follower is not None and not scene.holds(follower):
            # The tracks are known now; a re-planning may move both.
            scene.take_out(train)
            scene.put(train, was)
        return True

    def find(self, train: int, placement: Placement) -> tuple[Variant, Placement] | None:
        """Return other tracks on which a train costs less than where it is now, and its place there; None if none.

        The train stands in the timelines of the scene as ``placement`` says, and does so afterwards.
        """
        scene = self.scene
        asked = asked_of(scene, train)
        if asked is None:
            return None
        mark = scene.timelines.mark()
        scene.timelines.remove(train)
        try:
            found = self.placer.within(asked.wanted, self._latest(asked, placement), self._pinned(asked))
            if len(found.runs) != 1:
                return None
            variant = variant_of(scene, asked, found.runs[0], self.placer.rows_of(found, found.runs[0]))
            if variant.legs.arrivals_s[-1] > scene.window.until_s:
                return None
            place = scene.cheapest_on(train, variant, placement.eur)
            return None if place is None else (variant, place)
        finally:
            scene.timelines.rollback(mark)

    def _latest(self, asked: Asked, placement: Placement) -> dict[int, float]:
        """Return by call of the wanted train the time at which it would cost as much as now by this call alone."""
        scene, train = self.scene, asked.train
        touched = float(scene.harm.shift_eur[int(scene.window.origin[train])])
        spare_eur = max(placement.eur - touched, 0.0)
        arrivals = scene.call_times(train)[:, 0]
        prices = scene.harm.arrival_eur_per_s[scene.window.calls_of(train)]
        most_s = float(scene.allowed(train).later_s)
        latest = {}
        for number, call in enumerate(asked.calls[1:], start=1):
            late_s = min(most_s, spare_eur / prices[call]) if prices[call] > 0 else most_s
            latest[number] = float(arrivals[call]) + late_s
        return latest

    def _pinned(self, asked: Asked) -> dict[int, Ints]:
        """Return the directed pieces at the ends where stock stays on its track between two trains of the day."""
        scene, train = self.scene, asked.train
        directed, *_ = scene.of(train)[0].run_of(scene.window, train)
        pinned = {}
        before, after = scene.before(train), scene.follows(train)
        if before is not None and self._platform(before, -1) == self._platform(train, 0) != "":
            pinned[0] = directed[:1]
        if after is not None and self._platform(after, 0) == self._platform(train, -1) != "":
            pinned[len(asked.calls) - 1] = directed[-1:]
        return pinned

    def _platform(self, train: int, call: int) -> str:
        """Return the number of a train's track at its first (0) or last (-1) call in the day, its section left out."""
        calls = self.scene.window.day.calls
        row = int(calls.start[train]) if call == 0 else int(calls.start[train + 1]) - 1
        return calls.track[row].rstrip(ascii_lowercase)


def _weight(candidate: Candidate) -> float:
    """Return what a candidate costs, minimum levels of service weighed as well."""
    return sum(placement.eur for placement in candidate.placements.values())


def _placer(network: Network) -> Placer:
    """Return the builder of days for trains that are displaced, made once per network: it keeps the ways it finds."""
    known = network.cache.get("placer_of_displaced")
    if not isinstance(known, Placer):
        norms, settings = building_settings()
        moves, search = displace_settings().moves, displace_settings().search
        norms = replace(
            norms, longest_delay_s=float(max(moves.longest_s.values())), most_labels=search.track_labels,
            quick_labels=search.track_labels,
        )  # fmt: skip
        known = Placer(network, Timelines.empty(network.n_zones), CivilModels(network, settings), norms)
        network.cache["placer_of_displaced"] = known
    return known


def asked_of(scene: Scene, train: int) -> Asked | None:
    """Return what is asked of a train over other tracks: its stops of the day; None for one without two calls.

    A freight train that waits on the way where nobody asked for it may do so elsewhere.
    """
    day, least_s = scene.window.day, displace_settings().moves.least_stand_s
    calls = range(int(day.calls.start[train]), int(day.calls.start[train + 1]))
    stands = scene.stands_as_in_day(train)
    layer = day.trains.layer[train]
    inner = (
        number for number, row in enumerate(calls) if 0 < number < len(calls) - 1 and asked_for(day.calls, row, layer)
    )
    if any(number not in stands for number in inner):
        return None  # it turns back at one of its stops, and its run of the day shows no stand there
    chosen = [
        number
        for number, row in enumerate(calls)
        if number in (0, len(calls) - 1) or (number in stands and asked_for(day.calls, row, layer))
    ]
    if len(chosen) < 2:
        return None
    rows = [calls[number] for number in chosen]
    last = len(rows) - 1
    leaves = {number: stands[number].departure_s for number in chosen[:-1] if number in stands}
    if len(leaves) < last:
        return None
    dwell = [stands[number].departure_s - stands[number].arrival_s if number in stands else 0.0 for number in chosen]
    wanted = Wanted(
        reference=day.trains.reference[train],
        series=day.trains.series[train],
        kind=day.trains.kind[train],
        layer=layer,
        phase=day.trains.phase[train],
        points=tuple(int(day.calls.point[row]) for row in rows),
        stops=(True,) * len(rows),
        arrival_s=(-1,) * last + (int(day.calls.arrival_s[rows[-1]]),),
        departure_s=(*(int(np.ceil(leaves[number])) for number in chosen[:-1]), -1),
        dwell_s=tuple(int(np.ceil(min(stand_s, least_s.get(layer, 60)))) for stand_s in dwell),
    )
    return Asked(train, tuple(chosen), leaves, wanted)


def asked_for(calls: Calls, row: int, layer: str) -> bool:
    """Tell whether a train has to stop at a call of the day: freight trains only where a source asks for it."""
    planned = calls.planned_arrival_s[row] >= 0 or calls.planned_departure_s[row] >= 0
    stops = calls.departure_s[row] > calls.arrival_s[row]
    return bool(stops and (planned or layer != LAYER_FREIGHT))


def variant_of(scene: Scene, asked: Asked, run: Run, rows: Rows) -> Variant:
    """Return a run over other tracks as a variant of a train, as near to its times of the day as its running times are.

    Parameters
    ----------
    scene : Scene
    asked : Asked
    run : Run
        One stage a call of ``asked``.
    rows : Rows
        What it holds.
    """
    train = asked.train
    legs = cut(train, list(_stands(asked, run)), rows, displace_settings().moves.ready_s)
    times = scene.call_times(train)
    earlier, early, late = np.zeros(legs.count, np.int32), np.zeros(legs.count, np.int32), np.zeros(legs.count)
    for leg, (begin, end) in enumerate(zip(legs.stands[:-1], legs.stands[1:], strict=True)):
        running_s = end.arrival_s - begin.departure_s
        if begin.call < 0:
            # It waits where nobody asked for it: with the leg before.
            earlier[leg], early[leg] = earlier[leg - 1], early[leg - 1]
        else:
            leaves_s = asked.earliest_s[begin.call]
            if end.call >= 0:
                early[leg] = max(0, int(times[end.call, 0] - leaves_s - running_s))
            earlier[leg] = int(np.floor(begin.departure_s - leaves_s)) - early[leg]
        if end.call >= 0:
            late[leg] = max(end.arrival_s - earlier[leg] - times[end.call, 0], 0.0)
    moved = legs.earlier(earlier)
    found, call_s, call_leg, track = _calls(scene, asked, run, legs.leg_at(len(run.directed)), earlier)
    variant = Variant(
        moved, late, call_s=call_s, run=found, call_leg=call_leg, track=track, speed_ms=run.speed_ms, early_s=early
    )
    return replace(variant, eur=float((scene.leg_prices(train, variant) * late).sum()))


def variant_of_move(scene: Scene, train: int, move: Move) -> Variant:
    """Return the other tracks of a train as a plan has them; unmoved it runs as there.

    Parameters
    ----------
    scene : Scene
    train : int
    move : Move
        With pieces.
    """
    columns = [(piece.enter_s, piece.exit_s, piece.depart_s, piece.speed_kmh / 3.6) for piece in move.pieces]
    enter_s, exit_s, depart_s, speed_ms = (np.array(column, np.float64) for column in zip(*columns, strict=True))
    directed = np.array([piece.directed for piece in move.pieces], np.int32)
    told = [(call.new_arrival_s, call.new_departure_s) for call in move.calls]
    call_s = np.array([[np.nan if time is None else time for time in times] for times in told], np.float64)
    last = len(directed) - 1
    stands = [Stand(0, float(depart_s[0]), float(depart_s[0]), 0)]
    for position in np.flatnonzero(depart_s[1:last] > exit_s[1:last]) + 1:
        arrival_s, departure_s = float(exit_s[position]), float(depart_s[position])
        near = np.flatnonzero(np.abs(call_s - (arrival_s, departure_s)).max(axis=1) <= 1.0)
        stands.append(Stand(int(position), arrival_s, departure_s, int(near[0]) if len(near) else -1))
    stands.append(Stand(last, float(exit_s[last]), float(exit_s[last]), len(told) - 1))
    held = np.array([(row.zone, row.from_s, row.until_s) for row in move.held], np.int32).reshape(-1, 3)
    kind = np.full(len(held), scene.window.day.trains.occupies[train], np.uint8)
    zone, from_s, until_s = (held[:, column].copy() for column in range(3))
    rows = Rows(zone, from_s, until_s, kind, np.full(len(held), KEEP_ALL, np.uint8))
    legs = cut(train, stands, rows, displace_settings().moves.ready_s)
    ends = np.array([stand.call for stand in stands[1:]])
    late = np.where(ends >= 0, call_s[ends, 0] - scene.call_times(train)[ends, 0], 0.0)
    variant = Variant(
        legs,
        np.maximum(late, 0.0),
        call_s=call_s,
        run=(directed, enter_s, exit_s, depart_s),
        call_leg=legs.legs_at(np.nan_to_num(call_s)).astype(np.int32),
        track=tuple(call.track for call in move.calls),
        speed_ms=speed_ms,
        early_s=np.zeros(legs.count, np.int32),
    )
    return replace(variant, eur=float((scene.leg_prices(train, variant) * variant.late_s).sum()))


def _stands(asked: Asked, run: Run) -> Iterator[Stand]:
    """Yield where a run stands: at its calls, and where it waits between them."""
    last = len(run.directed) - 1
    for position in range(last + 1):
        stage = int(run.stage[position])
        arrival_s, departure_s = float(run.exit_s[position]), float(run.depart_s[position])
        if position == 0:
            yield Stand(0, departure_s, departure_s, 0)
        elif position == last:
            yield Stand(last, arrival_s, arrival_s, asked.calls[-1])
        elif departure_s > arrival_s:
            yield Stand(position, arrival_s, departure_s, asked.calls[stage] if stage >= 0 else -1)


def _calls(
    scene: Scene, asked: Asked, run: Run, leg: Ints, earlier: Ints
) -> tuple[tuple[Ints, Floats, Floats, Floats], Floats, Ints, tuple[str, ...]]:
    """Return the run earlier by leg, and for every call of the train its times, its legs and its track."""
    last = len(run.directed) - 1
    onward = leg.copy()
    for position in [0, *np.flatnonzero(run.depart_s[:last] > run.exit_s[:last]).tolist()]:
        onward[position] = leg[min(position + 1, last)]
    depart_s = run.depart_s - earlier[onward]
    depart_s[last] = run.depart_s[last] - earlier[leg[last]]
    moved = (run.directed, run.enter_s - earlier[leg], run.exit_s - earlier[leg], depart_s)
    moved[2][0] = moved[1][0] = depart_s[0]
    day = scene.window.day.calls
    rows = range(int(day.start[asked.train]), int(day.start[asked.train + 1]))
    call_s, call_leg = np.full((len(rows), 2), np.nan), np.zeros((len(rows), 2), np.int32)
    track = [""] * len(rows)
    met = passages(scene.network, run.directed, run.enter_s, run.exit_s, run.depart_s)
    for call, passage in _matched(asked, run, [int(day.point[row]) for row in rows], met):
        at = passage.position
        arrival_s, departure_s = passage.arrival_s - earlier[leg[at]], passage.departure_s - earlier[leg[at]]
        if passage.stops:
            departure_s = passage.departure_s - earlier[onward[at]]
            arrival_s = departure_s if at == 0 else arrival_s
            departure_s = arrival_s if at == last else departure_s
        call_s[call] = arrival_s, departure_s
        call_leg[call] = leg[at], onward[at] if passage.stops else leg[at]
        track[call] = passage.track
    return moved, call_s, call_leg, tuple(track)


def _matched(asked: Asked, run: Run, points: list[int], met: list[Passage]) -> Iterator[tuple[int, Passage]]:
    """Yield calls with where the run comes through them, in order, without those that it no longer comes through."""
    position = {int(stage): at for at, stage in enumerate(run.stage.tolist()) if stage >= 0}
    number = 0
    for call, point in enumerate(points):
        stage = asked.calls.index(call) if call in asked.calls else -1
        onward = range(number, len(met))
        if stage >= 0:
            at = 0 if stage == 0 else position[stage]
            found = next((k for k in onward if met[k].position == at and met[k].point == point), None)
            if found is None:
                # Tracks at a border may lie before the point.
                yield call, Passage(point, at, 0.0, float(run.exit_s[at]), float(run.depart_s[at]), True, "")
        else:
            until = min((position[k] for k, one in enumerate(asked.calls) if one > call), default=len(run.directed))
            found = next((k for k in onward if met[k].point == point and met[k].position <= until), None)
        if found is not None:
            number = found + 1
            yield call, met[found]

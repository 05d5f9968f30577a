"""An independent check of a plan: against the network, the train, the request and a day.

Nothing of the search is used here: the run is simulated anew by sweeping speeds over the line in small steps, blocking
times are worked out from that simulation, and conflicts are looked for train by train.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from weerspoor.capacity.plan import Path, Plan
from weerspoor.common.clock import DAY_S, STEP_S, clock
from weerspoor.network.model import (
    KIND_CROSSING,
    KIND_SWITCH,
    LINE_CATEGORIES,
    PROTECTIONS,
    VOLTAGES,
    Network,
)
from weerspoor.timetable.day import Day
from weerspoor.trains.access import line_category_limits
from weerspoor.trains.braking import braking
from weerspoor.trains.clearance import keep_mask
from weerspoor.trains.model import DIESEL, Train
from weerspoor.trains.tables import norm, norm_list
from weerspoor.trains.traction import dynamics

SWEEP_M = 10.0
"""Step of the speed sweep."""

TIME_TOLERANCE_S = 8.0
"""A leg may differ so much from its simulation: one step of 6 s and rounding at both ends."""

SPAN_TOLERANCE_S = 2.0
"""A zone may be held so much less than the simulation asks, at either end."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Violation:
    """A rule that a plan breaks.

    Attributes
    ----------
    rule : str
        route, permission, clearance, running_time, stand, blocking, conflict, condition, time or provenance.
    place : str
    detail : str
    """

    rule: str
    place: str
    detail: str

    def __str__(self) -> str:
        return f"{self.rule} at {self.place}: {self.detail}" if self.place else f"{self.rule}: {self.detail}"


def verify_plan(plan: Plan, network: Network, day: Day | None) -> list[Violation]:
    """Return everything that is wrong with a plan; empty when it holds.

    Parameters
    ----------
    plan : Plan
        One whose outcome is ``found``; every path in it is checked.
    network : Network
    day : Day or None
        The day it must be free of conflicts with; None for an empty railway.
    """
    found: list[Violation] = []
    if plan.provenance.network != network.content_hash:
        found.append(Violation("provenance", "", "the plan was made on another network; places may have moved"))
    if plan.outcome != "found":
        found.append(Violation("route", "", "the plan has no path"))
        return found
    train = Train(**{key: tuple(value) if isinstance(value, list) else value for key, value in plan.train.items()})
    for path in plan.paths:
        found += _Check(plan, path, train, network, day).run()
    return found


@dataclass
class _Leg:
    """From one departure to the next arrival: positions in the path's pieces, first and last included."""

    first: int
    last: int
    starts_standing: bool
    ends_standing: bool


class _Check:
    def __init__(self, plan: Plan, path: Path, train: Train, network: Network, day: Day | None) -> None:
        self.plan, self.path, self.train, self.network, self.day = plan, path, train, network, day
        self.directed = [piece.directed for piece in path.pieces]
        self.found: list[Violation] = []
        self.group = train.norm_group
        self.stretch = 1.0 + norm(self.group, "supplement")

    def say(self, rule: str, place: str, detail: str) -> None:
        self.found.append(Violation(rule, f"path {self.path.id}, {place}" if place else f"path {self.path.id}", detail))

    def run(self) -> list[Violation]:
        if self._route():
            self._permissions()
            self._stands()
            held = self._simulate()
            self._blocking(held)
            self._clearance(held)
            self._conflicts()
        self._conditions()
        self._times()
        return self.found

    # -- the way ------------------------------------------------------------------------------------------------

    def _name(self, position: int) -> str:
        piece = self.path.pieces[position]
        return f"km {piece.km:.1f}, track {piece.track} {piece.name}".rstrip()

    def _route(self) -> bool:
        """Check that the pieces follow each other in place and time."""
        network, pieces = self.network, self.path.pieces
        if not pieces:
            self.say("route", "", "has no pieces")
            return False
        for position, piece in enumerate(pieces):
            if not 0 <= piece.directed < 2 * network.n_pieces:
                self.say("route", f"piece {position}", f"there is no directed piece {piece.directed}")
                return False
            if piece.exit_s < piece.enter_s or piece.depart_s < piece.exit_s:
                self.say("route", self._name(position), "time runs backwards")
            if position == 0:
                continue
            before = pieces[position - 1]
            start, end = network.successor_start[before.directed], network.successor_start[before.directed + 1]
            if piece.directed not in network.successor[start:end]:
                self.say("route", self._name(position), "does not follow the piece before it")
                return False
            if abs(piece.enter_s - before.depart_s) > 0.11:
                self.say(
                    "route", self._name(position), f"entered {piece.enter_s - before.depart_s:.1f} s after leaving"
                )
        return True

    def _permissions(self) -> None:
        """Check wire, protection, load, length and goods piece by piece."""
        allow, train = self.network.permissions, self.train
        wires = sum(1 << number for number, name in enumerate(VOLTAGES) if name in train.traction)
        protections = sum(1 << number for number, name in enumerate(PROTECTIONS) if name in train.protection)
        seen: set[tuple[str, str]] = set()

        def refuse(position: int, why: str) -> None:
            track = self.path.pieces[position].track
            if (track, why) not in seen:
                seen.add((track, why))
                self.say("permission", self._name(position), why)

        limits = line_category_limits()
        for position, directed in enumerate(self.directed):
            piece = directed >> 1
            if DIESEL not in train.traction and not int(allow.voltage[piece]) & wires:
                refuse(position, "no wire that the train can use")
            if int(allow.protection[piece]) and not int(allow.protection[piece]) & protections:
                refuse(position, "train protection that the train does not have")
            axle_t, metre_t = limits[LINE_CATEGORIES[int(allow.line_category[piece])]]
            if train.axle_load_t > axle_t + 1e-6:
                refuse(position, f"axle load {train.axle_load_t:g} t, the line takes {axle_t:g} t")
            if train.metre_load_t > metre_t + 1e-6:
                refuse(position, f"{train.metre_load_t:g} t per metre, the line takes {metre_t:g} t")
            if train.length_m > float(allow.max_train_m[piece]) + 0.5:
                refuse(position, f"trains of at most {float(allow.max_train_m[piece]):.0f} m")
            if train.is_freight and not allow.freight[piece]:
                refuse(position, "no freight trains")
            if train.dangerous_goods and not allow.dangerous_goods[piece]:
                refuse(position, "no dangerous goods")
            if not self.network.pieces.right_hand[directed] and not allow.left_allowed[piece]:
                refuse(position, "the left-hand track of a line where that is not allowed")

    def _stands(self) -> None:
        """Check that it stands only where it fits, long enough, and not on points."""
        longest: dict[int, float] = defaultdict(float)
        stops = self.network.stops
        for row, directed in enumerate(stops.directed):
            longest[int(directed)] = max(
                longest[int(directed)], float(stops.usable_m[row]), float(stops.platform_m[row])
            )
        for position, piece in enumerate(self.path.pieces):
            stand_s = piece.depart_s - piece.exit_s
            if stand_s <= 0 or position in (0, len(self.directed) - 1):
                continue
            usable = longest.get(piece.directed)
            if usable is None:
                self.say("stand", self._name(position), "is no place where a train may stand")
            elif self.train.length_m > usable + 0.5:
                self.say("stand", self._name(position), f"{self.train.length_m:.0f} m long, {usable:.0f} m usable")
            if self.network.pieces.kind[piece.directed >> 1] in (KIND_SWITCH, KIND_CROSSING):
                self.say("stand", self._name(position), "stands on points")
            if stand_s < norm(self.group, "min_stop_s") - 0.11:
                self.say("stand", self._name(position), f"stands {stand_s:.0f} s, too short to start again")

    # -- running ------------------------------------------------------------------------------------------------

    def _legs(self) -> list[_Leg]:
        pieces, legs, first, standing = self.path.pieces, [], 1, self._starts_standing()
        for position in range(1, len(pieces)):
            final = position + 1 == len(pieces)
            if pieces[position].depart_s > pieces[position].exit_s or final:
                stands = pieces[position].speed_kmh < 0.5
                legs.append(_Leg(first, position, standing, stands))
                first, standing = position + 1, True
        return legs

    def _starts_standing(self) -> bool:
        return self.path.pieces[0].speed_kmh < 0.5

    def _limits(self, leg: _Leg, pace: float) -> tuple[Floats, Floats, list[int]]:
        """Return positions on a grid, speed limits there (tail included), and grid index of each piece's end."""
        pieces = self.network.pieces
        brakes = braking(self.train)
        steps: list[float] = []
        limit: list[float] = []
        ends: list[int] = []
        length = pieces.length_m
        etcs = 1 << PROTECTIONS.index("ETCS")
        own_top = float(dynamics(self.train).max_speed_ms)
        for position in range(leg.first, leg.last + 1):
            piece = self.directed[position] >> 1
            span = float(length[piece])
            count = max(1, math.ceil(span / SWEEP_M))
            by_etcs = int(self.network.permissions.protection[piece]) & etcs and "ETCS" in self.train.protection
            top = self.train.max_speed_kmh if by_etcs else min(self.train.max_speed_kmh, brakes.max_speed_kmh)
            allowed = min(float(pieces.speed_kmh[piece]), top) / 3.6
            steps += [span / count] * count
            limit += [min(allowed, own_top * pace)] * count
            ends.append(len(steps))
        step = np.array(steps)
        head = np.concatenate([[0.0], np.cumsum(step)])
        raw = np.array(limit)
        tail_from = np.searchsorted(head, head[:-1] - self.train.length_m, side="right") - 1
        with_tail = np.array([raw[max(0, low) : index + 1].min() for index, low in enumerate(tail_from)])
        return step, with_tail, ends

    def _sweep(self, leg: _Leg, pace: float) -> tuple[Floats, Floats]:
        """Return time since the leg's start and speed at the exit of each of its pieces, at least running time."""
        step, limit, ends = self._limits(leg, pace)
        mechanics = dynamics(self.train)
        count = len(step)
        speed = np.empty(count + 1)
        entry = self.path.pieces[leg.first - 1].speed_kmh / 3.6 * self.stretch if not leg.starts_standing else 0.0
        speed[0] = min(entry, limit[0]) if not leg.starts_standing else 0.0
        for index in range(count):
            gain = float(mechanics.acceleration_ms2(speed[index]))
            ceiling = min(limit[index], limit[index + 1] if index + 1 < count else limit[index])
            reached = math.sqrt(max(0.0, speed[index] ** 2 + 2 * gain * step[index]))
            speed[index + 1] = min(reached, max(ceiling, 0.1))
        if leg.ends_standing:
            speed[count] = 0.0
        rate = mechanics.braking_ms2
        for index in range(count - 1, -1, -1):
            speed[index] = min(speed[index], math.sqrt(speed[index + 1] ** 2 + 2 * rate * step[index]))
        mean = np.maximum((speed[1:] + speed[:-1]) / 2, 0.05)
        times = np.concatenate([[0.0], np.cumsum(step / mean)]) * self.stretch
        at = np.array(ends)
        return times[at], speed[at] / self.stretch

    def _simulate(self) -> list[tuple[float, float]]:
        """Check running times; return the (from, until) that each piece must at least be held, head to tail."""
        pieces = self.path.pieces
        times = [piece.exit_s for piece in pieces]
        speeds = [piece.speed_kmh / 3.6 for piece in pieces]
        for leg in self._legs():
            departed = pieces[leg.first - 1].depart_s
            planned = pieces[leg.last].exit_s - departed
            options = [self._sweep(leg, pace) for pace in norm_list(self.group, "paces")]
            took, passing = min(options, key=lambda option: abs(float(option[0][-1]) - planned))
            if planned < float(took[-1]) - TIME_TOLERANCE_S:
                self.say(
                    "running_time", self._name(leg.last), f"{planned:.0f} s planned, at least {took[-1]:.0f} s needed"
                )
            elif planned > float(took[-1]) * 1.03 + TIME_TOLERANCE_S:
                self.say("running_time", self._name(leg.last), f"{planned:.0f} s planned, {took[-1]:.0f} s at its pace")
            for offset, position in enumerate(range(leg.first, leg.last + 1)):
                times[position] = departed + float(took[offset])
                speeds[position] = float(passing[offset])
        return self._spans(times, speeds)

    def _spans(self, times: list[float], speeds: list[float]) -> list[tuple[float, float]]:
        """Work out blocking times from the simulated passing times."""
        network, pieces = self.network, self.path.pieces
        length = network.pieces.length_m
        rate = braking(self.train).planned_ms2 / self.stretch**2
        setup, sighting = norm(self.group, "setup_s"), norm(self.group, "sighting_s")
        release = norm(self.group, "release_s")
        exits = np.array(times)
        departs = np.maximum(exits, [piece.depart_s for piece in pieces])
        reach = np.concatenate([[0.0], np.cumsum([float(length[way >> 1]) for way in self.directed])])[1:]
        standing_since = departs[0] if self._starts_standing() else -math.inf
        lock = departs[0] - setup if self._starts_standing() else exits[0] - sighting - setup
        spans: list[tuple[float, float]] = []
        for position in range(len(pieces)):
            if position:
                before = position - 1
                if departs[before] > pieces[before].exit_s:
                    standing_since = departs[before]
                if network.pieces.signal[self.directed[before]]:
                    approach = speeds[before] / (2 * rate) + sighting
                    lock = max(departs[before] - approach, standing_since) - setup
            spans.append((lock, self._tail_clear(position, reach, exits, departs, speeds) + release))
        return spans

    def _tail_clear(self, position: int, reach: Floats, exits: Floats, departs: Floats, speeds: list[float]) -> float:
        """Return when the tail has left the piece: when the head has run a train length beyond its end."""
        target = reach[position] + self.train.length_m
        last = len(reach) - 1
        if target >= reach[last] - 1e-6:
            if speeds[last] < 0.1:
                return float(exits[last])
            return float(exits[last] + (target - reach[last]) / speeds[last])
        index = int(np.searchsorted(reach, target))
        share = (target - reach[index - 1]) / max(1e-6, reach[index] - reach[index - 1])
        start, end = float(departs[index - 1]), float(exits[index])
        entry = speeds[index - 1] if departs[index - 1] <= self.path.pieces[index - 1].exit_s else 0.0
        leave = speeds[index]
        mean = (entry + leave) / 2
        if mean <= 0:
            return end
        if abs(leave - entry) < 0.01:
            return start + share * (end - start)
        squared = entry**2 + share * (leave**2 - entry**2)
        along = (math.sqrt(max(0.0, squared)) - entry) / (leave - entry)
        return start + along * (end - start)

    # -- holding ------------------------------------------------------------------------------------------------

    def _blocking(self, spans: list[tuple[float, float]]) -> None:
        """Check that the plan holds each zone at least as long as the simulation needs it."""
        held: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for row in self.path.held:
            held[row.zone].append((row.from_s, row.until_s))
        for position, (start, end) in enumerate(spans):
            zone = int(self.network.pieces.zone[self.directed[position] >> 1])
            if position == 0 and not self._starts_standing():
                start = max(start, float(self.path.pieces[0].exit_s))
            if not _covered(held.get(zone, []), start + SPAN_TOLERANCE_S, end - SPAN_TOLERANCE_S):
                spoken = ", ".join(f"{clock(a)}-{clock(b)}" for a, b in held.get(zone, [])) or "not at all"
                self.say(
                    "blocking", self._name(position), f"must be held {clock(start)}-{clock(end)}, is held {spoken}"
                )

    def _clearance(self, spans: list[tuple[float, float]]) -> None:
        """Check that every neighbour track too close for a wide load is kept empty while the load is beside it."""
        if not self.train.is_wide:
            return
        network, beside = self.network, self.network.neighbours
        kept: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        masks = {"wide": 1, "passenger": 3, "all": 7}
        for row in self.path.kept_empty:
            kept[row.zone].append((row.from_s, row.until_s, masks.get(row.of, 0)))
        own_zones = {int(network.pieces.zone[way >> 1]) for way in self.directed}
        seen: set[int] = set()
        for position, (start, end) in enumerate(spans):
            piece = self.directed[position] >> 1
            low, high = int(beside.start[piece]), int(beside.start[piece + 1])
            if low == high:
                continue
            others = beside.piece[low:high]
            radius = np.minimum(network.pieces.radius_m[others], network.pieces.radius_m[piece])
            wanted = keep_mask(self.train.load_half_width_mm, beside.distance_m[low:high], radius)
            for other, mask in zip(others.tolist(), wanted.tolist(), strict=True):
                zone = int(network.pieces.zone[other])
                if not mask or zone in own_zones or zone in seen:
                    continue
                spans_kept = [(a, b) for a, b, of in kept.get(zone, []) if of & mask == mask]
                if not _covered(spans_kept, start + SPAN_TOLERANCE_S, end - SPAN_TOLERANCE_S):
                    seen.add(zone)
                    name = network.tracks.name[int(network.pieces.track[other])]
                    self.say("clearance", self._name(position), f"track {name} beside it is not kept empty")

    def _conflicts(self) -> None:
        """Check what is held and kept empty against every train of the day, and of the next behind the seam."""
        if self.day is None:
            return
        day = self.day.holdings
        wanted: dict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
        for row in self.path.held:
            wanted[row.zone].append((row.from_s, row.until_s, self.train.occupies, 7))
        masks = {"wide": 1, "passenger": 3, "all": 7}
        for kept in self.path.kept_empty:
            wanted[kept.zone].append((kept.from_s, kept.until_s, 0, masks.get(kept.of, 7)))
        reported: set[str] = set()
        own = self.plan.reference
        for zone, rows in wanted.items():
            low, high = np.searchsorted(day.zone, [zone, zone + 1])
            for index in range(int(low), int(high)):
                name = self.day.trains.reference[int(day.train[index])]
                if name == own:
                    continue
                for shift in (0, DAY_S, -DAY_S) if self.day.periodic else (0,):
                    start, end = int(day.from_s[index]) + shift, int(day.until_s[index]) + shift
                    for from_s, until_s, occupies, blocks in rows:
                        if start >= until_s or end <= from_s:
                            continue
                        if not (blocks & int(day.occupies[index]) or int(day.blocks[index]) & occupies):
                            continue
                        label = name + ("+1" if shift > 0 else "-1" if shift < 0 else "")
                        if label not in reported:
                            reported.add(label)
                            where = self.network.zone_name[zone]
                            self.say("conflict", f"zone {where}", f"with {label} at {clock(max(start, from_s))}")

    # -- what was asked -----------------------------------------------------------------------------------------

    def _conditions(self) -> None:
        """Check windows, places to come through, places to avoid, stands and closures."""
        request = self.plan.request
        points = {row.code: row for row in self.path.points}
        origin, target = request["from"], request["to"]
        self._ends(origin["point"], self.path.points[0].code, target["point"], self.path.points[-1].code)
        if origin.get("ready_s") is not None and self.path.departure_s < origin["ready_s"]:
            self.say("condition", origin["point"], f"leaves {clock(self.path.departure_s)}, before it is ready")
        self._window(origin["point"], origin.get("window_s"), self.path.departure_s)
        self._window(target["point"], target.get("window_s"), self.path.arrival_s)
        for via in request.get("via", []):
            row = points.get(via["point"])
            if row is None:
                self.say("condition", via["point"], "does not come through")
                continue
            self._window(via["point"], via.get("window_s"), row.arrival_s)
            if row.departure_s - row.arrival_s < via.get("stop_s", 0):
                self.say(
                    "condition", via["point"], f"stands {row.departure_s - row.arrival_s} s, {via['stop_s']} s asked"
                )
        avoid: dict[str, Any] = request.get("avoid", {})
        for code in avoid.get("points", []):
            if code in points:
                self.say("condition", code, "comes through a point to avoid")
        for code in avoid.get("stand", []):
            if code in points and points[code].departure_s > points[code].arrival_s:
                self.say("condition", code, "stands where it should not")

    def _ends(self, origin: str, first: str, target: str, last: str) -> None:
        for asked, is_there, what in ((origin, first, "begins"), (target, last, "ends")):
            if asked.casefold() != is_there.casefold():
                self.say("condition", asked, f"{what} at {is_there}")

    def _window(self, place: str, window: list[int] | None, time_s: int) -> None:
        if window and not window[0] <= time_s <= window[1]:
            self.say("condition", place, f"at {clock(time_s)}, asked {clock(window[0])}-{clock(window[1])}")

    def _times(self) -> None:
        """Check that published times are steps of 0.1 minute and agree with the run."""
        for row in self.path.points:
            for time_s in (row.arrival_s, row.departure_s):
                if time_s % STEP_S:
                    self.say("time", row.code, f"{time_s} s is not a step of {STEP_S} s")
        first, last = self.path.pieces[0], self.path.pieces[-1]
        if abs(self.path.departure_s - first.depart_s) > STEP_S / 2 + 0.1:
            self.say("time", self.path.points[0].code, "the departure is not that of the run")
        if abs(self.path.arrival_s - last.exit_s) > STEP_S / 2 + 0.1:
            self.say("time", self.path.points[-1].code, "the arrival is not that of the run")


def _covered(held: list[tuple[int, int]], start: float, end: float) -> bool:
    """Tell whether the union of spans covers from start to end."""
    reached = start
    for from_s, until_s in sorted(held):
        if from_s <= reached + 1e-6 < until_s:
            reached = until_s
    return reached >= end - 1e-6

"""An independent check of one run: its way, permissions, stands, running times, and what it must hold.

Nothing of the search is used here: the run is simulated anew by the exact integrator, held back so that it is nowhere
before its time; blocking times are worked out from that simulation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from weerspoor.capacity.path import Held, KeptEmpty, PieceTime
from weerspoor.common.clock import clock
from weerspoor.kernel.graph import KEEP_ALL, KEEP_PASSENGER, KEEP_WIDE
from weerspoor.network.model import (
    KIND_CROSSING,
    KIND_OPEN_LINE,
    KIND_SWITCH,
    LINE_CATEGORIES,
    PROTECTIONS,
    VOLTAGES,
    Network,
)
from weerspoor.trains.access import (
    CLEARANCE,
    access,
    access_rules,
    gauge_index,
    line_category_limits,
    pieces_between,
    point_pieces,
)
from weerspoor.trains.braking import braking
from weerspoor.trains.clearance import clearance, keep_mask
from weerspoor.trains.model import DIESEL, Train
from weerspoor.trains.running_time import Drive, Motion, RunningPath, Stop, Stretch
from weerspoor.trains.starting import known_too_steep
from weerspoor.trains.stops import missing, stop_kind
from weerspoor.trains.tables import norm
from weerspoor.trains.traction import dynamics

TIME_TOLERANCE_S = 6.0
"""A leg may be so much shorter than its simulation: the step in which times are published."""

ROUNDING = 0.05
"""A leg may be so much longer than the longest that its stretches from signal to signal allow together."""

SLOW_TOLERANCE_S = 6.0
"""From signal to signal a train may take so much longer than it may: whole seconds, and steps of its speeds there."""

NEAR_M = 0.5
"""Lengths of pieces are rounded; over a path this is what they may add up to."""

ROUNDED_S = 0.11
"""Times of pieces are written in tenths of a second."""

SPEED_KMH = 0.1
"""Speeds are written in tenths of km/h."""

STANDING_KMH = 0.5
"""Slower than this is a stand."""

WALK_MS = 2.0
"""Least time beyond turning back itself: at this pace from the tail to the beginning of the piece under it."""

ETCS = "ETCS"

MASKS = {"wide": KEEP_WIDE, "passenger": KEEP_WIDE | KEEP_PASSENGER, "all": KEEP_ALL}
"""The trains of which a neighbour track is kept empty."""

KIND_OF_POINTS = (KIND_SWITCH, KIND_CROSSING)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Violation:
    """A rule that a plan breaks.

    Attributes
    ----------
    rule : str
        route, permission, clearance, running_time, stand, blocking, conflict, condition, time or provenance; of
        proposals also displacement, turn, rule or harm.
    place : str
    detail : str
    """

    rule: str
    place: str
    detail: str

    def __str__(self) -> str:
        return f"{self.rule} at {self.place}: {self.detail}" if self.place else f"{self.rule}: {self.detail}"


@dataclass(frozen=True)
class _Turn:
    """Turning back: the metres from the tail to the beginning of the piece under it, and the lowest limit under it."""

    beyond_m: float
    limit_ms: float


@dataclass(frozen=True)
class _Leg:
    """From one departure to the next arrival: positions in the path, the train standing or passing at their exits."""

    first: int
    last: int
    departed_s: float
    places_m: Floats
    held_back_s: Floats
    run: Motion

    def passes(self, place_m: float) -> tuple[float, float]:
        """Return when and how fast the head is at a place, in metres from the start; beyond the end it runs on."""
        end_m = float(self.places_m[-1])
        inside_m = min(place_m, end_m)
        speed_ms = self.run.speed_at(inside_m) / (1.0 + self.run.supplement)
        back_s = float(np.interp(inside_m, self.places_m, self.held_back_s))
        time_s = self.departed_s + self.run.time_at(inside_m) + back_s
        beyond_s = (place_m - end_m) / speed_ms if place_m > end_m and speed_ms > 0 else 0.0
        return time_s + beyond_s, speed_ms


@dataclass(frozen=True)
class Ran:
    """A run to be checked.

    Attributes
    ----------
    name : str
        What it is called in violations.
    pieces : sequence of PieceTime
    held : sequence of Held
    kept_empty : sequence of KeptEmpty
    """

    name: str
    pieces: Sequence[PieceTime]
    held: Sequence[Held]
    kept_empty: Sequence[KeptEmpty] = field(default_factory=list)


@dataclass(frozen=True)
class RunTerms:
    """By which norms a run is checked, beside those of its class of train.

    Attributes
    ----------
    slower : bool
        From signal to signal it may be planned to take as long as from a stand.
    either_track : bool
        It may run on the left-hand track of any line.
    differs_s : float
        What it must hold may be held so much shorter at both ends: the search and this check differ by no more.
    """

    slower: bool
    either_track: bool = False
    differs_s: float = 0.0


class RunCheck:
    """Checks one run of one train.

    Parameters
    ----------
    ran : Ran
    train : Train
    network : Network
    terms : RunTerms
    """

    def __init__(self, ran: Ran, train: Train, network: Network, terms: RunTerms) -> None:
        self.ran, self.train, self.network, self.terms = ran, train, network, terms
        self.pieces = ran.pieces
        self.directed = [piece.directed for piece in ran.pieces]
        self.found: list[Violation] = []
        self.group = train.norm_group
        self.stretch = 1.0 + norm(self.group, "supplement")
        self.access = access(network, train)
        self.turns: dict[int, _Turn] = {}
        self.codes = {code.casefold(): index for index, code in enumerate(network.points.code)}

    def say(self, rule: str, place: str, detail: str) -> None:
        """Note a violation."""
        self.found.append(Violation(rule, f"{self.ran.name}, {place}" if place else self.ran.name, detail))

    def check_run(self) -> bool:
        """Check the run by itself; False where it is no way over the tracks, and nothing more can be said."""
        if not self._route():
            return False
        self._permissions()
        self._stands()
        length_m = self.network.pieces.length_m[np.array(self.directed) >> 1].astype(np.float64)
        run_m = length_m.copy()
        run_m[list(self.turns)] = 0.0
        self.reach = np.cumsum(run_m) - run_m[0]
        self.enter = self.reach - length_m
        self.allowed_ms = self._allowed_ms()
        held = self._spans()
        self._blocking(held)
        self._clearance(held)
        return True

    # -- the way ------------------------------------------------------------------------------------------------

    def name_of(self, position: int) -> str:
        """Return what a position of the run is called in violations."""
        piece = self.pieces[position]
        return f"km {piece.km:.1f}, track {piece.track} {piece.name}".rstrip()

    def _route(self) -> bool:
        """Check that the pieces follow each other in place and time."""
        network, pieces = self.network, self.pieces
        if not pieces:
            self.say("route", "", "has no pieces")
            return False
        for position, piece in enumerate(pieces):
            if not 0 <= piece.directed < 2 * network.n_pieces:
                self.say("route", f"piece {position}", f"there is no directed piece {piece.directed}")
                return False
            if piece.exit_s < piece.enter_s or piece.depart_s < piece.exit_s:
                self.say("route", self.name_of(position), "time runs backwards")
            if position == 0:
                continue
            before = pieces[position - 1]
            start, end = network.successor_start[before.directed], network.successor_start[before.directed + 1]
            if piece.turned:
                if not self._turns_back(position):
                    return False
            elif piece.directed not in network.successor[start:end]:
                self.say("route", self.name_of(position), "does not follow the piece before it")
                return False
            if abs(piece.enter_s - before.depart_s) > ROUNDED_S:
                self.say(
                    "route", self.name_of(position), f"entered {piece.enter_s - before.depart_s:.1f} s after leaving"
                )
        return True

    def _turns_back(self, position: int) -> bool:
        """Check that a train may turn back before a row, stands long enough for it, and has its head where it says."""
        network, pieces = self.network, self.pieces
        stood, piece, place = pieces[position - 1], pieces[position], self.name_of(position - 1)
        if position in (1, len(pieces) - 1) or pieces[position - 1].turned:
            self.say("route", place, "turns back at an end of its way, or twice at once")
            return False
        if not (piece.enter_s == piece.exit_s == piece.depart_s and piece.speed_kmh < STANDING_KMH):
            self.say("route", place, "runs while it turns back")
            return False
        kind, points, stops = stop_kind(self.train.turns_by), network.points, network.stops
        here = stops.point[stops.directed == stood.directed]
        if not any(not missing(kind, points.code[i], points.kind[i]) for i in here[here >= 0].tolist()):
            needs = ", ".join(kind.needs)
            self.say("stand", place, f"turns back ({kind.name}) where there is not all that it needs: {needs}")
        if network.pieces.kind[stood.directed >> 1] == KIND_OPEN_LINE:
            self.say("stand", place, "turns back on the open line")
        under, beyond_m = self._under(stood.directed)
        if not under or under[-1] != piece.directed ^ 1:
            self.say("route", place, "its new head is not at the beginning of the piece under its tail")
            return False
        least_s = kind.least_s + kind.per_100_m_s * self.train.length_m / 100 + beyond_m / WALK_MS
        if stood.depart_s - stood.exit_s < least_s - ROUNDED_S:
            stand_s = stood.depart_s - stood.exit_s
            self.say("stand", place, f"stands {stand_s:.0f} s, turning back ({kind.name}) takes {least_s:.0f} s")
        back = np.array(under) ^ 1
        if not (network.pieces.right_hand[back] | network.permissions.left_allowed[back >> 1]).all():
            self.say("permission", place, "turns back on tracks that are not run over the other way")
        self.turns[position] = _Turn(beyond_m, float(self._allowed_on(back).min()))
        return True

    def _under(self, directed: int) -> tuple[list[int], float]:
        """Return the pieces under a train whose head is at the exit of one, and the metres from its tail to the last.

        No pieces if it is not known on which it stands.
        """
        network = self.network
        under, left_m = [directed], self.train.length_m - float(network.pieces.length_m[directed >> 1])
        while left_m > 0.0:
            rows = np.flatnonzero(network.successor == under[-1])
            if len(rows) != 1:
                return [], 0.0
            before = int(np.searchsorted(network.successor_start, rows[0], side="right")) - 1
            under.append(before)
            left_m -= float(network.pieces.length_m[before >> 1])
        return under, -left_m

    def _permissions(self) -> None:
        """Check wire, protection, load, length and goods piece by piece."""
        allow, train = self.network.permissions, self.train
        wires = sum(1 << number for number, name in enumerate(VOLTAGES) if name in train.traction)
        protections = sum(1 << number for number, name in enumerate(PROTECTIONS) if name in train.protection)
        gauge = gauge_index(train.gauge, train.load_height_mm)
        seen: set[tuple[str, str]] = set()

        def refuse(position: int, why: str) -> None:
            track = self.pieces[position].track
            if (track, why) not in seen:
                seen.add((track, why))
                self.say("permission", self.name_of(position), why)

        limits = line_category_limits()
        steep = np.zeros(self.network.n_pieces, dtype=bool)
        for gradient in known_too_steep(train):
            steep[pieces_between(self.network, gradient.from_point, gradient.to_point)] = True
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
            if int(allow.gauge[piece]) < gauge:
                refuse(position, "the profile of the line is too small")
            if int(self.access.reasons[directed]) & CLEARANCE:
                refuse(position, "too close to fixed objects for the load")
            if steep[piece]:
                refuse(position, "a gradient on which the train cannot start")
            right = self.network.pieces.right_hand[directed] or allow.left_allowed[piece] or self.terms.either_track
            if not right:
                refuse(position, "the left-hand track of a line where that is not allowed")

    def _stands(self) -> None:
        """Check that it stands only where it fits, long enough, and not on points."""
        stops, train, rules = self.network.stops, self.train, access_rules().stand
        guarded = train.guarded and not rules.guarded_at_platform
        platform = clearance().platform
        overhang_m = train.load_half_width_mm / 1000 - platform.edge_half_width_m
        goods = bool(train.dangerous_goods) and not rules.dangerous_goods_at_platform
        kept_from_people = guarded or goods or (train.is_wide and overhang_m > platform.overhang_m)
        longest: dict[int, float] = {}
        for directed, usable_m, platform_m in zip(stops.directed, stops.usable_m, stops.platform_m, strict=True):
            if not (kept_from_people and platform_m > 0 and not train.is_passenger):
                longest[int(directed)] = max(longest.get(int(directed), 0.0), float(usable_m))
        final = len(self.directed) - 1
        for position, piece in enumerate(self.pieces):
            if not self.stops_at(position):
                continue
            stand_s = piece.depart_s - piece.exit_s
            usable = longest.get(piece.directed)
            if usable is None:
                self.say("stand", self.name_of(position), "is no place where this train may stand")
            elif train.length_m > usable + 0.5:
                self.say("stand", self.name_of(position), f"{train.length_m:.0f} m long, {usable:.0f} m usable")
            if self.network.pieces.kind[piece.directed >> 1] in KIND_OF_POINTS:
                self.say("stand", self.name_of(position), "stands on points")
            if 0 < position < final and stand_s < norm(self.group, "min_stop_s") - ROUNDED_S:
                self.say("stand", self.name_of(position), f"stands {stand_s:.0f} s, too short to start again")

    # -- running ------------------------------------------------------------------------------------------------

    def stops_at(self, position: int) -> bool:
        """Tell whether the head stands at the exit of a piece."""
        pieces = self.pieces
        if position in (0, len(pieces) - 1):
            return pieces[position].speed_kmh < STANDING_KMH
        return pieces[position].depart_s > pieces[position].exit_s

    def _allowed_ms(self) -> Floats:
        """Return the highest speed of this train on each piece of its way."""
        return self._allowed_on(np.array(self.directed))

    def _allowed_on(self, directed: npt.NDArray[np.int_]) -> Floats:
        """Return the highest speed of this train on directed pieces: of the track, of its brakes, of its loads."""
        network, train = self.network, self.train
        pieces = directed >> 1
        by_signals = min(train.max_speed_kmh, braking(train).max_speed_kmh)
        has_etcs = network.permissions.protection[pieces] & (1 << PROTECTIONS.index(ETCS)) != 0
        top = np.where(has_etcs & (ETCS in train.protection), train.max_speed_kmh, by_signals)
        cap = self.access.speed_cap_kmh[directed]
        limit = np.minimum(np.minimum(network.pieces.speed_kmh[pieces], top), cap)
        return np.asarray(limit, dtype=np.float64) / 3.6

    def _drive(self, first: int, last: int, *, as_planned: bool) -> Drive:
        """Return how the train drives from the exit of piece ``first`` to that of ``last``, limits behind included.

        As planned it passes no signal faster than the plan says. After turning back the lowest limit under it holds
        until its tail has left.
        """
        begin = self.reach[first]
        limits = []
        turned = self._since(first)
        for position in range(turned, last + 1):
            end = float(self.reach[position] - begin)
            if end + self.train.length_m <= 0:
                continue
            # Before the first piece the train is taken to stand on more of the same.
            start = float(self.reach[position - 1] - begin) if position > turned else end - self.train.length_m
            allowed = self.turns[position].limit_ms if position in self.turns else float(self.allowed_ms[position])
            limits.append(Stretch(start, end, allowed))
        span = float(self.reach[last] - begin)
        stops = [Stop(span)] if self.stops_at(last) else []
        entry = 0.0 if self.stops_at(first) else self.pieces[first].speed_kmh / 3.6 * self.stretch
        passings = [
            (
                float(self.reach[position] - begin),
                (self.pieces[position].speed_kmh + SPEED_KMH) / 3.6 * self.stretch,
            )
            for position in range(first + 1, last)
            if as_planned and self.network.pieces.signal[self.directed[position]]
        ]
        way = RunningPath(span, limits, stops=stops, passings=passings)
        return Drive(dynamics(self.train), way, entry_ms=entry, supplement=self.stretch - 1.0)

    def _since(self, position: int) -> int:
        """Return the position since which the train runs in the direction that it has at another one."""
        return max((turn for turn in self.turns if turn <= position), default=0)

    def _legs(self) -> list[_Leg]:
        """Simulate every leg and hold the train back so that it is nowhere before its time."""
        pieces, legs, first = self.pieces, [], 0
        for last in range(1, len(pieces)):
            if last in self.turns:
                first = last
                continue
            if last + 1 < len(pieces) and not self.stops_at(last):
                continue
            departed = pieces[first].depart_s
            planned = np.array([piece.exit_s for piece in pieces[first : last + 1]]) - departed
            planned[0] = 0.0
            run = self._drive(first, last, as_planned=True).run()
            places = self.reach[first : last + 1] - self.reach[first]
            fast = np.array([run.time_at(float(place)) for place in places])
            held_back = np.maximum.accumulate(np.maximum(planned - fast, 0.0))
            late = float(fast[-1] + held_back[-1] - planned[-1])
            if late > TIME_TOLERANCE_S:
                self.say("running_time", self.name_of(last), f"{planned[-1]:.1f} s planned, {late:.1f} s too few")
            self._slow(first, last, places, planned)
            legs.append(_Leg(first, last, departed, places, held_back, run))
            first = last
        return legs

    def _slow(self, first: int, last: int, places: Floats, planned: Floats) -> None:
        """Check that from signal to signal, and so over the leg, it takes no longer than it may.

        That is as long as if it began the stretch from a stand, or where trains of its norms may not be planned slower
        its least time; and what times in whole seconds and the steps of speeds at signals take.
        """
        slower, signal = self.terms.slower, self.network.pieces.signal
        drive = self._drive(first, last, as_planned=False)
        run = drive.run()
        most, since, end = 0.0, 0, len(places) - 1
        for number in range(1, end + 1):
            if number < end and not signal[self.directed[first + number]]:
                continue
            allowed_s = run.time_at(float(places[number])) - run.time_at(float(places[since]))
            if slower and (since or drive.entry_ms > 0):
                allowed_s = max(allowed_s, drive.from_a_stand(float(places[since]), float(places[number])))
            most += allowed_s
            taken_s = float(planned[number] - planned[since])
            if taken_s > allowed_s + SLOW_TOLERANCE_S:
                place = self.name_of(first + number)
                self.say("running_time", place, f"{taken_s:.0f} s from the signal before, {allowed_s:.0f} s at most")
            since = number
        if planned[-1] > (1.0 + ROUNDING) * most + TIME_TOLERANCE_S:
            self.say("running_time", self.name_of(last), f"{planned[-1]:.1f} s planned, {most:.1f} s at most")

    def _spans(self) -> list[tuple[float, float]]:
        """Work out the (from, until) that each piece must at least be held: approach, setting, running, clearing."""
        legs, count = self._legs(), len(self.directed)
        setup, sighting = norm(self.group, "setup_s"), norm(self.group, "sighting_s")
        release = norm(self.group, "release_s")
        rate = braking(self.train).planned_ms2
        start = self.pieces[0].depart_s
        entered = not self.stops_at(0)
        locks, clears = [start if entered else start - setup], []
        for leg in legs:
            if leg.first in self.turns:
                locks.append(self.pieces[leg.first - 1].exit_s)
            for position in range(leg.first, leg.last):
                at_s, at_ms = leg.passes(self.reach[position] - self.reach[leg.first])
                if position == leg.first and not (position == 0 and entered):
                    locks.append(leg.departed_s - setup)
                elif position == 0 or self.network.pieces.signal[self.directed[position]]:
                    # The braking distance of the full speed, run over at the planned one.
                    approach_s = at_ms * self.stretch**2 / (2 * rate) + sighting
                    locks.append(at_s - approach_s - setup)
                else:
                    locks.append(locks[-1])
        for position in range(count):
            target, onward = self._clear_at(position)
            same = [one for one in legs if self._since(one.first) == onward]
            leg = next((one for one in same if target <= self.reach[one.last]), same[-1])
            clears.append(leg.passes(target - self.reach[leg.first])[0] + release)
        return list(zip(locks, clears, strict=True))

    def _clear_at(self, position: int) -> tuple[float, int]:
        """Return where the head is when the tail has left a piece, and since when the train runs in that direction.

        A piece on which some of the train still stands when it turns back is left the other way. One that the train
        has not left when it turns back again is said to be left at its last place before.
        """
        since = self._since(position)
        target = float(self.reach[position]) + self.train.length_m - NEAR_M
        turn = min((one for one in self.turns if one > position), default=None)
        if turn is None or target <= self.reach[turn]:
            return target, since
        back_m = float(self.reach[turn] - self.enter[position]) - self.turns[turn].beyond_m
        return float(self.reach[turn]) + max(back_m - NEAR_M, 0.0), turn

    # -- holding ------------------------------------------------------------------------------------------------

    def _blocking(self, spans: list[tuple[float, float]]) -> None:
        """Check that the plan holds each zone at least as long as the simulation needs it."""
        held: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for row in self.ran.held:
            held[row.zone].append((row.from_s, row.until_s))
        for position, (start, end) in enumerate(spans):
            zone = int(self.network.pieces.zone[self.directed[position] >> 1])
            if not _covered(held.get(zone, []), start + self.terms.differs_s, end - self.terms.differs_s):
                spoken = ", ".join(f"{clock(a)}-{clock(b)}" for a, b in held.get(zone, [])) or "not at all"
                self.say(
                    "blocking", self.name_of(position), f"must be held {clock(start)}-{clock(end)}, is held {spoken}"
                )

    def _clearance(self, spans: list[tuple[float, float]]) -> None:
        """Check that every neighbour track too close for a wide load is kept empty while the load is beside it."""
        if not self.train.is_wide:
            return
        network, beside = self.network, self.network.neighbours
        kept: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for row in self.ran.kept_empty:
            kept[row.zone].append((row.from_s, row.until_s, MASKS.get(row.of, 0)))
        for held in self.ran.held:
            kept[held.zone].append((held.from_s, held.until_s, 7))
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
                if not mask or zone == int(network.pieces.zone[piece]) or zone in seen:
                    continue
                spans_kept = [(a, b) for a, b, of in kept.get(zone, []) if of & mask == mask]
                if not _covered(spans_kept, start + self.terms.differs_s, end - self.terms.differs_s):
                    seen.add(zone)
                    name = network.tracks.name[int(network.pieces.track[other])]
                    self.say("clearance", self.name_of(position), f"track {name} beside it is not kept empty")

    def at(self, code: str) -> list[int]:
        """Return the positions of the path that lie in a point, or where a train at the point may stand."""
        point = self.codes[code.casefold()]
        inside = np.isin(np.array(self.directed) >> 1, point_pieces(self.network, [point]))
        inside |= np.isin(self.directed, self.network.stops.directed[self.network.stops.point == point])
        return [int(position) for position in np.flatnonzero(inside)]


def _covered(held: list[tuple[int, int]], start: float, end: float) -> bool:
    """Tell whether the union of spans covers from start to end."""
    reached = start
    for from_s, until_s in sorted(held):
        if from_s <= reached + 1e-6 < until_s:
            reached = until_s
    return reached >= end - 1e-6

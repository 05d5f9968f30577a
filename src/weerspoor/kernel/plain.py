# ruff: noqa: PLR0917
"""The model of a run in plain Python, and a search that tries everything: what the compiled search must equal.

The rules:

- A *route* begins at the exit of a directed piece and ends at the exit of another: where a signal faces the train, or
  at a *halt*, a place without a signal where a train may stand or leave the network. No route passes a signal. Of the
  routes between the same two places that are open to the train it takes the quickest at the limits of speed, and up to
  ``graph.ways`` in all, each with the most pieces in zones that none before it has (:meth:`Plain.ways`).
- A train leaves a route with a stop, freely, or at a *class* of speed. Class ``k`` is the speed from which it brakes to
  a stand within ``32 k`` metres. It passes a place at the highest class listed there (:meth:`Plain.classes`) that is
  no higher than the route behind allows (:meth:`Plain.needed`); freely, if that is slow enough.
- Over a route the head runs at full effort up to the lowest of the limit of its piece and the limits of what is still
  under the train, and brakes at a constant rate for what is slower. At the end of a route its speed is rounded down to
  1/8 m/s, and the metres for which limits still hold for its tail are rounded up to 32 m. Behind an origin no limit
  holds.
- Times at places are multiples of the step, rounded up. If ``slower`` is above 0, a train that passed the beginning of
the
  route may come to its end as late as one that stood there; it loses all of that time on the last piece.
- All zones of a route, and the zones kept empty beside it, are locked from ``lead`` before the head passes its
beginning:
  from a stand the setting of the route, else also the time to sight the signal and to brake (:meth:`Plain.lead_s`).
- A zone is cleared when the head is a train length beyond the piece's exit. If that is before the last piece of the
route on
  which the head then is, it counts from the beginning of that route, as if no time were lost. On the last piece it
  counts back from the end of that route, over which no train could run quicker. A zone is released ``release`` later,
  all locks and releases are widened by 3 s to whole seconds.
- A train that ends its run in passing is taken to clear what is behind at its last speed; one that ends it standing
releases
  all when its stand is over.
- A stage is passed at the first of its pieces on a route behind the stage before, or where the train stops there.
- Where a train turns back its head comes to the beginning of the piece under its tail (:meth:`Plain.turned`).

The search goes through all times of the grid, one after the other, and at each through everything that a train can
be in at that time. Of two that are in all respects the same it keeps the one that left the origin last. It is for
small networks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from weerspoor.kernel.graph import KEEP_ALL, Query, TrackGraph, TrainModel
from weerspoor.kernel.timelines import Timelines

CLASS_M = 32.0
TAIL_M = 32.0
MOST_TAIL = 4
CLUSTER = 0.8
WIDEN_S = 3
FREE, STOP = -1, 0
ANY_CLASS = 30_000

Route = tuple[int, ...]
"""Its directed pieces."""

Outcome = tuple[int, int, int]
"""Departure, arrival, stops."""


class State(NamedTuple):
    """Speed of the head, and the limits that hold for the tail: (metres to run, limit), the nearest first."""

    speed_ms: float
    tail: tuple[tuple[float, float], ...] = ()


class Part(NamedTuple):
    """A stretch of a run: speeding up, then running evenly, then braking."""

    begin_m: float
    begin_s: float
    curve_m: float
    up_m: float
    even_m: float
    peak_ms: float


@dataclass(frozen=True)
class Motion:
    """A train on a route.

    Attributes
    ----------
    least_s, most_s : int
        From the beginning to the end; multiples of the step.
    after : State
        At the end.
    piece_s : list of float
        From the beginning to the end of each piece.
    parts : list of Part
    best : list of Part
        Of the quickest that any train could run, and ``best_s`` its seconds.
    """

    least_s: int
    most_s: int
    after: State
    piece_s: list[float]
    parts: list[Part]
    best: list[Part]
    best_s: float


class Move(NamedTuple):
    """A route, the way it is left, and the classes that what follows must need: ``lowest`` to below ``below``."""

    route: Route
    leave: int
    lowest: int
    below: int
    motion: Motion


class Node(NamedTuple):
    """What a train is in, but for the time: ``tail`` has (metres to run until it is cleared, time by when)."""

    place: int
    state: State
    lowest: int
    below: int
    stage: int
    stops: int
    standing: bool
    tail: tuple[tuple[float, int], ...]


class Plain:
    """One train on one graph.

    Parameters
    ----------
    graph : TrackGraph
    model : TrainModel
    query : Query
        Its stops and its destination are halts.
    """

    def __init__(self, graph: TrackGraph, model: TrainModel, query: Query) -> None:
        self.graph, self.model, self.query = graph, model, query
        self.top = min(float(model.accel_v[-1]), float(model.speed_ms.max()))
        self.limit = [min(float(v), self.top) for v in model.speed_ms]
        self.length = [max(float(m), 1e-3) for m in graph.length_m]
        self.brake = float(model.braking_ms2)
        self.step = query.step_s
        halt = model.may_stop & (np.array(self.limit) > 0.0) & ~graph.signal
        if graph.halt is not None:
            halt |= graph.halt
        self.stands = model.may_stop.copy()
        for number, stage in enumerate(query.stages[1:], 1):
            if stage.stop_s >= 0.0:
                self.stands[stage.directed] = True
                halt[stage.directed[~model.may_stop[stage.directed]]] = True
            if number == len(query.stages) - 1:
                halt[stage.directed] = True
        self.halt = halt
        self._ways: dict[int, list[Route]] = {}
        self._classes: dict[int, list[int]] = {}
        self._moves: dict[tuple[int, State, int, int], list[Move]] = {}

    def after(self, dp: int) -> list[int]:
        """Return the directed pieces that follow one."""
        graph = self.graph
        return [int(s) for s in graph.successor[graph.successor_start[dp] : graph.successor_start[dp + 1]]]

    def metres(self, route: Route) -> list[float]:
        """Return the metres from the beginning of a route to the ends of its pieces."""
        ends, total = [], 0.0
        for dp in route:
            total += self.length[dp >> 1]
            ends.append(total)
        return ends

    # Which routes there are.

    def routes(self, place: int) -> list[Route]:
        """Return all routes from a place."""
        found: list[Route] = []

        def extend(path: Route, here: int) -> None:
            for dp in reversed(self.after(here)):
                if dp != place and dp not in path:
                    if self.graph.signal[dp] or self.halt[dp]:
                        found.append((*path, dp))
                    if not self.graph.signal[dp]:
                        extend((*path, dp), dp)

        extend((), place)
        return found

    def ways(self, place: int) -> list[Route]:
        """Return the routes from a place that the train may take."""
        if place not in self._ways:
            kept: list[Route] = []
            free = [route for route in self.routes(place) if all(self.limit[dp] > 0.0 for dp in route)]
            for end in dict.fromkeys(route[-1] for route in free):
                seen: set[int] = set()
                for turn in range(self.graph.ways):
                    chosen, most, quickest = None, 0 if turn else -1, math.inf
                    for route in free:
                        zones = [int(self.graph.zone[dp >> 1]) for dp in route]
                        fresh = sum(zone not in seen for zone in zones) if turn else 0
                        least = sum(self.length[dp >> 1] / self.limit[dp] for dp in route)
                        if route[-1] == end and (fresh > most or (fresh == most and least < quickest - 1e-9)):
                            chosen, most, quickest = route, fresh, least
                    if chosen is None or (turn and not most):
                        break
                    kept.append(chosen)
                    seen.update(int(self.graph.zone[dp >> 1]) for dp in chosen)
            self._ways[place] = kept
        return self._ways[place]

    # At which speeds the train passes from one to the next.

    def class_speed(self, k: int) -> float:
        """Return the speed of a class."""
        return math.floor(math.sqrt(2.0 * self.brake * CLASS_M * k) * 8.0) / 8.0

    def class_above(self, speed_ms: float) -> int:
        """Return the lowest class whose speed is not below another."""
        k = 0
        while self.class_speed(k) < speed_ms:
            k += 1
        return k

    def steps(self, route: Route) -> int:
        """Return the length of a route in steps of classes."""
        return int(self.metres(route)[-1] / CLASS_M)

    def open_class(self, route: Route) -> int:
        """Return the highest class at which a route may be entered: that from which all its limits can be kept."""
        begins = [0.0, *self.metres(route)[:-1]]
        brake_m = [self.limit[dp] ** 2 / (2.0 * self.brake) for dp in route]
        most = [int(m / CLASS_M + 1e-9) + int(b / CLASS_M) for m, b in zip(brake_m, begins, strict=True)]
        return max(min(most), 1)

    def needed(self, route: Route, leave: int) -> int:
        """Return the highest class at which a route may be entered that is left in a given way."""
        entry = self.open_class(route)
        return entry if leave == FREE else max(1, min(entry, leave + self.steps(route)))

    def classes(self, place: int) -> list[int]:
        """Return the classes at which a train may have to pass a place, rising.

        They are those of every slower piece and every place to stand that is nearer than the braking distance; those
        down to 0.8 times another are made one with it, the lowest.
        """
        if place not in self._classes:
            below = self.class_above(self.limit[place])
            wanted: set[int] = set()
            nearest = {place: 0}
            ahead = [(place, 0)]
            for here, before in ahead:
                for route in self.ways(here):
                    end = route[-1]
                    wanted.add(before + self.open_class(route))
                    if self.model.may_stop[end] or self.halt[end]:
                        wanted.add(before + self.needed(route, STOP))
                    further = before + self.steps(route)
                    if self.graph.signal[end] and further < below and further < nearest.get(end, below):
                        nearest[end] = further
                        ahead.append((end, further))
            rest = sorted(k for k in wanted if k < below)
            kept = []
            while rest:
                kept.append(min(k for k in rest if k >= CLUSTER * rest[-1]))
                rest = [k for k in rest if k < kept[-1]]
            self._classes[place] = kept[::-1]
        return self._classes[place]

    def passings(self, place: int, free_ms: float) -> list[tuple[int, int, int]]:
        """Return (way to leave, lowest class needed behind, class below which it is needed) of a passing of a place."""
        own = self.class_above(free_ms)
        slower = [k for k in self.classes(place) if k < own]
        above = [*slower, own][1:]
        return [(FREE, own, ANY_CLASS), *((k, k, most) for k, most in zip(slower, above, strict=True))]

    def lead_s(self, place: int, speed_ms: float) -> int:
        """Return how long before passing a place the route behind it is locked; speeds are rounded up to 3 m/s."""
        model = self.model
        if speed_ms <= 0.0:
            return math.ceil(model.setup_s) + WIDEN_S
        most = max(min(math.ceil(speed_ms / 3.0) * 3.0, self.limit[place]), speed_ms)
        return math.ceil(most / (2.0 * self.brake) + model.sighting_s + model.setup_s) + WIDEN_S

    # How it runs over one.

    def run(self, route: Route, state: State, leave: int, *, best: bool = False) -> tuple[list[Part], float, float]:
        """Return the parts of a run, its seconds and the speed at the end.

        With ``best`` the train speeds up at once and has no tail: no run is nearer to the end in time.
        """
        model = self.model
        ends = self.metres(route)
        total, length = ends[-1], model.length_m
        limits = [(begin, end if best else end + length, self.limit[dp]) for begin, end, dp in
                  zip([0.0, *ends[:-1]], ends, route, strict=True)]  # fmt: skip
        limits += [] if best else [(0.0, metres, limit) for metres, limit in state.tail]
        places = sorted({*ends, *(until for _, until, limit in limits if until < total and limit < self.top)})
        ceiling, begin = [], 0.0
        for place in places:
            ceiling.append(min(self.top, *(limit for a, b, limit in limits if a <= begin < b)))
            begin = place
        allowed = [math.inf if leave == FREE else 0.0 if leave == STOP else self.class_speed(leave)]
        for i in range(len(places) - 1, -1, -1):
            metres = places[i] - (places[i - 1] if i else 0.0)
            allowed.insert(0, min(ceiling[i], math.sqrt(min(allowed[0], ceiling[i]) ** 2 + 2 * self.brake * metres)))
        parts: list[Part] = []
        speed, now, begin = min(state.speed_ms, allowed[0]), 0.0, 0.0
        for place, most, out in zip(places, ceiling, allowed[1:], strict=True):
            part, speed = self._part(begin, now, place - begin, speed, most, min(out, most), best=best)
            parts.append(part)
            now, begin = self._time_in(part, place), place
        return parts, now, speed

    def _part(
        self, begin: float, now: float, metres: float, speed: float, most: float, out: float, *, best: bool
    ) -> tuple[Part, float]:
        """Return how a stretch is run: up to ``most``, at its end at ``out`` or slower."""
        curve_v, curve_s = self.model.accel_v, self.model.accel_s
        if best:
            speed = min(most, math.sqrt(out * out + 2.0 * self.brake * metres))
        x = float(np.interp(speed, curve_v, curve_s))

        def up_to(peak: float) -> float:
            return 0.0 if best else max(float(np.interp(peak, curve_v, curve_s)) - x, 0.0)

        def down_from(peak: float) -> float:
            return max(peak * peak - out * out, 0.0) / (2.0 * self.brake)

        up = min(metres, up_to(most))
        reached = speed if best else most
        if up == metres and not best:
            reached = float(np.interp(x + metres, curve_s, curve_v))
        if reached <= out:
            return Part(begin, now, x, up, metres - up, reached), reached
        if up + down_from(reached) <= metres:
            return Part(begin, now, x, up, metres - up - down_from(reached), reached), out
        low, high = max(speed, out), reached
        for _ in range(100):
            middle = (low + high) / 2.0
            low, high = (middle, high) if up_to(middle) + down_from(middle) <= metres else (low, middle)
        return Part(begin, now, x, metres - min(down_from(low), metres), 0.0, low), out

    def _time_in(self, part: Part, place: float) -> float:
        """Return when the head is at a place within a part."""
        curve_t, curve_s = self.model.accel_t, self.model.accel_s
        done, time = place - part.begin_m, part.begin_s
        if part.up_m > 0.0 and done > 0.0:
            x, rise = part.curve_m, min(done, part.up_m)
            time += max(
                float(np.interp(x + rise, curve_s, curve_t) - np.interp(x, curve_s, curve_t)), rise / part.peak_ms
            )
            done -= rise
        if part.even_m > 0.0 and done > 0.0:
            time += min(done, part.even_m) / part.peak_ms
            done -= min(done, part.even_m)
        if done > 0.0:
            slow = math.sqrt(max(part.peak_ms**2 - 2.0 * self.brake * done, 0.0))
            time += (part.peak_ms - slow) / self.brake
        return time

    def time_at(self, parts: list[Part], place: float) -> float:
        """Return when the head is at a place."""
        return self._time_in([part for part in parts if part.begin_m <= place][-1], place)

    def tail_after(self, route: Route, state: State) -> tuple[tuple[float, float], ...]:
        """Return the limits that hold for the tail behind the end of a route, rising with the metres they hold."""
        length, behind = self.model.length_m, 0.0
        limits = []
        for dp in reversed(route):
            if behind < length:
                limits.append((length - behind, self.limit[dp]))
            behind += self.length[dp >> 1]
        if behind < length:
            limits += [(metres - behind, limit) for metres, limit in reversed(state.tail) if metres > behind]
        lowest, kept = self.top, []
        for metres, limit in limits:
            if limit < lowest:
                lowest = limit
                kept.append((math.ceil(metres / TAIL_M) * TAIL_M, limit))
        tail: list[tuple[float, float]] = []
        for metres, limit in reversed(kept):
            if tail and metres <= tail[-1][0]:
                continue
            if len(tail) == MOST_TAIL:
                tail[-1] = metres, tail[-1][1]
            else:
                tail.append((metres, limit))
        return tuple(tail)

    def motion(self, route: Route, state: State, leave: int) -> Motion:
        """Return how the train runs over a route."""
        step = self.step
        parts, time, speed = self.run(route, state, leave)
        best, best_s = parts, time
        if state.speed_ms > 0.0:
            # Of a train that starts here the run is known; one that comes by may be as fast as the track allows.
            best, best_s, _ = self.run(route, state, leave, best=True)
        slow = time
        if self.model.slower > 0.0 and state.speed_ms > 0.0:
            slow = self.run(route, State(0.0, state.tail), leave)[1]

        def whole(seconds: float) -> int:
            return math.ceil(math.ceil(seconds - 1e-9) / step) * step

        speed = math.floor(speed * 8.0 + 1e-9) / 8.0
        after = State(speed if leave == STOP else max(speed, 0.125), self.tail_after(route, state))
        piece_s = [self.time_at(parts, end) for end in self.metres(route)]
        return Motion(whole(time), max(whole(slow), whole(time)), after, piece_s, parts, best, best_s)

    def moves(self, node: Node) -> list[Move]:
        """Return the routes that a train may take next, with the ways in which it may leave them."""
        key = node.place, node.state, node.lowest, node.below
        if key not in self._moves:
            found = []
            own = self.class_above(node.state.speed_ms)
            for route in self.ways(node.place):
                end = route[-1]
                leaves = [(STOP, 0, ANY_CLASS)] if self.stands[end] else []
                if own <= self.open_class(route):
                    if self.graph.signal[end]:
                        leaves += self.passings(end, self.motion(route, node.state, FREE).after.speed_ms)
                    else:
                        leaves.append((FREE, 0, ANY_CLASS))
                for leave, lowest, below in leaves:
                    need = self.needed(route, leave)
                    if own <= need and node.lowest <= need < node.below:
                        found.append(Move(route, leave, lowest, below, self.motion(route, node.state, leave)))
            self._moves[key] = found
        return self._moves[key]

    def cleared(self, move: Move, metres: float) -> tuple[bool, int]:
        """Return when what is cleared on a route is released: whether counted from its end, and the seconds."""
        ends = self.metres(move.route)
        release = self.model.release_s
        if metres > (ends[-2] if len(ends) > 1 else 0.0):
            left = move.motion.best_s - self.time_at(move.motion.best, metres)
            return True, math.ceil(release - left) + WIDEN_S
        return False, math.ceil(self.time_at(move.motion.parts, metres) + release) + WIDEN_S

    def turned(self, place: int) -> tuple[int, float, float] | None:
        """Return where the head is after turning back, the least stand for it, and the limit under the train.

        The way from the beginning of the piece under the tail to the tail counts as standing, 2 m/s. There is no
        turning where ways join under the train.
        """
        may_turn = self.model.may_turn
        if may_turn is None or not may_turn[place] or not self.model.may_stop[place]:
            return None
        here, left, lowest = place, float(self.model.length_m), math.inf
        while self.limit[here] > 0.0 and self.limit[here ^ 1] > 0.0:
            left -= self.length[here >> 1]
            lowest = min(lowest, self.limit[here ^ 1])
            if left <= 0.0:
                return here ^ 1, self.model.turn_s - left / 2.0, lowest
            before = [dp for dp in range(len(self.limit)) for after in self.after(dp) if after == here]
            if len(before) != 1:
                return None
            here = before[0]
        return None

    def zones(self, dp: int) -> list[tuple[int, int, int]]:
        """Return (zone, what it is occupied by, what it blocks) for a train on a piece."""
        model, piece = self.model, dp >> 1
        rows = [(int(self.graph.zone[piece]), model.kind, KEEP_ALL)]
        if len(model.keep_start):
            for k in range(model.keep_start[piece], model.keep_start[piece + 1]):
                rows.append((int(model.keep_zone[k]), 0, int(model.keep_mask[k])))
        return rows


class Zones:
    """When zones are taken by other trains."""

    def __init__(self, timelines: Timelines) -> None:
        self._rows: dict[int, list[tuple[int, int, int, int]]] = {}
        zone, from_s, until_s, _, occupies, blocks = timelines.table()
        for z, a, b, occ, blk in zip(
            *(part.tolist() for part in (zone, from_s, until_s, occupies, blocks)), strict=True
        ):
            self._rows.setdefault(z, []).append((a, b, occ, blk))
        self._known: dict[tuple[int, int, int, int], int | None] = {}

    def free_until(self, zone: int, occupies: int, blocks: int, at: int) -> int | None:
        """Return when a zone is next taken by a train in conflict, never being 10^9; None if it is taken."""
        key = zone, occupies, blocks, at
        if key not in self._known:
            rows = [r for r in self._rows.get(zone, []) if (blocks & r[2]) or (occupies & r[3])]
            taken = any(a <= at < b for a, b, _, _ in rows)
            self._known[key] = None if taken else min([a for a, _, _, _ in rows if a > at], default=10**9)
        return self._known[key]


class Everything:
    """The search that tries everything."""

    def __init__(self, graph: TrackGraph, model: TrainModel, timelines: Timelines, query: Query) -> None:
        self.plain, self.zones = Plain(graph, model, query), Zones(timelines)
        self.graph, self.model, self.query = graph, model, query
        self.limit = math.floor(min(query.horizon_s, query.stages[-1].latest_s))
        self.waiting: dict[int, dict[Node, int]] = {}
        self.found: dict[tuple[int, int], int] = {}

    def put(self, time: int, node: Node, left: int) -> None:
        """Note what a train may be in at a time, and when it left the origin."""
        if time <= self.limit:
            nodes = self.waiting.setdefault(time, {})
            nodes[node] = max(left, nodes.get(node, left))

    def locked(self, dp: int, at: int) -> int | None:
        """Return until when all zones of a piece are free from a time on; None if one is taken."""
        until = 10**9
        for zone, occupies, blocks in self.plain.zones(dp):
            free = self.zones.free_until(zone, occupies, blocks, at)
            if free is None:
                return None
            until = min(until, free)
        return until

    def begin(self) -> None:
        """Put the train at its origin, at every time of the grid that is allowed."""
        plain, first, step = self.plain, self.query.stages[0], self.query.step_s
        standing = first.stop_s >= 0.0
        lo = max(first.earliest_s + first.stop_s, first.depart_s) if standing else first.earliest_s
        hi = min(first.latest_s, self.limit)
        for dp in sorted({int(d) for d in first.directed if plain.limit[d] > 0.0}):
            ways = [(State(0.0), 0, ANY_CLASS)]
            if not standing:
                free_ms = math.floor(plain.limit[dp] * 8.0) / 8.0
                ways = [(State(free_ms if leave == FREE else plain.class_speed(leave)), lowest, below)
                        for leave, lowest, below in plain.passings(dp, free_ms)]  # fmt: skip
            for state, lowest, below in ways:
                for time in range(math.ceil(lo / step) * step, math.floor(hi) + 1, step):
                    until = self.locked(dp, time - plain.lead_s(dp, state.speed_ms))
                    if until is not None and until > time:
                        tail = ((float(self.model.length_m), until),)
                        # It leaves when it is put there: standing on at an origin is none of the search's business.
                        self.put(time, Node(dp, state, lowest, below, 1, 0, False, tail), time)

    def go(self, node: Node, left: int, time: int, move: Move) -> None:
        """Take a route from a time on, and come to its end as early or late as the train may."""
        plain = self.plain
        ends = plain.metres(move.route)
        lock = time - plain.lead_s(node.place, node.state.speed_ms)
        behind = list(node.tail)
        for dp, end in zip(move.route, ends, strict=True):
            until = self.locked(dp, lock)
            if until is None:
                return
            behind.append((end + float(self.model.length_m), until))
        tail = []
        last = 10**9
        for metres, until in behind:
            if metres > ends[-1]:
                if until < 10**9:
                    tail.append((metres - ends[-1], until))
                last = min(last, until - 1)
                continue
            from_end, seconds = plain.cleared(move, metres)
            if from_end:
                last = min(last, until - seconds)
            elif time + seconds > until:
                return
        for end in range(time + move.motion.least_s, min(time + move.motion.most_s, last) + 1, self.query.step_s):
            self.arrive(node, left, time, end, move, tuple(sorted(set(tail))))

    def arrive(
        self, node: Node, left: int, time: int, end: int, move: Move, tail: tuple[tuple[float, int], ...]
    ) -> None:
        """Come to the end of a route, having passed as many stages on it as possible, or less."""
        stages, here = self.query.stages, move.route[-1]
        passed = -1
        for k in range(node.stage, len(stages)):
            stage, final = stages[k], k == len(stages) - 1
            target = here in stage.directed and stage.earliest_s <= end <= min(stage.latest_s, self.limit)
            stops = stage.stop_s >= 0.0
            if target and final and stops == (move.leave == STOP) and self.may_end(end, move, tail):
                self.found[end, node.stops] = max(left, self.found.get((end, node.stops), left))
            if move.leave == STOP and node.stops < self.query.max_stops:
                if target and stops and not final:
                    self.stand(node, left, end, move, tail, stage.stop_s, stage.depart_s, k + 1)
                if self.model.may_stop[here]:
                    self.stand(node, left, end, move, tail, self.model.min_stop_s, -1e9, k)
            if move.leave != STOP and self.graph.signal[here]:
                next_node = Node(here, move.motion.after, move.lowest, move.below, k, node.stops, False, tail)
                self.put(end, next_node, left)
            on_route = [j for j in range(passed + 1, len(move.route)) if move.route[j] in stage.directed]
            if final or stops or not on_route:
                return
            passed = on_route[0]
            at = end if passed == len(move.route) - 1 else time + math.ceil(move.motion.piece_s[passed] - 1e-9)
            if not stage.earliest_s <= at <= stage.latest_s:
                return

    def may_end(self, end: int, move: Move, tail: tuple[tuple[float, int], ...]) -> bool:
        """Tell whether all that is behind is released in time when the run ends."""
        final, release = self.query.stages[-1], self.model.release_s
        for metres, until in tail:
            gone = (
                end + metres / move.motion.after.speed_ms
                if final.stop_s < 0.0
                else max(end + final.stop_s, final.depart_s)
            )
            if math.ceil(gone + release) + WIDEN_S > until:
                return False
        return True

    def stand(
        self, node: Node, left: int, end: int, move: Move, tail: tuple[tuple[float, int], ...],
        least_s: float, depart_s: float, stage: int,
    ) -> None:  # fmt: skip
        """Stand, and perhaps turn back."""
        step, here = self.query.step_s, move.route[-1]

        def ready(stand_s: float) -> int:
            return math.ceil(max(end + stand_s, depart_s) / step) * step

        after = Node(here, move.motion.after, 0, ANY_CLASS, stage, node.stops + 1, True, tail)
        self.put(ready(least_s), after, left)
        turned = self.plain.turned(here)
        if turned is not None:
            place, turn_s, limit = turned
            length = float(self.model.length_m)
            state = State(0.0, ((length, limit),) if limit < self.plain.top else ())
            rest = ((length, min(until for _, until in tail)),) if tail else ()
            self.put(ready(max(least_s, turn_s)), after._replace(place=place, state=state, tail=rest), left)

    def search(self) -> list[Outcome]:
        """Return (departure, arrival, stops) of all runs, the latest departure for each arrival and number of stops."""
        self.begin()
        while self.waiting:
            time = min(self.waiting)
            for node, left in self.waiting.pop(time).items():
                if node.standing:
                    self.put(time + self.query.step_s, node, left)
                for move in self.plain.moves(node):
                    self.go(node, left, time, move)
        return [(left, end, stops) for (end, stops), left in self.found.items()]


def all_runs(graph: TrackGraph, model: TrainModel, timelines: Timelines, query: Query) -> list[Outcome]:
    """Return (departure, arrival, stops) of all runs, the latest departure for each arrival and number of stops."""
    return Everything(graph, model, timelines, query).search()


def pareto(runs: list[Outcome]) -> list[Outcome]:
    """Return the (departure, arrival, stops) that no other beats or equals in all three, by departure."""
    best: list[Outcome] = []
    for run in sorted(set(runs), key=lambda r: (r[1], r[2], -r[0])):
        if not any(b[0] >= run[0] and b[1] <= run[1] and b[2] <= run[2] for b in best):
            best.append(run)
    return sorted(best, key=lambda r: (r[0], r[1], r[2]))

"""How many paths there can be at most: the narrowest set of tracks that every path has to cross, by free time.

Every path runs over directed pieces, and over each of them it holds the zone for at least a *least hold*: from locking
to releasing, at full speed, without any time lost. Of one piece no more paths can be had within a time than least holds
fit into the free gaps of its zone (and, for a wide load, of the zones it keeps empty). Through a network in which every
piece has such a number no more paths can go than its largest flow, which is that of its narrowest cut. Nothing in this
depends on the search, and no order of paths can beat it. What a least hold is says
:mod:`.least_holds`; :mod:`.gap_flow` sharpens the bound of the day.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from weerspoor.capacity.guarantee.gap_flow import gaps_of, largest_flow, layered_flow
from weerspoor.capacity.guarantee.least_holds import ROUNDING_S, Holds, least_holds, least_seconds, predecessors
from weerspoor.common.clock import DAY_S, DAY_START_S
from weerspoor.kernel.compiled import compiled
from weerspoor.network.routes import dijkstra
from weerspoor.trains.turning import with_turns

if TYPE_CHECKING:
    from weerspoor.capacity.fit import Problem
    from weerspoor.kernel.timelines import Timelines
    from weerspoor.network.model import Network

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

UNBOUNDED = 1 << 20


@dataclass(frozen=True)
class Bound:
    """How many paths there can be at most.

    Attributes
    ----------
    hours : list of int
        Of those that leave in each hour of the operating day, from 05:00.
    day : int
        Of all that leave in the operating day together.
    cut : tuple of int
        Directed pieces of the narrowest cut of the day.
    """

    hours: list[int]
    day: int
    cut: tuple[int, ...]

    def within(self, other: Bound) -> Bound:
        """Return this bound, where another that holds as well is less that one."""
        day, cut = (self.day, self.cut) if self.day <= other.day else (other.day, other.cut)
        hours = [min(pair) for pair in zip(self.hours, other.hours, strict=True)]
        return Bound(hours, day, cut)


class _Leg(NamedTuple):
    """The way from one place to the next: least seconds from the origin and to the destination, by node."""

    sources: Ints
    goals: Ints
    from_origin_s: npt.NDArray[np.float32]
    to_destination_s: npt.NDArray[np.float32]


def upper_bound(
    problem: Problem,
    timelines: Timelines,
    longest_s: float,
    *,
    none: tuple[int, ...] = (),
    repeats: bool = True,
    through_gaps: bool = True,
) -> Bound:
    """Return how many paths of a train there can be in each hour and in the day.

    Parameters
    ----------
    problem : Problem
        For which tracks lead through.
    timelines : Timelines
        What is in the way.
    longest_s : float
        Journeys that take longer are no paths.
    none : tuple of int
        Hours in which, as a search has proved, not even one path leaves.
    repeats : bool
        The day repeats, and so do the paths: the bound of the day counts a circle of 24 hours.
    through_gaps : bool
        The bound of the day is also that of :mod:`.gap_flow`, which takes longer; not for trains that
        turn back.
    """
    start, following = _graph(problem)
    holds, spans = least_holds(problem), _blocked(problem, timelines)
    best = [_Least() for _ in range(24)]
    day, stretches = _Least(), [_Least() for _ in _stretches(none)]
    for leg in _legs(problem, start, following):
        flow = _Flow(problem, start, following, leg, longest_s)

        def within(first: int, last: int, flow: _Flow = flow) -> tuple[int, tuple[int, ...]]:
            span = flow.window(DAY_START_S + 3600.0 * first, DAY_START_S + 3600.0 * (last + 1))
            return flow.most(slots(problem.network, spans, holds, *span))

        for hour in set(range(24)).difference(none):
            best[hour].take(*within(hour, hour))
        for least, (first, last) in zip(stretches, _stretches(none), strict=True):
            least.take(*within(first, last))
            if through_gaps and not problem.turns:
                least.take(*_through_gaps(problem, flow, spans, holds, (first, last)))
        if repeats:
            day.take(*flow.most(slots_of_day(problem.network, spans, holds)))
    for hour in none:
        best[hour].take(0, ())
    for parts in (stretches, best):
        day.take(sum(part.most for part in parts), tuple(sorted({piece for part in parts for piece in part.cut})))
    return Bound([min(part.most, day.most) for part in best], day.most, day.cut)


def _through_gaps(
    problem: Problem, flow: _Flow, spans: Blocked, holds: Holds, hours: tuple[int, int]
) -> tuple[int, tuple[int, ...]]:
    """Return the largest flow through the gaps of all paths that leave from one hour to another."""
    begin_s = DAY_START_S + 3600.0 * hours[0]
    first_s, last_s = flow.window(begin_s, DAY_START_S + 3600.0 * (hours[1] + 1))
    used = np.zeros(len(first_s), np.bool_)
    used[flow.nodes] = True
    gaps = gaps_of(spans, holds, np.where(used, first_s, np.inf), last_s)
    network, leg = problem.network, flow.leg
    successors = network.successor_start, network.successor
    most, cut = largest_flow(gaps, holds, successors, (leg.sources, leg.goals), begin_s)
    return most, tuple(cut.tolist())


class _Least:
    """The least of some bounds, and its cut."""

    def __init__(self) -> None:
        self.most, self.cut = UNBOUNDED, cast("tuple[int, ...]", ())

    def take(self, most: int, cut: tuple[int, ...]) -> None:
        if most < self.most:
            self.most, self.cut = most, cut


def _stretches(none: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return (first, last) of the hours in a row in which a path may leave."""
    found: list[tuple[int, int]] = []
    for hour in sorted(set(range(24)).difference(none)):
        if found and found[-1][1] == hour - 1:
            found[-1] = found[-1][0], hour
        else:
            found.append((hour, hour))
    return found


def _graph(problem: Problem) -> tuple[Ints, Ints]:
    """Return the successors, with a node for every turning when the train may turn back."""
    if problem.turns:
        return with_turns(problem.network, *problem._heads)
    return problem.network.successor_start, problem.network.successor


def _legs(problem: Problem, start: Ints, following: Ints) -> list[_Leg]:
    """Return the legs between the places asked for, with least times from the origin and to the destination."""
    cost, stages = least_seconds(problem), problem.query.stages
    after = [_from(start, following, stages[0].directed, np.zeros(len(stages[0].directed), np.float32), cost)]
    for stage in stages[1:-1]:
        after.append(_from(start, following, stage.directed, after[-1][stage.directed], cost))
    back_start, before = predecessors(start, following)
    until = [_to(back_start, before, stages[-1].directed, np.zeros(len(stages[-1].directed), np.float32), cost)]
    for stage in stages[-2:0:-1]:
        until.append(_to(back_start, before, stage.directed, until[-1][stage.directed] - cost[stage.directed], cost))
    until.reverse()
    return [_Leg(stage.directed, goal.directed, after[k], until[k]) for k, (stage, goal) in enumerate(pairwise(stages))]


def _from(
    start: Ints, following: Ints, sources: Ints, begin: npt.NDArray[np.float32], cost: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return the least seconds until the exit of every node for a head that is at the exits of sources at times."""
    return _spread(start, following, sources, begin, cost)


def _to(
    start: Ints, before: Ints, goals: Ints, begin: npt.NDArray[np.float32], cost: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return the least seconds from the entry of every node to the exits of goals, and on from there."""
    return _spread(start, before, goals, begin + cost[goals], cost)


def _spread(
    start: Ints, following: Ints, sources: Ints, begin: npt.NDArray[np.float32], cost: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return the least cost by node when each source is reached at a cost of its own."""
    n, k = len(start) - 1, len(sources)
    # One node more a source leads to it; its cost is what the source is reached at beyond its own cost.
    wider = np.concatenate([start, start[-1] + np.arange(1, k + 1, dtype=np.int32)]).astype(np.int32)
    onward = np.concatenate([following, sources]).astype(np.int32)
    extra = (begin - np.where(np.isfinite(cost[sources]), cost[sources], 0)).astype(np.float32)
    shift = np.float32(max(0.0, -float(extra.min(initial=0.0))))
    dist, _ = dijkstra(
        wider, onward, np.arange(n, n + k, dtype=np.int32), np.concatenate([cost, extra + shift]).astype(np.float32)
    )
    return dist[:n] - shift


class Blocked(NamedTuple):
    """When each piece is not free for the train: merged spans, CSR by piece."""

    start: Ints
    from_s: Ints
    until_s: Ints


def _blocked(problem: Problem, timelines: Timelines) -> Blocked:
    """Return when the zone of a piece, or one that is kept empty beside it, is taken by what excludes the train."""
    model, pieces = problem.model, problem.network.pieces
    lines = timelines.lines
    keep_start = model.keep_start if len(model.keep_start) else np.zeros(problem.network.n_pieces + 1, np.int32)
    useful = problem.usable.reshape(-1, 2).any(axis=1)
    rows = 1 << 20
    while True:
        start, begin, end, n = _merge_blocked(
            (lines.first, lines.number, lines.from_s, lines.until_s, lines.occupies, lines.blocks), pieces.zone, useful,
            model.kind, (keep_start, model.keep_zone, model.keep_mask), rows,
        )  # fmt: skip
        if n <= rows:
            return Blocked(start, begin[:n], end[:n])
        rows = int(n)


@compiled
def _merge_blocked(lines, zone, useful, kind, keeps, rows):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    first, number, from_s, until_s, occupies, blocks = lines
    keep_start, keep_zone, keep_mask = keeps
    n_pieces = len(zone)
    start = np.zeros(n_pieces + 1, np.int32)
    begin, end = np.zeros(rows, np.int32), np.zeros(rows, np.int32)
    n = 0
    for piece in range(n_pieces):
        start[piece] = n
        if not useful[piece]:
            continue
        size = number[zone[piece]]
        for k in range(keep_start[piece], keep_start[piece + 1]):
            size += number[keep_zone[k]]
        a, b = np.zeros(size, np.int32), np.zeros(size, np.int32)
        m = 0
        z = zone[piece]
        for i in range(first[z], first[z] + number[z]):
            if occupies[i] != 0 or (blocks[i] & kind) != 0:
                a[m], b[m] = from_s[i], until_s[i]
                m += 1
        for k in range(keep_start[piece], keep_start[piece + 1]):
            z = keep_zone[k]
            for i in range(first[z], first[z] + number[z]):
                if (occupies[i] & keep_mask[k]) != 0:
                    a[m], b[m] = from_s[i], until_s[i]
                    m += 1
        order = np.argsort(a[:m])
        reach = -(2**31)
        for j in range(m):
            i = order[j]
            if a[i] > reach:
                if n < rows:
                    begin[n], end[n] = a[i], b[i]
                n += 1
                reach = b[i]
            elif b[i] > reach:
                reach = b[i]
                if n <= rows:
                    end[n - 1] = reach
    start[n_pieces] = n
    return start, begin, end, n


def slots(network: Network, blocked: Blocked, holds: Holds, first_s: Floats, last_s: Floats) -> Ints:
    """Return how many trains can enter each directed piece between two times, each with its least hold in a gap.

    Parameters
    ----------
    first_s, last_s : (2 n_pieces,) float64
        When the head may enter at the soonest and at the latest.
    """
    n = 2 * network.n_pieces
    found: Ints = _slots(blocked.start, blocked.from_s, blocked.until_s, *holds[:3], first_s[:n], last_s[:n])
    return found


@compiled
def _slots(start, from_s, until_s, before_s, after_s, both_s, first_s, last_s):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    n = len(first_s)
    out = np.zeros(n, np.int32)
    for d in range(n):
        if not (first_s[d] <= last_s[d] and np.isfinite(both_s[d])):
            continue
        piece = d >> 1
        a, b = start[piece], start[piece + 1]
        low, high = a, b
        while low < high:
            middle = (low + high) >> 1
            if until_s[middle] < first_s[d]:
                low = middle + 1
            else:
                high = middle
        total = 0
        i = low
        opens = until_s[low - 1] if low > a else -(2**30)
        while True:
            closes = from_s[i] if i < b else 2**30
            lo, hi = max(opens + before_s[d], first_s[d]), min(closes - after_s[d], last_s[d])
            if lo <= hi:
                total += 1
                more = hi - lo - before_s[d] - after_s[d]
                if more >= 0.0:
                    total += 1 + int(more / both_s[d])
            if i >= b or from_s[i] > last_s[d]:
                break
            opens = until_s[i]
            i += 1
        out[d] = total
    return out


def slots_of_day(network: Network, blocked: Blocked, holds: Holds) -> Ints:
    """Return how many least holds of each directed piece fit into the gaps of a day that repeats."""
    n = 2 * network.n_pieces
    found: Ints = _slots_of_day(blocked.start, blocked.from_s, blocked.until_s, holds.both_s, n, DAY_START_S, DAY_S)
    return found


@compiled
def _slots_of_day(start, from_s, until_s, both_s, n, begin, day):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    out = np.zeros(n, np.int32)
    for d in range(n):
        if not np.isfinite(both_s[d]):
            continue
        a, b = start[d >> 1], start[(d >> 1) + 1]
        first = -1
        total = 0
        for i in range(a, b):
            if from_s[i] >= begin + day:
                break
            if first < 0:
                if from_s[i] >= begin:
                    first = i
            elif from_s[i] > until_s[i - 1]:
                total += int((from_s[i] - until_s[i - 1]) / both_s[d])
        if first < 0:
            # Nothing begins within the day: either free all day or taken all day.
            inside = False
            for i in range(a, b):
                inside |= from_s[i] < begin and until_s[i] > begin + day
            out[d] = 0 if inside else int(day / both_s[d]) + 1
            continue
        last = first
        while last + 1 < b and from_s[last + 1] < begin + day:
            last += 1
        around = from_s[first] + day - until_s[last]
        if around > 0:
            total += int(around / both_s[d])
        out[d] = total
    return out


class _Flow:
    """The largest flow of a leg through directed pieces that each let so many through.

    Only nodes on ways that are short enough count.
    """

    def __init__(self, problem: Problem, start: Ints, following: Ints, leg: _Leg, longest_s: float) -> None:
        self.n_pieces2, self.longest_s = 2 * problem.network.n_pieces, longest_s
        cost, onward, back = (
            part.astype(np.float64) for part in (least_seconds(problem), leg.from_origin_s, leg.to_destination_s)
        )
        reached = np.isfinite(onward) & np.isfinite(back)
        self._enter_s = np.where(reached, onward - np.where(np.isfinite(cost), cost, 0.0), np.inf)
        self._left_s = np.where(reached, back, np.inf)
        self.leg, self.nodes = (
            leg,
            np.flatnonzero(self._enter_s + self._left_s <= longest_s + ROUNDING_S).astype(np.int32),
        )
        self.index = np.full(len(cost), -1, np.int32)
        self.index[self.nodes] = np.arange(len(self.nodes), dtype=np.int32)
        self.tail, self.head, self.edge_of = self._edges(start, following)

    def window(self, begin_s: float, end_s: float) -> tuple[Floats, Floats]:
        """Return when the head of a train that leaves between two times may enter each node: soonest and latest."""
        return begin_s + self._enter_s - ROUNDING_S, end_s + self.longest_s - self._left_s + ROUNDING_S

    def _edges(self, start: Ints, following: Ints) -> tuple[Ints, Ints, Ints]:
        """Return edges: node ``2 i`` is the entry, ``2 i + 1`` the exit of a directed piece; then source and sink."""
        n, index = len(self.nodes), self.index
        origin = np.repeat(np.arange(len(start) - 1), np.diff(start))
        inside = (index[origin] >= 0) & (index[following] >= 0)
        source, sink = 2 * n, 2 * n + 1
        begins, ends = index[self.leg.sources], index[self.leg.goals]
        begins, ends = begins[begins >= 0], ends[ends >= 0]
        own = np.arange(n)
        tail: list[npt.NDArray[Any]] = [
            2 * own, 2 * index[origin[inside]] + 1, np.full(len(begins), source), 2 * ends,
        ]  # fmt: skip
        head: list[npt.NDArray[Any]] = [
            2 * own + 1,
            2 * index[following[inside]],
            2 * begins + 1,
            np.full(len(ends), sink),
        ]
        both_tail, both_head = np.concatenate(tail).astype(np.int32), np.concatenate(head).astype(np.int32)
        # Every edge has its reverse right behind it.
        tails, heads = np.empty(2 * len(both_tail), np.int32), np.empty(2 * len(both_tail), np.int32)
        tails[0::2], tails[1::2], heads[0::2], heads[1::2] = both_tail, both_head, both_head, both_tail
        return tails, heads, np.argsort(tails, kind="stable").astype(np.int32)

    def most(self, room: Ints) -> tuple[int, tuple[int, ...]]:
        """Return the largest flow and the directed pieces of its narrowest cut."""
        n = len(self.nodes)
        capacity = np.zeros(len(self.tail), np.int32)
        capacity[0::2] = UNBOUNDED
        own = np.full(n, UNBOUNDED, np.int64)
        pieces = self.nodes < self.n_pieces2
        own[pieces] = room[self.nodes[pieces]]
        capacity[0 : 2 * n : 2] = own
        start = np.zeros(2 * n + 3, np.int64)
        np.cumsum(np.bincount(self.tail, minlength=2 * n + 2), out=start[1:])
        total, seen = layered_flow(start, self.edge_of, self.head, capacity, 2 * n, 2 * n + 1)
        cut = self.nodes[np.flatnonzero(seen[0 : 2 * n : 2] & ~seen[1 : 2 * n : 2])]
        return min(int(total), UNBOUNDED), tuple(cut.tolist())

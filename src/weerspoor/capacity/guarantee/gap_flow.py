"""A sharper bound of the day: the largest flow through the free gaps of all tracks, one behind the other.

A path needs a gap on every piece of its way, and it passes from a gap of one piece into a gap of the next while both
are open. So the gaps of the day are the nodes of a network; each lets so many paths through as least holds fit into it
within the times at which it can be reached from the origin and left for the destination. Waiting is allowed wherever a
gap lasts, though a real train may wait only where it can stand; that makes the bound wider, never wrong::

    piece 3          ====gap======      ===gap===
    piece 2      ===gap====    ==gap==========
    piece 1    ==gap===  ====gap====
               time ->
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from weerspoor.kernel.compiled import compiled

if TYPE_CHECKING:
    from weerspoor.capacity.guarantee.bound import Blocked
    from weerspoor.capacity.guarantee.least_holds import Holds

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]


class Gaps(NamedTuple):
    """The free gaps of directed pieces, CSR by piece in ``start``; times in seconds.

    ``low`` and ``high`` are the first and last time at which a head may enter the piece in the gap, ``leave`` the last
    at which it may enter the next one.
    """

    start: npt.NDArray[np.int64]
    low: Floats
    high: Floats
    leave: Floats


def gaps_of(blocked: Blocked, holds: Holds, first_s: Floats, last_s: Floats) -> Gaps:
    """Return the gaps of directed pieces in which a least hold fits, within the times given by piece.

    Parameters
    ----------
    blocked : Blocked
    holds : Holds
    first_s, last_s : (2 n_pieces,) float64
        When the head may enter at the soonest and at the latest.
    """
    n = len(first_s)
    spans = (blocked.start, blocked.from_s, blocked.until_s)
    args = (spans, (holds.before_s, holds.after_s, holds.clear_s), first_s, last_s)
    start = np.zeros(n + 1, np.int64)
    none = np.zeros(0)
    _gaps(*args, start, none, none, none, False)
    np.cumsum(start, out=start)
    low, high, leave = (np.zeros(int(start[-1])) for _ in range(3))
    _gaps(*args, start, low, high, leave, True)
    return Gaps(start, low, high, leave)


@compiled
def _gaps(spans, holds, first_s, last_s, start, low, high, leave, fill):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Count the gaps of every piece into ``start``, or fill them in."""
    from_piece, from_s, until_s = spans
    before_s, after_s, clear_s = holds
    for d in range(len(first_s)):
        n = 0
        if first_s[d] <= last_s[d] and np.isfinite(before_s[d]) and np.isfinite(first_s[d]):
            a, b = from_piece[d >> 1], from_piece[(d >> 1) + 1]
            lo, hi = a, b
            while lo < hi:
                middle = (lo + hi) >> 1
                if until_s[middle] < first_s[d]:
                    lo = middle + 1
                else:
                    hi = middle
            i = lo
            opens = until_s[i - 1] if i > a else -(2**30)
            while True:
                closes = from_s[i] if i < b else 2**30
                begin, end = max(opens + before_s[d], first_s[d]), min(closes - after_s[d], last_s[d])
                if begin <= end:
                    if fill:
                        k = start[d] + n
                        low[k], high[k] = begin, end
                        leave[k] = closes - clear_s[d]
                    n += 1
                if i >= b or from_s[i] > last_s[d]:
                    break
                opens = until_s[i]
                i += 1
        if not fill:
            start[d + 1] = n


def largest_flow(
    gaps: Gaps,
    holds: Holds,
    successors: tuple[Ints, Ints],
    ends: tuple[Ints, Ints],
    begin_s: float,
) -> tuple[int, Ints]:
    """Return the largest number of paths through the gaps, and the directed pieces of its narrowest cut.

    Parameters
    ----------
    gaps : Gaps
    holds : Holds
    successors : tuple of array
        CSR over directed pieces.
    ends : tuple of array
        Directed pieces at whose exit paths begin, and those at whose exit they end.
    begin_s : float
        No path leaves sooner.
    """
    n_gaps, run_s, (sources, goals) = int(gaps.start[-1]), holds.run_s, ends
    piece = np.repeat(np.arange(len(gaps.start) - 1, dtype=np.int32), np.diff(gaps.start))
    first, edge = _edges(gaps, run_s, successors)
    soonest = _soonest(gaps.start, gaps.low, gaps.high, gaps.leave, run_s, *successors, first, edge, piece, sources,
                       begin_s)  # fmt: skip
    latest = _latest(gaps.high, gaps.leave, run_s, first, edge, piece, _mask(goals, len(run_s)))
    useful = soonest <= latest
    room = np.zeros(n_gaps, np.int32)
    _rooms(soonest, latest, piece, *holds[:3], useful, room)
    begins = np.zeros(n_gaps, np.bool_)
    _mark_first(gaps.start, *successors, sources, begins)
    finish = _mask(goals, len(run_s))[piece]
    number = np.full(n_gaps, -1, np.int32)
    number[useful] = np.arange(int(useful.sum()), dtype=np.int32)
    total, seen = _flow_of((first, edge), number, room, begins & useful, finish & useful)
    kept = np.flatnonzero(useful)
    cut = kept[seen[: 2 * len(kept) : 2] & ~seen[1 : 2 * len(kept) : 2]]
    return total, np.unique(piece[cut]).astype(np.int32)


def _mask(pieces: Ints, n: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros(n, np.bool_)
    mask[pieces] = True
    return mask


def _edges(gaps: Gaps, run_s: Floats, successors: tuple[Ints, Ints]) -> tuple[npt.NDArray[np.int64], Ints]:
    """Return, CSR by gap, the gaps of the next pieces into which a head can come from it."""
    first = np.zeros(int(gaps.start[-1]) + 1, np.int64)
    _next_gaps(*gaps, run_s, *successors, first, np.zeros(0, np.int32), False)
    np.cumsum(first, out=first)
    edge = np.zeros(int(first[-1]), np.int32)
    _next_gaps(*gaps, run_s, *successors, first, edge, True)
    return first, edge


@compiled
def _next_gaps(start, low, high, leave, cost_s, after, onward, first, edge, fill):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    for d in range(len(start) - 1):
        for g in range(start[d], start[d + 1]):
            n = 0
            for k in range(after[d], after[d + 1]):
                s = onward[k]
                a, b = start[s], start[s + 1]
                soonest = low[g] + cost_s[d]
                while a < b:
                    middle = (a + b) >> 1
                    if high[middle] < soonest:
                        a = middle + 1
                    else:
                        b = middle
                h = a
                while h < start[s + 1] and low[h] <= leave[g]:
                    if max(soonest, low[h]) <= min(leave[g], high[h]):
                        if fill:
                            edge[first[g] + n] = h
                        n += 1
                    h += 1
            if not fill:
                first[g + 1] = n


@compiled
def _mark_first(start, after, onward, sources, begins):  # type: ignore[no-untyped-def]
    for d in sources:
        for k in range(after[d], after[d + 1]):
            for g in range(start[onward[k]], start[onward[k] + 1]):
                begins[g] = True


@compiled
def _soonest(start, low, high, leave, cost_s, after, onward, first, edge, piece, sources, begin_s):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Return the soonest time at which a head can enter in each gap; infinite when it cannot."""
    soonest = np.full(len(low), np.inf)
    heap = [(0.0, np.int64(0)) for _ in range(0)]
    for d in sources:
        for k in range(after[d], after[d + 1]):
            for g in range(start[onward[k]], start[onward[k] + 1]):
                at = max(low[g], begin_s)
                if at <= high[g] and at < soonest[g]:
                    soonest[g] = at
                    heapq.heappush(heap, (at, np.int64(g)))
    while len(heap) > 0:
        here_s, here = heapq.heappop(heap)
        if here_s > soonest[here]:
            continue
        for e in range(first[here], first[here + 1]):
            h = edge[e]
            into = max(here_s + cost_s[piece[here]], low[h])
            if into <= min(high[h], leave[here]) and into < soonest[h]:
                soonest[h] = into
                heapq.heappush(heap, (into, np.int64(h)))
    return soonest


@compiled
def _latest(high, leave, cost_s, first, edge, piece, is_goal):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Return the latest time at which a head can enter in each gap and still reach a goal; minus infinite if none."""
    n = len(high)
    latest = np.full(n, -np.inf)
    count = np.zeros(n + 1, np.int64)
    for e in range(len(edge)):
        count[edge[e] + 1] += 1
    for g in range(n):
        count[g + 1] += count[g]
    before = np.zeros(len(edge), np.int32)
    at = count[:-1].copy()
    for g in range(n):
        for e in range(first[g], first[g + 1]):
            before[at[edge[e]]] = g
            at[edge[e]] += 1
    heap = [(0.0, np.int64(0)) for _ in range(0)]
    for g in range(n):
        if is_goal[piece[g]]:
            latest[g] = high[g]
            heapq.heappush(heap, (-high[g], np.int64(g)))
    while len(heap) > 0:
        minus, h = heapq.heappop(heap)
        if -minus < latest[h]:
            continue
        for e in range(count[h], count[h + 1]):
            g = before[e]
            out = min(min(leave[g], latest[h]) - cost_s[piece[g]], high[g])
            if out > latest[g]:
                latest[g] = out
                heapq.heappush(heap, (-out, np.int64(g)))
    return latest


@compiled
def _rooms(soonest, latest, piece, before_s, after_s, both_s, useful, room):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Count the least holds of trains that enter each gap between its soonest and its latest time."""
    for g in range(len(soonest)):
        if useful[g]:
            d = piece[g]
            more = latest[g] - soonest[g] - before_s[d] - after_s[d]
            room[g] = 1 if more < 0.0 else 2 + int(more / both_s[d])


def _flow_of(
    edges: tuple[npt.NDArray[np.int64], Ints],
    number: Ints,
    room: Ints,
    begins: npt.NDArray[np.bool_],
    ends: npt.NDArray[np.bool_],
) -> tuple[int, npt.NDArray[np.bool_]]:
    """Return the largest flow through the useful gaps, and which entries and exits are on the side of the source.

    Gap ``i`` has entry ``2 i`` and exit ``2 i + 1``; source and sink come last.
    """
    first, edge = edges
    kept = np.flatnonzero(number >= 0)
    n = len(kept)
    origin = np.repeat(np.arange(len(first) - 1), np.diff(first))
    inside = (number[origin] >= 0) & (number[edge] >= 0)
    own = np.arange(n, dtype=np.int32)
    tail = np.concatenate([
        2 * own, 2 * number[origin[inside]] + 1, np.full(int(begins.sum()), 2 * n), 2 * number[ends] + 1,
    ])  # fmt: skip
    head = np.concatenate([
        2 * own + 1, 2 * number[edge[inside]], 2 * number[begins], np.full(int(ends.sum()), 2 * n + 1),
    ])  # fmt: skip
    capacity = np.zeros(2 * len(tail), np.int32)
    capacity[0::2] = 1 << 20
    capacity[0 : 2 * n : 2] = room[kept]
    tails, heads = np.empty(2 * len(tail), np.int32), np.empty(2 * len(tail), np.int32)
    tails[0::2], tails[1::2], heads[0::2], heads[1::2] = tail, head, head, tail
    start = np.zeros(2 * n + 3, np.int64)
    np.cumsum(np.bincount(tails, minlength=2 * n + 2), out=start[1:])
    order = np.argsort(tails, kind="stable").astype(np.int32)
    total, seen = layered_flow(start, order, heads, capacity, 2 * n, 2 * n + 1)
    return int(total), seen


@compiled
def layered_flow(start, order, head, capacity, source, sink):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Return the largest flow, layer by layer (Dinic), and which nodes are on the side of the source.

    Edge ``e`` and its reverse ``e ^ 1`` stand beside each other; ``order`` has the edges by their tail. ``capacity`` is
    altered to what is left.
    """
    n = len(start) - 1
    level, queue = np.empty(n, np.int32), np.empty(n, np.int32)
    at = np.empty(n, np.int64)
    path = np.empty(n, np.int32)
    total = np.int64(0)
    while True:
        level[:] = -1
        level[source] = 0
        queue[0] = source
        done, size = 0, 1
        while done < size:
            here = queue[done]
            done += 1
            for k in range(start[here], start[here + 1]):
                e = order[k]
                if capacity[e] > 0 and level[head[e]] < 0:
                    level[head[e]] = level[here] + 1
                    queue[size] = head[e]
                    size += 1
        if level[sink] < 0 or total >= 1 << 20:
            return total, level >= 0
        at[:] = start[:-1]
        depth, here = 0, source
        while True:
            if here == sink:
                least = capacity[path[0]]
                for i in range(depth):
                    least = min(least, capacity[path[i]])
                back = depth
                for i in range(depth):
                    capacity[path[i]] -= least
                    capacity[path[i] ^ 1] += least
                    if capacity[path[i]] == 0 and i < back:
                        back = i
                total += least
                depth = back
                here = head[path[depth] ^ 1]
                continue
            moved = False
            while at[here] < start[here + 1]:
                e = order[at[here]]
                if capacity[e] > 0 and level[head[e]] == level[here] + 1:
                    path[depth] = e
                    depth += 1
                    here = head[e]
                    moved = True
                    break
                at[here] += 1
            if not moved:
                if here == source:
                    break
                depth -= 1
                here = head[path[depth] ^ 1]
                at[here] += 1

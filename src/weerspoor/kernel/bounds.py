# ruff: noqa: PLR0917
# mypy: disable-error-code="no-untyped-def"
"""Least running time from everywhere to a set of places, without other trains: the guide of the search.

The bound of a piece is the least time over its length for a train that enters it no faster than any train can come
from the pieces before, and leaves it no faster than any may go into the pieces behind. The search takes the time lost
by braking as if it were lost at one place, which is never less than braking takes on the way (a train that speeds up
before it brakes is charged for more), so the bound is never more than what a run takes. Rows are kept, because many
searches of one train, or of trains of one kind, go to the same places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from numba import njit

if TYPE_CHECKING:
    from weerspoor.kernel.graph import Ints, TrackGraph, TrainModel

TICKS = 1024.0
"""Lengths are multiples of 1/1024 m and times of 1/1024 s, so that sums are exact."""

Floats = npt.NDArray[np.float64]
Way = Literal["through", "stop", "end"]

ROUNDS = 8
"""How often speeds are carried on from piece to piece; the bounds hold after any number of rounds."""

KEPT = 8
"""Trains of which the bounds are kept on a graph."""

SAFETY = 1.0 - 1e-6
"""Bounds are made smaller by this factor, so that rounding to float32 never makes one too great."""


@njit(cache=True)
def _reverse(start, successor):
    """Return the predecessors as CSR."""
    n = len(start) - 1
    first = np.zeros(n + 1, np.int32)
    for s in successor:
        first[s + 1] += 1
    for i in range(n):
        first[i + 1] += first[i]
    fill = first[:-1].copy()
    before = np.empty(len(successor), np.int32)
    for i in range(n):
        for k in range(start[i], start[i + 1]):
            before[fill[successor[k]]] = i
            fill[successor[k]] += 1
    return first, before


@njit(cache=True)
def _at(xs, ys, x):
    """Linear interpolation in a rising table; constant beyond its ends."""
    n = len(xs)
    if x <= xs[0]:
        return ys[0]
    if x >= xs[n - 1]:
        return ys[n - 1]
    i = np.searchsorted(xs, x, side="right")
    return ys[i - 1] + (x - xs[i - 1]) * (ys[i] - ys[i - 1]) / (xs[i] - xs[i - 1])


@njit(cache=True)
def _run_over(length, limit, v_in, train_m, limit_before, cap, cap_m, curve):
    """Return (time, speed at the exit, metres until the limit is reached) of the fastest run over a piece.

    The train comes in at ``v_in``, keeps to ``cap`` for ``cap_m`` and to the limit of the piece before for its length.
    """
    if v_in >= limit and limit_before >= limit and (cap_m <= 0.0 or cap >= limit):
        return length / limit, limit, 0.0
    v, t, s = curve
    x = _at(v, s, v_in)
    done, time, gain_m = 0.0, 0.0, 0.0
    for phase in range(3):
        if phase == 0:
            until, most = min(cap_m, length), min(cap, limit_before, limit)
        elif phase == 1:
            until, most = min(train_m, length), min(limit_before, limit)
        else:
            until, most = length, limit
        if until <= done:
            continue
        metres = until - done
        x_most = _at(v, s, most)
        rise = min(max(x_most - x, 0.0), metres)
        if rise > 0.0:
            time += _at(s, t, x + rise) - _at(s, t, x)
            x += rise
        if rise < metres:
            time += (metres - rise) / most
        if most < limit:
            gain_m = until
        elif rise > 0.0:
            gain_m = done + rise
        done = until
    return time, min(_at(s, v, x), limit), gain_m


@njit(cache=True)
def _envelope(p, back, length, limit, train_m, curve, may_stop, fastest, cap, cap_m):
    """Return what no run over piece ``p`` exceeds at its exit, by the pieces before: (speed, cap, metres of the cap).

    The speed is 0 when nothing leads to the piece.
    """
    first, before = back
    best_out, best_cap, best_cap_m = 0.0, 0.0, np.inf
    for k in range(first[p], first[p + 1]):
        q = before[k]
        if limit[q] <= 0.0:
            continue
        _, out, _ = _run_over(
            length[p], limit[p], min(fastest[q], limit[p]), train_m, limit[q], cap[q], cap_m[q], curve
        )
        best_out = max(best_out, out)
        left, left_m = np.inf, 0.0
        if cap_m[q] > length[p] and cap[q] < limit[p]:
            left, left_m = cap[q], cap_m[q] - length[p]
        elif train_m > length[p] and limit[q] < limit[p]:
            left, left_m = limit[q], train_m - length[p]
        best_cap = max(best_cap, left)
        best_cap_m = min(best_cap_m, left_m)
    if may_stop[p] or best_cap_m <= 0.0 or best_cap == np.inf:
        # A train that starts here has nothing known behind it.
        return best_out, np.inf, 0.0
    return best_out, best_cap, best_cap_m


@njit(cache=True)
def _admit(graph, back, length, limit, train_m, curve, may_stop, entry, new, envelopes):
    """Raise the envelopes where trains may now begin, and behind."""
    start, successor = graph
    fastest, cap, cap_m, _ = envelopes
    stack = [np.int32(0)]
    stack.clear()
    for p in new:
        if fastest[p] < limit[p] or cap[p] < np.inf:
            fastest[p], cap[p], cap_m[p] = limit[p], np.inf, 0.0
            stack.append(p)
    while len(stack) > 0:
        q = stack.pop()
        for k in range(start[q], start[q + 1]):
            p = successor[k]
            if limit[p] <= 0.0 or entry[p]:
                continue
            out, most, most_m = _envelope(p, back, length, limit, train_m, curve, may_stop, fastest, cap, cap_m)
            if out > fastest[p] + 1e-9 or most > cap[p] or most_m < cap_m[p]:
                fastest[p] = max(fastest[p], out)
                cap[p], cap_m[p] = most, most_m
                stack.append(p)


@njit(cache=True)
def _envelopes(graph, back, length, limit, train_m, curve, braking, entry, may_stop, rounds):
    """Return what no run exceeds at the exit of each piece: (speed, cap, metres of the cap, speed at the entry).

    Three things are carried from piece to piece until they settle, each a bound after every round: the greatest speed
    at the exit, a limit that the tail of every train still lies under there and for how far, and the greatest speed at
    the entry from which the pieces behind can be entered. Pieces run over with rising chainage are taken in rising
    order, the others in falling order, so that most settle at once.
    """
    start, successor = graph
    first, before = back
    n = len(limit)
    fastest = limit.copy()
    cap = np.full(n, np.inf)
    cap_m = np.zeros(n)
    fresh = np.ones(n, np.bool_)
    for _ in range(rounds):
        changed = False
        for turn in range(n):
            p = 2 * turn if turn < n >> 1 else n - 1 - 2 * (turn - (n >> 1))
            if not fresh[p] or limit[p] <= 0.0 or entry[p]:
                continue
            fresh[p] = False
            best_out, best_cap, best_cap_m = _envelope(
                p, back, length, limit, train_m, curve, may_stop, fastest, cap, cap_m
            )
            if best_out == 0.0:
                continue
            if best_out < fastest[p] - 1e-3 or best_cap != cap[p] or best_cap_m != cap_m[p]:
                fastest[p] = min(fastest[p], best_out)
                cap[p], cap_m[p] = best_cap, best_cap_m
                changed = True
                for k in range(start[p], start[p + 1]):
                    fresh[successor[k]] = True
        if not changed:
            break
    slowest = limit.copy()
    fresh[:] = True
    for _ in range(rounds):
        changed = False
        for turn in range(n):
            p = n - 2 - 2 * turn if turn < n >> 1 else 2 * (turn - (n >> 1)) + 1
            if not fresh[p] or limit[p] <= 0.0 or start[p] == start[p + 1]:
                continue
            fresh[p] = False
            v_out = 0.0
            for k in range(start[p], start[p + 1]):
                v_out = max(v_out, slowest[successor[k]])
            if 0.0 < v_out < limit[p]:
                least = min(limit[p], np.sqrt(v_out * v_out + 2.0 * braking * length[p]))
                if least < slowest[p]:
                    slowest[p] = least
                    changed = True
                    for k in range(first[p], first[p + 1]):
                        fresh[before[k]] = True
        if not changed:
            break
    return fastest, cap, cap_m, slowest


@njit(cache=True)
def _costs(graph, back, length, limit, train_m, curve, braking, envelopes, cost, cost_stop, cost_free):
    """Fill in the least time over each directed piece by the piece before, in the order of the predecessors.

    ``cost_stop`` is that of stopping at its exit, ``cost_free`` without braking for what comes after.
    """
    start, successor = graph
    first, before = back
    fastest, cap, cap_m, slowest = envelopes
    cost[:] = np.inf
    cost_stop[:] = np.inf
    cost_free[:] = np.inf
    for p in range(len(limit)):
        if limit[p] <= 0.0:
            continue
        v_out = 0.0
        for k in range(start[p], start[p + 1]):
            v_out = max(v_out, slowest[successor[k]])
        if v_out == 0.0:
            v_out = limit[p]
        for k in range(first[p], first[p + 1]):
            q = before[k]
            if limit[q] <= 0.0:
                continue
            time, _, gain_m = _run_over(
                length[p], limit[p], min(fastest[q], limit[p]), train_m, limit[q], cap[q], cap_m[q], curve
            )
            early = max(0.0, time - length[p] / limit[p])
            cost_free[k] = time
            cost[k] = _braked(length[p], limit[p], early, gain_m, v_out, braking)
            cost_stop[k] = _braked(length[p], limit[p], early, gain_m, 0.0, braking)


@njit(cache=True, inline="always")
def _braked(length, limit, early, gain_m, v_out, braking):
    """Return the least time over a piece that begins with a gain of speed and ends with braking.

    Both are charged against running at the limit, as far as they lie on the piece, and added where they do not overlap.
    """
    late = 0.0
    brake_m = 0.0
    if v_out < limit:
        brake_m = min((limit * limit - v_out * v_out) / (2.0 * braking), length)
        fast = np.sqrt(v_out * v_out + 2.0 * braking * brake_m)
        late = (fast - v_out) / braking - brake_m / limit
    if gain_m + brake_m <= length:
        return length / limit + early + late
    return length / limit + max(early, late)


@njit(cache=True, inline="always")
def _further(first_s, last_s, ceils, cost, mark):
    """Return a chain's (time up to its first mark, time after, whether it has one) with one more piece before it."""
    if not ceils:
        return first_s + cost, 0.0, mark
    last_s += cost
    if mark:
        last_s = np.ceil(last_s - 1e-6)
    return first_s, last_s, ceils


@njit(cache=True, inline="always")
def _through(value, first_s, last_s, ceils):
    """Return the time before a chain from the time ``value`` behind it."""
    if ceils:
        return np.ceil(value + first_s - 1e-6) + last_s
    return value + first_s


@njit(cache=True)
def _choices(graph, back, limit):
    """Return the chains that lead to each choice: (root, order) of pieces, and CSR of edges between choices.

    A *choice* is a directed piece with several successors that the train may use. From every other piece the train
    can only run on: ``root`` is the first choice on its way (itself for a choice, -1 if there is none), and ``order``
    lists the pieces such that each comes after the one behind it, with the place of its link among the predecessors.
    """
    start, successor = graph
    first, before = back
    n = len(limit)
    ways = np.zeros(n, np.int32)
    for p in range(n):
        if limit[p] > 0.0:
            for k in range(start[p], start[p + 1]):
                ways[p] += limit[successor[k]] > 0.0
    root = np.full(n, -1, np.int32)
    order = np.empty(n, np.int32)
    link = np.empty(n, np.int32)
    size = 0
    for p in range(n):
        if ways[p] > 1:
            root[p] = p
            order[size], link[size] = p, -1
            size += 1
    done = 0
    edges = 0
    while done < size:
        s = order[done]
        for k in range(first[s], first[s + 1]):
            q = before[k]
            if ways[q] == 1:
                root[q] = root[s]
                order[size], link[size] = q, k
                size += 1
            elif ways[q] > 1:
                edges += 1
        done += 1
    edge_start = np.zeros(n + 1, np.int32)
    for i in range(size):
        s = order[i]
        for k in range(first[s], first[s + 1]):
            edge_start[root[s] + 1] += ways[before[k]] > 1
    for p in range(n):
        edge_start[p + 1] += edge_start[p]
    fill = edge_start[:-1].copy()
    edge_link = np.empty(edges, np.int32)
    edge_from = np.empty(edges, np.int32)
    for i in range(size):
        s = order[i]
        for k in range(first[s], first[s + 1]):
            if ways[before[k]] > 1:
                r = root[s]
                edge_link[fill[r]] = k
                edge_from[fill[r]] = s
                fill[r] += 1
    return ways, root, order[:size].copy(), link[:size].copy(), edge_start, edge_link, edge_from


@njit(cache=True)
def _chains(choices, back, successor_of, cost, whole):
    """Return the times of all chains and edges: (first, last, ceils) by directed piece, and by edge."""
    _, _, order, link, _, edge_link, edge_from = choices
    _, before = back
    n = len(whole)
    first_s, last_s, ceils = np.zeros(n), np.zeros(n), np.zeros(n, np.bool_)
    for i in range(len(order)):
        k = link[i]
        if k >= 0:
            q, s = order[i], successor_of[k]
            first_s[q], last_s[q], ceils[q] = _further(first_s[s], last_s[s], ceils[s], cost[k], whole[q])
    m = len(edge_link)
    edge_first, edge_last, edge_ceils = np.zeros(m), np.zeros(m), np.zeros(m, np.bool_)
    for e in range(m):
        k, s = edge_link[e], edge_from[e]
        edge_first[e], edge_last[e], edge_ceils[e] = _further(
            first_s[s], last_s[s], ceils[s], cost[k], whole[before[k]]
        )
    return first_s, last_s, ceils, edge_first, edge_last, edge_ceils


@njit(cache=True)
def _fill(choices, chains, back, cost, cost_target, whole, targets, out):
    """Write into ``out`` the least time from the exit of every directed piece to one of ``targets``.

    Dijkstra against the running direction, from choice to choice; what lies between follows. Values are rounded up to
    whole seconds where ``whole`` says so.
    """
    ways, root, order, _, edge_start, edge_link, _ = choices
    first_s, last_s, ceils, edge_first, edge_last, edge_ceils = chains
    first, before = back
    n = len(out)
    heap_key = np.empty(len(order) + len(edge_link) + 1, np.float64)
    heap_item = np.empty(len(heap_key), np.int32)
    value = np.full(n, np.inf)
    fixed = np.zeros(n, np.bool_)
    stack = np.empty(n, np.int32)
    size = 0
    deep = 0
    for t in targets:
        if not fixed[t]:
            fixed[t] = True
            value[t] = 0.0
            stack[deep] = t
            deep += 1
    while deep > 0:
        deep -= 1
        s = stack[deep]
        for k in range(first[s], first[s + 1]):
            q = before[k]
            if ways[q] == 0 or (fixed[q] and value[q] == 0.0):
                continue
            exact = cost_target[k] if value[s] == 0.0 else value[s] + cost[k]
            v = np.ceil(exact - 1e-6) if whole[q] else exact
            if ways[q] == 1:
                fixed[q] = True
                value[q] = v
                stack[deep] = q
                deep += 1
            elif v < value[q]:
                value[q] = v
    for p in range(n):
        if ways[p] > 1 and value[p] < np.inf and not fixed[p]:
            size = _push(heap_key, heap_item, size, value[p], p)
    while size > 0:
        v, r = heap_key[0], heap_item[0]
        size = _pop(heap_key, heap_item, size)
        if v > value[r]:
            continue
        for e in range(edge_start[r], edge_start[r + 1]):
            q = before[edge_link[e]]
            nv = _through(v, edge_first[e], edge_last[e], edge_ceils[e])
            if nv < value[q] and not fixed[q]:
                value[q] = nv
                size = _push(heap_key, heap_item, size, nv, q)
    out[:] = np.inf
    for i in range(len(order)):
        p = order[i]
        if not fixed[p]:
            r = root[p]
            v = value[r] if p == r else _through(value[r], first_s[p], last_s[p], ceils[p])
            out[p] = v * SAFETY
    for p in range(n):
        if fixed[p]:
            out[p] = value[p] * SAFETY


@njit(cache=True)
def _to_stop(back, length, limit, may_stop, most_m):
    """Return the metres from the exit of each directed piece to the nearest exit where the train may stand.

    Infinite when they are more than ``most_m``.
    """
    first, before = back
    n = len(limit)
    metres = np.full(n, np.inf)
    heap_key = np.empty(n + len(before) + 1, np.float64)
    heap_item = np.empty(len(heap_key), np.int32)
    size = 0
    for p in range(n):
        if may_stop[p]:
            metres[p] = 0.0
            size = _push(heap_key, heap_item, size, 0.0, p)
    while size > 0:
        m, s = heap_key[0], heap_item[0]
        size = _pop(heap_key, heap_item, size)
        if m > metres[s] or m + length[s] > most_m:
            continue
        for k in range(first[s], first[s + 1]):
            q = before[k]
            if limit[q] > 0.0 and m + length[s] < metres[q]:
                metres[q] = m + length[s]
                size = _push(heap_key, heap_item, size, metres[q], q)
    return metres


@njit(cache=True)
def _block_s(graph, length, limit, signal):
    """Return the least time over each directed piece and those before it, up to the nearest signal that faces it."""
    start, successor = graph
    n = len(limit)
    least = np.full(n, np.inf)
    begins = np.ones(n, np.bool_)
    for q in range(n):
        if limit[q] > 0.0:
            for k in range(start[q], start[q + 1]):
                begins[successor[k]] = False
    heap_key = np.empty(n + len(successor) + 1, np.float64)
    heap_item = np.empty(len(heap_key), np.int32)
    size = 0
    for q in range(n):
        if limit[q] <= 0.0:
            continue
        if begins[q]:
            least[q] = length[q] / limit[q]
            size = _push(heap_key, heap_item, size, least[q], q)
        if signal[q]:
            for k in range(start[q], start[q + 1]):
                p = successor[k]
                if limit[p] > 0.0 and length[p] / limit[p] < least[p]:
                    least[p] = length[p] / limit[p]
                    size = _push(heap_key, heap_item, size, least[p], p)
    while size > 0:
        time, q = heap_key[0], heap_item[0]
        size = _pop(heap_key, heap_item, size)
        if time > least[q] or signal[q]:
            continue
        for k in range(start[q], start[q + 1]):
            p = successor[k]
            if limit[p] > 0.0 and time + length[p] / limit[p] < least[p]:
                least[p] = time + length[p] / limit[p]
                size = _push(heap_key, heap_item, size, least[p], p)
    return least


@njit(cache=True)
def _push(heap_key, heap_item, size, key, item):
    """Put an item into a queue; return its new size."""
    j = size
    while j > 0:
        up = (j - 1) >> 1
        if heap_key[up] <= key:
            break
        heap_key[j] = heap_key[up]
        heap_item[j] = heap_item[up]
        j = up
    heap_key[j] = key
    heap_item[j] = item
    return size + 1


@njit(cache=True)
def _pop(heap_key, heap_item, size):
    """Take the first item out of a queue; return its new size."""
    size -= 1
    key, item = heap_key[size], heap_item[size]
    i = 0
    while True:
        c = 2 * i + 1
        if c >= size:
            break
        if c + 1 < size and heap_key[c + 1] < heap_key[c]:
            c += 1
        if heap_key[c] >= key:
            break
        heap_key[i] = heap_key[c]
        heap_item[i] = heap_item[c]
        i = c
    heap_key[i] = key
    heap_item[i] = item
    return size


def predecessors(graph: TrackGraph) -> tuple[Ints, Ints]:
    """Return the predecessors of every directed piece as CSR, made once a graph."""
    if "predecessors" not in graph.cache:
        graph.cache["predecessors"] = _reverse(graph.successor_start, graph.successor)
    return graph.cache["predecessors"]  # type: ignore[return-value]


def successor_of(graph: TrackGraph) -> Ints:
    """Return the directed piece of each place among the predecessors, made once a graph."""
    if "successor_of" not in graph.cache:
        first, _ = predecessors(graph)
        graph.cache["successor_of"] = np.repeat(np.arange(len(first) - 1, dtype=np.int32), np.diff(first))
    return graph.cache["successor_of"]  # type: ignore[return-value]


def exact_length(graph: TrackGraph) -> npt.NDArray[np.float64]:
    """Return the lengths of the pieces in multiples of 1/1024 m, made once a graph."""
    if "length" not in graph.cache:
        rounded = np.round(graph.length_m.astype(np.float64) * TICKS) / TICKS
        graph.cache["length"] = np.maximum(rounded, 1.0 / TICKS)
    return graph.cache["length"]  # type: ignore[return-value]


def marks(graph: TrackGraph) -> npt.NDArray[np.bool_]:
    """Return, per directed piece, whether times at its exit are whole seconds: at signals and where routes meet."""
    if "marks" not in graph.cache:
        first, _ = predecessors(graph)
        meets = np.diff(first) > 1
        leads = np.zeros(len(graph.signal), bool)
        source = np.repeat(np.arange(len(leads)), np.diff(graph.successor_start))
        leads[source[meets[graph.successor]]] = True
        graph.cache["marks"] = leads | graph.signal
    return graph.cache["marks"]  # type: ignore[return-value]


class Bounds:
    """Rows of least running times of one train, one row a set of target pieces.

    Parameters
    ----------
    graph : TrackGraph
    model : TrainModel
        The train; trains with the same speeds may share the object.
    rows : int
        Rows kept at most; those unused for longest go first.
    """

    def __init__(self, graph: TrackGraph, model: TrainModel, rows: int = 64) -> None:
        self.graph = graph
        self.model = model
        self.top_ms = min(float(model.accel_v[-1]), float(model.speed_ms.max()))
        self._limit = np.minimum(model.speed_ms, np.float32(model.accel_v[-1])).astype(np.float64)
        self._entry = np.zeros(len(self._limit), bool)
        self._length = np.repeat(exact_length(graph), 2)
        links = graph.successor_start, graph.successor
        self._choices = _choices(links, predecessors(graph), self._limit)
        self.to_stop_m = _to_stop(
            predecessors(graph), self._length, self._limit, model.may_stop, 2.0 * float(model.length_m)
        )
        self.block_s = _block_s(links, self._length, self._limit, graph.signal)
        self.block_s[np.isinf(self.block_s)] = 0.0
        self._work_out()
        self.values: npt.NDArray[np.float32] = np.empty((4, len(model.speed_ms)), np.float32)
        self._row_of: dict[bytes, int] = {}
        self._rows = rows

    @classmethod
    def of(cls, graph: TrackGraph, model: TrainModel) -> Bounds:
        """Return the bounds of a train, made once as long as it is one of those asked for last."""
        kept: list[Bounds] = graph.cache.setdefault("bounds", [])  # type: ignore[assignment]
        for i, bounds in enumerate(kept):
            if bounds.model is model:
                kept.append(kept.pop(i))
                return bounds
        kept.append(cls(graph, model))
        del kept[:-KEPT]
        return kept[-1]

    def _work_out(self) -> None:
        model, graph = self.model, self.graph
        links, back = (graph.successor_start, graph.successor), predecessors(graph)
        train_m, curve, braking = (
            float(model.length_m),
            (model.accel_v, model.accel_t, model.accel_s),
            model.braking_ms2,
        )
        self._envelopes = _envelopes(
            links, back, self._length, self._limit, train_m, curve, float(braking), self._entry, model.may_stop, ROUNDS
        )
        self._price()

    def _price(self) -> None:
        """Work out what every piece costs, by the envelopes."""
        model, graph = self.model, self.graph
        links, back = (graph.successor_start, graph.successor), predecessors(graph)
        self._cost, self._cost_stop, self._cost_free = (np.empty(len(back[1])) for _ in range(3))
        _costs(
            links, back, self._length, self._limit, float(model.length_m),
            (model.accel_v, model.accel_t, model.accel_s), float(model.braking_ms2), self._envelopes, self._cost,
            self._cost_stop, self._cost_free,
        )  # fmt: skip
        self._chains: dict[tuple[bool, bool], tuple[tuple[Any, ...], Floats, Floats]] = {}

    def admit(self, directed: Ints) -> None:
        """Let trains begin at the given directed pieces: there nothing is known of the pieces behind them.

        Where the train may stop it may begin without this. Rows worked out before are forgotten if need be.
        """
        fastest, cap, _, _ = self._envelopes
        new = directed[~self._entry[directed] & (self._limit[directed] > 0.0)]
        self._entry[new] = True
        if (fastest[new] < self._limit[new]).any() or (cap[new] < np.inf).any():
            model = self.model
            curve = (model.accel_v, model.accel_t, model.accel_s)
            _admit(
                (self.graph.successor_start, self.graph.successor), predecessors(self.graph), self._length, self._limit,
                float(model.length_m), curve, model.may_stop, self._entry, new.astype(np.int32), self._envelopes,
            )  # fmt: skip
            self._price()
            self._row_of.clear()

    def _of_way(self, way: Way, whole: bool) -> tuple[tuple[Any, ...], Floats, Floats]:
        """Return the times of the chains and the costs, usual and at the target."""
        key = (way == "end", whole)
        if key not in self._chains:
            after = successor_of(self.graph)
            usual, stop = self._cost_free if way == "end" else self._cost, self._cost_stop
            mark = marks(self.graph) if whole else np.zeros(len(self._limit), bool)
            self._chains[key] = _chains(self._choices, predecessors(self.graph), after, usual, mark), usual, stop
        chains, usual, stop = self._chains[key]
        return chains, usual, stop if way == "stop" else usual

    def row(self, directed: Ints, pinned: set[int] | None = None, *, way: Way = "through") -> int:
        """Return the row of ``values`` with the least time from the exit of each directed piece to one of ``directed``.

        Parameters
        ----------
        directed : (k,) int32
        pinned : set of int, optional
            Rows that must stay.
        way : {"through", "stop", "end"}
            The train runs on from there, stops there, or its run ends there in passing.
        """
        key = np.sort(directed).astype(np.int32).tobytes() + way.encode()
        if key in self._row_of:
            row = self._row_of.pop(key)
            self._row_of[key] = row
            return row
        row = len(self._row_of)
        if row >= self._rows:
            for oldest, candidate in self._row_of.items():
                if pinned is None or candidate not in pinned:
                    row = candidate
                    del self._row_of[oldest]
                    break
        if row == len(self.values):
            wider = np.empty((2 * row, self.values.shape[1]), np.float32)
            wider[:row] = self.values
            self.values = wider
        # From one place with whole seconds to the next takes whole seconds, so long as the target is such a place.
        whole = way == "stop" or bool(marks(self.graph)[directed].all())
        chains, usual, at_target = self._of_way(way, whole)
        mark = marks(self.graph) if whole else np.zeros(len(self._limit), bool)
        _fill(self._choices, chains, predecessors(self.graph), usual, at_target, mark, directed, self.values[row])
        self._row_of[key] = row
        return row

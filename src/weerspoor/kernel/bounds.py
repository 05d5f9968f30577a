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

from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from numba import njit

if TYPE_CHECKING:
    from weerspoor.kernel.graph import Ints, TrackGraph, TrainModel

TICKS = 1024.0
"""Lengths are multiples of 1/1024 m and times of 1/1024 s, so that sums are exact."""

Way = Literal["through", "stop", "end"]

ROUNDS = 8
"""How often speeds are carried on from piece to piece; the bounds hold after any number of rounds."""

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
def _costs(graph, back, length, limit, train_m, curve, braking, entry, rounds, cost, cost_stop, cost_free):
    """Fill in the least time over each directed piece by the piece before, in the order of the predecessors.

    ``cost_stop`` is that of stopping at its exit, ``cost_free`` without braking for what comes after. Three things are
    carried from piece to piece until they settle, each a bound after every round: the greatest speed at the exit, a
    limit that the tail of every train still lies under there and for how far, and the greatest speed at the entry from
    which the pieces behind can be entered.
    """
    start, successor = graph
    first, before = back
    n = len(limit)
    fastest = limit.copy()
    cap = np.full(n, np.inf)
    cap_m = np.zeros(n)
    slowest = limit.copy()
    for turn in range(rounds + 1):
        for p in range(n):
            if limit[p] <= 0.0:
                for k in range(first[p], first[p + 1]):
                    cost[k] = np.inf
                    cost_stop[k] = np.inf
                    cost_free[k] = np.inf
                continue
            v_out = 0.0
            for k in range(start[p], start[p + 1]):
                v_out = max(v_out, slowest[successor[k]])
            if v_out == 0.0:
                v_out = limit[p]
            best_out, best_cap, best_cap_m, any_before = 0.0, 0.0, np.inf, False
            for k in range(first[p], first[p + 1]):
                q = before[k]
                if limit[q] <= 0.0:
                    cost[k] = np.inf
                    cost_stop[k] = np.inf
                    cost_free[k] = np.inf
                    continue
                any_before = True
                time, out, gain_m = _run_over(
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
                if turn == rounds:
                    cost_free[k] = time
                    early = max(0.0, time - length[p] / limit[p])
                    cost[k] = _braked(length[p], limit[p], early, gain_m, v_out, braking)
                    cost_stop[k] = _braked(length[p], limit[p], early, gain_m, 0.0, braking)
            if turn < rounds and any_before and not entry[p]:
                fastest[p] = best_out
                if best_cap < np.inf and best_cap_m > 0.0:
                    cap[p], cap_m[p] = best_cap, best_cap_m
        if turn < rounds:
            for p in range(n - 1, -1, -1):
                if limit[p] > 0.0 and start[p] < start[p + 1]:
                    v_out = 0.0
                    for k in range(start[p], start[p + 1]):
                        v_out = max(v_out, slowest[successor[k]])
                    if 0.0 < v_out < limit[p]:
                        slowest[p] = min(limit[p], np.sqrt(v_out * v_out + 2.0 * braking * length[p]))


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


@njit(cache=True)
def _fill(first, before, cost, cost_target, whole, targets, value):
    """Dijkstra against the running direction: ``value[dp]`` becomes the least time from the exit of ``dp``.

    Values are rounded up to whole seconds where ``whole`` says so.
    """
    n = len(value)
    value[:] = np.inf
    heap_key = np.empty(n + 16, np.float64)
    heap_item = np.empty(n + 16, np.int32)
    size = 0
    for t in targets:
        if value[t] > 0.0:
            value[t] = 0.0
            heap_key[size] = 0.0
            heap_item[size] = t
            size += 1
    while size > 0:
        key = heap_key[0]
        item = heap_item[0]
        size -= 1
        last_key = heap_key[size]
        last_item = heap_item[size]
        i = 0
        while True:
            c = 2 * i + 1
            if c >= size:
                break
            if c + 1 < size and heap_key[c + 1] < heap_key[c]:
                c += 1
            if heap_key[c] >= last_key:
                break
            heap_key[i] = heap_key[c]
            heap_item[i] = heap_item[c]
            i = c
        heap_key[i] = last_key
        heap_item[i] = last_item
        if key > value[item]:
            continue
        # Chains without choice are followed at once, so that they never enter the queue.
        while True:
            here = value[item]
            follow = -1
            for k in range(first[item], first[item + 1]):
                p = before[k]
                exact = cost_target[k] if here == 0.0 else here + cost[k]
                key = np.ceil(exact - 1e-6) if whole[p] else exact
                if key < value[p]:
                    value[p] = key
                    if first[item + 1] - first[item] == 1:
                        follow = p
                        continue
                    if size == len(heap_key):
                        heap_key = np.concatenate((heap_key, np.empty(size, np.float64)))
                        heap_item = np.concatenate((heap_item, np.empty(size, np.int32)))
                    j = size
                    size += 1
                    while j > 0:
                        up = (j - 1) >> 1
                        if heap_key[up] <= key:
                            break
                        heap_key[j] = heap_key[up]
                        heap_item[j] = heap_item[up]
                        j = up
                    heap_key[j] = key
                    heap_item[j] = p
            if follow < 0:
                break
            item = follow


def predecessors(graph: TrackGraph) -> tuple[Ints, Ints]:
    """Return the predecessors of every directed piece as CSR, made once a graph."""
    if "predecessors" not in graph.cache:
        graph.cache["predecessors"] = _reverse(graph.successor_start, graph.successor)
    return graph.cache["predecessors"]  # type: ignore[return-value]


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
        self._entry = model.may_stop.copy()
        self._work_out()
        self.values: npt.NDArray[np.float32] = np.empty((4, len(model.speed_ms)), np.float32)
        self._row_of: dict[bytes, int] = {}
        self._rows = rows

    def _work_out(self) -> None:
        model, graph = self.model, self.graph
        limit = np.minimum(model.speed_ms, np.float32(model.accel_v[-1])).astype(np.float64)
        back = predecessors(graph)
        self._cost, self._cost_stop, self._cost_free = (np.empty(len(back[1])) for _ in range(3))
        _costs(
            (graph.successor_start, graph.successor), back, np.repeat(exact_length(graph), 2), limit,
            float(model.length_m), (model.accel_v, model.accel_t, model.accel_s), float(model.braking_ms2),
            self._entry, ROUNDS, self._cost, self._cost_stop, self._cost_free,
        )  # fmt: skip

    def admit(self, directed: Ints) -> None:
        """Let trains begin at the given directed pieces: there nothing is known of the pieces behind them.

        Where the train may stop it may begin without this. Rows worked out before are forgotten if need be.
        """
        if not self._entry[directed].all():
            self._entry[directed] = True
            self._work_out()
            self._row_of.clear()

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
        first, before = predecessors(self.graph)
        exact = np.empty(self.values.shape[1], np.float64)
        usual = self._cost_free if way == "end" else self._cost
        at_target = self._cost_stop if way == "stop" else usual
        # From one place with whole seconds to the next takes whole seconds, so long as the target is such a place.
        whole = marks(self.graph)
        if way != "stop" and not whole[directed].all():
            whole = np.zeros_like(whole)
        _fill(first, before, usual, at_target, whole, directed, exact)
        self.values[row] = exact * SAFETY
        self._row_of[key] = row
        return row

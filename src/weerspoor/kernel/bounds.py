"""Least running time from everywhere to a set of places, without other trains: the guide of the search.

The bound of a piece is the least time over its length for a train that enters it no faster than any train can come
from the pieces before, and leaves it no faster than any may go into the pieces behind. The search takes the time lost
by braking as if it were lost at one place, which is never less than braking takes on the way (a train that speeds up
before it brakes is charged for more), so the bound is never more than what a run takes. Rows are kept, because many
searches of one train, or of trains of one kind, go to the same places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from numba import njit

if TYPE_CHECKING:
    from weerspoor.kernel.graph import Ints, TrackGraph, TrainModel

TICKS = 1024.0
"""Lengths are multiples of 1/1024 m and times of 1/1024 s, so that sums are exact."""

ROUNDS = 8
"""How often speeds are carried on from piece to piece; the bounds hold after any number of rounds."""

SAFETY = 1.0 - 1e-6
"""Bounds are made smaller by this factor, so that rounding to float32 never makes one too great."""


@njit(cache=True)
def _reverse(start, successor):  # type: ignore[no-untyped-def]
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
def _at(xs, ys, x):  # type: ignore[no-untyped-def]
    """Linear interpolation in a rising table; constant beyond its ends."""
    n = len(xs)
    if x <= xs[0]:
        return ys[0]
    if x >= xs[n - 1]:
        return ys[n - 1]
    i = np.searchsorted(xs, x, side="right")
    return ys[i - 1] + (x - xs[i - 1]) * (ys[i] - ys[i - 1]) / (xs[i] - xs[i - 1])


@njit(cache=True)
def _least_time(length, limit, v_in, v_out, curve, braking):  # type: ignore[no-untyped-def]
    """Return a lower bound of the time over a piece entered at ``v_in`` at most and left at ``v_out`` at most.

    The gain of speed and the braking are each charged against running at the limit all the way, as far as they
    lie on the piece; they are added only where they do not overlap.
    """
    v, t, s = curve
    top = length / limit
    early = 0.0
    gain_m = 0.0
    if v_in < limit:
        x = _at(v, s, v_in)
        gain_m = min(_at(v, s, limit) - x, length)
        early = max(0.0, _at(s, t, x + gain_m) - _at(s, t, x) - gain_m / limit)
    late = 0.0
    brake_m = 0.0
    if v_out < limit:
        brake_m = min((limit * limit - v_out * v_out) / (2.0 * braking), length)
        fast = np.sqrt(v_out * v_out + 2.0 * braking * brake_m)
        late = (fast - v_out) / braking - brake_m / limit
    if gain_m + brake_m <= length:
        return top + early + late
    return top + max(early, late)


@njit(cache=True)
def _costs(start, successor, first, before, length, limit, curve, braking, cost, cost_stop, rounds):  # type: ignore[no-untyped-def]
    """Fill in the least time over each directed piece, and that of stopping at its exit."""
    n = len(limit)
    v, _, s = curve
    fastest_out = limit.copy()
    slowest_in = limit.copy()
    for _ in range(rounds):
        for p in range(n):
            if limit[p] > 0.0:
                v_in = 0.0
                for k in range(first[p], first[p + 1]):
                    v_in = max(v_in, fastest_out[before[k]])
                if v_in < limit[p] and first[p] < first[p + 1]:
                    fastest_out[p] = min(limit[p], _at(s, v, _at(v, s, v_in) + length[p]))
        for p in range(n - 1, -1, -1):
            if limit[p] > 0.0:
                v_out = 0.0
                for k in range(start[p], start[p + 1]):
                    v_out = max(v_out, slowest_in[successor[k]])
                if v_out < limit[p] and start[p] < start[p + 1]:
                    slowest_in[p] = min(limit[p], np.sqrt(v_out * v_out + 2.0 * braking * length[p]))
    for p in range(n):
        cost[p] = np.inf
        cost_stop[p] = np.inf
        if limit[p] <= 0.0:
            continue
        v_in, v_out = 0.0, 0.0
        for k in range(first[p], first[p + 1]):
            v_in = max(v_in, fastest_out[before[k]])
        for k in range(start[p], start[p + 1]):
            v_out = max(v_out, slowest_in[successor[k]])
        v_in = min(v_in, limit[p]) if v_in > 0.0 else limit[p]
        v_out = min(v_out, limit[p]) if v_out > 0.0 else limit[p]
        cost[p] = _least_time(length[p], limit[p], v_in, v_out, curve, braking)
        cost_stop[p] = _least_time(length[p], limit[p], v_in, 0.0, curve, braking)


@njit(cache=True)
def _fill(first, before, cost, cost_target, targets, value):  # type: ignore[no-untyped-def]
    """Dijkstra against the running direction: ``value[dp]`` becomes the least time from the exit of ``dp``."""
    n = len(cost)
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
            key = cost_target[item] if value[item] == 0.0 else value[item] + cost[item]
            follow = -1
            for k in range(first[item], first[item + 1]):
                p = before[k]
                if key < value[p] and cost[p] < np.inf:
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
        self.top_ms = min(float(model.accel_v[-1]), float(model.speed_ms.max()))
        speed = np.minimum(model.speed_ms, np.float32(model.accel_v[-1])).astype(np.float64)
        length = np.repeat(exact_length(graph), 2)
        first, before = predecessors(graph)
        self._cost = np.empty(len(speed))
        self._cost_stop = np.empty(len(speed))
        curve = (model.accel_v, model.accel_t, model.accel_s)
        _costs(
            graph.successor_start, graph.successor, first, before, length, speed, curve, float(model.braking_ms2),
            self._cost, self._cost_stop, ROUNDS,
        )  # fmt: skip
        self.values: npt.NDArray[np.float32] = np.empty((4, len(speed)), np.float32)
        self._row_of: dict[bytes, int] = {}
        self._rows = rows

    def row(self, directed: Ints, pinned: set[int] | None = None, *, stopping: bool = False) -> int:
        """Return the row of ``values`` with the least time from the exit of each directed piece to one of ``directed``.

        Parameters
        ----------
        directed : (k,) int32
        pinned : set of int, optional
            Rows that must stay.
        stopping : bool
            The train stops there; the time lost on the last piece counts.
        """
        key = np.sort(directed).astype(np.int32).tobytes() + (b"s" if stopping else b"p")
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
        _fill(first, before, self._cost, self._cost_stop if stopping else self._cost, directed, exact)
        self.values[row] = exact * SAFETY
        self._row_of[key] = row
        return row

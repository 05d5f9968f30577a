"""The other trains of the space-time diagram of a path."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from numba import njit

from weerspoor.capacity import plan as p
from weerspoor.capacity.settings import settings
from weerspoor.common.clock import DAY_S
from weerspoor.timetable.window import copies, copy_reference

if TYPE_CHECKING:
    from weerspoor.capacity.fit import Problem
    from weerspoor.capacity.geometry import Course
    from weerspoor.kernel.graph import Run
    from weerspoor.timetable.day import Day

Doubles = npt.NDArray[np.float64]


def diagram_trains(problem: Problem, run: Run, course: Course) -> list[p.DiagramTrain]:
    """Return the other trains along the way of a run: the day's, and reserve paths."""
    day = problem.day
    if day is None:
        return []
    margin = settings().diagram.margin_s
    span_s = float(run.depart_s[0]) - margin, float(run.exit_s[-1]) + margin
    left_out = set(problem.without)
    found: dict[tuple[str, str], p.DiagramTrain] = {}
    for along_km in _along(course):
        drawn = _drawn(along_km, day, day.trains.layer, span_s, left_out)
        if day.reserve is not None:
            layer = ["reserve"] * len(day.reserve.trains.reference)
            drawn += _drawn(along_km, day.reserve, layer, span_s, left_out)
        for train in drawn:
            known = found.setdefault((train.reference, train.layer), train)
            if known is not train:
                known.lines += train.lines
    return list(found.values())


def _along(course: Course) -> Iterator[tuple[Doubles, Doubles]]:
    """Yield the kilometres of lower and upper chainage of the pieces along each part between which the train turns."""
    n_pieces = course.network.n_pieces
    for first, last in course.legs:
        leg = course if (first, last) == (0, len(course.directed) - 1) else course.part(first, last)
        low_km, high_km = np.full(n_pieces, np.nan), np.full(n_pieces, np.nan)
        pieces = np.fromiter(leg.beside, np.int64, len(leg.beside))
        along = np.array(list(leg.beside.values())).T + course.exit_km[first]
        low_km[pieces], high_km[pieces] = along
        yield low_km, high_km


def _drawn(
    along_km: tuple[Doubles, Doubles], day: Day, layer: list[str], span_s: tuple[float, float], left_out: set[str]
) -> list[p.DiagramTrain]:
    moves = day.movements
    if not len(moves.directed):
        return []
    result: list[p.DiagramTrain] = []
    times = moves.start, moves.directed, moves.enter_ds, moves.exit_ds, moves.depart_ds
    for days in copies(day, *span_s):
        room = 1 << 12
        while True:
            vertex, ends, train = np.empty((room, 2)), np.empty(room, np.int64), np.empty(room, np.int32)
            shift_s = float(days * DAY_S)
            n = _lines(times, *along_km, (*span_s, shift_s, settings().diagram.simplify_s), (vertex, ends, train))
            if n >= 0:
                break
            room *= 4
        lines: dict[int, list[list[list[float]]]] = defaultdict(list)
        low = 0
        vertices = np.round(vertex[: ends[n - 1] if n else 0], 3).tolist()
        for high, owner in zip(ends[:n].tolist(), train[:n].tolist(), strict=True):
            lines[owner].append([[km, round(s)] for km, s in vertices[low:high]])
            low = high
        result += [
            p.DiagramTrain(
                reference=copy_reference(day.trains.reference[owner], days),
                kind=day.trains.kind[owner],
                layer=layer[owner],
                lines=drawn,
            )
            for owner, drawn in lines.items()
            if day.trains.reference[owner] not in left_out
        ]
    return result


@njit(cache=True)
def _lines(moves, low_km, high_km, span, out):  # type: ignore[no-untyped-def]
    """Write the lines of the trains of a day where they run along the way; return their number, or -1 if out of room.

    ``span`` are the first and the last second, by how much later the trains are, and the tolerance of simplification;
    ``out`` takes vertices (km, s), the end of each line among them, and its train.
    """
    start, directed, enter_ds, exit_ds, depart_ds = moves
    begin_s, end_s, shift_s, tolerance_s = span
    vertex, ends, train = out
    line = np.empty((64, 2))
    lines, used = 0, 0
    for owner in range(len(start) - 1):
        first, last = start[owner], start[owner + 1]
        if first == last or depart_ds[last - 1] / 10 + shift_s < begin_s or enter_ds[first] / 10 + shift_s > end_s:
            continue
        size = 0
        for row in range(first, last + 1):
            near = False
            if row < last:
                piece = directed[row] >> 1
                near = not np.isnan(low_km[piece])
                near = near and exit_ds[row] / 10 + shift_s >= begin_s and enter_ds[row] / 10 + shift_s <= end_s
            if near:
                if size + 3 > len(line):
                    longer = np.empty((2 * len(line), 2))
                    longer[:size] = line[:size]
                    line = longer
                falling = directed[row] & 1 == 1
                line[size, 0] = high_km[piece] if falling else low_km[piece]
                line[size + 1 : size + 3, 0] = low_km[piece] if falling else high_km[piece]
                line[size, 1] = enter_ds[row] / 10 + shift_s
                line[size + 1, 1] = exit_ds[row] / 10 + shift_s
                line[size + 2, 1] = depart_ds[row] / 10 + shift_s
                size += 3
            elif size > 0:
                if used + size > len(vertex) or lines == len(ends):
                    return -1
                used = _thin(line, size, tolerance_s, vertex, used)
                ends[lines], train[lines] = used, owner
                lines += 1
                size = 0
    return lines


@njit(cache=True)
def _thin(line, size, tolerance_s, out, used):  # type: ignore[no-untyped-def]
    """Copy a line of (km, s), s rising, without the vertices that a straight line misses by less than a tolerance.

    Returns the end of what is used of ``out``.
    """
    kept = 0
    out[used] = line[0]
    used += 1
    for i in range(1, size):
        if i < size - 1:
            km, s = line[kept]
            next_km, next_s = line[i + 1]
            if next_km == km and line[i, 0] == km:
                continue
            if next_km != km:
                due = s + (line[i, 0] - km) / (next_km - km) * (next_s - s)
                if abs(due - line[i, 1]) <= tolerance_s:
                    continue
        out[used] = line[i]
        kept = i
        used += 1
    return used

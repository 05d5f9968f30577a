"""The other trains of the space-time diagram of a path."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from weerspoor.capacity import plan as p
from weerspoor.capacity.occupation import copies, copy_reference
from weerspoor.capacity.settings import settings
from weerspoor.common.clock import DAY_S

if TYPE_CHECKING:
    from weerspoor.capacity.fit import Problem
    from weerspoor.capacity.geometry import Course
    from weerspoor.kernel.graph import Run
    from weerspoor.timetable.day import Day

Ints = npt.NDArray[np.int32]


def diagram_trains(problem: Problem, run: Run, course: Course) -> list[p.DiagramTrain]:
    """Return the other trains along the way of a run: the day's, and reserve paths."""
    day = problem.day
    if day is None:
        return []
    margin = settings().diagram.margin_s
    begin, end = float(run.depart_s[0]) - margin, float(run.exit_s[-1]) + margin
    left_out = set(problem.without)
    found = _drawn(course, day, day.trains.layer, (begin, end), left_out)
    if day.reserve is not None:
        found += _drawn(course, day.reserve, ["reserve"] * len(day.reserve.trains.reference), (begin, end), left_out)
    return found


def _drawn(
    course: Course, day: Day, layer: list[str], span_s: tuple[float, float], left_out: set[str]
) -> list[p.DiagramTrain]:
    beside = course.beside
    begin, end = span_s
    moves = day.movements
    if not len(moves.directed):
        return []
    low_km, high_km = np.full(course.network.n_pieces, np.nan), np.full(course.network.n_pieces, np.nan)
    for piece, (a, b) in beside.items():
        low_km[piece], high_km[piece] = a, b
    near = ~np.isnan(low_km[moves.directed >> 1])
    owner = np.repeat(np.arange(len(day.trains.reference)), np.diff(moves.start))
    result: list[p.DiagramTrain] = []
    for days in copies(day, begin, end):
        shift = days * DAY_S
        chosen = np.flatnonzero(near & (moves.exit_ds / 10 + shift >= begin) & (moves.enter_ds / 10 + shift <= end))
        if not len(chosen):
            continue
        breaks = np.flatnonzero((np.diff(chosen) != 1) | (np.diff(owner[chosen]) != 0)) + 1
        lines: dict[int, list[list[list[float]]]] = defaultdict(list)
        for rows in np.split(chosen, breaks):
            line = _line(moves.directed[rows], low_km, high_km, rows=rows, day=day, shift=shift)
            if len(line) > 1:
                lines[int(owner[rows[0]])].append(line)
        for train, drawn in sorted(lines.items()):
            name = day.trains.reference[train]
            if name in left_out:
                continue
            result.append(
                p.DiagramTrain(
                    reference=copy_reference(name, days),
                    kind=day.trains.kind[train],
                    layer=layer[train],
                    lines=drawn,
                )
            )
    return result


def _line(
    directed: Ints,
    low_km: npt.NDArray[np.float64],
    high_km: npt.NDArray[np.float64],
    *,
    rows: npt.NDArray[np.int64],
    day: Day,
    shift: int,
) -> list[list[float]]:
    moves = day.movements
    falling = (directed & 1) == 1
    a, b = low_km[directed >> 1], high_km[directed >> 1]
    enter_km, exit_km = np.where(falling, b, a), np.where(falling, a, b)
    km = np.column_stack([enter_km, exit_km, exit_km]).reshape(-1)
    seconds = np.column_stack([moves.enter_ds[rows], moves.exit_ds[rows], moves.depart_ds[rows]]).reshape(-1) / 10
    return thinned(np.column_stack([km, seconds + shift]), settings().diagram.simplify_s)


def thinned(line: npt.NDArray[np.float64], tolerance_s: float) -> list[list[float]]:
    """Return a line of (km, s), s rising, without the vertices that a straight line misses by less than a tolerance."""
    keep = [0]
    last = len(line) - 1
    for i in range(1, last):
        a, b = line[keep[-1]], line[i + 1]
        if b[0] == a[0] == line[i][0]:
            continue
        if b[0] == a[0]:
            keep.append(i)
            continue
        due = a[1] + (line[i][0] - a[0]) / (b[0] - a[0]) * (b[1] - a[1])
        if abs(due - line[i][1]) > tolerance_s:
            keep.append(i)
    keep.append(last)
    return [[round(km, 3), round(s)] for km, s in line[np.array(keep)].tolist()]

"""The operational points of a way that may turn back, in order of running."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from weerspoor.timetable.passages import Passage, passages

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from weerspoor.capacity.geometry import Course

AGAIN_M = 4_000.0
"""Where it turned back, a train that passes the place once more within so many metres is not said to be there twice."""


def calls(
    course: Course,
    enter_s: npt.NDArray[np.float64],
    exit_s: npt.NDArray[np.float64],
    depart_s: npt.NDArray[np.float64],
) -> list[Passage]:
    """Return the points passed or called at, as :func:`weerspoor.timetable.passages.passages` gives them.

    Parameters
    ----------
    course : Course
    enter_s, exit_s, depart_s : (k,) float64
        As in :class:`weerspoor.kernel.graph.Run`.
    """
    found: list[Passage] = []
    for first, last in course.legs:
        rows = slice(first, last + 1)
        begin_m = 1000 * float(course.exit_km[first])
        for row in passages(course.network, course.directed[rows], enter_s[rows], exit_s[rows], depart_s[rows]):
            again = found and row.point == found[-1].point and row.distance_m < AGAIN_M and not row.stops
            if first and (row.position == 0 or again):
                continue
            found.append(replace(row, position=first + row.position, distance_m=begin_m + row.distance_m))
    return found

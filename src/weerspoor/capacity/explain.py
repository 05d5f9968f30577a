"""Why there is no path: what stands in the way, and the least changes that would give one, each tested by a search."""

from __future__ import annotations

from collections.abc import Callable

from weerspoor.capacity import plan as p
from weerspoor.capacity.fit import Problem

Progress = Callable[[str], None]


def explain(problem: Problem, progress: Progress = lambda _: None) -> p.Explanation:
    """Return why a problem has no path.

    Parameters
    ----------
    problem : Problem
        One whose search found nothing.
    progress : callable
    """
    progress("looking for what stands in the way")
    obstacles = [
        p.Obstacle(
            kind="point",
            what=place.point,
            place=place.point,
            detail=f"no track for it; the longest train that may stand there: {place.longest_m:.0f} m",
            source="stops",
        )
        for place in problem.no_track
    ]
    return p.Explanation(summary="There is no path.", obstacles=obstacles, relaxations=[], reached=[])

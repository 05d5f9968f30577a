"""A plan in the DISPLIB form: new trains and every train they meet, fixed at their times, for a foreign verifier."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from weerspoor.capacity.fit import Problem
from weerspoor.common.clock import DAY_S
from weerspoor.formats.dispatching import to_json
from weerspoor.formats.displib import Use, displib_problem
from weerspoor.kernel.graph import Run
from weerspoor.kernel.timelines import Rows
from weerspoor.timetable.export import resource_names

NEAR_S = 1800
"""A train is met when it is on a zone of the path within so many seconds of it."""


def plan_displib(problem: Problem, runs: Sequence[Run]) -> dict[str, bytes]:
    """Return ``problem.json`` and ``solution.json``.

    A zone is a resource. Each time a zone is kept empty is one more, which the trains it is kept empty of need as well
    while they are on the zone.

    Parameters
    ----------
    problem : Problem
    runs : sequence of Run
        The paths of its trains; none leaves both files without trains.
    """
    made, solution = displib_problem(_uses(problem, runs) if runs else [])
    return {"problem.json": to_json(made), "solution.json": to_json(solution)}


def _uses(problem: Problem, runs: Sequence[Run]) -> list[list[Use]]:
    """Return what the new trains hold, then what each train that they meet holds."""
    own = [Rows.of(run, problem.model.kind) for run in runs]
    timelines = problem.occupation.timelines
    met: set[int] = set()
    for rows in own:
        near = Rows(
            rows.zone, rows.from_s - np.int32(NEAR_S), rows.until_s + np.int32(NEAR_S), rows.occupies, rows.blocks
        )
        met.update(timelines.conflicts_of(near))
    trains = [*own, *(timelines.rows_of(number) for number in sorted(met))]
    names = resource_names(problem.network)
    earliest_s = min(int(rows.from_s.min()) for rows in trains)
    shift_s = max(0, -(earliest_s // DAY_S)) * DAY_S
    uses: list[list[Use]] = [[] for _ in trains]
    occupying: dict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
    keeping: list[tuple[int, int, int, int, int]] = []
    for train, rows in enumerate(trains):
        columns = (rows.zone, rows.from_s, rows.until_s, rows.occupies, rows.blocks)
        for zone, from_s, until_s, occupies, blocks in zip(*(column.tolist() for column in columns), strict=True):
            if occupies:
                uses[train].append((names[zone], from_s + shift_s, until_s + shift_s))
                occupying[zone].append((train, from_s, until_s, occupies))
            else:
                keeping.append((train, zone, from_s, until_s, blocks))
    for number, (train, zone, from_s, until_s, mask) in enumerate(keeping):
        resource = f"{names[zone]}/kept{number}"
        uses[train].append((resource, from_s + shift_s, until_s + shift_s))
        for other, begin, end, occupies in occupying[zone]:
            if other != train and occupies & mask:
                uses[other].append((resource, begin + shift_s, end + shift_s))
    return uses

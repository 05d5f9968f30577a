"""The profile: all departures worth having."""

from __future__ import annotations

import pytest

from kernel_cases import graph_of, held, pieces, random_case, train_on
from weerspoor.kernel.graph import Query, Stage
from weerspoor.kernel.plain import all_runs, pareto
from weerspoor.kernel.profile import profile


def test_a_train_held_up_leaves_later_for_the_same_arrival():
    """b is held until 18 600: of all departures before, only the last that arrives with the first train after counts.

    ``a──b──c``, departures from 18 000 to 18 720 each 6 s.
    """
    graph = graph_of([1000.0] * 3, [(0, 1), (1, 2)])
    query = Query([Stage(pieces(0), 0.0, 18_000, 18_720), Stage(pieces(2), 0.0)], horizon_s=20_000, step_s=6)
    runs = profile(graph, train_on(graph), held(3, [(1, 17_000, 18_600)]), query)
    departures = [int(run.depart_s[0]) for run in runs]
    assert departures == list(range(18_618, 18_721, 6))


@pytest.mark.parametrize("block", range(8))
def test_profile_equals_trying_everything(block: int):
    """The Pareto-optimal (departure, arrival, stops) equal those of the enumeration on random railways."""
    for seed in range(5_000 + 15 * block, 5_015 + 15 * block):
        case = random_case(seed)
        wanted = pareto(all_runs(case.graph, case.model, case.timelines, case.query))
        runs = profile(case.graph, case.model, case.timelines, case.query)
        assert [(int(r.depart_s[0]), float(r.exit_s[-1]), r.stops) for r in runs] == wanted, seed

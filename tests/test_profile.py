"""The profile: all departures worth having."""

from __future__ import annotations

import pytest

from kernel_cases import graph_of, held, pieces, random_case, train_on
from weerspoor.kernel.graph import Query, Stage
from weerspoor.kernel.plain import all_runs, pareto
from weerspoor.kernel.profile import departures, profile
from weerspoor.kernel.search import GaveUpError
from weerspoor.kernel.timelines import Rows, Timelines


def test_a_train_held_up_leaves_later_for_the_same_arrival():
    """b is held until 18 600: of all departures before, only the last that arrives with the first train after counts.

    ``a──b──c``, departures from 18 000 to 18 720 each 6 s.
    """
    graph = graph_of([1000.0] * 3, [(0, 1), (1, 2)])
    query = Query([Stage(pieces(0), 0.0, 18_000, 18_720), Stage(pieces(2), 0.0)], horizon_s=20_000, step_s=6)
    runs = profile(graph, train_on(graph), held(3, [(1, 17_000, 18_600)]), query)
    departures = [int(run.depart_s[0]) for run in runs]
    assert departures == list(range(18_618, 18_721, 6))


def test_all_departures_of_a_free_day_are_one_part():
    """``a──b``, 1 000 m: 65 s and 25 s lost by braking, at whatever second of the day the train leaves."""
    graph = graph_of([1000.0] * 2, [(0, 1)])
    query = Query([Stage(pieces(0), 0.0, 18_000, 104_400), Stage(pieces(1), 0.0)], horizon_s=200_000)
    (part,) = departures(graph, train_on(graph), Timelines.empty(2), query)
    assert (part.first_s, part.last_s, part.journey_s, part.stops) == (18_000, 104_400, 90.0, 0)
    assert part.run is not None
    assert part.run.depart_s[0] == 18_000
    with pytest.raises(GaveUpError):
        departures(graph, train_on(graph), Timelines.empty(2), query, most_labels=0)


@pytest.mark.parametrize("block", range(8))
def test_profile_equals_trying_everything(block: int):
    """The Pareto-optimal (departure, arrival, stops) equal those of the enumeration on random railways."""
    for seed in range(5_000 + 15 * block, 5_015 + 15 * block):
        case = random_case(seed)
        every = all_runs(case.graph, case.model, case.timelines, case.query, 60_000)
        if every is None:
            continue
        wanted = pareto(every)
        runs = profile(case.graph, case.model, case.timelines, case.query)
        assert [(int(r.depart_s[0]), float(r.exit_s[-1]), r.stops) for r in runs] == wanted, seed
        for run in runs:
            assert case.timelines.conflicts_of(Rows.of(run, case.model.kind)) == [], seed

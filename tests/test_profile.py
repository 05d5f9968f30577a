"""The profile: all departures worth having."""

from __future__ import annotations

from itertools import pairwise

import pytest

from kernel_cases import graph_of, held, pieces, train_on
from weerspoor.kernel.graph import Query, Stage
from weerspoor.kernel.profile import departures, profile
from weerspoor.kernel.search import GaveUpError
from weerspoor.kernel.timelines import Timelines


def test_a_train_held_up_leaves_later_for_the_same_arrival():
    """b is held until 18 600: of all departures before, only the last that arrives with the first train after counts.

    ``a──b──c``, departures from 18 000 to 18 720 each 6 s.
    """
    graph = graph_of([1000.0] * 3, [(0, 1), (1, 2)])
    query = Query([Stage(pieces(0), 0.0, 18_000, 18_720), Stage(pieces(2), 0.0)], horizon_s=20_000, step_s=6)
    runs = profile(graph, train_on(graph), held(3, [(1, 17_000, 18_600)]), query)
    departures = [int(run.depart_s[0]) for run in runs]
    assert departures == list(range(18_618, 18_721, 6))


def test_all_departures_of_a_free_day_take_as_long():
    """``a──b``, 1 000 m: 50 s up to 25 m/s, 625 m, but braking takes as much; so 22.4 m/s, 44.7 s up and as much down.

    At whatever second of the day the train leaves; its departures are given in parts that follow each other.
    """
    graph = graph_of([1000.0] * 2, [(0, 1)])
    query = Query([Stage(pieces(0), 0.0, 18_000, 104_400), Stage(pieces(1), 0.0)], horizon_s=200_000)
    parts = departures(graph, train_on(graph), Timelines.empty(2), query)
    assert (parts[0].first_s, parts[-1].last_s) == (18_000, 104_400)
    assert all(after.first_s == before.last_s + 1 for before, after in pairwise(parts))
    assert {(part.journey_s, part.stops) for part in parts} == {(90.0, 0)}
    assert parts[0].run is not None
    assert parts[0].run.depart_s[0] == 18_000
    with pytest.raises(GaveUpError):
        departures(graph, train_on(graph), Timelines.empty(2), query, most_labels=0)

"""The search over free gaps: drawn railways with times worked out by hand, and equality with trying everything."""

from __future__ import annotations

import numpy as np
import pytest

from kernel_cases import graph_of, held, pieces, random_case, train_on
from weerspoor.kernel.bounds import Bounds
from weerspoor.kernel.graph import IS_PASSENGER, IS_WIDE, KEEP_PASSENGER, Query, Stage
from weerspoor.kernel.plain import all_runs
from weerspoor.kernel.search import GaveUpError, Search, latest_departure, merge, search
from weerspoor.kernel.timelines import Rows, Timelines

MOST = 60_000
"""Combinations of departures and times lost that are tried for one course."""

CHAIN = [(0, 1), (1, 2), (2, 3)]
"""a──b──c──d, each 1 000 m with a signal at its end."""


def query(*, stop_s: float = 0.0, to: int = 3, at: float = 18_000.0, **more: float) -> Query:
    return Query([Stage(pieces(0), 0.0, at), Stage(pieces(to), stop_s)], horizon_s=at + 7_200, **more)  # type: ignore[arg-type]


def test_times_of_a_run_are_those_worked_out_by_hand():
    """A train of 300 m starts with 0.5 m/s², runs 25 m/s and stops: 50 s + 25 s of starting, 40 s a piece, 25 s lost.

    ``a──b──c──d``: the first kilometre takes 50 s for 625 m and 15 s for the rest; braking at 0.5 m/s² loses
    25 / (2 · 0.5) = 25 s.
    """
    graph = graph_of([1000.0] * 4, CHAIN)
    run = search(graph, train_on(graph), Timelines.empty(4), query())
    assert run is not None
    assert run.depart_s.tolist() == [18_000, 18_065, 18_105, 18_170]
    assert run.speed_ms.tolist() == [0, 25, 25, 0]
    assert run.stops == 0
    # Lock: 25 / (2 · 0.5) + 9 s sighting before the signal, 12 s set-up before that, 3 s for rounded times; piece b
    # from the departure. Clear: head 300 m on, 6 s release, 3 s; from standstill 300 m take 34.64 s.
    assert run.zone.tolist() == [0, 1, 2, 3]
    assert run.from_s.tolist() == [17_985, 17_985, 18_065 - 34 - 12 - 3, 18_105 - 34 - 12 - 3]
    assert run.until_s.tolist() == [18_000 + 44, 18_065 + 12 + 9, 18_105 + 12 + 9, 18_170 + 9]


def test_a_train_leaves_as_soon_as_the_zone_ahead_is_free():
    """With zone c held until 18 500 the lock of c begins within 6 s of that, as departures lie 6 s apart."""
    graph = graph_of([1000.0] * 4, CHAIN)
    run = search(graph, train_on(graph), held(4, [(2, 18_000, 18_500)]), query(step_s=6))
    assert run is not None
    assert 18_500 <= run.from_s[2] < 18_506
    assert run.depart_s[0] % 6 == 0


def test_the_tail_stays_on_a_slow_piece():
    """A piece of 10 m/s holds a train of 400 m to 10 m/s for 400 m after the head has left it."""
    graph = graph_of([1000.0, 200.0, 1000.0], [(0, 1), (1, 2)])
    train = train_on(graph, speed_ms=[20.0, 10.0, 20.0], length_m=400.0)
    run = search(
        graph, train, Timelines.empty(3), Query([Stage(pieces(0), -1.0, 0.0, 0.0), Stage(pieces(2))], horizon_s=999)
    )
    assert run is not None
    # 20 s over b; on c 40 s at 10 m/s, then 300 m while speeding up to 20 m/s in 20 s, then 300 m in 15 s.
    assert run.exit_s.tolist() == [0, 20, 95]


def test_braking_for_a_short_slow_piece_and_a_stop_behind_it_is_one_braking():
    """From 25 m/s to a stand takes 50 s and 625 m, whatever the slow piece of 20 m before the stop says.

    ``a──b──c``, b 2 000 m, c 20 m at 10 m/s: 50 s of starting and 55 s to the end of b; the braking curve begins 605 m
    before it, after 80.8 s. Braking for c (9 s) and for the stop (10 s) counted apart would arrive after 126 s.
    """
    graph = graph_of([1000.0, 2000.0, 20.0], [(0, 1), (1, 2)])
    train = train_on(graph, speed_ms=[25.0, 25.0, 10.0])
    run = search(graph, train, Timelines.empty(3), query(to=2))
    assert run is not None
    assert run.exit_s[-1] == 18_000 + 131


def test_a_train_is_overtaken_on_the_loop_where_it_fits():
    """A slow train waits at c while a fast one holds d and e, if it may stand there; else it waits at the origin.

    ::

            ┌──b──┐
        a───┤     ├──d──e
            └──c──┘
    """
    graph = graph_of([1000.0] * 5, [(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)])
    day = held(5, [(3, 18_050, 18_400), (0, 18_100, 18_600), (1, 18_050, 18_600)])
    waits = search(graph, train_on(graph, may_stop=[2]), day, query(to=4))
    assert waits is not None
    assert waits.directed.tolist() == [0, 4, 6, 8]
    assert waits.stops == 1
    assert waits.depart_s[1] > 18_400
    later = search(graph, train_on(graph), day, query(to=4))
    assert later is not None
    assert later.stops == 0
    assert later.exit_s[-1] > waits.exit_s[-1]


def test_a_wide_train_keeps_its_neighbour_free_of_passenger_trains_only():
    """On b the neighbour zone 4 must be empty of passenger trains: a freight train there does not matter.

    ::

        a──b──c──d
        ···4······
    """
    graph = graph_of([1000.0] * 4, CHAIN, n_zones=5)
    wide = train_on(graph, kind=IS_WIDE | 4, keep={1: [(4, KEEP_PASSENGER)]})
    freight = search(graph, wide, held(5, [(4, 17_000, 19_000, 4, 7)]), query())
    passenger = search(graph, wide, held(5, [(4, 17_000, 19_000, IS_PASSENGER, 7)]), query())
    assert freight is not None
    assert freight.depart_s[0] == 18_000
    assert (freight.kept_zone.tolist(), freight.kept_mask.tolist()) == ([4], [KEEP_PASSENGER])
    assert freight.kept_from_s[0] == freight.from_s[1]
    assert passenger is not None
    assert passenger.kept_from_s[0] >= 19_000


def test_a_zone_kept_empty_by_another_train_is_closed_to_the_kinds_it_names():
    """An interval that blocks passenger trains only lets a freight train pass."""
    graph = graph_of([1000.0] * 4, CHAIN)
    day = held(4, [(1, 17_000, 19_000, 0, KEEP_PASSENGER)])
    freight = search(graph, train_on(graph), day, query())
    passenger = search(graph, train_on(graph, kind=IS_PASSENGER), day, query())
    assert freight is not None
    assert passenger is not None
    assert freight.depart_s[0] == 18_000
    assert passenger.depart_s[0] > 19_000


def test_a_fixed_departure_and_a_window_are_kept():
    """A stage with a stop is left no earlier than told; a window at the end is met by leaving later."""
    graph = graph_of([1000.0] * 4, CHAIN)
    stages = [Stage(pieces(0), 0.0, 18_000), Stage(pieces(1), 30.0, depart_s=18_300), Stage(pieces(3), -1.0)]
    run = search(graph, train_on(graph), Timelines.empty(4), Query(stages, horizon_s=30_000))
    assert run is not None
    assert run.depart_s[1] == 18_300
    assert run.stage.tolist() == [0, 1, -1, 2]
    window = Query([Stage(pieces(0), 0.0, 18_000), Stage(pieces(3), -1.0, 19_000, 19_030)], horizon_s=30_000)
    run = search(graph, train_on(graph), Timelines.empty(4), window)
    assert run is not None
    assert 19_000 <= run.exit_s[-1] < 19_006


def test_no_path_is_told_as_none():
    """A zone held for good, a limit of stops, a piece that is closed to the train: no run."""
    graph = graph_of([1000.0] * 4, CHAIN)
    assert search(graph, train_on(graph), held(4, [(2, 0, 10**6)]), query()) is None
    assert search(graph, train_on(graph, speed_ms=[25.0, 25.0, 0.0, 25.0]), Timelines.empty(4), query()) is None
    stages = [Stage(pieces(0), 0.0, 18_000), Stage(pieces(1), 30.0), Stage(pieces(3))]
    assert search(graph, train_on(graph), Timelines.empty(4), Query(stages, max_stops=0, horizon_s=30_000)) is None


def test_a_train_may_be_left_out():
    """The intervals of the train that is to be moved do not count."""
    graph = graph_of([1000.0] * 4, CHAIN)
    run = search(graph, train_on(graph), held(4, [(2, 0, 10**6)]), query(), ignore_train=100)
    assert run is not None
    assert run.depart_s[0] == 18_000


def test_the_bound_is_never_more_than_the_running_time():
    """On random railways without other trains the bound at the origin is at most what the best run takes."""
    for seed in range(60):
        case = random_case(seed)
        ends = [case.query.stages[0], case.query.stages[-1]]
        free = Query(
            [Stage(ends[0].directed, ends[0].stop_s, 0.0), Stage(ends[1].directed, ends[1].stop_s)], horizon_s=9e5
        )
        bounds = Bounds(case.graph, case.model)
        run = search(case.graph, case.model, Timelines.empty(case.graph.n_zones), free, bounds=bounds)
        row = bounds.row(ends[1].directed, way="stop" if ends[1].stop_s >= 0 else "end")
        assert run is not None
        assert bounds.values[row][int(run.directed[0])] <= run.exit_s[-1] - run.depart_s[0]


def test_the_nearest_place_to_stand_is_known_as_far_as_the_train_is_long():
    """``a──b──c──d``, the train of 300 m may stand at the end of c: 0 m from there, else more than twice its length.

    With c 200 m long it is 200 m from the end of b.
    """
    graph = graph_of([1000.0, 1000.0, 200.0, 1000.0], CHAIN)
    metres = Bounds(graph, train_on(graph, may_stop=[2])).to_stop_m
    assert metres[:8:2].tolist() == [np.inf, 200.0, 0.0, np.inf]


@pytest.mark.parametrize("block", range(10))
def test_search_equals_trying_everything(block: int):
    """Earliest arrival, fewest stops and latest departure equal the enumeration of all courses, departures and losses.

    Cases with more combinations than can be tried are passed over; they are fewer than one in five.
    """
    passed_over = 0
    for seed in range(1_000 + 20 * block, 1_020 + 20 * block):
        case = random_case(seed)
        runs = all_runs(case.graph, case.model, case.timelines, case.query, MOST)
        if runs is None:
            passed_over += 1
            continue
        first = search(case.graph, case.model, case.timelines, case.query)
        last = latest_departure(case.graph, case.model, case.timelines, case.query)
        found = (float(first.exit_s[-1]), first.stops) if first else None
        assert found == min(((run[1], run[2]) for run in runs), default=None), seed
        left = (float(last.depart_s[0]), -float(last.exit_s[-1])) if last else None
        assert left == max(((run[0], -run[1]) for run in runs), default=None), seed
        for run in (first, last):
            if run is not None:
                assert case.timelines.conflicts_of(Rows.of(run, case.model.kind)) == [], seed
    assert passed_over <= 6


def test_a_train_runs_slower_to_keep_clear_of_the_train_before():
    """c is held until 18 200: a train that must leave at 18 164 loses time on b; without that it may leave at 18 184.

    ``a──b──c──d``: from the end of a, the head passes the signal at the end of b after 65 s, and c is locked
    25 / (2 · 0.5) + 9 + 12 + 3 = 49 s before that. Of the 40 s of b it may lose half.
    """
    graph = graph_of([1000.0] * 4, CHAIN)
    day = held(4, [(2, 17_000, 18_200)])
    slow = search(graph, train_on(graph, slower=0.5), day, query())
    brisk = search(graph, train_on(graph), day, query())
    assert slow is not None
    assert brisk is not None
    assert slow.exit_s[-1] == brisk.exit_s[-1]
    for run in (slow, brisk):
        assert (int(run.depart_s[0]), run.lost_s.tolist()) == (18_184, [0, 0, 0, 0])
    window = Query([Stage(pieces(0), 0.0, 18_164, 18_164), Stage(pieces(3), 0.0)], horizon_s=20_000)
    held_up = search(graph, train_on(graph, slower=0.5), day, window)
    assert held_up is not None
    assert held_up.lost_s.tolist() == [0, 20, 0, 0]
    assert held_up.exit_s.tolist() == [18_164, 18_164 + 85, 18_164 + 125, 18_164 + 190]
    assert search(graph, train_on(graph), day, window) is None


def test_a_search_gives_up_after_as_many_labels_as_it_may_take():
    """With too few labels it says that it has no answer, which is not the same as no path; with enough it has one."""
    graph = graph_of([1000.0] * 4, CHAIN)
    with pytest.raises(GaveUpError):
        search(graph, train_on(graph), Timelines.empty(4), query(), most_labels=2)
    assert search(graph, train_on(graph), Timelines.empty(4), query(), most_labels=20) is not None
    assert search(graph, train_on(graph), held(4, [(0, 0, 10**6)]), query(), most_labels=0) is None


def test_arrays_that_grow_change_nothing():
    """With room for almost nothing at the start the search grows its arrays and finds the same."""
    case = random_case(1_001)
    wanted = search(case.graph, case.model, case.timelines, case.query)
    tight = Search(case.graph, case.model, case.timelines)
    space = tight.workspace
    space.labels = space.labels[:8].copy()
    space.heap = tuple(part[:2].copy() for part in space.heap)
    space.busy = space.busy[:1].copy()
    space.windows_from, space.windows_until = space.windows_from[:1].copy(), space.windows_until[:1].copy()
    space.scratch = tuple(part[:1].copy() for part in space.scratch)
    got = tight.earliest_arrival(case.query)
    assert (wanted is None) == (got is None)
    if wanted is not None and got is not None:
        assert wanted.depart_s.tolist() == got.depart_s.tolist()


def test_merge_joins_what_overlaps_or_touches():
    """Zone 1 is held twice in a row, zone 2 once; a gap keeps visits apart."""
    zone, from_s, until_s, _ = merge(
        np.array([1, 2, 1, 1], np.int32),
        np.full(4, 7, np.uint8),
        np.array([10, 0, 0, 50], np.int32),
        np.array([20, 5, 10, 60], np.int32),
    )
    assert list(zip(zone.tolist(), from_s.tolist(), until_s.tolist(), strict=True)) == [
        (1, 0, 20),
        (1, 50, 60),
        (2, 0, 5),
    ]

"""The search over free gaps: drawn railways with times worked out by hand, and equality with trying everything."""

from __future__ import annotations

import numpy as np
import pytest

from kernel_cases import graph_of, held, pieces, random_case, train_on
from many_cases import differences
from weerspoor.kernel import profile as profiles
from weerspoor.kernel import search as searches
from weerspoor.kernel.bounds import Bounds
from weerspoor.kernel.graph import IS_PASSENGER, IS_WIDE, KEEP_PASSENGER, Query, Stage, TrackGraph, TrainModel
from weerspoor.kernel.profile import profile
from weerspoor.kernel.search import GaveUpError, Workspace, merge, search
from weerspoor.kernel.timelines import Timelines

CHAIN = [(0, 1), (1, 2), (2, 3)]
"""a──b──c──d, each 1 000 m with a signal at its end."""


def query(*, stop_s: float = 0.0, to: int = 3, at: float = 18_000.0, **more: float) -> Query:
    return Query([Stage(pieces(0), 0.0, at), Stage(pieces(to), stop_s)], horizon_s=at + 7_200, **more)  # type: ignore[arg-type]


def test_times_of_a_run_are_those_worked_out_by_hand():
    """A train of 300 m starts with 0.5 m/s², runs 25 m/s and stops; it passes signals at class 19, 24.625 m/s.

    ``a──b──c──d``: class 19 is the highest that does not exceed 25 m/s, sqrt(2 · 0.5 · 32 · 19) = 24.66, rounded down.
    Piece b: 50 s for 625 m, 356.4 m at 25 m/s in 14.26 s, 0.75 s and 18.6 m of braking: 65.006, so 66 s. Piece c: 0.75
    s of speeding up, 962.8 m in 38.51 s, 0.75 s: 40.01, so 41 s. Piece d: 0.75 s, 14.26 s, 50 s of braking: 66 s.
    """
    graph = graph_of([1000.0] * 4, CHAIN)
    run = search(graph, train_on(graph), Timelines.empty(4), query())
    assert run is not None
    assert run.depart_s.tolist() == pytest.approx([18_000, 18_066, 18_107, 18_173])
    assert run.speed_ms.tolist() == [0, 24.625, 24.625, 0]
    assert run.stops == 0
    # Lock: 25 / (2 · 0.5) + 9 s sighting before the signal, 12 s set-up before that, 3 s for rounded times; piece b
    # from the departure. Clear: the head is on the last piece of a route 300 m on; from the stand 30.4 s before the
    # end, else no
    # train needs less than 681.4 m / 25 + 0.75 = 28.0 s to the end, or 75 m / 25 + 50 = 53 s to the stop; 6 s
    # release, 3 s.
    assert run.zone.tolist() == [0, 1, 2, 3]
    assert run.from_s.tolist() == [17_985, 17_985, 18_066 - 49, 18_107 - 49]
    assert run.until_s.tolist() == [18_066 - 24 + 3, 18_107 - 22 + 3, 18_173 - 47 + 3, 18_173 + 9]


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
    # Class 3 is 9.75 m/s: 0.26 s and 2.5 m of braking, so 20.001 s over b. On c 416 m at 10 m/s, the 400 m of the
    # train in
    # steps of 32 m, 0.5 s for speeding up, then to 20 m/s in 20 s and 300 m, and 284 m in 14.2 s.
    assert run.exit_s.tolist() == [0, 21, 21 + 76]


def test_braking_for_a_stop_begins_on_the_route_before():
    """From 25 m/s the train brakes for a stop 20 m beyond the signal; it passes that at class 1, 5.625 m/s.

    ``a──b──c``, b 2 000 m, c 20 m at 10 m/s: 50 s of starting, 781.6 m in 31.27 s, 38.75 s of braking: 121 s. The last
    20 m take 8.94 s from 4.47 m/s; that the lowest class is a little faster than that is a limit of the model.
    """
    graph = graph_of([1000.0, 2000.0, 20.0], [(0, 1), (1, 2)])
    train = train_on(graph, speed_ms=[25.0, 25.0, 10.0])
    run = search(graph, train, Timelines.empty(3), query(to=2))
    assert run is not None
    assert run.exit_s.tolist() == [18_000, 18_121, 18_130]


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
        if run is not None:
            assert (
                bounds.least_s(run.directed[:1], bounds.row(ends[1].directed, run.directed[:1]))
                <= run.exit_s[-1] - run.depart_s[0]
            )


@pytest.mark.parametrize("block", range(10))
def test_search_equals_trying_everything(block: int):
    """Earliest arrival, latest departure and profile equal the enumeration, and all runs are sound."""
    for seed in range(1_000 + 25 * block, 1_025 + 25 * block):
        assert differences(random_case(seed)) == [], seed


def test_a_train_runs_slower_to_keep_clear_of_the_train_before():
    """c is held until 18 200: a train that must leave at 18 164 loses time on b; without that it may leave at 18 183.

    ``a──b──c──d``: the head passes the signal at the end of b 66 s after leaving a, and c is locked 25 / (2 · 0.5) + 9
    + 12 + 3 = 49 s before that; so it passes there at 18 249, 85 s after 18 164. On c nothing is lost. A train from a
    stand at the beginning of b can lose nothing on b, one that comes running can.

    ::

        z──a──b──c──d
    """
    graph = graph_of([1000.0] * 5, [*CHAIN, (3, 4)])
    day = held(5, [(3, 17_000, 18_200)])
    stages = [Stage(pieces(0), -1.0, 18_123, 18_123), Stage(pieces(4), 0.0)]
    slow = search(graph, train_on(graph, slower=1.0), day, Query(stages, horizon_s=20_000))
    assert slow is not None
    # Piece b takes 41 s, or 66 s at most as from a stand; times before are as late as the last one allows.
    assert slow.exit_s.tolist() == [18_123, 18_189, 18_249, 18_290, 18_356]
    assert search(graph, train_on(graph), day, Query(stages, horizon_s=20_000)) is None


def test_a_search_gives_up_after_as_many_labels_as_it_may_take():
    """With too few labels it says that it has no answer, which is not the same as no path; with enough it has one."""
    graph = graph_of([1000.0] * 4, CHAIN)
    with pytest.raises(GaveUpError):
        search(graph, train_on(graph), Timelines.empty(4), query(), most_labels=2)
    assert search(graph, train_on(graph), Timelines.empty(4), query(), most_labels=20) is not None
    assert search(graph, train_on(graph), held(4, [(0, 0, 10**6)]), query(), most_labels=0) is None


def two_tracks(*, halt: list[int] | None = None, signal: list[int] | None = None) -> TrackGraph:
    """Two ways between a and d, which part and join again.

    ::

            ┌──b──┐
        a───┤     ├──d──e
            └──c──┘
    """
    edges = [(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)]
    return graph_of([1000.0] * 5, edges, halt=halt, signal=signal)


def test_the_end_may_follow_a_place_passed_on_the_same_route():
    """Without a signal between b and e the train passes b and leaves the network at the halt e, or stands there."""
    graph = two_tracks(halt=[4], signal=[0])
    for stop_s in (-1.0, 0.0):
        stages = [Stage(pieces(0), 0.0, 18_000), Stage(pieces(1), -1.0), Stage(pieces(4), stop_s)]
        run = search(graph, train_on(graph), Timelines.empty(5), Query(stages, horizon_s=20_000))
        assert run is not None
        assert run.directed.tolist() == [0, 2, 6, 8]
        assert run.stage.tolist() == [0, 1, -1, 2]


def test_a_train_that_waits_where_it_need_only_pass_has_been_there():
    """d is held until 18 400: the train waits at the end of c, which it is to come through, and not once more."""
    graph = two_tracks()
    stages = [Stage(pieces(0), 0.0, 18_000, 18_000), Stage(pieces(2), -1.0), Stage(pieces(4), 0.0)]
    day = held(5, [(3, 17_000, 18_400)])
    run = search(graph, train_on(graph, may_stop=[2]), day, Query(stages, horizon_s=20_000))
    assert run is not None
    assert (run.stops, run.stage.tolist()) == (1, [0, 1, -1, 2])
    assert run.depart_s[1] >= 18_400


def there_and_back(turn_s: float, signal: list[int]) -> tuple[TrackGraph, TrainModel, Query]:
    """From a to c, where a train of 300 m turns back, and to the beginning of b.

    ::

        a──b──c        its head comes to the beginning of c, where the tail is
           └──┘ back
    """
    graph = graph_of([1000.0, 1000.0, 300.0], CHAIN[:2], signal=[0, 1, 2], back=signal)
    train = train_on(graph, may_stop=[2], stop_back=[1], turn=[4], turn_s=turn_s)
    stages = [Stage(pieces(0), 0.0, 18_000), Stage(pieces(1) + 1, 0.0)]
    return graph, train, Query([stages[0], Stage(stages[1].directed.astype(np.int32), 0.0)], horizon_s=30_000)


@pytest.mark.parametrize("turn_s", [0.0, 240.0])
def test_a_train_turns_back_where_it_may_and_its_head_is_then_where_its_tail_was(turn_s: float):
    """It stands for ``turn_s``, or a minute as at any stop, and runs back over b, with a signal at its head or not."""
    for signal in ([], [1, 2]):
        graph, train, ask = there_and_back(turn_s, signal)
        run = search(graph, train, Timelines.empty(3), ask)
        assert run is not None
        assert run.directed.tolist() == [0, 2, 4, 5, 3]
        assert run.stops == 1
        assert run.depart_s[2] - run.exit_s[2] == max(turn_s, 60.0)
        assert run.exit_s[3] == run.depart_s[2]
        # From its stand over 1 000 m to the next: 500 m up to 22.4 m/s and 500 m down, sqrt(1000 / 0.5) s each.
        assert run.exit_s[4] - run.depart_s[3] == 90


def test_a_long_train_holds_what_is_behind_it_until_its_tail_has_left():
    """A train of 700 m that stands at c still holds a, b and c: not where a is wanted before it can go on.

    ``a──b──c──d``, 300 m each, a wanted from 18 300 on and d held until 18 600; there is room for the tail on b and c
    only when the train is not longer than 600 m.
    """
    graph = graph_of([300.0] * 4, CHAIN)
    day = held(4, [(0, 18_300, 19_000), (3, 17_000, 18_600)])
    stages = [Stage(pieces(0), 0.0, 18_000, 18_010), Stage(pieces(3), 0.0)]
    ask = Query(stages, horizon_s=20_000)
    assert search(graph, train_on(graph, may_stop=[2], length_m=700.0), day, ask) is None
    short = search(graph, train_on(graph, may_stop=[2], length_m=590.0), day, ask)
    assert short is not None
    assert short.until_s[0] <= 18_300


def test_arrays_that_grow_change_nothing(monkeypatch: pytest.MonkeyPatch):
    """With room for almost nothing at the start the searches grow their arrays and find the same."""
    monkeypatch.setattr(profiles, "ROOM", 2)
    for seed in range(40):
        case = random_case(seed)
        wanted = profile(case.graph, case.model, case.timelines, case.query)
        case = random_case(seed)
        space, bounds = Workspace.of(case.graph), Bounds.of(case.graph, case.model)
        space.space = space.space._replace(
            **{
                name: getattr(space.space, name)[:2].copy()
                for name in ("labels", "key", "second", "item", "since", "band", "tail_m", "tail_end")
            },
            windows_a=np.zeros((1, 2), np.int32),
            windows_b=np.zeros((1, 2), np.int32),
        )
        space.pieces = (np.zeros((1, 2), np.int32), np.zeros((1, 5)), np.zeros((1, 2), np.int32))
        bounds.routes.halt_at(case.query.stages[-1].directed)
        bounds.refresh()
        known = bounds.known
        bounds.known = known._replace(
            **{
                name: part[:2].copy()
                for name, part in known._asdict().items()
                if name in {"way", "class_of", "part_at", "times"} or name.split("_")[0] in {"state", "motion", "hold"}
            }
        )
        bounds.known.state_table[:] = -1
        bounds.known.motion_table[:] = -1
        got = profile(case.graph, case.model, case.timelines, case.query)
        assert [run.exit_s.tolist() for run in got] == [run.exit_s.tolist() for run in wanted], seed


def test_a_search_that_is_interrupted_often_finds_the_same(monkeypatch: pytest.MonkeyPatch):
    """It comes back after every label, so that the program can be stopped, and goes on from there."""
    monkeypatch.setattr(searches, "POPS_A_CALL", 1)
    monkeypatch.setattr(profiles, "POPS_A_CALL", 1)
    for seed in range(3_000, 3_020):
        assert differences(random_case(seed)) == [], seed


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

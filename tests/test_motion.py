"""Routes, ways, classes, states and motions: by hand, by the plain twin, and by the exact integrator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel_cases import graph_of, pieces, random_case, train_on
from weerspoor.kernel.bounds import Bounds
from weerspoor.kernel.graph import Query, Stage, TrackGraph, TrainModel
from weerspoor.kernel.plain import FREE, STOP, Plain, State
from weerspoor.kernel.routes import Routes
from weerspoor.kernel.search import search
from weerspoor.kernel.timelines import Timelines
from weerspoor.trains.running_time import RunningPath, Stop, Stretch, running_time
from weerspoor.trains.traction import Dynamics


def plain(graph: TrackGraph, model: TrainModel, to: int) -> Plain:
    """The twin of a train that is to stop at the end of a piece."""
    return Plain(graph, model, Query([Stage(pieces(0), 0.0, 0.0), Stage(pieces(to), 0.0)]))


def listed(routes: Routes, place: int) -> list[tuple[int, ...]]:
    """The routes of the book from a place."""
    book = routes.book
    numbers = range(book.first[place], book.first[place] + book.ways[place])
    return [tuple(book.pieces[book.at[r] : book.at[r] + book.number[r]].tolist()) for r in numbers]


def test_routes_end_at_signals_and_halts_and_pass_no_signal():
    """Signals ┤ at the ends of a, c and d, a halt · at the end of b: from a to b, over b to d, and to c.

    ::

              ┌──b·──┐
        a┤────┤      ├──d┤
              └──c┤──┘
    """
    graph = graph_of([100.0] * 4, [(0, 1), (0, 2), (1, 3), (2, 3)], signal=[0, 2, 3], halt=[1])
    a, b, c, d = 0, 2, 4, 6
    routes = Routes.of(graph)
    assert set(listed(routes, a)) == {(b,), (b, d), (c,)}
    assert listed(routes, b) == [(d,)]
    assert listed(routes, c) == [(d,)]
    assert set(listed(routes, a)) == set(plain(graph, train_on(graph), 3).routes(a))


def test_of_many_ways_the_quickest_is_taken_and_those_with_the_most_other_zones():
    """From a to f lead three ways, over b at 25 m/s, over c at 20 m/s in the zone of b, over d and e at 10 m/s.

    ::

              ┌───b────┐
        a┤────┼───c────┼──f┤
              └─d───e──┘

    The quickest is that over b. Of the others c brings no new zone, d and e bring two.
    """
    edges = [(0, 1), (0, 2), (0, 3), (1, 5), (2, 5), (3, 4), (4, 5)]
    zone = [0, 1, 1, 2, 3, 4]
    speeds = [25.0, 25.0, 20.0, 10.0, 10.0, 25.0]
    for ways, wanted in ((1, [(2, 10)]), (2, [(2, 10), (6, 8, 10)]), (3, [(2, 10), (6, 8, 10)])):
        graph = graph_of([400.0] * 6, edges, zone=zone, signal=[0, 5], ways=ways)
        assert plain(graph, train_on(graph, speed_ms=speeds), 5).ways(0) == wanted


def test_classes_are_those_of_stops_and_slower_pieces_within_braking_distance():
    """25 m/s from the end of a is 625 m of braking, class 20 of 32 m; b is 200 m, c 100 m at 15 m/s, d 300 m with a
    stop.

    ``a┤──b┤──c┤──d┤``: for c, 225 m of braking from the end of b, class 7, and 6 steps of b: 13. For the stop at d 9
    steps, 3 of c and 6 of b: 18. No class is within the 0.8 of another, 14.4 of 18.
    """
    graph = graph_of([1000.0, 200.0, 100.0, 300.0], [(0, 1), (1, 2), (2, 3)])
    train = train_on(graph, speed_ms=[25.0, 25.0, 15.0, 25.0], may_stop=[3])
    twin = plain(graph, train, 3)
    assert twin.classes(0) == [13, 18]
    assert twin.class_speed(13) == 20.375  # sqrt(13 · 32) = 20.396
    assert twin.passings(0, 25.0) == [(FREE, 20, 30_000), (13, 13, 18), (18, 18, 20)]


def test_a_state_has_the_limits_of_what_is_still_under_the_train():
    """A train of 250 m leaves ``b──c──d``, 100 m each at 10, 20 and 15 m/s: 50 m more at 10 m/s, the 150 m of c are not
    lower than those of d, 250 m at 15 m/s; in steps of 32 m 64 m and 256 m."""
    graph = graph_of([100.0] * 4, [(0, 1), (1, 2), (2, 3)], signal=[0, 3])
    train = train_on(graph, speed_ms=[25.0, 10.0, 20.0, 15.0], length_m=250.0)
    twin = plain(graph, train, 3)
    motion = twin.motion((2, 4, 6), State(5.0), FREE)
    assert motion.after == State(10.0, ((64.0, 10.0), (256.0, 15.0)))


def test_from_every_place_a_train_can_brake_for_what_comes():
    """On random railways every route behind a place needs at least one of the classes at which it is passed."""
    for seed in range(200):
        case = random_case(seed)
        twin = Plain(case.graph, case.model, case.query)
        for dp in np.flatnonzero(case.graph.signal):
            if twin.limit[dp] <= 0.0:
                continue
            top = twin.class_above(twin.limit[dp])
            for route in twin.ways(dp):
                end = route[-1]
                leaves = [*twin.classes(end), *([STOP] if twin.stands[end] else [])]
                for need in (twin.needed(route, leave) for leave in leaves):
                    assert need >= top or min(twin.classes(dp)) <= need


DYNAMICS = Dynamics(100e3, 150.0, 1.0, 0.0, 0.0, 0.0, 0.5, 40.0, np.array([0.0, 40.0]), np.array([50e3, 50e3]))
"""100 t, 150 m, no resistance, 50 kN: 0.5 m/s² up to 40 m/s, and as much for braking."""

LINE = st.lists(st.tuples(st.integers(60, 1500), st.integers(6, 39)), min_size=1, max_size=7)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(line=LINE, signals=st.lists(st.booleans(), min_size=8, max_size=8))
def test_a_run_is_not_quicker_than_the_exact_one_and_hardly_slower(line: list[tuple[int, int]], signals: list[bool]):
    """From a stand to a stand over pieces of any length and limit, with signals between them or not.

    Whole seconds cost a second a route at most; speeds at signals, classes and steps of 32 m for the tail cost a
    little.
    """
    n = len(line)
    lengths, speeds = [1000.0, *(float(m) for m, _ in line)], [40.0, *(float(v) for _, v in line)]
    signal = [0, *(i for i in range(1, n) if signals[i]), n]
    graph = graph_of(lengths, [(i, i + 1) for i in range(n)], signal=signal)
    train = train_on(graph, speed_ms=speeds, length_m=150.0)
    run = search(
        graph, train, Timelines.empty(n + 1), Query([Stage(pieces(0), 0.0, 0.0), Stage(pieces(n), 0.0)], horizon_s=9e4)
    )
    assert run is not None
    stretches, at = [], 0.0
    for metres, limit in zip(lengths[1:], speeds[1:], strict=True):
        stretches.append(Stretch(at, at + metres, limit))
        at += metres
    exact = running_time(DYNAMICS, RunningPath(at, stretches, stops=[Stop(at)])).running_s
    took = run.exit_s[-1] - run.depart_s[0]
    assert took >= exact - 0.05
    assert took <= 1.08 * exact + 3.0 * len(signal)


def test_motions_equal_those_of_the_twin():
    """On random railways, for a run alone on the tracks, at the end of every piece."""
    compared = 0
    for seed in range(100):
        case = random_case(seed)
        twin = Plain(case.graph, case.model, case.query)
        run = search(case.graph, case.model, case.timelines, case.query)
        if run is None or case.model.may_turn is not None:
            continue
        begin, state = 0, State(float(run.speed_ms[0]))
        for i in range(1, len(run.directed)):
            dp = int(run.directed[i])
            if not (
                case.graph.signal[dp] or (twin.halt[dp] and (run.speed_ms[i] == 0.0 or i + 1 == len(run.directed)))
            ):
                continue
            route = tuple(int(d) for d in run.directed[begin + 1 : i + 1])
            leaves = [STOP] if run.speed_ms[i] == 0.0 else [FREE, *twin.classes(dp)]
            motions = [twin.motion(route, state, leave) for leave in leaves]
            (motion,) = {m.after: m for m in motions if m.after.speed_ms == run.speed_ms[i]}.values()
            exits = [run.depart_s[begin] + s for s in motion.piece_s[:-1]]
            assert run.exit_s[begin + 1 : i].tolist() == pytest.approx(exits, abs=1e-6)
            assert motion.least_s <= run.exit_s[i] - run.depart_s[begin] <= motion.most_s
            begin, state = i, motion.after
            compared += 1
    assert compared > 60


def test_trains_of_which_much_is_known_answer_as_new_ones():
    """What is kept of a train on a graph is only about speed: a second question gets the same answer."""
    case = random_case(3)
    first = search(case.graph, case.model, case.timelines, case.query)
    again = search(case.graph, case.model, case.timelines, case.query, bounds=Bounds.of(case.graph, case.model))
    assert first is not None
    assert again is not None
    assert first.exit_s.tolist() == again.exit_s.tolist()

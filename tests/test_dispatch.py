"""The dispatching engine against every order tried out on small problems, and each rule in a case one can read."""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from typing import Any

import msgspec
import numpy as np
import pytest
from benchmarks.displib import broken_rule as other_checker
from tests.dispatch_cases import Raw, best_by_trying, many_trains, problem_of, random_problem
from tests.many_dispatch_cases import FAULTS, compare

from weerspoor.common.errors import InputError
from weerspoor.formats.dispatching import Event, Problem, Solution, broken_rule, objective_value
from weerspoor.kernel.dispatch import Better, Budget, Ending, Fixed, Outcome, dispatch, planner, threads
from weerspoor.kernel.dispatch.arrays import Paths
from weerspoor.kernel.dispatch.event_order import events_of
from weerspoor.kernel.dispatch.exhaustive import Graph, Verdict, cheapest_order
from weerspoor.kernel.dispatch.fixed import pinned
from weerspoor.kernel.dispatch.insertion import FOUND
from weerspoor.kernel.dispatch.plan import insert, put_path


def steps(iterations: int, seed: int = 0) -> Budget:
    """A budget with which the result is the same every time."""
    return Budget(None, iterations, 1, seed)


def valid(problem: Problem, solution: Solution | None) -> bool:
    """Whether a solution is there and keeps all rules, by a checker that knows nothing of Weerspoor."""
    return solution is not None and not other_checker(msgspec.to_builtins(problem), msgspec.to_builtins(solution))


# Small problems, every order tried.


def test_small_problems_are_solved_as_well_as_by_every_order_tried() -> None:
    """Problems of 2 or 3 trains with ways, waits, stubs and release times."""
    count = Counter(compare(seed)[0] for seed in range(300))
    assert set(count) == {"equal", "proved"}, count
    assert count["proved"] > 20


def test_the_search_alone_is_never_better_than_every_order_tried_and_almost_always_equal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Better would be a broken rule."""
    monkeypatch.setattr(threads, "MOST_OPERATIONS", 0)
    count = Counter(compare(seed)[0] for seed in range(200, 700))
    assert not [fault for fault in FAULTS if count[fault]], count
    assert not count["missed"] + count["not proved"], count
    assert count["worse"] <= 2, count
    assert count["proved"] > 40


def test_the_cheapest_order_is_found_and_proved() -> None:
    """Two trains that pass the same places by turns: the search alone, which puts in one after the other, misses it."""
    problem = random_problem(252)
    best = best_by_trying(problem)
    assert best is not None
    outcome = dispatch(problem, budget=steps(10))
    assert outcome.optimal
    assert outcome.solution is not None
    assert outcome.solution.objective_value == best[0] == 8
    graph = Graph(planner.tasks_of(problem))
    assert cheapest_order(graph, (0, 1), below=8.0).verdict is Verdict.NONE
    assert cheapest_order(graph, (0, 1), below=99.0, most_states=3).verdict is Verdict.UNKNOWN


def test_one_train_among_others_that_keep_their_paths_is_exactly_best() -> None:
    """Its least cost is that of the best of all ways and waits, and it finds none only where there is none.

    Operations without duration in one second can stand in more orders than the search looks at: that may cost a little.
    """
    checked = dearer = 0
    for seed in range(400):
        problem = random_problem(seed)
        some = best_by_trying(Problem(problem.trains))
        if some is None:
            continue
        train = random.Random(seed).randrange(len(problem.trains))
        start = Solution(0, some[1])
        others = frozenset(range(len(problem.trains))) - {train}
        best = best_by_trying(pinned(problem, start, Fixed(others)))
        assert best is not None
        tasks = planner.tasks_of(problem)
        uses, paths, work = planner.no_uses(tasks), planner.no_paths(tasks), planner.work_for(tasks)
        planner.fill_paths(tasks, paths, start, sorted(others))
        for other in others:
            put_path(tasks, uses, paths, other)
        assert insert(tasks, uses, paths, work, train, np.inf) == FOUND, seed
        assert int(paths.cost.sum()) >= best[0], seed
        assert events_of(tasks, paths) is not None, seed
        dearer += int(paths.cost.sum()) > best[0]
        checked += 1
    assert checked > 300
    assert dearer <= 1


# Each rule in a case one can read. A train is written as a list of operations.


def use(*names: str, release: int = 0) -> list[Raw]:
    return [{"resource": name, "release_time": release} for name in names]


def chain(*operations: Raw) -> list[Raw]:
    """Operations one after the other, and an exit that holds nothing."""
    made: list[Raw] = [dict(operation) for operation in operations] + [{}]
    for k, operation in enumerate(made[:-1]):
        operation.setdefault("successors", [k + 1])
    return made


def at_exit(train: int, operation: int, *, threshold: int = 0, increment: int = 0, coeff: int = 1) -> Raw:
    return {
        "type": "op_delay", "train": train, "operation": operation, "threshold": threshold, "increment": increment,
        "coeff": coeff,
    }  # fmt: skip


FIVE_ON_A = {"min_duration": 5, "resources": use("a")}
FIVE_ON_A_CLOSED_3 = {"min_duration": 5, "resources": use("a", release=3)}
AT_0 = {"start_ub": 0}


@pytest.mark.parametrize(
    ("trains", "objective", "value"),
    [
        pytest.param([chain(FIVE_ON_A)], [at_exit(0, 1)], 5, id="one train"),
        pytest.param([chain(FIVE_ON_A)] * 2, [at_exit(0, 1), at_exit(1, 1)], 5 + 10, id="one behind the other"),
        pytest.param(
            [chain(FIVE_ON_A_CLOSED_3)] * 2, [at_exit(0, 1), at_exit(1, 1)], 5 + 5 + 3 + 5, id="release time"
        ),
        pytest.param([chain(FIVE_ON_A)] * 2, [at_exit(0, 1), at_exit(1, 1, coeff=3)], 3 * 5 + 10, id="coefficient"),
        pytest.param([chain(FIVE_ON_A)], [at_exit(0, 1, threshold=3)], 2, id="threshold"),
        pytest.param([chain(FIVE_ON_A)], [at_exit(0, 1, threshold=5, increment=7)], 7, id="increment at its second"),
        pytest.param([chain(FIVE_ON_A)], [at_exit(0, 1, threshold=6, increment=7)], 0, id="increment just avoided"),
        pytest.param([chain(FIVE_ON_A | {"start_lb": 4})], [at_exit(0, 1)], 9, id="lower bound"),
        pytest.param(
            [chain(FIVE_ON_A | {"start_lb": 1, "start_ub": 1}), chain(FIVE_ON_A)],
            [at_exit(0, 1), at_exit(1, 1)],
            6 + 11,
            id="upper bound: the other does not fit before",
        ),
        pytest.param(
            [chain(FIVE_ON_A), chain({"successors": [1, 2]}, FIVE_ON_A, {"min_duration": 7, "resources": use("b")})],
            [at_exit(0, 1), at_exit(1, 3)],
            5 + 7,
            id="another track is quicker than to wait",
        ),
        pytest.param(
            [chain({"resources": [*use("a", release=1), *use("a", release=3)], "min_duration": 5}), chain(FIVE_ON_A)],
            [at_exit(0, 1, coeff=9), at_exit(1, 1)],
            9 * 5 + 5 + 3 + 5,
            id="a resource named twice: the longer release time counts",
        ),
        pytest.param(
            [chain(FIVE_ON_A_CLOSED_3, {"resources": use("b"), "min_duration": 1}, FIVE_ON_A_CLOSED_3)],
            [at_exit(0, 3)],
            11,
            id="a train comes back to what it closed itself",
        ),
        pytest.param(
            [chain(FIVE_ON_A | AT_0), chain({"resources": use("b"), "min_duration": 1} | AT_0, FIVE_ON_A)],
            [at_exit(0, 1), at_exit(1, 2)],
            5 + 10,
            id="two that start on the line, one behind the other in the second it leaves",
        ),
        pytest.param(
            [
                chain({"resources": use("a"), "min_duration": 2} | AT_0, {"resources": use("b")}),
                chain(
                    {"resources": use("b"), "min_duration": 2, "successors": [1, 2]} | AT_0,
                    {"resources": use("a"), "successors": [3]},
                    {"resources": use("siding"), "min_duration": 6, "successors": [3]},
                ),
            ],
            [at_exit(0, 2), at_exit(1, 3)],
            2 + 8,
            id="no swap: one goes by the siding",
        ),
    ],
)  # fmt: skip
def test_the_rules(trains: list[list[Raw]], objective: list[Raw], value: int) -> None:
    problem = problem_of({"trains": trains, "objective": objective})
    best = best_by_trying(problem)
    assert best is not None
    assert best[0] == value
    outcome = dispatch(problem, budget=steps(300))
    assert valid(problem, outcome.solution)
    assert outcome.solution is not None
    assert outcome.solution.objective_value == value


def test_two_trains_do_not_swap_and_three_do_not_rotate_in_one_second() -> None:
    """Each stands where the next one wants to go; nobody can be the first to move."""
    names = "abc"
    for n in (2, 3):
        trains = [
            chain(
                {"resources": use(names[i]), "min_duration": 2} | AT_0,
                {"resources": use(names[(i + 1) % n]), "min_duration": 2},
            )
            for i in range(n)
        ]
        problem = problem_of({"trains": trains, "objective": []})
        assert best_by_trying(problem) is None
        assert dispatch(problem, budget=Budget(5.0, None, 2)).ending is Ending.IMPOSSIBLE


def test_that_there_is_no_solution_is_proved_and_the_train_is_named() -> None:
    late = {"min_duration": 5, "resources": use("a")}
    alone = problem_of({"trains": [chain({}), [late | {"successors": [1]}, {"start_ub": 4}]], "objective": []})
    outcome = dispatch(alone, budget=steps(10))
    assert (outcome.ending, outcome.reason) == (Ending.IMPOSSIBLE, "train 1 has no path even by itself")
    both = problem_of({"trains": [chain({}), chain(FIVE_ON_A | AT_0), chain(FIVE_ON_A | AT_0)], "objective": []})
    outcome = dispatch(both, budget=steps(10))
    assert outcome.ending is Ending.IMPOSSIBLE
    assert outcome.reason.endswith("has no path past the trains that must be where they are at fixed times")


def test_a_train_that_may_start_later_does_not_stand_in_the_way() -> None:
    """Train 0 need not start at 0, where train 1 has to; nor has train 2 any bound at all."""
    trains = [chain(FIVE_ON_A | {"start_ub": 9}), chain(FIVE_ON_A | AT_0), chain(FIVE_ON_A)]
    problem = problem_of({"trains": trains, "objective": [at_exit(2, 1)]})
    outcome = dispatch(problem, budget=steps(300))
    assert valid(problem, outcome.solution)
    assert outcome.solution is not None
    assert outcome.solution.objective_value == 15


def test_events_of_one_second_are_put_in_an_order_that_keeps_the_rules() -> None:
    """All at 5: train 2 must leave c before 1 takes it, 1 leave b before 0 takes it; and 3 goes through d before 0."""
    trains = [
        chain({"resources": use("a"), "min_duration": 5}, {"resources": use("b", "d"), "min_duration": 1}),
        chain({"resources": use("b"), "min_duration": 5}, {"resources": use("c"), "min_duration": 1}),
        chain({"resources": use("c"), "min_duration": 5}),
        chain({"resources": use("e"), "min_duration": 5}, {"resources": use("d")}),
    ]
    problem = problem_of({"trains": trains, "objective": []})
    tasks = planner.tasks_of(problem)
    starts = [[0, 5, 6], [0, 5, 6], [0, 5], [0, 5, 5]]
    paths = plan(tasks, starts)
    events = events_of(tasks, paths)
    assert events is not None
    assert broken_rule(problem, Solution(0, events)) == ""
    swapped = problem_of({"trains": [*trains[:2], chain(trains[2][0], {"resources": use("a")}), trains[3]]})
    tasks = planner.tasks_of(swapped)
    assert events_of(tasks, plan(tasks, [*starts[:2], [0, 5, 6], starts[3]])) is None


def plan(tasks: Any, starts: list[list[int]]) -> Paths:
    """Paths of trains without branches."""
    paths: Paths = planner.no_paths(tasks)
    events = tuple(Event(time, i, k) for i, times in enumerate(starts) for k, time in enumerate(times))
    planner.fill_paths(tasks, paths, Solution(0, events), range(len(starts)))
    return paths


# What a caller can ask for.


def test_no_trains_cost_nothing() -> None:
    outcome = dispatch(problem_of({"trains": [], "objective": []}), budget=steps(10))
    assert outcome.solution == Solution(0, ())


def test_the_same_steps_give_the_same_result_and_another_seed_another_way_to_it() -> None:
    problem = many_trains(30, seed=3)
    first, again, other = (dispatch(problem, budget=steps(400, seed)).solution for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert valid(problem, first)
    assert valid(problem, other)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_any_number_of_threads_gives_a_valid_plan(threads: int) -> None:
    problem = many_trains(40, seed=5)
    outcome = dispatch(problem, budget=Budget(1.5, None, threads))
    assert valid(problem, outcome.solution)
    assert outcome.steps > 0


def test_500_trains() -> None:
    problem = many_trains(500, seed=1)
    outcome = dispatch(problem, budget=Budget(20.0, 200, 2))
    assert valid(problem, outcome.solution)


def test_progress_tells_ever_better_plans_that_are_valid() -> None:
    problem = many_trains(40, seed=6)
    told: list[Better] = []
    outcome = dispatch(problem, budget=Budget(2.5, None, 2), progress=told.append)
    assert told
    values = [better.solution.objective_value for better in told]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == len(values)
    assert all(valid(problem, better.solution) for better in told)
    assert outcome.solution is not None
    assert outcome.solution.objective_value <= values[-1]
    assert all(later.seconds - earlier.seconds >= 1.0 for earlier, later in itertools.pairwise(told))


def test_a_search_that_is_stopped_gives_the_best_so_far() -> None:
    problem, stop = many_trains(40, seed=7), threading.Event()
    outcome = dispatch(problem, budget=Budget(60.0, None, 2), progress=lambda _: stop.set(), stop=stop)
    assert valid(problem, outcome.solution)


def test_an_error_in_progress_ends_the_threads_and_comes_through() -> None:
    def fail(better: Better) -> None:
        raise OSError("disk full")

    before = threading.active_count()
    with pytest.raises(OSError, match="disk full"):
        dispatch(many_trains(10, seed=1), budget=Budget(60.0, None, 2), progress=fail)
    assert threading.active_count() == before


def test_a_start_is_never_made_worse_and_must_be_a_solution() -> None:
    problem = many_trains(30, seed=8)
    start = dispatch(problem, budget=steps(200)).solution
    assert start is not None
    assert dispatch(problem, budget=steps(0), start=start).solution == start
    better = dispatch(problem, budget=steps(500), start=start).solution
    assert better is not None
    assert better.objective_value <= start.objective_value
    with pytest.raises(InputError, match="start: is no solution of the problem: train 29 does not come to its exit"):
        dispatch(problem, budget=steps(1), start=Solution(0, tuple(e for e in start.events if e.train != 29)))


def events_of_train(solution: Solution, train: int) -> list[Event]:
    return [event for event in solution.events if event.train == train]


def test_what_is_fixed_does_not_change() -> None:
    problem = many_trains(30, seed=9)
    start = dispatch(problem, budget=steps(0)).solution
    assert start is not None
    keep = frozenset(range(0, 30, 3))
    middle = start.events[len(start.events) // 2].time
    outcome = dispatch(problem, budget=steps(2000), start=start, fixed=Fixed(keep, middle))
    assert valid(problem, outcome.solution)
    assert outcome.solution is not None
    assert outcome.solution.objective_value < start.objective_value
    for train in range(30):
        old, new = events_of_train(start, train), events_of_train(outcome.solution, train)
        if train in keep:
            assert new == old
        assert [e for e in new if e.time < middle] == [e for e in old if e.time < middle]


def test_a_start_that_no_longer_fits_is_planned_anew_around_what_is_fixed() -> None:
    """Train 0 is 4 s late now; train 1 keeps its path, so train 0 has to follow it."""
    trains = [chain(FIVE_ON_A), chain(FIVE_ON_A | {"start_lb": 5})]
    objective = [at_exit(0, 1), at_exit(1, 1)]
    start = dispatch(problem_of({"trains": trains, "objective": objective}), budget=steps(50)).solution
    assert start is not None
    assert start.objective_value == 5 + 10
    late = problem_of({"trains": [chain(FIVE_ON_A | {"start_lb": 4}), trains[1]], "objective": objective})
    free = dispatch(late, budget=steps(50)).solution
    assert free is not None
    assert free.objective_value == 9 + 14
    outcome = dispatch(late, budget=steps(50), start=start, fixed=Fixed(frozenset({1})))
    assert valid(late, outcome.solution)
    assert outcome.solution is not None
    assert outcome.solution.objective_value == 15 + 10
    assert objective_value(late, outcome.solution.events) == 25


@pytest.mark.parametrize(("seed", "share"), [(2, 0.5), (3, 0.5), (4, 0.25), (5, 0.75), (6, 0.1)])
def test_trains_held_up_on_the_way_are_planned_anew_from_now_on(seed: int, share: float) -> None:
    """Part of the day is over when every fifth train that is under way has to stand 5 minutes where it is."""
    problem = many_trains(60, seed=seed)
    start = dispatch(problem, budget=steps(500)).solution
    assert start is not None
    now = start.events[int(len(start.events) * share)].time
    trains = list(problem.trains)
    for i in range(0, 60, 5):
        past = [event.operation for event in events_of_train(start, i) if event.time < now]
        if past and past[-1] < len(trains[i]) - 1:
            held = list(trains[i])
            held[past[-1]] = msgspec.structs.replace(held[past[-1]], min_duration=held[past[-1]].min_duration + 300)
            trains[i] = tuple(held)
    late = Problem(tuple(trains), problem.objective)
    assert broken_rule(late, start)
    outcome = dispatch(late, budget=steps(500), start=start, fixed=Fixed(before_s=now))
    assert valid(late, outcome.solution)
    assert outcome.solution is not None
    assert [e for e in outcome.solution.events if e.time < now] == [e for e in start.events if e.time < now]


def test_a_past_that_cannot_have_been_is_refused() -> None:
    problem = problem_of({"trains": [chain(FIVE_ON_A, {}), chain(FIVE_ON_A)], "objective": []})
    past = Fixed(before_s=6)
    for events, said in (
        ([Event(0, 0, 1)], "start: train 0 does not begin at its entry"),
        ([Event(0, 0, 0), Event(5, 0, 2)], "start: operation 2 of train 0 does not follow operation 0"),
        ([Event(0, 0, 3)], "start: train 0 has no operation 3"),
    ):
        with pytest.raises(InputError, match=said):
            dispatch(problem, budget=steps(1), start=Solution(0, tuple(events)), fixed=past)
    both = Solution(0, (Event(0, 0, 0), Event(0, 1, 0)))
    assert dispatch(problem, budget=steps(1), start=both, fixed=past).ending is Ending.IMPOSSIBLE
    short = Solution(0, (Event(0, 0, 0), Event(4, 0, 1)))
    outcome = dispatch(problem, budget=steps(1), start=short, fixed=past)
    assert (outcome.ending, outcome.solution) == (Ending.IMPOSSIBLE, None)


def test_something_fixed_needs_a_start() -> None:
    with pytest.raises(InputError, match="start: is needed where something is fixed"):
        dispatch(many_trains(3, seed=1), budget=steps(1), fixed=Fixed(frozenset({1})))


@pytest.mark.parametrize("wrong", [{"seconds": None}, {"threads": 0}, {"iterations": -1}, {"seconds": -1.0}])
def test_a_budget_that_bounds_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"budget|bound"):
        Budget(**wrong)


def test_what_is_optimal_is_said_and_ends_the_search() -> None:
    """Two trains that never meet: nothing better can be found in all of an hour."""
    problem = problem_of({"trains": [chain(FIVE_ON_A), chain({})], "objective": [at_exit(0, 1)]})
    outcome: Outcome = dispatch(problem, budget=Budget(3600.0))
    assert outcome.optimal
    assert outcome.solution is not None
    assert outcome.solution.objective_value == 5

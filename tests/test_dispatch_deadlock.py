"""That trains cannot all come to their exits is proved where it can be, and never claimed where they can."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dispatch_cases import Raw, best_by_trying, problem_of

from weerspoor.formats.dispatching import Event, Problem, Solution, broken_rule
from weerspoor.kernel.dispatch import Budget, Ending, Fixed, dispatch
from weerspoor.kernel.dispatch.exhaustive import Graph, Verdict, settle, try_orders
from weerspoor.kernel.dispatch.planner import tasks_of


def chain(*names: str, begins: int = 0, least: int = 2) -> list[Raw]:
    """A train that stands on the first resource at a given time and goes over the others to its exit."""
    made: list[Raw] = [
        {"min_duration": least, "resources": [{"resource": name}], "successors": [k + 1]}
        for k, name in enumerate(names)
    ]
    return [made[0] | {"start_lb": begins, "start_ub": begins}, *made[1:], {}]


def with_siding(here: str, *, siding: str, there: str) -> list[Raw]:
    """A train that may go by ``siding`` instead of straight on: ``here ── there``."""
    way = chain(here, there, siding)
    way[0]["successors"] = [1, 2]
    way[1]["successors"] = way[2]["successors"] = [3]
    return way


def problem(*trains: list[Raw]) -> Problem:
    return problem_of({"trains": list(trains), "objective": []})


@pytest.mark.parametrize(
    ("trains", "reason"),
    [
        pytest.param(
            [chain("a", "b"), chain("b", "a")],
            "trains 0 and 1 cannot both come to their exits, in whatever order they go: "
            "train 0 must come past b, where train 1 begins; train 1 must come past a, where train 0 begins",
            id="a: 0 ─> <─ 1 :b",
        ),
        pytest.param(
            [chain("a", "m", "n", "b"), chain("x", "y"), chain("b", "n", "m", "a")],
            "trains 0 and 2 cannot both come to their exits, in whatever order they go: "
            "train 0 must come past b, where train 2 begins; train 2 must come past a, where train 0 begins",
            id="a: 0 ── m ── n ── 2 :b, and one elsewhere",
        ),
        pytest.param(
            [chain("a", "b"), chain("b", "c"), chain("c", "a")],
            "trains 0, 1 and 2 cannot all come to their exits, in whatever order they go: "
            "train 0 must come past b, where train 1 begins; train 1 must come past c, where train 2 begins; "
            "train 2 must come past a, where train 0 begins",
            id="three in a circle",
        ),
        pytest.param(
            [with_siding("a", siding="s", there="b"), chain("b", "a"), chain("s", "a")],
            "trains 0, 1 and 2 cannot all come to their exits, in whatever order they go: "
            "train 0 must come past b, where train 1 begins or s, where train 2 begins; "
            "train 1 must come past a, where train 0 begins; train 2 must come past a, where train 0 begins",
            id="the siding is taken too",
        ),
        pytest.param(
            [chain("a", "m", "b"), chain("b", "m", "a", begins=3)],
            "trains 0 and 1 cannot both come to their exits, in whatever order they go: "
            "train 0 must come past b, where train 1 begins; train 1 must come past a, where train 0 begins",
            id="the second begins before the first is through",
        ),
        pytest.param(
            [[{"min_duration": 5, "resources": [{"resource": "a"}], "successors": [1]}, {"start_ub": 8}]] * 2,
            "trains 0 and 1 cannot both come to their exits, in whatever order they go",
            id="both too late for one of them",
        ),
    ],
)
def test_why_there_is_no_plan_is_said(trains: list[list[Raw]], reason: str) -> None:
    assert best_by_trying(problem(*trains)) is None
    outcome = dispatch(problem(*trains), budget=Budget(None, 100, 1))
    assert (outcome.ending, outcome.reason) == (Ending.IMPOSSIBLE, reason)


@pytest.mark.parametrize(
    "trains",
    [
        pytest.param([with_siding("a", siding="s", there="b"), chain("b", "a")], id="one gives way in the siding"),
        pytest.param([chain("a", "m", "b"), chain("b", "m", "a", begins=6)], id="the first is through in time"),
        pytest.param([chain("a", "b"), chain("b", "c"), chain("c", "d")], id="one behind the other"),
    ],
)
def test_what_is_possible_is_planned(trains: list[list[Raw]]) -> None:
    outcome = dispatch(problem(*trains), budget=Budget(None, 100, 1))
    assert outcome.ending is Ending.FOUND


@pytest.mark.parametrize("n", [2, 5, 40])
def test_a_circle_of_any_length_is_found_among_others(n: int) -> None:
    """Each stands where the one before wants to go; one more waits for the circle, and one passes elsewhere."""
    ring = [chain(f"p{i}", f"p{(i + 1) % n}", begins=i % 2) for i in range(n)]
    outcome = dispatch(problem(chain("x", "p0"), *ring, chain("y", "z")), budget=Budget(None, 100, 1))
    assert outcome.ending is Ending.IMPOSSIBLE
    assert outcome.reason.startswith(f"trains {', '.join(map(str, range(1, n)))} and {n} cannot ")


def test_a_circle_that_opens_in_time_is_none() -> None:
    """The last of five begins when the one before it has just gone on to its place."""
    ring = [chain(f"p{i}", f"p{(i + 1) % 5}") for i in range(5)]
    ring[4] = chain("p4", "p0", begins=5)
    assert dispatch(problem(*ring), budget=Budget(None, 100, 1)).ending is Ending.FOUND


@st.composite
def standing(draw: Any) -> Problem:
    """2 to 4 trains that begin at given times on a line with a siding, each over 1 to 4 places, some with a choice."""
    trains, places = [], "abcds"
    for _ in range(draw(st.integers(2, 4))):
        way: list[Raw] = []
        n = draw(st.integers(1, 4))
        for k in range(n):
            names = draw(st.lists(st.sampled_from(places), min_size=0 if k else 1, max_size=2, unique=True))
            release = draw(st.sampled_from((0, 0, 1)))
            way.append(
                {
                    "min_duration": draw(st.integers(0, 3)),
                    "resources": [{"resource": name, "release_time": release} for name in names],
                    "successors": sorted({k + 1, draw(st.integers(k + 1, n))}),
                }
            )
        begins = draw(st.sampled_from((0, 0, 0, 2, 5)))
        way[0] |= {"start_lb": begins, "start_ub": begins}
        bound = {"start_ub": draw(st.integers(8, 30))} if draw(st.booleans()) else {}
        trains.append([*way, bound])
    return problem(*trains)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(standing())
def test_what_is_settled_is_what_every_order_tried_gives(given_problem: Problem) -> None:
    """A plan keeps all rules, and that there is none is said only where brute force finds none either."""
    best = best_by_trying(given_problem)
    tasks = tasks_of(given_problem)
    orders = try_orders(Graph(tasks), range(len(given_problem.trains)))
    assert orders.verdict is (Verdict.NONE if best is None else Verdict.PLAN)
    if orders.events:
        assert broken_rule(given_problem, Solution(0, orders.events)) == ""
    settled = settle(given_problem, tasks, range(9))
    assert bool(settled.reason) == (best is None)
    assert bool(settled.events) == (best is not None)


def test_a_train_under_way_is_named_by_its_own_number() -> None:
    """``x ── a ── b`` and ``y ── b ── a``: both were let in; what they did before are trains of their own inside."""
    ways = [chain(*names) for names in ("xab", "yba", "z")]
    for way in ways:
        del way[0]["start_ub"]
    start = Solution(0, (Event(0, 1, 0), Event(0, 2, 0), Event(2, 1, 1), Event(2, 2, 1)))
    outcome = dispatch(problem(*reversed(ways)), budget=Budget(None, 10, 1), start=start, fixed=Fixed(before_s=3))
    assert outcome.ending is Ending.IMPOSSIBLE
    assert outcome.reason.startswith("trains 1 and 2 cannot both come to their exits, in whatever order they go")

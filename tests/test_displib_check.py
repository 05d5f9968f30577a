"""The benchmark's checker of DISPLIB solutions: sound ones pass, each broken rule is named."""

import copy
from typing import Any

import pytest
from benchmarks.displib import broken_rule


def problem() -> dict[str, Any]:
    """Return two trains, one after the other over resource "a", which is closed for 2 s behind a train."""
    train = [
        {"min_duration": 3, "resources": [{"resource": "a", "release_time": 2}], "successors": [1]},
        {"min_duration": 1, "start_ub": 20, "successors": [2]},
        {},
    ]
    part = {"type": "op_delay", "train": 1, "operation": 2, "threshold": 4, "coeff": 2, "increment": 1}
    return {"trains": [train, copy.deepcopy(train)], "objective": [part]}


def solution(*times: tuple[int, int, int], value: int = 15) -> dict[str, Any]:
    return {
        "objective_value": value,
        "events": [{"time": time, "train": train, "operation": operation} for time, train, operation in times],
    }


SOUND = ((0, 0, 0), (3, 0, 1), (4, 0, 2), (5, 1, 0), (8, 1, 1), (11, 1, 2))


def test_a_sound_solution_passes() -> None:
    """The second train starts 2 s after the first has left the resource; 7 s over the threshold cost 2 each, and 1."""
    assert broken_rule(problem(), solution(*SOUND)) == ""


@pytest.mark.parametrize(
    ("times", "value", "said"),
    [
        ((*SOUND[1:2], *SOUND[:1], *SOUND[2:]), 15, "entry"),
        ((*SOUND[:2], (2, 0, 2), *SOUND[3:]), 15, "before the event"),
        ((*SOUND[:3], (4, 1, 0), *SOUND[4:]), 15, "is closed until 5"),
        (((0, 0, 0), (1, 1, 0), *SOUND[1:3], *SOUND[4:]), 15, "is held by train 0"),
        ((*SOUND[:4], (7, 1, 1), (11, 1, 2)), 15, "is not over"),
        ((*SOUND[:4], (21, 1, 1), (22, 1, 2)), 37, "out of its bounds"),
        ((*SOUND[:4], (8, 1, 2)), 9, "does not follow"),
        (SOUND[:-1], 0, "does not come to its exit"),
        (SOUND, 14, "the objective is 15, not 14"),
        ((*SOUND, (12, 2, 0)), 15, "does not exist"),
    ],
)
def test_what_breaks_a_rule_is_named(times: tuple[tuple[int, int, int], ...], value: int, said: str) -> None:
    assert said in broken_rule(problem(), solution(*times, value=value))

"""Reading dispatching problems: what is wrong is said with its place; the checker names the rule that is broken."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from benchmarks.displib import broken_rule as other_checker
from tests.dispatch_cases import best_by_trying, problem_of, random_problem

from weerspoor.common.errors import InputError
from weerspoor.formats.dispatching import (
    Event,
    Solution,
    broken_rule,
    objective_value,
    read_problem,
    read_solution,
    write_solution,
)


def sound() -> dict[str, Any]:
    """Two trains with two ways each, everything written out."""
    train = [
        {"start_lb": 0, "start_ub": 9, "min_duration": 3, "resources": [{"resource": "a"}], "successors": [1, 2]},
        {"min_duration": 1, "resources": [{"resource": "b", "release_time": 2}], "successors": [3]},
        {"min_duration": 2, "resources": [], "successors": [3]},
        {"min_duration": 0, "successors": []},
    ]
    part = {"type": "op_delay", "train": 1, "operation": 3, "threshold": 4, "increment": 1, "coeff": 2}
    return {"trains": [train, copy.deepcopy(train)], "objective": [part]}


def put(raw: dict[str, Any], path: tuple[str | int, ...], value: Any) -> None:
    here: Any = raw
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value


def write(tmp_path: Path, raw: Any) -> Path:
    path = tmp_path / "problem.json"
    path.write_text(json.dumps(raw), encoding="utf-8")
    return path


def test_a_sound_problem_is_read_with_its_defaults(tmp_path: Path) -> None:
    problem = read_problem(write(tmp_path, sound()))
    assert msgspec.to_builtins(problem)["trains"][1][1]["resources"] == ({"resource": "b", "release_time": 2},)
    assert problem.trains[0][0].resources[0].release_time == 0
    assert problem.trains[0][3].start_ub is msgspec.UNSET
    assert problem.objective[0].coeff == 2


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("trains", 1, 0, "successors"), [40], "trains[1][0].successors: 40 is not an operation of this train"),
        (("trains", 1, 0, "successors"), [-1], "trains[1][0].successors: -1 is not an operation of this train"),
        (("trains", 1, 1, "successors"), [1], "trains[1][1].successors: 1 does not stand behind it"),
        (("trains", 1, 2, "successors"), [0], "trains[1][2].successors: 0 does not stand behind it"),
        (("trains", 0, 3, "successors"), [0], "trains[0][3].successors: 0 does not stand behind it"),
        (("trains", 0, 1, "successors"), [], "trains[0][1].successors: is empty, but only the last operation, 3,"),
        (("trains", 0, 0, "successors"), [2], "trains[0][1]: follows no operation, but only operation 0 is the entry"),
        (("trains", 0), [], "trains[0]: has no operation"),
        (("trains", 0), {}, "trains[0]: expected `array`"),
        (("trains", 0, 2), [], "trains[0][2]: expected `object`"),
        (("trains",), 3, "trains: expected `array`"),
        (("train",), [], "unknown key `train`"),
        (("trains", 0, 2, "min_durration"), 3, "trains[0][2]: unknown key `min_durration`"),
        (("trains", 0, 2, "min_duration"), -3, "trains[0][2].min_duration: expected `int` >= 0"),
        (("trains", 0, 2, "min_duration"), "3", "trains[0][2].min_duration: expected `int`, got `str`"),
        (("trains", 0, 2, "min_duration"), 2.5, "trains[0][2].min_duration: expected `int`, got `float`"),
        (("trains", 0, 2, "min_duration"), 1 << 40, "trains[0][2].min_duration: expected `int` <= 2147483648"),
        (("trains", 0, 2, "start_ub"), None, "trains[0][2].start_ub: expected `int`, got `null`"),
        (("trains", 1, 1, "resources", 0, "release_time"), -1, "trains[1][1].resources[0].release_time: expected"),
        (("trains", 1, 1, "resources", 0, "name"), "b", "trains[1][1].resources[0]: unknown key `name`"),
        (("trains", 1, 1, "resources", 0), {}, "trains[1][1].resources[0]: has no field `resource`"),
        (("objective", 0, "type"), "delay", "objective[0].type: invalid enum value 'delay'"),
        (("objective", 0, "train"), 2, "objective[0].train: 2 is not a train"),
        (("objective", 0, "operation"), 4, "objective[0].operation: 4 is not an operation of train 1"),
        (("objective", 0, "coeff"), -2, "objective[0].coeff: expected `int` >= 0"),
        (("objective", 0, "weight"), 2, "objective[0]: unknown key `weight`"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    tmp_path: Path, path: tuple[str | int, ...], value: Any, said: str
) -> None:
    raw = sound()
    put(raw, path, value)
    file = write(tmp_path, raw)
    with pytest.raises(InputError) as raised:
        read_problem(file)
    assert str(raised.value).startswith(f"{file}: {said}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "JSON was expected"),
        (b'{"trains": [', "JSON was expected"),
        (b"\xff\xfe", "JSON was expected"),
        (b"[]", "expected `object`, got `array`"),
        (b'{"objective": []}', "has no field `trains`"),
    ],
)
def test_what_is_no_problem_at_all_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "problem.json"
    file.write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_problem(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json: cannot be read: No such file"):
        read_problem(tmp_path / "none.json")


def test_a_problem_that_lasts_too_long_is_refused() -> None:
    """Times are counted in whole numbers of 64 bits; what could reach their end is no railway."""
    long = {"min_duration": 1 << 31}
    with pytest.raises(InputError, match="trains: last too long"):
        problem_of({"trains": [[long | {"successors": [k + 1]} for k in range(200)] + [long]], "objective": []})


def test_a_solution_is_the_same_after_writing_and_reading(tmp_path: Path) -> None:
    solution = Solution(5, (Event(0, 0, 0), Event(3, 0, 2)))
    write_solution(tmp_path / "solution.json", solution)
    assert read_solution(tmp_path / "solution.json") == solution
    (tmp_path / "wrong.json").write_text('{"objective_value": 5, "events": [{"time": 0, "train": "x"}]}')
    with pytest.raises(InputError, match=r"events\[0\]\.train: expected `int`"):
        read_solution(tmp_path / "wrong.json")


def test_an_event_moved_earlier_is_rejected_as_by_the_other_checker() -> None:
    """Every event of these solutions is as early as its place in the list allows."""
    moved = 0
    for seed in range(150):
        problem = random_problem(seed)
        found = best_by_trying(problem)
        if found is None:
            continue
        raw = msgspec.to_builtins(problem)
        value, events = found
        solution = Solution(value, events)
        assert broken_rule(problem, solution) == other_checker(raw, msgspec.to_builtins(solution)) == ""
        for place, event in enumerate(events):
            for by in (1, 2):
                earlier = [*events[:place], Event(event.time - by, event.train, event.operation), *events[place + 1 :]]
                for order in (earlier, sorted(earlier, key=lambda e: e.time)):
                    changed = Solution(objective_value(problem, tuple(order)), tuple(order))
                    wrong = broken_rule(problem, changed)
                    assert bool(wrong) == bool(other_checker(raw, msgspec.to_builtins(changed)))
                    assert wrong or order is not earlier
                    moved += bool(wrong)
    assert moved > 2000


@pytest.mark.parametrize(
    ("times", "value", "said"),
    [
        (((3, 0, 1), (0, 0, 0)), 0, "events[0]: train 0 does not begin at its entry"),
        (((2, 0, 0), (1, 1, 0)), 0, "events[1]: 1 is before 2"),
        (((0, 0, 0), (5, 0, 3)), 0, "events[1]: operation 3 of train 0 does not follow operation 0"),
        (((0, 0, 0), (2, 0, 1)), 0, "events[1]: operation 0 of train 0 is not over at 2"),
        (((10, 0, 0),), 0, "events[0]: 10 is not within the bounds of operation 0 of train 0"),
        (((0, 0, 0), (1, 1, 0)), 0, "events[1]: resource a is held by train 0"),
        (((0, 2, 0),), 0, "events[0]: 2 is not a train"),
        (((0, 0, 4),), 0, "events[0]: 4 is not an operation of train 0"),
        (((0, 0, 0), (3, 0, 2), (5, 0, 3)), 0, "train 1 does not come to its exit"),
        (
            ((0, 0, 0), (3, 0, 1), (3, 1, 0), (5, 0, 3), (6, 1, 1)),
            0,
            "events[4]: resource b is closed until 7 behind train 0",
        ),
        (
            ((0, 0, 0), (3, 0, 1), (3, 1, 0), (5, 0, 3), (6, 1, 2), (8, 1, 3)),
            8,
            "objective_value: is 8, not 9",
        ),
        (((0, 0, 0), (3, 0, 1), (3, 1, 0), (5, 0, 3), (6, 1, 2), (8, 1, 3)), 9, ""),
    ],
)
def test_the_rule_that_is_broken_is_named(times: tuple[tuple[int, int, int], ...], value: int, said: str) -> None:
    wrong = broken_rule(problem_of(sound()), Solution(value, tuple(Event(*event) for event in times)))
    assert wrong.startswith(said)
    assert bool(wrong) == bool(said)

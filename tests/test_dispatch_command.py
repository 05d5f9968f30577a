"""``weerspoor dispatch``: its exit codes, and that the solution on disk is whole at any moment."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from benchmarks.displib import broken_rule
from tests.dispatch_cases import many_trains, problem_of

import weerspoor.cli
from weerspoor.formats.dispatching import Problem
from weerspoor.kernel.dispatch import threads
from weerspoor.kernel.dispatch.exhaustive import LARGEST_GROUP

COMMAND = [sys.executable, "-m", "weerspoor.cli", "dispatch"]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    """Run the command in this process and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["weerspoor", "dispatch", *map(str, arguments)])
    with pytest.raises(SystemExit) as raised:
        weerspoor.cli.main()
    return int(raised.value.code or 0)


def written(folder: Path, problem: Problem) -> Path:
    path = folder / "problem.json"
    path.write_bytes(msgspec.json.encode(problem))
    return path


def is_whole(problem: Problem, path: Path) -> bool:
    """Whether a file is there that can be read and keeps all rules."""
    if not path.exists():
        return False
    solution = json.loads(path.read_text(encoding="utf-8"))
    assert broken_rule(msgspec.to_builtins(problem), solution) == ""
    return True


def chain(resource: str, least: int, **entry: int) -> list[dict[str, Any]]:
    return [{"min_duration": least, "resources": [{"resource": resource}], "successors": [1]} | entry, {}]


def test_a_solution_is_written_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = many_trains(20, seed=1)
    file, out = written(tmp_path, problem), tmp_path / "deep" / "solution.json"
    assert run(monkeypatch, file, "-o", out, "--iterations", "200", "--threads", "1") == 0
    assert is_whole(problem, out)
    value = json.loads(out.read_text())["objective_value"]
    assert capsys.readouterr().out.startswith(f"Objective: {value}")
    again = tmp_path / "again.json"
    assert run(monkeypatch, file, "-o", again, "--iterations", "200", "--threads", "1") == 0
    assert again.read_bytes() == out.read_bytes()
    better = tmp_path / "better.json"
    assert run(monkeypatch, file, "-o", better, "--iterations", "200", "--start", out, "--seed", "4") == 0
    assert is_whole(problem, better)
    assert json.loads(better.read_text())["objective_value"] <= value


def test_3_when_there_can_be_no_solution_with_the_train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    both = problem_of({"trains": [chain("a", 5, start_ub=0), chain("b", 5), chain("a", 5, start_ub=0)]})
    out = tmp_path / "solution.json"
    assert run(monkeypatch, written(tmp_path, both), "-o", out) == 3
    assert "There is no solution: train 0 has no path past the trains" in capsys.readouterr().out
    assert not out.exists()


def heads_on(*begins: int) -> Problem:
    """Trains that each begin on their own place and go to that of the next one, in a circle."""
    n = len(begins)
    return problem_of(
        {
            "trains": [
                [
                    chain(f"p{i}", 5, start_lb=begin, start_ub=begin)[0],
                    {"min_duration": 5, "resources": [{"resource": f"p{(i + 1) % n}"}], "successors": [2]},
                    {},
                ]
                for i, begin in enumerate(begins)
            ]
        }
    )


def _meeting(here: str, there: str) -> list[list[dict[str, Any]]]:
    """Return as many trains as are too many, each standing on a track of one end of a single line."""
    tracks = range(LARGEST_GROUP)
    return [
        [
            chain(f"{here}{track}", 5, start_ub=0)[0],
            {"min_duration": 5, "resources": [{"resource": "line"}], "successors": [2 + other for other in tracks]},
            *(
                {"min_duration": 5, "resources": [{"resource": f"{there}{other}"}], "successors": [len(tracks) + 2]}
                for other in tracks
            ),
            {},
        ]
        for track in tracks
    ]


def test_3_when_trains_block_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two trains head to head: no train by itself shows that it cannot be."""
    out = tmp_path / "solution.json"
    assert run(monkeypatch, written(tmp_path, heads_on(0, 0)), "-o", out) == 3
    assert (
        "There is no solution: trains 0 and 1 cannot both come to their exits, in whatever order they go: train 0 must "
        "come past p1, where train 1 begins; train 1 must come past p0, where train 0 begins."
    ) in capsys.readouterr().out
    assert not out.exists()


def test_4_when_nothing_is_found_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A siding that is too short for the many that meet there: only every order of all would show it."""
    out = tmp_path / "solution.json"
    problem = problem_of({"trains": [*_meeting("a", "b"), *_meeting("b", "a")]})
    assert run(monkeypatch, written(tmp_path, problem), "-o", out, "--seconds", "1") == 4
    assert "No solution was found" in capsys.readouterr().out
    assert not out.exists()


@pytest.mark.parametrize(
    ("content", "start", "said"),
    [
        ('{"trains": [[{"successors": [40]}, {}]]}', None, "trains[0][0].successors: 40 is not an operation"),
        ('{"trains": [[{}]], "objective": 3}', None, "objective: expected `array`"),
        ('{"trains": [[{}]]}', '{"objective_value": 0, "events": []}', "train 0 does not come to its exit"),
        ('{"trains": [[{}]]}', '{"objective_value": 0}', "start.json: has no field `events`"),
    ],
)
def test_2_when_a_file_is_wrong_and_what_was_there_stays(
    content: str,
    start: str | None,
    said: str,
    *,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file, out = tmp_path / "problem.json", tmp_path / "solution.json"
    file.write_text(content)
    out.write_text("what was there")
    more: list[str | Path] = []
    if start is not None:
        (tmp_path / "start.json").write_text(start)
        more = ["--start", tmp_path / "start.json"]
    assert run(monkeypatch, file, "-o", out, *more) == 2
    assert said in capsys.readouterr().err
    assert out.read_text() == "what was there"


def test_a_plan_that_breaks_a_rule_is_an_error_of_the_program_and_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = problem_of({"trains": [chain("a", 5), chain("a", 5)]})
    right = threads.events_of

    def too_early(*given: Any) -> Any:
        return tuple(msgspec.structs.replace(event, time=0) for event in right(*given) or ())

    monkeypatch.setattr(threads, "events_of", too_early)
    monkeypatch.setattr(
        sys, "argv", ["weerspoor", "dispatch", str(written(tmp_path, problem)), "-o", str(tmp_path / "out.json")]
    )
    with pytest.raises(RuntimeError, match="breaks a rule of the format: events"):
        weerspoor.cli.main()
    assert not (tmp_path / "out.json").exists()


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 120.0
    while not path.exists():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)


def test_ctrl_c_gives_the_best_so_far(tmp_path: Path) -> None:
    problem = many_trains(60, seed=2)
    out = tmp_path / "solution.json"
    arguments = [*COMMAND, str(written(tmp_path, problem)), "-o", str(out), "--seconds", "300"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        wait_for(out, process)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        begin = time.monotonic()
        said, _ = process.communicate(timeout=60)
        assert time.monotonic() - begin < 5.0
    assert process.returncode == 0
    assert is_whole(problem, out)
    assert said.startswith(f"Objective: {json.loads(out.read_text())['objective_value']};")


def test_a_kill_at_any_moment_leaves_a_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before, while and after the first plans are written."""
    problem = many_trains(60, seed=3)
    file, out = written(tmp_path, problem), tmp_path / "solution.json"
    rng = random.Random(4)
    for turn in range(5):
        arguments = [*COMMAND, str(file), "-o", str(out), "--seconds", "300", "--seed", str(turn)]
        with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True) as process:
            if turn == 0:
                wait_for(out, process)
            time.sleep(rng.uniform(0.0, 2.5))
            process.kill()
        assert is_whole(problem, out)


def test_the_time_given_is_that_of_the_whole_command(tmp_path: Path) -> None:
    problem = many_trains(100, seed=5)
    out = tmp_path / "solution.json"
    begin = time.monotonic()
    arguments = [*COMMAND, str(written(tmp_path, problem)), "-o", str(out), "--seconds", "4"]
    subprocess.run(arguments, check=True, capture_output=True)
    assert time.monotonic() - begin < 6.0
    assert is_whole(problem, out)

"""The command line: its contract lines, exit codes, and that nothing is written when the input is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

import weerspoor.cli
from weerspoor.capacity.schema import load_plan
from weerspoor.common.errors import InputError

EXAMPLES = Path(__file__).parents[1] / "examples"
ELECTRIC = EXAMPLES / "electric-740m.toml"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command in this process and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["weerspoor", *arguments])
    with pytest.raises(SystemExit) as raised:
        weerspoor.cli.main()
    return int(raised.value.code or 0)


def test_help_is_quick() -> None:
    """``--help`` imports nothing heavy: no numpy, no Rich, and it answers at once."""
    code = (
        "import sys; sys.argv = ['weerspoor', '--help']\n"
        "import weerspoor.cli\n"
        "try:\n    weerspoor.cli.main()\n"
        "except SystemExit:\n    pass\n"
        "print(sorted(set(sys.modules) & {'numpy', 'numba', 'pyarrow', 'rich.table', 'msgspec'}))\n"
    )
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "explain-route" in done.stdout
    assert time.perf_counter() - begin < 3.0


@pytest.mark.parametrize(
    "command",
    [
        ("plan",),
        ("verify",),
        ("data", "check"),
        ("import", "gtfs"),
        ("point", "find"),
        ("explain-route",),
        ("dispatch",),
        ("day", "show"),
        ("day", "add"),
        ("day", "remove"),
    ],
    ids=" ".join,
)
def test_every_command_explains_itself(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command of the contract is there and has a help text."""
    assert run(monkeypatch, *command, "--help") == 0
    assert "Usage" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("length_m = 740", "lenght_m = 740", "train.lenght_m"),
        ('point = "Kfh"', 'point = "Kijfhoekk"', "Kijfhoek (Kfh)"),
        ("dangerous_goods = []", 'dangerous_goods = ["1.9X"]', "train.dangerous_goods"),
        ('template = "mixed"', 'template = "mixd"', "train.template"),
        ('traction = ["1.5 kV DC"', 'traction = ["steam"', "train.traction"),
        ('ready = "10:00"', 'ready = "25:00"', "from.ready"),
    ],
)
def test_wrong_input_ends_with_2_and_writes_nothing(
    old: str,
    new: str,
    words: str,
    *,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line on standard error names the place; no file appears."""
    text = ELECTRIC.read_text()
    assert text.count(old) == 1
    file = tmp_path / "request.toml"
    file.write_text(text.replace(old, new))
    code = run(monkeypatch, "plan", str(file), "--json", str(tmp_path / "p.json"), "--html", str(tmp_path / "p.html"))
    captured = capsys.readouterr()
    assert code == 2
    assert words in captured.err
    assert sum(line.startswith("weerspoor:") for line in captured.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["request.toml"]


def test_a_folder_for_a_file_is_refused_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder as output, as request, as plan, and one file named twice."""
    assert run(monkeypatch, "plan", str(ELECTRIC), "--json", str(tmp_path)) == 2
    assert run(monkeypatch, "plan", str(tmp_path)) == 2
    assert run(monkeypatch, "verify", str(tmp_path)) == 2
    same = str(tmp_path / "x")
    assert run(monkeypatch, "plan", str(ELECTRIC), "--json", same, "--html", same) == 2
    assert "named twice" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_wrong_options_end_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown languages, options and days."""
    assert run(monkeypatch, "plan", str(ELECTRIC), "--lang", "de") == 2
    assert run(monkeypatch, "plan", str(ELECTRIC), "--nothing") == 2
    assert run(monkeypatch, "plan", str(ELECTRIC), "--day", "no-such-day") == 2
    assert run(monkeypatch, "day", "remove", "X", "-o", "no-such-file.day") == 2
    assert run(monkeypatch, "import", "gtfs", "none.zip", "--date", "tomorrow", "-o", "x.day") == 2


def test_points_are_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """By code in any case, by part of a name; what is not there is told."""
    monkeypatch.setattr(sys, "argv", ["weerspoor", "point", "find", "odzg"])
    with pytest.raises(SystemExit) as raised:
        weerspoor.cli.main()
    assert raised.value.code in (0, None)
    assert "Oldenzaal" in capsys.readouterr().out
    assert run(monkeypatch, "point", "find", "qqqqqq") == 3


def test_a_plan_on_the_real_network_is_found_added_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A 740 m electric freight train on the railway without trains: exit 0, all files, then in and out of a day."""
    monkeypatch.chdir(tmp_path)
    arguments = ["plan", str(ELECTRIC), "--day", "empty", "--json", "p.json", "--displib", "d", "--alternatives", "0"]
    assert run(monkeypatch, *arguments) == 0
    assert "Zevenaar" in capsys.readouterr().out
    plan = load_plan(Path("p.json"))
    assert plan.outcome == "found"
    assert plan.paths[0].points[0].code == "Kfh"
    assert {path.name for path in Path("d").iterdir()} == {"problem.json", "solution.json"}
    assert run(monkeypatch, "day", "add", "p.json", "-o", "my.day") == 0
    assert run(monkeypatch, "day", "add", "p.json", "-o", "my.day") == 2
    assert run(monkeypatch, "day", "remove", "FRT-2026-0740", "-o", "my.day") == 0
    assert run(monkeypatch, "day", "remove", "FRT-2026-0740", "-o", "my.day") == 2


def test_no_path_ends_with_3_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An axle load no line takes: exit 3, the plan is written with its explanation, and a lighter train is offered."""
    file = tmp_path / "heavy.toml"
    file.write_text(ELECTRIC.read_text().replace("mass_t = 1500", "mass_t = 1500\naxle_load_t = 40"))
    output = tmp_path / "p.json"
    assert run(monkeypatch, "plan", str(file), "--day", "empty", "--json", str(output)) == 3
    assert "No path" in capsys.readouterr().out
    document = json.loads(output.read_text())
    assert document["outcome"] == "none"
    assert any(item["key"] == "lighter" for item in document["explanation"]["relaxations"])


def test_an_error_reads_as_place_message_and_advice() -> None:
    """The form of every message."""
    error = InputError("is wrong", where="request.toml: train", hint="write it right")
    assert str(error) == "request.toml: train: is wrong (write it right)"


def test_the_first_compilation_is_announced(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no compiled kernel lies, it is said that there will be a wait; where one does, nothing is said."""
    from weerspoor.kernel import engine

    said: list[str] = []
    weerspoor.cli._say_compiling(said.append)
    monkeypatch.setattr(engine.advance._cache, "_cache_path", "/nowhere")
    again: list[str] = []
    weerspoor.cli._say_compiling(again.append)
    assert again == ["compiling kernels, once: this takes a minute or two"]
    assert "compiling kernels" in capsys.readouterr().err


def test_a_day_is_shown_with_what_it_lacks_and_what_is_not_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A day file with a train that found no place: counted, with the reason."""
    from dataclasses import replace

    from weerspoor.capacity.accumulate import empty_day
    from weerspoor.network.load import load_network
    from weerspoor.timetable.store import write_day

    day = replace(empty_day(load_network()), notes={"not_placed": [["1234", "no track"], ["1236", "no track"]]})
    file = tmp_path / "my.day"
    write_day(day, file)
    monkeypatch.setattr(sys, "argv", ["weerspoor", "day", "show", "--day", str(file)])
    with pytest.raises(SystemExit) as raised:
        weerspoor.cli.main()
    assert raised.value.code in (0, None)
    shown = capsys.readouterr().out
    assert "Not placed: 2 trains." in shown
    assert "2  no track" in shown

"""The benchmark of dispatching: its figures, and that a run is not repeated."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
from benchmarks import dispatching
from benchmarks.sections import section, with_section


def row(instance: str, value: int | None, *, wrong: str = "", wall_s: float = 3.0, first_s: float = 0.5) -> Any:
    return {"instance": instance, "value": value, "wrong": wrong, "wall_s": wall_s, "first_s": first_s}


BEST = {"smi_1": {"best": 200}, "smi_2": {"best": 50}, "swi_1": {"best": 0}}


def test_a_gap_is_a_share_of_the_best_value_known() -> None:
    assert dispatching.gap(row("smi_1", 203), BEST) == pytest.approx(1.5)
    assert dispatching.gap(row("smi_1", 190), BEST) == pytest.approx(-5.0)
    assert dispatching.gap(row("swi_1", 0), BEST) == 0.0
    for nothing in (row("swi_1", 1), row("smi_1", None), row("smi_1", 203, wrong="held"), row("other", 5)):
        assert math.isinf(dispatching.gap(nothing, BEST))


def test_families_stand_beside_what_is_wanted() -> None:
    """Gaps of 1.5 % and 4 %: the median, 2.75 %, is more than 1 %, the largest is less than 5 %."""
    rows = [row("smi_1", 203), row("smi_2", 52), row("swi_1", 0, wall_s=12.0)]
    _, _, smi, swi = dispatching.family_table(rows, BEST)
    assert smi == "| smi | 2 | 2.75 % | 4.00 % | 4.00 % | 1 %, 5 % | no |"
    assert swi == "| swi | 1 | 0 at 0 within 10 s | | | all at 0 | no |"
    assert "on 3 of 3; wanted on 66 of 69" in dispatching.first_lines(rows)[0]
    assert dispatching.family_table(rows, BEST, 600.0)[2] == "| smi | 2 | 2.75 % | 4.00 % | 4.00 % | 0 %, - | no |"


def logged(instance: str, value: int, sources: str, *, seconds: float = 60.0, **more: Any) -> Any:
    about = {"sources": sources, "seconds": seconds, "threads": 2, "steps": 9, "memory_mb": 90.0}
    return row(instance, value) | about | more


def test_no_run_is_left_out_because_it_is_of_another_commit() -> None:
    """The newest of each instance is shown with its commit; one of the present sources counts before a later one."""
    log = [
        logged("smi_1", 300, "old"),
        logged("smi_1", 203, "now", date="2026-01-02", version="0.1.0"),
        logged("smi_1", 280, "other"),
        logged("smi_2", 53, "old"),
        logged("smi_2", 52, "older"),
        logged("smi_2", 50, "now", seconds=600.0),
        logged("smi_2", 50, "now", threads=1),
    ]
    page = dispatching.page(log, BEST, named="now", threads=2, verifier="nobody")
    assert "2 instances, on 2026-01-02 to a day not noted, commit now (1), older (1)" in page
    assert "| smi_1 | 203 | 200 | 1.50 % | 0.50 s | 9 | 3.0 s | now |" in page
    assert "| smi_2 | 52 | 50 | 4.00 % | 0.50 s | 9 | 3.0 s | older |" in page
    assert page.index("## 60 s") < page.index("## 600 s")
    lines = dispatching.summary(log, BEST, named="now", threads=2)
    assert "| smi | 2 | 2.75 % | 4.00 % | 1 | 0.00 % | 0.00 % |" in lines
    assert any("version 0.1.0, not noted, commit now (1), older (1)" in line for line in lines)


def test_a_section_takes_the_place_of_the_old_one() -> None:
    page = with_section("# Page\n", "part", ["old"])
    assert page == "# Page\n\n<!-- part: begin -->\nold\n<!-- part: end -->\n"
    assert with_section(page + "\nafter\n", "part", ["new"]) == page.replace("old", "new") + "\nafter\n"
    assert section(page, "part") in page
    assert not section(page, "another")


def test_without_instances_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["dispatching", "--instances", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"no instances in .* not part of Weerspoor"):
        dispatching.main()


def test_a_run_is_written_down_and_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    train = [{"min_duration": 5, "resources": [{"resource": "a"}], "successors": [1]}, {}]
    part = {"type": "op_delay", "train": 1, "operation": 1, "threshold": 4, "coeff": 1}
    (tmp_path / "in" / "smi_1.json").write_text(json.dumps({"trains": [train, train], "objective": [part]}))
    (tmp_path / "best.json").write_text('{"smi_1": {"best": 1}}')
    log, page = tmp_path / "log.jsonl", tmp_path / "page.md"
    arguments = ["--instances", tmp_path / "in", "--best", tmp_path / "best.json", "--log", log, "--page", page]
    arguments += ["--summary", tmp_path / "summary.md"]
    monkeypatch.setattr(sys, "argv", ["dispatching", "--all", "--seconds", "2", *map(str, arguments)])
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            dispatching.main()
        assert ended.value.code == 0
        assert "| smi | 1 | 0.00 % | 0.00 % | 0.00 % | 1 %, 5 % | yes |" in capsys.readouterr().out
    assert len(log.read_text().splitlines()) == 1
    assert "| smi_1 | 1 | 1 | 0.00 % |" in page.read_text()
    assert "| smi | 1 | 0.00 % | 0.00 % |" in section((tmp_path / "summary.md").read_text(), "dispatching")

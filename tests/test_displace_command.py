"""``plan --displace``: exit codes, what each rule set answers, and that it can be repeated; with little work."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import weerspoor.cli
from displace_cases import BY_NIGHT, HALF_SIGNED, PRIORITY, SIGNED, WIDE, little_work
from weerspoor.capacity.rules import rule_set

ASKS_CONSENT = (
    WIDE.replace('"Kfh"', '"Amf"').replace('"Rsd"', '"Dv"').replace("= 1700", "= 1450").replace("= 400", "= 250")
    .replace('"07:00"', '"16:00"').replace('["07:20", "08:00"]', '["16:20", "17:10"]')
)  # fmt: skip
"""A train of ordinary width from Amersfoort to Deventer in the afternoon."""
UNSIGNED = '[urgency]\nground = "fixed_time"\n'


@pytest.fixture(autouse=True)
def _little_work() -> Iterator[None]:
    with little_work():
        yield


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command in this process and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["weerspoor", *arguments])
    with pytest.raises(SystemExit) as raised:
        weerspoor.cli.main()
    return int(raised.value.code or 0)


class Asked:
    """A request in a file, and what is answered."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        self.monkeypatch, self.file, self.json = monkeypatch, folder / "T-1.toml", folder / "plan.json"
        self.file.write_text(text, encoding="utf-8")

    def __call__(self, *options: str) -> int:
        return run(self.monkeypatch, "plan", str(self.file), "--displace", "--json", str(self.json), *options)

    @property
    def plan(self) -> dict[str, Any]:
        made: dict[str, Any] = json.loads(self.json.read_text())
        return made

    @property
    def displacement(self) -> dict[str, Any]:
        found: dict[str, Any] = self.plan["displacement"]
        return found


def test_the_law_withdraws_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No proposal under the decree; what consent would do and what other sets would allow is told."""
    asked = Asked(tmp_path, monkeypatch, WIDE)
    assert asked() == 3
    plan, found = asked.plan, asked.displacement
    assert plan["outcome"] == "none"
    assert plan["paths"] == []
    assert found["status"] == "not_allowed"
    assert found["rules"]["name"] == "besluit"
    assert found["rules"]["hash"] == plan["provenance"]["rule_set"] == rule_set("besluit").content_hash
    assert found["proposals"] == []
    assert found["summary"]["key"] in ("displace.summary.consent", "displace.summary.nothing_allowed")
    assert (found["summary"]["key"] == "displace.summary.consent") == bool(found["consent"])
    others = {one["rules"]: one for one in found["rule_sets"]}
    assert list(others) == [PRIORITY, "eu-emers"]
    assert others[PRIORITY]["outcome"] == "draft"
    assert others[PRIORITY]["missing"]
    assert others[PRIORITY]["eur"] > 0
    assert {one["rule"]["id"] for one in found["relaxed"]} == {"allocated-paths-stand", "minimum-levels"}
    assert found["compared"]["trains"] > 0
    assert plan["explanation"] is not None


def test_what_holders_may_consent_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shifts of minutes, each with the holder to ask; nothing is withdrawn, so it is no proposal and ends with 3."""
    asked = Asked(tmp_path, monkeypatch, ASKS_CONSENT)
    assert asked() == 3
    found = asked.displacement
    assert found["summary"]["key"] == "displace.summary.consent"
    assert found["proposals"] == []
    assert found["consent"]
    for one in found["consent"]:
        assert {move["undertaking"] or move["segment"] for move in one["moves"]} <= set(one["consent"])
        for move in one["moves"]:
            assert move["needs_consent"]
            assert move["rule"]["id"] == "consent-of-the-holder"
            assert move["kind"] in ("shifted", "held")
            assert 0 < move["delay_s"] <= (180 if move["layer"] == "passenger" else 1800)
    assert run(monkeypatch, "verify", str(asked.json)) == 0
    name = found["consent"][0]["id"]
    assert asked("--shareable", "--proposal", name) == 3
    assert json.loads(asked.json.read_text())["schema"] == "weerspoor-shareable"


def test_without_urgency_there_is_no_priority(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = Asked(tmp_path, monkeypatch, WIDE)
    assert asked("--rules", PRIORITY) == 2
    assert "urgency" in capsys.readouterr().err
    assert not asked.json.exists()


@pytest.mark.parametrize(
    ("urgency", "missing"),
    [
        (HALF_SIGNED, ["rules.missing.decision"]),
        (UNSIGNED, ["rules.missing.legal_basis", "rules.missing.decision", "rules.missing.decision"]),
    ],
    ids=["one minister", "nobody"],
)
def test_what_is_missing_makes_a_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, urgency: str, missing: list[str]
) -> None:
    """Proposals all the same, for those who have to decide."""
    asked = Asked(tmp_path, monkeypatch, WIDE + urgency)
    assert asked("--rules", PRIORITY) == 0
    found = asked.displacement
    assert found["status"] == "draft"
    assert [one["key"] for one in found["missing"]] == missing
    assert found["proposals"]


def test_decided_by_both_it_is_ready_and_comes_out_the_same_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(tmp_path, monkeypatch, WIDE + SIGNED)
    assert asked("--rules", PRIORITY) == 0
    first, found = asked.json.read_bytes(), asked.displacement
    assert asked.plan["outcome"] == "proposed"
    assert found["status"] == "ready"
    assert found["missing"] == []
    assert not found["free"]
    assert [one["id"] for one in found["proposals"]] == [f"D{k + 1}" for k in range(len(found["proposals"]))]
    assert found["proposals"][0]["why"] == "least_harm"
    arrivals = [one["arrival_s"] for one in found["proposals"]]
    assert arrivals == sorted(arrivals, reverse=True)
    for one in found["proposals"]:
        assert {move["rule"]["id"] for move in one["moves"]} <= {line.id for line in rule_set(PRIORITY).lines}
    asked.json.unlink()
    assert asked("--rules", PRIORITY) == 0
    assert asked.json.read_bytes() == first
    assert run(monkeypatch, "verify", str(asked.json)) == 0


def test_a_limit_on_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(tmp_path, monkeypatch, WIDE + SIGNED)
    assert asked("--rules", PRIORITY, "--max-harm-eur", "1") == 3
    found = asked.displacement
    assert found["proposals"] == []
    assert found["summary"]["key"] == "displace.summary.too_much_harm"
    assert run(monkeypatch, "verify", str(asked.json)) == 3


def test_no_proposal_costs_more_than_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The harm that is told counts, connections included: a euro less than the least is too little."""
    asked = Asked(tmp_path, monkeypatch, WIDE + SIGNED)
    assert asked("--rules", PRIORITY) == 0
    least, *others = [one["harm"]["eur"] for one in asked.displacement["proposals"]]
    assert others
    assert asked("--rules", PRIORITY, "--max-harm-eur", f"{least + 1:.0f}") == 0
    assert [one["harm"]["eur"] for one in asked.displacement["proposals"]] == [least]
    assert asked("--rules", PRIORITY, "--max-harm-eur", f"{least - 1:.0f}") == 3


def test_an_unknown_rule_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = Asked(tmp_path, monkeypatch, WIDE)
    assert asked("--rules", "martial-law") == 2
    told = capsys.readouterr().err
    assert all(name in told for name in ("martial-law", "besluit", PRIORITY, "eu-emers"))
    assert not asked.json.exists()


def test_a_free_path_needs_no_displacement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(tmp_path, monkeypatch, BY_NIGHT)
    assert asked() == 0
    found = asked.displacement
    assert found["free"]
    assert found["status"] == "ready"
    assert found["proposals"] == found["consent"] == []
    assert asked.plan["paths"]
    assert run(monkeypatch, "verify", str(asked.json)) == 0


@pytest.mark.parametrize("form", ["nothing more", "--displib", "--shareable"])
def test_a_proposal_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    """Refused whatever is asked for, with the names of those there are; nothing is written."""
    asked = Asked(tmp_path, monkeypatch, WIDE + SIGNED)
    options = {"nothing more": [], "--displib": ["--displib", str(tmp_path / "displib")]}.get(form, [form])
    assert asked("--rules", PRIORITY, "--proposal", "D9", *options) == 2
    told = capsys.readouterr().err
    assert "D9" in told
    assert "D1" in told
    assert not asked.json.exists()
    assert not (tmp_path / "displib").exists()


def test_a_proposal_in_displib_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trains of the day as it becomes and the military train, by a checker of its own."""
    from weerspoor.formats.dispatching import broken_rule, read_problem, read_solution

    asked = Asked(tmp_path, monkeypatch, WIDE + SIGNED)
    folder = tmp_path / "displib"
    assert asked("--rules", PRIORITY, "--proposal", "d1", "--displib", str(folder)) == 0
    problem, solution = read_problem(folder / "problem.json"), read_solution(folder / "solution.json")
    assert not broken_rule(problem, solution)
    assert len(problem.trains) > 1


@pytest.mark.parametrize(
    "option", [("--rules", PRIORITY), ("--max-harm-eur", "5"), ("--proposal", "D1"), ("--shareable",)]
)
def test_options_of_displacing_need_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: tuple[str, ...]
) -> None:
    asked = Asked(tmp_path, monkeypatch, WIDE)
    assert run(monkeypatch, "plan", str(asked.file), *option) == 2

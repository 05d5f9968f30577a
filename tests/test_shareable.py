"""The shareable version: what holders need, nothing of the military train; one holder at a time; closed and escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from made_up_displacement import make_displaced_plan
from made_up_plan import PLACES, make_plan
from weerspoor.capacity.plan import Plan
from weerspoor.capacity.proposal import Proposal
from weerspoor.capacity.schema import plan_json, sealed
from weerspoor.capacity.settings import settings
from weerspoor.cli import app
from weerspoor.common.clock import clock
from weerspoor.common.errors import InputError
from weerspoor.report.shareable import Shareable, holder_key, shareable, shareable_hash, shareable_json
from weerspoor.report.shareable_page import render_shareable
from weerspoor.report.texts import LANGUAGES


def proposal_of(plan: Plan, name: str) -> Proposal:
    assert plan.displacement is not None
    return next(one for one in plan.displacement.proposals if one.id == name)


def leaves(value: Any) -> Iterator[Any]:
    """Every string and number of a value of JSON, keys apart."""
    if isinstance(value, dict):
        for one in value.values():
            yield from leaves(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from leaves(one)
    elif value is not None and not isinstance(value, bool):
        yield value


def secrets(plan: Plan, proposal: Proposal) -> set[Any]:
    """Every text, and every number that is not too small to mean anything, that tells of the military train."""
    parts = (
        *(proposal.paths, proposal.refuges, proposal.late, proposal.by_hour, proposal.reserve_paths),
        *(plan.train, plan.request, plan.reference, plan.hash, plan.provenance, plan.map, plan.paths),
        *([place[:2] for place in PLACES], [call.series for call in proposal.moves], proposal.arrival_s),
    )
    found = {value for value in leaves(msgspec.to_builtins(parts)) if value != ""}
    numbers = {value for value in found if isinstance(value, int | float) and abs(value) < 100}
    return found - numbers - {plan.request["date"]}


def own_values(made: Shareable, proposal: Proposal) -> set[Any]:
    """What stands in the timetable of the trains that a version names, and the lines that are cited for them."""
    named = {train.train for notice in made.notices for train in notice.trains}
    moves = [move for move in proposal.moves if move.train in named]
    own = [(m.train, m.kind, m.undertaking, m.segment, m.neighbours, m.rule, m.calls) for m in moves]
    return set(leaves(msgspec.to_builtins(own)))


def words(text: str) -> set[str]:
    return set(re.findall(r"[^\s<>\"',;()]+", text))


@pytest.mark.parametrize("holder", [None, "NS", "Arriva", "43712"])
@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_nothing_of_the_military_train_is_in_it(name: str, holder: str | None) -> None:
    """No text or number of its path, train, request, refuges, lateness or map but those of the moved trains' own runs.

    Looked for among the values that are written, and as words and clock times in the JSON and both pages.
    """
    plan = make_displaced_plan()
    proposal = proposal_of(plan, name)
    if holder == "43712" and name == "C":
        pytest.skip("proposal C does not move this train")
    made = shareable(plan, name, holder)
    secret = secrets(plan, proposal) - own_values(made, proposal)
    assert len(secret) > 1000
    assert not secret & set(leaves(msgspec.to_builtins(made)))
    written = [shareable_json(made).decode(), *(render_shareable(made, lang) for lang in LANGUAGES)]
    own = {clock(value, with_seconds=False) for value in own_values(made, proposal) if isinstance(value, int)}
    times = {time for point in proposal.paths[0].points for time in (point.arrival_s, point.departure_s)}
    sought = {clock(time, with_seconds=False) for time in times} - own
    sought |= {str(value) for value in secret if isinstance(value, str) or value >= 1000}
    for text in written:
        assert not sought & words(re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL))


def test_no_path_value_reaches_it_even_where_the_plan_changes() -> None:
    """With another path, train, request, map and lateness the shareable version stays the same to the last byte."""
    plan, other = make_displaced_plan(), make_displaced_plan()
    changed = make_plan(others=3)
    other.reference, other.hash, other.train, other.map = "X-1", "f" * 16, {"name": "other"}, changed.map
    other.request = {"reference": "X-1", "date": plan.request["date"]}
    for one in (proposal_of(other, name) for name in "ABC"):
        one.paths, one.refuges, one.late, one.late_s, one.arrival_s = changed.paths[1:], [], [], 5, 6
        one.by_hour, one.by_segment, one.robust_eur, one.decide_by_s, one.reserve_paths = [], [], None, 7, []
        for move in one.moves:
            move.pieces, move.held, move.legs, move.line_before, move.line_after = [], [], [], [], []
            move.delay_s, move.decide_by_s, move.series = 0, 0, ""
    assert shareable_json(shareable(plan, "A")) == shareable_json(shareable(other, "A"))


def test_points_that_a_train_passes_unchanged_are_left_out() -> None:
    """Of a freight train that waits on the way only its ends and what comes after the wait are told."""
    plan = make_displaced_plan()
    move = next(one for one in proposal_of(plan, "A").moves if one.train == "47715")
    notice = shareable(plan, "A", "47715").notices[0]
    told = [time.code for time in notice.trains[0].times]
    unchanged = {call.code for call in move.calls if call.new_departure_s == call.old_departure_s and not call.stops}
    assert unchanged
    assert not unchanged & set(told)
    assert told[0] == move.calls[0].code
    assert told[-1] == move.calls[-1].code
    first, last = notice.trains[0].times[0], notice.trains[0].times[-1]
    assert first.old_arrival_s is first.new_arrival_s is None
    assert last.old_departure_s is last.new_departure_s is None


def test_each_holder_gets_only_its_own() -> None:
    """One holder's version names no train of another; where no source names the holder each train stands alone."""
    plan = make_displaced_plan()
    every = shareable(plan, "A")
    assert [holder_key(notice) for notice in every.notices] == ["NS", "Arriva", "43712", "47715"]
    assert every.warning.key == "shareable.warning_all"
    one = shareable(plan, "A", "arriva")
    assert one.warning.key == "shareable.warning_one"
    assert [train.train for notice in one.notices for train in notice.trains] == ["31081", "31083"]
    page = render_shareable(one, "nl")
    assert "NS" not in page
    assert "2264" not in page
    assert "2264" in render_shareable(every, "nl")


def test_reserve_paths_are_nobodys_and_in_no_notice() -> None:
    """A reserve path that is moved is told to nobody."""
    assert "R-Tb-Ht-22" not in shareable_json(shareable(make_displaced_plan(), "A")).decode()


def test_the_least_harmful_proposal_is_shared_unless_another_is_named() -> None:
    """Without an id that with the least harm; those by consent can be named, and ask for it."""
    plan = make_displaced_plan()
    assert shareable(plan) == shareable(plan, "C")
    consent = shareable(plan, "D")
    assert all(train.asks_consent for notice in consent.notices for train in notice.trains)
    assert "Hiervoor wordt uw instemming gevraagd." in render_shareable(consent, "nl")


def test_what_is_not_there_is_an_error_for_people() -> None:
    """The errors name the proposals and holders there are."""
    plan = make_displaced_plan()
    with pytest.raises(InputError, match="A, B, C, D"):
        shareable(plan, "Z")
    with pytest.raises(InputError, match="NS, Arriva, 43712, 47715"):
        shareable(plan, "A", "Qbuzz")
    with pytest.raises(InputError, match="no proposals"):
        shareable(make_plan(others=1))


def test_the_hash_is_that_of_the_content() -> None:
    """It can be computed again from what a reader gets, and changes with any value."""
    made = shareable(make_displaced_plan())
    read = msgspec.json.decode(shareable_json(made), type=Shareable)
    assert read == made
    assert shareable_hash(read) == read.hash
    assert shareable_hash(msgspec.structs.replace(read, date="2026-11-25")) != read.hash


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_says_what_it_must(lang: str) -> None:
    """Label, reason, status, rule, warning and contact; old and new times; no script and nothing from outside."""
    made = shareable(make_displaced_plan(), "A")
    page = render_shareable(made, lang)
    rule = settings().shareable
    reason = {
        "nl": "rijdt anders wegens een transport met voorrang",
        "en": "runs otherwise because of a transport with priority",
    }[lang]
    assert page.count(rule.label) == 2
    assert f"2264 {reason}" in page
    assert ("nog niemand aangewezen" if lang == "nl" else "nobody named yet") in page
    assert ("consultatie, intrekken" if lang == "nl" else "consultation, withdrawal") in page
    assert re.search(r"<s>\d\d:\d\d\.\d</s> <b>\d\d:\d\d\.\d</b>", page)
    assert not re.search(r"<script|https?:|(?:src|href)=|\{\w+|\b(?:shareable|proposal|ui)\.[a-z_]+", page)
    assert "default-src 'none'; style-src 'sha256-" in page


def test_no_name_becomes_markup() -> None:
    """Whatever holders, trains, places and rules are called, they stay text."""
    hostile = "<script>alert(1)</script>&\"'"
    plan = make_displaced_plan()
    for move in proposal_of(plan, "C").moves:
        move.rule = msgspec.structs.replace(move.rule, article=hostile, nl=hostile)
        move.calls[0].name = move.calls[0].code = hostile
    for notice in proposal_of(plan, "C").notices:
        notice.undertaking, notice.trains[0].neighbours = hostile, [hostile]
    page = render_shareable(shareable(plan, "C"), "nl")
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 8


def test_times_after_midnight_are_marked() -> None:
    """A train that leaves before midnight has the date of that evening, and a mark at later times."""
    page = render_shareable(shareable(make_displaced_plan(), "A", "NS"), "nl")
    train = page[page.index("Trein 144 ") :]
    assert "24-11-2026" in train
    assert re.search(r"00:\d\d\.\d \(\+1\)", train)


def test_the_command_writes_both_forms(tmp_path: Any) -> None:
    """`weerspoor share` reads a plan, writes page and JSON of one holder, and names its trains."""
    file, page, data = tmp_path / "plan.json", tmp_path / "share.html", tmp_path / "share.json"
    file.write_bytes(plan_json(sealed(make_displaced_plan())))
    arguments = ["share", str(file), "--holder", "Arriva", "--html", str(page), "--json", str(data), "--proposal", "A"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "Arriva: 31081, 31083" in result.output
    assert "Trein 31081" in page.read_text(encoding="utf-8")
    assert msgspec.json.decode(data.read_bytes(), type=Shareable).notices[0].undertaking == "Arriva"

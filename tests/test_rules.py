"""Rule sets: what each lets happen, by which line, and that a rule file with a mistake is refused at its place."""

from __future__ import annotations

import datetime as dt
import re
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from request_texts import VALUES, toml
from weerspoor.capacity import rules
from weerspoor.capacity.request import DECIDERS, GROUNDS, Urgency
from weerspoor.capacity.rules import (
    LAYERS,
    MOVES,
    MOVES_OF_NOBODY,
    SEGMENTS,
    WITHDRAWALS,
    Analogy,
    Permission,
    RuleLine,
    read_rule_set,
    rule_set,
    rule_set_names,
)
from weerspoor.common.errors import DataError, InputError
from weerspoor.report.texts import LANGUAGES, Texts, load_texts

LAW, PRIORITY, EMERS = "besluit", "military-priority", "eu-emers"
SIGNED = Urgency("guarding", "Stb. 0000, 0", ("DEF", "IENW"))
CIVIL = ("passenger", "empty", "freight")


def text_of(name: str) -> str:
    return files("weerspoor.data").joinpath("rules", f"{name}.toml").read_text(encoding="utf-8")


def test_the_three_sets() -> None:
    assert rule_set_names() == (LAW, PRIORITY, EMERS)
    with pytest.raises(InputError, match=r"no rule set 'law'.*besluit"):
        rule_set("law")


@pytest.mark.parametrize("name", [LAW, PRIORITY, EMERS])
@pytest.mark.parametrize("segment", SEGMENTS)
@pytest.mark.parametrize("layer", LAYERS)
def test_every_move_is_decided_by_a_line_that_may_be_cited(name: str, layer: str, segment: str) -> None:
    """Whatever is asked, the answer names a line on moves; free capacity and the reserve are open in every set."""
    found = rule_set(name)
    for move in MOVES:
        for forced in (False, True):
            answer = found.permission(move, layer=layer, segment=segment, forced_by_closure=forced)
            assert answer.line in found.lines
            assert move in answer.line.moves
            assert answer.allowed == answer.line.allows
            assert answer.allowed or move not in MOVES_OF_NOBODY


@pytest.mark.parametrize("layer", [*CIVIL, "military"])
@pytest.mark.parametrize("move", WITHDRAWALS)
def test_the_law_as_read_moves_no_allocated_path_for_a_military_train(move: str, layer: str) -> None:
    """Only a closure does, by art. 3(b); a shift by consent is another move and names whom to ask."""
    law = rule_set(LAW)
    refused = law.permission(move, layer=layer, segment="national")
    assert not refused.allowed
    assert refused.line.id == "allocated-paths-stand"
    forced = law.permission(move, layer=layer, segment="national", forced_by_closure=True)
    assert forced.allowed
    assert forced.line.article == "art. 3(b)"
    agreed = law.permission("shift_by_consent", layer=layer, segment="national")
    assert agreed.allowed
    assert agreed.needs_consent
    assert not law.displaces


def test_a_closure_is_never_cited_for_what_the_military_train_does() -> None:
    """Art. 3(b) fits only what a closure forces, in every set."""
    for name in rule_set_names():
        for move in MOVES:
            for layer in LAYERS:
                line = rule_set(name).permission(move, layer=layer, segment="freight").line
                assert "3(b)" not in line.article


@pytest.mark.parametrize("name", [PRIORITY, EMERS])
def test_priority_withdraws_paths_of_others_but_not_of_military_trains(name: str) -> None:
    found = rule_set(name)
    assert found.displaces
    for move in WITHDRAWALS:
        for layer in CIVIL:
            assert found.permission(move, layer=layer, segment="national").allowed
        assert not found.permission(move, layer="military", segment="other").allowed


def test_priority_is_a_last_resort_and_all_keep_minimum_levels() -> None:
    assert rule_set(PRIORITY).last_resort
    assert all(rule_set(name).keeps_minimum_levels for name in rule_set_names())
    assert [rule_set(name).compensated for name in rule_set_names()] == ["unknown", "unknown", "no"]


def test_a_reserve_path_belongs_to_nobody() -> None:
    """It may be moved without asking, in every set, and that is no displacement."""
    answer = rule_set(LAW).permission("shift", layer="reserve", segment="freight")
    assert answer.allowed
    assert not answer.needs_consent


def test_a_relaxed_line_allows_what_it_forbade_and_nothing_else_changes() -> None:
    law = rule_set(LAW)
    relaxed = law.without("allocated-paths-stand")
    answer = relaxed.permission("cancel", layer="passenger", segment="night")
    assert answer.allowed
    assert answer.line.relaxed
    assert relaxed.displaces
    assert relaxed.content_hash != law.content_hash
    assert [line.id for line in relaxed.relaxable] == ["minimum-levels"]
    assert relaxed.keeps_minimum_levels
    assert not law.without("minimum-levels").keeps_minimum_levels
    assert not rule_set(PRIORITY).without("last-resort").last_resort
    assert not law.displaces


def test_what_cannot_be_relaxed() -> None:
    with pytest.raises(InputError, match=r"cannot be relaxed.*allocated-paths-stand"):
        rule_set(LAW).without("ad-hoc-reserve")
    with pytest.raises(InputError, match="has no line 'order-of-segments'"):
        rule_set(LAW).without("order-of-segments")


def test_an_analogy_cannot_be_cited() -> None:
    """It is no line, stands in no list of lines, and a permission refuses to carry it."""
    for name in rule_set_names():
        found = rule_set(name)
        assert found.analogies
        assert all(isinstance(line, RuleLine) and line.basis != rules.ANALOGY for line in found.lines)
        assert {one.article for one in found.analogies} == {"art. 10(1)", "art. 4c"}
    analogy = rule_set(LAW).analogies[0]
    assert isinstance(analogy, Analogy)
    with pytest.raises(TypeError):
        Permission(True, analogy)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Permission(True, rule_set(LAW).line("minimum-levels"))


def test_the_ranking_is_that_of_art_10() -> None:
    """a urban-regional first … g freight, then the rest; passenger trains may be offered 3 minutes."""
    ranking = rule_set(LAW).ranking
    assert sorted(ranking, key=lambda segment: ranking[segment].rank) == [
        "urban_regional",
        "national",
        "international",
        "national_high_speed",
        "international_high_speed",
        "regional",
        "freight",
        "night",
        "other",
    ]
    assert ranking["regional"].counter_offer_s == 180
    assert ranking["freight"].counter_offer_s is None
    with pytest.raises(TypeError):
        ranking["freight"] = ranking["regional"]  # type: ignore[index]


def test_status_of_the_priority() -> None:
    """No urgency is an error; without legal basis or with one signature it is a draft that says what is missing."""
    found = rule_set(PRIORITY)
    with pytest.raises(InputError, match=r"urgency.*fixed_time, guarding, threat"):
        found.status(None, None)
    assert found.status(SIGNED, dt.date(2026, 11, 24)).kind == "ready"
    draft = found.status(Urgency("threat", "", ("DEF",)), None)
    assert draft.kind == "draft"
    assert [(one.key, one.values) for one in draft.missing] == [
        ("rules.missing.legal_basis", {}),
        ("rules.missing.decision", {"decider": "IENW"}),
    ]
    assert found.status(SIGNED, dt.date(2026, 1, 1)).kind == "refused"


def test_status_of_the_others() -> None:
    """The law needs nothing; a proposal is never more than a draft."""
    assert rule_set(LAW).status(None, None).kind == "ready"
    assert [one.key for one in rule_set(EMERS).status(SIGNED, None).missing] == ["rules.missing.adoption"]
    assert rule_set(EMERS).status(None, None).kind == "draft"


def test_sets_are_values() -> None:
    assert rule_set(LAW) == read_rule_set(text_of(LAW), "besluit.toml")
    assert len({rule_set(name) for name in rule_set_names()}) == 3
    assert len({rule_set(name).content_hash for name in rule_set_names()}) == 3


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('moves = ["free"]', 'moves = ["free"]\npriority = 1', r"besluit.toml.*unknown field `priority` in line"),
        ('moves = ["free"]', 'moves = ["fly"]', r"line\[1\] \(free-capacity\).*no move 'fly'"),
        ('layers = ["reserve"]', 'layers = ["tram"]', "no layer 'tram'"),
        ('certainty = "sure"', 'certainty = "certain"', "no certainty 'certain'"),
        ('cause = "closure"', 'cause = "war"', "no cause 'war'"),
        ('basis = "law"', 'basis = "analogy"', r"an analogy is no line.*\[\[analogy\]\]"),
        ('basis = "analogy"', 'basis = "law"', "no basis 'law'"),
        ('kind = "minimum_levels"', 'kind = "move"', "says which moves"),
        ("allows = false", "allows = true", "nothing to relax"),
        ('id = "ad-hoc-reserve"', 'id = "free-capacity"', "'free-capacity' twice"),
        ('moves = ["free"]', 'moves = ["reserve"]', "no line that allows or forbids free"),
        ("freight = 7, ", "", "ranks every segment"),
        ("limit_s = 180", "limit_s = -1", "not above 0"),
        ('in_force = "yes"', 'in_force = "maybe"', "no word 'maybe'"),
        ("needed = false", "needed = true", "names no ground"),
        ("needed = false", 'needed = "no"', "expected `bool`"),
        ('article = "art. 5(2)"', 'article = ""', "lacks its id, its article"),
        ("[title]", "[title", "is not TOML"),
    ],
)
def test_a_mistake_in_a_rule_file_is_refused(old: str, new: str, words: str) -> None:
    text = text_of(LAW)
    assert old in text
    with pytest.raises(DataError) as raised:
        read_rule_set(text.replace(old, new, 1), "besluit.toml")
    assert re.search(words, str(raised.value))
    assert "besluit.toml" in raised.value.where


def test_unknown_words_in_a_question_are_refused() -> None:
    for question in ({"move": "teleport"}, {"layer": "tram"}, {"segment": "tram"}):
        asked = {"move": "shift", "layer": "freight", "segment": "freight", **question}
        with pytest.raises(InputError, match="one of"):
            rule_set(LAW).permission(asked["move"], layer=asked["layer"], segment=asked["segment"])


def test_what_people_read_is_there_in_both_languages() -> None:
    """Sentences of status, and words for grounds, deciders, bases, segments and moves."""
    wanted = {f"ground.{word}" for word in GROUNDS} | {f"decider.{word}" for word in DECIDERS}
    wanted |= {f"basis.{word}" for word in (*rules.BASES, rules.ANALOGY)}
    wanted |= {f"segment.{word}" for word in SEGMENTS} | {f"move.{word}" for word in MOVES}
    wanted |= {f"status.{word}" for word in (rules.READY, rules.DRAFT, rules.REFUSED)}
    for lang in LANGUAGES:
        assert wanted <= load_texts(lang).keys()
        texts = Texts(lang)
        status = rule_set(PRIORITY).status(Urgency("threat"), None)
        refused = rule_set(PRIORITY).status(SIGNED, dt.date(2026, 1, 1))
        for sentence in (*status.missing, *refused.missing, *rule_set(EMERS).status(None, None).missing):
            said = texts.sentence(sentence)
            assert said != sentence.key
            assert "{" not in said


def test_the_page_says_what_the_files_say() -> None:
    """The tables of docs/rules.md are those that `python -m tools.rules_page` makes."""
    from tools.rules_page import PAGE, page_with_tables

    page = PAGE.read_text(encoding="utf-8")
    assert page_with_tables(page) == page
    for name in rule_set_names():
        assert f"<!-- {name} -->" in page


LINES = text_of(LAW).splitlines()


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_fuzzed_rule_files_are_read_or_refused(data: st.DataObject) -> None:
    """Lines dropped, doubled, or given another value: a set that decides every move, or a DataError."""
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 3))):
        i = data.draw(st.integers(0, len(lines) - 1))
        key = lines[i].split("=")[0].strip() or "x"
        new = data.draw(st.sampled_from(["", lines[i], lines[i] + "\n" + lines[i], None]))
        lines[i] = f"{key} = {toml(data.draw(VALUES))}" if new is None else new
    try:
        found = read_rule_set("\n".join(lines), "besluit.toml")
    except DataError as error:
        assert "besluit.toml" in str(error)
    else:
        assert all(found.permission(move, layer="freight", segment="freight").line in found.lines for move in MOVES)

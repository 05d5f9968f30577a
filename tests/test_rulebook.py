"""What a rule set lets happen to the trains of a stretch of the day, and what simpler ways would cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from displace_cases import PRIORITY, little_work, same_table, stage
from weerspoor.capacity.displace.paths import candidates
from weerspoor.capacity.displace.rules import MOVE_OF, NOTHING, Rulebook
from weerspoor.capacity.displace.settings import displace_settings
from weerspoor.capacity.displace.simple import compared
from weerspoor.capacity.displace.stage import Stage
from weerspoor.capacity.rules import rule_set
from weerspoor.common.errors import DataError
from weerspoor.kernel.timelines import Rows
from weerspoor.timetable.altered import altered


@pytest.fixture(scope="module")
def shared() -> Stage:
    return stage()


def a_train(made: Stage, layer: str) -> int:
    return made.window.day.trains.layer.index(layer)


def test_priority_moves_passenger_and_freight_trains_within_bounds(shared: Stage) -> None:
    rules = displace_settings().moves
    for layer in ("passenger", "freight"):
        found = shared.rulebook(a_train(shared, layer))
        assert (found.earlier_s, found.later_s) == (rules.earlier_s[layer], rules.longest_s[layer])
        assert found.shorten
        assert found.cancel
        assert found.whole_eur == 0.0


def test_the_law_moves_nothing_but_by_consent_or_closure(shared: Stage) -> None:
    """With consent passenger trains by three minutes at most, freight by what is asked of it at most; later only."""
    law, rules = rule_set("besluit"), displace_settings().moves
    passenger, freight = a_train(shared, "passenger"), a_train(shared, "freight")
    plain = Rulebook(law, shared.window, shared.network)
    asked = replace(plain, by_consent=True, _known={})
    forced = replace(plain, forced=frozenset([passenger]), _known={})
    assert plain(passenger) == plain(freight) == NOTHING
    assert (asked(passenger).later_s, asked(freight).later_s) == (180, rules.consent_s["freight"])
    assert not asked(passenger).shorten
    assert not asked(passenger).cancel
    assert asked(passenger).earlier_s == asked(freight).earlier_s == 0
    assert forced(passenger).later_s == rules.forced_s
    assert forced(freight) == NOTHING
    assert asked.cite(passenger, "held").needs_consent
    assert forced.cite(passenger, "cancelled").line.article == "art. 3(b)"
    with pytest.raises(RuntimeError, match="no line"):
        asked.cite(passenger, "cancelled")


def test_trains_that_a_minimum_level_needs_are_dear_to_cut(shared: Stage) -> None:
    train = a_train(shared, "passenger")
    kept = replace(shared.rulebook, kept=frozenset([train]), _known={})
    assert kept(train).whole_eur == displace_settings().moves.level_eur
    assert kept(a_train(shared, "freight")).whole_eur == 0.0


def test_other_military_trains_stand(shared: Stage) -> None:
    """In every rule set, whatever is asked."""
    layers = ["military"] * len(shared.window.origin)
    day = altered(shared.window.day, (), ())
    day = replace(day, trains=replace(day.trains, layer=layers))
    window = replace(shared.window, day=day)
    for name in ("besluit", PRIORITY, "eu-emers"):
        book = Rulebook(rule_set(name), window, shared.network, by_consent=True)
        assert book(0).later_s == book(0).earlier_s == 0
        assert not any(book.permission(0, move).allowed for move in MOVE_OF.values())


def test_simpler_ways(shared: Stage) -> None:
    """Cancelling costs what the trains in the way and those after them cost; nothing stays moved."""
    with little_work():
        candidate = next(candidates(shared.problem, shared.pricing))
    scene, before = shared.scene, shared.scene.timelines.copy()
    found = compared(scene, shared.pricing, candidate.runs)
    in_the_way = set(scene.timelines.conflicts_of(Rows.of(candidate.runs[0], shared.pricing.kind)))
    gone = in_the_way | {then for then in map(scene.follows, sorted(in_the_way)) if then is not None}
    at = scene.window.origin[sorted(gone)]
    assert found.trains == len(in_the_way) > 0
    assert found.cancel_eur == pytest.approx(
        float(np.sum(scene.harm.cancel_eur[at] + scene.harm.shift_eur[at])), abs=0.01
    )
    assert found.hold_eur is not None
    assert found.hold_eur > 0
    assert same_table(scene.timelines, before)
    assert scene.moved == {}


def test_settings_with_a_mistake() -> None:
    """A value of the wrong kind is refused with its place."""
    with little_work(steps='"many"'), pytest.raises(DataError, match=r"displacing\.toml.*steps"):
        displace_settings()
    assert displace_settings().search.steps > 10

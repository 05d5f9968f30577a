"""Displacement for a guarantee: a path where nothing is free, and a day that stays free of conflicts."""

from __future__ import annotations

import numpy as np
from tests.displace_cases import PRIORITY, little_work, railway, request

from weerspoor.capacity.fit import prepare
from weerspoor.capacity.guarantee.displacing import displacer
from weerspoor.capacity.occupation import occupation
from weerspoor.capacity.rules import rule_set
from weerspoor.kernel.timelines import Rows


def test_a_set_that_moves_nothing_has_no_displacer() -> None:
    assert displacer(rule_set("besluit")) is None


def test_the_day_after_is_free_for_the_path() -> None:
    """All trains are still in the day, those that were moved hold other times, and the path meets nothing."""
    network, day = railway()
    problem = prepare(request(), network, day)
    find = displacer(rule_set(PRIORITY))
    assert find is not None
    with little_work():
        found = find(problem)
    assert found is not None
    assert found.trains
    assert found.harm > 0
    assert found.day.trains.reference == day.trains.reference
    before = {name: i for i, name in enumerate(day.trains.reference)}
    for name in found.trains:
        train = before[name.split("+")[0]]
        old, new = (
            sorted(zip(held.zone[held.train == train], held.from_s[held.train == train], strict=True))
            for held in (day.holdings, found.day.holdings)
        )
        assert old != new
    rows = Rows.of(found.run, problem.model.kind)
    after = occupation(network, found.day, (), float(rows.from_s.min()), float(rows.until_s.max()))
    assert after.timelines.conflicts_of(rows) == []
    assert np.all(np.diff(found.day.holdings.zone) >= 0)

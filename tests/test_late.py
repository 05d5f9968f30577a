"""What if the military train is itself late, trains of one request behind each other, and refuges on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from displace_cases import CONVOY, SIGNED, WIDE, answer, little_work, same_table, stage
from weerspoor.capacity.displace.answer import Answer
from weerspoor.capacity.displace.late import Lateness, lateness_s, refuges, robust_eur
from weerspoor.capacity.displace.paths import Candidate, Pricing, convoy
from weerspoor.capacity.fit import Problem
from weerspoor.capacity.proposal import LateCase
from weerspoor.kernel.timelines import Rows

SERIES = WIDE + SIGNED + CONVOY


@pytest.fixture(autouse=True)
def _little_work() -> Iterator[None]:
    with little_work(by_s="[60, 1800]"):
        yield


def parts(found: Answer, number: int = 0) -> tuple[Problem, Pricing, Candidate]:
    """Return the train on the day as it becomes, the pricing, and the candidate of a proposal."""
    assert found.proposed is not None
    assert found.stage is not None
    return found.proposed.problems[number], found.stage.pricing, found.proposed.candidates[number]


def test_held_it_moves_nobody_further() -> None:
    """It leaves when it is ready or later, and runs through what is free on the day as it becomes."""
    after, pricing, candidate = parts(answer())
    lateness = Lateness(after, pricing, candidate, lambda _: None)
    for case in lateness.cases():
        ready_s = candidate.departure_s + case.by_s
        run = lateness._held(ready_s)
        assert (run is None) == (case.held_arrival_s is None)
        if run is not None:
            assert run.depart_s[0] >= ready_s - 6
            assert after.occupation.timelines.conflicts_of(Rows.of(run, pricing.kind)) == []
            assert case.held_wait_s == pytest.approx(max(run.depart_s[0] - ready_s, 0), abs=3)
            assert case.held_arrival_s == pytest.approx(run.exit_s[-1], abs=3)


def test_let_run_it_moves_others_further() -> None:
    """Its path comes later by just so much; what that costs is told without what the proposal costs already."""
    after, pricing, candidate = parts(answer())
    before = pricing.scene.timelines.copy()
    lateness = Lateness(after, pricing, candidate, lambda _: None)
    cases = lateness.cases()
    assert [case.by_s for case in cases] == [60, 1800]
    for case in cases:
        assert case.policy in ("held", "let_run", "neither")
        assert (case.let_run_eur is None) == (case.let_run_arrival_s is None) == (case.let_run_trains is None)
        if case.let_run_arrival_s is not None:
            assert case.let_run_eur is not None
            assert case.let_run_arrival_s == pytest.approx(candidate.arrival_s + case.by_s, abs=3)
            assert case.let_run_eur >= 0
        if case.policy == "let_run":
            assert case.let_run_eur is not None
        if case.policy == "neither":
            assert case.held_arrival_s is None
            assert case.let_run_eur is None
    assert same_table(pricing.scene.timelines, before)
    assert pricing.scene.moved == {}
    assert pricing.scene.decided == {}


def test_a_late_first_train_does_not_run_into_the_second() -> None:
    """Ten minutes apart, half an hour late: it cannot just be let run, since the next one has its path there."""
    found = answer(SERIES)
    after, pricing, candidate = parts(found)
    assert len(candidate.runs) == 3
    lateness = Lateness(after, pricing, candidate, lambda _: None)
    interval_s = int(candidate.runs[1].depart_s[0] - candidate.runs[0].depart_s[0])
    assert lateness._let_run(interval_s) is None


def test_the_mean_of_what_is_added() -> None:
    def case(policy: str, eur: float | None) -> LateCase:
        held = 10 if policy == "held" else None
        return LateCase(
            by_s=300, policy=policy, held_arrival_s=held, held_wait_s=held, let_run_arrival_s=None, let_run_eur=eur,
            let_run_trains=None,
        )  # fmt: skip

    assert robust_eur([case("held", 900.0), case("let_run", 300.0)]) == 150.0
    assert robust_eur([case("held", None), case("neither", None)]) is None
    assert robust_eur([]) is None


def test_how_late_it_comes() -> None:
    _, _, candidate = parts(answer())
    assert lateness_s(candidate, candidate.arrival_s) == 0
    assert lateness_s(candidate, candidate.arrival_s - 121.0) == 120
    assert lateness_s(candidate, candidate.arrival_s + 999.0) == 0


# -- trains of one request ------------------------------------------------------------------------------------------


def test_trains_of_one_request_keep_their_interval_and_do_not_meet() -> None:
    _, pricing, candidate = parts(answer(SERIES))
    leaves = [float(run.depart_s[0]) for run in candidate.runs]
    assert leaves[1] - leaves[0] == leaves[2] - leaves[1] >= 600
    for one, other in combinations(candidate.runs, 2):
        rows, others = Rows.of(one, pricing.kind), Rows.of(other, pricing.kind)
        for zone in np.intersect1d(rows.zone, others.zone):
            for i in np.flatnonzero(rows.zone == zone):
                for j in np.flatnonzero(others.zone == zone):
                    meets = rows.from_s[i] < others.until_s[j] and others.from_s[j] < rows.until_s[i]
                    assert not (meets and (rows.occupies[i] & others.blocks[j] or rows.blocks[i] & others.occupies[j]))


def test_an_interval_that_is_too_short_is_widened() -> None:
    """A minute apart they would be on one block: they run as many minutes apart as they have to, no more."""
    made = stage(SERIES)
    _, _, candidate = parts(answer())
    series = made.problem.request.series
    assert series is not None
    close = replace(made.problem, request=replace(made.problem.request, series=replace(series, interval_s=60)))
    runs = convoy(close, candidate.runs[0])
    apart_s = float(runs[1].depart_s[0] - runs[0].depart_s[0])
    assert len(runs) == 3
    assert apart_s > 60
    assert apart_s % 60 == 0
    assert len(convoy(stage().problem, candidate.runs[0])) == 1


# -- refuges --------------------------------------------------------------------------------------------------------


def test_a_refuge_is_the_next_place_where_the_train_fits() -> None:
    """Against all stops of the network along the pieces of the path."""
    after, _, _ = parts(answer())
    plan = answer().plan
    assert plan.displacement is not None
    path = plan.displacement.proposals[0].paths[0]
    found = refuges(after, path)
    assert [one.after_code for one in found] == [point.code for point in path.points]
    stops = after.network.stops
    places = [
        piece.km + abs(piece.to_m - piece.from_m) / 1000
        for piece in path.pieces[1:]
        if piece.directed in stops.directed.tolist() and after.model.may_stop[piece.directed] and not piece.turned
    ]
    for one in found:
        onward = [km for km in places if km > one.after_km + 0.001]
        assert (one.km is None) == (not onward)
        if one.km is not None:
            assert one.km == pytest.approx(min(onward), abs=0.001)
            assert one.usable_m >= after.train.length_m
            assert one.track

"""Planning anew when something changes late: what has run stays, the rest fits the change; with little work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from displace_cases import answer, little_work, railway, request
from weerspoor.capacity.displace.answer import Answer
from weerspoor.capacity.displace.change import decided, replan, run_of
from weerspoor.capacity.occupation import closed_pieces
from weerspoor.capacity.proposal import Proposal
from weerspoor.capacity.request import change_with_points
from weerspoor.capacity.request_reader import read_change, read_moment
from weerspoor.capacity.verify import verify_plan
from weerspoor.common.errors import InputError

CLOSED = '[[closed]]\nbetween = ["Odb", "Rsd"]\ntracks = ["all"]\nfrom = "07:25"\nto = "07:50"\n'


@pytest.fixture(autouse=True)
def _little_work() -> Iterator[None]:
    with little_work():
        yield


def changed(at: str, text: str, proposal: str = "") -> Answer:
    """Return the plan of the short request made anew at a moment."""
    before, (network, day) = request(), railway()
    change = change_with_points(read_change(text, "change.toml", before), network.points)
    return replan(answer().plan, read_moment(at, before), change, network, day, proposal=proposal)


def proposals(found: Answer) -> list[Proposal]:
    assert found.plan.displacement is not None
    return found.plan.displacement.proposals


def test_ready_later() -> None:
    """It leaves no sooner than it is ready, and the plan holds; the same twice."""
    found = changed("06:30", 'ready = "07:20"\n')
    assert proposals(found)
    assert all(one.paths[0].pieces[0].depart_s >= 7 * 3600 + 20 * 60 for one in proposals(found))
    assert verify_plan(found.plan, *railway()) == []
    assert changed("06:30", 'ready = "07:20"\n').plan == found.plan


@pytest.mark.parametrize("at", ["07:05", "07:12"])
def test_what_has_begun_stays_as_it_was_decided(at: str) -> None:
    """Trains that the plan moves and that are under way keep the shifts of the legs they have begun."""
    found = changed(at, 'window = ["07:50", "08:30"]\n')
    now_s = read_moment(at, request())
    assert proposals(found)
    assert verify_plan(found.plan, *railway()) == []
    was = {move.train: move for move in decided(answer().plan).moves}
    for one in proposals(found):
        for move in one.moves:
            before = was.get(move.train)
            begun = {} if before is None else {leg.departure_s: leg.shift_s for leg in before.legs}
            for leg in move.legs:
                shift_s = begun.get(leg.departure_s, 0)
                if leg.departure_s + shift_s <= now_s:
                    assert leg.shift_s == shift_s
                else:
                    assert leg.departure_s + leg.shift_s >= now_s - 1


def test_a_train_under_way_goes_on_from_where_it_is() -> None:
    """It left at 07:15; ten minutes later its window moves: the part that it has run is that of the plan before."""
    found = changed("07:25", 'window = ["07:50", "08:30"]\n')
    now_s = read_moment("07:25", request())
    was, now = run_of(decided(answer().plan).path), run_of(proposals(found)[0].paths[0])
    ran = was.exit_s <= now_s
    assert ran.sum() > 10
    assert np.array_equal(was.directed[ran], now.directed[: len(ran)][ran])
    assert was.exit_s[ran] == pytest.approx(now.exit_s[: len(ran)][ran], abs=1.1)
    assert verify_plan(found.plan, *railway()) == []


def test_a_closure_is_kept_clear() -> None:
    """No path and no moved train holds what is closed, but those that had no stop before it any more."""
    found = changed("07:00", CLOSED)
    network = railway()[0]
    change = change_with_points(read_change(CLOSED, "change.toml", request()), network.points)
    closure = change.closures[0]
    zones = set(network.pieces.zone[closed_pieces(network, closure, "closed[1]")].tolist())
    assert proposals(found)
    for one in proposals(found):
        held = [row for path in one.paths for row in path.held] + [row for move in one.moves for row in move.held]
        assert not [
            row for row in held if row.zone in zones and row.from_s < closure.until_s and row.until_s > closure.from_s
        ]
        assert any(move.forced_by_closure and move.rule.article == "art. 3(b)" for move in one.moves)
    assert verify_plan(found.plan, *railway()) == []


def test_another_proposal_may_have_been_decided_on() -> None:
    names = [one.id for one in proposals(answer())]
    found = changed("06:30", 'window = ["07:20", "08:10"]\n', names[1].lower())
    assert verify_plan(found.plan, *railway()) == []
    with pytest.raises(InputError, match=names[0]):
        changed("06:30", 'ready = "07:20"\n', "D9")


def test_too_late_for_a_change() -> None:
    with pytest.raises(InputError, match="has arrived at 07:4"):
        changed("08:30", 'window = ["07:50", "08:30"]\n')
    with pytest.raises(InputError, match=r"left at 07:15.*so it is ready"):
        changed("07:20", 'ready = "07:30"\n')


def test_a_plan_of_another_day() -> None:
    network, day = railway()
    change = read_change('ready = "07:20"\n', "change.toml", request())
    with pytest.raises(InputError, match="another network or day"):
        replan(answer().plan, 6 * 3600, change, network, replace(day, content_hash="0"))

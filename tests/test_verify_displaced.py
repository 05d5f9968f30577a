"""The check of proposals: a good one holds, and whatever is altered in it is found, by the rule that it breaks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import msgspec
import numpy as np
import pytest

from displace_cases import HALF_SIGNED, WIDE, answer, little_work, railway, stage
from weerspoor.capacity.displace.account import Account
from weerspoor.capacity.displace.scene import Placement
from weerspoor.capacity.displace.stage import Stage
from weerspoor.capacity.path import PieceTime
from weerspoor.capacity.plan import Plan
from weerspoor.capacity.proposal import Move, Proposal
from weerspoor.capacity.verify import verify_plan
from weerspoor.capacity.verify_displaced import ProposalCheck
from weerspoor.capacity.verify_run import Violation
from weerspoor.kernel.retiming import Retimed


@pytest.fixture(autouse=True)
def _little_work() -> Iterator[None]:
    with little_work():
        yield


def plan() -> Plan:
    return copy.deepcopy(answer().plan)


def proposals(of: Plan) -> list[Proposal]:
    assert of.displacement is not None
    return of.displacement.proposals


def faults(made: Plan, number: int = 0) -> list[Violation]:
    """Return what is wrong with the moved trains of a proposal."""
    return ProposalCheck(made, proposals(made)[number], *railway()).run()


def rules_broken(made: Plan, number: int = 0) -> set[str]:
    return {fault.rule for fault in faults(made, number)}


def a_move(made: Plan, *kinds: str) -> Move:
    """Return the first move of some kinds."""
    return next(move for one in proposals(made) for move in one.moves if move.kind in kinds)


def number_of(made: Plan, move: Move) -> int:
    return next(number for number, one in enumerate(proposals(made)) if any(each is move for each in one.moves))


def test_what_was_proposed_holds() -> None:
    assert verify_plan(plan(), *railway()) == []
    assert verify_plan(answer(WIDE + HALF_SIGNED).plan, *railway()) == []
    assert {move.kind for one in proposals(plan()) for move in one.moves} >= {
        "shifted",
        "held",
        "shortened",
        "cancelled",
    }


def leaves_sooner(move: Move) -> None:
    for leg in move.legs:
        leg.shift_s -= 20


def leaves_before_its_time(move: Move) -> None:
    for leg in move.legs:
        leg.shift_s -= 600


def stands_too_short(move: Move) -> None:
    move.legs[0].shift_s += 45


def held_shorter(move: Move) -> None:
    move.held[len(move.held) // 2].until_s -= 2


def held_later(move: Move) -> None:
    move.held[len(move.held) // 2].from_s += 2


def not_held(move: Move) -> None:
    del move.held[len(move.held) // 2]


def arrives_otherwise(move: Move) -> None:
    call = move.calls[len(move.calls) // 2]
    assert call.new_arrival_s is not None
    call.new_arrival_s += 12


def departs_otherwise(move: Move) -> None:
    call = move.calls[len(move.calls) // 2]
    assert call.new_departure_s is not None
    call.new_departure_s += 12


def by_no_rule(move: Move) -> None:
    move.rule.id = "haste"


def by_consent(move: Move) -> None:
    move.needs_consent = True


def of_another_segment(move: Move) -> None:
    move.segment = "night"


def costs_less(move: Move) -> None:
    move.harm.eur *= 0.9


def other_legs(move: Move) -> None:
    move.legs[0].departure_s += 30


def a_leg_less(move: Move) -> None:
    del move.legs[-1]


def other_tracks(move: Move) -> None:
    move.pieces.append(
        PieceTime(
            directed=0,
            track="",
            name="",
            from_m=0.0,
            to_m=1.0,
            km=0.0,
            enter_s=0.0,
            exit_s=1.0,
            depart_s=1.0,
            speed_kmh=0.0,
        )
    )


@pytest.mark.parametrize(
    ("alter", "rule"),
    [
        (leaves_sooner, "time"),
        (leaves_sooner, "blocking"),
        (leaves_before_its_time, "displacement"),
        (stands_too_short, "stand"),
        (held_shorter, "blocking"),
        (held_later, "blocking"),
        (not_held, "blocking"),
        (arrives_otherwise, "time"),
        (departs_otherwise, "time"),
        (by_no_rule, "rule"),
        (by_consent, "rule"),
        (of_another_segment, "rule"),
        (costs_less, "harm"),
        (other_legs, "displacement"),
        (a_leg_less, "displacement"),
        (other_tracks, "displacement"),
    ],
)
def test_an_altered_train_is_found(alter: Callable[[Move], None], rule: str) -> None:
    made = plan()
    move = a_move(made, "shifted")
    alter(move)
    found = faults(made, number_of(made, move))
    assert any(fault.rule == rule for fault in found), found
    assert any(move.train in fault.place for fault in found)


def test_a_closure_that_is_none_is_no_ground() -> None:
    """The priority has the same line for both; the decree would allow it only by a closure."""
    made = plan()
    move = a_move(made, "shifted")
    move.forced_by_closure = True
    assert made.displacement is not None
    made.displacement.rules.name = "besluit"
    assert "rule" in rules_broken(made, number_of(made, move))


def test_a_train_twice_or_not_of_the_day() -> None:
    made = plan()
    proposals(made)[0].moves.append(copy.deepcopy(proposals(made)[0].moves[0]))
    assert rules_broken(made) == {"displacement"}
    made = plan()
    proposals(made)[0].moves[0].train = "9999x99"
    assert rules_broken(made) == {"displacement"}


def test_a_cancelled_train_that_runs() -> None:
    made = plan()
    move = a_move(made, "cancelled")
    runs = a_move(made, "shifted")
    move.legs = copy.deepcopy(runs.legs)
    assert "displacement" in rules_broken(made, number_of(made, move))


@pytest.mark.parametrize("kind", ["shifted", "held"])
def test_a_shortened_train_is_called_so(kind: str) -> None:
    made = plan()
    move = a_move(made, "shortened")
    number = number_of(made, move)
    move.kind = kind
    assert "displacement" in rules_broken(made, number)


def test_harm_is_added_up() -> None:
    made = plan()
    proposals(made)[0].harm.eur += 500.0
    assert [fault.place for fault in faults(made) if fault.rule == "harm"] == ["proposal D1, all"]


def test_what_is_missed_is_worked_out_again() -> None:
    """Less harm, said to lie in connections, is found as well."""
    made = plan()
    one = proposals(made)[0]
    one.missed.eur += 500.0
    one.harm.eur += 500.0
    assert [fault.place for fault in faults(made) if fault.rule == "harm"] == ["proposal D1, connections"]


def test_another_rule_set() -> None:
    made = plan()
    assert made.displacement is not None
    made.displacement.rules.hash = "0"
    assert rules_broken(made) == {"rule"}


def test_a_train_left_where_it_was_is_in_the_way() -> None:
    """Without one of its moves the military path meets that train; as it was, the plan's hash does not fit either."""
    made = plan()
    one = proposals(made)[1]
    gone = one.moves.pop(next(i for i, move in enumerate(one.moves) if move.kind == "cancelled"))
    found = verify_plan(made, *railway())
    assert any(each.rule == "conflict" and gone.train in each.detail for each in found)
    assert any(each.rule == "provenance" for each in found)


# -- moves made by hand ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared() -> Stage:
    return stage()


def moved(made: Stage, train: int, retimed: Retimed | None) -> Move:
    """Return what would be said of a train, whoever else is in its way."""
    return Account(made.scene, train, Placement(1.0, retimed)).move(made.rulebook)


def later(made: Stage, train: int, by_s: int) -> Retimed:
    count = made.scene.of(train)[0].legs.count
    return Retimed(0, count - 1, np.full(count, by_s, np.int32), 1.0)


def with_moves(*moves: Move) -> Plan:
    """Return the plan with other moves instead of its own in the first proposal."""
    made = plan()
    proposals(made)[0].moves = list(moves)
    return made


def a_turn(made: Stage, *, ends_s: float) -> tuple[int, int, int]:
    """Return a train that ends about a time, the one that goes on with its stock within the hour, and the gap."""
    for train, (then, _) in sorted(made.window.turns.items()):
        end = made.scene.of(train)[0].legs.arrivals_s[-1]
        gap_s = int(made.scene.of(then)[0].legs.departures_s[0] - end)
        if abs(end - ends_s) < 1800 and gap_s < 3600 and made.scene.of(train)[0].legs.count > 3:
            return train, then, gap_s
    raise AssertionError("no such turn")


def without_stock(made: Stage, then: int, *moves: Move) -> bool:
    """Tell whether the check finds that a train goes on with stock that is not there."""
    name = made.window.day.trains.reference[then]
    return any(fault.rule == "turn" and name in fault.place for fault in faults(with_moves(*moves)))


def test_stock_that_comes_too_late(shared: Stage) -> None:
    train, then, gap_s = a_turn(shared, ends_s=8 * 3600.0)
    late = moved(shared, train, later(shared, train, gap_s))
    assert without_stock(shared, then, late)
    assert not without_stock(shared, then, late, moved(shared, then, later(shared, then, gap_s)))


def test_stock_that_stays_where_a_train_ended(shared: Stage) -> None:
    train, then, _ = a_turn(shared, ends_s=8 * 3600.0)
    count = shared.scene.of(train)[0].legs.count
    short = moved(shared, train, Retimed(0, count - 2, np.zeros(count, np.int32), 1.0))
    assert without_stock(shared, then, short)
    assert not without_stock(shared, then, short, moved(shared, then, None))


def test_stock_of_a_train_that_does_not_run(shared: Stage) -> None:
    train, then, _ = a_turn(shared, ends_s=8 * 3600.0)
    gone = moved(shared, train, None)
    assert without_stock(shared, then, gone)
    assert not without_stock(shared, then, gone, moved(shared, then, None))


def test_a_train_begins_on_the_way_only_where_stock_was_left(shared: Stage) -> None:
    """The stock of the train before goes to where this one begins in the day, unless that one ends on the way too."""
    train, then, _ = a_turn(shared, ends_s=8 * 3600.0)
    ends, begins = shared.scene.of(train)[0].legs, shared.scene.of(then)[0].legs
    places = {shared.scene.point_of(then, stand.call): leg for leg, stand in enumerate(begins.stands[:-1])}
    last = next(
        leg
        for leg in reversed(range(ends.count - 1))
        if places.get(shared.scene.point_of(train, ends.stands[leg + 1].call), 0) > 0
    )
    first = places[shared.scene.point_of(train, ends.stands[last + 1].call)]
    cut = moved(shared, then, Retimed(first, begins.count - 1, np.zeros(begins.count, np.int32), 1.0))
    short = moved(shared, train, Retimed(0, last, np.zeros(ends.count, np.int32), 1.0))
    with little_work(stock_elsewhere="false"):
        assert without_stock(shared, then, cut)
        assert not without_stock(shared, then, short, cut)
    with little_work(stock_elsewhere="true"):
        assert not without_stock(shared, then, cut)


def test_moved_onto_another_train(shared: Stage) -> None:
    """All that is said of the train fits; only that another train is there by then."""
    lines = shared.scene.timelines
    trains = np.flatnonzero(np.array(shared.window.day.trains.layer) == "freight").tolist()
    train = next(one for one in trains if shared.scene.of(one)[0].legs.departures_s[0] > 8 * 3600)
    for by_s in range(300, 3600, 60):
        placed = later(shared, train, by_s)
        if lines.conflicts_of(shared.scene.rows(train, Placement(1.0, placed)), train):
            break
    found = {fault.rule for fault in faults(with_moves(moved(shared, train, placed)))}
    assert "conflict" in found
    assert not found & {"time", "blocking", "stand", "displacement", "rule"}


def test_the_form_is_read_back() -> None:
    """A plan written and read again is checked alike."""
    made = plan()
    assert verify_plan(msgspec.json.decode(msgspec.json.encode(made), type=Plan), *railway()) == []

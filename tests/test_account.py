"""What is told of a displaced train: its times, kind, first change, run and harm, and what is missed of connections."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from displace_cases import HALF_SIGNED, WIDE, answer, stage
from test_harm import DAY, fixed
from weerspoor.capacity.displace.account import Account, missed_connections
from weerspoor.capacity.displace.scene import Placement
from weerspoor.capacity.displace.settings import displace_settings
from weerspoor.capacity.displace.stage import Stage
from weerspoor.capacity.proposal import Move, Proposal
from weerspoor.common.clock import DAY_S
from weerspoor.kernel.retiming import Retimed
from weerspoor.timetable.altered import altered
from weerspoor.timetable.harm import HarmModel
from weerspoor.timetable.passages import passages

STEPPED_S = 3.5
"""Calls are told in steps of 6 s, movements are not."""


@pytest.fixture(scope="module")
def shared() -> Stage:
    """Return a stage that the tests leave as it is."""
    return stage()


def a_train(made: Stage, *, layer: str = "passenger", tomorrow: bool = False) -> int:
    """Return a train with four legs or more, stands with calls between them, and calls rounded to an earlier time."""
    for train in range(len(made.window.origin)):
        if made.window.day.trains.layer[train] != layer or (made.window.days[train] != 0) != tomorrow:
            continue
        legs = made.scene.of(train)[0].legs
        if legs.count >= 4 and all(stand.call >= 0 for stand in legs.stands):
            calls = made.window.day.calls.departure_s[int(made.window.day.calls.start[train]) :]
            if any(calls[stand.call] < stand.departure_s for stand in legs.stands[1:-1]):
                return train
    raise AssertionError("no such train")


def account(made: Stage, train: int, shifts: list[int] | None, first: int = 0, last: int | None = None) -> Account:
    """Return a train with these shifts of its legs; cancelled without them."""
    if shifts is None:
        return Account(made.scene, train, Placement(1.0, None))
    last = len(shifts) - 1 if last is None else last
    return Account(made.scene, train, Placement(1.0, Retimed(first, last, np.array(shifts, np.int32), 1.0)))


def stepped(made: Stage, train: int, at: int, by_s: int) -> list[int]:
    """Return shifts of a train that waits so long at the stand before a leg."""
    count = made.scene.of(train)[0].legs.count
    return [by_s if leg >= at else 0 for leg in range(count)]


def test_new_times_are_those_of_the_run_as_it_becomes(shared: Stage) -> None:
    """Against the passages of the moved run itself, for trains that wait at each of their stands in turn."""
    train = a_train(shared)
    legs = shared.scene.of(train)[0].legs
    start = int(shared.window.day.calls.start[train])
    for at in range(legs.count):
        one = account(shared, train, stepped(shared, train, at, 240))
        found = passages(shared.network, *one.movement)
        run = {each.point: (each.arrival_s, each.departure_s) for each in found}
        for call, (arrival_s, departure_s) in enumerate(one.call_s.tolist()):
            if call not in (0, len(one.call_s) - 1):
                there = run[int(shared.window.day.calls.point[start + call])]
                assert there == pytest.approx((arrival_s, departure_s), abs=STEPPED_S)


def test_a_train_that_waits_at_a_stop_comes_in_time_and_leaves_late(shared: Stage) -> None:
    train = a_train(shared)
    legs = shared.scene.of(train)[0].legs
    for at in range(1, legs.count):
        one, call = account(shared, train, stepped(shared, train, at, 120)), legs.stands[at].call
        assert one.late_s[call].tolist() == [0.0, 120.0]
        assert bool(np.all(one.late_s[:call] == 0))
        assert bool(np.all(one.late_s[call + 1 :] == 120))
        assert one.kind == "held"
        assert one.delay_s == 120
        assert one.first_change_s == one.old_call_s[call, 0]
        assert one.decide_by_s == int(one.first_change_s) - displace_settings().notice.held_s


def test_kinds(shared: Stage) -> None:
    train = a_train(shared)
    count = shared.scene.of(train)[0].legs.count
    assert account(shared, train, [90] * count).kind == "shifted"
    assert account(shared, train, [90] + [100] * (count - 1)).kind == "shifted"
    assert account(shared, train, [90] + [190] * (count - 1)).kind == "held"
    assert account(shared, train, [0] * count, 1).kind == "shortened"
    assert account(shared, train, [0] * count, 0, count - 2).kind == "shortened"
    assert account(shared, train, None).kind == "cancelled"


def test_a_train_that_ends_on_the_way(shared: Stage) -> None:
    train = a_train(shared)
    legs = shared.scene.of(train)[0].legs
    one = account(shared, train, [0] * legs.count, 0, 1)
    end = legs.stands[2].call
    assert not np.isnan(one.call_s[: end + 1]).any()
    assert bool(np.isnan(one.call_s[end + 1 :]).all())
    assert one.call_s[end, 0] == one.call_s[end, 1] == one.old_call_s[end, 0]
    assert one.decide_by_s == int(one.old_call_s[end, 0]) - displace_settings().notice.shortened_s
    assert one.harm.trains["shortened"] == 1
    assert one.harm.passenger_min_waiting > 0
    directed, _, exit_s, _ = one.movement
    assert exit_s[-1] == legs.arrivals_s[1]
    assert len(directed) == legs.stands[2].position + 1


def test_a_train_that_begins_on_the_way(shared: Stage) -> None:
    train = a_train(shared)
    legs = shared.scene.of(train)[0].legs
    one = account(shared, train, [0, 0, *[60] * (legs.count - 2)], 2)
    begin = legs.stands[2].call
    assert bool(np.isnan(one.call_s[:begin]).all())
    assert one.call_s[begin, 0] == one.call_s[begin, 1] == one.old_call_s[begin, 1] + 60
    assert one.decide_by_s == int(one.old_call_s[0, 0]) - displace_settings().notice.shortened_s
    rows = one.rows
    assert int(rows.from_s.min()) >= legs.departures_s[2] + 60 - displace_settings().moves.ready_s - 1


def test_a_cancelled_train(shared: Stage) -> None:
    train = a_train(shared)
    one = account(shared, train, None)
    assert bool(np.isnan(one.call_s).all())
    assert len(one.movement[0]) == len(one.rows.zone) == 0
    assert one.delay_s == 0
    origin = int(shared.window.origin[train])
    assert one.harm.eur == pytest.approx(shared.scene.harm.cancel_eur[origin] + shared.scene.harm.shift_eur[origin])
    assert one.decide_by_s == int(one.old_call_s[0, 0]) - displace_settings().notice.cancelled_s


def test_a_train_of_tomorrow_costs_what_it_costs_today() -> None:
    """Behind the seam times are a day later, passengers and prices are those of the day."""
    made = stage(WIDE.replace('"07:00"', '"2026-11-25T04:00"').replace('["07:20", "08:00"]', '["04:20", "04:40"]'))
    train = a_train(made, tomorrow=True)
    count = made.scene.of(train)[0].legs.count
    later = account(made, train, [120] * count)
    calls = made.window.calls_of(train)
    assert later.old_call_s[:, 0].tolist() == (made.window.whole.calls.arrival_s[calls] + DAY_S).tolist()
    today = made.scene.harm.account(
        int(made.window.origin[train]),
        made.window.whole.calls.arrival_s[calls] + 120,
        made.window.whole.calls.departure_s[calls] + 120,
        kind="shifted",
    )
    assert later.harm.eur == pytest.approx(today.eur)
    assert later.harm.passenger_min_delay > 0


def test_a_moved_train_as_part_of_a_day(shared: Stage) -> None:
    train = a_train(shared)
    legs = shared.scene.of(train)[0].legs
    one = account(shared, train, stepped(shared, train, 1, 90))
    made = altered(shared.window.day, [train], [one.added()])
    number = len(made.trains.reference) - 1
    assert made.trains.reference[number] == shared.window.day.trains.reference[train]
    assert made.trains.phase[number] == "moved"
    rows = slice(int(made.movements.start[number]), int(made.movements.start[number + 1]))
    enter, leave, depart = (getattr(made.movements, name)[rows] for name in ("enter_ds", "exit_ds", "depart_ds"))
    assert bool(np.all(enter[1:] >= leave[:-1]))
    assert bool(np.all(depart >= leave))
    assert leave[-1] == round((legs.arrivals_s[-1] + 90) * 10)
    assert len(made.holdings.zone) == len(shared.window.day.holdings.zone)


# -- connections ----------------------------------------------------------------------------------------------------


def met(train: int, late: list[tuple[float, float]], days: int = 0) -> Account:
    """Return a train of the made-up day of ``test_harm`` with how late it is at its calls."""
    start = DAY.calls.start
    window = SimpleNamespace(days={train: days}, calls_of=lambda one: slice(int(start[one]), int(start[one + 1])))
    scene = SimpleNamespace(window=window, harm=HarmModel(DAY, fixed()))
    return cast(Account, SimpleNamespace(scene=scene, train=train, late_s=np.array(late, np.float64)))


GONE = (np.nan, np.nan)


def test_a_missed_connection_is_counted_once() -> None:
    """At B twenty change from t0 to t1 with seven minutes to spare: missed by eight, not when t1 waits."""
    late = met(0, [(0, 0), (480, 480), (480, 480)])
    assert missed_connections([late])[0].passenger_min_missed == pytest.approx(20 * 30)
    assert missed_connections([late, met(1, [(0, 0), (0, 0)])])[0].passenger_min_missed == pytest.approx(20 * 30)
    assert missed_connections([late, met(1, [(90, 90), (90, 90)])])[0].passenger_min_missed == 0


def test_who_loses_a_train_that_does_not_run_does_not_miss_it_besides() -> None:
    """Where either train does not come, the change is part of what that train costs."""
    late = met(0, [(0, 0), (480, 480), (480, 480)])
    assert missed_connections([late, met(1, [GONE, GONE])])[0].passenger_min_missed == 0
    assert missed_connections([met(0, [(0, 0), GONE, GONE])])[0].passenger_min_missed == 0
    assert missed_connections([met(0, [GONE] * 3), met(1, [GONE] * 2)])[0].eur == 0


def test_connections_of_two_days_are_apart() -> None:
    late, tomorrow = met(0, [(0, 0), (480, 480), (480, 480)]), met(1, [(90, 90), (90, 90)], days=1)
    found = missed_connections([late, tomorrow])
    assert list(found) == [0, 1]
    assert found[0].passenger_min_missed == pytest.approx(20 * 30)
    assert found[1].passenger_min_missed == 0
    assert missed_connections([]) == {}


# -- a proposal as a whole ------------------------------------------------------------------------------------------


def proposals() -> list[Proposal]:
    """Return the proposals of the short request, and that of half a signature."""
    found = [answer(), answer(WIDE + HALF_SIGNED)]
    return [one for each in found if each.plan.displacement for one in each.plan.displacement.proposals]


def test_harm_adds_up() -> None:
    for one in proposals():
        moves = sum(move.harm.eur for move in one.moves)
        assert one.harm.eur == pytest.approx(moves + one.missed.eur, abs=0.02 * len(one.moves))
        for rows in (one.by_segment, one.by_hour):
            assert sum(row.eur for row in rows) == pytest.approx(moves, abs=0.02 * len(one.moves))
            assert sum(row.trains for row in rows) == len(one.moves)
        assert sum(one.harm.trains.values()) == len(one.moves)
        assert one.harm.eur_low <= one.harm.eur <= one.harm.eur_high
        for kind, number in one.harm.trains.items():
            assert number == sum(move.kind == kind for move in one.moves)


def test_the_least_harm_is_the_least_of_what_is_told() -> None:
    """With connections, which the price of a candidate leaves out."""
    for found in (answer(), answer(WIDE + HALF_SIGNED)):
        assert found.plan.displacement is not None
        told = [one.harm.eur for one in found.plan.displacement.proposals]
        assert told[0] == min(told)


def test_a_train_is_told_once_and_to_one_holder() -> None:
    for one in proposals():
        names = [move.train for move in one.moves]
        assert len(set(names)) == len(names)
        assert names == [move.train for move in sorted(one.moves, key=lambda move: (-move.harm.eur, move.train))]
        told = [train.train for notice in one.notices for train in notice.trains]
        assert sorted(told) == sorted(names)
        by_name = {move.train: move for move in one.moves}
        for notice in one.notices:
            moves = [by_name[train.train] for train in notice.trains]
            assert {move.undertaking for move in moves} == {notice.undertaking}
            assert notice.send_by_s == min(move.decide_by_s for move in moves)
            assert {line.id for line in notice.citations} == {move.rule.id for move in moves}


def test_the_last_moment_is_that_of_the_first_to_know() -> None:
    rules = displace_settings().notice
    for one in proposals():
        departure_s = one.paths[0].pieces[0].depart_s
        assert one.decide_by_s <= int(departure_s) - rules.military_s
        assert one.decide_by_s == min([move.decide_by_s for move in one.moves] + [int(departure_s) - rules.military_s])
        for move in one.moves:
            assert move.decide_by_s <= _first_change_s(move) - getattr(rules, f"{move.kind}_s")


def _first_change_s(move: Move) -> int:
    times: list[int] = []
    for call in move.calls:
        if (call.old_arrival_s, call.old_departure_s) != (call.new_arrival_s, call.new_departure_s):
            pairs = ((call.old_arrival_s, call.new_arrival_s), (call.old_departure_s, call.new_departure_s))
            times += [min(old, old if new is None else new) for old, new in pairs if old != new]
    return min(times)


def test_what_is_told_is_what_the_kind_says() -> None:
    for one in proposals():
        for move in one.moves:
            gone = [call.new_arrival_s is None for call in move.calls]
            assert all(gone) == (move.kind == "cancelled")
            assert any(gone) == (move.kind in ("cancelled", "shortened"))
            late = [
                call.new_departure_s - call.old_departure_s for call in move.calls if call.new_departure_s is not None
            ]
            if move.kind in ("shifted", "held"):
                assert move.delay_s == (max(late) if max(late) > 0 else min(late))
                assert len(move.legs) > 0
            if move.kind == "cancelled":
                assert not move.legs
                assert not move.held

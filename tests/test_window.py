"""A stretch of the day as a day of its own, trains cut into legs, and a day with some trains gone and others added."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from days import same_day, small_day
from displace_cases import railway
from weerspoor.common.clock import DAY_S
from weerspoor.kernel.retiming import Retimed, rows_at
from weerspoor.timetable.altered import Added, altered
from weerspoor.timetable.day import Day
from weerspoor.timetable.legs import Legs, legs_of
from weerspoor.timetable.window import Window, copies, copy_reference, rows_by_train, window_of

NIGHT = (101_000, 112_000)
"""From 04:03 in the night to 07:06, over the seam."""
MORNING = (30_000, 34_000)
LEAD_S = 300


@cache
def window(stretch: tuple[int, int] = NIGHT) -> Window:
    return window_of(railway()[1], *stretch)


def rows_of(day: Day, train: int) -> set[tuple[int, ...]]:
    """Return what a train of a day holds, looked up row by row."""
    held = day.holdings
    at = np.flatnonzero(held.train == train)
    columns = (held.zone, held.from_s, held.until_s, held.occupies, held.blocks)
    return set(zip(*(column[at].tolist() for column in columns), strict=True))


def added_of(day: Day, train: int) -> Added:
    """Return a train of a day as it may be added to another."""
    trains, calls, moves = day.trains, day.calls, day.movements
    c = slice(int(calls.start[train]), int(calls.start[train + 1]))
    m = slice(int(moves.start[train]), int(moves.start[train + 1]))
    whole = Window(day, day, np.zeros(0, np.int32), np.zeros(0, np.int32), 0, 0)
    return Added(
        trains.reference[train], trains.series[train], trains.kind[train], trains.layer[train], trains.phase[train],
        float(trains.length_m[train]), int(trains.occupies[train]), calls.point[c], calls.arrival_s[c],
        calls.departure_s[c], calls.planned_arrival_s[c], calls.planned_departure_s[c], calls.track[c],
        moves.directed[m], moves.enter_ds[m], moves.exit_ds[m], moves.depart_ds[m], whole.rows_of(train),
    )  # fmt: skip


# -- the window -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stretch", [NIGHT, MORNING])
def test_every_train_that_is_met_is_there_once(stretch: tuple[int, int]) -> None:
    """Against the rows of the day, one by one: of today and, behind the seam, of tomorrow as ``+1``."""
    day, found = railway()[1], window(stretch)
    met = set()
    for days in (-1, 0, 1, 2):
        shift = days * DAY_S
        rows = (day.holdings.until_s + shift > stretch[0]) & (day.holdings.from_s + shift < stretch[1])
        # A train between two rows of its own is met as well.
        first, last = np.full(len(day.trains.reference), 2**30), np.full(len(day.trains.reference), -(2**30))
        np.minimum.at(first, day.holdings.train, day.holdings.from_s)
        np.maximum.at(last, day.holdings.train, day.holdings.until_s)
        spans = np.flatnonzero((first + shift < stretch[1]) & (last + shift > stretch[0]))
        assert set(day.holdings.train[rows].tolist()) <= set(spans.tolist())
        met |= {(train, days) for train in spans.tolist()}
    pairs = list(zip(found.origin.tolist(), found.days.tolist(), strict=True))
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == met
    names = found.day.trains.reference
    assert len(set(names)) == len(names)
    assert names == [day.trains.reference[i] + ("+1" if k else "") for i, k in pairs]
    assert any(k == 1 for _, k in pairs) == (stretch == NIGHT)
    assert not found.day.periodic


def test_times_and_holdings_are_those_of_the_day() -> None:
    day, found = railway()[1], window()
    for train in range(0, len(found.origin), 17):
        origin, by_s = int(found.origin[train]), int(found.days[train]) * DAY_S
        there = {(zone, a + by_s, b + by_s, *bits) for zone, a, b, *bits in rows_of(day, origin)}
        assert rows_of(found.day, train) == there
        rows = found.rows_of(train)
        assert set(zip(rows.zone.tolist(), rows.from_s.tolist(), rows.until_s.tolist(), strict=True)) == {
            row[:3] for row in there
        }
        old = slice(int(day.calls.start[origin]), int(day.calls.start[origin + 1]))
        new = slice(int(found.day.calls.start[train]), int(found.day.calls.start[train + 1]))
        assert found.calls_of(train) == old
        for name in ("arrival_s", "departure_s"):
            assert np.array_equal(getattr(day.calls, name)[old] + by_s, getattr(found.day.calls, name)[new])
        for name in ("planned_arrival_s", "planned_departure_s"):
            was, now = getattr(day.calls, name)[old], getattr(found.day.calls, name)[new]
            assert np.array_equal(np.where(was < 0, was, was + by_s), now)
        assert day.calls.track[old] == found.day.calls.track[new]
        old = slice(int(day.movements.start[origin]), int(day.movements.start[origin + 1]))
        new = slice(int(found.day.movements.start[train]), int(found.day.movements.start[train + 1]))
        assert np.array_equal(day.movements.directed[old], found.day.movements.directed[new])
        for name in ("enter_ds", "exit_ds", "depart_ds"):
            assert np.array_equal(
                getattr(day.movements, name)[old] + 10 * by_s, getattr(found.day.movements, name)[new]
            )


def test_holdings_stand_in_order_of_zone_and_time() -> None:
    held = window().day.holdings
    key = (held.zone.astype(np.int64) << 32) + held.from_s
    assert bool(np.all(key[1:] >= key[:-1]))


def test_turns_are_those_of_the_day_that_lie_in_the_window() -> None:
    day, found = railway()[1], window()
    assert day.turns is not None
    wanted = {}
    pairs = zip(day.turns.turn_from.tolist(), day.turns.turn_to.tolist(), day.turns.turn_least_s.tolist(), strict=True)
    for train, then, least_s in pairs:
        for days in (0, 1):
            if (train, days) in found.number and (then, days) in found.number:
                wanted[found.number[train, days]] = (found.number[then, days], least_s)
    assert found.turns == wanted
    assert len({then for then, _ in wanted.values()}) == len(wanted) > 50


def test_the_reserve_comes_along() -> None:
    day, found = railway()[1], window()
    assert day.reserve is not None
    assert found.day.reserve is not None
    names = {copy_reference(name, days) for name in day.reserve.trains.reference for days in (0, 1)}
    assert 0 < len(found.day.reserve.trains.reference) < len(day.reserve.trains.reference)
    assert set(found.day.reserve.trains.reference) <= names


def test_a_day_that_does_not_repeat_has_no_copies() -> None:
    day = small_day([(0, 0, 100, 200), (1, 1, 300, 400)])
    found = window_of(day, 150, 250)
    assert found.day.trains.reference == ["t0"]
    assert list(copies(day, 0, 10 * DAY_S)) == [0]
    assert found.turns == {}
    again = small_day([(0, 0, 100, 200), (1, 1, 300, 400)], periodic=True)
    assert window_of(again, 150 + DAY_S, 350 + DAY_S).day.trains.reference == ["t0+1", "t1+1"]
    assert copy_reference("t0", -1) == "t0-1"


# -- legs -----------------------------------------------------------------------------------------------------------


def legs(train: int, stretch: tuple[int, int] = MORNING) -> Legs:
    found = legs_of(window(stretch), train, LEAD_S)
    assert found is not None
    return found


def test_rows_moved_by_nothing_are_those_of_the_day() -> None:
    found = window(MORNING)
    for train in range(0, len(found.origin), 5):
        one = legs(train)
        rows, held = (
            rows_at(one.moving, Retimed(0, one.count - 1, np.zeros(one.count, np.int32), 0.0)),
            found.rows_of(train),
        )
        for name in ("zone", "from_s", "until_s", "occupies", "blocks"):
            assert np.array_equal(getattr(rows, name), getattr(held, name))


def test_whatever_the_shifts_a_train_holds_what_it_runs_over() -> None:
    """Each zone is held while the train is on it: each piece as its leg runs, the stand until it leaves."""
    network, found = railway()[0], window(MORNING)
    rng = np.random.default_rng(5)
    moves = found.day.movements
    for train in range(0, len(found.origin), 3):
        one = legs(train)
        part = slice(int(moves.start[train]), int(moves.start[train + 1]))
        enter, leave, depart = (getattr(moves, name)[part] / 10.0 for name in ("enter_ds", "exit_ds", "depart_ds"))
        zone = network.pieces.zone[moves.directed[part] >> 1]
        shift = np.cumsum(rng.integers(0, 200, one.count)).astype(np.int32)
        rows = rows_at(one.moving, Retimed(0, one.count - 1, shift, 0.0))
        assert bool(np.all(rows.until_s > rows.from_s))
        held: dict[int, list[tuple[int, int]]] = {}
        for z, a, b in zip(rows.zone.tolist(), rows.from_s.tolist(), rows.until_s.tolist(), strict=True):
            held.setdefault(z, []).append((a, b))
        stands = {stand.position: number for number, stand in enumerate(one.stands)}
        leg = 0
        for i in range(1, len(enter)):
            begins, ends = enter[i] + shift[leg], leave[i] + shift[leg]
            if 0 < stands.get(i, 0) < one.count:
                leg = stands[i]
                ends = depart[i] + shift[leg]
            spans = held[int(zone[i])]
            assert any(a <= begins + 0.5 and b >= ends - 0.5 for a, b in spans), (found.day.trains.reference[train], i)


def test_calls_told_in_steps_belong_to_the_right_leg() -> None:
    """Calls are rounded to tenths of a minute, so a train may leave up to three seconds after its call says so."""
    found, rounded = window(MORNING), 0
    calls = found.day.calls
    for train in range(len(found.origin)):
        one, first = legs(train), int(calls.start[train])
        for number, stand in enumerate(one.stands[1:-1], 1):
            if stand.call >= 0:
                arrival, departure = calls.arrival_s[first + stand.call], calls.departure_s[first + stand.call]
                assert one.legs_at([arrival, departure]).tolist() == [number - 1, number]
                rounded += departure < stand.departure_s
    assert rounded > 100


def test_legs_join_where_the_train_stands() -> None:
    found = window(MORNING)
    for train in range(0, len(found.origin), 7):
        one = legs(train)
        assert one.stands[0].position == 0
        assert one.stands[-1].position == int(np.diff(found.day.movements.start)[train]) - 1
        assert bool(np.all(one.departures_s[1:] > one.arrivals_s[:-1]))
        assert bool(np.all(one.arrivals_s > one.departures_s))


def test_a_train_without_a_run_has_no_legs() -> None:
    day = small_day([(0, 0, 100, 200), (1, 1, 300, 400)])
    gone = altered(day, [0, 1], [added_of(day, 1), _without_run(added_of(day, 0))])
    found = window_of(gone, 0, 1_000)
    assert legs_of(found, 0, LEAD_S) is not None
    assert legs_of(found, 1, LEAD_S) is None


def _without_run(train: Added) -> Added:
    none = np.empty(0, np.int32)
    return replace(train, directed=none, enter_ds=none, exit_ds=none, depart_ds=none)


# -- a day that is altered ------------------------------------------------------------------------------------------


def test_trains_gone_and_added_leave_the_rest_as_it_was() -> None:
    day = window().day
    gone = {3, 40, 41, 200}
    back = [added_of(day, train) for train in sorted(gone)]
    made = altered(day, gone, back)
    kept = [train for train in range(len(day.trains.reference)) if train not in gone]
    assert made.trains.reference == [day.trains.reference[train] for train in [*kept, *sorted(gone)]]
    assert made.passengers is None
    assert made.turns is None
    start, rows = rows_by_train(made)
    was_start, was_rows = rows_by_train(day)
    for number, train in enumerate([*kept, *sorted(gone)]):
        for name in ("zone", "from_s", "until_s", "occupies", "blocks"):
            now = getattr(made.holdings, name)[rows[start[number] : start[number + 1]]]
            was = getattr(day.holdings, name)[was_rows[was_start[train] : was_start[train + 1]]]
            assert now.dtype == was.dtype
            assert now.tobytes() == was.tobytes()
        for part, names in (
            ("calls", ("point", "arrival_s", "departure_s", "planned_arrival_s", "planned_departure_s", "track")),
            ("movements", ("directed", "enter_ds", "exit_ds", "depart_ds")),
        ):
            one, other = getattr(made, part), getattr(day, part)
            for name in names:
                now = getattr(one, name)[int(one.start[number]) : int(one.start[number + 1])]
                was = getattr(other, name)[int(other.start[train]) : int(other.start[train + 1])]
                assert np.array_equal(now, was)
        for name in ("series", "kind", "layer", "phase", "length_m", "occupies"):
            assert getattr(made.trains, name)[number] == getattr(day.trains, name)[train]
    assert len(made.holdings.zone) == len(day.holdings.zone)


def test_nothing_gone_and_nothing_added_is_the_same_day() -> None:
    day = small_day([(0, 0, 100, 200), (1, 0, 300, 400)], kept=[(1, 1, 300, 350, 4)])
    assert same_day(altered(day, (), ()), day)


def test_the_last_train_back_in_its_place_is_the_same_day() -> None:
    day = small_day([(0, 0, 100, 200), (0, 1, 190, 260), (1, 0, 300, 400)])
    assert same_day(altered(day, [1], [added_of(day, 1)]), day)
    assert altered(day, [0, 1], ()).trains.reference == []

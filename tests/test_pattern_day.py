"""The embedded pattern weekday: complete, on the tracks, free of conflicts, also across the seam."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import weerspoor.data
from weerspoor.network.load import load_network
from weerspoor.network.model import Network
from weerspoor.timetable.assignment import assign
from weerspoor.timetable.day import Day
from weerspoor.timetable.demand import load_contradictions, load_demand
from weerspoor.timetable.harm import HarmModel, load_harm_values
from weerspoor.timetable.measure import not_placed, punctuality
from weerspoor.timetable.store import load_day, rounded

DAY_S = 86_400


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network()


@pytest.fixture(scope="module")
def day(network: Network) -> Day:
    return load_day("pattern-weekday", network)


def test_it_is_small_enough_to_ship() -> None:
    """The file stays under 8 MB."""
    path = Path(weerspoor.data.__file__).parent / "pattern_weekday.day"
    assert path.stat().st_size <= 8_000_000


def test_no_two_trains_hold_a_zone_at_once(day: Day) -> None:
    """A sweep over every zone, with the trains of the day before and after, finds no overlap of different trains."""
    held = day.holdings
    shift = np.repeat(np.array([-DAY_S, 0, DAY_S], np.int64), len(held.zone))
    zone = np.tile(held.zone.astype(np.int64), 3)
    begin, end = np.tile(held.from_s, 3) + shift, np.tile(held.until_s, 3) + shift
    owner = np.tile(held.train.astype(np.int64), 3) * 3 + shift // DAY_S + 1
    order = np.lexsort((begin, zone))
    zone, begin, end, owner = zone[order], begin[order], end[order], owner[order]
    latest: dict[int, tuple[int, int]] = {}
    clashes = []
    for z, b, e, o in zip(zone.tolist(), begin.tolist(), end.tolist(), owner.tolist(), strict=True):
        until, by = latest.get(z, (-(10**9), -1))
        if b < until and by != o:
            clashes.append((z, b, by, o))
        if e > until:
            latest[z] = (e, o)
    assert not clashes, clashes[:5]


def test_every_train_runs_on_without_a_jump(day: Day, network: Network) -> None:
    """Each directed piece follows the one before, or the train turned after a stand; times never fall."""
    moves = day.movements
    start, following = network.successor_start, network.successor
    jumps, turns = [], 0
    for train in range(len(day.trains.reference)):
        low, high = int(moves.start[train]), int(moves.start[train + 1])
        for at in range(low, high - 1):
            here, onward = int(moves.directed[at]), int(moves.directed[at + 1])
            if onward not in following[start[here] : start[here + 1]]:
                if moves.enter_ds[at + 1] < moves.exit_ds[at]:
                    jumps.append((day.trains.reference[train], at - low))
                turns += 1
        assert np.all(np.diff(moves.exit_ds[low:high]) >= 0), day.trains.reference[train]
    assert not jumps, jumps[:5]
    assert turns < 2 * len(day.trains.reference)


def test_it_has_the_trains_of_the_demand(day: Day) -> None:
    """Each missing train is listed with its reason, and there are not more of them than docs/limits.md says."""
    demand = load_demand()
    wanted = {name for name, layer in zip(demand.reference, demand.layer, strict=True) if layer != "reserve"}
    missing = wanted - set(day.trains.reference)
    assert missing == {reference for reference, _ in not_placed(day)}
    assert len(missing) <= 0.041 * len(wanted)
    assert all(reason for _, reason in not_placed(day))


def test_its_known_minutes_are_kept_as_documented(day: Day) -> None:
    """The share of trains near their known minute is not less than docs/limits.md says."""
    known = next(row for row in punctuality(day, load_demand(), load_contradictions()) if row.phase == "anchored2")
    assert known.share_close >= 0.85
    assert known.share_far >= 0.94


def test_the_reserve_is_a_layer_of_its_own(day: Day) -> None:
    """Reserve paths are in the day's reserve, not among its trains."""
    assert day.reserve is not None
    assert set(day.reserve.trains.layer) == {"reserve"}
    assert "reserve" not in day.trains.layer
    assert day.periodic
    assert day.kind == "weekday"


def test_its_passengers_are_whole(day: Day) -> None:
    """On every train as many board as alight, nobody is aboard after its last call, and no train is absurdly full."""
    found, start = day.passengers, day.calls.start
    assert found is not None
    on, off = np.add.reduceat(found.boarding, start[:-1]), np.add.reduceat(found.alighting, start[:-1])
    assert np.array_equal(on, off)
    assert found.aboard.min() >= 0
    assert not found.aboard[start[1:] - 1].any()
    assert 500 < found.aboard.max() < 1_500
    assert not found.boarding[np.isin(np.repeat(day.trains.layer, np.diff(start)), ["freight"])].any()
    trips = found.boarding.sum() - found.connection_passengers.sum()
    assert 1_280_000 < trips < 1_600_000


def test_its_connections_can_be_made(day: Day) -> None:
    """Who changes gets off before getting on, at the same point, with time to spare or none."""
    found, calls = day.passengers, day.calls
    assert found is not None
    first, onward = found.connection_from, found.connection_to
    assert np.array_equal(calls.point[first], calls.point[onward])
    assert found.connection_spare_s.min() >= 0
    assert np.all(calls.departure_s[onward] - calls.arrival_s[first] > found.connection_spare_s)
    alighting = np.bincount(first, found.connection_passengers, len(calls.point))
    assert np.all(alighting <= found.alighting + 4)


def test_its_passengers_are_those_of_its_trains(day: Day, network: Network) -> None:
    """Working them out again gives the same, within the steps in which they are stored and what processors differ."""
    found = day.passengers
    assert found is not None
    again, trips, stations = assign(day, network)
    again = rounded(again, day.calls)
    assert trips.trips.sum(axis=1) == pytest.approx(stations.begin, rel=1e-3)
    assert trips.trips.sum(axis=0) == pytest.approx(stations.end, rel=1e-3)
    assert np.abs(again.aboard - found.aboard).max() <= 1
    assert np.mean(again.wait_s != found.wait_s) < 0.001


def test_its_turns_are_possible(day: Day) -> None:
    """Each train's stock goes on once, from where it ended, as a train of its kind, no sooner than it can."""
    turns, calls = day.turns, day.calls
    assert turns is not None
    first, onward = turns.turn_from, turns.turn_to
    assert len(np.unique(first)) == len(np.unique(onward)) == len(first)
    end, begin = calls.start[first + 1] - 1, calls.start[onward]
    assert np.array_equal(calls.point[end], calls.point[begin])
    assert np.all(calls.departure_s[begin] - calls.arrival_s[end] >= turns.turn_least_s)
    kind = np.array(day.trains.kind)
    assert np.array_equal(kind[first], kind[onward])
    assert len(first) > 4_500


def test_prices_of_its_trains_are_those_of_the_accounts(day: Day) -> None:
    """Trains all over the day: cancelling them, ending or beginning half-way costs by price what it costs in full."""
    values = load_harm_values()
    model = HarmModel(day, replace(values, touched_eur=np.zeros(3)))
    calls = day.calls
    for train in range(7, len(day.trains.kind), 331):
        low, high = int(calls.start[train]), int(calls.start[train + 1])
        arrival, departure = calls.arrival_s[low:high], calls.departure_s[low:high]
        middle = (high - low) // 2
        cancelled = model.account(train, arrival, departure, kind="cancelled")
        assert model.cancel_eur[train] == pytest.approx(cancelled.eur)
        ends = model.account(train, arrival, departure, runs_until=middle, kind="shortened")
        begins = model.account(train, arrival, departure, runs_from=middle, kind="shortened")
        assert model.cancel_from_eur[low + middle] == pytest.approx(ends.eur)
        assert model.cancel_until_eur[low + middle] == pytest.approx(begins.eur)
        assert model.account(train, arrival, departure, kind="held").eur == 0

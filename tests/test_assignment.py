"""Passengers on trains: small timetables with the journeys worked out beside them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timetables import places, seconds, timetable
from weerspoor.common.errors import DataError
from weerspoor.timetable.assignment import (
    FOREVER_S,
    Choices,
    Scan,
    Stations,
    Trips,
    _backward,
    balanced,
    deterrence,
    gravity,
    load_choices,
    load_trains,
    make_scan,
    no_labels,
    over_days,
    passenger_calls,
    skims_of,
    stations_of,
)
from weerspoor.timetable.day import Day, Passengers
from weerspoor.timetable.gtfs import with_passengers
from weerspoor.timetable.measure import passenger_line

CHOICES = replace(
    load_choices(),
    change_s=180,
    change_penalty_s=600,
    longest_extra_s=7200,
    first_wait_weight=0.5,
    first_wait_most_s=3600.0,
    least_connection=0.0,
    hours=np.array([0.5, 0.5]),
)
"""Half of the trips are wished between five and six, half between six and seven."""

#  t0  A 6:00 ── 6:10 B                         t4  A 6:05 ── 6:20 B 6:21 ── 6:50 C
#  t2            6:15 B ── 6:30 C
#  t1  A 7:00 ── 7:10 B
#  t3            7:15 B ── 7:30 C
THREE = timetable(
    [
        ("sprinter", [("A", "", "6:00"), ("B", "6:10", "")]),
        ("sprinter", [("A", "", "7:00"), ("B", "7:10", "")]),
        ("sprinter", [("B", "", "6:15"), ("C", "6:30", "")]),
        ("sprinter", [("B", "", "7:15"), ("C", "7:30", "")]),
        ("sprinter", [("A", "", "6:05"), ("B", "6:20", "6:21"), ("C", "6:50", "")]),
    ],
    "ABC",
)
NAMES = [f"t{train}{point}" for train, point in zip("0011223344" + "4", "ABABBCBCAB" + "C", strict=True)]


def scan_of(day: Day, points: str) -> tuple[Scan, Stations]:
    """Return the scan of a day whose points are all stations."""
    network = places(points)
    count = len(points)
    ones = np.ones(count)
    stations = Stations(np.arange(count), ones, ones, np.zeros(count), np.zeros(count, np.bool_))
    return make_scan(day, network, stations, passenger_calls(day, network), CHOICES), stations


def loaded(pairs: dict[str, float], estimated: tuple[float, ...] = (0.0, 0.0, 0.0)) -> Passengers:
    """Return the passengers of the three stations for trips such as ``{"AC": 120}``."""
    scan, stations = scan_of(THREE, "ABC")
    trips = np.zeros((3, 3))
    for pair, count in pairs.items():
        trips["ABC".index(pair[0]), "ABC".index(pair[1])] = count
    cost, km, served = skims_of(scan, CHOICES)
    stations = replace(stations, estimated=np.array(estimated))
    return load_trains(THREE, scan, stations, Trips(trips, cost, km, served, 0.0), CHOICES)


def by_name(values: Any) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in zip(NAMES, values, strict=True) if value}


def test_who_takes_which_train() -> None:
    """A to C: to six o'clock by t0 and t2, who arrive at 6:30, ten minutes for the change still before the direct t4.

    Of 120 half wish to leave before 6:00, 1/24 before 6:05: these have t4; the rest must wait for 7:00.
    """
    found = loaded({"AC": 120})
    assert by_name(found.boarding) == {"t0A": 60, "t1A": 55, "t2B": 60, "t3B": 55, "t4A": 5}
    assert by_name(found.alighting) == {"t0B": 60, "t1B": 55, "t2C": 60, "t3C": 55, "t4C": 5}
    assert by_name(found.aboard) == {"t0A": 60, "t1A": 55, "t2B": 60, "t3B": 55, "t4A": 5, "t4B": 5}


def test_connections() -> None:
    """From t0 to t2 five minutes, two more than needed; who misses it has t4 twenty minutes later, after t3 nothing."""
    found = loaded({"AC": 120})
    rows = [(NAMES[a], NAMES[b]) for a, b in zip(found.connection_from, found.connection_to, strict=True)]
    assert rows == [("t0B", "t2B"), ("t1B", "t3B")]
    assert found.connection_passengers.tolist() == [60, 55]
    assert found.connection_spare_s.tolist() == [120, 120]
    assert found.connection_wait_s.tolist() == [1200, 7200]


def test_waits() -> None:
    """What those aboard lose when their train runs no further: the next way from there, at most two hours."""
    found = loaded({"AC": 120})
    assert by_name(found.wait_s) == {
        "t0A": 1200, "t1A": 7200, "t2B": 1200, "t3B": 7200, "t4A": 2400, "t4B": 2400,
    }  # fmt: skip


def test_boarding_on_the_way() -> None:
    """B to C: 5/8 of the wishes lie before 6:15, 1/20 before 6:21, the rest before 7:15."""
    found = loaded({"BC": 24})
    assert by_name(found.boarding) == {"t2B": 15.0, "t3B": 7.8, "t4B": 1.2}
    assert len(found.connection_from) == 0


def test_estimated_share() -> None:
    """Half of what begins at A is estimated, nothing at C; aboard t2 120 of B and 60 of A: a sixth is estimated."""
    found = loaded({"AC": 120, "BC": 192}, (0.5, 0.0, 0.0))
    shares = by_name(found.estimated)
    assert shares["t0A"] == 0.5
    assert shares["t2B"] == pytest.approx(1 / 6, abs=1e-4)


def test_costs() -> None:
    """A to C costs 40, 45 and 40 minutes with the change's ten, and half of the wait: 30, 2.5 and 27.5 minutes."""
    scan, _ = scan_of(THREE, "ABC")
    cost, km, served = skims_of(scan, CHOICES)
    expected = 0.5 * 55 + 1 / 24 * 46.25 + 11 / 24 * 53.75
    assert cost[0, 2] / 60 == pytest.approx(expected)
    assert km[0, 2] == pytest.approx(20, rel=1e-3)
    assert served[0, 2] == pytest.approx(1)
    assert served[2, 0] == 0


def test_who_wishes_to_leave_after_the_last_train_takes_an_earlier_one() -> None:
    """B to C until 7:00 only half an hour late is served; all trips are made all the same."""
    hours = np.array([0.5, 0.25, 0.25])
    scan, stations = scan_of(THREE, "ABC")
    late = replace(CHOICES, hours=hours)
    scan = make_scan(THREE, places("ABC"), stations, passenger_calls(THREE, places("ABC")), late)
    cost, km, served = skims_of(scan, late)
    assert served[1, 2] == pytest.approx(0.8125)
    trips = np.zeros((3, 3))
    trips[1, 2] = 80
    found = load_trains(THREE, scan, stations, Trips(trips, cost, km, served, 0.0), late)
    assert found.boarding.sum() == pytest.approx(80)


def test_a_train_that_nobody_asked_to_stop_comes_from_abroad() -> None:
    """Where a train begins at a border it brings its passengers, and nobody of the station nearby boards it there."""
    day = timetable([("ice", [("X", "", "6:00"), ("A", "6:10", "6:12"), ("B", "6:30", "")])], "XAB")
    calls = passenger_calls(day, places("XAB", borders="X"))
    assert calls.abroad.tolist() == [True, False, False]
    assert calls.begins.tolist() == [True, False, False]


def test_passengers_across_the_border() -> None:
    """An ICE brings the passengers of the table; begin and end have the same total."""
    day = timetable([("ice", [("X", "", "6:00"), ("A", "6:10", "6:12"), ("B", "6:30", "")])], "XAB")
    network = places("XAB", borders="X")
    found = stations_of(day, network, passenger_calls(day, network))
    assert found.abroad.tolist() == [True]
    assert found.begin.tolist() == [200.0]


def test_trains_with_reserved_seats_take_only_those_who_cross_the_border() -> None:
    """A Eurostar from A by B over the border X: A to B goes by the slower sprinter, A to X by the Eurostar."""
    day = timetable(
        [
            ("eurostar", [("A", "", "6:30"), ("B", "6:40", "6:41"), ("X", "7:00", "")]),
            ("sprinter", [("A", "", "6:30"), ("B", "6:55", "")]),
        ],
        "ABX",
    )
    network = places("ABX", borders="X")
    ones = np.ones(3)
    stations = Stations(np.arange(3), ones, ones, np.zeros(3), np.array([False, False, True]))
    scan = make_scan(day, network, stations, passenger_calls(day, network), CHOICES)
    cost, km, served = skims_of(scan, CHOICES)
    trips = np.zeros((3, 3))
    trips[0, 1], trips[0, 2] = 30, 50
    found = load_trains(day, scan, stations, Trips(trips, cost, km, served, 0.0), CHOICES)
    assert found.boarding.tolist() == [50, 0, 0, 30, 0]


def test_freight_has_no_passengers() -> None:
    """Freight trains and points that are passed are no calls."""
    day = timetable(
        [
            ("freight_mixed", [("A", "", "6:00"), ("B", "6:10", "")]),
            ("sprinter", [("A", "", "6:00"), ("B", "6:10", "")]),
        ],
        "AB",
        layers=["freight", "passenger"],
    )
    assert passenger_calls(day, places("AB")).train.tolist() == [1, 1]


def test_furness_keeps_both_sums() -> None:
    """Rows and columns sum to what begins and ends; a forbidden pair stays empty; ratios are those of the weights."""
    weights = np.array([[0.0, 2.0, 1.0], [1.0, 0.0, 3.0], [1.0, 1.0, 0.0]])
    begin, end = np.array([10.0, 30.0, 20.0]), np.array([15.0, 20.0, 25.0])
    found = balanced(weights, begin, end, 1e-9, 1000)
    assert found.sum(axis=1) == pytest.approx(begin)
    assert found.sum(axis=0) == pytest.approx(end)
    assert np.all(np.diag(found) == 0)
    cycle = found[0, 1] * found[1, 2] * found[2, 0] / (found[0, 2] * found[2, 1] * found[1, 0])
    assert cycle == pytest.approx(2 * 3 * 1 / (1 * 1 * 1))


def test_trips_that_cannot_be_spread() -> None:
    """Who can go to one place only, which takes fewer, is an error."""
    weights = np.array([[0.0, 1.0], [1.0, 0.0]])
    with pytest.raises(DataError, match="cannot be spread"):
        balanced(weights, np.array([10.0, 5.0]), np.array([10.0, 5.0]), 1e-6, 100)


def test_a_feed_of_few_trains_gets_no_passengers() -> None:
    """Utrecht's trips do not fit into Bilthoven and Amersfoort; unknown stations and Saturdays have none."""
    day = timetable(
        [("sprinter", [("A", "", "6:10"), ("B", "6:20", "6:21"), ("C", "6:30", "")])] * 2
        + [("sprinter", [("C", "", "6:40"), ("B", "6:50", "6:51"), ("A", "7:00", "")])],
        "ABC",
    )
    network = places("ABC")
    found, line = with_passengers(day, network)
    assert found.passengers is None and found.turns is not None
    assert "no train leads" in line
    network.points.code[:] = ["Ut", "Bhv", "Amf"]
    found, line = with_passengers(day, network)
    assert found.passengers is None and "cannot be spread" in line
    found, line = with_passengers(replace(day, kind="saturday"), network)
    assert found.passengers is None and "weekdays only" in line


def test_deterrence() -> None:
    """At 25 minutes half of 25^-2; at 100 minutes 64/65 of 100^-2; less than a minute counts as one."""
    choices = replace(CHOICES, near_min=25.0, near_power=3.0)
    found = deterrence(np.array([1500.0, 6000.0, 10.0]), 2.0, choices)
    assert found == pytest.approx([0.5 / 625, 64 / 65 / 10_000, 1 / (1 + 25**3)])


def test_two_days_have_two_days_trips() -> None:
    """The hours of a second day follow those of the first a day later, each with half of the trips of both."""
    two = over_days(CHOICES, 2)
    assert two.hours.sum() == pytest.approx(1)
    assert np.flatnonzero(two.hours).tolist() == [0, 1, 24, 25]
    assert over_days(CHOICES, 1).hours[:2].tolist() == CHOICES.hours.tolist()


def test_what_a_day_holds_in_a_line() -> None:
    """120 trips of 20 km; a day without passengers says so."""
    network = places("ABC")
    network.points.code[:] = ["Ut", "Bhv", "Odz"]
    line = passenger_line(replace(THREE, passengers=loaded({"AC": 120_000})), network)
    assert line.startswith("Passengers: 120,000 trips and 2.4 million km")
    assert "at 1 of 3 stations; 2 connections" in line
    assert "none worked out" in passenger_line(THREE, network)


def test_gravity_has_the_wanted_length() -> None:
    """With the mean length wanted, between the shortest and the longest possible."""
    out = [("A", "", "5:20"), ("B", "5:30", "5:31"), ("C", "5:40", "5:41"), ("D", "5:50", "")]
    back = [("D", "", "6:00"), ("C", "6:10", "6:11"), ("B", "6:20", "6:21"), ("A", "6:30", "")]
    day = timetable([("sprinter", out), ("sprinter", back)], "ABCD")
    scan, stations = scan_of(day, "ABCD")
    begin = np.array([40.0, 30.0, 30.0, 40.0])
    stations = replace(stations, begin=begin, end=begin)
    found = gravity(stations, skims_of(scan, CHOICES), replace(CHOICES, mean_km=16.0, tolerance=1e-6))
    assert (found.trips * found.km).sum() / found.trips.sum() == pytest.approx(16.0, abs=0.01)
    assert found.trips.sum(axis=1) == pytest.approx(begin, rel=1e-4)


def plain_costs(scan: Scan, to: int, choices: Choices) -> list[int]:
    """Return the least cost from every element by trying every way on: the oracle of the compiled scan."""
    known: dict[int, int] = {}

    def cost(here: int) -> int:
        if here not in known:
            following = int(scan.onward[here])
            if scan.station[following] == to:
                known[here] = int(scan.arrival_s[following])
            else:
                ways = [FOREVER_S]
                if scan.onward[following] >= 0:
                    ways.append(cost(following))
                ready = scan.arrival_s[following] + choices.change_s
                for other in range(len(scan.row)):
                    here_too = scan.onward[other] >= 0 and scan.station[other] == scan.station[following]
                    if here_too and scan.departure_s[other] >= ready:
                        ways.append(cost(other) + choices.change_penalty_s)
                known[here] = min(*ways, FOREVER_S) if len(ways) > 1 else FOREVER_S
        return known[here]

    return [cost(here) if scan.onward[here] >= 0 else FOREVER_S for here in range(len(scan.row))]


LINES = st.lists(
    st.tuples(st.permutations("ABCDE"), st.integers(2, 5), st.integers(0, 60), st.lists(st.integers(2, 9), min_size=4)),
    min_size=1,
    max_size=12,
)


def random_day(lines: list[tuple[list[str], int, int, list[int]]]) -> Day:
    """Make a day of trains that call at so many of the points, beginning so long after six."""
    trains = []
    for points, count, begin, minutes in lines:
        clock, stops = 6 * 60 + begin, []
        for number, point in enumerate(points[:count]):
            arrival = clock
            clock += 1
            stops.append(
                (
                    point,
                    f"{arrival // 60}:{arrival % 60:02}" if number else "",
                    f"{clock // 60}:{clock % 60:02}" if number < count - 1 else "",
                )
            )
            clock += minutes[number % len(minutes)]
        trains.append(("sprinter", stops))
    return timetable(trains, "ABCDE")


@settings(max_examples=60, deadline=None)
@given(LINES)
def test_the_scan_finds_the_least_cost(lines: list[tuple[list[str], int, int, list[int]]]) -> None:
    """On random timetables the scan has the costs of trying everything."""
    scan, _ = scan_of(random_day(lines), "ABCDE")
    labels = no_labels(scan)
    for to in range(5):
        _backward(to, scan, CHOICES.change_penalty_s, labels)
        going = scan.onward >= 0
        assert (
            np.minimum(labels.cost, FOREVER_S)[going].tolist()
            == np.array(plain_costs(scan, to, CHOICES))[going].tolist()
        )


@settings(max_examples=40, deadline=None)
@given(LINES)
def test_everybody_who_boards_alights(lines: list[tuple[list[str], int, int, list[int]]]) -> None:
    """On random timetables all trips that are possible are made, train by train as many board as alight."""
    day = random_day(lines)
    scan, stations = scan_of(day, "ABCDE")
    cost, km, served = skims_of(scan, CHOICES)
    trips = np.where(served > 0, 10.0, 0.0)
    found = load_trains(day, scan, stations, Trips(trips, cost, km, served, 0.0), CHOICES)
    start = day.calls.start
    for low, high in pairwise(start.tolist()):
        assert found.boarding[low:high].sum() == pytest.approx(found.alighting[low:high].sum(), abs=1e-3)
        aboard = np.cumsum(found.boarding[low:high] - found.alighting[low:high])
        assert found.aboard[low:high] == pytest.approx(aboard, abs=1e-3)
    assert found.aboard.min(initial=0) >= 0
    made = found.boarding.sum() - found.connection_passengers.sum()
    assert made == pytest.approx(trips.sum(), rel=1e-4)
    assert np.all(found.connection_spare_s >= 0)


def test_the_hours_of_the_package_are_a_day() -> None:
    """All trips are wished at some hour, from five on."""
    assert load_choices().hours.sum() == pytest.approx(1)
    assert seconds("5:00") == 18_000

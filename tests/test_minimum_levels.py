"""Minimum levels: tiny written-out days with the levels beside them, and the pattern day against counting again."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from weerspoor.capacity.minimum_levels import MinimumLevels, Shortfall, held_paths
from weerspoor.network.load import load_network
from weerspoor.network.model import Network
from weerspoor.timetable.day import Calls, Day, DayTrains, Holdings, Movements
from weerspoor.timetable.store import load_day
from weerspoor.trains.tables import rows

STATIONS = ["Ut", "Wd", "Gd", "Rtd", "Shl", "Asd", "Ah"]
OTHERS = {"Kfh": "yard", "Rsd": "yard", "Rsdg": "border", "Zvyard": "yard", "Jct": "junction"}
CODES = [*STATIONS, *OTHERS]
NO_INTS = np.empty(0, np.int32)

Stop = tuple[str, int, int]
"""A point, arrival and departure in minutes of the day; equal: it passes."""


def tiny_network() -> Any:
    kinds = [OTHERS.get(code, "station") for code in CODES]
    return SimpleNamespace(points=SimpleNamespace(code=CODES, kind=kinds))


def tiny_day(trains: Sequence[tuple[str, str, list[Stop]]], kind: str = "weekday", reserve: Day | None = None) -> Day:
    """Return a day of (series, kind of train, calls); freight trains are those of a freight kind."""
    n = len(trains)
    flat = [stop for _, _, stops in trains for stop in stops]
    times = [np.array([60 * stop[i] for stop in flat], np.int32) for i in (1, 2)]
    start = np.cumsum([0, *(len(stops) for _, _, stops in trains)]).astype(np.int32)
    none = Holdings(*[NO_INTS] * 4, NO_INTS.astype(np.uint8), NO_INTS.astype(np.uint8))
    return Day(
        name="tiny",
        kind=kind,
        date="",
        lacks=[],
        periodic=True,
        trains=DayTrains(
            reference=[f"t{i}" for i in range(n)],
            series=[series for series, _, _ in trains],
            kind=[what for _, what, _ in trains],
            layer=["freight" if what.startswith("freight") else "passenger" for _, what, _ in trains],
            phase=["feed"] * n,
            length_m=np.full(n, 100, np.float32),
            occupies=np.full(n, 2, np.uint8),
        ),
        calls=Calls(start, np.array([CODES.index(s[0]) for s in flat], np.int32), *times, *times, [""] * len(flat)),
        movements=Movements(start, *[NO_INTS] * 4),
        holdings=none,
        reserve=reserve,
        network_hash="",
        content_hash="",
    )


def sprinter(minute: int) -> tuple[str, str, list[Stop]]:
    """``Ut ──● Wd ──● Gd``: stops everywhere, ten minutes from one to the next."""
    return (
        "x",
        "sprinter",
        [("Ut", minute, minute), ("Wd", minute + 10, minute + 11), ("Gd", minute + 20, minute + 20)],
    )


def intercity(minute: int) -> tuple[str, str, list[Stop]]:
    """``Ut ───── Gd``: passes Woerden."""
    return (
        "y",
        "intercity",
        [("Ut", minute, minute), ("Wd", minute + 7, minute + 7), ("Gd", minute + 14, minute + 14)],
    )


def had(day: Day) -> dict[tuple[str, str, int | None], tuple[int, int]]:
    """Return (needed, before) of every level of which there is anything."""
    found = MinimumLevels(tiny_network(), day).levels()
    return {(s.section, s.direction, s.hour): (s.needed, s.before) for s in found if s.before}


def test_who_counts_where() -> None:
    """Between neighbours only trains that stop at both; between large stations all that stop at both."""
    day = tiny_day([sprinter(600), sprinter(630), intercity(615)])
    assert had(day) == {
        ("Ut-Wd", "Wd", 10): (2, 2),
        ("Gd-Wd", "Gd", 10): (2, 2),
        ("Gd-Ut", "Gd", 10): (2, 3),
    }


def test_a_train_that_passes_a_large_station_does_not_serve_it() -> None:
    """``Ut ──(Gd)── Rtd`` serves neither Ut-Gd nor Gd-Rtd, since Gouda lies between and is passed."""
    through = ("y", "intercity", [("Ut", 600, 600), ("Gd", 620, 620), ("Rtd", 640, 640)])
    assert had(tiny_day([through, sprinter(610)])).keys() == {
        ("Ut-Wd", "Wd", 10),
        ("Gd-Wd", "Gd", 10),
        ("Gd-Ut", "Gd", 10),
    }


def test_the_evening_and_the_weekend_ask_less() -> None:
    """Other stations: 2 an hour by day, 1 from 20 h and at weekends; large ones 2 all day; nothing by night."""
    day = [sprinter(60 * hour) for hour in (19, 20, 25)]
    weekday = had(tiny_day(day))
    assert weekday["Ut-Wd", "Wd", 19] == (2, 1)
    assert weekday["Ut-Wd", "Wd", 20] == (1, 1)
    assert weekday["Gd-Ut", "Gd", 20] == (2, 1)
    assert ("Ut-Wd", "Wd", 1) not in weekday
    assert had(tiny_day(day, kind="sunday"))["Ut-Wd", "Wd", 19] == (1, 1)


def test_what_a_removed_train_takes() -> None:
    """One of two sprinters gone leaves one where two are needed; between the large an intercity makes up for it."""
    levels = MinimumLevels(tiny_network(), tiny_day([sprinter(600), sprinter(630), intercity(615)]))
    assert levels.may_lose([0]) == [
        Shortfall("Ut-Wd", "Wd", 10, 2, 2, 1, "other"),
        Shortfall("Gd-Wd", "Gd", 10, 2, 2, 1, "other"),
    ]
    assert levels.may_lose([2]) == []
    assert levels.may_lose([]) == []


def test_what_was_unmet_is_told_only_if_it_gets_worse() -> None:
    levels = MinimumLevels(tiny_network(), tiny_day([sprinter(600), sprinter(665)]))
    assert [(s.hour, s.before, s.after) for s in levels.may_lose([0]) if s.section == "Ut-Wd"] == [(10, 1, 0)]


def test_a_move_within_the_hour_or_just_over_it_takes_nothing() -> None:
    """Leaving at 10:58: a quarter of an hour later it still counts in its hour, more than that later in the next."""
    levels = MinimumLevels(tiny_network(), tiny_day([sprinter(658), sprinter(610)]))
    assert levels.may_lose([], {1: 600}) == []
    assert [s for s in levels.may_lose([], {0: 900}) if s.section == "Ut-Wd"] == []
    late = [s for s in levels.may_lose([], {0: 960}) if s.section == "Ut-Wd"]
    assert late == [Shortfall("Ut-Wd", "Wd", 10, 2, 2, 1, "other")]


def test_a_train_that_ends_early_loses_what_lies_beyond() -> None:
    """Cut short at Woerden: Gouda is no longer reached, Utrecht-Woerden still is."""
    levels = MinimumLevels(tiny_network(), tiny_day([sprinter(600), sprinter(630)]))
    lost = levels.may_lose([], {}, {0: {CODES.index("Gd")}})
    assert {s.section for s in lost} == {"Gd-Ut", "Gd-Wd"}


def test_international_trains_are_counted_by_the_day() -> None:
    """Eight ICEs to the Zevenaar border are needed; the run ends in the yard before it."""
    way: list[Stop] = [("Asd", 600, 600), ("Ut", 630, 632), ("Ah", 670, 672), ("Zvyard", 690, 690)]
    trains = [("ICE", "ice", way)] * 8
    levels = MinimumLevels(tiny_network(), tiny_day(trains))
    assert [s for s in levels.levels() if s.kind == "relation"] == [
        Shortfall("amsterdam-zevenaar-border", "Zvg", None, 8, 8, 8, "relation")
    ]
    assert [s for s in levels.may_lose([3]) if s.kind == "relation"] == [
        Shortfall("amsterdam-zevenaar-border", "Zvg", None, 8, 8, 7, "relation")
    ]
    assert [s for s in levels.may_lose([], {3: 7200}) if s.kind == "relation"] == []


def test_freight_counts_the_flow_and_the_reserve() -> None:
    """Kijfhoek-Roosendaal border asks 2 an hour off-peak: one train and one reserve path are just that."""
    run: list[Stop] = [("Kfh", 600, 600), ("Rsdg", 660, 660)]
    reserve = tiny_day([("kijfhoek-border", "freight_mixed", run)])
    day = tiny_day([("belgium", "freight_container", run)], reserve=reserve)
    levels = MinimumLevels(tiny_network(), day)
    at_ten = [s for s in levels.levels() if s.kind == "freight" and s.hour == 10]
    assert at_ten == [Shortfall("kijfhoek-border", "Rsdg", 10, 2, 2, 2, "freight")]
    assert [s.after for s in levels.may_lose([0])] == [1]


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network()


@pytest.fixture(scope="module")
def day(network: Network) -> Day:
    return load_day("pattern-weekday", network)


@pytest.fixture(scope="module")
def levels(network: Network, day: Day) -> MinimumLevels:
    return MinimumLevels(network, day)


def altered(day: Day, removed: set[int], moved: dict[int, int]) -> Day:
    """Return the day with trains taken out of the passenger and freight layers, and others moved."""
    layer = ["empty" if i in removed else name for i, name in enumerate(day.trains.layer)]
    arrival, departure = day.calls.arrival_s.copy(), day.calls.departure_s.copy()
    for train, shift_s in moved.items():
        here = slice(int(day.calls.start[train]), int(day.calls.start[train + 1]))
        arrival[here] += shift_s
        departure[here] += shift_s
    calls = dataclasses.replace(day.calls, arrival_s=arrival, departure_s=departure)
    return dataclasses.replace(day, trains=dataclasses.replace(day.trains, layer=layer), calls=calls)


@pytest.mark.parametrize("seed", range(3))
def test_the_answer_equals_counting_again(seed: int, network: Network, day: Day, levels: MinimumLevels) -> None:
    """Trains removed or moved by whole hours: every level that got worse and is unmet, as counted from the start."""
    drawn = random.Random(seed)
    some = drawn.sample(range(len(day.trains.reference)), 40)
    removed, moved = set(some[:20]), {train: drawn.choice((-7200, -3600, 3600, 10_800)) for train in some[20:]}
    after = {
        (s.kind, s.section, s.direction, s.hour): s.before
        for s in MinimumLevels(network, altered(day, removed, moved)).levels()
    }
    wanted = set()
    for s in levels.levels():
        now = after.get((s.kind, s.section, s.direction, s.hour), 0)
        if now < s.before and now < s.needed:
            wanted.add(dataclasses.replace(s, after=now))
    assert set(levels.may_lose(removed, moved)) == wanted


def test_the_pattern_day_has_what_the_law_asks(levels: MinimumLevels) -> None:
    """Nearly every level between stations is met, so that the counting is not far from what the law means."""
    between = [s for s in levels.levels() if s.kind in ("large", "other")]
    assert len(between) > 15_000
    assert sum(s.before >= s.needed for s in between) > 0.95 * len(between)


def test_it_is_fast_enough_to_be_asked_often(levels: MinimumLevels, day: Day) -> None:
    """A few trains in well under a millisecond; a generous bound, since the machine may be busy."""
    drawn = random.Random(1)
    questions = [drawn.sample(range(len(day.trains.reference)), 5) for _ in range(200)]
    spent = []
    for trains in questions:
        start = time.perf_counter()
        levels.may_lose(trains[:2], dict.fromkeys(trains[2:], 300))
        spent.append(time.perf_counter() - start)
    assert sorted(spent)[100] < 0.001


def test_the_reserve_of_the_day_is_at_least_what_has_to_be_held(network: Network, day: Day) -> None:
    """A tenth of each row and direction, rounded up; where the level is all used by trains, none is left."""
    held = {(row.row, row.direction): row for row in held_paths(network, day)}
    assert len(held) == 2 * len(rows("freight_minimum_levels"))
    one_an_hour = held["amersfoort-border", "Odzg"]
    assert (one_an_hour.level, one_an_hour.held, one_an_hour.found) == (24, 3, 12)
    assert sum(row.found for row in held.values()) == len(day.reserve.trains.reference if day.reserve else [])
    assert [key for key, row in held.items() if row.found < row.held] == [("beverwijk-geldermalsen", "Gdm")]


def test_the_table_of_large_stations_names_points(network: Network) -> None:
    assert {row["point"] for row in rows("large_stations")} <= set(network.points.code)

"""Parts of building a day: blocks and signals, evening trains with their hour, the seam, re-planning."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from tools.build_data.core import Piece, Record, block_limits, platform_edges, signals_into_lines

from weerspoor.common.clock import DAY_END_S
from weerspoor.network.model import KIND_GAP, KIND_OPEN_LINE, KIND_SECTION
from weerspoor.timetable.build import LONGEST_RUN_S, Placed, Wanted, every_day
from weerspoor.timetable.pattern import hourly_trains, joined_by
from weerspoor.timetable.repair import repair

if TYPE_CHECKING:
    from weerspoor.kernel.graph import Run
    from weerspoor.timetable.build import Placer

HOW = {"signal_near_m": 250}


def record(begin: str, end: str) -> Record:
    return Record("S", "w1l-w2r", 0.0, 1000.0, begin, end)


def train(reference: str, hour: int, phase: str) -> Wanted:
    start = hour * 3600 + 600
    return Wanted(
        reference=reference,
        series="1",
        kind="sprinter",
        layer="passenger",
        phase=phase,
        points=(0, 1),
        stops=(True, True),
        arrival_s=(-1, start + 900),
        departure_s=(start, -1),
        dwell_s=(30, 30),
    )


def test_a_platform_between_switches_gets_exit_signals() -> None:
    """One at its head in each direction; which face the normal direction is known later."""
    assert platform_edges(record("WISSEL", "WISSEL"), [(300.0, 500.0)], HOW) == [(300.0, 1), (500.0, 0)]


def test_a_signal_close_by_is_the_exit_signal() -> None:
    """None is added where one of the source stands within 250 m ahead; a switch there is none."""
    assert platform_edges(record("BED_SEIN", "BED_SEIN"), [(200.0, 500.0)], HOW) == [(500.0, 0)]
    assert platform_edges(record("WISSEL", "BED_SEIN"), [(600.0, 800.0)], HOW) == [(600.0, 1)]


def test_blocks_leave_a_platform_whole() -> None:
    """What lies before and behind the platform is cut evenly; a short platform is not cut."""
    assert block_limits(record("WISSEL", "WISSEL"), [600.0, 800.0], 400.0) == [300.0]
    assert block_limits(record("WISSEL", "WISSEL"), [], 400.0) == [333.333, 666.667]


def test_evening_trains_go_with_the_hour_they_repeat() -> None:
    """A train of another phase with the same calls and minutes joins; one an odd time later, or there already, not."""
    day = [train(f"d{hour}", hour, "anchored2") for hour in range(8, 13)]
    evening = [train("e21", 21, "evening"), train("twice", 12, "evening")]
    odd = train("odd", 22, "evening").shifted(300)
    wanted = [*day, *evening, replace(odd, reference="odd")]
    hourly, single = hourly_trains(wanted, range(5), 4)
    assert len(hourly) == 1
    assert not single
    (joined,) = joined_by(hourly, wanted, [5, 6, 7])
    assert joined.trains == (0, 1, 2, 3, 4, 5)
    assert joined.wanted.count == 6
    assert joined.shifts[-1] == wanted[5].departure_s[0] - joined.wanted.departure_s[0]


def test_minutes_of_no_source_move_as_a_whole() -> None:
    """Chosen anew twice, a train is where the last choice puts it; asked for what it has, it is the same."""
    asked = train("x", 8, "unanchored")
    moved = asked.moved(240).moved(-120)
    assert moved.departure_s[0] == asked.departure_s[0] - 120
    assert moved.arrival_s[1] == asked.arrival_s[1] - 120
    assert (moved.arrival_s[0], moved.moved_s) == (-1, -120)
    assert moved.moved(0) == asked


def test_the_seam_is_as_wide_as_the_latest_train_runs() -> None:
    assert every_day(7200.0).until_s >= DAY_END_S + LONGEST_RUN_S + 7200


def test_a_signal_stands_where_trains_come_onto_a_long_first_block() -> None:
    """None where the signal behind, or the next one, is near; none against the normal direction."""

    def line(station_m: float, block_m: float) -> list[Piece]:
        lengths = [(100.0, KIND_SECTION), (station_m, KIND_GAP), (block_m, KIND_OPEN_LINE)]
        pieces = [Piece(0, 0.0, length, number, kind, "") for number, (length, kind) in enumerate(lengths)]
        for piece in pieces:
            piece.right_hand = [True, False]
        pieces[0].signal = [True, False]
        pieces[2].signal = [True, False]
        signals_into_lines(pieces, [(0, 2), (2, 4), (5, 3), (3, 1)], 500.0)
        return pieces

    assert [piece.signal for piece in line(900.0, 800.0)] == [[True, False]] * 3
    assert line(400.0, 800.0)[1].signal == [False, False]
    assert line(900.0, 300.0)[1].signal == [False, False]


class _OneTrack:
    """A stand-in for a placer: all trains want the same minute of one track, and one train a minute finds room."""

    def __init__(self) -> None:
        self.at: dict[int, Placed] = {}
        self.looked = 0

    def find(self, wanted: Wanted, *, empty: bool = False, **_: object) -> Placed:
        self.looked += 1
        slot = wanted.departure_s[0] // 60
        taken = set() if empty else {int(held.lateness_s) for held in self.at.values()}
        while slot in taken:
            slot += 1
        late = slot - wanted.departure_s[0] // 60
        return Placed(wanted, runs=[cast("Run", None)], lateness_s=float(slot), cost=late * wanted.count)

    def insert(self, train: int, placed: Placed) -> None:
        assert train not in self.at
        self.at[train] = placed

    def remove(self, train: int) -> None:
        self.at.pop(train, None)

    def in_the_way(self, ideal: Placed, train: int, *_: float) -> list[int]:
        return [other for other, held in self.at.items() if held.lateness_s == ideal.lateness_s and other != train]

    def deviations(self, placed: Placed) -> list[tuple[int, float, float]]:
        return [(0, 60.0 * placed.cost, 0.0)]

    def there(self, *_: object) -> list[int]:
        return []


def test_replanning_puts_the_weightier_train_first() -> None:
    """The same seed gives the same result; the timelines hold what is placed; the work stays within its bound."""
    results = []
    for _ in range(2):
        railway = _OneTrack()
        wanted = [replace(train(str(n), 8, "feed"), count=1 + n) for n in range(4)]
        placed = [Placed(one) for one in wanted]
        for number, one in enumerate(wanted):
            placed[number] = railway.find(one)
            railway.insert(number, placed[number])
        before = sum(one.cost for one in placed)
        repair(cast("Placer", railway), placed, work=200, seed=1, most_blockers=4, progress=lambda _: None)
        assert railway.looked <= 4 + 200 + 3 * 5
        assert railway.at == dict(enumerate(placed))
        assert sum(one.cost for one in placed) < before
        results.append([one.lateness_s for one in placed])
    assert results[0] == results[1]
    assert results[0][3] == min(results[0])

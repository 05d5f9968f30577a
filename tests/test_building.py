"""Parts of building a day: blocks and exit signals, evening trains with their hour, how far beyond the seam."""

from __future__ import annotations

from dataclasses import replace

from tools.build_data.core import Record, block_limits, platform_edges

from weerspoor.common.clock import DAY_END_S
from weerspoor.timetable.build import LONGEST_RUN_S, Wanted, every_day
from weerspoor.timetable.pattern import hourly_trains, joined_by

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


def test_the_seam_is_as_wide_as_the_latest_train_runs() -> None:
    assert every_day(7200.0).until_s >= DAY_END_S + LONGEST_RUN_S + 7200

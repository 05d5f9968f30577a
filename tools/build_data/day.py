"""Build the embedded pattern weekday: every wanted train on real tracks, free of conflicts."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from tools.build_data.passengers import with_passengers
from weerspoor.common.clock import DAY_END_S, DAY_START_S
from weerspoor.kernel.timelines import Timelines
from weerspoor.network.load import load_network
from weerspoor.network.model import Network
from weerspoor.timetable.build import BuildNorms, Placed, Placer, Wanted, choose_phases, every_day, place_all
from weerspoor.timetable.civil import CivilModels, building_settings
from weerspoor.timetable.compose import compose_day
from weerspoor.timetable.day import Day
from weerspoor.timetable.demand import DATA, load_contradictions, load_demand, wanted_trains
from weerspoor.timetable.pattern import EVERY_HOUR, at_hour, hourly_trains, joined_by
from weerspoor.timetable.repair import repair
from weerspoor.timetable.store import write_day

ORDER = ("anchored2", "freight_real", "anchored1", "unanchored", "evening", "freight_assumed")
BY_DAY = ("anchored2", "anchored1", "unanchored")
"""Phases whose trains repeat every hour."""


def main() -> int:
    """Build the day and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="phases to place, separated by commas", default=",".join(ORDER))
    parser.add_argument("--output", type=Path, default=DATA / "pattern_weekday.day")
    arguments = parser.parse_args()
    norms, settings = building_settings()
    network = load_network()
    model_of = CivilModels(network, settings)
    started = time.perf_counter()

    def progress(text: str) -> None:
        print(f"{time.perf_counter() - started:7.1f} s  {text}", flush=True)

    demand = load_demand()
    wanted, left_out = wanted_trains(demand, network, contradictions=load_contradictions())
    phases = arguments.only.split(",")
    wanted = [train for train in wanted if train.phase in phases]
    progress(f"{len(wanted)} trains wanted, {len(left_out)} without a point")
    placer, placed = build(model_of, norms, wanted, settings, progress)
    report(placed, progress)
    day = compose_day(
        placer,
        placed,
        model_of.length_m,
        name="pattern-weekday",
        kind="weekday",
        lacks=("empty", "works"),
        periodic=True,
    )
    progress(f"{len(day.trains.reference)} trains, {len(day.holdings.zone)} intervals")
    reserve, without = reserve_day(placer, len(placed), network, model_of.length_m, progress)
    notes = {
        "not_placed": [[train.wanted.reference, train.reason] for train in placed if not train.runs]
        + [list(row) for row in left_out],
        "reserve_without_room": without,
    }
    day = replace(day, reserve=reserve, notes=notes)
    progress("passengers and turns")
    write_day(with_passengers(day, network), arguments.output)
    progress(f"written, {arguments.output.stat().st_size / 1e6:.1f} MB")
    return 0


def build(
    model_of: CivilModels,
    norms: BuildNorms,
    wanted: list[Wanted],
    settings: dict[str, float],
    progress: Callable[[str], None],
) -> tuple[Placer, list[Placed]]:
    """Place all trains: the pattern hour, then every hour of the day, then the trains that belong to no pattern."""
    network = model_of.network
    hour = Placer(network, Timelines.empty(network.n_zones), model_of, norms, repeat=EVERY_HOUR)
    hourly, _ = hourly_trains(
        wanted, [number for number, train in enumerate(wanted) if train.phase in BY_DAY], int(settings["least_hours"])
    )
    hourly = joined_by(hourly, wanted, [number for number, train in enumerate(wanted) if train.phase == "evening"])
    hour.settle_ways([train.wanted for train in hourly])
    progress("the usual way of every track settled")
    hourly_placed, shifts = place_hour(hour, [train.wanted for train in hourly], settings, progress)
    last_s = float(settings["last_delay_s"])
    everyday = every_day(last_s)
    norms = replace(norms, missing_cost=float(settings["last_missing_cost"]))
    placer = Placer(network, Timelines.empty(network.n_zones), model_of, norms, repeat=everyday, ways_of=hour)
    trains = [train.shifted(shifts.get(train.group, 0)) for train in wanted]
    placed = [Placed(train, reason="not tried") for train in trains]
    for train, found in zip(hourly, hourly_placed, strict=True):
        for number, later_s in zip(train.trains, train.shifts, strict=True):
            if found.runs:
                placed[number] = at_hour(found, trains[number], later_s)
                placer.insert(number, placed[number])
    rest = [number for number in range(len(trains)) if not placed[number].runs]
    progress(f"{len(trains) - len(rest)} trains of the pattern hour in the day, {len(rest)} others")
    free = [trains[number] for number in rest if trains[number].group and trains[number].group not in shifts]
    known = [number for number in rest if not trains[number].group or trains[number].group in shifts]
    insert_all(placer, trains, placed, known, progress)
    shifts = _phases(placer, free, settings, progress)
    late = sorted(set(rest) - set(known))
    for number in late:
        trains[number] = trains[number].shifted(shifts[trains[number].group])
    insert_all(placer, trains, placed, late, progress)
    report(placed, progress)
    left = [number for number, train in enumerate(placed) if not train.runs]
    patient = replace(norms, longest_delay_s=last_s, most_labels=int(settings["last_labels"]))
    last = Placer(network, placer.timelines, model_of, patient, repeat=everyday, ways_of=hour)
    insert_all(last, trains, placed, left, progress)
    _replan(placer, placed, "day_work", settings, progress)
    return placer, placed


def place_hour(
    placer: Placer, wanted: list[Wanted], settings: dict[str, float], progress: Callable[[str], None]
) -> tuple[list[Placed], dict[str, int]]:
    """Place the hourly trains: known minutes, then groups with a free minute; re-plan after each; return the shifts."""
    trains = list(wanted)
    placed = [Placed(train, reason="not tried") for train in trains]
    known = [number for number, train in enumerate(trains) if not train.group]
    free = [number for number, train in enumerate(trains) if train.group]
    shifts: dict[str, int] = {}
    for numbers in (known, free):
        if numbers is free:
            shifts = _phases(placer, [trains[number] for number in free], settings, progress)
            for number in free:
                trains[number] = trains[number].shifted(shifts[trains[number].group])
        insert_all(placer, trains, placed, numbers, progress)
        report(placed, progress)
        _replan(placer, placed, "hour_work", settings, progress)
        report(placed, progress)
    return placed, shifts


def _phases(
    placer: Placer, trains: list[Wanted], settings: dict[str, float], progress: Callable[[str], None]
) -> dict[str, int]:
    return choose_phases(placer, trains, int(settings["phase_grid_s"]), int(settings["phase_sample"]), progress)


def _replan(
    placer: Placer, placed: list[Placed], work: str, settings: dict[str, float], progress: Callable[[str], None]
) -> None:
    repair(
        placer,
        placed,
        work=int(settings[work]),
        seed=int(settings["seed"]),
        most_blockers=int(settings["most_blockers"]),
        progress=progress,
    )


def insert_all(
    placer: Placer, trains: list[Wanted], placed: list[Placed], numbers: list[int], progress: Callable[[str], None]
) -> None:
    """Insert some trains by how real their minute is, those that contradict others of it last, then by time."""
    rank = {phase: number for number, phase in enumerate(ORDER)}

    def turn(number: int) -> tuple[int, bool, int, str]:
        train = trains[number]
        return rank[train.phase], train.contradicted, train.departure_s[0], train.reference

    place_all(placer, trains, placed, sorted(numbers, key=turn), progress)


def reserve_day(
    placer: Placer,
    offset: int,
    network: Network,
    lengths: dict[str, float],
    progress: Callable[[str], None],
) -> tuple[Day, list[list[str]]]:
    """Place the reserve in what the day leaves; it is a day of its own and blocks nobody."""
    wanted, _ = wanted_trains(load_demand(), network, ("reserve",))
    found = [Placed(train, reason="not tried") for train in wanted]
    place_all(placer, wanted, found, range(len(wanted)), progress, offset=offset)
    without = [[train.wanted.reference, train.reason] for train in found if not train.runs]
    progress(f"reserve: {len(found) - len(without)} of {len(found)} paths placed")
    day = compose_day(placer, found, lengths, name="reserve", kind="weekday", periodic=True)
    return day, without


def report(placed: list[Placed], progress: Callable[[str], None]) -> None:
    """Print how punctual each phase is."""
    phases = sorted({train.wanted.phase for train in placed})
    for phase in phases:
        group = [train for train in placed if train.wanted.phase == phase]
        late = np.array([abs(train.lateness_s) for train in group if train.runs] or [np.inf])
        missing = sum(not train.runs for train in group)
        progress(
            f"{phase:16} {len(group):5}  within 60 s {np.sum(late <= 60) / len(group):6.1%}  within 180 s"
            f" {np.sum(late <= 180) / len(group):6.1%}  not placed {missing}"
        )
    reasons = Counter(train.reason for train in placed if not train.runs)
    for reason, count in reasons.most_common(25):
        progress(f"  {count:5} {reason}")
    inside = sum(DAY_START_S <= train.wanted.departure_s[0] < DAY_END_S for train in placed)
    progress(f"{inside} of {len(placed)} begin in the day")


if __name__ == "__main__":
    sys.exit(main())

"""Build the embedded pattern weekday: every wanted train on real tracks, free of conflicts."""

from __future__ import annotations

import argparse
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from weerspoor.common.clock import DAY_END_S, DAY_START_S
from weerspoor.kernel.graph import TrainModel
from weerspoor.kernel.timelines import Timelines
from weerspoor.network.load import load_network
from weerspoor.timetable.build import BuildNorms, Placed, Placer, Wanted, choose_phases, place_all, repair
from weerspoor.timetable.compose import compose_day
from weerspoor.timetable.demand import DATA, load_demand, wanted_trains
from weerspoor.trains.access import DIRECTION, access
from weerspoor.trains.catalogue import civil_kind
from weerspoor.trains.kernel_model import train_model

ORDER = ("anchored2", "freight_real", "anchored1", "unanchored", "evening", "freight_assumed")
SECONDS = 1500


def norms_of(path: Path) -> tuple[BuildNorms, dict[str, float]]:
    """Return the builder's norms, and its other settings."""
    settings = tomllib.loads(path.read_text())
    names = BuildNorms.__dataclass_fields__
    return BuildNorms(**{key: settings[key] for key in names}), settings


def main() -> int:
    """Build the day and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="phases to place, separated by commas", default=",".join(ORDER))
    parser.add_argument("--seconds", type=float, default=SECONDS, help="time for repair")
    parser.add_argument("--output", type=Path, default=DATA / "pattern_weekday.day")
    arguments = parser.parse_args()
    norms, settings = norms_of(DATA / "day_building.toml")
    network = load_network()
    models: dict[str, TrainModel] = {}
    lengths: dict[str, float] = {}

    def model_of(kind: str) -> TrainModel:
        if kind not in models:
            train = civil_kind(kind)
            lengths[kind] = train.length_m
            may_use = access(network, train)
            either_way = replace(may_use, allowed=(may_use.reasons & ~np.uint16(DIRECTION)) == 0)
            model = train_model(network, train, either_way)
            if train.is_passenger:
                model = replace(model, paces=np.array(settings["paces"]), may_stop=np.zeros_like(model.may_stop))
            models[kind] = model
        return models[kind]

    started = time.perf_counter()

    def progress(text: str) -> None:
        print(f"{time.perf_counter() - started:7.1f} s  {text}", flush=True)

    demand = load_demand()
    wanted, left_out = wanted_trains(demand, network)
    phases = arguments.only.split(",")
    wanted = [train for train in wanted if train.phase in phases]
    progress(f"{len(wanted)} trains wanted, {len(left_out)} without a point")
    placer = Placer(network, Timelines.empty(network.n_zones), model_of, norms)
    placed = build(placer, wanted, settings, arguments.seconds, progress)
    report(placed, progress)
    day = compose_day(
        placer, placed, lengths, name="pattern-weekday", kind="weekday", lacks=("empty", "works"), periodic=True
    )
    progress(f"{len(day.trains.reference)} trains, {len(day.holdings.zone)} intervals")
    reserve, without = reserve_day(placer, placed, network, lengths, progress)
    from weerspoor.timetable.store import write_day

    notes = {
        "not_placed": [[train.wanted.reference, train.reason] for train in placed if not train.runs]
        + [list(row) for row in left_out],
        "reserve_without_room": without,
    }
    write_day(replace(day, reserve=reserve, notes=notes), arguments.output)
    progress(f"written, {arguments.output.stat().st_size / 1e6:.1f} MB")
    return 0


def build(
    placer: Placer,
    wanted: list[Wanted],
    settings: dict[str, float],
    seconds: float,
    progress: Callable[[str], None],
) -> list[Placed]:
    """Place all trains: known minutes first, then groups with a free minute, then freight; then repair."""
    rank = {phase: number for number, phase in enumerate(ORDER)}
    fixed = [train for train in wanted if not train.group]
    free = [train for train in wanted if train.group]
    first = [train for train in fixed if train.phase in ("anchored2", "freight_real", "evening")]
    first.sort(key=lambda train: (rank[train.phase], train.departure_s[0], train.reference))
    trial = place_all(placer, first, range(len(first)), progress)
    shifts = choose_phases(placer, free, int(settings["phase_grid_s"]), int(settings["phase_sample"]), progress)
    for number, found in enumerate(trial):
        if found.runs:
            placer.remove(number)
    everything = fixed + [train.shifted(shifts[train.group]) for train in free]
    everything.sort(key=lambda train: (rank[train.phase], train.departure_s[0], train.reference))
    placed = place_all(placer, everything, range(len(everything)), progress)
    report(placed, progress)
    until = time.perf_counter() + seconds
    repair(
        placer,
        placed,
        rounds=int(settings["rounds"]),
        seed=int(settings["seed"]),
        most_blockers=int(settings["most_blockers"]),
        progress=progress,
        time_left=lambda: time.perf_counter() < until,
    )
    return placed


def reserve_day(placer, placed, network, lengths, progress):  # type: ignore[no-untyped-def]
    """Place the reserve in what the day leaves; it is a day of its own and blocks nobody."""
    wanted, _ = wanted_trains(load_demand(), network, ("reserve",))
    found: list[Placed] = []
    offset = len(placed)
    for number, train in enumerate(wanted):
        option = placer.find(train)
        found.append(option)
        if option.runs:
            placer.insert(offset + number, option)
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

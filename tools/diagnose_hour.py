"""Print which trains of the pattern hour exclude each other on the tracks, two by two, and where.

Each hourly train with a known minute is placed alone. Of two whose ways conflict, one is placed and the other sought
with no more lateness than allowed, then the other way round; where neither goes, the pair is printed with the place of
the worst conflict. Most such pairs are faults of the track model, of the choice of tracks, or of the source's minutes.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from weerspoor.kernel.timelines import Rows, Timelines
from weerspoor.network.load import load_network
from weerspoor.timetable.build import Placed, Placer, Wanted
from weerspoor.timetable.civil import CivilModels, building_settings
from weerspoor.timetable.demand import load_contradictions, load_demand, wanted_trains
from weerspoor.timetable.pattern import EVERY_HOUR, hourly_trains

ON_TIME_S = 60.0
MINE, OTHERS = 0, 1


@dataclass(frozen=True)
class Clash:
    """Where two ways conflict worst: the zone, in what way, and by how much the first or the other must be later."""

    zone: int
    way: str
    first_later_s: int
    other_later_s: int


def rows_of(placer: Placer, placed: Placed) -> list[Rows]:
    return [placer.rows_of(placed, run) for run in placed.runs]


def directed_in(placer: Placer, placed: Placed, zone: int) -> int:
    """Return the first directed piece of a placed train in a zone; -1 for none."""
    for run in placed.runs:
        there = np.flatnonzero(placer.graph.zone[run.directed >> 1] == zone)
        if len(there):
            return int(run.directed[there[0]])
    return -1


def clash(placer: Placer, first: Placed, other: Placed) -> Clash | None:
    """Return the worst conflict of a train with another that is in the timelines as ``OTHERS``."""
    theirs = placer.timelines.rows_of(OTHERS)
    worst: tuple[int, int, int, int] | None = None
    for rows in rows_of(placer, first):
        mine, _ = placer.timelines.conflicts(rows.zone, rows.from_s, rows.until_s, rows.occupies, rows.blocks, MINE)
        for row in np.unique(mine).tolist():
            same = theirs.zone == rows.zone[row]
            same &= (theirs.from_s < rows.until_s[row]) & (theirs.until_s > rows.from_s[row])
            for held in np.flatnonzero(same).tolist():
                later = int(theirs.until_s[held] - rows.from_s[row])
                others = int(rows.until_s[row] - theirs.from_s[held])
                found = (min(later, others), later, others, int(rows.zone[row]))
                worst = found if worst is None else max(worst, found)
    if worst is None:
        return None
    one, two = directed_in(placer, first, worst[3]), directed_in(placer, other, worst[3])
    way = "same way" if one == two else "opposite" if one == two ^ 1 else "crossing"
    return Clash(worst[3], way, worst[1], worst[2])


def goes(placer: Placer, wanted: Wanted, alone: Placed) -> bool:
    """Tell whether a train has a path about as punctual as alone."""
    found = placer.find(wanted)
    return bool(found.runs) and abs(found.lateness_s) <= max(ON_TIME_S, abs(alone.lateness_s) + 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phase", default="anchored2", help="phase of the trains looked at")
    parser.add_argument("--all", action="store_true", help="those that contradict each other in the source, too")
    arguments = parser.parse_args()
    norms, settings = building_settings()
    network = load_network()
    model_of = CivilModels(network, settings)
    wanted, _ = wanted_trains(load_demand(), network, contradictions=load_contradictions())
    known = [number for number, train in enumerate(wanted) if train.phase == arguments.phase]
    hourly, _ = hourly_trains(wanted, known, int(settings["least_hours"]))
    trains = [train.wanted for train in hourly if arguments.all or not train.wanted.contradicted]
    quick = replace(norms, steps_s=[ON_TIME_S])
    placer = Placer(network, Timelines.empty(network.n_zones), model_of, quick, repeat=EVERY_HOUR)
    placer.settle_ways([train.wanted for train in hourly])
    alone = [placer.find(train, empty=True) for train in trains]
    for train, found in zip(trains, alone, strict=True):
        if not found.runs or abs(found.lateness_s) > ON_TIME_S:
            print(f"alone {found.lateness_s:.0f} s from its minutes {found.reason}: {train.reference}")
    places: Counter[str] = Counter()
    for one, other in itertools.combinations(range(len(trains)), 2):
        if not alone[one].runs or not alone[other].runs:
            continue
        placer.insert(OTHERS, alone[other])
        found = clash(placer, alone[one], alone[other])
        excluded = found is not None and not goes(placer, trains[one], alone[one])
        placer.remove(OTHERS)
        if found is None or not excluded:
            continue
        placer.insert(MINE, alone[one])
        excluded = not goes(placer, trains[other], alone[other])
        placer.remove(MINE)
        if excluded:
            place = network.zone_name[found.zone]
            places[f"{place}, {found.way}"] += trains[one].count + trains[other].count
            print(
                f"{found.way:9} {place}: {trains[one].reference} {found.first_later_s} s later"
                f" or {trains[other].reference} {found.other_later_s} s later",
                flush=True,
            )
    for place, count in places.most_common():
        print(f"{count:5} trains  {place}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

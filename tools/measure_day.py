"""Print what a day cost, and how it compares with the plans seen around Amsterdam and in the Randstad.

The observed plans are not part of the package: they are read from the source data beside the checkout.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tools.build_data.source import SOURCE
from weerspoor.network.load import load_network
from weerspoor.network.model import Network
from weerspoor.timetable.day import Day
from weerspoor.timetable.demand import load_contradictions, load_demand
from weerspoor.timetable.measure import Departure, agreement, cost_lines, departures_of, platform_agreement
from weerspoor.timetable.store import load_day

TIMETABLE = SOURCE / "timetable"
OBSERVED = TIMETABLE / "real_rail_2026-07-21_tue.csv"
WINDOWS = TIMETABLE / "real_windows_2025-07-08_18.csv"


def trips(path: Path, key: tuple[str, ...]) -> Iterator[list[dict[str, str]]]:
    found: dict[tuple[str, ...], list[dict[str, str]]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[tuple(row[name] for name in key)].append(row)
    yield from found.values()


def observed() -> list[Departure]:
    """Return the departures around Amsterdam of one Tuesday."""
    return [
        Departure(one["station"], other["station"], float(one["minute_of_day"]) * 60)
        for rows in trips(OBSERVED, ("trip",))
        for one, other in itertools.pairwise(rows)
    ]


def windows() -> list[Departure]:
    """Return the departures with platform tracks of the four-hour windows."""
    return [
        Departure(
            one["station"],
            other["station"],
            float(one["dep_or_planned_s"] or 0),
            str(int(one["train"]) // 100 * 100),
            one["track"],
        )
        for rows in trips(WINDOWS, ("window", "train"))
        for one, other in itertools.pairwise(rows)
        if one["train"].isdigit()
    ]


def lines(day: Day, network: Network) -> list[str]:
    """Return everything there is to say."""
    made = cost_lines(day, load_demand(), load_contradictions())
    contradictions = load_contradictions()
    made.append(f"Trains that contradict each other in the source: {len({row.train for row in contradictions})}.")
    for reason in sorted({row.reason for row in contradictions if row.other}):
        made.append(f"  {len({row.train for row in contradictions if row.reason == reason}):5}  {reason}")
    if not OBSERVED.is_file() or not WINDOWS.is_file():
        return [*made, f"No comparison with plans seen: {TIMETABLE} is not there."]
    seen = observed()
    places = frozenset(departure.point for departure in seen) | frozenset(departure.onward for departure in seen)
    result = agreement(departures_of(day, network, places), seen)
    made.append(
        f"Around Amsterdam, 21 July 2026: {result.same / result.seen:.1%} of {result.seen} departures have a train"
        " to the same next place within 2 minutes;"
        f" with the clock shifted by 7 minutes {result.control / result.seen:.1%}."
    )
    tracks = platform_agreement(departures_of(day, network, frozenset()), windows())
    made.append(
        f"Platform tracks, July 2025: of {tracks.seen} departures of a series the day has there,"
        f" {tracks.usual / max(1, tracks.seen):.1%} use the track the day gives it most,"
        f" {tracks.any_used / max(1, tracks.seen):.1%} one of those it gives it."
    )
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("day", nargs="?", default="pattern-weekday", help="name or file of the day")
    network = load_network()
    print(*lines(load_day(parser.parse_args().day, network), network), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

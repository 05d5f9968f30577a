"""A whole day for others to check: a table of calls, and a DISPLIB problem with its solution."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from weerspoor.common.clock import DAY_END_S, DAY_S
from weerspoor.common.files import write_whole
from weerspoor.formats.displib import Use, write_displib
from weerspoor.network.model import Network
from weerspoor.timetable.day import Day

COLUMNS = ("train", "series", "kind", "point", "arrival_s", "departure_s", "track")
NEXT_DAY = "+1"
"""What is put behind the reference of a train that is met again past the seam."""


def day_csv(day: Day, network: Network, path: Path) -> int:
    """Write one line per train and point; return the number of lines without the heading.

    Times are seconds from 00:00 of the operating day; the track is the name on the platform where there is one.
    The reserve is not in it.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    trains, calls = day.trains, day.calls
    arrival, departure, point = calls.arrival_s.tolist(), calls.departure_s.tolist(), calls.point.tolist()
    for train, reference in enumerate(trains.reference):
        head = (reference, trains.series[train], trains.kind[train])
        for call in range(int(calls.start[train]), int(calls.start[train + 1])):
            code = network.points.code[point[call]]
            writer.writerow((*head, code, arrival[call], departure[call], calls.track[call]))
    write_whole(path, text.getvalue().encode())
    return len(arrival)


def day_displib(day: Day, network: Network, folder: Path) -> tuple[int, int]:
    """Write ``problem.json`` and ``solution.json`` of a whole day; return the numbers of trains and operations.

    Every train is fixed at its times. The resources are the zones, and one more for each time a zone is kept empty of
    certain trains, which those trains also need. Of a periodic day, the trains that run past 05:00 are met by the
    first trains of the next day, written once more a day later.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    return write_displib((held for _, held in occupations(day, network)), folder)


def occupations(day: Day, network: Network) -> Iterator[tuple[str, list[Use]]]:
    """Yield reference and holdings of each train as resources by name, then those of the next morning.

    Yields
    ------
    reference : str
        With ``+1`` behind it for a train of the next day.
    held : list of (resource, from_s, until_s)
    """
    names = resource_names(network)
    held = day.holdings
    extra = _kept_resources(day, names)
    order = np.lexsort((held.zone, held.from_s, held.train))
    bounds = np.searchsorted(held.train[order], np.arange(len(day.trains.reference) + 1))
    zone, from_s, until_s, occupies = (
        column[order].tolist() for column in (held.zone, held.from_s, held.until_s, held.occupies)
    )
    rows = order.tolist()

    def of(train: int) -> list[Use]:
        uses: list[Use] = []
        for row in range(int(bounds[train]), int(bounds[train + 1])):
            if occupies[row]:
                uses.append((names[zone[row]], from_s[row], until_s[row]))
            uses += [(name, from_s[row], until_s[row]) for name in extra.get(rows[row], ())]
        return uses

    for train, reference in enumerate(day.trains.reference):
        uses = of(train)
        if uses:
            yield reference, uses
    for train in next_morning(day):
        yield (
            day.trains.reference[train] + NEXT_DAY,
            [(name, start + DAY_S, end + DAY_S) for name, start, end in of(train)],
        )


def next_morning(day: Day) -> list[int]:
    """Return the trains of a periodic day that meet, a day later, trains of the day that run past the seam."""
    held = day.holdings
    if not day.periodic or not len(held.train):
        return []
    latest = int(held.until_s.max())
    if latest <= DAY_END_S and int(held.from_s.min()) >= DAY_END_S - DAY_S:
        return []
    first = np.full(len(day.trains.reference), np.iinfo(np.int32).max, np.int64)
    np.minimum.at(first, held.train, held.from_s)
    return [int(train) for train in np.flatnonzero(first < latest - DAY_S)]


def resource_names(network: Network) -> list[str]:
    """Return a name of its own for each zone: that of the network where only one zone has it."""
    count: dict[str, int] = defaultdict(int)
    for name in network.zone_name:
        count[name] += 1
    return [name if name and count[name] == 1 else f"{name}#{number}" for number, name in enumerate(network.zone_name)]


def _kept_resources(day: Day, names: list[str]) -> dict[int, list[str]]:
    """Return, by row of the holdings, the resources that express which trains a zone is kept empty of.

    A zone kept empty by one train conflicts with the trains on it that are in its mask, not with another that keeps it
    empty: so each such interval is a resource that its train and all those trains need.
    """
    held = day.holdings
    extra: dict[int, list[str]] = defaultdict(list)
    for kept in np.flatnonzero(held.occupies == 0).tolist():
        zone, mask = int(held.zone[kept]), int(held.blocks[kept])
        name = f"{names[zone]}/kept{kept}"
        extra[kept].append(name)
        low, high = np.searchsorted(held.zone, [zone, zone + 1])
        for row in range(int(low), int(high)):
            if int(held.occupies[row]) & mask and int(held.train[row]) != int(held.train[kept]):
                extra[row].append(name)
    return extra

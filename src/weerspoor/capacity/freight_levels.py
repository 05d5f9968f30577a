"""The minimum levels of freight of a day: what the law asks for, and what is left when a demand took its paths."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from weerspoor.capacity.binding import place
from weerspoor.capacity.guarantee_result import LevelShortfall
from weerspoor.capacity.guarantee_settings import guarantee_settings
from weerspoor.capacity.request import point_index
from weerspoor.capacity.settings import DATA
from weerspoor.common.clock import DAY_S
from weerspoor.common.errors import DataError
from weerspoor.timetable.day import LAYER_FREIGHT

if TYPE_CHECKING:
    from weerspoor.network.model import Network
    from weerspoor.timetable.day import Day

Levels = Callable[["Network", "Day", Iterable[str]], list[LevelShortfall]]
"""Gives the shortfalls of a day from which some reserve paths were taken."""


def freight_shortfalls(network: Network, day: Day, taken: Iterable[str]) -> list[LevelShortfall]:
    """Return the rows of the table of minimum levels that a day does not reach, in peak or off-peak.

    The freight trains of the flows of a row and its reserve paths are counted by the hour in which they begin to run.

    Parameters
    ----------
    network : Network
    day : Day
    taken : iterable of str
        References of the reserve paths that a demand took.
    """
    gone = set(taken)
    flows = _flows_of_rows()
    found = []
    for row in _table("freight_minimum_levels.csv"):
        for begin, end in ((row["from"], row["to"]), (row["to"], row["from"])):
            for peak in (False, True):
                needed = float(row["peak" if peak else "off_peak"]) * _hours(peak)
                trains = sum(_runs(day, network, flows.get(row["row"], set()), (begin, end), peak))
                held = list(_reserve(day, network, row["row"], (begin, end), peak))
                before, after = trains + len(held), trains + sum(name not in gone for name in held)
                if after < needed:
                    found.append(
                        LevelShortfall(
                            row=row["row"],
                            begin=place(network, point_index(network.points, begin)),
                            end=place(network, point_index(network.points, end)),
                            peak=peak,
                            needed=needed,
                            before=before,
                            after=after,
                            source=row["source"],
                        )
                    )
    return found


def _table(name: str) -> list[dict[str, str]]:
    try:
        return list(csv.DictReader((DATA / name).read_text(encoding="utf-8").splitlines()))
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=name) from error


def _flows_of_rows() -> dict[str, set[str]]:
    """Return, by row of minimum levels, the flows of freight that count for it."""
    found: dict[str, set[str]] = {}
    for flow in _table("freight_flows.csv"):
        for row in flow["row"].split():
            found.setdefault(row, set()).add(flow["flow"])
    return found


def _hours(peak: bool) -> float:
    return sum(band.to_h - band.from_h for band in guarantee_settings().band if band.peak == peak)


def _in_band(second: int, peak: bool) -> bool:
    return any(
        (second - round(band.from_h * 3600)) % DAY_S < round((band.to_h - band.from_h) * 3600)
        for band in guarantee_settings().band
        if band.peak == peak
    )


def _passages(day: Day, train: int) -> dict[int, int]:
    """Return when a train is first at each of its points."""
    rows = slice(int(day.calls.start[train]), int(day.calls.start[train + 1]))
    at: dict[int, int] = {}
    for point, second in zip(day.calls.point[rows].tolist(), day.calls.departure_s[rows].tolist(), strict=True):
        at.setdefault(point, second)
    return at


def _same_way(network: Network, at: dict[int, int], begin: str, end: str) -> int | None:
    """Return when a train begins its run between two points, if it runs from one towards the other.

    Where it is at neither or one of them, the ends of its own run, in order of distance to the two, decide.
    """
    points = network.points
    first, last = point_index(points, begin), point_index(points, end)
    if first in at and last in at:
        return at[first] if at[first] < at[last] else None
    ordered = sorted(at.items(), key=lambda item: item[1])
    if not ordered:
        return None
    along = np.array([points.lon[last] - points.lon[first], points.lat[last] - points.lat[first]])
    (a, begins_s), (b, _) = ordered[0], ordered[-1]
    own = np.array([points.lon[b] - points.lon[a], points.lat[b] - points.lat[a]])
    return begins_s if float(along @ own) > 0 else None


def _runs(day: Day, network: Network, flows: set[str], ends: tuple[str, str], peak: bool) -> Iterator[bool]:
    for train, (series, layer) in enumerate(zip(day.trains.series, day.trains.layer, strict=True)):
        if layer == LAYER_FREIGHT and series in flows:
            second = _same_way(network, _passages(day, train), *ends)
            yield second is not None and _in_band(second, peak)


def _reserve(day: Day, network: Network, row: str, ends: tuple[str, str], peak: bool) -> Iterator[str]:
    if day.reserve is None:
        return
    for train, (name, series) in enumerate(zip(day.reserve.trains.reference, day.reserve.trains.series, strict=True)):
        if series == row:
            second = _same_way(network, _passages(day.reserve, train), *ends)
            if second is not None and _in_band(second, peak):
                yield name

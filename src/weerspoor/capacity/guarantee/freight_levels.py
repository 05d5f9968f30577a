"""The minimum levels of freight of a day: what the law asks for, and what is left when a demand took its paths."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from weerspoor.capacity.geometry import piece_ends
from weerspoor.capacity.guarantee.binding import place
from weerspoor.capacity.guarantee.result import LevelShortfall
from weerspoor.capacity.guarantee.settings import guarantee_settings
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


def _begins_s(network: Network, day: Day, train: int, begin: str, end: str) -> int | None:
    """Return when a train begins its run from one point towards another; None when it runs the other way.

    Where it does not pass both, the ends of its own run decide by their direction.
    """
    rows = slice(int(day.calls.start[train]), int(day.calls.start[train + 1]))
    points, seconds = day.calls.point[rows].tolist(), day.calls.departure_s[rows].tolist()
    if not points:
        return None
    first, last = point_index(network.points, begin), point_index(network.points, end)
    if first in points and last in points:
        at = seconds[points.index(first)]
        return at if at < seconds[points.index(last)] else None
    lon, lat = network.points.lon, network.points.lat
    along = np.array([lon[last] - lon[first], lat[last] - lat[first]])
    return seconds[0] if float(along @ _own_way(network, day, train)) > 0 else None


def _own_way(network: Network, day: Day, train: int) -> npt.NDArray[np.float64]:
    """Return the degrees east and north from the beginning of a train's run to its end."""
    moves = day.movements
    rows = moves.directed[int(moves.start[train]) : int(moves.start[train + 1])]
    if not len(rows):
        return np.zeros(2)
    ends = piece_ends(network)
    a, b = int(rows[0]), int(rows[-1])
    return np.asarray(ends[1 - (b & 1)][b >> 1] - ends[a & 1][a >> 1], np.float64)


def _runs(day: Day, network: Network, flows: set[str], ends: tuple[str, str], peak: bool) -> Iterator[bool]:
    for train, (series, layer) in enumerate(zip(day.trains.series, day.trains.layer, strict=True)):
        if layer == LAYER_FREIGHT and series in flows:
            second = _begins_s(network, day, train, *ends)
            yield second is not None and _in_band(second, peak)


def _reserve(day: Day, network: Network, row: str, ends: tuple[str, str], peak: bool) -> Iterator[str]:
    if day.reserve is None:
        return
    for train, (name, series) in enumerate(zip(day.reserve.trains.reference, day.reserve.trains.series, strict=True)):
        if series == row:
            second = _begins_s(network, day.reserve, train, *ends)
            if second is not None and _in_band(second, peak):
                yield name

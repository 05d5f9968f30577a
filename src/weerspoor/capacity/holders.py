"""Who holds the path of a train: undertaking, market segment, and the networks beyond the borders it passes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from weerspoor.common.errors import DataError
from weerspoor.network.model import Network
from weerspoor.timetable.day import LAYER_FREIGHT, LAYER_PASSENGER, Day
from weerspoor.trains.tables import Row, rows, words


@dataclass(frozen=True)
class Holder:
    """The holder of a path.

    Attributes
    ----------
    undertaking : str
        The public operator of the series; empty where no source names one.
    segment : str
        Market segment, one of ``rules.SEGMENTS``.
    certainty : str
        Of both: sure, likely or assumed.
    borders : tuple of str
        Border points it passes.
    neighbours : tuple of str
        Managers of the networks beyond the borders it passes; each has to agree when it is moved there.
    note : str
        What undertaking and segment rest on.
    """

    undertaking: str
    segment: str
    certainty: str
    borders: tuple[str, ...]
    neighbours: tuple[str, ...]
    note: str


def holder_of(day: Day, train: int, network: Network) -> Holder:
    """Return who holds the path of a train of a day.

    Parameters
    ----------
    day : Day
    train : int
        Index into ``day.trains``.
    network : Network
        That the day was made for.

    Notes
    -----
    Runs of a day may end in front of the border where the last piece is cut. So a train passes a border that it has a
    call at, and one of its series if it begins or ends at a place that stands for it (``border_networks.csv``).
    """
    calls = day.calls
    points = calls.point[int(calls.start[train]) : int(calls.start[train + 1])].tolist()
    codes = tuple(network.points.code[point] for point in points)
    trains = day.trains
    return _holder(trains.series[train], trains.kind[train], trains.layer[train], *_at_borders(codes))


def _at_borders(codes: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the borders among the points of a run, and those that its first and last point stand for."""
    table, by_end = border_networks(), _borders_by_end()
    passed = tuple(code for code in dict.fromkeys(codes) if code in table)
    ends = (codes[0], codes[-1]) if codes else ()
    return passed, tuple(dict.fromkeys(border for end in ends for border in by_end.get(end, ())))


@cache
def _holder(series: str, kind: str, layer: str, passed: tuple[str, ...], reached: tuple[str, ...]) -> Holder:
    row = _row(series, kind, layer, (*passed, *reached))
    of_series = words(row, "borders")
    crossed = tuple(dict.fromkeys((*passed, *(border for border in reached if border in of_series))))
    table = border_networks()
    neighbours = tuple(dict.fromkeys(table[border]["network"] for border in crossed))
    return Holder(row["undertaking"], row["segment"], row["certainty"], crossed, neighbours, row["note"])


def _row(series: str, kind: str, layer: str, borders: tuple[str, ...]) -> Row:
    """Return the first row that fits: of the series, else of the kind, else of any train."""
    for row in rows("series_holders"):
        if row["series"] and (row["series"] != series or layer != _layer_of(row)):
            continue
        if row["kind"] in ("", kind) and (not row["passes"] or row["passes"] in borders):
            return row
    raise DataError("has no row for any train", where="series_holders.csv")


def _layer_of(row: Row) -> str:
    return LAYER_FREIGHT if row["segment"] == "freight" else LAYER_PASSENGER


@cache
def _borders_by_end() -> dict[str, tuple[str, ...]]:
    """Return the borders that a first or last point of a run stands for."""
    found: dict[str, tuple[str, ...]] = {}
    for border, row in border_networks().items():
        for end in words(row, "ends"):
            found[end] = (*found.get(end, ()), border)
    return found


@cache
def border_networks() -> dict[str, Row]:
    """Return the rows of ``border_networks.csv`` by border point."""
    return {row["border"]: row for row in rows("border_networks")}

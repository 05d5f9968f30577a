"""Who is on the railway while a train is being fitted: the trains of the day, of the days beside it, and closures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from weerspoor.capacity.request import Closure, nearest
from weerspoor.common.clock import DAY_S
from weerspoor.common.errors import InputError
from weerspoor.kernel.graph import KEEP_ALL
from weerspoor.kernel.timelines import Timelines
from weerspoor.network.model import KIND_OPEN_LINE, KIND_SWITCH, Network
from weerspoor.network.routes import length_by_directed_piece, shortest_times, way_to
from weerspoor.timetable.day import Day, Holdings
from weerspoor.trains.access import point_pieces, with_beside

Ints = npt.NDArray[np.int32]

BEFORE_S, AFTER_S = 3600, 3 * 3600
"""How long before the first and after the last time of a search the trains of the day are needed."""

CLOSED = "closed["
"""How the reference of a closure begins, its place in the request; no train's does."""

PARALLEL_M = 12.0
"""Tracks within this distance of the way between two points are parallel to it."""


@dataclass(frozen=True)
class Occupation:
    """The trains and closures a search meets.

    Attributes
    ----------
    timelines : Timelines
    reference : dict of int to str
        Reference by number in the timelines; ``<train>+1`` for a train of the next day.
    day_train : dict of int to tuple of int
        (index into the day's trains, days later) by number; closures have none.
    """

    timelines: Timelines
    reference: dict[int, str]
    day_train: dict[int, tuple[int, int]]


def copies(day: Day, from_s: float, until_s: float) -> range:
    """Return how many days later the trains of a day are met again between two times."""
    if not day.periodic:
        return range(1)
    last_s = int(day.holdings.until_s.max(initial=0))
    first_s = int(day.holdings.from_s.min(initial=0))
    first = int(np.ceil((from_s - last_s) / DAY_S))
    last = int(np.floor((until_s - first_s) / DAY_S))
    return range(min(first, 0), max(last, 0) + 1)


def copy_reference(reference: str, days: int) -> str:
    """Return the reference of a train that is met again some days later (or earlier)."""
    return f"{reference}{days:+d}" if days else reference


def occupation(
    network: Network,
    day: Day | None,
    closures: Sequence[Closure],
    from_s: float,
    until_s: float,
    *,
    without: Iterable[str] = (),
) -> Occupation:
    """Return everything that is in the way between two times.

    Parameters
    ----------
    network : Network
    day : Day or None
        None for an empty railway.
    closures : sequence of Closure
    from_s, until_s : float
        First and last second of the search.
    without : iterable of str
        References of trains to leave out.

    Raises
    ------
    InputError
        If a closure names tracks that are not there.
    """
    begin_s, end_s = from_s - BEFORE_S, until_s + AFTER_S
    parts: list[tuple[npt.NDArray[np.generic], ...]] = []
    reference: dict[int, str] = {}
    day_train: dict[int, tuple[int, int]] = {}
    if day is not None:
        n = len(day.trains.reference)
        left_out = set(without)
        kept = np.array([name not in left_out for name in day.trains.reference], dtype=bool)
        for number, days in enumerate(copies(day, begin_s, end_s)):
            parts.append(_part(day.holdings, kept, number * n, shift_s=days * DAY_S, begin_s=begin_s, end_s=end_s))
            for i, name in enumerate(day.trains.reference):
                reference[number * n + i] = copy_reference(name, days)
                day_train[number * n + i] = (i, days)
    base = len(reference)
    for i, closure in enumerate(closures):
        zones = np.unique(network.pieces.zone[closed_pieces(network, closure, f"closed[{i + 1}]")]).astype(np.int32)
        size = len(zones)
        parts.append(
            (
                zones,
                np.full(size, max(closure.from_s, begin_s), np.int32),
                np.full(size, min(max(closure.until_s, begin_s), end_s), np.int32),
                np.full(size, base + i, np.int32),
                np.full(size, KEEP_ALL, np.uint8),
                np.full(size, KEEP_ALL, np.uint8),
            )
        )
        reference[base + i] = f"{CLOSED}{i + 1}]"
    if not parts:
        return Occupation(Timelines.empty(network.n_zones), reference, day_train)
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] if len(parts) > 1 else list(parts[0])
    lasting = columns[2] > columns[1]  # type: ignore[operator]
    timelines = Timelines.build(network.n_zones, *(column[lasting] for column in columns))  # type: ignore[arg-type]
    return Occupation(timelines, reference, day_train)


def _part(
    holdings: Holdings, kept: npt.NDArray[np.bool_], base: int, *, shift_s: int, begin_s: float, end_s: float
) -> tuple[npt.NDArray[np.generic], ...]:
    """Return the intervals of one copy of the day that matter between two times."""
    chosen = (holdings.until_s > begin_s - shift_s) & (holdings.from_s < end_s - shift_s)
    if not kept.all():
        chosen &= kept[holdings.train]
    return (
        holdings.zone[chosen],
        holdings.from_s[chosen] + np.int32(shift_s),
        holdings.until_s[chosen] + np.int32(shift_s),
        holdings.train[chosen] + np.int32(base),
        holdings.occupies[chosen],
        holdings.blocks[chosen],
    )


def closed_pieces(network: Network, closure: Closure, place: str) -> Ints:
    """Return the pieces that a closure closes.

    The way is the shortest between the two points, the points' own tracks left out. ``all`` closes every open-line
    track of the way and beside it; where there is no open line between the points, the way itself.

    Raises
    ------
    InputError
        If there is no way between the points, or no track of the name along it.
    """
    codes = [code.casefold() for code in network.points.code]
    at = [codes.index(point.casefold()) for point in closure.points]
    ends = [point_pieces(network, [point]) for point in at]
    directed = [np.concatenate([2 * pieces, 2 * pieces + 1]).astype(np.int32) for pieces in ends]
    dist, parent = shortest_times(network, directed[0], length_by_directed_piece(network))
    if not len(directed[1]) or not np.isfinite(dist[directed[1]]).any():
        raise InputError(f"there is no way over tracks between {' and '.join(closure.points)}", where=place)
    goal = int(directed[1][np.argmin(dist[directed[1]])])
    way = np.unique(way_to(parent, goal) >> 1)
    between = np.setdiff1d(way, np.concatenate(ends))
    if not len(between):
        between = way
    corridor = _with_parallel(network, between)
    if closure.tracks == ("all",):
        chosen = corridor[network.pieces.kind[corridor] == KIND_OPEN_LINE]
        return (chosen if len(chosen) else between).astype(np.int32)
    corridor = np.union1d(corridor, _with_parallel(network, way))
    names = {network.pieces.name[piece].casefold() for piece in corridor}
    for name in closure.tracks:
        if name.casefold() not in names:
            shown = sorted({network.pieces.name[p] for p in corridor if _is_track(network, int(p))})
            near = nearest(name, shown, n=5) or shown[:8]
            raise InputError(
                f"names track {name!r}, which is not between {' and '.join(closure.points)}",
                where=f"{place}.tracks",
                hint=f"tracks there: {', '.join(near)}" if near else "",
            )
    wanted = {name.casefold() for name in closure.tracks}
    return np.array([p for p in corridor if network.pieces.name[p].casefold() in wanted], dtype=np.int32)


def _is_track(network: Network, piece: int) -> bool:
    name = network.pieces.name[piece]
    return bool(name) and "-" not in name and network.pieces.kind[piece] != KIND_SWITCH


def _with_parallel(network: Network, pieces: Ints) -> Ints:
    """Return the pieces and those beside them, and beside those, so that every track of a line is found."""
    found = pieces.astype(np.int32)
    for _ in range(3):
        wider = with_beside(network, found, PARALLEL_M)
        if len(wider) == len(found):
            break
        found = wider
    return found

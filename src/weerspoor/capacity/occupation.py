"""Who is on the railway while a train is being fitted: the trains of the day, of the days beside it, and closures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from weerspoor.capacity.request import Closure, nearest
from weerspoor.common.clock import DAY_S
from weerspoor.common.errors import InputError
from weerspoor.kernel.compiled import compiled
from weerspoor.kernel.graph import KEEP_ALL
from weerspoor.kernel.timelines import SLACK_ROWS, Lines, Timelines, mend_reach
from weerspoor.network.model import KIND_OPEN_LINE, KIND_SWITCH, Network
from weerspoor.network.routes import length_by_directed_piece, shortest_times, way_to
from weerspoor.timetable.day import Day
from weerspoor.timetable.window import copies, copy_reference
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

    What the day alone gives is worked out once and shared; what closures and trains left out alter is done on a copy.
    So the timelines returned may not be changed.

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
    span = _span(day, from_s - BEFORE_S, until_s + AFTER_S)
    base = _kept(network, "days", (day, span), lambda: _of_day(network, day, span))
    left_out, closed = frozenset(without) if day is not None else frozenset(), tuple(closures)
    if not left_out and not closed:
        return base
    asked = (day, span, left_out, closed)
    return _kept(network, "altered", asked, lambda: _altered(network, day, base, left_out, closed))


KEPT = {"days": 4, "altered": 2}
"""So many timelines of whole days are kept, and of days with closures or without trains: those asked for last."""

GRID_S, LEAST_SPAN_S = 43_200, 2 * DAY_S
"""Timelines begin at multiples of the first and are at least the second long, so that few serve all requests."""


def _span(day: Day | None, begin_s: float, end_s: float) -> tuple[int, int]:
    """Return from when until when timelines are laid out that are needed between two times."""
    if day is None or not day.periodic:
        return -(2**30), 2**30
    low_s = int(begin_s // GRID_S) * GRID_S
    return low_s, low_s + max(LEAST_SPAN_S, int(-(-(end_s - low_s) // DAY_S)) * DAY_S)


def _kept(network: Network, which: str, asked: tuple[object, ...], make: Callable[[], Occupation]) -> Occupation:
    """Return an occupation, made once as long as it is one of those asked for last; ``asked`` begins with the day."""
    kept: list[tuple[tuple[object, ...], Occupation]]
    kept = network.cache.setdefault(f"occupation.{which}", [])  # type: ignore[assignment]
    for i, (known, occupied) in enumerate(kept):
        if known[0] is asked[0] and known[1:] == asked[1:]:
            kept.append(kept.pop(i))
            return occupied
    del kept[: max(0, len(kept) - KEPT[which] + 1)]
    kept.append((asked, make()))
    return kept[-1][1]


def _altered(
    network: Network, day: Day | None, base: Occupation, left_out: frozenset[str], closures: tuple[Closure, ...]
) -> Occupation:
    """Return an occupation without some trains and with closures."""
    lines = Lines._make(column.copy() for column in base.timelines.lines)
    if left_out and day is not None:
        gone = np.array([name in left_out for name in day.trains.reference], dtype=bool)
        zones = np.unique(day.holdings.zone[gone[day.holdings.train]])
        _take_out(lines, zones, np.tile(gone, len(base.reference) // max(len(gone), 1)))
    timelines = Timelines(network.n_zones, lines, len(lines.from_s))
    first = len(base.reference)
    reference = dict(base.reference) if closures else base.reference
    for i, closure in enumerate(closures):
        pieces = closed_pieces(network, closure, f"closed[{i + 1}]")
        reference[first + i] = f"{CLOSED}{i + 1}]"
        if closure.until_s <= closure.from_s:
            continue
        zones = np.unique(network.pieces.zone[pieces]).astype(np.int32)
        held = (closure.from_s, closure.until_s, first + i)
        if not _put_in(timelines.lines, zones, held):
            mask = np.full(len(zones), KEEP_ALL, np.uint8)
            added = (zones, *(np.full(len(zones), value, np.int32) for value in held), mask, mask)
            both: Any = zip(timelines.table(), added, strict=True)
            timelines = Timelines.build(network.n_zones, *(np.concatenate(pair) for pair in both))
    return Occupation(timelines, reference, base.day_train)


def _of_day(network: Network, day: Day | None, span: tuple[int, int]) -> Occupation:
    """Return the trains of a day between two times; those of a day that is not periodic all of them."""
    if day is None:
        return Occupation(Timelines.empty(network.n_zones), {}, {})
    met = copies(day, *span)
    held = day.holdings
    columns, used = _lay_out(
        np.searchsorted(held.zone, np.arange(network.n_zones + 1)),
        (held.from_s, held.until_s, held.train, held.occupies, held.blocks),
        np.array([days * DAY_S for days in met], np.int64),
        len(day.trains.reference),
        span,
    )
    n = len(day.trains.reference)
    names = [copy_reference(name, days) for days in met for name in day.trains.reference]
    numbers = {number * n + i: (i, days) for number, days in enumerate(met) for i in range(n)}
    return Occupation(Timelines(network.n_zones, Lines(*columns), used), dict(enumerate(names)), numbers)


@compiled
def _lay_out(start, held, shifts, n_trains, span):  # type: ignore[no-untyped-def]
    """Lay out the copies of a day that are met between two times as :class:`Timelines` keeps them.

    With little room to grow: they are copied more often than anything is added to them.

    Returns the columns of :class:`weerspoor.kernel.timelines.Lines` and how many rows of the pool are used.
    """
    held_from, held_until, held_train, held_occupies, held_blocks = held
    begin, end = span
    zones = len(start) - 1
    first, count = np.zeros(zones, np.int32), np.zeros(zones, np.int32)
    room, kinds = np.zeros(zones, np.int32), np.zeros(zones, np.int32)
    used = 0
    for z in range(zones):
        n = 0
        for i in range(start[z], start[z + 1]):
            for k in range(len(shifts)):
                n += held_until[i] + shifts[k] > begin and held_from[i] + shifts[k] < end
        room[z] = n + SLACK_ROWS
        first[z] = used
        used += room[z]
    size = used + 1024
    from_s, until_s, train = np.zeros(size, np.int32), np.zeros(size, np.int32), np.zeros(size, np.int32)
    occupies, blocks, reach = np.zeros(size, np.uint8), np.zeros(size, np.uint8), np.zeros(size, np.int32)
    for z in range(zones):
        low = first[z]
        at = low
        for k in range(len(shifts)):
            shift = shifts[k]
            for i in range(start[z], start[z + 1]):
                a, b = held_from[i] + shift, held_until[i] + shift
                if b <= begin or a >= end or b <= a:
                    continue
                place = at
                while place > low and from_s[place - 1] > a:
                    from_s[place], until_s[place] = from_s[place - 1], until_s[place - 1]
                    train[place] = train[place - 1]
                    occupies[place], blocks[place] = occupies[place - 1], blocks[place - 1]
                    place -= 1
                from_s[place], until_s[place], train[place] = a, b, k * n_trains + held_train[i]
                occupies[place], blocks[place] = held_occupies[i], held_blocks[i]
                at += 1
                kinds[z] |= (np.int32(held_occupies[i]) << 8) | held_blocks[i]
        count[z] = at - low
        latest = -(2**31)
        for i in range(low, at):
            latest = max(latest, until_s[i])
            reach[i] = latest
    return (first, count, room, kinds, from_s, until_s, train, occupies, blocks, reach), used


@compiled
def _take_out(lines, zones, gone):  # type: ignore[no-untyped-def]
    """Take the rows of trains out of the timelines of some zones."""
    for z in zones:
        at = lines.first[z]
        for i in range(lines.first[z], lines.first[z] + lines.number[z]):
            if gone[lines.train[i]]:
                continue
            lines.from_s[at], lines.until_s[at], lines.train[at] = lines.from_s[i], lines.until_s[i], lines.train[i]
            lines.occupies[at], lines.blocks[at] = lines.occupies[i], lines.blocks[i]
            at += 1
        lines.number[z] = at - lines.first[z]
        mend_reach(lines, z, lines.first[z])


@compiled
def _put_in(lines, zones, held):  # type: ignore[no-untyped-def]
    """Put one interval that everything must keep out of into zones; tell whether there was room for it in all."""
    begin, end, number = held
    for z in zones:
        if lines.number[z] == lines.room[z]:
            return False
    for z in zones:
        place = lines.first[z] + lines.number[z]
        while place > lines.first[z] and lines.from_s[place - 1] > begin:
            k = place - 1
            lines.from_s[place], lines.until_s[place], lines.train[place] = (
                lines.from_s[k], lines.until_s[k], lines.train[k],
            )  # fmt: skip
            lines.occupies[place], lines.blocks[place] = lines.occupies[k], lines.blocks[k]
            place -= 1
        lines.from_s[place], lines.until_s[place], lines.train[place] = begin, end, number
        lines.occupies[place], lines.blocks[place] = KEEP_ALL, KEEP_ALL
        lines.number[z] += 1
        lines.kinds[z] |= (KEEP_ALL << 8) | KEEP_ALL
        mend_reach(lines, z, place)
    return True


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

"""Operational points: finding them by code or name, and what belongs to them on the tracks."""

from __future__ import annotations

import difflib

import numpy as np

from weerspoor.common.errors import InputError
from weerspoor.network.model import Ints, Network, Points

AT_EXIT_M = 1.0
"""A piece that ends this close to the timing chainage ends there."""


def find_point(points: Points, text: str, where: str = "") -> int:
    """Return the index of the point with a code or a name; letters of either case, the code first.

    Parameters
    ----------
    points : Points
    text : str
    where : str
        Place in the user's file, for the error.

    Raises
    ------
    InputError
        If there is none, with the nearest names.
    """
    key = text.strip().casefold()
    for i, code in enumerate(points.code):
        if code.casefold() == key:
            return i
    named = [i for i, name in enumerate(points.name) if name.casefold() == key]
    if len(named) == 1:
        return named[0]
    near = ", ".join(f"{points.code[i]} ({points.name[i]})" for i in nearest_points(points, text))
    raise InputError(f"there is no operational point {text!r}", where=where, hint=f"nearest: {near}")


def nearest_points(points: Points, text: str, count: int = 5) -> list[int]:
    """Return the points whose code or name is most like a text, best first."""
    key = text.strip().casefold()

    def likeness(i: int) -> tuple[float, int]:
        code, name = points.code[i].casefold(), points.name[i].casefold()
        score = max(
            difflib.SequenceMatcher(None, key, code).ratio(),
            difflib.SequenceMatcher(None, key, name).ratio(),
            1.5 if key and name.startswith(key) else 0.0,
            1.2 if key and key in name else 0.0,
        )
        return -score, i

    return sorted(range(len(points.code)), key=likeness)[:count]


def directed_at_point(network: Network, point: int) -> Ints:
    """Return the directed pieces at whose exit, or on which, a train is timed at a point, both directions.

    Where pieces meet at the timing chainage (a border, the end of a platform) it is the one that a train leaves there.
    """
    points, pieces = network.points, network.pieces
    found: set[int] = set()
    for row in np.flatnonzero(points.place_point == point):
        low, high = np.searchsorted(pieces.track, [points.place_track[row], points.place_track[row] + 1])
        if low == high:
            continue
        at_m = float(points.place_at_m[row])
        rising = low + int(np.searchsorted(pieces.to_m[low:high], at_m - AT_EXIT_M, side="left"))
        falling = low + int(np.searchsorted(pieces.from_m[low:high], at_m + AT_EXIT_M, side="right")) - 1
        found.update((2 * min(rising, int(high) - 1), 2 * max(falling, int(low)) + 1))
    return np.array(sorted(found), dtype=np.int32)

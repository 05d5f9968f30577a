"""Where a run passes operational points: from directed pieces and times to calls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from weerspoor.network.model import Network


@dataclass(frozen=True)
class Passage:
    """The head of a train at an operational point.

    Attributes
    ----------
    point : int
        Index into ``Network.points``.
    position : int
        Index into the run's pieces.
    distance_m : float
        Distance from the start of the run, at the exit of its first piece.
    arrival_s, departure_s : float
        Equal when it passes.
    stops : bool
    track : str
        Name of the track on the platform or in the yard, or "".
    """

    point: int
    position: int
    distance_m: float
    arrival_s: float
    departure_s: float
    stops: bool
    track: str


@dataclass(frozen=True)
class _PlaceIndex:
    start: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    stop_of: dict[int, list[int]]


def _index(network: Network) -> _PlaceIndex:
    """Return, made once per network, the rows of places by piece that contains their timing chainage."""
    found = network.cache.get("places_by_piece")
    if isinstance(found, _PlaceIndex):
        return found
    pieces, points = network.pieces, network.points
    by_piece: list[tuple[int, float, int]] = []
    first = np.searchsorted(pieces.track, np.arange(len(network.tracks.name) + 1))
    for row in range(len(points.place_point)):
        track = int(points.place_track[row])
        low, high = int(first[track]), int(first[track + 1])
        if low == high:
            continue
        at_m = float(points.place_at_m[row])
        piece = low + int(np.searchsorted(pieces.to_m[low:high], at_m, side="left"))
        by_piece.append((min(piece, high - 1), at_m, row))
    by_piece.sort()
    start = np.searchsorted([piece for piece, _, _ in by_piece], np.arange(network.n_pieces + 1))
    stop_of: dict[int, list[int]] = {}
    for number, directed in enumerate(network.stops.directed):
        stop_of.setdefault(int(directed), []).append(number)
    index = _PlaceIndex(start, np.array([row for _, _, row in by_piece], dtype=np.int64), stop_of)
    network.cache["places_by_piece"] = index
    return index


def passages(
    network: Network,
    directed: npt.NDArray[np.int32],
    enter_s: npt.NDArray[np.float64],
    exit_s: npt.NDArray[np.float64],
    depart_s: npt.NDArray[np.float64],
) -> list[Passage]:
    """Return the operational points that a run passes or calls at, in order of running.

    Parameters
    ----------
    network : Network
    directed : (k,) int32
        Directed pieces in order of running.
    enter_s, exit_s, depart_s : (k,) float64
        As in :class:`weerspoor.kernel.graph.Run`.

    Returns
    -------
    list of Passage
        A point is listed once per visit. Where the train stops at the point, the times are those of the stop; else the
        time is read from the piece that has the point's timing chainage, at even speed within the piece.
    """
    index, pieces, points, stops = _index(network), network.pieces, network.points, network.stops
    length = pieces.length_m
    run_m = np.concatenate([[0.0], np.cumsum(length[directed >> 1], dtype=np.float64)]) - float(
        length[directed[0] >> 1]
    )
    found: list[Passage] = []

    def add(new: Passage) -> None:
        for earlier in range(len(found) - 1, max(-1, len(found) - 13), -1):
            old = found[earlier]
            if old.point != new.point or new.distance_m - old.distance_m > 4_000:
                continue
            if new.stops and not old.stops:
                del found[earlier]
                break
            return
        found.append(new)

    for position, way in enumerate(directed.tolist()):
        piece, falling = way >> 1, way & 1
        rows = index.row[index.start[piece] : index.start[piece + 1]].tolist()
        for row in reversed(rows) if falling else rows:
            span = float(length[piece])
            along = float(points.place_at_m[row] - pieces.from_m[piece])
            share = 0.0 if span <= 0 else min(1.0, max(0.0, (span - along if falling else along) / span))
            if position == 0 and share < 1.0:
                continue
            time = float(enter_s[position] + share * (exit_s[position] - enter_s[position]))
            add(
                Passage(
                    int(points.place_point[row]), position, float(run_m[position]) + share * span, time, time, False, ""
                )
            )
        if depart_s[position] > exit_s[position] or position in (0, len(directed) - 1):
            for number in index.stop_of.get(way, []):
                point = int(stops.point[number])
                if point >= 0:
                    arrival, departure = float(exit_s[position]), float(depart_s[position])
                    where = float(run_m[position + 1])
                    add(Passage(point, position, where, arrival, departure, True, stops.name[number]))
                    break
    return found

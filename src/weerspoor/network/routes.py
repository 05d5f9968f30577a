"""Shortest ways over directed pieces, without a timetable and without trains: for checks and for tools."""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt
from numba import njit

from weerspoor.network.model import Bools, Floats, Ints, Network


def reversed_successors(network: Network) -> tuple[Ints, Ints]:
    """Return the CSR of predecessors: the directed pieces from which each can be entered."""
    known = network.cache.get("predecessors")
    if isinstance(known, tuple):
        return known
    n = 2 * network.n_pieces
    origin = np.repeat(np.arange(n, dtype=np.int32), np.diff(network.successor_start))
    order = np.argsort(network.successor, kind="stable")
    start = np.zeros(n + 1, np.int32)
    np.cumsum(np.bincount(network.successor, minlength=n), out=start[1:])
    found = (start, origin[order])
    network.cache["predecessors"] = found
    return found


def shortest_times(
    network: Network,
    sources: Ints,
    cost_by_directed_piece: Floats,
    reverse: bool = False,
    limit: float = np.inf,
) -> tuple[Floats, Ints]:
    """Return the least cost from any of the sources to every directed piece (Dijkstra).

    A way costs the sum of its directed pieces, both ends included. It never turns back on itself.

    Parameters
    ----------
    sources : (k,) int32
        Directed pieces at which a way may begin (or end, with ``reverse``).
    cost_by_directed_piece : (2 n_pieces,) float32
        Not negative; infinite where the way may not go.
    reverse : bool
        Follow the ways backwards: cost from every directed piece to the nearest source.
    limit : float
        Ways that cost more are not looked for.

    Returns
    -------
    dist : (2 n_pieces,) float32
        Infinite where there is no way.
    parent : (2 n_pieces,) int32
        The directed piece before it on the way (after it, with ``reverse``); -1 at a source or where no way leads.
    """
    if reverse:
        start, following = reversed_successors(network)
    else:
        start, following = network.successor_start, network.successor
    return dijkstra(start, following, sources, cost_by_directed_piece, limit)


def dijkstra(start: Ints, following: Ints, sources: Ints, cost: Floats, limit: float = np.inf) -> tuple[Floats, Ints]:
    """Return ``dist`` and ``parent`` as :func:`shortest_times` does, over any graph in CSR form with costs by node."""
    dist, parent = _dijkstra(
        start,
        following,
        np.ascontiguousarray(sources, dtype=np.int32),
        np.ascontiguousarray(cost, dtype=np.float32),
        np.float32(limit),
    )
    return dist, parent


@njit(cache=True)  # type: ignore[untyped-decorator]
def _dijkstra(start: Ints, following: Ints, sources: Ints, cost: Floats, limit: np.float32) -> tuple[Floats, Ints]:
    n = len(start) - 1
    dist = np.full(n, np.inf, np.float32)
    parent = np.full(n, -1, np.int32)
    heap = [(np.float32(0.0), np.int32(0)) for _ in range(0)]
    for source in sources:
        if cost[source] < dist[source]:
            dist[source] = cost[source]
            heapq.heappush(heap, (cost[source], source))
    while len(heap) > 0:
        here, directed = heapq.heappop(heap)
        if here > dist[directed]:
            continue
        for k in range(start[directed], start[directed + 1]):
            onward = following[k]
            there = np.float32(here + cost[onward])
            if there < dist[onward] and there <= limit:
                dist[onward] = there
                parent[onward] = directed
                heapq.heappush(heap, (there, onward))
    return dist, parent


def reachable(network: Network, sources: Ints, usable: Bools) -> Bools:
    """Tell which directed pieces a way over usable ones leads to from any of the sources, themselves included."""
    found: Bools = _reachable(network.successor_start, network.successor, np.asarray(sources, np.int32), usable)
    return found


@njit(cache=True)  # type: ignore[untyped-decorator]
def _reachable(start: Ints, following: Ints, sources: Ints, usable: Bools) -> Bools:
    n = len(start) - 1
    found = np.zeros(n, np.bool_)
    todo = np.empty(n, np.int32)
    size = 0
    for source in sources:
        if usable[source] and not found[source]:
            found[source] = True
            todo[size] = source
            size += 1
    while size > 0:
        size -= 1
        directed = todo[size]
        for k in range(start[directed], start[directed + 1]):
            onward = following[k]
            if usable[onward] and not found[onward]:
                found[onward] = True
                todo[size] = onward
                size += 1
    return found


def way_to(parent: Ints, directed: int) -> Ints:
    """Return the directed pieces of the way that ends at ``directed``, from its source on."""
    way = [directed]
    while parent[way[-1]] >= 0:
        way.append(int(parent[way[-1]]))
    return np.array(way[::-1], np.int32)


def length_by_directed_piece(network: Network) -> Floats:
    """Return the length of every directed piece, in metres: a cost for :func:`shortest_times`."""
    return np.repeat(network.pieces.length_m, 2)


def pieces_near(network: Network, lon: float, lat: float, within_m: float) -> Ints:
    """Return the pieces of tracks that have a vertex within a distance of a place, nearest first."""
    metres_per_degree = 111_195.0
    tracks = network.tracks
    east = (tracks.lon - lon) * metres_per_degree * np.cos(np.radians(lat))
    north = (tracks.lat - lat) * metres_per_degree
    away: npt.NDArray[np.float64] = np.hypot(east, north)
    nearest = np.minimum.reduceat(away, tracks.shape_start[:-1])
    close = nearest[network.pieces.track]
    found = np.flatnonzero(close <= within_m)
    return found[np.argsort(close[found], kind="stable")].astype(np.int32)

# mypy: disable-error-code="no-untyped-def"
"""Routes: the ways from one signal to the next, or to a halt on the way, that a train locks and runs over in one go.

A *route* begins at the exit of a directed piece and ends at the exit of another: where a signal faces the train, or at
a halt, a place without a signal where a train may stand or leave the network. No route passes a signal, and none comes
over the same directed piece twice. The routes from all signals and halts are listed once for a graph; those from other
places when first asked for.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from weerspoor.kernel.compiled import compiled
from weerspoor.kernel.graph import Ints, TrackGraph

MOST_PIECES = 1024
"""Longest route in pieces."""

MOST_ROUTES = 60_000
"""Most routes from one place."""


class Track(NamedTuple):
    """The graph as the compiled parts take it; ``halt`` marks the directed pieces at whose exits routes may end."""

    length: np.ndarray
    zone: np.ndarray
    signal: np.ndarray
    halt: np.ndarray
    start: np.ndarray
    successor: np.ndarray
    before_start: np.ndarray
    before: np.ndarray
    ways: np.ndarray


class RouteBook(NamedTuple):
    """Routes by the directed piece they begin at: ``first`` (-1 when not listed yet) and ``ways``, their number.

    ``end`` is a route's last directed piece, ``pieces[at : at + number]`` are all of them, ``metres`` its length.
    """

    first: np.ndarray
    ways: np.ndarray
    end: np.ndarray
    at: np.ndarray
    number: np.ndarray
    metres: np.ndarray
    pieces: np.ndarray
    used: np.ndarray


@compiled
def _list_routes(track, book, origins):
    """List the routes from some places, as far as there is room; return the place in ``origins`` that was reached."""
    path = np.empty(MOST_PIECES, np.int32)
    stack = np.empty(1 << 16, np.int32)
    depth = np.empty(1 << 16, np.int32)
    for number in range(len(origins)):
        origin = origins[number]
        if book.first[origin] >= 0:
            continue
        routes, places = book.used[0], book.used[1]
        size = 0
        for k in range(track.start[origin], track.start[origin + 1]):
            stack[size], depth[size] = track.successor[k], 0
            size += 1
        while size > 0:
            size -= 1
            dp, d = stack[size], depth[size]
            again = dp == origin
            for k in range(d):
                again = again or path[k] == dp
            if again:
                continue
            path[d] = dp
            if track.signal[dp] or track.halt[dp]:
                if routes == len(book.end) or places + d + 1 > len(book.pieces):
                    return number
                book.end[routes] = dp
                book.at[routes] = places
                book.number[routes] = d + 1
                metres = 0.0
                for k in range(d + 1):
                    book.pieces[places + k] = path[k]
                    metres += track.length[path[k] >> 1]
                book.metres[routes] = metres
                routes += 1
                places += d + 1
                if routes - book.used[0] > MOST_ROUTES:
                    return -1 - number
            if track.signal[dp] or d + 1 == MOST_PIECES:
                continue
            for k in range(track.start[dp], track.start[dp + 1]):
                if size == len(stack):
                    return -1 - number
                stack[size], depth[size] = track.successor[k], d + 1
                size += 1
        book.first[origin] = book.used[0]
        book.ways[origin] = routes - book.used[0]
        book.used[0], book.used[1] = routes, places
    return len(origins)


@compiled
def _reverse(start, successor):
    """Return the predecessors as CSR."""
    n = len(start) - 1
    first = np.zeros(n + 1, np.int32)
    for s in successor:
        first[s + 1] += 1
    for i in range(n):
        first[i + 1] += first[i]
    fill = first[:-1].copy()
    before = np.empty(len(successor), np.int32)
    for i in range(n):
        for k in range(start[i], start[i + 1]):
            before[fill[successor[k]]] = i
            fill[successor[k]] += 1
    return first, before


class Routes:
    """The routes of a graph, and what else is worked out once for it.

    Parameters
    ----------
    graph : TrackGraph
    """

    def __init__(self, graph: TrackGraph) -> None:
        n = len(graph.signal)
        before_start, before = _reverse(graph.successor_start, graph.successor)
        halt = graph.halt.copy() if graph.halt is not None else np.zeros(n, np.bool_)
        self.track = Track(
            np.maximum(graph.length_m.astype(np.float64), 1e-3), graph.zone, graph.signal, halt,
            graph.successor_start, graph.successor, before_start, before, np.array([graph.ways], np.int32),
        )  # fmt: skip
        room = 2 * n + 1024
        self.book = RouteBook(
            np.full(n, -1, np.int32), np.zeros(n, np.int32), np.zeros(room, np.int32), np.zeros(room, np.int64),
            np.zeros(room, np.int32), np.zeros(room), np.zeros(8 * room, np.int32), np.zeros(2, np.int64),
        )  # fmt: skip
        self.version = 0
        self.list(np.flatnonzero(graph.signal | halt).astype(np.int32))

    @classmethod
    def of(cls, graph: TrackGraph) -> Routes:
        """Return the routes of a graph, listed once."""
        if "routes" not in graph.cache:
            graph.cache["routes"] = cls(graph)
        routes = graph.cache["routes"]
        assert isinstance(routes, cls)
        return routes

    def list(self, origins: Ints) -> None:
        """List the routes from some directed pieces, if they are not listed yet.

        Raises
        ------
        ValueError
            If a place has more routes than can be kept: signals or halts are missing there.
        """
        origins = origins[self.book.first[origins] < 0]
        at = 0
        while at < len(origins):
            reached = int(_list_routes(self.track, self.book, origins[at:]))
            if reached < 0:
                piece = int(origins[at - 1 - reached])
                raise ValueError(f"from directed piece {piece} more than {MOST_ROUTES} routes lead to signals or halts")
            at += reached
            if at < len(origins):
                self._grow()

    def halt_at(self, directed: Ints) -> None:
        """Make halts of some directed pieces; all routes are listed anew when these are not halts yet."""
        new = directed[~self.track.halt[directed]]
        if len(new):
            self.track.halt[new] = True
            self.book.first[:] = -1
            self.book.used[:] = 0
            self.version += 1
            self.list(np.flatnonzero(self.track.signal | self.track.halt).astype(np.int32))

    def _grow(self) -> None:
        grown = {
            name: np.concatenate([part, np.zeros_like(part)])
            for name, part in self.book._asdict().items()
            if name in ("end", "at", "number", "metres", "pieces")
        }
        self.book = self.book._replace(**grown)

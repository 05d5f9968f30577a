"""Turning back on the way: where a train may, how long it stands for it, and where its head is then.

A train turns on a holding track that is open to it in both directions, fits it and lies off the open line, at a place
that has what its kind of turning needs: the engine runs round, or the train is driven from its other end. The new head
is taken to be at the beginning of the piece under the tail; a run has a row more there, that piece the other way round.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from weerspoor.network.model import KIND_OPEN_LINE
from weerspoor.network.routes import reversed_successors
from weerspoor.trains.stops import StopKind, missing, stop_kind

if TYPE_CHECKING:
    from weerspoor.network.model import Bools, Ints, Network
    from weerspoor.trains.access import Access
    from weerspoor.trains.model import Train


@dataclass(frozen=True)
class Turning:
    """How a train turns back.

    Attributes
    ----------
    kind : StopKind
    least_s : float
        Shortest stand for it.
    may_turn : (2 n_pieces,) bool
        It may turn where it stands with its head at the exit of the directed piece.
    """

    kind: StopKind
    least_s: float
    may_turn: Bools


def turning(network: Network, train: Train, access: Access) -> Turning:
    """Return how and where a train turns back."""
    kind, points, stops = stop_kind(train.turns_by), network.points, network.stops
    able = np.array([not missing(kind, *place) for place in zip(points.code, points.kind, strict=True)], dtype=bool)
    rows = access.stop_rows[stops.point[access.stop_rows] >= 0]
    rows = rows[able[stops.point[rows]]]
    rows = rows[network.pieces.kind[stops.directed[rows] >> 1] != KIND_OPEN_LINE]
    may_turn = np.zeros(2 * network.n_pieces, dtype=bool)
    may_turn[stops.directed[rows]] = True
    return Turning(kind, kind.least_for(train), may_turn)


def turned_heads(network: Network, train: Train, usable: Bools, may_turn: Bools) -> tuple[Ints, Ints]:
    """Return the directed pieces at whose exit a train may turn, and those at whose exit its head then is.

    Only where all under the train is open to it both ways and a single way leads there.

    Parameters
    ----------
    usable, may_turn : (2 n_pieces,) bool
    """
    start, before = reversed_successors(network)
    length_m = network.pieces.length_m
    found: list[tuple[int, int]] = []
    for directed in np.flatnonzero(may_turn & usable).tolist():
        here, left_m = directed, train.length_m
        while usable[here] and usable[here ^ 1]:
            left_m -= float(length_m[here >> 1])
            if left_m <= 0.0:
                found.append((directed, here ^ 1))
                break
            if start[here + 1] - start[here] != 1:
                break
            here = int(before[start[here]])
    table = np.array(found, np.int32).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def with_turns(network: Network, stands: Ints, heads: Ints) -> tuple[Ints, Ints]:
    """Return the successors as CSR with a node more for every turning: from where the train stands to beyond its head.

    Turning ``k`` is node ``2 n_pieces + k``.
    """
    n, start = 2 * network.n_pieces, network.successor_start
    beyond = start[heads + 1] - start[heads]
    inside = np.arange(int(beyond.sum())) - np.repeat(np.cumsum(beyond) - beyond, beyond)
    origin = np.concatenate([
        np.repeat(np.arange(n, dtype=np.int32), np.diff(start)),
        stands,
        np.repeat(np.arange(n, n + len(stands), dtype=np.int32), beyond),
    ])  # fmt: skip
    onward = np.concatenate([
        network.successor,
        np.arange(n, n + len(stands), dtype=np.int32),
        network.successor[np.repeat(start[heads], beyond) + inside],
    ])  # fmt: skip
    order = np.argsort(origin, kind="stable")
    offsets = np.zeros(n + len(stands) + 1, np.int32)
    np.cumsum(np.bincount(origin, minlength=n + len(stands)), out=offsets[1:])
    return offsets, onward[order].astype(np.int32)


def turned_rows(network: Network, directed: Ints) -> Bools:
    """Tell which pieces of a run are not run over: those at whose exit a train that turned back has its new head."""
    start, following = network.successor_start, network.successor
    first, last = start[directed[:-1]], start[directed[:-1] + 1]
    turned = np.ones(len(directed), dtype=bool)
    turned[:1] = False
    for k in range(int((last - first).max(initial=0))):
        turned[1:] &= (first + k >= last) | (following[np.minimum(first + k, len(following) - 1)] != directed[1:])
    return turned

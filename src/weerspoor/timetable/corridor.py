"""Where a train may run between its calls: the tracks on ways not much longer than its best one, over all its calls.

The ways are sought from the first call to the last at once, so that a track at one station is only used if the train
can go on from it. A train turns back at a station only where every way without costs far more.

In stations most tracks may be run both ways. Which way is usual there, the trains settle among themselves
(:func:`usual_ways`): each looks for its best way over tracks on which most others run as it does.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from weerspoor.network.model import Network
from weerspoor.network.routes import reversed_successors

Ints = npt.NDArray[np.int32]
Costs = npt.NDArray[np.float64]

BEYOND_S = 600.0
"""Ways that reach the next call so much later than the first way are not looked at."""


@dataclass(frozen=True)
class CorridorNorms:
    """What ways are worth.

    Attributes
    ----------
    detour_share, detour_s : float
        A leg may use tracks on ways longer than the best by this share of the leg and so much more.
    against_factor : float
        A second on the left-hand track counts as so many.
    opposed_factor : float
        A second on a track that most trains run the other way counts as so many, while the usual ways are settled.
    opposed_share : float
        Most trains run a track the other way if those that run it this way are less than this share of them.
    against_detour_s : float
        A left-hand track is used only where the way over it, counted so, is at most so much longer than the best.
    opposed_speed : float
        Share of its speed at which a train runs on a track that most run the other way, so that it goes there only
        where it gains by that.
    reversal_s : float
        Turning back at a call counts as so much.
    """

    detour_share: float
    detour_s: float
    against_factor: float
    opposed_factor: float
    opposed_share: float
    against_detour_s: float
    opposed_speed: float
    reversal_s: float


@dataclass(frozen=True)
class Stretch:
    """The corridor between two reversals.

    Attributes
    ----------
    first : int
        Its first call.
    calls : list of (k,) int32
        Directed pieces of each of its calls.
    allowed : (2 n_pieces,) bool
    """

    first: int
    calls: list[Ints]
    allowed: npt.NDArray[np.bool_]


class NoWayError(Exception):
    """The tracks do not allow the calls, whatever the time; ``leg`` is the call from which there is no way on."""

    def __init__(self, leg: int) -> None:
        super().__init__(f"no way on from call {leg}")
        self.leg = leg


def corridor(
    network: Network,
    speed_ms: npt.NDArray[np.float32],
    calls: Sequence[Ints],
    may_turn: Sequence[bool],
    norms: CorridorNorms,
) -> list[Stretch]:
    """Return the corridor of a train, in stretches between reversals.

    Parameters
    ----------
    network : Network
    speed_ms : (2 n_pieces,) float32
        Highest speed of the train; 0 where it may not go.
    calls : sequence of (k,) int32
        Directed pieces at whose exit it may be at each call; at least two calls.
    may_turn : sequence of bool
        Whether it may turn back there.
    norms : CorridorNorms

    Raises
    ------
    NoWayError
        If there is no way.
    """
    against = ~network.pieces.right_hand
    cost = _cost(network, speed_ms, norms)
    last = len(calls) - 1
    ways = _Ways(network, calls, norms.reversal_s)
    total = ways.look([cost] * last, [(True, turn) for turn in may_turn])
    kinds, costs = [], []
    for call in range(last):
        turns = may_turn[call] and call > 0 and ways.onward_from(call) > total + 1e-6
        kinds.append((not turns, turns))
        wrong = against & (ways.onward[call] + ways.back[call] > total + norms.against_detour_s)
        costs.append(np.where(wrong, np.inf, cost))
    total = ways.look(costs, kinds)
    stretches: list[Stretch] = []
    allowed = np.zeros(2 * network.n_pieces, bool)
    slack = 0.0
    for call in range(last + 1):
        before_s, slack = slack, 0.0
        if call < last:
            leg_s = float(np.min(ways.until[call + 1]) - np.min(ways.until[call]))
            slack = leg_s * norms.detour_share + norms.detour_s
        here = calls[call][ways.until[call] + ways.after[call] <= total + max(slack, before_s)]
        if call == 0:
            stretches.append(Stretch(0, [here], allowed))
        else:
            stretches[-1].calls.append(here)
        if call < last:
            if kinds[call][1]:
                allowed = np.zeros(2 * network.n_pieces, bool)
                stretches.append(Stretch(call, [np.unique(here ^ 1).astype(np.int32)], allowed))
            allowed |= ways.onward[call] + ways.back[call] <= total + slack
    for stretch in stretches:
        for here in stretch.calls:
            stretch.allowed[here] = True
    return stretches


@dataclass(frozen=True)
class Route:
    """What is known of some equal trains before their times: speeds, calls, where they may turn, how many they are."""

    speed_ms: npt.NDArray[np.float32]
    calls: Sequence[Ints]
    may_turn: Sequence[bool]
    count: int


def usual_ways(network: Network, routes: Sequence[Route], norms: CorridorNorms, rounds: int) -> npt.NDArray[np.bool_]:
    """Return the directed pieces that most trains run the other way, where each has its best way for that.

    Parameters
    ----------
    network : Network
    routes : sequence of Route
        Those without a way are passed over.
    norms : CorridorNorms
    rounds : int
        How often every route is sought again, given all others.

    Returns
    -------
    (2 n_pieces,) bool
    """
    used = np.zeros(2 * network.n_pieces)
    own: list[npt.NDArray[np.intp]] = [np.empty(0, np.intp) for _ in routes]
    for _ in range(rounds):
        for number, route in enumerate(routes):
            used[own[number]] -= route.count
            cost = _cost(network, route.speed_ms, norms, _opposed(used, norms))
            last = len(route.calls) - 1
            ways = _Ways(network, route.calls, norms.reversal_s)
            try:
                total = ways.look([cost] * last, [(True, turn) for turn in route.may_turn])
            except NoWayError:
                continue
            best = np.zeros(len(used), np.bool_)
            for leg in range(last):
                best |= ways.onward[leg] + ways.back[leg] <= total + 1e-6
            own[number] = np.flatnonzero(best)
            used[own[number]] += route.count
    return _opposed(used, norms)


def _opposed(used: Costs, norms: CorridorNorms) -> npt.NDArray[np.bool_]:
    other = used.reshape(-1, 2)[:, ::-1].reshape(-1)
    return np.asarray(used < norms.opposed_share * other)


def _cost(
    network: Network,
    speed_ms: npt.NDArray[np.float32],
    norms: CorridorNorms,
    opposed: npt.NDArray[np.bool_] | None = None,
) -> Costs:
    """Return what each directed piece costs a train: seconds, more on the left-hand track and against most others."""
    with np.errstate(divide="ignore"):
        seconds = np.repeat(network.pieces.length_m, 2) / speed_ms.astype(np.float64)
    factor = np.ones(len(seconds)) if opposed is None else np.where(opposed, norms.opposed_factor, 1.0)
    factor[~network.pieces.right_hand] = norms.against_factor
    return np.asarray(seconds * factor)


class _Ways:
    """Least costs over all calls: until and after each call, and within each leg from before and from behind."""

    def __init__(self, network: Network, calls: Sequence[Ints], reversal_s: float) -> None:
        self.forward = (network.successor_start, network.successor)
        self.backward = reversed_successors(network)
        self.n = 2 * network.n_pieces
        self.calls = calls
        self.reversal_s = reversal_s
        self.until: list[Costs] = []
        self.after: list[Costs] = []
        self.onward: list[Costs] = []
        self.back: list[Costs] = []

    def look(self, costs: Sequence[Costs], kinds: Sequence[tuple[bool, bool]]) -> float:
        """Work out all costs, given those of each leg and whether each call is left onward and turned; return the best.

        The first call is never turned at.

        Raises
        ------
        NoWayError
        """
        calls = self.calls
        last = len(calls) - 1
        kinds = [(True, False), *kinds[1:]]
        self.onward, self.back = [], [np.empty(0)] * last
        self.until, self.after = [np.zeros(len(calls[0]))], [np.zeros(len(here)) for here in calls]
        for call in range(last):
            nodes, values = self._leaving(call, self.until[call], kinds[call])
            target = self._marked(calls[call + 1])
            self.onward.append(_spread(*self.forward, costs[call], nodes, values, target, BEYOND_S, False))
            self.until.append(self.onward[call][calls[call + 1]])
            if not np.isfinite(self.until[-1]).any():
                raise NoWayError(call)
        for call in range(last - 1, -1, -1):
            straight, turned = kinds[call]
            leaving, _ = self._leaving(call, self.until[call], kinds[call])
            target = self._marked(leaving)
            known = np.isfinite(self.after[call + 1])
            nodes, values = calls[call + 1][known], self.after[call + 1][known]
            self.back[call] = _spread(*self.backward, costs[call], nodes, values, target, BEYOND_S, True)
            here = np.full(len(calls[call]), np.inf)
            if straight:
                here = self.back[call][calls[call]]
            if turned:
                here = np.minimum(here, self.back[call][calls[call] ^ 1] + self.reversal_s)
            self.after[call] = here
        return float(np.min(self.until[-1]))

    def onward_from(self, call: int) -> float:
        """Return the least cost of a way that does not turn at a call."""
        return float(np.min(self.until[call] + self.back[call][self.calls[call]]))

    def _leaving(self, call: int, until: Costs, kind: tuple[bool, bool]) -> tuple[Ints, Costs]:
        """Return where a train may leave a call, and what it has cost so far."""
        known = np.isfinite(until)
        here, cost = self.calls[call][known], until[known]
        straight, turned = kind
        parts = ([(here, cost)] if straight else []) + ([(here ^ 1, cost + self.reversal_s)] if turned else [])
        return np.concatenate([nodes for nodes, _ in parts]), np.concatenate([values for _, values in parts])

    def _marked(self, nodes: Ints) -> npt.NDArray[np.bool_]:
        marked = np.zeros(self.n, np.bool_)
        marked[nodes] = True
        return marked


@njit(cache=True)  # type: ignore[untyped-decorator]
def _spread(  # noqa: PLR0917
    start: Ints,
    following: Ints,
    cost: Costs,
    nodes: Ints,
    values: Costs,
    target: npt.NDArray[np.bool_],
    beyond: float,
    backward: bool,
) -> Costs:
    """Dijkstra from exits of pieces with given costs, on until ``beyond`` after the first target.

    Forward, a way costs the pieces it enters; backward, the pieces it leaves.
    """
    dist = np.full(len(start) - 1, np.inf)
    heap = [(0.0, np.int32(0)) for _ in range(0)]
    for k in range(len(nodes)):
        if cost[nodes[k]] < np.inf and values[k] < dist[nodes[k]]:
            dist[nodes[k]] = values[k]
            heapq.heappush(heap, (values[k], nodes[k]))
    until = np.inf
    while len(heap) > 0:
        here, node = heapq.heappop(heap)
        if here > dist[node]:
            continue
        if here > until:
            break
        if target[node]:
            until = min(until, here + beyond)
        for k in range(start[node], start[node + 1]):
            onward = following[k]
            there = here + cost[node] if backward else here + cost[onward]
            if there < dist[onward] and cost[onward] < np.inf:
                dist[onward] = there
                heapq.heappush(heap, (there, onward))
    return dist

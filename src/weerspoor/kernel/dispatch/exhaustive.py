"""Every order of the events of a few trains, tried: a plan, the cheapest plan, or the proof that there is none.

The search goes from one event to the next, as in the format: what counts is their order, and each comes at the
earliest moment that its place in the order allows. Of two beginnings after which all trains are in the same operations
and the same resources are closed behind the same trains, one in which nothing is later can go on as the other can;
so few of the many orders have to be looked at. A group of trains that cannot all come to their exits proves that all
trains cannot.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from weerspoor.formats.dispatching import Event, Problem
from weerspoor.kernel.dispatch.arrays import Tasks

MOST_STATES = 20_000
"""After so many states the orders of one group are given up."""

MOST_STATES_IN_ALL = 100_000
"""After so many states no further group is looked at."""

LARGEST_GROUP = 12
"""No larger groups are looked at."""

MOST_OPERATIONS = 60
"""The cheapest plan of all orders is looked for where all trains together have no more operations."""

Closings = tuple[tuple[int, int, int], ...]
"""(resource, train, until) for what is closed behind a train to others, in order of resources."""

Chain = tuple[Event, "Chain"] | None
"""The events of a beginning, the last one first."""

STATES_A_LOOK = 256
"""States between two looks whether time is over."""

IsOver = Callable[[], bool]


def never() -> bool:
    """Say that time is not over."""
    return False


class Verdict(Enum):
    """What trying the orders of a group came to."""

    PLAN = "plan"
    NONE = "none"
    UNKNOWN = "unknown"


class _State(NamedTuple):
    """A beginning: the trains of the group are in ``here`` (-1 before their entry), and may go on from ``ready``."""

    cost: float
    now: int
    here: tuple[int, ...]
    ready: tuple[int, ...]
    closed: Closings


@dataclass(frozen=True)
class Orders:
    """The orders of a group, tried: events of a plan for its trains, if there is one; how many states that took."""

    verdict: Verdict
    events: tuple[Event, ...]
    states: int


@dataclass(frozen=True)
class Settled:
    """What is known of all trains: a plan, or why there is none; neither where nothing could be settled."""

    events: tuple[Event, ...] = ()
    reason: str = ""


class Graph:
    """The operations of all trains as lists, which are quicker than arrays for single values."""

    def __init__(self, tasks: Tasks) -> None:
        self.first: list[int] = tasks.first.tolist()
        self.least: list[int] = tasks.least.tolist()
        self.lower: list[int] = tasks.lower.tolist()
        self.upper: list[int] = tasks.upper.tolist()
        use, release = tasks.use.tolist(), tasks.release.tolist()
        bounds, onward = tasks.use_first.tolist(), tasks.next_first.tolist()
        after = tasks.next.tolist()
        self.uses = [tuple(zip(use[a:b], release[a:b], strict=True)) for a, b in itertools.pairwise(bounds)]
        self.after = [tuple(after[a:b]) for a, b in itertools.pairwise(onward)]
        parts = list(zip(tasks.threshold.tolist(), tasks.increment.tolist(), tasks.coeff.tolist(), strict=True))
        self.parts = [tuple(parts[a:b]) for a, b in itertools.pairwise(tasks.part_first.tolist())]
        goals, ahead, ahead_first = tasks.goal_first.tolist(), tasks.ahead.tolist(), tasks.ahead_first.tolist()
        self.ahead = [
            tuple(
                (ahead[ahead_first[operation] + k - goals[train]], parts[k])
                for k in range(goals[train], goals[train + 1])
                if ahead[ahead_first[operation] + k - goals[train]] > 0
            )
            for train, (a, b) in enumerate(itertools.pairwise(self.first))
            for operation in range(a, b)
        ]

    def cost_at(self, operation: int, time: int) -> float:
        """Return what an operation costs that starts at a time."""
        return sum(_cost(part, time) for part in self.parts[operation])

    def cost_ahead(self, operation: int, time: int) -> float:
        """Return no more than what comes behind an operation costs that starts at a time."""
        return sum(_cost(part, time + ahead) for ahead, part in self.ahead[operation])

    def entry_is_given(self, train: int) -> bool:
        """Whether there is only one moment at which a train can begin."""
        entry = self.first[train]
        return self.lower[entry] == self.upper[entry]


def _cost(part: tuple[int, float, float], time: int) -> float:
    threshold, increment, coeff = part
    return coeff * (time - threshold) + increment if time >= threshold else 0.0


def try_orders(graph: Graph, trains: Sequence[int], most_states: int = MOST_STATES, is_over: IsOver = never) -> Orders:
    """Look for a plan for some trains, as if there were no others.

    Parameters
    ----------
    graph : Graph
    trains : sequence of int
    most_states : int
        Given up after so many.
    is_over : callable
        Given up when this says so.
    """
    return _search(graph, trains, None, most_states, is_over)


def cheapest_order(
    graph: Graph, trains: Sequence[int], below: float, most_states: int = MOST_STATES, is_over: IsOver = never
) -> Orders:
    """Look for the plan of least cost for some trains, as if there were no others.

    Parameters
    ----------
    graph : Graph
    trains : sequence of int
    below : float
        Plans that cost as much or more are not looked for.
    most_states : int
        Given up after so many: then the verdict is ``UNKNOWN``, with the best plan so far if there is one.
    is_over : callable
        Given up when this says so.
    """
    return _search(graph, trains, below, most_states, is_over)


def _search(graph: Graph, trains: Sequence[int], below: float | None, most_states: int, is_over: IsOver) -> Orders:
    """Try the orders; without ``below``, any plan will do and costs do not count."""
    n = len(trains)
    stack: list[tuple[_State, Chain]] = [(_State(0.0, 0, (-1,) * n, (0,) * n, ()), None)]
    known: dict[tuple[object, ...], list[tuple[float, ...]]] = {}
    exits = tuple(graph.first[train + 1] - 1 for train in trains)
    states = 0
    best: tuple[Event, ...] = ()
    while stack:
        state, chain = stack.pop()
        if below is not None and state.cost + _ahead(graph, trains, state) >= below - 1e-6:
            continue
        if state.here == exits:
            best = _events(chain)
            if below is None:
                return Orders(Verdict.PLAN, best, states)
            below = state.cost
        if _is_no_better(known, state):
            continue
        states += 1
        if states > most_states or (states % STATES_A_LOOK == 0 and is_over()):
            return Orders(Verdict.UNKNOWN, best, states)
        # The earliest is taken first, so it is put in last.
        for time, place, operation in sorted(_steps(graph, trains, state), reverse=True):
            event = Event(time, trains[place], operation - graph.first[trains[place]])
            following = _after(graph, trains, state, (time, place, operation))
            if following is not None:
                dearer = 0.0 if below is None else graph.cost_at(operation, time)
                stack.append((following._replace(cost=state.cost + dearer), (event, chain)))
    return Orders(Verdict.PLAN if best else Verdict.NONE, best, states)


def _ahead(graph: Graph, trains: Sequence[int], state: _State) -> float:
    """Return no more than what the rest of a plan costs."""
    cost = 0.0
    for train, operation, ready in zip(trains, state.here, state.ready, strict=True):
        if operation >= 0:
            cost += graph.cost_ahead(operation, ready - graph.least[operation])
        else:
            entry = graph.first[train]
            start = max(state.now, graph.lower[entry])
            cost += graph.cost_at(entry, start) + graph.cost_ahead(entry, start)
    return cost


def _events(chain: Chain) -> tuple[Event, ...]:
    events = []
    while chain is not None:
        event, chain = chain
        events.append(event)
    return tuple(reversed(events))


def _is_no_better(known: dict[tuple[object, ...], list[tuple[float, ...]]], state: _State) -> bool:
    """Tell whether a beginning known already is as far, no dearer and no later; if not, this one is known from now."""
    key = (state.here, *((r, train) for r, train, _ in state.closed))
    times = (state.cost, state.now, *state.ready, *(until for _, _, until in state.closed))
    others = known.setdefault(key, [])
    if any(all(a <= b for a, b in zip(other, times, strict=True)) for other in others):
        return True
    others.append(times)
    return False


def _steps(graph: Graph, trains: Sequence[int], state: _State) -> list[tuple[int, int, int]]:
    """Return every event that may come next: (time, place of the train in the group, operation)."""
    holder = {r: i for i, operation in enumerate(state.here) if operation >= 0 for r, _ in graph.uses[operation]}
    closed = {r: (train, until) for r, train, until in state.closed}
    steps = []
    for i, operation in enumerate(state.here):
        for following in graph.after[operation] if operation >= 0 else (graph.first[trains[i]],):
            time = max(state.now, state.ready[i], graph.lower[following])
            for r, _ in graph.uses[following]:
                if holder.get(r, i) != i:
                    break
                behind, until = closed.get(r, (i, 0))
                if behind != i:
                    time = max(time, until)
            else:
                if time <= graph.upper[following]:
                    steps.append((time, i, following))
    return steps


def _after(graph: Graph, trains: Sequence[int], state: _State, step: tuple[int, int, int]) -> _State | None:
    """Return the beginning with one event more; None if a train comes too late for its entry then."""
    time, i, operation = step
    here = (*state.here[:i], operation, *state.here[i + 1 :])
    if any(at < 0 and graph.upper[graph.first[train]] < time for train, at in zip(trains, here, strict=True)):
        return None
    closed = {r: (train, until) for r, train, until in state.closed if until > time}
    for r, release in graph.uses[state.here[i]] if state.here[i] >= 0 else ():
        # What another train closed before is open again, or this one could not have taken it.
        until = max(time + release, closed.get(r, (i, 0))[1])
        if until > time:
            closed[r] = (i, until)
    ready = list(state.ready)
    ready[i] = time + graph.least[operation]
    return _State(
        state.cost,
        time,
        here,
        tuple(max(time, moment) if at >= 0 else 0 for moment, at in zip(ready, here, strict=True)),
        tuple((r, train, until) for r, (train, until) in sorted(closed.items())),
    )


def settle(problem: Problem, tasks: Tasks, numbers: Sequence[int], is_over: IsOver = never) -> Settled:
    """Find a plan for few trains, or a group of trains that cannot all come to their exits.

    A circle of trains each of which waits for the next from the beginning is found at any length. Other groups, whose
    orders are tried, are pairs of trains that cannot come past each other where they begin, all trains that cannot come
    past the others where these begin, and all trains.

    Parameters
    ----------
    problem : Problem
    tasks : Tasks
        The same problem as arrays.
    numbers : sequence of int
        What each train is called in the reason.
    is_over : callable
        Given up when this says so.
    """
    graph, n = Graph(tasks), len(problem.trains)
    beginnings = _Beginnings(graph, range(n))
    if circle := beginnings.circle():
        return Settled(reason=_in_words(problem, beginnings, circle, numbers))
    left = MOST_STATES_IN_ALL
    for group in _groups(beginnings, n):
        orders = try_orders(graph, group, min(MOST_STATES, left), is_over)
        left -= orders.states
        if orders.verdict is Verdict.NONE:
            return Settled(reason=_in_words(problem, beginnings, _smallest(graph, group, is_over), numbers))
        if orders.verdict is Verdict.PLAN and len(group) == n:
            return Settled(events=orders.events)
        if left <= 0 or is_over():
            break
    return Settled()


def _groups(beginnings: _Beginnings, n: int) -> list[tuple[int, ...]]:
    """Return the groups of trains that are worth trying, the smallest first."""
    core = beginnings.that_block_each_other()
    groups: list[tuple[int, ...]] = list(beginnings.pairs_of(core))
    if 2 < len(core) <= LARGEST_GROUP:
        groups.append(core)
    if len(core) < n <= LARGEST_GROUP:
        groups.append(tuple(range(n)))
    return groups


def _smallest(graph: Graph, group: Sequence[int], is_over: IsOver) -> tuple[int, ...]:
    """Return a part of a group that has no plan either, but has one without any of its trains."""
    left = list(group)
    for train in group:
        rest = [other for other in left if other != train]
        if rest and try_orders(graph, rest, is_over=is_over).verdict is Verdict.NONE:
            left = rest
    return tuple(left)


class _Beginnings:
    """What trains hold where they begin at given times, and which others cannot come past that."""

    def __init__(self, graph: Graph, trains: Iterable[int]) -> None:
        self.graph = graph
        self.trains = tuple(train for train in trains if graph.entry_is_given(train))
        self.soonest = [self._soonest(train) for train in self.trains]
        self.entries: dict[int, list[tuple[int, int]]] = {}
        for train in self.trains:
            entry = graph.first[train]
            for r, _ in graph.uses[entry]:
                self.entries.setdefault(r, []).append((graph.lower[entry], train))
        for rows in self.entries.values():
            rows.sort()
        self._place = {train: k for k, train in enumerate(self.trains)}

    def _soonest(self, train: int) -> list[int]:
        """Return the earliest start of each operation of a train by itself."""
        graph, base = self.graph, self.graph.first[train]
        starts = list(graph.lower[base : graph.first[train + 1]])
        reached = [k == 0 for k in range(len(starts))]
        came = [0] * len(starts)
        for k in range(len(starts)):
            starts[k] = max(starts[k], came[k])
            for following in graph.after[base + k] if reached[k] else ():
                j = following - base
                since = starts[k] + graph.least[base + k]
                came[j] = min(came[j], since) if reached[j] else since
                reached[j] = True
        return starts

    def blocking(self, train: int, others: frozenset[int]) -> list[tuple[int, int]]:
        """Return (resource, other train) that close all ways of a train to its exit; none if a way is open.

        A resource where another train begins is no hindrance to one that can be through before that.
        """
        graph, base, end = self.graph, self.graph.first[train], self.graph.first[train + 1]
        soonest = self.soonest[self._place[train]]
        reached, met = {base}, []
        for operation in range(base, end):
            if operation not in reached:
                continue
            past = soonest[operation - base] + graph.least[operation]
            hindrance = None
            for r, release in graph.uses[operation] if operation > base else ():
                for begins, other in self.entries.get(r, ()):
                    if begins >= past + release and operation < end - 1:
                        break
                    if other != train and other in others:
                        hindrance = (r, other)
                        break
                if hindrance is not None:
                    break
            if hindrance is not None:
                met.append(hindrance)
                continue
            if operation == end - 1:
                return []
            reached.update(graph.after[operation])
        return sorted(set(met))

    def that_block_each_other(self) -> tuple[int, ...]:
        """Return the trains none of which comes to its exit past the places where the others begin."""
        left = frozenset(self.trains)
        while True:
            stuck = frozenset(train for train in sorted(left) if self.blocking(train, left))
            if stuck == left:
                return tuple(sorted(left))
            left = stuck

    def circle(self) -> tuple[int, ...]:
        """Return trains of which each can only go on to what another of them holds since its beginning.

        Nobody can be the first to go on once all have begun, and nobody can before. No smaller group is like that.
        """
        begin = {train: self.graph.lower[self.graph.first[train]] for train in self.trains}
        for last in sorted(set(begin.values())):
            found = self._waiting(frozenset(train for train in self.trains if begin[train] <= last), last)
            if found:
                for train in sorted(found):
                    found = self._waiting(found - {train}, last) or found
                return tuple(sorted(found))
        return ()

    def _waiting(self, trains: frozenset[int], last: int) -> frozenset[int]:
        """Return the largest part of some trains that wait for each other when all of them have begun."""
        while True:
            held = {r: [other for _, other in rows if other in trains] for r, rows in self.entries.items()}
            stay = frozenset(train for train in trains if self._stays(train, held, last))
            if stay == trains:
                break
            trains = stay
        return trains if any(self.graph.after[self.graph.first[train]] for train in trains) else frozenset()

    def _stays(self, train: int, held: dict[int, list[int]], last: int) -> bool:
        """Tell whether a train cannot leave its entry by a time, nor later while others hold what they do."""
        graph, entry = self.graph, self.graph.first[train]
        leaves = graph.lower[entry] + graph.least[entry]
        return all(
            max(leaves, graph.lower[following]) > last
            and any(other != train for r, _ in graph.uses[following] for other in held.get(r, ()))
            for following in graph.after[entry]
        )

    def pairs_of(self, trains: Sequence[int]) -> Iterable[tuple[int, int]]:
        """Yield the pairs of trains neither of which comes past the place where the other begins."""
        held = self._resources_of(trains)
        for i, j in itertools.combinations(trains, 2):
            if held[i][1].isdisjoint(held[j][0]) or held[j][1].isdisjoint(held[i][0]):
                continue
            if self.blocking(i, frozenset({j})) and self.blocking(j, frozenset({i})):
                yield i, j

    def _resources_of(self, trains: Sequence[int]) -> dict[int, tuple[frozenset[int], frozenset[int]]]:
        """Return for each train the resources of its entry, and all that it may use."""
        graph = self.graph
        return {
            train: (
                frozenset(r for r, _ in graph.uses[graph.first[train]]),
                frozenset(r for o in range(graph.first[train], graph.first[train + 1]) for r, _ in graph.uses[o]),
            )
            for train in trains
        }


def _in_words(problem: Problem, beginnings: _Beginnings, group: Sequence[int], numbers: Sequence[int]) -> str:
    """Say which trains cannot all come to their exits, and what each of them has to come past."""
    uses = (use for train in problem.trains for operation in train for use in operation.resources)
    resources = list(dict.fromkeys(use.resource for use in uses))
    together = sorted({numbers[train] for train in group})
    if len(together) == 1:
        return f"train {together[0]} cannot come to its exit"
    named, every = ", ".join(map(str, together[:-1])), "both" if len(together) == 2 else "all"
    said = f"trains {named} and {together[-1]} cannot {every} come to their exits, in whatever order they go"
    hindrances = []
    for train in group:
        met = beginnings.blocking(train, frozenset(group)) if train in beginnings.trains else []
        places = " or ".join(f"{resources[r]}, where train {numbers[other]} begins" for r, other in met)
        if places:
            hindrances.append(f"train {numbers[train]} must come past {places}")
    return f"{said}: {'; '.join(hindrances)}" if hindrances else said

"""Fixed occupations as a dispatching problem with its solution, so that a foreign verifier can check them.

A train that holds resources from given to given second becomes a chain of operations whose start is fixed
(``start_lb = start_ub``). An operation begins whenever the train takes new resources, names only those, and each
resource's release time keeps it closed until the second it is given back. So the file has one use per resource and
visit, however many zones a train holds at once. Wherever it can, an operation ends at least a second before the first
of its resources is free again; then events of one second need no order among trains.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from weerspoor.formats import dispatching
from weerspoor.formats.dispatching import Event, Operation, Problem, Solution

Use = tuple[str, int, int]
"""A resource, the second from which it is held, and the second from which it is free."""


def operations(held: Iterable[Use]) -> tuple[Operation, ...]:
    """Return the chain of operations of one train; the last one, its exit, holds nothing.

    Parameters
    ----------
    held : iterable of (resource, from_s, until_s)
        In any order; intervals are ``from_s <= t < until_s``. Those of one resource may overlap.

    Raises
    ------
    ValueError
        If there is no interval, or one is empty or begins before second 0.

    Examples
    --------
    >>> [
    ...     (step.start_lb, [(use.resource, use.release_time) for use in step.resources])
    ...     for step in operations([("a", 10, 30), ("b", 20, 40)])
    ... ]
    [(10, [('a', 10)]), (20, [('b', 1)]), (39, [])]
    """
    by_start: dict[int, list[tuple[str, int]]] = {}
    for resource, from_s, until_s in held:
        if not 0 <= from_s < until_s:
            raise ValueError(f"{resource} is held from {from_s} until {until_s}")
        by_start.setdefault(from_s, []).append((resource, until_s))
    if not by_start:
        raise ValueError("a train holds nothing")
    starts = sorted(by_start)
    steps: list[tuple[int, tuple[dispatching.Use, ...]]] = []
    for number, start in enumerate(starts):
        taken = by_start[start]
        first_free = min(until for _, until in taken)
        last = number + 1 == len(starts)
        end = first_free - 1 if last else min(starts[number + 1], first_free - 1)
        end = max(end, start + 1)
        steps.append((start, tuple(dispatching.Use(resource, until - end) for resource, until in sorted(taken))))
        if last or end < starts[number + 1] or end == first_free:
            steps.append((end, ()))
    after = [(number,) for number in range(1, len(steps))]
    return tuple(
        Operation(start_lb=start, start_ub=start, resources=uses, successors=successors)
        for (start, uses), successors in zip(steps, [*after, ()], strict=True)
    )


def displib_problem(trains: Sequence[Iterable[Use]]) -> tuple[Problem, Solution]:
    """Return problem and solution of fixed occupations, for small numbers of trains.

    Parameters
    ----------
    trains : sequence of iterable of (resource, from_s, until_s)
        What each train holds.

    Returns
    -------
    problem : Problem
    solution : Solution
        Feasible exactly if no resource is held by two trains at once.
    """
    starts = _Starts()
    problem = Problem(tuple(starts.noted(operations(held)) for held in trains))
    return problem, Solution(0, tuple(starts.events()))


def write_displib(trains: Iterable[Iterable[Use]], folder: Path) -> tuple[int, int]:
    """Write ``problem.json`` and ``solution.json`` train by train, without holding the problem in memory.

    Parameters
    ----------
    trains : iterable of iterable of (resource, from_s, until_s)
    folder : Path
        Made when it is not there.

    Returns
    -------
    trains, operations : int
        How many were written.

    Raises
    ------
    InputError
        If the folder cannot be made or written.
    """
    starts = _Starts()
    dispatching.write_trains(folder / "problem.json", (starts.noted(operations(held)) for held in trains))
    dispatching.write_events(folder / "solution.json", 0, starts.events())
    return len(starts.counts), len(starts.times)


class _Starts:
    """The starts of the operations of all trains, noted while the trains go by."""

    def __init__(self) -> None:
        self.times: list[int] = []
        self.takes: list[bool] = []
        self.counts: list[int] = []

    def noted(self, chain: tuple[Operation, ...]) -> tuple[Operation, ...]:
        """Note a train and return it."""
        self.times += [operation.start_lb for operation in chain]
        self.takes += [bool(operation.resources) for operation in chain]
        self.counts.append(len(chain))
        return chain

    def events(self) -> Iterator[Event]:
        """Yield the events by start; in one second, those that take nothing come first."""
        start = np.array(self.times, np.int64)
        train = np.repeat(np.arange(len(self.counts)), self.counts)
        number = np.arange(len(start)) - np.repeat(np.cumsum([0, *self.counts])[:-1], self.counts)
        order = np.lexsort((number, train, np.array(self.takes, bool), start))
        yield from map(Event, start[order].tolist(), train[order].tolist(), number[order].tolist())

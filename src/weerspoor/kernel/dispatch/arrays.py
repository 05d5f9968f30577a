"""What the compiled parts of the engine are given: a problem, a plan and the uses of resources, as plain arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NEVER = 1 << 40
"""Later than any time."""


class Tasks(NamedTuple):
    """A problem. Operations of all trains stand one train after the other, each train's in topological order.

    Attributes
    ----------
    first : (trains + 1,) int64
        First operation of each train; the last of a train is its exit.
    least, lower, upper : (operations,) int64
        Least duration, earliest and latest start in seconds.
    use_first : (operations + 1,) int64; use, release : (uses,) int64
        Resources of an operation, each named once, and their release times.
    next_first : (operations + 1,) int64; next : (successors,) int64
    part_first : (operations + 1,) int64; threshold : int64, increment, coeff : float64
        Parts of the objective by operation.
    goal_first : (trains + 1,) int64
        First part of each train: parts stand in order of train and operation.
    ahead_first : (operations,) int64; ahead : int64
        For each part of the train: least time from an operation's start to the start of the part's operation; -1 where
        a way to the exit avoids it.
    """

    first: np.ndarray
    least: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    use_first: np.ndarray
    use: np.ndarray
    release: np.ndarray
    next_first: np.ndarray
    next: np.ndarray
    part_first: np.ndarray
    threshold: np.ndarray
    increment: np.ndarray
    coeff: np.ndarray
    goal_first: np.ndarray
    ahead_first: np.ndarray
    ahead: np.ndarray


class Uses(NamedTuple):
    """Who holds each resource when: rows ``first[r] : first[r] + number[r]`` of a resource, in order.

    A train holds it from ``start`` to ``end`` and closes it for ``release`` more; it takes it at the event ``begin``
    and gives it back at the event ``until`` of its path (numbers of places on the path).
    """

    first: np.ndarray
    number: np.ndarray
    start: np.ndarray
    end: np.ndarray
    release: np.ndarray
    train: np.ndarray
    begin: np.ndarray
    until: np.ndarray


class Paths(NamedTuple):
    """The path of each train: ``size`` operations and their starts, from row ``Tasks.first``; 0 when it has none."""

    size: np.ndarray
    operation: np.ndarray
    start: np.ndarray
    cost: np.ndarray


class Work(NamedTuple):
    """Arrays for passing use in the search for one train."""

    operation: np.ndarray
    time: np.ndarray
    limit: np.ndarray
    free: np.ndarray
    cost: np.ndarray
    parent: np.ndarray
    dead: np.ndarray
    following: np.ndarray
    head: np.ndarray
    key: np.ndarray
    item: np.ndarray
    found: np.ndarray
    found_time: np.ndarray
    found_limit: np.ndarray
    stack: np.ndarray
    seen: np.ndarray
    mark: np.ndarray
    counts: np.ndarray
    price: np.ndarray

"""The order of the events of a plan: within one second, no train may take what another still holds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from weerspoor.formats.dispatching import Event
from weerspoor.kernel.dispatch.arrays import Paths, Tasks


def events_of(tasks: Tasks, paths: Paths) -> tuple[Event, ...] | None:
    """Return the events of a plan in an order in which no train takes what another still holds.

    Only events of one second can stand in different orders. None if there is no order: trains change places in one
    moment.
    """
    of_train = np.repeat(np.arange(len(paths.size)), np.diff(tasks.first))
    used = np.flatnonzero(np.arange(len(of_train)) - tasks.first[of_train] < paths.size[of_train])
    used = used[np.argsort(paths.start[used], kind="stable")]
    starts, numbers = paths.start[used], paths.operation[used]
    trains = of_train[used].tolist()
    bounds = np.flatnonzero(np.diff(starts, prepend=-1, append=-1)).tolist() if len(used) else [0]
    line = _Line(tasks)
    operations: list[int] = numbers.tolist()
    times: list[int] = starts.tolist()
    for low, high in itertools.pairwise(bounds):
        if not line.goes_on_with(list(zip(trains[low:high], operations[low:high], strict=True)), times[low]):
            return None
    first = tasks.first.tolist()
    return tuple(
        Event(moment, train, operation - first[train])
        for moment, (train, operation) in zip(times, line.done, strict=True)
    )


class _Line:
    """Who holds each resource, and closes it behind itself, while events are put in order."""

    def __init__(self, tasks: Tasks) -> None:
        self.first: list[int] = tasks.use_first.tolist()
        self.use: list[int] = tasks.use.tolist()
        self.release: list[int] = tasks.release.tolist()
        resources = max(self.use, default=-1) + 1
        self.holder = [-1] * resources
        self.closed = [(-1, -1)] * resources
        self.at = [-1] * (len(tasks.first) - 1)
        self.done: list[tuple[int, int]] = []
        self._undo: list[tuple[int, int, list[tuple[int, int, tuple[int, int]]]]] = []

    def goes_on(self, event: tuple[int, int], time: int) -> bool:
        """Let a train begin its next operation, if nobody holds what it needs or closed it in this very second."""
        train, operation = event
        needed = self.use[self.first[operation] : self.first[operation + 1]]
        for r in needed:
            if self.holder[r] not in {-1, train}:
                return False
            second, last = self.closed[r]
            if second == time and last != train:
                return False
        before = self.at[train]
        old: list[tuple[int, int, tuple[int, int]]] = []
        if before >= 0:
            for u in range(self.first[before], self.first[before + 1]):
                r = self.use[u]
                old.append((r, self.holder[r], self.closed[r]))
                self.holder[r] = -1
                if self.release[u]:
                    self.closed[r] = (time, train)
        for r in needed:
            old.append((r, self.holder[r], self.closed[r]))
            self.holder[r] = train
        self.at[train] = operation
        self.done.append(event)
        self._undo.append((train, before, old))
        return True

    def goes_back(self) -> int:
        """Undo the event done last; return its train."""
        self.done.pop()
        train, self.at[train], old = self._undo.pop()
        for r, holder, closed in reversed(old):
            self.holder[r], self.closed[r] = holder, closed
        return train

    def goes_on_with(self, second: Sequence[tuple[int, int]], time: int) -> bool:
        """Do all events of one second, in any order that keeps those of a train in theirs."""
        if len(second) == 1:
            return self.goes_on(second[0], time)
        queues: dict[int, list[int]] = {}
        for train, operation in second:
            queues.setdefault(train, []).append(operation)
        places = dict.fromkeys(queues, 0)
        wanted, again = len(self.done) + len(second), True
        while again:
            again = False
            for train, queue in queues.items():
                while places[train] < len(queue) and self.goes_on((train, queue[places[train]]), time):
                    places[train] += 1
                    again = True
        if len(self.done) == wanted:
            return True
        while len(self.done) > wanted - len(second):
            self.goes_back()
        return self._searches(queues, time, wanted)

    def _searches(self, queues: dict[int, list[int]], time: int, wanted: int) -> bool:
        """Try every order, remembering how far the trains were where it did not go on."""
        places = dict.fromkeys(queues, 0)
        choices = [iter(queues)]
        seen: set[tuple[int, ...]] = set()
        while len(self.done) < wanted:
            for train in choices[-1]:
                place = places[train]
                if place == len(queues[train]) or not self.goes_on((train, queues[train][place]), time):
                    continue
                places[train] += 1
                state = tuple(places.values())
                if state not in seen:
                    seen.add(state)
                    choices.append(iter(queues))
                    break
                places[self.goes_back()] -= 1
            else:
                choices.pop()
                if not choices:
                    return False
                places[self.goes_back()] -= 1
        return True

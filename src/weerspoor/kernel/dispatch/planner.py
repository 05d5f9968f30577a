"""The state of one thread of the engine, and the arrays it works on."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np
import numpy.typing as npt

from weerspoor.formats.dispatching import Problem, Solution
from weerspoor.kernel.dispatch import search
from weerspoor.kernel.dispatch.arrays import NEVER, Paths, Tasks, Uses, Work
from weerspoor.kernel.dispatch.insertion import FOUND, NO_ROOM, TAKEN
from weerspoor.kernel.dispatch.plan import insert, put_path, put_stub

Longs = npt.NDArray[np.int64]

LABELS_A_CALL = 200_000
"""Labels taken between two moments at which an interruption is noticed (some 50 ms)."""


def tasks_of(problem: Problem) -> Tasks:
    """Return a problem as arrays."""
    first = np.zeros(len(problem.trains) + 1, np.int64)
    first[1:] = np.cumsum([len(train) for train in problem.trains])
    n = int(first[-1])
    number_of: dict[str, int] = {}
    least, lower, upper = (np.zeros(n, np.int64) for _ in range(3))
    use_first, next_first = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    use: list[int] = []
    release: list[int] = []
    after: list[int] = []
    o = 0
    for i, train in enumerate(problem.trains):
        base = int(first[i])
        for operation in train:
            least[o], lower[o] = operation.min_duration, operation.start_lb
            upper[o] = NEVER - 1 if operation.start_ub is msgspec.UNSET else operation.start_ub
            longest: dict[int, int] = {}
            for named in operation.resources:
                r = number_of.setdefault(named.resource, len(number_of))
                longest[r] = max(longest.get(r, 0), named.release_time)
            use += longest
            release += longest.values()
            after += (base + k for k in operation.successors)
            o += 1
            use_first[o], next_first[o] = len(use), len(after)
    parts = sorted(problem.objective, key=lambda part: (part.train, part.operation))
    part_first = np.zeros(n + 1, np.int64)
    goal_first = np.zeros(len(problem.trains) + 1, np.int64)
    for part in parts:
        part_first[first[part.train] + part.operation + 1] += 1
        goal_first[part.train + 1] += 1
    part_first, goal_first = np.cumsum(part_first), np.cumsum(goal_first)
    ahead_first = np.zeros(n, np.int64)
    ahead: list[int] = []
    for i, train in enumerate(problem.trains):
        base, size = int(first[i]), len(train)
        rows = []
        for part in parts[goal_first[i] : goal_first[i + 1]]:
            row = [-1] * size
            row[part.operation] = 0
            for k in range(part.operation - 1, -1, -1):
                ways = [row[j] for j in train[k].successors]
                if ways and min(ways) >= 0:
                    row[k] = train[k].min_duration + min(ways)
            rows.append(row)
        for k in range(size):
            ahead_first[base + k] = len(ahead)
            ahead += (row[k] for row in rows)
    return Tasks(
        first, least, lower, upper, use_first, np.array(use, np.int64), np.array(release, np.int64),
        next_first, np.array(after, np.int64), part_first, np.array([p.threshold for p in parts], np.int64),
        np.array([p.increment for p in parts], np.float64), np.array([p.coeff for p in parts], np.float64),
        goal_first, ahead_first, np.array(ahead, np.int64),
    )  # fmt: skip


def no_uses(tasks: Tasks) -> Uses:
    """Return room for the uses of all trains, without any."""
    count = np.bincount(tasks.use, minlength=1).astype(np.int64) + 2 if len(tasks.use) else np.full(1, 2, np.int64)
    first = np.cumsum(count) - count
    room = int(count.sum())
    return Uses(first, np.zeros(len(count), np.int64), *(np.zeros(room, np.int64) for _ in range(6)))


def no_paths(tasks: Tasks) -> Paths:
    """Return room for the paths of all trains, none of which has one."""
    trains, n = len(tasks.first) - 1, int(tasks.first[-1])
    return Paths(np.zeros(trains, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(trains))


def work_for(tasks: Tasks, labels: int = 1 << 14) -> Work:
    """Return room for the search of the path of a train."""
    longest = int(np.diff(tasks.first).max(initial=1))
    return Work(
        np.zeros(labels, np.int64), np.zeros(labels, np.int64), np.zeros(labels, np.int64), np.zeros(labels, np.int64),
        np.zeros(labels), np.zeros(labels, np.int64), np.zeros(labels, np.int8), np.zeros(labels, np.int64),
        np.zeros(longest + 1, np.int64), np.zeros(labels), np.zeros(labels, np.int64), np.zeros(longest + 1, np.int64),
        np.zeros(longest + 1, np.int64), np.zeros(longest + 1, np.int64),
        np.zeros(max(1 << 14, int(tasks.first[-1]) + 1), np.int64),
        np.zeros(1 << 14, np.int64), np.zeros(int(tasks.first[-1]), np.int64), np.zeros(5, np.int64), np.zeros(1),
    )  # fmt: skip


class Planner:
    """The state of one thread: a plan, and what it works with.

    Parameters
    ----------
    tasks : Tasks
    base : (trains,) float64
        Least cost of each train by itself.
    kept : Paths
        The paths of trains that keep theirs; the others have none in it.
    seed : int
    """

    def __init__(self, tasks: Tasks, base: npt.NDArray[np.float64], kept: Paths, seed: int) -> None:
        self.tasks, self.base, self.kept = tasks, base, kept
        self.movable = (kept.size == 0).astype(np.int8)
        trains = len(base)
        self.uses, self.alone = no_uses(tasks), no_uses(tasks)
        self.paths, self.best, self.old = no_paths(tasks), no_paths(tasks), no_paths(tasks)
        self.work = work_for(tasks)
        self.numbers = np.zeros(search.FAILED + 1, np.int64)
        self.numbers[search.SEED] = np.random.default_rng(seed).integers(1, 1 << 62)
        self.reals = np.array([np.inf, np.inf, 1.0, 6.0])
        self.list_of = np.flatnonzero(self.movable).astype(np.int64)
        self.weights, self.score = np.ones(search.KINDS), np.ones(search.KINDS)
        self.trains, self.marked = np.zeros(trains, np.int64), np.zeros(trains, np.int8)
        self.ghosts = np.zeros((trains, 2), np.int64)
        self.order, self.longer = np.zeros(trains, np.int64), np.zeros(trains, np.int64)
        self._alone_is_laid = False

    def grow(self) -> None:
        """Double the room for labels."""
        count = self.work.counts
        self.work = work_for(self.tasks, 2 * len(self.work.time))._replace(counts=count, price=self.work.price)

    @property
    def waiting(self) -> int:
        """How many trains wait for a path."""
        return int(self.numbers[search.WAITING])

    def begin(self) -> None:
        """Put every train in the queue for a path, but for those that keep theirs."""
        n, enters = len(self.base), self.tasks.lower[self.tasks.first[:-1]].astype(np.float64)
        rng = np.random.default_rng(int(self.numbers[search.SEED]) & 0xFFFFFFFF)
        spread = max(float(enters.max() - enters.min()), 1.0)
        order = np.argsort(enters + rng.uniform(0.0, 0.15 * spread, n), kind="stable")
        self._queue(order[self.movable[order] == 1])
        self.longer[:] = 0
        self.numbers[search.FAILED] = -1
        for values, kept in zip(self.paths, self.kept, strict=True):
            values[:] = kept
        self._lay(self.uses, self.kept)
        self._lay(self.alone, self.kept)

    def shuffle(self, rng: np.random.Generator) -> None:
        """Put those that wait for a path in another order."""
        self._queue(rng.permutation(self.order[: self.waiting]))

    def shake(self, rng: np.random.Generator) -> None:
        """Put some trains into the queue anew: the others turn each other out in a circle."""
        placed = np.flatnonzero((self.paths.size > 0) & (self.movable == 1))
        out = placed[rng.random(len(placed)) < rng.uniform(0.05, 0.5)]
        self._queue(rng.permutation(np.concatenate([self.order[: self.waiting], out])))
        self.paths.size[out] = 0
        self._lay(self.uses, self.paths)

    def _queue(self, trains: Longs) -> None:
        self.order[: len(trains)] = trains
        self.numbers[search.WAITING] = len(trains)

    def _lay(self, uses: Uses, paths: Paths) -> None:
        """Make the uses those of the paths that are there, and of what the other trains stand on."""
        uses.number[:] = 0
        for train in range(len(self.base)):
            if paths.size[train]:
                put_path(self.tasks, uses, paths, train)
            else:
                put_stub(self.tasks, uses, train, 0)

    def construct(self, budget: int) -> int:
        """Go on with the first plan."""
        self._alone_is_laid = False
        count = self.work.counts
        until = int(count[TAKEN]) + budget
        while True:
            status = int(
                search.construct(
                    self.tasks, self.uses, self.alone, self.paths, self.work, self.order, self.longer, self.numbers,
                    self.trains, self.marked, until,
                )
            )  # fmt: skip
            if status != search.GROW:
                return status
            self.grow()

    def accept(self) -> None:
        """Make the plan now the best."""
        self.longer[:] = 0
        if not self._alone_is_laid:
            self._lay(self.alone, self.kept)
            self._alone_is_laid = True
        self.reals[search.CURRENT] = self.reals[search.BEST] = float(self.paths.cost.sum())
        for field_of, value in zip(self.best, self.paths, strict=True):
            field_of[:] = value

    def set_plan(self, paths: Paths, cost: float) -> None:
        """Go on from another plan."""
        for field_of, value in zip(self.paths, paths, strict=True):
            field_of[:] = value
        self._lay(self.uses, self.paths)
        self.reals[search.CURRENT] = cost

    def improve(self, budget: int, steps: int) -> None:
        """Go on with the search of neighbourhoods."""
        until = int(self.work.counts[TAKEN]) + budget
        while True:
            status = int(
                search.improve(
                    self.tasks, self.uses, self.alone, self.paths, self.best, self.old, self.work, self.list_of,
                    self.movable, self.base, self.numbers, self.reals, self.weights, self.score, self.trains,
                    self.marked, self.ghosts, until, steps,
                )
            )  # fmt: skip
            if status != search.GROW:
                return
            self.grow()


def least_costs(tasks: Tasks) -> npt.NDArray[np.float64]:
    """Return the least cost of each train by itself; infinite where it has no path at all."""
    uses, paths, work = no_uses(tasks), no_paths(tasks), work_for(tasks)
    n = len(tasks.first) - 1
    for train in range(n):
        while (status := int(insert(tasks, uses, paths, work, train, np.inf))) == NO_ROOM:
            work = work_for(tasks, 2 * len(work.time))
        if status != FOUND:
            paths.cost[train] = np.inf
        uses.number[:] = 0
    return paths.cost


def fill_paths(tasks: Tasks, paths: Paths, solution: Solution, trains: Iterable[int]) -> None:
    """Make the events of trains in a solution their paths."""
    wanted = set(trains)
    first: list[int] = tasks.first.tolist()
    for event in solution.events:
        if event.train in wanted:
            row = first[event.train] + int(paths.size[event.train])
            operation = first[event.train] + event.operation
            paths.operation[row], paths.start[row] = operation, event.time
            paths.size[event.train] += 1
            for part in range(int(tasks.part_first[operation]), int(tasks.part_first[operation + 1])):
                late = event.time - int(tasks.threshold[part])
                if late >= 0:
                    paths.cost[event.train] += tasks.coeff[part] * late + tasks.increment[part]

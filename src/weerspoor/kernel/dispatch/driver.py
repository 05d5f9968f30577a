"""Re-plan many trains within a budget: threads that search side by side, the best of them, and how it is told."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

import msgspec
import numpy as np

from weerspoor.common.errors import InputError
from weerspoor.formats.dispatching import Event, Operation, Part, Problem, Solution, Use, broken_rule, objective_value
from weerspoor.kernel.dispatch import search
from weerspoor.kernel.dispatch.arrays import Paths, Tasks
from weerspoor.kernel.dispatch.insertion import FOUND, NO_ROOM
from weerspoor.kernel.dispatch.plan import copy_path, insert, put_path, put_stub
from weerspoor.kernel.dispatch.planner import LABELS_A_CALL, Planner, least_costs, no_paths, no_uses, tasks_of, work_for

CALLS_A_TRY = 20
"""Calls of ``construct`` after which a first plan is begun anew."""

STUCK_CALLS = 2
"""Calls of ``construct`` without fewer trains in the queue after which some others join it."""

TRIES = 10
"""Most beginnings of a first plan where no time bounds them."""

EXCHANGE_S = 1.0
"""Time between two looks at what the other threads have."""

BEHIND = 0.005
"""A thread whose best plan is worse by this share takes the best one of all."""

TELL_S = 1.0
"""Least time between two reports of progress."""

WARMTH, WARMTH_LATER = 0.07, 0.04
"""How much worse a step may be on average at the beginning of a round, as a share of the mean cost of late trains; and
of the last round."""

ROUNDS, ROUNDS_SHARE, ROUND_STEPS = 12, 0.5, 400
"""Most rounds that begin with a new first plan, their share of the budget, and steps a train that a round should have
at least."""

PACE_S = 0.4
"""After this time the pace of the search is known well enough to say how many rounds there can be."""

LOOK_S = 0.05
"""How often the threads are looked at."""

CALL_S = 0.05
"""How long a call of ``improve`` should last, where time counts."""

FEWEST_LABELS = 500
"""Fewest labels of such a call."""

STEPS_A_CALL = 500
"""Most steps of a call of ``improve``."""

NEVER_STEPS = 1 << 60
"""More steps than are ever taken."""


@dataclass(frozen=True)
class Budget:
    """How long to look for better plans: whatever ends first.

    Attributes
    ----------
    seconds : float or None
        Wall time; unbounded if None.
    iterations : int or None
        Steps of the search in all threads together; unbounded if None. With one thread and no bound on the time the
        result depends on nothing but the problem and the seed.
    threads : int
    seed : int
    """

    seconds: float | None = 60.0
    iterations: int | None = None
    threads: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        if self.seconds is None and self.iterations is None:
            raise ValueError("neither seconds nor iterations bound the search")
        if self.threads < 1 or self.seed < 0 or (self.iterations or 0) < 0 or (self.seconds or 0.0) < 0.0:
            raise ValueError(f"not a budget: {self}")


@dataclass(frozen=True)
class Fixed:
    """What may not change of the plan one starts from.

    Attributes
    ----------
    trains : frozenset of int
        Trains that keep their path as it is.
    before_s : int
        Nothing that any train does before this time may change, and nothing may be added before it.
    """

    trains: frozenset[int] = frozenset()
    before_s: int = 0


@dataclass(frozen=True)
class Better:
    """A plan better than all before: what it costs and how long it took to find."""

    solution: Solution
    seconds: float


class Ending(Enum):
    """How a search ended."""

    FOUND = "found"
    IMPOSSIBLE = "impossible"
    NOTHING = "nothing found"


@dataclass(frozen=True)
class Outcome:
    """The best plan, or why there is none.

    Attributes
    ----------
    ending : Ending
    solution : Solution or None
    reason : str
        Why no plan exists; "" when one was found, or none in time.
    first_s : float
        When the first plan was there.
    steps : int
        Steps of the search, of all threads.
    optimal : bool
        Whether every train is as cheap as it would be by itself, so that nothing better exists.
    """

    ending: Ending
    solution: Solution | None
    reason: str = ""
    first_s: float = 0.0
    steps: int = 0
    optimal: bool = False


def dispatch(
    problem: Problem,
    *,
    budget: Budget | None = None,
    start: Solution | None = None,
    fixed: Fixed | None = None,
    progress: Callable[[Better], None] | None = None,
    stop: threading.Event | None = None,
) -> Outcome:
    """Find paths for all trains of a problem that cost as little as possible together.

    Parameters
    ----------
    problem : Problem
        Sound, as ``check_problem`` wants it.
    budget : Budget, optional
    start : Solution, optional
        The plan to begin with.
    fixed : Fixed, optional
        What of ``start`` may not change. The rest of ``start`` need not fit the problem then.
    progress : callable, optional
        Called in the calling thread with each better plan, but not more often than once a second.
    stop : threading.Event, optional
        Ends the search when it is set, as an interruption from the keyboard does; the best plan so far counts.

    Raises
    ------
    InputError
        If ``start`` breaks a rule of the problem, or is missing where something is fixed.
    """
    began, budget, stop = time.monotonic(), budget or Budget(), stop or threading.Event()
    if fixed is None:
        if start is not None and (wrong := broken_rule(problem, start)):
            raise InputError(f"is no solution of the problem: {wrong}", where="start")
        return _Search(problem, budget, start, [], progress=progress, stop=stop, began=began).run()
    if start is None:
        raise InputError("is needed where something is fixed", where="start")
    for event in start.events:
        if not (0 <= event.train < len(problem.trains) and 0 <= event.operation < len(problem.trains[event.train])):
            raise InputError(f"train {event.train} has no operation {event.operation}", where="start")
    past, made = _past(problem, start, fixed), pinned(problem, start, fixed)
    for i, events in enumerate(past):
        if events and events[0].operation != 0:
            raise InputError(f"train {i} does not begin at its entry", where="start")
        for before, event in itertools.pairwise(events):
            if event.operation not in problem.trains[i][before.operation].successors:
                raise InputError(
                    f"operation {event.operation} of train {i} does not follow operation {before.operation}",
                    where="start",
                )
    if broken_rule(made, start):
        outcome = _plan_around(made, past, replace(budget, iterations=0), stop, began)
        if outcome.solution is None:
            return outcome
        start = outcome.solution
    return _Search(made, budget, start, past, progress=progress, stop=stop, began=began).run()


def compile_kernels() -> None:
    """Run everything that is compiled once, so that no time of a search is spent on compiling."""
    train = (Operation(min_duration=1, resources=(Use("a"),), successors=(1,)), Operation())
    parts = tuple(Part("op_delay", i, 1, coeff=1) for i in (0, 1))
    dispatch(Problem((train, train), parts), budget=Budget(None, 1, 1))


def pinned(problem: Problem, start: Solution, fixed: Fixed) -> Problem:
    """Return a problem in which what is fixed of a solution can be done in one way only."""
    trains = []
    for operations, past in zip(problem.trains, _past(problem, start, fixed), strict=True):
        made = [
            msgspec.structs.replace(operation, start_lb=max(operation.start_lb, fixed.before_s))
            for operation in operations
        ]
        for p, event in enumerate(past):
            after = operations[event.operation].successors if p + 1 == len(past) else (past[p + 1].operation,)
            made[event.operation] = msgspec.structs.replace(
                operations[event.operation], start_lb=event.time, start_ub=event.time, successors=after
            )
        trains.append(tuple(made))
    return Problem(tuple(trains), problem.objective)


def _past(problem: Problem, start: Solution, fixed: Fixed) -> list[list[Event]]:
    """Return for each train the events that may not change, the first ones of its path."""
    past: list[list[Event]] = [[] for _ in problem.trains]
    for event in start.events:
        if event.train in fixed.trains or event.time < fixed.before_s:
            past[event.train].append(event)
    return past


def _plan_around(
    problem: Problem, past: list[list[Event]], budget: Budget, stop: threading.Event, began: float
) -> Outcome:
    """Return a first plan around what is fixed; the problem is one that allows it in one way only.

    A train under way begins where it is now. What it did before is a train of its own, which keeps its path.
    """
    trains, offset = list(problem.trains), [0] * len(past)
    kept: list[list[Event]] = [[] for _ in past]
    for i, events in enumerate(past):
        operations = problem.trains[i]
        if not events:
            continue
        here = events[-1].operation
        if here == len(operations) - 1:
            kept[i] = events
            continue
        offset[i] = here
        rest = [
            msgspec.structs.replace(operation, successors=tuple(s - here for s in operation.successors))
            for operation in operations[here:]
        ]
        if len(events) > 1:
            done, rest[0] = _done(operations, events)
            kept.append([Event(event.time, len(trains), p) for p, event in enumerate(events)])
            trains.append(done)
        trains[i] = tuple(rest)
    ongoing = Problem(
        tuple(trains),
        tuple(
            msgspec.structs.replace(part, operation=part.operation - offset[part.train])
            for part in problem.objective
            if part.operation >= offset[part.train]
        ),
    )
    outcome = _Search(ongoing, budget, None, kept, progress=None, stop=stop, began=began).run()
    if outcome.solution is None:
        return outcome
    tasks = tasks_of(problem)
    paths = no_paths(tasks)
    whole = [event for i, events in enumerate(past) if not kept[i] for event in events[:-1]]
    whole += [
        Event(event.time, event.train, event.operation + offset[event.train])
        for event in outcome.solution.events
        if event.train < len(past)
    ]
    _fill(tasks, paths, Solution(0, tuple(whole)), range(len(past)))
    ordered = events_of(tasks, paths)
    if ordered is None:
        return Outcome(Ending.NOTHING, None, steps=outcome.steps)
    solution = Solution(objective_value(problem, ordered), ordered)
    if wrong := broken_rule(problem, solution):
        return Outcome(Ending.IMPOSSIBLE, None, f"what is fixed breaks a rule: {wrong}")
    return replace(outcome, solution=solution)


def _done(operations: Sequence[Operation], events: list[Event]) -> tuple[tuple[Operation, ...], Operation]:
    """Return what a train under way did as a train of its own, and the operation it is in.

    What both use is left to the latter, which closes it behind itself at least as long as the former would.
    """
    now = events[-1]
    here = operations[now.operation]
    later = {use.resource: 0 for use in here.resources}
    done = []
    for p, event in enumerate(events[:-1]):
        operation, end = operations[event.operation], events[p + 1].time
        for use in operation.resources:
            if use.resource in later:
                until = end + use.release_time - now.time - here.min_duration
                later[use.resource] = max(later[use.resource], until)
        uses = tuple(
            msgspec.structs.replace(use, release_time=min(use.release_time, now.time - end))
            if use.resource in later
            else use
            for use in operation.resources
        )
        done.append(msgspec.structs.replace(operation, resources=uses, successors=(p + 1,)))
    done.append(Operation(start_lb=now.time, start_ub=now.time))
    uses = tuple(
        msgspec.structs.replace(use, release_time=max(use.release_time, later[use.resource])) for use in here.resources
    )
    return tuple(done), msgspec.structs.replace(
        here, resources=uses, successors=tuple(s - now.operation for s in here.successors)
    )


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


@dataclass
class _Shared:
    """What the threads share, under one lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    paths: Paths | None = None
    cost: float = np.inf
    first_s: float = 0.0
    steps: int = 0
    reason: str = ""
    error: BaseException | None = None


class _Search:
    """One call of ``dispatch``."""

    def __init__(
        self,
        problem: Problem,
        budget: Budget,
        start: Solution | None,
        past: list[list[Event]],
        *,
        progress: Callable[[Better], None] | None,
        stop: threading.Event,
        began: float,
    ) -> None:
        self.problem, self.budget, self.start, self.began = problem, budget, start, began
        self.progress, self.stop, self.halt = progress, stop, threading.Event()
        self.tasks = tasks_of(self.problem)
        trains = len(problem.trains)
        self.kept = no_paths(self.tasks)
        self.movable = np.ones(trains, np.int8)
        over = [i for i, events in enumerate(past) if events and events[-1].operation == len(problem.trains[i]) - 1]
        _fill(self.tasks, self.kept, Solution(0, tuple(event for i in over for event in past[i])), over)
        self.movable[over] = 0
        self.base = np.zeros(trains)
        self.shared = _Shared()
        self.told_cost, self.tell_at = np.inf, 0.0
        self.best: Solution | None = None

    def run(self) -> Outcome:
        """Search until the budget is used."""
        if not self.problem.trains:
            return Outcome(Ending.FOUND, Solution(0, ()), optimal=True)
        self.base = least_costs(self.tasks)
        if np.isinf(self.base).any():
            train = int(np.flatnonzero(np.isinf(self.base))[0])
            return Outcome(Ending.IMPOSSIBLE, None, f"train {train} has no path even by itself")
        threads = [threading.Thread(target=self._work, args=(number,)) for number in range(self.budget.threads)]
        for thread in threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads):
                for thread in threads:
                    thread.join(LOOK_S)
                self._tell()
        except KeyboardInterrupt:
            pass
        finally:
            self.halt.set()
            for thread in threads:
                thread.join()
        if self.shared.error is not None:
            raise self.shared.error
        self._note()
        if self.best is None:
            ending = Ending.IMPOSSIBLE if self.shared.reason else Ending.NOTHING
            return Outcome(ending, None, self.shared.reason, steps=self.shared.steps)
        return Outcome(
            Ending.FOUND, self.best, "", self.shared.first_s, self.shared.steps, self._is_optimal(self.shared.cost)
        )

    def _seconds(self) -> float:
        return time.monotonic() - self.began

    def _is_over(self) -> bool:
        late = self.budget.seconds is not None and self._seconds() >= self.budget.seconds
        return late or self.stop.is_set() or self.halt.is_set() or bool(self.shared.reason)

    def _is_optimal(self, cost: float) -> bool:
        return cost <= float(self.base.sum()) + 1e-6

    def _note(self) -> bool:
        """Make a solution of the best plan of all threads; say whether it is a new one."""
        with self.shared.lock:
            paths, cost = self.shared.paths, self.shared.cost
        if paths is None or cost >= self.told_cost:
            return False
        self.told_cost = cost
        events = events_of(self.tasks, paths)
        if events is None:
            return False
        self.best = Solution(objective_value(self.problem, events), events)
        return True

    def _tell(self) -> None:
        """Report a better plan, unless one was reported just now."""
        now = self._seconds()
        if self.progress is None or now < self.tell_at or not self._note() or self.best is None:
            return
        self.progress(Better(self.best, now))
        self.tell_at = self._seconds() + max(TELL_S, 10.0 * (self._seconds() - now))

    def _work(self, number: int) -> None:
        """Do what one thread does."""
        try:
            planner = Planner(self.tasks, self.base, self.movable, self.budget.seed + 1_000_003 * number)
            if self._begin(planner, number):
                self._improve(planner, number)
            with self.shared.lock:
                self.shared.steps += int(planner.numbers[search.STEPS])
        except BaseException as error:
            self.shared.error = error
            self.halt.set()

    def _begin(self, planner: Planner, number: int) -> bool:
        """Give a thread its first plan; say whether it has one."""
        if self.start is not None:
            paths = no_paths(self.tasks)
            _fill(self.tasks, paths, self.start, range(len(self.base)))
            planner.set_plan(paths, float(paths.cost.sum()))
            self._accept(planner)
            return True
        rng = np.random.default_rng((self.budget.seed, number))
        tries = 0
        while not self._is_over() and (self.budget.seconds is not None or tries < TRIES):
            tries += 1
            self._begin_anew(planner)
            if tries > 1 and tries % 2 == 0:
                waiting = int(planner.numbers[search.WAITING])
                planner.order[:waiting] = rng.permutation(planner.order[:waiting])
            status, fewest, calls_since = search.DONE, len(self.base) + 1, 0
            for _ in range(CALLS_A_TRY):
                status = planner.construct(LABELS_A_CALL)
                waiting = int(planner.numbers[search.WAITING])
                if status == search.IMPOSSIBLE or not waiting or self._is_over():
                    break
                if self.shared.paths is not None:
                    self._take_over(planner)
                    return True
                calls_since = 0 if waiting < fewest else calls_since + 1
                fewest = min(fewest, waiting)
                if calls_since >= STUCK_CALLS:
                    self._shake(planner, rng)
            if status == search.IMPOSSIBLE and self._cannot_pass(int(planner.numbers[search.FAILED])):
                return False
            if (
                status == search.DONE
                and not planner.numbers[search.WAITING]
                and events_of(self.tasks, planner.paths) is not None
            ):
                self._accept(planner)
                return True
            planner.numbers[search.SEED] = rng.integers(1, 1 << 62)
        return False

    def _begin_anew(self, planner: Planner) -> None:
        """Put trains in the queue for a path, but for those that keep theirs."""
        planner.begin()
        kept = np.flatnonzero(self.kept.size)
        if not len(kept):
            return
        waiting = planner.order[self.movable[planner.order] == 1]
        planner.order[: len(waiting)] = waiting
        planner.numbers[search.WAITING] = len(waiting)
        for train in kept.tolist():
            copy_path(self.tasks, self.kept, planner.paths, train)
        for uses in (planner.uses, planner.alone):
            uses.number[:] = 0
            for train in range(len(self.base)):
                if self.movable[train]:
                    put_stub(self.tasks, uses, train, 0)
                else:
                    put_path(self.tasks, uses, self.kept, train)

    def _shake(self, planner: Planner, rng: np.random.Generator) -> None:
        """Put some trains into the queue anew: the others turn each other out in a circle."""
        placed = np.flatnonzero((planner.paths.size > 0) & (self.movable == 1))
        out = placed[rng.random(len(placed)) < rng.uniform(0.05, 0.5)]
        waiting = int(planner.numbers[search.WAITING])
        queue = rng.permutation(np.concatenate([planner.order[:waiting], out]))
        planner.order[: len(queue)] = queue
        planner.numbers[search.WAITING] = len(queue)
        planner.paths.size[out] = 0
        planner.uses.number[:] = 0
        for train in range(len(self.base)):
            if planner.paths.size[train]:
                put_path(self.tasks, planner.uses, planner.paths, train)
            else:
                put_stub(self.tasks, planner.uses, train, 0)

    def _cannot_pass(self, train: int) -> bool:
        """Tell whether what must be where it is at fixed times leaves a train no path; note it as the reason."""
        tasks = self.tasks
        uses, paths, work = no_uses(tasks), no_paths(tasks), work_for(tasks)
        entries = tasks.first[:-1]
        stands = (tasks.lower[entries] == tasks.upper[entries]) & (tasks.least[entries] > 0)
        for other in range(len(self.base)):
            if other == train:
                continue
            if self.kept.size[other]:
                put_path(tasks, uses, self.kept, other)
            elif stands[other]:
                put_stub(tasks, uses, other, 0)
        while (status := int(insert(tasks, uses, paths, work, train, np.inf))) == NO_ROOM:
            work = work_for(tasks, 2 * len(work.time))
        if status == FOUND:
            return False
        self.shared.reason = f"train {train} has no path past the trains that must be where they are at fixed times"
        return True

    def _accept(self, planner: Planner) -> None:
        """Make the plan of a thread its best."""
        planner.accept()
        self._share(planner)

    def _share(self, planner: Planner) -> None:
        """Make the best plan of a thread that of all, if it is better."""
        cost = float(planner.reals[search.BEST])
        with self.shared.lock:
            if cost < self.shared.cost - 1e-6:
                if self.shared.paths is None:
                    self.shared.first_s = self._seconds()
                self.shared.paths = Paths(*(values.copy() for values in planner.best))
                self.shared.cost = cost

    def _take_over(self, planner: Planner) -> None:
        """Go on from the best plan of all."""
        with self.shared.lock:
            paths, cost = self.shared.paths, self.shared.cost
        if paths is not None:
            planner.set_plan(paths, cost)
            planner.accept()

    def _improve(self, planner: Planner, number: int) -> None:
        """Search for better plans until the budget is used or nothing better exists."""
        if not self.movable.any():
            return
        begun_s, first = self._seconds(), int(planner.numbers[search.STEPS])
        wanted = self.budget.iterations
        share_of = None if wanted is None else wanted // self.budget.threads + (number < wanted % self.budget.threads)
        last = NEVER_STEPS if share_of is None else first + share_of
        look_at, labels = begun_s + EXCHANGE_S, LABELS_A_CALL // 10
        rounds, turn = 0 if self.start is None else 1, 0
        if self.budget.seconds is None and not rounds:
            rounds = self._rounds(share_of or 0)
        while not self._is_over() and planner.numbers[search.STEPS] < last:
            if self._is_optimal(self.shared.cost):
                return
            used, steps = 0.0, int(planner.numbers[search.STEPS]) - first
            if share_of:
                used = steps / share_of
            if self.budget.seconds is not None:
                passed_s, whole_s = self._seconds() - begun_s, max(self.budget.seconds - begun_s, 1e-3)
                used = max(used, passed_s / whole_s)
                if not rounds and passed_s > PACE_S:
                    rounds = self._rounds(int(steps * whole_s / passed_s))
            used, heat = min(used, 1.0), WARMTH
            if rounds > 1:
                # Rounds from new first plans; then the last from the best of all.
                now = rounds if used >= ROUNDS_SHARE else int(used / ROUNDS_SHARE * rounds)
                if now != turn:
                    turn = now
                    if turn == rounds:
                        self._take_over(planner)
                    elif self._first_plan(planner):
                        self._accept(planner)
                if turn == rounds:
                    used, heat = (used - ROUNDS_SHARE) / (1.0 - ROUNDS_SHARE), WARMTH_LATER
                else:
                    used = used / ROUNDS_SHARE * rounds - turn
            late = planner.best.cost[planner.best.cost > 0.0]
            heat *= float(late.mean()) if len(late) else 0.0
            planner.reals[search.HEAT] = max(heat * (1.0 - used) ** 2, 1e-3)
            called_s, until = self._seconds(), min(last, int(planner.numbers[search.STEPS]) + STEPS_A_CALL)
            planner.improve(labels, until)
            if self.budget.seconds is not None:
                pace = CALL_S / max(self._seconds() - called_s, 1e-3)
                labels = int(min(max(labels * min(max(pace, 0.25), 2.0), FEWEST_LABELS), LABELS_A_CALL))
            planner.weights[:] = 0.1 + planner.score / planner.score.sum()
            self._share(planner)
            if self.budget.threads > 1 and turn == rounds and self._seconds() >= look_at:
                look_at = self._seconds() + EXCHANGE_S
                if planner.reals[search.BEST] > self.shared.cost * (1.0 + BEHIND) + 1e-6:
                    self._take_over(planner)

    def _rounds(self, steps: int) -> int:
        """Return how many rounds a thread can make with so many steps in all."""
        enough = ROUNDS_SHARE * steps / (ROUND_STEPS * max(int(self.movable.sum()), 1))
        return max(1, min(ROUNDS, int(enough)))

    def _first_plan(self, planner: Planner) -> bool:
        """Begin with a new first plan, unless none is found soon; say whether there is one."""
        self._begin_anew(planner)
        for _ in range(CALLS_A_TRY):
            status = planner.construct(LABELS_A_CALL)
            if status == search.IMPOSSIBLE or self._is_over():
                break
            if not planner.numbers[search.WAITING]:
                if events_of(self.tasks, planner.paths) is None:
                    break
                return True
        self._take_over(planner)
        return False


def _fill(tasks: Tasks, paths: Paths, solution: Solution, trains: Sequence[int]) -> None:
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

"""Threads that search side by side for better plans, the best of them, and how it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from weerspoor.formats.dispatching import Event, Problem, Solution, objective_value
from weerspoor.kernel.dispatch import search
from weerspoor.kernel.dispatch.arrays import Paths
from weerspoor.kernel.dispatch.event_order import events_of
from weerspoor.kernel.dispatch.exhaustive import MOST_OPERATIONS, Graph, Verdict, cheapest_order, settle
from weerspoor.kernel.dispatch.insertion import FOUND, NO_ROOM
from weerspoor.kernel.dispatch.plan import insert, put_path, put_stub
from weerspoor.kernel.dispatch.planner import (
    LABELS_A_CALL,
    Planner,
    fill_paths,
    least_costs,
    no_paths,
    no_uses,
    tasks_of,
    work_for,
)
from weerspoor.kernel.dispatch.terms import Better, Budget, Ending, Outcome

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


@dataclass
class _Shared:
    """What the threads share, under one lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    paths: Paths | None = None
    cost: float = np.inf
    first_s: float = 0.0
    steps: int = 0
    reason: str = ""
    is_settling: bool = False
    is_least: bool = False
    error: BaseException | None = None


class Search:
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
        numbers: Sequence[int] | None = None,
    ) -> None:
        self.problem, self.budget, self.start, self.began = problem, budget, start, began
        self.numbers = range(len(problem.trains)) if numbers is None else numbers
        self.progress, self.stop, self.halt = progress, stop, threading.Event()
        self.tasks = tasks_of(problem)
        self.kept = no_paths(self.tasks)
        over = [i for i, events in enumerate(past) if events and events[-1].operation == len(problem.trains[i]) - 1]
        fill_paths(self.tasks, self.kept, Solution(0, tuple(event for i in over for event in past[i])), over)
        self.base = np.zeros(len(problem.trains))
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
            return Outcome(Ending.IMPOSSIBLE, None, f"train {self.numbers[train]} has no path even by itself")
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
        return self.shared.is_least or cost <= float(self.base.sum()) + 1e-6

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
            planner = Planner(self.tasks, self.base, self.kept, self.budget.seed + 1_000_003 * number)
            rng = np.random.default_rng((self.budget.seed, number))
            if self._begin(planner, rng) and not (number == 0 and self._is_exact()):
                self._improve(planner, number, rng)
            with self.shared.lock:
                self.shared.steps += int(planner.numbers[search.STEPS])
        except BaseException as error:
            self.shared.error = error
            self.halt.set()

    def _begin(self, planner: Planner, rng: np.random.Generator) -> bool:
        """Give a thread its first plan; say whether it has one."""
        if self.start is not None:
            paths = no_paths(self.tasks)
            fill_paths(self.tasks, paths, self.start, range(len(self.base)))
            planner.set_plan(paths, float(paths.cost.sum()))
            self._accept(planner)
            return True
        tries = 0
        while not self._is_over() and (self.budget.seconds is not None or tries < TRIES):
            if self.shared.paths is not None:
                self._take_over(planner)
                return True
            tries += 1
            planner.begin()
            if tries % 2 == 0:
                planner.shuffle(rng)
            if self._finds_plan(planner, rng, first=True):
                self._accept(planner)
                return True
            if planner.numbers[search.FAILED] >= 0 and self._cannot_pass(int(planner.numbers[search.FAILED])):
                return False
            if not self._is_over() and self._is_settled():
                continue
            planner.numbers[search.SEED] = rng.integers(1, 1 << 62)
        return False

    def _finds_plan(self, planner: Planner, rng: np.random.Generator, *, first: bool) -> bool:
        """Put the trains that wait in, one after the other; say whether that gives a plan soon.

        Those that turn each other out in a circle are shaken. Where there was no plan before, one of another thread
        ends it.
        """
        fewest, calls_since = len(self.base) + 1, 0
        for _ in range(CALLS_A_TRY):
            status = planner.construct(LABELS_A_CALL)
            if status != search.IMPOSSIBLE and not planner.waiting:
                return events_of(self.tasks, planner.paths) is not None
            if status == search.IMPOSSIBLE or self._is_over() or (first and self.shared.paths is not None):
                return False
            calls_since = 0 if planner.waiting < fewest else calls_since + 1
            fewest = min(fewest, planner.waiting)
            if calls_since >= STUCK_CALLS:
                if first and self._is_settled():
                    return False
                planner.shake(rng)
        return False

    def _is_settled(self) -> bool:
        """Try every order of few trains, once; say whether that gave a plan or the proof that there is none."""
        with self.shared.lock:
            due, self.shared.is_settling = not self.shared.is_settling, True
        if not due:
            return False
        settled = settle(self.problem, self.tasks, self.numbers, self._is_over)
        if settled.events:
            self._offer_events(settled.events)
        elif settled.reason:
            self.shared.reason = settled.reason
        return bool(settled.events or settled.reason)

    def _is_exact(self) -> bool:
        """Find the cheapest plan of few operations by trying every order; say whether nothing better can exist."""
        if len(self.tasks.least) > MOST_OPERATIONS or self._is_optimal(self.shared.cost):
            return False
        graph = Graph(self.tasks)
        orders = cheapest_order(graph, range(len(self.base)), self.shared.cost, is_over=self._is_over)
        if orders.events:
            self._offer_events(orders.events)
        self.shared.is_least = orders.verdict is not Verdict.UNKNOWN
        return self.shared.is_least

    def _offer_events(self, events: tuple[Event, ...]) -> None:
        paths = no_paths(self.tasks)
        fill_paths(self.tasks, paths, Solution(0, events), range(len(self.base)))
        self._offer(paths, float(paths.cost.sum()))

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
        named = f"train {self.numbers[train]}"
        self.shared.reason = f"{named} has no path past the trains that must be where they are at fixed times"
        return True

    def _accept(self, planner: Planner) -> None:
        """Make the plan of a thread its best."""
        planner.accept()
        self._share(planner)

    def _share(self, planner: Planner) -> None:
        """Make the best plan of a thread that of all, if it is better."""
        self._offer(planner.best, float(planner.reals[search.BEST]))

    def _offer(self, paths: Paths, cost: float) -> None:
        """Make a plan the best of all, if it is better."""
        with self.shared.lock:
            if cost < self.shared.cost - 1e-6:
                if self.shared.paths is None:
                    self.shared.first_s = self._seconds()
                self.shared.paths = Paths(*(values.copy() for values in paths))
                self.shared.cost = cost

    def _take_over(self, planner: Planner) -> None:
        """Go on from the best plan of all."""
        with self.shared.lock:
            paths, cost = self.shared.paths, self.shared.cost
        if paths is not None:
            planner.set_plan(paths, cost)
            planner.accept()

    def _improve(self, planner: Planner, number: int, rng: np.random.Generator) -> None:
        """Search for better plans until the budget is used or nothing better exists."""
        if not planner.movable.any():
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
                    if turn < rounds and self._finds_new_plan(planner, rng):
                        self._accept(planner)
                    else:
                        self._take_over(planner)
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
        enough = ROUNDS_SHARE * steps / (ROUND_STEPS * max(len(self.base) - int(np.count_nonzero(self.kept.size)), 1))
        return max(1, min(ROUNDS, int(enough)))

    def _finds_new_plan(self, planner: Planner, rng: np.random.Generator) -> bool:
        """Begin a round with a new first plan; say whether one is found soon."""
        planner.begin()
        return self._finds_plan(planner, rng, first=False)

"""Re-plan many trains within a budget: the one call by which others use the engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from weerspoor.common.errors import InputError
from weerspoor.formats.dispatching import Operation, Part, Problem, Solution, Use, broken_rule
from weerspoor.kernel.dispatch.fixed import past_of, pinned, plan_around
from weerspoor.kernel.dispatch.terms import Better, Budget, Fixed, Outcome
from weerspoor.kernel.dispatch.threads import Search


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
        return Search(problem, budget, start, [], progress=progress, stop=stop, began=began).run()
    if start is None:
        raise InputError("is needed where something is fixed", where="start")
    past, made = past_of(problem, start, fixed), pinned(problem, start, fixed)
    if broken_rule(made, start):
        outcome = plan_around(made, past, replace(budget, iterations=0), stop, began)
        if outcome.solution is None:
            return outcome
        start = outcome.solution
    return Search(made, budget, start, past, progress=progress, stop=stop, began=began).run()


def compile_kernels() -> None:
    """Run everything that is compiled once, so that no time of a search is spent on compiling."""
    train = (Operation(min_duration=1, resources=(Use("a"),), successors=(1,)), Operation())
    parts = tuple(Part("op_delay", i, 1, coeff=1) for i in (0, 1))
    dispatch(Problem((train, train), parts), budget=Budget(None, 1, 1))

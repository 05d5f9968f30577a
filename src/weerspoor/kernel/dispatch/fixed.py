"""What is fixed of a plan: the problem that leaves it only one way, and a first plan around it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from weerspoor.common.errors import InputError
from weerspoor.formats.dispatching import Event, Operation, Problem, Solution, broken_rule, objective_value
from weerspoor.kernel.dispatch.event_order import events_of
from weerspoor.kernel.dispatch.planner import fill_paths, no_paths, tasks_of
from weerspoor.kernel.dispatch.terms import Budget, Ending, Fixed, Outcome
from weerspoor.kernel.dispatch.threads import Search


def pinned(problem: Problem, start: Solution, fixed: Fixed) -> Problem:
    """Return a problem in which what is fixed of a solution can be done in one way only."""
    trains = []
    for operations, past in zip(problem.trains, past_of(problem, start, fixed), strict=True):
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


def past_of(problem: Problem, start: Solution, fixed: Fixed) -> list[list[Event]]:
    """Return for each train the events that may not change, the first ones of its path.

    Raises
    ------
    InputError
        If what is fixed of a train is no beginning of a path.
    """
    past: list[list[Event]] = [[] for _ in problem.trains]
    for event in start.events:
        if not (0 <= event.train < len(problem.trains) and 0 <= event.operation < len(problem.trains[event.train])):
            raise InputError(f"train {event.train} has no operation {event.operation}", where="start")
        if event.train in fixed.trains or event.time < fixed.before_s:
            past[event.train].append(event)
    for i, events in enumerate(past):
        if events and events[0].operation != 0:
            raise InputError(f"train {i} does not begin at its entry", where="start")
        for before, event in itertools.pairwise(events):
            if event.operation not in problem.trains[i][before.operation].successors:
                raise InputError(
                    f"operation {event.operation} of train {i} does not follow operation {before.operation}",
                    where="start",
                )
    return past


def plan_around(
    problem: Problem, past: list[list[Event]], budget: Budget, stop: threading.Event, began: float
) -> Outcome:
    """Return a first plan around what is fixed; the problem is one that allows it in one way only.

    A train under way begins where it is now. What it did before is a train of its own, which keeps its path.
    """
    trains, offset = list(problem.trains), [0] * len(past)
    kept: list[list[Event]] = [[] for _ in past]
    numbers = list(range(len(past)))
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
            numbers.append(i)
        trains[i] = tuple(rest)
    ongoing = Problem(
        tuple(trains),
        tuple(
            msgspec.structs.replace(part, operation=part.operation - offset[part.train])
            for part in problem.objective
            if part.operation >= offset[part.train]
        ),
    )
    outcome = Search(ongoing, budget, None, kept, progress=None, stop=stop, began=began, numbers=numbers).run()
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
    fill_paths(tasks, paths, Solution(0, tuple(whole)), range(len(past)))
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

"""Small random dispatching problems, and the best solution of each by trying every order of every event."""

from __future__ import annotations

import random
from typing import Any

import msgspec

from weerspoor.formats.dispatching import Event, Problem, check_problem

Raw = dict[str, Any]


def problem_of(raw: Raw) -> Problem:
    """Return a problem written as JSON would be."""
    problem = msgspec.convert(raw, Problem)
    check_problem(problem)
    return problem


def random_problem(seed: int) -> Problem:
    """Return 2 or 3 trains of 3 to 5 operations on 2 to 4 resources.

    Some ways branch, some release times and durations are 0, some trains start standing on the line at a fixed time.
    """
    rng = random.Random(seed)
    names = "abcd"[: rng.randint(2, 4)]
    trains, objective = [], []
    for i in range(rng.randint(2, 3)):
        n = rng.randint(3, 5)
        way: list[Raw] = []
        for k in range(n):
            used = rng.sample(names, rng.choice((0, 1, 1, 1, 2))) if k < n - 1 else []
            if used and rng.random() < 0.05:
                used.append(used[0])
            after = [k + 1] if k < n - 1 else []
            if k < n - 2 and rng.random() < 0.3:
                after.append(rng.randint(k + 2, n - 1))
            way.append(
                {
                    "min_duration": rng.choice((0, 1, 2, 3)),
                    "start_lb": rng.choice((0, 0, 0, rng.randint(0, 8))),
                    "resources": [{"resource": name, "release_time": rng.choice((0, 0, 1, 2))} for name in used],
                    "successors": after,
                }
            )
        if rng.random() < 0.5:
            way[0]["start_ub"] = way[0]["start_lb"]
        elif rng.random() < 0.2:
            way[0]["start_ub"] = way[0]["start_lb"] + 5
        if rng.random() < 0.1:
            way[-1]["start_ub"] = 25
        trains.append(way)
        for k in {n - 1, rng.randint(1, n - 1)}:
            objective.append(
                {
                    "type": "op_delay",
                    "train": i,
                    "operation": k,
                    "threshold": rng.randint(0, 8),
                    "coeff": rng.choice((0, 1, 1, 3)),
                    "increment": rng.choice((0, 0, 5)),
                }
            )
    return problem_of({"trains": trains, "objective": objective})


def best_by_trying(problem: Problem) -> tuple[int, tuple[Event, ...]] | None:
    """Return the least cost and the events of a solution that has it; None if there is no solution.

    Events are appended in every order, each at the earliest moment that order allows. An event that could as well have
    stood before the last one is not appended behind it: the other order is no worse.
    """
    trains = problem.trains
    goals: dict[tuple[int, int], list[Any]] = {}
    for part in problem.objective:
        goals.setdefault((part.train, part.operation), []).append(part)
    best: list[Any] = [None]
    at = [-1] * len(trains)
    since = [0] * len(trains)
    closed: dict[str, dict[int, int]] = {}
    events: list[Event] = []

    def go_on(now: int, cost: int) -> None:
        if best[0] is not None and cost >= best[0][0]:
            return
        if all(at[i] == len(trains[i]) - 1 for i in range(len(trains))):
            best[0] = (cost, tuple(events))
            return
        held = {use.resource: i for i in range(len(trains)) if at[i] >= 0 for use in trains[i][at[i]].resources}
        for i, train in enumerate(trains):
            here, began = at[i], since[i]
            for k in (0,) if here < 0 else train[here].successors:
                step = train[k]
                if any(held.get(use.resource, i) != i for use in step.resources):
                    continue
                ready = max(step.start_lb, began + train[here].min_duration if here >= 0 else 0)
                for use in step.resources:
                    free = closed.get(use.resource, {})
                    ready = max([ready, *(until for other, until in free.items() if other != i)])
                if ready < now and events and events[-1].train != i:
                    continue
                time = max(ready, now)
                if step.start_ub is not msgspec.UNSET and time > step.start_ub:
                    continue
                more = sum(
                    part.coeff * (time - part.threshold) + part.increment
                    for part in goals.get((i, k), ())
                    if time >= part.threshold
                )
                undo = []
                for use in train[here].resources if here >= 0 else ():
                    free = closed.setdefault(use.resource, {})
                    undo.append((free, free.get(i)))
                    free[i] = max(free.get(i, 0), time + use.release_time)
                at[i], since[i] = k, time
                events.append(Event(time, i, k))
                go_on(time, cost + more)
                events.pop()
                at[i], since[i] = here, began
                for free, value in reversed(undo):
                    if value is None:
                        del free[i]
                    else:
                        free[i] = value

    go_on(0, 0)
    found: tuple[int, tuple[Event, ...]] | None = best[0]
    return found


def many_trains(n: int, seed: int) -> Problem:
    """Return trains in both directions over a single line of 8 stations with two tracks each.

    ``s0 ── s1 ── ... ── s7``, trains every minute or so; each is late from the second it would come without others.
    """
    rng = random.Random(seed)
    trains, objective = [], []
    for i in range(n):
        a, b = sorted(rng.sample(range(8), 2))
        stations = list(range(a, b + 1))
        if rng.random() < 0.5:
            stations.reverse()
        way: list[Raw] = [{"start_lb": rng.randint(0, 60 * n), "successors": [1, 2]}]
        least = way[0]["start_lb"]
        for place, station in enumerate(stations):
            here, run = len(way), rng.randint(30, 90)
            last = place + 1 == len(stations)
            after = here + 2
            for track in "pq":
                resource = {"resource": f"s{station}{track}", "release_time": rng.choice((0, 10))}
                way.append({"min_duration": 20, "resources": [resource], "successors": [after]})
            least += 20
            if not last:
                between = min(station, stations[place + 1])
                way.append(
                    {
                        "min_duration": run,
                        "resources": [{"resource": f"line{between}", "release_time": 5}],
                        "successors": [after + 1, after + 2],
                    }
                )
                least += run
        way.append({})
        trains.append(way)
        objective.append(
            {"type": "op_delay", "train": i, "operation": len(way) - 1, "threshold": least, "coeff": rng.randint(1, 3)}
        )
    return problem_of({"trains": trains, "objective": objective})

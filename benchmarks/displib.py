"""A small checker of DISPLIB solutions, written from the rules of the format; it knows nothing of Weerspoor.

``python -m benchmarks.displib PROBLEM.json SOLUTION.json`` says what is wrong and ends with 1, or ends with 0.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

Problem = dict[str, Any]
Solution = dict[str, Any]


def broken_rule(problem: Problem, solution: Solution) -> str:
    """Return the first rule that a solution breaks, "" when it is feasible and its objective is right.

    1. Times never decrease along the list of events.
    2. The events of each train are a way from its first operation to its last.
    3. Each operation starts within its bounds.
    4. The next operation of the train starts no earlier than the least duration of the one before.
    5. An operation on a resource that another train had starts, in the list too, after that one has ended, and no
       earlier than its release time after that.
    """
    trains, events = problem["trains"], solution["events"]
    done: list[list[tuple[int, int]]] = [[] for _ in trains]
    held: dict[str, dict[int, int]] = {}
    closed: dict[str, dict[int, int]] = {}
    now = 0
    for event in events:
        time, train, number = event["time"], event["train"], event["operation"]
        where = f"train {train}, operation {number} at {time}"
        if time < now:
            return f"{where}: before the event that stands before it"
        now = time
        if not 0 <= train < len(trains) or not 0 <= number < len(trains[train]):
            return f"{where}: does not exist"
        operation = trains[train][number]
        if not operation.get("start_lb", 0) <= time <= operation.get("start_ub", time):
            return f"{where}: out of its bounds"
        if not done[train]:
            if number != 0:
                return f"{where}: is no entry"
        else:
            since, before = done[train][-1]
            if number not in trains[train][before].get("successors", []):
                return f"{where}: does not follow operation {before}"
            if time < since + trains[train][before].get("min_duration", 0):
                return f"{where}: operation {before} is not over"
            for name, release in _releases(trains[train][before]).items():
                held[name][train] -= 1
                if not held[name][train]:
                    del held[name][train]
                free = closed.setdefault(name, {})
                free[train] = max(free.get(train, 0), time + release)
        for name in _releases(operation):
            here = held.setdefault(name, {})
            if any(other != train for other in here):
                return f"{where}: {name} is held by train {next(other for other in here if other != train)}"
            for other, until in closed.get(name, {}).items():
                if other != train and time < until:
                    return f"{where}: {name} is closed until {until} behind train {other}"
            here[train] = here.get(train, 0) + 1
        done[train].append((time, number))
    for train, operations in enumerate(trains):
        if not done[train] or done[train][-1][1] != len(operations) - 1:
            return f"train {train}: does not come to its exit"
    worth = _objective(problem, [{number: time for time, number in way} for way in done])
    if worth != solution["objective_value"]:
        return f"the objective is {worth}, not {solution['objective_value']}"
    return ""


def _releases(operation: dict[str, Any]) -> dict[str, int]:
    """Return the release time of each resource of an operation, the longest where it is named twice."""
    found: dict[str, int] = {}
    for use in operation.get("resources", []):
        name = use["resource"]
        found[name] = max(found.get(name, 0), use.get("release_time", 0))
    return found


def _objective(problem: Problem, starts: list[dict[int, int]]) -> int:
    total = 0
    for part in problem.get("objective", []):
        time = starts[part["train"]].get(part["operation"])
        if time is None:
            continue
        late = time - part.get("threshold", 0)
        total += part.get("coeff", 0) * max(0, late) + (part.get("increment", 0) if late >= 0 else 0)
    return total


def main() -> None:
    """Check the two files named on the command line."""
    problem, solution = (json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:3])
    wrong = broken_rule(problem, solution)
    print(wrong or "feasible")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

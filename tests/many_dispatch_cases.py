"""Compare the dispatching engine with every order tried.

``python -m tests.many_dispatch_cases NUMBER [FIRST SEED] [--search]``; with ``--search`` the engine tries no orders for
the cheapest plan itself, as it does where there are many operations.

Each problem of ``dispatch_cases.random_problem`` is solved twice, by brute force and by the engine with a number of
steps, so that a run can be repeated. The engine may be *worse*, or *miss* a plan that exists; a plan *better* than the
best of all orders, one that breaks a rule, or *no plan* claimed where there is one, is a fault of one of the two.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

import msgspec
from benchmarks.displib import broken_rule
from tests.dispatch_cases import best_by_trying, random_problem

from weerspoor.kernel.dispatch import Budget, Ending, dispatch, threads

STEPS = 2000
"""Steps of the engine for each problem."""

FAULTS = ("better", "rule broken", "wrongly impossible")
"""What may never be."""


def compare(seed: int, steps: int = STEPS) -> tuple[str, str]:
    """Compare the engine with every order on one random problem.

    Returns
    -------
    verdict : str
        One of ``FAULTS``, or "equal", "worse", "missed"; "proved" or "not proved" where there is no plan at all.
    about : str
        Both values, or the reason that the engine gives.
    """
    problem = random_problem(seed)
    best = best_by_trying(problem)
    outcome = dispatch(problem, budget=Budget(None, steps, 1))
    if outcome.ending is Ending.IMPOSSIBLE:
        return ("proved" if best is None else "wrongly impossible"), outcome.reason
    if outcome.solution is None:
        return ("not proved" if best is None else "missed"), f"best {best and best[0]}"
    if wrong := broken_rule(msgspec.to_builtins(problem), msgspec.to_builtins(outcome.solution)):
        return "rule broken", wrong
    value = outcome.solution.objective_value
    if best is None or value < best[0]:
        return "better", f"{value}, best of all orders {best and best[0]}"
    return ("equal" if value == best[0] else "worse"), f"{value}, best {best[0]}"


def main(number: int, first: int = 0) -> int:
    """Compare so many problems; return how many show a fault."""
    begun, count = time.perf_counter(), Counter[str]()
    for seed in range(first, first + number):
        verdict, about = compare(seed)
        count[verdict] += 1
        if verdict not in {"equal", "proved"}:
            print(f"{seed}: {verdict}: {about}", flush=True)
    counted = ", ".join(f"{n} {verdict}" for verdict, n in sorted(count.items()))
    print(f"{number} problems from {first}: {counted}; {time.perf_counter() - begun:.0f} s", flush=True)
    return sum(count[fault] for fault in FAULTS)


if __name__ == "__main__":
    if "--search" in sys.argv:
        sys.argv.remove("--search")
        threads.MOST_OPERATIONS = 0
    sys.exit(bool(main(*(int(argument) for argument in sys.argv[1:]))))

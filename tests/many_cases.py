"""Compare the search with trying everything on many cases: ``python -m tests.many_cases NUMBER [FIRST SEED]``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from kernel_cases import Case, random_case
from weerspoor.kernel.graph import Run
from weerspoor.kernel.plain import all_runs, pareto
from weerspoor.kernel.profile import profile
from weerspoor.kernel.search import latest_departure, search
from weerspoor.kernel.timelines import Timelines


def conflicts(timelines: Timelines, run: Run, kind: int) -> list[tuple[int, int, int]]:
    """Return (zone, from, until) of what a run holds or keeps empty though another train is there."""
    zone, from_s, until_s, _, occupies, blocks = timelines.table()
    wanted = [(z, a, b, kind, 7) for z, a, b in zip(run.zone, run.from_s, run.until_s, strict=True)]
    kept = zip(run.kept_zone, run.kept_from_s, run.kept_until_s, run.kept_mask, strict=True)
    wanted += [(z, a, b, 0, int(mask)) for z, a, b, mask in kept]
    return [
        (int(z), int(a), int(b))
        for z, a, b, occ, blk in wanted
        if np.any(
            (zone == z) & (from_s < b) & (a < until_s) & (((occupies & blk) != 0) | ((blocks & np.uint8(occ)) != 0))
        )
    ]


def faults(case: Case, run: Run) -> list[str]:
    """Return what is wrong with a run as such: its places, its times, what it holds."""
    graph, model = case.graph, case.model
    found = [f"holds {row} against others" for row in conflicts(case.timelines, run, model.kind)]
    for i in range(1, len(run.directed)):
        a, b = int(run.directed[i - 1]), int(run.directed[i])
        follows = graph.successor[graph.successor_start[a] : graph.successor_start[a + 1]]
        turned = model.may_turn is not None and model.may_turn[a] and run.speed_ms[i - 1] == 0.0
        if b not in follows and not turned:
            found.append(f"piece {b} does not follow {a}")
        if run.enter_s[i] != run.depart_s[i - 1]:
            found.append(f"enters {b} at another time than it leaves {a}")
        if run.exit_s[i] < run.enter_s[i] or run.depart_s[i] < run.exit_s[i]:
            found.append(f"is on {b} in another order than that of time")
        if run.speed_ms[i] > min(model.speed_ms[b], model.accel_v[-1]) + 1e-6:
            found.append(f"runs too fast on {b}")
    for i, dp in enumerate(run.directed):
        for name, zone, rows in (
            ("hold", int(graph.zone[dp >> 1]), zip(run.zone, run.from_s, run.until_s, strict=True)),
            *(
                ("keep", int(model.keep_zone[k]), zip(run.kept_zone, run.kept_from_s, run.kept_until_s, strict=True))
                for k in (range(*model.keep_start[dp >> 1 : (dp >> 1) + 2]) if len(model.keep_start) else ())
            ),
        ):
            until = run.depart_s[i] if i + 1 < len(run.directed) else run.exit_s[i]
            if not any(z == zone and a <= run.enter_s[i] and until < b for z, a, b in rows):
                found.append(f"does not {name} zone {zone} while on {dp}")
    reached = [int(s) for s in run.stage if s >= 0]
    if reached != sorted(reached):
        found.append("passes its stages in another order")
    return found


def differences(case: Case) -> list[str]:
    """Return in what the search differs from trying everything."""
    every = all_runs(case.graph, case.model, case.timelines, case.query)
    parts = case.graph, case.model, case.timelines, case.query
    first, last, runs = search(*parts), latest_departure(*parts), profile(*parts)
    found = [fault for run in (first, last, *runs) if run is not None for fault in faults(case, run)]
    for name, got, wanted in (
        ("earliest arrival", first and int(first.exit_s[-1]), min((run[1] for run in every), default=None)),
        (
            "latest departure",
            last and (int(last.depart_s[0]), -int(last.exit_s[-1])),
            max(((run[0], -run[1]) for run in every), default=None),
        ),
        ("profile", [(int(r.depart_s[0]), int(r.exit_s[-1]), r.stops) for r in runs], pareto(every)),
    ):
        if got != wanted:
            found.append(f"{name}: {got} instead of {wanted}")
    return found


def main(number: int, first: int = 0) -> int:
    """Compare cases; return how many differ."""
    begun, bad = time.perf_counter(), 0
    for seed in range(first, first + number):
        case = random_case(seed)
        found = differences(case)
        bad += bool(found)
        for line in found[:3]:
            print(f"{seed}: {line}"[:300], flush=True)
    print(f"{number} cases from {first}, {bad} differ, {time.perf_counter() - begun:.0f} s", flush=True)
    return bad


if __name__ == "__main__":
    sys.exit(bool(main(*(int(argument) for argument in sys.argv[1:]))))

"""Measure displacement: random requests checked by two verifiers, the least harm beside simple ways, and times.

``python -m benchmarks.displacing`` asks seeded random requests for wide, heavy and ordinary military trains on the
pattern weekday, under ``military-priority`` with both signatures. Every proposal is checked by ``verify`` and,
exported, by a verifier of the DISPLIB format. Where neither free capacity nor the reserve gives a path, the harm of the
least harmful proposal is set beside cancelling, or holding, every train in the way of the quickest path. Each request
is a row of ``out/displacing.jsonl``; one that was asked with the same sources before is not asked again, so the
benchmark can be broken off and taken up. The page is ``docs/benchmarks-displacing.md``.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.dispatching import sources
from benchmarks.displib import broken_rule
from weerspoor.capacity.displace.answer import Answer, displace_on
from weerspoor.capacity.displace.change import replan
from weerspoor.capacity.request import Change, Request, Window, with_points
from weerspoor.capacity.request_reader import load_request, read_request
from weerspoor.capacity.verify import verify_plan
from weerspoor.common.errors import InputError
from weerspoor.network.load import load_network
from weerspoor.network.model import Network
from weerspoor.timetable.day import Day
from weerspoor.timetable.store import load_day

ROOT = Path(__file__).parents[1]
LOG = ROOT / "out" / "displacing.jsonl"
PAGE = ROOT / "docs" / "benchmarks-displacing.md"
MORNING_PEAK = ROOT / "examples" / "wide-morning-peak.toml"

FROM = ("Sloe", "Mvt", "Kfh", "Rsd", "Amf", "Ehv", "Zl", "Bd", "Ut")
TO = ("Vlgr", "Odzg", "Zvg", "Rsd", "Kfh", "Ehv", "Bd", "Amf", "Ut", "Zl", "Sloe", "Mvt")
"""Where random requests begin and end: sea gateways, borders, and yards and stations at which such trains may stand."""

OUTCOMES = ("proposals", "free", "none", "no way", "no train")
"""What may come of a request: with proposals, a free path, nothing whatever is moved, no tracks, no such train."""

WANTED = 0.4
"""The least harm wanted, as a share of the better simple way, median."""

REQUEST = """
reference = "R-{seed}"
date = "2026-11-24"
[train]
template = "{template}"
traction = ["diesel"]
load_half_width_mm = {width}
[from]
point = "{origin}"
ready = "{ready}"
[to]
point = "{destination}"
[urgency]
ground = "fixed_time"
legal_basis = "benchmark"
decided_by = ["DEF", "IENW"]
"""

Row = dict[str, Any]


def random_request(seed: int, network: Network) -> Request:
    """Return a request of a seed: a train, two places, a time by day, and a window of an hour or so at its end."""
    rng = random.Random(seed)
    origin = rng.choice(FROM)
    destination = rng.choice([place for place in TO if place != origin])
    template, width = rng.choice([("heavy", 1700), ("heavy", 1700), ("heavy", 1640), ("mixed", 1600)])
    ready = f"{rng.randrange(5, 20):02d}:{rng.randrange(0, 60, 5):02d}"
    text = REQUEST.format(
        seed=seed, template=template, width=width, origin=origin, destination=destination, ready=ready
    )
    return with_points(read_request(text, f"request-{seed}.toml"), network.points)


def with_window(request: Request, least_s: float, seed: int) -> Request:
    """Return the request with a window that its quickest run can just keep, up to an hour later."""
    rng = random.Random(seed + 1_000_000)
    ready_s = request.ready_s or 0
    first_s = int((ready_s + least_s) // 6 * 6)
    return replace(request, destination_window=Window(first_s, first_s + rng.choice([900, 1800, 3600])))


def ask(seed: int, network: Network, day: Day) -> Row:
    """Ask a random request and check what comes of it."""
    from weerspoor.capacity.fit import Work, prepare
    from weerspoor.capacity.relax import run_alone

    request = random_request(seed, network)
    row: Row = {"seed": seed, "from": request.origin, "to": request.destination}
    try:
        free, _ = run_alone(prepare(request, network, None), Work(200_000))
    except InputError as error:
        return {**row, "outcome": "no train", "why": str(error)}
    if free is None:
        return {**row, "outcome": "no way"}
    request = with_window(request, float(free.exit_s[-1] - free.depart_s[0]), seed)
    began, first_s = time.perf_counter(), [0.0]

    def first(_: object) -> None:
        first_s[0] = first_s[0] or time.perf_counter() - began

    answer = displace_on(request, network, day, rules="military-priority", first=first)
    row["seconds"] = round(time.perf_counter() - began, 2)
    displacement = answer.plan.displacement
    assert displacement is not None
    if displacement.free:
        return {**row, "outcome": "free"}
    if not displacement.proposals:
        return {**row, "outcome": "none"}
    row |= {"outcome": "proposals", "first_s": round(first_s[0], 2), "proposals": len(displacement.proposals)}
    row["faults"] = [str(one) for one in verify_plan(answer.plan, network, day)]
    row["displib"] = [displib_fault(answer, one.id) for one in displacement.proposals]
    least = displacement.proposals[0]
    row |= {"eur": least.harm.eur, "trains": len(least.moves), "levels": len(least.minimum_levels)}
    if displacement.compared is not None:
        row |= {"cancel_eur": displacement.compared.cancel_eur, "hold_eur": displacement.compared.hold_eur}
    return row


def displib_fault(answer: Answer, proposal: str) -> str:
    """Return what is wrong with a proposal in DISPLIB form, by the checker of this repository and a foreign one."""
    files = answer.displib(proposal)
    problem, solution = json.loads(files["problem.json"]), json.loads(files["solution.json"])
    own = broken_rule(problem, solution)
    if own:
        return str(own)
    foreign = ROOT.parent / "shared" / "bench" / "displib" / "verify.py"
    if not foreign.exists():
        return ""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        command = [sys.executable, str(foreign), f"{folder}/problem.json", f"{folder}/solution.json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 and "feasible" in done.stdout and "infeasible" not in done.stdout else done.stdout


def timed(network: Network, day: Day) -> Row:
    """Return the times of the train in the morning peak and of re-planning it, after loading."""
    request = with_points(load_request(MORNING_PEAK), network.points)
    row: Row = {}
    for number in range(2):  # the first also fills what is kept in memory
        began, first_s = time.perf_counter(), [0.0]

        def first(_: object, began: float = began, first_s: list[float] = first_s) -> None:
            first_s[0] = first_s[0] or time.perf_counter() - began

        answer = displace_on(request, network, day, rules="military-priority", first=first)
        row[f"first_{number}_s"], row[f"set_{number}_s"] = round(first_s[0], 2), round(time.perf_counter() - began, 2)
    began = time.perf_counter()
    replan(answer.plan, (request.ready_s or 0) - 1200, Change(ready_s=(request.ready_s or 0) + 3600), network, day)
    row["replan_s"] = round(time.perf_counter() - began, 2)
    return row


def quartiles(values: list[float], digits: int = 2) -> str:
    """Return median, p95 and maximum of some values as cells of a table."""
    if not values:
        return "– | – | –"
    shown = np.percentile(values, [50, 95, 100])
    return " | ".join(f"{value:.{digits}f}" for value in shown)


def page(rows: list[Row], times: Row, named: str) -> str:
    """Return the page."""
    displaced = [row for row in rows if row["outcome"] == "proposals"]
    shares = [
        row["eur"] / min(value for value in (row["cancel_eur"], row["hold_eur"]) if value)
        for row in displaced
        if row.get("cancel_eur")
    ]
    rejected = sum(bool(row["faults"]) or any(row["displib"]) for row in displaced)
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    counts = [f"{sum(row['outcome'] == kind for row in rows)} {kind}" for kind in OUTCOMES]
    return "\n".join(
        [
            "# Displacement: measured on random requests",
            "",
            "`make bench-displacing` asks them and writes this page; `NUMBER=200` says how many.",
            "",
            f"- {len(rows)} random requests: {', '.join(counts)}; commit {named}",
            f"- {platform.machine()}, {platform.system()}, Python {platform.python_version()}, "
            f"numpy {version('numpy')}, numba {version('numba')}; memory {memory_mb:.0f} MB",
            "",
            "| what | n | median | p95 | max | wanted |",
            "|---|---|---|---|---|---|",
            f"| requests with proposals rejected by a verifier | {len(displaced)} | {rejected} | | | 0 |",
            f"| least harm, share of the better simple way | {len(shares)} | {quartiles(shares)} | {WANTED} (median) |",
            f"| first proposal, s | {len(displaced)} | {quartiles([row['first_s'] for row in displaced])} | |",
            f"| the set, s | {len(displaced)} | {quartiles([row['seconds'] for row in displaced])} | |",
            f"| wide train in the morning peak: first proposal, s | 1 | {times['first_1_s']} | | | 3 |",
            f"| the set, s | 1 | {times['set_1_s']} | | | 20 |",
            f"| replan an hour later, s | 1 | {times['replan_s']} | | | 5 |",
            "",
            "The simple ways: every train in the way of the quickest path cancelled; or each held until it fits again, "
            "and cancelled where it fits nowhere for four hours. Times after loading, kernels compiled.",
            "",
        ]
    )  # fmt: skip


def main() -> None:
    """Ask, keep the rows, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=60, help="random requests")
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    options = parser.parse_args()
    named = sources()
    LOG.parent.mkdir(parents=True, exist_ok=True)
    known: dict[int, Row] = {}
    if LOG.exists():
        for line in LOG.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row["sources"] == named:
                known[row["seed"]] = row
    network = load_network()
    day = load_day("pattern-weekday", network)
    times = timed(network, day)
    print(times, flush=True)
    for seed in range(options.first, options.first + options.number):
        if seed not in known:
            known[seed] = {**ask(seed, network, day), "sources": named}
            with LOG.open("a", encoding="utf-8") as log:
                log.write(json.dumps(known[seed]) + "\n")
        print(known[seed], flush=True)
        PAGE.write_text(page([known[seed] for seed in sorted(known)], times, named), encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()

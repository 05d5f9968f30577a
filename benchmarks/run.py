"""Measure Weerspoor on the embedded network and day, and write the figures with how they were taken.

``python -m benchmarks.run`` is the full protocol of 1 000 requests; with ``--requests`` less is a sample of it, and the
output says so. Every section has a time of its own and ends with it, so the whole is bounded; ``n`` says how many
requests were asked in it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numba
import numpy as np

from benchmarks import peer
from benchmarks.displib import broken_rule
from benchmarks.requests import random_requests
from benchmarks.sections import section
from weerspoor.capacity.fit import Problem, prepare
from weerspoor.capacity.make import EMPTY_DAY, PATTERN_DAY, plan_on
from weerspoor.capacity.verify import verify_plan
from weerspoor.common.errors import InputError
from weerspoor.common.files import write_whole
from weerspoor.kernel.profile import departures, profile
from weerspoor.kernel.search import Search
from weerspoor.kernel.timelines import Timelines
from weerspoor.network.load import load_network
from weerspoor.timetable.store import load_day

if TYPE_CHECKING:
    from weerspoor.capacity.request import Request
    from weerspoor.network.model import Network
    from weerspoor.timetable.day import Day

ROOT = Path(__file__).parents[1]
SEED = 2026
DEFAULT_REQUESTS = 1000
TWIN_CASES = 40


LIMIT_S = {"earliest": 1.0, "profile": 5.0, "plan": 10.0, "process": 40.0, "peer": 20.0}
"""Wall time that one question gets; a question that needs more is unfinished and counts with its limit."""

BUDGET_S = {"earliest": 150.0, "profile": 170.0, "plan": 190.0, "growth": 90.0, "peer": 120.0, "twin": 10.0}
"""Wall time of a whole section, whatever the number of requests."""

PEER_SIZES = (("40 km, 3 h", 40.0, 3.0), ("150 km, 8 h", 150.0, 8.0))
"""Questions for the peer: most kilometres of the way, and hours from when the train is ready."""

FOUND, NONE, UNFINISHED, NO_TRACK = "found", "no path", "unfinished", "no track"

LOAD = """
import json, time
from weerspoor.network.load import load_network
from weerspoor.timetable.store import load_day
begin = time.perf_counter()
network = load_network()
middle = time.perf_counter()
{load_day}
print(json.dumps([middle - begin, time.perf_counter() - middle]))
"""
"""A fresh process that loads; the import of modules is not counted."""


START = """
import json, resource, subprocess, sys, time
begin, code = time.perf_counter(), None
try:
    quiet = subprocess.DEVNULL
    code = subprocess.run(sys.argv[2:], timeout=float(sys.argv[1]), stdout=quiet, stderr=quiet).returncode
except subprocess.TimeoutExpired:
    pass
wall_s = time.perf_counter() - begin
print(json.dumps([code, wall_s, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
"""
"""A small process that starts another: the peak memory of a child counts what its parent had when it was started."""


@dataclass
class Row:
    """One figure: seconds of every question asked, beside what was wanted."""

    what: str
    seconds: list[float]
    unit: str = "ms"
    target: str = "-"
    note: str = ""
    limit_s: float = float("inf")

    def cells(self) -> list[str]:
        """Return the cells of the table of results."""
        if not self.seconds:
            return [self.what, "0", "not measured", "", "", self.target, self.note]
        scale = 1000.0 if self.unit == "ms" else 1.0
        values = np.array(self.seconds) * scale
        most = self.limit_s * scale
        shown = [
            f"> {most:g} {self.unit}" if value >= most else f"{value:.4g} {self.unit}"
            for value in (np.median(values), np.percentile(values, 95), values.max())
        ]
        return [self.what, str(len(values)), *shown, self.target, self.note]


@dataclass
class Report:
    """What was measured so far."""

    rows: list[Row] = field(default_factory=list)
    growth: list[list[str]] = field(default_factory=list)
    peer: list[list[str]] = field(default_factory=list)
    process: list[list[str]] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Keep a row and show it."""
        self.rows.append(row)
        print(" | ".join(row.cells()), flush=True)


class WallLimitError(Exception):
    """A question took longer than its limit; the program's own limits never catch it."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise WallLimitError in the block when it takes longer; the kernel notices within about 0.1 s."""

    def over(_signal: int, _frame: object) -> None:
        raise WallLimitError

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def forget_workspace(network: Network) -> None:
    """Drop the arrays of a search that was broken off wherever it was."""
    for key in ("workspace", "windows_of"):
        network.graph().cache.pop(key, None)


def first_arrival(problem: Problem, timelines: Timelines, again_s: list[float] | None = None) -> tuple[str, float]:
    """Ask for the earliest arrival of a train never asked before; return the outcome and the seconds.

    With ``again_s`` the same is asked once more, and the seconds are put there, if it was finished in time.
    """
    network, model = problem.network, replace(problem.model)  # another object: none of its motions is known
    begin = time.perf_counter()
    try:
        with limited(LIMIT_S["earliest"]):
            search = Search(network.graph(), model, timelines)
            run = search.earliest_arrival(problem.query)
            seconds = time.perf_counter() - begin
    except WallLimitError:
        forget_workspace(network)
        return UNFINISHED, time.perf_counter() - begin
    if again_s is not None:
        begin = time.perf_counter()
        search.earliest_arrival(problem.query)
        again_s.append(time.perf_counter() - begin)
    return (NONE if run is None else FOUND), seconds


def counts(outcomes: list[str]) -> str:
    """Return how often each outcome occurred."""
    return ", ".join(f"{outcomes.count(name)} {name}" for name in (FOUND, NONE, UNFINISHED) if name in outcomes)


def measure_searches(requests: list[Request], network: Network, day: Day | None, report: Report) -> list[Request]:
    """Measure the preparation and the earliest arrival; return the requests for which a path was found."""
    ready_s: list[float] = []
    asked_s: list[float] = []
    again_s: list[float] = []
    outcomes: list[str] = []
    found: list[Request] = []
    without_track = 0
    until = time.monotonic() + BUDGET_S["earliest"]
    for request in requests:
        if time.monotonic() > until:
            break
        begin = time.perf_counter()
        problem = prepare(request, network, day)
        if problem.no_track:
            without_track += 1
            continue
        timelines = problem.occupation.timelines
        ready_s.append(time.perf_counter() - begin)
        outcome, seconds = first_arrival(problem, timelines, again_s)
        asked_s.append(seconds)
        outcomes.append(outcome)
        if outcome == FOUND:
            found.append(request)
    asked = len(outcomes) + without_track
    note = counts(outcomes) + (f"; {without_track} more that no track serves, not searched" if without_track else "")
    report.add(
        Row(
            "earliest arrival, first question of a train",
            asked_s,
            target="p50 ≤ 5 ms, p95 ≤ 20 ms",
            note=note,
            limit_s=LIMIT_S["earliest"],
        )
    )
    done = [s for s, outcome in zip(asked_s, outcomes, strict=True) if outcome != UNFINISHED]
    report.add(Row("the same, finished ones only", done, note="leaves out the hard ones: not the figure to judge by"))
    report.add(Row("the same train asked again: its motions are known", again_s, note="finished ones only"))
    report.add(Row("preparing a request: train, access, timelines", ready_s))
    if asked < len(requests):
        report.remarks.append(f"Earliest arrival: the time allowed ended after {asked} of {len(requests)} requests.")
    return found


def measure_profiles(requests: list[Request], network: Network, day: Day | None, report: Report) -> None:
    """Measure all Pareto-optimal departures of 24 hours, for requests whose earliest arrival was found."""
    seconds: list[float] = []
    unfinished, counted = 0, 0
    until = time.monotonic() + BUDGET_S["profile"]
    for request in requests:
        if time.monotonic() > until:
            break
        problem = prepare(request, network, day)
        timelines, model, query = problem.occupation.timelines, replace(problem.model), problem.query
        begin = time.perf_counter()
        try:
            with limited(LIMIT_S["profile"]):
                parts = departures(network.graph(), model, timelines, query, with_runs=False)
                counted += sum((part.last_s - part.first_s) // query.step_s + 1 for part in parts)
        except WallLimitError:
            unfinished += 1
            forget_workspace(network)
        seconds.append(time.perf_counter() - begin)
    note = f"{unfinished} unfinished in {LIMIT_S['profile']:g} s; {spaced(counted)} departures in the others"
    report.add(
        Row(
            "all Pareto departures of 24 h, first question of a train",
            seconds,
            target="p50 ≤ 100 ms, p95 ≤ 500 ms",
            note=note,
            limit_s=LIMIT_S["profile"],
        )
    )


def measure_loading(report: Report, name: str | None) -> None:
    """Measure loading in fresh processes."""
    code = LOAD.format(load_day=f"load_day({name!r}, network)" if name else "")
    seconds, parts = [], []
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
        parts.append(json.loads(done.stdout))
        seconds.append(sum(parts[-1]))
    middle = np.median(np.array(parts), axis=0)
    note = f"network {middle[0]:.2f} s, day {middle[1]:.2f} s" if name else "network only: there is no day"
    report.add(Row("load network and day, fresh process", seconds, "s", "≤ 0.7 s", note))


def measure_exchange(network: Network, day: Day | None, report: Report) -> None:
    """Measure taking one train out of the timelines of the day and putting it in again."""
    seconds: list[float] = []
    if day is not None:
        held = day.holdings
        columns = (held.zone, held.from_s, held.until_s, held.train, held.occupies, held.blocks)
        timelines = Timelines.build(network.n_zones, *columns)
        trains = timelines.trains()
        rng = np.random.default_rng(SEED)
        for train in rng.choice(trains, min(1000, len(trains)), replace=False).tolist():
            begin = time.perf_counter()
            timelines.insert(train, timelines.remove(train))
            seconds.append(time.perf_counter() - begin)
            timelines.commit()
    note = f"{len(seconds)} trains drawn at random" if seconds else "there is no day"
    report.add(Row("take one train out and put it in again", seconds[1:], target="≤ 0.5 ms", note=note))


def measure_plans(
    requests: list[Request],
    network: Network,
    day: Day | None,
    report: Report,
    *,
    verifier: Path | None,
    budget_s: float = BUDGET_S["plan"],
) -> None:
    """Make plans of one path each, and have them checked by code that shares nothing with the search."""
    made_s: list[float] = []
    checked_s: list[float] = []
    unfinished, none, rejected, refused, foreign = 0, 0, 0, 0, 0
    until = time.monotonic() + budget_s
    for request in requests:
        if time.monotonic() > until:
            break
        begin = time.perf_counter()
        try:
            with limited(LIMIT_S["plan"]):
                made = plan_on(request, network, day, alternatives=0, explained=False)
        except WallLimitError:
            unfinished += 1
            forget_workspace(network)
            continue
        if not made.plan.paths:
            none += 1
            continue
        made_s.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        violations = verify_plan(made.plan, network, day)
        checked_s.append(time.perf_counter() - begin)
        if violations:
            rejected += 1
            report.remarks.append(f"Plan {request.reference} rejected: {violations[0]}.")
        files = made.displib()
        if broken := broken_rule(json.loads(files["problem.json"]), json.loads(files["solution.json"])):
            refused += 1
            report.remarks.append(f"Plan {request.reference} breaks a rule of DISPLIB: {broken}.")
        if verifier is not None:
            foreign += not accepted(files, verifier)
    note = f"{unfinished} unfinished in {LIMIT_S['plan']:g} s, {none} without path; one path each, in this process"
    report.add(Row("making a plan", made_s, "s", note=note))
    n = len(made_s)
    verdict = f"{rejected} of {n} plans rejected; {refused} of {n} refused by `benchmarks/displib.py`"
    if verifier is not None:
        verdict += f"; {foreign} of {n} by the DISPLIB verifier that was named"
    report.add(Row("checking a plan by `verify`", checked_s, "s", "0 of 1 000 rejected", verdict))


def measure_peer(requests: list[Request], network: Network, day: Day | None, report: Report) -> None:
    """Ask CP-SAT and the kernel for the earliest arrival along the same fixed routes; see :mod:`benchmarks.peer`."""
    try:
        from ortools import __version__ as version
    except ImportError:
        report.remarks.append("The peer was not asked: OR-tools is not installed (the extra `bench`).")
        return
    until = time.monotonic() + BUDGET_S["peer"]
    answers: dict[str, list[tuple[peer.Answer, peer.Answer]]] = {name: [] for name, *_ in PEER_SIZES}
    for request in requests:
        if request.via or time.monotonic() > until:
            continue
        problem = prepare(request, network, day)
        try:
            with limited(LIMIT_S["earliest"]):
                run = problem.search.earliest_arrival(problem.query)
        except WallLimitError:
            forget_workspace(network)
            continue
        for name, most_km, hours in PEER_SIZES:
            question = peer.asked(problem, run, most_km=most_km, hours=hours) if run is not None else None
            if question is not None:
                answers[name].append((peer.by_kernel(question), peer.by_cp_sat(question, LIMIT_S["peer"])))
    for name, pairs in answers.items():
        both = [(a.arrival_s, b.arrival_s) for a, b in pairs if a.arrival_s is not None and b.arrival_s is not None]
        none = sum(a.arrival_s is None and b.arrival_s is None for a, b in pairs)
        apart = f", CP-SAT's arrival {np.median([b - a for a, b in both]):+.0f} s in the middle" if both else ""
        same = f"{len(both)} found by both{apart}; {none} by neither, {len(pairs) - len(both) - none} by one"
        unproven = sum(not b.proven for _, b in pairs)
        same += f"; {unproven} unfinished by CP-SAT in {LIMIT_S['peer']:g} s" if unproven else ""
        for number, who in enumerate(("kernel", f"CP-SAT {version}")):
            cells = Row(who, [pair[number].seconds for pair in pairs], note=same if number else "").cells()
            report.peer.append([name, *cells[:5], cells[6]])
            print("peer", " | ".join(report.peer[-1]), flush=True)


def accepted(files: dict[str, bytes], verifier: Path) -> bool:
    """Tell whether a foreign verifier accepts a problem and its solution."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        names = [str(Path(folder) / name) for name in ("problem.json", "solution.json")]
        done = subprocess.run([sys.executable, str(verifier), *names], capture_output=True, check=False)
    return done.returncode == 0


def spaced(number: int) -> str:
    """Return a number with its thousands apart."""
    return f"{number:,}".replace(",", " ")


def split(timelines: Timelines, parts: int) -> Timelines:
    """Return the same occupation with every interval cut into parts that touch; those too short stay whole."""
    zone, from_s, until_s, train, occupies, blocks = timelines.table()
    length = until_s - from_s
    times = np.where(length >= parts, parts, 1)
    row = np.repeat(np.arange(len(zone)), times)
    part = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
    begin = from_s[row] + length[row].astype(np.int64) * part // times[row]
    end = from_s[row] + length[row].astype(np.int64) * (part + 1) // times[row]
    return Timelines.build(
        timelines.n_zones,
        zone[row],
        begin.astype(np.int32),
        end.astype(np.int32),
        train[row],
        occupies[row],
        blocks[row],
    )


def measure_growth(requests: list[Request], network: Network, day: Day | None, report: Report) -> None:
    """Measure the earliest arrival of the same requests among 1, 2 and 4 times the intervals."""
    seconds: dict[int, list[float]] = {1: [], 2: [], 4: []}
    sizes: dict[int, list[int]] = {1: [], 2: [], 4: []}
    outcomes: dict[int, list[str]] = {1: [], 2: [], 4: []}
    until = time.monotonic() + BUDGET_S["growth"]
    occupied: Timelines | None = None
    among: dict[int, Timelines] = {}
    for request in requests:
        if time.monotonic() > until:
            break
        problem = prepare(request, network, day)
        if occupied is None:
            occupied = problem.occupation.timelines
            among = {parts: split(occupied, parts) for parts in seconds}
        if problem.occupation.timelines is not occupied:
            continue  # a request of another time of the day, which meets other intervals
        for parts, taken in seconds.items():
            timelines = among[parts]
            outcome, took_s = first_arrival(problem, timelines)
            taken.append(took_s)
            sizes[parts].append(len(timelines))
            outcomes[parts].append(outcome)
    for parts, taken in seconds.items():
        cells = Row(f"{parts}", taken, limit_s=LIMIT_S["earliest"]).cells()
        size = spaced(int(np.median(sizes[parts]))) if taken else "-"
        report.growth.append([cells[0], size, *cells[1:5], counts(outcomes[parts])])
        print("growth", " | ".join(report.growth[-1]), flush=True)


def measure_processes(report: Report, day: str) -> None:
    """Measure ``weerspoor plan`` on the examples as a user starts it."""
    for example in sorted((ROOT / "examples").glob("*.toml")):
        command = [sys.executable, "-c", "from weerspoor.cli import main; main()", "plan", str(example), "--day", day]
        limit_s = LIMIT_S["process"]
        starter = [sys.executable, "-c", START, str(limit_s), *command]
        as_usual = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        for _ in range(2):  # the first also writes what is cached
            done = subprocess.run(starter, capture_output=True, text=True, check=True, cwd=ROOT, env=as_usual)
        code, wall_s, memory_kb = json.loads(done.stdout)
        ends = {0: "found", 3: "no path, explained", None: f"unfinished in {limit_s:g} s"}
        outcome = ends.get(code, f"exit {code}")
        cells = [example.name, f"{wall_s:.1f} s", f"{memory_kb / 1024:.0f} MB", "≤ 2.5 s, ≤ 1 GB", outcome]
        report.process.append(cells)
        print("process", " | ".join(cells), flush=True)


def measure_twin(report: Report) -> None:
    """Compare the compiled profile with the plain search on small random railways."""
    sys.path.insert(0, str(ROOT))
    from tests.kernel_cases import random_case

    try:
        from weerspoor.kernel.plain import all_runs, pareto
    except ImportError as error:
        report.remarks.append(f"The plain search was not asked: {error}.")
        return
    plain_s: list[float] = []
    compiled_s: list[float] = []
    different = 0
    warm = random_case(TWIN_CASES)
    profile(warm.graph, warm.model, warm.timelines, warm.query)
    until = time.monotonic() + BUDGET_S["twin"]
    for seed in range(TWIN_CASES):
        if time.monotonic() > until:
            break
        case = random_case(seed)
        begin = time.perf_counter()
        every = all_runs(case.graph, case.model, case.timelines, case.query)
        expected = pareto(every)
        plain_s.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        runs = profile(case.graph, case.model, case.timelines, case.query)
        compiled_s.append(time.perf_counter() - begin)
        different += sorted((int(r.depart_s[0]), r.stops) for r in runs) != sorted((d, s) for d, _, s in expected)
    report.add(Row("small railways: compiled, all Pareto departures", compiled_s))
    ratio = float(np.sum(plain_s) / np.sum(compiled_s))
    note = f"{ratio:.0f} times the compiled one in total; {different} of {len(plain_s)} answers differ"
    report.add(Row("small railways: plain search of everything", plain_s, note=note))


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def text(report: Report, requests: int) -> str:
    """Return the page with the protocol and the figures."""
    full = (
        "the full protocol" if requests >= 1000 else f"a sample of {requests}; `--requests 1000` is the full protocol"
    )
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench` (`python -m benchmarks.run`); not edited by hand.",
        "",
        *(f"- {fact}" for fact in report.facts),
        "",
        "## Protocol",
        "",
        f"- Random requests with seed {SEED} (`benchmarks/requests.py`: lengths, widths, tractions, windows and places",
        f"  on the way mixed), {full}.",
        "  Kernels are compiled and warmed before the clock starts; one thread.",
        "- The search works out motions of a train over routes and least times to places when it first needs them, and",
        "  keeps them. *First question* starts from nothing but the routes of the network; *asked again* is the same",
        "  question to the same train. Plans ask several questions to each train. Preparing the train, its access and",
        "  the timelines of the other trains is measured apart.",
        "- A question that takes longer than its limit is unfinished and counts with the time it had, so the figures",
        "  of rows with unfinished questions are lower bounds. Limits: "
        + ", ".join(f"{name} {seconds:g} s" for name, seconds in LIMIT_S.items())
        + ".",
        "- Departures, plans, growth and the peer are measured on requests whose earliest arrival was found in time;",
        "  that favours the easier ones. Each section ends when its time is up; *n* says how many were asked. Times: "
        + ", ".join(f"{name} {seconds:g} s" for name, seconds in BUDGET_S.items())
        + ".",
        "",
        "## Figures",
        "",
        *table(["what", "n", "median", "p95", "max", "target", "remarks"], [row.cells() for row in report.rows]),
        "",
        "## `weerspoor plan` as a process",
        "",
        "Cached kernels; peak memory of the process. Three alternatives, or the explanation where there is no path.",
        "",
        *table(["request", "wall time", "peak memory", "target", "outcome"], report.process),
        "",
        "## Growth",
        "",
        "The same requests among more intervals, made by splitting; for timing only.",
        "",
        *table(["times", "intervals", "n", "median", "p95", "max", "outcomes"], report.growth),
        "",
        "## A peer on the same work",
        "",
        "The earliest arrival of one train along fixed routes through the same free gaps, by the kernel and by a",
        "solver of constraint programs (OR-tools CP-SAT, one thread), on pieces of the day. Building the model, or the",
        "bounds, counts; preparing the request and loading do not. The solver gets whole seconds measured on a run",
        "without stops and a fixed time for stopping and starting; the kernel works out running and blocking anew. So",
        "the questions are the same but the answers differ a little (`benchmarks/peer.py`).",
        "",
        *table(["way and time", "program", "n", "median", "p95", "max", "answers"], report.peer),
        *(["", "## Remarks", "", *(f"- {remark}" for remark in report.remarks)] if report.remarks else []),
        "",
    ]
    return "\n".join(lines)


def the_day(network: Network, name: str, report: Report) -> Day | None:
    """Return the day to measure on; None, and a loud remark, when it cannot be had."""
    try:
        day = load_day(name, network)
    except InputError as error:
        report.facts.append(
            f"**THE EMPTY RAILWAY**: the day could not be loaded ({error.message}). The figures say little."
        )
        return None
    size, trains = f"{len(day.holdings.zone):,}".replace(",", " "), len(day.trains.reference)
    report.facts.append(f"Day {day.name} ({day.content_hash}): {trains} trains, {size} intervals.")
    return day


def main() -> None:
    """Measure everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=DEFAULT_REQUESTS, help="random requests (default %(default)s)")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md", help="page to write")
    parser.add_argument("--day", default=PATTERN_DAY, help="name or file of a day")
    parser.add_argument("--check", action="store_true", help="only make and check plans, however long; write nothing")
    parser.add_argument("--displib-verifier", type=Path, help="another verifier of DISPLIB problems and solutions")
    given = parser.parse_args()
    report = Report()
    begin = time.perf_counter()
    network = load_network()
    day = the_day(network, given.day, report)
    report.facts.append(f"Network {network.content_hash}: {len(network.pieces.zone)} pieces, {network.n_zones} zones.")
    report.facts.append(
        f"Python {platform.python_version()}, numpy {np.__version__}, numba {numba.__version__}, "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores."
    )
    print("\n".join(report.facts), flush=True)
    warm = prepare(replace(random_requests(1, SEED + 1, network)[0], destination_window=None), network, day)
    if not warm.no_track:
        first_arrival(warm, warm.occupation.timelines)
    if given.check:
        requests = random_requests(given.requests, SEED, network)
        measure_plans(requests, network, day, report, verifier=given.displib_verifier, budget_s=float("inf"))
        print("\n".join(report.remarks))
        return
    found = measure_searches(random_requests(given.requests, SEED, network), network, day, report)
    measure_profiles(found, network, day, report)
    if day is not None:
        measure_growth(found, network, day, report)
    else:
        report.remarks.append("Growth was not measured: the empty railway has no intervals to split.")
    measure_exchange(network, day, report)
    measure_plans(found, network, day, report, verifier=given.displib_verifier)
    measure_peer(found, network, day, report)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    measure_loading(report, given.day if day is not None else None)
    measure_processes(report, given.day if day is not None else EMPTY_DAY)
    measure_twin(report)
    report.facts.append(f"Took {time.perf_counter() - begin:.0f} s; peak memory of this process {peak_mb:.0f} MB.")
    report.facts.append("Other work may have run on the machine at the same time; one run, not the best of several.")
    made = text(report, given.requests)
    kept = section(given.output.read_text(encoding="utf-8"), "dispatching") if given.output.exists() else ""
    write_whole(given.output, (f"{made}\n{kept}\n" if kept else made).encode())
    print(f"Written: {given.output}")


if __name__ == "__main__":
    main()

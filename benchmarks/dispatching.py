"""Measure ``weerspoor dispatch`` on the public instances of the DISPLIB competition, beside the best values known.

``python -m benchmarks.dispatching`` runs a few instances of each family, ``--all`` all of them. Each is one process,
with the wall time of everything: start, reading, search, check and writing. A run that was measured before with the
same sources, instance and time is not repeated, so that the benchmark can be broken off and taken up again. The page
shows the newest run of every instance in the log, with the commit it was made with; a summary goes into
``docs/benchmarks.md``. The instances and best values are not part of Weerspoor; without them it says so and ends.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.displib import broken_rule
from benchmarks.sections import with_section
from weerspoor.common.files import write_whole

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "bench" / "displib"
LOG = ROOT / "out" / "dispatching.jsonl"
PAGE = ROOT / "docs" / "benchmarks-dispatching.md"
SUMMARY = ROOT / "docs" / "benchmarks.md"

FEW = (
    "smi_close_3", "smi_headway_3", "nor1_critical_0", "nor1_full_4", "nor2_1", "nor3_1", "nor4_small_1",
    "nor5_small_1", "wab_large_1", "wab_small_1", "swi_3",
)  # fmt: skip
"""What is measured without ``--all``."""

COMPILING_S = 600.0
"""What the first run may take, which is not counted: it compiles the kernels and ends after few steps."""

GRACE_S = 30.0
"""After so much more than its time a process is ended and counts as having found nothing."""

FIRST_S = ((1.0, 66), (5.0, 69))
"""A first solution within so many seconds on so many of the 69 instances."""


SHORT_S, LONG_S = 60.0, 600.0
"""Times for which there are gaps wanted; the best values known had the longer."""


@dataclass(frozen=True)
class Family:
    """Instances that belong together, and the gaps wanted, in percent of the best value known.

    Attributes
    ----------
    name, pattern : str
    median, worst : float
        At 60 s.
    long_median : float
        At 600 s.
    """

    name: str
    pattern: str
    median: float
    worst: float
    long_median: float

    def wanted(self, seconds: float) -> tuple[float, float]:
        """Return the median and the largest gap wanted at a time; infinite where none is."""
        return (self.median, self.worst) if seconds < LONG_S else (self.long_median, math.inf)


FAMILIES = (
    Family("smi", r"smi_", 1.0, 5.0, 0.0),
    Family("nor1_critical", r"nor1_critical_", 0.2, 2.0, 0.0),
    Family("nor1_full", r"nor1_full_", 2.0, 6.0, 0.5),
    Family("nor2, nor3", r"nor[23]_", 4.0, 12.0, 1.0),
    Family("nor4", r"nor4_", 5.0, 12.0, 2.0),
    Family("nor5", r"nor5_", 8.0, 20.0, 3.0),
    Family("wab_large", r"wab_large_", 20.0, 35.0, 8.0),
    Family("wab_small", r"wab_small_", 40.0, 80.0, 15.0),
)
SWI = Family("swi", r"swi_", 0.0, 0.0, 0.0)
"""Its best value is 0, so it has no gaps: 0 is wanted within ``SWI_S``."""

SWI_S = 10.0

Row = dict[str, Any]


def sources() -> str:
    """Return what names the sources: the commit, and a hash of the package where it was changed since."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    commit = git("rev-parse", "--short=10", "HEAD") or "no commit"
    if not git("status", "--porcelain", "src"):
        return commit
    digest = hashlib.sha256()
    for source in sorted((ROOT / "src").rglob("*.py")):
        digest.update(source.read_bytes())
    return f"{commit}+{digest.hexdigest()[:8]}"


def run(instance: Path, seconds: float, threads: int, solution: Path) -> Row:
    """Run the command on an instance; return how it ended, its wall time and peak memory."""
    solution.unlink(missing_ok=True)
    command = [sys.executable, "-m", "weerspoor.cli", "dispatch", str(instance), "-o", str(solution)]
    command += ["--seconds", f"{seconds:g}", "--threads", str(threads)]
    with tempfile.TemporaryFile("w+") as said:
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.DEVNULL)
        ended = status = 0
        while not ended:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            if not ended:
                time.sleep(0.01)
                if time.perf_counter() - begin > seconds + GRACE_S:
                    os.kill(process.pid, signal.SIGKILL)  # Popen.kill would wait for it first, and leave no usage
        wall_s = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    first = re.search(r"first solution after ([0-9.]+) s, ([0-9]+) steps", text)
    return {
        "code": process.returncode,
        "wall_s": round(wall_s, 3),
        "memory_mb": round(usage.ru_maxrss / 1024, 1),
        "first_s": float(first[1]) if first else None,
        "steps": int(first[2]) if first else None,
    }


def compile_kernels(instance: Path) -> None:
    """Run the command on an instance for few steps, so that no measured run compiles kernels."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "weerspoor.cli", "dispatch", str(instance), "-o", f"{folder}/solution.json"]
        subprocess.run([*command, "--iterations", "10"], capture_output=True, timeout=COMPILING_S, check=False)


def checker(verifier: Path | None) -> Callable[[Path, Path], str]:
    """Return what says how a solution breaks a rule, "" if it does not."""

    def outside(instance: Path, solution: Path) -> str:
        command = [sys.executable, str(verifier), str(instance), str(solution)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        value = json.loads(solution.read_text(encoding="utf-8"))["objective_value"]
        right = done.returncode == 0 and done.stdout.split() == ["feasible", str(value)]
        return "" if right else (done.stdout or done.stderr).strip() or "not verified"

    def inside(instance: Path, solution: Path) -> str:
        return broken_rule(*(json.loads(file.read_text(encoding="utf-8")) for file in (instance, solution)))

    return outside if verifier is not None else inside


def measure(instance: Path, seconds: float, threads: int, check: Callable[[Path, Path], str]) -> Row:
    """Return the figures of one instance."""
    with tempfile.TemporaryDirectory() as folder:
        solution = Path(folder) / "solution.json"
        row = run(instance, seconds, threads, solution)
        row["value"], row["wrong"] = None, ""
        if row["code"] == 0:
            row["value"] = json.loads(solution.read_text(encoding="utf-8"))["objective_value"]
            row["wrong"] = check(instance, solution)
        return row


def gap(row: Row, best: dict[str, Any]) -> float:
    """Return how much dearer than the best value known a solution is, in percent; infinite if there is none."""
    known = best.get(row["instance"], {}).get("best")
    if row["value"] is None or row["wrong"] or known is None:
        return math.inf
    if known == 0:
        return 0.0 if row["value"] == 0 else math.inf
    return 100.0 * (float(row["value"]) - float(known)) / float(known)


def quantile(values: list[float], share: float) -> float:
    """Return the value that so many of all are not above."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def median(values: list[float]) -> float:
    """Return the middle, between two values their mean."""
    ordered, n = sorted(values), len(values)
    return ordered[n // 2] if n % 2 else (ordered[n // 2 - 1] + ordered[n // 2]) / 2


def percent(value: float) -> str:
    """Return a gap as it is shown."""
    return "none" if math.isinf(value) else f"{value:.2f} %"


def family_table(rows: list[Row], best: dict[str, Any], seconds: float = SHORT_S) -> list[str]:
    """Return the lines of the table of families, beside what is wanted at a time."""
    lines = [
        "| family | n | median gap | p95 | max | wanted: median, max | met |",
        "|---|---|---|---|---|---|---|",
    ]
    for family in FAMILIES:
        gaps = [gap(row, best) for row in rows if re.match(family.pattern, row["instance"])]
        if gaps:
            limits = family.wanted(seconds)
            met = median(gaps) <= limits[0] and max(gaps) <= limits[1]
            cells = [family.name, len(gaps), *(percent(x) for x in (median(gaps), quantile(gaps, 0.95), max(gaps)))]
            cells += [", ".join("-" if math.isinf(x) else f"{x:g} %" for x in limits), "yes" if met else "no"]
            lines.append(f"| {' | '.join(map(str, cells))} |")
    swi = [row for row in rows if re.match(SWI.pattern, row["instance"])]
    if swi:
        zero = [row for row in swi if row["value"] == 0 and not row["wrong"] and row["wall_s"] <= SWI_S]
        met = len(zero) == len(swi)
        lines.append(
            f"| swi | {len(swi)} | {len(zero)} at 0 within {SWI_S:g} s | | | all at 0 | {'yes' if met else 'no'} |"
        )
    return lines


def first_lines(rows: list[Row]) -> list[str]:
    """Return how soon a first solution was there."""
    firsts = [math.inf if row["first_s"] is None else float(row["first_s"]) for row in rows]
    lines = []
    for within, wanted in FIRST_S:
        found = sum(first <= within for first in firsts)
        lines.append(
            f"- a first solution within {within:g} s (kernels compiled, after reading) on {found} of {len(rows)}; "
            f"wanted on {wanted} of 69"
        )
    return lines


def newest(log: list[Row], seconds: float, threads: int, named: str) -> list[Row]:
    """Return one run of each instance with a time and threads: of the sources named, else the last in the log."""
    chosen: dict[str, Row] = {}
    for row in log:
        if (row["seconds"], row["threads"]) != (seconds, threads):
            continue
        before = chosen.get(row["instance"])
        if before is None or before["sources"] != named or row["sources"] == named:
            chosen[row["instance"]] = row
    return [chosen[name] for name in sorted(chosen)]


def made_with(rows: list[Row]) -> str:
    """Return the commits that runs were made with, and how many with each."""
    count = Counter(row["sources"] for row in rows)
    return ", ".join(f"{commit} ({n})" for commit, n in count.items())


def on_days(rows: list[Row]) -> str:
    """Return the days on which runs were made."""
    days = sorted({str(row.get("date", "a day not noted")) for row in rows})
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def page(log: list[Row], best: dict[str, Any], *, named: str, threads: int, verifier: str) -> str:
    """Return the page of results: a part for each time of which there are runs, the one with targets first."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "numba", "msgspec"))
    lines = [
        "# Dispatching: measured on the DISPLIB instances",
        "",
        "`make bench-displib` measures some instances of the public set, with `ALL=1` all 69, and writes this page.",
        "Gaps are to the best values known of 15 teams with 10 minutes, 8 threads and 32 GB each; `none` where no",
        "solution was found. A negative gap is better than the best value known. Of each instance the newest run is",
        "shown, with the commit it was made with: not all of one table need be of one commit.",
        "",
        f"- {processor()}, {os.cpu_count()} processors; Python {platform.python_version()}, {packages}; "
        f"{threads} threads",
        f"- each solution checked by {verifier} when it was made",
    ]
    for seconds in times_of(log, threads):
        lines += ["", *part_of_page(newest(log, seconds, threads, named), best, seconds)]
    return "\n".join(lines) + "\n"


def times_of(log: list[Row], threads: int) -> list[float]:
    """Return the times of the runs, those with targets first."""
    times = {float(row["seconds"]) for row in log if row["threads"] == threads}
    return sorted(times, key=lambda seconds: (seconds not in {SHORT_S, LONG_S}, seconds))


def part_of_page(rows: list[Row], best: dict[str, Any], seconds: float) -> list[str]:
    """Return the lines about the runs of one time."""
    walls = [float(row["wall_s"]) for row in rows]
    lines = [
        f"## {seconds:g} s",
        "",
        f"- {len(rows)} instances, on {on_days(rows)}, commit {made_with(rows)}",
        f"- {sum(bool(row['wrong']) for row in rows)} broke a rule",
        f"- wall time of the whole process: median {median(walls):.1f} s, p95 {quantile(walls, 0.95):.1f} s, "
        f"max {max(walls):.1f} s; peak memory {max(float(row['memory_mb']) for row in rows):.0f} MB",
        *first_lines(rows),
        "",
        *family_table(rows, best, seconds),
        "",
        "| instance | value | best known | gap | first solution | steps | wall time | commit |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        known = best.get(row["instance"], {}).get("best", "unknown")
        first = "none" if row["first_s"] is None else f"{row['first_s']:.2f} s"
        value = row["wrong"] or ("none" if row["value"] is None else row["value"])
        shown = [row["instance"], value, known, percent(gap(row, best)), first, row["steps"], f"{row['wall_s']:.1f} s"]
        lines.append(f"| {' | '.join(map(str, [*shown, row['sources']]))} |")
    return lines


def summary(log: list[Row], best: dict[str, Any], *, named: str, threads: int) -> list[str]:
    """Return the lines of the part of ``docs/benchmarks.md``: gaps by family at the times with targets."""
    times = [seconds for seconds in times_of(log, threads) if seconds in {SHORT_S, LONG_S}]
    times = times or times_of(log, threads)[:1]
    tables = {seconds: newest(log, seconds, threads, named) for seconds in times}
    lines = [
        "## Dispatching",
        "",
        "Written by `make bench-displib`; every instance and what is wanted: [dispatching](benchmarks-dispatching.md).",
        "Gaps to the best values known.",
        "",
        *(
            f"- {seconds:g} s: {len(rows)} instances, {threads} threads, on {on_days(rows)}; "
            f"version {', '.join(sorted({str(row.get('version', 'not noted')) for row in rows}))}, "
            f"commit {made_with(rows)}"
            for seconds, rows in tables.items()
        ),
        "",
        f"| family |{''.join(f' n, {s:g} s | median | worst |' for s in times)}",
        f"|---|{'---|---|---|' * len(times)}",
    ]
    for family in (*FAMILIES, SWI):
        line = f"| {family.name} |"
        for rows in tables.values():
            gaps = [gap(row, best) for row in rows if re.match(family.pattern, row["instance"])]
            line += f" {len(gaps)} | {percent(median(gaps))} | {percent(max(gaps))} |" if gaps else " 0 | | |"
        lines.append(line)
    return lines


def processor() -> str:
    """Return the name of the processor."""
    info = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*:\s*(.+)", info.read_text(encoding="utf-8")) if info.exists() else None
    return named[1] if named else platform.processor() or platform.machine()


def rows_of(log: Path) -> list[Row]:
    """Return the runs measured before, in their order."""
    if not log.exists():
        return []
    lines = log.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]


def key_of(row: Row) -> tuple[str, str, float, int]:
    """Return what a run is known by: sources, instance, seconds, threads."""
    return row["sources"], row["instance"], row["seconds"], row["threads"]


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="instances; a few of each family if left out")
    parser.add_argument("--all", action="store_true", help="all instances")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--instances", type=Path, default=SHARED / "instances")
    parser.add_argument("--best", type=Path, default=SHARED / "best_known.json")
    parser.add_argument("--verifier", type=Path, default=None, help="a program: PROBLEM.json SOLUTION.json")
    parser.add_argument("--log", type=Path, default=LOG)
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--summary", type=Path, default=SUMMARY, help="page with the part on dispatching")
    parser.add_argument("--only-pages", action="store_true", help="measure nothing; write the pages from the log")
    given = parser.parse_args()
    files = {file.stem: file for file in sorted(given.instances.glob("*.json"))}
    if not files:
        sys.exit(f"no instances in {given.instances}; they are not part of Weerspoor: name their folder by --instances")
    best: dict[str, Any] = {}
    if given.best.exists():
        best = json.loads(given.best.read_text(encoding="utf-8"))
    else:
        print(f"{given.best} is absent: no gaps can be shown", file=sys.stderr)
    verifier = given.verifier or (SHARED / "verify.py" if (SHARED / "verify.py").exists() else None)
    names = list(files) if given.all else given.names or [name for name in FEW if name in files]
    if missing := [name for name in names if name not in files]:
        sys.exit(f"not in {given.instances}: {', '.join(missing)}")
    named, log, check = sources(), rows_of(given.log), checker(verifier)
    known = {key_of(row): row for row in log}
    keys = {} if given.only_pages else {name: (named, name, given.seconds, given.threads) for name in names}
    if any(key not in known for key in keys.values()):
        smallest = min(files.values(), key=lambda file: file.stat().st_size)
        compile_kernels(smallest)
    given.log.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, key in keys.items():
        row = known.get(key)
        if row is None:
            row = measure(files[name], given.seconds, given.threads, check)
            row |= {"sources": named, "instance": name, "seconds": given.seconds, "threads": given.threads}
            row |= {"version": version("weerspoor"), "date": datetime.now(UTC).date().isoformat()}
            log.append(row)
            with given.log.open("a", encoding="utf-8") as written:
                written.write(json.dumps(row) + "\n")
        rows.append(row)
        value = row["wrong"] or row["value"]
        print(f"{name:16} {value!s:>10} {percent(gap(row, best)):>10}  {row['wall_s']:6.1f} s", flush=True)
    if not times_of(log, given.threads):
        sys.exit(f"no runs with {given.threads} threads in {given.log}")
    how = "the verifier given" if verifier is not None else "benchmarks/displib.py"
    write_whole(given.page, page(log, best, named=named, threads=given.threads, verifier=how).encode())
    before = given.summary.read_text(encoding="utf-8") if given.summary.exists() else ""
    lines = summary(log, best, named=named, threads=given.threads)
    write_whole(given.summary, with_section(before, "dispatching", lines).encode())
    print("\n".join(family_table(rows, best, given.seconds) + first_lines(rows) if rows else lines))
    sys.exit(1 if any(row["wrong"] for row in rows) else 0)


if __name__ == "__main__":
    main()

"""Measure the guarantee: time and memory of the shipped demand on the embedded weekday, and of each of its parts.

``python -m benchmarks.guarantee`` answers the demand part by part in one process and prints n, median, 95th percentile
and maximum by sort of part, the sum, the peak memory, machine and versions; ``--whole`` also runs the command as a user
does, with ``--jobs`` processes, and prints its wall time and the memory of all of them.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import numba
import numpy as np

from weerspoor.capacity.guarantee.answer import Guarantee, guarantee_json
from weerspoor.capacity.guarantee.demand import DEFAULT, load_demand_file, with_codes
from weerspoor.capacity.make import PATTERN_DAY
from weerspoor.network.load import load_network
from weerspoor.timetable.store import load_day

HEADS = ("part", "n", "median", "p95", "max", "sum")


def machine() -> str:
    """Return processor count, system and versions in a line."""
    return (
        f"{os.cpu_count()} processors, {platform.machine()}, {platform.system()}, Python {platform.python_version()}, "
        f"numpy {np.__version__}, numba {numba.__version__}"
    )


def peak_mb(who: int) -> float:
    """Return the peak memory of this process or of its children, in MB."""
    return resource.getrusage(who).ru_maxrss / 1024


def cells(name: str, seconds: list[float]) -> list[str]:
    """Return a row of the table of results."""
    values = np.array(seconds)
    figures = (np.median(values), np.percentile(values, 95), values.max(), values.sum())
    return [name, str(len(values)), *(f"{value:.2f} s" for value in figures)]


def measure(file: Path) -> None:
    """Answer a demand part by part and print the figures."""
    begin = time.perf_counter()
    network = load_network()
    day = load_day(PATTERN_DAY, network)
    asked = Guarantee(network, day, with_codes(load_demand_file(file), network.points))
    loaded_s = time.perf_counter() - begin
    seconds: dict[str, list[float]] = defaultdict(list)
    cpu_s = time.process_time()
    done = []
    for part in asked.parts():
        begin = time.perf_counter()
        done.append((part, asked.work(part)))
        sort = f"count, {part.kind}" if part.kind else part.name
        seconds[sort].append(time.perf_counter() - begin)
    begin = time.perf_counter()
    result = asked.result(done)
    seconds["putting together, with UIC 406"].append(time.perf_counter() - begin)
    print(f"{file.name} on {PATTERN_DAY}; {machine()}; loading {loaded_s:.2f} s")
    print(" | ".join(HEADS))
    for sort, taken in seconds.items():
        print(" | ".join(cells(sort, taken)))
    rows = [row for corridor in result.corridors for way in corridor.directions for row in way.kinds if row.possible]
    found, most = sum(row.with_reserve_day for row in rows), sum(row.bound_with_reserve_day for row in rows)
    print(f"processor time {time.process_time() - cpu_s:.0f} s; peak memory {peak_mb(resource.RUSAGE_SELF):.0f} MB")
    print(f"{found} paths counted of at most {most} ({100 * found / most:.0f} %); result {result.hash}, "
          f"{len(guarantee_json(result)) / 1e6:.2f} MB of JSON")  # fmt: skip


def measure_whole(file: Path, jobs: int) -> None:
    """Run the command as a user does and print wall time and memory."""
    command = [sys.executable, "-m", "weerspoor.cli", "guarantee", str(file), "--jobs", str(jobs)]
    begin = time.perf_counter()
    code = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode
    wall_s = time.perf_counter() - begin
    print(f"whole command, {jobs} processes: {wall_s:.0f} s, exit {code}, "
          f"largest process {peak_mb(resource.RUSAGE_CHILDREN):.0f} MB")  # fmt: skip


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demand", type=Path, default=DEFAULT)
    parser.add_argument("--whole", action="store_true", help="run the command as well")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    measure(given.demand)
    if given.whole:
        measure_whole(given.demand, given.jobs)


if __name__ == "__main__":
    main()

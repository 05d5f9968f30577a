"""Make every table of the network, in the order in which they need each other."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path
from types import ModuleType

from tools.build_data.source import SOURCE

STEPS = ("core", "places", "permissions", "beside", "demand", "large_stations", "passengers")
"""Modules of this folder, each with a function ``build()`` that writes its own tables."""


def plugged(name: str) -> ModuleType | None:
    """Return the module ``tools.build_data.<name>``, or None when there is none."""
    if not (Path(__file__).parent / f"{name}.py").is_file():
        return None
    return importlib.import_module(f"tools.build_data.{name}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.build_data", description=__doc__)
    parser.add_argument("steps", nargs="*", default=STEPS, help=f"some of: {' '.join(STEPS)}; all when left out")
    wanted = parser.parse_args().steps
    if not SOURCE.is_dir():
        print(f"The source data are not at {SOURCE}.", file=sys.stderr)
        return 2
    for step in wanted:
        module = plugged(step)
        if module is None or not hasattr(module, "build"):
            continue
        started = time.perf_counter()
        print(f"{step}: …", flush=True)
        module.build()
        print(f"{step}: {time.perf_counter() - started:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

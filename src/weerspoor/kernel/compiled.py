"""How the kernel is compiled: one decorator, and a cache that never holds what was compiled from older sources."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import config, njit

HERE = Path(__file__).parent

CALLED_BY_NONE = {
    "__init__.py", "bounds.py", "plain.py", "profile.py", "retiming.py", "search.py",
    "dispatch/__init__.py", "dispatch/engine.py", "dispatch/event_order.py", "dispatch/exhaustive.py",
    "dispatch/fixed.py", "dispatch/planner.py", "dispatch/terms.py", "dispatch/threads.py",
}  # fmt: skip
"""Sources without compiled functions that other sources call; numba itself sees when one of these changes."""


def _cache_folder() -> Path:
    """Return a folder whose name changes with the sources: numba itself looks at one file at a time only."""
    digest = hashlib.sha256()
    for source in sorted(HERE.rglob("*.py")):
        if source.relative_to(HERE).as_posix() not in CALLED_BY_NONE:
            digest.update(source.read_bytes())
    above = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(above) / "weerspoor" / digest.hexdigest()[:16]


if "NUMBA_CACHE_DIR" not in os.environ:
    config.CACHE_DIR = str(_cache_folder())


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function when it is first called; the result is kept for later processes."""
    return njit(cache=True, nogil=True)(function)


def entry(function: Callable[..., Any]) -> Any:
    """Compile a function that makes no arrays, without counting references to those it is given.

    Counting costs more than the work of a short function that is given many arrays.
    """
    return njit(cache=True, nogil=True, error_model="numpy", _nrt=False)(function)


def lean(function: Callable[..., Any]) -> Any:
    """Compile a function that makes no arrays and that is called by compiled functions only."""
    return njit(
        cache=True, nogil=True, error_model="numpy", _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True
    )(function)


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a short function into its callers."""
    return njit(cache=True, nogil=True, error_model="numpy", _nrt=False, inline="always")(function)

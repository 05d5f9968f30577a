"""Compile the search once, before the workers begin that would each compile it."""

from __future__ import annotations

import pytest

from kernel_cases import graph_of, pieces, train_on
from weerspoor.kernel.graph import Query, Stage
from weerspoor.kernel.profile import profile
from weerspoor.kernel.search import search
from weerspoor.kernel.timelines import Timelines


def pytest_sessionstart(session: pytest.Session) -> None:
    """Ask the two questions that need every compiled function of the search."""
    if hasattr(session.config, "workerinput") or session.config.option.collectonly:
        return
    graph = graph_of([1000.0] * 2, [(0, 1)])
    query = Query([Stage(pieces(0), 0.0, 0.0, 60.0), Stage(pieces(1), 0.0)], horizon_s=1_000)
    search(graph, train_on(graph), Timelines.empty(2), query)
    profile(graph, train_on(graph), Timelines.empty(2), query)

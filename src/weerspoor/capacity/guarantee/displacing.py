"""Displacement for a guarantee: a path for one train more, and the day as it becomes with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from weerspoor.capacity.displace.account import Account
from weerspoor.capacity.displace.paths import Candidate, candidates
from weerspoor.capacity.displace.settings import displace_settings
from weerspoor.capacity.displace.stage import AFTER_S, BEFORE_S, Stage
from weerspoor.capacity.fit import Problem, vary
from weerspoor.capacity.guarantee.fit import Displaced, Displacer
from weerspoor.capacity.rules import RuleSet
from weerspoor.common.clock import DAY_S
from weerspoor.timetable.day import Day, Holdings, Movements
from weerspoor.timetable.window import rows_by_train, window_of


def displacer(rules: RuleSet) -> Displacer | None:
    """Return what finds a path by moving trains under a rule set; None if the set moves none."""

    def find(problem: Problem) -> Displaced | None:
        day = problem.day
        if day is None:
            return None
        request = problem.request
        window = window_of(day, request.anchor_s - BEFORE_S, request.horizon_s + AFTER_S)
        stage = Stage.with_train(vary(problem, day=window.day, without=()), window, rules)
        found = list(candidates(stage.problem, stage.pricing, few=True))
        if not found:
            return None
        best = min(found, key=lambda one: (one.eur, one.arrival_s))
        worked = stage.pricing(best.runs, best.how, displace_settings().search.steps // 2)
        if worked is not None and worked.eur < best.eur:
            best = worked
        names = tuple(stage.window.day.trains.reference[train] for train in sorted(best.placements))
        return Displaced(best.runs[0], day_after(stage, best), names, round(best.eur, 2), "EUR")

    return find if rules.displaces else None


def day_after(stage: Stage, candidate: Candidate) -> Day:
    """Return the whole day with the trains of a candidate moved: calls, passengers and turns stay as they were.

    A train that does not run keeps its place in the day and holds nothing.
    """
    day, window = stage.day, stage.window
    moves, held = day.movements, day.holdings
    start, order = rows_by_train(day)
    accounts: dict[int, Account] = {}
    for train, placement in sorted(candidate.placements.items()):
        accounts.setdefault(int(window.origin[train]), Account(stage.scene, train, placement))
    gone = np.zeros(len(held.zone), np.bool_)
    columns: list[list[npt.NDArray[np.integer[Any]]]] = [[] for _ in range(6)]
    runs: dict[int, tuple[npt.NDArray[np.integer[Any]], ...]] = {}
    for origin, account in accounts.items():
        gone[order[start[origin] : start[origin + 1]]] = True
        by_s = np.int32(int(window.days[account.train]) * DAY_S)
        rows = account.rows
        many = np.full(len(rows.zone), origin, np.int32)
        parts: tuple[npt.NDArray[np.integer[Any]], ...] = (
            rows.zone, rows.from_s - by_s, rows.until_s - by_s, many, rows.occupies, rows.blocks,
        )  # fmt: skip
        for column, part in zip(columns, parts, strict=True):
            column.append(part)
        directed, *times = account.movement
        runs[origin] = (directed, *(np.round((part - by_s) * 10).astype(np.int32) for part in times))
    kept = ~gone
    old: tuple[npt.NDArray[np.integer[Any]], ...] = (
        held.zone, held.from_s, held.until_s, held.train, held.occupies, held.blocks,
    )  # fmt: skip
    zone, from_s, until_s, train_of, occupies, blocks = (
        np.concatenate([column[kept], *more]).astype(column.dtype) for column, more in zip(old, columns, strict=True)
    )
    by_time = np.lexsort((from_s, zone))
    return replace(
        day,
        movements=_with_runs(moves, runs),
        holdings=Holdings(
            zone[by_time], from_s[by_time], until_s[by_time], train_of[by_time], occupies[by_time], blocks[by_time]
        ),
    )


def _with_runs(moves: Movements, runs: dict[int, tuple[npt.NDArray[np.integer[Any]], ...]]) -> Movements:
    """Return movements in which some trains run otherwise."""
    columns = (moves.directed, moves.enter_ds, moves.exit_ds, moves.depart_ds)
    counts = np.diff(moves.start)
    parts: list[list[npt.NDArray[np.integer[Any]]]] = [[] for _ in columns]
    at = 0
    for origin in sorted(runs):
        for part, column, run in zip(parts, columns, runs[origin], strict=True):
            part += [column[at : moves.start[origin]], run]
        counts[origin] = len(runs[origin][0])
        at = int(moves.start[origin + 1])
    for part, column in zip(parts, columns, strict=True):
        part.append(column[at:])
    directed, enter_ds, exit_ds, depart_ds = (np.concatenate(part).astype(np.int32) for part in parts)
    return Movements(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32), directed, enter_ds, exit_ds, depart_ds)

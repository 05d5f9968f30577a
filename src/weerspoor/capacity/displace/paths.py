"""Paths for a military train that finds nothing free: which trains to go through, priced by what that costs them.

No one search knows both the paths and what trains in the way cost once they are re-planned. So paths are found in three
ways, each priced by a short re-planning:

- the quickest path on an empty railway, at other departures: an estimate tells which are worth pricing;
- the first path among the trains that are dear to move, the cheaper ones taken for gone;
- the best path so far with the train that costs most taken for fixed, again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from weerspoor.capacity.displace.replan import Replanner
from weerspoor.capacity.displace.scene import Placement, Scene
from weerspoor.capacity.displace.settings import displace_settings
from weerspoor.capacity.fit import Problem, Work, earliest, first_path, trim, vary
from weerspoor.capacity.relax import run_alone
from weerspoor.common.clock import STEP_S
from weerspoor.kernel.graph import Run
from weerspoor.kernel.profile import later
from weerspoor.kernel.retiming import needs
from weerspoor.kernel.timelines import Rows, Timelines

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

WIDER_S = 60
"""Trains of one request that would meet at their interval run so much further apart, until they do not."""


@dataclass(frozen=True)
class Candidate:
    """A path with what it does to others.

    Attributes
    ----------
    runs : tuple of Run
        Of one train, or of several that belong together.
    placements : dict of int to Placement
        The trains it moves.
    eur : float
    how : str
        How it was found: ``undisturbed``, ``shifted``, ``among_dear``, ``around``.
    """

    runs: tuple[Run, ...]
    placements: dict[int, Placement]
    eur: float
    how: str

    @property
    def departure_s(self) -> float:
        """When the first train leaves."""
        return float(self.runs[0].depart_s[0])

    @property
    def arrival_s(self) -> float:
        """When the last train arrives."""
        return max(float(run.exit_s[-1]) for run in self.runs)


@dataclass
class Pricing:
    """Prices paths on one scene, which is as before after each.

    Attributes
    ----------
    scene : Scene
    closures : Rows
        What is closed, fixed beside the path.
    military : int
        Number of the first military train in the timelines; those that belong together follow it.
    kind : int
        ``IS_*`` bits of the train.
    """

    scene: Scene
    military: int
    kind: int
    closures: Rows | None = None

    def __call__(self, runs: tuple[Run, ...], how: str, steps: int) -> Candidate | None:
        """Return the paths with what they do to others after so many steps of re-planning; None if that cannot be."""
        scene = self.scene
        with scene.what_if():
            parts, in_the_way = self.rows_of(runs), set[int]()
            replanner = Replanner(scene, self.fixed(parts))
            for number, rows in enumerate(parts):
                in_the_way.update(scene.timelines.conflicts_of(rows))
                if any(train >= len(scene.window.origin) for train in in_the_way):
                    return None
                scene.timelines.insert(self.military + number, rows)
            if not replanner.first(in_the_way).complete:
                return None
            replanner.improve(steps)
            return Candidate(runs, dict(scene.moved), scene.harm_eur, how)

    @contextmanager
    def as_in(self, candidate: Candidate) -> Iterator[None]:
        """Within this, the scene is as a candidate leaves it, its paths included; afterwards as before."""
        scene = self.scene
        with scene.what_if():
            Replanner(scene, scene.timelines).restore(candidate.placements)
            for number, rows in enumerate(self.rows_of(candidate.runs)):
                scene.timelines.insert(self.military + number, rows)
            yield

    def rows_of(self, runs: tuple[Run, ...]) -> list[Rows]:
        """Return what each of some paths holds and keeps empty."""
        return [Rows.of(run, self.kind) for run in runs]

    def in_the_way(self, runs: tuple[Run, ...]) -> list[int]:
        """Return the trains of the day that paths meet as the scene is, in rising order."""
        met = self.scene.timelines.conflicts_of(Rows.joined(self.rows_of(runs)))
        return [train for train in met if train < len(self.scene.window.origin)]

    def fixed(self, parts: list[Rows]) -> Timelines:
        """Return timelines with nothing but paths and closures."""
        both = [*parts, *([self.closures] if self.closures is not None else [])]
        rows = Rows.joined(both)
        train = np.repeat(np.arange(self.military, self.military + len(both)), [len(part.zone) for part in both])
        return Timelines.build(
            self.scene.network.n_zones, rows.zone, rows.from_s, rows.until_s, train.astype(np.int32), rows.occupies,
            rows.blocks,
        )  # fmt: skip


def candidates(
    problem: Problem, pricing: Pricing, progress: Callable[[str], None] = lambda _: None, *, few: bool = False
) -> Iterator[Candidate]:
    """Yield paths for a train with what they do to others, the first as soon as there is one.

    Parameters
    ----------
    problem : Problem
        On the day of the scene's window.
    pricing : Pricing
    progress : callable
    few : bool
        Look no further than the quickest path at some departures where one of them can be had.
    """
    rules = displace_settings().search
    progress("looking for paths on an empty railway")
    _, base = run_alone(problem, Work(rules.free_labels))
    if base is None:
        return
    prices = _Prices(pricing.scene)
    best: Candidate | None = None
    for run, how in _departures(problem, base, prices):
        found = pricing(convoy(problem, run), how, rules.quick_steps)
        if found is not None:
            best = found if best is None or found.eur < best.eur else best
            yield found
    if few and best is not None:
        return
    progress("looking for paths among the trains that are dear to move")
    for run in _among_dear(problem, prices):
        found = pricing(convoy(problem, run), "among_dear", rules.quick_steps)
        if found is not None:
            best = found if best is None or found.eur < best.eur else best
            yield found
    if best is None:
        return
    progress("looking for paths around the trains that cost most")
    yield from _around_dearest(problem, pricing, best, prices)


def convoy(problem: Problem, run: Run) -> tuple[Run, ...]:
    """Return the runs of all trains of a request, one behind the other at its interval, or wider where it must be."""
    run = trim(run, problem.slack_s)
    series = problem.request.series
    count = 1 if series is None else series.count
    if series is None or count == 1:
        return (run,)
    rows = Rows.of(run, problem.model.kind)
    own = Timelines.build(
        problem.network.n_zones, rows.zone, rows.from_s, rows.until_s, np.zeros(len(rows.zone), np.int32),
        rows.occupies, rows.blocks,
    )  # fmt: skip
    interval_s = -(-series.interval_s // STEP_S) * STEP_S

    def meet(behind: int) -> bool:
        return bool(own.conflicts_of(Rows.of(later(run, behind * interval_s), problem.model.kind)))

    while any(meet(behind) for behind in range(1, count)):
        interval_s += WIDER_S
    return tuple(later(run, number * interval_s) for number in range(count))


@dataclass
class _Prices:
    """What moving a train costs at a guess."""

    scene: Scene
    second_eur: Floats = field(init=False)
    most_eur: Floats = field(init=False)

    def __post_init__(self) -> None:
        window, harm = self.scene.window, self.scene.harm
        start = window.whole.calls.start
        running = np.concatenate([[0.0], np.cumsum(harm.arrival_eur_per_s)])
        whole = running[start[1:]] - running[start[:-1]]
        self.second_eur = whole[window.origin]
        self.most_eur = harm.cancel_eur[window.origin] + harm.shift_eur[window.origin]

    def of(self, trains: Ints, need_s: Ints) -> Floats:
        """Return a guess of the price of delaying each of some trains by so much."""
        touched = self.scene.harm.shift_eur[self.scene.window.origin[trains]]
        return np.minimum(self.most_eur[trains], touched + self.second_eur[trains] * need_s)

    def movable(self, trains: Ints) -> npt.NDArray[np.bool_]:
        """Tell which trains may be moved at all; closures may not."""
        known = trains < len(self.second_eur)
        allowed = [bool(ok) and self.scene.may_move(int(train)) for train, ok in zip(trains, known, strict=True)]
        return np.array(allowed, np.bool_)


def _departures(problem: Problem, base: Run, prices: _Prices) -> Iterator[tuple[Run, str]]:
    """Yield a run at the departures at which it may do least harm, by a guess, and as early as it can be."""
    rules, request = displace_settings().search, problem.request
    trains = convoy(problem, base)
    behind_s = float(trains[-1].depart_s[0] - trains[0].depart_s[0])
    latest_s = problem.query.stages[0].latest_s - float(base.depart_s[0])
    window = request.destination_window
    if window is not None:
        latest_s = min(latest_s, window.latest_s - float(base.exit_s[-1]))
    else:
        latest_s = min(latest_s, request.horizon_s - float(base.exit_s[-1]))
    earliest_s = min(0.0, max(problem.query.stages[0].earliest_s - float(base.depart_s[0]),
                              (window.earliest_s if window else -1e9) - float(base.exit_s[-1])))  # fmt: skip
    latest_s -= behind_s
    if any(via.window for via in request.via):
        earliest_s, latest_s = 0.0, 0.0
    low = int(np.ceil(earliest_s / rules.grid_s)) * rules.grid_s
    shifts = np.arange(low, max(int(latest_s), low) + 1, rules.grid_s, dtype=np.int32)
    if low > latest_s:
        return
    rows = Rows.joined([Rows.of(run, problem.model.kind) for run in trains])
    lines = prices.scene.timelines
    guesses = []
    for shift, (met, need_s) in zip(
        shifts.tolist(), needs(lines, rows, shifts, int(lines.lines.train.max(initial=0)) + 1), strict=True
    ):
        if prices.movable(met).all():
            guesses.append((float(prices.of(met, need_s).sum()), shift))
    if not guesses:
        return
    soonest = min(shift for _, shift in guesses)
    yield later(base, soonest), "undisturbed"
    taken = [soonest]
    for _, shift in sorted(guesses):
        if len(taken) > rules.shifts:
            return
        if all(abs(shift - other) >= rules.apart_s for other in taken):
            taken.append(shift)
            yield later(base, shift), "shifted"


def _among_dear(problem: Problem, prices: _Prices) -> Iterator[Run]:
    """Yield first paths among the trains that are dear to move, with ever more of the cheaper ones taken for gone."""
    rules, window = displace_settings().search, prices.scene.window
    movable = prices.movable(np.arange(len(window.origin), dtype=np.int32))
    price = np.where(movable, np.minimum(prices.most_eur, prices.second_eur * 300.0), np.inf)
    ordered = np.sort(price[movable])
    seen: set[tuple[int, int]] = set()
    for share in rules.shares:
        if not len(ordered):
            return
        limit = ordered[min(int(share * len(ordered)), len(ordered) - 1)]
        gone = [window.day.trains.reference[i] for i in np.flatnonzero(price <= limit).tolist()]
        run = _first(vary(problem, without=(*problem.without, *gone)), rules.soft_labels)
        if run is None:
            continue
        key = (int(run.depart_s[0]), int(run.exit_s[-1]))
        if key not in seen:
            seen.add(key)
            yield run


def _first(problem: Problem, labels: int) -> Run | None:
    """Return a good path with little work, without the distance wanted beyond the norm if need be."""
    run = first_path(problem, Work(labels))
    if run is None and problem.request.destination_window is None:
        run = earliest(problem, Work(labels))
    return run


def _around_dearest(problem: Problem, pricing: Pricing, best: Candidate, prices: _Prices) -> Iterator[Candidate]:
    """Yield paths around the trains that cost most in the best path so far."""
    rules, window = displace_settings().search, prices.scene.window
    movable = prices.movable(np.arange(len(window.origin), dtype=np.int32))
    hard: set[int] = set()
    current = best
    for _ in range(rules.hardenings):
        costs = sorted(((placement.eur, train) for train, placement in current.placements.items()), reverse=True)
        dearest = [train for _, train in costs if train not in hard][: max(1, len(costs) // 6)]
        if not dearest:
            return
        hard.update(dearest)
        gone = [window.day.trains.reference[i] for i in np.flatnonzero(movable).tolist() if i not in hard]
        run = _first(vary(problem, without=(*problem.without, *gone)), rules.soft_labels)
        if run is None:
            return
        found = pricing(convoy(problem, run), "around", rules.quick_steps)
        if found is None:
            continue
        yield found
        current = found

"""What if the military train is itself late, and where it can be put aside: for those who decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from weerspoor.capacity.assemble import to_step
from weerspoor.capacity.displace.paths import Candidate, Pricing
from weerspoor.capacity.displace.replan import Replanner
from weerspoor.capacity.displace.settings import displace_settings
from weerspoor.capacity.fit import Problem, Work, earliest, vary
from weerspoor.capacity.path import Path
from weerspoor.capacity.proposal import LateCase, Refuge
from weerspoor.capacity.request import Window
from weerspoor.kernel.graph import Run
from weerspoor.kernel.profile import later
from weerspoor.kernel.timelines import Timelines

HELD, LET_RUN, NEITHER = "held", "let_run", "neither"


@dataclass(frozen=True)
class Lateness:
    """Asks what happens if the first train of a candidate leaves late.

    Attributes
    ----------
    after : Problem
        The train on the day as it becomes, without itself.
    pricing : Pricing
    candidate : Candidate
    progress : callable
    """

    after: Problem
    pricing: Pricing
    candidate: Candidate
    progress: Callable[[str], None]

    def cases(self) -> list[LateCase]:
        """Return one case for each lateness of the settings."""
        return [self._case(by_s) for by_s in displace_settings().late.by_s]

    def _case(self, by_s: int) -> LateCase:
        self.progress(f"asking what happens if it is {by_s // 60} minutes late")
        run = self.candidate.runs[0]
        ready_s = float(run.depart_s[0]) + by_s
        held, window = self._held(ready_s), self.after.request.destination_window
        let_run = self._let_run(by_s)
        in_time = held is not None and (window is None or held.exit_s[-1] <= window.latest_s)
        waits = None if held is None else float(held.depart_s[0]) - ready_s
        policy = (
            HELD if in_time or (let_run is None and held is not None) else LET_RUN if let_run is not None else NEITHER
        )
        return LateCase(
            by_s=by_s,
            policy=policy,
            held_arrival_s=None if held is None else to_step(float(held.exit_s[-1])),
            held_wait_s=None if waits is None else to_step(max(waits, 0.0)),
            let_run_arrival_s=None if let_run is None else to_step(float(let_run.runs[0].exit_s[-1])),
            let_run_eur=None if let_run is None else round(max(let_run.eur - self.candidate.eur, 0.0), 2),
            let_run_trains=None if let_run is None else len(let_run.placements),
        )

    def _held(self, ready_s: float) -> Run | None:
        """Return the first path from then on that moves nobody further, also one that comes later than asked."""
        request, late = self.after.request, displace_settings().late
        window = request.destination_window
        if window is not None:
            request = replace(request, destination_window=Window(window.earliest_s, window.latest_s + late.beyond_s))
        work = Work(displace_settings().search.free_labels)
        return earliest(vary(self.after, request=request), work, ready_s=ready_s)

    def _let_run(self, by_s: int) -> Candidate | None:
        """Return the paths run later by so much, others moved further; what has run by its departure stays."""
        scene, candidate = self.pricing.scene, self.candidate
        with scene.what_if():
            Replanner(scene, Timelines.empty(scene.network.n_zones)).restore(candidate.placements)
            scene.at(int(candidate.runs[0].depart_s[0]), candidate.placements)
            runs = (later(candidate.runs[0], by_s), *candidate.runs[1:])
            return self.pricing(runs, LET_RUN, displace_settings().late.steps)


def robust_eur(cases: list[LateCase]) -> float | None:
    """Return the mean harm added when the train is late, as the policies would have it; None if some case has none."""
    added = [0.0 if case.policy == HELD and case.held_arrival_s is not None else case.let_run_eur for case in cases]
    known = [value for value in added if value is not None]
    return round(sum(known) / len(known), 2) if known and len(known) == len(added) else None


def refuges(problem: Problem, path: Path) -> list[Refuge]:
    """Return the next place after every point of a path where the train fits, may stand and can be guarded."""
    stops, points = problem.network.stops, problem.network.points
    row_of = {int(directed): row for row, directed in enumerate(stops.directed.tolist())}
    at = [
        (piece.km + abs(piece.to_m - piece.from_m) / 1000, row_of[piece.directed])
        for piece in path.pieces[1:]
        if problem.model.may_stop[piece.directed] and piece.directed in row_of and not piece.turned
    ]
    found = []
    for point in path.points:
        onward = [(km, row) for km, row in at if km > point.km + 0.001]
        km, row = min(onward) if onward else (None, -1)
        place = int(stops.point[row]) if row >= 0 else -1
        found.append(
            Refuge(
                after_code=point.code,
                after_name=point.name,
                after_km=point.km,
                code=points.code[place] if place >= 0 else "",
                name=points.name[place] if place >= 0 else "",
                track=stops.name[row] if row >= 0 else "",
                km=None if km is None else round(km, 3),
                usable_m=round(float(stops.usable_m[row]), 1) if row >= 0 else 0.0,
            )
        )
    return found


def lateness_s(candidate: Candidate, first_arrival_s: float) -> int:
    """Return how much later than the first arrival that any path could have a candidate arrives."""
    return to_step(max(float(np.round(candidate.arrival_s - first_arrival_s)), 0.0))

"""From a request to a plan: what the command ``plan`` does between reading and writing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from weerspoor import __version__
from weerspoor.capacity import plan as p
from weerspoor.capacity.assumptions import assumptions, sources
from weerspoor.capacity.fit import Problem, Work, first_path, prepare, trim, vary
from weerspoor.capacity.plan import Sentence
from weerspoor.capacity.request import NEEDED_ONLY, Request, kind_of_day, with_points
from weerspoor.capacity.settings import assumptions_hash, settings
from weerspoor.common.clock import DAY_S
from weerspoor.trains.stops import REVERSING

if TYPE_CHECKING:
    from weerspoor.kernel.graph import Run
    from weerspoor.network.model import Network
    from weerspoor.timetable.day import Day
    from weerspoor.trains.model import Train

Progress = Callable[[str], None]
EMPTY_DAY, PATTERN_DAY = "empty", "pattern-weekday"
AROUND_S = 5 * 3600
"""The trains of the day are met so long before and after a series."""


@dataclass(frozen=True)
class Made:
    """A plan with what it was made from, so that it can be written in every form.

    Attributes
    ----------
    plan : weerspoor.capacity.plan.Plan
    problem : Problem
    runs : list of Run
        One for each path of the plan.
    proven : bool
        Where it has no path, everything was tried.
    """

    plan: p.Plan
    problem: Problem
    runs: list[Run]
    proven: bool = True

    def to_json(self) -> bytes:
        """Return the plan as JSON."""
        from weerspoor.capacity.schema import plan_json

        return plan_json(self.plan)

    def displib(self) -> dict[str, bytes]:
        """Return ``problem.json`` and ``solution.json``: the train and every train it meets, fixed at their times."""
        from weerspoor.capacity.displib import plan_displib

        return plan_displib(self.problem, self.runs[:1])


def make_plan(
    request: Request,
    *,
    day: str,
    alternatives: int = 3,
    progress: Progress = lambda _: None,
    network: Network | None = None,
) -> Made:
    """Plan a request on a day.

    Parameters
    ----------
    request : Request
        As read.
    day : str
        Name of an embedded day, or a file.
    alternatives : int
        Most paths beside the best.
    progress : callable
        Is told what is going on.
    network : Network, optional
        The embedded one when left out.

    Raises
    ------
    InputError
        If a point, train, track or day of the request does not exist.
    """
    from weerspoor.network.load import load_network

    progress("loading the network")
    network = network or load_network()
    request = with_points(request, network.points)
    progress("loading the day")
    return plan_on(request, network, find_day(day, network), alternatives=alternatives, progress=progress)


def find_day(name: str, network: Network) -> Day | None:
    """Return a day by name or file; None for ``empty``, the railway without trains.

    Raises
    ------
    InputError
        If there is no such day.
    """
    from weerspoor.timetable.store import load_day

    return None if name == EMPTY_DAY else load_day(name, network)


def plan_on(
    request: Request,
    network: Network,
    day: Day | None,
    *,
    alternatives: int = 3,
    explained: bool = True,
    progress: Progress = lambda _: None,
) -> Made:
    """Plan a request, its points looked up, on a day that is loaded; None for an empty railway.

    Without ``explained`` it is not looked for what stands in the way of a train without path.
    """
    from weerspoor.capacity.assemble import Assembler

    if request.series is not None and day is not None:
        return _plan_series(request, network, day, explained=explained, progress=progress)
    progress("preparing the train")
    problem = prepare(request, network, day)
    warnings = day_warnings(request, day, problem)
    progress("searching")
    work = Work(settings().work.path_labels)
    found = first_path(problem, work)
    if found is None and problem.slack_s:
        without_slack = vary(problem, slack_s=0)
        work = Work(settings().work.path_labels)
        found = first_path(without_slack, work)
        if found is not None:
            problem = without_slack
            warnings.append(Sentence("plan.warning.norm_only", {"slack": request.slack_s}))
    searched = problem
    if found is None and work.gave_up and problem.turns:
        # Turning wherever it may is more to search; what is found without it is a path as well.
        searched = vary(problem, request=replace(problem.request, turn_back=NEEDED_ONLY))
        found = first_path(searched, Work(settings().work.path_labels)) if not searched.turns else None
    paths: list[p.Path] = []
    runs: list[Run] = []
    if found is not None:
        from weerspoor.capacity.alternatives import choose

        progress("looking for alternatives")
        for number, choice in enumerate(choose(searched, found, alternatives, progress)):
            run = trim(choice.run, choice.problem.slack_s)
            paths.append(Assembler(choice.problem, run).path(f"P{number + 1}", choice.why))
            runs.append(run)
        warnings += _not_turned(request, paths)
    made = Made(_plan(problem, day, warnings, paths), problem, runs, proven=not work.gave_up)
    return with_explanation(made, progress) if explained else made


def with_explanation(made: Made, progress: Progress = lambda _: None) -> Made:
    """Return a plan with what stands in the way, if it has no path."""
    if made.plan.paths:
        return made
    from weerspoor.capacity.explain import explain

    progress("looking for what stands in the way")
    explanation = explain(made.problem, progress, proven=made.proven)
    return replace(made, plan=labelled(msgspec.structs.replace(made.plan, explanation=explanation)))


def _plan_series(request: Request, network: Network, day: Day, *, explained: bool, progress: Progress) -> Made:
    """Plan the trains of a series one after the other, and those that go back."""
    from weerspoor.capacity.assemble import Assembler
    from weerspoor.capacity.series import fit_series, reference, returning, train_of_day
    from weerspoor.timetable.altered import altered
    from weerspoor.timetable.window import window_of

    series = request.series
    if series is None:
        raise ValueError("no series")
    last_s = max(request.horizon_s, (series.return_ready_s or 0) + DAY_S) + series.count * series.interval_s
    part = window_of(day, request.anchor_s - AROUND_S, last_s + AROUND_S).day
    there = fit_series(
        request, network, part, name=lambda i: reference(request, i), count=series.count, interval_s=series.interval_s,
        progress=progress,
    )  # fmt: skip
    problem = there[0].problem if there else prepare(request, network, part)
    warnings = day_warnings(request, day, problem)
    if len(there) < series.count:
        warnings.append(Sentence("plan.warning.not_all", {"found": len(there), "count": series.count}))
        if series.together:
            there = []
    fitted = [(one, "train") for one in there]
    trains = [train_of_day(one.problem, one.run, reference(request, i)) for i, one in enumerate(there)]
    if series.return_ready_s is not None and there:
        back = fit_series(
            returning(request, network), network, part, name=lambda i: reference(request, i, back=True), before=trains,
            count=len(there), interval_s=series.interval_s, progress=progress,
        )  # fmt: skip
        if len(back) < len(there):
            warnings.append(Sentence("plan.warning.not_back", {"found": len(back), "count": len(there)}))
        fitted += [(one, "return") for one in back]
        trains += [train_of_day(one.problem, one.run, reference(request, i, back=True)) for i, one in enumerate(back)]
    paths, runs = [], []
    for number, (one, why) in enumerate(fitted):
        others = trains[:number] + trains[number + 1 :]
        among = vary(one.problem, day=altered(part, (), others))
        paths.append(Assembler(among, one.run).path(f"P{number + 1}", why))
        runs.append(one.run)
    made = Made(_plan(problem, day, warnings, paths), problem, runs)
    return with_explanation(made, progress) if explained else made


def day_warnings(request: Request, day: Day | None, problem: Problem) -> list[Sentence]:
    """Return what the reader of a plan has to know about the day it was made on."""
    warnings = list(request.notes)
    if day is None or not len(day.trains.reference):
        warnings.append(Sentence("plan.warning.no_trains"))
    if day is None:
        return warnings
    if request.date is not None:
        if day.date and day.date != request.date.isoformat():
            warnings.append(Sentence("plan.warning.other_date", {"asked": request.date.isoformat(), "date": day.date}))
        elif kind_of_day(request.date) != day.kind:
            values = {
                "date": request.date.isoformat(),
                "asked": kind_of_day(request.date),
                "name": day.name,
                "kind": day.kind,
            }
            warnings.append(Sentence("plan.warning.other_kind", values))
    if day.lacks:
        warnings.append(Sentence("plan.warning.lacks", {"layers": list(day.lacks)}))
    if not day.periodic and len(day.trains.reference):
        last_s = int(day.holdings.until_s.max(initial=0))
        if request.horizon_s > last_s:
            warnings.append(Sentence("plan.warning.beyond_the_day"))
    if problem.without:
        warnings.append(Sentence("plan.warning.left_out", {"trains": list(problem.without)}))
    return warnings


def _not_turned(request: Request, paths: list[p.Path]) -> Iterator[Sentence]:
    """Yield a note for every place where the train was asked to turn back and some path does not."""
    for via in request.via:
        rows = [row for path in paths for row in path.points if row.code == via.point and row.stop_s]
        if via.kind.startswith(REVERSING) and any(row.reason != via.kind for row in rows):
            yield Sentence("plan.warning.not_turned", {"point": via.point})


def _plan(problem: Problem, day: Day | None, warnings: list[Sentence], paths: list[p.Path]) -> p.Plan:
    request, network = problem.request, problem.network
    plan = p.Plan(
        reference=request.reference,
        outcome="found" if paths else "none",
        handling=p.Handling(label="", sensitive=[]),
        provenance=p.Provenance(
            program=f"weerspoor {__version__}",
            network=network.content_hash,
            day=day.content_hash if day is not None else "",
            request=request.content_hash,
            assumptions=assumptions_hash(),
            seed=0,
        ),
        request=request.as_dict(),
        train=train_dict(problem.train),
        day=p.DayNote(
            name=day.name if day is not None else "empty",
            kind=day.kind if day is not None else "",
            date=day.date if day is not None else "",
            lacks=list(day.lacks) if day is not None else ["passenger", "freight", "empty", "works"],
            warnings=warnings,
        ),
        paths=paths,
        explanation=None,
        assumptions=assumptions(problem),
        sources=sources(),
        map=_map(network, paths),
    )
    return labelled(plan)


def labelled(plan: p.Plan) -> p.Plan:
    """Return a plan with its handling label, what of it is sensitive, and its hash."""
    from weerspoor.capacity.schema import pointers, sealed

    rule = settings().handling
    handling = p.Handling(label=rule.label, sensitive=pointers(plan, rule.sensitive))
    return sealed(msgspec.structs.replace(plan, handling=handling, hash=""))


def train_dict(train: Train) -> dict[str, Any]:
    """Return the characteristics of a train as plain values."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(train).items()}


def _map(network: Network, paths: list[p.Path]) -> p.MapLayer:
    from weerspoor.capacity.geometry import background

    points = network.points
    named = {row.code for path in paths for row in path.points}
    places = [
        {
            "code": points.code[i],
            "name": points.name[i],
            "kind": points.kind[i],
            "at": [round(float(points.lon[i]), 5), round(float(points.lat[i]), 5)],
        }
        for i in range(len(points.code))
        if (points.code[i] in named or points.kind[i] in ("border", "harbour", "yard")) and np.isfinite(points.lon[i])
    ]
    return p.MapLayer(lines=background(network), places=places)

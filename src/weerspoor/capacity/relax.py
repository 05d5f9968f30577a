"""The least changes of a request that would give a path, each of them tested by a search."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from weerspoor.capacity import plan as p
from weerspoor.capacity.fit import Problem, Work, earliest, first_path, vary
from weerspoor.capacity.geometry import METRES_PER_DEGREE
from weerspoor.capacity.plan import Sentence
from weerspoor.capacity.request import ALLOWED, Request, Window, point_index
from weerspoor.capacity.settings import settings
from weerspoor.common.clock import STEP_S
from weerspoor.common.errors import InputError
from weerspoor.kernel.graph import Run
from weerspoor.kernel.profile import later
from weerspoor.kernel.timelines import Rows
from weerspoor.trains import access as a
from weerspoor.trains.catalogue import DEFAULT_ENGINE, Locomotive, locomotive, locomotive_names
from weerspoor.trains.model import LIMITS
from weerspoor.trains.starting import reference_permille, startable_mass_t
from weerspoor.trains.tables import reference_half_width_mm

Progress = Callable[[str], None]

ORDER = (
    "later", "earlier", "no_windows", "without_closure", "train_moved", "trains_moved", "shorter", "lighter",
    "more_engines", "other_protection", "other_traction", "narrower", "not_wide", "no_dangerous_goods", "no_avoid",
    "no_via", "no_stop", "turn_back", "cab_at_both_ends", "other_place", "together", "alone",
)  # fmt: skip
"""Keys of relaxations, the mildest first."""


def relaxations(
    problem: Problem, solo: Run | None = None, progress: Progress = lambda _: None
) -> Iterator[p.Relaxation]:
    """Yield the least changes of each kind that give a path; every one has been searched.

    Parameters
    ----------
    problem : Problem
        One whose search found nothing.
    solo : Run, optional
        What it would do on an empty railway.
    progress : callable
    """
    rule = settings().work
    kinds = (
        _times, _closures, partial(_trains, solo), _engines, _length, _load, _width, _goods, _conditions, _turning,
    )  # fmt: skip
    found, left = False, rule.relaxations_labels
    for kind in kinds:
        given = min(rule.relaxation_labels, left)
        work = Work(given)
        for item in kind(problem, work, progress):
            found = True
            yield item
        left = max(left - (given - work.labels), rule.start_labels)
    if not found:
        for last in (_other_place, _together, _alone):
            yield from last(problem, Work(rule.relaxation_labels), progress)


def alone(problem: Problem) -> Problem:
    """Return the problem on an empty railway, closures gone as well."""
    return vary(problem, day=None, request=replace(problem.request, closures=()))


def run_alone(problem: Problem, work: Work) -> tuple[Run | None, Run | None]:
    """Return the run that arrives first on an empty railway, windows left out, and a run there that keeps the windows.

    Nothing is in its way, so the first, set out later, keeps a window at the end as well.
    """
    free = earliest(alone(vary(problem, request=without_windows(problem))), work)
    request, window = problem.request, problem.request.destination_window
    if free is None or (window is None and not any(via.window for via in request.via)):
        return free, free
    if window is not None and free.exit_s[-1] > window.latest_s:
        return free, None
    by_s = -(-max(0, window.earliest_s - int(free.exit_s[-1])) // STEP_S) * STEP_S if window is not None else 0
    kept = later(free, by_s)
    in_time = kept.depart_s[0] <= problem.query.stages[0].latest_s
    if (
        in_time
        and window is not None
        and kept.exit_s[-1] <= window.latest_s
        and not any(via.window for via in request.via)
    ):
        return free, kept
    return free, first_path(alone(problem), work)


def without_windows(problem: Problem) -> Request:
    """Return the request with all windows on the way and at the end gone, looking a day ahead."""
    request = problem.request
    return replace(request, destination_window=None, via=tuple(replace(via, window=None) for via in request.via))


def _made(key: str, amount: float, unit: str, run: Run, **values: object) -> p.Relaxation:
    return p.Relaxation(
        key=key,
        amount=amount,
        unit=unit,
        detail=Sentence(f"plan.relaxation.{key}", values),
        departure_s=round(float(run.depart_s[0]) / STEP_S) * STEP_S,
        arrival_s=round(float(run.exit_s[-1]) / STEP_S) * STEP_S,
    )


def _whole_minutes(seconds: float) -> float:
    return float(np.ceil(seconds / 60))


# -- time, closures, other trains -----------------------------------------------------------------------------------


def _times(problem: Problem, work: Work, progress: Progress) -> Iterator[p.Relaxation]:
    request = problem.request
    window = request.destination_window
    if not problem.tracks_lead_through:
        return
    progress("trying a later arrival")
    if window is not None:
        run = earliest(vary(problem, request=replace(request, destination_window=None)), work)
        if run is not None and run.exit_s[-1] > window.latest_s:
            by_s = float(run.exit_s[-1]) - window.latest_s
            yield _made("later", _whole_minutes(by_s), "min", run)
    if any(via.window for via in request.via):
        run = earliest(vary(problem, request=without_windows(problem)), work)
        if run is not None:
            yield _made("no_windows", 0, "", run)
    if request.ready_s is None:
        return
    progress("trying an earlier departure")
    work.labels = max(work.labels, settings().work.relaxation_labels // 2)
    for shift_s in settings().relaxation.shift_s:
        if not work.left:
            return
        sooner = replace(request, ready_s=request.ready_s - shift_s)
        if window is None:
            sooner = replace(sooner, destination_window=Window(sooner.anchor_s, request.horizon_s))
        run = first_path(vary(problem, request=sooner), work)
        if run is not None:
            yield _made("earlier", _whole_minutes(request.ready_s - float(run.depart_s[0])), "min", run)
            return


def _closures(problem: Problem, work: Work, _: Progress) -> Iterator[p.Relaxation]:
    closures = problem.request.closures
    for i, closure in enumerate(closures):
        rest = closures[:i] + closures[i + 1 :]
        run = first_path(vary(problem, request=replace(problem.request, closures=rest)), work)
        if run is not None:
            yield _made("without_closure", 0, "", run, points=list(closure.points))


def _trains(solo: Run | None, problem: Problem, work: Work, progress: Progress) -> Iterator[p.Relaxation]:
    """Try with the trains in the way moved: each alone, then all of them."""
    day = problem.day
    if day is None or solo is None:
        return
    rows = Rows.of(solo, problem.model.kind)
    _, others = problem.occupation.timelines.conflicts(rows.zone, rows.from_s, rows.until_s, rows.occupies, rows.blocks)
    numbers, count = np.unique(others, return_counts=True)
    ordered = numbers[np.argsort(-count, kind="stable")].tolist()
    known = problem.occupation.day_train
    names = list(dict.fromkeys(day.trains.reference[known[number][0]] for number in ordered if number in known))
    progress("trying with a train moved")
    for name in names[: settings().relaxation.trains_moved]:
        if not work.left:
            return
        run = first_path(vary(problem, without=(*problem.without, name)), work)
        if run is not None:
            yield _made("train_moved", 1, "", run, train=name)
            return
    if len(names) > 1:
        run = first_path(vary(problem, without=(*problem.without, *names)), work)
        if run is not None:
            yield _made("trains_moved", len(names), "", run, trains=names)


# -- another train --------------------------------------------------------------------------------------------------


def _changed(problem: Problem, **changes: object) -> Problem | None:
    """Return the problem of a train with other characteristics if tracks lead it through, whatever the time.

    A train that is made shorter loses wagons, and with them mass.
    """
    train = problem.train
    if "length_m" in changes and "mass_t" not in changes:
        engines = [locomotive(name) for name in train.locomotives]
        engines_m, engines_t = sum(item.length_m for item in engines), sum(item.mass_t for item in engines)
        share = (float(str(changes["length_m"])) - engines_m) / max(train.length_m - engines_m, 1.0)
        changes["mass_t"] = engines_t + max(share, 0.0) * max(train.mass_t - engines_t, 0.0)
    try:
        other = vary(problem, train=problem.train.with_(**changes))
        return other if other.tracks_lead_through else None
    except InputError:
        return None


def _with_train(problem: Problem, work: Work, **changes: object) -> Run | None:
    """Return a path of a train with other characteristics, None if there is none or no such train can be."""
    other = _changed(problem, **changes)
    return None if other is None else first_path(other, work)


def _least_change(problem: Problem, work: Work, key: str, *, step: float, lowest: float) -> tuple[float, Run] | None:
    """Return the highest value of a characteristic below the present one that gives a path.

    First the highest for which tracks lead through, by halving, then by searches among the values below it.
    """
    steps = int((float(getattr(problem.train, key)) - lowest) / step)
    present = float(getattr(problem.train, key)) // step * step

    def value(number: int) -> float:
        return max(present - number * step, lowest)

    def halved(good: int, bad: int, try_one: Callable[[int], bool]) -> int:
        while good - bad > 1 and work.left:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if try_one(middle) else (good, middle)
        return good

    if steps < 1 or _changed(problem, **{key: value(steps)}) is None:
        return None
    first = 0 if value(0) < float(getattr(problem.train, key)) else 1
    start = halved(steps, first - 1, lambda number: _changed(problem, **{key: value(number)}) is not None)
    runs: dict[int, Run] = {}

    def searched(number: int) -> bool:
        run = _with_train(problem, work, **{key: value(number)})
        if run is not None:
            runs[number] = run
        return run is not None

    if not searched(start):
        if start == steps or not searched(steps):
            return None
        halved(steps, start, searched)
    best = min(runs)
    return value(best), runs[best]


def _engines(problem: Problem, work: Work, progress: Progress) -> Iterator[p.Relaxation]:
    """Try every traction and protection that the catalogue's engines have, and one engine more."""
    train = problem.train
    progress("trying other engines")
    seen = {(frozenset(train.traction), frozenset(train.protection))}
    for engine in _kinds_of_engine(train.traction):
        kind = (frozenset(engine.power_kw), frozenset(engine.protection))
        if kind in seen or not work.left:
            continue
        seen.add(kind)
        number = max(1, len(train.locomotives))
        run = _with_train(
            problem,
            work,
            locomotives=(engine.name,) * number,
            traction=tuple(engine.power_kw),
            protection=engine.protection,
        )
        if run is not None:
            same = set(train.traction) <= set(engine.power_kw)
            yield _made(
                "other_protection" if same else "other_traction",
                0,
                "",
                run,
                engine=engine.name,
                traction=list(engine.power_kw),
                protection=list(engine.protection),
            )
    if train.locomotives and not problem.startable:
        one = locomotive(train.locomotives[0])
        run = _with_train(
            problem,
            work,
            locomotives=(*train.locomotives, one.name),
            mass_t=train.mass_t + one.mass_t,
            length_m=train.length_m + one.length_m,
        )
        if run is not None:
            yield _made("more_engines", 1, "", run, engine=one.name)


def _kinds_of_engine(traction: tuple[str, ...]) -> list[Locomotive]:
    """Return the engines, those with the wished traction first, then those with the fewest systems."""
    engines = [locomotive(name) for name in locomotive_names()]
    return sorted(engines, key=lambda engine: (not set(traction) <= set(engine.power_kw), len(engine.power_kw)))


def _length(problem: Problem, work: Work, progress: Progress) -> Iterator[p.Relaxation]:
    train, step = problem.train, settings().relaxation.length_step_m
    progress("trying a shorter train")
    shortest = sum(locomotive(name).length_m for name in train.locomotives) + 2 * step
    shorter = _least_change(problem, work, "length_m", step=step, lowest=shortest)
    if shorter is not None:
        yield _made("shorter", round(train.length_m - shorter[0]), "m", shorter[1], length=shorter[0])


def _load(problem: Problem, work: Work, progress: Progress) -> Iterator[p.Relaxation]:
    """Try less load on axles and metres, then less mass."""
    train = problem.train
    progress("trying a lighter train")
    for row in reversed(a.access_rules().line_category):
        axle_t, metre_t = min(train.axle_load_t, row.axle_t), min(train.metre_load_t, row.metre_t)
        if (axle_t, metre_t) == (train.axle_load_t, train.metre_load_t) or not work.left:
            continue
        run = _with_train(problem, work, axle_load_t=axle_t, metre_load_t=metre_t)
        if run is not None:
            by_axle, by_metre = train.axle_load_t - axle_t, train.metre_load_t - metre_t
            amount, unit = (by_axle, "t") if by_axle > 0 else (by_metre, "t/m")
            relaxed = _made("lighter", round(amount, 2), unit, run, category=row.name, axle=axle_t, metre=metre_t)
            relaxed.detail.key = "plan.relaxation.lighter_loads"
            yield relaxed
            return
    step = settings().relaxation.mass_step_t
    if not problem.startable:
        most = startable_mass_t(train, reference_permille())
        run = _with_train(problem, work, mass_t=most) if most >= LIMITS["mass_t"][0] else None
        if run is not None:
            yield _made("lighter", round(train.mass_t - most), "t", run, mass=most)
        return
    lighter = _least_change(problem, work, "mass_t", step=step, lowest=max(LIMITS["mass_t"][0], train.mass_t / 4))
    if lighter is not None:
        yield _made("lighter", round(train.mass_t - lighter[0]), "t", lighter[1], mass=lighter[0])


def _width(problem: Problem, work: Work, progress: Progress) -> Iterator[p.Relaxation]:
    train, normal = problem.train, float(reference_half_width_mm())
    if not train.is_wide:
        return
    progress("trying a narrower load")
    run = _with_train(problem, work, load_half_width_mm=normal)
    if run is None:
        return
    yield _made("not_wide", round(train.load_half_width_mm - normal), "mm", run, width=normal)
    step = settings().relaxation.width_step_mm
    narrower = _least_change(problem, work, "load_half_width_mm", step=step, lowest=normal)
    if narrower is not None and narrower[0] > normal:
        by_mm = round(train.load_half_width_mm - narrower[0])
        yield _made("narrower", by_mm, "mm", narrower[1], width=narrower[0])


def _goods(problem: Problem, work: Work, _: Progress) -> Iterator[p.Relaxation]:
    train = problem.train
    if train.dangerous_goods or train.guarded:
        run = _with_train(problem, work, dangerous_goods=(), guarded=False)
        if run is not None:
            yield _made("no_dangerous_goods", 0, "", run, classes=list(train.dangerous_goods))


def _other_place(problem: Problem, work: Work, progress: Progress) -> Iterator[p.Relaxation]:
    """Try to begin or to end at the nearest places that tracks join to the other end, where they do not here."""
    if problem.tracks_lead_through or not problem.startable:
        return
    progress("trying other places")
    request, most = problem.request, settings().relaxation.places
    for end in ("destination", "origin"):
        for code, km in _places_near(problem, getattr(request, end), most):
            if code.casefold() in {request.origin.casefold(), request.destination.casefold()}:
                continue
            elsewhere = replace(request, **{end: code})  # type: ignore[arg-type]
            if end == "origin" and request.ready_s is None:
                elsewhere = replace(elsewhere, origin_window=None, ready_s=request.anchor_s)
            other = vary(problem, request=elsewhere)
            run = first_path(other, work) if other.tracks_lead_through else None
            if run is not None:
                yield _made("other_place", round(km, 1), "km", run, point=code, instead=getattr(request, end))
                break


def _places_near(problem: Problem, code: str, most: int) -> list[tuple[str, float]]:
    """Return codes of the points nearest to another at which the train may stand, with the distance in km."""
    points, stops = problem.network.points, problem.network.stops
    at = point_index(points, code)
    known = np.unique(stops.point[problem.access.stop_rows])
    known = known[known >= 0]
    east = (points.lon[known] - points.lon[at]) * np.cos(np.radians(points.lat[at]))
    km = np.hypot(east, points.lat[known] - points.lat[at]) * METRES_PER_DEGREE / 1000
    order = np.argsort(km, kind="stable")[:most]
    return [(points.code[int(known[i])], float(km[i])) for i in order if np.isfinite(km[i])]


def _turning(problem: Problem, work: Work, progress: Progress) -> Iterator[p.Relaxation]:
    """Try with turning back wherever the train may; where that is of no use, with a cab at its other end as well."""
    request = problem.request
    progress("trying to turn back on the way")
    allowed = vary(problem, request=replace(request, turn_back=ALLOWED))
    if not problem.turns and allowed.tracks_lead_through:
        run = first_path(allowed, work)
        if run is not None:
            yield _made("turn_back", 0, "", run)
            return
    if problem.tracks_lead_through or allowed.tracks_lead_through or problem.train.cab_at_both_ends:
        return
    other = vary(allowed, train=problem.train.with_(cab_at_both_ends=True))
    run = first_path(other, work) if other.tracks_lead_through else None
    if run is not None:
        yield _made("cab_at_both_ends", 0, "", run)


def _alone(problem: Problem, work: Work, progress: Progress) -> Iterator[p.Relaxation]:
    """Try without other trains, closures and windows, where no single change of time gives a path."""
    if not problem.tracks_lead_through:
        return
    progress("trying an empty railway")
    run = earliest(alone(vary(problem, request=without_windows(problem))), work)
    if run is not None:
        yield _made("alone", 0, "", run)


def _together(problem: Problem, work: Work, progress: Progress) -> Iterator[p.Relaxation]:
    """Try a train changed in several ways, where no single change opens the tracks; what is not needed is left out."""
    if problem.tracks_lead_through:
        return
    progress("trying several changes at once")
    train = problem.train
    engine = locomotive(DEFAULT_ENGINE["diesel"])
    longest = float(problem.network.stops.usable_m.max(initial=0.0))
    steps: dict[str, dict[str, object]] = {
        "no_dangerous_goods": {"dangerous_goods": (), "guarded": False},
        "other_traction": {
            "locomotives": (engine.name,) * max(1, len(train.locomotives)),
            "traction": tuple(engine.power_kw),
            "protection": engine.protection,
        },
        "not_wide": {"load_half_width_mm": min(train.load_half_width_mm, float(reference_half_width_mm()))},
        "shorter": {"length_m": min(train.length_m, longest)},
        "lighter": {},
    }

    def changed(keys: list[str]) -> Problem | None:
        return _changed(problem, **{name: value for key in keys for name, value in steps[key].items()})

    for share in (1.0, 0.75, 0.5, 0.35, 0.25, 0.15):
        steps["shorter"] = {"length_m": share * min(train.length_m, longest)}
        kept = list(steps)
        for row in a.access_rules().line_category:
            loads: dict[str, object] = {
                "axle_load_t": min(train.axle_load_t, row.axle_t),
                "metre_load_t": min(train.metre_load_t, row.metre_t),
            }
            before, steps["lighter"] = steps["lighter"], loads
            if changed(kept) is None:
                steps["lighter"] = before
                break
        if changed(kept) is None:
            continue
        for key in steps:
            rest = [other for other in kept if other != key]
            kept = rest if changed(rest) is not None else kept
        other = changed(kept)
        run = first_path(other, work) if other is not None else None
        if other is None or run is None:
            continue
        now = other.train
        yield _made(
            "together",
            0,
            "",
            run,
            changes=kept,
            length=round(now.length_m),
            mass=round(now.mass_t),
            axle=now.axle_load_t,
            metre=now.metre_load_t,
            width=now.load_half_width_mm,
            traction=list(now.traction),
        )
        return


# -- conditions of the request --------------------------------------------------------------------------------------


def _conditions(problem: Problem, work: Work, progress: Progress) -> Iterator[p.Relaxation]:
    """Try without what the request asks beside its ends."""
    request = problem.request
    progress("trying without conditions of the request")

    def path(**changes: object) -> Run | None:
        return first_path(vary(problem, request=replace(request, **changes)), work)  # type: ignore[arg-type]

    if request.avoid or request.avoid_stand:
        run = path(avoid=(), avoid_stand=())
        if run is not None:
            yield _made("no_avoid", 0, "", run, points=[*request.avoid, *request.avoid_stand])
    for i, via in enumerate(request.via):
        if not work.left:
            return
        run = path(via=request.via[:i] + request.via[i + 1 :])
        if run is not None:
            yield _made("no_via", 0, "", run, point=via.point)
        elif via.stop_s:
            run = path(via=(*request.via[:i], replace(via, stop_s=0, kind=""), *request.via[i + 1 :]))
            if run is not None:
                yield _made("no_stop", 0, "", run, point=via.point)

"""Why there is no path: what stands in the way, and the least changes that would give one, each tested by a search."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from weerspoor.capacity import plan as p
from weerspoor.capacity.fit import NoTrack, Problem, Work, earliest, first_path, vary
from weerspoor.capacity.occupation import CLOSED
from weerspoor.capacity.request import Request, Window, point_index
from weerspoor.capacity.settings import settings
from weerspoor.common.clock import clock
from weerspoor.common.errors import InputError
from weerspoor.kernel.graph import Run
from weerspoor.kernel.timelines import Rows
from weerspoor.network.model import LINE_CATEGORIES, PROTECTIONS, VOLTAGES
from weerspoor.network.points import directed_at_point
from weerspoor.network.routes import shortest_times, way_to
from weerspoor.timetable.passages import passages
from weerspoor.trains import access as a
from weerspoor.trains.model import DIESEL, LIMITS, Train

Progress = Callable[[str], None]
Floats = npt.NDArray[np.float32]

FORBIDDEN = 1000.0
"""A metre of a track the train may not use counts as so many when the way with the least of them is looked for."""

MOST_OBSTACLES = 15


def explain(problem: Problem, progress: Progress = lambda _: None, *, proven: bool = True) -> p.Explanation:
    """Return why a problem has no path.

    Parameters
    ----------
    problem : Problem
        One whose search found nothing.
    progress : callable
    proven : bool
        The search tried everything; without it, it gave up before.
    """
    problem = vary(problem, slack_s=0)
    rule = settings().work
    budget = Work(rule.relaxations_labels, rule.a_search_labels)
    progress("looking for what stands in the way")
    if problem.no_track:
        obstacles, summary = _no_track(problem), _no_track_summary(problem)
    elif not np.isfinite(problem.least_journey_s):
        obstacles = _forbidden(problem)
        summary = "The tracks do not let this train through, whatever the time."
    else:
        obstacles, summary = _in_time(problem, budget)
    progress("looking for what would give a path")
    relaxations = list(_relaxations(problem, budget, progress))
    return p.Explanation(
        summary=summary,
        obstacles=obstacles[:MOST_OBSTACLES],
        relaxations=sorted(relaxations, key=lambda item: ORDER.index(item.key)),
        reached=_reached(problem, budget),
    )


ORDER = (
    "later", "earlier", "without_closure", "train_moved", "trains_moved", "shorter", "lighter", "other_traction",
    "other_protection", "not_wide", "no_dangerous_goods", "no_avoid", "no_via", "no_stop",
)  # fmt: skip
"""Keys of relaxations, the mildest first."""


# -- places ---------------------------------------------------------------------------------------------------------


def _name(problem: Problem, code: str) -> str:
    points = problem.network.points
    return points.name[point_index(points, code)]


def _no_track(problem: Problem) -> list[p.Obstacle]:
    """Return an obstacle for every place that no track serves, and why its tracks do not."""
    found: list[p.Obstacle] = []
    for place in problem.no_track:
        found.append(
            p.Obstacle(
                kind="point",
                what=place.point,
                place=_name(problem, place.point),
                detail=_why_no_track(problem, place),
                source="stops" if place.stands else "places",
            )
        )
    return found


def _why_no_track(problem: Problem, place: NoTrack) -> str:
    network, train = problem.network, problem.train
    if place.stands:
        rows = np.flatnonzero(network.stops.point == point_index(network.points, place.point))
        if not len(rows):
            return "the tables know no track there on which a train may stand"
        longest = float(network.stops.usable_m[rows].max())
        if longest < train.length_m:
            return f"the longest track there takes {longest:.0f} m, the train is {train.length_m:.0f} m long"
        bits = int(np.bitwise_or.reduce(problem.access.reasons[network.stops.directed[rows]]))
        names = [name for bit, name in a.REASONS.items() if bits & bit]
        if names:
            return f"the tracks long enough there are not open to it: {', '.join(names)}"
        return "the tracks long enough there have a platform, where this load may not stand, or are to be avoided"
    directed = directed_at_point(network, point_index(network.points, place.point))
    if not len(directed):
        return "the tables know no track of this point"
    bits = int(np.bitwise_or.reduce(problem.access.reasons[directed]))
    return f"its tracks are not open to the train: {', '.join(n for bit, n in a.REASONS.items() if bits & bit)}"


def _no_track_summary(problem: Problem) -> str:
    names = ", ".join(_name(problem, place.point) for place in problem.no_track)
    return f"No track for this train at {names}."


# -- tracks ---------------------------------------------------------------------------------------------------------


def _forbidden(problem: Problem) -> list[p.Obstacle]:
    """Return the tracks that stand in the way on the ways with the fewest metres of them."""
    network, access = problem.network, problem.access
    length = np.repeat(network.pieces.length_m, 2)
    cost = np.where(access.allowed, length, length * np.float32(FORBIDDEN)).astype(np.float32)
    cost[(access.reasons & a.DIRECTION) != 0] = np.inf
    found: list[p.Obstacle] = []
    seen: set[tuple[str, str]] = set()
    for stage, after in pairwise(problem.query.stages):
        dist, parent = shortest_times(network, stage.directed, cost)
        if not np.isfinite(dist[after.directed]).any():
            continue
        goal = int(after.directed[np.argmin(dist[after.directed])])
        way = way_to(parent, goal)
        for directed in way.tolist():
            bits = int(access.reasons[directed])
            for bit, name in a.REASONS.items():
                track = network.tracks.name[network.pieces.track[directed >> 1]]
                if bits & bit and (track, name) not in seen:
                    seen.add((track, name))
                    found.append(
                        p.Obstacle(
                            kind="track" if bit not in (a.AVOIDED, a.DIRECTION) else "rule",
                            what=track,
                            place=nearest_name(problem, directed >> 1),
                            detail=reason_text(problem, directed >> 1, bit),
                            source=_SOURCE.get(bit, "permissions"),
                        )
                    )
    return found


_SOURCE = {
    a.CLEARANCE: "clearance.toml",
    a.AVOIDED: "request",
    a.CLOSED: "request",
    a.DIRECTION: "running_direction.toml",
}


def reason_text(problem: Problem, piece: int, bit: int) -> str:
    """Return why a train may not use a piece, with the value it has and the value it would need."""
    train, allow = problem.train, problem.network.permissions
    voltages = [name for i, name in enumerate(VOLTAGES) if int(allow.voltage[piece]) & (1 << i)]
    systems = [name for i, name in enumerate(PROTECTIONS) if int(allow.protection[piece]) & (1 << i)]
    texts: dict[int, str] = {
        a.WIRE: f"{' or '.join(voltages) or 'no wire'}; the train runs on {' or '.join(train.traction)}",
        a.PROTECTION: f"{' or '.join(systems)} is asked; the train has {', '.join(train.protection) or 'none'}",
        a.LENGTH: f"trains of at most {float(allow.max_train_m[piece]):.0f} m; the train is {train.length_m:.0f} m",
        a.LOAD: (
            f"line category {LINE_CATEGORIES[int(allow.line_category[piece])]}; "
            f"the train has {train.axle_load_t:g} t an axle and {train.metre_load_t:g} t a metre"
        ),
        a.GAUGE: f"loading gauge too small for {train.load_height_mm:g} mm height",
        a.DANGEROUS_GOODS: f"not open to dangerous goods ({', '.join(train.dangerous_goods)})",
        a.FREIGHT: "no freight trains",
        a.CLEARANCE: f"no room for a half-width of {train.load_half_width_mm:g} mm",
        a.DIRECTION: "not run in this direction",
        a.AVOIDED: "to be avoided by the request",
        a.CLOSED: "closed",
    }
    return texts[bit]


def nearest_name(problem: Problem, piece: int) -> str:
    """Return the name of the operational point nearest to a piece."""
    from weerspoor.capacity.geometry import piece_line

    points = problem.network.points
    lon, lat = piece_line(problem.network, piece)[0]
    away = np.hypot((points.lon - lon) * 0.615, points.lat - lat)
    return points.name[int(np.nanargmin(away))]


# -- times and trains -----------------------------------------------------------------------------------------------


def alone(problem: Problem) -> Problem:
    """Return the problem on an empty railway, closures gone as well."""
    return vary(problem, day=None, request=replace(problem.request, closures=()), shared={})


def _in_time(problem: Problem, budget: Work) -> tuple[list[p.Obstacle], str]:
    """Return what stands in the way of a train that the tracks let through."""
    solo = first_path(alone(problem), budget, exact=False)
    if solo is None:
        return _too_fast(problem, budget)
    return _in_the_way(problem, solo)


def _too_fast(problem: Problem, budget: Work) -> tuple[list[p.Obstacle], str]:
    request = problem.request
    free = alone(vary(problem, request=without_windows(problem)))
    run = earliest(free, budget, full_pace=True) or earliest(free, budget)
    window = request.destination_window
    if run is None or window is None:
        return [], "The train cannot be there in time even on an empty railway."
    arrival_s = float(run.exit_s[-1])
    place = _name(problem, request.destination)
    return [
        p.Obstacle(
            kind="rule",
            what="window",
            place=place,
            detail=(
                f"the window ends at {clock(window.latest_s, with_seconds=False)}; alone on the railway the train is "
                f"there at {clock(arrival_s, with_seconds=False)} at the earliest"
            ),
            source="request",
        )
    ], f"The way to {place} takes longer than the request leaves, even on an empty railway."


def _in_the_way(problem: Problem, solo: Run) -> tuple[list[p.Obstacle], str]:
    """Return the trains and closures that a run alone on the railway would meet, in order of the way."""
    rows = Rows.of(solo, problem.model.kind)
    row, other = problem.occupation.timelines.conflicts(
        rows.zone, rows.from_s, rows.until_s, rows.occupies, rows.blocks
    )
    reference = problem.occupation.reference
    first: dict[int, int] = {}
    count: dict[int, int] = defaultdict(int)
    for r, train in sorted(zip(row.tolist(), other.tolist(), strict=True), key=lambda pair: int(rows.from_s[pair[0]])):
        first.setdefault(train, r)
        count[train] += 1
    found: list[p.Obstacle] = []
    for train in sorted(first, key=lambda t: (-count[t], t)):
        r = first[train]
        name = reference.get(train, "")
        closed = name.startswith(CLOSED)
        kept = r >= len(solo.zone)
        begin, end = clock(int(rows.from_s[r])), clock(int(rows.until_s[r]))
        found.append(
            p.Obstacle(
                kind="rule" if closed else "train",
                what=name,
                place=_zone_place(problem, int(rows.zone[r])),
                detail=(
                    f"{'closes' if closed else 'is on'} {count[train]} of its zones; "
                    f"the first from {begin} to {end}" + (", a neighbour track to be kept empty" if kept else "")
                ),
                source="request" if closed else "day",
            )
        )
    trains = sum(item.kind == "train" for item in found)
    closures = len(found) - trains
    parts = [f"{trains} train{'' if trains == 1 else 's'}"] if trains else []
    parts += [f"{closures} closure{'' if closures == 1 else 's'}"] if closures else []
    return found, (
        f"Alone on the railway it would leave at {clock(float(solo.depart_s[0]), with_seconds=False)} and arrive "
        f"at {clock(float(solo.exit_s[-1]), with_seconds=False)}; {' and '.join(parts) or 'other conditions'} stand in "
        "its way, and there is no way round them in time."
    )


def _zone_place(problem: Problem, zone: int) -> str:
    piece = int(np.argmax(problem.network.pieces.zone == zone))
    return nearest_name(problem, piece)


def _reached(problem: Problem, budget: Work) -> list[str]:
    """Return the codes of the points furthest along the way that the train can reach among the other trains."""
    if problem.no_track or not np.isfinite(problem.least_journey_s):
        return []
    free = alone(vary(problem, request=without_windows(problem)))
    solo = earliest(free, budget, full_pace=True)
    if solo is None:
        return []
    network = problem.network
    found = passages(network, solo.directed, solo.enter_s, solo.exit_s, solo.depart_s)
    codes = [network.points.code[passage.point] for passage in found][1:]
    low, high = -1, len(codes)
    while high - low > 1 and budget.left:
        middle = (low + high) // 2
        request = replace(without_windows(problem), destination=codes[middle], via=(), destination_window=None)
        nearer = vary(problem, request=request)
        if len(nearer.passing(codes[middle])) and _passes(nearer, codes[middle], budget):
            low = middle
        else:
            high = middle
    return codes[max(0, low - 1) : low + 1] if low >= 0 else []


def _passes(problem: Problem, code: str, budget: Work) -> bool:
    """Tell whether the head can get to a point, stopping there or not."""
    query = problem.query
    goal = replace(query.stages[-1], directed=problem.passing(code), stop_s=-1.0)
    nearer = replace(query, stages=[query.stages[0], goal])
    return problem.full_pace_search.within(nearer, budget) is not None


# -- relaxations ----------------------------------------------------------------------------------------------------


def without_windows(problem: Problem) -> Request:
    """Return the request with all windows on the way and at the end gone, looking a day ahead."""
    request = problem.request
    return replace(request, destination_window=None, via=tuple(replace(via, window=None) for via in request.via))


def _made(key: str, amount: float, unit: str, detail: str, run: Run) -> p.Relaxation:
    return p.Relaxation(
        key=key,
        amount=amount,
        unit=unit,
        detail=detail,
        departure_s=round(float(run.depart_s[0]) / 6) * 6,
        arrival_s=round(float(run.exit_s[-1]) / 6) * 6,
    )


def _relaxations(problem: Problem, budget: Work, progress: Progress) -> Iterator[p.Relaxation]:
    """Yield the least changes of each kind that give a path; every one has been searched."""
    for kind in (_times, _closures, _trains, _characteristics, _conditions):
        if not budget.left:
            return
        yield from kind(problem, budget, progress)


def _times(problem: Problem, budget: Work, progress: Progress) -> Iterator[p.Relaxation]:
    request = problem.request
    window = request.destination_window
    if window is not None and not problem.no_track:
        progress("trying a later arrival")
        run = earliest(vary(problem, request=without_windows(problem)), budget, full_pace=True)
        if run is not None and run.exit_s[-1] > window.latest_s:
            by_s = float(run.exit_s[-1]) - window.latest_s
            yield _made("later", float(np.ceil(by_s / 60)), "min", "the window at the end ends so much later", run)
    if request.ready_s is None or problem.no_track:
        return
    progress("trying an earlier departure")
    for shift_s in settings().relaxation.shift_s:
        if not budget.left:
            return
        sooner = replace(request, ready_s=request.ready_s - shift_s)
        if window is None:
            sooner = replace(sooner, destination_window=Window(sooner.anchor_s, request.horizon_s))
        run = first_path(vary(problem, request=sooner), budget, exact=False)
        if run is not None:
            by_s = request.ready_s - float(run.depart_s[0])
            yield _made("earlier", float(np.ceil(by_s / 60)), "min", "the train is ready so much earlier", run)
            return


def _closures(problem: Problem, budget: Work, _: Progress) -> Iterator[p.Relaxation]:
    closures = problem.request.closures
    for i, closure in enumerate(closures):
        if not budget.left:
            return
        rest = closures[:i] + closures[i + 1 :]
        run = first_path(vary(problem, request=replace(problem.request, closures=rest)), budget, exact=False)
        if run is not None:
            yield _made("without_closure", 0, "", f"{' - '.join(closure.points)} is not closed", run)


def _trains(problem: Problem, budget: Work, progress: Progress) -> Iterator[p.Relaxation]:
    """Try with the trains in the way moved: each alone, then all of them."""
    if problem.day is None or problem.no_track or not np.isfinite(problem.least_journey_s):
        return
    solo = first_path(alone(problem), budget, exact=False)
    if solo is None:
        return
    rows = Rows.of(solo, problem.model.kind)
    numbers = problem.occupation.timelines.conflicts_of(rows)
    day = problem.day
    names = [
        day.trains.reference[problem.occupation.day_train[number][0]]
        for number in numbers
        if number in problem.occupation.day_train
    ]
    names = list(dict.fromkeys(names))
    progress("trying with a train moved")
    for name in names[: settings().relaxation.trains_moved]:
        if not budget.left:
            return
        run = first_path(vary(problem, without=(*problem.without, name), shared={}), budget, exact=False)
        if run is not None:
            yield _made("train_moved", 1, "train", f"{name} is moved", run)
            return
    if len(names) > 1 and budget.left:
        run = first_path(vary(problem, without=(*problem.without, *names), shared={}), budget, exact=False)
        if run is not None:
            shown = ", ".join(names[:6]) + (", …" if len(names) > 6 else "")
            yield _made("trains_moved", len(names), "trains", f"{shown} are moved", run)


def _with_train(problem: Problem, budget: Work, **changes: object) -> Run | None:
    """Return a path of a train with other characteristics, None if there is none or no such train can be."""
    from weerspoor.trains.catalogue import train_from

    given = {key: getattr(problem.train, key) for key in ("length_m", "mass_t", "max_speed_kmh", "traction")}
    try:
        if "traction" in changes:
            protection = train_from(given | {"traction": changes["traction"]})
            changes = changes | {"locomotives": protection.locomotives, "protection": protection.protection}
        train: Train = problem.train.with_(**changes)
        return first_path(vary(problem, train=train), budget, exact=False)
    except InputError:
        return None


def _least_change(problem: Problem, key: str, step: float, lowest: float, budget: Work) -> tuple[float, Run] | None:
    """Return the highest value of a characteristic below the present one that gives a path, by halving."""
    present = float(getattr(problem.train, key))
    run = _with_train(problem, budget, **{key: lowest})
    if run is None:
        return None
    low, high = lowest, present
    while high - low > step and budget.left:
        middle = round((low + high) / 2 / step) * step
        if not low < middle < high:
            break
        found = _with_train(problem, budget, **{key: middle})
        if found is None:
            high = middle
        else:
            low, run = middle, found
    return low, run


def _characteristics(problem: Problem, budget: Work, progress: Progress) -> Iterator[p.Relaxation]:
    train, rule = problem.train, settings().relaxation
    progress("trying another train")
    if train.is_wide:
        run = _with_train(problem, budget, load_half_width_mm=normal_half_width_mm())
        if run is not None:
            yield _made("not_wide", normal_half_width_mm(), "mm", "the load keeps within this half-width", run)
    traction = (DIESEL,) if DIESEL not in train.traction else VOLTAGES[:1]
    run = _with_train(problem, budget, traction=traction)
    if run is not None:
        yield _made("other_traction", 0, "", f"an engine for {', '.join(traction)}", run)
    if set(PROTECTIONS) - set(train.protection):
        run = _with_train(problem, budget, protection=PROTECTIONS)
        if run is not None:
            yield _made("other_protection", 0, "", f"an engine with {', '.join(PROTECTIONS)}", run)
    shorter = _least_change(problem, "length_m", rule.length_step_m, max(50.0, train.length_m / 8), budget)
    if shorter is not None:
        by_m = train.length_m - shorter[0]
        yield _made("shorter", round(by_m), "m", f"a train of at most {shorter[0]:.0f} m", shorter[1])
    if budget.left:
        yield from _lighter(problem, budget)
    if train.dangerous_goods and budget.left:
        run = _with_train(problem, budget, dangerous_goods=(), guarded=False)
        if run is not None:
            yield _made("no_dangerous_goods", 0, "", f"without {', '.join(train.dangerous_goods)}", run)


def _lighter(problem: Problem, budget: Work) -> Iterator[p.Relaxation]:
    """Try less mass, and less load on axles and metres where that stands in the way."""
    train = problem.train
    for row in reversed(a.access_rules().line_category):
        axle_t, metre_t = min(train.axle_load_t, row.axle_t), min(train.metre_load_t, row.metre_t)
        if (axle_t, metre_t) == (train.axle_load_t, train.metre_load_t) or not budget.left:
            continue
        run = _with_train(problem, budget, axle_load_t=axle_t, metre_load_t=metre_t)
        if run is not None:
            by_t = max(train.axle_load_t - axle_t, 0.0)
            yield _made(
                "lighter",
                round(by_t, 1),
                "t",
                f"line category {row.name}: {axle_t:g} t an axle, {metre_t:g} t a metre",
                run,
            )
            return
    lighter = _least_change(
        problem, "mass_t", settings().relaxation.mass_step_t, max(LIMITS["mass_t"][0], train.mass_t / 4), budget
    )
    if lighter is not None:
        yield _made("lighter", round(train.mass_t - lighter[0]), "t", f"a train of {lighter[0]:.0f} t", lighter[1])


def _conditions(problem: Problem, budget: Work, progress: Progress) -> Iterator[p.Relaxation]:
    """Try without what the request asks beside its ends."""
    request = problem.request
    progress("trying without conditions of the request")
    if (request.avoid or request.avoid_stand) and budget.left:
        run = first_path(vary(problem, request=replace(request, avoid=(), avoid_stand=())), budget, exact=False)
        if run is not None:
            yield _made("no_avoid", 0, "", "no points are avoided", run)
    for i, via in enumerate(request.via):
        if not budget.left:
            return
        rest = request.via[:i] + request.via[i + 1 :]
        run = first_path(vary(problem, request=replace(request, via=rest)), budget, exact=False)
        if run is not None:
            yield _made("no_via", 0, "", f"not over {via.point}", run)
        elif via.stop_s:
            passed = (*request.via[:i], replace(via, stop_s=0, kind=""), *request.via[i + 1 :])
            run = first_path(vary(problem, request=replace(request, via=passed)), budget, exact=False)
            if run is not None:
                yield _made("no_stop", 0, "", f"passes {via.point} without a stop", run)


def normal_half_width_mm() -> float:
    """Return the half-width within which a load is not wide."""
    from weerspoor.trains.tables import reference_half_width_mm

    return float(reference_half_width_mm())

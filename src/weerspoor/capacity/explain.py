"""Why there is no path: the points, tracks, trains, closures and rules that stand in the way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from weerspoor.capacity import plan as p
from weerspoor.capacity.calls import calls
from weerspoor.capacity.fit import NoTrack, Problem, Work, vary
from weerspoor.capacity.geometry import Course
from weerspoor.capacity.occupation import CLOSED
from weerspoor.capacity.plan import Sentence
from weerspoor.capacity.relax import ORDER, relaxations, run_alone, without_windows
from weerspoor.capacity.request import NEVER, point_index
from weerspoor.capacity.routes import way_with_turns
from weerspoor.capacity.settings import settings
from weerspoor.kernel.graph import Run
from weerspoor.kernel.timelines import Rows
from weerspoor.network.model import GAUGES, LINE_CATEGORIES, PROTECTIONS, VOLTAGES
from weerspoor.network.points import directed_at_point
from weerspoor.network.routes import length_by_directed_piece, shortest_times, way_to
from weerspoor.trains import access as a
from weerspoor.trains.starting import reference_permille, startable_mass_t

Progress = Callable[[str], None]
Floats = npt.NDArray[np.float32]

FORBIDDEN = 1000.0
"""A metre of a track the train may not use counts as so many when the way with the least of them is looked for."""

MOST_OBSTACLES = 15
RULED_OUT = "plan.obstacle.reversing"


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
    work = Work(rule.explanation_labels)
    progress("looking for what stands in the way")
    reached: list[str] = []
    solo: Run | None = None
    if not problem.startable:
        obstacles, summary = [_cannot_start(problem)], Sentence("plan.summary.cannot_start")
    elif problem.no_track:
        names = [_name(problem, place.point) for place in problem.no_track]
        obstacles = [*_no_track(problem), *_reversing(problem)]
        summary = Sentence("plan.summary.no_track", {"places": names})
    elif not problem.tracks_lead_through:
        obstacles, summary = _forbidden(problem), Sentence("plan.summary.forbidden")
        if not obstacles:
            obstacles, summary = _reversing(problem), Sentence("plan.summary.reversing")
            if any(item.detail.key == RULED_OUT for item in obstacles):
                summary = Sentence("plan.summary.turning_ruled_out")
    else:
        free, solo = run_alone(problem, work)
        obstacles, summary = _in_the_way(problem, solo) if solo is not None else _too_slow(problem, free, work)
        reached = _reached(problem, free, work) if free is not None else []
    progress("looking for what would give a path")
    offered = list(relaxations(problem, solo, progress))
    return p.Explanation(
        summary=summary,
        obstacles=obstacles[:MOST_OBSTACLES],
        relaxations=sorted(offered, key=lambda item: ORDER.index(item.key)),
        reached=reached,
        proven=proven,
    )


# -- places ---------------------------------------------------------------------------------------------------------


def _name(problem: Problem, code: str) -> str:
    points = problem.network.points
    return points.name[point_index(points, code)]


def _cannot_start(problem: Problem) -> p.Obstacle:
    train = problem.train
    return p.Obstacle(
        kind="norm",
        what=", ".join(train.locomotives),
        place="",
        detail=Sentence(
            "plan.obstacle.cannot_start",
            {
                "mass": train.mass_t,
                "permille": reference_permille(),
                "most": startable_mass_t(train, reference_permille()),
            },
        ),
        source="norms",
    )


def _no_track(problem: Problem) -> list[p.Obstacle]:
    """Return an obstacle for every place that no track serves, and why its tracks do not."""
    return [
        p.Obstacle(
            kind="point",
            what=place.point,
            place=_name(problem, place.point),
            detail=_why_no_track(problem, place),
            source="stops" if place.stands else "places",
        )
        for place in problem.no_track
    ]


def _why_no_track(problem: Problem, place: NoTrack) -> Sentence:
    network, train = problem.network, problem.train

    def reasons(directed: npt.NDArray[np.int32]) -> list[str]:
        bits = int(np.bitwise_or.reduce(problem.access.reasons[directed]))
        return [name for bit, name in a.REASONS.items() if bits & bit]

    if place.stands:
        rows = np.flatnonzero(network.stops.point == point_index(network.points, place.point))
        if not len(rows):
            return Sentence("plan.obstacle.no_holding_track")
        longest = float(network.stops.usable_m[rows].max())
        if longest < train.length_m:
            return Sentence("plan.obstacle.too_long", {"longest": round(longest), "length": train.length_m})
        long_enough = rows[network.stops.usable_m[rows] >= train.length_m]
        if why := reasons(network.stops.directed[long_enough]):
            return Sentence("plan.obstacle.not_open", {"reasons": why})
        if len(problem.standing(place.point)):
            return Sentence("plan.obstacle.no_turning", {"needs": list(problem.turning.kind.needs)})
        return Sentence("plan.obstacle.platform")
    directed = directed_at_point(network, point_index(network.points, place.point))
    if not len(directed):
        return Sentence("plan.obstacle.no_track")
    return Sentence("plan.obstacle.tracks_not_open", {"reasons": reasons(directed)})


# -- tracks ---------------------------------------------------------------------------------------------------------


def _forbidden(problem: Problem) -> list[p.Obstacle]:
    """Return the tracks that stand in the way on the ways with the fewest metres of them."""
    network, access = problem.network, problem.access
    length = np.repeat(network.pieces.length_m, 2)
    cost = np.where(access.allowed, length, length * np.float32(FORBIDDEN)).astype(np.float32)
    cost[(access.reasons & a.DIRECTION) != 0] = np.inf
    found: list[p.Obstacle] = []
    seen: set[tuple[str, str]] = set()
    for start, end in pairwise(_places(problem)):
        dist, parent = shortest_times(network, start, cost)
        if not np.isfinite(dist[end]).any():
            continue
        goal = int(end[np.argmin(dist[end])])
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
                            detail=reason_sentence(problem, directed >> 1, bit),
                            source=_SOURCE.get(bit, "permissions"),
                        )
                    )
    return found


def _reversing(problem: Problem) -> list[p.Obstacle]:
    """Return the places between which no tracks lead in any direction of running that is allowed."""
    network, request = problem.network, problem.request
    codes = [request.origin, *(via.point for via in request.via), request.destination]
    places = _places(problem)
    cost = length_by_directed_piece(network)
    found = []
    for i, (start, end) in enumerate(pairwise(places)):
        if not len(start) or not len(end):
            continue
        wrong_way, _ = shortest_times(network, start, cost)
        allowed = np.where((problem.access.reasons & a.DIRECTION) != 0, np.float32(np.inf), cost)
        if np.isfinite(shortest_times(network, start, allowed)[0][end]).any():
            continue
        turns = request.turn_back == NEVER and way_with_turns(
            network, problem.train, *(point_index(network.points, code) for code in codes[i : i + 2])
        )
        key = "reversing" if turns else "wrong_way" if np.isfinite(wrong_way[end]).any() else "no_way"
        found.append(
            p.Obstacle(
                kind="rule",
                what=f"{codes[i]}-{codes[i + 1]}",
                place=_name(problem, turns.turns_at[0] if turns else codes[i + 1]),
                detail=Sentence(f"plan.obstacle.{key}"),
                source="places",
            )
        )
    return found


def _places(problem: Problem) -> list[npt.NDArray[np.int32]]:
    """Return the directed pieces of every place of the request, those that are not open to the train included."""
    network, request = problem.network, problem.request
    found = []
    codes = [request.origin, *(via.point for via in request.via), request.destination]
    for code, stage in zip(codes, problem.query.stages, strict=True):
        point = point_index(network.points, code)
        here = directed_at_point(network, point)
        if stage.stop_s >= 0:
            fits = (network.stops.point == point) & (network.stops.usable_m >= problem.train.length_m)
            here = network.stops.directed[fits]
        found.append(np.union1d(here, stage.directed).astype(np.int32))
    return found


_SOURCE = {
    a.CLEARANCE: "clearance",
    a.AVOIDED: "request",
    a.CLOSED: "request",
    a.DIRECTION: "running_direction",
    a.GRADIENT: "gradients",
}


def reason_sentence(problem: Problem, piece: int, bit: int) -> Sentence:
    """Return why a train may not use a piece, with the value it has and the value it would need."""
    train, allow = problem.train, problem.network.permissions
    voltages = [name for i, name in enumerate(VOLTAGES) if int(allow.voltage[piece]) & (1 << i)]
    systems = [name for i, name in enumerate(PROTECTIONS) if int(allow.protection[piece]) & (1 << i)]
    values: dict[int, dict[str, object]] = {
        a.WIRE: {"wires": voltages or ["no_wire"], "traction": list(train.traction)},
        a.PROTECTION: {"systems": systems, "fitted": list(train.protection) or ["none"]},
        a.LENGTH: {"most": round(float(allow.max_train_m[piece])), "length": train.length_m},
        a.LOAD: {
            "category": LINE_CATEGORIES[int(allow.line_category[piece])],
            "axle": train.axle_load_t,
            "metre": train.metre_load_t,
        },
        a.GAUGE: {"gauge": GAUGES[int(allow.gauge[piece])], "height": train.load_height_mm},
        a.DANGEROUS_GOODS: {"classes": list(train.dangerous_goods)},
        a.CLEARANCE: {"width": train.load_half_width_mm},
        a.GRADIENT: {"mass": train.mass_t},
    }
    return Sentence(f"plan.obstacle.{a.REASONS[bit]}", values.get(bit, {}))


def nearest_name(problem: Problem, piece: int) -> str:
    """Return the name of the operational point nearest to a piece."""
    from weerspoor.capacity.geometry import piece_line

    points = problem.network.points
    lon, lat = piece_line(problem.network, piece)[0]
    away = np.hypot((points.lon - lon) * 0.615, points.lat - lat)
    return points.name[int(np.nanargmin(away))]


# -- times and trains -----------------------------------------------------------------------------------------------


def _too_slow(problem: Problem, free: Run | None, work: Work) -> tuple[list[p.Obstacle], Sentence]:
    """Return that the windows are too narrow for what the train does alone, as far as it was found out."""
    request = problem.request
    window = request.destination_window
    if free is None or window is None or free.exit_s[-1] <= window.latest_s:
        return [], Sentence("plan.summary.not_proven" if work.gave_up else "plan.summary.too_slow")
    place = _name(problem, request.destination)
    detail = Sentence("plan.obstacle.window", {"end": window.latest_s, "arrival": float(free.exit_s[-1])})
    obstacle = p.Obstacle(kind="rule", what="window", place=place, detail=detail, source="request")
    return [obstacle], Sentence("plan.summary.window", {"place": place})


def _in_the_way(problem: Problem, solo: Run) -> tuple[list[p.Obstacle], Sentence]:
    """Return the trains and closures that a run alone on the railway would meet, the greatest first."""
    rows = Rows.of(solo, problem.model.kind)
    row, other = problem.occupation.timelines.conflicts(
        rows.zone, rows.from_s, rows.until_s, rows.occupies, rows.blocks
    )
    first: dict[int, int] = {}
    count: dict[int, int] = defaultdict(int)
    for r, train in sorted(zip(row.tolist(), other.tolist(), strict=True), key=lambda pair: int(rows.from_s[pair[0]])):
        first.setdefault(train, r)
        count[train] += 1
    found: list[p.Obstacle] = []
    for train in sorted(first, key=lambda t: (-count[t], t)):
        r = first[train]
        name = problem.occupation.reference.get(train, "")
        closed = name.startswith(CLOSED)
        key = "closes" if closed else "train_beside" if r >= len(solo.zone) else "train"
        values = {"zones": count[train], "from": int(rows.from_s[r]), "until": int(rows.until_s[r])}
        found.append(
            p.Obstacle(
                kind="closure" if closed else "train",
                what=name,
                place=_zone_place(problem, int(rows.zone[r])),
                detail=Sentence(f"plan.obstacle.{key}", values),
                source="request" if closed else "day",
            )
        )
    trains = sum(item.kind == "train" for item in found)
    kind = "nothing_known" if not found else "trains" if trains == len(found) else "closures" if not trains else "both"
    return found, Sentence(
        f"plan.summary.{kind}",
        {
            "departure": float(solo.depart_s[0]),
            "arrival": float(solo.exit_s[-1]),
            "trains": trains,
            "closures": len(found) - trains,
        },
    )


def _zone_place(problem: Problem, zone: int) -> str:
    piece = int(np.argmax(problem.network.pieces.zone == zone))
    return nearest_name(problem, piece)


def _reached(problem: Problem, free: Run, work: Work) -> list[str]:
    """Return the codes of the points furthest along its way alone that the train can reach among the others."""
    network = problem.network
    found = calls(Course(network, free.directed), free.enter_s, free.exit_s, free.depart_s)
    codes = [network.points.code[passage.point] for passage in found][1:]
    low, high = -1, len(codes)
    while high - low > 1 and work.left:
        middle = (low + high) // 2
        request = replace(without_windows(problem), destination=codes[middle], via=(), destination_window=None)
        nearer = vary(problem, request=request)
        if len(nearer.passing(codes[middle])) and _passes(nearer, codes[middle], work):
            low = middle
        else:
            high = middle
    return codes[max(0, low - 1) : low + 1] if low >= 0 else []


def _passes(problem: Problem, code: str, work: Work) -> bool:
    """Tell whether the head can get to a point, stopping there or not."""
    query = problem.query
    goal = replace(query.stages[-1], directed=problem.passing(code), stop_s=-1.0)
    nearer = replace(query, stages=[query.stages[0], goal])
    return problem.search.within(nearer, work) is not None

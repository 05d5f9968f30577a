"""Which ways a train may go without a timetable, and why not the others.

The ways are looked for on the tracks the train may use, the fastest first, then others that really differ. Then the
limits are lifted one by one: a way that opens by it, and is worth it, is shown with the places that forbid it and the
least relief that would open it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from weerspoor.capacity.calls import calls
from weerspoor.capacity.geometry import Course
from weerspoor.common.errors import InputError
from weerspoor.kernel.graph import KEEP_ALL, KEEP_PASSENGER
from weerspoor.network.model import (
    GAUGES,
    PROTECTIONS,
    VOLTAGES,
    Bools,
    Floats,
    Ints,
    Network,
)
from weerspoor.network.routes import dijkstra, shortest_times, way_to
from weerspoor.trains.access import (
    CLEARANCE,
    DANGEROUS_GOODS,
    FREIGHT,
    GAUGE,
    LENGTH,
    LOAD,
    PROTECTION,
    REASONS,
    WIRE,
    Access,
    access,
    access_rules,
    wide_limit_mm,
)
from weerspoor.trains.model import Train
from weerspoor.trains.tables import norm
from weerspoor.trains.turning import turned_heads, turned_rows, turning, with_turns

MOST_ROUTES = 4
"""Ways shown at most, of either kind."""

SAME_SHARE = 0.75
"""Two ways that share more than this part of the shorter one are taken for the same."""

WORTH = 1.8
"""A way that takes more than this times the fastest is not shown."""

GAIN = 0.98
"""A way that is not allowed is worth telling when it takes less than this part of the fastest allowed."""

PENALTY = 1.3
"""Tracks already used, and those beside them, cost this much more in the search for another way."""

SEARCHES = 12
"""Most searches for other ways."""

AROUND = 4.0
"""When every limit is lifted, tracks that forbid cost this much more, so that a way keeps to what is allowed."""

BARRIERS_TOLD = 3
"""Places told of a reason, the first along the way; the others are counted."""

POINTS_TOLD = 14
"""Operational points told of a way, evenly spread."""

RELIEVABLE = (LENGTH, LOAD, GAUGE, CLEARANCE, WIRE, PROTECTION, DANGEROUS_GOODS, FREIGHT)
"""Reasons that another train, or a permission, would take away."""


@dataclass(frozen=True)
class Way:
    """One way over the tracks.

    Attributes
    ----------
    directed : (k,) int32
        Directed pieces in order of running.
    km : float
    running_s : float
        Estimate: the limit of every piece, with the planning supplement, without starts and stops; with the time to
        turn back where it does.
    points : list of str
        Codes of the operational points passed, in order.
    via : list of str
        The stations among them, each once, without the first and last point.
    kept_empty_km : dict of str to float
        Kilometres on which a neighbour track is kept empty of ``all`` trains, of ``passenger`` or of other ``wide``
        ones; a kilometre counts once, for the strictest.
    slowed_km : float
        Kilometres on which the train, not the track, sets the limit below its own highest speed.
    turns_at : list of str
        Codes of the points where it turns back, in order.
    """

    directed: Ints
    km: float
    running_s: float
    points: list[str]
    via: list[str]
    kept_empty_km: dict[str, float]
    slowed_km: float
    turns_at: list[str]


@dataclass(frozen=True)
class Barrier:
    """A stretch of a way that the train may not use.

    Attributes
    ----------
    reason : str
        One of the names in ``weerspoor.trains.access.REASONS``.
    place : str
        The operational points before and after it, ``A-B``.
    track : str
        The track on which it begins.
    km : float
        How long it is.
    limit : str
        What the stretch allows.
    """

    reason: str
    place: str
    track: str
    km: float
    limit: str


@dataclass(frozen=True)
class Relief:
    """The least change of the train, or of a permission, that takes away one reason along a way."""

    reason: str
    text: str


@dataclass(frozen=True)
class RefusedWay:
    """A way that the train may not go, what forbids it, and what would open it."""

    way: Way
    barriers: list[Barrier]
    reliefs: list[Relief]


@dataclass(frozen=True)
class RouteExplanation:
    """The ways from one point to another: those allowed, fastest first, and those refused.

    Attributes
    ----------
    train : str
    from_point, to_point : str
        Codes.
    routes : list of Way
    refused : list of RefusedWay
    reached : list of str
        When no way is allowed: codes of the points furthest on the way that the train can reach.
    """

    train: str
    from_point: str
    to_point: str
    routes: list[Way]
    refused: list[RefusedWay]
    reached: list[str]

    def __str__(self) -> str:
        """Write the explanation for people, a few lines a way."""
        found = {0: "no way", 1: "one way"}.get(len(self.routes), f"{len(self.routes)} ways")
        lines = [f"{self.from_point} to {self.to_point}, train {self.train}: {found}, timetable apart"]
        for number, way in enumerate(self.routes, start=1):
            lines += ["", f"{number}. {_headline(way)}", *_details(way)]
        if not self.routes:
            lines.append(f"It comes as far as {', '.join(self.reached) or self.from_point}.")
        if self.refused:
            lines += ["", "Not allowed:" if self.routes else "What stands in the way:"]
        for refused in self.refused:
            lines += ["", f"- {_headline(refused.way)}", f"  over {_via(refused.way)}"]
            for relief in refused.reliefs:
                stretches = [barrier for barrier in refused.barriers if barrier.reason == relief.reason]
                named = ", ".join(f"{item.place} {item.km:g} km ({item.limit})" for item in stretches[:BARRIERS_TOLD])
                more = len(stretches) - BARRIERS_TOLD
                lines.append(f"  {relief.reason.replace('_', ' ')}: {named}{f', and {more} more' if more > 0 else ''}")
                lines.append(f"    would open with: {relief.text}")
        return "\n".join(lines)


def _headline(way: Way) -> str:
    turned = f", turning back at {' and '.join(way.turns_at)}" if way.turns_at else ""
    return f"{way.km:.1f} km, about {way.running_s / 60:.0f} min{turned}"


def _details(way: Way) -> list[str]:
    lines = [f"   over {_via(way)}"]
    kept = [f"{km:g} km of {whose}" for whose, km in _kept(way) if km]
    if kept:
        lines.append(f"   neighbour track kept empty: {', '.join(kept)}")
    if way.slowed_km:
        lines.append(f"   slower than the track because of the train: {way.slowed_km:g} km")
    return lines


def _kept(way: Way) -> list[tuple[str, float]]:
    kept = way.kept_empty_km
    return [("all trains", kept["all"]), ("passenger trains", kept["passenger"]), ("other wide loads", kept["wide"])]


def _via(way: Way) -> str:
    step = max(len(way.via) / POINTS_TOLD, 1.0)
    told = [way.via[int(number * step)] for number in range(min(len(way.via), POINTS_TOLD))]
    return " - ".join([way.points[0], *told, way.points[-1]])


def explain_route(network: Network, train: Train, from_point: str, to_point: str) -> RouteExplanation:
    """Say which ways a train may go between two points, and why not the others.

    Parameters
    ----------
    network : Network
    train : Train
    from_point, to_point : str
        Codes of operational points, without regard to case.

    Raises
    ------
    InputError
        If a code is unknown, or a point has no tracks.
    """
    return _Search(network, train, _point(network, from_point), _point(network, to_point)).explain()


def way_with_turns(network: Network, train: Train, start: int, end: int) -> Way | None:
    """Return the fastest allowed way between two points, turning back where needed; None when there is none."""
    try:
        return _Search(network, train, start, end).way_with_turns()
    except InputError:
        return None


def _point(network: Network, code: str) -> int:
    for point, known in enumerate(network.points.code):
        if known.lower() == code.lower():
            return point
    raise InputError(f"there is no point {code!r}", hint="weerspoor point find")


def timing_pieces(network: Network, point: int) -> Ints:
    """Return the pieces on which a point is timed.

    Raises
    ------
    InputError
        If the point has no tracks.
    """
    points, pieces = network.points, network.pieces
    first = np.searchsorted(pieces.track, np.arange(len(network.tracks.name) + 1))
    found = []
    for row in np.flatnonzero(points.place_point == point):
        low, high = first[points.place_track[row]], first[points.place_track[row] + 1]
        if low < high:
            found.append(min(low + np.searchsorted(pieces.to_m[low:high], points.place_at_m[row]), high - 1))
    if not found:
        raise InputError(f"point {points.code[point]} has no tracks in the network")
    return np.unique(np.array(found, dtype=np.int32))


class _Search:
    """Finds and describes the ways of one train between two points."""

    def __init__(self, network: Network, train: Train, start: int, end: int) -> None:
        self.network, self.train, self.start, self.end = network, train, start, end
        self.access: Access = access(network, train)
        self.turning = turning(network, train, self.access)
        self.sources = _both_ways(timing_pieces(network, start))
        self.targets = _both_ways(timing_pieces(network, end))
        self.kind_of = dict(zip(network.points.code, network.points.kind, strict=True))
        self.length_m = np.repeat(network.pieces.length_m, 2)
        track_kmh = np.repeat(network.pieces.speed_kmh, 2)
        self.free_kmh = np.minimum(track_kmh, train.max_speed_kmh)
        self.speed_kmh = np.minimum(self.free_kmh, self.access.speed_cap_kmh)
        supplement = 1 + norm(train.norm_group, "supplement")
        self.cost_s = (self.length_m / (self.speed_kmh / 3.6) * supplement).astype(np.float32)
        self.kept = self._kept_by_piece()
        beside_start, beside = network.neighbours.start, network.neighbours.piece
        self.beside = (beside_start, beside)

    def explain(self) -> RouteExplanation:
        allowed = self.access.allowed
        routes = self.different_ways(allowed)
        if not routes:
            turned = self.way_with_turns()
            routes = [turned] if turned is not None else []
        fastest_s = min((way.running_s for way in routes), default=np.inf)
        refused = self.refused(routes, fastest_s)
        reached = [] if routes else self.reached(allowed)
        codes = self.network.points.code
        return RouteExplanation(self.train.name, codes[self.start], codes[self.end], routes, refused, reached)

    # --- ways ---------------------------------------------------------------------------------------------------

    def fastest(self, allowed: Bools, cost_s: Floats | None = None) -> Ints | None:
        """Return the fastest way over allowed directed pieces, None when there is none."""
        cost = np.where(allowed, self.cost_s if cost_s is None else cost_s, np.float32(np.inf)).astype(np.float32)
        dist, parent = shortest_times(self.network, self.sources, cost)
        best = int(self.targets[np.argmin(dist[self.targets])])
        return way_to(parent, best) if np.isfinite(dist[best]) else None

    def different_ways(self, allowed: Bools, cost_s: Floats | None = None) -> list[Way]:
        """Return the best way and others that really differ from it and from each other, fastest first."""
        cost = self.cost_s.copy() if cost_s is None else cost_s.astype(np.float32)
        seen: list[Way] = []
        for _ in range(SEARCHES):
            directed = self.fastest(allowed, cost)
            if directed is None:
                break
            cost[np.repeat(self.corridor(directed), 2)] *= np.float32(PENALTY)
            if not any(np.array_equal(directed, way.directed) for way in seen):
                seen.append(self.way(directed))
        found: list[Way] = []
        for way in sorted(seen, key=lambda way: way.running_s) if cost_s is None else seen:
            worth = not found or way.running_s <= WORTH * found[0].running_s
            if worth and len(found) < MOST_ROUTES and not any(self.same(way, other) for other in found):
                found.append(way)
        return sorted(found, key=lambda way: way.running_s)

    def way_with_turns(self) -> Way | None:
        """Return the fastest way that turns back where the train may."""
        stands, heads = turned_heads(self.network, self.train, self.access.allowed, self.turning.may_turn)
        start, following = with_turns(self.network, stands, heads)
        cost = np.where(self.access.allowed, self.cost_s, np.float32(np.inf))
        cost = np.concatenate([cost, np.full(len(stands), self.turning.least_s, np.float32)])
        dist, parent = dijkstra(start, following, self.sources, cost)
        best = int(self.targets[np.argmin(dist[self.targets])])
        if not np.isfinite(dist[best]):
            return None
        way = way_to(parent, best)
        turns = way >= 2 * self.network.n_pieces
        way[turns] = heads[way[turns] - 2 * self.network.n_pieces]
        return self.way(way)

    @property
    def standing_at(self) -> dict[int, str]:
        """Code of a point at which a train stands with its head at the exit of a directed piece."""
        stops, codes = self.network.stops, self.network.points.code
        return {int(d): codes[int(point)] for d, point in zip(stops.directed, stops.point, strict=True) if point >= 0}

    def corridor(self, directed: Ints) -> Bools:
        """Tell which pieces a way uses or runs beside."""
        start, beside = self.beside
        used = np.unique(directed >> 1)
        marked = np.zeros(self.network.n_pieces, dtype=bool)
        marked[used] = True
        for piece in used:
            marked[beside[start[piece] : start[piece + 1]]] = True
        return marked

    def same(self, way: Way, other: Way) -> bool:
        """Tell whether two ways share most of their kilometres, on the same tracks or on tracks beside them."""
        on = self.corridor(other.directed)[way.directed >> 1]
        shared_km = float(self.length_m[way.directed[on]].sum()) / 1000
        return shared_km > SAME_SHARE * min(way.km, other.km)

    def way(self, directed: Ints) -> Way:
        """Describe a way."""
        pieces = directed >> 1
        turned = turned_rows(self.network, directed)
        length_km = np.where(turned, 0.0, self.length_m[directed]) / 1000
        running_s = float(self.cost_s[directed[~turned]].sum()) + int(turned.sum()) * self.turning.least_s
        kept = self.kept[pieces]
        points = [code for _, code in self.points_of(directed)]
        stations = (code for code in points[1:-1] if self.kind_of[code] == "station")
        slowed = self.access.speed_cap_kmh[directed] < self.free_kmh[directed]
        return Way(
            directed=directed,
            km=round(float(length_km.sum()), 1),
            running_s=round(running_s, 0),
            points=points,
            via=[code for code in dict.fromkeys(stations) if code not in (points[0], points[-1])],
            kept_empty_km={
                "all": round(float(length_km[kept == KEEP_ALL].sum()), 1),
                "passenger": round(float(length_km[(kept != KEEP_ALL) & (kept & KEEP_PASSENGER > 0)].sum()), 1),
                "wide": round(float(length_km[(kept > 0) & (kept & KEEP_PASSENGER == 0)].sum()), 1),
            },
            slowed_km=round(float(length_km[slowed].sum()), 1),
            turns_at=[self.standing_at[int(before)] for before in directed[np.flatnonzero(turned) - 1]],
        )

    def points_of(self, directed: Ints) -> list[tuple[int, str]]:
        """Return position on the way and code of every operational point, each followed by another."""
        cost_s = np.where(turned_rows(self.network, directed), 0.0, self.cost_s[directed])
        leave = np.cumsum(cost_s, dtype=np.float64)
        enter = leave - cost_s
        found: list[tuple[int, str]] = [(0, self.network.points.code[self.start])]
        for passage in calls(Course(self.network, directed), enter, leave, leave):
            code = self.network.points.code[passage.point]
            if found[-1][1] != code:
                found.append((passage.position, code))
        return found

    def _kept_by_piece(self) -> npt.NDArray[np.uint8]:
        kept = np.zeros(self.network.n_pieces, dtype=np.uint8)
        piece = np.repeat(np.arange(self.network.n_pieces), np.diff(self.access.keep_start))
        np.bitwise_or.at(kept, piece, self.access.keep_mask)
        return kept

    # --- why not ------------------------------------------------------------------------------------------------

    def refused(self, routes: list[Way], fastest_s: float) -> list[RefusedWay]:
        """Return ways that open when reasons are lifted: one at a time, more when no single one opens any."""
        reasons = self.access.reasons
        present = [bit for bit in RELIEVABLE if (reasons & bit).any()]
        found: list[RefusedWay] = []
        for size in range(1, len(present) + 1):
            if size > 1 and (routes or found):
                break
            for lifted in combinations(present, size):
                directed = self.fastest((reasons & ~np.uint16(sum(lifted))) == 0)
                if directed is not None:
                    self._add(found, self.way(directed), routes, GAIN * fastest_s)
        everything = (reasons & ~np.uint16(sum(RELIEVABLE))) == 0
        for way in self.different_ways(everything, np.where(reasons, self.cost_s * AROUND, self.cost_s)):
            self._add(found, way, routes, np.inf)
        found.sort(key=lambda refused: (len(refused.reliefs), refused.way.running_s))
        return found[:MOST_ROUTES]

    def _add(self, found: list[RefusedWay], way: Way, routes: list[Way], below_s: float) -> None:
        barred = self.access.reasons[way.directed]
        if not barred.any():
            return
        if way.running_s >= below_s or (below_s == np.inf and any(self.same(way, other) for other in routes)):
            return
        bits = int(np.bitwise_or.reduce(barred))
        for known in found:
            other = int(np.bitwise_or.reduce(self.access.reasons[known.way.directed]))
            if other & ~bits == 0 and self.same(way, known.way):
                return
        found.append(RefusedWay(way, self.barriers(way), self.reliefs(way, bits)))

    def barriers(self, way: Way) -> list[Barrier]:
        """Return the stretches that forbid a way, in order of running."""
        places = self.points_of(way.directed)
        found: list[tuple[int, Barrier]] = []
        for bit in RELIEVABLE:
            barred = np.flatnonzero(self.access.reasons[way.directed] & bit)
            if not len(barred):
                continue
            for run in np.split(barred, np.flatnonzero(np.diff(barred) > 1) + 1):
                pieces = way.directed[run] >> 1
                found.append(
                    (
                        int(run[0]),
                        Barrier(
                            reason=REASONS[bit],
                            place=_between(places, int(run[0]), int(run[-1])),
                            track=self.network.tracks.name[int(self.network.pieces.track[pieces[0]])],
                            km=round(float(self.network.pieces.length_m[pieces].sum()) / 1000, 2),
                            limit=self.limit(bit, pieces),
                        ),
                    )
                )
        return [barrier for _, barrier in sorted(found, key=lambda item: item[0])]

    def reliefs(self, way: Way, bits: int) -> list[Relief]:
        """Return, for every reason along a way, what would take it away on the whole of it."""
        found = []
        for bit in RELIEVABLE:
            if bits & bit:
                pieces = way.directed[(self.access.reasons[way.directed] & bit) > 0] >> 1
                found.append(Relief(REASONS[bit], self.relief(bit, pieces)))
        return found

    def limit(self, bit: int, pieces: Ints) -> str:
        """Say what pieces allow in one respect."""
        permissions = self.network.permissions
        if bit == WIRE:
            return _names(VOLTAGES, _common(permissions.voltage[pieces])) or "no wire"
        if bit == PROTECTION:
            return _names(PROTECTIONS, _common(permissions.protection[pieces]))
        if bit == LOAD:
            row = access_rules().line_category[int(permissions.line_category[pieces].min())]
            return f"{row.name}: {row.axle_t:g} t an axle, {row.metre_t:g} t/m"
        if bit == LENGTH:
            return f"{float(permissions.max_train_m[pieces].min()):g} m"
        if bit == GAUGE:
            return GAUGES[int(permissions.gauge[pieces].min())]
        if bit == CLEARANCE:
            return f"half-width {wide_limit_mm(self.network, pieces):.0f} mm"
        return "no dangerous goods" if bit == DANGEROUS_GOODS else "no freight"

    def relief(self, bit: int, pieces: Ints) -> str:
        """Say what would take away one reason on pieces."""
        permissions = self.network.permissions
        if bit == WIRE:
            wires = permissions.voltage[pieces]
            names = sorted({_names(VOLTAGES, int(mask)) for mask in np.unique(wires) if mask})
            return "a diesel engine" + ("" if (wires == 0).any() else f", or one for {' and '.join(names)}")
        if bit == PROTECTION:
            masks = np.unique(permissions.protection[pieces])
            return f"an engine with {' and '.join(_names(PROTECTIONS, int(mask), ' or ') for mask in masks)}"
        if bit == LOAD:
            row = access_rules().line_category[int(permissions.line_category[pieces].min())]
            return f"at most {row.axle_t:g} t an axle and {row.metre_t:g} t/m"
        if bit == LENGTH:
            return f"at most {float(permissions.max_train_m[pieces].min()):g} m long"
        if bit == GAUGE:
            return f"within profile {GAUGES[int(permissions.gauge[pieces].min())]}"
        if bit == CLEARANCE:
            return f"a half-width of at most {wide_limit_mm(self.network, pieces):.0f} mm"
        return "without dangerous goods" if bit == DANGEROUS_GOODS else "a permission for freight"

    def reached(self, allowed: Bools) -> list[str]:
        """Return the points, at most three, that the train can reach and that lie nearest to its destination."""
        cost = np.where(allowed, self.cost_s, np.float32(np.inf)).astype(np.float32)
        out, _ = shortest_times(self.network, self.sources, cost)
        back, _ = shortest_times(self.network, self.targets, self.cost_s, reverse=True)
        left = np.minimum(
            np.where(np.isfinite(out), back, np.inf)[0::2], np.where(np.isfinite(out), back, np.inf)[1::2]
        )
        near: dict[int, float] = {}
        for point in np.unique(self.network.points.place_point):
            near[int(point)] = float(left[timing_pieces(self.network, int(point))].min())
        best = sorted((rest, point) for point, rest in near.items() if np.isfinite(rest))[:3]
        return [self.network.points.code[point] for _, point in best]


def _both_ways(pieces: Ints) -> Ints:
    return np.sort(np.concatenate([2 * pieces, 2 * pieces + 1])).astype(np.int32)


def _common(masks: npt.NDArray[np.uint8]) -> int:
    return int(np.bitwise_and.reduce(masks))


def _names(names: Iterable[str], mask: int, between: str = ", ") -> str:
    return between.join(name for bit, name in enumerate(names) if mask >> bit & 1)


def _between(places: list[tuple[int, str]], first: int, last: int) -> str:
    before = [code for position, code in places if position <= first]
    after = [code for position, code in places if position >= last and code not in before[-1:]]
    return f"{before[-1] if before else ''}-{after[0] if after else ''}"

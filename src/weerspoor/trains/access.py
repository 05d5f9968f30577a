"""May this train use this track: where it may go, how fast, where it may stand, what it keeps empty."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from weerspoor.common.errors import DataError
from weerspoor.network.model import (
    GAUGES,
    KIND_SECTION,
    LINE_CATEGORIES,
    PROTECTIONS,
    VOLTAGES,
    Bools,
    Floats,
    Ints,
    Network,
)
from weerspoor.network.points import directed_at_point
from weerspoor.network.routes import length_by_directed_piece, shortest_times, way_to
from weerspoor.trains import clearance

TABLE = Path(__file__).parents[1] / "data" / "access.toml"

GAUGE, LOAD, WIRE, PROTECTION, LENGTH, DANGEROUS_GOODS, FREIGHT, CLEARANCE, DIRECTION, AVOIDED, CLOSED, GRADIENT = (
    1 << bit for bit in range(12)
)
"""Why a train may not use a directed piece, as bits."""

REASONS = {
    GAUGE: "gauge",
    LOAD: "load",
    WIRE: "wire",
    PROTECTION: "protection",
    LENGTH: "length",
    DANGEROUS_GOODS: "dangerous_goods",
    FREIGHT: "freight",
    CLEARANCE: "clearance",
    DIRECTION: "direction",
    AVOIDED: "avoided",
    CLOSED: "closed",
    GRADIENT: "gradient",
}
"""The name of every reason; also the key of its text."""

DIESEL = "diesel"


class TrainLike(Protocol):
    """The characteristics of a train that decide on access; see :class:`weerspoor.trains.model.Train`."""

    @property
    def length_m(self) -> float:
        """Length of the whole train."""
        ...

    @property
    def traction(self) -> tuple[str, ...]:
        """``diesel`` or names of ``VOLTAGES``."""
        ...

    @property
    def protection(self) -> tuple[str, ...]:
        """Names of ``PROTECTIONS``."""
        ...

    @property
    def axle_load_t(self) -> float:
        """Greatest mass on an axle."""
        ...

    @property
    def metre_load_t(self) -> float:
        """Greatest mass per metre."""
        ...

    @property
    def load_half_width_mm(self) -> float:
        """Half-width of the load at rest."""
        ...

    @property
    def load_height_mm(self) -> float:
        """Height of the load above the rail."""
        ...

    @property
    def dangerous_goods(self) -> tuple[str, ...]:
        """RID classes."""
        ...

    @property
    def guarded(self) -> bool:
        """It carries a guard."""
        ...

    @property
    def gauge(self) -> str:
        """One of ``GAUGES``."""
        ...

    @property
    def is_freight(self) -> bool:
        """It runs by the rules of freight."""
        ...

    @property
    def is_passenger(self) -> bool:
        """It carries passengers of the public service."""
        ...

    @property
    def is_wide(self) -> bool:
        """Its load goes beyond the reference profile."""
        ...


class LineCategory(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A line category: greatest axle load and load per metre."""

    name: str
    axle_t: float
    metre_t: float
    certainty: str
    source: str


class FreightSpeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Highest speed of a freight train up to an axle load."""

    axle_t: float
    speed_kmh: float
    certainty: str
    source: str


class Stand(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who may stand at a platform."""

    dangerous_goods_at_platform: bool
    guarded_at_platform: bool
    certainty: str
    source: str


class AccessRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The rules beside the permissions of lines, see ``data/access.toml``."""

    line_category: list[LineCategory]
    freight_speed: list[FreightSpeed]
    stand: Stand


@cache
def access_rules(path: Path = TABLE) -> AccessRules:
    """Return the shipped rules.

    Raises
    ------
    DataError
        If the table is missing, a key of it is wrong, or a line category lacks.
    """
    try:
        rules = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), AccessRules)
    except (OSError, ValueError) as error:
        raise DataError(f"the access rules cannot be read: {error}", where=str(path)) from error
    if tuple(row.name for row in rules.line_category) != LINE_CATEGORIES:
        raise DataError("line categories must be in order", str(path), ", ".join(LINE_CATEGORIES))
    return rules


@dataclass(frozen=True)
class Access:
    """What a train may do on a network.

    Attributes
    ----------
    allowed : (2 n_pieces,) bool
        By directed piece.
    reasons : (2 n_pieces,) uint16
        Why not, bits of ``REASONS``; 0 where allowed.
    speed_cap_kmh : (2 n_pieces,) float32
        Limit for this train beside that of the track; infinite where none.
    may_stop : (2 n_pieces,) bool
        It may stand with its head at the exit.
    stop_rows : (k,) int32
        The rows of ``Network.stops`` at which it may stand.
    keep_start : (n_pieces + 1,) int32
        CSR offsets by piece of ``keep_zone`` and ``keep_mask``.
    keep_zone : (k,) int32
        Zones that must be empty while it is on the piece.
    keep_mask : (k,) uint8
        Of which trains, ``KEEP_*`` bits.
    """

    allowed: Bools
    reasons: npt.NDArray[np.uint16]
    speed_cap_kmh: Floats
    may_stop: Bools
    stop_rows: Ints
    keep_start: Ints
    keep_zone: Ints
    keep_mask: npt.NDArray[np.uint8]


def access(
    network: Network,
    train: TrainLike,
    *,
    avoid_points: Iterable[int] = (),
    stand_avoid: Iterable[int] = (),
    closed: Bools | None = None,
    steep: Iterable[tuple[str, str]] = (),
) -> Access:
    """Decide where a train may go, how fast, where it may stand, and what it keeps empty.

    Parameters
    ----------
    network : Network
    train : TrainLike
    avoid_points : iterable of int
        Operational points whose tracks it does not use.
    stand_avoid : iterable of int
        Operational points where it does not stand.
    closed : (n_pieces,) bool, optional
        Pieces closed all the time.
    steep : iterable of (str, str)
        Codes of points between which it cannot start.
    """
    by_piece = _piece_reasons(network, train)
    avoided = list(avoid_points)
    if avoided:
        by_piece[point_pieces(network, avoided)] |= AVOIDED
    if closed is not None:
        by_piece[closed] |= CLOSED
    for ends in steep:
        by_piece[pieces_between(network, *ends)] |= GRADIENT
    reasons = np.repeat(by_piece, 2)
    reasons[_wrong_way(network)] |= DIRECTION
    allowed = reasons == 0
    stop_rows = _stop_rows(network, train, list(stand_avoid))
    stop_rows = stop_rows[allowed[network.stops.directed[stop_rows]]]
    may_stop = np.zeros(len(allowed), dtype=bool)
    may_stop[network.stops.directed[stop_rows]] = True
    keep_start, keep_zone, keep_mask = _keep(network, train)
    return Access(
        allowed=allowed,
        reasons=reasons,
        speed_cap_kmh=np.repeat(_speed_cap_kmh(network, train), 2),
        may_stop=may_stop,
        stop_rows=stop_rows,
        keep_start=keep_start,
        keep_zone=keep_zone,
        keep_mask=keep_mask,
    )


def wide_load_km(network: Network, half_width_mm: float) -> dict[str, float]:
    """Return on how many kilometres of track each decision on a wide load holds.

    Parameters
    ----------
    network : Network
    half_width_mm : float

    Returns
    -------
    dict of str to float
        ``free``, ``no_meeting_wide``, ``no_meeting_passenger``, ``no_meeting`` and ``not_allowed`` divide the whole;
        ``speed_limit``, ``no_platform_track`` (no place to stand) and the rules of single places,
        ``place_no_platform_track``, ``place_track_fixed``, ``place_speed_limit``, ``place_not_allowed``, come on top.
    """
    length_km = network.pieces.length_m.astype(np.float64) / 1000
    decided = clearance.decisions(network, half_width_mm)
    found = {item.name.lower(): float(length_km[decided == item].sum()) for item in clearance.Decision}
    found["speed_limit"] = float(length_km[np.isfinite(_wide_speed_cap_kmh(network, half_width_mm))].sum())
    platform = clearance.clearance().platform
    overhangs = half_width_mm / 1000 - platform.edge_half_width_m > platform.overhang_m
    beside = clearance.beside(network).platform
    found["no_platform_track"] = float(length_km[beside].sum()) if overhangs else 0.0
    for name in clearance.PLACE_RULES:
        at = np.zeros(network.n_pieces, dtype=bool)
        for rule, pieces in _place_rules(network):
            if rule.rule == name and half_width_mm >= rule.from_half_width_mm:
                at[pieces] = True
        found[f"place_{name}"] = float(length_km[at].sum())
    return {name: round(km, 1) for name, km in found.items()}


def voltage_mask(traction: Sequence[str]) -> int:
    """Return the wires that an engine can use, as bits over ``VOLTAGES``; all bits when it needs none."""
    if DIESEL in traction:
        return 0xFF
    return sum(1 << VOLTAGES.index(name) for name in traction)


def protection_mask(protection: Sequence[str]) -> int:
    """Return the train protection that an engine has, as bits over ``PROTECTIONS``."""
    return sum(1 << PROTECTIONS.index(name) for name in protection)


def line_category_limits() -> dict[str, tuple[float, float]]:
    """Return the greatest axle load and load per metre, both in tonnes, of every line category."""
    return {row.name: (row.axle_t, row.metre_t) for row in access_rules().line_category}


def line_categories(axle_load_t: float, metre_load_t: float) -> Bools:
    """Tell, for every one of ``LINE_CATEGORIES``, whether it carries these loads."""
    rows = access_rules().line_category
    return np.array([axle_load_t <= row.axle_t and metre_load_t <= row.metre_t for row in rows])


def gauge_index(gauge: str, load_height_mm: float) -> int:
    """Return the least of ``GAUGES`` that takes a train, one past the last when none does.

    Profiles differ in the upper corners and in height; the width is a matter of clearance.
    """
    heights = {row.gauge: row.height_m for row in clearance.clearance().height}
    least = GAUGES.index(gauge)
    fitting = [i for i, name in enumerate(GAUGES) if i >= least and load_height_mm / 1000 <= heights[name]]
    return fitting[0] if fitting else len(GAUGES)


def point_pieces(network: Network, points: Iterable[int]) -> Ints:
    """Return the pieces that lie, by more than a metre, in a stretch that belongs to one of the points."""
    places = network.points
    wanted = np.isin(places.place_point, np.fromiter(points, dtype=np.int32))
    return clearance.stretch_pieces(
        network, places.place_track[wanted], places.place_from_m[wanted], places.place_to_m[wanted], least_m=1.0
    )


def pieces_between(network: Network, from_point: str, to_point: str) -> Ints:
    """Return the pieces of the shortest way between two points and those beside it; none if there is no such way."""
    key = f"access.between.{from_point}.{to_point}"
    known = network.cache.get(key)
    if isinstance(known, np.ndarray):
        return known
    codes = [code.casefold() for code in network.points.code]
    found = np.zeros(0, np.int32)
    if from_point.casefold() in codes and to_point.casefold() in codes:
        start, end = (directed_at_point(network, codes.index(code.casefold())) for code in (from_point, to_point))
        dist, parent = shortest_times(network, start, length_by_directed_piece(network))
        if len(end) and np.isfinite(dist[end]).any():
            way = np.unique(way_to(parent, int(end[np.argmin(dist[end])])) >> 1).astype(np.int32)
            found = with_beside(network, way)
    network.cache[key] = found
    return found


def with_beside(network: Network, pieces: Ints, within_m: float = np.inf) -> Ints:
    """Return pieces with those beside them within a distance between centre lines."""
    neighbours = network.neighbours
    rows = np.concatenate(
        [np.arange(neighbours.start[piece], neighbours.start[piece + 1]) for piece in pieces.tolist()]
        or [np.zeros(0, np.int64)]
    )
    rows = rows[neighbours.distance_m[rows] <= within_m]
    return np.union1d(pieces, neighbours.piece[rows]).astype(np.int32)


def wide_limit_mm(network: Network, pieces: Ints) -> float:
    """Return the greatest half-width of a load, in millimetres, that may use all of the pieces."""
    table = clearance.clearance()
    space_m = table.infrastructure.free_half_width_m - table.infrastructure.least_gap_m
    limit = 1000 * (space_m - float(clearance.envelope_m(0.0, network.pieces.radius_m[pieces]).max()))
    for rule, banned in _place_rules(network):
        if rule.rule != "speed_limit" and np.isin(pieces, banned).any():
            limit = min(limit, rule.from_half_width_mm - 1)
    return limit


def _piece_reasons(network: Network, train: TrainLike) -> npt.NDArray[np.uint16]:
    permissions = network.permissions
    reasons = np.zeros(network.n_pieces, dtype=np.uint16)
    if (wires := voltage_mask(train.traction)) != 0xFF:
        reasons[(permissions.voltage & np.uint8(wires)) == 0] |= WIRE
    fitted = np.uint8(protection_mask(train.protection))
    reasons[((permissions.protection & fitted) == 0) & (permissions.protection != 0)] |= PROTECTION
    carries = line_categories(train.axle_load_t, train.metre_load_t)
    reasons[~carries[permissions.line_category]] |= LOAD
    reasons[permissions.max_train_m < train.length_m] |= LENGTH
    if (gauge := gauge_index(train.gauge, train.load_height_mm)) > 0:
        reasons[permissions.gauge < gauge] |= GAUGE
    if train.dangerous_goods:
        reasons[~permissions.dangerous_goods] |= DANGEROUS_GOODS
    if train.is_freight:
        reasons[~permissions.freight] |= FREIGHT
    if train.is_wide:
        reasons[clearance.not_allowed(train.load_half_width_mm, network.pieces.radius_m)] |= CLEARANCE
        reasons[_place_bans(network, train.load_half_width_mm)] |= CLEARANCE
    return reasons


def _wrong_way(network: Network) -> Bools:
    known = network.cache.get("access.wrong_way")
    if not isinstance(known, np.ndarray):
        known = ~network.pieces.right_hand & ~np.repeat(network.permissions.left_allowed, 2)
        network.cache["access.wrong_way"] = known
    return known


def _stop_rows(network: Network, train: TrainLike, stand_avoid: list[int]) -> Ints:
    stops = network.stops
    fits = stops.usable_m >= train.length_m
    rules = access_rules().stand
    platform = clearance.clearance().platform
    overhang_m = train.load_half_width_mm / 1000 - platform.edge_half_width_m
    kept_from_people = (train.dangerous_goods and not rules.dangerous_goods_at_platform) or (
        train.guarded and not rules.guarded_at_platform
    )
    if not train.is_passenger and (kept_from_people or (train.is_wide and overhang_m > platform.overhang_m)):
        fits &= stops.platform_m <= 0
    if stand_avoid:
        fits &= ~np.isin(stops.point, np.array(stand_avoid, dtype=np.int32))
    return np.flatnonzero(fits).astype(np.int32)


def _speed_cap_kmh(network: Network, train: TrainLike) -> Floats:
    cap = np.full(network.n_pieces, np.inf, dtype=np.float32)
    if train.is_freight:
        for row in access_rules().freight_speed:
            if train.axle_load_t <= row.axle_t:
                cap[:] = row.speed_kmh
                break
    if train.is_wide:
        np.minimum(cap, _wide_speed_cap_kmh(network, train.load_half_width_mm), out=cap)
    return cap


def _wide_speed_cap_kmh(network: Network, half_width_mm: float) -> Floats:
    key = f"access.speed_cap.{half_width_mm:.1f}"
    known = network.cache.get(key)
    if isinstance(known, np.ndarray):
        return known
    cap = clearance.speed_cap_kmh(network, half_width_mm)
    for rule, pieces in _place_rules(network):
        if rule.rule == "speed_limit" and half_width_mm >= rule.from_half_width_mm:
            cap[pieces] = np.minimum(cap[pieces], rule.speed_kmh)
    network.cache[key] = cap
    return cap


def _place_bans(network: Network, half_width_mm: float) -> Bools:
    banned = np.zeros(network.n_pieces, dtype=bool)
    for rule, pieces in _place_rules(network):
        if rule.rule != "speed_limit" and half_width_mm >= rule.from_half_width_mm:
            banned[pieces] = True
    return banned


def _place_rules(network: Network) -> list[tuple[clearance.PlaceRule, Ints]]:
    """Return every rule of a place with the pieces it speaks of: limited, or not to be used."""
    known = network.cache.get("access.place_rules")
    if isinstance(known, list):
        return known
    found = [(rule, rule_pieces(network, rule)) for rule in clearance.place_rules()]
    network.cache["access.place_rules"] = found
    return found


def rule_pieces(network: Network, rule: clearance.PlaceRule) -> Ints:
    """Return the pieces that a rule of a place limits or forbids; none when the point is not in the network."""
    points = [point for point, code in enumerate(network.points.code) if code.lower() == rule.point.lower()]
    pieces = point_pieces(network, points)
    names = [network.pieces.name[piece] for piece in pieces]
    listed = np.array([name in rule.tracks for name in names], dtype=bool)
    if rule.rule == "track_fixed":
        chosen = (network.pieces.kind[pieces] == KIND_SECTION) & ~listed
        chosen &= np.array([bool(name) for name in names], dtype=bool)
    else:
        chosen = listed | (not rule.tracks)
    if rule.rule == "no_platform_track":
        chosen &= clearance.beside(network).platform[pieces]
    return np.asarray(pieces[chosen], dtype=np.int32)


def _keep(network: Network, train: TrainLike) -> tuple[Ints, Ints, npt.NDArray[np.uint8]]:
    if not train.is_wide:
        start = np.zeros(network.n_pieces + 1, dtype=np.int32)
        return start, np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.uint8)
    key = f"access.keep.{train.load_half_width_mm:.1f}"
    known = network.cache.get(key)
    if not isinstance(known, tuple):
        known = clearance.keep_empty(network, train.load_half_width_mm)
        network.cache[key] = known
    return known

"""What a wide load needs beside it: envelopes, meetings, places with a speed limit or a ban.

The values are those of ``data/clearance.toml``, working values each with its reasoning. The load's envelope is its
half-width, what it moves, and its overthrow in the curve; it must keep a gap to the envelope of what it meets.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from weerspoor.common.columns import array_of
from weerspoor.common.errors import DataError
from weerspoor.kernel.graph import KEEP_ALL, KEEP_PASSENGER, KEEP_WIDE
from weerspoor.network.model import KIND_OPEN_LINE, Bools, Floats, Ints, Network

TABLE = Path(__file__).parents[1] / "data" / "clearance.toml"
DISTANCES = TABLE.with_name("neighbour_distances.parquet")
PLACES = TABLE.with_name("clearance_places.toml")

Masks = npt.NDArray[np.uint8]


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    certainty: str
    source: str


class Neighbourhood(_Row, frozen=True, kw_only=True):
    """How neighbour tracks are found in the geometry; used when the tables are made."""

    reach_m: float
    step_m: float
    slope: float
    joined_m: float
    fouling_m: float
    clear_of_points_m: float
    separation_m: float


class Curve(_Row, frozen=True, kw_only=True):
    """Growth of the reference profile in curves: ``projection_m2 / radius``."""

    projection_m2: float


class Reference(_Row, frozen=True, kw_only=True):
    """The reference profile of an ordinary train."""

    half_width_m: float
    curve: Curve


class Load(_Row, frozen=True, kw_only=True):
    """Movement of a wide load and the wagon it stands on."""

    movement_m: float
    pivot_distance_m: float
    bogie_base_m: float
    overhang_m: float


class Meeting(_Row, frozen=True, kw_only=True):
    """Gap that must remain when the load meets any train, a passenger train, another wide load."""

    all_m: float
    passenger_m: float
    wide_m: float


class Infrastructure(_Row, frozen=True, kw_only=True):
    """Fixed objects beside the track."""

    free_half_width_m: float
    least_gap_m: float


class Platform(_Row, frozen=True, kw_only=True):
    """Platform edges: from which overhang they limit the speed and forbid to stand."""

    edge_half_width_m: float
    overhang_m: float
    speed_kmh: float
    tight_radius_m: float
    tight_speed_kmh: float


class Structure(_Row, frozen=True, kw_only=True):
    """A kind of object with a speed limit for a load that comes close to it."""

    object: str
    from_length_m: float
    gap_m: float
    speed_kmh: float


class Height(_Row, frozen=True, kw_only=True):
    """Greatest height of a load in a profile."""

    gauge: str
    height_m: float


class Clearance(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The clearance table, see ``data/clearance.toml``."""

    neighbours: Neighbourhood
    reference: Reference
    load: Load
    meeting: Meeting
    infrastructure: Infrastructure
    platform: Platform
    structure: list[Structure]
    height: list[Height]


class PlaceRule(_Row, frozen=True, kw_only=True):
    """A rule of one place for wide loads.

    Attributes
    ----------
    point : str
        Code of an operational point.
    rule : str
        ``no_platform_track``: not through its platform tracks; ``track_fixed``: of its named tracks only those in
        ``tracks``; ``speed_limit``: at most ``speed_kmh``; ``not_allowed``.
    from_half_width_mm : float
        Loads at least this wide.
    tracks : list of str
        Names of tracks; for other rules than ``track_fixed`` empty means all.
    speed_kmh : float
    """

    point: str
    rule: str
    from_half_width_mm: float
    tracks: list[str] = []
    speed_kmh: float = 0.0


PLACE_RULES = ("no_platform_track", "track_fixed", "speed_limit", "not_allowed")


class Decision(IntEnum):
    """What a stretch of track means for a wide load, from free to not allowed."""

    FREE = 0
    NO_MEETING_WIDE = 1
    NO_MEETING_PASSENGER = 2
    NO_MEETING = 3
    NOT_ALLOWED = 4


@cache
def clearance(path: Path = TABLE) -> Clearance:
    """Return the shipped clearance table.

    Raises
    ------
    DataError
        If the table is missing or a key of it is wrong.
    """
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Clearance)
    except (OSError, ValueError) as error:
        raise DataError(f"the clearance table cannot be read: {error}", where=str(path)) from error


@cache
def place_rules(path: Path = PLACES) -> tuple[PlaceRule, ...]:
    """Return the rules of single places for wide loads.

    Raises
    ------
    DataError
        If the table is missing, a key of it is wrong, or a rule has an unknown name.
    """
    try:
        rules = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8"))["place"], list[PlaceRule])
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"the rules of places cannot be read: {error}", where=str(path)) from error
    for rule in rules:
        if rule.rule not in PLACE_RULES:
            raise DataError(
                f"unknown rule {rule.rule!r} at {rule.point}", str(path), f"one of {', '.join(PLACE_RULES)}"
            )
    return tuple(rules)


def overthrow_m(radius_m: Floats, pivot_distance_m: float, bogie_base_m: float, overhang_m: float) -> Floats:
    """Return how far a vehicle reaches out of the centre line of a curve, the greater of both sides, in metres.

    With pivots ``a`` apart on bogies of base ``p``, the middle of the body lies ``a² / 8R + p² / 8R`` inside, and a
    point ``n`` beyond a pivot ``(a n + n²) / 2R - p² / 8R`` outside the centre line (EN 15273-1, geometric overthrow).

    Parameters
    ----------
    radius_m : array
        Infinite on straight track.
    pivot_distance_m, bogie_base_m, overhang_m : float
    """
    radius = np.maximum(np.asarray(radius_m, dtype=np.float64), 1.0)
    bogie = bogie_base_m**2 / 8
    inside = pivot_distance_m**2 / 8 + bogie
    outside = (pivot_distance_m * overhang_m + overhang_m**2) / 2 - bogie
    return (max(inside, outside) / radius).astype(np.float32)


def envelope_m(half_width_mm: float, radius_m: Floats, table: Clearance | None = None) -> Floats:
    """Return the half-width that a load takes in a curve, movement and overthrow included, in metres."""
    load = (table or clearance()).load
    reach = overthrow_m(radius_m, load.pivot_distance_m, load.bogie_base_m, load.overhang_m)
    return (half_width_mm / 1000 + load.movement_m + reach).astype(np.float32)


def required_m(half_width_mm: float, radius_m: Floats, table: Clearance | None = None) -> tuple[Floats, Floats, Floats]:
    """Return the distance between centre lines from which the load may meet any train, passengers, a wide load.

    Parameters
    ----------
    half_width_mm : float
        Of the load at rest. Another wide load is taken to be as wide.
    radius_m : array
        Radius of the tighter of the two tracks.
    table : Clearance, optional
        The shipped one when left out.

    Returns
    -------
    any_m, passenger_m, wide_m : arrays like ``radius_m``
    """
    table = table or clearance()
    own = envelope_m(half_width_mm, radius_m, table)
    radius = np.maximum(np.asarray(radius_m, dtype=np.float64), 1.0)
    ordinary = (table.reference.half_width_m + table.reference.curve.projection_m2 / radius).astype(np.float32)
    meeting = table.meeting
    return (
        own + ordinary + np.float32(meeting.all_m),
        own + ordinary + np.float32(meeting.passenger_m),
        own + own + np.float32(meeting.wide_m),
    )


def keep_mask(half_width_mm: float, distance_m: Floats, radius_m: Floats, table: Clearance | None = None) -> Masks:
    """Return, for a load beside a track at a distance, the trains (``KEEP_*`` bits) that it must not meet there."""
    any_m, passenger_m, wide_m = required_m(half_width_mm, radius_m, table)
    mask = np.where(distance_m < wide_m, np.uint8(KEEP_WIDE), np.uint8(0))
    mask |= np.where(distance_m < passenger_m, np.uint8(KEEP_PASSENGER), np.uint8(0))
    mask[distance_m < any_m] = KEEP_ALL
    return mask.astype(np.uint8)


def not_allowed(half_width_mm: float, radius_m: Floats, table: Clearance | None = None) -> Bools:
    """Tell where the load comes too close to fixed objects beside the track."""
    table = table or clearance()
    gap = table.infrastructure.free_half_width_m - envelope_m(half_width_mm, radius_m, table)
    return np.asarray(gap < table.infrastructure.least_gap_m, dtype=np.bool_)


@dataclass(frozen=True)
class Beside:
    """What of a network matters to every wide load; made once a network.

    Attributes
    ----------
    piece, zone : (k,) int32
        A piece and the zone of a piece beside it, in order of both; only those that a load may have to keep empty that
        itself fits between the fixed objects.
    distance_m, radius_m : (k,) float32
        Distance between the two, radius of the tighter.
    platform : (n_pieces,) bool
        A platform lies beside it.
    structures : list of (n_pieces,) bool
        For every row of ``structure`` in the clearance table: the pieces with such an object.
    """

    piece: Ints
    zone: Ints
    distance_m: Floats
    radius_m: Floats
    platform: Bools
    structures: list[Bools]


def beside(network: Network) -> Beside:
    """Return the neighbours, platforms and structures of a network in the form that the decisions need."""
    known = network.cache.get("clearance.beside")
    if isinstance(known, Beside):
        return known
    table = clearance()
    neighbours, pieces = network.neighbours, network.pieces
    piece = np.repeat(np.arange(network.n_pieces, dtype=np.int32), np.diff(neighbours.start))
    zone = pieces.zone[neighbours.piece]
    radius = np.minimum(pieces.radius_m[piece], pieces.radius_m[neighbours.piece])
    other = zone != pieces.zone[piece]
    gaps = table.meeting
    farthest_m = 2 * table.infrastructure.free_half_width_m + max(gaps.all_m, gaps.passenger_m, gaps.wide_m)
    counts = other & (neighbours.distance_m < farthest_m)
    order = np.lexsort((zone, piece))
    order = order[counts[order]]
    found = Beside(
        piece=piece[order],
        zone=zone[order],
        distance_m=neighbours.distance_m[order],
        radius_m=radius[order],
        platform=platform_pieces(network),
        structures=[_with_object(network, row.object, row.from_length_m) for row in table.structure],
    )
    network.cache["clearance.beside"] = found
    return found


def stretch_pieces(network: Network, track: Ints, from_m: Floats, to_m: Floats, least_m: float = 0.0) -> Ints:
    """Return the pieces that lie, by more than ``least_m``, in one of the stretches of track, in order.

    Parameters
    ----------
    network : Network
    track : (k,) int32
    from_m, to_m : (k,) float32
        Chainages.
    least_m : float
    """
    pieces = network.pieces
    known = network.cache.get("clearance.ends")
    if not isinstance(known, tuple):
        span = float(network.tracks.length_m.max()) + 1000.0
        first = np.searchsorted(pieces.track, np.arange(len(network.tracks.name) + 1))
        known = (span, pieces.track * span + pieces.to_m.astype(np.float64), first)
        network.cache["clearance.ends"] = known
    span, ends, first = known
    low = np.searchsorted(ends, track * span + from_m, side="right")
    high = np.searchsorted(ends, track * span + to_m, side="left") + 1
    low, high = np.maximum(low, first[track]), np.minimum(high, first[track + 1])
    count = np.maximum(high - low, 0)
    row = np.repeat(np.arange(len(track)), count)
    piece = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + low[row]
    inside = np.minimum(pieces.to_m[piece], to_m[row]) - np.maximum(pieces.from_m[piece], from_m[row])
    found = np.zeros(network.n_pieces, dtype=bool)
    found[piece[inside > least_m]] = True
    return np.flatnonzero(found).astype(np.int32)


def platform_pieces(network: Network) -> Bools:
    """Tell which pieces lie beside a platform: those that a train at a stop with a platform stands on."""
    pieces, stops = network.pieces, network.stops
    at = stops.platform_m > 0
    piece, falling = stops.directed[at] >> 1, (stops.directed[at] & 1).astype(bool)
    from_m = np.where(falling, pieces.from_m[piece], pieces.to_m[piece] - stops.platform_m[at])
    to_m = np.where(falling, pieces.from_m[piece] + stops.platform_m[at], pieces.to_m[piece])
    found = np.zeros(network.n_pieces, dtype=bool)
    found[stretch_pieces(network, pieces.track[piece], from_m, to_m)] = True
    return found


def _with_object(network: Network, kind: str, from_length_m: float) -> Bools:
    """Tell which pieces have an object of a kind at least so long."""
    objects = network.objects
    chosen = np.array([name == kind for name in objects.kind], dtype=bool)
    chosen &= objects.to_m - objects.from_m >= from_length_m
    found = np.zeros(network.n_pieces, dtype=bool)
    found[stretch_pieces(network, objects.track[chosen], objects.from_m[chosen], objects.to_m[chosen])] = True
    return found


def keep_empty(network: Network, half_width_mm: float) -> tuple[Ints, Ints, Masks]:
    """Return which zones must be empty of which trains while a wide load is on a piece.

    Returns
    -------
    start : (n_pieces + 1,) int32
        CSR offsets by piece.
    zone : (k,) int32
    mask : (k,) uint8
        ``KEEP_*`` bits.
    """
    known = beside(network)
    mask = keep_mask(half_width_mm, known.distance_m, known.radius_m)
    some = mask > 0
    piece, zone, mask = known.piece[some], known.zone[some], mask[some]
    if len(piece):
        new = np.flatnonzero(np.r_[True, (piece[1:] != piece[:-1]) | (zone[1:] != zone[:-1])])
        piece, zone, mask = piece[new], zone[new], np.bitwise_or.reduceat(mask, new).astype(np.uint8)
    start = np.zeros(network.n_pieces + 1, dtype=np.int32)
    np.cumsum(np.bincount(piece, minlength=network.n_pieces), out=start[1:])
    return start, zone, mask


def speed_cap_kmh(network: Network, half_width_mm: float) -> Floats:
    """Return the speed limit of a wide load on every piece from platforms and structures; infinite where none."""
    table, known = clearance(), beside(network)
    radius = network.pieces.radius_m
    cap = np.full(network.n_pieces, np.inf, dtype=np.float32)
    if half_width_mm / 1000 - table.platform.edge_half_width_m > table.platform.overhang_m:
        tight = radius < table.platform.tight_radius_m
        at_platform = np.where(tight, table.platform.tight_speed_kmh, table.platform.speed_kmh)
        cap = np.where(known.platform, at_platform, cap).astype(np.float32)
    gap = table.infrastructure.free_half_width_m - envelope_m(half_width_mm, radius)
    for row, there in zip(table.structure, known.structures, strict=True):
        cap[there & (gap < row.gap_m)] = np.minimum(cap[there & (gap < row.gap_m)], row.speed_kmh)
    return cap


def decisions(network: Network, half_width_mm: float, shift_m: float = 0.0) -> npt.NDArray[np.uint8]:
    """Return the :class:`Decision` of every piece, with all required distances ``shift_m`` greater."""
    known = beside(network)
    mask = keep_mask(half_width_mm, known.distance_m - np.float32(shift_m), known.radius_m)
    found = np.zeros(network.n_pieces, dtype=np.uint8)
    for bit, decision in (
        (KEEP_WIDE, Decision.NO_MEETING_WIDE),
        (KEEP_PASSENGER, Decision.NO_MEETING_PASSENGER),
    ):
        found[known.piece[(mask & bit) > 0]] = decision
    found[known.piece[mask == KEEP_ALL]] = Decision.NO_MEETING
    found[not_allowed(half_width_mm, network.pieces.radius_m)] = Decision.NOT_ALLOWED
    return found


@dataclass(frozen=True)
class Share:
    """Share of open-line kilometres with each decision, with the required distances shifted.

    Attributes
    ----------
    shift_m : float
    share : dict of Decision to float
    """

    shift_m: float
    share: dict[Decision, float]


def shares(network: Network, half_width_mm: float, shifts_m: tuple[float, ...] = (-0.10, 0.0, 0.10)) -> list[Share]:
    """Return how the decisions on open line change when every required distance is shifted, such as by 10 cm."""
    open_line = network.pieces.kind == KIND_OPEN_LINE
    length = network.pieces.length_m * open_line
    total = max(float(length.sum()), 1e-9)
    found = []
    for shift_m in shifts_m:
        weight = np.bincount(decisions(network, half_width_mm, shift_m), weights=length, minlength=len(Decision))
        found.append(Share(shift_m, {decision: float(weight[decision]) / total for decision in Decision}))
    return found


def distance_shares(
    limits_m: tuple[float, ...] = (3.90, 4.00, 4.10, 4.20), path: Path = DISTANCES
) -> dict[float, float]:
    """Return, for each limit, the share of open-line metres whose nearest neighbour track lies nearer than that.

    Measured every 10 m, so finer than :func:`shares`, in which the nearest place of a block decides for the block.

    Raises
    ------
    DataError
        If the table of distances is missing or damaged.
    """
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, use_threads=False)
    except OSError as error:
        raise DataError(f"the table of distances cannot be read: {error}", where=str(path)) from error
    distance_m, length_m = array_of(table["distance_m"]), array_of(table["length_m"])
    total = float(length_m.sum())
    return {limit: float(length_m[distance_m < limit - 0.005].sum()) / total for limit in limits_m}

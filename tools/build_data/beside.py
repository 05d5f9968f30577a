"""Neighbour tracks and objects: pieces that run beside each other; crossings, viaducts, bridges, tunnels."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import shapely

from tools.build_data.source import DESCRIBED, LICENCE, geometry, length_m, number, rows, track_rows
from tools.build_data.tables import DATA, Column, write_table
from weerspoor.network.model import KIND_OPEN_LINE

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

POINTS_SLOPE = 1 / 7
"""Tracks part no faster than this in the sharpest points; what is further off is not beside points."""

OBJECT_KINDS = {
    "Overweg": "level_crossing",
    "Betonnen spoorviaduct": "viaduct",
    "Stalen spoorbrug": "steel_bridge",
    "Tunnelconstructie": "tunnel",
}


@dataclass(frozen=True)
class Rules:
    """How neighbours are found; see ``[neighbours]`` in clearance.toml for the meaning of each value."""

    reach_m: float
    step_m: float
    slope: float
    joined_m: float
    fouling_m: float
    clear_of_points_m: float
    separation_m: float


@dataclass(frozen=True)
class Samples:
    """Places along tracks: track, chainage, and the piece they lie on."""

    track: Ints
    at_m: Floats
    piece: Ints


@dataclass(frozen=True)
class Near:
    """One row for a sample and a track beside it; ``x``, ``y`` is the place of the sample."""

    track: Ints
    at_m: Floats
    piece: Ints
    other: Ints
    other_at_m: Floats
    distance_m: Floats
    x: Floats
    y: Floats

    def take(self, rows: Ints | Bools) -> Near:
        """Return the chosen rows."""
        return Near(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Spots:
    """Places (shapely points) where two tracks come together."""

    at: npt.NDArray[np.object_]
    track: Ints
    other: Ints


def rules() -> Rules:
    """Return the rules of the shipped clearance table."""
    values = tomllib.loads((DATA / "clearance.toml").read_text(encoding="utf-8"))["neighbours"]
    return Rules(**{name: float(values[name]) for name in Rules.__dataclass_fields__})


def samples(track: Ints, from_m: Floats, to_m: Floats, step_m: float) -> Samples:
    """Return places at equal distances of at most ``step_m`` in the middle of parts of every piece."""
    count = np.maximum(np.ceil((to_m - from_m) / step_m), 1).astype(np.int64)
    piece = np.repeat(np.arange(len(track)), count)
    order = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    at_m = from_m[piece] + (order + 0.5) * ((to_m - from_m) / count)[piece]
    return Samples(track[piece], at_m, piece)


def near(lines: npt.NDArray[np.object_], lengths_m: Floats, places: Samples, how: Rules) -> Near:
    """Return, for every sample, the tracks that run beside it within reach, each at its nearest.

    Parameters
    ----------
    lines : (n,) array of shapely LineString
        The centre lines of the tracks, metres.
    lengths_m : (n,) array
        Their lengths in the measure of the chainages.
    places : Samples
    how : Rules
    """
    xy, track = shapely.get_coordinates(lines, return_index=True)
    inside = track[1:] == track[:-1]
    start, end, of = xy[:-1][inside], xy[1:][inside], track[:-1][inside]
    length = np.hypot(*(end - start).T)
    whole = length > 0.01
    start, end, of, length = start[whole], end[whole], of[whole], length[whole]
    run = np.concatenate([[0.0], np.cumsum(length)])[:-1]
    first = np.flatnonzero(np.r_[True, of[1:] != of[:-1]])
    run -= np.repeat(run[first], np.diff(np.r_[first, len(of)]))
    scale = lengths_m / np.maximum(shapely.length(lines), 1e-6)
    unit = (end - start) / length[:, None]
    drawn = places.at_m / np.maximum(scale, 1e-9)[places.track]
    last = np.searchsorted(of, places.track, side="right") - 1
    far = float(shapely.length(lines).max()) + 1.0
    under = np.searchsorted(of * far + run, places.track * far + drawn, side="right") - 1
    under = np.clip(under, np.searchsorted(of, places.track), last)
    tangent = unit[under]
    at = start[under] + (drawn - run[under])[:, None] * tangent
    point = shapely.points(at)
    tree = shapely.STRtree(shapely.linestrings(np.stack([start, end], axis=1)))
    sample, segment = tree.query(point, predicate="dwithin", distance=how.reach_m)
    different = places.track[sample] != of[segment]
    sample, segment = sample[different], segment[different]
    along = np.clip(((at[sample] - start[segment]) * unit[segment]).sum(axis=1), 0.0, length[segment])
    offset = at[sample] - start[segment] - along[:, None] * unit[segment]
    distance = np.hypot(*offset.T)
    sine = np.abs(unit[segment, 0] * tangent[sample, 1] - unit[segment, 1] * tangent[sample, 0])
    past_end = np.abs((offset * tangent[sample]).sum(axis=1))
    level = (sine < how.slope) & (past_end < 0.5 + how.slope * 1.1 * distance)
    sample, segment, along, distance = sample[level], segment[level], along[level], distance[level]
    order = np.lexsort((distance, of[segment], sample))
    sample, segment, along, distance = sample[order], segment[order], along[order], distance[order]
    new = np.ones(len(sample), dtype=bool)
    new[1:] = (sample[1:] != sample[:-1]) | (of[segment][1:] != of[segment][:-1])
    sample, segment, along, distance = sample[new], segment[new], along[new], distance[new]
    other = of[segment]
    return Near(
        track=places.track[sample],
        at_m=places.at_m[sample],
        piece=places.piece[sample],
        other=other,
        other_at_m=(run[segment] + along) * scale[other],
        distance_m=distance,
        x=at[sample, 0],
        y=at[sample, 1],
    )


def linked_tracks(names: list[str]) -> Ints:
    """Return the pairs of tracks that follow each other, each with itself too, as sorted ``a * n + b``."""
    index = {name: number_ for number_, name in enumerate(names)}
    n = len(names)
    pairs = {i * n + i for i in range(n)}
    for row in rows("SPOORTAK_TOPO"):
        a, b = index.get(row["SPOORTAK_IDENTIFICATIE"]), index.get(row["SPOORTAK_ASL"])
        if a is not None and b is not None:
            pairs |= {a * n + b, b * n + a}
    return np.array(sorted(pairs), dtype=np.int64)


def _within(found: Near, spots: Spots, reach_m: float, linked: Ints, n_tracks: int) -> Bools:
    """Tell which rows lie within reach of a spot whose two tracks are, or follow, the two tracks of the row."""
    hit = np.zeros(len(found.track), dtype=bool)
    tree = shapely.STRtree(spots.at)
    for part in np.array_split(np.arange(len(found.track)), max(len(found.track) // 200_000, 1)):
        row, spot = tree.query(shapely.points(found.x[part], found.y[part]), predicate="dwithin", distance=reach_m)
        row = part[row]
        for a, b in ((spots.track, spots.other), (spots.other, spots.track)):
            same = _contains(linked, found.track[row] * n_tracks + a[spot])
            same &= _contains(linked, found.other[row] * n_tracks + b[spot])
            hit[row[same]] = True
    return hit


def _contains(sorted_keys: Ints, keys: Ints) -> Bools:
    place = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
    return np.asarray(sorted_keys[place] == keys, dtype=np.bool_)


def runs_to_drop(found: Near, how: Rules) -> Bools:
    """Tell which rows belong to a stretch where two tracks come together.

    Rows of one pair of tracks in order of chainage: a stretch closer than ``fouling_m`` that comes closer than
    ``joined_m`` somewhere leads to points, to a crossing, or lies at two levels.
    """
    order = np.lexsort((found.at_m, found.other, found.track))
    track, other, at_m = found.track[order], found.other[order], found.at_m[order]
    close = found.distance_m[order] < how.fouling_m
    same = (track[1:] == track[:-1]) & (other[1:] == other[:-1]) & (np.diff(at_m) <= 2 * how.step_m)
    run = np.zeros(len(order), dtype=np.int64)
    run[1:] = np.cumsum(~(same & close[1:] & close[:-1]))
    joined = np.zeros(len(order), dtype=bool)
    np.logical_or.at(joined, run, close & (found.distance_m[order] < how.joined_m))
    drop = np.zeros(len(order), dtype=bool)
    drop[order] = joined[run] & close
    return drop


def separations(lines: npt.NDArray[np.object_], lengths_m: Floats, piece_at: PieceAt, zone: Ints) -> Spots:
    """Return the places where two tracks cross without a common zone, so at two levels."""
    tree = shapely.STRtree(lines)
    a, b = tree.query(lines, predicate="crosses")
    a, b = a[a < b], b[a < b]
    crossing = shapely.intersection(lines[a], lines[b])
    parts, which = shapely.get_parts(crossing, return_index=True)
    point = shapely.get_type_id(parts) == 0
    parts, which = parts[point], which[point]
    a, b = a[which], b[which]
    scale = lengths_m / np.maximum(shapely.length(lines), 1e-6)
    on_a = piece_at(a, shapely.line_locate_point(lines[a], parts) * scale[a])
    on_b = piece_at(b, shapely.line_locate_point(lines[b], parts) * scale[b])
    apart = zone[on_a] != zone[on_b]
    return Spots(parts[apart], a[apart], b[apart])


@dataclass(frozen=True)
class PieceAt:
    """Finds the piece at a chainage; pieces stand in order of track and chainage."""

    track: Ints
    from_m: Floats

    def __call__(self, track: Ints, at_m: Floats) -> Ints:
        """Return the piece of each track at each chainage."""
        n = int(self.track.max()) + 2
        first = np.searchsorted(self.track, np.arange(n))
        wide = float(self.from_m.max()) + 1e5
        key = self.track * wide + self.from_m
        place = np.searchsorted(key, track * wide + at_m + 1e-6, side="right") - 1
        return np.clip(place, first[track], np.maximum(first[track + 1] - 1, first[track]))


def pairs(found: Near, piece_at: PieceAt, zone: Ints) -> tuple[Ints, Ints, Floats]:
    """Return piece, piece beside it and least distance, every pair from both sides, in order."""
    facing = piece_at(found.other, found.other_at_m)
    apart = zone[found.piece] != zone[facing]
    a = np.r_[found.piece[apart], facing[apart]]
    b = np.r_[facing[apart], found.piece[apart]]
    distance = np.r_[found.distance_m[apart], found.distance_m[apart]]
    order = np.lexsort((distance, b, a))
    a, b, distance = a[order], b[order], distance[order]
    new = np.ones(len(a), dtype=bool)
    new[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    return a[new], b[new], np.round(distance[new], 2)


def beside(track: Ints, from_m: Floats, to_m: Floats, zone: Ints) -> tuple[Near, PieceAt]:
    """Return every measurement between tracks beside each other of the whole track model, cut into pieces."""
    how = rules()
    names = list(track_rows())
    lines, lengths_m = _lines()
    piece_at = PieceAt(track, from_m)
    found = near(lines, lengths_m, samples(track, from_m, to_m, how.step_m), how)
    linked = linked_tracks(names)
    drop = runs_to_drop(found, how)
    closest = found.take(drop)
    parting = np.flatnonzero(~drop & (found.distance_m < how.fouling_m + how.clear_of_points_m * POINTS_SLOPE))
    near_points = np.zeros(len(drop), dtype=bool)
    near_points[parting] = _within(
        found.take(parting),
        Spots(shapely.points(closest.x, closest.y), closest.track, closest.other),
        how.clear_of_points_m,
        linked,
        len(names),
    )
    spots = separations(lines, lengths_m, piece_at, zone)
    two_levels = _within(found, spots, how.separation_m, linked, len(names))
    kept = found.take(~(drop | near_points | two_levels))
    beside_points = near_points
    levels = two_levels & ~near_points & ~drop
    print(f"  {len(found.track)} measurements: {drop.sum()} where tracks meet, {beside_points.sum()} beside points,")
    print(f"  {levels.sum()} at {len(spots.track)} crossings at two levels")
    return kept, piece_at


def nearest_by_length(kept: Near, from_m: Floats, to_m: Floats, chosen: Bools) -> tuple[Floats, Floats]:
    """Return distances in steps of 1 cm, and the length of the chosen pieces whose nearest neighbour lies so far.

    The last distance is infinite: nothing within reach.
    """
    how = rules()
    count = np.maximum(np.ceil((to_m - from_m) / how.step_m), 1).astype(np.int64)
    first = np.cumsum(count) - count
    step_m = (to_m - from_m) / count
    sample = first[kept.piece] + np.floor((kept.at_m - from_m[kept.piece]) / step_m[kept.piece]).astype(np.int64)
    nearest_m = np.full(int(count.sum()), np.inf)
    np.minimum.at(nearest_m, sample, kept.distance_m)
    last = round(how.reach_m * 100) + 1
    centimetre = np.minimum(np.floor(np.minimum(nearest_m, 1e6) * 100), last).astype(np.int64)
    weight = np.repeat(step_m * chosen, count)
    length_m = np.bincount(centimetre, weights=weight, minlength=last + 1)
    distance_m = np.arange(last + 1) / 100
    distance_m[last] = np.inf
    return distance_m[length_m > 0], length_m[length_m > 0]


def open_line_distances() -> Floats:
    """Return, for the middle of every track with a section of open line, the distance to the nearest track beside it.

    Sections of open line are those named with letters. Infinite where no track lies within reach.
    """
    how = rules()
    lines, lengths_m = _lines()
    lettered = {
        row["SPOORTAK_IDENTIFICATIE"]
        for row in rows("SPOORTAK_SPOOR_WISSEL_NAMEN")
        if row["OBJECT_TYPE"] == "S" and row["OBJECT_NAAM"].isalpha()
    }
    chosen = np.flatnonzero([name in lettered for name in track_rows()])
    found = near(lines, lengths_m, Samples(chosen, lengths_m[chosen] / 2, np.arange(len(chosen))), how)
    found = found.take(found.distance_m >= how.joined_m)
    nearest_m = np.full(len(chosen), np.inf)
    np.minimum.at(nearest_m, found.piece, found.distance_m)
    return nearest_m


def _lines() -> tuple[npt.NDArray[np.object_], Floats]:
    """Return the centre line and the length of every track."""
    shapes = geometry()
    return np.array([shapes[name] for name in track_rows()], dtype=object), np.array(list(length_m().values()))


def objects() -> list[tuple[int, float, float, str]]:
    """Return track, from, to and kind of every object, in order."""
    index = {name: place for place, name in enumerate(track_rows())}
    found = []
    for row in rows("SPOORTAK_OBJECTEN"):
        track = index.get(row["SPOORTAK_IDENTIFICATIE"])
        start, end = number(row["SPOORTAK_LRS_VAN"]), number(row["SPOORTAK_LRS_TOT"])
        if track is None or start is None or end is None:
            continue
        limits = sorted((round(start * 1000, 1), round(end * 1000, 1)))
        found.append((track, limits[0], limits[1], OBJECT_KINDS[row["SOORT_OBJECT"]]))
    return sorted(set(found))


def build() -> None:
    """Write ``neighbours.parquet`` and ``objects.parquet``; the pieces must exist."""
    pieces = pq.read_table(DATA / "pieces.parquet")
    zone = pieces["zone"].to_numpy().astype(np.int64)
    from_m = pieces["from_m"].to_numpy().astype(np.float64)
    to_m = pieces["to_m"].to_numpy().astype(np.float64)
    kept, piece_at = beside(pieces["track"].to_numpy().astype(np.int64), from_m, to_m, zone)
    piece, other, distance_m = pairs(kept, piece_at, zone)
    print(f"  {len(piece)} pairs of neighbours")
    write_table(
        "neighbours",
        "Pieces that run beside each other, every pair from both sides; not across a crossing at two levels, "
        "and not where the two tracks come together in points",
        f"Measured between the centre lines of {DESCRIBED}; rules in clearance.toml",
        LICENCE,
        {
            "piece": Column(piece.astype(np.int32), "-", "Row of pieces", "sure"),
            "other": Column(other.astype(np.int32), "-", "Row of pieces: the piece beside it", "likely"),
            "distance_m": Column(
                distance_m.astype(np.float32), "m", "Least distance between the two centre lines", "likely"
            ),
        },
    )
    step_m, length_m = nearest_by_length(kept, from_m, to_m, pieces["kind"].to_numpy() == KIND_OPEN_LINE)
    write_table(
        "neighbour_distances",
        "How many metres of open line have their nearest neighbour track at which distance; measured every 10 m",
        f"Measured between the centre lines of {DESCRIBED}; rules in clearance.toml",
        LICENCE,
        {
            "distance_m": Column(
                step_m.astype(np.float32),
                "m",
                "Distance from this to 1 cm more; infinite where no track is near",
                "likely",
            ),
            "length_m": Column(np.round(length_m, 1).astype(np.float32), "m", "Length of open line", "likely"),
        },
    )
    track, start, end, kind = zip(*objects(), strict=True)
    print(f"  {len(track)} objects")
    write_table(
        "objects",
        "Level crossings, viaducts, steel bridges and tunnels on tracks",
        DESCRIBED,
        LICENCE,
        {
            "track": Column(np.array(track, dtype=np.int32), "-", "Row of tracks", "sure"),
            "from_m": Column(np.array(start, dtype=np.float32), "m", "Chainage where it begins", "sure"),
            "to_m": Column(np.array(end, dtype=np.float32), "m", "Chainage where it ends", "sure"),
            "kind": Column(list(kind), "-", "level_crossing, viaduct, steel_bridge or tunnel", "sure"),
        },
    )

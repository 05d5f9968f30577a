"""Where a path lies: kilometres along it, its line on the map, and how near other tracks run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from weerspoor.network.model import KIND_OPEN_LINE, Network
from weerspoor.trains.turning import turned_rows

Ints = npt.NDArray[np.int32]
Doubles = npt.NDArray[np.float64]

METRES_PER_DEGREE = 111_195.0
DECIMALS = 6


def track_lengths_m(network: Network) -> Doubles:
    """Return the distance of every vertex from the start of its track, measured along the drawn line; made once."""
    known = network.cache.get("capacity.vertex_m")
    if isinstance(known, np.ndarray):
        return known
    tracks = network.tracks
    east = np.diff(tracks.lon, prepend=tracks.lon[:1]) * METRES_PER_DEGREE * np.cos(np.radians(tracks.lat))
    north = np.diff(tracks.lat, prepend=tracks.lat[:1]) * METRES_PER_DEGREE
    step = np.hypot(east, north)
    step[tracks.shape_start[:-1][np.diff(tracks.shape_start) > 0]] = 0.0
    along = np.cumsum(step)
    starts = along[np.minimum(tracks.shape_start[:-1], len(along) - 1)]
    result: Doubles = along - np.repeat(starts, np.diff(tracks.shape_start))
    network.cache["capacity.vertex_m"] = result
    return result


def piece_line(network: Network, piece: int, *, falling: bool = False) -> Doubles:
    """Return the vertices ``(n, 2)`` of a piece as longitude and latitude, in the direction of running."""
    pieces = network.pieces
    return track_line(
        network, int(pieces.track[piece]), float(pieces.from_m[piece]), float(pieces.to_m[piece]), falling=falling
    )


def track_line(network: Network, track: int, from_m: float, to_m: float, *, falling: bool = False) -> Doubles:
    """Return the vertices ``(n, 2)`` of a stretch of a track as longitude and latitude, in the direction of running."""
    tracks = network.tracks
    low, high = int(tracks.shape_start[track]), int(tracks.shape_start[track + 1])
    along = track_lengths_m(network)[low:high]
    scale = along[-1] / max(float(tracks.length_m[track]), 1.0)
    begin, end = from_m * scale, to_m * scale
    inside = slice(int(np.searchsorted(along, begin + 0.01)), int(np.searchsorted(along, end - 0.01)))
    at = np.concatenate([[begin], along[inside], [end]])
    line = np.column_stack([np.interp(at, along, tracks.lon[low:high]), np.interp(at, along, tracks.lat[low:high])])
    return line[::-1] if falling else line


def rounded(line: Doubles) -> list[list[float]]:
    """Return vertices as plain numbers, to a decimetre, equal neighbours once."""
    points = np.round(line, DECIMALS)
    keep = np.ones(len(points), dtype=bool)
    keep[1:] = np.any(points[1:] != points[:-1], axis=1)
    result: list[list[float]] = points[keep].tolist()
    return result


def piece_ends(network: Network) -> tuple[Doubles, Doubles]:
    """Return the ends of all pieces, ``(n_pieces, 2)`` each: of lower and of upper chainage; made once."""
    known = network.cache.get("capacity.piece_ends")
    if isinstance(known, tuple):
        return known
    tracks, pieces = network.tracks, network.pieces
    along = track_lengths_m(network)
    apart = 2.0 * float(along.max(initial=1.0)) + 1.0
    vertices = np.diff(tracks.shape_start)
    coordinate = along + np.repeat(np.arange(len(vertices)) * apart, vertices)
    longest = np.zeros(len(vertices))
    longest[vertices > 0] = along[tracks.shape_start[1:][vertices > 0] - 1]
    scale = longest / np.maximum(tracks.length_m.astype(np.float64), 1.0)

    def at(chainage: npt.NDArray[np.float32]) -> Doubles:
        place = chainage.astype(np.float64) * scale[pieces.track]
        place = np.minimum(place, longest[pieces.track]) + pieces.track * apart
        return np.column_stack([np.interp(place, coordinate, values) for values in (tracks.lon, tracks.lat)])

    found = (at(pieces.from_m), at(pieces.to_m))
    network.cache["capacity.piece_ends"] = found
    return found


def drawn_piece(network: Network, piece: int) -> list[list[float]]:
    """Return the vertices of a piece as plain numbers; made once."""
    known = network.cache.setdefault("capacity.drawn", {})
    assert isinstance(known, dict)
    if piece not in known:
        known[piece] = rounded(piece_line(network, piece))
    drawn: list[list[float]] = known[piece]
    return drawn


def simplified(line: Doubles, tolerance_m: float) -> Doubles:
    """Return the line with the vertices that matter at a tolerance (Douglas and Peucker, without recursion)."""
    if len(line) < 3:
        return line
    scale = np.array([METRES_PER_DEGREE * np.cos(np.radians(line[:, 1].mean())), METRES_PER_DEGREE])
    flat = line * scale
    keep = np.zeros(len(line), dtype=bool)
    keep[[0, -1]] = True
    todo = [(0, len(line) - 1)]
    while todo:
        a, b = todo.pop()
        if b - a < 2:
            continue
        base = flat[b] - flat[a]
        length = float(np.hypot(*base))
        offset = flat[a + 1 : b] - flat[a]
        away = (
            np.abs(base[0] * offset[:, 1] - base[1] * offset[:, 0]) / length
            if length > 0
            else np.hypot(offset[:, 0], offset[:, 1])
        )
        worst = int(np.argmax(away))
        if away[worst] > tolerance_m:
            middle = a + 1 + worst
            keep[middle] = True
            todo += [(a, middle), (middle, b)]
    return line[keep]


@dataclass(frozen=True)
class Course:
    """A row of directed pieces as a line with kilometres; km 0 is the exit of the first piece.

    Where the train turns back the kilometres go on from its new head: its own length is not run over.

    Attributes
    ----------
    network : Network
    directed : (k,) int32
    """

    network: Network
    directed: Ints

    @cached_property
    def turned(self) -> npt.NDArray[np.bool_]:
        """(k,) bool, at the exit of the piece the train that turned back has its new head."""
        return turned_rows(self.network, self.directed)

    @property
    def legs(self) -> list[tuple[int, int]]:
        """First and last position of every part between which the train turns back."""
        first = np.flatnonzero(self.turned).tolist()
        return list(zip([0, *first], [*(row - 1 for row in first), len(self.directed) - 1], strict=True))

    def part(self, first: int, last: int) -> Course:
        """Return the part from one position to another, with kilometres of its own."""
        return Course(self.network, self.directed[first : last + 1])

    @cached_property
    def exit_km(self) -> Doubles:
        """(k,) float64, distance of each piece's exit from the start."""
        length: Doubles = self.network.pieces.length_m[self.directed >> 1].astype(np.float64)
        along = np.cumsum(np.where(self.turned, 0.0, length)) - length[0]
        result: Doubles = along / 1000.0
        return result

    @cached_property
    def enter_km(self) -> Doubles:
        """(k,) float64, distance of each piece's entry from the start; 0 for the first."""
        result: Doubles = np.concatenate([[0.0], self.exit_km[:-1]])
        return result

    @property
    def distance_km(self) -> float:
        """Length of the way."""
        return float(self.exit_km[-1])

    @cached_property
    def _stretches(self) -> list[tuple[int, int]]:
        """First and last position of every stretch of one track that is run over without a break."""
        parts = [(first, self._stretches_of(self.directed[first : last + 1])) for first, last in self.legs]
        return [(first + a, first + b) for first, stretches in parts for a, b in stretches]

    def _stretches_of(self, directed: Ints) -> list[tuple[int, int]]:
        pieces, piece = self.network.pieces, directed >> 1
        falling = (directed & 1) == 1
        enters = np.where(falling, pieces.to_m[piece], pieces.from_m[piece])
        leaves = np.where(falling, pieces.from_m[piece], pieces.to_m[piece])
        on = (pieces.track[piece][1:] == pieces.track[piece][:-1]) & (falling[1:] == falling[:-1])
        on &= np.abs(enters[1:] - leaves[:-1]) < 0.01
        on[:1] = False
        first = np.flatnonzero(np.concatenate([[True], ~on]))
        return list(zip(first.tolist(), [*(first[1:] - 1).tolist(), len(piece) - 1], strict=True))

    @cached_property
    def _vertices(self) -> tuple[Doubles, Doubles]:
        """Vertices ``(n, 2)`` of the whole line and the kilometre of each."""
        lines, kilometres = [], []
        pieces = self.network.pieces
        for first, last in self._stretches:
            ends = [int(self.directed[first]) >> 1, int(self.directed[last]) >> 1]
            low, high = float(pieces.from_m[ends].min()), float(pieces.to_m[ends].max())
            falling = bool(self.directed[first] & 1)
            line = track_line(self.network, int(pieces.track[ends[0]]), low, high, falling=falling)
            if first == 0 or self.turned[first]:
                line = line[-1:]
            step = np.hypot(
                np.diff(line[:, 0]) * METRES_PER_DEGREE * np.cos(np.radians(line[0, 1])),
                np.diff(line[:, 1]) * METRES_PER_DEGREE,
            )
            along = np.concatenate([[0.0], np.cumsum(step)])
            share = along / along[-1] if along[-1] > 0 else along
            lines.append(line)
            kilometres.append(self.enter_km[first] + share * (self.exit_km[last] - self.enter_km[first]))
        return np.concatenate(lines), np.concatenate(kilometres)

    def shape(self, tolerance_m: float = 2.0) -> list[list[float]]:
        """Return the line on the map."""
        return rounded(simplified(self._vertices[0], tolerance_m))

    @cached_property
    def _dense(self) -> tuple[Doubles, Doubles]:
        """Points of the line at most 25 m apart, in metres on a plane, and the kilometre of each."""
        line, km = self._vertices
        n = max(2, int(self.distance_km * 40) + 1)
        at = np.linspace(0.0, self.distance_km, n)
        ordered = np.maximum.accumulate(km)
        flat = np.column_stack([np.interp(at, ordered, line[:, 0]), np.interp(at, ordered, line[:, 1])])
        return flat * self._scale, at

    @cached_property
    def _scale(self) -> Doubles:
        lat = float(self._vertices[0][:, 1].mean())
        return np.array([METRES_PER_DEGREE * np.cos(np.radians(lat)), METRES_PER_DEGREE])

    def project(self, lonlat: Doubles) -> tuple[Doubles, Doubles]:
        """Return, for places ``(n, 2)``, the kilometre of the nearest point of the line and the distance to it in m.

        The distance is infinite beyond ``reach_m``.
        """
        flat, at = self._dense
        places = lonlat * self._scale
        corner = flat.min(axis=0) - 2 * self.reach_m
        wide = int((flat[:, 0].max() - corner[0]) / self.reach_m) + 4

        def cells(points: Doubles) -> npt.NDArray[np.int64]:
            column, row = ((points - corner) / self.reach_m).astype(np.int64).T
            return np.where((column >= 0) & (column < wide), row * wide + column, np.int64(-wide * 4))

        own = cells(flat)
        order = np.argsort(own, kind="stable")
        own, here = own[order], cells(places)
        km, away = np.zeros(len(places)), np.full(len(places), np.inf)
        for cell in (-wide - 1, -wide, -wide + 1, -1, 0, 1, wide - 1, wide, wide + 1):
            low, high = np.searchsorted(own, here + cell), np.searchsorted(own, here + cell, side="right")
            count = high - low
            place = np.repeat(np.arange(len(places)), count)
            point = order[np.repeat(low - (np.cumsum(count) - count), count) + np.arange(int(count.sum()))]
            distance = np.hypot(*(flat[point] - places[place]).T)
            best = np.lexsort((point, distance, place))
            first = best[np.flatnonzero(np.diff(place[best], prepend=-1) != 0)]
            nearer = first[distance[first] < away[place[first]]]
            km[place[nearer]], away[place[nearer]] = at[point[nearer]], distance[nearer]
        return km, np.where(away <= self.reach_m, away, np.inf)

    @cached_property
    def beside(self) -> dict[int, tuple[float, float]]:
        """Pieces on and beside the way, with the kilometres of their lower and upper chainage.

        Ask it of a way without turning back (:attr:`legs`): on others it may be at two kilometres.
        """
        network = self.network
        own = {
            int(d >> 1): ((b, a) if d & 1 else (a, b))
            for d, a, b in zip(self.directed.tolist(), self.enter_km.tolist(), self.exit_km.tolist(), strict=True)
        }
        neighbours = network.neighbours
        near: set[int] = set(own)
        edge = set(own)
        for _ in range(4):
            at = np.array(sorted(edge), dtype=np.int64)
            count = neighbours.start[at + 1] - neighbours.start[at]
            rows = np.repeat(neighbours.start[at] - (np.cumsum(count) - count), count) + np.arange(int(count.sum()))
            edge = set(neighbours.piece[rows].tolist()) - near
            near |= edge
        others = np.array(sorted(near - set(own)), dtype=np.int64)
        result = {piece: (float(a), float(b)) for piece, (a, b) in own.items()}
        if not len(others):
            return result
        begin, end = piece_ends(network)
        (begin_km, begin_m), (end_km, end_m) = self.project(begin[others]), self.project(end[others])
        beside = np.maximum(begin_m, end_m) <= self.reach_m
        for piece, a, b in zip(
            others[beside].tolist(), begin_km[beside].tolist(), end_km[beside].tolist(), strict=True
        ):
            result[piece] = (a, b)
        return result

    @property
    def reach_m(self) -> float:
        """Distance within which a track counts as beside the way."""
        from weerspoor.capacity.settings import settings

        return settings().diagram.beside_m

    def tracks_along(self) -> list[tuple[float, float, int]]:
        """Return stretches of the way with the number of parallel running tracks: (from km, to km, tracks)."""
        pieces, neighbours = self.network.pieces, self.network.neighbours
        found: list[tuple[float, float, int]] = []
        for position, directed in enumerate(self.directed.tolist()):
            if position == 0 or self.turned[position]:
                continue
            piece = directed >> 1
            rows = slice(neighbours.start[piece], neighbours.start[piece + 1])
            others = neighbours.piece[rows][neighbours.distance_m[rows] <= self.reach_m]
            running = others[pieces.kind[others] == KIND_OPEN_LINE]
            count = 1 + len(set(pieces.track[running].tolist()))
            begin, end = float(self.enter_km[position]), float(self.exit_km[position])
            if pieces.kind[piece] != KIND_OPEN_LINE and found:
                count = found[-1][2]
            if found and found[-1][2] == count:
                found[-1] = (found[-1][0], end, count)
            else:
                found.append((begin, end, count))
        return found


def background(network: Network, tolerance_m: float = 150.0) -> list[list[list[float]]]:
    """Return the running lines of the country as light lines for a map; of parallel tracks one is drawn."""
    known = network.cache.get("capacity.background")
    if isinstance(known, list):
        return known
    pieces, neighbours, tracks = network.pieces, network.neighbours, network.tracks
    open_line = pieces.kind == KIND_OPEN_LINE
    length = np.bincount(pieces.track[open_line], pieces.length_m[open_line], minlength=len(tracks.name))
    owner = np.repeat(np.arange(network.n_pieces), np.diff(neighbours.start))
    hidden = np.zeros(len(tracks.name), dtype=bool)
    pairs = pieces.track[neighbours.piece] < pieces.track[owner]
    pairs &= open_line[owner] & open_line[neighbours.piece]
    lower = pieces.track[owner[pairs]]
    covered = np.bincount(lower, pieces.length_m[owner[pairs]], minlength=len(tracks.name))
    hidden |= covered > 0.8 * np.maximum(length, 1.0)
    lines: list[list[list[float]]] = []
    for track in np.flatnonzero((length > 300.0) & ~hidden).tolist():
        low, high = int(tracks.shape_start[track]), int(tracks.shape_start[track + 1])
        line = simplified(np.column_stack([tracks.lon[low:high], tracks.lat[low:high]]), tolerance_m)
        lines.append(np.round(line, 4).tolist())
    network.cache["capacity.background"] = lines
    return lines

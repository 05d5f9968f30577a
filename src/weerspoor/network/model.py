"""The railway as arrays: tracks, pieces, zones, signals, stops, points, neighbour tracks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from weerspoor.kernel.graph import TrackGraph

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Tracks:
    """The track model, one entry a track (rail between switches).

    Attributes
    ----------
    name : list of str
        The infrastructure manager's identification, such as ``537_251BL_2.8``.
    length_m : (n,) float32
    line : (n,) int32
        Index into ``Network.lines``; -1 where the source names none.
    shape_start : (n + 1,) int32
        CSR offsets into ``lon`` and ``lat``; the vertices of a track in direction of rising chainage.
    lon, lat : (m,) float32
        WGS84 degrees.
    """

    name: list[str]
    length_m: Floats
    line: Ints
    shape_start: Ints
    lon: npt.NDArray[np.float64]
    lat: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pieces:
    """Stretches of track that lie in one zone and have one speed limit; the unit of movement.

    A *directed piece* is ``2 * piece + direction``: direction 0 runs with rising chainage, 1 with falling.
    Tracks are cut into pieces at section limits, switches, block limits, changes of speed, places where a slip joins,
    platform ends and borders. Pieces of a track are numbered consecutively with rising chainage.

    Attributes
    ----------
    track : (n,) int32
    from_m, to_m : (n,) float32
        Chainage on the track.
    zone : (n,) int32
        The zone (resource) a train holds while on it. A switch's pieces on its two legs share a zone; so do the
        two halves of a flat crossing, and pieces of a slip.
    kind : (n,) uint8
        One of ``KIND_*``.
    name : list of str
        Name of the section, switch or crossing in the source (``6a``, ``903``, ``2001``), or "".
    speed_kmh : (n,) float32
        Local speed limit.
    signal : (2 n,) bool
        Per directed piece: a signal (controlled, marker or block) at its exit faces the train.
    radius_m : (n,) float32
        Smallest curve radius on it; infinity when straight.
    right_hand : (2 n,) bool
        Per directed piece: running this way is the normal direction of running; both on single track.
    """

    track: Ints
    from_m: Floats
    to_m: Floats
    zone: Ints
    kind: npt.NDArray[np.uint8]
    name: list[str]
    speed_kmh: Floats
    signal: Bools
    radius_m: Floats
    right_hand: Bools

    @property
    def length_m(self) -> Floats:
        """(n,) float32, length of each piece."""
        return self.to_m - self.from_m


KIND_SECTION, KIND_SWITCH, KIND_CROSSING, KIND_OPEN_LINE, KIND_GAP = 0, 1, 2, 3, 4
"""A named station track; a switch; a flat crossing; open line; the unnamed rest between points."""

SURE, LIKELY, ASSUMED = "sure", "likely", "assumed"
"""Certainty of a value; every table's sidecar uses these words."""


@dataclass(frozen=True)
class Points:
    """Operational points; the rows of ``place_*`` say which chainages of which tracks belong to each.

    Attributes
    ----------
    code : list of str
        As the infrastructure manager writes it (``Ut``, ``Kfhaz``); matched without regard to case.
    name, kind : list of str
        Kind is one of station, yard, harbour, junction, border, other.
    lon, lat : (n,) float64
    certain : (n,) bool
        False where the place has no certain tracks.
    place_point, place_track : (k,) int32
    place_from_m, place_to_m, place_at_m : (k,) float32
        The stretch that belongs to the point, and the chainage at which a train is timed there.
    """

    code: list[str]
    name: list[str]
    kind: list[str]
    lon: npt.NDArray[np.float64]
    lat: npt.NDArray[np.float64]
    certain: Bools
    place_point: Ints
    place_track: Ints
    place_from_m: Floats
    place_to_m: Floats
    place_at_m: Floats


@dataclass(frozen=True)
class Stops:
    """Where a train may stand: with its head at the exit of a directed piece.

    Attributes
    ----------
    directed : (n,) int32
        Directed piece at whose exit the head stands.
    point : (n,) int32
        Operational point, or -1.
    name : list of str
        Name of the track on the platform or in the yard.
    platform_m : (n,) float32
        Platform length, 0 where there is none.
    usable_m : (n,) float32
        Longest train that stands clear of switches and signals.
    """

    directed: Ints
    point: Ints
    name: list[str]
    platform_m: Floats
    usable_m: Floats


@dataclass(frozen=True)
class Neighbours:
    """Which pieces run beside a piece, and how close. Every pair stands twice, once from each side.

    Attributes
    ----------
    start : (n_pieces + 1,) int32
        CSR offsets by piece.
    piece : (k,) int32
        The piece beside it.
    distance_m : (k,) float32
        Least distance between centre lines where the two run beside each other.
    """

    start: Ints
    piece: Ints
    distance_m: Floats


@dataclass(frozen=True)
class Permissions:
    """What each piece allows; from tables by line where no source has it by track.

    Attributes
    ----------
    voltage : (n_pieces,) uint8
        Bit mask of ``VOLTAGES``; 0 means no wire.
    protection : (n_pieces,) uint8
        Bit mask of ``PROTECTIONS``.
    line_category : (n_pieces,) uint8
        Index into ``LINE_CATEGORIES``.
    max_train_m : (n_pieces,) float32
    gauge : (n_pieces,) uint8
        Index into ``GAUGES``.
    dangerous_goods : (n_pieces,) bool
    freight : (n_pieces,) bool
        False where freight trains do not run (high-speed line, light rail).
    left_allowed : (n_pieces,) bool
        The track that is not the right-hand one may be used by a planned train.
    """

    voltage: npt.NDArray[np.uint8]
    protection: npt.NDArray[np.uint8]
    line_category: npt.NDArray[np.uint8]
    max_train_m: Floats
    gauge: npt.NDArray[np.uint8]
    dangerous_goods: Bools
    freight: Bools
    left_allowed: Bools


VOLTAGES = ("1.5 kV DC", "3 kV DC", "15 kV AC", "25 kV AC")
PROTECTIONS = ("ATB-EG", "ATB-NG", "ETCS")
LINE_CATEGORIES = ("A", "B1", "B2", "C2", "C3", "C4", "D2", "D3", "D4", "E4", "E5")
GAUGES = ("G1", "GA", "GB", "GC")


@dataclass(frozen=True)
class Objects:
    """Level crossings, viaducts, steel bridges and tunnels on tracks.

    Attributes
    ----------
    track : (n,) int32
    from_m, to_m : (n,) float32
    kind : list of str
        level_crossing, viaduct, steel_bridge or tunnel.
    """

    track: Ints
    from_m: Floats
    to_m: Floats
    kind: list[str]


@dataclass(frozen=True)
class Network:
    """The whole railway. Built by :func:`weerspoor.network.load.load_network`.

    Attributes
    ----------
    successor_start : (2 n_pieces + 1,) int32
        CSR offsets by directed piece.
    successor : (k,) int32
        The directed pieces that may follow. Never leg to leg of a switch, never back on itself.
    zone_name : list of str
    lines : list of str
        Names of lines.
    content_hash : str
    """

    tracks: Tracks
    pieces: Pieces
    successor_start: Ints
    successor: Ints
    zone_name: list[str]
    lines: list[str]
    points: Points
    stops: Stops
    neighbours: Neighbours
    permissions: Permissions
    objects: Objects
    content_hash: str
    cache: dict[str, object] = field(default_factory=dict, repr=False, compare=False)

    @property
    def n_pieces(self) -> int:
        """Number of pieces; directed pieces are twice as many."""
        return len(self.pieces.track)

    @property
    def n_zones(self) -> int:
        """Number of zones, the resources of the kernel."""
        return len(self.zone_name)

    def _halts(self) -> npt.NDArray[np.bool_]:
        """Return, by directed piece, whether some train may stand at its exit, or leave the network there."""
        from weerspoor.network.points import directed_at_point

        halts = np.zeros(2 * self.n_pieces, np.bool_)
        halts[self.stops.directed] = True
        for point in np.flatnonzero(np.array(self.points.kind) == "border").tolist():
            halts[directed_at_point(self, point)] = True
        return halts

    def graph(self) -> TrackGraph:
        """Return the kernel's view of this network, made once."""
        from weerspoor.kernel.graph import TrackGraph

        if "graph" not in self.cache:
            self.cache["graph"] = TrackGraph(
                length_m=self.pieces.length_m,
                zone=self.pieces.zone,
                signal=self.pieces.signal,
                successor_start=self.successor_start,
                successor=self.successor,
                n_zones=self.n_zones,
                halt=self._halts(),
                top_ms=np.repeat(self.pieces.speed_kmh / np.float32(3.6), 2),
            )
        graph = self.cache["graph"]
        assert isinstance(graph, TrackGraph)
        return graph

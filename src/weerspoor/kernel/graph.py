"""What the kernel is given: a track graph, a train on it, a query; plain arrays, no railway objects."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TrackGraph:
    """Directed pieces of track and how they follow each other.

    Attributes
    ----------
    length_m : (n,) float32, by piece
    zone : (n,) int32, by piece
        The resource a train holds while any of it is on the piece.
    signal : (2 n,) bool, by directed piece
        A signal at its exit faces the train: a route is locked from one such signal to the next.
    successor_start, successor : CSR over directed pieces
    n_zones : int
    halt : (2 n,) bool, by directed piece, optional
        Some train may stand with its head at the exit, or leave the network there, though no signal faces it.
    ways : int
        So many ways from one signal to another are taken at most, as an interlocking knows a usual one and a few
        others.
    top_ms : (2 n,) float32, by directed piece, optional
        No train is faster there.
    """

    length_m: Floats
    zone: Ints
    signal: Bools
    successor_start: Ints
    successor: Ints
    n_zones: int
    halt: Bools | None = None
    ways: int = 3
    top_ms: Floats | None = None
    cache: dict[str, object] = field(default_factory=dict, repr=False, compare=False)


IS_WIDE, IS_PASSENGER, IS_OTHER = 1, 2, 4
"""What a train is, as bits. A wide freight train is ``IS_WIDE | IS_OTHER``."""

KEEP_WIDE, KEEP_PASSENGER, KEEP_ALL = 1, 2, 7
"""Which trains a zone is kept empty of, as bits over ``IS_*``.

Every interval of a timeline has ``occupies`` (the ``IS_*`` bits of the train on the zone, 0 when the zone is only
kept empty) and ``blocks`` (``KEEP_ALL`` for a train on the zone). Two overlapping intervals of different trains
conflict when ``a.blocks & b.occupies`` or ``b.blocks & a.occupies`` is not 0.
"""


@dataclass(frozen=True)
class TrainModel:
    """One train as the kernel sees it: how fast it may run where, where it may stand, what it keeps empty.

    Attributes
    ----------
    speed_ms : (2 n,) float32, by directed piece
        Highest speed of this train there; 0 where it may not go.
    may_stop : (2 n,) bool
        It may stand with its head at the exit of the directed piece.
    length_m : float
    accel_v, accel_t, accel_s : (k,) float64
        Speed in m/s (rising from 0), time in s and distance in m from standstill at full effort, supplement included.
    braking_ms2 : float
        Planned deceleration.
    setup_s, sighting_s, release_s : float
        Blocking-time norms.
    slower : float
        Above 0 it may take as long from one signal to the next as if it started at the first of them from a stand.
    min_stop_s : float
        Shortest stand of any stop that it makes on its own account.
    kind : int
        ``IS_*`` bits.
    keep_start, keep_zone, keep_mask : CSR by piece
        Zones that must be empty of the trains in ``keep_mask`` while it is on the piece; empty arrays if none.
    supplement : float
        Share added to the least running time.
    may_turn : (2 n,) bool, by directed piece, optional
        It may turn back where it stands with its head at the exit of the directed piece.
    turn_s : float
        Shortest stand of a train that turns back.
    """

    speed_ms: Floats
    may_stop: Bools
    length_m: float
    accel_v: npt.NDArray[np.float64]
    accel_t: npt.NDArray[np.float64]
    accel_s: npt.NDArray[np.float64]
    braking_ms2: float
    setup_s: float
    sighting_s: float
    release_s: float
    slower: float
    min_stop_s: float
    kind: int
    keep_start: Ints
    keep_zone: Ints
    keep_mask: npt.NDArray[np.uint8]
    supplement: float
    may_turn: Bools | None = None
    turn_s: float = 0.0


@dataclass(frozen=True)
class Stage:
    """A place the train must come through, in order.

    Attributes
    ----------
    directed : (k,) int32
        Directed pieces, any of which will do; reached when the head is at the exit of one.
    stop_s : float
        Least stand there; negative when it need not stop.
    earliest_s, latest_s : float
        Head at the exit of the directed piece (arrival when it stops) not before, not after.
    depart_s : float
        With a stop: does not leave before.
    """

    directed: Ints
    stop_s: float = -1.0
    earliest_s: float = -1e9
    latest_s: float = 1e9
    depart_s: float = -1e9


@dataclass(frozen=True)
class Query:
    """From standing (or passing in) at one of the first stage's pieces, through every stage, to the last.

    Attributes
    ----------
    stages : list of Stage
        The first is the origin: it stands there from ``earliest_s`` (``stop_s`` >= 0), or passes in between
        ``earliest_s`` and ``latest_s`` (``stop_s`` < 0). The last is the destination.
    max_stops : int
        Most stops between the two; a large number for no limit.
    horizon_s : float
        No time later than this is looked at.
    step_s : int
        Departures are multiples of it.
    """

    stages: list[Stage]
    max_stops: int = 1_000_000
    horizon_s: float = 1e9
    step_s: int = 1


@dataclass(frozen=True)
class Run:
    """A path found: the result is final, in the times it was searched with.

    Attributes
    ----------
    directed : (k,) int32
        Directed pieces in order of running.
    enter_s, exit_s : (k,) float64
        Head at entry and exit; for a piece where it stops, ``exit_s`` is the arrival of the head at its end.
    depart_s : (k,) float64
        Equal to ``exit_s`` unless the train stops there; then when it leaves.
    stage : (k,) int32
        The stage reached at the exit of the piece, or -1.
    speed_ms : (k,) float64
        Speed of the head at the exit (0 at a stop).
    lost_s : (k,) float64
        How much longer it takes over the piece than it could.
    zone, from_s, until_s : (z,) int32
        What it holds: one row a zone and visit, whole seconds, ``from_s`` included and ``until_s`` not.
    kept_zone, kept_from_s, kept_until_s : (y,) int32, kept_mask : (y,) uint8
        Neighbour zones kept empty.
    stops : int
        Number of stops between origin and destination.
    """

    directed: Ints
    enter_s: npt.NDArray[np.float64]
    exit_s: npt.NDArray[np.float64]
    depart_s: npt.NDArray[np.float64]
    stage: Ints
    speed_ms: npt.NDArray[np.float64]
    lost_s: npt.NDArray[np.float64]
    zone: Ints
    from_s: Ints
    until_s: Ints
    kept_zone: Ints
    kept_from_s: Ints
    kept_until_s: Ints
    kept_mask: npt.NDArray[np.uint8]
    stops: int

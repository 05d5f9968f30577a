"""A day: trains with their calls, their runs over real pieces and the zones they hold."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]

LAYER_PASSENGER, LAYER_EMPTY, LAYER_FREIGHT, LAYER_MILITARY, LAYER_RESERVE = (
    "passenger",
    "empty",
    "freight",
    "military",
    "reserve",
)


@dataclass(frozen=True)
class DayTrains:
    """One entry a train.

    Attributes
    ----------
    reference : list of str
        Unique name of the train in the day (``1100a00``, ``F-Kfh-Emm-03``).
    series, kind, layer : list of str
        Kind is a civil train kind of ``trains/`` (``intercity``, ``sprinter`` …), layer one of ``LAYER_*``.
    phase : list of str
        How real the minute is: anchored2, anchored1, unanchored, evening, freight_real, freight_assumed, feed, plan.
    length_m : (n,) float32
    occupies : (n,) uint8
        ``IS_*`` bits of the kernel.
    """

    reference: list[str]
    series: list[str]
    kind: list[str]
    layer: list[str]
    phase: list[str]
    length_m: npt.NDArray[np.float32]
    occupies: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Calls:
    """Passages and stops at operational points, in order of train and running.

    Attributes
    ----------
    start : (n_trains + 1,) int32
        CSR offsets by train.
    point : (k,) int32
        Index into ``Network.points``.
    arrival_s, departure_s : (k,) int32
        Seconds of the operating day; equal when the train passes.
    planned_arrival_s, planned_departure_s : (k,) int32
        What the source asked; -1 where it says nothing.
    track : list of str
        Name on the platform, or "".
    """

    start: Ints
    point: Ints
    arrival_s: Ints
    departure_s: Ints
    planned_arrival_s: Ints
    planned_departure_s: Ints
    track: list[str]


@dataclass(frozen=True)
class Movements:
    """Where every train is: its directed pieces in order, in tenths of a second of the operating day.

    Attributes
    ----------
    start : (n_trains + 1,) int32
    directed, enter_ds, exit_ds, depart_ds : (k,) int32
        As ``kernel.graph.Run``, times 10.
    """

    start: Ints
    directed: Ints
    enter_ds: Ints
    exit_ds: Ints
    depart_ds: Ints


@dataclass(frozen=True)
class Holdings:
    """Zones held, sorted by zone, then ``from_s``; also neighbour zones kept empty (``occupies`` 0).

    Attributes
    ----------
    zone, from_s, until_s, train : (m,) int32
    occupies, blocks : (m,) uint8
        See ``kernel.graph``.
    """

    zone: Ints
    from_s: Ints
    until_s: Ints
    train: Ints
    occupies: npt.NDArray[np.uint8]
    blocks: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Day:
    """A day of trains that is free of conflicts, reserve paths apart.

    Attributes
    ----------
    name : str
        ``pattern-weekday`` for the embedded one.
    kind : str
        weekday, saturday or sunday.
    date : str
        ISO date of a dated day, "" for a pattern.
    lacks : list of str
        Layers it does not have: freight, empty, works.
    periodic : bool
        A pattern day repeats every 86 400 s; its intervals cross the seam.
    trains, calls, movements, holdings
        The trains that run. The reserve is a day of its own in ``reserve``.
    reserve : Day or None
    network_hash, content_hash : str
    """

    name: str
    kind: str
    date: str
    lacks: list[str]
    periodic: bool
    trains: DayTrains
    calls: Calls
    movements: Movements
    holdings: Holdings
    reserve: Day | None
    network_hash: str
    content_hash: str
    notes: dict[str, object] = field(default_factory=dict)

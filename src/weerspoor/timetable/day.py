"""A day: trains with their calls, their runs over real pieces and the zones they hold."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]

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
class Passengers:
    """Passengers of a weekday by call of a train, and those who change from one train to another.

    Everything is computed from the day (``timetable.assignment``); nothing of it was counted on a train.

    Attributes
    ----------
    boarding, alighting : (k,) float32
        Who gets on and off at each row of ``Day.calls``, those who change included.
    aboard : (k,) float32
        On the train after leaving the call: the sum of boarding less alighting so far.
    estimated : (k,) float32
        Share (0 to 1) of ``aboard`` that comes from or goes to a station whose number of trips is estimated.
    wait_s : (k,) float32
        How much later on average those aboard after the call arrive by other trains if this one does not run on from
        here; not more than a limit of ``passengers.toml``.
    connection_from, connection_to : (c,) int32
        Call rows at which passengers get off, and on again.
    connection_passengers : (c,) float32
    connection_spare_s : (c,) int32
        How late the first may be, the second being on time, before they miss it.
    connection_wait_s : (c,) float32
        How much later they arrive on average if they do.
    """

    boarding: Floats
    alighting: Floats
    aboard: Floats
    estimated: Floats
    wait_s: Floats
    connection_from: Ints
    connection_to: Ints
    connection_passengers: Floats
    connection_spare_s: Ints
    connection_wait_s: Floats


@dataclass(frozen=True)
class Turns:
    """Which train's stock goes on as which: an assumption (``timetable.turns``), by train of the day.

    Attributes
    ----------
    turn_from, turn_to : (t,) int32
        Trains of the day; in order of ``turn_from``, each train at most once in either.
    turn_least_s : (t,) int32
        Least time between the arrival of the one and the departure of the other.
    """

    turn_from: Ints
    turn_to: Ints
    turn_least_s: Ints


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
    passengers : Passengers or None
        None where nobody worked them out: a day from a feed, a day without trains.
    turns : Turns or None
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
    passengers: Passengers | None = None
    turns: Turns | None = None

"""Trains of a day cut into legs from stand to stand, so that they can be moved: what moves with which leg."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from weerspoor.common.clock import STEP_S
from weerspoor.kernel.retiming import Moving, moving
from weerspoor.kernel.timelines import Rows
from weerspoor.timetable.window import Window

Ints = npt.NDArray[np.int32]

LEAVING_S = 20
"""So long before it leaves a stand a train at most takes the track ahead (setting the route, rounding): what is taken
within this time before a departure belongs to the leg that begins with it."""

GIVING_S = 2
"""What is given back no earlier than this before a departure is given back by leaving."""

SAME_S = 10
"""A call and a stand are the same when they differ by no more."""

ROUNDED_S = STEP_S / 2 + 0.5
"""Times of calls are told in steps: a train may leave so long after its call says so."""


@dataclass(frozen=True)
class Stand:
    """A place where a train stands.

    Attributes
    ----------
    position : int
        Row of the train's movements at whose end it stands, counted from its first.
    arrival_s, departure_s : float
        Equal at the last one.
    call : int
        Its call there, counted from its first; -1 where it only waits.
    """

    position: int
    arrival_s: float
    departure_s: float
    call: int


@dataclass(frozen=True)
class Legs:
    """A train between its stands.

    Attributes
    ----------
    train : int
        Number in the window.
    stands : list of Stand
        Origin, every stand, destination; leg ``j`` runs from ``stands[j]`` to ``stands[j + 1]``.
    moving : Moving
        What it holds, as the kernel moves it.
    """

    train: int
    stands: list[Stand]
    moving: Moving

    @property
    def count(self) -> int:
        """Number of legs."""
        return len(self.stands) - 1

    @cached_property
    def departures_s(self) -> npt.NDArray[np.float64]:
        """Departure of each leg."""
        return np.array([stand.departure_s for stand in self.stands[:-1]])

    @cached_property
    def arrivals_s(self) -> npt.NDArray[np.float64]:
        """Arrival of each leg."""
        return np.array([stand.arrival_s for stand in self.stands[1:]])

    def legs_at(self, call_s: npt.ArrayLike) -> npt.NDArray[np.intp]:
        """Return the legs that a train is on when it comes to, passes or leaves calls, by their times in the day."""
        times_s = np.asarray(call_s, np.float64) + ROUNDED_S
        return np.clip(np.searchsorted(self.departures_s, times_s) - 1, 0, self.count - 1)

    def leg_at(self, count: int) -> Ints:
        """Return for each of so many rows of movements the leg that the train is on as it comes to its exit."""
        positions = [stand.position for stand in self.stands]
        leg = np.searchsorted(positions, np.arange(count), side="left") - 1
        return np.clip(leg, 0, self.count - 1).astype(np.int32)

    def earlier(self, by_s: Ints) -> Legs:
        """Return the same train with every leg earlier by so many seconds; where a stand is left no time is checked."""
        before, behind = [0, *by_s.tolist()], [*by_s.tolist(), 0]
        stands = [
            replace(stand, arrival_s=stand.arrival_s - before[k], departure_s=stand.departure_s - behind[k])
            for k, stand in enumerate(self.stands)
        ]
        stands[0] = replace(stands[0], arrival_s=stands[0].departure_s)
        stands[-1] = replace(stands[-1], departure_s=stands[-1].arrival_s)
        was = self.moving
        return Legs(
            self.train,
            stands,
            was._replace(
                from_s=(was.from_s - by_s[was.takes]).astype(np.int32),
                until_s=(was.until_s - by_s[was.gives]).astype(np.int32),
                ready_s=(was.ready_s - by_s).astype(np.int32),
            ),
        )


def legs_of(window: Window, train: int, lead_s: int) -> Legs | None:
    """Return a train of a window cut into legs; None for one that does not run.

    Parameters
    ----------
    window : Window
    train : int
    lead_s : int
        So long before its departure a train stands ready where it begins.
    """
    moves, rows = window.day.movements, window.rows_of(train)
    first, last = int(moves.start[train]), int(moves.start[train + 1])
    if first == last or not len(rows.zone):
        return None
    exit_s, depart_s = moves.exit_ds[first:last] / 10.0, moves.depart_ds[first:last] / 10.0
    waits = np.flatnonzero(depart_s > exit_s)
    inner = waits[(waits > 0) & (waits < last - first - 1)]
    positions = [0, *inner.tolist(), last - first - 1]
    start = window.day.calls.start
    calls = slice(int(start[train]), int(start[train + 1]))
    arrives, departs = window.day.calls.arrival_s[calls], window.day.calls.departure_s[calls]
    stands = []
    for number, position in enumerate(positions):
        ends = number in (0, len(positions) - 1)
        near = np.abs(departs - depart_s[position]) + np.abs(arrives - exit_s[position])
        if number == 0:
            call = 0 if len(departs) else -1
        elif ends:
            call = len(departs) - 1
        else:
            at = int(np.argmin(near)) if len(near) else -1
            call = at if at >= 0 and near[at] <= 2 * SAME_S and departs[at] > arrives[at] else -1
        leaves_s = float(depart_s[position])
        arrival_s = leaves_s if number == 0 else float(exit_s[position])
        stands.append(Stand(position, arrival_s, arrival_s if ends and number else leaves_s, call))
    return cut(train, stands, rows, lead_s)


def cut(train: int, stands: Sequence[Stand], rows: Rows, lead_s: int) -> Legs:
    """Return a train cut into legs at its stands, each row with the legs that take it and give it back.

    Parameters
    ----------
    train : int
    stands : sequence of Stand
        In order of running, origin and destination included.
    rows : Rows
        What it holds.
    lead_s : int
        As for :func:`legs_of`.
    """
    leaves = np.array([stand.departure_s for stand in stands[:-1]])
    last_leg = len(leaves) - 1
    takes = np.clip(np.searchsorted(leaves - LEAVING_S, rows.from_s, side="right") - 1, 0, last_leg).astype(np.int32)
    gives = np.clip(np.searchsorted(leaves - GIVING_S, rows.until_s, side="right") - 1, 0, last_leg).astype(np.int32)
    ready = np.floor(leaves - lead_s).astype(np.int32)
    return Legs(train, list(stands), moving(rows, takes, np.maximum(takes, gives), ready))

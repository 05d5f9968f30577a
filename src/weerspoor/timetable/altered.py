"""A day with some trains gone and others added: what a re-planning leaves, as a day like any other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from weerspoor.kernel.timelines import Rows
from weerspoor.timetable.day import Calls, Day, DayTrains, Holdings, Movements, Passengers, Turns
from weerspoor.timetable.passengers import passengers_at, with_empty_calls, without_train

Ints = npt.NDArray[np.int32]

PLANNED = "plan"
"""Phase of a train that comes from a plan."""


@dataclass(frozen=True)
class Added:
    """A train to be added.

    Attributes
    ----------
    reference, series, kind, layer, phase : str
        As in :class:`weerspoor.timetable.day.DayTrains`.
    length_m : float
    occupies : int
    point, arrival_s, departure_s, planned_arrival_s, planned_departure_s : (k,) int32
        Its calls.
    track : list of str
    directed, enter_ds, exit_ds, depart_ds : (m,) int32
        Its movements.
    rows : Rows
        What it holds and keeps empty.
    """

    reference: str
    series: str
    kind: str
    layer: str
    phase: str
    length_m: float
    occupies: int
    point: Ints
    arrival_s: Ints
    departure_s: Ints
    planned_arrival_s: Ints
    planned_departure_s: Ints
    track: list[str]
    directed: Ints
    enter_ds: Ints
    exit_ds: Ints
    depart_ds: Ints
    rows: Rows

    @classmethod
    def without_calls(
        cls,
        reference: str,
        rows: Rows,
        run: tuple[Ints, Ints, Ints, Ints] | None = None,
        *,
        kind: str = "",
        layer: str = "",
        length_m: float = 0.0,
    ) -> Added:
        """Return a train from a plan of which no calls are known, and perhaps no run.

        Parameters
        ----------
        reference : str
        rows : Rows
        run : (directed, enter_ds, exit_ds, depart_ds), each (m,) int32, optional
        kind, layer : str
        length_m : float
        """
        none = np.empty(0, np.int32)
        moves = (none, none, none, none) if run is None else run
        occupies = int(rows.occupies.max(initial=0))
        return cls(
            reference, reference, kind, layer, PLANNED, length_m, occupies, none, none, none, none, none, [], *moves,
            rows,
        )  # fmt: skip


def altered(day: Day, gone: Collection[int], added: Sequence[Added]) -> Day:
    """Return a day without some trains, and with others, without passengers and turns, behind the rest.

    Parameters
    ----------
    day : Day
    gone : collection of int
        Indices of trains.
    added : sequence of Added
    """
    n = len(day.trains.reference)
    keep = np.ones(n, np.bool_)
    keep[sorted(gone)] = False
    number = np.cumsum(keep, dtype=np.int32) - np.int32(1)
    trains, calls, moves, held = day.trains, day.calls, day.movements, day.holdings
    call_kept, move_kept = np.repeat(keep, np.diff(calls.start)), np.repeat(keep, np.diff(moves.start))
    rows = keep[held.train]
    first = int(keep.sum())

    def names(values: list[str], field: str) -> list[str]:
        return [value for value, kept in zip(values, keep.tolist(), strict=True) if kept] + [
            getattr(one, field) for one in added
        ]

    def offsets(start: Ints, field: str) -> Ints:
        counts = [*np.diff(start)[keep].tolist(), *(len(getattr(one, field)) for one in added)]
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)

    def joined(old: npt.NDArray[np.generic], kept: npt.NDArray[np.bool_], field: str) -> Ints:
        return np.concatenate([old[kept], *(getattr(one, field) for one in added)]).astype(np.int32)

    def of_rows(old: npt.NDArray[np.generic], field: str) -> npt.NDArray[np.generic]:
        return np.concatenate([old[rows], *(getattr(one.rows, field) for one in added)]).astype(old.dtype)

    owners = [np.full(len(one.rows.zone), first + i, np.int32) for i, one in enumerate(added)]
    zone, from_s = of_rows(held.zone, "zone"), of_rows(held.from_s, "from_s")
    order = np.argsort((zone.astype(np.int64) << 32) + from_s.astype(np.int64), kind="stable")
    return replace(
        day,
        trains=DayTrains(
            names(trains.reference, "reference"), names(trains.series, "series"), names(trains.kind, "kind"),
            names(trains.layer, "layer"), names(trains.phase, "phase"),
            np.concatenate([trains.length_m[keep], [one.length_m for one in added]]).astype(np.float32),
            np.concatenate([trains.occupies[keep], [one.occupies for one in added]]).astype(np.uint8),
        ),
        calls=Calls(
            offsets(calls.start, "point"),
            joined(calls.point, call_kept, "point"),
            joined(calls.arrival_s, call_kept, "arrival_s"),
            joined(calls.departure_s, call_kept, "departure_s"),
            joined(calls.planned_arrival_s, call_kept, "planned_arrival_s"),
            joined(calls.planned_departure_s, call_kept, "planned_departure_s"),
            [value for value, kept in zip(calls.track, call_kept.tolist(), strict=True) if kept]
            + [track for one in added for track in one.track],
        ),
        movements=Movements(
            offsets(moves.start, "directed"),
            joined(moves.directed, move_kept, "directed"),
            joined(moves.enter_ds, move_kept, "enter_ds"),
            joined(moves.exit_ds, move_kept, "exit_ds"),
            joined(moves.depart_ds, move_kept, "depart_ds"),
        ),
        holdings=Holdings(
            zone[order].astype(np.int32),
            from_s[order].astype(np.int32),
            of_rows(held.until_s, "until_s")[order].astype(np.int32),
            np.concatenate([number[held.train[rows]], *owners]).astype(np.int32)[order],
            of_rows(held.occupies, "occupies")[order].astype(np.uint8),
            of_rows(held.blocks, "blocks")[order].astype(np.uint8),
        ),
        passengers=_passengers(day, call_kept, sum(len(one.point) for one in added)),
        turns=_turns(day, gone),
    )  # fmt: skip


def _passengers(day: Day, call_kept: npt.NDArray[np.bool_], new_calls: int) -> Passengers | None:
    return None if day.passengers is None else with_empty_calls(passengers_at(day.passengers, call_kept), new_calls)


def _turns(day: Day, gone: Collection[int]) -> Turns | None:
    turns = day.turns
    if turns is not None:
        for train in sorted(gone, reverse=True):
            turns = without_train(turns, train)
    return turns

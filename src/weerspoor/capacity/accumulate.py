"""Plans accumulate: an accepted plan becomes a train of a day, its empty neighbour tracks included."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from weerspoor.capacity.plan import Path, Plan
from weerspoor.capacity.request import nearest
from weerspoor.common.errors import InputError
from weerspoor.kernel.graph import KEEP_ALL, KEEP_PASSENGER, KEEP_WIDE
from weerspoor.kernel.timelines import Timelines
from weerspoor.network.model import Network
from weerspoor.timetable.day import LAYER_MILITARY, Calls, Day, DayTrains, Holdings, Movements
from weerspoor.timetable.passengers import passengers_at, with_empty_calls, without_train
from weerspoor.timetable.store import seal
from weerspoor.trains.model import Train

PHASE = "plan"
MASK = {"all": KEEP_ALL, "passenger": KEEP_PASSENGER | KEEP_WIDE, "wide": KEEP_WIDE}
"""The mask of a neighbour zone kept empty, by the word a plan uses."""


def empty_day(network: Network) -> Day:
    """Return a day without trains, to which plans can be added."""
    none, nothing = np.zeros(0, np.int32), np.zeros(0, np.uint8)
    start = np.zeros(1, np.int32)
    return seal(
        Day(
            name="empty",
            kind="weekday",
            date="",
            lacks=["passenger", "freight", "empty", "works"],
            periodic=False,
            trains=DayTrains([], [], [], [], [], np.zeros(0, np.float32), nothing),
            calls=Calls(start, none, none, none, none, none, []),
            movements=Movements(start, none, none, none, none),
            holdings=Holdings(none, none, none, none, nothing, nothing),
            reserve=None,
            network_hash=network.content_hash,
            content_hash="",
        )
    )


def plan_train(plan: Plan) -> Train:
    """Return the train of a plan."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in plan.train.items()}
    return Train(**values)


def chosen_path(plan: Plan, path_id: str) -> Path:
    """Return a path of a plan by its id, the first when none is named.

    Raises
    ------
    InputError
        If the plan has no path, or none of that id.
    """
    if not plan.paths:
        raise InputError("has no path to add", where=plan.reference)
    if not path_id:
        return plan.paths[0]
    for path in plan.paths:
        if path.id.casefold() == path_id.casefold():
            return path
    raise InputError(f"has no path {path_id!r}", where="--path", hint=", ".join(path.id for path in plan.paths))


def path_holdings(
    path: Path, train: int, kind: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return (zone, from, until, train) as ``(n, 4)``, occupies and blocks of what a path holds and keeps empty."""
    rows = [(row.zone, row.from_s, row.until_s, train) for row in path.held]
    rows += [(kept.zone, kept.from_s, kept.until_s, train) for kept in path.kept_empty]
    occupies = [kind] * len(path.held) + [0] * len(path.kept_empty)
    blocks = [KEEP_ALL] * len(path.held) + [MASK[kept.of] for kept in path.kept_empty]
    table = np.array(rows, np.int32).reshape(-1, 4)
    return table, np.array(occupies, np.uint8), np.array(blocks, np.uint8)


def add_plan(day: Day, plan: Plan, network: Network, *, path_id: str = "") -> Day:
    """Return the day with a path of a plan as one more train.

    Parameters
    ----------
    day : Day
    plan : Plan
    network : Network
        The one of the day and the plan.
    path_id : str
        Which path; the first when empty.

    Raises
    ------
    InputError
        If the plan has no path, was made on another network, is in the day already, or conflicts with a train of it.
    """
    path = chosen_path(plan, path_id)
    if plan.provenance.network != network.content_hash:
        raise InputError("was made on another network", where=plan.reference, hint="make the plan again")
    if plan.reference in day.trains.reference:
        raise InputError("is in the day already", where=plan.reference, hint="remove it first")
    train = plan_train(plan)
    number = len(day.trains.reference)
    table, occupies, blocks = path_holdings(path, number, train.occupies)
    _refuse_conflicts(day, plan.reference, network, table=table, occupies=occupies, blocks=blocks)
    held, calls, moves = day.holdings, day.calls, day.movements
    index = {code: i for i, code in enumerate(network.points.code)}

    def joined(old: npt.NDArray[np.int32], new: list[int]) -> npt.NDArray[np.int32]:
        return np.concatenate([old, np.array(new, np.int32)]).astype(np.int32)

    arrivals, departures = [row.arrival_s for row in path.points], [row.departure_s for row in path.points]
    return seal(
        replace(
            day,
            trains=DayTrains(
                reference=[*day.trains.reference, plan.reference],
                series=[*day.trains.series, plan.reference],
                kind=[*day.trains.kind, train.kind],
                layer=[*day.trains.layer, LAYER_MILITARY],
                phase=[*day.trains.phase, PHASE],
                length_m=np.append(day.trains.length_m, np.float32(train.length_m)).astype(np.float32),
                occupies=np.append(day.trains.occupies, np.uint8(train.occupies)).astype(np.uint8),
            ),
            calls=Calls(
                start=joined(calls.start, [int(calls.start[-1]) + len(path.points)]),
                point=joined(calls.point, [index[row.code] for row in path.points]),
                arrival_s=joined(calls.arrival_s, arrivals),
                departure_s=joined(calls.departure_s, departures),
                planned_arrival_s=joined(calls.planned_arrival_s, arrivals),
                planned_departure_s=joined(calls.planned_departure_s, departures),
                track=[*calls.track, *(row.track for row in path.points)],
            ),
            movements=Movements(
                start=joined(moves.start, [int(moves.start[-1]) + len(path.pieces)]),
                directed=joined(moves.directed, [piece.directed for piece in path.pieces]),
                enter_ds=joined(moves.enter_ds, [round(piece.enter_s * 10) for piece in path.pieces]),
                exit_ds=joined(moves.exit_ds, [round(piece.exit_s * 10) for piece in path.pieces]),
                depart_ds=joined(moves.depart_ds, [round(piece.depart_s * 10) for piece in path.pieces]),
            ),
            holdings=Holdings(
                zone=np.concatenate([held.zone, table[:, 0]]),
                from_s=np.concatenate([held.from_s, table[:, 1]]),
                until_s=np.concatenate([held.until_s, table[:, 2]]),
                train=np.concatenate([held.train, table[:, 3]]),
                occupies=np.concatenate([held.occupies, occupies]),
                blocks=np.concatenate([held.blocks, blocks]),
            ),
            passengers=None if day.passengers is None else with_empty_calls(day.passengers, len(path.points)),
        )
    )


def _refuse_conflicts(
    day: Day,
    reference: str,
    network: Network,
    *,
    table: npt.NDArray[np.int32],
    occupies: npt.NDArray[np.uint8],
    blocks: npt.NDArray[np.uint8],
) -> None:
    from weerspoor.capacity.occupation import occupation

    found = occupation(network, day, (), float(table[:, 1].min()), float(table[:, 2].max()))
    timelines: Timelines = found.timelines
    columns = [np.ascontiguousarray(table[:, k]) for k in range(3)]
    _, trains = timelines.conflicts(columns[0], columns[1], columns[2], occupies, blocks)
    if len(trains):
        names = [found.reference[int(number)] for number in np.unique(trains)]
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        raise InputError(f"conflicts with {shown}", where=reference, hint="plan it again on this day")


def remove_plan(day: Day, reference: str) -> Day:
    """Return the day without a plan that was added to it.

    Raises
    ------
    InputError
        If the day has no plan of that reference.
    """
    plans = [name for name, phase in zip(day.trains.reference, day.trains.phase, strict=True) if phase == PHASE]
    if reference not in plans:
        near = nearest(reference, plans) or plans[:3]
        raise InputError(
            f"there is no plan {reference!r} in {day.name}", where="REFERENCE", hint=", ".join(near) if near else ""
        )
    gone = day.trains.reference.index(reference)
    keep = np.arange(len(day.trains.reference)) != gone
    trains, calls, moves, held = day.trains, day.calls, day.movements, day.holdings
    call_kept, move_kept = np.repeat(keep, np.diff(calls.start)), np.repeat(keep, np.diff(moves.start))
    rows = held.train != gone

    def names(values: list[str]) -> list[str]:
        return [value for value, kept in zip(values, keep.tolist(), strict=True) if kept]

    def offsets(start: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        return np.concatenate([[0], np.cumsum(np.diff(start)[keep])]).astype(np.int32)

    return seal(
        replace(
            day,
            trains=DayTrains(
                names(trains.reference), names(trains.series), names(trains.kind), names(trains.layer),
                names(trains.phase), trains.length_m[keep], trains.occupies[keep],
            ),
            calls=Calls(
                offsets(calls.start), calls.point[call_kept], calls.arrival_s[call_kept], calls.departure_s[call_kept],
                calls.planned_arrival_s[call_kept], calls.planned_departure_s[call_kept],
                [value for value, kept in zip(calls.track, call_kept.tolist(), strict=True) if kept],
            ),
            movements=Movements(
                offsets(moves.start), moves.directed[move_kept], moves.enter_ds[move_kept], moves.exit_ds[move_kept],
                moves.depart_ds[move_kept],
            ),
            holdings=Holdings(
                held.zone[rows], held.from_s[rows], held.until_s[rows],
                (held.train[rows] - (held.train[rows] > gone)).astype(np.int32), held.occupies[rows], held.blocks[rows],
            ),
            passengers=None if day.passengers is None else passengers_at(day.passengers, call_kept),
            turns=None if day.turns is None else without_train(day.turns, gone),
        )
    )  # fmt: skip

"""Plans accumulate: an accepted plan becomes a train of a day, its empty neighbour tracks included."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from weerspoor.capacity.plan import Path, Plan
from weerspoor.capacity.request import nearest
from weerspoor.common.errors import InputError
from weerspoor.kernel.graph import KEEP_ALL, KEEP_PASSENGER, KEEP_WIDE
from weerspoor.kernel.timelines import Rows
from weerspoor.network.model import Network
from weerspoor.timetable.altered import PLANNED, Added, altered
from weerspoor.timetable.day import LAYER_MILITARY, Calls, Day, DayTrains, Holdings, Movements
from weerspoor.timetable.store import seal
from weerspoor.trains.model import Train

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


def path_rows(path: Path, kind: int) -> Rows:
    """Return what a path of a train of ``kind`` (``IS_*`` bits) holds and keeps empty."""
    held, kept = path.held, path.kept_empty

    def both(name: str) -> npt.NDArray[np.int32]:
        return np.array([getattr(row, name) for row in (*held, *kept)], np.int32)

    return Rows(
        both("zone"),
        both("from_s"),
        both("until_s"),
        np.array([kind] * len(held) + [0] * len(kept), np.uint8),
        np.array([KEEP_ALL] * len(held) + [MASK[row.of] for row in kept], np.uint8),
    )


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
    rows = path_rows(path, train.occupies)
    _refuse_conflicts(day, plan.reference, network, rows)
    index = {code: i for i, code in enumerate(network.points.code)}

    def whole(values: Iterable[int]) -> npt.NDArray[np.int32]:
        return np.array(list(values), np.int32)

    arrivals, departures = (whole(getattr(row, name) for row in path.points) for name in ("arrival_s", "departure_s"))
    added = Added(
        reference=plan.reference,
        series=plan.reference,
        kind=train.kind,
        layer=LAYER_MILITARY,
        phase=PLANNED,
        length_m=train.length_m,
        occupies=train.occupies,
        point=whole(index[row.code] for row in path.points),
        arrival_s=arrivals,
        departure_s=departures,
        planned_arrival_s=arrivals,
        planned_departure_s=departures,
        track=[row.track for row in path.points],
        directed=whole(piece.directed for piece in path.pieces),
        enter_ds=whole(round(piece.enter_s * 10) for piece in path.pieces),
        exit_ds=whole(round(piece.exit_s * 10) for piece in path.pieces),
        depart_ds=whole(round(piece.depart_s * 10) for piece in path.pieces),
        rows=rows,
    )
    return seal(altered(day, (), [added]))


def _refuse_conflicts(day: Day, reference: str, network: Network, rows: Rows) -> None:
    from weerspoor.capacity.occupation import occupation

    found = occupation(network, day, (), float(rows.from_s.min()), float(rows.until_s.max()))
    trains = found.timelines.conflicts_of(rows)
    if trains:
        names = [found.reference[number] for number in trains]
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        raise InputError(f"conflicts with {shown}", where=reference, hint="plan it again on this day")


def remove_plan(day: Day, reference: str) -> Day:
    """Return the day without a plan that was added to it.

    Raises
    ------
    InputError
        If the day has no plan of that reference.
    """
    plans = [name for name, phase in zip(day.trains.reference, day.trains.phase, strict=True) if phase == PLANNED]
    if reference not in plans:
        near = nearest(reference, plans) or plans[:3]
        raise InputError(
            f"there is no plan {reference!r} in {day.name}", where="REFERENCE", hint=", ".join(near) if near else ""
        )
    return seal(altered(day, [day.trains.reference.index(reference)], ()))

"""Several equal trains that belong together: one path after the other through what is free, and back again empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from weerspoor.capacity.fit import BORDER, Problem, Work, first_path, prepare, request_train, trim, vary
from weerspoor.capacity.request import Request, TrainRequest, Window, point_index
from weerspoor.capacity.settings import settings
from weerspoor.kernel.graph import Run
from weerspoor.kernel.timelines import Rows
from weerspoor.network.model import Network
from weerspoor.timetable.altered import PLANNED, Added, altered
from weerspoor.timetable.day import LAYER_MILITARY, Day
from weerspoor.timetable.passages import passages

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Fitted:
    """One train of a series with its path.

    Attributes
    ----------
    problem : Problem
        Among the trains of the day and those of the series before it.
    run : Run
    """

    problem: Problem
    run: Run


def returning(request: Request, network: Network) -> Request:
    """Return the request of a train of the series that goes back empty.

    It is as long as before, without load: lighter by ``planning.toml``, of ordinary width, without dangerous goods. It
    comes in over a border at its destination when it is ready; it has a day to come home.

    Raises
    ------
    ValueError
        If no train goes back.
    """
    series, train, rule = request.series, request_train(request), settings().empty
    if series is None or series.return_ready_s is None:
        raise ValueError("no train goes back")
    values = {
        **request.train.values,
        "mass_t": round(train.mass_t * rule.mass_share, 1),
        "axle_load_t": round(train.axle_load_t * rule.mass_share, 1),
        "metre_load_t": round(train.metre_load_t * rule.mass_share, 2),
        "load_half_width_mm": min(train.load_half_width_mm, rule.half_width_mm),
        "dangerous_goods": (),
        "guarded": False,
    }
    points = network.points
    from_border = points.kind[point_index(points, request.destination)] == BORDER
    window = Window(series.return_ready_s, series.return_ready_s + rule.window_s)
    return replace(
        request,
        train=TrainRequest(request.train.template, values),
        origin=request.destination,
        destination=request.origin,
        ready_s=None if from_border else series.return_ready_s,
        origin_window=window if from_border else None,
        destination_window=None,
        via=(),
        urgency=None,
        series=None,
    )


def reference(request: Request, number: int, *, back: bool = False) -> str:
    """Return the reference of a train of a series by its number from 0; of one that goes back with an R."""
    if back:
        return f"{request.reference}/R{number + 1}"
    return request.reference if number == 0 else f"{request.reference}/{number + 1}"


def fit_series(
    request: Request,
    network: Network,
    day: Day,
    *,
    name: Callable[[int], str],
    before: Sequence[Added] = (),
    count: int,
    interval_s: int,
    progress: Progress = lambda _: None,
) -> list[Fitted]:
    """Return paths for trains one after the other, each among those before it, as many as are found.

    Parameters
    ----------
    request : Request
        Of the first.
    network : Network
    day : Day
        Not periodic: a stretch of one (:func:`weerspoor.timetable.window.window_of`).
    name : callable
        Gives the reference of each train by its number.
    before : sequence of Added
        Trains of the series that are on the day already.
    count : int
    interval_s : int
        Least time from one departure to the next.
    progress : callable
    """
    found: list[Fitted] = []
    added = list(before)
    for number in range(count):
        progress(f"looking for a path for train {number + 1} of {count}")
        problem = prepare(_after(request, found, interval_s), network, altered(day, (), added) if added else day)
        problem = vary(problem, without=())
        run = first_path(problem, Work(settings().work.path_labels))
        if run is None:
            return found
        run = trim(run, problem.slack_s)
        found.append(Fitted(problem, run))
        added.append(train_of_day(problem, run, name(number)))
    return found


def _after(request: Request, found: Sequence[Fitted], interval_s: int) -> Request:
    """Return the request of the next train: it leaves no sooner than the interval after the one before."""
    if not found:
        return request
    ready_s = int(found[-1].run.depart_s[0]) + interval_s
    window = request.origin_window
    if window is not None:
        return replace(request, origin_window=Window(max(window.earliest_s, ready_s), max(window.latest_s, ready_s)))
    return replace(request, ready_s=max(request.ready_s or 0, ready_s))


def train_of_day(problem: Problem, run: Run, reference: str) -> Added:
    """Return a military run as a train of a day."""
    train = problem.train
    found = passages(problem.network, run.directed, run.enter_s, run.exit_s, run.depart_s)

    def whole(values: Iterable[float]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        return np.array([round(value) for value in values], np.int32)

    arrivals, departures = whole(one.arrival_s for one in found), whole(one.departure_s for one in found)
    return Added(
        reference=reference,
        series=reference,
        kind=train.kind,
        layer=LAYER_MILITARY,
        phase=PLANNED,
        length_m=train.length_m,
        occupies=train.occupies,
        point=whole(one.point for one in found),
        arrival_s=arrivals,
        departure_s=departures,
        planned_arrival_s=arrivals,
        planned_departure_s=departures,
        track=[one.track for one in found],
        directed=run.directed,
        enter_ds=whole(run.enter_s * 10),
        exit_ds=whole(run.exit_s * 10),
        depart_ds=whole(run.depart_s * 10),
        rows=Rows.of(run, train.occupies),
    )

"""The trains wanted on a day, before they have tracks: from the package's tables or from a feed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

import weerspoor.data
from weerspoor.common.columns import array_of
from weerspoor.common.errors import DataError
from weerspoor.network.model import Network

if TYPE_CHECKING:
    from weerspoor.timetable.build import Wanted

DATA = Path(weerspoor.data.__file__).parent
Ints = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Demand:
    """Trains wanted and their calls; all times are seconds of the operating day, -1 where nothing is wished.

    Attributes
    ----------
    reference, series, kind, layer, phase : list of str
        As in ``timetable.day.DayTrains``; ``kind`` is a row of ``civil_train_kinds``.
    direction : (n,) int32
        0 or 1.
    free_group : list of str
        Trains of one group may be shifted together, since no source gives their minute of the hour; "" when the
        minute is fixed.
    period_s : (n,) int32
        Headway of the series; a shift of the group need not be longer. 0 where there is none.
    earliest_s, latest_s : (n,) int32
        Window of the wished departure; equal for a train with a wished minute, an hour for a reserve path.
    held : (n,) bool
        A reserve path held for ad hoc requests.
    call_start : (n + 1,) int32
        CSR offsets of the calls by train.
    point : list of str
        Code of the operational point, by call.
    arrival_s, departure_s : (k,) int32
        Wished times; the first call has no arrival, the last no departure.
    dwell_s : (k,) int32
        Least stand.
    stops : (k,) bool
        The train must stop there; False for places it passes.
    given : (k,) bool
        The times come from the source; False for estimates such as those at borders.
    """

    reference: list[str]
    series: list[str]
    kind: list[str]
    layer: list[str]
    phase: list[str]
    direction: Ints
    free_group: list[str]
    period_s: Ints
    earliest_s: Ints
    latest_s: Ints
    held: Bools
    call_start: Ints
    point: list[str]
    arrival_s: Ints
    departure_s: Ints
    dwell_s: Ints
    stops: Bools
    given: Bools

    def __len__(self) -> int:
        """Return the number of trains."""
        return len(self.reference)

    def calls_of(self, train: int) -> range:
        """Return the indices of a train's calls."""
        return range(int(self.call_start[train]), int(self.call_start[train + 1]))


@dataclass(frozen=True)
class Contradiction:
    """A train that another of the same source excludes, or a series that could not be used.

    Attributes
    ----------
    train, other : str
        References; ``other`` is "" where the train or series contradicts itself.
    reason, place : str
    """

    train: str
    other: str
    reason: str
    place: str


def load_demand() -> Demand:
    """Return the trains wanted on the pattern weekday, reserve paths included.

    Raises
    ------
    DataError
        If a table is missing.
    """
    trains, calls = _table("demand_trains"), _table("demand_calls")
    start = np.concatenate([[0], np.cumsum(array_of(trains["calls"]))]).astype(np.int32)
    return Demand(
        reference=trains["reference"].to_pylist(),
        series=trains["series"].to_pylist(),
        kind=trains["kind"].to_pylist(),
        layer=trains["layer"].to_pylist(),
        phase=trains["phase"].to_pylist(),
        direction=_ints(trains["direction"]),
        free_group=trains["free_group"].to_pylist(),
        period_s=_ints(trains["period_s"]),
        earliest_s=_ints(trains["earliest_s"]),
        latest_s=_ints(trains["latest_s"]),
        held=_bools(trains["held"]),
        call_start=start,
        point=calls["point"].to_pylist(),
        arrival_s=_ints(calls["arrival_s"]),
        departure_s=_ints(calls["departure_s"]),
        dwell_s=_ints(calls["dwell_s"]),
        stops=_bools(calls["stops"]),
        given=_bools(calls["given"]),
    )


def load_contradictions() -> list[Contradiction]:
    """Return the trains that contradict each other in the source itself, and series left out of it."""
    table = _table("demand_contradictions")
    columns = [table[name].to_pylist() for name in ("train", "other", "reason", "place")]
    return [Contradiction(*row) for row in zip(*columns, strict=True)]


def point_indices(points: list[str], network: Network) -> Ints:
    """Return the index into ``Network.points`` of each code, without regard to case; -1 where there is none."""
    index = {code.casefold(): number for number, code in enumerate(network.points.code)}
    return np.array([index.get(code.casefold(), -1) for code in points], dtype=np.int32)


def _table(name: str) -> Any:
    from pyarrow import parquet

    path = DATA / f"{name}.parquet"
    if not path.is_file():
        raise DataError("is missing", where=str(path), hint="make data builds it")
    return parquet.read_table(path)


def _ints(column: Any) -> Ints:
    return np.asarray(array_of(column), dtype=np.int32)


def _bools(column: Any) -> Bools:
    return np.asarray(array_of(column), dtype=np.bool_)


def wanted_trains(
    demand: Demand,
    network: Network,
    layers: tuple[str, ...] = ("passenger", "freight"),
    contradictions: Sequence[Contradiction] = (),
) -> tuple[list[Wanted], list[tuple[str, str]]]:
    """Return the trains as the builder takes them, and those with a point the network does not have.

    Parameters
    ----------
    demand : Demand
    network : Network
    layers : tuple of str
        Layers to take; the reserve is placed after the others.
    contradictions : sequence of Contradiction
        Trains in it are marked as contradicted.

    Returns
    -------
    wanted : list of Wanted
        In order of the demand.
    left_out : list of (reference, reason)
    """
    from weerspoor.timetable.build import Wanted

    points = point_indices(demand.point, network)
    contradicted = {row.train for row in contradictions}
    made: list[Wanted] = []
    left_out: list[tuple[str, str]] = []
    for train in range(len(demand)):
        if demand.layer[train] not in layers:
            continue
        calls = demand.calls_of(train)
        unknown = [demand.point[call] for call in calls if points[call] < 0 and demand.stops[call]]
        known = [call for call in calls if points[call] >= 0]
        if unknown or len(known) < 2:
            left_out.append((demand.reference[train], f"no such point: {', '.join(unknown) or demand.point[calls[0]]}"))
            continue
        first = known[0]
        window = int(demand.latest_s[train] - demand.earliest_s[train])
        departures = [int(demand.departure_s[call]) for call in known]
        if window > 0 and first == calls[0]:
            departures[0] = int(demand.earliest_s[train])
        if departures[0] < 0:
            departures[0] = int(demand.earliest_s[train])
        made.append(
            Wanted(
                reference=demand.reference[train],
                series=demand.series[train],
                kind=demand.kind[train],
                layer=demand.layer[train],
                phase=demand.phase[train],
                points=tuple(int(points[call]) for call in known),
                stops=tuple(bool(demand.stops[call]) for call in known),
                arrival_s=tuple(int(demand.arrival_s[call]) for call in known),
                departure_s=tuple(departures),
                dwell_s=tuple(int(demand.dwell_s[call]) for call in known),
                window_s=float(window),
                group=demand.free_group[train],
                contradicted=demand.reference[train] in contradicted,
            )
        )
    return made, left_out

"""Trips that begin at every station, counted or estimated; passengers and turns of the embedded day.

``build()`` makes the table of trips and needs the sources. Run by itself (``python -m tools.build_data.passengers``)
this works out the passengers and the turns of the embedded day anew and writes them into its file; that needs the
tables only.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tools.build_data.source import SOURCE
from tools.build_data.tables import DATA, Column, write_table
from weerspoor.network.load import load_network
from weerspoor.network.model import Network
from weerspoor.timetable.assignment import (
    Stations,
    assign,
    deterrence,
    load_choices,
    make_scan,
    passenger_calls,
    skims_of,
)
from weerspoor.timetable.day import LAYER_PASSENGER, Calls, Day, DayTrains, Holdings, Movements
from weerspoor.timetable.demand import Demand, load_demand, point_indices
from weerspoor.timetable.store import read_day, write_day
from weerspoor.timetable.turns import find_turns
from weerspoor.trains.tables import norm

COUNTS = SOURCE / "passengers" / "stations_inuit_2018.json"
STATIONS = SOURCE / "network" / "stations_rdt_2023-09.csv"
LEAST_REACH = 1e-3
"""Of a station from which no train leads to a counted one."""
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Served:
    """The stations of the demand, in order of code, and what stops there on the pattern weekday.

    Attributes
    ----------
    point : list of str
        Code of the operational point.
    kind : list of str
        Of the published list of stations (``stoptreinstation``, ``megastation`` …).
    fast, stopping, other : (s,) float64
        Trains that stop: intercity and international, stopping trains of the counted operator, trains of others.
    reach : (s, s) float64
        How easily one gets from the station of the row to that of the column by the wished times, 0 to itself.
    """

    point: list[str]
    kind: list[str]
    fast: Reals
    stopping: Reals
    other: Reals
    reach: Reals


@dataclass(frozen=True)
class Model:
    """``ln trips = weights . features``, and what corrects the bias of taking logarithms.

    Attributes
    ----------
    weights : (7,) float64
    scale : float
        Counted trips of all stations of the fit over the sum of those fitted.
    """

    weights: Reals
    scale: float


def served_stations(demand: Demand, network: Network) -> Served:
    """Return the stations at which passenger trains of the demand stop."""
    stops: dict[str, list[int]] = {}
    for train in range(len(demand)):
        if demand.layer[train] != LAYER_PASSENGER:
            continue
        group = _group(demand.kind[train])
        for call in demand.calls_of(train):
            if demand.stops[call]:
                stops.setdefault(demand.point[call].casefold(), [0, 0, 0])[group] += 1
    kind_of = station_kinds()
    points = network.points
    known = {
        code.casefold(): number
        for number, code in enumerate(points.code)
        if code.casefold() in stops and code.casefold() in kind_of
    }
    numbers = [known[code] for code in sorted(known)]
    counts = np.array([stops[code] for code in sorted(known)], np.float64)
    return Served(
        point=[points.code[number] for number in numbers],
        kind=[kind_of[code] for code in sorted(known)],
        fast=counts[:, 0],
        stopping=counts[:, 1],
        other=counts[:, 2],
        reach=_reach(demand, network, np.array(numbers)),
    )


def _group(kind: str) -> int:
    if kind.startswith("regional"):
        return 2
    return 1 if kind.startswith("sprinter") else 0


def _reach(demand: Demand, network: Network, points: npt.NDArray[np.int64]) -> Reals:
    """Return the deterrence function of the gravity model, with a fixed power, between stations."""
    choices = load_choices()
    day = wished_day(demand, network)
    count = len(points)
    ones, none = np.ones(count), np.zeros(count, np.bool_)
    stations = Stations(points, ones, ones, np.zeros(count), none)
    scan = make_scan(day, network, stations, passenger_calls(day, network), choices)
    cost, _, served = skims_of(scan, choices)
    power = norm("stations", "reach_power", "passengers")
    reach: Reals = np.where(served > 0, deterrence(cost, power, choices), 0.0)
    return reach


def wished_day(demand: Demand, network: Network) -> Day:
    """Return the passenger trains of the demand at their wished times, without tracks."""
    point_of = point_indices(demand.point, network)
    trains = [train for train in range(len(demand)) if demand.layer[train] == LAYER_PASSENGER]
    rows = [[call for call in demand.calls_of(train) if demand.stops[call] and point_of[call] >= 0] for train in trains]
    flat = np.array([call for calls in rows for call in calls], np.int64)
    arrival, departure = demand.arrival_s[flat], demand.departure_s[flat]
    empty, nowhere = np.zeros(0, np.int32), np.zeros(len(trains) + 1, np.int32)
    return Day(
        name="wished",
        kind="weekday",
        date="",
        lacks=[],
        periodic=True,
        trains=DayTrains(
            reference=[demand.reference[train] for train in trains],
            series=[demand.series[train] for train in trains],
            kind=[demand.kind[train] for train in trains],
            layer=[LAYER_PASSENGER] * len(trains),
            phase=[demand.phase[train] for train in trains],
            length_m=np.zeros(len(trains), np.float32),
            occupies=np.zeros(len(trains), np.uint8),
        ),
        calls=Calls(
            start=np.concatenate([[0], np.cumsum([len(calls) for calls in rows])]).astype(np.int32),
            point=point_of[flat],
            arrival_s=np.where(arrival >= 0, arrival, departure),
            departure_s=np.where(departure >= 0, departure, arrival),
            planned_arrival_s=arrival,
            planned_departure_s=departure,
            track=[""] * len(flat),
        ),
        movements=Movements(nowhere, empty, empty, empty, empty),
        holdings=Holdings(empty, empty, empty, empty, np.zeros(0, np.uint8), np.zeros(0, np.uint8)),
        reserve=None,
        network_hash=network.content_hash,
        content_hash="",
    )


def station_kinds() -> dict[str, str]:
    """Return the kind of each station of the published list, by code in small letters."""
    with STATIONS.open(encoding="utf-8", newline="") as file:
        return {row["code"].casefold(): row["type"] for row in csv.DictReader(file)}


def counted_trips() -> dict[str, float]:
    """Return trips that begin at each counted station on a working day, by code in small letters.

    The source counts who goes in and who comes out together, so half of it.
    """
    nodes = json.loads(COUNTS.read_text(encoding="utf-8"))["nodes"]
    return {node["id"].casefold(): node["InUit2018"] / 2 for node in nodes if node.get("InUit2018")}


def features(served: Served, counted: Reals, *, other: bool) -> Reals:
    """Return (s, 7): what the trips are estimated from.

    Trains that stop, the kind of station, and how many of the counted trips of other stations are within easy reach.

    Parameters
    ----------
    served : Served
    counted : (s,) float64
        Counted trips, 0 where there is no count. That of a station itself does not enter its own features.
    other : bool
        For what trains of other operators draw, which count as stopping trains; else for the counted operator.
    """
    stopping = served.other if other else served.stopping
    fast = np.zeros_like(served.fast) if other else served.fast
    junction = np.array(["nooppunt" in kind for kind in served.kind], np.float64)
    intercity = np.array([not other and ("ntercity" in kind or kind == "megastation") for kind in served.kind], float)
    largest = np.array([not other and kind == "megastation" for kind in served.kind], np.float64)
    ones = np.ones(len(served.point))
    around = np.log(np.maximum(served.reach @ counted, LEAST_REACH))
    return np.column_stack([ones, np.log1p(fast), np.log1p(stopping), junction, intercity, largest, around])


def fit(inputs: Reals, trips: Reals) -> Model:
    """Return the model of least squares of the logarithms."""
    weights, *_ = np.linalg.lstsq(inputs, np.log(trips), rcond=None)
    return Model(weights, float(trips.sum() / np.exp(inputs @ weights).sum()))


def predicted(model: Model, inputs: Reals) -> Reals:
    """Return estimated trips."""
    found: Reals = np.exp(inputs @ model.weights) * model.scale
    return found


def station_trips(served: Served, counted: dict[str, float]) -> tuple[Reals, Reals]:
    """Return trips that begin at each station on a weekday, and the share of them that is estimated."""
    count = np.array([counted.get(code.casefold(), 0.0) for code in served.point])
    own = features(served, count, other=False)
    known = count > 0
    model = fit(own[known], count[known])
    guess = np.where(served.fast + served.stopping > 0, predicted(model, own), 0.0)
    others = np.where(served.other > 0, predicted(model, features(served, count, other=True)), 0.0)
    others *= norm("stations", "regional_factor", "passengers")
    both = (served.fast + served.stopping > 0) & (served.other > 0)
    others = np.where(both, others * (1 - norm("stations", "changing_share", "passengers")), others)
    # A counted station that only others serve today was counted when they were the counted operator's trains.
    others = np.where(known & ~both, 0.0, others)
    total = np.where(known, count, guess) + others
    return total, np.where(known, others, total) / total


def build() -> None:
    """Write ``station_trips``."""
    served = served_stations(load_demand(), load_network())
    total, estimated = station_trips(served, counted_trips())
    write_table(
        "station_trips",
        "Trips that begin at each station on a weekday; as many end there.",
        "counts of those who go in and out at 252 stations on working days of 2018, halved; elsewhere, and for trains "
        "of other operators, estimated from the trains that stop, the kind of station and the counted trips within "
        "reach (tools.build_data.passengers)",
        "figures as facts; stations CC BY 4.0 Rijden de Treinen",
        {
            "point": Column(served.point, "-", "code of the operational point", "sure"),
            "trips": Column(np.round(total).astype(np.int32), "trips a weekday", "trips that begin there", "likely"),
            "estimated": Column(
                np.round(estimated, 3).astype(np.float32), "1", "share of them that is estimated", "assumed"
            ),
        },
    )


def with_passengers(day: Day, network: Network) -> Day:
    """Return the day with the passengers and turns worked out from it."""
    passengers, _, _ = assign(day, network)
    return replace(day, passengers=passengers, turns=find_turns(day))


def main() -> int:
    """Work out passengers and turns of a day file and write it back."""
    parser = argparse.ArgumentParser(prog="python -m tools.build_data.passengers", description=__doc__)
    parser.add_argument("day", nargs="?", type=Path, default=DATA / "pattern_weekday.day")
    path: Path = parser.parse_args().day
    network = load_network()
    day = write_day(with_passengers(read_day(path, network), network), path)
    print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB, hash {day.content_hash}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

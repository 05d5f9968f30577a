"""Print how good the passengers of the pattern day are: stations left out, counts in the east, loads of trains.

It writes nothing. Counts need the source data; without them only the loads are printed.
"""

from __future__ import annotations

import csv
import sys
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tools.build_data.passengers import (
    Served,
    counted_trips,
    features,
    fit,
    predicted,
    served_stations,
    station_trips,
)
from tools.build_data.source import SOURCE
from weerspoor.network.load import load_network
from weerspoor.network.model import Network
from weerspoor.timetable.assignment import Stations, Trips, assign
from weerspoor.timetable.day import LAYER_PASSENGER, Day, Passengers
from weerspoor.timetable.demand import load_demand
from weerspoor.timetable.store import load_day
from weerspoor.trains.tables import norm, number, row_by_name

EAST = (
    SOURCE
    / "passengers"
    / "ov_oost_reizigers"
    / "Reizigers per station per concessie inclusief NS"
    / "Reizigers per station (cico) per concessie incl. NS 2018.csv"
)
FOLDS = 10
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Error:
    """How far estimates are from counts.

    Attributes
    ----------
    stations : int
    median, weighted : float
        Median of the absolute error as a share of the count; sum of the absolute errors as a share of all counts.
    within_two : float
        Share of the stations whose estimate is between half and twice the count.
    ratio : float
        Sum of the estimates over the sum of the counts.
    """

    stations: int
    median: float
    weighted: float
    within_two: float
    ratio: float

    def __str__(self) -> str:
        return (
            f"{self.stations} stations, median error {self.median:.0%}, weighted by trips {self.weighted:.0%}, "
            f"{self.within_two:.0%} within a factor of two, all together {self.ratio:.2f} of the count"
        )


def error(estimate: Reals, count: Reals) -> Error:
    """Compare estimates with counts."""
    miss = np.abs(estimate - count)
    ratio = estimate / count
    return Error(
        len(count),
        float(np.median(miss / count)),
        float(miss.sum() / count.sum()),
        float(np.mean((ratio >= 0.5) & (ratio <= 2))),
        float(estimate.sum() / count.sum()),
    )


def left_out(served: Served, counted: dict[str, float], folds: int = FOLDS) -> Error:
    """Estimate each counted station as if a tenth of the stations, itself among them, had no count.

    The tenths are taken in order of code.
    """
    count = np.array([counted.get(code.casefold(), 0.0) for code in served.point])
    known = np.flatnonzero(count > 0)
    trips = count[known]
    fold = np.arange(len(known)) % folds
    estimate = np.zeros(len(known))
    for turn in range(folds):
        kept, gone = fold != turn, fold == turn
        inputs = features(served, np.where(np.isin(np.arange(len(count)), known[gone]), 0.0, count), other=False)
        model = fit(inputs[known[kept]], trips[kept])
        estimate[gone] = predicted(model, inputs[known[gone]])
    return error(estimate, trips)


def eastern_counts() -> tuple[dict[str, float], dict[str, float]]:
    """Return trips that begin on a working day of 2018 by name of station: the counted operator's, and others'."""
    counted: dict[str, float] = {}
    others: dict[str, float] = {}
    with EAST.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            trips = (float(row["INSTAP_WERK"] or 0) + float(row["UITSTAP_WERK"] or 0)) / 2
            group = counted if row["CONCESSIE"] == "NS" else others
            name = row["STATION"].casefold()
            group[name] = group.get(name, 0.0) + trips
    return counted, others


def against_the_east(served: Served, network: Network, counted: dict[str, float]) -> list[str]:
    """Compare with the counts in the east: stations of other operators alone, and those that both serve."""
    ns, others = eastern_counts()
    names = {code: name.casefold() for code, name in zip(network.points.code, network.points.name, strict=True)}
    total, estimated = station_trips(served, counted)
    alone = [
        at
        for at, code in enumerate(served.point)
        if estimated[at] == 1 and names[code] in others and others[names[code]] > 0
    ]
    both = [
        at
        for at, code in enumerate(served.point)
        if 0 < estimated[at] < 1 and names[code] in others and names[code] in ns
    ]
    changing = norm("stations", "changing_share", "passengers")
    of_alone = np.array([others[names[served.point[at]]] for at in alone])
    of_both = np.array([ns[names[served.point[at]]] + (1 - changing) * others[names[served.point[at]]] for at in both])
    return [
        f"  others' stations: {error(total[alone], of_alone)}",
        f"  stations of both, changing once: {error(total[both], of_both)}",
    ]


def of_both(served: Served, counted: dict[str, float], network: Network, day: Day, found: Passengers) -> Error:
    """Compare who gets on and off trains of the counted operator at stations of both with its counts.

    Changes between its trains are not counted there. The assignment knows nothing of operators, so this shows whether
    trips go where they should.
    """
    kinds = np.array([kind.startswith("regional") for kind in day.trains.kind])
    other = np.repeat(kinds, np.diff(day.calls.start))
    within = ~other[found.connection_from] & ~other[found.connection_to]
    points = len(network.points.code)
    by_point = np.bincount(day.calls.point, np.where(other, 0.0, found.boarding + found.alighting), points)
    by_point -= 2 * np.bincount(
        day.calls.point[found.connection_from[within]], found.connection_passengers[within], points
    )
    rows = [
        (by_point[network.points.code.index(code)] / 2, counted[code.casefold()])
        for code, others, own in zip(served.point, served.other, served.fast + served.stopping, strict=True)
        if others > 0 and own > 0 and code.casefold() in counted
    ]
    return error(*np.array(rows).T)


def load_lines(day: Day, passengers: Passengers) -> list[str]:
    """Say how full the trains are at their fullest, by kind."""
    fullest = np.maximum.reduceat(passengers.aboard, day.calls.start[:-1])
    seats = row_by_name("passenger_kinds", "kind")
    lines = ["kind               trains   median     p95     max   seats  fuller than seated"]
    kinds = np.array(day.trains.kind)
    travel = np.array([layer == LAYER_PASSENGER for layer in day.trains.layer])
    for kind in sorted(set(kinds[travel])):
        of = fullest[(kinds == kind) & travel]
        places = number(seats[kind], "seats") if kind in seats else float("nan")
        lines.append(
            f"{kind:18} {len(of):6} {np.median(of):8.0f} {np.quantile(of, 0.95):7.0f} {of.max():7.0f} {places:7.0f}"
            f"  {np.mean(of > places):6.1%}"
        )
    lines.append(f"all trains: p95 {np.quantile(fullest[travel], 0.95):.0f}, max {fullest.max():.0f}")
    return lines


def trip_lines(trips: Trips, stations: Stations, passengers: Passengers) -> list[str]:
    """Say how many trips there are, how long they are, and how well the balancing met what begins and ends."""
    total = trips.trips.sum()
    short, long = (float(trips.trips[way].sum() / total) for way in (trips.km < 10, trips.km > 100))
    km = (trips.trips * trips.km).sum()
    missed = max(
        float(np.max(np.abs(trips.trips.sum(axis=axis) - wanted) / np.maximum(wanted, 1)))
        for axis, wanted in ((1, stations.begin), (0, stations.end))
    )
    made = passengers.boarding.sum() - passengers.connection_passengers.sum()
    minutes = (trips.trips * trips.cost_s).sum() / total / 60
    later = np.average(passengers.wait_s, weights=passengers.aboard) / 60
    return [
        f"{total:,.0f} trips a weekday between {len(stations.point)} stations, of which "
        f"{stations.begin @ stations.estimated / stations.begin.sum():.1%} begin at an estimated one",
        f"{short:.0%} shorter than 10 km, {long:.0%} longer than 100 km",
        f"mean {km / total:.1f} km, {minutes:.0f} minutes with changes and half "
        f"the wait; {km / 1e6:.1f} million passenger-kilometres; power of the cost {trips.power:.3f}",
        f"{passengers.connection_passengers.sum() / total:.2f} changes a trip, {len(passengers.connection_from)} "
        f"connections; sums missed by at most {missed:.2%}; on trains {made / total:.4f} of the trips",
        f"if a train runs no further: {later:.0f} minutes on average",
    ]


def main() -> int:
    network = load_network()
    day = load_day("pattern-weekday", network)
    if SOURCE.is_dir():
        served, counted = served_stations(load_demand(), network), counted_trips()
        print(f"Stations left out of the fit, {FOLDS} folds: {left_out(served, counted)}")
        print("Counts in the east, 2018:")
        print("\n".join(against_the_east(served, network, counted)))
    else:
        print("The source data are not here: stations are not compared with counts.")
    passengers, _, _ = assign(day, network)
    if SOURCE.is_dir():
        print(f"Counted operator's trains at stations of both: {of_both(served, counted, network, day, passengers)}")
    began = time.perf_counter()
    passengers, trips, stations = assign(day, network)
    print(f"Assignment, compiled: {time.perf_counter() - began:.1f} s")
    print("\n".join(trip_lines(trips, stations, passengers)))
    print("\n".join(load_lines(day, passengers)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

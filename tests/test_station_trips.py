"""Trips by station: what is counted, what is estimated, and what both have."""

from __future__ import annotations

import numpy as np
import pytest
import tools.build_data.passengers as built
from pyarrow import parquet
from tools.build_data.passengers import DATA, Served, counted_trips, features, fit, predicted, served_stations
from tools.build_data.source import SOURCE
from tools.measure_passengers import error

from weerspoor.network.load import load_network
from weerspoor.timetable.demand import load_demand
from weerspoor.trains.tables import norm

COUNT = 40
KINDS = ("stoptreinstation", "knooppuntStoptreinstation", "intercitystation", "megastation")
RANDOM = np.random.default_rng(20260721)
SERVED = Served(
    point=[f"P{number}" for number in range(COUNT)],
    kind=[KINDS[number % 4] for number in range(COUNT)],
    fast=RANDOM.integers(0, 200, COUNT).astype(float),
    stopping=RANDOM.integers(1, 200, COUNT).astype(float),
    other=np.zeros(COUNT),
    reach=RANDOM.random((COUNT, COUNT)) * (1 - np.eye(COUNT)) / 1000,
)
COUNTED = {
    point.casefold(): float(trips)
    for point, trips in zip(SERVED.point, RANDOM.integers(50, 20_000, COUNT), strict=True)
}


def test_the_fit_finds_the_weights() -> None:
    """Trips made by known weights give these weights back, and no correction."""
    inputs = features(SERVED, np.array(list(COUNTED.values())), other=False)
    weights = np.array([5.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    model = fit(inputs, np.exp(inputs @ weights))
    assert model.weights == pytest.approx(weights)
    assert model.scale == pytest.approx(1)
    assert predicted(model, inputs) == pytest.approx(np.exp(inputs @ weights))


def test_a_count_is_taken_as_it_is() -> None:
    """Where all is counted nothing is estimated."""
    total, estimated = built.station_trips(SERVED, COUNTED)
    assert total.tolist() == list(COUNTED.values())
    assert not estimated.any()


def test_a_station_without_a_count_is_estimated() -> None:
    """It is, whole, and never nothing."""
    known = {point: trips for point, trips in COUNTED.items() if point != "p3"}
    total, estimated = built.station_trips(SERVED, known)
    assert total[3] > 0 and estimated[3] == 1
    assert estimated.sum() == 1


def test_trains_of_others_come_on_top() -> None:
    """At a station of both, the count and the others' share that does not change there; at one of others all of it."""
    other = np.zeros(COUNT)
    other[[1, 2]] = 70
    fast, stopping = SERVED.fast.copy(), SERVED.stopping.copy()
    fast[2] = stopping[2] = 0
    known = {point: trips for point, trips in COUNTED.items() if point != "p2"}
    served = Served(SERVED.point, SERVED.kind, fast, stopping, other, SERVED.reach)
    total, estimated = built.station_trips(served, known)
    count = np.array([known.get(point.casefold(), 0.0) for point in served.point])
    own = features(served, count, other=False)[count > 0]
    drawn = predicted(fit(own, count[count > 0]), features(served, count, other=True))
    drawn *= norm("stations", "regional_factor", "passengers")
    share = 1 - norm("stations", "changing_share", "passengers")
    assert total[1] == pytest.approx(count[1] + share * drawn[1])
    assert estimated[1] == pytest.approx(share * drawn[1] / total[1])
    assert (total[2], estimated[2]) == pytest.approx((drawn[2], 1))


def test_error() -> None:
    """Estimates of 50, 100 and 400 for counts of 100 each."""
    found = error(np.array([50.0, 100.0, 400.0]), np.array([100.0, 100.0, 100.0]))
    assert (found.median, found.weighted, found.within_two, found.ratio) == pytest.approx(
        (0.5, 3.5 / 3, 2 / 3, 5.5 / 3)
    )


def test_the_table_names_every_station_that_is_served() -> None:
    """Every station has trips; Oldenzaal, uncounted, is not left at nothing."""
    table = parquet.read_table(DATA / "station_trips.parquet")
    trips = dict(zip(table["point"].to_pylist(), table["trips"].to_pylist(), strict=True))
    assert min(trips.values()) > 0
    assert trips["Odz"] > 100
    assert trips["Ut"] == pytest.approx(194_385 / 2, abs=5_000)
    codes = {
        code
        for code, kind in zip(load_network().points.code, load_network().points.kind, strict=True)
        if kind == "station"
    }
    demand = load_demand()
    passenger = [train for train in range(len(demand)) if demand.layer[train] == "passenger"]
    served = {demand.point[call] for train in passenger for call in demand.calls_of(train) if demand.stops[call]}
    assert served & codes <= trips.keys()


@pytest.mark.skipif(not SOURCE.is_dir(), reason="the source data are not here")
def test_the_table_is_what_the_sources_give() -> None:
    """Made again it is the same."""
    served = served_stations(load_demand(), load_network())
    total, _ = built.station_trips(served, counted_trips())
    table = parquet.read_table(DATA / "station_trips.parquet")
    assert table["point"].to_pylist() == served.point
    assert np.abs(np.round(total) - table["trips"].to_numpy()).max() <= 1

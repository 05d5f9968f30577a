"""Holders of paths: every train of the day has one, and trains over a border name the network beyond."""

from __future__ import annotations

from collections import Counter

import pytest

from weerspoor.capacity.holders import border_networks, holder_of
from weerspoor.capacity.rules import SEGMENTS
from weerspoor.network.load import load_network
from weerspoor.network.model import Network
from weerspoor.timetable.day import LAYER_FREIGHT, LAYER_PASSENGER, Day
from weerspoor.timetable.demand import load_demand
from weerspoor.timetable.store import load_day
from weerspoor.trains.tables import rows, words


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network()


@pytest.fixture(scope="module")
def day(network: Network) -> Day:
    return load_day("pattern-weekday", network)


def test_every_train_of_the_day_has_a_holder_of_its_series(day: Day, network: Network) -> None:
    """No train falls back on the rows by kind; only of freight the undertaking is not known."""
    for train in range(len(day.trains.reference)):
        holder = holder_of(day, train, network)
        assert holder.segment in SEGMENTS
        assert (holder.segment == "freight") == (day.trains.layer[train] == LAYER_FREIGHT)
        assert bool(holder.undertaking) == (day.trains.layer[train] == LAYER_PASSENGER)
        assert "by kind" not in holder.note


def test_every_wanted_series_has_a_row() -> None:
    """Also series of which no train found a place."""
    demand = load_demand()
    wanted = {
        (demand.series[i], demand.layer[i] == LAYER_FREIGHT) for i in range(len(demand)) if demand.layer[i] != "reserve"
    }
    known = {(row["series"], row["segment"] == "freight") for row in rows("series_holders") if row["series"]}
    assert wanted <= known


def test_trains_over_a_border_are_those_the_demand_sends_there(day: Day, network: Network) -> None:
    """The run is cut before the border, yet the same trains pass it as were wanted over it."""
    demand = load_demand()
    index = {reference: i for i, reference in enumerate(demand.reference)}
    for train, reference in enumerate(day.trains.reference):
        wanted = {demand.point[call] for call in demand.calls_of(index[reference])} & set(border_networks())
        assert set(holder_of(day, train, network).borders) == wanted, reference


def test_neighbours_by_border(day: Day, network: Network) -> None:
    """The night train from Brussels to Berlin needs two, a freight train to Venlo one, a domestic train none."""
    found: dict[str, Counter[tuple[str, ...]]] = {}
    for train, series in enumerate(day.trains.series):
        found.setdefault(series, Counter())[holder_of(day, train, network).neighbours] += 1
    assert set(found["brabant-venlo"]) == {("DB InfraGO",)}
    assert set(found["3000"]) == {()}
    assert ("Infrabel", "DB InfraGO") in found["400"] or ("DB InfraGO", "Infrabel") in found["400"]
    assert set(found["9200"]) <= {("Infrabel",), ()}


def test_the_tables_name_points_and_segments_that_there_are(network: Network) -> None:
    """Every border point has a network beyond it; rows name known segments and borders."""
    points = network.points
    borders = {code for code, kind in zip(points.code, points.kind, strict=True) if kind == "border"}
    assert set(border_networks()) == borders
    for row in border_networks().values():
        assert set(words(row, "ends")) <= set(points.code)
    for row in rows("series_holders"):
        assert row["segment"] in SEGMENTS
        assert set(words(row, "borders")) <= borders

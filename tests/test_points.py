"""Operational points: found by code or name, and what belongs to them on the tracks."""

from __future__ import annotations

import numpy as np
import pytest

from chain import chain
from weerspoor.common.errors import InputError
from weerspoor.network.load import load_network
from weerspoor.network.points import (
    directed_at_point,
    find_point,
    nearest_points,
)


def test_code_without_regard_to_case_and_name():
    """A point is found by its code in any case and by its name."""
    points = chain().points
    assert find_point(points, "ut") == 2
    assert find_point(points, " UTRECHT centraal ") == 2


def test_unknown_point_offers_the_nearest():
    """An unknown name is an error that offers the most similar points and the place in the file."""
    with pytest.raises(InputError) as error:
        find_point(chain().points, "Utregt", where="request.toml: to.point")
    assert "Utrecht Centraal" in error.value.hint
    assert error.value.where == "request.toml: to.point"


def test_nearest_points_prefers_a_beginning():
    """A text that begins a name comes before names that are only similar."""
    assert nearest_points(chain().points, "Utrecht", 1) == [2]


def test_a_train_over_a_border_leaves_the_piece_that_ends_there():
    """At a border at 1000 m: rising ends piece 1, falling ends piece 2, so directed pieces 2 and 5."""
    assert directed_at_point(chain(), 1).tolist() == [2, 5]


def test_a_timing_place_inside_a_piece_is_on_that_piece():
    """A at 100 m lies in piece 0 in both directions."""
    assert directed_at_point(chain(), 0).tolist() == [0, 1]


@pytest.mark.parametrize(
    "code", ["Sloe", "Odzg", "Amf", "Ut", "Tb", "Dv", "Hgl", "Kfh", "Vl", "Zvg", "Esn", "Bkd", "On"]
)
def test_points_of_the_railway_lie_on_tracks(code: str):
    """The places that requests name are known and have directed pieces."""
    network = load_network()
    point = find_point(network.points, code)
    assert len(directed_at_point(network, point)) >= 2


def test_the_oldenzaal_border_lies_in_its_track():
    """Odzg lies 7.3 km into two tracks of 13.8 km, and pieces end there."""
    network = load_network()
    points, pieces = network.points, network.pieces
    rows = np.flatnonzero(points.place_point == find_point(points, "Odzg"))
    assert len(rows) == 2
    for row in rows:
        track = points.place_track[row]
        assert points.place_at_m[row] == pytest.approx(7_300, abs=60)
        assert network.tracks.length_m[track] == pytest.approx(13_800, abs=60)
        ends = pieces.to_m[pieces.track == track]
        assert np.abs(ends - points.place_at_m[row]).min() < 0.01


def test_every_station_has_a_platform():
    """At each of the stations a train can stand at a platform."""
    network = load_network()
    with_platform = set(network.stops.point[network.stops.platform_m > 0].tolist())
    stations = [i for i, kind in enumerate(network.points.kind) if kind == "station"]
    assert len(stations) >= 394
    assert [network.points.code[i] for i in stations if i not in with_platform] == []


def test_permissions_of_known_lines():
    """The Betuweroute asks ETCS and 25 kV; the Oldenzaal line has 1.5 kV; the line to Gronau has no wire."""
    network = load_network()
    line = np.array([*network.lines, ""])[network.tracks.line[network.pieces.track]]
    allow = network.permissions
    betuwe = line == "Kfhz-Zv"
    assert np.median(allow.voltage[betuwe]) == 8
    assert np.median(allow.protection[betuwe]) == 4
    assert np.median(allow.voltage[line == "Hgl-Odzg"]) == 1
    assert np.median(allow.voltage[line == "Es-Esg"]) == 0
    assert not allow.freight[line == "Rtd-Hsbdg"].all()

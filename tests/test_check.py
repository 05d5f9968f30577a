"""The named checks of the railway, on a track of two kilometres with faults put in, and on the real one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chain import chain, with_pieces
from weerspoor.network import check
from weerspoor.network.load import load_network

HOW = check.settings()


def test_distance_between_points_counts_parts_of_pieces():
    """From A at 100 m to Ut at 1900 m is 1800 m, and to the border at 1000 m 900 m, in both directions."""
    network = chain()
    assert check.distances_m(network, 0, [2, 1]) == pytest.approx([1800, 900])
    assert check.distances_m(network, 2, [0]) == pytest.approx([1800])


def test_lengths_agree_with_a_map(tmp_path: Path):
    """A map with 1.82 km passes 3 %, one with 2.0 km does not; an unknown end is counted as not comparable."""
    file = tmp_path / "map.csv"
    file.write_text("from,to,km_geom\nA,UT,1.82\nA,XX,5\n", encoding="utf-8")
    good = check.check_lengths(chain(), file, HOW)
    assert good.passed is True
    assert "1 of 1 comparable" in good.summary
    assert "1 an end abroad or unknown here" in good.summary
    file.write_text("from,to,km_geom\nA,UT,2.0\n", encoding="utf-8")
    bad = check.check_lengths(chain(), file, HOW)
    assert bad.passed is False
    assert bad.findings == ["A-UT: 1.800 km here, 2.000 km on the map"]


def test_lengths_are_skipped_without_the_map(tmp_path: Path):
    """Without the map the check says that it was skipped and does not fail."""
    result = check.check_lengths(chain(), tmp_path / "none.csv", HOW)
    assert result.passed is None
    assert "skipped" in result.summary


def test_a_cut_makes_two_parts():
    """Without the passages over the border half of the track is apart."""
    network = chain()
    start = np.array([0, 1, 1, 1, 2, 3, 3, 3, 4], np.int32)
    cut = dataclasses.replace(network, successor_start=start, successor=np.array([2, 1, 6, 5], np.int32), cache={})
    assert check.check_component(network, HOW).passed is True
    result = check.check_component(cut, HOW)
    assert result.passed is False
    assert "50.00 %" in result.summary


def test_a_one_way_line_has_no_way_back():
    """When only the rising direction is allowed, A cannot be reached from Ut."""
    network = chain()
    assert check.check_reachable(network, HOW).passed is True
    rising = np.tile([True, False], 4)
    result = check.check_reachable(with_pieces(network, right_hand=rising), HOW)
    assert result.passed is False
    assert any("no way to Astad (A)" in finding for finding in result.findings)


def test_leg_to_leg_is_found():
    """Two tracks that begin at the legs of one switch have no passage between them."""
    assert check._legs("537_251BL_2.8", "537_251BR_2.8")
    assert not check._legs("537_251BL_2.8", "537_251BV_2.8")
    assert not check._legs("537_251BL_2.8", "537_253BR_2.8")


def test_pieces_that_overlap_are_found():
    """A piece that begins before the one before it ends is found, and so is a zone in two places."""
    network = chain()
    assert check.check_zones(network).passed is True
    overlap = with_pieces(network, from_m=np.array([0, 390, 1000, 1600], np.float32))
    assert "do not join" in check.check_zones(overlap).findings[0]
    twice = with_pieces(network, zone=np.array([0, 1, 2, 0], np.int32))
    assert check.check_zones(twice).findings == ["zone 'z0' lies in two places"]


def test_implausible_holding_lengths_are_found():
    """A holding track of 9 km and a stop whose piece has another name are findings."""
    network = chain()
    assert check.check_stops(network, HOW).passed is True
    stops = dataclasses.replace(
        network.stops, usable_m=np.array([9000, 380, 300, 380], np.float32), name=["1", "7", "1", "1"]
    )
    findings = check.check_stops(dataclasses.replace(network, stops=stops, cache={}), HOW).findings
    assert findings == ["1 at A: 9000 m", "7 at A: the piece is named '1'"]


def test_signal_distances_are_measured():
    """With a signal at every end of a piece the distances are those of the pieces after it."""
    assert "8 facing signals; 50 % 0.60 km" in check.check_signals(chain()).summary


def test_neighbour_distances_change_with_ten_centimetres(tmp_path: Path):
    """Of 100 m of line 30 m lie at 3.95 m, 20 m at 4.05 m and 50 m alone: 0, 30 and 50 % under the three limits."""
    network = chain()
    beside = dataclasses.replace(network.neighbours, piece=np.array([1], np.int32))
    table = tmp_path / "distances.parquet"
    pq.write_table(pa.table({"distance_m": [3.95, 4.05, np.inf], "length_m": [30.0, 20.0, 50.0]}), table)
    found = check.check_neighbours(dataclasses.replace(network, neighbours=beside, cache={}), HOW, table)
    assert "under 3.90 m 0 %, under 4.00 m 30 %, under 4.10 m 50 %" in found.summary


def test_printing_tells_whether_all_passed(capsys: pytest.CaptureFixture[str]):
    """The verdict is false as soon as one check failed; checks that only inform do not count."""
    passed = check.CheckResult("one", True, "fine")
    info = check.CheckResult("two", None, "so many")
    failed = check.CheckResult("three", False, "wrong", [f"finding {i}" for i in range(20)])
    assert check.print_checks([passed, info]) is True
    assert check.print_checks([passed, failed]) is False
    assert "and 8 more" in capsys.readouterr().out


def test_the_railway_passes():
    """The embedded railway passes every check; lengths only where the independent map is."""
    if not (check.source_folder() / check.MAP_LENGTHS).is_file():
        pytest.skip("source data not here: lengths of the independent map")
    results = check.run_checks(load_network())
    assert [(r.name, r.summary) for r in results if r.passed is False] == []

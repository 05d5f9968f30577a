"""Wide loads: envelope, distances for meetings, places, and how the answer depends on the limit."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from weerspoor.common.errors import DataError
from weerspoor.kernel.graph import KEEP_ALL, KEEP_PASSENGER, KEEP_WIDE
from weerspoor.network.load import load_network
from weerspoor.network.model import Network
from weerspoor.trains.clearance import (
    Decision,
    clearance,
    decisions,
    distance_shares,
    envelope_m,
    keep_empty,
    keep_mask,
    not_allowed,
    overthrow_m,
    place_rules,
    platform_pieces,
    required_m,
    shares,
)

STRAIGHT = np.array([np.inf], dtype=np.float32)
TANK_MM = 1875.0


@pytest.fixture(scope="module")
def network() -> Network:
    """The shipped network, with a cache of its own."""
    return dataclasses.replace(load_network(), cache={})


def test_overthrow_by_hand() -> None:
    """Pivots 9 m apart on bogies of 3.2 m at 300 m radius: 81/2400 + 10.24/2400 = 38 mm inside, more than outside."""
    at_300 = overthrow_m(np.array([300.0], dtype=np.float32), 9.0, 3.2, 0.5)
    assert at_300 == pytest.approx([0.03802], abs=1e-5)


def test_overthrow_outside_when_the_body_reaches_far_beyond_the_bogie() -> None:
    """Pivots 9 m apart, 4 m beyond them: (36 + 16) / 600 - 10.24 / 2400 = 82 mm outside, more than 38 mm inside."""
    assert overthrow_m(np.array([300.0], dtype=np.float32), 9.0, 3.2, 4.0) == pytest.approx([0.08240], abs=1e-5)


def test_straight_track_has_no_overthrow() -> None:
    """On straight track the envelope is half-width and movement: 1.875 + 0.07 m."""
    assert envelope_m(TANK_MM, STRAIGHT) == pytest.approx([1.945])


def test_required_distances_by_hand() -> None:
    """Straight: 1.945 + 1.645 + 0.20 = 3.79 m for any train, 3.99 m for passengers, 2 * 1.945 + 0.20 = 4.09 m."""
    any_m, passenger_m, wide_m = required_m(TANK_MM, STRAIGHT)
    assert (any_m[0], passenger_m[0], wide_m[0]) == pytest.approx((3.79, 3.99, 4.09))


def test_a_curve_asks_for_more() -> None:
    """At 300 m radius the load needs 38 mm more, the ordinary train 3.75 / 300 = 12.5 mm: 3.79 + 0.0505 m."""
    any_m, _, wide_m = required_m(TANK_MM, np.array([300.0], dtype=np.float32))
    assert any_m[0] == pytest.approx(3.8405, abs=1e-4)
    assert wide_m[0] == pytest.approx(4.09 + 2 * 0.03802, abs=1e-4)


@pytest.mark.parametrize(
    ("distance_m", "mask"),
    [(3.60, KEEP_ALL), (3.78, KEEP_ALL), (3.80, KEEP_PASSENGER | KEEP_WIDE), (4.00, KEEP_WIDE), (4.10, 0), (9.0, 0)],
)
def test_what_a_tank_must_not_meet(distance_m: float, mask: int) -> None:
    """The nearer the neighbour track, the more kinds of train must stay away."""
    assert keep_mask(TANK_MM, np.array([distance_m], dtype=np.float32), STRAIGHT)[0] == mask


def test_wider_loads_keep_more_empty() -> None:
    """A wider load never keeps less empty, and neither does a shorter distance."""
    distance = np.linspace(3.4, 4.8, 57, dtype=np.float32)
    before = np.full(distance.shape, 0, dtype=np.uint8)
    for half_width_mm in (1650.0, 1750.0, 1875.0, 2000.0):
        mask = keep_mask(half_width_mm, distance, np.full(distance.shape, 800.0, dtype=np.float32))
        assert np.all(before & ~mask == 0)
        assert np.all(mask[1:] & ~mask[:-1] == 0)
        before = mask


def test_too_wide_for_the_free_space() -> None:
    """2.20 m free less 0.05 m gap and 0.07 m movement: 2.08 m half-width passes on straight track, 2.09 m does not."""
    assert not not_allowed(2079.0, STRAIGHT)[0]
    assert not_allowed(2090.0, STRAIGHT)[0]
    assert not_allowed(2079.0, np.array([180.0], dtype=np.float32))[0]


def test_ten_centimetres_change_the_answer(network: Network) -> None:
    """Shares of open line add up to 1; a stricter limit frees less; the shares move by more than five per cent."""
    looser, shipped, stricter = shares(network, TANK_MM)
    for item in (looser, shipped, stricter):
        assert sum(item.share.values()) == pytest.approx(1.0)
    free = [item.share[Decision.FREE] for item in (looser, shipped, stricter)]
    assert free[0] > free[1] > free[2] > 0.2
    assert free[0] - free[2] > 0.05
    assert stricter.share[Decision.NO_MEETING] > looser.share[Decision.NO_MEETING] + 0.1


def test_share_of_places_by_limit() -> None:
    """Of the metres of open line 3 in 10 lie nearer than 4.00 m to another track, between 4 and 5 in 10 than 4.10 m."""
    share = distance_shares((3.0, 4.0, 4.1, 13.0))
    assert share[3.0] == 0
    assert 0.25 < share[4.0] < 0.35
    assert 0.38 < share[4.1] < 0.50
    assert 0.75 < share[13.0] < 0.90


def test_keep_empty_agrees_with_the_decisions(network: Network) -> None:
    """Pieces with a zone kept empty of all trains are those decided as no meeting, and no piece keeps its own zone."""
    start, zone, mask = keep_empty(network, TANK_MM)
    piece = np.repeat(np.arange(network.n_pieces), np.diff(start))
    assert np.all(zone != network.pieces.zone[piece])
    decided = decisions(network, TANK_MM)
    decided_all = np.unique(piece[mask == KEEP_ALL])
    assert np.all(decided[decided_all] >= Decision.NO_MEETING)
    assert np.array_equal(np.flatnonzero(decided == Decision.NO_MEETING), np.setdiff1d(decided_all, _banned(decided)))
    pair = piece.astype(np.int64) * network.n_zones + zone
    assert len(np.unique(pair)) == len(pair)


def _banned(decided: np.ndarray) -> np.ndarray:
    return np.flatnonzero(decided == Decision.NOT_ALLOWED)


def test_a_platform_lies_along_the_train() -> None:
    """A ──p1──p2──p3──╴stop╶: a platform of 250 m reaches back over p3 (100 m), p2 (100 m) and into p1.

    The stop is at the exit of p3 with rising chainage; the next track is not touched.
    """
    real = load_network()
    pieces = dataclasses.replace(
        real.pieces,
        track=np.array([0, 0, 0, 0, 1], dtype=np.int32),
        from_m=np.array([0, 100, 200, 300, 0], dtype=np.float32),
        to_m=np.array([100, 200, 300, 400, 100], dtype=np.float32),
    )
    stops = dataclasses.replace(
        real.stops,
        directed=np.array([2 * 2], dtype=np.int32),
        point=np.array([-1], dtype=np.int32),
        name=["1"],
        platform_m=np.array([250], dtype=np.float32),
        usable_m=np.array([300], dtype=np.float32),
    )
    small = dataclasses.replace(real, pieces=pieces, stops=stops, cache={})
    assert platform_pieces(small).tolist() == [True, True, True, False, False]


def test_tables_are_read_and_a_wrong_key_is_an_error(tmp_path: Path) -> None:
    """Every row has a source and a certainty; a key that is not known is refused with the file's name."""
    table = clearance()
    rows = [table.neighbours, table.reference, table.load, table.meeting, table.platform, *table.structure]
    assert all(row.certainty in ("sure", "likely", "assumed") and row.source for row in (*rows, *place_rules()))
    wrong = tmp_path / "clearance.toml"
    wrong.write_text("[meetings]\nall_m = 0.2\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"clearance\.toml"):
        clearance(wrong)

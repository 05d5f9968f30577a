"""Neighbour tracks: what counts as beside, what does not, and how near tracks lie in the real network."""

from pathlib import Path

import numpy as np
import pytest
import shapely
import shapely.ops
from tools.build_data import beside
from tools.build_data.beside import PieceAt, Rules, near, pairs, runs_to_drop, samples, separations

from weerspoor.network.load import load_network
from weerspoor.network.model import KIND_OPEN_LINE, Network

SHARED = Path(__file__).parents[1].parent / "shared"
RULES = Rules(
    reach_m=12.0, step_m=10.0, slope=0.35, joined_m=3.0, fouling_m=3.5, clear_of_points_m=20.0, separation_m=150.0
)


def _beside(*lines: list[tuple[float, float]], zone: list[int] | None = None) -> dict[tuple[int, int], float]:
    """Return the neighbours of tracks of one piece each, without the rules on points."""
    shapes = np.array([shapely.LineString(line) for line in lines], dtype=object)
    lengths_m = shapely.length(shapes)
    track = np.arange(len(shapes))
    from_m = np.zeros(len(shapes))
    found = near(shapes, lengths_m, samples(track, from_m, lengths_m, RULES.step_m), RULES)
    kept = found.take(~runs_to_drop(found, RULES))
    zones = np.arange(len(shapes)) if zone is None else np.array(zone)
    a, b, distance_m = pairs(kept, PieceAt(track, from_m), zones)
    return {(int(i), int(j)): float(d) for i, j, d in zip(a, b, distance_m, strict=True)}


def test_two_parallel_tracks() -> None:
    """0 ═════ and 1 ═════ 4.05 m apart are neighbours of each other at 4.05 m."""
    assert _beside([(0, 0), (500, 0)], [(0, 4.05), (500, 4.05)]) == {(0, 1): 4.05, (1, 0): 4.05}


def test_least_distance_counts() -> None:
    """Where the distance varies from 6 m to 4 m, the least one counts (to the 10 m step of measuring)."""
    found = _beside([(0, 0), (500, 0)], [(0, 6), (500, 4)])
    assert found[0, 1] == pytest.approx(4.02, abs=0.01)
    assert found[0, 1] == found[1, 0]


def test_too_far() -> None:
    """Tracks 13 m apart are no neighbours."""
    assert _beside([(0, 0), (500, 0)], [(0, 13), (500, 13)]) == {}


def test_one_after_the_other() -> None:
    """0 ──── 1 ────: tracks in line, and tracks that end before the other begins, are not beside each other."""
    assert _beside([(0, 0), (100, 0)], [(100, 0), (200, 0)]) == {}
    assert _beside([(0, 0), (100, 0)], [(110, 4), (200, 4)]) == {}


def test_crossing_at_an_angle() -> None:
    """A track that crosses at 45 degrees is no neighbour."""
    assert _beside([(0, 0), (500, 0)], [(100, -150), (400, 150)]) == {}


def test_same_zone() -> None:
    """The two halves of one zone exclude each other anyway, so they are not listed."""
    assert _beside([(0, 0), (500, 0)], [(0, 4), (500, 4)], zone=[7, 7]) == {}


def test_points_do_not_count_as_beside() -> None:
    r"""Where two tracks part at points, only the stretch beyond the fouling point counts.

    ::

        0 ──────────────────
          \____ 1 ──────────   from 0 to 4 m in 40 m, then 4 m apart
    """
    found = _beside([(0, 0), (400, 0)], [(0, 0), (40, 4), (400, 4)])
    assert found[0, 1] == pytest.approx(3.5, abs=0.51)
    assert found[0, 1] >= RULES.fouling_m


def test_close_tracks_that_never_meet_are_real() -> None:
    """Two tracks 3.3 m apart all along are neighbours, not points."""
    assert _beside([(0, 0), (500, 0)], [(0, 3.3), (500, 3.3)])[0, 1] == pytest.approx(3.3)


def test_one_track_above_the_other() -> None:
    """Closer than any two trains fit, for a long way: two levels, so no neighbours."""
    assert _beside([(0, 0), (500, 0)], [(0, 2), (500, 2)]) == {}


def test_crossings_at_two_levels_are_those_without_a_common_zone() -> None:
    """Track 1 crosses tracks 0 and 2; with 2 it shares a zone (a flat crossing), with 0 it does not (a flyover)."""
    shapes = np.array(
        [
            shapely.LineString([(0, 0), (500, 0)]),
            shapely.LineString([(250, -50), (250, 50)]),
            shapely.LineString([(0, 20), (500, 20)]),
        ],
        dtype=object,
    )
    spots = separations(
        shapes, shapely.length(shapes), PieceAt(np.arange(3), np.zeros(3)), np.array([0, 1, 1], dtype=np.int64)
    )
    assert [(int(a), int(b)) for a, b in zip(spots.track, spots.other, strict=True)] == [(0, 1)]


@pytest.fixture(scope="module")
def network() -> Network:
    """The shipped network."""
    return load_network()


def test_every_pair_stands_twice(network: Network) -> None:
    """Neighbours are the same from both sides, and no piece is a neighbour of itself or of its own zone."""
    start, other, distance_m = network.neighbours.start, network.neighbours.piece, network.neighbours.distance_m
    piece = np.repeat(np.arange(network.n_pieces), np.diff(start))
    assert np.all(network.pieces.zone[piece] != network.pieces.zone[other])
    forth = piece.astype(np.int64) * network.n_pieces + other
    back = other.astype(np.int64) * network.n_pieces + piece
    order = np.argsort(back)
    assert np.array_equal(forth, back[order])
    assert np.array_equal(distance_m, distance_m[order])


def test_the_table_belongs_to_the_pieces(network: Network) -> None:
    """A sample of 400 pairs (seed 5) lies in the shipped shapes as near as the table says, to two metres."""
    pieces, tracks = network.pieces, network.tracks
    piece = np.repeat(np.arange(network.n_pieces), np.diff(network.neighbours.start))
    shapes: dict[int, shapely.LineString] = {}

    def line(number: int) -> shapely.LineString:
        track = int(pieces.track[number])
        if track not in shapes:
            part = slice(int(tracks.shape_start[track]), int(tracks.shape_start[track + 1]))
            east = tracks.lon[part] * 111_195 * np.cos(np.radians(52.2))
            shapes[track] = shapely.LineString(np.column_stack([east, tracks.lat[part] * 111_195]))
        share = np.array([pieces.from_m[number], pieces.to_m[number]]) / tracks.length_m[track]
        return shapely.ops.substring(shapes[track], float(share[0]), float(share[1]), normalized=True)

    for row in np.random.default_rng(5).choice(len(piece), 400, replace=False):
        a, b = line(int(piece[row])), line(int(network.neighbours.piece[row]))
        assert shapely.distance(a, b) <= network.neighbours.distance_m[row] + 2.0


def test_open_line_pieces_have_plausible_neighbours(network: Network) -> None:
    """Open-line pieces lie no closer than 3 m to another, the median near the usual 4 m; a fifth have none."""
    nearest = np.full(network.n_pieces, np.inf)
    piece = np.repeat(np.arange(network.n_pieces), np.diff(network.neighbours.start))
    np.minimum.at(nearest, piece, network.neighbours.distance_m)
    open_line = network.pieces.kind == KIND_OPEN_LINE
    weight = network.pieces.length_m[open_line]
    alone = float(weight[np.isinf(nearest[open_line])].sum() / weight.sum())
    assert 0.10 < alone < 0.30
    assert network.neighbours.distance_m.min() >= 3.0
    assert 3.8 < np.median(nearest[open_line & np.isfinite(nearest)]) < 4.2


def test_distances_at_the_middle_of_open_line_tracks() -> None:
    """Of some 700 tracks 5 % lie nearer than 3.67 m to another, half nearer than 4.1 m, a fifth beside none in 12 m."""
    if not (SHARED / "data" / "openspoor_v17").is_dir():
        pytest.skip("source data not here: openspoor_v17")
    nearest_m = beside.open_line_distances()
    p5, median, p75 = np.percentile(nearest_m[np.isfinite(nearest_m)], [5, 50, 75])
    assert p5 == pytest.approx(3.67, abs=0.05)
    assert median == pytest.approx(4.10, abs=0.08)
    assert p75 == pytest.approx(4.50, abs=0.20)
    assert float(np.isinf(nearest_m).mean()) == pytest.approx(0.19, abs=0.02)


def test_objects_lie_on_their_tracks(network: Network) -> None:
    """Objects of four kinds, each within its track."""
    objects = network.objects
    assert set(objects.kind) == {"level_crossing", "viaduct", "steel_bridge", "tunnel"}
    assert len(objects.kind) > 10_000
    assert np.all(objects.from_m <= objects.to_m)
    assert np.all(objects.to_m <= network.tracks.length_m[objects.track] + 5)

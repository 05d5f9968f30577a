"""The network: what the tables hold, and the rules by which the tools make them."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tools.build_data import core, crossings, direction
from tools.build_data.core import Piece, Record

from weerspoor.common.errors import DataError
from weerspoor.network.load import CORE_TABLES, DATA, load_network
from weerspoor.network.model import KIND_CROSSING, KIND_OPEN_LINE, KIND_SECTION, KIND_SWITCH, Network
from weerspoor.network.routes import dijkstra, length_by_directed_piece, shortest_times, way_to


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network()


def pairs(network: Network) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat(np.arange(2 * network.n_pieces), np.diff(network.successor_start)), network.successor


def at_point(network: Network, code: str) -> np.ndarray:
    """Directed pieces, both ways, of the tracks of an operational point."""
    points, p = network.points, network.pieces
    number = [c.lower() for c in points.code].index(code.lower())
    found = np.zeros(network.n_pieces, bool)
    for k in np.flatnonzero(points.place_point == number):
        found |= (
            (p.track == points.place_track[k])
            & (p.from_m < points.place_to_m[k] - 0.5)
            & (p.to_m > points.place_from_m[k] + 0.5)
        )
    here = np.flatnonzero(found)
    return np.concatenate([2 * here, 2 * here + 1]).astype(np.int32)


def test_pieces_tile_every_track(network: Network) -> None:
    """Every track is covered from 0 to its length by pieces that follow each other without gap or overlap."""
    p, tracks = network.pieces, network.tracks
    same = p.track[1:] == p.track[:-1]
    assert (np.diff(p.track) >= 0).all()
    assert (p.from_m[1:][same] == p.to_m[:-1][same]).all()
    assert (p.from_m[np.r_[True, ~same]] == 0).all()
    np.testing.assert_allclose(p.to_m[np.r_[~same, True]], tracks.length_m, atol=0.01)
    assert (p.length_m > 0).all()
    assert len(tracks.name) == 11_906
    assert tracks.length_m.sum() / 1000 == pytest.approx(7215, abs=1)


def test_successors_are_the_same_seen_from_the_other_end(network: Network) -> None:
    """If a train can run from a onto b, it can run back from b onto a; and it never turns round on the spot."""
    origin, onto = pairs(network)
    there = set(zip(origin.tolist(), onto.tolist(), strict=True))
    assert {(b ^ 1, a ^ 1) for a, b in there} == there
    assert not any(a // 2 == b // 2 for a, b in there)


def test_no_way_from_leg_to_leg(network: Network) -> None:
    """Where a piece runs on to another track, the train keeps its heading: it never enters a leg from the other leg.

    a ──────╮
            ├── front     from a to b would turn the heading by nearly 180 degrees
    b ──────╯
    """
    p, tracks = network.pieces, network.tracks
    east = tracks.lon * np.cos(np.radians(tracks.lat))

    def out(directed: int) -> np.ndarray:
        """Vector along a whole directed piece's end of track, 1 m or more long."""
        track = p.track[directed // 2]
        span = slice(tracks.shape_start[track], tracks.shape_start[track + 1])
        x, y = east[span], tracks.lat[span]
        return np.array([x[-1] - x[-2], y[-1] - y[-2]]) if directed % 2 == 0 else np.array([x[0] - x[1], y[0] - y[1]])

    first = np.searchsorted(p.track, np.arange(len(tracks.name)))
    last = np.searchsorted(p.track, np.arange(len(tracks.name)), side="right") - 1
    turned = 0
    for a, b in zip(*(side.tolist() for side in pairs(network)), strict=True):
        ends = a // 2 == (last if a % 2 == 0 else first)[p.track[a // 2]]
        begins = b // 2 == (first if b % 2 == 0 else last)[p.track[b // 2]]
        if p.track[a // 2] != p.track[b // 2] and ends and begins:
            turned += float(out(a) @ -out(b ^ 1)) < 0
    assert turned == 0


def test_two_known_routes(network: Network) -> None:
    """Utrecht to Groningen is 192 km and Kijfhoek to Zevenaar about 100 km, there and back."""
    cost = length_by_directed_piece(network)
    for one, other, km, tolerance in (("Ut", "Gn", 191.5, 1.5), ("Kfh", "Zv", 102.0, 6.0)):
        for begin, end in ((one, other), (other, one)):
            goal = at_point(network, end)
            dist, parent = shortest_times(network, at_point(network, begin), cost)
            best = int(goal[np.argmin(dist[goal])])
            assert dist[best] / 1000 == pytest.approx(km, abs=tolerance)
            way = way_to(parent, best)
            assert cost[way].sum() == pytest.approx(dist[best], rel=1e-4)
            back, _ = shortest_times(network, goal, cost, reverse=True)
            assert back[way[0]] == pytest.approx(dist[best], rel=1e-4)


def test_every_station_can_be_reached_keeping_right(network: Network) -> None:
    """Trains that run in the normal direction, and turn only on station tracks, reach every station and come back.

    Only the line from Enschede to Gronau has no connection with the rest of the network.
    """
    p, n = network.pieces, 2 * network.n_pieces
    cost = length_by_directed_piece(network).copy()
    cost[~p.right_hand] = np.inf
    turns = np.flatnonzero(np.repeat(p.kind == KIND_SECTION, 2))
    origin, onto = pairs(network)
    edges = np.array(
        [np.concatenate([origin, turns, n + turns]), np.concatenate([onto, n + turns, turns ^ 1])], np.int32
    )
    costs = np.concatenate([cost, np.full(n, 2000.0, np.float32)])
    cut_off = set()
    for graph in (edges, edges[::-1]):
        order = np.argsort(graph[0], kind="stable")
        start = np.zeros(2 * n + 1, np.int32)
        np.cumsum(np.bincount(graph[0], minlength=2 * n), out=start[1:])
        dist, _ = dijkstra(start, graph[1][order], at_point(network, "Ut"), costs)
        for code, kind in zip(network.points.code, network.points.kind, strict=True):
            if kind == "station" and not np.isfinite(dist[at_point(network, code)]).any():
                cut_off.add(code)
    assert cut_off <= {"Ese", "Gbr"}


def test_double_track_is_run_on_the_right(network: Network) -> None:
    """Two tracks between Culemborg and Geldermalsen, both with chainage to the south-east, seen with north above.

    N  117_5AR    117_5BV
          │          │       keeping right, trains to the south use the western track (5AR),
          ▼          ▲       trains to the north the eastern one (5BV)
    S
    """
    p = network.pieces
    for name, normal in (("117_5AR_17.6", [True, False]), ("117_5BV_17.7", [False, True])):
        here = np.flatnonzero((p.track == network.tracks.name.index(name)) & (p.kind == KIND_OPEN_LINE))
        assert len(here) > 0
        for piece in here:
            assert p.right_hand[2 * piece : 2 * piece + 2].tolist() == normal


def test_some_direction_is_normal_everywhere(network: Network) -> None:
    """No piece is closed in both directions; stations and points are open in both."""
    p = network.pieces
    both = p.right_hand.reshape(-1, 2)
    assert both.any(axis=1).all()
    assert both[(p.kind == KIND_SWITCH) | (p.kind == KIND_CROSSING)].all()


def test_a_zone_lies_in_one_place(network: Network) -> None:
    """A switch, crossing or slip is one zone; outside points the pieces of a zone follow each other on one track."""
    p = network.pieces
    order = np.argsort(p.zone, kind="stable")
    points = (p.kind == KIND_SWITCH) | (p.kind == KIND_CROSSING)
    plain = np.ones(network.n_zones, bool)
    plain[p.zone[points]] = False
    same = (p.zone[order][1:] == p.zone[order][:-1]) & plain[p.zone[order][1:]]
    joined = np.flatnonzero(same)
    assert (order[joined + 1] - order[joined] == 1).all()
    assert (p.track[order[joined + 1]] == p.track[order[joined]]).all()
    length = np.bincount(p.zone, weights=p.length_m)
    assert length[plain].max() <= 1400.5
    assert set(p.zone.tolist()) == set(range(network.n_zones))


def test_locked_stretches_are_short(network: Network) -> None:
    """From one facing signal to the next is a few kilometres at most, along every way a train can take."""
    p = network.pieces
    length = np.repeat(p.length_m, 2)
    far: dict[int, float] = {}

    def ahead(directed: int, on_way: tuple[int, ...] = ()) -> float:
        """Longest way from the entry of a directed piece to the next facing signal."""
        if directed not in far:
            further = [0.0]
            if not p.signal[directed]:
                onward = network.successor[network.successor_start[directed] : network.successor_start[directed + 1]]
                further += [ahead(int(d), (*on_way, directed)) for d in onward if d not in on_way]
            far[directed] = float(length[directed]) + max(further)
        return far[directed]

    origin, onto = pairs(network)
    stretches = np.array([ahead(int(d)) for d in onto[p.signal[origin]]])
    assert np.median(stretches) < 1500
    assert np.percentile(stretches, 99) < 4000
    assert stretches.max() < 8000


def made_of(*records: tuple[str, str, str, str]) -> tuple[list[Record], list[Piece], list[tuple[int, int]]]:
    """Records of 100 m each from (kind, name, kind of limit at its begin, at its end), with a piece for each."""
    found = [Record(kind, name, 100.0 * i, 100.0 * i + 100, a, b) for i, (kind, name, a, b) in enumerate(records)]
    pieces = [Piece(0, r.from_m, r.to_m, i, 0, r.name) for i, r in enumerate(found)]
    return found, pieces, [(i, i + 1) for i in range(len(found))]


def test_a_signal_faces_the_train_that_leaves_a_named_section() -> None:
    """Between a named and a made-up section the signal faces the train that leaves the named one.

    ── RA ──┤├ s7-w1 ─┤ 1 ├─ w1-s7 ─┤├── 7 ──┤├── 8 ──┤| buffer stop
           ▷                         ◁      ◁▷         ▷
    """
    found, pieces, spans = made_of(
        ("S", "RA", "", "BED_SEIN"),
        ("S", "sRA-w1v", "BED_SEIN", "WISSEL"),
        ("W", "1", "WISSEL", "WISSEL"),
        ("S", "w1r-s7", "WISSEL", "BED_SEIN"),
        ("S", "7", "BED_SEIN", "BED_SEIN"),
        ("S", "8", "BED_SEIN", "STOOTJUK"),
    )
    assert core.set_signals("t", found, spans, pieces) == []
    assert [p.signal for p in pieces] == [
        [True, False],
        [False, False],
        [False, False],
        [False, False],
        [True, True],
        [True, True],
    ]


def test_a_signal_between_two_made_up_sections_is_listed() -> None:
    """Nobody knows whom it faces: it faces nobody, and it is reported."""
    found, pieces, spans = made_of(("S", "s1-s2", "", "BED_SEIN"), ("S", "s2-w3v", "BED_SEIN", "WISSEL"))
    assert core.set_signals("t", found, spans, pieces) == [("t", 100.0, "BED_SEIN")]
    assert not any(any(p.signal) for p in pieces)


@pytest.mark.parametrize(
    ("name", "own"),
    [("7", True), ("38a", True), ("RA", True), ("KG5", True), ("5w", True), ("s7-w245l", False), ("", False)],
)
def test_names_of_sections(name: str, own: bool) -> None:
    """Names that people use are told from names that the source made up of the limits."""
    assert Record("S", name, 0, 1, "", "").own is own


def test_cuts_keep_away_from_limits_and_out_of_switches() -> None:
    """A platform's end moves to a limit within 5 m; a switch is cut only where a slip joins it."""
    section = Record("S", "7", 0.0, 300.0, "", "")
    assert core.cut_record(section, (), (150.0, 298.0), (3.0, 152.0, 80.0), ()) == [0.0, 80.0, 152.0, 300.0]
    switch = Record("W", "1", 0.0, 30.0, "", "")
    assert core.cut_record(switch, (12.5,), (), (20.0,), ()) == [0.0, 12.5, 30.0]


def test_right_hand_of_two_and_of_four() -> None:
    """Seen with rising chainage upwards: the right one of two rises, the left one falls; two and two of four.

     ▼  ▲        ▼  ▼  ▲  ▲
    -4  0        0  4  8  12
    """

    def normal(*offsets: float) -> tuple[int, int]:
        section = direction.Section("t", 0, 1, 0, 1)
        direction.vote(section, list(offsets))
        return section.pair_votes, section.group_votes

    assert normal(-4, 0) == (direction.RISING, 0)
    assert normal(0, 4) == (direction.FALLING, 0)
    assert normal(0) == (0, 0)
    assert normal(0, 4, 8, 12) == (0, direction.FALLING)
    assert normal(-8, -4, 0, 4) == (0, direction.RISING)
    assert normal(-4, 0, 4) == (0, direction.BOTH)
    assert normal(-20, 0) == (direction.RISING, 0)


def ways_along(lengths_m: list[float]) -> direction.Ways:
    """Return ways over pieces that follow each other straight on, with rising chainage."""
    n = len(lengths_m)
    links = [(2 * p, 2 * p + 2) for p in range(n - 1)] + [(2 * p + 3, 2 * p + 1) for p in range(n - 1)]
    main = np.full(2 * n, -1, np.int32)
    for here, there in links:
        main[here] = there
    return direction.Ways(links, main, np.array(lengths_m), np.zeros(n, dtype=bool), ["A"] * n)


def sections_along(lengths_m: list[float], normal: list[int]) -> list[direction.Section]:
    """Return a section for each piece, with the direction found so far."""
    return [
        direction.Section("t", 0.0, length, p, p + 1, normal=way, reason="pair" if way else "single")
        for p, (length, way) in enumerate(zip(lengths_m, normal, strict=True))
    ]


def test_one_direction_goes_on_through_a_short_stretch() -> None:
    """A short stretch against both its neighbours is a loop taken for the other track, a long one is not.

    main  ===== 8 km > =====[ 0.9 km < ]===== 5 km > =====
    """
    for middle_m, found in ((900.0, direction.RISING), (3000.0, direction.FALLING)):
        lengths = [8000.0, middle_m, 5000.0]
        sections = sections_along(lengths, [direction.RISING, direction.FALLING, direction.RISING])
        direction.continue_through(sections, ways_along(lengths))
        assert [s.normal for s in sections] == [direction.RISING, found, direction.RISING]


def test_a_passing_loop_serves_both_directions() -> None:
    """The straight track of a short loop between single line is for trains both ways; of a long one it is not.

    single ----- 6 km -----[ 0.6 km > ]----- 5 km -----
    """
    for middle_m, found in ((600.0, direction.BOTH), (3000.0, direction.RISING)):
        lengths = [6000.0, middle_m, 5000.0]
        sections = sections_along(lengths, [direction.BOTH, direction.RISING, direction.BOTH])
        direction.continue_through(sections, ways_along(lengths))
        assert [s.normal for s in sections] == [direction.BOTH, found, direction.BOTH]


def test_flat_crossings() -> None:
    """Two switches cross at one level; two sections in their middle do not; a bridge decides for sections."""
    switch, other = Record("W", "1A", 0, 30, "", ""), Record("W", "3B", 0, 30, "", "")
    line = Record("S", "RA", 0, 1000, "", "")
    assert crossings.decide([[switch], [other]], (10, 10), True) == (True, "both on points")
    assert crossings.decide([[line], [line]], (500, 500), False) == (False, "middle of a section")
    assert crossings.decide([[line], [switch]], (500, 10), True) == (False, "bridge or tunnel")
    assert crossings.decide([[line], [switch]], (990, 10), False) == (True, "points and end of section")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_shortest_ways_equal_brute_force(data: st.DataObject) -> None:
    """The compiled search finds the same costs as relaxing every edge again and again."""
    n = data.draw(st.integers(2, 8))
    edges = sorted(data.draw(st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=20)))
    cost = np.array(data.draw(st.lists(st.integers(0, 50), min_size=n, max_size=n)), np.float32)
    start = np.zeros(n + 1, np.int32)
    np.cumsum(np.bincount([a for a, _ in edges], minlength=n), out=start[1:])
    dist, _ = dijkstra(start, np.array([b for _, b in edges], np.int32), np.array([0]), cost)
    plain = np.full(n, np.inf)
    plain[0] = cost[0]
    for _ in range(n):
        for a, b in edges:
            plain[b] = min(plain[b], plain[a] + cost[b])
    np.testing.assert_array_equal(dist, plain.astype(np.float32))


def copied(folder: Path) -> Path:
    for name in (*CORE_TABLES, "stops"):
        shutil.copy(DATA / f"{name}.parquet", folder)
    return folder


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    """Without pieces there is no network, and the error says which file is missing."""
    folder = copied(tmp_path)
    (folder / "pieces.parquet").unlink()
    with pytest.raises(DataError, match=r"pieces\.parquet"):
        load_network(folder)


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    """A file that is no Parquet is an error of the data, not a traceback."""
    folder = copied(tmp_path)
    (folder / "zones.parquet").write_bytes(b"no table")
    with pytest.raises(DataError, match="zones"):
        load_network(folder)


def test_tables_for_other_pieces_are_refused(tmp_path: Path) -> None:
    """Stops name pieces by number, so they cannot be used with pieces that are numbered otherwise."""
    folder = copied(tmp_path)
    pieces = pq.read_table(folder / "pieces.parquet")
    moved = pa.array(pieces.column("to_m").to_numpy() + np.float32(1))
    changed = pieces.set_column(pieces.column_names.index("to_m"), "to_m", moved)
    pq.write_table(changed, folder / "pieces.parquet")
    with pytest.raises(DataError, match="other pieces"):
        load_network(folder)

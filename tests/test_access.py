"""May this train use this track: each reason alone, speed, standing places, and the ways that follow from it."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np
import pytest

from weerspoor.capacity.routes import explain_route
from weerspoor.common.errors import InputError
from weerspoor.kernel.graph import KEEP_PASSENGER, KEEP_WIDE
from weerspoor.network.load import load_network
from weerspoor.network.model import (
    KIND_SECTION,
    LINE_CATEGORIES,
    Neighbours,
    Network,
    Objects,
    Permissions,
    Pieces,
    Points,
    Stops,
    Tracks,
)
from weerspoor.network.routes import length_by_directed_piece, shortest_times
from weerspoor.trains import clearance
from weerspoor.trains.access import (
    AVOIDED,
    CLEARANCE,
    CLOSED,
    DANGEROUS_GOODS,
    DIRECTION,
    FREIGHT,
    GAUGE,
    LENGTH,
    LOAD,
    PROTECTION,
    WIRE,
    access,
    gauge_index,
    line_categories,
    line_category_limits,
    point_pieces,
    rule_pieces,
    wide_limit_mm,
    wide_load_km,
)
from weerspoor.trains.catalogue import template
from weerspoor.trains.stops import stop_kind

D4 = LINE_CATEGORIES.index("D4")
TANKS = template("heavy")


def small(**permissions: Any) -> Network:
    """Build four kilometre-long tracks with points A and B.

    ::

              ┌── 1 (north) ──┐
        A─ 0 ─┤               ├─ 3 ─B     tracks 1 and 2 are 4.05 m apart
              └── 2 (south) ──┘

    Pieces are numbered as the tracks; track 1 has the speed 80, the others 100 km/h. Direction 0 runs from A to B.
    Every piece is signalled at both ends and named; B has a platform of 300 m; both ends are 500 m long to stand on.
    """
    n = 4
    tracks = Tracks(
        name=["t0", "t1", "t2", "t3"],
        length_m=np.full(n, 1000, np.float32),
        line=np.full(n, -1, np.int32),
        shape_start=np.arange(0, 2 * n + 1, 2, dtype=np.int32),
        lon=np.full(2 * n, 5.0),
        lat=np.full(2 * n, 52.0),
    )
    pieces = Pieces(
        track=np.arange(n, dtype=np.int32),
        from_m=np.zeros(n, np.float32),
        to_m=np.full(n, 1000, np.float32),
        zone=np.arange(n, dtype=np.int32),
        kind=np.full(n, KIND_SECTION, np.uint8),
        name=["1", "2", "3", "4"],
        speed_kmh=np.array([100, 80, 100, 100], np.float32),
        signal=np.ones(2 * n, np.bool_),
        radius_m=np.full(n, np.inf, np.float32),
        right_hand=np.ones(2 * n, np.bool_),
    )
    follow: dict[int, list[int]] = {0: [2, 4], 2: [6], 4: [6], 7: [3, 5], 3: [1], 5: [1]}
    start = np.zeros(2 * n + 1, np.int32)
    np.cumsum([len(follow.get(d, [])) for d in range(2 * n)], out=start[1:])
    allowed: dict[str, Any] = {
        "voltage": np.ones(n, np.uint8),
        "protection": np.ones(n, np.uint8),
        "line_category": np.full(n, D4, np.uint8),
        "max_train_m": np.full(n, 740, np.float32),
        "gauge": np.full(n, 1, np.uint8),
        "dangerous_goods": np.ones(n, np.bool_),
        "freight": np.ones(n, np.bool_),
        "left_allowed": np.zeros(n, np.bool_),
    }
    for name, by_piece in permissions.items():
        allowed[name] = np.array(by_piece, allowed[name].dtype)
    return Network(
        tracks=tracks,
        pieces=pieces,
        successor_start=start,
        successor=np.array([s for d in range(2 * n) for s in follow.get(d, [])], np.int32),
        zone_name=["z0", "z1", "z2", "z3"],
        lines=[],
        points=Points(
            code=["A", "B"],
            name=["Ahaven", "Bstad"],
            kind=["harbour", "station"],
            lon=np.full(2, 5.0),
            lat=np.full(2, 52.0),
            certain=np.ones(2, np.bool_),
            place_point=np.array([0, 1], np.int32),
            place_track=np.array([0, 3], np.int32),
            place_from_m=np.array([0, 0], np.float32),
            place_to_m=np.array([1000, 1000], np.float32),
            place_at_m=np.array([500, 500], np.float32),
        ),
        stops=Stops(
            directed=np.array([1, 6, 2], np.int32),
            point=np.array([0, 1, -1], np.int32),
            name=["1", "4", "2"],
            platform_m=np.array([0, 300, 0], np.float32),
            usable_m=np.array([560, 560, 530], np.float32),
        ),
        neighbours=Neighbours(
            start=np.array([0, 0, 1, 2, 2], np.int32),
            piece=np.array([2, 1], np.int32),
            distance_m=np.array([4.05, 4.05], np.float32),
        ),
        permissions=Permissions(**allowed),
        objects=Objects(np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.float32), []),
        content_hash="small",
    )


def test_a_fitting_train_goes_everywhere() -> None:
    """A diesel train of 540 m within every limit may use all tracks in both directions."""
    found = access(small(), TANKS)
    assert found.allowed.all()
    assert not found.reasons.any()


@pytest.mark.parametrize(
    ("permissions", "changes", "reason"),
    [
        ({"voltage": [1, 0, 1, 1]}, {"traction": ["1.5 kV DC"]}, WIRE),
        ({"voltage": [9, 8, 1, 1]}, {"traction": ["1.5 kV DC", "15 kV AC"]}, WIRE),
        ({"protection": [1, 4, 1, 1]}, {"protection": ["ATB-EG"]}, PROTECTION),
        ({"line_category": [D4, 4, D4, D4]}, {"axle_load_t": 21.5}, LOAD),
        ({"line_category": [D4, D4 - 1, D4, D4]}, {"metre_load_t": 7.5}, LOAD),
        ({"max_train_m": [740, 539, 740, 740]}, {}, LENGTH),
        ({"gauge": [3, 2, 3, 3]}, {"gauge": "GC"}, GAUGE),
        ({"dangerous_goods": [1, 0, 1, 1]}, {"dangerous_goods": ["1.1D"]}, DANGEROUS_GOODS),
        ({"freight": [1, 0, 1, 1]}, {}, FREIGHT),
    ],
)
def test_each_reason_alone(permissions: dict[str, Any], changes: dict[str, Any], reason: int) -> None:
    """Only track 1 forbids, in both directions, and for the one reason expected."""
    found = access(small(**permissions), TANKS.with_(**changes))
    assert found.reasons.tolist() == [0, 0, reason, reason, 0, 0, 0, 0]
    assert found.allowed.tolist() == [True, True, False, False, True, True, True, True]


def test_what_needs_no_permission() -> None:
    """Diesel needs no wire, a track without train protection asks for none, other trains mind no freight ban."""
    network = small(voltage=[0, 0, 0, 0], protection=[0, 0, 0, 0], freight=[0, 0, 0, 0])
    coaches = TANKS.with_(kind="intercity", load_half_width_mm=1500, protection=[])
    assert access(network, coaches).allowed.all()


def test_several_reasons_are_all_told() -> None:
    """A track may forbid a train for more than one reason."""
    found = access(small(voltage=[1, 0, 1, 1], max_train_m=[740, 500, 740, 740]), TANKS.with_(traction=["1.5 kV DC"]))
    assert found.reasons[2] == WIRE | LENGTH


def test_line_categories_by_hand() -> None:
    """21.5 t and 5.8 t/m fit D2 and above; 20 t and 7.5 t/m fit C4, D4, E4 and E5."""
    names = np.array(LINE_CATEGORIES)
    assert names[line_categories(21.5, 5.8)].tolist() == ["D2", "D3", "D4", "E4", "E5"]
    assert names[line_categories(20.0, 7.5)].tolist() == ["C4", "D4", "E4", "E5"]
    assert not line_categories(30.0, 5.0).any()
    assert line_category_limits()["D2"] == (22.5, 6.4)


def test_height_asks_for_a_profile() -> None:
    """3.90 m fits G1, 4.30 m needs GA, 4.50 m GC, 5 m no profile at all, which forbids every track."""
    assert [gauge_index("G1", mm) for mm in (3900, 4300, 4500, 5000)] == [0, 1, 3, 4]
    assert gauge_index("GB", 3900) == 2
    assert not access(small(), TANKS.with_(load_height_mm=5000)).allowed.any()


def test_wrong_way() -> None:
    """The track that is not the right-hand one is used where the line allows it."""
    network = small()
    right = network.pieces.right_hand.copy()
    right[3] = False
    network = dataclasses.replace(network, pieces=dataclasses.replace(network.pieces, right_hand=right), cache={})
    assert access(network, TANKS).reasons.tolist() == [0, 0, 0, DIRECTION, 0, 0, 0, 0]
    both = dataclasses.replace(network.permissions, left_allowed=np.array([False, True, False, False]))
    assert access(dataclasses.replace(network, permissions=both, cache={}), TANKS).allowed.all()


def test_avoided_closed_and_not_to_stand() -> None:
    """A point avoided forbids its tracks, a closure its pieces; where a train shall not stand it may still pass."""
    network = small()
    assert (access(network, TANKS, avoid_points=[0]).reasons[:2] == AVOIDED).all()
    closed = np.array([False, False, True, False])
    assert (access(network, TANKS, closed=closed).reasons[4:6] == CLOSED).all()
    plain = TANKS.with_(load_half_width_mm=1500)
    standing = access(network, plain, stand_avoid=[1])
    assert standing.allowed.all()
    assert standing.stop_rows.tolist() == [0]


def test_where_it_may_stand() -> None:
    """540 m fits 560 m but not 530 m; wide loads, guarded ones and dangerous goods do not stand at a platform."""
    network = small()
    assert access(network, TANKS.with_(load_half_width_mm=1500)).stop_rows.tolist() == [0, 1]
    assert access(network, TANKS).stop_rows.tolist() == [0]
    for changes in ({"dangerous_goods": ["3"]}, {"guarded": True}):
        assert access(network, TANKS.with_(load_half_width_mm=1500, **changes)).stop_rows.tolist() == [0]
    assert access(network, TANKS.with_(load_half_width_mm=1500, length_m=561)).stop_rows.tolist() == []
    assert access(network, TANKS).may_stop.tolist() == [False, True] + [False] * 6


def test_speed_limits() -> None:
    """21.5 t an axle: 100 km/h; a wide load beside a platform 80 km/h, an ordinary one not; passengers no limit."""
    network = small()
    assert access(network, TANKS).speed_cap_kmh.tolist() == [100] * 6 + [80] * 2
    assert access(network, TANKS.with_(load_half_width_mm=1500)).speed_cap_kmh.tolist() == [100] * 8
    coaches = TANKS.with_(kind="intercity", load_half_width_mm=1500)
    assert np.isinf(access(network, coaches).speed_cap_kmh).all()


def test_what_a_wide_load_keeps_empty() -> None:
    """Tracks 1 and 2 at 4.05 m: a half-width of 1.875 m meets no wide load there, 2.05 m no passengers either."""
    network = small()
    found = access(network, TANKS)
    assert found.keep_start.tolist() == [0, 0, 1, 2, 2]
    assert found.keep_zone.tolist() == [2, 1]
    assert found.keep_mask.tolist() == [KEEP_WIDE, KEEP_WIDE]
    assert access(network, TANKS.with_(load_half_width_mm=2050)).keep_mask.tolist() == [KEEP_WIDE | KEEP_PASSENGER] * 2
    assert access(network, TANKS.with_(load_half_width_mm=1500)).keep_zone.tolist() == []


def test_too_wide_everywhere() -> None:
    """Beyond 2.08 m half-width a load touches what stands beside the track: 2.20 - 0.05 - 0.07 m."""
    assert (access(small(), TANKS.with_(load_half_width_mm=2100)).reasons == CLEARANCE).all()
    assert wide_limit_mm(small(), np.array([0], np.int32)) == pytest.approx(2080, abs=0.5)


def test_a_free_train_has_two_ways() -> None:
    """Both tracks are one way, because they lie beside each other; the southern is faster: 3 km at 90 km/h."""
    explanation = explain_route(small(), TANKS, "a", "B")
    assert len(explanation.routes) == 1
    way = explanation.routes[0]
    assert way.km == 3.0
    assert way.directed.tolist() == [0, 4, 6]
    assert way.points == ["A", "B"]
    assert way.kept_empty_km == {"all": 0.0, "passenger": 0.0, "wide": 1.0}
    assert way.slowed_km == 1.0
    assert explanation.refused == []


def test_a_slower_way_tells_what_would_open_the_faster() -> None:
    """Without wire on the southern track an electric train takes the northern; a diesel engine would open the other."""
    network = small(voltage=[1, 1, 0, 1])
    explanation = explain_route(network, TANKS.with_(traction=["1.5 kV DC"]), "A", "B")
    assert explanation.routes[0].directed.tolist() == [0, 2, 6]
    (refused,) = explanation.refused
    assert refused.way.directed.tolist() == [0, 4, 6]
    (barrier,) = refused.barriers
    assert (barrier.reason, barrier.track, barrier.limit, barrier.km) == ("wire", "t2", "no wire", 1.0)
    assert [relief.text for relief in refused.reliefs] == ["a diesel engine"]


def test_no_way_tells_the_least_reliefs() -> None:
    """Track 3 takes 500 m and no dangerous goods: both reasons are told, and how far the train comes."""
    network = small(max_train_m=[740, 740, 740, 500], dangerous_goods=[1, 1, 1, 0])
    explanation = explain_route(network, TANKS.with_(dangerous_goods=["1.1D"]), "A", "B")
    assert explanation.routes == []
    (refused,) = explanation.refused
    assert {relief.reason: relief.text for relief in refused.reliefs} == {
        "length": "at most 500 m long",
        "dangerous_goods": "without dangerous goods",
    }
    assert explanation.reached == ["A"]


def test_explanation_in_words() -> None:
    """The text names the way, what it costs beside it, and for the refused one the place, the limit and the relief."""
    network = small(voltage=[1, 1, 0, 1])
    text = str(explain_route(network, TANKS.with_(traction=["1.5 kV DC"]), "A", "B"))
    assert "A to B, train heavy: one way, timetable apart" in text
    assert "1. 3.0 km, about 2 min" in text
    assert "over A - B" in text
    assert "neighbour track kept empty: 1 km of other wide loads" in text
    assert "wire: A-B 1 km (no wire)" in text
    assert "would open with: a diesel engine" in text


def _rule(rule: str, **values: Any) -> clearance.PlaceRule:
    return clearance.PlaceRule(
        point="b", rule=rule, from_half_width_mm=1800, certainty="assumed", source="a test", **values
    )


@pytest.mark.parametrize(
    ("rule", "banned", "cap_kmh"),
    [
        (_rule("no_platform_track"), True, 80),
        (_rule("track_fixed", tracks=["4"]), False, 80),
        (_rule("track_fixed", tracks=["5"]), True, 80),
        (_rule("speed_limit", speed_kmh=30), False, 30),
        (_rule("not_allowed"), True, 80),
        (_rule("not_allowed", tracks=["9"]), False, 80),
    ],
)
def test_rules_of_places(
    monkeypatch: pytest.MonkeyPatch, rule: clearance.PlaceRule, banned: bool, cap_kmh: float
) -> None:
    """Point B has one track, named 4, with a platform: a rule holds for loads as wide as it says, not for others."""
    monkeypatch.setattr(clearance, "place_rules", lambda: (rule,))
    found = access(small(), TANKS)
    assert found.reasons.tolist() == [0] * 6 + [CLEARANCE if banned else 0] * 2
    assert found.speed_cap_kmh[6] == cap_kmh
    assert access(small(), TANKS.with_(load_half_width_mm=1790)).allowed.all()


def test_shipped_rules_leave_a_way_through() -> None:
    """Every shipped rule that bans tracks of a place bans some, and leaves a way through the place and out of it."""
    network = load_network()
    index = {code: point for point, code in enumerate(network.points.code)}
    cost = length_by_directed_piece(network)
    for rule in clearance.place_rules():
        assert rule.point in index
        if rule.rule == "speed_limit":
            continue
        inside = np.zeros(network.n_pieces, dtype=bool)
        inside[point_pieces(network, [index[rule.point]])] = True
        banned = rule_pieces(network, rule)
        assert len(banned)
        within = np.repeat(inside, 2)
        origin = np.repeat(np.arange(2 * network.n_pieces), np.diff(network.successor_start))
        entries = np.unique(origin[~within[origin] & within[network.successor]])
        exits = np.unique(network.successor[within[origin] & ~within[network.successor]])
        only = np.where(within, cost, np.float32(np.inf))
        only[2 * banned], only[2 * banned + 1] = np.inf, np.inf
        only[entries], only[exits] = 1.0, 1.0
        out, _ = shortest_times(network, entries.astype(np.int32), only.astype(np.float32))
        assert np.isfinite(out[exits]).sum() >= 4, rule.point


def test_turning_back_when_there_is_no_other_way() -> None:
    """From track 1 to track 2 a train turns back at B, a yard: 1 km, 1 km, its time there, and 1 km back to C.

    A train that does not fit at B has no way, and neither has one at a plain junction.
    """
    network = small()
    points = dataclasses.replace(
        network.points,
        code=["A", "C", "B"],
        name=["A", "C", "B"],
        kind=["station", "station", "yard"],
        lon=np.full(3, 5.0),
        lat=np.full(3, 52.0),
        place_point=np.array([0, 1, 2], np.int32),
        place_track=np.array([1, 2, 3], np.int32),
        place_from_m=np.zeros(3, np.float32),
        place_to_m=np.full(3, 1000, np.float32),
        place_at_m=np.full(3, 500, np.float32),
    )
    stops = dataclasses.replace(network.stops, point=np.array([-1, 2, -1], np.int32))
    yard = dataclasses.replace(network, points=points, stops=stops, cache={})
    plain = TANKS.with_(load_half_width_mm=1500)
    (way,) = explain_route(yard, plain, "A", "C").routes
    assert way.directed.tolist() == [2, 6, 7, 5]
    assert way.turns_at == ["B"]
    assert way.km == 3.0
    assert way.running_s > stop_kind("reversing").least_for(plain)
    assert "turning back at B" in str(explain_route(yard, plain, "A", "C"))
    assert explain_route(yard, plain.with_(length_m=561), "A", "C").routes == []
    junction = dataclasses.replace(points, kind=["station", "station", "junction"])
    assert explain_route(dataclasses.replace(yard, points=junction, cache={}), plain, "A", "C").routes == []


def test_kilometres_by_decision() -> None:
    """A tank load on the four kilometres: two free of meetings with wide loads only, one beside a platform."""
    found = wide_load_km(small(), 1875)
    assert found["free"] == 2
    assert found["no_meeting_wide"] == 2
    assert found["speed_limit"] == found["no_platform_track"] == 1
    assert wide_load_km(small(), 2100)["not_allowed"] == 4


def test_unknown_point() -> None:
    """A code that is no point is the user's mistake."""
    with pytest.raises(InputError, match="no point 'Q'"):
        explain_route(small(), TANKS, "A", "Q")


def test_whole_network_in_milliseconds() -> None:
    """On the whole network, with what depends on the network alone at hand, a new train takes a few milliseconds."""
    network = load_network()
    access(network, TANKS)
    spent = []
    for half_width_mm in range(1700, 1720):
        started = time.perf_counter()
        access(network, TANKS.with_(load_half_width_mm=half_width_mm))
        spent.append(time.perf_counter() - started)
    assert float(np.median(spent)) < 0.05

"""Trains that turn back on the way: where they may, how long it takes, how it is drawn, checked and explained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from benchmarks.displib import broken_rule
from hypothesis import given, settings
from hypothesis import strategies as st

from test_fit import held_day
from test_fit import line as plain_line
from weerspoor.capacity.accumulate import add_plan, remove_plan
from weerspoor.capacity.geometry import Course
from weerspoor.capacity.make import Made, plan_on
from weerspoor.capacity.plan import Path as PlanPath
from weerspoor.capacity.plan import Plan
from weerspoor.capacity.request import with_points
from weerspoor.capacity.request_reader import read_request
from weerspoor.capacity.routes import explain_route
from weerspoor.capacity.schema import sealed
from weerspoor.capacity.verify import verify_plan
from weerspoor.common.errors import InputError
from weerspoor.network.load import load_network
from weerspoor.network.model import KIND_OPEN_LINE, KIND_SECTION, Network
from weerspoor.timetable.day import Day
from weerspoor.trains.access import access
from weerspoor.trains.catalogue import civil_kind, template
from weerspoor.trains.stops import stop_kind
from weerspoor.trains.turning import turned_heads, turned_rows, turning, with_turns

LENGTHS = (1000, 6000, 500, 500, 1000, 6000, 1000, 4000, 1000)
NAMES = ("a", "RA", "1a", "1b", "2", "RB", "3", "RC", "c")
START_M = (0, 1000, 7000, 7500, 7000, 8000, 14000, 3000, 2000)


def branch(kind: str = "yard") -> Network:
    """Build a line with a loop, and a branch that leaves it the way back.

    ::

        C ── 8 "c" ── 7 ──┐ ┌─ 2 "1a" ─ 3 "1b" ─┐
        A ── 0 "a" ── 1 ──┴─┤         M         ├── 5 ── 6 ─┤ B (border)
                            └────── 4 "2" ──────┘

    From A the way to C is over M, where a train turns back. A, M and C hold trains of 900 m; track 1 at M has two
    pieces of 500 m. M is a yard, or what ``kind`` says.
    """
    old, n = plain_line(), len(LENGTHS)
    start_m, length_m = np.array(START_M), np.array(LENGTHS)
    follow = {
        0: [2],
        2: [4, 8],
        4: [6],
        6: [10],
        8: [10],
        10: [12],
        13: [11],
        11: [7, 9],
        7: [5],
        5: [3, 15],
        9: [3, 15],
    }
    follow |= {3: [1], 15: [17], 16: [14], 14: [4, 8]}
    offsets = np.zeros(2 * n + 1, np.int32)
    np.cumsum([len(follow.get(d, [])) for d in range(2 * n)], out=offsets[1:])
    everywhere, open_line = np.ones(n, np.bool_), np.isin(np.arange(n), (1, 5, 7))
    return replace(
        old,
        tracks=replace(
            old.tracks,
            name=[f"t{i}" for i in range(n)],
            length_m=length_m.astype(np.float32),
            line=np.full(n, -1, np.int32),
            shape_start=np.arange(0, 2 * n + 1, 2, dtype=np.int32),
            lon=np.stack([5.0 + start_m / 68_000, 5.0 + (start_m + length_m) / 68_000], axis=1).ravel(),
            lat=np.repeat(np.where(np.isin(np.arange(n), (7, 8)), 52.01, 52.0), 2),
        ),
        pieces=replace(
            old.pieces,
            track=np.arange(n, dtype=np.int32),
            from_m=np.zeros(n, np.float32),
            to_m=length_m.astype(np.float32),
            zone=np.arange(n, dtype=np.int32),
            kind=np.where(open_line, KIND_OPEN_LINE, KIND_SECTION).astype(np.uint8),
            name=list(NAMES),
            speed_kmh=np.array([80, 80, 40, 60, 80, 80, 80, 80, 80], np.float32),
            signal=~np.isin(np.arange(2 * n), (4, 7)),
            radius_m=np.full(n, np.inf, np.float32),
            right_hand=np.ones(2 * n, np.bool_),
        ),
        successor_start=offsets,
        successor=np.array([s for d in range(2 * n) for s in follow.get(d, [])], np.int32),
        zone_name=[f"z{i}" for i in range(n)],
        points=replace(
            old.points,
            code=["A", "M", "B", "C"],
            name=["Ahaven", "Middelburg", "Bgrens", "Centrum"],
            kind=["harbour", kind, "border", "station"],
            lon=np.array([5.0, 5.1, 5.2, 5.03]),
            lat=np.array([52.0, 52.0, 52.0, 52.01]),
            certain=np.ones(4, np.bool_),
            place_point=np.array([0, 1, 1, 2, 3], np.int32),
            place_track=np.array([0, 3, 4, 6, 8], np.int32),
            place_from_m=np.array([0, 0, 0, 900, 0], np.float32),
            place_to_m=np.array([1000, 500, 1000, 1000, 1000], np.float32),
            place_at_m=np.array([1000, 0, 500, 1000, 500], np.float32),
        ),
        stops=replace(
            old.stops,
            directed=np.array([0, 6, 8, 5, 9, 12, 17, 16], np.int32),
            point=np.array([0, 1, 1, 1, 1, 2, 3, 3], np.int32),
            name=["a", "1", "2", "1", "2", "3", "c", "c"],
            platform_m=np.zeros(8, np.float32),
            usable_m=np.full(8, 900, np.float32),
        ),
        neighbours=replace(old.neighbours, start=np.zeros(n + 1, np.int32), piece=np.zeros(0, np.int32),
                           distance_m=np.zeros(0, np.float32)),
        permissions=replace(
            old.permissions,
            voltage=np.ones(n, np.uint8),
            protection=np.ones(n, np.uint8),
            line_category=np.full(n, old.permissions.line_category[0], np.uint8),
            max_train_m=np.full(n, 2000, np.float32),
            gauge=np.full(n, 3, np.uint8),
            dangerous_goods=everywhere,
            freight=everywhere,
            left_allowed=everywhere,
        ),
        cache={},
    )  # fmt: skip


def ask(
    network: Network, day: Day | None = None, *, train: str = "", rest: str = "", to: str = "C", reference: str = "T"
) -> Made:
    """Plan a mixed train of 650 m from A, ready at 10:00, to C."""
    text = (
        f'reference = "{reference}"\n[train]\ntemplate = "mixed"\n{train}\n'
        f'[from]\npoint = "A"\nready = "10:00"\n[to]\npoint = "{to}"\n{rest}'
    )
    return plan_on(with_points(read_request(text), network.points), network, day, alternatives=0)


def only(made: Made) -> PlanPath:
    assert made.plan.outcome == "found"
    return made.plan.paths[0]


def turns(path: PlanPath) -> list[int]:
    return [position for position, piece in enumerate(path.pieces) if piece.turned]


def test_the_engine_runs_round_where_tracks_lead_on_in_no_other_way() -> None:
    """To C over M: it stands there for the run-round, says so, and goes on from the other end of the train.

    On track 2 (1 000 m) the new head is taken to be 350 m beyond the tail, a walk of 175 s; on track 1 likewise.
    """
    network = branch()
    made = ask(network)
    path = only(made)
    (turn,) = turns(path)
    stood, head = path.pieces[turn - 1], path.pieces[turn]
    assert (stood.directed, head.directed) in ((8, 9), (6, 5))
    kind = stop_kind("reversing")
    assert stood.depart_s - stood.exit_s == pytest.approx(kind.least_s + 6.5 * kind.per_100_m_s + 175, abs=6)
    assert (head.enter_s, head.exit_s, head.depart_s) == (stood.depart_s,) * 3
    (stop,) = [row for row in path.points if row.stop_s]
    assert (stop.code, stop.reason, path.stops) == ("M", "reversing", 1)
    assert [row.code for row in path.points] == ["A", "M", "C"]
    # From the exit of 0: 6 km and the kilometre at M; from the new head, at the beginning of M, 4 km and 1 km.
    assert path.distance_km == pytest.approx(12.0, abs=0.01)
    assert all(a.km <= b.km for a, b in zip(path.points, path.points[1:], strict=False))
    assert verify_plan(made.plan, network, None) == []
    assert any(row["what"] == "turning.reversing_s" for row in made.plan.assumptions)
    assert path.energy_kwh is not None
    assert path.energy_kwh > 0


def test_a_cab_at_both_ends_and_a_multiple_unit_turn_faster_and_without_a_run_round() -> None:
    """At a plain station only they turn; a unit is the fastest, then the train with a cab at either end."""
    kinds = {"": "reversing", "cab_at_both_ends = true": "reversing_two_cabs"}
    stands = []
    for train, kind in kinds.items():
        path = only(ask(branch(), train=train))
        (stop,) = [row for row in path.points if row.stop_s]
        assert stop.reason == kind
        stands.append(stop.stop_s)
    assert stands[0] > stands[1]
    assert civil_kind("sprinter").turns_by == "reversing_unit"
    station = branch("station")
    assert only(ask(station, train="cab_at_both_ends = true")).stops == 1
    plan = ask(station).plan
    assert plan.explanation is not None
    assert [item.key for item in plan.explanation.relaxations] == ["cab_at_both_ends"]
    assert plan.explanation.obstacles[0].detail.key == "plan.obstacle.no_way"
    with pytest.raises(InputError, match="true or false"):
        ask(station, train='cab_at_both_ends = "yes"')


def test_the_request_says_whether_a_train_may_turn() -> None:
    """``never``: no path, and turning back is what would give one; ``allowed``: also where there is another way."""
    never = '[prefer]\nturn_back = "never"'
    plan = ask(branch(), rest=never).plan
    assert plan.explanation is not None
    assert plan.explanation.summary.key == "plan.summary.turning_ruled_out"
    assert [item.detail.key for item in plan.explanation.obstacles] == ["plan.obstacle.reversing"]
    assert plan.explanation.obstacles[0].place == "Middelburg"
    assert [item.key for item in plan.explanation.relaxations] == ["turn_back"]
    straight = only(ask(branch(), to="B", rest='[prefer]\nturn_back = "allowed"'))
    assert turns(straight) == []
    with pytest.raises(InputError, match="turn_back") as caught:
        ask(branch(), rest='[prefer]\nturn_back = "sometimes"')
    assert "needed, allowed, never" in caught.value.hint


def test_a_stop_to_turn_back_is_made_where_it_may() -> None:
    """At M on its way to C it turns; on its way to B it stands as long and the plan says that it does not turn."""
    via = '[[via]]\npoint = "M"\nstop_s = 60\nkind = "{kind}"'
    network = branch()
    made = ask(network, rest=via.format(kind="reversing"))
    assert [row.reason for row in only(made).points if row.stop_s] == ["reversing"]
    assert verify_plan(made.plan, network, None) == []
    straight = ask(network, rest=via.format(kind="reversing"), to="B")
    (stop,) = [row for row in only(straight).points if row.stop_s]
    assert (stop.reason, stop.stop_s >= 1_800) == ("asked", True)
    assert [item.key for item in straight.plan.day.warnings] == ["plan.warning.no_trains", "plan.warning.not_turned"]
    plan = ask(branch("station"), rest=via.format(kind="reversing")).plan
    assert plan.explanation is not None
    assert plan.explanation.obstacles[0].detail.key == "plan.obstacle.no_turning"
    with pytest.raises(InputError, match="not how this train") as caught:
        ask(network, rest=via.format(kind="reversing_unit"))
    assert '"reversing"' in caught.value.hint
    with pytest.raises(InputError, match="rules out"):
        ask(network, rest=f'[prefer]\nturn_back = "never"\n{via.format(kind="reversing")}')


def test_it_may_turn_twice() -> None:
    """Over C to B it turns at M and again at C."""
    network = branch()
    made = ask(network, train="cab_at_both_ends = true", rest='[[via]]\npoint = "C"', to="B")
    path = only(made)
    assert [row.code for row in path.points if row.stop_s] == ["M", "C"]
    assert len(turns(path)) == 2
    assert verify_plan(made.plan, network, None) == []


def test_it_does_not_turn_on_the_open_line_nor_where_it_does_not_fit() -> None:
    """M on open line is no place to turn, a train of 901 m fits nowhere, a point to avoid standing at is left alone."""
    network = branch()
    train = template("mixed")
    may_turn = turning(network, train, access(network, train)).may_turn
    assert np.flatnonzero(may_turn).tolist() == [0, 5, 6, 8, 9]
    pieces = replace(network.pieces, kind=np.full(9, KIND_OPEN_LINE, np.uint8))
    on_line = replace(network, pieces=pieces, cache={})
    assert not turning(on_line, train, access(on_line, train)).may_turn.any()
    for changes in ({"train": "length_m = 901\nmass_t = 1600"}, {"rest": '[avoid]\nstand = ["M"]'}):
        assert ask(network, **changes).plan.outcome == "none"


def test_where_the_head_is_after_turning() -> None:
    """400 m on track 1 stand on its far half, 650 m on both; past the switch the way is not known and none turns."""
    network = branch()
    usable = np.ones(18, bool)
    at_b = np.isin(np.arange(18), (6, 10))
    for length_m, head in ((400, 7), (650, 5)):
        stands, heads = turned_heads(network, template("mixed").with_(length_m=length_m), usable, at_b)
        # On 5, a piece of 6 km, either stays within it.
        assert dict(zip(stands.tolist(), heads.tolist(), strict=True)) == {6: head, 10: 11}
    start, following = with_turns(network, stands, heads)
    assert len(start) == 18 + 2 + 1
    assert following[start[6] : start[7]].tolist() == [10, 18]
    assert following[start[18] : start[19]].tolist() == [3, 15]
    assert turned_heads(network, template("mixed").with_(length_m=7_100), usable, at_b)[0].tolist() == []
    assert turned_rows(network, np.array([2, 4, 6, 5, 15], np.int32)).tolist() == [False] * 3 + [True, False]


def test_a_train_in_the_way_is_met_on_both_sides_of_turning() -> None:
    """Track 7 is taken until 12:00: it stands before M or at M until then, and a second train keeps clear of it."""
    network = branch()
    day = held_day((0, 7, 0, 120))
    made = ask(network, day)
    path = only(made)
    beyond = next(row for row in path.held if row.zone == 7)
    assert 12 * 3600 <= beyond.from_s < 12 * 3600 + 600
    assert verify_plan(made.plan, network, day) == []
    files = {name: msgspec.json.decode(content) for name, content in made.displib().items()}
    assert broken_rule(files["problem.json"], files["solution.json"]) == ""
    both = add_plan(day, made.plan, network)
    second = ask(network, both, reference="U")
    assert verify_plan(second.plan, network, both) == []
    assert remove_plan(both, "T").trains.reference == day.trains.reference


def test_other_trains_are_drawn_on_both_sides_of_turning() -> None:
    """Trains on the open line before M and on that to C are drawn before and behind the kilometre of turning."""
    path = only(ask(branch(), held_day((0, 1, -30, -20), (1, 7, -40, -30))))
    (turned,) = [row for row in path.points if row.stop_s]
    spans = {train.reference: [km for line in train.lines for km, _ in line] for train in path.trains}
    assert (min(spans["t0"]), max(spans["t0"])) == pytest.approx((0.0, 6.0), abs=0.01)
    assert (min(spans["t1"]), max(spans["t1"])) == pytest.approx((turned.km, turned.km + 4.0), abs=0.01)


def test_the_line_on_the_map_goes_back() -> None:
    """It runs east to M, and from the beginning of M back west to C."""
    path = only(ask(branch()))
    east = [lon for lon, _ in path.shape]
    turn = east.index(max(east))
    assert 0 < turn < len(east) - 1
    assert east[-1] == pytest.approx(5.0 + 2000 / 68_000, abs=1e-4)
    course = Course(branch(), np.array([piece.directed for piece in path.pieces], np.int32))
    assert len(course.legs) == 2
    assert course.tracks_along()[-1][1] == pytest.approx(path.distance_km)


def at_turn(change: Callable[[PlanPath, int], None]) -> Callable[[PlanPath], None]:
    return lambda path: change(path, turns(path)[0])


def shorten(path: PlanPath, turn: int) -> None:
    """Stand ten minutes less: everything behind happens sooner."""
    path.pieces[turn - 1].depart_s -= 600
    for piece in path.pieces[turn:]:
        piece.enter_s -= 600
        piece.exit_s -= 600
        piece.depart_s -= 600


def elsewhere(path: PlanPath, turn: int) -> None:
    """Say that the head is at the wrong end of the train."""
    path.pieces[turn].directed ^= 1


def run_on(path: PlanPath, turn: int) -> None:
    """Say that it did not turn."""
    path.pieces[turn].turned = False


def while_running(path: PlanPath, turn: int) -> None:
    """Run over the piece on which it turned."""
    path.pieces[turn].exit_s += 30


@pytest.mark.parametrize(
    ("damage", "rule"),
    [(shorten, "stand"), (elsewhere, "route"), (run_on, "route"), (while_running, "route")],
)
def test_the_check_finds_what_is_wrong_with_turning(damage: Callable[[PlanPath, int], None], rule: str) -> None:
    """Too short, with the head at the wrong end, without saying so, or while it runs."""
    network = branch()
    copy = msgspec.json.decode(msgspec.json.encode(ask(network).plan), type=Plan)
    at_turn(damage)(copy.paths[0])
    assert rule in {violation.rule for violation in verify_plan(sealed(copy), network, None)}


def test_the_check_finds_turning_where_it_may_not() -> None:
    """At a station without a run-round, on the open line, against the request, and on tracks run one way only."""
    network = branch()
    plan = ask(network).plan
    station = replace(
        network, points=replace(network.points, kind=["harbour", "station", "border", "station"]), cache={}
    )
    assert any("run_round" in violation.detail for violation in verify_plan(plan, station, None))
    pieces = replace(network.pieces, kind=np.full(9, KIND_OPEN_LINE, np.uint8))
    found = verify_plan(plan, replace(network, pieces=pieces, cache={}), None)
    assert any("open line" in violation.detail for violation in found)
    one_way = replace(network.permissions, left_allowed=np.zeros(9, np.bool_))
    pieces = replace(network.pieces, right_hand=np.arange(18) % 2 == 0)
    found = verify_plan(plan, replace(network, pieces=pieces, permissions=one_way, cache={}), None)
    assert any("the other way" in violation.detail for violation in found)
    request = plan.request | {"prefer": {"turn_back": "never"}}
    found = verify_plan(sealed(msgspec.structs.replace(plan, request=request)), network, None)
    assert any(violation.rule == "condition" for violation in found)


def test_ways_that_turn_are_explained() -> None:
    """explain-route tells where it turns, and the time with it."""
    (way,) = explain_route(branch(), template("mixed"), "A", "C").routes
    assert way.turns_at == ["M"]
    assert way.running_s > stop_kind("reversing").least_for(template("mixed"))
    assert explain_route(branch("station"), template("mixed"), "A", "C").routes == []
    assert explain_route(branch("station"), civil_kind("sprinter"), "A", "C").routes[0].turns_at == ["M"]


@settings(max_examples=40, deadline=None)
@given(
    length_m=st.integers(60, 900),
    both=st.booleans(),
    yard=st.booleans(),
    held=st.lists(
        st.tuples(st.integers(0, 8), st.integers(-30, 150), st.integers(1, 60)), min_size=1, max_size=8
    ),
)  # fmt: skip
def test_whatever_is_in_the_way_a_plan_that_turns_holds(
    length_m: int, both: bool, yard: bool, held: list[tuple[int, int, int]]
) -> None:
    """With trains on zones at any time it is found just when the train may turn at M, and the check finds nothing."""
    network = branch("yard" if yard else "station")
    day = held_day(*((number, zone, a, a + b) for number, (zone, a, b) in enumerate(held)))
    sizes = f"length_m = {length_m}\nmass_t = {max(300, 2 * length_m)}\nmetre_load_t = 6.4"
    plan = ask(network, day, train=f"{sizes}\ncab_at_both_ends = {str(both).lower()}").plan
    if not (yard or both):
        assert plan.outcome == "none"
        return
    assert len(turns(plan.paths[0])) == 1
    assert verify_plan(plan, network, day) == []


@pytest.mark.parametrize(
    ("station", "origin", "kind"),
    [(code, "Std", "regional_electric") for code in ("Mes", "Sgl", "Vk", "Sog", "Kmr", "Vdl", "Hrlw")]
    + [(code, "Dv", "regional_diesel") for code in ("Vz", "Da", "Vhp")],
)  # fmt: skip
def test_stations_beyond_a_turn_are_reached(station: str, origin: str, kind: str) -> None:
    """On the real railway, without other trains: ten stations that are reached from the rest by turning back only."""
    network = load_network()
    text = (
        f'reference = "T"\n[train]\ntemplate = "{kind}"\n'
        f'[from]\npoint = "{origin}"\nready = "10:00"\n[to]\npoint = "{station}"\n'
    )
    made = plan_on(with_points(read_request(text), network.points), network, None, alternatives=0)
    assert len(turns(only(made))) == 1
    assert verify_plan(made.plan, network, None) == []

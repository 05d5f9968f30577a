"""From request to plan on a line drawn by hand: paths, waits, closures, explanations, plans that accumulate."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from days import small_day
from weerspoor.capacity.accumulate import add_plan, empty_day, remove_plan
from weerspoor.capacity.corridor import corridor
from weerspoor.capacity.fit import Work, better, cost_s, earliest, first_path
from weerspoor.capacity.geometry import simplified
from weerspoor.capacity.make import Made, plan_on
from weerspoor.capacity.plan import Path as PlanPath
from weerspoor.capacity.plan import Plan, Relaxation
from weerspoor.capacity.request import with_points
from weerspoor.capacity.request_reader import read_request
from weerspoor.capacity.schema import load_plan, pointers, schema_text
from weerspoor.common.errors import InputError
from weerspoor.network.model import (
    KIND_OPEN_LINE,
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
from weerspoor.timetable.day import Day
from weerspoor.trains.starting import Gradient

DOCS = Path(__file__).parents[1] / "docs"
LENGTHS = (1000, 6000, 1000, 1000, 6000, 1000)
DEGREE_M = 68_000.0


def line(*, wire: bool = True) -> Network:
    """Build a single-track line with a loop half way; direction 0 runs from A to the border B.

    ::

                              ┌── 2 "1" ──┐
        A ── 0 "a" ──── 1 ────┤     M     ├──── 4 ──── 5 ─┤ B (border, at the end of 5)
                              └── 3 "2" ──┘

    Pieces are numbered as the tracks; 1 and 4 are open line of 6 km, the others sections of 1 km, all with signals at
    both ends. A, both tracks at M and track 5 hold trains of 900 m.
    """
    n = len(LENGTHS)
    start_m = np.array([0, 1000, 7000, 7000, 8000, 14000])
    lon = np.stack([5.0 + start_m / DEGREE_M, 5.0 + (start_m + LENGTHS) / DEGREE_M], axis=1).ravel()
    lat = np.where(np.repeat(np.arange(n), 2) == 3, 52.0001, 52.0)
    follow: dict[int, list[int]] = {0: [2], 2: [4, 6], 4: [8], 6: [8], 8: [10]}
    follow |= {11: [9], 9: [5, 7], 5: [3], 7: [3], 3: [1]}
    offsets = np.zeros(2 * n + 1, np.int32)
    np.cumsum([len(follow.get(d, [])) for d in range(2 * n)], out=offsets[1:])
    everywhere = np.ones(n, np.bool_)
    return Network(
        tracks=Tracks(
            name=[f"t{i}" for i in range(n)],
            length_m=np.array(LENGTHS, np.float32),
            line=np.full(n, -1, np.int32),
            shape_start=np.arange(0, 2 * n + 1, 2, dtype=np.int32),
            lon=lon,
            lat=lat,
        ),
        pieces=Pieces(
            track=np.arange(n, dtype=np.int32),
            from_m=np.zeros(n, np.float32),
            to_m=np.array(LENGTHS, np.float32),
            zone=np.arange(n, dtype=np.int32),
            kind=np.array(
                [KIND_SECTION, KIND_OPEN_LINE] + 2 * [KIND_SECTION] + [KIND_OPEN_LINE, KIND_SECTION], np.uint8
            ),
            name=["a", "RA", "1", "2", "RB", "3"],
            speed_kmh=np.full(n, 80, np.float32),
            signal=np.ones(2 * n, np.bool_),
            radius_m=np.full(n, np.inf, np.float32),
            right_hand=np.ones(2 * n, np.bool_),
        ),
        successor_start=offsets,
        successor=np.array([s for d in range(2 * n) for s in follow.get(d, [])], np.int32),
        zone_name=[f"z{i}" for i in range(n)],
        lines=[],
        points=Points(
            code=["A", "M", "B"],
            name=["Ahaven", "Middelburg", "Bgrens"],
            kind=["harbour", "station", "border"],
            lon=np.array([5.0, 5.1, 5.2]),
            lat=np.full(3, 52.0),
            certain=np.ones(3, np.bool_),
            place_point=np.array([0, 1, 1, 2], np.int32),
            place_track=np.array([0, 2, 3, 5], np.int32),
            place_from_m=np.array([0, 0, 0, 900], np.float32),
            place_to_m=np.array([1000, 1000, 1000, 1000], np.float32),
            place_at_m=np.array([1000, 500, 500, 1000], np.float32),
        ),
        stops=Stops(
            directed=np.array([0, 4, 6, 5, 7, 10], np.int32),
            point=np.array([0, 1, 1, 1, 1, 2], np.int32),
            name=["a", "1", "2", "1", "2", "3"],
            platform_m=np.zeros(6, np.float32),
            usable_m=np.full(6, 900, np.float32),
        ),
        neighbours=Neighbours(
            np.array([0, 0, 0, 1, 2, 2, 2], np.int32), np.array([3, 2], np.int32), np.full(2, 4.5, np.float32)
        ),
        permissions=Permissions(
            voltage=np.full(n, 1 if wire else 0, np.uint8),
            protection=np.ones(n, np.uint8),
            line_category=np.full(n, LINE_CATEGORIES.index("D4"), np.uint8),
            max_train_m=np.full(n, 2000, np.float32),
            gauge=np.full(n, 3, np.uint8),
            dangerous_goods=everywhere,
            freight=everywhere,
            left_allowed=everywhere,
        ),
        objects=Objects(np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.float32), []),
        content_hash="line",
    )


def ask(
    network: Network, day: Day | None = None, *, train: str = "", to: str = "", rest: str = "", alternatives: int = 0
) -> Made:
    """Plan a mixed train from A, ready at 10:00, to B."""
    text = (
        f'reference = "T"\n[train]\ntemplate = "mixed"\n{train}\n'
        f'[from]\npoint = "A"\nready = "10:00"\n[to]\npoint = "B"\n{to}\n{rest}'
    )
    request = with_points(read_request(text), network.points)
    return plan_on(request, network, day, alternatives=alternatives)


def held_day(*rows: tuple[int, int, int, int], periodic: bool = False) -> Day:
    """Return a day of trains that hold zones: (train, zone, from, until), times in minutes after 10:00."""
    day = small_day([(train, zone, 36_000 + a * 60, 36_000 + b * 60) for train, zone, a, b in rows], periodic=periodic)
    return replace(day, network_hash="line")


def only(made: Made) -> PlanPath:
    """Return the one path of a plan."""
    assert made.plan.outcome == "found"
    return made.plan.paths[0]


def test_alone_the_train_leaves_when_it_is_ready() -> None:
    """On an empty railway it runs through: departure at ready, times in steps of 6 s, kilometres from the head."""
    path = only(ask(line()))
    assert path.departure_s == 36_000
    assert [row.code for row in path.points] == ["A", "M", "B"]
    assert path.distance_km == pytest.approx(15.0 - 1.0 + 0.0, abs=0.001)
    assert path.points[1].km == pytest.approx(6.5, abs=0.001)
    assert path.stops == 0
    assert all(row.arrival_s % 6 == 0 and row.departure_s % 6 == 0 for row in path.points)
    assert 14_000 / (80 / 3.6) < path.running_s < 1500
    assert path.points[-1].reason == "border"


def test_a_window_at_the_border_is_kept_and_late_departure_preferred() -> None:
    """With a hand-over hours later the train does not set out at once to stand about on the way."""
    path = only(ask(line(), to='window = ["14:00", "14:30"]'))
    assert 14 * 3600 <= path.arrival_s <= 14 * 3600 + 1800
    assert path.departure_s > 13 * 3600
    assert path.stops == 0


def test_an_opposing_train_is_awaited_in_the_loop() -> None:
    """A train comes the other way over 4, then 2 and 1: this one waits for it on track 2 of the loop, and says so."""
    day = held_day((0, 5, 0, 12), (0, 4, 0, 20), (0, 2, 16, 25), (0, 1, 22, 30))
    made = ask(line(), day, train="max_speed_kmh = 80")
    path = only(made)
    waits = [row for row in path.points if row.stop_s > 0]
    assert path.points[-1].arrival_s > 36_000 + 20 * 60
    if waits:
        assert waits[0].code == "M"
        assert waits[0].reason == "wait_for_train"
        assert waits[0].reason_train == "t0"
        assert waits[0].track == "2"
    for row in path.held:
        for zone, a, b in ((5, 0, 12), (4, 0, 20), (2, 16, 25), (1, 22, 30)):
            if row.zone == zone:
                assert row.until_s <= 36_000 + a * 60 or row.from_s >= 36_000 + b * 60


def test_the_distance_to_other_trains_is_given_with_their_names() -> None:
    """The train before on track 1 clears it some minutes before, the train after comes some minutes later."""
    path = only(ask(line(), held_day((0, 1, -20, -5), (1, 1, 60, 70))))
    first = path.points[0]
    assert (first.train_before, first.train_after) == ("t0", "t1")
    mine = next(row for row in path.held if row.zone == 1)
    assert first.slack_before_s == mine.from_s - (36_000 - 5 * 60)
    assert first.slack_after_s == 36_000 + 60 * 60 - mine.until_s


def test_wanted_slack_is_kept_and_not_counted_as_held() -> None:
    """A train on 1 until 10:10: with 300 s of slack wanted the path is that much later, its zones held no longer."""
    day = held_day((0, 1, 0, 10))
    norm = only(ask(line(), day))
    wide = only(ask(line(), day, rest="[prefer]\nslack_s = 300"))
    assert wide.departure_s - norm.departure_s == pytest.approx(300, abs=6)
    assert wide.points[0].slack_before_s is not None
    assert wide.points[0].slack_before_s >= 300
    spans = [next(row.until_s - row.from_s for row in path.held if row.zone == 4) for path in (norm, wide)]
    assert spans[0] == pytest.approx(spans[1], abs=2)


def test_the_trains_of_a_pattern_day_are_met_again_the_next_day() -> None:
    """Ready at 10:00 and due past 05:00 of the next day: the train of 07:00 is met as +1."""
    day = held_day((0, 4, -180, -150), periodic=True)
    path = only(ask(line(), day, to='window = ["07:20", "07:50"]'))
    assert path.points[-1].train_before == "t0+1" or path.points[-2].train_before == "t0+1"
    assert path.arrival_s > 86_400


def test_a_closure_is_waited_for() -> None:
    """The open line beyond M is closed until 11:00."""
    rest = '[[closed]]\nbetween = ["M", "B"]\ntracks = ["all"]\nfrom = "09:00"\nto = "11:00"'
    path = only(ask(line(), rest=rest))
    assert min(row.from_s for row in path.held if row.zone == 4) >= 11 * 3600
    named = only(ask(line(), rest=rest.replace('"all"', '"RB"')))
    assert named.arrival_s == path.arrival_s
    with pytest.raises(InputError, match="tracks there: RB"):
        ask(line(), rest=rest.replace('"all"', '"RX"'))


def test_a_reserve_path_is_used_and_named_but_never_blocks() -> None:
    """A reserve path lies on 4 all morning: the train runs as if it were not there, and the plan names it."""
    day = replace(held_day((0, 1, -60, -50)), reserve=held_day((0, 4, 0, 120)))
    path = only(ask(line(), day))
    assert path.departure_s == 36_000
    assert path.reserve_paths == ["t0"]


def test_a_stop_on_the_way_is_made_and_explained() -> None:
    """A stop of ten minutes at M."""
    path = only(ask(line(), rest='[[via]]\npoint = "M"\nstop_s = 600'))
    row = path.points[1]
    assert (row.code, row.stop_s >= 600, row.reason) == ("M", True, "asked")


def test_a_wide_load_keeps_its_neighbour_empty() -> None:
    """With tracks 1 and 2 of the loop at 3.6 m a wide load on one keeps the other empty, and says when and for what."""
    network = line()
    network = replace(network, neighbours=replace(network.neighbours, distance_m=np.full(2, 3.6, np.float32)), cache={})
    day = held_day((0, 2, -30, -20), (1, 3, -30, -15))
    path = only(ask(network, day, train="load_half_width_mm = 1875"))
    kept = path.kept_empty
    assert len(kept) == 1
    assert kept[0].zone in (2, 3)
    assert kept[0].distance_m == pytest.approx(3.6)
    assert kept[0].of == "all"
    assert kept[0].margin_early_s is not None
    assert kept[0].train_before in ("t0", "t1")
    assert kept[0].from_s < path.points[1].arrival_s < kept[0].until_s


def test_a_train_too_long_is_told_how_long_it_may_be() -> None:
    """No track holds 1 000 m; 900 m would do, and that has been searched."""
    plan = ask(line(), train="length_m = 1000\nmass_t = 1600").plan
    assert plan.outcome == "none"
    assert plan.explanation is not None
    assert plan.explanation.obstacles[0].kind == "point"
    assert plan.explanation.obstacles[0].detail.values == {"longest": 900, "length": 1000}
    shorter = [item for item in plan.explanation.relaxations if item.key == "shorter"]
    assert [item.amount for item in shorter] == [100]


def test_without_a_wire_the_explanation_offers_another_engine() -> None:
    """An electric train on a line without wire: the tracks are named, a diesel engine is the way out."""
    plan = ask(line(wire=False), train='traction = ["1.5 kV DC"]').plan
    assert plan.explanation is not None
    assert any(item.key == "other_traction" for item in plan.explanation.relaxations)
    assert "wire" in plan.explanation.obstacles[0].detail.values["reasons"]


def test_a_load_no_line_takes_is_no_path_but_an_answer() -> None:
    """An axle load of 40 t: no line category takes it, a lighter train would run."""
    plan = ask(line(), train="axle_load_t = 40").plan
    assert plan.explanation is not None
    assert any(item.key == "lighter" for item in plan.explanation.relaxations)


def test_a_window_too_early_is_told_by_how_much() -> None:
    """Due at 10:05 after 14 km: later, or ready earlier, by the minutes that a search has found."""
    plan = ask(line(), to='window = ["10:02", "10:05"]').plan
    assert plan.explanation is not None
    assert plan.explanation.obstacles[0].what == "window"
    keys = {item.key: item for item in plan.explanation.relaxations}
    assert {"later", "earlier"} <= set(keys)
    assert keys["later"].arrival_s is not None
    assert keys["later"].amount == pytest.approx((keys["later"].arrival_s - 36_300) / 60, abs=1)


def test_a_train_in_the_way_is_named_and_tried_without() -> None:
    """A train on 4 all day stands in the way; moved, there is a path; the furthest point reached is named."""
    plan = ask(line(), held_day((0, 4, -120, 1600)), to='window = ["10:10", "11:00"]').plan
    assert plan.explanation is not None
    assert [(item.kind, item.what) for item in plan.explanation.obstacles] == [("train", "t0")]
    moved = [item for item in plan.explanation.relaxations if item.key == "train_moved"]
    assert len(moved) == 1
    assert moved[0].detail.values == {"train": "t0"}
    assert plan.explanation.reached[-1] == "M"


def test_alternatives_differ() -> None:
    """Alternatives leave or arrive at another time, stop less or run elsewhere; none is the best again."""
    made = ask(line(), held_day((0, 1, 20, 24)), alternatives=4)
    times = [(path.departure_s, path.arrival_s, path.stops) for path in made.plan.paths]
    assert len(times) > 1
    assert len(set(times)) == len(times)
    assert made.plan.paths[0].why == "best"


def test_a_plan_in_the_day_is_in_the_way_of_the_next_and_can_be_taken_out() -> None:
    """Added twice it is refused; the next train runs round it; taken out, the day is as before."""
    network = line()
    first = ask(network)
    bare = empty_day(network)
    day = add_plan(bare, first.plan, network)
    with pytest.raises(InputError, match="in the day already"):
        add_plan(day, first.plan, network)
    other = msgspec.structs.replace(first.plan, reference="U")
    with pytest.raises(InputError, match="conflicts with T"):
        add_plan(day, other, network)
    request = with_points(replace(read_request(_TEXT), reference="U"), network.points)
    second = plan_on(request, network, day, alternatives=0)
    assert second.plan.paths[0].departure_s > first.plan.paths[0].departure_s
    both = add_plan(day, second.plan, network)
    assert both.trains.reference == ["T", "U"]
    assert remove_plan(both, "U").content_hash == day.content_hash
    assert remove_plan(day, "T").content_hash == bare.content_hash
    with pytest.raises(InputError, match="no plan 'X'"):
        remove_plan(day, "X")


_TEXT = '[train]\ntemplate = "mixed"\n[from]\npoint = "A"\nready = "10:00"\n[to]\npoint = "B"\n'


def test_a_plan_survives_its_file_and_an_altered_one_is_refused(tmp_path: Path) -> None:
    """What is written is read again, hash and all; a hand in it is noticed."""
    made = ask(line())
    file = tmp_path / "plan.json"
    file.write_bytes(made.to_json())
    assert load_plan(file) == made.plan
    document = json.loads(file.read_text())
    document["paths"][0]["departure_s"] += 60
    file.write_text(json.dumps(document))
    with pytest.raises(InputError, match="altered"):
        load_plan(file)
    document["version"] = 99
    file.write_text(json.dumps(document))
    with pytest.raises(InputError, match="version 99"):
        load_plan(file)
    file.write_text("[]")
    with pytest.raises(InputError, match="is no plan"):
        load_plan(file)


def test_the_same_request_gives_the_same_plan() -> None:
    """Byte for byte, hash included."""
    assert ask(line()).to_json() == ask(line()).to_json()


def test_the_published_schema_is_current_and_plans_follow_it() -> None:
    """``docs/plan.schema.json`` is what the structs say, and a plan with and one without a path are valid by it."""
    published = (DOCS / "plan.schema.json").read_text(encoding="utf-8")
    assert published == schema_text()
    schema = json.loads(published)
    for made in (ask(line()), ask(line(), train="axle_load_t = 40")):
        jsonschema.validate(json.loads(made.to_json()), schema)


def test_sensitive_values_are_pointed_at() -> None:
    """Every pointer of the handling leads to a value, the times and the way are among them."""
    plan: Plan = ask(line()).plan
    assert plan.handling.label
    document = json.loads(msgspec.json.encode(plan))
    for pointer in plan.handling.sensitive:
        value = document
        for part in pointer.strip("/").split("/"):
            value = value[int(part)] if isinstance(value, list) else value[part]
        assert value
    assert "/paths/0/departure_s" in plan.handling.sensitive
    assert pointers(plan, ["/nothing"]) == []


def test_the_displib_files_hold_the_train_and_those_it_meets() -> None:
    """Two trains near the path are in the problem, one of another hour is not; every event is there."""
    day = held_day((0, 1, -20, -5), (1, 4, 40, 50), (2, 4, 400, 410))
    files = ask(line(), day).displib()
    problem, solution = json.loads(files["problem.json"]), json.loads(files["solution.json"])
    assert len(problem["trains"]) == 3
    assert len(solution["events"]) == sum(len(train) for train in problem["trains"])


def test_a_simplified_line_keeps_its_ends_and_corners() -> None:
    """A corner of 100 m stays at a tolerance of 10 m, one of 1 m goes."""
    points = np.array([[5.0, 52.0], [5.01, 52.00001], [5.02, 52.0], [5.03, 52.001], [5.04, 52.0]])
    assert simplified(points, 10.0)[:, 0].tolist() == [5.0, 5.02, 5.03, 5.04]


def test_a_search_gives_up_after_its_work_and_says_so() -> None:
    """With work for no label at all nothing is found and it is said; with enough, the path is, at a known cost."""
    network = line()
    problem = ask(network).problem
    none = Work(0)
    assert earliest(problem, none) is None
    assert none.gave_up
    enough = Work(100_000)
    assert earliest(problem, enough) is not None
    assert not enough.gave_up
    assert 0 < 100_000 - enough.labels < 50_000
    again = Work(100_000)
    earliest(problem, again)
    assert again.labels == enough.labels


def relaxations(plan: Plan) -> dict[str, Relaxation]:
    """Return what was offered by key; the plan must be without a path."""
    assert plan.outcome == "none"
    assert plan.explanation is not None
    return {item.key: item for item in plan.explanation.relaxations}


@pytest.mark.parametrize("length_m", [950, 6_000, 40_000])
def test_a_train_longer_than_anything_is_an_answer_not_a_mistake(length_m: int) -> None:
    """However long: no path, and 900 m would do, its mass less with its wagons."""
    offered = relaxations(ask(line(), train=f"length_m = {length_m}").plan)
    assert offered["shorter"].amount == length_m - 900
    assert offered["shorter"].detail.values == {"length": 900.0}


@pytest.mark.parametrize("axle_t", [40, 150, 2_000])
def test_an_axle_load_beyond_any_line_is_an_answer_not_a_mistake(axle_t: int) -> None:
    """However heavy an axle: no path, and category D4, 22.5 t, would do."""
    offered = relaxations(ask(line(), train=f"axle_load_t = {axle_t}").plan)
    assert offered["lighter"].amount == axle_t - 22.5


def test_a_train_that_no_engine_starts_is_told_what_would() -> None:
    """9 000 t behind one engine: the engine and the gradient are named, and a lighter train offered."""
    plan = ask(line(), train='mass_t = 9000\nmetre_load_t = 20\nlocomotives = ["Class 66"]').plan
    offered = relaxations(plan)
    assert plan.explanation is not None
    assert plan.explanation.summary.key == "plan.summary.cannot_start"
    assert plan.explanation.obstacles[0].what == "Class 66"
    assert "lighter" in offered or "together" in offered


def test_a_gradient_on_which_the_train_cannot_start_closes_that_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ramp of 30 per mille between M and B: the way is closed to this train; a likely ramp, not an assumed one."""
    for certainty, outcome in (("likely", "none"), ("assumed", "found")):
        ramp = Gradient("M", "B", 30.0, 2_000.0, "ramp", "drawn here", certainty)
        monkeypatch.setattr("weerspoor.trains.starting.gradients", lambda ramp=ramp: (ramp,))
        plan = ask(line()).plan
        assert plan.outcome == outcome
        if plan.explanation is not None:
            assert plan.explanation.obstacles[0].detail.values == {"reasons": ["gradient"]}
            assert "lighter" in relaxations(plan)
        else:
            close = [item for item in plan.paths[0].conditions if item.key == "gradient"]
            assert [(item.place, item.value, item.certainty) for item in close] == [
                ("Middelburg - Bgrens", 30.0, "assumed")
            ]


def test_every_engine_of_the_catalogue_is_tried() -> None:
    """On a wire of 25 kV with ETCS only: engines with both are offered, by name, and diesel with ETCS."""
    network = line()
    allow = replace(network.permissions, voltage=np.full(6, 4, np.uint8), protection=np.full(6, 4, np.uint8))
    network = replace(network, permissions=allow, cache={})
    offered = [
        item
        for item in ask(network, train='traction = ["1.5 kV DC"]\nlocomotives = ["1600"]').plan.explanation.relaxations  # type: ignore[union-attr]
        if item.key in ("other_traction", "other_protection")
    ]
    assert {item.detail.values["engine"] for item in offered} == {"Class 66", "Class 186"}
    assert all("ETCS" in item.detail.values["protection"] for item in offered)


def test_a_wide_load_is_told_how_much_narrower_it_must_be() -> None:
    """A load 2.40 m to a side meets fixed objects: nothing beyond 2.20 m, so by at least 20 cm."""
    offered = relaxations(ask(line(), train="load_half_width_mm = 2400").plan)
    assert {"not_wide", "narrower"} <= set(offered)
    assert 200 <= offered["narrower"].amount < offered["not_wide"].amount


def test_energy_is_the_work_at_the_wheels() -> None:
    """14 km at 80 km/h with 1 600 t: at least its kinetic energy (110 kWh) and rolling resistance, at most twice that.

    v = 76.9 km/h with the supplement taken off at the wheels is 80 km/h: m v^2 / 2 = 1.6e6 * 22.2^2 / 2 J = 110 kWh;
    rolling at some 15-25 N/t over 14 km is 93-156 kWh.
    """
    path = only(ask(line()))
    assert path.energy_kwh is not None
    assert 180 < path.energy_kwh < 330
    stopping = only(ask(line(), rest='[[via]]\npoint = "M"\nstop_s = 600'))
    assert stopping.energy_kwh is not None
    assert stopping.energy_kwh > path.energy_kwh + 50


def test_an_unknown_brake_percentage_is_assumed_and_said() -> None:
    """A train of its own characteristics without a brake percentage: the value taken, what follows, and the source."""
    text = (
        'reference = "T"\n[train]\nlength_m = 500\nmass_t = 1200\nmax_speed_kmh = 90\ntraction = ["diesel"]\n'
        '[from]\npoint = "A"\nready = "10:00"\n[to]\npoint = "B"\n'
    )
    network = line()
    plan = plan_on(with_points(read_request(text), network.points), network, None, alternatives=0).plan
    rows = {row["what"]: row for row in plan.assumptions}
    assert rows["train.brake_percentage"]["certainty"] == "assumed"
    assert rows["braking.this_train_ms2"]["value"].endswith("m/s2")
    assert rows["braking.max_speed_kmh"]["value"].endswith("km/h")


_SIZES = st.one_of(st.floats(0.5, 5_000), st.integers(1, 1_000_000), st.sampled_from([0.1, 0.5, 7, 740, 5_001, 30_001]))
_TRAIN = st.fixed_dictionaries(
    {},
    optional={
        "length_m": _SIZES,
        "mass_t": _SIZES,
        "max_speed_kmh": st.floats(1, 500),
        "axle_load_t": _SIZES,
        "metre_load_t": _SIZES,
        "load_half_width_mm": st.floats(400, 6_000),
        "load_height_mm": st.floats(400, 12_000),
        "brake_percentage": st.floats(1, 400),
        "brake_position": st.sampled_from(["G", "P", "R", "Q"]),
        "gauge": st.sampled_from(["G1", "GC", "G9"]),
        "traction": st.lists(st.sampled_from(["diesel", "1.5 kV DC", "25 kV AC", "steam"]), max_size=3, unique=True),
        "locomotives": st.lists(st.sampled_from(["Class 66", "1600", "VIRM-4", "Big Boy"]), max_size=3),
        "dangerous_goods": st.lists(st.sampled_from(["1.1D", "3", "1.9X"]), max_size=2, unique=True),
        "guarded": st.booleans(),
    },
)


@settings(max_examples=60, deadline=None)
@given(train=_TRAIN, template=st.sampled_from(["heavy", "mixed", "personnel", "intercity", "freight_bulk"]))
def test_any_train_gets_a_plan_an_explanation_or_a_place_in_the_file(train: dict[str, object], template: str) -> None:
    """Whatever its characteristics: a path, no path with a sentence why, or one message that names the key."""
    values = "\n".join(f"{key} = {json.dumps(value)}" for key, value in train.items())
    text = (
        f'reference = "T"\n[train]\ntemplate = "{template}"\n{values}\n'
        '[from]\npoint = "A"\nready = "10:00"\n[to]\npoint = "B"\n'
    )
    network = line()
    try:
        plan = plan_on(with_points(read_request(text), network.points), network, None, alternatives=0).plan
    except InputError as error:
        assert "train" in (error.where or "")
        return
    assert (plan.outcome == "found") == bool(plan.paths) == (plan.explanation is None)
    if plan.explanation is not None:
        assert plan.explanation.summary.key.startswith("plan.summary.")
        assert plan.explanation.obstacles or plan.explanation.relaxations


def test_of_all_paths_that_cost_no_more_the_best_comes_first() -> None:
    """A train asked at M in a window leaves as late as it can; none found costs more than the first path."""
    for to in ("", 'window = ["14:00", "14:30"]'):
        problem = ask(line(), held_day((0, 5, 20, 40)), to=to).problem
        first = first_path(problem, Work(100_000))
        assert first is not None
        work = Work(100_000)
        runs = better(problem, first, work)
        costs = [cost_s(problem, run) for run in runs]
        assert not work.gave_up
        assert costs == sorted(costs)
        assert costs[0] <= cost_s(problem, first)


def test_where_the_work_is_done_the_path_found_stays() -> None:
    """With work for one label nothing better is found than the first path, and that is said."""
    problem = ask(line()).problem
    first = first_path(problem, Work(100_000))
    assert first is not None
    work = Work(1)
    assert better(problem, first, work)[0] is first
    assert work.gave_up


def test_another_way_leaves_out_the_tracks_used() -> None:
    """The ways that take no longer are kept with both ends; those against the direction of running are not."""
    problem = ask(line()).problem
    kept = corridor(problem, np.array([3], np.int32), penalty=1.6, share=1.0, extra_s=5.0)
    assert kept.banned is not None
    allowed = ~kept.banned
    assert allowed[[0, 2, 8, 10]].all()
    assert not allowed[[3, 9]].any()


def test_a_line_run_the_other_way_only_is_named_as_such() -> None:
    """All tracks are run towards A only: no path to B, because it lies against the direction of running."""
    network = line()
    one_way = np.arange(12) % 2 == 1
    network = replace(
        network,
        pieces=replace(network.pieces, right_hand=one_way),
        permissions=replace(network.permissions, left_allowed=np.zeros(6, np.bool_)),
        cache={},
    )
    plan = ask(network).plan
    assert plan.explanation is not None
    assert "plan.obstacle.wrong_way" in {item.detail.key for item in plan.explanation.obstacles} or any(
        "direction" in item.detail.values.get("reasons", []) for item in plan.explanation.obstacles
    )


def test_where_no_track_serves_a_place_the_nearest_that_one_serves_is_offered() -> None:
    """D lies beside M but on no track: M in place of it, some hundred metres away, has been searched."""
    network = line()
    points = network.points
    network = replace(
        network,
        points=replace(
            points,
            code=[*points.code, "D"],
            name=[*points.name, "Dorp"],
            kind=[*points.kind, "station"],
            lon=np.append(points.lon, 5.102),
            lat=np.append(points.lat, 52.0),
            certain=np.append(points.certain, True),
        ),
        cache={},
    )
    text = 'reference = "T"\n[train]\ntemplate = "mixed"\n[from]\npoint = "A"\nready = "10:00"\n[to]\npoint = "D"\n'
    plan = plan_on(with_points(read_request(text), network.points), network, None).plan
    offered = relaxations(plan)
    assert offered["other_place"].detail.values == {"point": "M", "instead": "D"}
    assert offered["other_place"].amount == pytest.approx(0.1, abs=0.1)

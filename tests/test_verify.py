"""The independent check: sound plans pass, every kind of damage is found; random requests are what they say."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import pytest

from test_fit import ask, held_day, line
from weerspoor.capacity.make import Made, plan_on
from weerspoor.capacity.plan import Path as PlanPath
from weerspoor.capacity.plan import Plan
from weerspoor.capacity.schema import sealed
from weerspoor.capacity.verify import Violation, verify_plan
from weerspoor.network.load import load_network
from weerspoor.network.model import Network

LOOP_STOP = '[[via]]\npoint = "M"\nstop_s = 600\n'
"""A stop of ten minutes in the loop of ``line()``::

                      ┌── 2 "1" ──┐
    A ── 0 ──── 1 ────┤     M     ├──── 4 ──── 5 ─┤ B
                      └── 3 "2" ──┘
"""


def generator() -> ModuleType:
    """Load the generator of random requests, which is no part of the package."""
    path = Path(__file__).parents[1] / "benchmarks" / "requests.py"
    spec = importlib.util.spec_from_file_location("random_requests", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def close_tracks() -> Network:
    """Return the line with the tracks of its loop so close that a wide load keeps the other one empty."""
    network = line()
    near = replace(network.neighbours, distance_m=np.full(2, 3.6, np.float32))
    return replace(network, neighbours=near, cache={})


def damaged(plan: Plan, damage: Callable[[PlanPath], None]) -> Plan:
    """Return a copy of a plan with damage to its path, its hash made to fit again."""
    copy = msgspec.json.decode(msgspec.json.encode(plan), type=Plan)
    damage(copy.paths[0])
    return sealed(copy)


def rules(found: list[Violation]) -> set[str]:
    return {violation.rule for violation in found}


def test_sound_plans_pass() -> None:
    """A run through, one with a stop asked for, and a wide one that keeps a track empty break no rule."""
    wide = "load_half_width_mm = 1875"
    for network, train, rest in ((line(), "", ""), (line(), "", LOOP_STOP), (close_tracks(), wide, LOOP_STOP)):
        made = ask(network, train=train, rest=rest)
        assert verify_plan(made.plan, network, None) == []


def shift_times(path: PlanPath) -> None:
    """Arrive a minute sooner than the train can."""
    path.pieces[-1].exit_s -= 60
    path.pieces[-1].depart_s -= 60


def drop_zone(path: PlanPath) -> None:
    """Do not hold one of the zones."""
    del path.held[2]


def short_zone(path: PlanPath) -> None:
    """Give a zone back ten seconds before the tail has left it."""
    path.held[1].until_s -= 10


def late_zone(path: PlanPath) -> None:
    """Take a zone ten seconds too late."""
    path.held[2].from_s += 10


def jump_track(path: PlanPath) -> None:
    """Leave out a piece of the route."""
    del path.pieces[2]


def wrong_track(path: PlanPath) -> None:
    """Run over the other direction of a piece."""
    path.pieces[2].directed ^= 1


def gap_in_time(path: PlanPath) -> None:
    """Enter a piece half a minute after leaving the one before."""
    path.pieces[2].enter_s += 30


def off_step(path: PlanPath) -> None:
    """Publish a time that is no step of 0.1 minute."""
    path.points[1].arrival_s += 1


def false_time(path: PlanPath) -> None:
    """Publish a time at a point that is not that of the run."""
    path.points[1].arrival_s -= 600


def short_stand(path: PlanPath) -> None:
    """Leave a stop sooner than was asked."""
    path.points[1].departure_s = path.points[1].arrival_s + 60


def stand_on_line(path: PlanPath) -> None:
    """Stand where no train may stand."""
    path.pieces[1].depart_s += 600
    for piece in path.pieces[2:]:
        piece.enter_s += 600
        piece.exit_s += 600
        piece.depart_s += 600


def early_departure(path: PlanPath) -> None:
    """Leave before the train is ready."""
    path.departure_s -= 600


DAMAGE: list[tuple[Callable[[PlanPath], None], str]] = [
    (shift_times, "running_time"),
    (drop_zone, "blocking"),
    (short_zone, "blocking"),
    (late_zone, "blocking"),
    (jump_track, "route"),
    (wrong_track, "route"),
    (gap_in_time, "route"),
    (off_step, "time"),
    (false_time, "time"),
    (short_stand, "condition"),
    (stand_on_line, "stand"),
    (early_departure, "condition"),
]


@pytest.mark.parametrize(("damage", "rule"), DAMAGE, ids=lambda value: getattr(value, "__name__", ""))
def test_damage_is_found(damage: Callable[[PlanPath], None], rule: str) -> None:
    """Whatever is altered in a sound path, the rule that it breaks is named."""
    made = ask(line(), rest=LOOP_STOP)
    assert rule in rules(verify_plan(damaged(made.plan, damage), line(), None))


def test_a_neighbour_track_that_is_not_kept_empty_is_found() -> None:
    """Without the interval that keeps the other track of the loop empty, or with one too short, it is found."""
    network = close_tracks()
    made = ask(network, train="load_half_width_mm = 1875", rest=LOOP_STOP)
    assert made.plan.paths[0].kept_empty

    def shorten(path: PlanPath) -> None:
        path.kept_empty[0].until_s -= 60

    for damage in (lambda path: path.kept_empty.clear(), shorten):
        assert "clearance" in rules(verify_plan(damaged(made.plan, damage), network, None))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("voltage", 0),
        ("protection", 2),
        ("line_category", 0),
        ("max_train_m", 100.0),
        ("freight", False),
    ],
)
def test_what_a_track_does_not_allow_is_found(key: str, value: float) -> None:
    """A plan is refused on a network where one piece of its way lacks wire, protection, strength, length or freight."""
    made = ask(line(), train='traction = ["1.5 kV DC"]')
    network = line()
    column = getattr(network.permissions, key).copy()
    column[1] = value
    stricter = replace(network, permissions=replace(network.permissions, **{key: column}), cache={})
    assert "permission" in rules(verify_plan(made.plan, stricter, None))


def test_a_lower_speed_limit_or_a_shorter_track_is_found() -> None:
    """At 40 km/h on the open line the planned time is too short; a loop of 300 m does not hold the train."""
    made = ask(line(), rest=LOOP_STOP)
    network = line()
    slow = network.pieces.speed_kmh.copy()
    slow[1] = 40
    slower = replace(network, pieces=replace(network.pieces, speed_kmh=slow), cache={})
    assert "running_time" in rules(verify_plan(made.plan, slower, None))
    short = replace(network, stops=replace(network.stops, usable_m=np.full(6, 300, np.float32)), cache={})
    assert "stand" in rules(verify_plan(made.plan, short, None))


def test_losing_more_than_allowed_between_two_signals_is_found() -> None:
    """A train that loses 100 s on one block is refused, though its leg as a whole is not too slow."""
    made = ask(line())

    def lose(path: PlanPath) -> None:
        for number, piece in enumerate(path.pieces):
            by_s = 100 * (number >= 2)
            piece.exit_s, piece.depart_s = piece.exit_s + by_s, piece.depart_s + by_s
            piece.enter_s += 100 * (number > 2)

    found = verify_plan(damaged(made.plan, lose), line(), None)
    assert any(v.rule == "running_time" and "from the signal before" in v.detail for v in found)
    assert not any("at its best" in v.detail for v in found)


def test_a_wide_load_that_stands_at_a_platform_is_found() -> None:
    """The loop's tracks get platforms after the plan was made: a load that overhangs them may not stand there."""
    network = close_tracks()
    made = ask(network, train="load_half_width_mm = 1875", rest=LOOP_STOP)
    with_platforms = replace(network.stops, platform_m=np.full(6, 300, np.float32))
    platforms = replace(network, stops=with_platforms, cache={})
    assert "stand" in rules(verify_plan(made.plan, platforms, None))


def test_conflicts_are_found_also_behind_the_seam() -> None:
    """A plan of the empty railway conflicts with a train on its way, and with one of the day before as ``-1``."""
    made = ask(line())
    met = held_day((0, 1, 0, 30))
    found = [v for v in verify_plan(made.plan, line(), met) if v.rule == "conflict"]
    assert len(found) == 1
    assert "t0" in found[0].detail
    later = held_day((0, 1, 24 * 60, 24 * 60 + 30), periodic=True)
    assert "t0-1" in str(next(v for v in verify_plan(made.plan, line(), later) if v.rule == "conflict"))


def test_the_request_is_checked() -> None:
    """A window, a place to avoid, a place not to stand at, a closure, other ends: each is found when it is not kept."""
    made = ask(line(), rest=LOOP_STOP)
    asked: list[tuple[str, dict[str, Any]]] = [
        ("to", {"point": "B", "window_s": [0, 36_000]}),
        ("to", {"point": "M", "window_s": None}),
        ("from", {"point": "M", "ready_s": 0, "window_s": None}),
        ("via", {}),
        ("avoid", {"points": ["M"], "stand": []}),
        ("avoid", {"points": [], "stand": ["M"]}),
        ("closed", {}),
    ]
    rows: dict[str, Any] = {
        "via": [{"point": "M", "stop_s": 0, "kind": "", "window_s": [0, 1]}],
        "closed": [{"between": ["A", "M"], "tracks": ["all"], "from_s": 36_000, "until_s": 40_000}],
    }
    for key, value in asked:
        plan = sealed(msgspec.structs.replace(made.plan, request={**made.plan.request, key: rows.get(key, value)}))
        assert "condition" in rules(verify_plan(plan, line(), None)), (key, value)


def test_where_a_plan_comes_from_is_checked() -> None:
    """Another network, another day, an altered plan, or no path at all is no sound plan."""
    made = ask(line())
    other = replace(line(), content_hash="other")
    assert rules(verify_plan(made.plan, other, None)) == {"provenance"}
    day = replace(held_day((0, 5, 500, 501)), content_hash="other")
    altered = msgspec.structs.replace(made.plan, reference="X")
    assert rules(verify_plan(altered, line(), None)) == {"provenance"}
    assert "provenance" in rules(verify_plan(made.plan, line(), day))
    assert "route" in rules(verify_plan(sealed(msgspec.structs.replace(made.plan, paths=[])), line(), None))


def random_plans(seed: int, number: int) -> list[tuple[Made, Any]]:
    """Plan trains of any length and width among random other trains on the line with close tracks."""
    rng = random.Random(seed)
    made = []
    for _ in range(number):
        rows = []
        for train in range(rng.randrange(1, 6)):
            at = rng.randrange(0, 90)
            for zone in rng.choice(((1, 2, 4), (1, 3, 4), (5, 4, 2, 1), (4, 3), (2,))):
                rows.append((train, zone, at, at + rng.randrange(2, 10)))
                at += 5
        day = held_day(*rows, periodic=rng.random() < 0.3)
        train_text = f"length_m = {rng.choice((120, 400, 650, 900))}\nload_half_width_mm = {rng.choice((1500, 1875))}"
        rest = rng.choice(("", LOOP_STOP, "[prefer]\nslack_s = 60\n"))
        to = rng.choice(("", 'window = ["11:00", "13:00"]'))
        made.append(
            (ask(close_tracks(), day, train=train_text, to=to, rest=rest, alternatives=rng.choice((0, 2))), day)
        )
    return made


def test_random_plans_among_other_trains_pass() -> None:
    """Of 100 random requests on the line more than 80 get a path, and no path of any breaks a rule."""
    plans = random_plans(seed=7, number=100)
    found = [(made, day) for made, day in plans if made.plan.outcome == "found"]
    assert len(found) > 80
    for made, day in found:
        assert verify_plan(made.plan, close_tracks(), day) == []


def test_random_requests_are_lawful_and_some_get_sound_plans() -> None:
    """Twenty random requests are the same for a seed, and the plans made for the first of them break no rule."""
    network = load_network()
    requests = generator().random_requests(20, 5, network)
    assert requests == generator().random_requests(20, 5, network)
    assert len({request.reference for request in requests}) == 20
    assert all((request.ready_s is None) == (request.origin_window is not None) for request in requests)
    checked = 0
    for request in requests:
        if request.destination_window is not None or request.via:
            continue
        made = plan_on(request, network, None, alternatives=0)
        if made.plan.outcome == "found":
            assert verify_plan(made.plan, network, None) == []
            checked += 1
        if checked == 2:
            break
    assert checked == 2

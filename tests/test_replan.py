"""The scene of a re-planning and the search on it: nothing overlaps, nothing is lost, stock is waited for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from displace_cases import little_work, overlaps, railway, request, same_table, stage
from weerspoor.capacity.displace import stage as stages
from weerspoor.capacity.displace.paths import Candidate, candidates
from weerspoor.capacity.displace.replan import Replanner
from weerspoor.capacity.displace.scene import Allowed, Placement, Scene, Variant
from weerspoor.capacity.displace.stage import Stage
from weerspoor.capacity.rules import rule_set
from weerspoor.kernel.retiming import Retimed, rows_at
from weerspoor.kernel.timelines import Rows, Timelines

ANYTHING = Allowed(0, 3600, shorten=True, cancel=True)
ONLY_LATER = Allowed(0, 3600)


@pytest.fixture(autouse=True)
def _little_work() -> Iterator[None]:
    with little_work():
        yield


@pytest.fixture(scope="module")
def shared() -> tuple[Stage, Candidate]:
    """Return a stage and the first candidate on it; the tests leave both as they are."""
    with little_work():
        made = stage()
        return made, next(candidates(made.problem, made.pricing))


def scene_of(shared: tuple[Stage, Candidate], allowed: Allowed | None = None) -> Scene:
    """Return a scene of its own in which nothing is moved, with other things allowed if that is said."""
    scene = shared[0].scene
    mine = scene.allowed if allowed is None else lambda _: allowed
    return replace(scene, timelines=scene.timelines.copy(), moved={}, decided={}, variants={}, _terms={}, allowed=mine)


def with_path(shared: tuple[Stage, Candidate], scene: Scene, seed: int = 0) -> tuple[Replanner, set[int]]:
    """Put the path of the candidate into a scene; return a re-planner and the trains in the way."""
    made, candidate = shared
    rows = Rows.of(candidate.runs[0], made.pricing.kind)
    in_the_way = set(scene.timelines.conflicts_of(rows))
    scene.timelines.insert(made.pricing.military, rows)
    return Replanner(scene, made.pricing.fixed([rows]), seed=seed), in_the_way


def built_anew(shared: tuple[Stage, Candidate], scene: Scene) -> Timelines:
    """Return the timelines of a scene made from its placements alone."""
    made, candidate = shared
    held = scene.window.day.holdings
    keep = ~np.isin(held.train, sorted(scene.moved))
    parts = [(Rows.of(candidate.runs[0], made.pricing.kind), made.pricing.military)]
    parts += [(scene.rows(train, placement), train) for train, placement in scene.moved.items()]
    names = ("zone", "from_s", "until_s", "occupies", "blocks")
    columns = [
        np.concatenate([getattr(held, name)[keep], *(getattr(rows, name) for rows, _ in parts)]) for name in names
    ]
    train = np.concatenate(
        [held.train[keep], *(np.full(len(rows.zone), number, np.int32) for rows, number in parts)]
    ).astype(np.int32)
    return Timelines.build(made.network.n_zones, *columns[:3], train, *columns[3:])


def told(placements: dict[int, Placement]) -> dict[int, tuple[object, ...]]:
    """Return placements in a form that can be compared."""
    return {
        train: (one.eur, one.variant, None if one.retimed is None else (one.retimed.first, one.retimed.last,
                tuple(one.retimed.shift_s.tolist())))
        for train, one in sorted(placements.items())
    }  # fmt: skip


def delayed(scene: Scene, train: int, by_s: int) -> Placement:
    """Return a train as a whole so much later."""
    count = scene.of(train)[0].legs.count
    return Placement(1.0, Retimed(0, count - 1, np.full(count, by_s, np.int32), 1.0))


def turn(scene: Scene, *, most_gap_s: float = 3600.0) -> tuple[int, int, int]:
    """Return a train, the one that takes over its stock, and the least time between, late in the window, inside it."""
    middle = (scene.window.from_s + scene.window.until_s) / 2
    for train, (then, least_s) in sorted(scene.window.turns.items()):
        ends = scene.of(train)[0].legs.arrivals_s[-1]
        leaves = scene.of(then)[0].legs.departures_s[0]
        inside = scene.of(then)[0].legs.arrivals_s[-1] < scene.window.until_s - 3600
        if inside and ends > middle - 3600 and leaves - ends < most_gap_s and scene.follows(then) is None:
            return train, then, least_s
    raise AssertionError("no turn in the window")


def alone(scene: Scene, *trains: int) -> Scene:
    """Return the scene with no trains but some."""
    empty = Timelines.empty(scene.network.n_zones)
    for train in trains:
        empty.insert(train, scene.window.rows_of(train))
    return replace(scene, timelines=empty, moved={})


# -- placing --------------------------------------------------------------------------------------------------------


def test_a_stage_begins_without_overlaps(shared: tuple[Stage, Candidate]) -> None:
    assert overlaps(shared[0].scene.timelines) == []


def test_after_a_search_the_timelines_are_those_of_the_placements(
    shared: tuple[Stage, Candidate], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At no time is a train put where another is; at the end, pair by pair, no two overlap."""
    scene = scene_of(shared)
    put = Scene.put

    def checked(self: Scene, train: int, placement: Placement) -> None:
        rows = self.rows(train, placement)
        assert self.timelines.conflicts_of(rows, train) == []
        put(self, train, placement)

    monkeypatch.setattr(Scene, "put", checked)
    replanner, in_the_way = with_path(shared, scene)
    first = replanner.first(in_the_way)
    assert first.complete
    assert overlaps(scene.timelines) == []
    assert same_table(scene.timelines, built_anew(shared, scene))
    before = dict(scene.moved)
    better = replanner.improve(40)
    assert better.eur <= first.eur + 1e-6
    assert scene.eur == pytest.approx(better.eur)
    assert scene.eur == pytest.approx(sum(placement.eur for placement in scene.moved.values()))
    assert overlaps(scene.timelines) == []
    assert same_table(scene.timelines, built_anew(shared, scene))
    assert all(scene.holds(train) for train in scene.window.turns.values() for train in train[:1])
    after = dict(scene.moved)
    replanner.restore(before)
    assert told(scene.moved) == told(before)
    assert same_table(scene.timelines, built_anew(shared, scene))
    replanner.restore(after)
    assert same_table(scene.timelines, built_anew(shared, scene))


def test_the_same_seed_gives_the_same_plan(shared: tuple[Stage, Candidate]) -> None:
    found = []
    for _ in range(2):
        scene = scene_of(shared)
        replanner, in_the_way = with_path(shared, scene, seed=3)
        replanner.first(in_the_way)
        replanner.improve(20)
        found.append(told(scene.moved))
    assert found[0] == found[1]


def test_what_may_not_be_moved_is_not(shared: tuple[Stage, Candidate]) -> None:
    scene = scene_of(shared, Allowed(0, 0))
    replanner, in_the_way = with_path(shared, scene)
    assert not replanner.first(in_the_way).complete


def test_bounds_are_kept(shared: tuple[Stage, Candidate]) -> None:
    """Passenger trains no earlier, freight no more than the settings say, stands no shorter than asked."""
    made, candidate = shared
    for train, placement in candidate.placements.items():
        if placement.retimed is None:
            continue
        allowed, found = made.scene.allowed(train), placement.retimed
        run = found.shift_s[found.first : found.last + 1]
        assert -allowed.earlier_s <= run.min()
        assert run.max() <= allowed.later_s
        legs, layer = made.scene.of(train)[0].legs, made.window.day.trains.layer[train]
        least_s = {"passenger": 60, "freight": 180}[layer]
        for leg in range(found.first + 1, found.last + 1):
            was_s = legs.departures_s[leg] - legs.arrivals_s[leg - 1]
            stands_s = was_s + found.shift_s[leg] - found.shift_s[leg - 1]
            assert stands_s >= min(was_s, least_s) - 1


# -- prices ---------------------------------------------------------------------------------------------------------


def test_the_price_of_a_second_is_that_of_all_who_get_off(shared: tuple[Stage, Candidate]) -> None:
    scene = scene_of(shared)
    for train in range(0, len(scene.window.origin), 29):
        prices = scene.leg_prices(train, scene.of(train)[0])
        assert prices.sum() == pytest.approx(scene.harm.arrival_eur_per_s[scene.window.calls_of(train)].sum())


def test_a_train_as_in_the_day_costs_nothing(shared: tuple[Stage, Candidate]) -> None:
    scene = scene_of(shared, ANYTHING)
    for train in range(100, 110):
        scene.take_out(train)
        found = scene.cheapest(train)
        assert found is not None
        assert found.eur == 0.0
        scene.put(train, found)
    assert scene.moved == {}
    assert same_table(scene.timelines, shared[0].scene.timelines)


def test_a_minimum_level_weighs_but_is_no_harm(shared: tuple[Stage, Candidate]) -> None:
    scene = scene_of(shared, replace(ANYTHING, later_s=0, shorten=False, whole_eur=7_000.0))
    train = 100
    rows = scene.window.rows_of(train)
    scene.take_out(train)
    scene.timelines.insert(shared[0].pricing.military, rows)
    found = scene.cheapest(train)
    assert found is not None
    assert found.cancelled
    scene.put(train, found)
    assert scene.eur == pytest.approx(scene.harm_eur + 7_000.0)
    assert scene.harm_eur == pytest.approx(scene.cancelled_eur(train))


# -- stock ----------------------------------------------------------------------------------------------------------


def test_a_follower_waits_for_its_stock(shared: tuple[Stage, Candidate]) -> None:
    scene = scene_of(shared, ONLY_LATER)
    train, then, least_s = turn(scene)
    gap_s = scene.of(then)[0].legs.departures_s[0] - scene.of(train)[0].legs.arrivals_s[-1]
    late_s = int(gap_s - least_s) + 600
    scene = alone(scene, train, then)
    assert scene.holds(then)
    scene.take_out(train)
    scene.put(train, delayed(scene, train, late_s))
    assert not scene.holds(then)
    scene.take_out(then)
    found = scene.cheapest(then)
    assert found is not None
    assert found.retimed is not None
    assert 600 <= found.retimed.shift_s[0] <= 601
    scene.put(then, found)
    assert scene.holds(then)


def test_a_search_takes_followers_along(shared: tuple[Stage, Candidate]) -> None:
    """Its tracks are taken until late: the train that goes on with its stock is placed again of itself."""
    scene = scene_of(shared, ONLY_LATER)
    train, then, least_s = turn(scene)
    scene = alone(scene, train, then)
    gap_s = scene.of(then)[0].legs.departures_s[0] - scene.of(train)[0].legs.arrivals_s[-1]
    late_s = int(gap_s - least_s) + 300
    rows = scene.window.rows_of(train)
    begin_s, until_s = np.full(1, rows.from_s.min(), np.int32), np.full(1, rows.from_s[-1] + late_s, np.int32)
    taken = Rows(rows.zone[-1:], begin_s, until_s, rows.occupies[-1:], rows.blocks[-1:])
    scene.timelines.insert(shared[0].pricing.military, taken)
    replanner = Replanner(scene, Timelines.empty(scene.network.n_zones))
    assert replanner.first([train]).complete
    was = scene.moved[train].retimed
    now = scene.moved[then].retimed
    assert was is not None
    assert now is not None
    assert now.shift_s[0] >= was.shift_s[-1] + least_s - gap_s - 1
    assert scene.holds(then)


def test_the_stock_of_a_cancelled_train_stays_where_it_was(shared: tuple[Stage, Candidate]) -> None:
    """Its follower begins elsewhere, so it cannot run, or only from where the stock is."""
    scene = scene_of(shared, ANYTHING)
    train, then, _ = turn(scene)
    scene.take_out(train)
    scene.put(train, Placement(1.0, None))
    point, _ = scene.stock_after(train)
    assert point == scene.point_of(train, 0)
    assert not scene.holds(then)
    scene.take_out(then)
    found = scene.cheapest(then)
    assert found is not None
    if found.retimed is not None:
        stand = scene.of(then)[0].legs.stands[found.retimed.first]
        assert scene.point_of(then, stand.call) == point
    scene.put(then, found)
    assert scene.holds(then)
    only = scene_of(shared, ONLY_LATER)
    only.take_out(train)
    only.put(train, Placement(1.0, None))
    only.take_out(then)
    assert only.cheapest(then) is None


def test_a_train_begins_on_the_way_only_with_stock(shared: tuple[Stage, Candidate]) -> None:
    """As long as its stock comes to its origin it begins there, unless other stock is taken to be elsewhere."""
    scene = scene_of(shared, replace(ANYTHING, cancel=False))
    train, then, _ = turn(scene)
    anywhere = np.flatnonzero(np.isfinite(scene._own_terms(then, 0).begin_eur)).tolist()
    assert len(anywhere) > 1
    for elsewhere, places in (("false", [0]), ("true", anywhere)):
        with little_work(stock_elsewhere=elsewhere):
            terms = scene.terms_of(then, 0)
            assert terms is not None
            assert np.flatnonzero(np.isfinite(terms.begin_eur)).tolist() == places
    legs = scene.of(train)[0].legs
    ends = np.flatnonzero(np.isfinite(scene._own_terms(train, 0).end_eur[:-1])).tolist()
    cut = Placement(1.0, Retimed(0, ends[-1], np.zeros(legs.count, np.int32), 1.0))
    scene.take_out(train)
    scene.put(train, cut)
    scene.moved[train] = cut
    point, _ = scene.stock_after(train)
    after = scene.terms_of(then, 0)
    if after is not None:
        begins = np.flatnonzero(np.isfinite(after.begin_eur)).tolist()
        assert [scene.point_of(then, scene.of(then)[0].legs.stands[leg].call) for leg in begins] == [point]


def test_a_train_turns_short_where_the_one_before_it_ends(shared: tuple[Stage, Candidate]) -> None:
    """Where it begins in the day the track is taken for hours: the train before ends on the way and it begins there."""
    with little_work(stock_elsewhere="false"):
        scene = scene_of(shared, replace(ANYTHING, later_s=60))
        train, then = next(
            (train, then)
            for train, (then, _) in sorted(scene.window.turns.items())
            if scene.cut(train)
            and {scene.point_of(train, scene.of(train)[0].legs.stands[-2].call)}
            & {scene.point_of(then, stand.call) for stand in scene.of(then)[0].legs.stands[1:-1]}
        )
        scene = alone(scene, train, then)
        legs, rows = scene.of(then)[0].legs, scene.window.rows_of(then)
        first = rows.from_s < legs.departures_s[0] + 60
        begin_s, until_s = rows.from_s[first], (rows.until_s + 7200).astype(np.int32)[first]
        taken = Rows(rows.zone[first], begin_s, until_s, rows.occupies[first], rows.blocks[first])
        in_the_way = scene.timelines.conflicts_of(taken)
        scene.timelines.insert(shared[0].pricing.military, taken)
        assert then in in_the_way
        assert Replanner(scene, Timelines.empty(scene.network.n_zones)).first(in_the_way).complete
        assert overlaps(scene.timelines) == []
        placed = scene.moved[then].retimed
        if placed is not None:
            before = scene.moved[train].retimed
            assert before is not None
            ends = scene.of(train)[0].legs.stands[before.last + 1].call
            begins = legs.stands[placed.first].call
            assert placed.first > 0
            assert scene.point_of(train, ends) == scene.point_of(then, begins)
        cancelled = scene.cancelled_eur(then)
        assert scene.eur <= cancelled + scene.cancelled_eur(train)


def test_with_own_stock_alone_a_search_leaves_no_overlaps(shared: tuple[Stage, Candidate]) -> None:
    """Also where trains turn short together: nothing is held twice, whoever begins on the way has stock there."""
    with little_work(stock_elsewhere="false"):
        scene = scene_of(shared)
        replanner, in_the_way = with_path(shared, scene)
        assert replanner.first(in_the_way).complete
        replanner.improve(40)
        assert overlaps(scene.timelines) == []
        assert same_table(scene.timelines, built_anew(shared, scene))
        for train, placement in scene.moved.items():
            if placement.retimed is not None and placement.retimed.first:
                before = scene.before(train)
                assert before in scene.moved
                assert scene.holds(train)


def test_after_hours_stock_is_replaced(shared: tuple[Stage, Candidate], monkeypatch: pytest.MonkeyPatch) -> None:
    from weerspoor.capacity.displace import scene as scenes

    scene = scene_of(shared, ANYTHING)
    train, then, _ = turn(scene)
    scene.take_out(train)
    scene.put(train, Placement(1.0, None))
    monkeypatch.setattr(scenes, "LONGEST_STOCK_S", 0)
    assert scene.holds(then)


# -- what has run ---------------------------------------------------------------------------------------------------


def test_what_has_run_stays(shared: tuple[Stage, Candidate]) -> None:
    """In the middle of the path: legs begun by then keep the shift decided, the rest may change."""
    scene = scene_of(shared)
    replanner, in_the_way = with_path(shared, scene)
    replanner.first(in_the_way)
    decided = dict(scene.moved)
    run = shared[1].runs[0]
    now_s = int(run.depart_s[0] + run.exit_s[-1]) // 2
    scene.at(now_s, decided)
    replanner.improve(30)
    bound = 0
    for train in sorted(decided.keys() | scene.moved.keys()):
        was, now = decided.get(train), scene.moved.get(train)
        legs = scene.of(train)[0].legs
        begun = legs.departures_s + _shifts(was, legs.count) <= now_s
        ran = _runs(was, legs.count)
        bound += int((begun & ran).any())
        assert np.array_equal(_shifts(was, legs.count)[begun & ran], _shifts(now, legs.count)[begun & ran])
        assert bool(np.all(_runs(now, legs.count)[begun & ran]))
        anew = ~(begun & ran) & _runs(now, legs.count)
        assert bool(np.all((legs.departures_s + _shifts(now, legs.count))[anew] >= now_s - 1))
    assert bound
    assert overlaps(scene.timelines) == []


def _shifts(placement: Placement | None, count: int) -> np.ndarray:
    if placement is None or placement.retimed is None:
        return np.zeros(count, np.int32)
    return placement.retimed.shift_s


def _runs(placement: Placement | None, count: int) -> np.ndarray:
    if placement is None:
        return np.ones(count, np.bool_)
    if placement.retimed is None:
        return np.zeros(count, np.bool_)
    at = np.arange(count)
    return (at >= placement.retimed.first) & (at <= placement.retimed.last)


def test_a_train_that_has_left_is_not_cancelled(shared: tuple[Stage, Candidate]) -> None:
    scene = scene_of(shared, ANYTHING)
    train = 100
    legs = scene.of(train)[0].legs
    assert np.isfinite(scene.cancelled_eur(train))
    scene.at(int(legs.departures_s[0]) + 1, {})
    assert np.isinf(scene.cancelled_eur(train))
    scene.at(int(legs.departures_s[0]) - 1, {})
    assert np.isfinite(scene.cancelled_eur(train))


# -- paths ----------------------------------------------------------------------------------------------------------


def test_candidates_are_free_of_overlaps_and_leave_the_scene_as_it_was() -> None:
    with little_work(shifts=2, shares="[0.3, 0.8]", hardenings=2):
        made = stage()
        before = made.scene.timelines.copy()
        found = list(candidates(made.problem, made.pricing))
        assert {one.how for one in found} >= {"undisturbed", "among_dear"}
        assert same_table(made.scene.timelines, before)
        assert made.scene.moved == {}
        window = made.problem.request.destination_window
        assert window is not None
        for one in found:
            scene = replace(made.scene, timelines=before.copy(), moved={})
            Replanner(scene, Timelines.empty(scene.network.n_zones)).restore(one.placements)
            for number, run in enumerate(one.runs):
                rows = Rows.of(run, made.pricing.kind)
                assert scene.timelines.conflicts_of(rows) == []
                scene.timelines.insert(made.pricing.military + number, rows)
            assert overlaps(scene.timelines) == []
            assert scene.harm_eur == pytest.approx(one.eur)
            assert window.earliest_s <= one.arrival_s <= window.latest_s
            assert one.departure_s >= made.problem.request.ready_s


def test_trains_of_one_request_are_priced_against_each_other(shared: tuple[Stage, Candidate]) -> None:
    """Two on the same track at the same time are no candidate, however much is moved for them."""
    made, candidate = shared
    run = candidate.runs[0]
    assert made.pricing((run, run), "shifted", 0) is None


def test_what_one_rule_set_moves_is_not_moved_under_another(shared: tuple[Stage, Candidate]) -> None:
    """Stages under other rules share the timelines; each is as before after pricing, so is the first."""
    made, candidate = shared
    emers = made.under(rule_set("eu-emers"))
    first = emers.pricing(candidate.runs, candidate.how, 3)
    assert first is not None
    assert made.scene.moved == emers.scene.moved == {}
    again = made.pricing(candidate.runs, candidate.how, 3)
    assert again is not None
    assert again.placements.keys() >= set(
        made.scene.timelines.conflicts_of(Rows.of(candidate.runs[0], made.pricing.kind))
    )
    assert same_table(made.scene.timelines, stage().scene.timelines)


def test_the_stage_reaches_as_far_as_the_request(shared: tuple[Stage, Candidate]) -> None:
    made, asked = shared[0], request()
    assert made.window.from_s == asked.anchor_s - stages.BEFORE_S
    assert made.window.until_s == asked.horizon_s + stages.AFTER_S
    assert made.window.whole is railway()[1]


def test_a_variant_runs_as_in_the_day(shared: tuple[Stage, Candidate]) -> None:
    scene = scene_of(shared)
    variant = scene.of(100)[0]
    assert isinstance(variant, Variant)
    directed, enter_s, exit_s, depart_s = variant.run_of(scene.window, 100)
    assert len(directed) == len(enter_s) == len(exit_s) == len(depart_s)
    assert exit_s[-1] == variant.legs.arrivals_s[-1]
    rows = rows_at(variant.legs.moving, delayed(scene, 100, 30).retimed)  # type: ignore[arg-type]
    assert sorted((rows.from_s - 30).tolist()) == sorted(scene.window.rows_of(100).from_s.tolist())

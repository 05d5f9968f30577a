"""Other tracks for displaced trains: found, cheaper than waiting, told, and checked by code of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from displace_cases import PRIORITY, little_work, railway, request
from test_fit import line
from weerspoor.capacity.displace.account import Account
from weerspoor.capacity.displace.answer import displace_on
from weerspoor.capacity.displace.change import replan
from weerspoor.capacity.displace.rules import Rulebook
from weerspoor.capacity.displace.scene import Allowed, Placement, Scene
from weerspoor.capacity.displace.tracks import OtherTracks
from weerspoor.capacity.proposal import Move
from weerspoor.capacity.request import Change
from weerspoor.capacity.rules import rule_set
from weerspoor.capacity.verify import verify_plan
from weerspoor.capacity.verify_rerouted import InDay, ReroutedCheck
from weerspoor.kernel.graph import KEEP_PASSENGER
from weerspoor.kernel.timelines import Rows, Timelines
from weerspoor.network.model import Network
from weerspoor.timetable.build import Placer, Wanted
from weerspoor.timetable.civil import CivilModels, building_settings
from weerspoor.timetable.compose import compose_day
from weerspoor.timetable.day import Day, Passengers
from weerspoor.timetable.harm import HarmModel, load_harm_values
from weerspoor.timetable.window import window_of

LEAVES_S = 36_000
BLOCKED = 2
"""Zone of track "1" at M, the left one where trains from A have their usual way."""

MILITARY = 9


def platforms() -> Network:
    """Return the line with platforms of 300 m at A and on both tracks at M::

                        ┌── 2 "1" ──┐
        A ── 0 ──── 1 ──┤     M     ├──── 4 ──── 5 ─┤ B
                        └── 3 "2" ──┘
    """  # fmt: skip
    network = line()
    stops = replace(network.stops, platform_m=np.array([300, 300, 300, 300, 300, 0], np.float32))
    return replace(network, stops=stops, cache={})


def day_of(network: Network) -> Day:
    """Return a day of one stopping train from A by track "1" at M to B; 200 get on at A and off at M, 10 go on."""
    norms, settings = building_settings()
    models = CivilModels(network, settings)
    placer = Placer(network, Timelines.empty(network.n_zones), models, norms)
    wanted = Wanted(
        "t0", "1", "sprinter", "passenger", "plan", (0, 1, 2), (True, True, True),
        (-1, LEAVES_S + 480, LEAVES_S + 1080), (LEAVES_S, LEAVES_S + 540, -1), (0, 60, 0),
    )  # fmt: skip
    placed = placer.find(wanted, only=(1, 0.0))
    day = compose_day(placer, [placed], models.length_m, name="one", kind="weekday", periodic=False)
    zeros = np.zeros(3, np.float32)
    passengers = Passengers(
        boarding=np.array([210, 0, 0], np.float32),
        alighting=np.array([0, 200, 10], np.float32),
        aboard=np.array([210, 10, 0], np.float32),
        estimated=zeros,
        wait_s=np.full(3, 3600, np.float32),
        connection_from=np.zeros(0, np.int32),
        connection_to=np.zeros(0, np.int32),
        connection_passengers=np.zeros(0, np.float32),
        connection_spare_s=np.zeros(0, np.int32),
        connection_wait_s=np.zeros(0, np.float32),
    )
    return replace(day, passengers=passengers)


def scene_of(network: Network, *, other_tracks: bool = True) -> Scene:
    """Return the scene in which track "1" is kept empty of passenger trains for an hour; the train waits at A."""
    day = day_of(network)
    window = window_of(day, LEAVES_S - 3600, LEAVES_S + 20_000)
    held = window.day.holdings
    lines = Timelines.build(
        network.n_zones, held.zone, held.from_s, held.until_s, held.train, held.occupies, held.blocks
    )
    begin, end = np.array([LEAVES_S], np.int32), np.array([LEAVES_S + 3600], np.int32)
    kept = Rows(np.array([BLOCKED], np.int32), begin, end, np.zeros(1, np.uint8), np.full(1, KEEP_PASSENGER, np.uint8))
    lines.insert(MILITARY, kept)
    allowed = Allowed(0, 5400, other_tracks=other_tracks)
    scene = Scene(network, window, HarmModel(day, load_harm_values()), lines, lambda _: allowed)
    scene.take_out(0)
    waits = scene.cheapest(0)
    assert waits is not None
    scene.put(0, waits)
    return scene


def rerouted(scene: Scene) -> Placement:
    """Return the place of the train on other tracks, which it is given."""
    found = OtherTracks(scene).find(0, scene.moved[0])
    assert found is not None
    scene.of(0).append(found[0])
    return found[1]


def move_of(scene: Scene, placement: Placement) -> Move:
    rules = Rulebook(rule_set("military-priority"), scene.window, scene.network)
    return Account(scene, 0, placement).move(rules)


def checked(scene: Scene, move: Move) -> list[str]:
    """Return the rules that a move breaks."""
    directed, codes = scene.window.day.movements.directed, scene.network.points.code
    calls = scene.window.day.calls
    rows = zip(calls.point.tolist(), calls.arrival_s.tolist(), calls.departure_s.tolist(), strict=True)
    told = [(codes[point], arrival_s, departure_s) for point, arrival_s, departure_s in rows]
    in_day = InDay("sprinter", "passenger", told, [True] * len(told), int(directed[0]), int(directed[-1]))
    return [fault.rule for fault in ReroutedCheck(move, in_day, scene.network).run()]


def test_the_other_platform_is_cheaper_than_waiting() -> None:
    """Track "1" is blocked for an hour, track "2" is free: the train is hardly late there and costs next to nothing."""
    scene = scene_of(platforms())
    waits = scene.moved[0]
    assert waits.retimed is not None
    assert waits.retimed.shift_s.min() > 1800
    placement = rerouted(scene)
    assert placement.eur < waits.eur / 10
    account = Account(scene, 0, placement)
    assert account.kind == "rerouted"
    assert account.harm.eur == pytest.approx(placement.eur, rel=0.02)
    move = move_of(scene, placement)
    assert [call.track for call in move.calls if call.code == "M"] == ["2"]
    assert 6 in [piece.directed for piece in move.pieces]
    assert not scene.timelines.conflicts_of(account.rows, 0)
    assert checked(scene, move) == []


def test_the_scene_is_as_before() -> None:
    """Looking for other tracks alters no interval, and gives the train nothing by itself."""
    scene = scene_of(platforms())
    before = [column.tolist() for column in scene.timelines.table()]
    OtherTracks(scene).find(0, scene.moved[0])
    assert [column.tolist() for column in scene.timelines.table()] == before
    assert len(scene.of(0)) == 1


def test_a_later_shift_of_other_tracks_costs_its_lateness() -> None:
    """With track "2" blocked as well for ten minutes, the train waits for it, and pays for every second of that."""
    scene = scene_of(platforms())
    free = rerouted(scene)
    scene.take_out(0)
    begin, end = np.array([LEAVES_S], np.int32), np.array([LEAVES_S + 1200], np.int32)
    kept = Rows(np.array([3], np.int32), begin, end, np.zeros(1, np.uint8), np.full(1, KEEP_PASSENGER, np.uint8))
    scene.timelines.insert(MILITARY + 1, kept)
    later = scene.cheapest(0)
    assert later is not None
    assert later.variant == 1
    assert later.eur > free.eur
    account = Account(scene, 0, later)
    late = np.maximum(account.late_s[:, 0], 0.0)
    eur = float((late * scene.harm.arrival_eur_per_s).sum() + scene.harm.shift_eur[0])
    assert later.eur == pytest.approx(eur, rel=0.02)
    assert (account.late_s[:-1, 1] >= -3).all()
    assert checked(scene, move_of(scene, later)) == []


def test_where_it_may_not_it_keeps_its_tracks() -> None:
    """Other tracks that are known are not used by a train that may not be rerouted."""
    scene = scene_of(platforms())
    rerouted(scene)
    bound = replace(scene, allowed=lambda _: Allowed(0, 5400), moved={}, _terms={})
    bound.timelines.remove(0)
    found = bound.cheapest(0)
    assert found is not None
    assert found.variant == 0


def drop_zone(move: Move) -> None:
    """Do not hold one of the zones."""
    del move.held[2]


def short_zone(move: Move) -> None:
    """Give the zones back ten seconds too soon."""
    for row in move.held:
        row.until_s -= 10


def no_stop(move: Move) -> None:
    """Run through M without a stand."""
    for piece in move.pieces:
        piece.exit_s = piece.depart_s


def leave_early(move: Move) -> None:
    """Do everything two minutes sooner, before its times."""
    for piece in move.pieces:
        piece.enter_s, piece.exit_s, piece.depart_s = piece.enter_s - 120, piece.exit_s - 120, piece.depart_s - 120
    for row in move.held:
        row.from_s, row.until_s = row.from_s - 120, row.until_s - 120
    for call in move.calls:
        assert call.new_arrival_s is not None
        assert call.new_departure_s is not None
        call.new_arrival_s, call.new_departure_s = call.new_arrival_s - 120, call.new_departure_s - 120


def false_time(move: Move) -> None:
    """Say another time than that of the run."""
    call = next(call for call in move.calls if call.code == "M")
    assert call.new_arrival_s is not None
    call.new_arrival_s += 30


def too_fast(move: Move) -> None:
    """Arrive a minute sooner than it can."""
    move.pieces[-1].exit_s -= 60
    move.pieces[-1].depart_s -= 60


def jump_track(move: Move) -> None:
    """Leave out a piece of the way."""
    del move.pieces[1]


def other_point(move: Move) -> None:
    """Begin its calls somewhere else."""
    move.calls[0].code = "B"


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        (drop_zone, "blocking"),
        (short_zone, "blocking"),
        (no_stop, "displacement"),
        (leave_early, "displacement"),
        (false_time, "time"),
        (too_fast, "running_time"),
        (jump_track, "route"),
        (other_point, "displacement"),
    ],
)
def test_altered_other_tracks_are_refused(damage: Callable[[Move], None], rule: str) -> None:
    """Every kind of damage to a sound move over other tracks is found."""
    scene = scene_of(platforms())
    sound = move_of(scene, rerouted(scene))
    move = msgspec.json.decode(msgspec.json.encode(sound), type=Move)
    damage(move)
    assert rule in checked(scene, move)


def test_on_the_real_day_it_holds_and_can_be_planned_anew() -> None:
    """A wide train in the morning peak: with other tracks it does less harm, and every train that takes them is sound.

    Planned anew ten minutes before it leaves, a train that is under way by then stays on the tracks of the plan.
    """
    network, day = railway()
    with little_work():
        own = displace_on(request(), network, day, rules=PRIORITY).plan
    with little_work(other_tracks=8):
        made = displace_on(request(), network, day, rules=PRIORITY).plan
        assert own.displacement is not None
        assert made.displacement is not None
        least, least_own = made.displacement.proposals[0], own.displacement.proposals[0]
        assert "rerouted" in least.harm.trains
        assert least.harm.eur < least_own.harm.eur
        assert verify_plan(made, network, day) == []
        now_s = least.paths[0].departure_s - 600
        change = Change(ready_s=least.paths[0].departure_s + 300)
        anew = replan(made, now_s, change, network, day).plan
        assert anew.displacement is not None
        assert verify_plan(anew, network, day) == []
        under_way = {move.train: move for move in least.moves if move.pieces and move.pieces[0].depart_s < now_s}
        for move in anew.displacement.proposals[0].moves:
            if move.train in under_way:
                assert [piece.directed for piece in move.pieces] == [
                    piece.directed for piece in under_way[move.train].pieces
                ]

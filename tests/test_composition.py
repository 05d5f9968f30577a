"""Trains: characteristics, composition from vehicles on wagons, explosives apart, starting, kinds of stop."""

import csv
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weerspoor.common.errors import DataError, InputError
from weerspoor.kernel.graph import IS_OTHER, IS_PASSENGER, IS_WIDE
from weerspoor.trains import tables
from weerspoor.trains.catalogue import civil_kind, civil_kind_names, locomotive, template, template_names, train_from
from weerspoor.trains.composition import LoadedWagon, check_separation, compose, composition
from weerspoor.trains.starting import (
    Gradient,
    gradients,
    known_too_steep,
    reference_permille,
    startable_mass_t,
    startable_permille,
    too_steep,
)
from weerspoor.trains.stops import missing, place_has, stop_kind, stop_kind_names
from weerspoor.trains.traction import acceleration_curve, dynamics, running_traction

TANK = LoadedWagon("Slmmps", ("Leopard 2A6",))
HEAVY_FLAT = LoadedWagon("Rlmmps", ("Leopard 2A6",))
AMMUNITION = LoadedWagon("Sgns", (), 35, ("1.1D",))
FUEL = LoadedWagon("Sgns", (), 40, ("3",))
SHORT = LoadedWagon("Hbbillns", (), 10)
COACH = LoadedWagon("Coach", (), 4)


def test_one_tank_on_six_axles_by_hand() -> None:
    """61 t on a wagon of 26 t, 16.4 m, six axles: 14.5 t an axle, 5.31 t/m; but the engine has 21.17 and 5.94."""
    train = compose("one", ["Class 66"], [TANK])
    assert train.length_m == pytest.approx(21.4 + 16.4)
    assert train.mass_t == pytest.approx(127 + 26 + 61)
    assert train.axle_load_t == pytest.approx(21.17)  # 127 / 6, rounded up
    assert train.metre_load_t == pytest.approx(5.94)  # 127 / 21.4, rounded up
    assert TANK.gross_t / TANK.type.axles == pytest.approx(14.5)
    assert train.load_half_width_mm == 1875
    assert train.load_height_mm == 3940  # floor 1.30 + 2.64
    assert train.is_wide
    assert train.max_speed_kmh == 100


def test_one_tank_on_four_axles_by_hand() -> None:
    """61 t on a wagon of 22 t, 14.9 m, four axles: 20.75 t an axle and 5.58 t/m (rounded up)."""
    train = compose("one", ["Class 186"], [HEAVY_FLAT])
    assert train.axle_load_t == pytest.approx(21.5)  # the engine: 86 / 4
    assert HEAVY_FLAT.gross_t / 4 == pytest.approx(20.75)
    assert train.metre_load_t == pytest.approx(5.58)
    assert train.traction == ("1.5 kV DC", "3 kV DC", "15 kV AC", "25 kV AC")
    # braked: 60 t of the wagon and 0.9 * 86 t of the engine, over 169 t
    assert train.brake_percentage == math.floor(100 * (60 + 77.4) / 169)


@pytest.mark.parametrize(
    ("name", "length_m", "mass_t"),
    [
        ("heavy", (440, 560), (1_900, 2_300)),
        ("mixed", (550, 700), (1_400, 1_800)),
        ("ammunition", (350, 450), (900, 1_300)),
        ("personnel", (300, 340), (550, 700)),
    ],
)
def test_template_compositions_lie_in_the_ranges_of_such_trains(
    name: str, length_m: tuple[float, float], mass_t: tuple[float, float]
) -> None:
    """The wagons of each template have the length and mass that such trains have."""
    train = compose(name, ["Class 66"], composition(name))
    assert length_m[0] <= train.length_m <= length_m[1]
    assert mass_t[0] <= train.mass_t - locomotive("Class 66").mass_t <= mass_t[1]
    assert train.guarded == (name == "ammunition")
    assert train.is_wide == (name == "heavy")


def test_explosives_next_to_fuel_are_refused_with_the_place() -> None:
    """engine ─ coach ─ [1.1D] ─ [3]: nothing between wagons 2 and 3."""
    with pytest.raises(InputError, match=r"wagon 2 \(1\.1D\) and wagon 3 \(3\) have 0\.0 m") as caught:
        compose("bad", ["Class 66"], [COACH, AMMUNITION, FUEL])
    assert caught.value.where == "wagon 2"


@pytest.mark.parametrize(
    ("between", "kept"),
    [([], False), ([SHORT], False), ([SHORT, SHORT], True), ([COACH], True), ([HEAVY_FLAT], True)],
)
def test_what_keeps_explosives_and_fuel_apart(between: list[LoadedWagon], kept: bool) -> None:
    """One wagon of two axles (15.5 m) is too little; two of them, or one of four axles, are enough, both ways."""
    assert (check_separation([AMMUNITION, *between, FUEL]) == []) is kept
    assert (check_separation([FUEL, *between, AMMUNITION]) == []) is kept


def test_a_wagon_with_both_is_too_close_to_itself() -> None:
    """Explosives and fuel in one wagon: wagon 1 and wagon 1."""
    found = check_separation([LoadedWagon("Sgns", (), 10, ("1.1D", "3"))])
    assert [(item.explosive, item.other) for item in found] == [(1, 1)]


@pytest.mark.parametrize("goods", ["1.4S", "2.2", "6.1", "8", "9"])
def test_goods_outside_the_rule_may_stand_beside_explosives(goods: str) -> None:
    """Placards 1.4, 2.2, 6.1, 8 and 9 are not in RID 7.5.3."""
    assert check_separation([AMMUNITION, LoadedWagon("Sgns", (), 10, (goods,))]) == []
    assert check_separation([LoadedWagon("Sgns", (), 10, ("1.4S",)), FUEL]) == []


WAGONS = st.lists(st.sampled_from([AMMUNITION, FUEL, SHORT, COACH, TANK]), min_size=1, max_size=12)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(wagons=WAGONS)
def test_separation_equals_a_plain_reading_of_the_rule(wagons: list[LoadedWagon]) -> None:
    """On random trains: a pair is too close exactly when the nearest between are none, or one of two axles."""
    expected = set()
    for i, one in enumerate(wagons):
        for j, other in enumerate(wagons):
            if one is AMMUNITION and other is FUEL:
                between = wagons[min(i, j) + 1 : max(i, j)]
                if not between or between == [SHORT]:
                    expected.add((i + 1, j + 1))
    assert {(item.explosive, item.other) for item in check_separation(wagons)} == expected


def test_a_wagon_too_small_or_too_weak_is_refused() -> None:
    """Two tanks are 15.4 m on 14.1 m; 95 t are more than 90 t; unknown names offer near ones."""
    with pytest.raises(InputError, match=r"14\.1 m for its load"):
        compose("x", ["Class 66"], [LoadedWagon("Slmmps", ("Fennek", "Fennek", "Fennek"))])
    with pytest.raises(InputError, match="carries 90 t, not 95 t"):
        compose("x", ["Class 66"], [LoadedWagon("Slmmps", (), 95)])
    with pytest.raises(InputError, match="no wagon 'Slmps'") as caught:
        compose("x", ["Class 66"], [COACH, LoadedWagon("Slmps")])
    assert caught.value.where == "wagon 2: wagon"
    assert "Slmmps" in caught.value.hint
    with pytest.raises(InputError, match="no vehicle 'Leopard 3'"):
        compose("x", ["Class 66"], [LoadedWagon("Slmmps", ("Leopard 3",))])
    with pytest.raises(InputError, match="no class of dangerous goods"):
        compose("x", ["Class 66"], [LoadedWagon("Sgns", (), 1, ("1.9",))])
    with pytest.raises(InputError, match="no composition"):
        composition("light")


def test_kinds_give_the_bits_of_the_kernel() -> None:
    """A wide military train is wide and other; an intercity is a passenger train; empty stock is other."""
    assert template("heavy").occupies == IS_WIDE | IS_OTHER
    assert civil_kind("intercity").occupies == IS_PASSENGER
    assert civil_kind("empty").occupies == IS_OTHER
    assert template("heavy").is_freight and template("heavy").is_military
    assert civil_kind("freight_bulk").is_freight


def test_every_train_of_the_catalogue_moves_and_weighs_more_than_its_engines() -> None:
    """Each template and kind has a curve of rising speed and time, and protection."""
    for name in (*template_names(), *civil_kind_names()):
        train = template(name) if name in template_names() else civil_kind(name)
        curve = acceleration_curve(train)
        assert curve.v_ms[-1] * 3.6 >= 0.7 * train.max_speed_kmh, name
        assert (curve.t_s[1:] > curve.t_s[:-1]).all()
        assert train.protection, name
        assert train.assumed or name in ("eurostar", "ice"), name
        assert running_traction(train) in train.traction


def test_the_request_of_a_user_becomes_a_train() -> None:
    """A template with other values: those given are no assumptions, those left are."""
    train = train_from({"template": "heavy", "mass_t": 2_000, "dangerous_goods": ["1.1D"], "guarded": True})
    assert train.mass_t == 2_000
    assert "mass_t" not in train.assumed
    assert "length_m" in train.assumed
    electric = train_from({"template": "heavy", "traction": ["1.5 kV DC"]})
    assert "1.5 kV DC" in locomotive(electric.locomotives[0]).power_kw
    assert "locomotives" in electric.assumed
    own = train_from({"length_m": 740, "mass_t": 1_800, "max_speed_kmh": 100, "traction": ["1.5 kV DC", "25 kV AC"]})
    assert own.axle_load_t == 22.5
    assert own.kind == "military"
    assert not own.is_wide
    assert train_from({"template": "freight_container"}).kind == "freight_container"


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"template": "hevy"}, "template"),
        ({"template": 3}, "template"),
        ({"length_m": 500}, "mass_t"),
        ({"template": "heavy", "length": 500}, "length"),
        ({"template": "heavy", "mass_t": "2000"}, "mass_t"),
        ({"template": "heavy", "mass_t": True}, "mass_t"),
        ({"template": "heavy", "mass_t": -5}, "mass_t"),
        ({"template": "heavy", "mass_t": math.nan}, "mass_t"),
        ({"template": "heavy", "length_m": math.inf}, "length_m"),
        ({"template": "heavy", "traction": "diesel"}, "traction"),
        ({"template": "heavy", "traction": []}, "traction"),
        ({"template": "heavy", "traction": ["steam"]}, "traction"),
        ({"template": "heavy", "traction": ["diesel", "25 kV AC"]}, "traction"),
        ({"template": "heavy", "dangerous_goods": ["1.1S"]}, "dangerous_goods"),
        ({"template": "heavy", "dangerous_goods": ["10"]}, "dangerous_goods"),
        ({"template": "heavy", "dangerous_goods": [""]}, "dangerous_goods"),
        ({"template": "heavy", "dangerous_goods": [1.1]}, "dangerous_goods"),
        ({"template": "heavy", "dangerous_goods": 3}, "dangerous_goods"),
        ({"template": "heavy", "guarded": "yes"}, "guarded"),
        ({"template": "heavy", "brake_position": "X"}, "brake_position"),
        ({"template": "heavy", "locomotives": ["Big Boy"]}, "locomotives"),
        ({"template": "heavy", "assumed": {}}, "assumed"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(given: dict[str, object], where: str) -> None:
    """Every mistake names the key."""
    with pytest.raises(InputError) as caught:
        train_from(given)
    assert caught.value.where == where


def test_a_train_lighter_than_its_engine_is_refused() -> None:
    """100 t with an engine of 127 t cannot be; engines that have not the traction cannot pull."""
    with pytest.raises(InputError, match="less than its engines"):
        dynamics(template("heavy").with_(mass_t=100))
    with pytest.raises(InputError, match="cannot run under"):
        dynamics(template("heavy").with_(traction=["1.5 kV DC"]))
    with pytest.raises(InputError, match="has no engine"):
        dynamics(template("heavy").with_(locomotives=[]))


def test_starting_by_hand() -> None:
    """409 kN for 2 100 t: 194.8 N/t, less 40 to break away, 10.5 for 0.01 m/s2: 144.3 over 9.81, 14.7 per mille."""
    train = template("heavy")
    effort_n_per_t = 409e3 / 2_100
    rotating = dynamics(train).rotating_mass_factor
    assert startable_permille(train) == pytest.approx((effort_n_per_t - 40 - 10 * rotating) / 9.81, rel=1e-3)
    mass_t = startable_mass_t(train, 12.5)
    assert startable_permille(train.with_(mass_t=mass_t)) >= 12.5
    assert startable_permille(train.with_(mass_t=mass_t + 20)) < 12.5


def test_a_mass_that_cannot_start_is_known_with_the_place() -> None:
    """2 600 t behind one engine does not start in the tunnels of the Betuweroute; 2 100 t do."""
    heavy = template("heavy")
    assert known_too_steep(heavy) == []
    places = {(item.from_point, item.to_point) for item in known_too_steep(heavy.with_(mass_t=2_600))}
    assert ("Kfh", "Brgnd") in places
    assert all(item.certainty != "assumed" for item in known_too_steep(heavy.with_(mass_t=2_600)))
    assert startable_permille(heavy.with_(mass_t=6_000)) < reference_permille()


def test_an_assumed_gradient_is_said_and_refuses_nothing() -> None:
    """The Willems tunnel's 20 per mille is an assumption: reported where it lies on the way, not refused."""
    steep = too_steep(template("heavy"), ["Rtd", "Rtb"])
    assert [(item.from_point, item.certainty) for item in steep] == [("Rtd", "assumed")]
    assert too_steep(template("heavy"), ["Rtd"]) == []


def test_a_short_ramp_counts_for_the_part_of_the_train_on_it() -> None:
    """20 per mille over 270 m under a train of 540 m is 10 per mille."""
    ramp = Gradient("A", "B", 20, 270, "", "", "likely")
    assert ramp.under(540) == pytest.approx(10)
    assert replace(ramp, length_m=900).under(540) == 20
    assert len(gradients()) > 5


def test_kinds_of_stop_have_durations_and_needs() -> None:
    """Reversing takes 30 minutes and 2 more for each 100 m, and a track to run round; open line has nothing."""
    kind = stop_kind("reversing")
    assert kind.least_for(template("heavy")) == pytest.approx(1_800 + 120 * 5.4)
    assert missing(kind, "Kfh", "yard") == ()
    assert missing(kind, "Xyz", "station") == ("run_round",)
    assert missing(kind, "amf", "station") == ()
    assert missing(stop_kind("crew_change"), "Xyz", "junction") == ("road_access",)
    assert place_has("Xyz", "nothing of the kind") == ()
    assert {"reversing", "engine_change", "crew_change", "guarded_inspection", "power_change"} <= set(stop_kind_names())
    with pytest.raises(InputError, match="no kind of stop 'crewchange'") as caught:
        stop_kind("crewchange")
    assert "crew_change" in caught.value.hint


def test_every_table_has_source_and_certainty() -> None:
    """Every row of every table of trains is read by the loader that demands both."""
    names = ["locomotives", "train_templates", "civil_train_kinds", "dangerous_goods", "resistance", "braking_curve"]
    names += ["military_vehicles", "wagons", "compositions", "rid_separation", "gradients", "stop_kinds", "stop_places"]
    for name in names:
        assert tables.rows(name)
    for group in ("passenger", "freight", "starting", "curve", "integration", "rid_separation", "composition"):
        assert tables.norms(group)


def test_a_row_without_source_is_refused(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table with a row that has no certainty is an error of the data, with its line."""
    from pathlib import Path

    folder = Path(str(tmp_path))
    with (folder / "bad_table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["name", "source", "certainty"], ["a", "b", "guess"]])
    monkeypatch.setattr(tables, "DATA", folder)
    with pytest.raises(DataError, match="line 2"):
        tables.rows("bad_table")
    with pytest.raises(DataError, match="cannot be read"):
        tables.rows("no_such_table")

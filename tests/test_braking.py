"""Brake percentage and position to deceleration and highest speed."""

import pytest

from weerspoor.trains.braking import (
    basic_speed_kmh,
    braking,
    braking_distance_m,
    build_up_s,
    deceleration_ms2,
    max_speed_kmh,
)
from weerspoor.trains.catalogue import civil_kind, template


def test_deceleration_by_hand() -> None:
    """65 %: basic speed 16.85 * 65^0.428 = 100.6 km/h; below it 0.0075 * 65 + 0.076 = 0.5635, of which 0.9 counts."""
    assert basic_speed_kmh(65) == pytest.approx(100.6, abs=0.1)
    assert deceleration_ms2(65, 80) == pytest.approx(0.9 * 0.5635)
    # above, in the band to 120 km/h: 0.13 + 5.14e-3 * 65 - 4.54e-6 * 65^2 + 2.73e-7 * 65^3
    assert deceleration_ms2(65, 110) == pytest.approx(0.9 * (0.13 + 0.3341 - 0.01918 + 0.07497), rel=1e-3)


def test_build_up_by_hand() -> None:
    """540 m: 2.3 + 0.17 * 5.4^2 = 7.26 s in P, 12 + 0.05 * 5.4^2 = 13.46 s in G; a short train counts as 400 m in P."""
    assert build_up_s("P", 540) == pytest.approx(7.2572)
    assert build_up_s("G", 540) == pytest.approx(13.458)
    assert build_up_s("P", 100) == build_up_s("P", 400) == pytest.approx(5.02)


def test_braking_distance_by_hand() -> None:
    """From 90 km/h (25 m/s) with 0.50715 m/s2: 625 / 1.0143 = 616.2 m; over two bands it is a sum."""
    assert braking_distance_m(65, 90) == pytest.approx(616.2, abs=0.1)
    edge = basic_speed_kmh(65)
    over = ((110 / 3.6) ** 2 - (edge / 3.6) ** 2) / (2 * deceleration_ms2(65, 105))
    assert braking_distance_m(65, 110) == pytest.approx(braking_distance_m(65, edge) + over)


def test_position_g_allows_less_speed_than_p() -> None:
    """The same train of 540 m at 65 % stops within 1 000 m from 100 km/h in P, from 90 km/h in G."""
    train = template("heavy").with_(max_speed_kmh=120)
    in_p, in_g = braking(train), braking(train.with_(brake_position="G"))
    assert (in_p.max_speed_kmh, in_g.max_speed_kmh) == (100, 90)
    for found in (in_p, in_g):
        fits = braking_distance_m(65, found.max_speed_kmh) + found.build_up_s * found.max_speed_kmh / 3.6
        faster = found.max_speed_kmh + 5
        assert fits <= 1_000 < braking_distance_m(65, faster) + found.build_up_s * faster / 3.6


def test_more_brake_is_never_slower() -> None:
    """Deceleration and highest speed rise with the percentage from 30 to 250 %; outside, the ends hold."""
    speeds = [max_speed_kmh(float(percentage), 5.0) for percentage in range(30, 251, 5)]
    assert speeds == sorted(speeds)
    assert max_speed_kmh(20.0, 5.0) == max_speed_kmh(30.0, 5.0)
    assert deceleration_ms2(300, 50) == deceleration_ms2(250, 50)


def test_an_unknown_percentage_is_assumed_and_said() -> None:
    """Without a percentage the value for the position is taken: 60 % in P, 50 % in G."""
    train = template("heavy").with_(brake_percentage=None)
    found = braking(train)
    assert found.is_assumed
    assert found.percentage == 60
    assert braking(train.with_(brake_position="G")).percentage == 50
    assert not braking(template("heavy")).is_assumed


def test_planned_braking_is_gentler_than_emergency() -> None:
    """Freight plans 0.6 of its emergency braking, at most 0.35 m/s2; passengers at most 0.6."""
    heavy = braking(template("heavy"))
    assert heavy.planned_ms2 == pytest.approx(0.6 * 0.50715)
    assert braking(civil_kind("sprinter")).planned_ms2 == 0.6
    assert braking(template("personnel")).planned_ms2 == 0.35

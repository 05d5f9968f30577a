"""The train as the kernel sees it: speeds by piece, stretched by the supplement."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from weerspoor.network.model import PROTECTIONS
from weerspoor.trains.catalogue import civil_kind, template
from weerspoor.trains.kernel_model import train_model
from weerspoor.trains.tables import norm
from weerspoor.trains.traction import acceleration_curve


def network(speeds_kmh: list[float], etcs: list[bool]) -> Any:
    """A railway of a few pieces: only what the model of a train reads of it."""
    protection = [1 << PROTECTIONS.index("ETCS" if has else "ATB-EG") for has in etcs]
    return SimpleNamespace(
        pieces=SimpleNamespace(speed_kmh=np.array(speeds_kmh, dtype=np.float32)),
        permissions=SimpleNamespace(protection=np.array(protection, dtype=np.uint8)),
        cache={},
    )


def access(n: int, **changes: Any) -> Any:
    """Everything allowed, nothing kept empty, but for the changes."""
    values: dict[str, Any] = {
        "allowed": np.ones(2 * n, dtype=bool),
        "speed_cap_kmh": np.full(2 * n, np.inf, dtype=np.float32),
        "may_stop": np.zeros(2 * n, dtype=bool),
        "keep_start": np.zeros(n + 1, dtype=np.int32),
        "keep_zone": np.zeros(0, dtype=np.int32),
        "keep_mask": np.zeros(0, dtype=np.uint8),
    }
    return SimpleNamespace(**(values | changes))


def test_speed_is_the_least_of_track_train_and_cap_and_the_supplement_slows_it() -> None:
    """40 km/h track, 60 km/h cap, the train's own 100 km/h; freight runs them 1.04 times as slowly."""
    cap = np.array([np.inf, np.inf, 60, np.inf, np.inf, np.inf], dtype=np.float32)
    model = train_model(network([40, 140, 140], [False] * 3), template("ammunition"), access(3, speed_cap_kmh=cap))
    stretch = 1 + norm("freight", "supplement")
    expected = np.array([40, 40, 60, 100, 100, 100]) / 3.6 / stretch
    assert model.speed_ms == pytest.approx(expected, rel=1e-4)
    assert model.speed_ms.dtype == np.float32


def test_no_speed_where_the_train_may_not_go() -> None:
    """A directed piece that is not allowed has speed 0; the other direction keeps its own."""
    allowed = np.array([True, False])
    model = train_model(network([80], [False]), template("heavy"), access(1, allowed=allowed))
    assert model.speed_ms[0] > 0
    assert model.speed_ms[1] == 0


def test_brakes_bound_the_speed_only_where_signals_stand_along_the_track() -> None:
    """A train of 200 km/h brakes within 1 000 m from 145 km/h only; with ETCS it runs 200 km/h."""
    model = train_model(network([200, 200], [False, True]), civil_kind("intercity_direct"), access(2))
    stretch = 1 + norm("passenger", "supplement")
    assert model.speed_ms[0] * 3.6 * stretch == pytest.approx(145, rel=1e-4)
    assert model.speed_ms[2] * 3.6 * stretch == pytest.approx(200, rel=1e-4)


def test_the_supplement_stretches_times_and_keeps_places() -> None:
    """Reaching a place at full effort takes 1 + supplement times as long, and so does braking to a stop."""
    train = civil_kind("sprinter")
    model = train_model(network([140], [False]), train, access(1))
    curve, stretch = acceleration_curve(train), 1 + norm("passenger", "supplement")
    assert model.accel_s == pytest.approx(curve.s_m)
    assert model.accel_t == pytest.approx(curve.t_s * stretch)
    # the way from v/stretch with b/stretch^2 is that from v with b
    assert model.braking_ms2 == pytest.approx(0.6 / stretch**2)
    assert (20 / stretch) ** 2 / (2 * model.braking_ms2) == pytest.approx(20**2 / (2 * 0.6))


def test_slack_is_kept_before_and_after() -> None:
    """A minute of slack locks a minute earlier and releases a minute later."""
    plain = train_model(network([80], [False]), template("heavy"), access(1))
    slack = train_model(network([80], [False]), template("heavy"), access(1), slack_s=60)
    assert slack.setup_s - plain.setup_s == 60
    assert slack.release_s - plain.release_s == 60
    assert plain.slower == 1.0


def test_speed_never_exceeds_what_the_train_reaches() -> None:
    """The heavy diesel balances below its 90 km/h: no piece promises more than the end of its curve."""
    model = train_model(network([130], [True]), template("heavy"), access(1))
    assert model.speed_ms.max() == pytest.approx(model.accel_v[-1], rel=1e-5)
    assert np.all(np.diff(model.accel_v) > 0)
    assert np.all(np.diff(model.accel_t) > 0)

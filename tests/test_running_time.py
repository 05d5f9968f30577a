"""Running time against published figures, formulas worked out by hand, and the plain twin."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weerspoor.common.errors import InputError
from weerspoor.formats.railjson import read_infrastructure, read_rolling_stock
from weerspoor.trains.catalogue import civil_kind, template
from weerspoor.trains.railjson import dynamics_of, station_times
from weerspoor.trains.running_time import RunningPath, Stop, Stretch, run_over_pieces, running_time
from weerspoor.trains.traction import Dynamics, acceleration_curve, dynamics

RAILJSON = Path(__file__).parents[1].parent / "shared" / "bench" / "railjson"
NEVER = 1e9


def reference_train() -> Dynamics:
    """The 850 t train of 400 m of the published case."""
    return Dynamics(850e3, 400, 1.05, 5525, 244.8, 13.2192, 0.5, 83.33, np.array([0, 83.33]), np.array([450e3, 180e3]))


def plain_train(**changes: float) -> Dynamics:
    """100 t, 100 m, no resistance, 50 kN: exactly 0.5 m/s2 up to 40 m/s, braking 1 m/s2."""
    values = {"mass_kg": 100e3, "length_m": 100.0, "a_n": 0.0, "force_n": 50e3, "top_ms": 40.0, "braking": 1.0}
    values |= changes
    force = values["force_n"]
    return Dynamics(
        values["mass_kg"],
        values["length_m"],
        1.0,
        values["a_n"],
        0.0,
        0.0,
        values["braking"],
        values["top_ms"],
        np.array([0.0, values["top_ms"]]),
        np.array([force, force]),
    )


def test_published_case_on_straight_track() -> None:
    """0 ── 44.4 m/s at 2 726 m ── brakes at 4 029 m ── stop 6 000 m ── brakes at 8 292 m ── stop 10 000 m."""
    path = RunningPath(10_000, limits=[Stretch(0, 10_000, 44.4)], stops=[Stop(6_000), Stop(10_000)])
    motion = running_time(reference_train(), path)
    at_limit = np.flatnonzero(motion.v_ms >= 44.4 - 1e-6)
    assert motion.s_m[at_limit[0]] == pytest.approx(2_726, abs=1)
    assert motion.s_m[at_limit[-1]] == pytest.approx(4_029, abs=1)
    after = motion.s_m > 6_000
    fastest = np.argmax(np.where(after, motion.v_ms, 0))
    assert motion.s_m[fastest] == pytest.approx(8_292, abs=1)


@pytest.mark.parametrize(("case", "supplement"), [("base", 0.0), ("linear margin 10%", 0.1)])
def test_published_station_times(case: str, supplement: float) -> None:
    """West ── TA0 TA6 TC0 TD0 ── Mid East (124 s) ── TD2 TG0 TH0 TH1 ── South East, within 2 s at each."""
    if not RAILJSON.exists():
        pytest.skip("source data not here: bench/railjson")
    wanted = json.loads((RAILJSON / "station_times.json").read_text())
    infrastructure = read_infrastructure(RAILJSON / wanted["infra"])
    stock = read_rolling_stock(RAILJSON / wanted["rolling_stock"])
    stations = [
        ("West_station", 0.0),
        ("Mid_West_station", None),
        ("Mid_East_station", 124.0),
        ("South_East_station", 0.0),
    ]
    tracks = ["TA0", "TA6", "TC0", "TD0", "TD2", "TG0", "TH0", "TH1"]
    times, motion = station_times(infrastructure, stock, tracks, stations, supplement=supplement)
    for row, found in zip(wanted["cases"][case]["rows"], times, strict=True):
        assert found == pytest.approx(row["arr_s"], abs=2), row["station"]
    assert motion.energy_kwh > 0


def test_start_and_stop_by_hand() -> None:
    """0.5 m/s2 to 20 m/s: 40 s, 400 m. Braking 1 m/s2: 20 s, 200 m. The 400 m between at 20 m/s: 20 s. 80 s in all."""
    path = RunningPath(1_000, limits=[Stretch(0, 1_000, 20)], stops=[Stop(1_000)])
    motion = running_time(plain_train(), path)
    assert motion.running_s == pytest.approx(80, abs=1e-6)
    assert motion.time_at(400) == pytest.approx(40, abs=1e-6)
    assert motion.time_at(800) == pytest.approx(60, abs=1e-6)
    assert motion.time_at(100) == pytest.approx(20, abs=1e-6)  # s = a t^2 / 2
    assert motion.speed_at(900) == pytest.approx(math.sqrt(200), abs=1e-6)
    # work = force times way of acceleration: 50 kN * 400 m = 20 MJ
    assert motion.energy_kwh == pytest.approx(20 / 3.6, rel=1e-6)


def test_through_start_and_stop_differ() -> None:
    """Passing 1 000 m at 20 m/s takes 50 s; starting costs 20 s more (v/2a), stopping 10 s more (v/2b)."""
    limit = [Stretch(0, 1_000, 20)]
    assert running_time(plain_train(), RunningPath(1_000, limit), entry_ms=20).running_s == pytest.approx(50)
    assert running_time(plain_train(), RunningPath(1_000, limit)).running_s == pytest.approx(70)
    stopping = RunningPath(1_000, limit, stops=[Stop(1_000)])
    assert running_time(plain_train(), stopping, entry_ms=20).running_s == pytest.approx(60)


def test_stand_counts_and_is_not_stretched() -> None:
    """Two runs of 80 s with a stand of 30 s between; a supplement of 10 % stretches the runs only."""
    path = RunningPath(2_000, [Stretch(0, 2_000, 20)], stops=[Stop(1_000, 30), Stop(2_000)])
    assert running_time(plain_train(), path).running_s == pytest.approx(190)
    assert running_time(plain_train(), path, supplement=0.1).running_s == pytest.approx(1.1 * 160 + 30)


def test_a_limit_holds_until_the_tail_has_left_it() -> None:
    """A train of 100 m leaves a 10 m/s stretch of 500 m: its head runs 600 m at 10 m/s, 60 s, then accelerates."""
    path = RunningPath(2_000, [Stretch(0, 500, 10), Stretch(500, 2_000, 20)])
    motion = running_time(plain_train(), path, entry_ms=10)
    assert motion.time_at(600) == pytest.approx(60)
    # 10 to 20 m/s at 0.5 m/s2: 20 s and 300 m; the last 1 100 m at 20 m/s: 55 s
    assert motion.time_at(900) == pytest.approx(80)
    assert motion.running_s == pytest.approx(135)


def test_brakes_before_a_lower_limit() -> None:
    """From 20 to 10 m/s at 1 m/s2 takes 150 m and 10 s, done where the head enters the lower limit."""
    path = RunningPath(2_000, [Stretch(0, 1_000, 20), Stretch(1_000, 2_000, 10)])
    motion = running_time(plain_train(), path, entry_ms=20)
    assert motion.time_at(850) == pytest.approx(42.5)
    assert motion.time_at(1_000) == pytest.approx(52.5)
    assert motion.running_s == pytest.approx(152.5)


def test_gradient_counts_by_the_mean_under_the_train() -> None:
    """On 10 per mille, 50 kN less 100 t * 9.81 * 0.01 = 9.81 kN leaves 0.4019 m/s2; half of it for half the train."""
    path = RunningPath(1_000, gradients=[Stretch(-1_000, 2_000, 10)])
    motion = running_time(plain_train(), path)
    assert motion.running_s == pytest.approx(math.sqrt(2 * 1_000 / 0.4019), rel=1e-6)
    # rises from 0: the head climbs while the tail is still on the flat, so the mean grows along 100 m
    ramp = running_time(plain_train(), RunningPath(100, gradients=[Stretch(0, 1_000, 10)]))
    # energy: v^2 / 2 = 0.5 * 100 - g 0.01 * 100^2 / (2 * 100)
    assert ramp.v_ms[-1] == pytest.approx(math.sqrt(2 * (0.5 * 100 - 9.81 * 0.01 * 50)), rel=1e-4)


def test_a_neutral_section_is_coasted_through() -> None:
    """With 10 kN of resistance a train of 100 t loses 0.1 m/s2 over 300 m without power: v^2 = 400 - 60."""
    path = RunningPath(1_000, [Stretch(0, 1_000, 20)], efforts=[Stretch(200, 500, -1)])
    motion = running_time(plain_train(a_n=10e3), path, entry_ms=20)
    assert motion.speed_at(500) == pytest.approx(math.sqrt(340), rel=1e-6)


def test_speed_falls_where_the_engine_is_too_weak() -> None:
    """20 kN against 40 kN of gradient (40.77 per mille): v^2 falls by 2 * 0.2 m/s2 * way, then the train sticks."""
    gradient = 40e3 / (100e3 * 9.81) * 1_000
    train = plain_train(force_n=20e3)
    short = running_time(train, RunningPath(500, gradients=[Stretch(-500, 900, gradient)]), entry_ms=20)
    assert short.v_ms[-1] == pytest.approx(math.sqrt(400 - 2 * 0.2 * 500), rel=1e-6)
    with pytest.raises(InputError, match=r"stand at 1000 m|stand at 99\d m"):
        running_time(train, RunningPath(3_000, gradients=[Stretch(-500, 3_000, gradient)]), entry_ms=20)


def test_the_step_of_integration_does_not_matter() -> None:
    """A run with tractive effort that falls with speed meets the integral of v/a over v, to 0.1 m."""
    train = reference_train()
    v = np.linspace(0, 44.4, 200_001)
    a = np.asarray(train.acceleration_ms2(v))
    way = float(np.trapezoid(v / a, v))
    motion = running_time(train, RunningPath(10_000, limits=[Stretch(0, 10_000, 44.4)]))
    first = int(np.flatnonzero(motion.v_ms >= 44.4 - 1e-6)[0])
    assert motion.s_m[first] == pytest.approx(way, abs=0.1)
    assert motion.t_s[first] == pytest.approx(float(np.trapezoid(1 / a, v)), abs=0.01)


limits = st.lists(st.tuples(st.integers(50, 900), st.integers(4, 45)), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(limits=limits, gradient=st.integers(-8, 8), stop=st.booleans(), supplement=st.sampled_from([0.0, 0.07]))
def test_compiled_equals_plain_and_keeps_every_limit(
    limits: list[tuple[int, int]], gradient: int, stop: bool, supplement: float
) -> None:
    """On random paths: the twins agree, no limit is passed under any part of the train, time only grows."""
    stretches, at = [], 0.0
    for length, speed in limits:
        stretches.append(Stretch(at, at + length, float(speed)))
        at += length
    stops = [Stop(at / 2, 30), Stop(at)] if stop else []
    path = RunningPath(at, stretches, [Stretch(at / 3, at / 2, float(gradient))], stops=stops)
    train = reference_train()
    fast = running_time(train, path, supplement=supplement)
    plain = running_time(train, path, supplement=supplement, compiled=False)
    assert fast.running_s == pytest.approx(plain.running_s, rel=1e-9)
    assert fast.energy_kwh == pytest.approx(plain.energy_kwh, rel=1e-9)
    assert np.all(np.diff(fast.t_s) >= 0)
    assert np.all(np.diff(fast.s_m) >= 0)
    for stretch in stretches:
        under = (fast.s_m > stretch.from_m + 1e-6) & (fast.s_m < stretch.to_m + train.length_m - 1e-6)
        assert np.all(fast.v_ms[under] <= stretch.value + 1e-6)
    # braking never harder than planned
    ds, dv2 = np.diff(fast.s_m), np.diff(fast.v_ms**2)
    moving = ds > 1e-6
    weight = 9.81 * max(gradient, 0) / 1000
    assert np.all(dv2[moving] / (2 * ds[moving]) >= -train.braking_ms2 - weight - 0.02)


def test_over_pieces_equals_the_path_it_stands_for() -> None:
    """── 40 km/h 600 m ── 80 km/h 3 000 m ── stop 120 s ── 80 km/h 2 000 m ── stop: as stretches and stops."""
    train = template("ammunition")
    motion = run_over_pieces(train, [200, 400, 3_000, 2_000], [40, 40, 80, 80], {2: 120, 3: 0}, supplement=0.04)
    path = RunningPath(
        5_600,
        [Stretch(0, 600, 40 / 3.6), Stretch(600, 5_600, 80 / 3.6)],
        stops=[Stop(3_600, 120), Stop(5_600)],
    )
    same = running_time(dynamics(train), path, supplement=0.04)
    assert motion.running_s == pytest.approx(same.running_s, rel=1e-9)
    slower = run_over_pieces(train, [200, 400, 3_000, 2_000], [40, 40, 80, 80], {2: 120, 3: 0}, pace=0.5)
    assert slower.v_ms.max() <= dynamics(train).max_speed_ms / 2 + 1e-9
    assert slower.energy_kwh < motion.energy_kwh


def test_the_table_of_the_kernel_agrees_with_the_exact_run() -> None:
    """Full-effort acceleration by table and by integration in time: the same time and place at the top speed."""
    for train in (template("heavy"), civil_kind("sprinter"), civil_kind("freight_container")):
        curve = acceleration_curve(train)
        motion = running_time(dynamics(train), RunningPath(40_000))
        first = int(np.flatnonzero(motion.v_ms >= curve.v_ms[-1] - 1e-9)[0])
        assert motion.t_s[first] == pytest.approx(curve.t_s[-1], rel=1e-3)
        assert motion.s_m[first] == pytest.approx(curve.s_m[-1], rel=1e-3)


def test_rolling_stock_of_the_bench_is_read() -> None:
    """Every rolling stock of the public test data gives mechanics: positive mass, effort, braking."""
    if not RAILJSON.exists():
        pytest.skip("source data not here: bench/railjson")
    for file in sorted((RAILJSON / "rolling_stock").glob("*.json")):
        train = dynamics_of(read_rolling_stock(file))
        assert train.mass_kg > 0
        assert train.effort_n[0] > 0
        assert train.braking_ms2 > 0


def test_every_infrastructure_of_the_bench_is_read() -> None:
    """Every infrastructure of the public test data is read, or refused in one sentence that names the file."""
    if not RAILJSON.exists():
        pytest.skip("source data not here: bench/railjson")
    for file in sorted((RAILJSON / "infra").glob("*.json")):
        try:
            infrastructure = read_infrastructure(file)
        except InputError as error:
            assert file.name == "example_script.json" and str(file) in str(error)
        else:
            assert infrastructure.length_m


def test_tracks_that_are_not_joined_are_refused(tmp_path: Path) -> None:
    """A ──╴switch╶── B and C: from leg B to leg C there is no way; the way back from B runs against its length."""
    file = tmp_path / "y.json"
    ends = {"A": {"track": "A", "endpoint": "END"}}
    ends |= {"B1": {"track": "B", "endpoint": "BEGIN"}, "B2": {"track": "C", "endpoint": "BEGIN"}}
    tracks = [{"id": name, "length": 100, "slopes": [{"begin": 0, "end": 40, "gradient": 5}]} for name in "ABC"]
    switches = [{"switch_type": "point_switch", "ports": ends}]
    content = {"track_sections": tracks, "speed_sections": [], "switches": switches, "operational_points": []}
    file.write_text(json.dumps(content))
    infrastructure = read_infrastructure(file)
    with pytest.raises(InputError, match="not joined"):
        infrastructure.path(["B", "C"])
    back = infrastructure.path(["B", "A"])
    assert back.tracks == [("B", False, 0.0), ("A", False, 100.0)]
    # the rise of 5 per mille at the begin of B falls at its end when run backward
    assert (back.gradients[0].from_m, back.gradients[0].to_m, back.gradients[0].value) == (60, 100, -5)
    assert back.at("A", 30, infrastructure.length_m) == 170


def test_a_file_that_is_no_railjson_is_refused(tmp_path: Path) -> None:
    """A broken file, and one of something else, give one message with the file's name."""
    file = tmp_path / "x.json"
    file.write_text("{")
    with pytest.raises(InputError, match=r"x\.json: is no JSON"):
        read_infrastructure(file)
    file.write_text("{}")
    with pytest.raises(InputError, match=r"x\.json: is no RailJSON"):
        read_rolling_stock(file)

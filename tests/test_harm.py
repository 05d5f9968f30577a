"""What displaced trains cost, worked out by hand."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from timetables import timetable
from weerspoor.common.errors import InputError
from weerspoor.report.texts import load_sentences
from weerspoor.timetable.day import Passengers
from weerspoor.timetable.harm import VALUES, Harm, HarmModel, HarmValues, load_harm_values

#       t0  A 6:00 ── 6:10 B 6:11 ── 6:30 C            t2 (freight)  A 7:00 ── 8:00 C
#  on          100          40          0
#  off           0          60         80     of the 60, 20 change to t1 at B
#  wait        600        1200          0     seconds
#       t1                 B 6:20 ── 6:40 C
#  on                          20        0
#  off                          0       20
#  wait                      1800        0
BASE = timetable(
    [
        ("sprinter", [("A", "", "6:00"), ("B", "6:10", "6:11"), ("C", "6:30", "")]),
        ("sprinter", [("B", "", "6:20"), ("C", "6:40", "")]),
        ("freight_mixed", [("A", "", "7:00"), ("C", "8:00", "")]),
    ],
    "ABC",
    layers=["passenger", "passenger", "freight"],
)
PASSENGERS = Passengers(
    boarding=np.array([100, 40, 0, 20, 0, 0, 0], np.float32),
    alighting=np.array([0, 60, 80, 0, 20, 0, 0], np.float32),
    aboard=np.array([100, 80, 0, 20, 0, 0, 0], np.float32),
    estimated=np.array([0.5, 0, 0, 0, 0, 0, 0], np.float32),
    wait_s=np.array([600, 1200, 0, 1800, 0, 0, 0], np.float32),
    connection_from=np.array([1], np.int32),
    connection_to=np.array([3], np.int32),
    connection_passengers=np.array([20], np.float32),
    connection_spare_s=np.array([420], np.int32),
    connection_wait_s=np.array([1800], np.float32),
)
DAY = replace(BASE, passengers=PASSENGERS)
A_, B_, C_ = 6 * 3600, 6 * 3600 + 600, 6 * 3600 + 1800
ARRIVALS, DEPARTURES = np.array([A_, B_, C_]), np.array([A_, B_ + 60, C_])


def fixed(**given: tuple[float, float, float]) -> HarmValues:
    """Return plain values: 12 euros an hour, no weights, freight of one euro a tonne and hour."""
    plain = {
        "value_of_time_eur_h": (12.0, 12.0, 12.0),
        "delay_weight": (1.0, 1.0, 1.0),
        "waiting_weight": (1.0, 1.0, 1.0),
        "missed_weight": (1.0, 1.0, 1.0),
        "estimated_factor": (1.0, 0.5, 2.0),
        "platform_before_s": (300.0, 300.0, 300.0),
        "delay_from_s": (0.0, 0.0, 0.0),
        "freight_eur_tonne_h": (1.0, 1.0, 1.0),
        "freight_load_share": (0.5, 0.5, 0.5),
        "freight_cancelled_h": (24.0, 24.0, 24.0),
        "touched_eur": (0.0, 0.0, 0.0),
    }
    return HarmValues(**{name: np.array(value) for name, value in (plain | given).items()})


@pytest.fixture
def model() -> HarmModel:
    return HarmModel(DAY, fixed())


def test_a_later_train(model: HarmModel) -> None:
    """Five minutes late from B on: 40 end at B, 80 at C, five minutes each; who change are told apart."""
    found = model.account(0, ARRIVALS + np.array([0, 300, 300]), DEPARTURES + np.array([0, 300, 0]), kind="held")
    assert found.passenger_min_delay == pytest.approx(5 * (40 + 80))
    assert found.passenger_min_waiting == found.passenger_min_cancelled == found.passenger_min_missed == 0
    assert found.eur == pytest.approx(600 / 60 * 12)
    assert found.trains == {"held": 1}


def test_a_range_from_estimated_stations(model: HarmModel) -> None:
    """Half of those aboard before B are estimated: half of 40 counts half to twice; nobody after B is."""
    found = model.account(0, ARRIVALS + np.array([0, 300, 300]), DEPARTURES, kind="held")
    assert found.eur_low == pytest.approx(5 * (30 + 80) / 60 * 12)
    assert found.eur_high == pytest.approx(5 * (60 + 80) / 60 * 12)


def test_an_earlier_train(model: HarmModel) -> None:
    """A minute early at A: passengers come over five minutes, so a fifth of 100 misses it and waits ten minutes."""
    found = model.account(0, ARRIVALS, DEPARTURES - np.array([60, 0, 0]), kind="shifted")
    assert found.passenger_min_missed == pytest.approx(100 / 5 * 10)
    assert found.passenger_min_delay == 0


def test_a_train_that_ends_at_b(model: HarmModel) -> None:
    """80 are or would be aboard after B, and wait twenty minutes."""
    found = model.account(0, ARRIVALS, DEPARTURES, runs_until=1, kind="shortened")
    assert found.passenger_min_waiting == pytest.approx(80 * 20)
    assert model.cancel_from_eur[1] == pytest.approx(80 * 20 / 60 * 12)


def test_a_train_that_begins_at_b(model: HarmModel) -> None:
    """The 100 of A wait ten minutes; of those who are late at C only the 40 of B are aboard."""
    found = model.account(0, ARRIVALS + np.array([0, 0, 60]), DEPARTURES, runs_from=1, kind="shortened")
    assert found.passenger_min_waiting == pytest.approx(100 * 10)
    assert found.passenger_min_delay == pytest.approx(40 * 1)
    assert model.cancel_until_eur[1] == pytest.approx(100 * 10 / 60 * 12)


def test_a_train_that_leaves_out_b(model: HarmModel) -> None:
    """The 40 of B wait twenty minutes; the 60 to B lose as much as if it had not left A: ten minutes."""
    arrival, departure = ARRIVALS.astype(float), DEPARTURES.astype(float)
    arrival[1] = departure[1] = np.nan
    found = model.account(0, arrival, departure, kind="rerouted")
    assert found.passenger_min_waiting == pytest.approx(40 * 20 + 60 * 10)
    assert model.skip_eur[1] == pytest.approx(1400 / 60 * 12)


def test_a_cancelled_train(model: HarmModel) -> None:
    """All who would have boarded wait for others: 100 ten, 40 twenty minutes."""
    found = model.account(0, [], [], kind="cancelled")
    assert found.passenger_min_cancelled == pytest.approx(100 * 10 + 40 * 20)
    assert model.cancel_eur[0] == pytest.approx(found.eur)
    assert model.cancel_from_eur[0] == pytest.approx(found.eur)


def test_freight(model: HarmModel) -> None:
    """1 600 t, half of them load: an hour later 800 tonne-hours and euros, cancelled a day."""
    found = model.account(2, [7 * 3600, 9 * 3600], [7 * 3600, 9 * 3600], kind="held")
    assert found.freight_tonne_h == pytest.approx(800)
    assert found.eur == pytest.approx(800)
    assert model.arrival_eur_per_s[6] * 3600 == pytest.approx(800)
    assert model.arrival_eur_per_s[5] == 0
    assert model.account(2, [], [], kind="cancelled").freight_tonne_h == pytest.approx(800 * 24)
    assert model.cancel_eur[2] == pytest.approx(800 * 24)


def test_a_missed_connection(model: HarmModel) -> None:
    """The 20 who change have seven minutes; eight minutes late they miss it, unless t1 waits a minute."""
    assert model.missed({1: 420}, {}).passenger_min_missed == 0
    assert model.missed({1: 480}, {}).passenger_min_missed == pytest.approx(20 * 30)
    assert model.missed({1: 480}, {3: 60}).passenger_min_missed == 0
    assert model.missed({}, {3: -421}).passenger_min_missed == pytest.approx(20 * 30)
    assert model.missed({1: 480}, {}).eur_high == pytest.approx(20 * 1.5 * 30 / 60 * 12)


def test_prices(model: HarmModel) -> None:
    """A second's lateness is the value of time of those who alight; a second early a 300th of those who board."""
    assert model.arrival_eur_per_s[:5] == pytest.approx(np.array([0, 60, 80, 0, 20]) * 12 / 3600)
    assert model.early_eur_per_s[0] == pytest.approx(100 * 600 / 300 * 12 / 3600)
    assert model.cancel_from_eur[[2, 4]].tolist() == [0, 0]
    assert model.cancel_until_eur[[0, 3]].tolist() == [0, 0]


def test_weights_and_touching() -> None:
    """Each kind of minute has its own weight, and a touched train its own price."""
    values = fixed(
        delay_weight=(2.0, 1.0, 3.0), waiting_weight=(4.0, 1.0, 5.0), missed_weight=(6.0, 1.0, 7.0),
        touched_eur=(10.0, 0.0, 20.0), estimated_factor=(1.0, 1.0, 1.0),
    )  # fmt: skip
    model = HarmModel(DAY, values)
    late = model.account(0, ARRIVALS + np.array([0, 0, 60]), DEPARTURES, kind="held")
    assert (late.eur, late.eur_low, late.eur_high) == pytest.approx((80 / 5 * 2 + 10, 80 / 5, 80 / 5 * 3 + 20))
    assert model.account(0, [], [], kind="cancelled").eur == pytest.approx(1800 / 5 * 4 + 10)
    assert model.missed({1: 480}, {}).eur == pytest.approx(600 / 5 * 6)
    assert model.shift_eur.tolist() == [10, 10, 10]


def test_a_threshold_may_be_set() -> None:
    """With a threshold of five minutes four minutes count as none, five in full."""
    model = HarmModel(DAY, fixed(delay_from_s=(300.0, 0.0, 300.0)))
    assert model.account(0, ARRIVALS + 240, DEPARTURES + 240, kind="held").passenger_min_delay == 0
    assert model.account(0, ARRIVALS + 300, DEPARTURES + 300, kind="held").passenger_min_delay == pytest.approx(600)


def test_harm_adds_up() -> None:
    """Sums by number and by kind of displacement, kinds in their fixed order."""
    one = Harm(passenger_min_delay=1, eur=2, eur_low=1, eur_high=3, trains={"cancelled": 1})
    two = Harm(passenger_min_delay=2, freight_tonne_h=5, eur=4, trains={"held": 1, "cancelled": 1})
    total = one + two
    assert total == Harm(
        passenger_min_delay=3, freight_tonne_h=5, eur=6, eur_low=1, eur_high=3, trains={"held": 1, "cancelled": 2}
    )
    assert list(total.trains) == ["held", "cancelled"]


def test_wrong_questions(model: HarmModel) -> None:
    """Unknown kinds, trains, calls and lengths are errors that say what would be right."""
    with pytest.raises(InputError, match="no displacement 'late'"):
        model.account(0, ARRIVALS, DEPARTURES, kind="late")
    with pytest.raises(InputError, match="no train 9"):
        model.account(9, ARRIVALS, DEPARTURES, kind="held")
    with pytest.raises(InputError, match="it has 3"):
        model.account(0, ARRIVALS, DEPARTURES, runs_until=3, kind="shortened")
    with pytest.raises(InputError, match="3 arrivals"):
        model.account(0, ARRIVALS[:2], DEPARTURES, kind="held")
    with pytest.raises(InputError, match="first or last"):
        model.account(0, [np.nan, 1, 2], DEPARTURES, kind="rerouted")
    with pytest.raises(InputError, match="no call 99"):
        model.missed({99: 1}, {})


def test_a_day_without_passengers() -> None:
    """Nobody can say what displacing its trains costs."""
    with pytest.raises(InputError, match="no passengers"):
        HarmModel(BASE, fixed())


def test_a_day_of_freight_needs_no_passengers() -> None:
    """Where no passenger train runs, nobody is harmed but freight; on a day without trains nothing is."""
    day = timetable([("freight_mixed", [("A", "", "7:00"), ("C", "8:00", "")])], "ABC", layers=["freight"])
    model = HarmModel(day, fixed())
    assert model.cancel_eur.tolist() == pytest.approx([800 * 24])
    assert model.missed({1: 900}, {}).eur == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[touched_eur]", "[touched]", "no value 'touched'"),
        ('certainty = "assumed"', 'certainty = "sure enough"', "lacks source or certainty"),
        ("value = 11.0", "value = 99.0", "between low and high"),
        ("value = 11.0", 'value = "11"', "must be numbers"),
        ("low = 9.25\n", "", "other keys"),
        ("value = 11.0", "value = 11.0.0", "cannot be read"),
    ],
)
def test_wrong_values(tmp_path: Path, old: str, new: str, message: str) -> None:
    """A mistake in the file of values is an error that names the file."""
    path = tmp_path / "harm.toml"
    path.write_text(VALUES.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        load_harm_values(path)
    assert str(path) in caught.value.where


def test_the_values_of_the_package() -> None:
    """They can be read, and low harm is not above high harm."""
    model = HarmModel(DAY, load_harm_values())
    found = model.account(0, ARRIVALS + 60, DEPARTURES - 60, kind="shifted")
    assert 0 < found.eur_low < found.eur < found.eur_high


def test_what_the_values_rest_on_can_be_read_in_dutch() -> None:
    """The source of every value has its Dutch sentence."""
    given = tomllib.loads(VALUES.read_text(encoding="utf-8"))
    assert {value["source"] for value in given.values()} <= load_sentences("nl").keys()

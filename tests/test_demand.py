"""The wanted trains of the pattern weekday, and the measures of a day made from them."""

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tools.build_data import demand as build_demand

from days import small_day
from weerspoor.timetable.demand import Contradiction, Demand, load_contradictions, load_demand, point_indices
from weerspoor.timetable.measure import (
    Departure,
    agreement,
    cost_lines,
    departures_of,
    deviations,
    platform_agreement,
    punctuality,
)


@pytest.fixture(scope="module")
def demand() -> Demand:
    return load_demand()


def test_series_and_phases(demand: Demand) -> None:
    """All 114 series of the day are there, both ways; 2 089 trains have a minute that is real in both directions."""
    day = {
        (series, direction)
        for series, direction, phase in zip(demand.series, demand.direction.tolist(), demand.phase, strict=True)
        if phase in ("anchored2", "anchored1", "unanchored") and series != "ICE"
    }
    assert len({series for series, _ in day}) == 114
    assert all((series, 1 - direction) in day for series, direction in day)
    assert Counter(demand.phase)["anchored2"] == 2089


def test_names_are_unique(demand: Demand) -> None:
    """No two trains share a reference."""
    assert len(set(demand.reference)) == len(demand)


def test_times_rise_in_the_day(demand: Demand) -> None:
    """Every train leaves between 05:00 and 05:00, and no time along its way is before the one before."""
    for train in range(len(demand)):
        calls = demand.calls_of(train)
        times = [int(t) for c in calls for t in (demand.arrival_s[c], demand.departure_s[c]) if t >= 0]
        assert 18_000 <= times[0] < 104_400, demand.reference[train]
        assert times == sorted(times), demand.reference[train]
        assert len(calls) >= 2


def test_times_in_steps(demand: Demand) -> None:
    """Wished times are whole tenths of a minute."""
    for times in (demand.arrival_s, demand.departure_s):
        assert not np.any(times[times >= 0] % 6)


def test_free_minutes(demand: Demand) -> None:
    """Trains with a minute known in both directions are fixed; those of unknown series are free, with their headway."""
    free = np.array([bool(group) for group in demand.free_group])
    phase = np.array(demand.phase)
    assert not free[phase == "anchored2"].any()
    assert free[phase == "unanchored"].all()
    assert (demand.period_s[free] > 0).all()


def test_freight(demand: Demand) -> None:
    """About 300 freight trains run, by night too; the reserve is a layer of its own, a tenth of it held."""
    layer = np.array(demand.layer)
    assert 280 <= np.count_nonzero(layer == "freight") <= 320
    start = demand.departure_s[demand.call_start[:-1]][layer == "freight"]
    assert np.count_nonzero((start >= 23 * 3600) | (start < 6 * 3600)) > 60
    reserve = layer == "reserve"
    assert np.count_nonzero(reserve) > 400
    assert abs(demand.held[reserve].mean() - 0.1) < 0.005
    assert not demand.held[~reserve].any()


def test_gooi_minutes(demand: Demand) -> None:
    """Freight over the Gooi line passes Hilversum eastward at minute 2 or 32, westward at 27 or 57."""
    seen = Counter()
    for train in range(len(demand)):
        if demand.phase[train] == "freight_real":
            for call in demand.calls_of(train):
                if demand.point[call] == "Hvs":
                    seen[int(demand.direction[train]), int(demand.departure_s[call]) // 60 % 60] += 1
    assert set(seen) <= {(0, 2), (0, 32), (1, 27), (1, 57)} and len(seen) >= 2


def test_borders_pass(demand: Demand) -> None:
    """A train to or from abroad begins or ends at a border point, which it passes, at an estimated time."""
    border = {"Odzg", "Zvg", "Vlgr", "Rsdg", "Edng", "Hang", "Esg", "Hsbdg", "Nscg"}
    inner = 0
    for train in range(len(demand)):
        calls = demand.calls_of(train)
        for call in calls:
            if demand.point[call] in border and demand.layer[train] == "passenger":
                inner += call not in (calls[0], calls[-1])
                assert not demand.stops[call] and not demand.given[call]
    assert inner == 0


def test_contradictions_name_trains(demand: Demand) -> None:
    """Whoever contradicts another is a train whose minute is real, and the other one says so too."""
    phase = dict(zip(demand.reference, demand.phase, strict=True))
    rows = [row for row in load_contradictions() if row.other]
    assert rows
    pairs = {(row.train, row.other) for row in rows}
    assert all(phase[row.train] == "anchored2" for row in rows)
    assert all((other, train) in pairs for train, other in pairs)


def _pair(*times: tuple[str, str, float, float]) -> list[build_demand.Wanted]:
    """Trains with known minutes from one point to the next: (from, to, leaves, comes)."""
    return [
        build_demand.Wanted(
            str(number), "1", 0, "sprinter", "passenger", "anchored2",
            [build_demand.Call(a, None, leaves), build_demand.Call(b, comes, None)],
        )
        for number, (a, b, leaves, comes) in enumerate(times)
    ]  # fmt: skip


def test_what_contradicts_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a minute at both ends, an overtaking without a stop, a meeting deep inside single track; nothing less.

    A ═══ B ─── C: two tracks from A to B, one on the middle 8 of 10 minutes from B to C.
    """
    both = {"A": {"B": (10.0, 2.0)}, "B": {"A": (10.0, 2.0), "C": (10.0, 1.0)}, "C": {"B": (10.0, 1.0)}}
    monkeypatch.setattr(build_demand, "sections", lambda: both)
    monkeypatch.setattr(build_demand, "single_track", lambda *_: [(0.1, 0.9)])
    monkeypatch.setattr(build_demand, "proper_code", dict)

    def found(*times: tuple[str, str, float, float]) -> set[str]:
        return {reason for _, _, reason, _ in build_demand.contradictions(_pair(*times))}

    assert found(("A", "B", 0, 10), ("A", "B", 1, 11)) == {"follows within a minute"}
    assert found(("A", "B", 0, 10), ("A", "B", 1.5, 11)) == set()
    assert found(("A", "B", 0, 14), ("A", "B", 2, 12)) == {"overtakes between two stops"}
    assert found(("B", "C", 0, 10), ("C", "B", 0, 10)) == {"meets on single track"}
    # They meet 0.4 minutes inside the single track: one of them half a minute later mends that.
    assert found(("B", "C", 0, 10), ("C", "B", 7.6, 17.6)) == set()


def test_points_without_case() -> None:
    """Codes are matched without regard to case."""
    network: Any = SimpleNamespace(points=SimpleNamespace(code=["Ut", "IJt"]))
    assert point_indices(["UT", "ijt", "Xx"], network).tolist() == [0, 1, -1]


# -- measures -------------------------------------------------------------------------------------------------------


def one_phase(names: list[str]) -> Demand:
    """Return a demand of which only names, phase and layer matter."""
    base = load_demand()
    n = len(names)
    return replace(base, reference=names, phase=["anchored2"] * n, layer=["passenger"] * n)


def moved_day(by: list[int]) -> Any:
    """Return a day of trains that leave ``by`` seconds after their minute and arrive on it."""
    day = small_day([(train, 1, 20_000 + 1_000 * train, 20_500 + 1_000 * train) for train in range(len(by))])
    departure = day.calls.departure_s.copy()
    departure[::2] += np.array(by, np.int32)
    return replace(day, calls=replace(day.calls, departure_s=departure))


def test_deviation_by_hand() -> None:
    """A train 60 s late, one 180 s late, one 200 s early and one on time; the last counts with its arrival."""
    assert deviations(moved_day([60, 180, -200, 0])).tolist() == [60, 180, -200, 0]


def test_punctuality_by_hand() -> None:
    """Of five trains wanted one is left out, one not placed; of the other three two are within 60 s: 50 % of four."""
    names = ["t0", "t1", "t2", "t3", "gone"]
    (row,) = punctuality(moved_day([60, 0, 180, 900]), one_phase(names), [Contradiction("t3", "x", "meets", "A-B")])
    assert (row.wanted, row.left_out, row.placed, row.within_close, row.within_far) == (4, 1, 3, 2, 3)
    assert row.share_close == 0.5 and row.share_far == 0.75
    assert row.median_s == 60 and row.most_s == 180


def test_cost_lines() -> None:
    """The lines for people name the trains that are not placed with their reasons."""
    day = replace(moved_day([0]), notes={"not_placed": [["gone", "no free path"]]})
    lines = cost_lines(day, one_phase(["t0", "gone"]), [])
    assert "Not placed: 1 of 2 trains (50.0%)." in lines and "no free path" in lines[-1]


def test_agreement_by_hand() -> None:
    """Two minutes apart agrees, three does not, another next place does not; across midnight it does.

    With the clock 7 minutes off, the departure that was 3 minutes late is found neither way.
    """
    own = [Departure("A", "B", 3_600.0), Departure("A", "B", 86_400.0 + 60.0)]
    seen = [Departure("A", "B", time) for time in (3_720.0, 3_780.0, 86_390.0)] + [Departure("A", "C", 3_600.0)]
    result = agreement(own, seen)
    assert (result.seen, result.same, result.control) == (4, 2, 0.0)


def test_platforms_by_hand() -> None:
    """The series uses track 5 twice and 7 once: a departure seen on 5 is the usual one, on 7 a used one, 9 neither."""
    own = [Departure("A", "B", 0.0, "1100", track) for track in ("5", "5", "7")]
    seen = [Departure("A", "B", 0.0, "1100", track) for track in ("5", "7", "9")] + [
        Departure("A", "B", 0.0, "99", "5")
    ]
    result = platform_agreement(own, seen)
    assert (result.seen, result.usual, result.any_used) == (3, 1, 2)


def test_departures_pass_over_other_places() -> None:
    """A departure counts to the next place of the list where the train stops; a place it passes is no stop."""
    day = small_day([(0, 1, 20_000, 20_500)])
    calls = replace(
        day.calls,
        start=np.array([0, 4], np.int32),
        point=np.array([0, 1, 2, 3], np.int32),
        arrival_s=np.array([20_000, 20_100, 20_200, 20_500], np.int32),
        departure_s=np.array([20_000, 20_100, 20_260, 20_500], np.int32),
        track=["1", "", "2", "3"],
    )
    network: Any = SimpleNamespace(points=SimpleNamespace(code=["A", "B", "C", "D"]))
    day = replace(day, calls=calls)
    assert [(d.point, d.onward, d.time_s) for d in departures_of(day, network, frozenset())] == [
        ("A", "C", 20_000.0),
        ("C", "D", 20_260.0),
    ]
    assert [(d.point, d.onward) for d in departures_of(day, network, frozenset("AD"))] == [("A", "D")]

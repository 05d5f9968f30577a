"""Who is in the way: the day laid out once, copies of a pattern day, closures, trains left out."""

from collections.abc import Iterable

from test_fit import held_day, line
from weerspoor.capacity.occupation import Occupation, occupation
from weerspoor.capacity.request import Closure
from weerspoor.timetable.day import Day

H = 3600
DAY = held_day((0, 1, 0, 30), (1, 1, 10, 20), (1, 4, 0, 5), periodic=True)


def rows(found: Occupation) -> list[tuple[int, int, int, str]]:
    zone, from_s, until_s, train, _, _ = found.timelines.table()
    columns = (zone.tolist(), from_s.tolist(), until_s.tolist(), train.tolist())
    return [(z, a, b, found.reference[t]) for z, a, b, t in zip(*columns, strict=True)]


def near(found: Occupation) -> list[tuple[int, int, int, str]]:
    """Return the rows between 9:00 and 12:00, seconds since 10:00."""
    return [(z, a - 10 * H, b - 10 * H, name) for z, a, b, name in rows(found) if 9 * H < a < 12 * H]


def on(day: Day | None, closures: Iterable[Closure] = (), without: Iterable[str] = ()) -> Occupation:
    return occupation(line_network, day, tuple(closures), 10 * H, 20 * H, without=without)


line_network = line()


def test_a_pattern_day_is_met_again_the_next_day_in_order_of_time() -> None:
    found = rows(on(DAY))
    assert found == sorted(found, key=lambda row: row[:2])
    assert [row for row in found if row[3] == "t1+1"] == [
        (1, 34 * H + 600, 34 * H + 1200, "t1+1"),
        (4, 34 * H, 34 * H + 300, "t1+1"),
    ]
    assert on(DAY) is on(DAY)


def test_closures_and_trains_left_out_do_not_alter_what_is_shared() -> None:
    before = near(on(DAY))
    closure = Closure(("A", "M"), ("all",), 10 * H + 60, 11 * H)
    altered = on(DAY, [closure], without=["t0"])
    assert near(altered) == [(1, 60, H, "closed[1]"), (1, 600, 1200, "t1"), (4, 0, 300, "t1")]
    assert near(on(DAY)) == before
    assert altered is on(DAY, [closure], without=["t0"])
    assert near(on(DAY, without=["t0"])) == [(1, 600, 1200, "t1"), (4, 0, 300, "t1")]


def test_more_closures_than_there_is_room_for_are_all_there() -> None:
    closures = [Closure(("A", "M"), ("all",), 10 * H + 100 * i, 10 * H + 100 * i + 50) for i in range(9)]
    for day in (DAY, None):
        found = near(on(day, closures))
        assert sorted(row for row in found if "closed" in row[3]) == [
            (1, 100 * i, 100 * i + 50, f"closed[{i + 1}]") for i in range(9)
        ]
        assert found == sorted(found, key=lambda row: row[:2])

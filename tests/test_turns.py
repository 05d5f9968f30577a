"""Which train's stock goes on as which."""

from timetables import timetable
from weerspoor.timetable.day import Turns
from weerspoor.timetable.turns import TurnNorm, find_turns

NORMS = {"sprinter": TurnNorm(300, 3600), "intercity": TurnNorm(480, 3600)}


def pairs(turns: Turns) -> list[tuple[int, int]]:
    return list(zip(turns.turn_from.tolist(), turns.turn_to.tolist(), strict=True))


def test_first_in_first_out() -> None:
    """Two trains of a series end at B; the first goes on as the first that begins five minutes later."""
    day = timetable(
        [
            ("sprinter", [("A", "", "6:00"), ("B", "6:10", "")]),
            ("sprinter", [("A", "", "6:15"), ("B", "6:25", "")]),
            ("sprinter", [("B", "", "6:14"), ("A", "6:24", "")]),
            ("sprinter", [("B", "", "6:29"), ("A", "6:39", "")]),
            ("sprinter", [("B", "", "6:44"), ("A", "6:54", "")]),
        ],
        "AB",
        series=["s"] * 5,
    )
    found = find_turns(day, NORMS)
    assert pairs(found) == [(0, 3), (1, 4)]
    assert found.turn_least_s.tolist() == [300, 300]


def test_the_same_series_goes_before_the_same_kind() -> None:
    """The train of series s waits for its own, though one of series r begins first."""
    day = timetable(
        [
            ("sprinter", [("A", "", "6:00"), ("B", "6:10", "")]),
            ("sprinter", [("B", "", "6:16"), ("A", "6:26", "")]),
            ("sprinter", [("B", "", "6:20"), ("A", "6:30", "")]),
        ],
        "AB",
        series=["s", "r", "s"],
    )
    assert pairs(find_turns(day, NORMS)) == [(0, 2)]


def test_the_same_track_goes_first() -> None:
    """Of two trains that wait the one on track 2 goes on as the train that begins on track 2."""
    day = timetable(
        [
            ("sprinter", [("A", "", "6:00"), ("B", "6:10", "")]),
            ("sprinter", [("A", "", "6:02"), ("B", "6:12", "")]),
            ("sprinter", [("B", "", "6:20"), ("A", "6:30", "")]),
        ],
        "AB",
        series=["s"] * 3,
        tracks={(0, 1): "1", (1, 1): "2", (2, 0): "2"},
    )
    assert pairs(find_turns(day, NORMS)) == [(1, 2)]


def test_kinds_do_not_mix_and_freight_does_not_turn() -> None:
    """An intercity does not go on as a sprinter, nor a freight train as anything; nothing waits for hours."""
    day = timetable(
        [
            ("intercity", [("A", "", "6:00"), ("B", "6:10", "")]),
            ("freight_mixed", [("A", "", "6:00"), ("B", "6:12", "")]),
            ("sprinter", [("B", "", "6:20"), ("A", "6:30", "")]),
            ("intercity", [("B", "", "9:20"), ("A", "9:30", "")]),
        ],
        "AB",
        series=["s"] * 4,
        layers=["passenger", "freight", "passenger", "passenger"],
    )
    assert pairs(find_turns(day, NORMS)) == []

"""Exports of a day: the table of calls, and DISPLIB files that a foreign verifier accepts."""

import importlib.util
import json
import random
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from days import small_day
from weerspoor.formats.dispatching import to_json
from weerspoor.formats.displib import displib_problem, operations, write_displib
from weerspoor.timetable.day import Day
from weerspoor.timetable.export import day_csv, day_displib, next_morning, resource_names

BENCH = Path(__file__).parents[1].parent / "shared" / "bench" / "displib" / "verify.py"


@pytest.fixture(scope="module")
def verifier() -> ModuleType:
    if not BENCH.is_file():
        pytest.skip(f"source data not here: {BENCH}")
    spec = importlib.util.spec_from_file_location("displib_verify", BENCH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def builtins(trains: Any) -> tuple[Any, Any]:
    """Problem and solution as they are when read from their files."""
    problem, solution = (msgspec.json.decode(to_json(value)) for value in displib_problem(trains))
    return problem, solution


def accepted(verifier: ModuleType, problem: Any, solution: Any) -> bool:
    try:
        verifier.verify(problem, solution)
    except verifier.Violation:
        return False
    return True


def network(zones: int = 12, codes: tuple[str, ...] = ("Ut", "Amf")) -> Any:
    return SimpleNamespace(
        zone_name=[f"z{zone}" for zone in range(zones)], points=SimpleNamespace(code=list(codes), name=list(codes))
    )


def overlap(trains: list[list[tuple[str, int, int]]]) -> bool:
    """Say whether two trains hold one resource at once: the plain meaning, pair by pair."""
    rows = [(train, *use) for train, uses in enumerate(trains) for use in uses]
    return any(
        one[0] != other[0] and one[1] == other[1] and one[2] < other[3] and other[2] < one[3]
        for one in rows
        for other in rows
    )


def files(folder: Path) -> tuple[Any, Any]:
    return json.loads((folder / "problem.json").read_text()), json.loads((folder / "solution.json").read_text())


uses = st.tuples(st.sampled_from("abc"), st.integers(0, 30), st.integers(1, 8)).map(lambda u: (u[0], u[1], u[1] + u[2]))


@settings(max_examples=400, deadline=None)
@given(st.lists(st.lists(uses, min_size=1, max_size=5), min_size=1, max_size=3))
def test_feasible_exactly_without_overlap(verifier: ModuleType, trains: list[list[tuple[str, int, int]]]) -> None:
    """The verifier accepts the solution if, and only if, no resource is held twice, one-second holdings apart.

    Two trains that swap resources in one second hold none twice, yet rule 5 forbids the swap; only holdings of one
    second can come to that, for longer ones end their operation before.
    """
    longer = [[(name, start, max(end, start + 2)) for name, start, end in held] for held in trains]
    assert accepted(verifier, *builtins(longer)) is not overlap(longer)


def test_swap_in_one_second(verifier: ModuleType) -> None:
    """Two trains that change places, each entering in the second in which the other leaves, are accepted."""
    trains = [[("a", 0, 20), ("b", 20, 40)], [("b", 0, 20), ("a", 20, 40)]]
    assert accepted(verifier, *builtins(trains))


def test_chain_by_hand() -> None:
    """Three zones, held two at a time: four operations, and each zone is closed until the second it is free.

    zone a  10 ────────── 30
    zone b        20 ────────── 40
    zone c        20 ──── 32
    """
    chain = operations([("a", 10, 30), ("b", 20, 40), ("c", 20, 32)])
    assert [step.start_lb for step in chain] == [10, 20, 31]
    uses = [tuple((use.resource, use.release_time) for use in step.resources) for step in chain]
    assert uses == [(("a", 10),), (("b", 9), ("c", 1)), ()]


def test_nothing_held() -> None:
    """A train that holds nothing, or something for no time, is an error of the caller."""
    for held in ([], [("a", 5, 5)], [("a", -1, 5)]):
        with pytest.raises(ValueError, match=r"holds nothing|is held from"):
            operations(held)


def test_streamed_equals_in_memory(tmp_path: Path) -> None:
    """The files written train by train hold the same problem and solution as those made in memory."""
    rng = random.Random(4)
    trains = []
    for _ in range(20):
        starts = [(f"z{rng.randrange(9)}", rng.randrange(500)) for _ in range(rng.randrange(1, 9))]
        trains.append([(zone, start, start + rng.randrange(1, 60)) for zone, start in starts])
    assert write_displib(trains, tmp_path) == (20, sum(len(operations(held)) for held in trains))
    assert files(tmp_path) == builtins(trains)


def test_day_without_conflict(verifier: ModuleType, tmp_path: Path) -> None:
    """A day on which each train leaves a zone in the second in which the next one takes it is accepted; one more
    second makes it a conflict."""
    rows = [(0, 1, 18_000, 18_100), (0, 2, 18_050, 18_150), (1, 2, 18_150, 18_200), (1, 1, 18_160, 18_300)]
    day_displib(small_day(rows), network(), tmp_path / "good")
    assert accepted(verifier, *files(tmp_path / "good"))
    day_displib(small_day([*rows[:2], (1, 2, 18_149, 18_200)]), network(), tmp_path / "bad")
    assert not accepted(verifier, *files(tmp_path / "bad"))


@pytest.mark.parametrize(
    ("mask", "bits", "free"), [(2, 2, False), (2, 4, True), (7, 4, False), (1, 4, True), (1, 5, False)]
)
def test_kept_empty(verifier: ModuleType, tmp_path: Path, mask: int, bits: int, free: bool) -> None:
    """A zone kept empty of passenger, wide or all trains conflicts with those on it, and with no others.

    train 0 (wide)  ═══ zone 1 ═══▶   keeps zone 2 empty
    train 1 (bits)  ─── zone 2 ───▶
    """
    day = small_day(
        [(0, 1, 18_000, 18_100), (1, 2, 18_050, 18_150)], kept=[(0, 2, 18_000, 18_100, mask)], occupies=[5, bits]
    )
    day_displib(day, network(), tmp_path)
    assert accepted(verifier, *files(tmp_path)) is free


def test_two_keep_one_zone_empty(verifier: ModuleType, tmp_path: Path) -> None:
    """Two trains may keep the same zone empty at once."""
    kept = [(0, 3, 18_000, 18_100, 7), (1, 3, 18_000, 18_100, 7)]
    day_displib(small_day([(0, 1, 18_000, 18_100), (1, 2, 18_000, 18_100)], kept=kept), network(), tmp_path)
    assert accepted(verifier, *files(tmp_path))


def seam_day(first_from: int) -> Day:
    """A train that holds zone 1 until 05:10 of the next day, and the first train there in the morning."""
    return small_day(
        [(0, 1, 104_000, 105_000), (1, 1, first_from, first_from + 100), (2, 5, 50_000, 50_100)], periodic=True
    )


def test_seam(verifier: ModuleType, tmp_path: Path) -> None:
    """A train that runs past 05:00 meets the first trains of the next day, and only those are written twice."""
    assert next_morning(seam_day(18_700)) == []
    assert next_morning(seam_day(18_500)) == [1]
    day_displib(seam_day(18_500), network(), tmp_path / "bad")
    problem, solution = files(tmp_path / "bad")
    assert len(problem["trains"]) == 4
    assert not accepted(verifier, problem, solution)
    day_displib(seam_day(18_600), network(), tmp_path / "good")
    assert accepted(verifier, *files(tmp_path / "good"))


def test_names_of_resources() -> None:
    """Zones that share a name in the source get one of their own."""
    assert resource_names(SimpleNamespace(zone_name=["7", "7", "", "8"])) == ["7#0", "7#1", "#2", "8"]  # type: ignore[arg-type]


def test_table(tmp_path: Path) -> None:
    """One line per train and point, with the columns and units promised."""
    assert day_csv(small_day([(0, 1, 18_000, 18_100)], names=["1100a00"]), network(), tmp_path / "d.csv") == 2
    assert (tmp_path / "d.csv").read_text().splitlines() == [
        "train,series,kind,point,arrival_s,departure_s,track",
        "1100a00,s,sprinter,Ut,18000,18000,1",
        "1100a00,s,sprinter,Amf,18100,18100,2a",
    ]

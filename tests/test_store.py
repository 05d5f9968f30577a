"""Day files."""

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from days import same_day, small_day
from weerspoor.common.errors import InputError
from weerspoor.timetable.day import Day, Passengers, Turns
from weerspoor.timetable.passengers import passengers_at, with_empty_calls, without_train
from weerspoor.timetable.store import load_day, read_day, seal, write_day

# train 0 ── zone 4 ── zone 5 ──▶      train 1 ── zone 5 ── zone 4 ──▶ over the seam
ROWS = [(0, 4, 18_000, 18_090), (0, 5, 18_040, 18_200), (1, 5, 104_300, 104_450), (1, 4, 104_380, 104_500)]


def test_round_trip(tmp_path: Path) -> None:
    """A day read back is the day written: every array, with its type, and its reserve."""
    day = replace(small_day(ROWS, kept=[(1, 9, 104_300, 104_500, 2)], periodic=True), reserve=small_day(ROWS[:2]))
    written = write_day(day, tmp_path / "a.day")
    found = read_day(tmp_path / "a.day", None)
    assert same_day(found, written)
    assert found.reserve is not None and same_day(found.reserve, seal(small_day(ROWS[:2])))
    assert found.content_hash == written.content_hash


def with_passengers(day: Day) -> Day:
    """Return a day of two trains of two calls with passengers, a connection and a turn."""
    return replace(
        day,
        passengers=Passengers(
            boarding=np.array([100.06, 0, 20, 0], np.float32),
            alighting=np.array([0, 100.06, 0, 20], np.float32),
            aboard=np.array([100.06, 0, 20, 0], np.float32),
            estimated=np.array([0.3, 0, 1, 0], np.float32),
            wait_s=np.array([600.4, 0, 7200, 0], np.float32),
            connection_from=np.array([1], np.int32),
            connection_to=np.array([2], np.int32),
            connection_passengers=np.array([12.5], np.float32),
            connection_spare_s=np.array([77], np.int32),
            connection_wait_s=np.array([900], np.float32),
        ),
        turns=Turns(np.array([0], np.int32), np.array([1], np.int32), np.array([300], np.int32)),
    )


def test_passengers_and_turns(tmp_path: Path) -> None:
    """They come back in the steps in which they are stored; everybody who boards alights."""
    written = write_day(with_passengers(small_day(ROWS, periodic=True)), tmp_path / "a.day")
    found = read_day(tmp_path / "a.day", None)
    assert same_day(found, written)
    assert same_day(seal(found), found) and seal(found).content_hash == found.content_hash
    assert found.passengers is not None
    assert found.passengers.boarding.tolist() == [100.0625, 0, 20, 0]
    assert found.passengers.aboard.tolist() == [100.0625, 0, 20, 0]
    assert found.passengers.wait_s.tolist() == [600, 0, 7200, 0]
    assert found.passengers.estimated.tolist() == [19 / 64, 0, 1, 0]


def test_hash_sees_passengers() -> None:
    """A day with other passengers is another day."""
    day = small_day(ROWS)
    assert seal(day).content_hash != seal(with_passengers(day)).content_hash


def test_a_day_file_of_version_one_has_no_passengers(tmp_path: Path) -> None:
    """It can be read; one of a version to come is refused with its number."""
    write_day(small_day(ROWS), tmp_path / "a.day")
    for version, name in ((1, "old.day"), (99, "new.day")):
        with zipfile.ZipFile(tmp_path / "a.day") as given, zipfile.ZipFile(tmp_path / name, "w") as made:
            for entry in given.namelist():
                content = given.read(entry)
                made.writestr(entry, content.replace(b'"version": 2', f'"version": {version}'.encode()))
    assert read_day(tmp_path / "old.day", None).passengers is None
    with pytest.raises(InputError, match="version 99"):
        read_day(tmp_path / "new.day", None)


def test_a_train_more_and_a_train_less() -> None:
    """A train without passengers is added at the end; one taken out takes passengers, connections and turns."""
    passengers = with_passengers(small_day(ROWS)).passengers
    assert passengers is not None
    more = with_empty_calls(passengers, 2)
    assert more.boarding.tolist()[4:] == [0, 0] and len(more.wait_s) == 6
    assert more.connection_to.tolist() == [2]
    less = passengers_at(more, np.array([False, False, True, True, True, True]))
    assert less.boarding.tolist() == [20, 0, 0, 0]
    assert len(less.connection_from) == 0
    turns = Turns(np.array([0, 2], np.int32), np.array([1, 3], np.int32), np.array([300, 400], np.int32))
    fewer = without_train(turns, 1)
    assert (fewer.turn_from.tolist(), fewer.turn_to.tolist(), fewer.turn_least_s.tolist()) == ([1], [2], [400])


def test_same_bytes(tmp_path: Path) -> None:
    """Writing twice gives the same file, so that a day can be committed."""
    write_day(small_day(ROWS), tmp_path / "a.day")
    write_day(small_day(ROWS), tmp_path / "b.day")
    assert (tmp_path / "a.day").read_bytes() == (tmp_path / "b.day").read_bytes()


def test_hash_sees_a_change() -> None:
    """One second more on one zone gives another content hash."""
    changed = [*ROWS[:-1], (1, 4, 104_380, 104_501)]
    assert seal(small_day(ROWS)).content_hash != seal(small_day(changed)).content_hash


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30), st.integers(0, 90_000), st.integers(1, 900)), min_size=1)
)
def test_any_rows(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int, int, int]]) -> None:
    """Whatever the rows, equal zones and starts included, the order and the values come back."""
    used = {name: number for number, name in enumerate(sorted({row[0] for row in rows}))}
    day = small_day([(used[train], zone, start, start + long) for train, zone, start, long in rows])
    path = tmp_path_factory.mktemp("day") / "d.day"
    assert same_day(read_day(write_day(day, path) and path, None), seal(day))


def test_without_trains(tmp_path: Path) -> None:
    """A day on which nothing runs can be stored too."""
    day = small_day(ROWS)
    nothing = np.zeros(0, np.int32)
    empty = replace(
        day,
        trains=replace(
            day.trains, reference=[], series=[], kind=[], layer=[], phase=[], length_m=np.zeros(0, np.float32),
            occupies=np.zeros(0, np.uint8),
        ),
        calls=replace(
            day.calls, start=np.zeros(1, np.int32), point=nothing, arrival_s=nothing, departure_s=nothing,
            planned_arrival_s=nothing, planned_departure_s=nothing, track=[],
        ),
        movements=replace(
            day.movements, start=np.zeros(1, np.int32), directed=nothing, enter_ds=nothing, exit_ds=nothing,
            depart_ds=nothing,
        ),
        holdings=replace(
            day.holdings, zone=nothing, from_s=nothing, until_s=nothing, train=nothing,
            occupies=np.zeros(0, np.uint8), blocks=np.zeros(0, np.uint8),
        ),
    )  # fmt: skip
    write_day(empty, tmp_path / "e.day")
    assert same_day(read_day(tmp_path / "e.day", None), seal(empty))


def test_broken_files(tmp_path: Path) -> None:
    """No file, a folder, a text, an archive of something else and a cut file are each an error that names the file."""
    text = tmp_path / "text.day"
    text.write_text("no day")
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("stops.txt", "stop_id\n")
    whole = tmp_path / "whole.day"
    write_day(small_day(ROWS), whole)
    damaged = tmp_path / "damaged.day"
    content = bytearray(whole.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 60] = b"x" * 60
    damaged.write_bytes(content)
    for path in (tmp_path / "none.day", tmp_path, text, other, damaged):
        with pytest.raises(InputError) as caught:
            read_day(path, None)
        assert caught.value.where == str(path)


def test_unknown_name() -> None:
    """A name that is neither a day nor a file is an error."""
    with pytest.raises(InputError, match="no day or day file"):
        load_day("sunday-nowhere", None)  # type: ignore[arg-type]

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

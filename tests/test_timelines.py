"""Timelines: who holds which zone when."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weerspoor.kernel.timelines import Rows, Timelines


def rows(*spans: tuple[int, int, int], occupies: int = 4, blocks: int = 7) -> Rows:
    zone, from_s, until_s = (np.array(c, np.int32) for c in zip(*spans, strict=True))
    return Rows(zone, from_s, until_s, np.full(len(zone), occupies, np.uint8), np.full(len(zone), blocks, np.uint8))


def test_touching_intervals_do_not_conflict():
    """An interval includes its start and not its end: 10-20 and 20-30 lie side by side."""
    day = Timelines.empty(2)
    day.insert(1, rows((0, 10, 20)))
    assert day.conflicts_of(rows((0, 20, 30))) == []
    assert day.conflicts_of(rows((0, 19, 30))) == [1]
    assert day.conflicts_of(rows((1, 10, 20))) == []
    assert day.conflicts_of(rows((0, 10, 20)), train=1) == []


def test_kept_zones_conflict_only_with_the_kinds_they_name():
    """A zone kept empty of wide trains (1) lets others in; two kept intervals never conflict."""
    day = Timelines.empty(1)
    day.insert(1, rows((0, 0, 100), occupies=0, blocks=1))
    assert day.conflicts_of(rows((0, 0, 100), occupies=4)) == []
    assert day.conflicts_of(rows((0, 0, 100), occupies=1 | 4)) == [1]
    assert day.conflicts_of(rows((0, 0, 100), occupies=0, blocks=7)) == []


def test_a_long_interval_is_found_behind_many_short_ones():
    """Intervals that overlap without conflict do not hide one that began long before."""
    day = Timelines.empty(1)
    day.insert(1, rows((0, 0, 1_000), occupies=4))
    for k in range(40):
        day.insert(2 + k, rows((0, 10 * k, 10 * k + 5), occupies=0, blocks=1))
    assert day.conflicts_of(rows((0, 900, 910))) == [1]


def test_rolling_back_and_committing():
    """A roll back undoes insertions and removals to a mark; what was committed stays."""
    day = Timelines.empty(3)
    day.insert(1, rows((0, 0, 10), (1, 5, 15)))
    day.commit()
    mark = day.mark()
    day.remove(1)
    day.insert(2, rows((0, 0, 10)))
    assert day.trains() == [2]
    day.rollback(mark)
    assert day.trains() == [1]
    assert len(day) == 2
    with pytest.raises(ValueError, match="not in the log"):
        day.rollback(mark - 1)


SPAN = st.tuples(st.integers(0, 4), st.integers(0, 60), st.integers(1, 40))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.lists(SPAN, min_size=1, max_size=8)), max_size=30), st.integers(0, 29))
def test_timelines_equal_a_plain_list(steps, undo):
    """After any sequence of inserting, taking out and rolling back the timelines hold what a list of rows holds."""
    day = Timelines.empty(5)
    plain: list[tuple[int, int, int, int]] = []
    mark, kept = 0, list(plain)
    for number, (train, spans) in enumerate(steps):
        if number == undo:
            mark, kept = day.mark(), list(plain)
        if number % 3 == 2:
            day.remove(train)
            plain = [row for row in plain if row[3] != train]
        else:
            new = [(z, a, a + n) for z, a, n in spans]
            day.insert(train, rows(*new))
            plain += [(*row, train) for row in new]
    zone, from_s, until_s, of, _, _ = day.table()
    assert sorted(zip(zone, from_s, until_s, of, strict=True)) == sorted(plain)
    assert np.all(np.diff(zone.astype(np.int64) * 1000 + from_s) >= 0)
    for z in range(5):
        wanted = sorted({row[3] for row in plain if row[0] == z and row[1] < 50 and row[2] > 30})
        assert day.conflicts_of(rows((z, 30, 50))) == wanted
    if len(steps) > undo:
        day.rollback(mark)
        table = day.table()
        assert sorted(zip(*table[:4], strict=True)) == sorted(kept)


def test_building_sorts_by_zone_and_start():
    """Intervals in any order give the same timelines as sorted ones."""
    rng = np.random.default_rng(3)
    n = 2_000
    zone, from_s = rng.integers(0, 50, n).astype(np.int32), rng.integers(0, 9_999, n).astype(np.int32)
    until_s, train = from_s + 30, rng.integers(0, 99, n).astype(np.int32)
    bits = np.full(n, 4, np.uint8)
    day = Timelines.build(50, zone, from_s, until_s.astype(np.int32), train, bits, bits)
    order = np.lexsort((from_s, zone))
    table = day.table()
    assert np.array_equal(table[0], zone[order])
    assert np.array_equal(table[1], from_s[order])
    assert sum(len(day.rows_of(t).zone) for t in day.trains()) == n

# ruff: noqa: PLR0917
# mypy: disable-error-code="no-untyped-def"
"""Who holds or keeps empty which zone when: one timeline a zone, in arrays with room to grow.

All timelines lie in one pool of rows. The rows of zone ``z`` are ``first[z] : first[z] + count[z]``, sorted by
``from_s``; up to ``room[z]`` rows fit before the zone's block moves to the end of the pool. Intervals of one zone may
overlap as long as they do not conflict (:mod:`weerspoor.kernel.graph`), so each row also says how far it and those
before it reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from weerspoor.kernel.compiled import compiled
from weerspoor.kernel.graph import KEEP_ALL, Ints, Run

Bytes = npt.NDArray[np.uint8]

SLACK_ROWS = 4
"""Free rows that every zone gets at least when a block is made; a quarter of its rows if that is more."""


class Lines(NamedTuple):
    """The timelines as compiled code takes them.

    ``reach`` of a row is the latest end of it and the rows of its zone before it: it finds the first row that may last
    beyond a time. ``kinds`` of a zone has the bits of all its rows, ``occupies`` in the high byte, perhaps of some
    that are gone.
    """

    first: Ints
    number: Ints
    room: Ints
    kinds: Ints
    from_s: Ints
    until_s: Ints
    train: Ints
    occupies: Bytes
    blocks: Bytes
    reach: Ints


@compiled
def _first_after(from_s, lo, hi, value):
    """Index of the first row of ``lo:hi`` whose start is not before ``value``."""
    while lo < hi:
        mid = (lo + hi) >> 1
        if from_s[mid] < value:
            lo = mid + 1
        else:
            hi = mid
    return lo


@compiled
def mend_reach(lines, z, place):
    """Work out again how far the rows of a zone reach from row ``place`` on."""
    lo = lines.first[z]
    reach = lines.reach[place - 1] if place > lo else -(2**31)
    for i in range(place, lo + lines.number[z]):
        reach = max(reach, lines.until_s[i])
        lines.reach[i] = reach


@compiled
def _mend_until_same(lines, z, place):
    """Do the same where the reach of the rows from ``place`` on moved with them: stop where nothing changes."""
    lo = lines.first[z]
    reach = lines.reach[place - 1] if place > lo else -(2**31)
    for i in range(place, lo + lines.number[z]):
        reach = max(reach, lines.until_s[i])
        if i > place and lines.reach[i] == reach:
            return
        lines.reach[i] = reach


@compiled
def _insert(lines, new_first, zone, begin, end, train, occupies, blocks, at):
    """Insert rows ``at:`` one by one; return the row at which the pool is too small, or their number."""
    pool = len(lines.from_s)
    for k in range(at, len(zone)):
        z = zone[k]
        n = lines.number[z]
        if n == lines.room[z]:
            wanted = 2 * n + 4
            if new_first[0] + wanted > pool:
                return k
            source, target = lines.first[z], new_first[0]
            for i in range(n):
                lines.from_s[target + i] = lines.from_s[source + i]
                lines.until_s[target + i] = lines.until_s[source + i]
                lines.train[target + i] = lines.train[source + i]
                lines.occupies[target + i] = lines.occupies[source + i]
                lines.blocks[target + i] = lines.blocks[source + i]
                lines.reach[target + i] = lines.reach[source + i]
            lines.first[z] = target
            lines.room[z] = wanted
            new_first[0] += wanted
        lo = lines.first[z]
        place = _first_after(lines.from_s, lo, lo + n, begin[k])
        for i in range(lo + n, place, -1):
            lines.from_s[i] = lines.from_s[i - 1]
            lines.until_s[i] = lines.until_s[i - 1]
            lines.train[i] = lines.train[i - 1]
            lines.occupies[i] = lines.occupies[i - 1]
            lines.blocks[i] = lines.blocks[i - 1]
            lines.reach[i] = lines.reach[i - 1]
        lines.from_s[place] = begin[k]
        lines.until_s[place] = end[k]
        lines.train[place] = train
        lines.occupies[place] = occupies[k]
        lines.blocks[place] = blocks[k]
        lines.number[z] = n + 1
        lines.kinds[z] |= (np.int32(occupies[k]) << 8) | blocks[k]
        _mend_until_same(lines, z, place)
    return len(zone)


@compiled
def _delete(lines, zone, begin, end, train, occupies, blocks):
    """Delete each given row once; return how many were found."""
    found = 0
    for k in range(len(zone)):
        z = zone[k]
        lo = lines.first[z]
        hi = lo + lines.number[z]
        i = _first_after(lines.from_s, lo, hi, begin[k])
        while i < hi and lines.from_s[i] == begin[k]:
            same = lines.until_s[i] == end[k] and lines.train[i] == train
            if same and lines.occupies[i] == occupies[k] and lines.blocks[i] == blocks[k]:
                break
            i += 1
        if i == hi or lines.from_s[i] != begin[k]:
            continue
        for j in range(i, hi - 1):
            lines.from_s[j] = lines.from_s[j + 1]
            lines.until_s[j] = lines.until_s[j + 1]
            lines.train[j] = lines.train[j + 1]
            lines.occupies[j] = lines.occupies[j + 1]
            lines.blocks[j] = lines.blocks[j + 1]
            lines.reach[j] = lines.reach[j + 1]
        lines.number[z] -= 1
        _mend_until_same(lines, z, i)
        found += 1
    return found


@compiled
def _reach_all(lines):
    """Work out how far all rows reach, and the bits of all zones."""
    for z in range(len(lines.first)):
        mend_reach(lines, z, lines.first[z])
        for i in range(lines.first[z], lines.first[z] + lines.number[z]):
            lines.kinds[z] |= (np.int32(lines.occupies[i]) << 8) | lines.blocks[i]


@compiled
def _conflicts(lines, zone, begin, end, occupies, blocks, train, out_row, out_train):
    """Write (row of the request, train) of every conflicting interval; return their number, also beyond the room."""
    n = 0
    for k in range(len(zone)):
        z = zone[k]
        lo = lines.first[z]
        hi = lo + lines.number[z]
        i = _first_after(lines.reach, lo, hi, begin[k] + 1)
        while i < hi and lines.from_s[i] < end[k]:
            meets = (blocks[k] & lines.occupies[i]) or (lines.blocks[i] & occupies[k])
            if lines.until_s[i] > begin[k] and lines.train[i] != train and meets:
                if n < len(out_row):
                    out_row[n] = k
                    out_train[n] = lines.train[i]
                n += 1
            i += 1
    return n


@dataclass(frozen=True)
class Rows:
    """Intervals of one train: what it holds, and what it keeps empty (``occupies`` 0).

    Attributes
    ----------
    zone, from_s, until_s : (n,) int32
    occupies, blocks : (n,) uint8
    """

    zone: Ints
    from_s: Ints
    until_s: Ints
    occupies: Bytes
    blocks: Bytes

    @classmethod
    def of(cls, run: Run, kind: int) -> Rows:
        """Return the intervals of a run of a train of ``kind`` (``IS_*`` bits)."""
        return cls(
            np.concatenate([run.zone, run.kept_zone]),
            np.concatenate([run.from_s, run.kept_from_s]),
            np.concatenate([run.until_s, run.kept_until_s]),
            np.concatenate([np.full(len(run.zone), kind, np.uint8), np.zeros(len(run.kept_zone), np.uint8)]),
            np.concatenate([np.full(len(run.zone), KEEP_ALL, np.uint8), run.kept_mask]),
        )

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """Return the intervals of all parts, in their order; none for no parts."""
        if not parts:
            none, nothing = np.empty(0, np.int32), np.empty(0, np.uint8)
            return cls(none, none, none, nothing, nothing)
        columns = ([getattr(part, field.name) for part in parts] for field in fields(cls))
        return cls(*(np.concatenate(column) for column in columns))


class Timelines:
    """The timelines of all zones; see the module's text for the layout.

    Made by :meth:`build` or :meth:`empty`. Every change is logged, so that :meth:`rollback` can take it back.
    """

    def __init__(self, n_zones: int, lines: Lines, used: int) -> None:
        self.n_zones = n_zones
        self.lines = lines
        self._used = np.array([used], np.int64)
        self._of_train: dict[int, list[Rows]] | None = None
        self._log: list[tuple[bool, int, Rows]] = []
        self._forget = 0

    @classmethod
    def empty(cls, n_zones: int) -> Timelines:
        """Return timelines without intervals."""
        none, nothing = np.empty(0, np.int32), np.empty(0, np.uint8)
        return cls.build(n_zones, none, none, none, none, nothing, nothing)

    @classmethod
    def build(
        cls,
        n_zones: int,
        zone: Ints,
        from_s: Ints,
        until_s: Ints,
        train: Ints,
        occupies: Bytes,
        blocks: Bytes,
    ) -> Timelines:
        """Build timelines from intervals in any order; those sorted by zone, then ``from_s`` are taken as they are.

        Parameters
        ----------
        n_zones : int
        zone, from_s, until_s, train : (m,) int32
        occupies, blocks : (m,) uint8
            See :mod:`weerspoor.kernel.graph`.
        """
        columns: list[npt.NDArray[np.generic]] = [from_s, until_s, train, occupies, blocks]
        key = (zone.astype(np.int64) << 32) + from_s
        if len(key) and bool(np.any(key[1:] < key[:-1])):
            order = np.argsort(key, kind="stable")
            zone = zone[order]
            columns = [column[order] for column in columns]
        count = np.bincount(zone, minlength=n_zones).astype(np.int32)
        room = count + np.maximum(count >> 2, SLACK_ROWS).astype(np.int32)
        first = np.zeros(n_zones, np.int32)
        np.cumsum(room[:-1], out=first[1:])
        used = int(room.sum())
        sorted_first = np.cumsum(count) - count
        target = np.arange(len(zone)) + (first - sorted_first)[zone]
        size = used + max(1024, used >> 3)
        rows: list[npt.NDArray[Any]] = []
        for column, kind in zip(columns, (np.int32, np.int32, np.int32, np.uint8, np.uint8), strict=True):
            spread = np.zeros(size, kind)
            spread[target] = column
            rows.append(spread)
        lines = Lines._make((first, count, room, np.zeros(n_zones, np.int32), *rows, np.zeros(size, np.int32)))
        _reach_all(lines)
        return cls(n_zones, lines, used)

    def copy(self) -> Timelines:
        """Return timelines of their own with the same intervals, as they are now; the log is not copied."""
        lines = Lines._make(column.copy() for column in self.lines)
        return Timelines(self.n_zones, lines, int(self._used[0]))

    def __len__(self) -> int:
        """Return the number of intervals."""
        return int(self.lines.number.sum())

    def table(self) -> tuple[Ints, Ints, Ints, Ints, Bytes, Bytes]:
        """Return all intervals as (zone, from_s, until_s, train, occupies, blocks), sorted by zone, then ``from_s``."""
        first, count = self.lines.first, self.lines.number
        zone = np.repeat(np.arange(self.n_zones, dtype=np.int32), count)
        place = np.arange(len(zone)) + np.repeat(first - (np.cumsum(count) - count), count)
        from_s, until_s, train, occupies, blocks = self.lines[4:9]
        return zone, from_s[place], until_s[place], train[place], occupies[place], blocks[place]

    def _reverse(self) -> dict[int, list[Rows]]:
        if self._of_train is None:
            zone, from_s, until_s, train, occupies, blocks = self.table()
            order = np.argsort(train, kind="stable")
            limits = np.flatnonzero(np.diff(train[order], prepend=np.int32(-(2**31))))
            columns = [column[order] for column in (zone, from_s, until_s, occupies, blocks)]
            self._of_train = {}
            for a, b in zip(limits, np.append(limits[1:], len(order))[: len(limits)], strict=True):
                self._of_train[int(train[order[a]])] = [Rows(*(column[a:b] for column in columns))]  # type: ignore[arg-type]
        return self._of_train

    def rows_of(self, train: int) -> Rows:
        """Return the intervals of a train."""
        parts = self._reverse().get(train, [])
        if len(parts) == 1:
            return parts[0]
        return Rows.joined(parts)

    def trains(self) -> list[int]:
        """Return the trains that have intervals, in rising order."""
        return sorted(train for train, parts in self._reverse().items() if parts)

    def _put(self, train: int, new: Rows) -> None:
        at = 0
        while True:
            at = int(
                _insert(self.lines, self._used, new.zone, new.from_s, new.until_s, train, new.occupies, new.blocks, at)
            )
            if at == len(new.zone):
                break
            size = len(self.lines.from_s)
            wider = max(2 * size, int(self._used[0]) + 2 * int(self.lines.number.max()) + 1024)
            rows = (np.concatenate([column, np.zeros(wider - size, column.dtype)]) for column in self.lines[4:])
            self.lines = Lines(*self.lines[:4], *rows)
        self._reverse().setdefault(train, []).append(new)

    def _take(self, train: int, old: Rows) -> None:
        found = _delete(self.lines, old.zone, old.from_s, old.until_s, train, old.occupies, old.blocks)
        if found != len(old.zone):
            raise RuntimeError(f"train {train}: {len(old.zone) - found} of its intervals are not in the timelines")
        parts = self._reverse()[train]
        parts[:] = [part for part in parts if part is not old]

    def insert(self, train: int, rows: Rows) -> None:
        """Add intervals of a train; whether they conflict is not looked at."""
        self._reverse()
        self._put(train, rows)
        self._log.append((True, train, rows))

    def remove(self, train: int) -> Rows:
        """Take all intervals of a train out and return them."""
        rows = self.rows_of(train)
        for part in list(self._reverse().get(train, [])):
            self._take(train, part)
            self._log.append((False, train, part))
        return rows

    def mark(self) -> int:
        """Return a mark to which :meth:`rollback` can return."""
        return self._forget + len(self._log)

    def rollback(self, mark: int) -> None:
        """Take back every change since the mark, the last one first.

        Raises
        ------
        ValueError
            If the mark lies before the last :meth:`commit`, or after now.
        """
        if not self._forget <= mark <= self._forget + len(self._log):
            raise ValueError(f"mark {mark} is not in the log")
        while self._forget + len(self._log) > mark:
            added, train, rows = self._log.pop()
            if added:
                self._take(train, rows)
            else:
                self._put(train, rows)

    def commit(self) -> None:
        """Forget the log: what was done can no longer be taken back."""
        self._forget += len(self._log)
        self._log.clear()

    def conflicts(
        self, zone: Ints, from_s: Ints, until_s: Ints, occupies: Bytes, blocks: Bytes, train: int = -1
    ) -> tuple[Ints, Ints]:
        """Return (row, train) of every interval of another train that conflicts with row ``row`` of the request."""
        room = 64
        while True:
            row, other = np.empty(room, np.int32), np.empty(room, np.int32)
            n = int(_conflicts(self.lines, zone, from_s, until_s, occupies, blocks, train, row, other))
            if n <= room:
                return row[:n], other[:n]
            room = n

    def conflicts_of(self, rows: Rows, train: int = -1) -> list[int]:
        """Return the trains that conflict with the given intervals, in rising order."""
        _, other = self.conflicts(rows.zone, rows.from_s, rows.until_s, rows.occupies, rows.blocks, train)
        return [int(t) for t in np.unique(other)]

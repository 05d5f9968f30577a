# ruff: noqa: PLR0917
# mypy: disable-error-code="no-untyped-def"
"""Who holds or keeps empty which zone when: one timeline a zone, in arrays with room to grow.

All timelines lie in one pool of rows. The rows of zone ``z`` are ``first[z] : first[z] + count[z]``, sorted by
``from_s``; up to ``room[z]`` rows fit before the zone's block moves to the end of the pool. Intervals of one zone may
overlap as long as they do not conflict (:mod:`weerspoor.kernel.graph`), so the greatest length of an interval is
kept for each zone: it bounds how far back a look-up must go.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from weerspoor.kernel.graph import KEEP_ALL, Ints, Run

Bytes = npt.NDArray[np.uint8]

SLACK_ROWS = 4
"""Free rows that every zone gets at least when a block is made; a quarter of its rows if that is more."""


@njit(cache=True)
def _first_after(from_s, lo, hi, value):
    """Index of the first row of ``lo:hi`` whose start is not before ``value``."""
    while lo < hi:
        mid = (lo + hi) >> 1
        if from_s[mid] < value:
            lo = mid + 1
        else:
            hi = mid
    return lo


@njit(cache=True)
def _insert(rows, index, pool, new_first, zone, begin, end, train, occupies, blocks, at):
    """Insert rows ``at:`` one by one; return the row at which the pool is too small, or their number."""
    from_s, until_s, trains, occ, blk = rows
    first, count, room, longest = index
    for k in range(at, len(zone)):
        z = zone[k]
        n = count[z]
        if n == room[z]:
            wanted = 2 * n + 4
            if new_first[0] + wanted > pool:
                return k
            source, target = first[z], new_first[0]
            for i in range(n):
                from_s[target + i] = from_s[source + i]
                until_s[target + i] = until_s[source + i]
                trains[target + i] = trains[source + i]
                occ[target + i] = occ[source + i]
                blk[target + i] = blk[source + i]
            first[z] = target
            room[z] = wanted
            new_first[0] += wanted
        lo = first[z]
        place = _first_after(from_s, lo, lo + n, begin[k])
        for i in range(lo + n, place, -1):
            from_s[i] = from_s[i - 1]
            until_s[i] = until_s[i - 1]
            trains[i] = trains[i - 1]
            occ[i] = occ[i - 1]
            blk[i] = blk[i - 1]
        from_s[place] = begin[k]
        until_s[place] = end[k]
        trains[place] = train
        occ[place] = occupies[k]
        blk[place] = blocks[k]
        count[z] = n + 1
        longest[z] = max(longest[z], end[k] - begin[k])
    return len(zone)


@njit(cache=True)
def _delete(rows, index, zone, begin, end, train, occupies, blocks):
    """Delete each given row once; return how many were found."""
    from_s, until_s, trains, occ, blk = rows
    first, count, _, _ = index
    found = 0
    for k in range(len(zone)):
        z = zone[k]
        lo = first[z]
        hi = lo + count[z]
        i = _first_after(from_s, lo, hi, begin[k])
        while i < hi and from_s[i] == begin[k]:
            if until_s[i] == end[k] and trains[i] == train and occ[i] == occupies[k] and blk[i] == blocks[k]:
                break
            i += 1
        if i == hi or from_s[i] != begin[k]:
            continue
        for j in range(i, hi - 1):
            from_s[j] = from_s[j + 1]
            until_s[j] = until_s[j + 1]
            trains[j] = trains[j + 1]
            occ[j] = occ[j + 1]
            blk[j] = blk[j + 1]
        count[z] -= 1
        found += 1
    return found


@njit(cache=True)
def _conflicts(rows, index, zone, begin, end, occupies, blocks, train, out_row, out_train):
    """Write (row of the request, train) of every conflicting interval; return their number, also beyond the room."""
    from_s, until_s, trains, occ, blk = rows
    first, count, _, longest = index
    n = 0
    for k in range(len(zone)):
        z = zone[k]
        lo = first[z]
        hi = lo + count[z]
        i = _first_after(from_s, lo, hi, begin[k] - longest[z])
        while i < hi and from_s[i] < end[k]:
            if until_s[i] > begin[k] and trains[i] != train and ((blocks[k] & occ[i]) or (blk[i] & occupies[k])):
                if n < len(out_row):
                    out_row[n] = k
                    out_train[n] = trains[i]
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


class Timelines:
    """The timelines of all zones; see the module's text for the layout.

    Made by :meth:`build` or :meth:`empty`. Every change is logged, so that :meth:`rollback` can take it back.
    """

    def __init__(
        self,
        n_zones: int,
        rows: tuple[Ints, Ints, Ints, Bytes, Bytes],
        index: tuple[Ints, Ints, Ints, Ints],
        used: int,
    ) -> None:
        self.n_zones = n_zones
        self.rows = rows
        self.index = index
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
        rows = []
        for column, kind in zip(columns, (np.int32, np.int32, np.int32, np.uint8, np.uint8), strict=True):
            spread = np.zeros(size, kind)
            spread[target] = column
            rows.append(spread)
        longest = np.zeros(n_zones, np.int32)
        if len(zone):
            length = (columns[1] - columns[0]).astype(np.int32)  # type: ignore[operator]
            held = count > 0
            longest[held] = np.maximum.reduceat(length, sorted_first[held])
        return cls(n_zones, tuple(rows), (first, count, room, longest), used)  # type: ignore[arg-type]

    def __len__(self) -> int:
        """Return the number of intervals."""
        return int(self.index[1].sum())

    def table(self) -> tuple[Ints, Ints, Ints, Ints, Bytes, Bytes]:
        """Return all intervals as (zone, from_s, until_s, train, occupies, blocks), sorted by zone, then ``from_s``."""
        first, count, _, _ = self.index
        zone = np.repeat(np.arange(self.n_zones, dtype=np.int32), count)
        place = np.arange(len(zone)) + np.repeat(first - (np.cumsum(count) - count), count)
        from_s, until_s, train, occupies, blocks = self.rows
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
        if not parts:
            none, nothing = np.empty(0, np.int32), np.empty(0, np.uint8)
            return Rows(none, none, none, nothing, nothing)
        names = ("zone", "from_s", "until_s", "occupies", "blocks")
        return Rows(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def trains(self) -> list[int]:
        """Return the trains that have intervals, in rising order."""
        return sorted(train for train, parts in self._reverse().items() if parts)

    def _put(self, train: int, new: Rows) -> None:
        at = 0
        while True:
            size = len(self.rows[0])
            at = _insert(
                self.rows,
                self.index,
                size,
                self._used,
                new.zone,
                new.from_s,
                new.until_s,
                train,
                new.occupies,
                new.blocks,
                at,
            )
            if at == len(new.zone):
                break
            wider = max(2 * size, int(self._used[0]) + 2 * int(self.index[1].max()) + 1024)
            self.rows = tuple(np.concatenate([c, np.zeros(wider - size, c.dtype)]) for c in self.rows)  # type: ignore[assignment]
        self._reverse().setdefault(train, []).append(new)

    def _take(self, train: int, old: Rows) -> None:
        found = _delete(self.rows, self.index, old.zone, old.from_s, old.until_s, train, old.occupies, old.blocks)
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
            n = _conflicts(self.rows, self.index, zone, from_s, until_s, occupies, blocks, train, row, other)
            if n <= room:
                return row[:n], other[:n]
            room = n

    def conflicts_of(self, rows: Rows, train: int = -1) -> list[int]:
        """Return the trains that conflict with the given intervals, in rising order."""
        _, other = self.conflicts(rows.zone, rows.from_s, rows.until_s, rows.occupies, rows.blocks, train)
        return [int(t) for t in np.unique(other)]

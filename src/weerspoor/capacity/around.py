"""Which trains are before and after a path in the zones it uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from weerspoor.capacity.fit import Problem

Ints = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Met:
    """The trains that are near a path in the zones it uses.

    Attributes
    ----------
    before_s, after_s : int or None
        Seconds between the interval and that of the train before it (and after it).
    before, after : int
        Numbers of those trains in the timelines; -1 if there is none.
    """

    before_s: int | None
    before: int
    after_s: int | None
    after: int


class Around:
    """Looks up, zone by zone, which trains are before and after an interval."""

    def __init__(self, problem: Problem) -> None:
        lines = problem.occupation.timelines.lines
        self.from_s, self.until_s, self.train = lines.from_s, lines.until_s, lines.train
        self.occupies, self.blocks = lines.occupies, lines.blocks
        self.first, self.count = lines.first, lines.number

    def near(self, zone: Ints, from_s: Ints, until_s: Ints, occupies: Ints, blocks: Ints) -> list[Met]:
        """Return, for every interval of a zone, the trains before and after it that conflict with it in kind."""
        begin, count = self.first[zone], self.count[zone]
        query = np.repeat(np.arange(len(zone)), count)
        row = np.repeat(begin - (np.cumsum(count) - count), count) + np.arange(int(count.sum()))
        relevant = ((self.blocks[row] & occupies[query]) | (self.occupies[row] & blocks[query])) != 0
        query, row = query[relevant], row[relevant]
        earlier, later = self.until_s[row] <= from_s[query], self.from_s[row] >= until_s[query]
        before = _last_of(query[earlier], self.until_s[row[earlier]], row[earlier], len(zone))
        after = _last_of(query[later], -self.from_s[row[later]], row[later], len(zone))
        return [
            Met(
                a - int(self.until_s[i]) if i >= 0 else None,
                int(self.train[i]) if i >= 0 else -1,
                int(self.from_s[j]) - b if j >= 0 else None,
                int(self.train[j]) if j >= 0 else -1,
            )
            for a, b, i, j in zip(from_s.tolist(), until_s.tolist(), before.tolist(), after.tolist(), strict=True)
        ]


def _last_of(
    group: npt.NDArray[np.int64], key: npt.NDArray[np.int32], row: npt.NDArray[np.int64], n: int
) -> npt.NDArray[np.int64]:
    """Return for each of ``n`` groups the row with the greatest key, the first of several; -1 where it has none."""
    found = np.full(n, -1, np.int64)
    order = np.lexsort((-row, key, group))
    last = np.flatnonzero(np.diff(group[order], append=-1) != 0)
    found[group[order][last]] = row[order][last]
    return found

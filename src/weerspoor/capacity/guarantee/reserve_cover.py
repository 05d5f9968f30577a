"""The fewest paths to hold so that a train finds one in time, whenever it is ready.

Candidates lie on a circle of 24 hours. For a promise "leaves within W seconds" to n trains, at least n of the held
paths have to leave in every stretch of W seconds in which there are n candidates at all. With S(k) the number of held
paths among the first k candidates this is a system of differences::

    0 <= S(k+1) - S(k) <= 1          a candidate is held or not
    S(j) - S(i) >= n                 the candidates i .. j-1 leave in one stretch
    S(k + all) = S(k) + T            the circle, with T held in all

For a given T it has an answer just when its longest ways have no cycle above 0; the least T that has one is the least
number of paths. More paths never break a promise, so T is found by halving.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from weerspoor.common.clock import DAY_S


@dataclass(frozen=True)
class Cover:
    """Which candidates to hold.

    Attributes
    ----------
    chosen : list of int
        Indices of the candidates, rising.
    share : float
        Of the times that had to be covered.
    """

    chosen: list[int]
    share: float


def least_cover(times_s: Sequence[int], within_s: int, n: int, ready_s: Sequence[int] | None = None) -> Cover:
    """Return the fewest candidates that let ``n`` trains leave within a time of being ready.

    Parameters
    ----------
    times_s : sequence of int
        When each candidate leaves, rising, all within 24 hours.
    within_s : int
        At most 24 hours.
    n : int
    ready_s : sequence of int, optional
        When trains are ready; any time of the day when left out. Times without ``n`` candidates are left uncovered.
    """
    if not times_s:
        return Cover([], 0.0)
    windows = _windows(times_s, within_s, n, ready_s)
    chosen = _fewest(len(times_s), windows, n)
    return Cover(chosen, covered_share([times_s[i] for i in chosen], within_s, n, ready_s))


def covered_share(times_s: Sequence[int], within_s: int, n: int, ready_s: Sequence[int] | None = None) -> float:
    """Return at what share of the times of the day, or of those given, ``n`` paths leave within a time."""
    if ready_s is not None:
        good = sum(len(_leaving(times_s, at, within_s)) >= n for at in ready_s)
        return good / len(ready_s) if ready_s else 1.0
    return 1.0 - sum(end - begin for begin, end in uncovered(times_s, within_s, n)) / DAY_S


def uncovered(times_s: Sequence[int], within_s: int, n: int) -> list[tuple[int, int]]:
    """Return from when until when a train that is ready does not find ``n`` paths within a time."""
    count = len(times_s)
    if count == 0:
        return [(0, DAY_S)]
    if n > count:
        return [(times_s[0], times_s[0] + DAY_S)]
    spans = []
    for i in range(count):
        # Ready after path i has left: the n-th path from then on is i + n.
        nth = _unrolled(times_s, i + n)
        begin, end = times_s[i], min(_unrolled(times_s, i + 1), nth - within_s)
        if end > begin:
            spans.append((begin, end))
    return spans


def _unrolled(times_s: Sequence[int], k: int) -> int:
    rounds, index = divmod(k, len(times_s))
    return times_s[index] + rounds * DAY_S


def _leaving(times_s: Sequence[int], at_s: int, within_s: int) -> list[int]:
    """Return the candidates that leave from a time on for so long, unrolled."""
    count = len(times_s)
    if not count:
        return []
    at = times_s[0] + (at_s - times_s[0]) % DAY_S
    first = next((k for k in range(count) if times_s[k] >= at), count)
    return [k for k in range(first, first + count) if _unrolled(times_s, k) <= at + within_s]


def _windows(times_s: Sequence[int], within_s: int, n: int, ready_s: Sequence[int] | None) -> list[tuple[int, int]]:
    """Return (first, one behind the last) of the candidates of every stretch that has to hold ``n``, unrolled."""
    count = len(times_s)
    if ready_s is not None:
        stretches = [_leaving(times_s, at, within_s) for at in ready_s]
        return [(row[0], row[-1] + 1) for row in stretches if len(row) >= n]
    if n > count:
        return []
    found = []
    unrolled = [_unrolled(times_s, k) for k in range(2 * count + n)]
    for i in range(count):
        # The first time after candidate i has left at which n candidates lie ahead in time.
        begin = max(unrolled[i], unrolled[i + n] - within_s)
        if begin <= unrolled[i + 1]:
            last = min(bisect_right(unrolled, begin + within_s), i + 1 + count)
            found.append((i + 1, last))
    return found


def _fewest(count: int, windows: list[tuple[int, int]], n: int) -> list[int]:
    """Return the fewest candidates of a circle of which every window holds ``n``."""
    if not windows:
        return []
    low, high = 0, count
    best = _held(count, windows, n, high)
    if best is None:
        raise RuntimeError("holding every candidate does not keep a promise that they can keep")
    while low < high:
        middle = (low + high) // 2
        held = _held(count, windows, n, middle)
        if held is None:
            low = middle + 1
        else:
            best, high = held, middle
    return best


def _held(count: int, windows: list[tuple[int, int]], n: int, total: int) -> list[int] | None:
    """Return candidates, ``total`` of them, of which every window holds ``n``; None if there are none such."""
    tail: list[int] = []
    head: list[int] = []
    gain: list[int] = []

    def at_least(begin: int, end: int, least: int) -> None:
        """S(end) - S(begin) >= least, with both brought onto the circle."""
        rounds_b, i = divmod(begin, count)
        rounds_e, j = divmod(end, count)
        tail.append(i)
        head.append(j)
        gain.append(least - (rounds_e - rounds_b) * total)

    for k in range(count):
        at_least(k, k + 1, 0)
        at_least(k + 1, k, -1)
    for first, last in windows:
        at_least(first, last, n)
    values = _longest_ways(count, np.array(tail), np.array(head), np.array(gain, np.int64))
    if values is None:
        return None
    sums = [int(v) for v in values] + [int(values[0]) + total]
    return [k for k in range(count) if sums[k + 1] > sums[k]]


def _longest_ways(
    n: int, tail: npt.NDArray[np.int64], head: npt.NDArray[np.int64], gain: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64] | None:
    """Return the longest ways to every node from anywhere; None when a cycle gains."""
    value = np.zeros(n, np.int64)
    for _ in range(n + 1):
        better = value.copy()
        np.maximum.at(better, head, value[tail] + gain)
        if np.array_equal(better, value):
            return value
        value = better
    return None

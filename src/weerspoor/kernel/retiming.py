# ruff: noqa: PLR0917
# mypy: disable-error-code="no-untyped-def"
"""One train that keeps its tracks and its running times: the least costly shifts of its legs among other trains.

A *leg* runs from one stand to the next. All that is held and given back while a leg is run moves with it; what is taken
in one leg and given back in a later one is held as long as the train stands between them. So a train is its rows, each
with the leg that takes it and the leg that gives it back, and a plan for it is one shift a leg, in whole seconds: such
a train runs just as it did, only later (or earlier), and stands longer where it waits.

The least costly shifts among the intervals of other trains are found leg by leg. A label is (leg, shift, how far the
gap reaches in which it stands next, cost); of all shifts within one gap the least is enough, because nothing gets
cheaper by being later. A train that may leave early pays for that as well: there the greatest shift of a gap up to 0 is
tried besides. It may also begin at a later leg or end after an earlier one, at a price.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from weerspoor.kernel.compiled import compiled
from weerspoor.kernel.graph import Ints
from weerspoor.kernel.timelines import Bytes, Rows, Timelines

Floats = npt.NDArray[np.float64]

FAR_S = 1 << 28
"""Further than any time."""


class Moving(NamedTuple):
    """A train that may be moved, as compiled code takes it.

    Attributes
    ----------
    zone, from_s, until_s : (n,) int32
        Its rows at shift 0.
    takes, gives : (n,) int32
        The leg in which a row is taken, and the one in which it is given back; ``takes <= gives``.
    occupies, blocks : (n,) uint8
    order : (n,) int32, order_start : (legs + 1,) int32
        Rows by the leg that takes them (CSR).
    ready_s : (legs,) int32
        A train that begins with a leg is on the track there from this time on.
    """

    zone: Ints
    from_s: Ints
    until_s: Ints
    takes: Ints
    gives: Ints
    occupies: Bytes
    blocks: Bytes
    order: Ints
    order_start: Ints
    ready_s: Ints


class Terms(NamedTuple):
    """Within which bounds a train may be moved, and what that costs; one entry a leg.

    Attributes
    ----------
    low_s, high_s : (legs,) int32
        Least and greatest shift.
    spare_s : (legs,) int32
        How much of its lateness the train may make up at the stand before the leg.
    late_eur : (legs,) float64
        Price of a second later at the end of the leg.
    early_eur : (legs,) float64
        Price of a second earlier at its beginning.
    begin_eur : (legs,) float64
        Price of beginning with this leg; infinite where it cannot.
    end_eur : (legs,) float64
        Price of ending with this leg; infinite where it cannot.
    """

    low_s: Ints
    high_s: Ints
    spare_s: Ints
    late_eur: Floats
    early_eur: Floats
    begin_eur: Floats
    end_eur: Floats


@dataclass(frozen=True)
class Retimed:
    """The least costly shifts of a train.

    Attributes
    ----------
    first, last : int
        The legs that it runs, both included.
    shift_s : (legs,) int32
        0 for legs that it does not run.
    eur : float
    """

    first: int
    last: int
    shift_s: Ints
    eur: float

    @property
    def whole(self) -> bool:
        """Whether it runs all its legs."""
        return self.first == 0 and self.last + 1 == len(self.shift_s)


def moving(rows: Rows, takes: Ints, gives: Ints, ready_s: Ints) -> Moving:
    """Return a train with its rows put in order of the legs that take them; one entry of ``ready_s`` a leg."""
    order = np.argsort(takes, kind="stable").astype(np.int32)
    start = np.searchsorted(takes[order], np.arange(len(ready_s) + 1)).astype(np.int32)

    def whole(column: npt.NDArray[np.generic]) -> Ints:
        return np.ascontiguousarray(column, np.int32)

    return Moving(
        whole(rows.zone), whole(rows.from_s), whole(rows.until_s), whole(takes), whole(gives),
        np.ascontiguousarray(rows.occupies), np.ascontiguousarray(rows.blocks), order, start, whole(ready_s),
    )  # fmt: skip


@compiled
def _first_reaching(lines, z, time_s):
    """Return the first row of a zone that may last beyond a time."""
    lo, hi = lines.first[z], lines.first[z] + lines.number[z]
    while lo < hi:
        mid = (lo + hi) >> 1
        if lines.reach[mid] <= time_s:
            lo = mid + 1
        else:
            hi = mid
    return lo


@compiled
def _forbidden(lines, train, leg, low_s, high_s, change, spans):
    """Write the spans of shifts (from, to; both included) that other trains forbid to a leg, in order; return how many.

    Only rows that the leg both takes and gives back count. ``change`` has room for every shift and is all 0, before
    and after.
    """
    for k in range(train.order_start[leg], train.order_start[leg + 1]):
        row = train.order[k]
        if train.gives[row] != leg:
            continue
        z, begin, end = train.zone[row], train.from_s[row], train.until_s[row]
        last = lines.first[z] + lines.number[z]
        i = _first_reaching(lines, z, begin + low_s)
        while i < last and lines.from_s[i] < end + high_s:
            meets = (train.blocks[row] & lines.occupies[i]) or (lines.blocks[i] & train.occupies[row])
            if meets and lines.until_s[i] > begin + low_s:
                change[max(lines.from_s[i] - end + 1 - low_s, 0)] += 1
                change[min(lines.until_s[i] - begin - low_s, high_s - low_s + 1)] -= 1
            i += 1
    n, busy = 0, 0
    for k in range(high_s - low_s + 1):
        before = busy
        busy += change[k]
        change[k] = 0
        if busy and not before:
            spans[n, 0] = low_s + k
        if before and not busy:
            spans[n, 1] = low_s + k - 1
            n += 1
    change[high_s - low_s + 1] = 0
    if busy:
        spans[n, 1] = high_s
        n += 1
    return n


@compiled
def _stand(lines, train, leg, shift):
    """Return (least shift not before ``shift`` at which all that the leg leaves held is free when taken, limit, next).

    ``limit`` is the greatest shift of the legs that give these rows back; ``next`` the least greater shift at which the
    limit may be greater.
    """
    settled = False
    limit, after = FAR_S, FAR_S
    while not settled:
        settled = True
        limit, after = FAR_S, FAR_S
        for k in range(train.order_start[leg], train.order_start[leg + 1]):
            row = train.order[k]
            if train.gives[row] == leg:
                continue
            z, begin, end = train.zone[row], train.from_s[row] + shift, train.until_s[row]
            last = lines.first[z] + lines.number[z]
            i = _first_reaching(lines, z, begin)
            free_until, busy_until = FAR_S, FAR_S
            while i < last:
                meets = (train.blocks[row] & lines.occupies[i]) or (lines.blocks[i] & train.occupies[row])
                if meets and lines.until_s[i] > begin:
                    if lines.from_s[i] <= begin:
                        shift += lines.until_s[i] - begin
                        settled = False
                        break
                    if lines.from_s[i] < free_until:
                        free_until, busy_until = lines.from_s[i], lines.until_s[i]
                    break
                i += 1
            if not settled:
                break
            if free_until < FAR_S and free_until - end < limit:
                limit = free_until - end
            if free_until < FAR_S:
                after = min(after, busy_until - train.from_s[row])
    return shift, limit, after


@compiled
def _on_track(lines, train, leg, shift):
    """Return the least shift not before ``shift`` at which the track is free under a train that begins with a leg.

    ``FAR_S`` where it would stand on a track that it gives back only after another stand.
    """
    settled = False
    while not settled:
        settled = True
        for row in range(train.order_start[leg]):
            k = train.order[row]
            if train.gives[k] < leg:
                continue
            if train.gives[k] > leg:
                return FAR_S
            z, end = train.zone[k], train.until_s[k] + shift
            begin = max(train.from_s[k], train.ready_s[leg]) + shift
            last = lines.first[z] + lines.number[z]
            i = _first_reaching(lines, z, begin)
            while i < last and lines.from_s[i] < end:
                meets = (train.blocks[k] & lines.occupies[i]) or (lines.blocks[i] & train.occupies[k])
                if meets and lines.until_s[i] > begin:
                    shift += lines.until_s[i] - begin
                    settled = False
                    break
                i += 1
            if not settled:
                break
    return shift


@compiled
def _last_gives(train, leg):
    """Return the last leg that gives back a row which this leg takes."""
    last = leg
    for k in range(train.order_start[leg], train.order_start[leg + 1]):
        last = max(last, train.gives[train.order[k]])
    return last


@compiled
def _keep(labels, begin, n, leg, shift, limit, limit_leg, cost, parent, first):
    """Add a label of a leg unless another is as good in all; return the number of labels."""
    for i in range(begin, n):
        reaches = labels[i].limit >= limit or labels[i].limit >= FAR_S
        if labels[i].shift <= shift and labels[i].cost <= cost + 1e-9 and reaches and labels[i].limit_leg <= limit_leg:
            return n
    if n == len(labels):
        return n
    labels[n].leg = leg
    labels[n].shift = shift
    labels[n].limit = limit
    labels[n].limit_leg = limit_leg
    labels[n].cost = cost
    labels[n].parent = parent
    labels[n].first = first
    return n + 1


LABEL = np.dtype(
    [
        ("cost", np.float64), ("leg", np.int32), ("shift", np.int32), ("limit", np.int32), ("limit_leg", np.int32),
        ("parent", np.int32), ("first", np.int32),
    ]
)  # fmt: skip


@compiled
def _retime(lines, train, terms, most_eur, labels, room, shift_s):
    """Find the least costly shifts; write them and return (cost, first leg, last leg), an infinite cost if none."""
    change, spans = room
    legs = len(train.order_start) - 1
    best, best_label = most_eur, -1
    n, before, before_end = 0, 0, 0
    for leg in range(legs):
        low_s, high_s = terms.low_s[leg], terms.high_s[leg]
        if high_s < low_s:
            before, before_end = n, n
            continue
        found = _forbidden(lines, train, leg, low_s, high_s, change, spans)
        gives = _last_gives(train, leg)
        begin = n
        for source in range(before, before_end + 1):
            if source == before_end:
                # The train begins with this leg.
                if terms.begin_eur[leg] >= best:
                    continue
                cost, lowest, highest, parent, first = terms.begin_eur[leg], low_s, high_s, -1, leg
                carried, carried_leg = FAR_S, -1
            else:
                label = labels[source]
                cost, parent, first = label.cost, source, label.first
                lowest, highest = max(low_s, label.shift - terms.spare_s[leg]), high_s
                carried, carried_leg = label.limit, label.limit_leg
                if leg <= carried_leg:
                    highest = min(highest, carried)
                if leg >= carried_leg:
                    carried, carried_leg = FAR_S, -1
            shift, span = lowest, 0
            while shift <= highest and n < len(labels):
                while span < found and spans[span, 1] < shift:
                    span += 1
                if span < found and spans[span, 0] <= shift:
                    shift = spans[span, 1] + 1
                    continue
                if parent < 0 and leg > 0:
                    stands = _on_track(lines, train, leg, shift)
                    if stands > shift:
                        shift = stands
                        continue
                limit, after = FAR_S, FAR_S
                if gives > leg:
                    stands, limit, after = _stand(lines, train, leg, shift)
                    if stands > shift:
                        shift = stands
                        continue
                late_eur = terms.late_eur[leg] * max(shift, 0) + terms.early_eur[leg] * max(-shift, 0)
                total = cost + late_eur
                if total >= best:
                    if shift >= 0:
                        break
                else:
                    reach, reach_leg = min(limit, carried), max(gives if gives > leg else -1, carried_leg)
                    n = _keep(labels, begin, n, leg, shift, reach, reach_leg, total, parent, first)
                    if shift <= limit and total + terms.end_eur[leg] < best and n > begin:
                        # Ending here, it holds its stand as long as it would have stood.
                        at = n - 1
                        if labels[at].shift == shift and labels[at].cost == total and labels[at].parent == parent:
                            best, best_label = total + terms.end_eur[leg], at
                # The next shift worth looking at lies in another gap, of the leg or of the stand behind it.
                onward = min(spans[span, 1] + 1 if span < found else FAR_S, max(after, shift + 1))
                if shift < 0:
                    # Being early costs as well: in this gap, the shift nearest to 0 is looked at besides.
                    gap_end = min(0, after - 1)
                    if span < found:
                        gap_end = min(gap_end, spans[span, 0] - 1)
                    if gap_end > shift:
                        onward = gap_end
                shift = onward
        before, before_end = begin, n
    if best_label < 0:
        return np.inf, 0, 0
    shift_s[:] = 0
    last, label = labels[best_label].leg, best_label
    first = labels[best_label].first
    while label >= 0:
        shift_s[labels[label].leg] = labels[label].shift
        label = labels[label].parent
    return best, first, last


@compiled
def _needs(lines, zone, from_s, until_s, occupies, blocks, shift, need_s, touched):
    """Write how much later each train has to be to come behind rows shifted by so much; return the number of trains."""
    n = 0
    for k in range(len(zone)):
        z, begin, end = zone[k], from_s[k] + shift, until_s[k] + shift
        last = lines.first[z] + lines.number[z]
        i = _first_reaching(lines, z, begin)
        while i < last and lines.from_s[i] < end:
            meets = (blocks[k] & lines.occupies[i]) or (lines.blocks[i] & occupies[k])
            if meets and lines.until_s[i] > begin:
                train = lines.train[i]
                if need_s[train] == 0:
                    touched[n] = train
                    n += 1
                need_s[train] = max(need_s[train], end - lines.from_s[i])
            i += 1
    return n


def needs(timelines: Timelines, rows: Rows, shifts: Ints, trains: int) -> list[tuple[Ints, Ints]]:
    """Return for each shift of some rows the trains in the way, and how much later each had to be to come behind.

    Parameters
    ----------
    timelines : Timelines
    rows : Rows
    shifts : (k,) int32
    trains : int
        More than the greatest number of a train.

    Returns
    -------
    list of (trains, seconds)
        Trains in the order in which they are met.
    """
    need_s, touched = np.zeros(trains, np.int32), np.zeros(trains, np.int32)
    found = []
    for shift in shifts.tolist():
        n = _needs(
            timelines.lines, rows.zone, rows.from_s, rows.until_s, rows.occupies, rows.blocks, shift, need_s, touched
        )
        met = touched[:n].copy()
        found.append((met, need_s[met].copy()))
        need_s[met] = 0
    return found


class Retimer:
    """Finds the least costly shifts of trains; keeps the room it needs."""

    def __init__(self) -> None:
        self._labels = np.zeros(4096, LABEL)
        self._room = (np.zeros(0, np.int32), np.zeros((0, 2), np.int32))

    def __call__(self, timelines: Timelines, train: Moving, terms: Terms, most_eur: float = np.inf) -> Retimed | None:
        """Return the least costly shifts of a train among the trains in the timelines; None if there are none.

        Parameters
        ----------
        timelines : Timelines
            Without the train itself.
        train : Moving
        terms : Terms
        most_eur : float
            What costs as much or more need not be found.
        """
        shift_s = np.zeros(len(train.order_start) - 1, np.int32)
        shifts = int((terms.high_s - terms.low_s).max(initial=0)) + 2
        if len(self._room[0]) < shifts:
            self._room = (np.zeros(shifts, np.int32), np.zeros((shifts // 2 + 1, 2), np.int32))
        eur, first, last = _retime(timelines.lines, train, terms, most_eur, self._labels, self._room, shift_s)
        return None if np.isinf(eur) else Retimed(int(first), int(last), shift_s, float(eur))


def rows_at(train: Moving, retimed: Retimed) -> Rows:
    """Return what a train holds at its shifts; legs that it does not run hold nothing."""
    runs = (train.gives >= retimed.first) & (train.takes <= retimed.last)
    takes, gives = np.maximum(train.takes[runs], retimed.first), np.minimum(train.gives[runs], retimed.last)
    earliest = np.where(train.takes[runs] < retimed.first, train.ready_s[retimed.first], train.from_s[runs])
    from_s = np.maximum(train.from_s[runs], earliest)
    return Rows(
        train.zone[runs],
        (from_s + retimed.shift_s[takes]).astype(np.int32),
        (train.until_s[runs] + retimed.shift_s[gives]).astype(np.int32),
        train.occupies[runs],
        train.blocks[runs],
    )

# ruff: noqa: PLR0917
# mypy: disable-error-code="no-untyped-def"
"""Putting the paths of trains into the uses of resources, and taking them out."""

from __future__ import annotations

import numpy as np

from weerspoor.kernel.compiled import entry, inlined, lean
from weerspoor.kernel.dispatch.arrays import NEVER
from weerspoor.kernel.dispatch.insertion import (
    FOUND,
    LABELS,
    MARK,
    cost_at,
    find_path,
    first_after,
    look_beyond,
    uses_it,
)

STUB = -1
"""Event at which a train without a path yet takes what it stands on."""


@lean
def put(uses, r, start, end, release, train, begin, until):
    """Put one use into the rows of a resource."""
    row = first_after(uses, r, start)
    j = uses.first[r] + uses.number[r]
    # A train's own earlier use may close the resource beyond its next one.
    while row < j and uses.train[row] == train and uses.begin[row] < begin:
        row += 1
    if row > uses.first[r] and uses.train[row - 1] == train:
        release = max(release, uses.end[row - 1] + uses.release[row - 1] - end)
    while j > row:
        uses.start[j], uses.end[j], uses.release[j] = uses.start[j - 1], uses.end[j - 1], uses.release[j - 1]
        uses.train[j], uses.begin[j], uses.until[j] = uses.train[j - 1], uses.begin[j - 1], uses.until[j - 1]
        j -= 1
    uses.start[row], uses.end[row], uses.release[row] = start, end, release
    uses.train[row], uses.begin[row], uses.until[row] = train, begin, until
    uses.number[r] += 1


@lean
def take(uses, r, train, begin):
    """Take one use out of the rows of a resource, if it is there."""
    end = uses.first[r] + uses.number[r]
    for row in range(uses.first[r], end):
        if uses.train[row] == train and uses.begin[row] == begin:
            for j in range(row, end - 1):
                uses.start[j], uses.end[j], uses.release[j] = uses.start[j + 1], uses.end[j + 1], uses.release[j + 1]
                uses.train[j], uses.begin[j], uses.until[j] = uses.train[j + 1], uses.begin[j + 1], uses.until[j + 1]
            uses.number[r] -= 1
            return


@entry
def put_path(tasks, uses, paths, train):
    """Put the path of a train into the uses; a resource that operations in a row name is one use."""
    at, n = tasks.first[train], paths.size[train]
    for p in range(n):
        operation = paths.operation[at + p]
        for u in range(tasks.use_first[operation], tasks.use_first[operation + 1]):
            r = tasks.use[u]
            if p > 0 and uses_it(tasks, paths.operation[at + p - 1], r) >= 0:
                continue
            q, row = p, np.int64(u)
            closed = np.int64(0)
            while True:
                end = paths.start[at + q + 1] if q + 1 < n else NEVER
                closed = max(closed, end + tasks.release[row])
                q += 1
                if q == n:
                    break
                row = np.int64(uses_it(tasks, paths.operation[at + q], r))
                if row < 0:
                    break
            put(uses, r, paths.start[at + p], end, closed - end, train, np.int64(p), np.int64(q))


@lean
def take_path(tasks, uses, paths, train, low, high):
    """Take the uses of a train out that begin before the place ``low`` of its path or from ``high`` on."""
    at, n = tasks.first[train], paths.size[train]
    for p in range(n):
        if low <= p < high:
            continue
        operation = paths.operation[at + p]
        for u in range(tasks.use_first[operation], tasks.use_first[operation + 1]):
            r = tasks.use[u]
            if p == 0 or uses_it(tasks, paths.operation[at + p - 1], r) < 0:
                take(uses, r, train, np.int64(p))


@entry
def put_stub(tasks, uses, train, longer):
    """Put in what a train without a path stands on when it must begin at a given time.

    It may be taken to stand there for longer than it must, so that others leave it a way out.
    """
    operation = tasks.first[train]
    if tasks.upper[operation] != tasks.lower[operation] or tasks.least[operation] == 0:
        return
    for u in range(tasks.use_first[operation], tasks.use_first[operation + 1]):
        r = tasks.use[u]
        start = tasks.lower[operation]
        end = start + tasks.least[operation]
        row = first_after(uses, r, start)
        if row < uses.first[r] + uses.number[r]:
            end = max(end, min(end + longer, uses.start[row] - tasks.release[u]))
        else:
            end += longer
        put(uses, r, start, end, tasks.release[u], train, np.int64(STUB), np.int64(STUB))


@lean
def take_stub(tasks, uses, train):
    """Take out what a train without a path stands on."""
    operation = tasks.first[train]
    for u in range(tasks.use_first[operation], tasks.use_first[operation + 1]):
        take(uses, tasks.use[u], train, np.int64(STUB))


@lean
def keep_found(tasks, paths, work, train):
    """Make the path that was found last the path of a train; return its cost."""
    at, n = tasks.first[train], work.counts[LABELS]
    cost = 0.0
    for p in range(n):
        paths.operation[at + p], paths.start[at + p] = work.found[p], work.found_time[p]
        cost += cost_at(tasks, work.found[p], work.found_time[p])
    paths.size[train], paths.cost[train] = n, cost
    return cost


@lean
def delay_found(tasks, work, cut):
    """Let the path that was found last wait as early as it can, up to a place on it, where that costs nothing."""
    for p in range(cut - 1, 0, -1):
        operation = work.found[p]
        latest = min(work.found_time[p + 1] - tasks.least[operation], work.found_limit[p - 1], tasks.upper[operation])
        for k in range(tasks.part_first[operation], tasks.part_first[operation + 1]):
            free = tasks.threshold[k] if tasks.increment[k] == 0.0 else tasks.threshold[k] - 1
            latest = min(latest, max(free, work.found_time[p]))
        work.found_time[p] = max(latest, work.found_time[p])


@entry
def copy_path(tasks, source, target, train):
    """Copy the path of a train from one plan to another."""
    at, n = tasks.first[train], source.size[train]
    target.size[train], target.cost[train] = n, source.cost[train]
    for p in range(at, at + n):
        target.operation[p], target.start[p] = source.operation[p], source.start[p]


@inlined
def row_of(uses, r, train, begin):
    """Return the row of a use of a train that begins at an event."""
    row = uses.first[r]
    while uses.train[row] != train or uses.begin[row] != begin:
        row += 1
    return row


@lean
def run_of(tasks, paths, train, p, r):
    """Return the event at which a train takes the resource that its operation at a place uses."""
    at = tasks.first[train]
    while p > 0 and uses_it(tasks, paths.operation[at + p - 1], r) >= 0:
        p -= 1
    return p


@lean
def closes_for(tasks, uses, paths, train, begin, until, row, r):
    """Return how long a use in a row stays closed behind its end: any of its operations may close it for longest."""
    at = tasks.first[train]
    closed = np.int64(0)
    if row > uses.first[r] and uses.train[row - 1] == train:
        closed = uses.end[row - 1] + uses.release[row - 1]
    for p in range(begin, until):
        u = uses_it(tasks, paths.operation[at + p], r)
        closed = max(closed, paths.start[at + p + 1] + tasks.release[u])
    return closed - uses.end[row]


@lean
def push_back(tasks, uses, paths, old, work, movable, train, touched, marked, count, allowed):
    """Move other trains back, and this one, until none is in the way of one that comes before it.

    The order of trains on each resource stays. Trains that move are added to ``touched``, with their paths before in
    ``old``. Returns (their number, what all of this costs more); a number below 0 if it cannot be, or costs more than
    ``allowed``.
    """
    stack = work.stack
    size = np.int64(0)
    more = 0.0
    turns = 0
    for p in range(1, paths.size[train]):
        stack[size] = (np.int64(train) << 24) | p
        size += 1
    while size > 0:
        turns += 1
        if turns > 20_000:
            return -count - 1, more
        size -= 1
        i, q = stack[size] >> 24, stack[size] & 0xFFFFFF
        first, n = tasks.first[i], paths.size[i]
        time = paths.start[first + q]
        before = paths.operation[first + q - 1]
        uses_before = tasks.use_first[before + 1] - tasks.use_first[before]
        for c in range(-1, uses_before):
            if c < 0:
                if q + 1 >= n:
                    continue
                j, e, earliest = i, q + 1, time + tasks.least[paths.operation[first + q]]
            else:
                u = tasks.use_first[before] + c
                r = tasks.use[u]
                if uses_it(tasks, paths.operation[first + q], r) >= 0:
                    continue
                row = row_of(uses, r, i, run_of(tasks, paths, i, q - 1, r)) + 1
                if row == uses.first[r] + uses.number[r]:
                    continue
                j, e, earliest = uses.train[row], uses.begin[row], time + uses.release[row - 1]
                if e < 0:
                    if uses.start[row] < earliest:
                        return -count - 1, more
                    continue
            place = tasks.first[j] + e
            if paths.start[place] >= earliest:
                continue
            operation = paths.operation[place]
            if earliest > tasks.upper[operation] or e == 0 or movable[j] == 0:
                return -count - 1, more
            if marked[j] == 0:
                marked[j] = 1
                copy_path(tasks, paths, old, j)
                touched[count] = j
                count += 1
            gained = cost_at(tasks, operation, earliest) - cost_at(tasks, operation, paths.start[place])
            more += gained
            paths.cost[j] += gained
            if more > allowed:
                return -count - 1, more
            paths.start[place] = earliest
            # Its uses that begin or end at this event.
            for v in range(tasks.use_first[operation], tasks.use_first[operation + 1]):
                if uses_it(tasks, paths.operation[place - 1], tasks.use[v]) < 0:
                    uses.start[row_of(uses, tasks.use[v], j, e)] = earliest
            gives = paths.operation[place - 1]
            if size + 1 + tasks.use_first[gives + 1] - tasks.use_first[gives] > len(stack):
                return -count - 1, more
            stack[size] = (j << 24) | e
            size += 1
            for v in range(tasks.use_first[gives], tasks.use_first[gives + 1]):
                r = tasks.use[v]
                begin = run_of(tasks, paths, j, e - 1, r)
                row = row_of(uses, r, j, begin)
                if uses_it(tasks, operation, r) < 0:
                    uses.end[row] = earliest
                    if begin < e - 1:
                        uses.release[row] = closes_for(tasks, uses, paths, j, begin, e, row, r)
                elif earliest + tasks.release[v] > uses.end[row] + uses.release[row]:
                    # What it uses further on stays closed for longer behind the operation that lasts longer now.
                    uses.release[row] = earliest + tasks.release[v] - uses.end[row]
                    stack[size] = (j << 24) | uses.until[row]
                    size += 1
    return count, more


@lean
def turns_in_circles(tasks, uses, paths, work, train):
    """Tell whether an event of a train would have to stand before itself: trains that change places in a moment."""
    at, stack = tasks.first[train], work.stack
    for p in range(1, paths.size[train]):
        work.counts[MARK] += 1
        size = look_beyond(tasks, uses, paths, work, np.int64(train), p, paths.start[at + p], np.int64(0))
        while size > 0:
            size -= 1
            if stack[size] == (np.int64(train) << 24) | p:
                return True
            size = look_beyond(
                tasks, uses, paths, work, stack[size] >> 24, stack[size] & 0xFFFFFF, paths.start[at + p], size
            )
    return False


@entry
def insert(tasks, uses, paths, work, train, most_cost):
    """Find the best path of a train and put it in; return the status of the search."""
    status = find_path(tasks, uses, paths, work, train, most_cost)
    if status == FOUND:
        keep_found(tasks, paths, work, train)
        put_path(tasks, uses, paths, train)
    return status

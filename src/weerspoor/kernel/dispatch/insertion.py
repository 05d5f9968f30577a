# ruff: noqa: PLR0917
# mypy: disable-error-code="no-untyped-def"
"""The best path for one train among those that are planned: exact, by labels on the free gaps of its operations."""

from __future__ import annotations

import numpy as np

from weerspoor.kernel.compiled import inlined, lean
from weerspoor.kernel.dispatch.arrays import NEVER

FOUND, BLOCKED, TOO_DEAR, NO_ROOM = 0, 1, 2, 3

LABELS, TAKEN, NOISE, GIVE, MARK = range(5)
"""Places in ``Work.counts``: operations of the path found, labels taken in all, what chooses among equal paths, by how
many seconds another train may be pushed back, what marks the events looked at in ``Work.mark``."""


@inlined
def cost_at(tasks, operation, time):
    """Return what the parts of an operation cost that starts at a time."""
    cost = 0.0
    for k in range(tasks.part_first[operation], tasks.part_first[operation + 1]):
        late = time - tasks.threshold[k]
        if late >= 0:
            cost += tasks.coeff[k] * late + tasks.increment[k]
    return cost


@inlined
def noise_at(work, operation):
    """Return a very small cost by which one of several equal ways is chosen at random."""
    mixed = (operation + work.counts[NOISE]) * np.int64(-7046029254386353131)
    return (((mixed >> 40) & 1023) - 511) * 1e-9


@inlined
def cost_ahead(tasks, train, operation, time):
    """Return no more than the parts behind an operation that starts at a time will cost."""
    cost = 0.0
    at = tasks.ahead_first[operation]
    for k in range(tasks.goal_first[train], tasks.goal_first[train + 1]):
        ahead = tasks.ahead[at + k - tasks.goal_first[train]]
        if ahead > 0:
            late = time + ahead - tasks.threshold[k]
            if late >= 0:
                cost += tasks.coeff[k] * late + tasks.increment[k]
    return cost


@inlined
def first_after(uses, r, time):
    """Return the first row of a resource that still closes it after a time."""
    lo = uses.first[r]
    hi = lo + uses.number[r]
    while lo < hi:
        mid = (lo + hi) >> 1
        if uses.end[mid] + uses.release[mid] <= time:
            lo = mid + 1
        else:
            hi = mid
    return lo


@inlined
def uses_it(tasks, operation, r):
    """Return the row in which an operation names a resource; -1 if it does not."""
    for u in range(tasks.use_first[operation], tasks.use_first[operation + 1]):
        if tasks.use[u] == r:
            return u
    return -1


@lean
def gap_of(tasks, uses, operation, time, most, give, before, since):
    """Return the first start from a time on at which an operation fits, until when it may last, and how to go on.

    ``before`` is the operation that the train comes from and ``since`` when that began; -1 for none. What both use the
    train does not give back between them, so nobody takes it then, not even for no time.

    The second value is until when it may last at most, where trains that come next may be pushed back by ``give``, the
    third until when it may last without; the fourth the earliest start in the next gap. ``NEVER`` for a start later
    than ``most``.
    """
    last = tasks.next_first[operation] == tasks.next_first[operation + 1]
    least = NEVER if last else tasks.least[operation]
    while time <= most:
        again, keeps = False, since < time and give == 0
        limit, free, following = NEVER, NEVER, NEVER
        for u in range(tasks.use_first[operation], tasks.use_first[operation + 1]):
            r = tasks.use[u]
            row = first_after(uses, r, time)
            taken = keeps and row > uses.first[r] and uses.start[row - 1] == time
            if taken and uses_it(tasks, before, r) >= 0:
                if tasks.release[u] > 0 or least > 0:
                    return NEVER, np.int64(0), np.int64(0), NEVER
                # It is to be left by then, for good.
                limit, free = min(limit, time), min(free, time)
                continue
            if row == uses.first[r] + uses.number[r]:
                continue
            until = uses.start[row] - tasks.release[u]
            latest = until + give if uses.begin[row] > 0 else until
            if latest < time + least:
                # Neighbouring uses without room between them are passed at once by asking again.
                time = uses.end[row] + uses.release[row]
                again = True
                break
            limit = min(limit, latest)
            free = min(free, until)
            following = min(following, uses.end[row] + uses.release[row])
        if not again:
            return time, limit, free, following
    return NEVER, np.int64(0), np.int64(0), NEVER


@lean
def taker_of(tasks, uses, u, b, time, train, took):
    """Return the row of the use that takes in one moment what a train gives back when it goes on to ``b``; -1 for none.

    Uses without duration that stand before those of the train do not take it from it; before the train is put in these
    are all of them if it ``took`` it in this same moment, else none.
    """
    r = tasks.use[u]
    row = first_after(uses, r, time)
    while not took and row > uses.first[r] and uses.start[row - 1] == time and uses.train[row - 1] != train:
        row -= 1
    if row == uses.first[r] + uses.number[r] or uses.start[row] != time or uses.begin[row] < 0:
        return np.int64(-1)
    return np.int64(-1) if uses.train[row] == train or uses_it(tasks, b, r) >= 0 else row


@inlined
def look_at(tasks, work, train, event, size):
    """Put an event on the stack, unless it was there before; return the new size."""
    place = tasks.first[train] + event
    if work.mark[place] != work.counts[MARK]:
        work.mark[place] = work.counts[MARK]
        work.stack[size] = (train << 24) | event
        size += 1
    return size


@lean
def look_beyond(tasks, uses, paths, work, i, q, time, size):
    """Put on the stack what comes behind an event in the same moment: the train's next, and takers of what it gives."""
    at = tasks.first[i] + q
    if q + 1 < paths.size[i] and paths.start[at + 1] == time:
        size = look_at(tasks, work, i, q + 1, size)
    if q > 0:
        before = paths.operation[at - 1]
        for u in range(tasks.use_first[before], tasks.use_first[before + 1]):
            if tasks.release[u] != 0:
                continue
            row = taker_of(tasks, uses, u, paths.operation[at], time, i, False)
            if row >= 0:
                size = look_at(tasks, work, uses.train[row], uses.begin[row], size)
    return size


@lean
def gives_to(tasks, uses, work, label, b, time, train, event):
    """Tell whether an event of a train gives back what is taken in the same moment on the way to an operation.

    The way is that of a label to ``b``; of its operations those count that begin in this moment.
    """
    while True:
        a = work.operation[label]
        for v in range(tasks.use_first[b], tasks.use_first[b + 1]):
            r = tasks.use[v]
            if uses_it(tasks, a, r) >= 0:
                continue
            row = first_after(uses, r, time) - 1
            while row >= uses.first[r] and uses.end[row] == time:
                if uses.train[row] == train and uses.until[row] == event:
                    return True
                row -= 1
        if work.time[label] != time or work.parent[label] < 0:
            return False
        b, label = a, work.parent[label]


@inlined
def is_taken_at_once(tasks, uses, a, time):
    """Tell whether another train takes, in the moment in which one leaves an operation, what that may give back."""
    for u in range(tasks.use_first[a], tasks.use_first[a + 1]):
        if tasks.release[u] == 0:
            r = tasks.use[u]
            row = first_after(uses, r, time)
            if row < uses.first[r] + uses.number[r] and uses.start[row] == time:
                return True
            if row > uses.first[r] and uses.start[row - 1] == time:
                return True
    return False


@lean
def closes_circle(tasks, uses, paths, work, label, b, time):
    """Tell whether a train that goes on from a label would stand before itself in one moment.

    That is so when one that takes what this train gives back gives back, itself or through others that take what it
    gives back and so on, what this train takes: all would change places in a moment.
    """
    a, size = work.operation[label], np.int64(0)
    for u in range(tasks.use_first[a], tasks.use_first[a + 1]):
        if tasks.release[u] != 0:
            continue
        row = taker_of(tasks, uses, u, b, time, -1, work.time[label] == time)
        if row >= 0:
            if size == 0:
                work.counts[MARK] += 1
            size = look_at(tasks, work, uses.train[row], uses.begin[row], size)
    while size > 0:
        size -= 1
        i, q = work.stack[size] >> 24, work.stack[size] & 0xFFFFFF
        if gives_to(tasks, uses, work, label, b, time, i, q):
            return True
        size = look_beyond(tasks, uses, paths, work, i, q, time, size)
    return False


@inlined
def push(work, size, f, label):
    """Put a label into the queue, in order of cost and then of the latest operation."""
    j = size
    while j > 0:
        up = (j - 1) >> 1
        if work.key[up] < f or (work.key[up] == f and work.operation[work.item[up]] >= work.operation[label]):
            break
        work.key[j], work.item[j] = work.key[up], work.item[up]
        j = up
    work.key[j], work.item[j] = f, label
    return size + 1


@inlined
def pop(work, size):
    """Take the first label out of the queue; return the new size."""
    size -= 1
    f, label = work.key[size], work.item[size]
    operation = work.operation[label]
    i = 0
    while True:
        c = 2 * i + 1
        if c >= size:
            break
        if c + 1 < size and (
            work.key[c + 1] < work.key[c]
            or (work.key[c + 1] == work.key[c] and work.operation[work.item[c + 1]] > work.operation[work.item[c]])
        ):
            c += 1
        if work.key[c] > f or (work.key[c] == f and work.operation[work.item[c]] <= operation):
            break
        work.key[i], work.item[i] = work.key[c], work.item[c]
        i = c
    work.key[i], work.item[i] = f, label
    return size


@lean
def find_path(tasks, uses, paths, work, train, most_cost):
    """Find the path of least cost for a train; return the status.

    Its operations are in ``work.found``, its starts in ``work.found_time``, ``work.counts[LABELS]`` is their number.

    A path that costs ``most_cost`` or more is not looked for.
    """
    first, last = tasks.first[train], tasks.first[train + 1] - 1
    give = work.counts[GIVE]
    for j in range(last - first + 1):
        work.head[j] = -1
    n, size = 0, 0
    status = BLOCKED
    # The entry: every gap in which it may start.
    time, most = tasks.lower[first], tasks.upper[first]
    while True:
        start, limit, free, following = gap_of(tasks, uses, first, time, most, np.int64(0), -1, NEVER)
        if start > most:
            break
        cost = cost_at(tasks, first, start)
        f = cost + cost_ahead(tasks, train, first, start)
        if f >= most_cost:
            status = TOO_DEAR
            break
        if n == len(work.time):
            return NO_ROOM
        work.operation[n], work.time[n], work.limit[n], work.cost[n], work.parent[n] = first, start, limit, cost, -1
        work.free[n] = free
        work.following[n], work.head[0], work.dead[n] = work.head[0], n, 0
        size = push(work, size, f, n)
        n += 1
        if following == NEVER:
            break
        time = following
    while size > 0:
        label = work.item[0]
        size = pop(work, size)
        a = work.operation[label]
        if work.dead[label] == 1:
            continue
        work.counts[TAKEN] += 1
        if a == last:
            k = 0
            at = label
            while at >= 0:
                k += 1
                at = work.parent[at]
            work.counts[LABELS] = k
            while label >= 0:
                k -= 1
                work.found[k], work.found_time[k] = work.operation[label], work.time[label]
                work.found_limit[k] = work.limit[label]
                label = work.parent[label]
            return FOUND
        leave = work.time[label] + tasks.least[a]
        until = work.limit[label]
        for s in range(tasks.next_first[a], tasks.next_first[a + 1]):
            b = tasks.next[s]
            time, most = max(leave, tasks.lower[b]), min(until, tasks.upper[b])
            while True:
                start, limit, free, following = gap_of(tasks, uses, b, time, most, give, a, work.time[label])
                if start > most:
                    break
                cost = work.cost[label] + cost_at(tasks, b, start) + noise_at(work, b)
                if start > work.free[label]:
                    cost += work.price[0] * (start - work.free[label])
                f = cost + cost_ahead(tasks, train, b, start)
                if f >= most_cost:
                    status = TOO_DEAR
                    break
                changes = is_taken_at_once(tasks, uses, a, start) and closes_circle(
                    tasks, uses, paths, work, label, b, start
                )
                if changes and give > 0:
                    # A second later the other has gone, if it is pushed back.
                    time = start + 1
                    continue
                if not changes:
                    # One that is there no later, in the same gap and at no more cost, can do all that this one can.
                    dominated = False
                    j = work.head[b - first]
                    while j >= 0:
                        if work.time[j] <= start and limit <= work.limit[j] and work.cost[j] <= cost:
                            dominated = True
                            break
                        if start <= work.time[j] <= limit and cost <= work.cost[j]:
                            work.dead[j] = 1
                        j = work.following[j]
                    if not dominated:
                        if n == len(work.time):
                            return NO_ROOM
                        work.operation[n], work.time[n], work.limit[n], work.free[n] = b, start, limit, free
                        work.cost[n], work.parent[n], work.dead[n] = cost, label, 0
                        work.following[n], work.head[b - first] = work.head[b - first], n
                        size = push(work, size, f, n)
                        n += 1
                if following >= NEVER:
                    break
                time = following
    return status

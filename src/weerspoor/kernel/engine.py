# ruff: noqa: PLR0917
# mypy: disable-error-code="no-untyped-def, unused-ignore"
"""The compiled inner part of the search: labels, running, free windows, dominance.

Read :mod:`weerspoor.kernel.plain` first: it states the same model in short, plain Python. Here a *label* stands for
all runs along one route that differ only by a rigid shift in time since the last departure: the head is at the exit of
directed piece ``dp`` at ``d + r`` for every departure ``d`` (a multiple of the step) in ``d_lo .. d_hi``. All lengths
are multiples of 1/1024 m and all times of 1/1024 s, so that sums are exact and equal states are found equal.

A profile keeps a *front*: for a number of stops and each departure of the grid, the earliest arrival known of a run
that leaves no earlier and stops no more often. Its labels are taken in order of the least time since the origin; those
departures of a label for which the front is no worse than the label can become are dropped, so quick runs that may
leave at many times spare the search all slower ones.

All of it is in one file because compiled code is kept by file: what is called from another one could be out of date.
"""

from __future__ import annotations

import numpy as np
from numba import njit

WIDEN_S = 3
TICKS = 1024.0
NEVER = 2_000_000_000

MOVING, STANDING, ENDED = 0, 1, 2

UNTOUCHED, EMPTIED = -1, -2
"""Heads of buckets without labels: never filled since the start of the search, or filled and emptied."""

RUNNING, EMPTY, GROW_LABELS, GROW_WINDOWS, GROW_SCRATCH, GAVE_UP = 0, 1, 2, 3, 4, 5

LABEL = np.dtype(
    [
        ("f", "f8"),  # least time at the destination; for a profile the least time since the departure from the origin
        ("rest", "f8"),  # least time from here to the destination; the smaller goes first among equals
        ("r", "f8"),  # head at the exit, since the departure, before braking for the next piece
        ("enter", "f8"),  # head at the entry since the departure; for a stop: the arrival, for the end: the end
        ("x_in", "f8"),  # place on the acceleration curve at the entry; for a stop: the least stand
        ("x", "f8"),  # place on the acceleration curve at the exit
        ("lock", "f8"),  # start of the lock since the departure
        ("pos", "f8"),  # metres from the exit of the origin to the exit
        ("hash", "i8"),  # the limits under the train at the entry; for a stop: at the exit
        ("back", "f8"),  # minus the length of the piece
        ("dp", "i4"),
        ("parent", "i4"),
        ("prev", "i4"),  # label of the piece before; the piece itself for a stop
        ("d_lo", "i4"),  # departures
        ("d_hi", "i4"),
        (
            "a_lo",
            "i4",
        ),  # departures before this piece, without what it loses on it; for a stop: of the leg that ends here
        ("a_hi", "i4"),
        ("end", "i4"),  # end of the free window used on the piece
        ("o_max", "i4"),  # a departure d belongs to one from the origin at min(o_max, d - lag)
        ("lag", "i4"),
        ("next", "i4"),  # next label in the same bucket
        ("stage", "i2"),  # next stage to reach
        ("stops", "i2"),
        ("kind", "i1"),
        ("dead", "i1"),
        ("entered", "i1"),  # passed in over the origin: the lock is not bounded by a departure
    ],
    align=True,
)

BRAKING, SETUP, SIGHTING, RELEASE, MIN_STOP, TOP, LENGTH, LIMIT, FREE_AFTER, KIND = range(10)
MAX_STOPS, FROM, STEP, PROFILE, STANDS, SLOWER = range(10, 16)
"""Places in the array of parameters. ``LIMIT``: no arrival later; ``FREE_AFTER``: from this long after a departure on
the departure no longer bounds a lock; ``FROM``: nothing before this time is looked at; ``STEP``: departures are
multiples of it; ``PROFILE``: not 0 when all departures worth having are asked for;
``STANDS``: not 0 when it stops nowhere but where it may stand; ``SLOWER``: share of the least time from one signal to
the next that it may lose on the way there."""

LEVELS = 6
"""Numbers of stops that the front of a profile tells apart: 0 to 5."""

CRAWL = 1.25
"""A moving train takes at most so many times as long as at the lowest limit near it, and ``SPARE_S`` more."""

SPARE_S = 5.0

BLOCK = 64
"""Departures that are skipped at once when the front is good enough for all of them."""

S_STOP, S_EARLIEST, S_LATEST, S_DEPART, S_ADD, S_FLOOR, S_ROW = range(7)
"""Columns of the array of stages. A stage reached at t gives a destination time of at least
``max(t + S_ADD, S_FLOOR)``; ``S_LATEST`` is tightened by the later stages; ``S_ROW`` is the row of bounds."""

N_LABELS, N_QUEUE, BEST, N_TOUCHED, TAKEN, LEAST_STOPS, MOST = range(7)
"""Places in the array of state: labels, labels in the queue, best label at the end, buckets touched, labels taken from
the queue, least number of stops that a run may have, most labels to take."""


@njit(cache=True, inline="always")
def up_tick(value):
    """Round up to 1/1024."""
    return np.ceil(value * TICKS) / TICKS


@njit(cache=True, inline="always")
def up_grid(value, step):
    """Round up to a multiple of the step of departures."""
    return int(np.ceil(value / step)) * step


@njit(cache=True, inline="always")
def down_grid(value, step):
    """Round down to a multiple of the step of departures."""
    return int(np.floor(value / step)) * step


@njit(cache=True)
def between(xs, ys, x):
    """Linear interpolation in a rising table; constant beyond its ends."""
    n = len(xs)
    if x <= xs[0]:
        return ys[0]
    if x >= xs[n - 1]:
        return ys[n - 1]
    lo, hi = 0, n - 1
    while hi - lo > 1:
        mid = (lo + hi) >> 1
        if xs[mid] <= x:
            lo = mid
        else:
            hi = mid
    return ys[lo] + (x - xs[lo]) * (ys[hi] - ys[lo]) / (xs[hi] - xs[lo])


@njit(cache=True)
def run_on(curve, x, dist, cap):
    """Return (time, place on the curve) after ``dist`` metres at full effort up to the speed ``cap``."""
    v, t, s = curve
    at_cap = between(v, s, cap)
    if x >= at_cap:
        return dist / between(s, v, x), x
    need = at_cap - x
    if dist <= need:
        return between(s, t, x + dist) - between(s, t, x), x + dist
    return between(s, t, at_cap) - between(s, t, x) + (dist - need) / min(cap, v[-1]), at_cap


@njit(cache=True, inline="always")
def mixed(digest, metres, speed):
    """Add a speed that holds for the next metres to a digest."""
    digest = (digest ^ np.int64(metres * TICKS)) * np.int64(1099511628211)
    return (digest ^ np.int64(speed * 1048576.0)) * np.int64(1099511628211)


@njit(cache=True)
def traverse(lab, i, train, par, curve, scratch, leave, v_exit, v_after):
    """Run through the piece of label ``i``.

    With ``leave`` < 0 fill in ``r``, ``x`` and ``hash``. Else the head leaves at ``leave``, braking at the end from
    ``v_exit`` to ``v_after``. Returns the latest departure for which the pieces behind clear in time, or are free
    at least until then, the number of pieces under the train at entry (youngest first in ``scratch``; when it leaves
    also those that its tail left while it was braking), and how many of these it still stands on at the exit.
    """
    length, speed, _, mark, _, _ = train
    under, cap, clear = scratch
    dp = lab[i].dp
    own_m = length[dp >> 1]
    entry = lab[i].pos - own_m
    own = min(speed[dp], par[TOP])
    m = 0
    lowest = np.inf
    digest = np.int64(1469598103934665603)
    a = lab[i].prev
    while a >= 0 and lab[a].pos + par[LENGTH] > entry:
        if m == len(under):
            return -NEVER, -1, 0
        under[m] = a
        q = lab[a].dp
        if speed[q] < lowest:
            lowest = speed[q]
            if lowest < par[TOP]:
                digest = mixed(digest, lab[a].pos + par[LENGTH] - entry, lowest)
        cap[m] = lowest
        m += 1
        a = lab[a].prev
    done = 0.0
    x = lab[i].x_in
    spent = 0.0
    k = m - 1
    brake = par[BRAKING]
    hi = NEVER
    release = par[RELEASE]
    enter = lab[i].enter
    while k >= 0:
        there = lab[under[k]].pos + par[LENGTH] - entry
        if there > own_m:
            break
        if there > done:
            dt, x = run_on(curve, x, there - done, min(own, cap[k]))
            spent += dt
            done = there
        clear[k] = enter + up_tick(spent)
        k -= 1
    still = k + 1
    if done < own_m:
        dt, x = run_on(curve, x, own_m - done, min(own, cap[k]) if k >= 0 else own)
        spent += dt
    r = enter + up_tick(spent)
    if mark[dp]:
        # Times at signals and where routes meet are whole seconds; the rest of a second is spent on entering the piece.
        rest = np.ceil(r) - r
        r += rest
        for k in range(still, m):
            clear[k] += rest
    if leave < 0.0:
        lab[i].r = r
        lab[i].x = x
        lab[i].hash = digest
        for k in range(still, m):
            hi = min(hi, lab[under[k]].end - int(np.ceil(clear[k] + release)) - WIDEN_S)
    else:
        r = leave
        # Also the pieces that the tail has left before the entry, but where the train was braking already.
        from_m = lab[i].pos
        if v_after < v_exit:
            from_m, _, _ = brakes_from(lab, i, length, curve, brake, v_after)
        while a >= 0 and lab[a].pos + par[LENGTH] > from_m:
            if m == len(under):
                return -NEVER, -1, 0
            under[m] = a
            clear[m] = -NEVER
            m += 1
            a = lab[a].prev
        for k in range(still, m):
            z = entry + own_m - (lab[under[k]].pos + par[LENGTH])
            if z == 0.0:
                clear[k] = leave
            elif lab[under[k]].pos + par[LENGTH] > from_m:
                v = np.sqrt(v_after * v_after + 2.0 * brake * z)
                clear[k] = max(clear[k], leave - up_tick((v - v_after) / brake))
            hi = min(hi, lab[under[k]].end - int(np.ceil(clear[k] + release)) - WIDEN_S)
    least = int(np.ceil(r + release)) + WIDEN_S
    for k in range(still):
        hi = min(hi, lab[under[k]].end - least)
    return hi, m, still


@njit(cache=True)
def brakes_from(lab, i, length, curve, brake, v_after):
    """Return where the braking curve to ``v_after`` at the exit of label ``i`` meets the run, and when it is there.

    Not before its departure; and whether it has slowed down between there and the piece of label ``i``.
    """
    v, _, s = curve
    end = lab[i].pos
    h = i
    slowed = False
    while True:
        top = between(s, v, lab[h].x)
        meets = min(lab[h].pos, end - (top * top - v_after * v_after) / (2.0 * brake))
        begin = lab[h].pos - length[lab[h].dp >> 1]
        if meets >= begin:
            return meets, lab[h].r - (lab[h].pos - meets) / top, slowed
        before = lab[h].parent
        if before < 0 or lab[before].prev < 0 or lab[before].kind == STANDING:
            return begin, lab[h].enter, slowed
        slowed = slowed or lab[h].x_in < lab[before].x
        h = before


@njit(cache=True)
def braked(lab, i, length, curve, brake, v, v_after):
    """Return when the head of label ``i`` leaves its piece if it brakes from ``v`` to ``v_after`` at its exit.

    The time that braking loses comes on top. Where the train has slowed down already since the braking curve begins,
    one loss hides a part of the other; then it leaves no earlier than on the curve.
    """
    leave = lab[i].r + up_tick((v - v_after) * (v - v_after) / (2.0 * brake * v))
    from_m, from_s, slowed = brakes_from(lab, i, length, curve, brake, v_after)
    if slowed:
        fast = np.sqrt(v_after * v_after + 2.0 * brake * (lab[i].pos - from_m))
        leave = max(leave, up_tick(from_s + (fast - v_after) / brake))
    return leave


@njit(cache=True)
def make_windows(piece, zone, keep, lines, index, par, ignore, book, pool_from, pool_until, busy):
    """Write the times at which a piece is free for the train, and its kept zones are empty; return a status."""
    book_start, book_count, used = book
    from_s, until_s, trains, occ, blk = lines
    first, count, _, longest = index
    keep_start, keep_zone, keep_mask = keep
    kind = int(par[KIND])
    begin = int(par[FROM])
    n = 0
    zones = 1
    if len(keep_start) > 0:
        zones += keep_start[piece + 1] - keep_start[piece]
    for j in range(zones):
        if j == 0:
            z, occupies, blocks = zone[piece], kind, 7
        else:
            k = keep_start[piece] + j - 1
            z, occupies, blocks = keep_zone[k], 0, int(keep_mask[k])
        lo = first[z]
        hi = lo + count[z]
        a, b = lo, hi
        value = begin - longest[z]
        while a < b:
            mid = (a + b) >> 1
            if from_s[mid] < value:
                a = mid + 1
            else:
                b = mid
        for i in range(a, hi):
            if from_s[i] > par[LIMIT] + 86400:
                break
            if until_s[i] > begin and trains[i] != ignore and ((blocks & occ[i]) or (blk[i] & occupies)):
                if n == len(busy):
                    return GROW_SCRATCH
                busy[n] = (np.int64(from_s[i]) << 32) + np.int64(until_s[i])
                n += 1
    if used[0] + n + 1 > len(pool_from):
        return GROW_WINDOWS
    if zones > 1:
        busy[:n].sort()
    at = used[0]
    start = at
    free = -NEVER
    for i in range(n):
        f = int(busy[i] >> 32)
        u = int(busy[i] & 0xFFFFFFFF)
        if f > free:
            pool_from[at] = free
            pool_until[at] = f
            at += 1
        free = max(free, u)
    pool_from[at] = free
    pool_until[at] = NEVER
    at += 1
    book_start[piece] = start
    book_count[piece] = at - start
    used[0] = at
    return RUNNING


@njit(cache=True, inline="always")
def order_of(par, d_lo, d_hi, after_s, floor, o_max, lag):
    """Return the place in the queue of a label whose least time at the destination is ``after_s`` after its departures.

    That is the least time at the destination, not before ``floor``; for a profile the least time since the origin.
    """
    if par[PROFILE] == 0.0:
        return max(d_lo + after_s, floor)
    return max(after_s + max(lag, d_lo - o_max), floor - min(o_max, d_hi - lag))


@njit(cache=True)
def emit(lab, n, room, temp, lo, hi, last, lock_at, busy_until, piece, windows, stage, bounds, par):
    """Copy the label at ``temp`` once for every free window that it fits; return the new number, or -1 if no room.

    It comes to the piece with departures ``lo`` to ``hi`` and may leave it as if with any up to ``last``.
    """
    book_start, book_count, pool_from, pool_until = windows
    k = lab[temp].stage
    step = int(par[STEP])
    rest = bounds[int(stage[k, S_ROW]), lab[temp].dp]
    r = lab[temp].r
    latest = min(stage[k, S_LATEST] - rest - r, par[LIMIT] - rest - stage[k, S_ADD] - r)
    if stage[k, S_FLOOR] > par[LIMIT] or not latest > -NEVER:
        return n
    last = min(last, down_grid(latest, step))
    hi = min(hi, last)
    if hi < lo:
        return n
    start = book_start[piece]
    a, b = start, start + book_count[piece]
    end = b
    while a < b:
        mid = (a + b) >> 1
        if pool_until[mid] < lo + busy_until:
            a = mid + 1
        else:
            b = mid
    for w in range(a, end):
        if pool_from[w] > hi + lock_at:
            break
        d_lo = max(lo, up_grid(pool_from[w] - lock_at, step))
        d_hi = min(last, down_grid(pool_until[w] - busy_until, step))
        if d_lo > min(d_hi, hi):
            continue
        if n >= room:
            return -1
        lab[n] = lab[temp]
        lab[n].d_lo = d_lo
        lab[n].d_hi = d_hi
        lab[n].end = pool_until[w]
        rest_all = rest + stage[k, S_ADD]
        lab[n].f = order_of(par, d_lo, d_hi, r + rest_all, stage[k, S_FLOOR], lab[n].o_max, lab[n].lag)
        lab[n].rest = rest_all
        n += 1
    return n


@njit(cache=True)
def go_on(lab, n, i, s, lo, hi, leave, x_in, v_boundary, stage_now, stops, graph, train, par, curve, scratch, keep,
         lines, index, ignore, book, pool_from, pool_until, busy, stage, bounds):  # fmt: skip
    """Go on from label ``i`` to directed piece ``s``; return (new number of labels, status)."""
    zone = graph[0]
    length, _, signal, _, _, _ = train
    step = int(par[STEP])
    room = len(lab) - 2
    temp = len(lab) - 1
    source = lab[i]
    t = lab[temp]
    t.dp = s
    t.parent = i
    t.prev = source.prev if source.kind == STANDING else i
    t.kind = MOVING
    t.dead = 0
    t.next = -1
    t.stage = stage_now
    t.stops = stops
    t.enter = leave
    t.x_in = x_in
    t.pos = source.pos + length[s >> 1]
    t.back = -length[s >> 1]
    t.o_max = source.o_max
    t.lag = source.lag
    t.entered = source.entered if source.kind == MOVING else 0
    t.a_lo = lo
    t.a_hi = hi
    if source.kind == STANDING:
        t.lock = -par[SETUP]
    elif signal[source.dp] or source.prev < 0:
        lock = leave - up_tick(v_boundary / (2.0 * par[BRAKING]) + par[SIGHTING])
        if source.entered == 0:
            lock = max(lock, 0.0)
        t.lock = lock - par[SETUP]
    else:
        t.lock = source.lock
    limit, m, _ = traverse(lab, temp, train, par, curve, scratch, -1.0, 0.0, 0.0)
    if m < 0:
        return n, GROW_SCRATCH
    last = hi
    if signal[s]:
        last += down_grid(train[5][s] * par[SLOWER], step)
        t.o_max = min(t.o_max, hi - t.lag)
    last = min(last, down_grid(limit, step))
    if min(hi, last) < lo:
        return n, RUNNING
    piece = s >> 1
    if book[1][piece] < 0:
        status = make_windows(piece, zone, keep, lines, index, par, ignore, book, pool_from, pool_until, busy)
        if status != RUNNING:
            return n, status
    lock_at = int(np.floor(t.lock)) - WIDEN_S
    busy_until = int(np.ceil(t.r + par[RELEASE])) + WIDEN_S
    new = emit(lab, n, room, temp, lo, hi, last, lock_at, busy_until, piece,
               (book[0], book[1], pool_from, pool_until), stage, bounds, par)  # fmt: skip
    if new < 0:
        return n, GROW_LABELS
    return new, RUNNING


@njit(cache=True)
def stand(lab, n, i, lo, hi, arrive, least, depart_from, stage_now, stops, still, par, scratch, stage, bounds):
    """Stop at the exit of label ``i``; return the new number of labels, or -1 if there is no room."""
    step = int(par[STEP])
    under = scratch[0]
    end = lab[i].end
    digest = np.int64(1469598103934665603)
    cap = scratch[1]
    lowest = np.inf
    for k in range(still):
        end = min(end, lab[under[k]].end)
        if cap[k] < lowest:
            lowest = cap[k]
            if lowest < par[TOP]:
                digest = mixed(digest, lab[under[k]].pos + par[LENGTH] - lab[i].pos, lowest)
    release = par[RELEASE]
    hi = min(hi, down_grid(end - int(np.ceil(arrive + least + release)) - WIDEN_S, step))
    if hi < lo:
        return n
    d_lo = up_grid(max(lo + arrive + least, depart_from), step)
    d_hi = down_grid(end - int(np.ceil(release)) - WIDEN_S, step)
    k = stage_now
    rest = bounds[int(stage[k, S_ROW]), lab[i].dp]
    latest = min(stage[k, S_LATEST] - rest, par[LIMIT] - rest - stage[k, S_ADD])
    if stage[k, S_FLOOR] > par[LIMIT] or not latest > -NEVER:
        return n
    d_hi = min(d_hi, down_grid(latest, step))
    if d_hi < d_lo:
        return n
    if n >= len(lab) - 2:
        return -1
    lab[n] = lab[i]
    t = lab[n]
    t.kind = STANDING
    t.parent = i
    t.prev = i
    t.enter = arrive
    t.x_in = least
    t.r = 0.0
    t.x = 0.0
    t.d_lo = d_lo
    t.d_hi = d_hi
    t.a_lo = lo
    t.a_hi = hi
    t.stage = stage_now
    t.stops = stops
    t.hash = digest
    t.end = end
    t.dead = 0
    t.next = -1
    t.entered = 0
    t.rest = rest + stage[k, S_ADD]
    t.o_max = min(t.o_max, hi - t.lag)
    t.lag += up_grid(arrive + least, step)
    t.f = order_of(par, d_lo, d_hi, t.rest, stage[k, S_FLOOR], t.o_max, t.lag)
    return n + 1


@njit(cache=True)
def finish(lab, n, i, lo, hi, leave, v, stopped, hold_until, still, par, scratch):
    """End the run at the exit of label ``i``; ``hold_until`` is absolute. Returns as :func:`stand`."""
    step = int(par[STEP])
    under = scratch[0]
    release = par[RELEASE]
    for k in range(-1, still):
        a = i if k < 0 else under[k]
        end = lab[a].end
        if stopped >= 0.0:
            gone = leave + stopped
            if hold_until > 0.0 and int(np.ceil(hold_until + release)) + WIDEN_S > end:
                return n
        else:
            gone = leave + up_tick((lab[a].pos + par[LENGTH] - lab[i].pos) / v)
        hi = min(hi, down_grid(end - int(np.ceil(gone + release)) - WIDEN_S, step))
    hi = min(hi, down_grid(par[LIMIT] - leave, step))
    if hi < lo:
        return n
    if n >= len(lab) - 2:
        return -1
    lab[n] = lab[i]
    t = lab[n]
    t.kind = ENDED
    t.parent = i
    t.prev = i
    t.enter = leave
    t.d_lo = lo
    t.d_hi = hi
    t.dead = 0
    t.x_in = stopped
    t.lock = hold_until
    t.f = order_of(par, lo, hi, leave, -np.inf, t.o_max, t.lag)
    t.rest = 0.0
    return n + 1


@njit(cache=True)
def reached(stage, k, lo, hi, at, step):
    """Return the departures between ``lo`` and ``hi`` for which stage ``k`` is reached in its window at ``at``."""
    return max(lo, up_grid(stage[k, S_EARLIEST] - at, step)), min(hi, down_grid(stage[k, S_LATEST] - at, step))


@njit(cache=True)
def expand(lab, n, i, graph, train, may_stop, par, curve, scratch, keep, lines, index, ignore, book, pool_from,
           pool_until, busy, stage, bounds):  # fmt: skip
    """Write all labels that follow label ``i``; return (new number of labels, status)."""
    _, succ_start, succ = graph
    _, speed, _, mark, _, _ = train
    v_curve, _, s_curve = curve
    me = lab[i]
    dp = me.dp
    stages = len(stage)
    step = int(par[STEP])
    if me.kind == STANDING:
        for e in range(succ_start[dp], succ_start[dp + 1]):
            s = succ[e]
            if speed[s] <= 0.0:
                continue
            n, status = go_on(lab, n, i, s, me.d_lo, me.d_hi, 0.0, 0.0, 0.0, me.stage, me.stops, graph, train, par,
                             curve, scratch, keep, lines, index, ignore, book, pool_from, pool_until, busy, stage,
                             bounds)  # fmt: skip
            if status != RUNNING:
                return n, status
        return n, RUNNING
    k = me.stage
    here = bounds[int(stage[k, S_ROW]), dp] == 0.0 and me.prev >= 0
    v = between(s_curve, v_curve, me.x)
    last = k == stages - 1
    # Stop here: for the stage, or on its own account.
    if me.prev >= 0 and (may_stop[dp] or (here and stage[k, S_STOP] >= 0.0)):
        arrive = np.ceil(braked(lab, i, train[0], curve, par[BRAKING], v, 0.0))
        limit, m, still = traverse(lab, i, train, par, curve, scratch, arrive, v, 0.0)
        if m < 0:
            return n, GROW_SCRATCH
        lo, hi = me.d_lo, min(me.d_hi, down_grid(limit, step))
        if here:
            a, b = reached(stage, k, lo, hi, arrive, step)
            least = stage[k, S_STOP] if stage[k, S_STOP] >= 0.0 else par[MIN_STOP]
            if a <= b and last and stage[k, S_STOP] >= 0.0:
                n = finish(lab, n, i, a, b, arrive, 0.0, least, stage[k, S_DEPART], still, par, scratch)
            elif a <= b and not last and me.stops < par[MAX_STOPS]:
                n = stand(lab, n, i, a, b, arrive, least, stage[k, S_DEPART], k + 1, me.stops + 1, still, par, scratch,
                          stage, bounds)  # fmt: skip
            if n < 0:
                return n, GROW_LABELS
        if may_stop[dp] and me.stops < par[MAX_STOPS] and lo <= hi:
            n = stand(
                lab, n, i, lo, hi, arrive, par[MIN_STOP], -1.0, k, me.stops + 1, still, par, scratch, stage, bounds
            )
            if n < 0:
                return n, GROW_LABELS
    # End here in passing.
    if here and last and stage[k, S_STOP] < 0.0:
        _, _, still = traverse(lab, i, train, par, curve, scratch, me.r, v, v)
        a, b = reached(stage, k, me.d_lo, me.d_hi, me.r, step)
        if a <= b:
            n = finish(lab, n, i, a, b, me.r, v, -1.0, -1.0, still, par, scratch)
            if n < 0:
                return n, GROW_LABELS
    # Run on.
    for e in range(succ_start[dp], succ_start[dp + 1]):
        s = succ[e]
        if speed[s] <= 0.0:
            continue
        x_limit = between(v_curve, s_curve, min(speed[s], par[TOP]))
        leave, x_in, lo, hi = me.r, me.x, me.d_lo, me.d_hi
        v_boundary = v
        if me.x > x_limit:
            v_boundary = between(s_curve, v_curve, x_limit)
            x_in = x_limit
            if me.prev >= 0:  # a train that passes in has braked before it does
                leave = braked(lab, i, train[0], curve, par[BRAKING], v, v_boundary)
                if mark[dp]:
                    leave = np.ceil(leave)
                limit, m, _ = traverse(lab, i, train, par, curve, scratch, leave, v, v_boundary)
                if m < 0:
                    return n, GROW_SCRATCH
                hi = min(hi, down_grid(limit, step))
        if lo > hi:
            continue
        for count in range(2):
            k_now, a, b = k, lo, hi
            if count == 1:
                if not here or last or stage[k, S_STOP] >= 0.0:
                    break
                a, b = reached(stage, k, lo, hi, leave, step)
                k_now = k + 1
                if a > b:
                    break
            n, status = go_on(lab, n, i, s, a, b, leave, x_in, v_boundary, k_now, me.stops, graph, train, par, curve,
                             scratch, keep, lines, index, ignore, book, pool_from, pool_until, busy, stage,
                             bounds)  # fmt: skip
            if status != RUNNING:
                return n, status
    return n, RUNNING


@njit(cache=True)
def left_no_earlier(lab, a, b):
    """Tell whether label ``a`` has left the origin no earlier than ``b`` for each time that they have in common."""
    late_a, late_b = 0.0, 0.0
    if lab[a].kind != STANDING:
        late_a, late_b = lab[a].r, lab[b].r
    first = max(lab[a].d_lo + late_a, lab[b].d_lo + late_b)
    last = min(lab[a].d_hi + late_a, lab[b].d_hi + late_b)
    for at in (first, last):
        if min(lab[a].o_max, at - late_a - lab[a].lag) < min(lab[b].o_max, at - late_b - lab[b].lag):
            return False
    return True


@njit(cache=True)
def no_worse(lab, a, b, graph, train, ahead, par, curve):
    """Tell whether label ``a`` can do all that ``b`` can at the same times.

    They run alike from here on (place on the curve, limits under the train, times on the same grid, braking), ``a`` has
    locked no earlier, and for every piece on which ``a`` still stands, or will have left too early if it brakes soon,
    there is one that ``b`` leaves no earlier and must leave no later.
    """
    if lab[a].dp != lab[b].dp or lab[a].kind != lab[b].kind or lab[a].stage != lab[b].stage:
        return False
    if lab[a].stops > lab[b].stops or lab[a].hash != lab[b].hash:
        return False
    if par[PROFILE] != 0.0 and not left_no_earlier(lab, a, b):
        return False
    i, j = lab[a].prev, lab[b].prev
    reach = par[LENGTH] - lab[a].pos, par[LENGTH] - lab[b].pos
    past = 0.0
    if lab[a].kind == STANDING:
        i, j = lab[i].prev, lab[j].prev
    else:
        if lab[a].x != lab[b].x or lab[a].x_in != lab[b].x_in:
            return False
        later = lab[a].r - lab[b].r
        if later % par[STEP] != 0.0:
            return False
        if lab[b].entered == 0 and lab[b].r < par[FREE_AFTER] and (lab[a].entered == 1 or later > 0.0):
            return False
        if not train[2][lab[a].dp] and lab[a].lock - lab[b].lock < later:
            return False
        if not brake_alike(lab, a, b, train[0], par, curve):
            return False
        past = lab[a].back - par[TOP] * par[TOP] / (2.0 * par[BRAKING])
    end = NEVER
    while i >= 0 and lab[i].pos + reach[0] > past:
        there = lab[i].pos + reach[0]
        while j >= 0 and lab[j].pos + reach[1] >= there:
            end = min(end, lab[j].end)
            j = lab[j].prev
        if lab[i].end < end and not clears_in_time(lab, a, i, graph, train, ahead, par, curve):
            return False
        i = lab[i].prev
    return True


@njit(cache=True)
def look_ahead(dp, graph, train, ahead, par):
    """Fill in how slow a train may become ahead of the exit of a directed piece.

    That is the lowest limit that it keeps to, or brakes for, within its own length; and what it may lose at most on
    that way besides: a second at the exit of each piece where times are whole, and its share of all blocks.
    """
    _, succ_start, succ = graph
    length, speed, signal, mark, _, block_s = train
    slow, lost, metres, stack = ahead
    reach_m = par[LENGTH] + par[TOP] * par[TOP] / (2.0 * par[BRAKING])
    lowest = np.inf
    lose_s = 1.0
    size, done = 1, 0
    stack[0] = dp
    metres[dp] = 0.0
    while done < size:
        p = stack[done]
        done += 1
        for e in range(succ_start[p], succ_start[p + 1]):
            s = succ[e]
            if speed[s] <= 0.0 or metres[p] >= reach_m:
                continue
            lowest = min(lowest, speed[s])
            there = metres[p] + length[s >> 1]
            if metres[s] < 0.0:
                if metres[p] < par[LENGTH]:
                    lose_s += mark[s] + signal[s] * par[SLOWER] * block_s[s]
            elif there >= metres[s]:
                continue
            if size == len(stack):
                lowest = 0.0
                done = size
                break
            metres[s] = there
            stack[size] = s
            size += 1
    for k in range(size):
        metres[stack[k]] = -1.0
    slow[dp] = min(lowest, 1e6)
    lost[dp] = lose_s


@njit(cache=True)
def clears_in_time(lab, a, i, graph, train, ahead, par, curve):
    """Tell whether label ``a`` clears the piece of label ``i`` behind it before the free window ends, whatever it does.

    So it is when it can stand nowhere before its tail has left the piece, and there is time enough to go that far at
    the lowest of the limits under and ahead of it, losing all that it may, braking for a stop behind included.
    """
    if par[STANDS] == 0.0 or lab[a].kind == STANDING:
        return False
    dp = lab[a].dp
    rest_m = max(lab[i].pos + par[LENGTH] - lab[a].pos, 0.0)
    if train[4][dp] < rest_m:
        return False
    slow, lost, _, _ = ahead
    if slow[dp] < 0.0:
        look_ahead(dp, graph, train, ahead, par)
    lowest = min(slow[dp], par[TOP])
    j = a
    while j >= 0 and lab[j].pos + par[LENGTH] > lab[a].pos:
        lowest = min(lowest, train[1][lab[j].dp])
        j = lab[j].prev
    if lowest <= 0.0:
        return False
    v, _, s = curve
    run_s, _ = run_on(curve, min(lab[a].x, between(v, s, lowest)), rest_m, lowest)
    most_s = CRAWL * run_s + par[TOP] / (2.0 * par[BRAKING]) + lost[dp] + par[RELEASE] + SPARE_S
    return lab[a].d_hi + lab[a].r + most_s < lab[i].end


@njit(cache=True)
def slowed_near(lab, i, length, par, curve):
    """Tell whether label ``i`` has slowed down as far back as a braking curve from here on may begin."""
    v, _, s = curve
    end = lab[i].pos
    while True:
        top = between(s, v, lab[i].x)
        if end - lab[i].pos + length[lab[i].dp >> 1] >= top * top / (2.0 * par[BRAKING]):
            return False
        before = lab[i].parent
        if before < 0 or lab[before].prev < 0 or lab[before].kind == STANDING:
            return False
        if lab[i].x_in < lab[before].x:
            return True
        i = before


@njit(cache=True)
def brake_alike(lab, a, b, length, par, curve):
    """Tell whether a braking curve from here on meets the runs of labels ``a`` and ``b`` alike, if it matters."""
    if not slowed_near(lab, a, length, par, curve) and not slowed_near(lab, b, length, par, curve):
        return True
    v, _, s = curve
    here = lab[a].pos, lab[b].pos
    later = lab[a].r - lab[b].r
    i, j = a, b
    while True:
        own_m = length[lab[i].dp >> 1]
        top = between(s, v, lab[i].x)
        if here[0] - lab[i].pos + own_m >= top * top / (2.0 * par[BRAKING]):
            return True
        i, j = lab[i].parent, lab[j].parent
        first = i < 0 or lab[i].prev < 0 or lab[i].kind == STANDING
        if first or j < 0 or lab[j].prev < 0 or lab[j].kind == STANDING:
            return first and (j < 0 or lab[j].prev < 0 or lab[j].kind == STANDING)
        if lab[i].x != lab[j].x or lab[i].r - lab[j].r != later or here[0] - lab[i].pos != here[1] - lab[j].pos:
            return False


@njit(cache=True)
def push(heap, size, lab, i):
    """Put label ``i`` into the queue, which is ordered by least destination time, then least rest."""
    key, second, item = heap
    f, rest = lab[i].f, lab[i].rest
    j = size
    while j > 0:
        up = (j - 1) >> 1
        if key[up] < f or (key[up] == f and second[up] <= rest):
            break
        key[j] = key[up]
        second[j] = second[up]
        item[j] = item[up]
        j = up
    key[j] = f
    second[j] = rest
    item[j] = i
    return size + 1


@njit(cache=True)
def pop(heap, size):
    """Take the first label out of the queue; return the new size."""
    key, second, item = heap
    size -= 1
    f, rest, last = key[size], second[size], item[size]
    i = 0
    while True:
        c = 2 * i + 1
        if c >= size:
            break
        if c + 1 < size and (key[c + 1] < key[c] or (key[c + 1] == key[c] and second[c + 1] < second[c])):
            c += 1
        if key[c] > f or (key[c] == f and second[c] >= rest):
            break
        key[i] = key[c]
        second[i] = second[c]
        item[i] = item[c]
        i = c
    key[i] = f
    second[i] = rest
    item[i] = last
    return size


@njit(cache=True)
def trim(lab, a, b, par):
    """Take from the times of label ``b`` those of label ``a``, where one end of ``b`` is left."""
    step = int(par[STEP])
    later = 0
    if lab[a].kind != STANDING:
        later = int(lab[a].r - lab[b].r)
    lo, hi = lab[a].d_lo + later, lab[a].d_hi + later
    if lo <= lab[b].d_lo <= hi:
        lab[b].d_lo = hi + step
        least = order_of(par, lab[b].d_lo, lab[b].d_hi, lab[b].r + lab[b].rest, -np.inf, lab[b].o_max, lab[b].lag)
        lab[b].f = max(lab[b].f, least)
    elif lo <= lab[b].d_hi <= hi:
        lab[b].d_hi = lo - step


@njit(cache=True)
def bucket_of(label, buckets):
    """Return the bucket of the labels that are in the same physical state, and perhaps of some others."""
    key = label.hash ^ (np.int64(label.dp) << 20) ^ (np.int64(label.stage) << 4) ^ np.int64(label.kind)
    if label.kind != STANDING:
        key = (key * np.int64(1099511628211)) ^ np.int64(label.x * 1048576.0)
        key = (key * np.int64(1099511628211)) ^ np.int64(label.x_in * 1048576.0)
    key *= np.int64(-7046029254386353131)
    return (key >> 24) & (len(buckets) - 1)


@njit(cache=True)
def commit(lab, n_old, n, state, heap, size, graph, train, ahead, buckets, par, curve):
    """Put the labels ``n_old:n`` into the queue, but for those, and those times, that others make needless."""
    heads, touched = buckets
    mark = train[3]
    for i in range(n_old, n):
        if lab[i].kind != ENDED and (lab[i].kind == STANDING or mark[lab[i].dp]):
            bucket = bucket_of(lab[i], heads)
            j = heads[bucket]
            needless = False
            before = -1
            while j >= 0:
                following = lab[j].next
                dropped = False
                if lab[j].d_lo + lab[j].r > lab[i].d_hi + lab[i].r or lab[j].d_hi + lab[j].r < lab[i].d_lo + lab[i].r:
                    pass
                elif no_worse(lab, j, i, graph, train, ahead, par, curve):
                    trim(lab, j, i, par)
                    if lab[i].d_lo > lab[i].d_hi:
                        needless = True
                        break
                elif no_worse(lab, i, j, graph, train, ahead, par, curve):
                    trim(lab, i, j, par)
                    dropped = lab[j].d_lo > lab[j].d_hi
                if not dropped:
                    before = j
                else:
                    lab[j].dead = 1
                    if before < 0:
                        heads[bucket] = following if following >= 0 else EMPTIED
                    else:
                        lab[before].next = following
                j = following
            if needless:
                continue
            if heads[bucket] == UNTOUCHED:
                touched[state[N_TOUCHED]] = bucket
                state[N_TOUCHED] += 1
            lab[i].next = heads[bucket]
            heads[bucket] = i
        size = push(heap, size, lab, i)
    return size


@njit(cache=True)
def begin(lab, state, heap, origins, d_lo, d_hi, standing, train, par, curve, zone, keep, lines, index, ignore, book,
           pool_from, pool_until, busy, stage, bounds):  # fmt: skip
    """Write the first labels; return ``RUNNING``, or what must grow before this is called again from the start."""
    speed = train[1]
    v_curve, _, s_curve = curve
    step = int(par[STEP])
    lock = -par[SETUP]
    hold = int(np.ceil(par[RELEASE])) + WIDEN_S
    n = 0
    size = 0
    for dp in origins:
        if speed[dp] <= 0.0:
            continue
        piece = dp >> 1
        if book[1][piece] < 0:
            status = make_windows(piece, zone, keep, lines, index, par, ignore, book, pool_from, pool_until, busy)
            if status != RUNNING:
                return status
        rest = bounds[int(stage[1, S_ROW]), dp] + stage[1, S_ADD]
        for w in range(book[0][piece], book[0][piece] + book[1][piece]):
            a = max(d_lo, up_grid(pool_from[w] - int(np.floor(lock)) + WIDEN_S, step))
            b = min(d_hi, down_grid(pool_until[w] - hold, step))
            f = max(a + rest, stage[1, S_FLOOR])
            if a > b or not f <= par[LIMIT]:
                continue
            if n + 4 > len(lab) or size + 1 > len(heap[0]):
                return GROW_LABELS
            t = lab[n]
            t.o_max = NEVER
            t.lag = 0
            t.f = order_of(par, a, b, rest, stage[1, S_FLOOR], NEVER, 0)
            t.rest = rest
            t.r = 0.0
            t.enter = 0.0
            t.x_in = 0.0
            t.x = 0.0
            t.lock = lock
            t.pos = 0.0
            t.hash = 0
            t.back = 0.0
            t.dp = dp
            t.parent = -1
            t.prev = -1
            t.d_lo = a
            t.d_hi = b
            t.a_lo = 0
            t.a_hi = 0
            t.end = pool_until[w]
            t.next = -1
            t.stage = 1
            t.stops = 0
            t.kind = MOVING
            t.dead = 0
            t.entered = 0
            if standing:
                lab[n + 1] = t
                n += 1
                lab[n].kind = STANDING
                lab[n].parent = n - 1
                lab[n].prev = n - 1
            else:
                t.entered = 1
                t.x = between(v_curve, s_curve, min(speed[dp], par[TOP]))
                t.x_in = t.x
            size = push(heap, size, lab, n)
            n += 1
    state[N_LABELS] = n
    state[N_QUEUE] = size
    return RUNNING


@njit(cache=True)
def advance(lab, state, heap, buckets, pops, graph, train, ahead, may_stop, par, curve, scratch, keep, lines, index,
            ignore, book, pool_from, pool_until, busy, stage, bounds):  # fmt: skip
    """Search on until ``pops`` labels are taken in all.

    Returns a status: ``EMPTY`` when the search is over, ``RUNNING`` when it may go on, ``GAVE_UP`` when it took as many
    labels as it may, or what must grow first.
    """
    n, size = state[N_LABELS], state[N_QUEUE]
    status = RUNNING
    while state[TAKEN] < pops:
        if size == 0:
            status = EMPTY
            break
        i = heap[2][0]
        best = state[BEST]
        if best >= 0 and heap[0][0] > lab[best].f:
            status = EMPTY
            break
        if lab[i].dead == 1 or (best >= 0 and lab[i].stops >= lab[best].stops):
            size = pop(heap, size)
            continue
        if lab[i].f > heap[0][0]:
            size = pop(heap, size)
            if lab[i].d_lo + lab[i].r + lab[i].rest <= par[LIMIT]:
                size = push(heap, size, lab, i)
            continue
        if lab[i].kind == ENDED:
            state[BEST] = i
            size = pop(heap, size)
            if lab[i].stops <= state[LEAST_STOPS]:
                status = EMPTY
                break
            continue
        if state[TAKEN] >= state[MOST]:
            status = GAVE_UP
            break
        new, code = expand(lab, n, i, graph, train, may_stop, par, curve, scratch, keep, lines, index, ignore,
                           book, pool_from, pool_until, busy, stage, bounds)  # fmt: skip
        if code != RUNNING:
            status = code
            break
        if size + (new - n) > len(heap[0]):
            status = GROW_LABELS
            break
        state[TAKEN] += 1
        size = pop(heap, size)
        size = commit(lab, n, new, state, heap, size, graph, train, ahead, buckets, par, curve)
        n = new
    state[N_LABELS] = n
    state[N_QUEUE] = size
    return status


@njit(cache=True)
def refresh_blocks(front, level, low, high, step):
    """Work out again the longest time from departure to arrival in the blocks of departures ``low`` to ``high``."""
    arrive, longest = front
    for block in range(low // BLOCK, high // BLOCK + 1):
        most = -np.inf
        for k in range(block * BLOCK, min((block + 1) * BLOCK, arrive.shape[1])):
            most = max(most, arrive[level, k] - k * step)
        longest[level, block] = most


@njit(cache=True)
def enter(front, base, lab, i, step):
    """Put the run that ends in label ``i`` into the front."""
    arrive, _ = front
    t = lab[i]
    last = min(t.d_hi, max(t.o_max + t.lag, t.d_lo))
    low = (min(t.o_max, t.d_lo - t.lag) - base) // step
    high = (min(t.o_max, last - t.lag) - base) // step
    for level in range(t.stops, LEVELS):
        at = t.d_lo + t.enter
        for k in range(low, high + 1):
            arrive[level, k] = min(arrive[level, k], at)
            at += step
        at = t.d_lo + t.enter
        k = low - 1
        while k >= 0 and arrive[level, k] > at:
            arrive[level, k] = at
            k -= 1
        refresh_blocks(front, level, k + 1, high, step)


@njit(cache=True)
def cut(front, base, lab, i, after_s, floor, step):
    """Take from label ``i`` the first and last departures for which the front is no worse; tell whether any are left.

    The label reaches the destination no earlier than ``after_s`` after its departures, and not before ``floor``.
    """
    arrive, longest = front
    t = lab[i]
    level = min(t.stops, LEVELS - 1)
    lo, hi = t.d_lo, t.d_hi
    turn = t.o_max + t.lag
    if hi > turn:
        # Departures behind ``turn`` all belong to the last one from the origin.
        known = arrive[level, (t.o_max - base) // step]
        if known <= floor:
            last = turn
        elif known < np.inf:
            last = int(np.ceil((known - after_s) / step) - 1) * step
        else:
            last = hi
        hi = min(hi, max(last, turn))
    shift = t.lag + base
    while lo <= hi <= turn:
        k = (hi - shift) // step
        if (k + 1) % BLOCK == 0 and hi - (BLOCK - 1) * step >= lo and longest[level, k // BLOCK] <= after_s + shift:
            hi -= BLOCK * step
        elif arrive[level, k] > max(hi + after_s, floor):
            break
        else:
            hi -= step
    while lo <= min(hi, turn):
        k = (lo - shift) // step
        if (
            k % BLOCK == 0
            and lo + (BLOCK - 1) * step <= min(hi, turn)
            and longest[level, k // BLOCK] <= after_s + shift
        ):
            lo += BLOCK * step
        elif arrive[level, k] > max(lo + after_s, floor):
            break
        else:
            lo += step
    lab[i].d_lo, lab[i].d_hi = lo, hi
    return lo <= hi


@njit(cache=True)
def advance_profile(front, base, ended, lab, state, heap, buckets, pops, graph, train, ahead, may_stop, par, curve,
                    scratch, keep, lines, index, ignore, book, pool_from, pool_until, busy, stage, bounds):  # fmt: skip
    """Search on until ``pops`` labels are taken in all; see :func:`weerspoor.kernel.engine.advance`.

    The labels at the end are listed in ``ended``, whose last element counts them.
    """
    n, size = state[N_LABELS], state[N_QUEUE]
    step = int(par[STEP])
    status = RUNNING
    while state[TAKEN] < pops:
        if size == 0:
            status = EMPTY
            break
        i = heap[2][0]
        if lab[i].dead == 1:
            size = pop(heap, size)
            continue
        k = lab[i].stage
        if lab[i].kind == ENDED:
            after_s, floor = lab[i].enter, -np.inf
        else:
            after_s, floor = lab[i].r + lab[i].rest, stage[k, S_FLOOR]
        if not cut(front, base, lab, i, after_s, floor, step):
            lab[i].dead = 1
            size = pop(heap, size)
            continue
        least = order_of(par, lab[i].d_lo, lab[i].d_hi, after_s, floor, lab[i].o_max, lab[i].lag)
        if least > heap[0][0]:
            lab[i].f = least
            size = push(heap, pop(heap, size), lab, i)
            continue
        if lab[i].kind == ENDED:
            if ended[-1] == len(ended) - 1:
                status = GROW_LABELS
                break
            enter(front, base, lab, i, step)
            ended[ended[-1]] = i
            ended[-1] += 1
            size = pop(heap, size)
            continue
        if state[TAKEN] >= state[MOST]:
            status = GAVE_UP
            break
        new, code = expand(lab, n, i, graph, train, may_stop, par, curve, scratch, keep, lines, index, ignore,
                           book, pool_from, pool_until, busy, stage, bounds)  # fmt: skip
        if code != RUNNING:
            status = code
            break
        if size + (new - n) > len(heap[0]):
            status = GROW_LABELS
            break
        state[TAKEN] += 1
        size = pop(heap, size)
        size = commit(lab, n, new, state, heap, size, graph, train, ahead, buckets, par, curve)
        n = new
    state[N_LABELS] = n
    state[N_QUEUE] = size
    return status


@njit(cache=True)
def best_of(lab, ended, base, count, step, out):
    """Write the Pareto-optimal runs into ``out`` as (departure, label, departure of its last leg); return their number.

    By falling departure from the origin; ``count`` is the number of departures of the grid.
    """
    total = 0
    for e in range(ended[-1]):
        t = lab[ended[e]]
        total += max(0, (min(t.d_hi, t.o_max + t.lag) - t.d_lo) // step) + 1
    head = np.full(count, -1, np.int64)
    after = np.empty(total, np.int64)
    label = np.empty(total, np.int64)
    leave = np.empty(total, np.int64)
    n = 0
    for e in range(ended[-1]):
        i = ended[e]
        t = lab[i]
        d = t.d_lo
        while d == t.d_lo or d <= min(t.d_hi, t.o_max + t.lag):
            k = (min(t.o_max, d - t.lag) - base) // step
            after[n], label[n], leave[n] = head[k], i, d
            head[k] = n
            n += 1
            d += step
    rows = 0
    best_at = np.empty(64)
    best_stops = np.empty(64, np.int64)
    known = 0
    for k in range(count - 1, -1, -1):
        while True:
            # The earliest arrival among those that nothing beats, then the fewest stops.
            chosen = -1
            j = head[k]
            while j >= 0:
                at, stops = leave[j] + lab[label[j]].enter, lab[label[j]].stops
                beaten = False
                for q in range(known):
                    if best_at[q] <= at and best_stops[q] <= stops:
                        beaten = True
                        break
                if not beaten:
                    if chosen < 0:
                        chosen = j
                    else:
                        other = leave[chosen] + lab[label[chosen]].enter
                        if at < other or (at == other and stops < lab[label[chosen]].stops):
                            chosen = j
                j = after[j]
            if chosen < 0:
                break
            at, stops = leave[chosen] + lab[label[chosen]].enter, lab[label[chosen]].stops
            kept = 0
            for q in range(known):
                if not (at <= best_at[q] and stops <= best_stops[q]):
                    best_at[kept], best_stops[kept] = best_at[q], best_stops[q]
                    kept += 1
            best_at[kept], best_stops[kept] = at, stops
            known = kept + 1
            if rows == len(out):
                return -1
            out[rows, 0] = base + k * step
            out[rows, 1] = label[chosen]
            out[rows, 2] = leave[chosen]
            rows += 1
    return rows


@njit(cache=True)
def retrace(lab, last, depart, train, par, curve, scratch, out_int, out_time, out_span, latest):
    """Write the run that ends in label ``last``; return its number of pieces, or -1 if the arrays are too short.

    ``out_int`` (k, 2): directed piece, stage reached or -1. ``out_time`` (k, 5): entry, exit, departure, speed, loss.
    ``out_span`` (k, 2): holding of the piece's zone. The last leg is left at ``depart``; with ``latest``
    every earlier departure is as late as this allows, else as early as it can be.
    """
    v_curve, _, s_curve = curve
    step = int(par[STEP])
    k = 0
    i = last
    while i >= 0:
        if lab[i].kind == MOVING:
            k += 1
        i = lab[i].parent
    if k > len(out_int):
        return -1
    number = k
    d = depart
    i = last
    leave = lab[last].enter
    child = last
    place = np.full(number, -1, np.int32)
    frame = np.zeros(number, np.int64)
    while i >= 0:
        if lab[i].kind == STANDING:
            j = lab[i].parent
            row = k - 1
            out_time[row, 2] = d
            out_time[row, 3] = 0.0
            if lab[j].prev >= 0:
                before = down_grid(d - lab[i].x_in - lab[i].enter, step)
                before = min(before, lab[i].a_hi) if latest else lab[i].a_lo
                out_time[row, 1] = before + lab[i].enter
                d = before
            else:
                out_time[row, 1] = d
            out_int[row, 1] = lab[j].stage if lab[i].stage != lab[j].stage else -1
        elif lab[i].kind == MOVING:
            k -= 1
            place[k] = i
            out_int[k, 0] = lab[i].dp
            if lab[child].kind != STANDING:
                out_time[k, 1] = d + leave
                out_time[k, 2] = d + leave
                if lab[child].kind == ENDED:
                    out_time[k, 3] = 0.0 if lab[child].x_in >= 0.0 else between(s_curve, v_curve, lab[i].x)
                    out_int[k, 1] = lab[i].stage
                else:
                    out_time[k, 3] = between(s_curve, v_curve, lab[child].x_in)
                    out_int[k, 1] = lab[i].stage if lab[child].stage != lab[i].stage else -1
            frame[k] = d
            if lab[i].prev >= 0:
                d = min(d, lab[i].a_hi)
            out_time[k, 4] = frame[k] - d
            out_time[k, 0] = d + lab[i].enter
            if lab[i].prev < 0:
                out_time[k, 0] = out_time[k, 2]
                out_int[k, 1] = 0
            out_span[k, 0] = d + int(np.floor(lab[i].lock)) - WIDEN_S
            out_span[k, 1] = -NEVER
            leave = lab[i].enter
        child = i
        i = lab[i].parent
    # Clearing, piece by piece: when the tail leaves it, or later when the train was braking already.
    under, _, clear = scratch
    end = lab[last]
    for row in range(1, number):
        i = place[row]
        shift = frame[row]
        v = between(s_curve, v_curve, lab[i].x)
        _, m, still = traverse(lab, i, train, par, curve, scratch, out_time[row, 1] - shift, v, out_time[row, 3])
        for a in range(still, m):
            until = shift + int(np.ceil(clear[a] + par[RELEASE])) + WIDEN_S
            out_span[row - 1 - a, 1] = max(out_span[row - 1 - a, 1], until)
        if row == number - 1:
            for a in range(-1, still):
                j = i if a < 0 else under[a]
                if end.x_in >= 0.0:
                    gone = max(shift + end.enter + end.x_in, end.lock)
                else:
                    gone = shift + end.enter + up_tick((lab[j].pos + par[LENGTH] - lab[i].pos) / v)
                out_span[row - 1 - a, 1] = int(np.ceil(gone + par[RELEASE])) + WIDEN_S
    return number

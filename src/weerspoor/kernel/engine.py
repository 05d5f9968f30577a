# ruff: noqa: PLR0917
# mypy: disable-error-code="no-untyped-def"
"""The compiled inner part of the search: labels at the ends of routes, free windows, dominance.

Read :mod:`weerspoor.kernel.plain` first: it states the same model in short, plain Python. A *label* stands for all
times ``lo`` to ``hi`` at which the head of a moving train may pass the end of a route in one state and stage, or at
which a standing train may leave it. What happened before matters only by its *tail*: until when the zones behind must
be clear, each with the metres that the train has still to run. So labels are compared only where they meet in place,
state and time.

A profile keeps a *front*: for a number of stops and each departure of the grid, the earliest arrival known of a run
that leaves no earlier and stops no more often. Its labels are taken in order of the least time since the origin; those
times of a label for which the front is no worse than the label can become are dropped, so quick runs that may
leave at many times spare the search all slower ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from weerspoor.kernel.compiled import compiled, entry, inlined, lean
from weerspoor.kernel.least import least_from
from weerspoor.kernel.motion import (
    A_HEAD,
    B_END,
    BRAKING,
    CLUSTER,
    FREE,
    GROW_STATES,
    KIND,
    LENGTH,
    MIN_STOP,
    NEVER,
    RELEASE,
    SLOWER,
    STEP,
    STOP,
    TOP,
    WIDEN_S,
    between,
    class_needed,
    find_classes,
    find_ways,
    lead_of,
    motion_of,
    speed_of_class,
    state_of,
    time_at,
)

MOVING, STANDING, ENDED = 0, 1, 2

UNTOUCHED = -1
"""Head of a bucket without labels."""

RUNNING, EMPTY, GAVE_UP = 0, -1, -2
"""What the search returns beside what must grow: the statuses of :mod:`weerspoor.kernel.motion`, and these."""

GROW_LABELS, GROW_TAILS, GROW_SCRATCH, GROW_ENDED = 20, 21, 22, 23

ANY_CLASS = 30_000

LABEL = np.dtype(
    [
        ("rest", "f8"),  # least time from here to the destination
        ("lo", "i4"),
        ("hi", "i4"),
        ("from_lo", "i4"),  # times at the beginning of the route that led here
        ("from_hi", "i4"),
        ("in_lo", "i4"),  # for a stand: arrivals
        ("in_hi", "i4"),
        ("dwell", "i4"),  # for a stand: its least duration
        ("dp", "i4"),
        ("state", "i4"),
        ("parent", "i4"),
        ("motion", "i4"),
        ("route", "i4"),
        ("tail", "i4"),  # first of its rows in the pool of tails
        ("tails", "i4"),
        ("o_max", "i4"),  # a time t belongs to the departure min(o_max, t - lag) from the origin
        ("lag", "i4"),
        ("next", "i4"),  # next label in the same bucket
        ("from_class", "i2"),  # goes on only by routes that need a class from this
        ("to_class", "i2"),  # to below this
        ("stage", "i2"),  # next stage to reach
        ("stops", "i2"),
        ("kind", "i1"),
        ("dead", "i1"),
        ("turned", "i1"),  # a stand after which the train runs the other way
    ],
    align=True,
)

CLEARS_S = 300
"""A moving train that can stand nowhere needs at most so long, and a second for each metre, to clear what is behind."""

BEYOND_S = 86_400
"""What is taken later than so long after the last arrival asked for does not count."""

BAND_S, BAND_GROWS = 15.0, 8.0
"""Routes are gone on by in bands of detour, the first of so many seconds, each later one so much wider than all before
it; those of later bands wait their turn in the queue."""

ASK_FURTHER, ASK_S = 1.2, 60.0
"""A least rest that is not known is looked for so much further each time that it is asked for."""

CHUNK_S = 900
"""A label goes on from so many seconds at first, then from as many as it has gone on from before; the rest waits its
turn in the queue."""

LEVELS = 6
"""Numbers of stops that the front of a profile tells apart: 0 to 5."""

BLOCK = 64
"""Departures that are skipped at once when the front is good enough for all of them."""

S_STOP, S_EARLIEST, S_LATEST, S_DEPART, S_ADD, S_FLOOR, S_ROW = range(7)
"""Columns of the array of stages. A stage reached at t gives a destination time of at least
``max(t + S_ADD, S_FLOOR)``; ``S_LATEST`` is tightened by the later stages; ``S_ROW`` is its row of least times."""

N_LABELS, N_QUEUE, BEST, N_TOUCHED, TAKEN, MOST, N_TAILS, LIMIT, MAX_STOPS, PROFILE, IGNORE, COUNT_STOPS = range(12)
"""Places in the array of state: labels, labels in the queue, best label at the end, buckets touched, labels taken,
most labels to take, rows of tails, no arrival later, most stops, whether all departures are asked for, train that does
not count, whether a label with fewer stops is never dropped for one with more."""


class Space(NamedTuple):
    """Arrays that searches on one graph use again."""

    labels: np.ndarray
    tail_m: np.ndarray
    tail_end: np.ndarray
    key: np.ndarray
    second: np.ndarray
    item: np.ndarray
    since: np.ndarray
    band: np.ndarray
    heads: np.ndarray
    touched: np.ndarray
    windows_a: np.ndarray
    windows_b: np.ndarray
    state: np.ndarray


@inlined
def left_after(mover, known, motion, metres):
    """Return the least time that any train takes from a place on the last piece of a route to its end."""
    first, size = np.int64(known.motion_go[motion, 0]), np.int64(known.motion_go[motion, 1])
    return known.motion_left[motion] - time_at(mover, known.part_at, first, size, metres)


@inlined
def up_grid(value, step):
    """Round up to a multiple of the step of times."""
    return int(np.ceil(value / step)) * step


@inlined
def down_grid(value, step):
    """Round down to a multiple of the step of times."""
    return int(np.floor(value / step)) * step


@inlined
def first_reaching(reach, lo, hi, value):
    """Return the first row of ``lo:hi`` up to which some interval ends after ``value``."""
    while lo < hi:
        mid = (lo + hi) >> 1
        if reach[mid] <= value:
            lo = mid + 1
        else:
            hi = mid
    return lo


@inlined
def meets(lines, zone, bits):
    """Tell whether any interval of a zone may conflict with a holding."""
    return (lines.kinds[zone] >> 8) & bits & 255 or lines.kinds[zone] & 255 & (bits >> 8)


@lean
def cut_windows(lines, zone, bits, ignore, lead, off, step, source, n, target):
    """Take from windows of time those at which a zone does not allow to begin a route; return how many are left.

    The zone is held from ``lead`` before such a time until ``off`` after it. Rows of ``source`` and ``target`` are
    (from, until), both included. Returns -1 if there is no room in ``target``.
    """
    end = lines.first[zone] + lines.number[zone]
    i = first_reaching(lines.reach, lines.first[zone], end, source[0, 0] - lead)
    occupies, blocks = bits >> 8, bits & 255
    kept = 0
    for w in range(n):
        a, b = source[w, 0], source[w, 1]
        while i < end and lines.reach[i] <= a - lead:
            i += 1
        j = i
        while j < end and lines.from_s[j] < b + off:
            if (
                lines.until_s[j] > a - lead
                and lines.train[j] != ignore
                and ((blocks & lines.occupies[j]) or (lines.blocks[j] & occupies))
            ):
                before = down_grid(lines.from_s[j] - off, step)
                if before >= a:
                    if kept == len(target):
                        return -1
                    target[kept, 0], target[kept, 1] = a, before
                    kept += 1
                a = up_grid(lines.until_s[j] + lead, step)
                if a > b:
                    break
            j += 1
        if a <= b:
            if kept == len(target):
                return -1
            target[kept, 0], target[kept, 1] = a, b
            kept += 1
    return kept


@lean
def free_until(lines, zone, bits, ignore, at, most):
    """Return when a zone that is free at a time is next taken; a number beyond ``most`` if not by then."""
    begin = lines.first[zone]
    end = begin + lines.number[zone]
    i = first_reaching(lines.reach, begin, end, at)
    occupies, blocks = bits >> 8, bits & 255
    while i < end and lines.from_s[i] <= most:
        if (
            lines.until_s[i] > at
            and lines.train[i] != ignore
            and ((blocks & lines.occupies[i]) or (lines.blocks[i] & occupies))
        ):
            return lines.from_s[i]
        i += 1
    return NEVER


@inlined
def order_of(state, lo, hi, rest, floor, o_max, lag):
    """Return the place of a label in the queue."""
    if state[PROFILE] == 0:
        return max(lo + rest, floor)
    return max(rest + max(lag, lo - o_max), floor - min(o_max, hi - lag))


@lean
def push(space, size, f, i, lo, band):
    """Put label ``i`` from a time on into the queue, which is ordered by ``f``, then by the least rest."""
    key, second, item, since, bands = space.key, space.second, space.item, space.since, space.band
    rest = space.labels[i].rest
    j = size
    while j > 0:
        up = (j - 1) >> 1
        if key[up] < f or (key[up] == f and second[up] <= rest):
            break
        key[j], second[j], item[j], since[j], bands[j] = key[up], second[up], item[up], since[up], bands[up]
        j = up
    key[j], second[j], item[j], since[j], bands[j] = f, rest, i, lo, band
    return size + 1


@lean
def pop(space, size):
    """Take the first entry out of the queue; return the new size."""
    key, second, item, since, bands = space.key, space.second, space.item, space.since, space.band
    size -= 1
    f, rest, last, lo, band = key[size], second[size], item[size], since[size], bands[size]
    i = 0
    while True:
        c = 2 * i + 1
        if c >= size:
            break
        if c + 1 < size and (key[c + 1] < key[c] or (key[c + 1] == key[c] and second[c + 1] < second[c])):
            c += 1
        if key[c] > f or (key[c] == f and second[c] >= rest):
            break
        key[i], second[i], item[i], since[i], bands[i] = key[c], second[c], item[c], since[c], bands[c]
        i = c
    key[i], second[i], item[i], since[i], bands[i] = f, rest, last, lo, band
    return size


@lean
def stop_ahead(track, mover, known, dp):
    """Return how far the nearest place to stand is ahead of a directed piece's end; the train's length if farther."""
    if known.stop_m[dp] >= 0.0:
        return known.stop_m[dp]
    length = mover.par[LENGTH]
    nearest = length
    places, metres = known.ints[3], known.floats[5]
    size, done = 1, 0
    places[0], metres[0] = dp, 0.0
    while done < size:
        here, before = places[done], metres[done]
        done += 1
        for k in range(track.start[here], track.start[here + 1]):
            after = track.successor[k]
            there = before + track.length[after >> 1]
            if mover.limit[after] <= 0.0 or there >= nearest:
                continue
            if mover.may_stop[after] or track.halt[after]:
                nearest = there
                continue
            again = False
            for j in range(size):
                again = again or (places[j] == after and metres[j] <= there)
            if again:
                continue
            if size == len(places):
                nearest = 0.0
                break
            places[size], metres[size] = after, there
            size += 1
    known.stop_m[dp] = nearest
    return nearest


@lean
def tail_no_worse(track, mover, known, space, a, b):
    """Tell whether every zone that label ``a`` must clear in time is matched by one of ``b`` at least as strict.

    One that it clears in any case, since it can stand nowhere before and there is time enough, needs no match.
    """
    lab = space.labels
    nowhere_m = stop_ahead(track, mover, known, lab[a].dp) if lab[a].kind == MOVING else 0.0
    for i in range(lab[a].tail, lab[a].tail + lab[a].tails):
        if space.tail_m[i] <= nowhere_m and space.tail_end[i] > lab[a].hi + CLEARS_S + space.tail_m[i]:
            continue
        matched = False
        for j in range(lab[b].tail, lab[b].tail + lab[b].tails):
            if space.tail_m[j] >= space.tail_m[i] and space.tail_end[j] <= space.tail_end[i]:
                matched = True
                break
        if not matched:
            return False
    return True


@lean
def left_no_earlier(lab, a, b):
    """Tell whether label ``a`` has left the origin no earlier than ``b`` for each time that they have in common."""
    for at in (max(lab[a].lo, lab[b].lo), min(lab[a].hi, lab[b].hi)):
        if min(lab[a].o_max, at - lab[a].lag) < min(lab[b].o_max, at - lab[b].lag):
            return False
    return True


@lean
def alike(mover, known, a, b, dp):
    """Tell whether a train in state ``a`` at a place can do, at any time, what a slower one in state ``b`` can.

    Over every route it takes no longer, and may take as long; it is as fast or faster again at the end, under the same
    limits; and it locks no earlier and clears no later. So it is where the limits of the tail are the same and trains
    may lose time.
    """
    if a == b:
        return True
    if mover.par[SLOWER] <= 0.0 or known.state_v[a] < known.state_v[b] or known.state_v[b] <= 0.0:
        return False
    if known.state_tails[a] != known.state_tails[b]:
        return False
    for k in range(known.state_tails[a]):
        if known.state_metres[a, k] != known.state_metres[b, k] or known.state_limit[a, k] != known.state_limit[b, k]:
            return False
    return lead_of(mover, dp, known.state_v[a]) <= lead_of(mover, dp, known.state_v[b])


@lean
def no_worse(track, mover, known, space, a, b):
    """Tell whether label ``a`` can do all that ``b`` can at the same times; they are in one place and stage.

    A faster one cannot brake for some of what lies ahead; where it covers all times of ``b``, ``b`` is kept for that
    only.
    """
    lab, state = space.labels, space.state
    if state[COUNT_STOPS] != 0 and lab[a].stops > lab[b].stops:
        return False
    if lab[a].to_class < lab[b].to_class:
        return False
    if not alike(mover, known, lab[a].state, lab[b].state, lab[a].dp):
        return False
    if state[PROFILE] != 0 and not left_no_earlier(lab, a, b):
        return False
    if not tail_no_worse(track, mover, known, space, a, b):
        return False
    if lab[a].from_class <= lab[b].from_class:
        return True
    if lab[a].from_class < lab[b].to_class and lab[a].lo <= lab[b].lo and lab[b].hi <= lab[a].hi:
        lab[b].to_class = lab[a].from_class
        return not braked_for(known, lab[b].dp, lab[b].from_class, lab[b].to_class)
    return False


@lean
def braked_for(known, dp, from_class, to_class):
    """Tell whether something behind a place may need a class in a range."""
    for c in range(known.class_first[dp], known.class_first[dp] + known.class_count[dp]):
        lowest = known.class_of[c]
        if lowest < to_class and lowest >= CLUSTER * from_class - 1.0:
            return True
    return False


@lean
def trim(space, a, b, step):
    """Take from the times of label ``b`` those of label ``a``, where one end of ``b`` is left; tell if any is left."""
    lab = space.labels
    if lab[a].lo <= lab[b].lo <= lab[a].hi:
        lab[b].lo = lab[a].hi + step
    elif lab[a].lo <= lab[b].hi <= lab[a].hi:
        lab[b].hi = lab[a].lo - step
    return lab[b].lo <= lab[b].hi


@lean
def enter_label(track, mover, known, space, stage, step, i, size):
    """Put a new label into its bucket and the queue, but for needless times; return the queue's size."""
    lab, state = space.labels, space.state
    if lab[i].kind != ENDED:
        h = np.int64(lab[i].dp) * np.int64(1099511628211)
        h = (h ^ (np.int64(lab[i].stage) << 3) ^ np.int64(lab[i].kind + 4 * lab[i].turned)) * np.int64(
            -7046029254386353131
        )
        bucket = (h >> 30) & (len(space.heads) - 1)
        j = np.int64(space.heads[bucket])
        before = np.int64(-1)
        while j >= 0:
            following = np.int64(lab[j].next)
            dropped = False
            if (
                lab[j].dp == lab[i].dp
                and lab[j].stage == lab[i].stage
                and lab[j].kind == lab[i].kind
                and lab[j].turned == lab[i].turned
                and lab[j].lo <= lab[i].hi
                and lab[i].lo <= lab[j].hi
            ):
                if no_worse(track, mover, known, space, j, i):
                    if not trim(space, j, i, step):
                        return size
                elif no_worse(track, mover, known, space, i, j):
                    dropped = not trim(space, i, j, step)
            if dropped:
                lab[j].dead = 1
                if before < 0:
                    space.heads[bucket] = following
                else:
                    lab[before].next = following
            else:
                before = j
            j = following
        if space.heads[bucket] == UNTOUCHED:
            space.touched[state[N_TOUCHED]] = bucket
            state[N_TOUCHED] += 1
        lab[i].next = space.heads[bucket]
        space.heads[bucket] = i
        floor = stage[lab[i].stage, S_FLOOR]
    else:
        floor = -np.inf
    f = order_of(state, lab[i].lo, lab[i].hi, lab[i].rest, floor, lab[i].o_max, lab[i].lag)
    return push(space, size, f, i, np.int64(lab[i].lo), -np.inf)


@lean
def tail_behind(space, at, count, out):
    """Write ``count`` rows of a tail in ``out``, in order of metres, without those that others make needless."""
    for i in range(1, count):
        m, e = out[i, 0], out[i, 1]
        j = i - 1
        while j >= 0 and out[j, 0] > m:
            out[j + 1, 0], out[j + 1, 1] = out[j, 0], out[j, 1]
            j -= 1
        out[j + 1, 0], out[j + 1, 1] = m, e
    least = float(NEVER)
    n = 0
    for i in range(count - 1, -1, -1):
        if out[i, 1] < least:
            least = out[i, 1]
            space.tail_m[at + n] = out[i, 0]
            space.tail_end[at + n] = int(out[i, 1])
            n += 1
    return n


@inlined
def write(t, source, i, route, motion, kind, dp, stage, after, lo, hi, a, b, time):
    """Fill in a label that comes from label ``i`` over a route begun at ``a`` to ``b``."""
    t.kind, t.dp, t.stage, t.state = kind, dp, stage, after
    t.lo, t.hi = lo, hi
    t.from_lo, t.from_hi, t.in_lo, t.in_hi, t.dwell = a, b, 0, 0, 0
    t.parent, t.route, t.motion = i, route, motion
    t.o_max = min(source.o_max, b - source.lag)
    t.lag = source.lag + time
    t.stops = source.stops
    t.next = -1
    t.dead, t.turned, t.tail, t.tails = 0, 0, 0, 0
    t.from_class, t.to_class = 0, ANY_CLASS


@lean
def go_on(
    track, book, mover, known, lines, least, space, stage, i, lo, hi, route, leave, from_class, to_class, n, tails
):
    """Run on from label ``i`` over a route, left in one way; return (new labels, new rows of tails, status).

    New labels are written behind label ``n``; they are not in the queue yet.
    """
    lab, state, par = space.labels, space.state, mover.par
    motion = motion_of(track, book, mover, known, route, np.int64(lab[i].state), leave)
    if motion < 0:
        return n, tails, -motion
    step = int(par[STEP])
    lead = lead_of(mover, lab[i].dp, known.state_v[lab[i].state])
    time = known.motion_time[motion]
    ignore, limit = state[IGNORE], state[LIMIT]
    first_part, parts = np.int64(known.motion_part[motion, 0]), np.int64(known.motion_part[motion, 1])
    metres = book.metres[route]
    last_begins = metres - track.length[book.end[route] >> 1]
    # What is still behind: cleared on this route, before or on its last piece, or beyond it.
    most_end = np.int64(NEVER)
    out = known.rows
    behind = np.int64(0)
    for j in range(lab[i].tail, lab[i].tail + lab[i].tails):
        m, until = space.tail_m[j], space.tail_end[j]
        if m > metres:
            out[behind, 0], out[behind, 1] = m - metres, until
            behind += 1
            most_end = min(most_end, until - 1)
            continue
        if m > last_begins:
            left_s = left_after(mover, known, motion, m)
            most_end = min(most_end, until - int(np.ceil(par[RELEASE] - left_s)) - WIDEN_S)
        else:
            at_s = time_at(mover, known.part_at, first_part, parts, m)
            hi = min(hi, until - int(np.ceil(at_s + par[RELEASE])) - WIDEN_S)
    hi = down_grid(min(hi, most_end - time, limit - time), step)
    if lo > hi:
        return n, tails, RUNNING
    # The times at which the route may be begun.
    first_hold, holds = known.motion_hold[motion, 0], known.motion_hold[motion, 1]
    now, other = space.windows_a, space.windows_b
    now[0, 0], now[0, 1] = lo, hi
    windows = np.int64(1)
    for h in range(first_hold, first_hold + holds):
        zone, bits = np.int64(known.hold_zone[h]), np.int64(known.hold_bits[h])
        if not meets(lines, zone, bits):
            continue
        off = np.int64(known.hold_off[h])
        if known.hold_when[h] == B_END:
            off += time
        windows = cut_windows(lines, zone, bits, ignore, lead, off, step, now, windows, other)
        if windows < 0:
            return n, tails, GROW_SCRATCH
        if windows == 0:
            return n, tails, RUNNING
        now, other = other, now
    for w in range(windows):
        a, b = np.int64(now[w, 0]), np.int64(now[w, 1])
        # In this window every zone has one free gap.
        room_until = most_end
        rows = behind
        for h in range(first_hold, first_hold + holds):
            zone, bits = np.int64(known.hold_zone[h]), np.int64(known.hold_bits[h])
            if known.hold_when[h] == A_HEAD or not meets(lines, zone, bits):
                continue
            free = free_until(lines, zone, bits, ignore, a - lead, limit + BEYOND_S)
            if free == NEVER:
                continue
            if known.hold_when[h] == B_END:
                room_until = min(room_until, free - known.hold_off[h])
            else:
                room_until = min(room_until, free - 1)
                out[rows, 0], out[rows, 1] = known.hold_metres[h], free
                rows += 1
        if tails + 3 * (rows + 1) * len(stage) > len(space.tail_m):
            return n, tails, GROW_TAILS
        if n + 4 * len(stage) > len(lab):
            return n, tails, GROW_LABELS
        n, tails = arrive(track, book, mover, known, least, space, stage, i, route, motion, leave, from_class,
                          to_class, a, b, room_until, out, rows, n, tails)  # fmt: skip
        if n < 0:
            return n, tails, GROW_STATES
    return n, tails, RUNNING


@lean
def arrive(track, book, mover, known, least, space, stage, i, route, motion, leave, from_class, to_class, a, b,
           room_until, out, rows, n, tails):  # fmt: skip
    """Write the labels at the end of a route begun at ``a`` to ``b``: one for each stage that may be the next."""
    lab, state, par = space.labels, space.state, mover.par
    step = int(par[STEP])
    end = np.int64(book.end[route])
    pieces, at = book.number[route], book.at[route]
    time, loss = known.motion_time[motion], known.motion_loss[motion]
    after = known.motion_state[motion]
    k = np.int64(lab[i].stage)
    lo, hi = a + time, down_grid(min(b + time + loss, room_until), step)
    piece = -1
    while lo <= hi:
        row = int(stage[k, S_ROW])
        last, stops = k == len(stage) - 1, stage[k, S_STOP] >= 0.0
        x, y = max(lo, up_grid(stage[k, S_EARLIEST], step)), min(hi, down_grid(stage[k, S_LATEST], step))
        here = least.value[row, end] == 0.0
        if leave == STOP:
            if here and stops and last:
                y = ends_by(space, par, stage[k, S_STOP], stage[k, S_DEPART], out, rows, y)
                if x <= y:
                    write(lab[n], lab[i], i, route, motion, ENDED, end, k, after, x, y, a, b, time)
                    lab[n].rest = 0.0
                    lab[n].dwell = up_grid(stage[k, S_STOP], step)
                    n += 1
            # A stop that the stage asks for, and one of the train's own.
            for own in range(2):
                if lab[i].stops >= state[MAX_STOPS]:
                    break
                if own == 0:
                    if not here or not stops or last or x > y:
                        continue
                    comes, until, least_s, depart_s, following = x, y, stage[k, S_STOP], stage[k, S_DEPART], k + 1
                else:
                    if not mover.may_stop[end]:
                        continue
                    comes, until, least_s, depart_s, following = lo, hi, par[MIN_STOP], -1e9, k
                n, tails = stand(track, mover, known, least, space, stage, i, route, motion, end, a, b, comes, until,
                                 least_s, depart_s, following, out, rows, n, tails)  # fmt: skip
                if n < 0:
                    return n, tails
        else:
            if here and last and not stops:
                v = known.state_v[after]
                for r in range(rows):
                    gone = int(np.ceil(out[r, 0] / v + par[RELEASE])) + WIDEN_S
                    y = min(y, down_grid(int(out[r, 1]) - gone, step))
                if x <= y:
                    write(lab[n], lab[i], i, route, motion, ENDED, end, k, after, x, y, a, b, time)
                    lab[n].rest = 0.0
                    n += 1
            if track.signal[end] and known.class_most[end] >= from_class:
                rest = least_from(track, mover.limit, least, row, end, state[LIMIT] - lo - stage[k, S_ADD])
                z = latest_here(stage, state, k, rest, hi, step)
                if lo <= z:
                    write(lab[n], lab[i], i, route, motion, MOVING, end, k, after, lo, z, a, b, time)
                    lab[n].rest = rest + stage[k, S_ADD]
                    lab[n].from_class, lab[n].to_class = from_class, to_class
                    lab[n].tail = tails
                    lab[n].tails = tail_behind(space, tails, rows, out)
                    tails += lab[n].tails
                    n += 1
        # Is the next stage one that the head passes on this route?
        if last or stops or (piece < 0 and least.value[row, lab[i].dp] > known.route_least[route] + 1e-6):
            break
        found = -1
        for j in range(piece + 1, pieces):
            if least.value[row, book.pieces[at + j]] == 0.0:
                found = j
                break
        if found < 0:
            break
        if found == pieces - 1:
            lo, hi = x, y
        else:
            off = int(np.ceil(known.times[known.motion_at[motion] + found] - 1e-9))
            a = max(a, up_grid(stage[k, S_EARLIEST] - off, step))
            b = min(b, down_grid(stage[k, S_LATEST] - off, step))
            if a > b:
                break
            lo, hi = max(lo, a + time), min(hi, b + time + loss)
        piece = found
        k += 1
    return n, tails


@inlined
def latest_here(stage, state, k, rest, hi, step):
    """Return the latest time up to ``hi`` from which the later stages may still be reached in time."""
    most = min(stage[k, S_LATEST] - rest, state[LIMIT] - rest - stage[k, S_ADD])
    if stage[k, S_FLOOR] > state[LIMIT] or not most > -1e9:
        return -NEVER
    return down_grid(min(float(hi), most), step)


@lean
def ends_by(space, par, least_s, depart_s, out, rows, y):
    """Return the latest arrival up to ``y`` of a train that stays until the end of its run."""
    step = int(par[STEP])
    for r in range(rows):
        until = int(out[r, 1])
        if depart_s > 0.0 and int(np.ceil(depart_s + par[RELEASE])) + WIDEN_S > until:
            return -NEVER
        y = min(y, down_grid(until - int(np.ceil(least_s + par[RELEASE])) - WIDEN_S, step))
    return y


@lean
def stand(track, mover, known, least, space, stage, i, route, motion, end, a, b, x, y, least_s, depart_s, k, out, rows,
          n, tails):  # fmt: skip
    """Write the label of a train that comes in at ``x`` to ``y`` and stands, and of one that turns back there."""
    lab, state, par = space.labels, space.state, mover.par
    step = int(par[STEP])
    until = NEVER
    for r in range(rows):
        until = min(until, int(out[r, 1]))
    gone = int(np.ceil(par[RELEASE])) + WIDEN_S
    turns = len(mover.turn_to) > 0 and mover.turn_to[end] >= 0
    for turned in range(2 if turns else 1):
        dp, after, dwell = end, np.int64(known.motion_state[motion]), up_grid(least_s, step)
        if turned == 1:
            dp = np.int64(mover.turn_to[end])
            dwell = up_grid(max(least_s, mover.turn_s[end]), step)
            metres, limits = known.floats[6], known.floats[7]
            metres[0], limits[0] = par[LENGTH], mover.turn_limit[end]
            after = state_of(mover, known, 0.0, np.int64(limits[0] < par[TOP]), metres, limits)
            if after < 0:
                return -1, tails
        lo = up_grid(max(float(x + dwell), depart_s), step)
        if turned == 1:
            rest = least.value[int(stage[k, S_ROW]), dp] if least.done[int(stage[k, S_ROW]), dp] else 0.0
        else:
            rest = least_from(track, mover.limit, least, int(stage[k, S_ROW]), dp, state[LIMIT] - lo - stage[k, S_ADD])
        hi = latest_here(stage, state, k, rest, min(until - gone, state[LIMIT]), step)
        if lo > hi:
            continue
        write(lab[n], lab[i], i, route, motion, STANDING, dp, k, after, lo, hi, a, b, known.motion_time[motion])
        t = lab[n]
        t.in_lo, t.in_hi, t.dwell = x, min(y, down_grid(until - gone, step) - dwell), dwell
        t.o_max = min(t.o_max, t.in_hi - t.lag)
        t.lag += dwell
        t.stops += 1
        t.turned = turned
        t.rest = rest + stage[k, S_ADD]
        t.tail = tails
        if turned == 1:
            t.tails = 0
            if until < NEVER:
                space.tail_m[tails], space.tail_end[tails] = par[LENGTH], until
                t.tails = 1
        else:
            t.tails = tail_behind(space, tails, rows, out)
        tails += t.tails
        n += 1
    return n, tails


@lean
def goal_at(least, stage, k, dp):
    """Tell whether a stage may stop at a place, and whether the run may end there in passing.

    The stages in between that are only passed may lie on the way there.
    """
    for s in range(k, len(stage)):
        here, stops = least.value[int(stage[s, S_ROW]), dp] == 0.0, stage[s, S_STOP] >= 0.0
        if here and (stops or s == len(stage) - 1):
            return stops, not stops
        if stops:
            break
    return False, False


@inlined
def expand(track, book, mover, known, lines, least, space, stage, i, lo, hi, band):
    """Write the labels that follow label ``i`` between two times, by the routes of a band.

    A band are the routes that make the way longer by ``band`` to ``BAND_GROWS`` times that and ``BAND_S`` seconds, as
    far as the least times tell. Returns (new labels, new rows of tails, status, the next band that has routes; infinite
    if none).
    """
    lab, state = space.labels, space.state
    n, tails = state[N_LABELS], state[N_TAILS]
    dp, k = np.int64(lab[i].dp), np.int64(lab[i].stage)
    row = int(stage[k, S_ROW])
    stops = stage[k, S_STOP] >= 0.0
    own = known.state_class[lab[i].state]
    from_class, to_class = lab[i].from_class, lab[i].to_class
    limit = state[LIMIT] - stage[k, S_ADD]
    upper = BAND_GROWS * max(band, 0.0) + BAND_S
    next_band = np.inf
    if known.way_first[dp] < 0:
        status = find_ways(track, book, mover, known, dp)
        if status != RUNNING:
            return n, tails, status, next_band
    for way in range(known.way_first[dp], known.way_first[dp] + known.way_count[dp]):
        route = np.int64(known.way[way])
        free = known.route_class[route]
        if own > free or free < from_class:
            continue
        end = np.int64(book.end[route])
        # What the way over this route is longer than the best from here; nothing where a place is passed on it.
        detour = 0.0
        if stops or least.value[row, dp] > known.route_least[route] + 1e-6:
            most = limit - lo - known.route_least[route]
            within = least.value[row, dp] + upper - known.route_least[route]
            rest = least_from(track, mover.limit, least, row, end, min(most, within))
            if not rest <= most:
                # Too far, or at least so far that it belongs to a later band.
                if within < most:
                    next_band = min(next_band, upper)
                continue
            detour = known.route_least[route] + rest - least.value[row, dp]
        if detour < band:
            continue
        if detour >= upper:
            next_band = min(next_band, detour)
            continue
        signal = track.signal[end]
        stops_here, ends_here = goal_at(least, stage, k, end)
        stops_here = stops_here or mover.may_stop[end]
        first, classes, own_after = np.int64(0), np.int64(-1), np.int64(0)
        if signal or ends_here:
            classes = np.int64(0)
            if signal and known.class_first[end] < 0:
                status = find_classes(track, book, mover, known, end)
                if status != RUNNING:
                    return n, tails, status, next_band
            motion = motion_of(track, book, mover, known, route, np.int64(lab[i].state), np.int64(FREE))
            if motion < 0:
                return n, tails, -motion, next_band
            own_after = np.int64(known.state_class[known.motion_state[motion]])
            if signal:
                first, classes = np.int64(known.class_first[end]), np.int64(known.class_count[end])
        # With a stop, freely, at each of the classes that are lower.
        for c in range(-2, classes):
            leave, lowest, below = np.int64(STOP), np.int64(0), np.int64(ANY_CLASS)
            if c == -2:
                if not stops_here:
                    continue
            elif c == -1:
                if known.class_most[end] < own_after and not ends_here:
                    continue
                leave, lowest = np.int64(FREE), own_after
            else:
                leave = np.int64(known.class_of[first + c])
                if leave >= own_after:
                    break
                lowest, below = leave, own_after
                if c + 1 < classes:
                    below = min(below, np.int64(known.class_of[first + c + 1]))
            need = class_needed(known, route, leave)
            if own <= need and from_class <= need < to_class:
                n, tails, status = go_on(track, book, mover, known, lines, least, space, stage, i, lo, hi, route, leave,
                                         lowest, below, n, tails)  # fmt: skip
                if status != RUNNING:
                    return n, tails, status, next_band
    return n, tails, RUNNING, next_band


@entry
def begin(track, book, mover, known, lines, least, space, stage, origins, lo, hi, standing):
    """Write the first labels; return ``RUNNING``, or what must grow before this is called again from the start."""
    lab, state, par = space.labels, space.state, mover.par
    step = int(par[STEP])
    n, tails, size = np.int64(0), np.int64(0), np.int64(0)
    row = int(stage[1, S_ROW])
    metres, limits = known.floats[6], known.floats[7]
    for origin in origins:
        dp = np.int64(origin)
        if mover.limit[dp] <= 0.0:
            continue
        if known.class_first[dp] < 0:
            status = find_classes(track, book, mover, known, dp)
            if status != RUNNING:
                return status
        # Where it begins on the wrong side, the least time is asked for only when nothing better is left.
        rest = least.value[row, dp] if least.done[row, dp] else 0.0
        latest = latest_here(stage, state, 1, rest, hi, step)
        if lo > latest:
            continue
        piece = dp >> 1
        zones = 1
        if len(mover.keep_start) > 0:
            zones += mover.keep_start[piece + 1] - mover.keep_start[piece]
        # A train that passes in does so freely, or at any of the classes that are needed behind.
        ways = 1 if standing else 1 + known.class_count[dp]
        free_v = np.floor(min(mover.limit[dp], par[TOP]) * 8.0) / 8.0
        for way in range(ways):
            v, from_class, to_class = 0.0, 0, ANY_CLASS
            if not standing:
                if way == 0:
                    v = free_v
                else:
                    c = known.class_first[dp] + way - 1
                    v = speed_of_class(known.class_of[c], par[BRAKING])
            after = state_of(mover, known, v, np.int64(0), metres, limits)
            if after < 0:
                return GROW_STATES
            if not standing:
                top = known.state_class[state_of(mover, known, free_v, np.int64(0), metres, limits)]
                from_class = known.state_class[after]
                if way > 0:
                    if from_class >= top:
                        continue
                    to_class = top
                    if way < known.class_count[dp]:
                        to_class = min(to_class, int(known.class_of[c + 1]))
            lead = lead_of(mover, dp, v)
            now, other = space.windows_a, space.windows_b
            now[0, 0], now[0, 1] = lo, latest
            windows = np.int64(1)
            for j in range(zones):
                zone, bits = zone_of(track, mover, piece, j)
                if windows > 0:
                    windows = cut_windows(
                        lines, zone, bits, state[IGNORE], lead, np.int64(1), step, now, windows, other
                    )
                    if windows < 0:
                        return GROW_SCRATCH
                    now, other = other, now
            for w in range(windows):
                a, b = np.int64(now[w, 0]), np.int64(now[w, 1])
                if n + 2 > len(lab) or size + 2 > len(space.key):
                    return GROW_LABELS
                if tails + 1 > len(space.tail_m):
                    return GROW_TAILS
                until = NEVER
                for j in range(zones):
                    zone, bits = zone_of(track, mover, piece, j)
                    until = min(until, free_until(lines, zone, bits, state[IGNORE], a - lead, state[LIMIT] + BEYOND_S))
                t = lab[n]
                t.kind, t.dp, t.stage, t.state = STANDING if standing else MOVING, dp, 1, after
                t.lo, t.hi = a, b
                t.from_lo, t.from_hi, t.in_lo, t.in_hi, t.dwell = a, b, a, b, 0
                t.parent, t.route, t.motion, t.next = -1, -1, -1, -1
                t.o_max, t.lag, t.stops, t.dead, t.turned = NEVER, 0, 0, 0, 0
                t.from_class, t.to_class = from_class, to_class
                t.rest = rest + stage[1, S_ADD]
                t.tail, t.tails = tails, 0
                if until < NEVER:
                    space.tail_m[tails], space.tail_end[tails] = par[LENGTH], until
                    t.tails = 1
                    tails += 1
                f = order_of(state, a, b, t.rest, stage[1, S_FLOOR], NEVER, 0)
                size = push(space, size, f, n, a, -np.inf)
                n += 1
    state[N_LABELS], state[N_TAILS], state[N_QUEUE] = n, tails, size
    return RUNNING


@inlined
def zone_of(track, mover, piece, j):
    """Return the zone of a piece (``j`` 0) or one kept empty beside it, and its bits."""
    if j == 0:
        return np.int64(track.zone[piece]), np.int64((int(mover.par[KIND]) << 8) | 7)
    k = mover.keep_start[piece] + j - 1
    return np.int64(mover.keep_zone[k]), np.int64(mover.keep_mask[k])


@inlined
def take(track, book, mover, known, lines, least, space, stage, size, i, lo, hi, band):
    """Go on from label ``i``, the first in the queue, between two times; return (size of the queue, status)."""
    lab, state = space.labels, space.state
    step = int(mover.par[STEP])
    until = min(hi, lo + max(CHUNK_S, lo - np.int64(lab[i].lo)) // step * step)
    first = state[N_LABELS]
    n, tails, status, next_band = expand(track, book, mover, known, lines, least, space, stage, i, lo, until, band)
    if status != RUNNING:
        return size, status
    if size + (n - first) + 2 > len(space.key):
        return size, GROW_LABELS
    state[TAKEN] += 1
    size = pop(space, size)
    state[N_LABELS], state[N_TAILS] = n, tails
    floor = stage[lab[i].stage, S_FLOOR]
    if next_band < np.inf:
        f = order_of(state, lo, hi, lab[i].rest + next_band, floor, lab[i].o_max, lab[i].lag)
        size = push(space, size, f, i, lo, next_band)
    if band < 0.0 and until + step <= hi:
        f = order_of(state, until + step, hi, lab[i].rest, floor, lab[i].o_max, lab[i].lag)
        size = push(space, size, f, i, until + step, -np.inf)
    for j in range(first, n):
        size = enter_label(track, mover, known, space, stage, step, j, size)
    return size, RUNNING


@lean
def ask_rest(track, mover, least, stage, space, i):
    """Raise the least rest of a label towards what it is; return whether it is known now, or -1 if there is no way."""
    lab = space.labels
    if lab[i].kind == ENDED:
        return 1
    row, add = int(stage[lab[i].stage, S_ROW]), stage[lab[i].stage, S_ADD]
    if not least.done[row, lab[i].dp]:
        most = ASK_FURTHER * (lab[i].rest - add) + ASK_S
        rest = least_from(track, mover.limit, least, row, lab[i].dp, most)
        lab[i].rest = add + min(rest, most)
        if rest == np.inf:
            return 0 if least.size[row] > 0 else -1
    lab[i].rest = add + least.value[row, lab[i].dp]
    return 1


@lean
def refresh_blocks(arrive_s, longest, level, low, high, step):
    """Work out again the longest time from departure to arrival in the blocks of departures ``low`` to ``high``."""
    for block in range(low // BLOCK, high // BLOCK + 1):
        most = -np.inf
        for k in range(block * BLOCK, min((block + 1) * BLOCK, arrive_s.shape[1])):
            most = max(most, arrive_s[level, k] - k * step)
        longest[level, block] = most


@lean
def put_in_front(arrive_s, longest, base, t, step):
    """Put the run that ends in label ``t`` into the front."""
    last = min(t.hi, max(t.o_max + t.lag, t.lo))
    low = (min(t.o_max, t.lo - t.lag) - base) // step
    high = (min(t.o_max, last - t.lag) - base) // step
    for level in range(t.stops, LEVELS):
        at = float(t.lo)
        for k in range(low, high + 1):
            arrive_s[level, k] = min(arrive_s[level, k], at)
            at += step
        at = float(t.lo)
        k = low - 1
        while k >= 0 and arrive_s[level, k] > at:
            arrive_s[level, k] = at
            k -= 1
        refresh_blocks(arrive_s, longest, level, k + 1, high, step)


@lean
def cut(arrive_s, longest, base, t, lo, hi, after_s, floor, step):
    """Return times ``lo`` to ``hi`` of a label without the first and last for which the front is no worse.

    The label reaches the destination no earlier than ``after_s`` after its times, and not before ``floor``.
    """
    level = min(t.stops, LEVELS - 1)
    turn = t.o_max + t.lag
    if hi > turn:
        # Times behind ``turn`` all belong to the last departure from the origin.
        known = arrive_s[level, (t.o_max - base) // step]
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
        elif arrive_s[level, k] > max(hi + after_s, floor):
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
        elif arrive_s[level, k] > max(lo + after_s, floor):
            break
        else:
            lo += step
    return lo, hi


@entry
def advance(arrive_s, longest, base, ended, track, book, mover, known, lines, least, space, stage, pops):
    """Search on until ``pops`` labels are taken in all.

    Returns ``EMPTY`` when the search is over, ``RUNNING`` when it may go on, ``GAVE_UP`` when it took as many labels as
    it may, or what must grow first. Of a profile ``arrive_s`` (levels, departures) is the front, ``longest`` the
    longest journeys in its blocks and ``base`` the first departure; the labels at the end are listed in ``ended``,
    whose last element counts them.
    """
    lab, state = space.labels, space.state
    step = int(mover.par[STEP])
    profile = state[PROFILE] != 0
    size = state[N_QUEUE]
    status = RUNNING
    while state[TAKEN] < pops:
        if size == 0:
            status = EMPTY
            break
        i, band = np.int64(space.item[0]), space.band[0]
        lo, hi = np.int64(max(space.since[0], lab[i].lo)), np.int64(lab[i].hi)
        asked = 1
        if lab[i].dead == 0 and lo <= hi:
            asked = ask_rest(track, mover, least, stage, space, i)
        if lab[i].dead == 1 or lo > hi or asked < 0:
            size = pop(space, size)
            continue
        ends = lab[i].kind == ENDED
        after_s = 0.0 if ends else lab[i].rest + max(band, 0.0)
        floor = -np.inf if ends else stage[lab[i].stage, S_FLOOR]
        if profile:
            lo, hi = cut(arrive_s, longest, base, lab[i], lo, hi, after_s, floor, step)
        if lo > hi or lo + after_s > state[LIMIT]:
            size = pop(space, size)
            continue
        f = order_of(state, lo, hi, after_s, floor, lab[i].o_max, lab[i].lag)
        if f > space.key[0] or asked == 0:
            size = push(space, pop(space, size), f, i, lo, band)
            continue
        if ends and not profile:
            state[BEST] = i
            status = EMPTY
            break
        if ends:
            if ended[-1] == len(ended) - 1:
                status = GROW_ENDED
                break
            lab[i].lo, lab[i].hi = lo, hi
            put_in_front(arrive_s, longest, base, lab[i], step)
            ended[ended[-1]] = i
            ended[-1] += 1
            size = pop(space, size)
            continue
        if state[TAKEN] >= state[MOST]:
            status = GAVE_UP
            break
        size, status = take(track, book, mover, known, lines, least, space, stage, size, i, lo, hi, band)
        if status != RUNNING:
            break
    state[N_QUEUE] = size
    return status


@compiled
def best_of(lab, ended, base, count, step, out):
    """Write the Pareto-optimal runs into ``out`` as (departure, label, arrival); return their number.

    By falling departure from the origin; ``count`` is the number of departures of the grid.
    """
    total = 0
    for e in range(ended[-1]):
        t = lab[ended[e]]
        total += max(0, (min(t.hi, t.o_max + t.lag) - t.lo) // step) + 1
    head = np.full(count, -1, np.int64)
    after = np.empty(total, np.int64)
    label = np.empty(total, np.int64)
    comes = np.empty(total, np.int64)
    n = 0
    for e in range(ended[-1]):
        i = ended[e]
        t = lab[i]
        at = t.lo
        while at == t.lo or at <= min(t.hi, t.o_max + t.lag):
            k = (min(t.o_max, at - t.lag) - base) // step
            after[n], label[n], comes[n] = head[k], i, at
            head[k] = n
            n += 1
            at += step
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
                at, stops = comes[j], lab[label[j]].stops
                beaten = False
                for q in range(known):
                    if best_at[q] <= at and best_stops[q] <= stops:
                        beaten = True
                        break
                if not beaten:
                    if chosen < 0:
                        chosen = j
                    else:
                        other = comes[chosen]
                        if at < other or (at == other and stops < lab[label[chosen]].stops):
                            chosen = j
                j = after[j]
            if chosen < 0:
                break
            at, stops = comes[chosen], lab[label[chosen]].stops
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
            out[rows, 2] = at
            rows += 1
    return rows


@lean
def speed_at(mover, parts, first, size, metres):
    """Return the speed at a place on a route, from the ``size`` parts of a motion."""
    lo, hi = first, first + size
    while hi - lo > 1:
        mid = (lo + hi) >> 1
        if parts[mid, 0] < metres:
            lo = mid
        else:
            hi = mid
    done = metres - parts[lo, 0]
    peak, up, even, x = parts[lo, 3], parts[lo, 4], parts[lo, 5], parts[lo, 6]
    if done <= up:
        return between(mover.s, mover.v, x + done)
    if done <= up + even:
        return peak
    return np.sqrt(max(peak * peak - 2.0 * mover.par[BRAKING] * (done - up - even), 0.0))


@compiled
def retrace(track, book, mover, known, least, space, stage, last, time, latest, out_int, out_time, out_span):
    """Write the run that ends in label ``last`` at a time; return its number of pieces, -1 if there is no room.

    ``out_int`` (k, 2): directed piece, stage reached or -1. ``out_time`` (k, 5): entry, exit, departure, speed, loss.
    ``out_span`` (k, 2): holding of the piece's zone. With ``latest`` every earlier time is as late as ``time`` allows,
    else as early as it can be. A train that turns back has a row more: the piece at whose end its new head stands.
    """
    lab, par = space.labels, mover.par
    step = int(par[STEP])
    count, k = 0, 1
    i = last
    while i >= 0:
        count += 1
        if lab[i].route >= 0:
            k += book.number[lab[i].route] + lab[i].turned
        i = lab[i].parent
    if k > len(out_int):
        return -1
    chain = np.empty(count, np.int32)
    leaves = np.empty(count, np.int64)
    comes = np.empty(count, np.int64)
    begins = np.empty(count, np.int64)
    i, at = last, time
    for c in range(count - 1, -1, -1):
        chain[c], leaves[c] = i, at
        t = lab[i]
        if t.kind == STANDING and t.route >= 0:
            at = min(t.in_hi, down_grid(at - t.dwell, step)) if latest else t.in_lo
        comes[c] = at
        if t.route >= 0:
            run = known.motion_time[t.motion]
            at = min(t.from_hi, at - run) if latest else max(t.from_lo, at - run - known.motion_loss[t.motion])
        begins[c] = at
        i = t.parent
    release = par[RELEASE]
    # The rows of pieces behind the train: row, metres to run until it is clear.
    behind = np.empty(k, np.int32)
    metres = np.empty(k, np.float64)
    waiting = 0
    row = 0
    for c in range(count):
        t = lab[chain[c]]
        if t.route < 0:
            out_int[0, 0], out_int[0, 1] = t.dp, 0
            out_time[0, 0] = out_time[0, 1] = out_time[0, 2] = leaves[c]
            out_time[0, 3], out_time[0, 4] = known.state_v[t.state], 0.0
            out_span[0, 0] = leaves[c] - lead_of(mover, t.dp, known.state_v[t.state])
            behind[0], metres[0] = 0, par[LENGTH]
            waiting, row = 1, 1
            continue
        first = row
        number, at_piece = book.number[t.route], book.at[t.route]
        length = book.metres[t.route]
        end = book.end[t.route]
        last_begins = length - track.length[end >> 1]
        run = known.motion_time[t.motion]
        part, parts = np.int64(known.motion_part[t.motion, 0]), np.int64(known.motion_part[t.motion, 1])
        lead = lead_of(mover, lab[chain[c - 1]].dp, known.state_v[lab[chain[c - 1]].state])
        place = 0.0
        for j in range(number):
            dp = book.pieces[at_piece + j]
            place += track.length[dp >> 1]
            out_int[row, 0], out_int[row, 1] = dp, -1
            out_time[row, 0] = out_time[row - 1, 2]
            exit_s = begins[c] + known.times[known.motion_at[t.motion] + j]
            if j == number - 1:
                exit_s = float(comes[c])
            out_time[row, 1] = out_time[row, 2] = exit_s
            out_time[row, 3] = speed_at(mover, known.part_at, part, parts, place)
            out_time[row, 4] = 0.0
            out_span[row, 0] = begins[c] - lead
            behind[waiting], metres[waiting] = row, place + par[LENGTH]
            waiting += 1
            row += 1
        out_time[row - 1, 2] = leaves[c]
        out_time[row - 1, 3] = known.state_v[known.motion_state[t.motion]]
        out_time[row - 1, 4] = comes[c] - begins[c] - run
        # Stages reached.
        found = -1
        before = lab[chain[c - 1]].stage
        after = t.stage + 1 if t.kind == ENDED else t.stage
        for s in range(before, after):
            if stage[s, S_STOP] >= 0.0 or s == len(stage) - 1:
                out_int[row - 1, 1] = s
            else:
                for j in range(found + 1, number):
                    if least.value[int(stage[s, S_ROW]), book.pieces[at_piece + j]] == 0.0:
                        found = j
                        break
                out_int[first + found, 1] = s
        # What is cleared on this route.
        kept = 0
        for w in range(waiting):
            m = metres[w]
            if m > length:
                behind[kept], metres[kept] = behind[w], m - length
                kept += 1
                continue
            if m > last_begins:
                left_s = left_after(mover, known, t.motion, m)
                out_span[behind[w], 1] = comes[c] + int(np.ceil(release - left_s)) + WIDEN_S
            else:
                at_s = time_at(mover, known.part_at, part, parts, m)
                out_span[behind[w], 1] = begins[c] + int(np.ceil(at_s + release)) + WIDEN_S
        waiting = kept
        if t.turned == 1:
            for w in range(waiting):
                metres[w] = par[LENGTH]
            out_int[row, 0], out_int[row, 1] = t.dp, -1
            out_time[row, 0] = out_time[row, 1] = out_time[row, 2] = leaves[c]
            out_time[row - 1, 2] = leaves[c]
            out_time[row, 3], out_time[row, 4] = 0.0, 0.0
            out_span[row, 0] = begins[c] - lead
            behind[waiting], metres[waiting] = row, par[LENGTH]
            waiting += 1
            row += 1
        if t.kind == ENDED:
            s = len(stage) - 1
            for w in range(waiting):
                if stage[s, S_STOP] >= 0.0:
                    gone = max(comes[c] + stage[s, S_STOP], stage[s, S_DEPART]) + release
                    out_span[behind[w], 1] = int(np.ceil(gone)) + WIDEN_S
                else:
                    v = known.state_v[known.motion_state[t.motion]]
                    out_span[behind[w], 1] = comes[c] + int(np.ceil(metres[w] / v + release)) + WIDEN_S
    return row

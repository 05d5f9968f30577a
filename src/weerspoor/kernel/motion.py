# ruff: noqa: PLR0917
# mypy: disable-error-code="no-untyped-def"
"""How one train runs over a route: exact for its curve of acceleration and its planned braking, worked out once.

What a train does on a route follows from its *state* at the route's beginning and from how it leaves it. A state is
the speed of the head and the limits that still hold for it because of where its tail is. Speeds at the ends of
routes are rounded down to 1/8 m/s and the metres for which a limit of the tail holds are rounded up to 32 m, so that
trains that came by different ways soon are in the same state.

A train leaves a route freely, as fast as it can come to its end, or at a *class* of speed, because a slower
piece or a stop behind is too near to brake for on the next route; class ``k`` is the speed from which it
brakes to a stand within ``k`` times ``CLASS_M`` metres. Distances are rounded down to such steps route by route, so
that a class at the end of one route is always enough for what follows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from weerspoor.kernel.compiled import entry, inlined, lean

CLASS_M = 32.0
TAIL_M = 32.0
SPEED_STEPS = 8.0
LEAD_STEP = 3.0
CLUSTER = 0.8
"""Classes are put together down to this share of the highest."""
MOST_TAIL = 4
"""Limits of the tail kept in a state; what is more is put together, the lower limit for the longer distance."""

WIDEN_S = 3
NEVER = 2_000_000_000
FREE, STOP = -1, 0
"""Ways to leave a route beside the classes of speed, which count from 1."""

SHUT = -2
"""Class of a route over which the train may not run."""

BRAKING, SETUP, SIGHTING, RELEASE, MIN_STOP, TOP, LENGTH, SLOWER, KIND, STEP = range(10)
"""Places in the array of a train's parameters."""

A_HEAD, B_END, C_BEYOND = 0, 1, 2
"""When a zone is cleared: a fixed time after the head passed the beginning of the route; before the end of the route,
when the head is on its last piece; or beyond it."""

N_STATES, N_MOTIONS, N_HOLDS, N_PARTS, N_TIMES, N_CLASSES, N_WAYS, N_ROWS, N_AUX = range(9)
"""Places in the array of what is used."""

DONE, GROW_STATES, GROW_MOTIONS, GROW_HOLDS, GROW_PARTS, GROW_TIMES, GROW_CLASSES, GROW_WAYS, GROW_ROWS, GROW_AUX = (
    range(10)
)


class Mover(NamedTuple):
    """A train on a graph: what never changes. ``turn_to`` and its fellows are empty when it turns back nowhere."""

    limit: np.ndarray
    may_stop: np.ndarray
    v: np.ndarray
    t: np.ndarray
    s: np.ndarray
    keep_start: np.ndarray
    keep_zone: np.ndarray
    keep_mask: np.ndarray
    turn_to: np.ndarray
    turn_s: np.ndarray
    turn_limit: np.ndarray
    par: np.ndarray


class Known(NamedTuple):
    """What was worked out for a train so far.

    Of routes: the highest class at which each may be entered (or ``SHUT``), its length in steps of classes, its least
    time. Of places: the routes that are taken from there, and the classes at which a train may have to pass. Of
    states: speed, class, seconds of approach, limits of the tail. Of motions, found by a table of keys: time over the
    route, state at its end, holdings of zones, parts of even acceleration, times at the ends of pieces. ``ints``,
    ``floats``, ``ends`` and ``rows`` are for passing use.
    """

    route_class: np.ndarray
    route_steps: np.ndarray
    route_least: np.ndarray
    way_first: np.ndarray
    way_count: np.ndarray
    way: np.ndarray
    class_first: np.ndarray
    class_count: np.ndarray
    class_most: np.ndarray
    class_of: np.ndarray
    stop_m: np.ndarray
    state_v: np.ndarray
    state_class: np.ndarray
    state_tails: np.ndarray
    state_metres: np.ndarray
    state_limit: np.ndarray
    state_table: np.ndarray
    motion_key: np.ndarray
    motion_table: np.ndarray
    motion_time: np.ndarray
    motion_state: np.ndarray
    motion_loss: np.ndarray
    motion_hold: np.ndarray
    motion_part: np.ndarray
    motion_go: np.ndarray
    motion_left: np.ndarray
    motion_at: np.ndarray
    route_hold: np.ndarray
    row_zone: np.ndarray
    row_bits: np.ndarray
    row_metres: np.ndarray
    aux_key: np.ndarray
    aux_table: np.ndarray
    aux_part: np.ndarray
    aux_time: np.ndarray
    hold_zone: np.ndarray
    hold_bits: np.ndarray
    hold_when: np.ndarray
    hold_off: np.ndarray
    hold_metres: np.ndarray
    part_at: np.ndarray
    times: np.ndarray
    used: np.ndarray
    ints: np.ndarray
    floats: np.ndarray
    ends: np.ndarray
    rows: np.ndarray


@lean
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


@inlined
def speed_of_class(k, braking):
    """Return the speed of a class, rounded down as speeds at the ends of routes are."""
    return np.floor(np.sqrt(2.0 * braking * CLASS_M * k) * SPEED_STEPS) / SPEED_STEPS


@inlined
def class_within(v, braking):
    """Return the highest class of a speed that does not exceed ``v``."""
    return int(v * v / (2.0 * braking * CLASS_M) + 1e-9)


@inlined
def class_above(v, braking):
    """Return the lowest class whose speed is not below ``v``."""
    k = int(v * v / (2.0 * braking * CLASS_M))
    while speed_of_class(k, braking) < v:
        k += 1
    return k


@lean
def find_ways(track, book, mover, known, dp):
    """Choose the routes from a place that the train may take; return a status.

    Between the same two places there may be hundreds of routes through the points of a yard. Of those that the train
    may run over the quickest is kept, and up to ``track.ways`` in all, each with the most zones that none before it
    has.
    """
    first = known.used[N_WAYS]
    count = book.ways[dp]
    if first + count > len(known.way):
        return GROW_WAYS
    for route in range(book.first[dp], book.first[dp] + count):
        at, n = book.at[route], book.number[route]
        metres, least = 0.0, 0.0
        best = 30_000
        for j in range(n):
            limit = mover.limit[book.pieces[at + j]]
            if limit <= 0.0:
                best = SHUT
                break
            k = class_within(limit, mover.par[BRAKING]) + int(metres / CLASS_M)
            best = min(best, max(k, 1))
            metres += track.length[book.pieces[at + j] >> 1]
            least += track.length[book.pieces[at + j] >> 1] / limit
        known.route_class[route] = best
        known.route_steps[route] = min(int(metres / CLASS_M), 30_000)
        known.route_least[route] = least
    kept = 0
    for route in range(book.first[dp], book.first[dp] + count):
        if known.route_class[route] == SHUT:
            continue
        end = book.end[route]
        before = False
        for w in range(kept):
            before = before or book.end[known.way[first + w]] == end
        if before:
            continue
        begin = kept
        for turn in range(track.ways[0]):
            chosen, most, quickest = -1, -1, np.inf
            for other in range(route, book.first[dp] + count):
                if book.end[other] != end or known.route_class[other] == SHUT:
                    continue
                fresh = 0
                for j in range(book.number[other]):
                    zone = track.zone[book.pieces[book.at[other] + j] >> 1]
                    seen = turn == 0
                    for w in range(begin, kept):
                        chosen_at = book.at[known.way[first + w]]
                        for i in range(book.number[known.way[first + w]]):
                            seen = seen or track.zone[book.pieces[chosen_at + i] >> 1] == zone
                        if seen:
                            break
                    fresh += not seen
                if turn > 0 and fresh == 0:
                    continue
                if fresh > most or (fresh == most and known.route_least[other] < quickest - 1e-9):
                    chosen, most, quickest = other, fresh, known.route_least[other]
            if chosen < 0:
                break
            known.way[first + kept] = chosen
            kept += 1
    known.way_first[dp] = first
    known.way_count[dp] = kept
    known.used[N_WAYS] = first + kept
    return DONE


@inlined
def class_needed(known, route, leave):
    """Return the highest class at which a route may be entered that is left in a given way."""
    if leave == FREE:
        return int(known.route_class[route])
    return max(1, min(int(known.route_class[route]), leave + int(known.route_steps[route])))


@lean
def find_classes(track, book, mover, known, dp):
    """Fill in the classes at which a train may have to pass a place, rising; return a status.

    They are those of every slower piece and every place to stop that is nearer than the braking distance of the
    place's own limit, put together where they are close: every one is at least the highest kept that is no higher.
    """
    braking = mover.par[BRAKING]
    cap = class_above(min(mover.limit[dp], mover.par[TOP]), braking)
    places, steps, wanted = known.ints[0], known.ints[1], known.ints[2]
    for k in range(cap + 2):
        wanted[k] = 0
    size, done = 1, 0
    places[0], steps[0] = dp, 0
    most = -1
    while done < size:
        here, before = places[done], steps[done]
        done += 1
        if book.first[here] < 0:
            continue
        if known.way_first[here] < 0:
            status = find_ways(track, book, mover, known, here)
            if status != DONE:
                return status
        for way in range(known.way_first[here], known.way_first[here] + known.way_count[here]):
            route = int(known.way[way])
            end = book.end[route]
            free = int(known.route_class[route])
            stop = max(1, min(free, int(known.route_steps[route])))
            signal = track.signal[end]
            if done == 1:
                most = max(most, free)
            if before + free < cap:
                wanted[before + free] = 1
            if before + stop < cap and (mover.may_stop[end] or track.halt[end] or not signal):
                wanted[before + stop] = 1
            further = before + int(known.route_steps[route])
            if signal and further < cap and size < len(places):
                again = False
                for k in range(size):
                    again = again or (places[k] == end and steps[k] <= further)
                if not again:
                    places[size], steps[size] = end, further
                    size += 1
    first = known.used[N_CLASSES]
    if first + cap + 2 > len(known.class_of):
        return GROW_CLASSES
    n = 0
    k = cap - 1
    while k >= 1:
        if wanted[k] == 1:
            lowest = k
            for other in range(k - 1, 0, -1):
                if other < CLUSTER * k:
                    break
                if wanted[other] == 1:
                    lowest = other
            known.class_of[first + n] = lowest
            n += 1
            k = lowest
        k -= 1
    for i in range(n >> 1):
        a = known.class_of[first + i]
        known.class_of[first + i] = known.class_of[first + n - 1 - i]
        known.class_of[first + n - 1 - i] = a
    known.class_first[dp] = first
    known.class_count[dp] = n
    known.class_most[dp] = most
    known.used[N_CLASSES] = first + n
    return DONE


@lean
def _state_place(v, n, metres, limits, mask):
    """Return where the search for a state in its table begins."""
    h = np.int64(v * SPEED_STEPS) * np.int64(1099511628211) + n
    for k in range(n):
        h = (h ^ np.int64(metres[k])) * np.int64(1099511628211)
        h = (h ^ np.int64(limits[k] * 65536.0)) * np.int64(1099511628211)
    return ((h * np.int64(-7046029254386353131)) >> 24) & mask


@lean
def state_of(mover, known, v, n, metres, limits):
    """Return the number of a state, made if there is none like it; -1 if there is no room."""
    mask = len(known.state_table) - 1
    place = _state_place(v, n, metres, limits, mask)
    while known.state_table[place] >= 0:
        i = known.state_table[place]
        same = known.state_v[i] == v and known.state_tails[i] == n
        for k in range(n):
            same = same and known.state_metres[i, k] == metres[k] and known.state_limit[i, k] == limits[k]
        if same:
            return i
        place = (place + 1) & mask
    i = known.used[N_STATES]
    if 2 * (i + 1) > len(known.state_v):
        return -1
    known.state_v[i] = v
    known.state_class[i] = class_above(v, mover.par[BRAKING])
    known.state_tails[i] = n
    for k in range(n):
        known.state_metres[i, k] = metres[k]
        known.state_limit[i, k] = limits[k]
    known.state_table[place] = i
    known.used[N_STATES] = i + 1
    return i


@lean
def tails_of(track, book, mover, known, route, state, metres, limits):
    """Write the limits that hold beyond the end of a route because of the tail; return their number."""
    at, n = book.at[route], book.number[route]
    length, top = mover.par[LENGTH], mover.par[TOP]
    lowest = top
    kept = 0
    left, most = known.floats[3], known.floats[4]
    behind = 0.0
    for j in range(n - 1, -1, -1):
        if behind >= length:
            break
        limit = mover.limit[book.pieces[at + j]]
        if limit < lowest:
            lowest = limit
            left[kept], most[kept] = length - behind, limit
            kept += 1
        behind += track.length[book.pieces[at + j] >> 1]
    for k in range(known.state_tails[state] - 1, -1, -1):
        beyond = known.state_metres[state, k] - behind
        if beyond > 0.0 and known.state_limit[state, k] < lowest and behind < length:
            lowest = known.state_limit[state, k]
            left[kept], most[kept] = beyond, lowest
            kept += 1
    # From the nearest to be cleared on; rounded, and put together where they fall on the same place or are too many.
    size = np.int64(0)
    for k in range(kept - 1, -1, -1):
        m = np.ceil(left[k] / TAIL_M) * TAIL_M
        if size > 0 and m <= metres[size - 1]:
            continue
        if size == MOST_TAIL:
            metres[size - 1] = m
            continue
        metres[size], limits[size] = m, most[k]
        size += 1
    return size


@lean
def run_over(track, book, mover, known, route, state, v, leave, instant, ends, parts):
    """Run over a route from a speed; write places and times at the ends of its pieces, and its parts.

    With ``instant`` the train speeds up at once, and no limit holds for its tail: no run is nearer to the end in time.

    ``ends`` (pieces, 2): metres from the beginning, seconds. ``parts`` (p, 7): metres and seconds at the beginning,
    speed there, highest speed, metres of acceleration, metres of even speed, place on the curve. Returns (parts,
    seconds, speed at the end); no parts when the train cannot brake for what comes.
    """
    at, n = book.at[route], book.number[route]
    length, top, brake = mover.par[LENGTH], mover.par[TOP], mover.par[BRAKING]
    tails = 0 if instant else known.state_tails[state]
    place, ceiling, allowed = known.floats[0], known.floats[1], known.floats[2]
    total = 0.0
    size = 0
    for j in range(n):
        total += track.length[book.pieces[at + j] >> 1]
        ends[j, 0] = total
        place[size] = total
        size += 1
    for j in range(n - 1):
        clear = ends[j, 0] + length
        if clear < total and mover.limit[book.pieces[at + j]] < top:
            place[size] = clear
            size += 1
    for k in range(tails):
        if known.state_metres[state, k] < total:
            place[size] = known.state_metres[state, k]
            size += 1
    for i in range(1, size):
        value = place[i]
        j = i - 1
        while j >= 0 and place[j] > value:
            place[j + 1] = place[j]
            j -= 1
        place[j + 1] = value
    kept = 0
    for i in range(size):
        if kept == 0 or place[i] > place[kept - 1]:
            place[kept] = place[i]
            kept += 1
    size = kept
    j0, j1 = 0, 0
    begin = 0.0
    for i in range(size):
        while ends[j1, 0] <= begin:
            j1 += 1
        while j0 < j1 and (instant or ends[j0, 0] + length <= begin):
            j0 += 1
        most = top
        for j in range(j0, j1 + 1):
            most = min(most, mover.limit[book.pieces[at + j]])
        for k in range(tails):
            if known.state_metres[state, k] > begin:
                most = min(most, known.state_limit[state, k])
        ceiling[i] = most
        begin = place[i]
    allowed[size] = np.inf if leave == FREE else 0.0 if leave == STOP else speed_of_class(leave, brake)
    for i in range(size - 1, -1, -1):
        metres = place[i] - (place[i - 1] if i > 0 else 0.0)
        after = min(allowed[i + 1], ceiling[i])
        allowed[i] = min(ceiling[i], np.sqrt(after * after + 2.0 * brake * metres))
    v = min(v, allowed[0])
    time, begin = 0.0, 0.0
    j = 0
    for i in range(size):
        metres = place[i] - begin
        end_v = min(allowed[i + 1], ceiling[i])
        if instant:
            v = min(ceiling[i], np.sqrt(end_v * end_v + 2.0 * brake * metres))
        x = between(mover.v, mover.s, v)
        rise = 0.0 if instant else max(between(mover.v, mover.s, ceiling[i]) - x, 0.0)
        if metres <= rise:
            up, even = metres, 0.0
            peak = between(mover.s, mover.v, x + metres)
        else:
            up, even = rise, metres - rise
            peak = v if instant else ceiling[i]
        out = peak
        if peak > end_v:
            out = end_v
            down = (peak * peak - end_v * end_v) / (2.0 * brake)
            if up + down <= metres:
                even = metres - up - down
            else:
                # Full effort until the braking curve is met.
                lo, hi = 0, len(mover.v) - 1
                while hi - lo > 1:
                    mid = (lo + hi) >> 1
                    u = mover.v[mid]
                    if mover.s[mid] - x + (u * u - end_v * end_v) / (2.0 * brake) <= metres:
                        lo = mid
                    else:
                        hi = mid
                slope = (mover.s[hi] - mover.s[lo]) / (mover.v[hi] - mover.v[lo])
                rest = mover.s[lo] - slope * mover.v[lo] - x - end_v * end_v / (2.0 * brake) - metres
                peak = brake * (-slope + np.sqrt(max(slope * slope - 2.0 * rest / brake, 0.0)))
                peak = min(max(peak, v, end_v), ceiling[i])
                down = min((peak * peak - end_v * end_v) / (2.0 * brake), metres)
                up = metres - down
                even = 0.0
        parts[i, 0], parts[i, 1], parts[i, 2], parts[i, 3] = begin, time, v, peak
        parts[i, 4], parts[i, 5], parts[i, 6] = up, even, x
        if up > 0.0:
            time += max(between(mover.s, mover.t, x + up) - between(mover.s, mover.t, x), up / peak)
        if even > 0.0:
            time += even / peak
        if peak > out:
            time += (peak - out) / brake
        v = out
        begin = place[i]
        if ends[j, 0] == begin:
            ends[j, 1] = time
            j += 1
    return size, time, v


@lean
def time_at(mover, parts, first, size, metres):
    """Return the seconds from the beginning of a route to a place on it, from the ``size`` parts of a motion."""
    lo, hi = first, first + size
    while hi - lo > 1:
        mid = (lo + hi) >> 1
        if parts[mid, 0] <= metres:
            lo = mid
        else:
            hi = mid
    done = metres - parts[lo, 0]
    time, peak, up, even, x = parts[lo, 1], parts[lo, 3], parts[lo, 4], parts[lo, 5], parts[lo, 6]
    if up > 0.0:
        rise = min(done, up)
        whole = max(between(mover.s, mover.t, x + up) - between(mover.s, mover.t, x), up / peak)
        if done >= up:
            time += whole
        else:
            time += min(max(between(mover.s, mover.t, x + rise) - between(mover.s, mover.t, x), rise / peak), whole)
        done -= rise
    if even > 0.0 and done > 0.0:
        time += min(done, even) / peak
        done -= min(done, even)
    if done > 0.0:
        brake = mover.par[BRAKING]
        time += (peak - np.sqrt(max(peak * peak - 2.0 * brake * done, 0.0))) / brake
    return time


@inlined
def lead_of(mover, dp, v):
    """Return how long before a train passes the end of a directed piece its route behind is locked; whole seconds.

    The speed is rounded up to 3 m/s, but not above the limit.
    """
    if v <= 0.0:
        return int(np.ceil(mover.par[SETUP])) + WIDEN_S
    most = min(np.ceil(v / LEAD_STEP) * LEAD_STEP, mover.limit[dp], mover.par[TOP])
    return int(np.ceil(max(most, v) / (2.0 * mover.par[BRAKING]) + mover.par[SIGHTING] + mover.par[SETUP])) + WIDEN_S


@inlined
def motion_key(route, state, leave):
    """Return what a motion is found by."""
    return (np.int64(route) << 36) | (np.int64(state) << 12) | np.int64(leave + 2)


@inlined
def slot_of(table, keys, key):
    """Return where a table holds the number of a key, or where there is room for it."""
    mask = len(table) - 1
    slot = ((key * np.int64(-7046029254386353131)) >> 24) & mask
    while table[slot] >= 0 and keys[table[slot]] != key:
        slot = (slot + 1) & mask
    return slot


@lean
def aux_of(known, key):
    """Return the place of what several motions share, made if there is none; -1 if there is no room."""
    slot = slot_of(known.aux_table, known.aux_key, key)
    if known.aux_table[slot] >= 0:
        return known.aux_table[slot]
    i = known.used[N_AUX]
    if 2 * (i + 1) > len(known.aux_key):
        return -1
    known.aux_key[i] = key
    known.aux_part[i, 1] = 0
    known.aux_time[i] = 0.0
    known.aux_table[slot] = i
    known.used[N_AUX] = i + 1
    return i


@lean
def rows_of_route(track, book, mover, known, route):
    """List the zones of a route and those kept empty beside it, each with the end of the last piece it is held for."""
    at, n = book.at[route], book.number[route]
    first = known.used[N_ROWS]
    row = first
    place = book.metres[route]
    for j in range(n - 1, -1, -1):
        piece = book.pieces[at + j] >> 1
        extra = 0
        if len(mover.keep_start) > 0:
            extra = mover.keep_start[piece + 1] - mover.keep_start[piece]
        for e in range(extra + 1):
            if e == 0:
                zone, bits = track.zone[piece], (int(mover.par[KIND]) << 8) | 7
            else:
                k = mover.keep_start[piece] + e - 1
                zone, bits = mover.keep_zone[k], int(mover.keep_mask[k])
            known_already = False
            for h in range(first, row):
                # Held as strictly or more so, and at least as long.
                if known.row_zone[h] == zone and known.row_bits[h] & bits == bits:
                    known_already = True
                    break
            if known_already:
                continue
            if row == len(known.row_zone):
                return GROW_ROWS
            known.row_zone[row], known.row_bits[row], known.row_metres[row] = zone, bits, place
            row += 1
        place -= track.length[piece]
    known.route_hold[route, 0], known.route_hold[route, 1] = first, row - first
    known.used[N_ROWS] = row
    return DONE


@lean
def motion_of(track, book, mover, known, route, state, leave):
    """Return the number of a motion, worked out if it is new; or minus a status that says what must grow."""
    key = motion_key(route, state, leave)
    slot = slot_of(known.motion_table, known.motion_key, key)
    if known.motion_table[slot] >= 0:
        return known.motion_table[slot]
    m = known.used[N_MOTIONS]
    if 2 * (m + 1) > len(known.motion_key):
        return -GROW_MOTIONS
    n = book.number[route]
    first_part, first_time, first_hold = known.used[N_PARTS], known.used[N_TIMES], known.used[N_HOLDS]
    if first_part + 3 * (2 * n + MOST_TAIL) > len(known.part_at):
        return -GROW_PARTS
    if first_time + n > len(known.times):
        return -GROW_TIMES
    ends = known.ends
    size, time, v = run_over(
        track,
        book,
        mover,
        known,
        route,
        state,
        known.state_v[state],
        leave,
        np.bool_(False),
        ends,
        known.part_at[first_part:],
    )
    for j in range(n):
        known.times[first_time + j] = ends[j, 1]
    spare = first_part + size
    go_part, go_size, go_time = first_part, size, time
    slow = time
    if known.state_v[state] > 0.0:
        # Of a train that started here the run is known; one that comes by may be as fast as the track allows.
        go = aux_of(known, (np.int64(route) << 13) | (np.int64(leave + 2) << 1))
        if go < 0:
            return -GROW_AUX
        if known.aux_part[go, 1] == 0:
            go_size, go_time, _ = run_over(
                track, book, mover, known, route, state, 0.0, leave, np.bool_(True), ends, known.part_at[spare:]
            )
            known.aux_part[go, 0], known.aux_part[go, 1], known.aux_time[go] = spare, go_size, go_time
            spare += go_size
        go_part, go_size = np.int64(known.aux_part[go, 0]), np.int64(known.aux_part[go, 1])
        go_time = known.aux_time[go]
        if mover.par[SLOWER] > 0.0:
            tails = np.int64(known.state_tails[state])
            start = state_of(mover, known, 0.0, tails, known.state_metres[state], known.state_limit[state])
            if start < 0:
                return -GROW_STATES
            late = aux_of(known, (motion_key(route, start, leave) << 1) | 1)
            if late < 0:
                return -GROW_AUX
            if known.aux_time[late] == 0.0:
                _, known.aux_time[late], _ = run_over(
                    track, book, mover, known, route, state, 0.0, leave, np.bool_(False), ends, known.part_at[spare:]
                )
            slow = known.aux_time[late]
    step = int(mover.par[STEP])
    whole = int(np.ceil(np.ceil(time - 1e-9) / step)) * step
    known.motion_part[m, 0], known.motion_part[m, 1] = first_part, size
    known.motion_go[m, 0], known.motion_go[m, 1] = go_part, go_size
    known.motion_left[m] = go_time
    metres, limits = known.floats[6], known.floats[7]
    tails = tails_of(track, book, mover, known, route, state, metres, limits)
    v = np.floor(v * SPEED_STEPS + 1e-9) / SPEED_STEPS
    if leave != STOP:
        v = max(v, 1.0 / SPEED_STEPS)
    after = state_of(mover, known, v, tails, metres, limits)
    if after < 0:
        return -GROW_STATES
    # What it holds, until it is clear.
    total, length = book.metres[route], mover.par[LENGTH]
    last_begins = total - track.length[book.end[route] >> 1]
    if known.route_hold[route, 1] == 0:
        status = rows_of_route(track, book, mover, known, route)
        if status != DONE:
            return -status
    hold = first_hold
    rows = known.route_hold[route, 1]
    if hold + rows > len(known.hold_zone):
        return -GROW_HOLDS
    for row in range(known.route_hold[route, 0], known.route_hold[route, 0] + rows):
        clear = known.row_metres[row] + length
        known.hold_zone[hold] = known.row_zone[row]
        known.hold_bits[hold] = known.row_bits[row]
        known.hold_metres[hold] = 0.0
        if clear > total:
            known.hold_when[hold], known.hold_off[hold] = C_BEYOND, whole + 1
            known.hold_metres[hold] = clear - total
        elif clear > last_begins:
            left_s = go_time - time_at(mover, known.part_at, go_part, go_size, clear)
            known.hold_when[hold] = B_END
            known.hold_off[hold] = int(np.ceil(mover.par[RELEASE] - left_s)) + WIDEN_S
        else:
            at_s = time_at(mover, known.part_at, first_part, size, clear)
            known.hold_when[hold] = A_HEAD
            known.hold_off[hold] = int(np.ceil(at_s + mover.par[RELEASE])) + WIDEN_S
        hold += 1
    known.motion_hold[m, 0], known.motion_hold[m, 1] = first_hold, hold - first_hold
    known.motion_at[m] = first_time
    known.motion_key[m] = key
    known.motion_time[m] = whole
    known.motion_state[m] = after
    known.motion_loss[m] = max(int(np.ceil(np.ceil(slow - 1e-9) / step)) * step - whole, 0)
    known.motion_table[slot] = m
    known.used[N_MOTIONS] = m + 1
    known.used[N_PARTS] = spare
    known.used[N_TIMES] = first_time + n
    known.used[N_HOLDS] = hold
    return m


@entry
def fill_table(known, used, which):
    """Fill the table by which states, motions or what several share are found anew, after it grew."""
    if which == GROW_STATES:
        mask = len(known.state_table) - 1
        for i in range(used):
            place = _state_place(
                known.state_v[i], known.state_tails[i], known.state_metres[i], known.state_limit[i], mask
            )
            while known.state_table[place] >= 0:
                place = (place + 1) & mask
            known.state_table[place] = i
    elif which == GROW_AUX:
        for i in range(used):
            known.aux_table[slot_of(known.aux_table, known.aux_key, known.aux_key[i])] = i
    else:
        for i in range(used):
            known.motion_table[slot_of(known.motion_table, known.motion_key, known.motion_key[i])] = i

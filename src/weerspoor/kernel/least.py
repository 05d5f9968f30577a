# ruff: noqa: PLR0917
# mypy: disable-error-code="no-untyped-def"
"""The least time from everywhere to some places, without other trains or speeding up: the guide of the search.

Worked out backwards from the places, only as far as it is asked for, and first towards where the train begins: what is
near it by the distances from a few landmarks comes first (goal-directed search with landmarks, Goldberg and Harrelson
2005).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from weerspoor.kernel.compiled import compiled, entry, lean


class Least(NamedTuple):
    """Rows of least times by directed piece: known for good where ``done``; the rest of a row is still in its queue.

    ``far`` (directed pieces, landmarks) are least times from the landmarks on the bare track; ``low`` and ``high``
    (rows, landmarks) those of the places where the train begins. ``turn_start``, ``turn_from`` (CSR) list the places
    from which a train that turns back begins anew at a place.
    """

    value: np.ndarray
    done: np.ndarray
    key: np.ndarray
    item: np.ndarray
    size: np.ndarray
    far: np.ndarray
    low: np.ndarray
    high: np.ndarray
    turn_start: np.ndarray
    turn_from: np.ndarray
    turn_s: np.ndarray


@lean
def towards(least, row, dp):
    """Return no more than the least time from where the train begins to a directed piece."""
    most = 0.0
    for k in range(least.far.shape[1]):
        there = least.far[dp, k]
        most = max(most, there - least.high[row, k], least.low[row, k] - there)
    return most


@compiled
def begin_row(least, row, targets, origins):
    """Begin a row anew."""
    least.value[row, :] = np.inf
    least.done[row, :] = False
    for k in range(least.far.shape[1]):
        least.low[row, k], least.high[row, k] = np.inf, -np.inf
        for dp in origins:
            least.low[row, k] = min(least.low[row, k], least.far[dp, k])
            least.high[row, k] = max(least.high[row, k], least.far[dp, k])
    size = 0
    for dp in targets:
        if least.value[row, dp] != 0.0:
            least.value[row, dp] = 0.0
            size = _push(least.key[row], least.item[row], size, towards(least, row, dp), dp)
    least.size[row] = size


@compiled
def landmark_times(track, speed, landmark):
    """Return the least times on the bare track from the exit of one directed piece to all, turning back anywhere."""
    n = len(speed)
    value = np.full(n, np.inf)
    key, item = np.empty(4 * n + 64), np.empty(4 * n + 64, np.int32)
    done = np.zeros(n, np.bool_)
    value[landmark] = 0.0
    size = _push(key, item, 0, 0.0, landmark)
    while size > 0:
        here = item[0]
        size = _pop(key, item, size)
        if done[here]:
            continue
        done[here] = True
        there = value[here] + track.length[here >> 1] / max(speed[here], speed[here ^ 1], 1.0)
        if there < value[here ^ 1]:
            value[here ^ 1] = there
            size = _push(key, item, size, there, here ^ 1)
        # The exit of a piece is where its successors begin, and where the exits of their opposites are.
        for k in range(track.start[here], track.start[here + 1]):
            other = track.successor[k] ^ 1
            if value[here] < value[other]:
                value[other] = value[here]
                size = _push(key, item, size, value[here], other)
        for k in range(track.before_start[here ^ 1], track.before_start[(here ^ 1) + 1]):
            other = track.before[k]
            if value[here] < value[other]:
                value[other] = value[here]
                size = _push(key, item, size, value[here], other)
    return value


@entry
def least_from(track, limit, least, row, dp, most):
    """Return the least time from the exit of a directed piece to a row's places; infinite where it exceeds ``most``."""
    value, done, key, item = least.value[row], least.done[row], least.key[row], least.item[row]
    if done[dp]:
        return value[dp]
    size = least.size[row]
    most += towards(least, row, dp)
    while size > 0 and key[0] <= most and not done[dp]:
        here = item[0]
        size = _pop(key, item, size)
        if done[here]:
            continue
        done[here] = True
        turns = 0
        if len(least.turn_start) > 0:
            turns = least.turn_start[here + 1] - least.turn_start[here]
        if limit[here] > 0.0:
            cost = value[here] + track.length[here >> 1] / limit[here]
            first = track.before_start[here]
            steps = track.before_start[here + 1] - first
        else:
            cost, first, steps = 0.0, 0, 0
        for k in range(steps + turns):
            if k < steps:
                other, new = track.before[first + k], cost
                if limit[other] <= 0.0:
                    continue
            else:
                other = least.turn_from[least.turn_start[here] + k - steps]
                new = value[here] + least.turn_s[0]
            if new < value[other]:
                value[other] = new
                if size == len(key):
                    # Drop what is done for good already; there is always some, for every place waits once at most.
                    kept = 0
                    for j in range(size):
                        if not done[item[j]] and key[j] <= value[item[j]] + towards(least, row, item[j]):
                            key[kept], item[kept] = key[j], item[j]
                            kept += 1
                    size = 0
                    for j in range(kept):
                        size = _push(key, item, size, key[j], item[j])
                size = _push(key, item, size, new + towards(least, row, other), other)
    least.size[row] = size
    return value[dp] if done[dp] else np.inf


@lean
def _push(key, item, size, k, i):
    j = size
    while j > 0:
        up = (j - 1) >> 1
        if key[up] <= k:
            break
        key[j], item[j] = key[up], item[up]
        j = up
    key[j], item[j] = k, i
    return size + 1


@lean
def _pop(key, item, size):
    size -= 1
    last_key, last = key[size], item[size]
    i = 0
    while True:
        c = 2 * i + 1
        if c >= size:
            break
        if c + 1 < size and key[c + 1] < key[c]:
            c += 1
        if key[c] >= last_key:
            break
        key[i], item[i] = key[c], item[c]
        i = c
    key[i], item[i] = last_key, last
    return size

# ruff: noqa: PLR0917
# mypy: disable-error-code="no-untyped-def"
"""A first plan by ripping up what is in the way, then a search of large neighbourhoods; both compiled."""

from __future__ import annotations

import numpy as np

from weerspoor.kernel.compiled import entry, inlined, lean
from weerspoor.kernel.dispatch.arrays import NEVER
from weerspoor.kernel.dispatch.insertion import (
    FOUND,
    GIVE,
    LABELS,
    NO_ROOM,
    NOISE,
    TAKEN,
    TOO_DEAR,
    find_path,
    first_after,
    uses_it,
)
from weerspoor.kernel.dispatch.plan import (
    copy_path,
    delay_found,
    keep_found,
    push_back,
    put_path,
    put_stub,
    take_path,
    take_stub,
    turns_in_circles,
)

DONE, GROW, IMPOSSIBLE = 0, 1, 2

SEED, STEPS, ACCEPTED, IMPROVED, WAITING, FAILED = range(6)
"""Places in the array of whole numbers: state of the random numbers, steps taken, accepted, better than all before;
trains that wait for a path; the train that can have none."""

CURRENT, BEST, HEAT, LARGEST = range(4)
"""Places in the array of real numbers: cost now, least cost known, how much worse a step may be on average, most trains
in a neighbourhood."""

KINDS = 5
ANY, CHAIN, PLACE, ALONE, WISH = range(KINDS)
"""Kinds of neighbourhoods: trains at random; a train and those that wait for each other; those at a place about a time;
one train; a train and those in the way of the path that it would have by itself."""


@inlined
def draw(numbers, n):
    """Return a random whole number below ``n``."""
    x = numbers[SEED]
    x ^= x << 13
    x ^= (x >> 7) & 0x01FFFFFFFFFFFFFF
    x ^= x << 17
    numbers[SEED] = x
    return ((x >> 11) & 0x1FFFFFFFFFFF) % n


@inlined
def chance(numbers):
    """Return a random number from 0 to 1."""
    return draw(numbers, 1 << 30) / (1 << 30)


@lean
def conflicts_with(tasks, uses, work, count, train, out, marked):
    """List the trains whose uses the path in ``work.found`` meets; return their number."""
    n = 0
    for p in range(count):
        operation, start = work.found[p], work.found_time[p]
        end = work.found_time[p + 1] if p + 1 < count else NEVER
        for u in range(tasks.use_first[operation], tasks.use_first[operation + 1]):
            r = tasks.use[u]
            row = first_after(uses, r, start)
            while row < uses.first[r] + uses.number[r] and uses.start[row] < end + tasks.release[u]:
                other = uses.train[row]
                if other != train and marked[other] == 0:
                    marked[other] = 2
                    out[n] = other
                    n += 1
                row += 1
    for k in range(n):
        marked[out[k]] = 0
    return n


@entry
def construct(tasks, uses, alone, paths, work, order, longer, numbers, trains, marked, budget):
    """Give every train in the queue ``order`` a path, ripping up those of others in the way.

    ``alone`` holds the uses of trains that must not move, and what trains without a path stand on.
    """
    work.counts[GIVE] = 0
    while numbers[WAITING] > 0:
        if work.counts[TAKEN] >= budget:
            return DONE
        train = order[0]
        take_stub(tasks, uses, train)
        status = find_path(tasks, uses, paths, work, train, np.inf)
        if status == NO_ROOM:
            put_stub(tasks, uses, train, longer[train])
            return GROW
        out = 0
        if status != FOUND:
            take_stub(tasks, alone, train)
            status = find_path(tasks, alone, paths, work, train, np.inf)
            put_stub(tasks, alone, train, longer[train])
            if status == NO_ROOM:
                put_stub(tasks, uses, train, longer[train])
                return GROW
            if status != FOUND:
                put_stub(tasks, uses, train, longer[train])
                patient = False
                for other in range(len(longer)):
                    if longer[other] > 0:
                        patient = True
                        longer[other] = 0
                        take_stub(tasks, alone, other)
                        put_stub(tasks, alone, other, np.int64(0))
                        if paths.size[other] == 0:
                            take_stub(tasks, uses, other)
                            put_stub(tasks, uses, other, np.int64(0))
                if patient:
                    continue
                # What others stand on from times that are given is in the way.
                numbers[FAILED] = train
                return IMPOSSIBLE
            # One after the other goes, until there is a path.
            others = conflicts_with(tasks, uses, work, work.counts[LABELS], train, trains, marked)
            while out < others:
                j = out + draw(numbers, others - out)
                trains[out], trains[j] = trains[j], trains[out]
                other = trains[out]
                waits = paths.size[other] == 0
                if waits:
                    # It is in the queue already, and is only taken to stand for too long.
                    others -= 1
                    trains[out] = trains[others]
                    take_stub(tasks, uses, other)
                else:
                    out += 1
                    take_path(tasks, uses, paths, other, 0, 0)
                    paths.size[other] = 0
                take_stub(tasks, alone, other)
                longer[other] = 0
                if not waits and draw(numbers, 2) == 0:
                    longer[other] = draw(numbers, 60 << draw(numbers, 8))
                put_stub(tasks, alone, other, longer[other])
                put_stub(tasks, uses, other, longer[other])
                status = find_path(tasks, uses, paths, work, train, np.inf)
                if status in (NO_ROOM, FOUND):
                    break
        for k in range(numbers[WAITING] - 1):
            order[k] = order[k + 1]
        numbers[WAITING] -= 1
        for k in range(out):
            # Somewhere in the queue, rather early.
            place = draw(numbers, numbers[WAITING] + 1)
            place = min(place, draw(numbers, numbers[WAITING] + 1))
            for j in range(numbers[WAITING], place, -1):
                order[j] = order[j - 1]
            order[place] = trains[k]
            numbers[WAITING] += 1
        if status != FOUND:
            # Not room enough for labels: this one first again.
            for j in range(numbers[WAITING], 0, -1):
                order[j] = order[j - 1]
            order[0] = train
            numbers[WAITING] += 1
            put_stub(tasks, uses, train, longer[train])
            if status == NO_ROOM:
                return GROW
            continue
        keep_found(tasks, paths, work, train)
        put_path(tasks, uses, paths, train)
        numbers[STEPS] += 1
    return DONE


@lean
def waits_for(tasks, uses, paths, numbers, train, behind):
    """Return a train that another waits for at some place of its path, or that waits for it; -1 if none is found."""
    at, n = tasks.first[train], paths.size[train]
    if n < 2:
        return -1
    p0 = draw(numbers, n - 1)
    for turn in range(n - 1):
        p = 1 + (p0 + turn) % (n - 1)
        operation, before = paths.operation[at + p], paths.operation[at + p - 1]
        time = paths.start[at + p]
        if behind:
            # What takes what the train gives back here, soon after.
            for u in range(tasks.use_first[before], tasks.use_first[before + 1]):
                r = tasks.use[u]
                if uses_it(tasks, operation, r) >= 0:
                    continue
                row = first_after(uses, r, time)
                end = uses.first[r] + uses.number[r]
                if row < end and uses.train[row] != train and uses.start[row] <= time + tasks.release[u]:
                    return uses.train[row]
        elif time > max(paths.start[at + p - 1] + tasks.least[before], tasks.lower[operation]):
            for u in range(tasks.use_first[operation], tasks.use_first[operation + 1]):
                r = tasks.use[u]
                row = first_after(uses, r, time) - 1
                while row >= uses.first[r] and uses.train[row] == train:
                    row -= 1
                if row >= uses.first[r] and uses.end[row] + uses.release[row] == time:
                    return uses.train[row]
    return -1


@lean
def add_train(movable, marked, trains, n, train):
    """Add a train to a neighbourhood if it may move and is not in it; return its size."""
    if train < 0 or marked[train] == 1 or movable[train] == 0:
        return n
    marked[train] = 1
    trains[n] = train
    return n + 1


@lean
def choose(tasks, uses, alone, paths, work, numbers, reals, list_of, movable, trains, marked, kind, size):
    """List the trains of a neighbourhood; return their number."""
    n = 0
    count = len(list_of)
    seed = list_of[draw(numbers, count)]
    for _ in range(8):
        # Rather a train that is late.
        if paths.cost[seed] > 0.0:
            break
        seed = list_of[draw(numbers, count)]
    if kind == ALONE:
        size = 1
    n = add_train(movable, marked, trains, n, seed)
    tries = 0
    if kind == WISH:
        take_stub(tasks, alone, seed)
        status = find_path(tasks, alone, paths, work, seed, np.inf)
        put_stub(tasks, alone, seed, np.int64(0))
        others = (
            conflicts_with(tasks, uses, work, work.counts[LABELS], seed, work.seen, marked) if status == FOUND else 0
        )
        for k in range(others):
            if n >= size:
                break
            j = k + draw(numbers, others - k)
            other = work.seen[j]
            work.seen[j] = work.seen[k]
            n = add_train(movable, marked, trains, n, other)
        tries = 6 * size
    while n < size and tries < 6 * size:
        tries += 1
        if kind == ANY:
            n = add_train(movable, marked, trains, n, list_of[draw(numbers, count)])
        elif kind == CHAIN:
            other = trains[draw(numbers, n)]
            n = add_train(
                movable, marked, trains, n, waits_for(tasks, uses, paths, numbers, other, draw(numbers, 3) == 0)
            )
        else:
            at, length = tasks.first[seed], paths.size[seed]
            p = draw(numbers, length)
            operation = paths.operation[at + p]
            uses_of = tasks.use_first[operation + 1] - tasks.use_first[operation]
            if uses_of == 0:
                continue
            r = tasks.use[tasks.use_first[operation] + draw(numbers, uses_of)]
            row = first_after(uses, r, paths.start[at + p]) + draw(numbers, 5) - 2
            if uses.first[r] <= row < uses.first[r] + uses.number[r]:
                n = add_train(movable, marked, trains, n, uses.train[row])
    for k in range(n):
        marked[trains[k]] = 0
    return n


@entry
def improve(
    tasks, uses, alone, paths, best, old, work, list_of, movable, base, numbers, reals, weights, score, trains, marked,
    ghosts, budget, steps,
):  # fmt: skip
    """Take trains out and put them in again, in other orders, until the budget of labels is used.

    ``paths`` is the plan now and ``best`` the best one; ``base`` (trains,) the least cost of each train by itself.
    """
    while work.counts[TAKEN] < budget and numbers[STEPS] < steps:
        numbers[STEPS] += 1
        work.counts[NOISE], work.counts[GIVE] = draw(numbers, 1 << 40), 0
        total = 0.0
        for k in range(KINDS):
            total += weights[k]
        mark = chance(numbers) * total
        kind = 0
        while kind < KINDS - 1 and mark >= weights[kind]:
            mark -= weights[kind]
            kind += 1
        most = np.int64(reals[LARGEST])
        size = 2 + min(draw(numbers, most), draw(numbers, most))
        n = choose(
            tasks,
            uses,
            alone,
            paths,
            work,
            numbers,
            reals,
            list_of,
            movable,
            trains,
            marked,
            kind,
            min(size, len(list_of)),
        )
        first = 1 if kind == WISH and draw(numbers, 4) > 0 else 0
        for k in range(n - 1, first, -1):
            j = first + draw(numbers, k + 1 - first)
            trains[k], trains[j] = trains[j], trains[k]
        before, pending = 0.0, 0.0
        for k in range(n):
            before += paths.cost[trains[k]]
            pending += base[trains[k]]
        slack = -reals[HEAT] * np.log(max(chance(numbers), 1e-12))
        allowed = before + slack
        # Others may be pushed back, for a price that is only a guess: what it costs is worked out afterwards.
        if draw(numbers, 2) == 0:
            work.counts[GIVE] = 15 << draw(numbers, 6)
            work.price[0] = 0.25 * draw(numbers, 6)
        shadow = work.counts[GIVE] == 0 and draw(numbers, 2) == 0
        for k in range(n):
            train = trains[k]
            copy_path(tasks, paths, old, train)
            length = paths.size[train]
            ghosts[k, 0], ghosts[k, 1] = 0, 0
            if shadow and k > 0:
                # A stretch of its old path stays closed to those that come before it.
                a, b = draw(numbers, length + 1), draw(numbers, length + 1)
                ghosts[k, 0], ghosts[k, 1] = min(a, b), max(a, b)
            take_path(tasks, uses, paths, train, ghosts[k, 0], ghosts[k, 1])
        for k in range(n):
            marked[trains[k]] = 1
        margin = 0.3 * before if draw(numbers, 2) == 0 else 0.0
        after, done, touched = 0.0, 0, n
        status = FOUND
        for k in range(n):
            train = trains[k]
            if ghosts[k, 1] > ghosts[k, 0]:
                take_path(tasks, uses, paths, train, 0, 0)
            pending -= base[train]
            status = find_path(tasks, uses, paths, work, train, allowed - after - pending + 1e-6)
            if status != FOUND:
                break
            if draw(numbers, 2) == 0:
                delay_found(tasks, work, draw(numbers, work.counts[LABELS]))
            after += keep_found(tasks, paths, work, train)
            put_path(tasks, uses, paths, train)
            done += 1
            if work.counts[GIVE] > 0:
                touched, more = push_back(
                    tasks, uses, paths, old, work, movable, train, trains, marked, touched,
                    allowed + margin - after - pending + 1e-6,
                )  # fmt: skip
                after += more
                if touched < 0:
                    touched, status = -touched - 1, -1
                    break
        if status == FOUND and touched > n:
            # Those that were pushed back take what is best for them now.
            work.counts[GIVE] = 0
            for k in range(n, touched):
                train = trains[k]
                take_path(tasks, uses, paths, train, 0, 0)
                dear = paths.cost[train]
                status = find_path(tasks, uses, paths, work, train, dear - 0.5e-3)
                if status == FOUND:
                    after += keep_found(tasks, paths, work, train) - dear
                put_path(tasks, uses, paths, train)
                if status == NO_ROOM:
                    break
            if status != NO_ROOM:
                status = FOUND if after <= allowed + 1e-6 else TOO_DEAR
        if status == FOUND:
            for k in range(touched):
                if turns_in_circles(tasks, uses, paths, work, trains[k]):
                    status = -1
                    break
        for k in range(touched):
            marked[trains[k]] = 0
        if status != FOUND:
            for k in range(touched):
                if k < done or k >= n or ghosts[k, 1] > ghosts[k, 0]:
                    take_path(tasks, uses, paths, trains[k], 0, 0)
            for k in range(touched):
                copy_path(tasks, old, paths, trains[k])
                put_path(tasks, uses, paths, trains[k])
            if status == NO_ROOM:
                return GROW
            score[kind] *= 0.999
            continue
        numbers[ACCEPTED] += 1
        reals[CURRENT] += after - before
        if after < before - 1e-9:
            score[kind] += 1.0
        score[kind] *= 0.999
        if reals[CURRENT] < reals[BEST] - 1e-6:
            reals[BEST] = reals[CURRENT]
            numbers[IMPROVED] += 1
            for train in range(len(paths.size)):
                copy_path(tasks, paths, best, train)
    return DONE

"""Re-planning the worst placed trains of a day: take out what is in the way, put it back in several orders, compare."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from weerspoor.timetable.build import Placed, Placer

JUMP_S = 20.0
"""A train is held back between two calls where its lateness grows by more than this."""

AROUND_S = 300.0
"""Trains that conflict with its best run so long before or after these calls are in its way there."""

WHOLE_STATION = 0.3
"""Share of the steps in which trains at the call are taken out, not only those in the way."""

STATION_S = 600.0
"""Those there so long before or after it."""

WHOLE_RUN = 0.2
"""Share of the steps in which what is in the way of the whole best run is taken out."""

FOR_A_MISSING_TRAIN = 3
"""For a train without a path so many times more trains may be taken out, since nothing says where it is held back."""

ORDERS = 2
"""So many orders are tried in which the trains are put back."""

FARTHER = 0.7
"""The sum of costs may exceed the least found by so many times the mean cost of a costly train, at first."""

COOLING = 0.85
"""Share of the work after which it may not."""

OTHER_TRACK = 0.5
"""Share of the steps in which the train is sent to a track drawn at random at the call where it was held back."""

EARLY = 0.25
"""Share of the trains that are put back so that they may come in long before their minutes."""

REPORTS = 10


def repair(
    placer: Placer,
    placed: list[Placed],
    *,
    work: int,
    seed: int,
    most_blockers: int,
    progress: Callable[[str], None],
) -> None:
    """Re-plan around the worst placed trains until nothing is late or the work is done. Alters ``placed``.

    In each step one costly train is drawn, the costlier the likelier, and looked at where it loses time. The trains in
    the way of its best run there are taken out, and all are put back in several orders, the costly train first in the
    first of them, until an order costs less than before; the best order tried counts. The step is undone if the sum of
    costs exceeds the least found so far by more than is allowed; that falls to nothing as the work is done. The best
    state is kept.

    Parameters
    ----------
    placer : Placer
        Its timelines hold the placed trains under their positions in ``placed``.
    placed : list of Placed
    work : int
        So many times a path is looked for.
    seed : int
        Of the random draws: the same seed gives the same result.
    most_blockers : int
        A step that would take out more trains is not tried.
    progress : callable
    """
    rng = random.Random(seed)
    total = sum(train.cost for train in placed)
    best, least = list(placed), total
    done, kept, steps, reported = 0, 0, 0, 0
    while done < work:
        costly = [index for index, train in enumerate(placed) if train.cost > 0]
        if not costly:
            break
        heat = max(0.0, 1.0 - done / (COOLING * work))
        room = least + heat * FARTHER * least / len(costly) - total
        index = rng.choices(costly, [placed[index].cost for index in costly])[0]
        step = _step(placer, placed, index, rng, most_blockers=most_blockers, room=room)
        done += step.work
        steps += 1
        kept += step.kept
        total += step.change
        if total < least - 1e-6:
            best, least = list(placed), total
        if done * REPORTS // work > reported:
            reported = done * REPORTS // work
            progress(f"{steps} steps, {kept} kept, {len(costly)} trains late, least cost {least:.0f}, now {total:.0f}")
    for index, train in enumerate(best):
        if placed[index] is not train:
            placer.remove(index)
    for index, train in enumerate(best):
        if placed[index] is not train:
            placed[index] = train
            if train.runs:
                placer.insert(index, train)


@dataclass(frozen=True)
class _Done:
    """What a step came to: paths looked for, whether it was kept, and by how much the sum of costs changed."""

    work: int
    kept: bool = False
    change: float = 0.0


def _step(
    placer: Placer, placed: list[Placed], index: int, rng: random.Random, *, most_blockers: int, room: float
) -> _Done:
    """Try to place one costly train better at the cost of those in its way, in several orders."""
    own = placed[index]
    held = _held_back(placer, own, rng)
    only = (held, rng.random()) if held is not None and rng.random() < OTHER_TRACK else None
    ideal = placer.find(own.wanted, empty=True, only=only)
    if not ideal.runs or ideal.cost >= own.cost:
        return _Done(1)
    whole = rng.random() < WHOLE_RUN
    from_s, until_s = _around(placer, ideal, None if whole else held)
    blockers = placer.in_the_way(ideal, index, from_s, until_s)
    if held is not None and not whole and rng.random() < WHOLE_STATION:
        others = placer.there(own.wanted, held, until_s - AROUND_S - STATION_S, until_s - AROUND_S + STATION_S)
        others = [train for train in others if train not in blockers and train != index]
        blockers += rng.sample(others, max(0, min(len(others), most_blockers - len(blockers))))
    if len(blockers) > most_blockers * (1 if own.runs else FOR_A_MISSING_TRAIN):
        return _Done(1)
    before = sum(placed[train].cost for train in [index, *blockers])
    for train in [index, *blockers]:
        placer.remove(train)
    chosen: dict[int, Placed] | None = None
    limit, work = before + room, 1
    for number in range(ORDERS if blockers else 1):
        queue = [index, *rng.sample(blockers, len(blockers))]
        if number:
            rng.shuffle(queue)
        fresh: dict[int, Placed] = {}
        after = 0.0
        for train in queue:
            wanted = placed[train].wanted
            fresh[train] = placer.find(
                wanted,
                only=only if train == index else None,
                most_cost=limit - after,
                early=rng.random() < EARLY,
            )
            after += fresh[train].cost
            if after > limit:
                break
            if fresh[train].runs:
                placer.insert(train, fresh[train])
        work += len(fresh)
        for train in fresh:
            placer.remove(train)
        if after <= limit and len(fresh) == len(queue):
            chosen, limit = fresh, after - 1e-6
            if after < before:
                break
    result = {train: placed[train] for train in [index, *blockers]} if chosen is None else chosen
    for train, found in result.items():
        placed[train] = found
        if found.runs:
            placer.insert(train, found)
    change = 0.0 if chosen is None else sum(found.cost for found in chosen.values()) - before
    return _Done(work, chosen is not None, change)


def _held_back(placer: Placer, own: Placed, rng: random.Random) -> int | None:
    """Return a call up to which a placed train loses time, drawn at random; None when it has no run or loses none."""
    if not own.runs:
        return None
    before, jumps = 0.0, []
    for call, deviation, _ in placer.deviations(own):
        if deviation - before > JUMP_S:
            jumps.append(call)
        before = max(deviation, 0.0)
    return rng.choice(jumps) if jumps else None


def _around(placer: Placer, ideal: Placed, held: int | None) -> tuple[float, float]:
    """Return the stretch of time around the call where a train is held back, in its best run; all time for None."""
    if held is None:
        return -1e9, 1e9
    times = [(call, time_s) for call, _, time_s in placer.deviations(ideal)]
    before = [time_s for call, time_s in times if call < held]
    here = [time_s for call, time_s in times if call == held]
    return (before[-1] if before else here[0]) - AROUND_S, here[0] + AROUND_S

"""Re-planning the worst placed trains of a day: take out what is in the way, put it back, compare."""

from __future__ import annotations

import random
from collections.abc import Callable

from weerspoor.timetable.build import Placed, Placer

JUMP_S = 20.0
"""A train is held back between two calls where its lateness grows by more than this."""

AROUND_S = 300.0
"""Trains that conflict with its best run so long before or after these calls are in its way there."""

WHOLE_STATION = 0.4
"""Share of the trials in which all trains at the call are taken out, not only those in the way."""

STATION_S = 600.0
"""Those there so long before or after it."""

FOR_A_MISSING_TRAIN = 3
"""For a train without a path so many times more trains may be taken out, since nothing says where it is held back."""

WORSE = 0.5
"""A step may make the sum of costs greater by this share of the mean cost of a costly train, in the first round."""

COOLING = 0.8
"""Share of the rounds after which no step may."""

OTHER_TRACK = 0.5
"""Share of the trials in which the train is sent to a track drawn at random at the call where it was held back."""


def repair(
    placer: Placer,
    placed: list[Placed],
    *,
    rounds: int,
    seed: int,
    most_blockers: int,
    progress: Callable[[str], None],
) -> None:
    """Re-plan around the worst placed trains until nothing is late or the rounds are done. Alters ``placed``.

    In each step one costly train is looked at where it loses time. The trains in the way of its best run there are
    taken out, the costly train is inserted, and they are put back in an order drawn at random. The step is undone if
    the sum of costs rises by more than is allowed; that falls to nothing over the rounds. The best state is kept.

    Parameters
    ----------
    placer : Placer
        Its timelines hold the placed trains under their positions in ``placed``.
    placed : list of Placed
    rounds : int
        In each round every costly train has one step.
    seed : int
        Of the random draws: the same seed gives the same result.
    most_blockers : int
        A step that would take out more trains is not tried.
    progress : callable
    """
    rng = random.Random(seed)
    best, least = list(placed), sum(train.cost for train in placed)
    for number in range(rounds):
        costly = [index for index, train in enumerate(placed) if train.cost > 0]
        if not costly:
            break
        rng.shuffle(costly)
        costly.sort(key=lambda index: -placed[index].cost * rng.uniform(0.3, 1.0))
        worse = WORSE * least / len(costly) * max(0.0, 1.0 - number / (COOLING * rounds))
        changed = 0
        for index in costly:
            changed += _step(placer, placed, index, rng, most_blockers=most_blockers, worse=worse)
            total = sum(train.cost for train in placed)
            if total < least:
                best, least = list(placed), total
        progress(f"round {number + 1}: {len(costly)} trains looked at, {changed} steps kept, cost {total:.0f}")
    for index, train in enumerate(best):
        if placed[index] is not train:
            placer.remove(index)
    for index, train in enumerate(best):
        if placed[index] is not train:
            placed[index] = train
            if train.runs:
                placer.insert(index, train)


def _step(
    placer: Placer, placed: list[Placed], index: int, rng: random.Random, *, most_blockers: int, worse: float
) -> bool:
    """Try to place one costly train better at the cost of those in its way; tell whether that was kept."""
    own = placed[index]
    if own.cost <= 0:
        return False
    held = _held_back(placer, own, rng)
    only = (held, rng.random()) if held is not None and rng.random() < OTHER_TRACK else None
    ideal = placer.find(own.wanted, empty=True, only=only)
    if not ideal.runs or ideal.cost >= own.cost:
        return False
    from_s, until_s = _around(placer, ideal, held)
    blockers = placer.in_the_way(ideal, index, from_s, until_s)
    if held is not None and rng.random() < WHOLE_STATION:
        others = placer.there(own.wanted, held, until_s - AROUND_S - STATION_S, until_s - AROUND_S + STATION_S)
        others = [train for train in others if train not in blockers and train != index]
        blockers += rng.sample(others, max(0, min(len(others), most_blockers - len(blockers))))
    if len(blockers) > most_blockers * (1 if own.runs else FOR_A_MISSING_TRAIN):
        return False
    rng.shuffle(blockers)
    queue = [index, *blockers]
    before = sum(placed[train].cost for train in queue)
    for train in queue:
        placer.remove(train)
    fresh: dict[int, Placed] = {}
    after = 0.0
    for train in queue:
        fresh[train] = placer.find(placed[train].wanted, only=only if train == index else None)
        after += fresh[train].cost
        if after > before + worse:
            break
        if fresh[train].runs:
            placer.insert(train, fresh[train])
    if after <= before + worse and len(fresh) == len(queue):
        for train, found in fresh.items():
            placed[train] = found
        return True
    for train in fresh:
        placer.remove(train)
    for train in queue:
        if placed[train].runs:
            placer.insert(train, placed[train])
    return False


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

"""Re-planning the trains in the way: put them back one after the other, then take a few out again and put them better.

Large-neighbourhood search over the trains of a scene, with the exact shifts of one train (:mod:`kernel.retiming`) as
its only move. A train that becomes too dear takes out those in its way; those that take over its stock follow. Delay
runs on until it dies out: every train that is moved is placed among all others.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from weerspoor.capacity.displace.scene import Placement, Scene
from weerspoor.capacity.displace.settings import displace_settings
from weerspoor.kernel.timelines import Timelines

MOST_CASCADE = 400
"""A step that moves more trains than this is given up."""

WISH, PLACE = 0.6, 0.85
"""Shares of the kinds of neighbourhood, added up: what a train wishes, what is there then; else any moved trains."""

FIRST = 0.6
"""Share of the steps in which the train it is about is put back first."""

NEAR_S = 600
FEW = 4


@dataclass
class Replanned:
    """How a re-planning ended.

    Attributes
    ----------
    complete : bool
        Every train has a place, or does not run where that is allowed.
    eur : float
    steps, kept : int
    """

    complete: bool
    eur: float
    steps: int = 0
    kept: int = 0


@dataclass
class Replanner:
    """Re-plans the trains of a scene around what is fixed.

    Attributes
    ----------
    scene : Scene
        Its timelines hold what is fixed already.
    fixed : Timelines
        Nothing but what is fixed: new trains and closures.
    rng : random.Random
    """

    scene: Scene
    fixed: Timelines
    seed: int = 0
    rng: random.Random = field(init=False)
    failed: int | None = None
    """The train for which no place was found last."""

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def first(self, in_the_way: Iterable[int]) -> Replanned:
        """Take out the trains in the way and put them back, the dearest to delay first."""
        trains = sorted(set(in_the_way))
        for train in trains:
            self.scene.take_out(train)
        order = sorted(trains, key=lambda train: (-self._weight(train), train))
        complete = self._settle(order, np.inf)
        return Replanned(complete, self.scene.eur if complete else np.inf)

    def _weight(self, train: int) -> float:
        rows = self.scene.window.calls_of(train)
        return float(self.scene.harm.arrival_eur_per_s[rows].sum())

    def _settle(self, queue: list[int], most_eur: float) -> bool:
        """Put trains in, in this order, and those that go on with their stock; False if one cannot be or costs more."""
        scene, queue = self.scene, list(queue)
        waiting = set(queue)
        done = 0
        while queue:
            train = queue.pop(0)
            waiting.discard(train)
            done += 1
            if done > MOST_CASCADE or not scene.of(train):
                return False
            placement = scene.cheapest(train, most_eur - scene.eur)
            turned = None
            if scene.before(train) not in waiting:
                turned = self._short_turn(train, most_eur - scene.eur if placement is None else placement.eur)
            if turned is not None:
                before, cut, placement = turned
                scene.take_out(before)
                scene.put(before, cut)
            if placement is None:
                self.failed = train
                return False
            scene.put(train, placement)
            follower = scene.follows(train)
            if follower is None or follower in waiting:
                continue
            if not scene.holds(follower) or follower in scene.moved:
                scene.take_out(follower)
                queue.insert(0, follower)
                waiting.add(follower)
        return True

    def _short_turn(self, train: int, most_eur: float) -> tuple[int, Placement, Placement] | None:
        """Return the cheapest way to let a train begin where the one before it ends for it: that one, and both places.

        None if there is no such way, or it costs as much or more.
        """
        scene = self.scene
        before = scene.before(train)
        if before is None or before in scene.moved or most_eur <= 0 or displace_settings().moves.stock_elsewhere:
            return None
        best = None
        for cut in scene.cut(before):
            if cut.eur >= most_eur:
                continue
            scene.moved[before] = cut
            found = scene.cheapest(train, most_eur - cut.eur)
            if found is not None and found.retimed is not None and found.retimed.first:
                best, most_eur = (before, cut, found), cut.eur + found.eur
            del scene.moved[before]
        return best

    def improve(self, steps: int) -> Replanned:
        """Search for cheaper places, so many steps; the best found stays."""
        scene, rules = self.scene, displace_settings().search
        result = Replanned(True, scene.eur)
        best, best_eur = dict(scene.moved), result.eur
        now = best_eur
        for step in range(steps):
            if not scene.moved:
                break
            heat = max(0.0, 1.0 - step / (0.8 * steps)) * rules.warmth
            spare = heat * now / max(len(scene.moved), 1) * -np.log(max(self.rng.random(), 1e-9))
            chosen = self._choose()
            mark, before = scene.timelines.mark(), dict(scene.moved)
            for train in chosen:
                scene.take_out(train)
            order = chosen[1:]
            self.rng.shuffle(order)
            order.insert(0 if self.rng.random() < FIRST else self.rng.randint(0, len(order)), chosen[0])
            if self._settle(order, now + spare + 1e-6) and scene.eur <= now + spare:
                now = scene.eur
                result.kept += 1
                if now < best_eur - 1e-6:
                    best, best_eur = dict(scene.moved), now
            else:
                scene.timelines.rollback(mark)
                scene.moved = before
            result.steps += 1
        self.restore(best)
        result.eur = scene.eur
        return result

    def restore(self, placements: dict[int, Placement]) -> None:
        """Put the scene into a state that it was in before."""
        scene = self.scene
        every = sorted(scene.moved.keys() | placements.keys())
        changed = [train for train in every if scene.moved.get(train) is not placements.get(train)]
        for train in changed:
            scene.timelines.remove(train)
        for train in changed:
            rows = scene.rows(train, placements.get(train))
            if len(rows.zone):
                scene.timelines.insert(train, rows)
        scene.moved = dict(placements)

    def _choose(self) -> list[int]:
        """Return a moved train and others to take out with it."""
        scene, rng = self.scene, self.rng
        trains = sorted(scene.moved)
        train = rng.choices(trains, [scene.moved[one].eur + 1.0 for one in trains])[0]
        most = displace_settings().search.most_blockers
        kind = rng.random()
        if kind < WISH:
            others = self._in_the_way(train)
        elif kind < PLACE:
            others = [other for other in self._there(train) if other in scene.moved]
        else:
            others = [other for other in rng.sample(trains, min(len(trains), FEW)) if other != train]
        if len(others) > most:
            others = sorted(rng.sample(others, most))
        return [train, *others]

    def _in_the_way(self, train: int) -> list[int]:
        """Return the trains in the way of the best place that what is fixed leaves to a train."""
        scene = self.scene
        wish = scene.cheapest(train, timelines=self.fixed)
        if wish is None or wish.retimed is None:
            return []
        found = scene.timelines.conflicts_of(scene.rows(train, wish), train)
        return [other for other in found if self._movable(other)]

    def _there(self, train: int) -> list[int]:
        """Return the trains that are where a train is, about its time."""
        scene = self.scene
        rows = scene.rows(train, scene.moved.get(train))
        if not len(rows.zone):
            rows = scene.window.rows_of(train)
        at = self.rng.randrange(len(rows.zone))
        zone, middle = rows.zone[at : at + 1], int(rows.from_s[at])
        begin, end = np.array([middle - NEAR_S], np.int32), np.array([middle + NEAR_S], np.int32)
        whole = np.full(1, 7, np.uint8)
        _, found = scene.timelines.conflicts(zone, begin, end, whole, whole, train)
        return [int(other) for other in np.unique(found) if self._movable(int(other))]

    def _movable(self, train: int) -> bool:
        if train >= len(self.scene.window.origin):
            return False
        allowed = self.scene.allowed(train)
        return allowed.later_s > 0 or allowed.earlier_s > 0

"""What people without a program would do: cancel, or hold, every train in the way of the quickest path."""

from __future__ import annotations

import numpy as np

from weerspoor.capacity.displace.paths import Pricing
from weerspoor.capacity.displace.scene import Allowed, Scene
from weerspoor.capacity.proposal import Compared
from weerspoor.kernel.graph import Run
from weerspoor.kernel.timelines import Rows

LONGEST_HOLD_S = 6 * 3600
MOST_HELD = 1500


def compared(scene: Scene, pricing: Pricing, runs: tuple[Run, ...]) -> Compared:
    """Return what it costs to cancel or to hold every train in the way of some paths.

    Held trains stand until the paths are through; trains that are in their way then are held in turn, until it dies
    out.

    Parameters
    ----------
    scene : Scene
        With nothing moved.
    pricing : Pricing
    runs : tuple of Run
    """
    parts = [Rows.of(run, pricing.kind) for run in runs]
    in_the_way: set[int] = set()
    for rows in parts:
        in_the_way.update(scene.timelines.conflicts_of(rows))
    trains = sorted(train for train in in_the_way if train < len(scene.window.origin))
    cancelled: set[int] = set()
    for train in trains:
        cancelled.add(train)
        follower = scene.follows(train)
        if follower is not None:
            cancelled.add(follower)
    at = scene.window.origin[sorted(cancelled)]
    cancel_eur = float((scene.harm.cancel_eur[at] + scene.harm.shift_eur[at]).sum())
    return Compared(
        cancel_eur=round(cancel_eur, 2), hold_eur=_held_eur(scene, pricing, parts, trains), trains=len(trains)
    )


def _held_eur(scene: Scene, pricing: Pricing, parts: list[Rows], trains: list[int]) -> float | None:
    only_held = Scene(
        scene.network, scene.window, scene.harm, pricing.fixed(parts), lambda _: Allowed(0, LONGEST_HOLD_S)
    )
    queue = sorted(trains, key=lambda train: (float(scene.of(train)[0].legs.departures_s[0]), train))
    seen, eur = set(queue), 0.0
    while queue:
        train = queue.pop(0)
        placement = only_held.cheapest(train)
        if placement is None or len(seen) > MOST_HELD:
            return None
        eur += placement.eur
        only_held.put(train, placement)
        met = scene.timelines.conflicts_of(only_held.rows(train, placement), train)
        follower = scene.follows(train)
        more = [other for other in met if other < len(scene.window.origin)]
        if follower is not None and not only_held.holds(follower):
            more.append(follower)
        for other in more:
            if other not in seen:
                seen.add(other)
                queue.append(other)
    return round(eur, 2) if np.isfinite(eur) else None

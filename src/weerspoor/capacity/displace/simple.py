"""What people without a program would do: cancel, or hold, every train in the way of the quickest path."""

from __future__ import annotations

from dataclasses import replace

from weerspoor.capacity.displace.paths import Pricing
from weerspoor.capacity.displace.scene import Allowed, Scene
from weerspoor.capacity.proposal import Compared
from weerspoor.kernel.graph import Run

LONGEST_HOLD_S = 4 * 3600


def compared(scene: Scene, pricing: Pricing, runs: tuple[Run, ...]) -> Compared:
    """Return what it costs to cancel or to hold every train in the way of some paths.

    A held train waits at its stops until the paths are through and it fits among the other trains again, the dearest
    train first; trains that go on with its stock wait for it, until it dies out. One that fits nowhere within
    ``LONGEST_HOLD_S`` is cancelled after all. That is milder than to let the others wait behind the held trains in
    their order of the day: such a delay reaches thousands of trains.

    Parameters
    ----------
    scene : Scene
        With nothing moved; as before afterwards.
    pricing : Pricing
    runs : tuple of Run
    """
    trains = pricing.in_the_way(runs)
    cancelled = set(trains) | {then for then in map(scene.follows, trains) if then is not None}
    at = scene.window.origin[sorted(cancelled)]
    cancel_eur = float((scene.harm.cancel_eur[at] + scene.harm.shift_eur[at]).sum())
    only_held = scene.under(lambda _: Allowed(0, LONGEST_HOLD_S, cancel=True))
    held = replace(pricing, scene=only_held)(runs, "held", 0)
    return Compared(
        cancel_eur=round(cancel_eur, 2), hold_eur=None if held is None else round(held.eur, 2), trains=len(trains)
    )

"""Random requests, seeded: trains of every sort between places where such trains begin and end."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np

from weerspoor.capacity.request import Request, TrainRequest, Via, Window
from weerspoor.common.clock import DAY_START_S

if TYPE_CHECKING:
    from weerspoor.network.model import Network

TEMPLATES = ("heavy", "mixed", "ammunition", "personnel", "ordinary")
LENGTHS_M = (180, 340, 460, 540, 600, 650, 740)
HALF_WIDTHS_MM = (1450, 1500, 1575, 1600, 1700, 1800, 1875)
TRACTIONS = (("diesel",), ("1.5 kV DC",), ("1.5 kV DC", "25 kV AC", "15 kV AC"))
ENDS = {"yard": 4, "harbour": 3, "border": 3, "station": 2}
"""How often a train begins or ends at each kind of point."""

HALF_HOUR_S, HOUR_S, STANDS_S = 1800, 3600, (0, 0, 300, 600, 1800)


def random_requests(n: int, seed: int, network: Network) -> list[Request]:
    """Return requests that could be asked; not all of them can be granted.

    Lengths, widths, tractions and windows are mixed: one in three has a window at the end, one in four a place on the
    way (passed or stopped at), one in six a place to avoid, one in four asks for distance to other trains. A train that
    begins at a border comes in within a window; one that begins or ends elsewhere fits there, away from platforms.

    Parameters
    ----------
    n : int
    seed : int
        The same seed gives the same requests on the same network.
    network : Network
        Its certain points that have tracks are used.
    """
    rng = random.Random(seed)
    points, stops = network.points, network.stops
    placed = {int(point) for point in points.place_point}
    off_platform_m = np.where(stops.platform_m > 0, 0.0, stops.usable_m)
    longest_m = np.zeros(len(points.code))
    np.maximum.at(longest_m, stops.point[stops.point >= 0], off_platform_m[stops.point >= 0])
    by_kind: dict[str, list[str]] = {kind: [] for kind in ENDS}
    for index, (code, kind) in enumerate(zip(points.code, points.kind, strict=True)):
        if kind in ENDS and index in placed and points.certain[index] and (kind == "border" or longest_m[index] > 0):
            by_kind[kind].append(code)
    ends = {kind: weight for kind, weight in ENDS.items() if by_kind[kind]}
    border = set(by_kind["border"])
    room_m = {code: np.inf if code in border else float(longest_m[i]) for i, code in enumerate(points.code)}

    def place() -> str:
        return rng.choice(by_kind[rng.choices(list(ends), list(ends.values()))[0]])

    found: list[Request] = []
    while len(found) < n:
        origin, target = place(), place()
        template, values = rng.choice(TEMPLATES), _train(rng)
        if values["length_m"] > min(room_m[origin], room_m[target]):
            continue
        way = rng.choice(by_kind["station"] or [target])
        if origin == target or way in (origin, target):
            continue
        start_s = DAY_START_S + rng.randrange(0, 24 * 60) * 60
        arrive_s = start_s + rng.randrange(3 * HOUR_S, 12 * HOUR_S, HALF_HOUR_S)
        window = Window(arrive_s, arrive_s + rng.choice((600, 1800, 3600)))
        via = Via(way, rng.choice(STANDS_S))
        others = [code for code in by_kind["station"] if code not in (origin, target, way)]
        found.append(
            Request(
                reference=f"random-{seed}-{len(found)}",
                date=None,
                train=TrainRequest(template, values),
                origin=origin,
                ready_s=None if origin in border else start_s,
                origin_window=Window(start_s, start_s + rng.choice((600, 1800, 7200))) if origin in border else None,
                destination=target,
                destination_window=window if rng.random() < 1 / 3 else None,
                via=(via,) if rng.random() < 1 / 4 else (),
                avoid=(rng.choice(others),) if others and rng.random() < 1 / 6 else (),
                slack_s=rng.choice((30, 60, 120)) if rng.random() < 1 / 4 else 0,
            )
        )
    return found


def _train(rng: random.Random) -> dict[str, Any]:
    """Return characteristics that differ from the template's."""
    length_m = float(rng.choice(LENGTHS_M))
    values: dict[str, Any] = {"length_m": length_m, "mass_t": float(round(length_m * rng.uniform(1.5, 3.5)))}
    if rng.random() < 0.5:
        values["load_half_width_mm"] = float(rng.choice(HALF_WIDTHS_MM))
    if rng.random() < 0.5:
        values["traction"] = rng.choice(TRACTIONS)
    if rng.random() < 0.3:
        values["max_speed_kmh"] = float(rng.choice((60, 80, 90, 100)))
    return values

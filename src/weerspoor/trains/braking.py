"""From brake percentage and brake position to deceleration and highest speed."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache

from weerspoor.trains.model import Train
from weerspoor.trains.tables import norm, number, row_by_name, rows

TABLE = "braking"


@dataclass(frozen=True)
class Braking:
    """What the brakes of a train allow.

    Attributes
    ----------
    percentage : float
    position : str
        G, P or R.
    is_assumed : bool
        The percentage was not known.
    emergency_ms2 : float
        Mean deceleration from the highest speed to standstill once the brakes are on.
    build_up_s : float
        Equivalent time until they are.
    planned_ms2 : float
        Deceleration to plan with.
    max_speed_kmh : float
        Highest speed from which the train stops within the distance of signals along the track.
    """

    percentage: float
    position: str
    is_assumed: bool
    emergency_ms2: float
    build_up_s: float
    planned_ms2: float
    max_speed_kmh: float


@lru_cache(maxsize=4096)
def braking(train: Train) -> Braking:
    """Return what the brakes of a train allow; an unknown percentage is assumed from the brake position."""
    is_assumed = train.brake_percentage is None
    known = train.brake_percentage
    percentage = norm("unknown", train.brake_position, TABLE) if known is None else known
    build_up = build_up_s(train.brake_position, train.length_m)
    limit = max_speed_kmh(percentage, build_up)
    top_kmh = min(limit, train.max_speed_kmh)
    distance_m = braking_distance_m(percentage, top_kmh)
    emergency = (top_kmh / 3.6) ** 2 / (2 * distance_m)
    planned = min(emergency * norm("conversion", "service_share", TABLE), norm(train.norm_group, "planned_braking_ms2"))
    return Braking(percentage, train.brake_position, is_assumed, emergency, build_up, planned, limit)


def basic_speed_kmh(percentage: float) -> float:
    """Return the speed up to which the deceleration of the conversion model is that of the lowest band."""
    factor = norm("conversion", "basic_speed_factor_kmh", TABLE)
    return float(factor * _inside(percentage) ** norm("conversion", "basic_speed_exponent", TABLE))


def deceleration_ms2(percentage: float, speed_kmh: float) -> float:
    """Return the emergency deceleration at a speed, from the brake percentage.

    The conversion model of ERTMS/ETCS (SUBSET-026-3): a polynomial of the percentage for each band of speed,
    times a share that is counted on. Percentages outside the model's range are taken at its ends.
    """
    if speed_kmh <= basic_speed_kmh(percentage):
        row = row_by_name("braking_curve")["basic"]
    else:
        bands = [row for row in rows("braking_curve") if row["name"] != "basic"]
        row = [row for row in bands if number(row, "above_kmh") < speed_kmh][-1]
    value = sum(number(row, f"c{power}") * _inside(percentage) ** power for power in range(4))
    return value * norm("conversion", "dispersion", TABLE)


def braking_distance_m(percentage: float, from_kmh: float) -> float:
    """Return the way from a speed to standstill with the brakes on, without build-up.

    The deceleration is constant within a band of speed, so the way is a sum over bands of (v1^2 - v0^2) / (2 a).
    """
    limits = {number(row, "above_kmh") for row in rows("braking_curve")} | {basic_speed_kmh(percentage)}
    edges = [0.0, *sorted(edge for edge in limits if 0 < edge < from_kmh), from_kmh]
    way_m = 0.0
    for low, high in itertools.pairwise(edges):
        deceleration = deceleration_ms2(percentage, (low + high) / 2)
        way_m += ((high / 3.6) ** 2 - (low / 3.6) ** 2) / (2 * deceleration)
    return way_m


def build_up_s(position: str, length_m: float) -> float:
    """Return the equivalent time in which the brakes of a train of this length come on, in position G, P or R."""
    group = f"build_up_{position}"
    hundreds = max(length_m, norm(group, "least_length_m", TABLE)) / 100
    return norm(group, "a_s", TABLE) + norm(group, "b_s", TABLE) * hundreds + norm(group, "c_s", TABLE) * hundreds**2


@lru_cache(maxsize=4096)
def max_speed_kmh(percentage: float, build_up: float) -> float:
    """Return the highest speed, in whole steps, from which a train stops within the distance of signals."""
    step = norm("conversion", "speed_step_kmh", TABLE)
    within_m = norm("conversion", "signal_distance_m", TABLE)
    speed = step
    while braking_distance_m(percentage, speed + step) + build_up * (speed + step) / 3.6 <= within_m:
        speed += step
    return speed


def _inside(percentage: float) -> float:
    least = norm("conversion", "least_percentage", TABLE)
    return min(max(percentage, least), norm("conversion", "greatest_percentage", TABLE))

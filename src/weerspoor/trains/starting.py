"""Whether the engines can start a train on the steepest gradient known on its way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from weerspoor.trains.model import Train
from weerspoor.trains.tables import norm, number, rows
from weerspoor.trains.traction import G_MS2, dynamics


@dataclass(frozen=True)
class Gradient:
    """A known gradient between two operational points, in either direction.

    Attributes
    ----------
    from_point, to_point : str
        Codes; the gradient lies between them.
    permille, length_m : float
    description, source, certainty : str
    """

    from_point: str
    to_point: str
    permille: float
    length_m: float
    description: str
    source: str
    certainty: str

    def under(self, length_m: float) -> float:
        """Return the steepest mean gradient under a train of this length, the rest of it on the flat."""
        return self.permille * min(1.0, self.length_m / length_m)


@cache
def gradients() -> tuple[Gradient, ...]:
    """Return the known gradients."""
    return tuple(
        Gradient(
            row["from_point"],
            row["to_point"],
            number(row, "permille"),
            number(row, "length_m"),
            row["description"],
            row["source"],
            row["certainty"],
        )
        for row in rows("gradients")
    )


def startable_permille(train: Train, traction: str = "") -> float:
    """Return the steepest gradient on which the engines start the train.

    Effort at standstill less resistance of breaking away must leave the least acceleration:
    F >= m (r + g i / 1000 + a k), k the rotating-mass factor.
    """
    mechanics = dynamics(train, traction)
    breakaway = norm("starting", "starting_resistance_n_per_t") / 1e3 * mechanics.mass_kg
    inertia = norm("starting", "least_acceleration_ms2") * mechanics.mass_kg * mechanics.rotating_mass_factor
    return float((mechanics.effort_n[0] - breakaway - inertia) / (mechanics.mass_kg * G_MS2) * 1000)


def reference_permille() -> float:
    """Return the gradient on which every train must be able to start, assumed where none is known."""
    return norm("starting", "reference_gradient_permille")


def too_steep(train: Train, codes: Sequence[str]) -> list[Gradient]:
    """Return the gradients on the way on which the train cannot start, the steepest first.

    Parameters
    ----------
    train : Train
    codes : sequence of str
        Operational points passed. A gradient lies on the way when both its points are passed.
    """
    passed = {code.lower() for code in codes}
    able = startable_permille(train)
    found = [
        item
        for item in gradients()
        if {item.from_point.lower(), item.to_point.lower()} <= passed and item.under(train.length_m) > able
    ]
    return sorted(found, key=lambda item: -item.under(train.length_m))


def known_too_steep(train: Train) -> list[Gradient]:
    """Return the gradients of the whole railway, more than assumed, on which the train cannot start.

    A gradient that is only assumed refuses nothing: it is said where it lies on the way.
    """
    able = startable_permille(train)
    return [item for item in gradients() if item.certainty != "assumed" and item.under(train.length_m) > able]


def startable_mass_t(train: Train, permille: float) -> float:
    """Return the greatest mass, engines included, that the engines start on a gradient, rounded down to 10 t."""
    mechanics = dynamics(train)
    per_kg = (
        norm("starting", "starting_resistance_n_per_t") / 1e3
        + G_MS2 * permille / 1000
        + norm("starting", "least_acceleration_ms2") * mechanics.rotating_mass_factor
    )
    return float(mechanics.effort_n[0] / per_kg / 1e3 // 10 * 10)

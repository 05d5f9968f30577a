"""Whether the engines can start a train on the steepest gradient known on its way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from weerspoor.common.errors import InputError
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


def check_start(train: Train, codes: Sequence[str] = ()) -> list[Gradient]:
    """Refuse a train that its engines cannot start on a gradient known on the way.

    A gradient that is only assumed refuses nothing: those too steep for the train are returned, to be said. Where none
    is known, the train must start on a common gradient that is data.

    Raises
    ------
    InputError
        With the place, and what mass would start.
    """
    steep = too_steep(train, codes)
    known = [item for item in steep if item.certainty != "assumed"]
    reference = norm("starting", "reference_gradient_permille")
    if known:
        _refuse(
            train, known[0].under(train.length_m), f"{known[0].from_point}-{known[0].to_point}, {known[0].description}"
        )
    if startable_permille(train) < reference:
        _refuse(train, reference, "assumed where no gradient is known")
    return steep


def _refuse(train: Train, permille: float, place: str) -> None:
    raise InputError(
        f"{', '.join(train.locomotives)} cannot start {train.mass_t:g} t on {permille:.3g} per mille ({place})",
        where="mass_t",
        hint=f"at most {startable_mass_t(train, permille):.0f} t, or more engines",
    )


def startable_mass_t(train: Train, permille: float) -> float:
    """Return the greatest mass, engines included, that the engines start on a gradient, rounded down to 10 t."""
    mechanics = dynamics(train)
    per_kg = (
        norm("starting", "starting_resistance_n_per_t") / 1e3
        + G_MS2 * permille / 1000
        + norm("starting", "least_acceleration_ms2") * mechanics.rotating_mass_factor
    )
    return float(mechanics.effort_n[0] / per_kg / 1e3 // 10 * 10)

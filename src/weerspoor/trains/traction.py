"""Tractive effort, resistance and acceleration of a train, from its engines and its wagons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from weerspoor.common.errors import InputError
from weerspoor.trains.braking import braking
from weerspoor.trains.catalogue import Locomotive, locomotive
from weerspoor.trains.model import Train
from weerspoor.trains.tables import norm, number, row_by_name

G_MS2 = 9.81
"""Acceleration of free fall."""

DUTCH_TRACTIONS = ("diesel", "1.5 kV DC", "25 kV AC")
"""Tractions under which a train moves on the tracks of the embedded railway."""

WAGONS = {"freight_container": "wagons_container", "night": "coaches"}
"""Row of ``resistance.csv`` for what engines pull, by kind of train; ``wagons_loaded`` for the others."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Dynamics:
    """The mechanics of one train: F(v), A + B v + C v^2, mass, braking.

    Attributes
    ----------
    mass_kg, length_m : float
    rotating_mass_factor : float
    a_n, b_n_per_ms, c_n_per_ms2 : float
        Running resistance A + B v + C v^2 of the whole train.
    braking_ms2 : float
    max_speed_ms : float
        Of train and engines, or the balancing speed on the flat when that is lower.
    effort_v_ms, effort_n : (k,) float64
        Tractive effort at the rim, linear between speeds that rise; beyond the last it is that of the last.
    """

    mass_kg: float
    length_m: float
    rotating_mass_factor: float
    a_n: float
    b_n_per_ms: float
    c_n_per_ms2: float
    braking_ms2: float
    max_speed_ms: float
    effort_v_ms: Floats
    effort_n: Floats

    def resistance_n(self, speed_ms: float | Floats) -> float | Floats:
        """Return the running resistance at a speed, on the flat."""
        return self.a_n + self.b_n_per_ms * speed_ms + self.c_n_per_ms2 * speed_ms * speed_ms

    def acceleration_ms2(self, speed_ms: float | Floats, gradient_permille: float = 0.0) -> float | Floats:
        """Return the acceleration at full effort at a speed on a gradient (rising positive)."""
        effort = np.interp(speed_ms, self.effort_v_ms, self.effort_n)
        weight = self.mass_kg * G_MS2 * gradient_permille / 1000
        result: float | Floats = (effort - self.resistance_n(speed_ms) - weight) / (
            self.mass_kg * self.rotating_mass_factor
        )
        return result


def tractive_effort(engines: list[Locomotive], traction: str, max_speed_ms: float) -> tuple[Floats, Floats]:
    """Return speeds and tractive effort of engines under one traction.

    Effort is the least of the starting effort, what adhesion allows, and power over speed.

    Parameters
    ----------
    engines : list of Locomotive
        Those that have the traction pull; the others are weight.
    traction : str
    max_speed_ms : float
        The table ends here.
    """
    speeds = np.linspace(0.0, max_speed_ms, max(2, int(max_speed_ms / norm("curve", "speed_step_ms")) + 2))
    effort = np.zeros_like(speeds)
    adhesion = norm("starting", "adhesion")
    for engine in engines:
        if traction not in engine.power_kw:
            continue
        start_n = min(engine.starting_effort_kn * 1e3, adhesion * engine.mass_t * 1e3 * G_MS2)
        effort += np.minimum(start_n, engine.power_kw[traction] * 1e3 / np.maximum(speeds, 0.1))
    return speeds, effort


def running_traction(train: Train) -> str:
    """Return the traction under which the train is weakest of those that it has and the railway offers.

    Raises
    ------
    InputError
        If its engines have none of its tractions.
    """
    engines = _engines(train)
    powers = {traction: sum(engine.power_kw.get(traction, 0.0) for engine in engines) for traction in train.traction}
    powers = {traction: power for traction, power in powers.items() if power > 0}
    if not powers:
        raise InputError(
            f"{', '.join(train.locomotives)} cannot run under {', '.join(train.traction)}",
            where="locomotives",
            hint="name engines that have the traction",
        )
    here = {traction: power for traction, power in powers.items() if traction in DUTCH_TRACTIONS} or powers
    return min(here, key=lambda traction: (here[traction], traction))


@lru_cache(maxsize=4096)
def dynamics(train: Train, traction: str = "") -> Dynamics:
    """Return the mechanics of a train under a traction; without one, that under which it is weakest.

    Raises
    ------
    InputError
        If it has no engine, its engines have not the traction, outweigh the whole train, or cannot move it.
    """
    engines = _engines(train)
    traction = traction or running_traction(train)
    wagons_t = train.mass_t - sum(engine.mass_t for engine in engines)
    if wagons_t < 0 and any(engine.kind == "locomotive" for engine in engines):
        raise InputError(
            f"is {train.mass_t:g} t, less than its engines ({train.mass_t - wagons_t:g} t)",
            where="mass_t",
            hint="mass of the whole train, engines included",
        )
    parts = [(engine.mass_t, engine.resistance) for engine in engines]
    if wagons_t > 0:
        parts.append((wagons_t, WAGONS.get(train.kind, "wagons_loaded")))
    table = row_by_name("resistance")
    a, b, c = (
        sum(mass_t * number(table[name], column) for mass_t, name in parts)
        for column in ("a_n_per_t", "b_n_per_t_per_ms", "c_n_per_t_per_ms2")
    )
    rotating = sum(mass_t * number(table[name], "rotating_mass_factor") for mass_t, name in parts)
    top_ms = min(train.max_speed_kmh, *(engine.max_speed_kmh for engine in engines)) / 3.6
    speeds, effort = tractive_effort(engines, traction, top_ms)
    mechanics = Dynamics(
        mass_kg=train.mass_t * 1e3,
        length_m=train.length_m,
        rotating_mass_factor=rotating / sum(mass_t for mass_t, _ in parts),
        a_n=a,
        b_n_per_ms=b,
        c_n_per_ms2=c,
        braking_ms2=braking(train).planned_ms2,
        max_speed_ms=top_ms,
        effort_v_ms=speeds,
        effort_n=effort,
    )
    grid = _speed_grid(top_ms)
    balanced = np.flatnonzero(mechanics.acceleration_ms2(grid) < norm("curve", "least_acceleration_ms2"))
    if not balanced.size:
        return mechanics
    if balanced[0] < 2:
        raise InputError(
            f"{', '.join(train.locomotives)} cannot move {train.mass_t:g} t",
            where="mass_t",
            hint="a lighter train or more engines",
        )
    return replace(mechanics, max_speed_ms=float(grid[balanced[0] - 1]))


@dataclass(frozen=True)
class AccelerationCurve:
    """Full-effort acceleration from standstill on the flat.

    Attributes
    ----------
    v_ms, t_s, s_m : (k,) float64
        Speed rising from 0, time and way to reach it. The last speed is the balancing speed or the highest.
    """

    v_ms: Floats
    t_s: Floats
    s_m: Floats


@lru_cache(maxsize=4096)
def acceleration_curve(train: Train) -> AccelerationCurve:
    """Return the full-effort acceleration of a train on the flat under its weakest traction.

    Time is the integral of 1/a over speed, way that of v/a, by the trapezium rule.

    Raises
    ------
    InputError
        If the engines cannot move the train.
    """
    mechanics = dynamics(train)
    v = _speed_grid(mechanics.max_speed_ms)
    a = np.asarray(mechanics.acceleration_ms2(v))
    dv = np.diff(v)
    t = np.concatenate([[0.0], np.cumsum(dv * (1 / a[1:] + 1 / a[:-1]) / 2)])
    s = np.concatenate([[0.0], np.cumsum(dv * (v[1:] / a[1:] + v[:-1] / a[:-1]) / 2)])
    every = max(1, round(norm("curve", "speed_step_ms") / norm("curve", "integration_step_ms")))
    keep = np.unique(np.append(np.arange(0, v.size, every), v.size - 1))
    return AccelerationCurve(v[keep], t[keep], s[keep])


def _speed_grid(top_ms: float) -> Floats:
    """Return speeds from 0 to the top, in steps of integration."""
    return np.linspace(0.0, top_ms, max(2, round(top_ms / norm("curve", "integration_step_ms")) + 1))


def _engines(train: Train) -> list[Locomotive]:
    if not train.locomotives:
        raise InputError("has no engine", where="locomotives", hint="name at least one")
    return [locomotive(name) for name in train.locomotives]

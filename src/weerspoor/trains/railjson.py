"""Trains and paths of RailJSON as this package's running time takes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from weerspoor.formats.railjson import Infrastructure, RailPath, RollingStock
from weerspoor.trains.running_time import Motion, RunningPath, Stop, Stretch, running_time
from weerspoor.trains.traction import Dynamics, Floats

NO_EFFORT = -1


def efforts_of(stock: RollingStock) -> list[tuple[Floats, Floats]]:
    """Return the tractive efforts of a rolling stock by mode, in the order of its modes."""
    curves = [stock.effort(mode) for mode in stock.curves]
    return [(np.array(curve.speeds_ms, dtype=float), np.array(curve.efforts_n, dtype=float)) for curve in curves]


def dynamics_of(stock: RollingStock) -> Dynamics:
    """Return the mechanics of a rolling stock, with the effort of its default mode."""
    speeds, effort = efforts_of(stock)[list(stock.curves).index(stock.default_mode)]
    return Dynamics(
        mass_kg=stock.mass_kg,
        length_m=stock.length_m,
        rotating_mass_factor=stock.inertia,
        a_n=stock.a_n,
        b_n_per_ms=stock.b_n_per_ms,
        c_n_per_ms2=stock.c_n_per_ms2,
        braking_ms2=stock.braking_ms2,
        max_speed_ms=stock.max_speed_ms,
        effort_v_ms=speeds,
        effort_n=effort,
    )


def running_path(
    rail: RailPath, stock: RollingStock, from_m: float, to_m: float, stops: Sequence[Stop] = ()
) -> RunningPath:
    """Return a part of a RailJSON path, for a rolling stock.

    An electric mode pulls where the wire carries it; a mode without wire pulls elsewhere, if the rolling stock has
    one; in a neutral section nothing pulls. Effort depends on where the head is.

    Parameters
    ----------
    rail : RailPath
    stock : RollingStock
    from_m, to_m : float
        Part of the path that the head runs.
    stops : sequence of Stop
        With places along the whole path.
    """
    modes = list(stock.curves)
    without_wire = [index for index, mode in enumerate(modes) if mode not in stock.electric_modes]
    elsewhere = without_wire[0] if without_wire else NO_EFFORT
    efforts = [
        Stretch(wire.from_m - from_m, wire.to_m - from_m, modes.index(wire.value))
        for wire in rail.wires
        if wire.value in stock.electric_modes
    ]
    if elsewhere == NO_EFFORT:
        efforts += [Stretch(part.from_m - from_m, part.to_m - from_m, NO_EFFORT) for part in rail.neutral]
    return RunningPath(
        length_m=to_m - from_m,
        limits=[Stretch(part.from_m - from_m, part.to_m - from_m, part.value) for part in rail.limits],
        gradients=[Stretch(part.from_m - from_m, part.to_m - from_m, part.value) for part in rail.gradients],
        efforts=efforts,
        default_effort=elsewhere,
        stops=[Stop(stop.at_m - from_m, stop.stand_s) for stop in stops],
    )


def station_times(
    infrastructure: Infrastructure,
    stock: RollingStock,
    tracks: list[str],
    stations: Sequence[tuple[str, float | None]],
    *,
    supplement: float = 0.0,
) -> tuple[list[float], Motion]:
    """Return when the head comes to each station, in s after leaving the first.

    Parameters
    ----------
    infrastructure : Infrastructure
    stock : RollingStock
    tracks : list of str
        The route, track by track.
    stations : sequence of (name, stand in s or None)
        In order; with None the train passes. The first is left from standstill.
    supplement : float

    Raises
    ------
    InputError
        If the tracks are not joined, or a station does not lie on them.
    """
    rail = infrastructure.path(tracks)
    places = []
    for name, _ in stations:
        on_route = [(track, at) for track, at in infrastructure.points.get(name, []) if track in tracks]
        places.append(rail.at(*(on_route[0] if on_route else (name, 0.0)), infrastructure.length_m))
    stops = [Stop(at, stand) for at, (_, stand) in zip(places, stations, strict=True) if stand is not None]
    path = running_path(rail, stock, places[0], places[-1], stops)
    motion = running_time(dynamics_of(stock), path, efforts=efforts_of(stock), supplement=supplement)
    return [motion.time_at(at - places[0]) for at in places], motion

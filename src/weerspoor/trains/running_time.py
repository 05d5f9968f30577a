"""Exact running time of one train on one path: effort, resistance, gradients, length, braking.

The path is cut wherever something changes: speed limit, tractive effort, gradient under head or tail. A backward pass
gives the highest speed at each cut from which everything ahead can be kept; a forward pass integrates motion between
cuts in steps of time (midpoint rule), and ends a step exactly where the limit, the braking curve or a cut is reached.
Braking runs and running at the limit are solved in closed form. The loops are compiled; the same function,
uncompiled (``run.py_func``), is the plain twin.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from weerspoor.common.errors import InputError
from weerspoor.trains.model import Train
from weerspoor.trains.tables import norm
from weerspoor.trains.traction import G_MS2, Dynamics, dynamics

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Stretch:
    """A value that holds from one place to another along the path."""

    from_m: float
    to_m: float
    value: float


@dataclass(frozen=True)
class Stop:
    """A place where the head of the train stands for a time."""

    at_m: float
    stand_s: float = 0.0


@dataclass(frozen=True)
class RunningPath:
    """What a train meets along its way, in metres of its head from the start.

    Attributes
    ----------
    length_m : float
    limits : sequence of Stretch
        Speed limits in m/s; where several overlap the least holds, where there is none only the train's own.
        A limit holds until the tail has left it.
    gradients : sequence of Stretch
        Per mille, rising positive; 0 elsewhere. The mean under the train counts.
    efforts : sequence of Stretch
        Value is the index of the tractive effort in force; -1 for none (neutral section); ``default_effort`` elsewhere.
    default_effort : int
    stops : sequence of Stop
        In rising order; the last place of the path is a stop when it is one of these.
    passings : sequence of (place, speed)
        Places at which the head is no faster than that, in m/s.
    """

    length_m: float
    limits: Sequence[Stretch] = ()
    gradients: Sequence[Stretch] = ()
    efforts: Sequence[Stretch] = ()
    default_effort: int = 0
    stops: Sequence[Stop] = ()
    passings: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True)
class Motion:
    """The run of a train.

    Attributes
    ----------
    s_m, t_s, v_ms : (k,) float64
        Place of the head, time and speed at the nodes of the run, in order; a stand is two nodes at one place.
    energy_kwh : float
        At the wheel: work of the tractive effort, nothing recovered.
    supplement : float
        Share that was added to the time between stops.
    """

    s_m: Floats
    t_s: Floats
    v_ms: Floats
    energy_kwh: float
    supplement: float

    @property
    def running_s(self) -> float:
        """Time from start to end, stands included."""
        return float(self.t_s[-1])

    def time_at(self, place_m: float) -> float:
        """Return when the head first comes to a place, in s.

        Between nodes the acceleration is constant, so the time follows from the speeds at both.
        """
        i = int(np.searchsorted(self.s_m, place_m, side="left"))
        if i == 0:
            return float(self.t_s[0])
        if i >= self.s_m.size:
            raise InputError(f"the run ends at {self.s_m[-1]:.0f} m, before {place_m:.0f} m")
        s0, s1 = float(self.s_m[i - 1]), float(self.s_m[i])
        v0, v1 = float(self.v_ms[i - 1]), float(self.v_ms[i])
        share = (place_m - s0) / (s1 - s0)
        v = math.sqrt(max(0.0, v0 * v0 + share * (v1 * v1 - v0 * v0)))
        span = float(self.t_s[i] - self.t_s[i - 1])
        reached = 2 * (place_m - s0) / (v0 + v) if v0 + v > 0 else span
        return float(self.t_s[i - 1]) + min(reached * span * (v0 + v1) / (2 * (s1 - s0)), span)

    def speed_at(self, place_m: float) -> float:
        """Return the speed of the head at a place, in m/s."""
        i = int(np.clip(np.searchsorted(self.s_m, place_m, side="left"), 1, self.s_m.size - 1))
        s0, s1 = float(self.s_m[i - 1]), float(self.s_m[i])
        v0, v1 = float(self.v_ms[i - 1]), float(self.v_ms[i])
        share = (place_m - s0) / (s1 - s0) if s1 > s0 else 1.0
        return math.sqrt(max(0.0, v0 * v0 + share * (v1 * v1 - v0 * v0)))


def running_time(
    train: Dynamics,
    path: RunningPath,
    *,
    entry_ms: float = 0.0,
    efforts: Sequence[tuple[Floats, Floats]] = (),
    supplement: float = 0.0,
    compiled: bool = True,
) -> Motion:
    """Run a train over a path as fast as it may, and return its motion.

    Parameters
    ----------
    train : Dynamics
    path : RunningPath
    entry_ms : float
        Speed of the head at the start: 0 starts from standstill, more runs through (bounded by what lies ahead).
    efforts : sequence of (speeds, effort)
        Tractive efforts by index of ``path.efforts``; the train's own when empty.
    supplement : float
        Share added to all times but stands.
    compiled : bool
        False runs the plain twin.

    Raises
    ------
    InputError
        If the train comes to a stand where it should run on, as on a gradient too steep; ``where`` names the place.
    """
    drive = Drive(train, path, entry_ms=entry_ms, efforts=efforts, supplement=supplement)
    return drive.run(compiled=compiled)


class Drive:
    """A train on a path, cut wherever something changes; what runs over the whole path and over parts of it share.

    Parameters are those of :func:`running_time`.

    Attributes
    ----------
    entry_ms : float
    """

    def __init__(
        self,
        train: Dynamics,
        path: RunningPath,
        *,
        entry_ms: float = 0.0,
        efforts: Sequence[tuple[Floats, Floats]] = (),
        supplement: float = 0.0,
    ) -> None:
        curves = list(efforts) or [(train.effort_v_ms, train.effort_n)]
        cuts = _cuts(path, train.length_m)
        middle = (cuts[1:] + cuts[:-1]) / 2
        limit = np.minimum(_limits(path, middle, train.length_m), train.max_speed_ms)
        effort = np.full(middle.size, path.default_effort, dtype=np.int64)
        for stretch in path.efforts:
            effort[(middle > stretch.from_m) & (middle < stretch.to_m)] = int(stretch.value)
        gradient = _mean_gradients(path, cuts, train.length_m)
        stand = np.full(cuts.size, -1.0)
        for stop in path.stops:
            stand[int(np.argmin(np.abs(cuts - stop.at_m)))] = stop.stand_s
        if cuts[0] == 0 and stand[0] >= 0:
            entry_ms, stand[0] = 0.0, -1.0
        effort_start = np.concatenate([[0], np.cumsum([len(v) for v, _ in curves])]).astype(np.int64)
        most = np.full(cuts.size, np.inf)
        for place, speed in path.passings:
            most[int(np.argmin(np.abs(cuts - place)))] = speed
        ceiling = _ceiling(cuts, limit, stand, most, train.braking_ms2)
        self.entry_ms = float(entry_ms)
        self._supplement = float(supplement)
        self._way = Way(cuts, limit, ceiling, gradient, effort, stand)
        self._mover = Mover(
            effort_start,
            np.concatenate([np.asarray(x, dtype=np.float64) for x, _ in curves]),
            np.concatenate([np.asarray(y, dtype=np.float64) for _, y in curves]),
            float(train.a_n),
            float(train.b_n_per_ms),
            float(train.c_n_per_ms2),
            float(train.mass_kg),
            float(train.rotating_mass_factor),
            float(train.braking_ms2),
        )

    def run(self, *, compiled: bool = True) -> Motion:
        """Return the motion over the whole path.

        Raises
        ------
        InputError
            As :func:`running_time`.
        """
        return self._run(self._way, self.entry_ms, compiled=compiled)

    def from_a_stand(self, from_m: float, to_m: float) -> float:
        """Return the time from one place to another of a train that begins at the first from a stand.

        It comes to the second as slowly as the path beyond asks of it. Both are places where something changes.

        Raises
        ------
        InputError
            As :func:`running_time`.
        """
        way = self._way
        a, b = (int(np.argmin(np.abs(way.cuts - place))) for place in (from_m, to_m))
        part = Way(way.cuts[a : b + 1], way.limit[a:b], way.ceiling[a : b + 1], way.gradient[a : b + 1],
                   way.effort[a:b], np.full(b + 1 - a, -1.0))  # fmt: skip
        return self._run(part, 0.0).running_s

    def _run(self, way: Way, entry_ms: float, *, compiled: bool = True) -> Motion:
        function = run if compiled else run.py_func
        stretch = 1.0 + self._supplement
        s, t, v, work, stuck = function(way, self._mover, entry_ms, norm("integration", "time_step_s"), stretch)
        if stuck >= 0:
            raise InputError(
                f"the train comes to a stand at {stuck:.0f} m: its engines cannot pull it there",
                where=f"{stuck:.0f} m",
                hint="a lighter train or more engines",
            )
        return Motion(s, t, v, float(work) / 3.6e6, self._supplement)


def run_over_pieces(
    train: Train,
    length_m: Sequence[float] | npt.NDArray[np.floating],
    speed_kmh: Sequence[float] | npt.NDArray[np.floating],
    stands_s: Mapping[int, float],
    *,
    supplement: float = 0.0,
    pace: float = 1.0,
    entry_ms: float = 0.0,
) -> Motion:
    """Run a train over pieces of track, and return its motion.

    Parameters
    ----------
    train : Train
    length_m, speed_kmh : (k,) array
        Of the pieces in order of running; the speed is the limit for this train there.
    stands_s : mapping of int to float
        Index of a piece at whose end the head stands, to the duration.
    supplement : float
    pace : float
        Share of its own top speed that the train keeps below.
    entry_ms : float
        Speed at which it comes in; 0 from standstill.

    Raises
    ------
    InputError
        If its engines cannot move it.
    """
    mechanics = dynamics(train)
    mechanics = replace(mechanics, max_speed_ms=pace * mechanics.max_speed_ms)
    ends = np.cumsum(np.asarray(length_m, dtype=float))
    starts = ends - np.asarray(length_m, dtype=float)
    limits: list[Stretch] = []
    for start, end, kmh in zip(
        starts.tolist(), ends.tolist(), np.asarray(speed_kmh, dtype=float).tolist(), strict=True
    ):
        if limits and limits[-1].value == kmh / 3.6:
            limits[-1] = Stretch(limits[-1].from_m, end, kmh / 3.6)
        else:
            limits.append(Stretch(start, end, kmh / 3.6))
    stops = [Stop(float(ends[index]), stand) for index, stand in sorted(stands_s.items())]
    return running_time(
        mechanics, RunningPath(float(ends[-1]), limits, stops=stops), entry_ms=entry_ms, supplement=supplement
    )


def _cuts(path: RunningPath, length_m: float) -> Floats:
    places = {0.0, path.length_m}
    for stretch in path.limits:
        places |= {stretch.from_m, stretch.to_m + length_m}
    for stretch in path.efforts:
        places |= {stretch.from_m, stretch.to_m}
    for stretch in path.gradients:
        places |= {stretch.from_m, stretch.to_m, stretch.from_m + length_m, stretch.to_m + length_m}
    places |= {stop.at_m for stop in path.stops} | {place for place, _ in path.passings}
    inside = sorted(place for place in places if 0 <= place <= path.length_m)
    kept = [inside[0]]
    for place in inside[1:]:
        if place - kept[-1] > 1e-6:
            kept.append(place)
    return np.array(kept)


def _limits(path: RunningPath, middle: Floats, length_m: float) -> Floats:
    limit = np.full(middle.size, np.inf)
    for stretch in path.limits:
        under = (middle > stretch.from_m) & (middle < stretch.to_m + length_m)
        limit[under] = np.minimum(limit[under], stretch.value)
    return limit


def _mean_gradients(path: RunningPath, cuts: Floats, length_m: float) -> Floats:
    """Return the mean gradient under the train with its head at each cut; between cuts it is linear."""
    height = np.zeros(cuts.size)
    for stretch in path.gradients:
        head = np.clip(cuts, stretch.from_m, stretch.to_m)
        tail = np.clip(cuts - length_m, stretch.from_m, stretch.to_m)
        height += stretch.value * (head - tail)
    return height / length_m


def _ceiling(cuts: Floats, limit: Floats, stand: Floats, most: Floats, braking_ms2: float) -> Floats:
    """Return the highest speed at each cut from which limits and stops ahead can be kept."""
    ceiling = np.empty(cuts.size)
    ceiling[-1] = 0.0 if stand[-1] >= 0 else min(limit[-1], most[-1])
    for i in range(cuts.size - 2, -1, -1):
        reach = math.sqrt(ceiling[i + 1] ** 2 + 2 * braking_ms2 * (cuts[i + 1] - cuts[i]))
        before = limit[i - 1] if i > 0 else limit[i]
        ceiling[i] = 0.0 if stand[i] >= 0 else min(reach, limit[i], before, most[i])
    return ceiling


class Way(NamedTuple):
    """A path cut where anything changes: places, and per cut or per stretch between cuts what holds."""

    cuts: Floats
    limit: Floats
    ceiling: Floats
    gradient: Floats
    effort: Ints
    stand: Floats


class Mover(NamedTuple):
    """The mechanics of a train as the compiled loop takes them; efforts one after another from ``effort_start``."""

    effort_start: Ints
    effort_v: Floats
    effort_n: Floats
    a_n: float
    b_n_per_ms: float
    c_n_per_ms2: float
    mass_kg: float
    rotating: float
    braking: float


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def run(
    way: Way, train: Mover, entry_ms: float, step_s: float, stretch: float
) -> tuple[Floats, Floats, Floats, float, float]:
    """Integrate a run over cuts; see :func:`running_time`. Returns s, t, v, work in J, and where it stuck or -1."""
    cuts, limit, ceiling, gradient, effort_of, stand = (
        way.cuts,
        way.limit,
        way.ceiling,
        way.gradient,
        way.effort,
        way.stand,
    )
    effort_start, effort_v, effort_n = train.effort_start, train.effort_v, train.effort_n
    mass_kg, rotating, braking = train.mass_kg, train.rotating, train.braking
    size = 1024
    out_s, out_t, out_v = np.empty(size), np.empty(size), np.empty(size)
    n = 1
    s, t, v = cuts[0], 0.0, min(entry_ms, ceiling[0])
    out_s[0], out_t[0], out_v[0] = s, t, v
    work = 0.0
    for i in range(cuts.size - 1):
        s0, s1, top, end_v = cuts[i], cuts[i + 1], limit[i], ceiling[i + 1]
        slope = (gradient[i + 1] - gradient[i]) / (s1 - s0)
        first, last = effort_start[max(effort_of[i], 0)], effort_start[max(effort_of[i], 0) + 1]
        while s1 - s > 1e-7:
            if n + 2 >= size:
                size *= 2
                more_s, more_t, more_v = np.empty(size), np.empty(size), np.empty(size)
                more_s[:n], more_t[:n], more_v[:n] = out_s[:n], out_t[:n], out_v[:n]
                out_s, out_t, out_v = more_s, more_t, more_v
            allowed2 = end_v * end_v + 2 * braking * (s1 - s)
            if v * v >= allowed2 - 1e-9 and v > end_v:
                # on the braking curve: in closed form to the cut
                t += (v - end_v) / ((v * v - end_v * end_v) / (2 * (s1 - s))) * stretch
                s, v = s1, end_v
                out_s[n], out_t[n], out_v[n] = s, t, v
                n += 1
                continue
            # acceleration at the start of the step, then at its middle
            pull = 0.0
            force = 0.0
            a = 0.0
            at_v, at_s = v, s
            for half in range(2):
                pull = 0.0
                if effort_of[i] >= 0:
                    j = first
                    while j + 1 < last and effort_v[j + 1] <= at_v:
                        j += 1
                    pull = effort_n[j]
                    if j + 1 < last:
                        pull += (effort_n[j + 1] - effort_n[j]) * (at_v - effort_v[j]) / (effort_v[j + 1] - effort_v[j])
                weight = mass_kg * G_MS2 * (gradient[i] + slope * (at_s - s0)) / 1000
                force = train.a_n + train.b_n_per_ms * at_v + train.c_n_per_ms2 * at_v * at_v + weight
                a = (pull - force) / (mass_kg * rotating)
                if half == 0:
                    if v >= top - 1e-9 and a >= 0:
                        break
                    at_v = max(0.0, v + a * step_s / 2)
                    at_s = s + v * step_s / 2 + a * step_s * step_s / 8
            if v >= top - 1e-9 and a >= 0:
                # at the limit: to the brake point, the cut, or one step where the gradient changes
                until = s1 - max(0.0, (top * top - end_v * end_v) / (2 * braking))
                run_m = until - s
                if slope != 0:
                    run_m = min(run_m, top * step_s)
                run_m = max(run_m, 1e-9)
                work += max(0.0, min(force, pull)) * run_m
                t += run_m / top * stretch
                s, v = s + run_m, top
                out_s[n], out_t[n], out_v[n] = s, t, v
                n += 1
                continue
            if v + a * step_s <= 1e-6 and a <= 0:
                return out_s[:n], out_t[:n], out_v[:n], work, s
            dt = step_s
            if a > 0 and v + a * dt > top:
                dt = (top - v) / a
            # not beyond the cut, not beyond the braking curve: v + a t, s + v t + a t^2 / 2
            room = s1 - s
            if v * dt + a * dt * dt / 2 > room:
                root = v * v + 2 * a * room
                dt = 2 * room / (v + math.sqrt(max(0.0, root)))
            new_v = v + a * dt
            new_s = s + v * dt + a * dt * dt / 2
            if new_v * new_v > end_v * end_v + 2 * braking * (s1 - new_s) and a > -braking:
                # both v^2 are linear in s: they meet after
                run_m = (end_v * end_v + 2 * braking * (s1 - s) - v * v) / (2 * (a + braking))
                new_s = s + run_m
                new_v = math.sqrt(max(0.0, v * v + 2 * a * run_m))
                dt = 2 * run_m / (v + new_v) if v + new_v > 0 else 0.0
            work += pull * (new_s - s)
            t += dt * stretch
            s, v = new_s, min(new_v, top)
            if s1 - s <= 1e-7:
                s = s1
            out_s[n], out_t[n], out_v[n] = s, t, v
            n += 1
        s = s1
        if stand[i + 1] >= 0:
            v = 0.0
            if i + 2 < cuts.size or stand[i + 1] > 0:
                if n + 2 >= size:
                    size *= 2
                    more_s, more_t, more_v = np.empty(size), np.empty(size), np.empty(size)
                    more_s[:n], more_t[:n], more_v[:n] = out_s[:n], out_t[:n], out_v[:n]
                    out_s, out_t, out_v = more_s, more_t, more_v
                out_v[n - 1] = 0.0
                t += stand[i + 1]
                out_s[n], out_t[n], out_v[n] = s, t, 0.0
                n += 1
    return out_s[:n], out_t[:n], out_v[:n], work, -1.0

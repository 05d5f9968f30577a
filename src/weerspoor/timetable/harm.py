"""What displaced trains cost passengers and freight: prices for a search, and accounts for people.

Passengers who arrive later than in the day lose that time; passengers whose train does not run from where they are wait
for another one; passengers who miss a connection too. All are counted from ``Day.passengers``, weighted and priced with
``harm.toml``. Freight counts in tonne-hours at the last call of its train.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import weerspoor.data
from weerspoor.common.errors import InputError
from weerspoor.timetable.day import LAYER_FREIGHT, LAYER_PASSENGER, Day, Passengers
from weerspoor.timetable.passengers import BY_CALL, with_empty_calls
from weerspoor.trains.catalogue import civil_kind

KINDS = ("shifted", "held", "rerouted", "shortened", "cancelled")
"""Kinds of displacement, in the order in which they are told."""
VALUES = Path(weerspoor.data.__file__).parent / "harm.toml"
VALUE_KEYS = frozenset({"value", "low", "high", "unit", "price_year", "source", "certainty"})
CERTAINTIES = ("sure", "likely", "assumed")
HOUR_S, MINUTE_S, HOUR_MIN = 3600.0, 60.0, 60.0

Reals = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Range = Reals
"""Three numbers: the value itself, the low and the high one."""


@dataclass(frozen=True)
class HarmValues:
    """The values of ``harm.toml``, each as (value, low, high); that file says what they are, with unit and source.

    Attributes
    ----------
    value_of_time_eur_h, delay_weight, waiting_weight, missed_weight, estimated_factor, platform_before_s, \
delay_from_s, freight_eur_tonne_h, freight_load_share, freight_cancelled_h, touched_eur : (3,) float64
    """

    value_of_time_eur_h: Range
    delay_weight: Range
    waiting_weight: Range
    missed_weight: Range
    estimated_factor: Range
    platform_before_s: Range
    delay_from_s: Range
    freight_eur_tonne_h: Range
    freight_load_share: Range
    freight_cancelled_h: Range
    touched_eur: Range


def load_harm_values(path: Path = VALUES) -> HarmValues:
    """Read the values of a file like ``harm.toml``.

    Raises
    ------
    InputError
        If the file cannot be read, or a value is missing, unknown, incomplete or negative.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from error
    names = [one.name for one in fields(HarmValues)]
    for name in given:
        if name not in names:
            raise InputError(f"there is no value {name!r}", where=str(path), hint=", ".join(names))
    for name in names:
        if name not in given:
            raise InputError(f"the value {name!r} is missing", where=str(path))
    return HarmValues(**{name: _range(given[name], f"{path}: {name}") for name in names})


def _range(given: Any, where: str) -> Range:
    if not isinstance(given, dict) or set(given) != VALUE_KEYS:
        raise InputError("must be a table with other keys", where=where, hint=", ".join(sorted(VALUE_KEYS)))
    if given["certainty"] not in CERTAINTIES or not given["source"]:
        raise InputError("lacks source or certainty", where=where, hint=", ".join(CERTAINTIES))
    numbers = [given[key] for key in ("value", "low", "high")]
    if not all(isinstance(number, int | float) and number >= 0 for number in numbers):
        raise InputError("value, low and high must be numbers, not negative", where=where)
    if not min(numbers[1:]) <= numbers[0] <= max(numbers[1:]):
        raise InputError("the value does not lie between low and high", where=where)
    return np.array(numbers, np.float64)


@dataclass(frozen=True)
class Harm:
    """What one or more displaced trains cost; two of them add up.

    Attributes
    ----------
    passenger_min_delay : float
        Passenger-minutes of arriving later by the same trains.
    passenger_min_waiting : float
        Of waiting for another train, one's own not running where one is or wants to go: shortened trains.
    passenger_min_cancelled : float
        The same for trains that do not run at all.
    passenger_min_missed : float
        Of arriving later after a missed connection, or after a train that left too early.
    freight_tonne_h : float
    eur, eur_low, eur_high : float
        All of it in money, with the middle, all low and all high values, and passengers of estimated stations counted
        so much lower and higher.
    trains : dict of str to int
        How many trains by kind of displacement, of ``KINDS``.
    """

    passenger_min_delay: float = 0.0
    passenger_min_waiting: float = 0.0
    passenger_min_cancelled: float = 0.0
    passenger_min_missed: float = 0.0
    freight_tonne_h: float = 0.0
    eur: float = 0.0
    eur_low: float = 0.0
    eur_high: float = 0.0
    trains: dict[str, int] = field(default_factory=dict)

    def __add__(self, other: Harm) -> Harm:
        """Return the sum, kinds of displacement in the order of ``KINDS``."""
        numbers = {
            one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self) if one.name != "trains"
        }
        counted = {kind: self.trains.get(kind, 0) + other.trains.get(kind, 0) for kind in KINDS}
        return Harm(**numbers, trains={kind: count for kind, count in counted.items() if count})


class HarmModel:
    """Prices and accounts of displacement on one day.

    Parameters
    ----------
    day : Day
        With passengers, unless no passenger train runs.
    values : HarmValues

    Attributes
    ----------
    arrival_eur_per_s : (k,) float64
        By row of ``day.calls``: each second that the arrival is later than in the day. Passengers who change trains
        there are counted like the others, as a price of the risk to miss; :meth:`account` and :meth:`missed` tell them
        apart. At the last call of a freight train, its load.
    early_eur_per_s : (k,) float64
        Each second that the departure is earlier: those who miss the train. Linear only up to ``platform_before_s``.
    cancel_from_eur : (k,) float64
        The train ends at this call: those aboard, and those who would have boarded there or later, wait for others.
        Nothing at the last call. A freight train that ends on the way counts as cancelled.
    cancel_until_eur : (k,) float64
        The train begins only at this call: those who would have boarded before wait. Nothing at the first call.
    skip_eur : (k,) float64
        The train runs but does not call here: those who would have boarded or alighted wait for others.
    cancel_eur : (n,) float64
        The train does not run.
    shift_eur : (n,) float64
        Touching the train at all; in none of the prices above, but in every account.

    Raises
    ------
    InputError
        If the day has passenger trains but no passengers, or a freight train of an unknown kind.
    """

    def __init__(self, day: Day, values: HarmValues) -> None:
        self.day = day
        self.values = values
        self.passengers: Passengers = _passengers_of(day)
        self._load_t = _train_loads(day)
        rows = len(day.calls.point)
        found = self.passengers
        changing_from = np.bincount(found.connection_from, found.connection_passengers, rows)
        changing_to = np.bincount(found.connection_to, found.connection_passengers, rows)
        self._ending = np.maximum(found.alighting - changing_from, 0.0)
        self._starting = np.maximum(found.boarding - changing_to, 0.0)
        self._wait_before = _shifted(found.wait_s, day.calls.start).astype(np.float64)
        self._estimated_before = _shifted(found.estimated, day.calls.start)
        self._set_prices()

    def _set_prices(self) -> None:
        values, found, start = self.values, self.passengers, self.day.calls.start
        second_eur = values.value_of_time_eur_h[0] / HOUR_S
        waiting_eur = second_eur * values.waiting_weight[0]
        self.arrival_eur_per_s = found.alighting * second_eur * values.delay_weight[0]
        boarding_lost = found.boarding.astype(np.float64) * found.wait_s * waiting_eur
        self.early_eur_per_s = (
            boarding_lost / values.waiting_weight[0] * values.missed_weight[0] / values.platform_before_s[0]
        )
        before = _sum_before(boarding_lost, start)
        total = _total(boarding_lost, start)
        by_row = np.repeat(total, np.diff(start))
        self.cancel_until_eur = before
        self.cancel_from_eur = (
            found.aboard.astype(np.float64) * found.wait_s * waiting_eur + by_row - before - boarding_lost
        )
        alighting_lost = found.alighting.astype(np.float64) * self._wait_before * waiting_eur
        self.skip_eur = boarding_lost + alighting_lost
        self.cancel_eur = total
        self.shift_eur = np.full(len(start) - 1, values.touched_eur[0])
        self._price_freight()

    def _price_freight(self) -> None:
        values, start = self.values, self.day.calls.start
        hour_eur = self._load_t * values.freight_load_share[0] * values.freight_eur_tonne_h[0]
        cancelled = hour_eur * values.freight_cancelled_h[0]
        freight = np.flatnonzero((self._load_t > 0) & (np.diff(start) > 0))
        self.cancel_eur[freight] += cancelled[freight]
        for train in freight.tolist():
            first, last = int(start[train]), int(start[train + 1]) - 1
            self.arrival_eur_per_s[last] += hour_eur[train] / HOUR_S
            self.cancel_from_eur[first:last] += cancelled[train]
            self.cancel_until_eur[first + 1 : last + 1] += cancelled[train]
        lasts = start[1:][np.diff(start) > 0] - 1
        self.cancel_from_eur[lasts] = 0.0

    def account(
        self,
        train: int,
        arrival_s: npt.ArrayLike,
        departure_s: npt.ArrayLike,
        *,
        runs_from: int = 0,
        runs_until: int | None = None,
        kind: str,
    ) -> Harm:
        """Return what one displaced train costs, connections apart (:meth:`missed`).

        Parameters
        ----------
        train : int
            Index into ``day.trains``.
        arrival_s, departure_s : array_like
            New times at all its calls, in seconds of the operating day; not a number where it goes another way and
            does not call. Those outside ``runs_from`` to ``runs_until`` are not looked at, nor any where it is
            cancelled.
        runs_from, runs_until : int
            First and last of its calls that it serves, counted from 0; the last call when None.
        kind : str
            One of ``KINDS``.

        Raises
        ------
        InputError
            If the train, the kind or the calls do not exist, or the arrays have other lengths.
        """
        self._check(train, kind)
        low = int(self.day.calls.start[train])
        count = int(self.day.calls.start[train + 1]) - low
        if kind == "cancelled":
            return self._cancelled(train)
        until = count - 1 if runs_until is None else runs_until
        where = self.day.trains.reference[train]
        if not 0 <= runs_from <= until < count:
            raise InputError(f"cannot run from call {runs_from} to {until}: it has {count}", where=where)
        arrival, departure = np.asarray(arrival_s, np.float64), np.asarray(departure_s, np.float64)
        if arrival.shape != (count,) or departure.shape != (count,):
            raise InputError(f"needs {count} arrivals and departures", where=where)
        rows = slice(low, low + count)
        calls = np.zeros(count, np.bool_)
        calls[runs_from : until + 1] = True
        calls &= ~(np.isnan(arrival) | np.isnan(departure))
        if not calls[[runs_from, until]].all():
            raise InputError("has no time at the first or last call that it serves", where=where)
        late = np.where(calls, arrival - self.day.calls.arrival_s[rows], 0.0)
        early = np.where(calls, self.day.calls.departure_s[rows] - departure, 0.0)
        return self._run(train, calls, (np.maximum(late, 0.0), np.maximum(early, 0.0)), kind)

    def _run(self, train: int, calls: Bools, moved: tuple[Reals, Reals], kind: str) -> Harm:
        """Return what a train costs that serves some of its calls, so much later and earlier at each."""
        late, early = moved
        values, found = self.values, self.passengers
        rows = slice(int(self.day.calls.start[train]), int(self.day.calls.start[train + 1]))
        wait = found.wait_s[rows].astype(np.float64)
        factor = self._factor(found.estimated[rows])
        factor_before = self._factor(self._estimated_before[rows])
        share, lost = self._lost_s(rows, calls)
        late = np.where(late < values.delay_from_s[0], 0.0, late)
        delay = (factor_before * (self._ending[rows] * share * late)).sum(axis=1)
        waiting = (factor * lost).sum(axis=1)
        last = int(np.flatnonzero(calls)[-1])
        starting = self._starting[rows] * calls
        starting[last] = 0.0
        too_late = np.minimum(early / values.platform_before_s[:, None], 1.0)
        missed = (factor * too_late * (starting * wait)).sum(axis=1)
        cut = not (calls[0] and calls[-1])
        load_h = self._load_h(train, cut, float(late[-1]))
        return self._harm(delay / MINUTE_S, waiting / MINUTE_S, missed / MINUTE_S, load_h, {kind: 1})

    def _lost_s(self, rows: slice, calls: Bools) -> tuple[Reals, Reals]:
        """Return which share of those who alight at each call is aboard, and passenger-seconds lost at each.

        Those who would board where the train does not call wait there, those aboard where it ends too; those who want
        to a call on the way that it leaves out lose as much as if it had ended before. Who is aboard after a part that
        the train does not run is spread evenly over those who would have been.
        """
        found = self.passengers
        on, off, aboard = (array[rows].astype(np.float64) for array in (found.boarding, found.alighting, found.aboard))
        wait, before_wait = found.wait_s[rows].astype(np.float64), self._wait_before[rows]
        share, lost = np.zeros(len(on)), np.zeros(len(on))
        served = np.flatnonzero(calls)
        first, last = int(served[0]), int(served[-1])
        there = 0.0
        for call in range(len(on)):
            before = aboard[call - 1] if call else 0.0
            leave = off[call] * min(there / before, 1.0) if before > 0 and first <= call <= last else 0.0
            share[call] = leave / off[call] if off[call] > 0 and calls[call] else 0.0
            there -= leave
            if calls[call]:
                there += on[call]
            else:
                lost[call] = on[call] * wait[call] + leave * before_wait[call]
            if call == last:
                lost[call] = max(there, 0.0) * wait[call]
                there = 0.0
        return share, lost

    def _cancelled(self, train: int) -> Harm:
        rows = slice(int(self.day.calls.start[train]), int(self.day.calls.start[train + 1]))
        lost = self.passengers.boarding[rows].astype(np.float64) * self.passengers.wait_s[rows]
        waiting = (self._factor(self.passengers.estimated[rows]) * lost).sum(axis=1) / MINUTE_S
        none = np.zeros(3)
        return self._harm(none, waiting, none, self._load_h(train, True, 0.0), {"cancelled": 1}, cancelled=True)

    def missed(self, arrival_late: Mapping[int, float], departure_late: Mapping[int, float]) -> Harm:
        """Return what the connections cost that are missed among all moved trains and between these and others.

        Parameters
        ----------
        arrival_late, departure_late : mapping of int to float
            By call row of ``day.calls``: seconds later than in the day, negative when earlier. Rows that are not named
            are on time. At calls that a train no longer serves an arrival is infinitely early and a departure
            infinitely late, so that nothing is missed: who loses by that is in :meth:`account`.
        """
        found = self.passengers
        rows = len(self.day.calls.point)
        late, later = _by_row(arrival_late, rows), _by_row(departure_late, rows)
        less = late[found.connection_from] - later[found.connection_to]
        gone = np.flatnonzero(less > found.connection_spare_s)
        lost = found.connection_passengers[gone].astype(np.float64) * found.connection_wait_s[gone]
        factor = self._factor(self._estimated_before[found.connection_from[gone]])
        none = np.zeros(3)
        return self._harm(none, none, (factor * lost).sum(axis=1) / MINUTE_S, none, {})

    def _check(self, train: int, kind: str) -> None:
        if kind not in KINDS:
            raise InputError(f"there is no displacement {kind!r}", where="kind", hint=", ".join(KINDS))
        if not 0 <= train < len(self.day.trains.reference):
            raise InputError(f"there is no train {train}", where=self.day.name)

    def _factor(self, estimated: npt.NDArray[np.floating[Any]]) -> Reals:
        """Return (3, rows): passengers per passenger, where this share of them is estimated."""
        shares: Reals = 1.0 + np.outer(self.values.estimated_factor - 1.0, estimated)
        return shares

    def _load_h(self, train: int, gone: bool, late_s: float) -> Range:
        """Return tonne-hours of a train that arrives so late, or whose load comes by another one."""
        values = self.values
        hours = values.freight_cancelled_h if gone else np.full(3, late_s / HOUR_S)
        found: Range = self._load_t[train] * values.freight_load_share * hours
        return found

    def _harm(
        self,
        delay: Range,
        waiting: Range,
        missed: Range,
        tonne_h: Range,
        trains: dict[str, int],
        *,
        cancelled: bool = False,
    ) -> Harm:
        values = self.values
        minutes = delay * values.delay_weight + waiting * values.waiting_weight + missed * values.missed_weight
        eur = minutes * values.value_of_time_eur_h / HOUR_MIN + tonne_h * values.freight_eur_tonne_h
        eur = eur + sum(trains.values()) * values.touched_eur
        return Harm(
            passenger_min_delay=float(delay[0]),
            passenger_min_waiting=0.0 if cancelled else float(waiting[0]),
            passenger_min_cancelled=float(waiting[0]) if cancelled else 0.0,
            passenger_min_missed=float(missed[0]),
            freight_tonne_h=float(tonne_h[0]),
            eur=float(eur[0]),
            eur_low=float(eur[1]),
            eur_high=float(eur[2]),
            trains=trains,
        )


def _passengers_of(day: Day) -> Passengers:
    """Return the passengers of a day, nobody where it has no passenger trains either."""
    if day.passengers is not None:
        return day.passengers
    if LAYER_PASSENGER in day.trains.layer:
        raise InputError("has no passengers, so nobody can say what displacing its trains costs", where=day.name)
    nobody = Passengers(
        **dict.fromkeys(BY_CALL, np.zeros(0, np.float32)),
        connection_from=np.zeros(0, np.int32),
        connection_to=np.zeros(0, np.int32),
        connection_passengers=np.zeros(0, np.float32),
        connection_spare_s=np.zeros(0, np.int32),
        connection_wait_s=np.zeros(0, np.float32),
    )
    return with_empty_calls(nobody, len(day.calls.point))


def _train_loads(day: Day) -> Reals:
    """Return the mass of each freight train, its engines included, in tonnes; 0 for others."""
    freight = {kind for kind, layer in zip(day.trains.kind, day.trains.layer, strict=True) if layer == LAYER_FREIGHT}
    mass = {kind: civil_kind(kind).mass_t for kind in sorted(freight)}
    return np.array(
        [
            mass[kind] if layer == LAYER_FREIGHT else 0.0
            for kind, layer in zip(day.trains.kind, day.trains.layer, strict=True)
        ],
        np.float64,
    )


def _shifted(values: npt.NDArray[np.float32], start: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
    """Return the value of the row before, 0 at the first call of each train."""
    before = np.concatenate([np.zeros(1, np.float32), values[:-1]])[: len(values)]
    before[start[:-1][np.diff(start) > 0]] = 0.0
    return before


def _sum_before(values: Reals, start: npt.NDArray[np.int32]) -> Reals:
    """Return the sum over the earlier calls of the same train."""
    running = np.concatenate([[0.0], np.cumsum(values)])
    before: Reals = running[:-1] - np.repeat(running[start[:-1]], np.diff(start))
    return before


def _total(values: Reals, start: npt.NDArray[np.int32]) -> Reals:
    running = np.concatenate([[0.0], np.cumsum(values)])
    total: Reals = running[start[1:]] - running[start[:-1]]
    return total


def _by_row(given: Mapping[int, float], rows: int) -> Reals:
    values = np.zeros(rows)
    for row, late in given.items():
        if not 0 <= row < rows:
            raise InputError(f"there is no call {row}", where="missed")
        values[row] = late
    return values

"""The railway in a stretch of time, with the trains that have been moved so far: what a re-planning works on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from weerspoor.capacity.displace.settings import displace_settings
from weerspoor.common.clock import DAY_S
from weerspoor.kernel.retiming import FAR_S, Retimed, Retimer, Terms, rows_at
from weerspoor.kernel.timelines import Rows, Timelines
from weerspoor.network.model import Network
from weerspoor.timetable.harm import HarmModel
from weerspoor.timetable.legs import Legs, Stand, legs_of
from weerspoor.timetable.window import Window

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
NEVER = np.inf

LONGEST_STOCK_S = 3 * 3600
"""Where a train does not run, its stock counts for trains that go on with it within so long; later it is replaced."""


@dataclass(frozen=True)
class Allowed:
    """What may be done to a train.

    Attributes
    ----------
    earlier_s, later_s : int
        How much earlier or later it may run; both 0 if it may not be moved at all.
    shorten, cancel, other_tracks : bool
    whole_eur : float
        Counted besides when it does not run whole: a minimum level of service misses it.
    """

    earlier_s: int
    later_s: int
    shorten: bool = False
    cancel: bool = False
    other_tracks: bool = False
    whole_eur: float = 0.0


@dataclass(frozen=True)
class Variant:
    """A way for a train to run: as in the day, or over other tracks.

    Attributes
    ----------
    legs : Legs
    late_s : (legs,) float64
        How much later than in the day it arrives with each leg when it is not moved.
    eur : float
        What that costs.
    call_s : (calls, 2) float64 or None
        Arrival and departure at every call when it is not moved; None as in the day.
    run : tuple of arrays or None
        Directed pieces, enter, exit and departure in seconds, over other tracks; None as in the day.
    call_leg : (calls, 2) int32 or None
        The leg with which it comes to every call, and the one with which it goes; None where the times tell.
    track : tuple of str or None
        Its track at every call, on the platform or in the yard; None as in the day.
    speed_ms : (rows,) float64 or None
        Speed at the exit of every row of ``run``.
    early_s : (legs,) int32 or None
        So much earlier each leg may be run without leaving before its time.

    Over other tracks ``late_s`` is not negative: a train that would come in too early leaves later for that, and may
    have a shift below 0 that costs nothing.
    """

    legs: Legs
    late_s: Floats
    eur: float = 0.0
    call_s: Floats | None = None
    run: tuple[Ints, Floats, Floats, Floats] | None = None
    call_leg: Ints | None = None
    track: tuple[str, ...] | None = None
    speed_ms: Floats | None = None
    early_s: Ints | None = None

    def legs_of_calls(self, call_s: Floats) -> Ints:
        """Return the legs with which it comes to and goes from calls, (calls, 2), given their times unmoved."""
        if self.call_leg is not None:
            return self.call_leg
        return self.legs.legs_at(np.nan_to_num(call_s)).astype(np.int32)

    def run_of(self, window: Window, train: int) -> tuple[Ints, Floats, Floats, Floats]:
        """Return directed pieces, enter, exit and departure in seconds when it is not moved."""
        if self.run is not None:
            return self.run
        moves = window.day.movements
        part = slice(int(moves.start[train]), int(moves.start[train + 1]))
        times = (moves.enter_ds[part] / 10.0, moves.exit_ds[part] / 10.0, moves.depart_ds[part] / 10.0)
        return moves.directed[part], *times


@dataclass(frozen=True)
class Placement:
    """What becomes of a train.

    Attributes
    ----------
    eur : float
    retimed : Retimed or None
        None for one that does not run.
    variant : int
        0 for the tracks of the day.
    besides_eur : float
        The part of ``eur`` that is no harm but weighs a minimum level.
    """

    eur: float
    retimed: Retimed | None
    variant: int = 0
    besides_eur: float = 0.0

    @property
    def cancelled(self) -> bool:
        """Whether it does not run at all."""
        return self.retimed is None


@dataclass
class Scene:
    """The trains of a window, some of them moved.

    Attributes
    ----------
    network : Network
    window : Window
    harm : HarmModel
        Of the whole day.
    timelines : Timelines
        Of its own: what is moved, is moved there.
    allowed : callable
        Says what may be done to a train.
    moved : dict of int to Placement
        The trains that are not as in the day.
    decided : dict of int to Placement
        What had been decided of trains before; what has run by ``now_s`` has run so.
    now_s : int
        What a train has begun by then is as it is.
    """

    network: Network
    window: Window
    harm: HarmModel
    timelines: Timelines
    allowed: Callable[[int], Allowed]
    moved: dict[int, Placement] = field(default_factory=dict)
    decided: dict[int, Placement] = field(default_factory=dict)
    now_s: int = -FAR_S
    variants: dict[int, list[Variant]] = field(default_factory=dict)
    _retimer: Retimer = field(default_factory=Retimer)
    _terms: dict[tuple[int, int], Terms] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._before = {then: train for train, (then, _) in self.window.turns.items()}

    def under(self, allowed: Callable[[int], Allowed]) -> Scene:
        """Return the same scene, its timelines shared, where something else is allowed."""
        return replace(self, allowed=allowed, moved=dict(self.moved), _terms={})

    @contextmanager
    def what_if(self) -> Iterator[None]:
        """Within this, trains may be moved and others put in; afterwards all is as before, what time it is too."""
        mark, moved, now_s, decided = self.timelines.mark(), dict(self.moved), self.now_s, self.decided
        try:
            yield
        finally:
            self.timelines.rollback(mark)
            self.moved = moved
            if self.now_s != now_s or self.decided is not decided:
                self.at(now_s, decided)

    # -- a train by itself ------------------------------------------------------------------------------------------

    def of(self, train: int) -> list[Variant]:
        """Return the ways in which a train may run, that of the day first; nothing for one without a run."""
        known = self.variants.get(train)
        if known is None:
            legs = legs_of(self.window, train, displace_settings().moves.ready_s)
            known = [] if legs is None else [Variant(legs, np.zeros(legs.count))]
            self.variants[train] = known
        return known

    @cached_property
    def _turning(self) -> frozenset[int]:
        """Points at which enough passenger trains of the day begin or end."""
        day = self.window.whole
        calls, at = day.calls, np.flatnonzero(np.diff(day.calls.start) > 0)
        passenger = np.array([layer in ("passenger", "empty") for layer in day.trains.layer])
        at = at[passenger[at]]
        ends = np.concatenate([calls.point[calls.start[at]], calls.point[calls.start[at + 1] - 1]])
        least = displace_settings().moves.turning_trains
        return frozenset(point for point, number in Counter(ends.tolist()).items() if number >= least)

    def point_of(self, train: int, call: int) -> int:
        """Return the operational point of a call, counted from the first of the train."""
        return int(self.window.whole.calls.point[self.window.calls_of(train).start + call])

    def call_times(self, train: int) -> Floats:
        """Return arrival and departure at every call as in the day, (calls, 2)."""
        rows, calls = self.window.calls_of(train), self.window.whole.calls
        by_s = int(self.window.days[train]) * DAY_S
        return np.stack([calls.arrival_s[rows] + by_s, calls.departure_s[rows] + by_s], axis=1).astype(np.float64)

    def leg_prices(self, train: int, variant: Variant) -> Floats:
        """Return the price of a second later at the end of each leg: of all its calls up to there."""
        prices = np.zeros(variant.legs.count)
        at = variant.legs_of_calls(self.call_times(train))[:, 0]
        np.add.at(prices, at, self.harm.arrival_eur_per_s[self.window.calls_of(train)])
        return prices

    def _own_terms(self, train: int, number: int) -> Terms:
        """Return what may be done to a train, those before it apart."""
        key = (train, number)
        known = self._terms.get(key)
        if known is not None:
            return known
        variant, allowed, rules = self.of(train)[number], self.allowed(train), displace_settings().moves
        legs, rows, harm = variant.legs, self.window.calls_of(train), self.harm
        layer = self.window.day.trains.layer[train]
        n = legs.count
        low, high = np.full(n, -allowed.earlier_s, np.int32), np.full(n, allowed.later_s, np.int32)
        if variant.early_s is not None:
            # Nowhere before its times.
            low = -variant.early_s
            high = np.minimum(high, allowed.later_s - np.ceil(variant.late_s)).astype(np.int32)
        spare = self._spare(train, legs, rules.least_stand_s.get(layer, 60))
        begin, end = np.full(n, NEVER), np.full(n, NEVER)
        begin[0], end[-1] = variant.eur, 0.0
        if allowed.shorten and number == 0:
            for leg in range(n):
                first, last = legs.stands[leg], legs.stands[leg + 1]
                if leg and first.call >= 0 and self._may_turn(train, first.call):
                    begin[leg] = harm.cancel_until_eur[rows.start + first.call] + allowed.whole_eur
                if leg + 1 < n and last.call >= 0 and self._may_turn(train, last.call):
                    end[leg] = harm.cancel_from_eur[rows.start + last.call] + allowed.whole_eur
        # Of times outside the window nobody knows who is there: what lies in them stays as it is.
        outside = (legs.departures_s < self.window.from_s) | (legs.arrivals_s > self.window.until_s)
        low[outside & (low < 0)], high[outside & (high > 0)] = 0, 0
        low = np.maximum(low, np.minimum(np.ceil(self.window.from_s - legs.departures_s), 0.0).astype(np.int32))
        high = np.minimum(high, np.maximum(np.floor(self.window.until_s - legs.arrivals_s), 0.0).astype(np.int32))
        self._keep_what_has_run(train, number, legs, (low, high, begin, end))
        early = np.zeros(n)
        early[0] = float(harm.early_eur_per_s[rows].sum())
        if allowed.earlier_s:
            early[0] = max(early[0], float(harm.arrival_eur_per_s[rows].sum()) / 4)
        if variant.early_s is not None:
            # It comes in early and leaves in time: that costs nothing.
            early[:] = 0.0
        terms = Terms(low, high, spare, self.leg_prices(train, variant), early, begin, end)
        self._terms[key] = terms
        return terms

    def stands_as_in_day(self, train: int) -> dict[int, Stand]:
        """Return where a train stands at its calls in the day, by call."""
        return {stand.call: stand for stand in self.of(train)[0].legs.stands if stand.call >= 0}

    def _spare(self, train: int, legs: Legs, least_s: int) -> Ints:
        """Return how much shorter than it is the stand before each leg may be; below 0 where it must be longer.

        It may be as short as in the day, and as the least stand.
        """
        day = self.stands_as_in_day(train)
        spare = np.zeros(legs.count, np.int32)
        for leg, stand in enumerate(legs.stands[1:-1], start=1):
            stand_s = stand.departure_s - stand.arrival_s
            as_in_day = day.get(stand.call, stand)
            spare[leg] = int(np.floor(stand_s - min(as_in_day.departure_s - as_in_day.arrival_s, least_s)))
        return spare

    def _keep_what_has_run(
        self, train: int, number: int, legs: Legs, bounds: tuple[Ints, Ints, Floats, Floats]
    ) -> None:
        """Bind a train to what it has done by now, as had been decided or as in the day."""
        low, high, begin, end = bounds
        was = self.decided.get(train)
        if was is not None and was.retimed is None:
            if legs.departures_s[0] <= self.now_s:
                begin[:] = NEVER
            return
        if number != (0 if was is None else was.variant) and self._has_begun(train):
            begin[:] = NEVER
            return
        ran = was.retimed if was is not None else None
        shift = np.zeros(legs.count, np.int32) if ran is None or was is None or was.variant != number else ran.shift_s
        gone = legs.departures_s + shift <= self.now_s
        if ran is not None:
            gone &= (np.arange(legs.count) >= ran.first) & (np.arange(legs.count) <= ran.last)
        if not gone.any():
            # Nothing leaves before now.
            earliest = np.ceil(self.now_s - legs.departures_s).astype(np.int64)
            np.maximum(low, np.clip(earliest, -FAR_S, FAR_S).astype(np.int32), out=low)
            return
        low[gone], high[gone] = shift[gone], shift[gone]
        low[~gone] = np.maximum(low[~gone], 0)
        first = 0 if ran is None else ran.first
        begin[np.arange(legs.count) != first] = NEVER
        if ran is not None and ran.last + 1 < legs.count and gone[ran.last]:
            end[ran.last] = 0.0
        end[: int(np.flatnonzero(gone)[-1])] = NEVER

    def _may_turn(self, train: int, call: int) -> bool:
        return self.point_of(train, call) in self._turning

    # -- stock ------------------------------------------------------------------------------------------------------

    def stock_after(self, train: int) -> tuple[int, float]:
        """Return where the stock of a train is after it, and from when on."""
        legs = self.of(train)[0].legs if self.of(train) else None
        placement = self.moved.get(train)
        if legs is None:
            return -1, 0.0
        if placement is None:
            return self._end_point(train), float(legs.arrivals_s[-1])
        if placement.retimed is not None:
            legs = self.of(train)[placement.variant].legs
            last = placement.retimed.last
            stand = legs.stands[last + 1]
            point = self._end_point(train) if last + 1 == legs.count else self.point_of(train, stand.call)
            return point, float(stand.arrival_s + placement.retimed.shift_s[last])
        before = self._before.get(train)
        if before is not None and before in self.moved:
            return self.stock_after(before)
        return self.point_of(train, 0), float(legs.departures_s[0])

    def _end_point(self, train: int) -> int:
        rows = self.window.calls_of(train)
        return int(self.window.whole.calls.point[rows.stop - 1])

    def terms_of(self, train: int, number: int) -> Terms | None:
        """Return what may be done to a train, given what has become of the one whose stock it takes over.

        Where that one ended on the way, the train begins there; else its stock is where it begins in the day, and other
        stock may be elsewhere if the settings say so. None if its stock is nowhere on its way.
        """
        terms = self._own_terms(train, number)
        before = self._before.get(train)
        if before is None or before not in self.moved:
            return _from_origin(terms)
        point, since_s = self.stock_after(before)
        least_s = self.window.turns[before][1]
        legs = self.of(train)[number].legs
        if legs.departures_s[0] - since_s > LONGEST_STOCK_S:
            return _from_origin(terms)
        begin, low = np.full(len(terms.begin_eur), NEVER), terms.low_s.copy()
        for leg in range(legs.count):
            stand = legs.stands[leg]
            if stand.call >= 0 and self.point_of(train, stand.call) == point and np.isfinite(terms.begin_eur[leg]):
                begin[leg] = terms.begin_eur[leg]
                low[leg] = max(low[leg], int(np.ceil(since_s + least_s - legs.departures_s[leg])))
                break
        if not np.isfinite(begin).any() or bool(np.any(low > terms.high_s)):
            return None
        return terms._replace(begin_eur=begin, low_s=low)

    def follows(self, train: int) -> int | None:
        """Return the train that takes over the stock of this one."""
        found = self.window.turns.get(train)
        return None if found is None else found[0]

    def before(self, train: int) -> int | None:
        """Return the train whose stock this one takes over."""
        return self._before.get(train)

    def cut(self, train: int) -> list[Placement]:
        """Return the ways in which a train runs as in the day and ends on the way, at each place where it may."""
        if not self.of(train):
            return []
        terms, legs = self._own_terms(train, 0), self.of(train)[0].legs
        if not np.isfinite(terms.begin_eur[0]) or bool(np.any(terms.low_s > 0)):
            return []
        whole_eur = self.allowed(train).whole_eur
        touched = float(self.harm.shift_eur[int(self.window.origin[train])]) + float(terms.begin_eur[0])
        none = np.zeros(legs.count, np.int32)
        return [
            Placement(touched + eur, Retimed(0, leg, none, eur), besides_eur=whole_eur)
            for leg, eur in enumerate(terms.end_eur[:-1].tolist())
            if np.isfinite(eur)
        ]

    def holds(self, train: int) -> bool:
        """Tell whether what has become of a train still fits what has become of the one before it."""
        placement = self.moved.get(train)
        before = self._before.get(train)
        if before is None or before not in self.moved:
            return True
        terms = self.terms_of(train, 0 if placement is None else placement.variant)
        if placement is not None and placement.retimed is None:
            return True
        if terms is None:
            return False
        first = 0 if placement is None or placement.retimed is None else placement.retimed.first
        shift = 0 if placement is None or placement.retimed is None else int(placement.retimed.shift_s[first])
        return bool(np.isfinite(terms.begin_eur[first])) and shift >= terms.low_s[first]

    # -- placing ----------------------------------------------------------------------------------------------------

    def cancelled_eur(self, train: int) -> float:
        """Return what it costs when a train does not run, infinite if that may not be."""
        if not self.allowed(train).cancel or self._has_begun(train):
            return NEVER
        at = int(self.window.origin[train])
        return float(self.harm.cancel_eur[at] + self.harm.shift_eur[at])

    def may_move(self, train: int) -> bool:
        """Tell whether anything of a train may still run at another time."""
        if self.allowed(train).later_s <= 0:
            return False
        if self.now_s == -FAR_S or not self.of(train) or not self._has_begun(train):
            return True
        was = self.decided.get(train)
        terms = self._own_terms(train, 0 if was is None else was.variant)
        return bool((terms.high_s > terms.low_s).any())

    def _has_begun(self, train: int) -> bool:
        was = self.decided.get(train)
        if was is not None and was.retimed is None:
            return False
        legs = self.of(train)[0 if was is None else was.variant].legs
        first = 0 if was is None or was.retimed is None else was.retimed.first
        shift = 0 if was is None or was.retimed is None else int(was.retimed.shift_s[first])
        return bool(legs.departures_s[first] + shift <= self.now_s)

    def at(self, now_s: int, decided: dict[int, Placement]) -> None:
        """Let time pass: what had been decided runs until then, and the rest may be altered."""
        self.now_s, self.decided = now_s, decided
        self._terms.clear()

    def cheapest(self, train: int, most_eur: float = NEVER, timelines: Timelines | None = None) -> Placement | None:
        """Return the cheapest that can become of a train that is not in the timelines; None if nothing may.

        Parameters
        ----------
        train : int
        most_eur : float
            What costs as much or more need not be found.
        timelines : Timelines, optional
            Others than the scene's.
        """
        best: Placement | None = None
        touched = float(self.harm.shift_eur[int(self.window.origin[train])])
        cancelled = self.cancelled_eur(train)
        whole_eur = self.allowed(train).whole_eur
        if cancelled + whole_eur < most_eur:
            best = Placement(cancelled + whole_eur, None, besides_eur=whole_eur)
            most_eur = cancelled + whole_eur
        was = self.decided.get(train)
        known = (0, 0 if was is None else was.variant)
        for number, variant in enumerate(self.of(train)):
            if number not in known and not self.allowed(train).other_tracks:
                continue
            terms = self.terms_of(train, number)
            if terms is None:
                continue
            lines = self.timelines if timelines is None else timelines
            found = self._retimer(lines, variant.legs.moving, terms, most_eur)
            if found is None:
                continue
            as_is = number == 0 and found.whole and not found.shift_s.any()
            eur = 0.0 if as_is else found.eur + touched
            if eur < most_eur:
                cut = (found.first > 0) + (found.last + 1 < variant.legs.count)
                best, most_eur = Placement(eur, found, number, cut * whole_eur), eur
        return best

    def cheapest_on(self, train: int, variant: Variant, most_eur: float) -> Placement | None:
        """Return the cheapest place of a train that is not in the timelines, over tracks that are not its own yet.

        Its variant is to be the next that the train is given. None if it costs as much as ``most_eur``.
        """
        ways = self.of(train)
        ways.append(variant)
        try:
            found = self.cheapest(train, most_eur)
            return found if found is not None and found.variant == len(ways) - 1 else None
        finally:
            ways.pop()
            self._terms.pop((train, len(ways)), None)

    def rows(self, train: int, placement: Placement | None) -> Rows:
        """Return what a train holds."""
        if placement is None:
            return self.window.rows_of(train)
        if placement.retimed is None:
            return Rows.joined(())
        return rows_at(self.of(train)[placement.variant].legs.moving, placement.retimed)

    def take_out(self, train: int) -> None:
        """Take a train out of the timelines; until it is put back it is nowhere."""
        self.timelines.remove(train)
        self.moved.pop(train, None)

    def put(self, train: int, placement: Placement) -> None:
        """Put a train in."""
        rows = self.rows(train, placement)
        if len(rows.zone):
            self.timelines.insert(train, rows)
        if placement.eur > 0 or placement.retimed is None or placement.retimed.shift_s.any() or placement.variant:
            self.moved[train] = placement

    @property
    def eur(self) -> float:
        """What all that is moved costs, connections apart, and what minimum levels weigh besides."""
        return float(sum(placement.eur for placement in self.moved.values()))

    @property
    def harm_eur(self) -> float:
        """What all that is moved costs, connections apart."""
        return float(sum(placement.eur - placement.besides_eur for placement in self.moved.values()))


def _from_origin(terms: Terms) -> Terms:
    """Return terms by which a train with its own stock begins: at its origin, or where it has begun by now."""
    if displace_settings().moves.stock_elsewhere or not np.isfinite(terms.begin_eur[0]):
        return terms
    begin = np.full(len(terms.begin_eur), NEVER)
    begin[0] = terms.begin_eur[0]
    return terms._replace(begin_eur=begin)

"""An independent check of a displaced train over other tracks: its run by itself, and its calls of the day."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from weerspoor.capacity.displace.settings import displace_settings
from weerspoor.capacity.path import PieceTime
from weerspoor.capacity.proposal import CallTime, Move
from weerspoor.capacity.verify_run import KIND_OF_POINTS, ROUNDED_S, Ran, RunCheck, RunTerms, Violation
from weerspoor.common.clock import STEP_S, clock
from weerspoor.network.model import Network
from weerspoor.network.points import directed_at_point
from weerspoor.timetable.civil import building_settings
from weerspoor.timetable.day import LAYER_FREIGHT
from weerspoor.trains.catalogue import civil_kind

DIFFERS_S = 3.0
"""Search and check differ by no more in what a train must hold; trains of a day are not widened by it."""

WHOLE_S = 1.0
"""Times of calls are whole seconds, those of the run tenths; they may differ by this."""

BESIDE = 0.5
"""Share of a passenger train, or of the longest platform of the point, that must stand beside the platform."""


@dataclass(frozen=True)
class InDay:
    """What a train does in the day.

    Attributes
    ----------
    kind, layer : str
    calls : list of (str, int, int)
        Code, arrival and departure of every call.
    planned : list of bool
        By call whether a source asks for it.
    first, last : int
        Directed pieces where it begins and ends.
    """

    kind: str
    layer: str
    calls: list[tuple[str, int, int]]
    planned: list[bool]
    first: int
    last: int


class ReroutedCheck(RunCheck):
    """Checks a moved train over other tracks.

    Parameters
    ----------
    move : Move
        With pieces.
    in_day : InDay
    network : Network
    """

    def __init__(self, move: Move, in_day: InDay, network: Network) -> None:
        train = civil_kind(in_day.kind)
        terms = RunTerms(
            slower=not train.is_passenger or _passenger_slower() > 0, either_track=True, differs_s=DIFFERS_S
        )
        super().__init__(Ran(move.train, move.pieces, move.held), train, network, terms)
        self.move, self.in_day = move, in_day

    def run(self) -> list[Violation]:
        """Return everything that is wrong with the train."""
        if self.check_run():
            self._calls()
        return self.found

    # -- where it stands --------------------------------------------------------------------------------------------

    def _stands(self) -> None:
        """Check that it stands only where it may: passengers at platforms, others where they fit or as in the day."""
        for position, piece in enumerate(self.pieces):
            same = (0, self.in_day.first), (len(self.pieces) - 1, self.in_day.last)
            if not self.stops_at(position) or (position, piece.directed) in same:
                continue
            if self.network.pieces.kind[piece.directed >> 1] in KIND_OF_POINTS:
                self.say("stand", self.name_of(position), "stands on points")
            why = self._does_not_fit(position)
            if why:
                self.say("stand", self.name_of(position), why)

    def _does_not_fit(self, position: int) -> str:
        stops, directed = self.network.stops, self.pieces[position].directed
        here = np.flatnonzero(stops.directed == directed)
        if not len(here):
            return "is no place where trains stand"
        if not self.train.is_passenger:
            usable_m = float(np.maximum(stops.usable_m[here], stops.platform_m[here]).max())
            there = np.isin(stops.point, stops.point[here])
            longest_m = float(np.maximum(stops.usable_m, stops.platform_m)[there].max())
            if usable_m < min(self.train.length_m, longest_m) - ROUNDED_S:
                return f"{self.train.length_m:.0f} m long, {usable_m:.0f} m usable"
            return ""
        there = np.isin(stops.point, stops.point[here]) & (stops.platform_m > 0)
        if not there.any():
            return ""
        beside_m = self._beside_platform_m(position, set(stops.point[here].tolist()))
        wanted_m = BESIDE * min(self.train.length_m, float(stops.platform_m[there].max()))
        if beside_m < wanted_m and position:
            return f"{beside_m:.0f} m of it stand beside a platform, {wanted_m:.0f} m wanted"
        return "" if beside_m > 0 else "does not stand at a platform"

    def _beside_platform_m(self, position: int, points: set[int]) -> float:
        """Return how much platform of some points lies beside the train, along its own run behind its head."""
        stops, left_m, total_m = self.network.stops, self.train.length_m, 0.0
        for behind in range(position, -1, -1):
            if left_m <= 0:
                break
            directed = self.directed[behind]
            rows = np.flatnonzero(stops.directed == directed)
            at = [float(stops.platform_m[row]) for row in rows.tolist() if int(stops.point[row]) in points]
            total_m += max(at, default=0.0)
            left_m -= float(self.network.pieces.length_m[directed >> 1])
        return total_m

    # -- its calls --------------------------------------------------------------------------------------------------

    def _calls(self) -> None:
        """Check that it comes to all its stops in order, long enough and not before its times, when it says."""
        told = [(call.code, call.old_arrival_s, call.old_departure_s) for call in self.move.calls]
        if told != self.in_day.calls:
            self.say("displacement", "", "its calls are not those of the day")
            return
        after, last = -1, len(self.move.calls) - 1
        for number, call in enumerate(self.move.calls):
            place = f"{self.move.train}, {call.code}"
            if number not in (0, last) and not self._must_stop(number, call):
                self._passes(call, after)
                continue
            position = self._stands_for(call, after, number, last)
            if position < 0:
                self.found.append(Violation("displacement", place, "does not call there any more"))
                continue
            after = position
            self._stop(call, self.pieces[position], arrives=number > 0, leaves=number < last)

    def _stop(self, call: CallTime, piece: PieceTime, *, arrives: bool, leaves: bool) -> None:
        """Check a stand for a call: its times as told, not before its time, long enough."""
        place = f"{self.move.train}, {call.code}"
        told = (call.new_arrival_s, piece.exit_s, arrives), (call.new_departure_s, piece.depart_s, leaves)
        if any(asked and (said_s is None or abs(said_s - time_s) > WHOLE_S) for said_s, time_s, asked in told):
            self.found.append(Violation("time", place, "its new times are not those of its run"))
        may_s = displace_settings().moves.earlier_s.get(self.in_day.layer, 0)
        if leaves and piece.depart_s < call.old_departure_s - may_s - STEP_S / 2 - ROUNDED_S:
            detail = f"leaves at {clock(piece.depart_s)}, before {clock(call.old_departure_s)}"
            self.found.append(Violation("displacement", place, detail))
        least_s = displace_settings().moves.least_stand_s.get(self.in_day.layer, 60)
        asked_s, stand_s = min(call.old_departure_s - call.old_arrival_s, least_s), piece.depart_s - piece.exit_s
        if arrives and leaves and stand_s < asked_s - STEP_S:
            self.found.append(Violation("stand", place, f"stands {stand_s:.0f} s, at least {asked_s} s asked"))

    def _must_stop(self, number: int, call: CallTime) -> bool:
        stops = call.old_departure_s > call.old_arrival_s
        return stops and (self.in_day.layer != LAYER_FREIGHT or self.in_day.planned[number])

    def _stands_for(self, call: CallTime, after: int, number: int, last: int) -> int:
        """Return the position at which it stands for a call, behind another one; -1 if it does not."""
        at = self._positions(call)
        if number in (0, last):
            end, as_in_day = (0, self.in_day.first) if number == 0 else (len(self.pieces) - 1, self.in_day.last)
            there = end in at or self.directed[end] == as_in_day
            return end if there and end > after else -1
        return next((position for position in at if position > after and self.stops_at(position)), -1)

    def _passes(self, call: CallTime, after: int) -> None:
        """Check that it is at a point that it passes when it says."""
        if call.new_arrival_s is None or call.new_departure_s is None:
            return
        pieces = [self.pieces[position] for position in self._positions(call) if position >= after]
        near_s = STEP_S / 2 + WHOLE_S
        for time_s in (call.new_arrival_s, call.new_departure_s):
            if not any(piece.enter_s - near_s <= time_s <= piece.depart_s + near_s for piece in pieces):
                place = f"{self.move.train}, {call.code}"
                self.found.append(Violation("time", place, f"{clock(time_s)} is not when the run is there"))

    def _positions(self, call: CallTime) -> list[int]:
        timed = directed_at_point(self.network, self.codes[call.code.casefold()])
        found = {*self.at(call.code), *np.flatnonzero(np.isin(self.directed, timed)).tolist()}
        return sorted(found)


@cache
def _passenger_slower() -> float:
    """Return whether passenger trains of a day may be slower than they can, as the builder has it."""
    return float(building_settings()[1]["slower"])

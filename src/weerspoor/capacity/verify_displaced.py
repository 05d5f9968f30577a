"""An independent check of proposals: the paths on the day as it becomes, every moved train, turns, rules and harm.

Shares nothing with the search: what a moved train must hold is worked out anew from its run in the day, piece by piece.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from weerspoor.capacity.accumulate import path_rows, plan_train
from weerspoor.capacity.displace.rules import MOVE_OF
from weerspoor.capacity.displace.settings import displace_settings
from weerspoor.capacity.holders import holder_of
from weerspoor.capacity.path import Path
from weerspoor.capacity.plan import Plan
from weerspoor.capacity.proposal import Move, Proposal
from weerspoor.capacity.rules import RuleSet, rule_set
from weerspoor.capacity.verify_rerouted import InDay, ReroutedCheck
from weerspoor.capacity.verify_run import ROUNDED_S, Violation
from weerspoor.common.clock import DAY_S, STEP_S, clock
from weerspoor.kernel.graph import KEEP_ALL
from weerspoor.kernel.timelines import Rows
from weerspoor.network.model import Network
from weerspoor.timetable.altered import Added, altered
from weerspoor.timetable.day import LAYER_PASSENGER, Day
from weerspoor.timetable.harm import HarmModel, load_harm_values
from weerspoor.timetable.window import Window, window_of

WHOLE_S = 1
"""Times of calls are whole seconds, those of runs tenths; they may differ by this."""

STEPPED_S = STEP_S / 2 + 0.5
"""Calls of the day are told in steps: a train may leave so long after its call says so."""

HARM_SHARE = 0.01
"""Harm worked out again may differ by this share, since times are rounded."""

STOCK_S = 3 * 3600
"""Stock that does not come is replaced after so long."""

Ints = npt.NDArray[np.int32]


class ProposalCheck:
    """Checks one proposal.

    Parameters
    ----------
    plan : Plan
    proposal : Proposal
    network : Network
    day : Day
        The whole day it was made on.
    """

    def __init__(self, plan: Plan, proposal: Proposal, network: Network, day: Day) -> None:
        self.plan, self.proposal, self.network, self.day = plan, proposal, network, day
        self.faults: list[Violation] = []
        self.by_name = {name: number for number, name in enumerate(self.window.day.trains.reference)}

    def say(self, rule: str, place: str, detail: str) -> None:
        """Note a fault."""
        self.faults.append(Violation(rule, f"proposal {self.proposal.id}, {place}", detail))

    @cached_property
    def window(self) -> Window:
        """The trains of the day about the time of the paths and of every train that is moved."""
        rows = [row for path in self.proposal.paths for row in path.held]
        rows += [row for move in self.proposal.moves for row in move.held]
        times = [row.from_s for row in rows] + [row.until_s for row in rows]
        times += [call.old_arrival_s for move in self.proposal.moves for call in move.calls]
        return window_of(self.day, min(times) - 3600, max(times) + 3600)

    @cached_property
    def after(self) -> Day:
        """The day as it becomes, without the military trains."""
        gone = {self.by_name[move.train] for move in self.proposal.moves if move.train in self.by_name}
        return altered(self.window.day, gone, [self._added(move) for move in self.proposal.moves if move.held])

    def with_others(self, path: int) -> Day:
        """Return the day as it becomes, with the trains of the proposal's other paths."""
        others = _other_paths(self.plan, self.proposal.paths, path)
        return altered(self.after, (), others) if others else self.after

    def _added(self, move: Move) -> Added:
        number = self.by_name.get(move.train, -1)
        kind = int(self.window.day.trains.occupies[number]) if number >= 0 else KEEP_ALL
        held = [(row.zone, row.from_s, row.until_s) for row in move.held]
        table = np.array(held, np.int32).reshape(-1, 3)
        occupies, blocks = np.full(len(table), kind, np.uint8), np.full(len(table), KEEP_ALL, np.uint8)
        return Added.without_calls(move.train, Rows(table[:, 0], table[:, 1], table[:, 2], occupies, blocks))

    def run(self) -> list[Violation]:
        """Return what is wrong with the moved trains, the rules cited and the harm; the paths are checked apart."""
        seen: set[str] = set()
        for move in self.proposal.moves:
            if move.train not in self.by_name or move.train in seen:
                self.say("displacement", move.train, "is no train of the day at that time, or is named twice")
                return self.faults
            seen.add(move.train)
            self._check_move(move, self.by_name[move.train])
        self._conflicts()
        self._turns()
        self._rules()
        self._harm()
        return self.faults

    # -- a moved train ----------------------------------------------------------------------------------------------

    def _check_move(self, move: Move, train: int) -> None:
        if move.kind == "cancelled":
            if move.held or move.legs or any(call.new_arrival_s is not None for call in move.calls):
                self.say("displacement", move.train, "is cancelled, and runs")
            return
        if bool(move.pieces) != (move.kind == "rerouted"):
            self.say("displacement", move.train, f"is said to be {move.kind}, and does not run so")
            return
        if move.pieces:
            check = ReroutedCheck(move, self._in_day(train), self.network)
            for fault in check.run():
                self.say(fault.rule, fault.place, fault.detail)
            return
        run = _Run.of(self.window, train)
        first = next(
            (leg for leg, leaves in enumerate(run.leaves_s) if abs(leaves - move.legs[0].departure_s) <= ROUNDED_S), -1
        )
        last = first + len(move.legs) - 1
        same = first >= 0 and last < len(run.leaves_s)
        same = same and all(
            abs(run.leaves_s[first + i] - leg.departure_s) <= ROUNDED_S for i, leg in enumerate(move.legs)
        )
        if not same:
            self.say("displacement", move.train, "its legs are not those of the day")
            return
        whole = first == 0 and last == len(run.leaves_s) - 1
        if whole != (move.kind != "shortened"):
            self.say("displacement", move.train, f"is said to be {move.kind}, and does not run so")
        shift = {first + i: leg.shift_s for i, leg in enumerate(move.legs)}
        self._check_stands(move, train, run, shift)
        self._check_calls(move, run, shift)
        self._check_held(move, train, run, shift)

    def _in_day(self, train: int) -> InDay:
        rows, calls, trains = self.window.calls_of(train), self.day.calls, self.window.day.trains
        by_s = int(self.window.days[train]) * DAY_S
        times = zip((calls.arrival_s[rows] + by_s).tolist(), (calls.departure_s[rows] + by_s).tolist(), strict=True)
        told = [(code, *call) for code, call in zip(self._codes(train), times, strict=True)]
        planned = (calls.planned_arrival_s[rows] >= 0) | (calls.planned_departure_s[rows] >= 0)
        run = _Run.of(self.window, train).directed
        kind, layer = trains.kind[train], trains.layer[train]
        return InDay(kind, layer, told, planned.tolist(), int(run[0]), int(run[-1]))

    def _check_stands(self, move: Move, train: int, run: _Run, shift: dict[int, int]) -> None:
        layer = self.window.day.trains.layer[train]
        least_s = displace_settings().moves.least_stand_s.get(layer, 0)
        for leg, by_s in shift.items():
            if layer == LAYER_PASSENGER and by_s < 0:
                self.say("displacement", move.train, f"leaves {-by_s} s before its time")
            if leg - 1 in shift:
                was_s = run.leaves_s[leg] - run.arrives_s[leg - 1]
                stand_s = was_s + by_s - shift[leg - 1]
                if stand_s < min(was_s, least_s) - ROUNDED_S:
                    self.say("stand", move.train, f"stands {stand_s:.0f} s, at least {min(was_s, least_s):.0f} s asked")

    def _check_calls(self, move: Move, run: _Run, shift: dict[int, int]) -> None:
        for call in move.calls:
            if call.new_arrival_s is None or call.new_departure_s is None:
                continue
            comes, goes = run.leg_at(call.old_arrival_s + STEPPED_S), run.leg_at(call.old_departure_s + STEPPED_S)
            arrives = call.old_arrival_s + shift.get(comes, shift.get(goes, 0))
            leaves = call.old_departure_s + shift.get(goes, shift.get(comes, 0))
            if comes in shift and abs(arrives - call.new_arrival_s) > WHOLE_S:
                self.say("time", f"{move.train}, {call.code}", "its new arrival is not that of its run")
            if goes in shift and comes in shift and abs(leaves - call.new_departure_s) > WHOLE_S:
                self.say("time", f"{move.train}, {call.code}", "its new departure is not that of its run")

    def _check_held(self, move: Move, train: int, run: _Run, shift: dict[int, int]) -> None:
        """Check that it holds every zone as long as in the day, moved with the run over it.

        A zone is taken with the leg that runs into it, and given back with the leg on which the train leaves it.
        """
        held: dict[int, list[tuple[int, int]]] = {}
        for row in move.held:
            held.setdefault(row.zone, []).append((row.from_s, row.until_s))
        rows = self.window.rows_of(train)
        begins = min(shift)
        for zone, from_s, until_s in zip(rows.zone.tolist(), rows.from_s.tolist(), rows.until_s.tolist(), strict=True):
            takes = run.leg_into(self.network, zone, from_s, until_s)
            gives = run.leg_at(until_s)
            if gives < begins or takes > max(shift):
                continue
            start = from_s + shift[takes] if takes in shift else run.leaves_s[begins] + shift[begins]
            end = until_s + shift[min(gives, max(shift))]
            if not any(a <= start and b >= end for a, b in held.get(zone, [])):
                name = self.network.zone_name[zone]
                spoken = ", ".join(f"{clock(a)}-{clock(b)}" for a, b in held.get(zone, [])) or "not at all"
                self.say(
                    "blocking", f"{move.train}, {name}", f"must be held {clock(start)}-{clock(end)}, is held {spoken}"
                )

    # -- together ---------------------------------------------------------------------------------------------------

    def _conflicts(self) -> None:
        """Check the moved trains against all others of the day as it becomes, each zone in order of time."""
        held, names = self.after.holdings, self.after.trains.reference
        moved = {move.train for move in self.proposal.moves}
        of_moved = np.array([name in moved for name in names], np.bool_)
        zones = np.unique(held.zone[of_moved[held.train]])
        begins = np.searchsorted(held.zone, [zones, zones + 1])
        for zone, low, high in zip(zones.tolist(), *begins.tolist(), strict=True):
            rows = slice(low, high)
            from_s, until_s, train = held.from_s[rows], held.until_s[rows], held.train[rows]
            occupies, blocks = held.occupies[rows], held.blocks[rows]
            for i in np.flatnonzero(of_moved[train]).tolist():
                meets = (from_s < until_s[i]) & (until_s > from_s[i]) & (train != train[i])
                meets &= ((occupies & blocks[i]) | (blocks & occupies[i])) != 0
                for other in np.flatnonzero(meets).tolist():
                    at = f"{names[train[i]]}, zone {self.network.zone_name[zone]}"
                    self.say("conflict", at, f"with {names[train[other]]} at {clock(int(from_s[i]))}")

    def _turns(self) -> None:
        """Check that stock is there when a train goes on with it."""
        move_of = {self.by_name[move.train]: move for move in self.proposal.moves}
        for earlier, (train, least_s) in sorted(self.window.turns.items()):
            move = move_of.get(train)
            if earlier in move_of and (move is None or move.legs):
                self._turn(earlier, train, least_s, move_of)
        if displace_settings().moves.stock_elsewhere:
            return
        moved_before = {train for earlier, (train, _) in self.window.turns.items() if earlier in move_of}
        for train, move in sorted(move_of.items()):
            if move.calls and move.calls[0].new_arrival_s is None and move.legs and train not in moved_before:
                self.say("turn", move.train, "begins where no stock has been left for it")

    def _turn(self, earlier: int, train: int, least_s: int, move_of: dict[int, Move]) -> None:
        run, move = _Run.of(self.window, train), move_of.get(train)
        begins, leaves_s = self._codes(train)[0], run.leaves_s[0]
        if move is not None:
            begins = next((call.code for call in move.calls if call.new_arrival_s is not None), "")
            leaves_s = move.legs[0].departure_s + move.legs[0].shift_s
        if move is not None and move.pieces:
            leaves_s = move.pieces[0].depart_s
        stock, since_s = self._stock(earlier, move_of)
        if run.leaves_s[0] - since_s > STOCK_S:
            return
        of = self._name(earlier)
        if stock != begins:
            self.say("turn", self._name(train), f"the stock of {of} is at {stock}, not where it begins")
            return
        planned_s = run.leaves_s[0] - _Run.of(self.window, earlier).arrives_s[-1]
        if leaves_s - since_s < min(least_s, planned_s) - WHOLE_S:
            self.say("turn", self._name(train), f"leaves {leaves_s - since_s:.0f} s after the stock of {of} came")

    def _stock(self, train: int, move_of: dict[int, Move]) -> tuple[str, float]:
        """Return where the stock of a train is behind it, and since when; where it does not run, before it."""
        run, move = _Run.of(self.window, train), move_of.get(train)
        if move is None:
            return self._codes(train)[-1], run.arrives_s[-1]
        if move.pieces:
            return self._codes(train)[-1], move.pieces[-1].exit_s
        if move.legs:
            last = min(range(len(run.leaves_s)), key=lambda i: abs(run.leaves_s[i] - move.legs[-1].departure_s))
            ends = next((call.code for call in reversed(move.calls) if call.new_arrival_s is not None), "")
            return ends, run.arrives_s[last] + move.legs[-1].shift_s
        before = next((one for one, (then, _) in self.window.turns.items() if then == train), None)
        if before is not None:
            return self._stock(before, move_of)
        return self._codes(train)[0], run.leaves_s[0]

    def _codes(self, train: int) -> list[str]:
        rows = self.window.calls_of(train)
        return [self.network.points.code[int(i)] for i in self.day.calls.point[rows]]

    def _name(self, train: int) -> str:
        return self.window.day.trains.reference[train]

    # -- rules and harm ---------------------------------------------------------------------------------------------

    def _rules(self) -> None:
        assert self.plan.displacement is not None
        rules: RuleSet = rule_set(self.plan.displacement.rules.name)
        if rules.content_hash != self.plan.displacement.rules.hash:
            self.say("rule", rules.name, "the rule set is not the one that the plan was made with")
        for move in self.proposal.moves:
            origin = int(self.window.origin[self.by_name[move.train]])
            segment = holder_of(self.day, origin, self.network).segment
            asked = "shift_by_consent" if move.needs_consent else MOVE_OF[move.kind]
            found = rules.permission(asked, layer=move.layer, segment=segment, forced_by_closure=move.forced_by_closure)
            if not found.allowed or found.line.id != move.rule.id or segment != move.segment:
                self.say("rule", move.train, f"no line {move.rule.id!r} allows it to be {move.kind}")

    def _harm(self) -> None:
        model = HarmModel(self.day, load_harm_values())
        total = 0.0
        late: dict[int, tuple[dict[int, float], dict[int, float]]] = {}
        for move in self.proposal.moves:
            train = self.by_name[move.train]
            by_s = int(self.window.days[train]) * DAY_S
            arrivals, departures = late.setdefault(int(self.window.days[train]), ({}, {}))
            for row, call in enumerate(move.calls, self.window.calls_of(train).start):
                comes, goes = call.new_arrival_s, call.new_departure_s
                # Who loses by a call that is gone is counted with the train: nothing is missed there.
                arrivals[row] = -np.inf if comes is None else comes - call.old_arrival_s
                departures[row] = np.inf if goes is None else goes - call.old_departure_s
            times = np.array(
                [
                    [np.nan, np.nan] if call.new_arrival_s is None else [call.new_arrival_s, call.new_departure_s]
                    for call in move.calls
                ],
                np.float64,
            )
            served = np.flatnonzero(~np.isnan(times).any(axis=1))
            if move.kind == "cancelled":
                times = np.array([[call.old_arrival_s, call.old_departure_s] for call in move.calls], np.float64)
                served = np.array([0, len(times) - 1])
            harm = model.account(
                int(self.window.origin[train]), times[:, 0] - by_s, times[:, 1] - by_s, runs_from=int(served[0]),
                runs_until=int(served[-1]), kind=move.kind,
            )  # fmt: skip
            total += harm.eur
            if abs(harm.eur - move.harm.eur) > max(HARM_SHARE * harm.eur, 1.0):
                self.say("harm", move.train, f"{harm.eur:.0f} EUR, {move.harm.eur:.0f} said")
        said = self.proposal.harm.eur - self.proposal.missed.eur
        if abs(total - said) > max(HARM_SHARE * total, 1.0):
            self.say("harm", "all", f"{total:.0f} EUR without connections, {said:.0f} said")
        missed = sum(model.missed(*late[day]).eur for day in sorted(late))
        if abs(missed - self.proposal.missed.eur) > max(HARM_SHARE * missed, 1.0):
            self.say("harm", "connections", f"{missed:.0f} EUR missed, {self.proposal.missed.eur:.0f} said")


@dataclass(frozen=True)
class _Run:
    """A train's run in the day: its pieces, and the legs between its stands."""

    directed: Ints
    exit_s: npt.NDArray[np.float64]
    stands: list[int]
    leaves_s: list[float]
    arrives_s: list[float]

    @classmethod
    def of(cls, window: Window, train: int) -> _Run:
        moves = window.day.movements
        rows = slice(int(moves.start[train]), int(moves.start[train + 1]))
        exit_s, depart_s = moves.exit_ds[rows] / 10.0, moves.depart_ds[rows] / 10.0
        inner = [i for i in range(1, len(exit_s) - 1) if depart_s[i] > exit_s[i]]
        stands = [0, *inner, len(exit_s) - 1]
        leaves = [float(depart_s[i]) for i in stands[:-1]]
        arrives = [float(exit_s[i]) for i in stands[1:]]
        return cls(moves.directed[rows], exit_s, stands, leaves, arrives)

    def leg_at(self, time_s: float) -> int:
        """Return the leg that is run, or was run last, at a time."""
        return max(sum(leaves < time_s - 1e-6 for leaves in self.leaves_s) - 1, 0)

    def leg_into(self, network: Network, zone: int, from_s: int, until_s: int) -> int:
        """Return the leg that runs into a zone which the train holds in a stretch of time."""
        pieces = np.flatnonzero(network.pieces.zone[self.directed >> 1] == zone)
        inside = [i for i in pieces.tolist() if from_s <= self.exit_s[i] + ROUNDED_S and self.exit_s[i] <= until_s]
        if not inside:
            return self.leg_at(from_s)
        position = min(inside)
        return max(sum(stand < position for stand in self.stands[:-1]) - 1, 0)


def with_other_paths(day: Day, plan: Plan, number: int) -> Day:
    """Return the stretch of a day about the paths of a plan, with the trains of all paths but one."""
    times = [time for path in plan.paths for row in path.held for time in (row.from_s, row.until_s)]
    part = window_of(day, min(times) - 3600, max(times) + 3600).day
    return altered(part, (), _other_paths(plan, plan.paths, number))


def _other_paths(plan: Plan, paths: list[Path], number: int) -> list[Added]:
    """Return what the trains of all paths but one hold and keep empty, as trains of a day."""
    kind = plan_train(plan).occupies
    return [
        Added.without_calls(f"{plan.reference}/{i + 1}", path_rows(path, kind))
        for i, path in enumerate(paths)
        if i != number
    ]

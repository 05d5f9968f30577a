"""Planning anew when something changes late: what has run by then is fixed, the rest may be altered.

The train is ready at another time, has another window, or a section closes while trains are under way. Trains that the
closure stops are re-planned first, by the rule for faults; then the military train gets the best path from where it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np

from weerspoor.capacity import plan as p
from weerspoor.capacity import proposal as o
from weerspoor.capacity.accumulate import MASK
from weerspoor.capacity.displace.account import Account
from weerspoor.capacity.displace.answer import Answer, answer_of
from weerspoor.capacity.displace.paths import Candidate, Pricing, candidates
from weerspoor.capacity.displace.propose import propose
from weerspoor.capacity.displace.replan import Replanner
from weerspoor.capacity.displace.scene import Placement
from weerspoor.capacity.displace.settings import displace_settings
from weerspoor.capacity.displace.stage import Stage
from weerspoor.capacity.displace.tracks import variant_of_move
from weerspoor.capacity.fit import Problem, Work, earliest, vary
from weerspoor.capacity.make import Made
from weerspoor.capacity.occupation import closed_pieces
from weerspoor.capacity.request import Change, Closure, Request, Window, request_of, with_change
from weerspoor.capacity.rules import RuleSet, rule_set
from weerspoor.common.clock import clock
from weerspoor.common.errors import InputError
from weerspoor.kernel.graph import KEEP_ALL, Query, Run
from weerspoor.kernel.graph import Stage as Place
from weerspoor.kernel.retiming import Retimed
from weerspoor.kernel.timelines import Rows
from weerspoor.network.model import Network
from weerspoor.timetable.altered import altered
from weerspoor.timetable.day import Day

Progress = Callable[[str], None]
CLOSED_NUMBER = 100
"""Number of what is closed in the timelines, beyond that of the first military train."""

PIN_S = 1.0
"""A place that the train has come through by now is come through at its time, within this."""


@dataclass(frozen=True)
class Decided:
    """A plan that was decided on, as far as it matters for what follows.

    Attributes
    ----------
    path : Path
    moves : list of Move
    """

    path: p.Path
    moves: list[o.Move]


def decided(plan: p.Plan, proposal: str = "") -> Decided:
    """Return the path of a plan, or of one of its proposals (the least harm when it is not named).

    Raises
    ------
    InputError
        If it has none, no such one, or one of several trains.
    """
    if plan.displacement is not None and plan.displacement.proposals:
        names = [one.id for one in plan.displacement.proposals]
        wanted = (proposal or names[0]).casefold()
        for one in plan.displacement.proposals:
            if one.id.casefold() == wanted:
                if len(one.paths) > 1:
                    raise InputError("is a plan of several trains", where=one.id, hint="plan each of them anew")
                return Decided(one.paths[0], one.moves)
        raise InputError(f"there is no proposal {proposal!r}", where="--proposal", hint=", ".join(names))
    if not plan.paths:
        raise InputError("has no path and no proposal", where=plan.reference)
    return Decided(plan.paths[0], [])


def replan(
    plan: p.Plan,
    at_s: int,
    change: Change,
    network: Network,
    day: Day,
    *,
    proposal: str = "",
    progress: Progress = lambda _: None,
) -> Answer:
    """Return the plan made anew from the state of a moment.

    Parameters
    ----------
    plan : Plan
    at_s : int
        Seconds of the operating day.
    change : Change
        Its points looked up.
    network : Network
    day : Day
        The one that the plan was made on.
    proposal : str
        Which proposal had been decided on; the least harm when it is not named.
    progress : callable

    Raises
    ------
    InputError
        If the plan was made on another day or network, has no path, the train has arrived, or has left and is to be
        ready at another time.
    """
    if plan.provenance.network != network.content_hash or plan.provenance.day != day.content_hash:
        raise InputError("was made on another network or day", where=plan.reference)
    was, rules = decided(plan, proposal), _rules(plan)
    if at_s >= was.path.arrival_s:
        raise InputError(f"has arrived at {clock(was.path.arrival_s)}", where=plan.reference)
    if change.ready_s is not None and at_s >= was.path.departure_s:
        hint = "leave ready out"
        raise InputError(f"left at {clock(was.path.departure_s)}, so it is ready", where=plan.reference, hint=hint)
    before = request_of(plan.request, plan.reference)
    wanted = with_change(before, change)
    if wanted.ready_s is not None:
        wanted = replace(wanted, ready_s=max(wanted.ready_s, at_s) if at_s < was.path.departure_s else wanted.ready_s)
    changed, found = _searched(wanted, was, at_s, change, network, day, rules, progress)
    notes = []
    window = wanted.destination_window
    if not found and window is not None:
        # Better late than nowhere: a train that is under way has to get somewhere.
        by_s = displace_settings().late.beyond_s
        wanted = replace(wanted, destination_window=Window(window.earliest_s, window.latest_s + by_s))
        progress("looking for a path that arrives later than asked")
        changed, found = _searched(wanted, was, at_s, change, network, day, rules, progress)
        notes.append(p.Sentence("plan.warning.later_than_asked", {"asked": window.latest_s}))
    stage = changed.stage
    proposed = propose(stage, progress=progress, found=found, thorough=False)
    if changed.left:
        names = [stage.window.day.trains.reference[train] for train in changed.left]
        notes.append(p.Sentence("plan.warning.run_into_closure", {"trains": names}))
    plan = msgspec.structs.replace(plan, day=msgspec.structs.replace(plan.day, warnings=[*plan.day.warnings, *notes]))
    return answer_of(wanted, Made(plan, stage.problem, []), proposed, stage, rules)


def _searched(  # noqa: PLR0917
    wanted: Request,
    was: Decided,
    at_s: int,
    change: Change,
    network: Network,
    day: Day,
    rules: RuleSet,
    progress: Progress,
) -> tuple[_Changed, list[Candidate]]:
    """Return the railway as it is after the change, and candidates for the train.

    Raises
    ------
    InputError
        If the closure stops trains that cannot be helped.
    """
    progress("setting up the trains as they are at that moment")
    changed = _Changed.of(wanted, was, at_s, change, network, day, rules)
    progress("re-planning the trains that the closure stops")
    if not changed.clear_closures():
        raise InputError("the closure stops trains that cannot be helped", where=change.file)
    progress("looking for the best path from here")
    return changed, changed.candidates(progress)


def _rules(plan: p.Plan) -> RuleSet:
    return rule_set("besluit" if plan.displacement is None else plan.displacement.rules.name)


@dataclass
class _Changed:
    """The state of the railway at the moment of the change."""

    stage: Stage
    was: Decided
    at_s: int
    closures: tuple[Closure, ...]
    moved_ready: bool
    left: list[int] = field(default_factory=list)
    """Trains that run into the closure and do not stop before it: a dispatcher has to stop them."""

    @classmethod
    def of(  # noqa: PLR0917
        cls, request: Request, was: Decided, at_s: int, change: Change, network: Network, day: Day, rules: RuleSet
    ) -> _Changed:
        stage = Stage.of(request, network, day, rules, from_s=min(was.path.departure_s, at_s))
        changed = cls(stage, was, at_s, change.closures, change.ready_s is not None or change.window is not None)
        changed._let_time_pass()
        return changed

    def _let_time_pass(self) -> None:
        """Move the trains as had been decided, and bind all to what they have begun by now."""
        scene = self.stage.scene
        names = {name: number for number, name in enumerate(scene.window.day.trains.reference)}
        placements = {names[move.train]: self._placement(names[move.train], move) for move in self.was.moves}
        Replanner(scene, scene.timelines).restore(placements)
        scene.timelines.commit()
        scene.at(self.at_s, placements)
        moved = [Account(scene, train, one).added() for train, one in placements.items() if one.retimed is not None]
        day = altered(scene.window.day, placements, moved)
        self.stage = replace(self.stage, problem=vary(self.stage.problem, day=day))

    def _placement(self, train: int, move: o.Move) -> Placement:
        """Return what had been decided of a train."""
        if not move.legs:
            return Placement(move.harm.eur, None)
        ways = self.stage.scene.of(train)
        if move.pieces:
            ways.append(variant_of_move(self.stage.scene, train, move))
            unmoved = np.zeros(ways[-1].legs.count, np.int32)
            ran = Retimed(0, len(unmoved) - 1, unmoved, move.harm.eur)
            return Placement(move.harm.eur, ran, len(ways) - 1)
        legs = ways[0].legs
        first = int(np.argmin(np.abs(legs.departures_s - move.legs[0].departure_s)))
        shift = np.zeros(legs.count, np.int32)
        shift[first : first + len(move.legs)] = [leg.shift_s for leg in move.legs]
        return Placement(move.harm.eur, Retimed(first, first + len(move.legs) - 1, shift, move.harm.eur))

    # -- closures ---------------------------------------------------------------------------------------------------

    @property
    def closed(self) -> Rows | None:
        """What is closed from now on, as rows."""
        parts = []
        for number, closure in enumerate(self.closures):
            pieces = closed_pieces(self.stage.network, closure, f"closed[{number + 1}]")
            zones = np.unique(self.stage.network.pieces.zone[pieces]).astype(np.int32)
            begin = max(closure.from_s, self.at_s)
            if closure.until_s > begin:
                parts.append((zones, begin, closure.until_s))
        if not parts:
            return None
        zone = np.concatenate([zones for zones, _, _ in parts])
        begins = np.concatenate([np.full(len(zones), begin, np.int32) for zones, begin, _ in parts])
        ends = np.concatenate([np.full(len(zones), end, np.int32) for zones, _, end in parts])
        whole = np.full(len(zone), KEEP_ALL, np.uint8)
        return Rows(zone, begins, ends, whole, whole)

    def clear_closures(self) -> bool:
        """Re-plan the trains that the closures stop, by the rule for faults; tell whether that could be done."""
        rows, stage = self.closed, self.stage
        if rows is None:
            return True
        n = len(stage.window.origin)
        by_fault = replace(stage.rulebook, forced=frozenset(range(n)), _known={})
        scene = stage.scene.under(by_fault)
        pricing = Pricing(scene, stage.pricing.military, stage.pricing.kind)
        known = dict(scene.moved)
        stopped = [train for train in scene.timelines.conflicts_of(rows) if train < n]
        only = pricing.fixed([rows])
        self.left = [
            train
            for train in stopped
            if not self._can_be_stopped(train, rows) or scene.cheapest(train, timelines=only) is None
        ]
        replanner = Replanner(scene, only)
        scene.timelines.insert(stage.pricing.military + CLOSED_NUMBER, rows)
        mark, before = scene.timelines.mark(), dict(scene.moved)
        while not replanner.first([train for train in stopped if train not in self.left]).complete:
            # One that finds no place before the closure is left to the dispatcher as well.
            scene.timelines.rollback(mark)
            scene.moved = dict(before)
            if replanner.failed not in stopped or replanner.failed in self.left:
                return False
            self.left.append(replanner.failed)
        replanner.improve(displace_settings().search.quick_steps)
        scene.timelines.commit()
        forced = frozenset(train for train in scene.moved if scene.moved[train] is not known.get(train))
        rulebook = replace(stage.rulebook, forced=forced, _known={})
        after = scene.under(rulebook)
        self.stage = replace(
            stage, scene=after, rulebook=rulebook, pricing=replace(stage.pricing, scene=after, closures=rows)
        )
        return True

    def _can_be_stopped(self, train: int, rows: Rows) -> bool:
        """Tell whether a train can still keep out of what is closed: not one that is inside already."""
        held = self.stage.scene.rows(train, self.stage.scene.moved.get(train))
        inside = np.isin(held.zone, rows.zone) & (held.from_s <= self.at_s) & (held.until_s > self.at_s)
        return not bool(inside.any())

    # -- the train --------------------------------------------------------------------------------------------------

    def candidates(self, progress: Progress) -> list[Candidate]:
        """Return candidates for the train from where it is; its old path too, where that still holds."""
        stage, search = self.stage, displace_settings().search
        found: list[Candidate] = []
        old = staged(run_of(self.was.path), stage.problem)
        if not self.moved_ready:
            kept = stage.pricing((old,), "as_decided", search.quick_steps)
            if kept is not None:
                return [kept]
        problem = self._from_here(old)
        free = earliest(_on(problem, stage), Work(search.free_labels))
        if free is not None:
            priced = stage.pricing((staged(free, stage.problem),), "free", 0)
            if priced is not None:
                return [priced]
        pricing = stage.pricing
        for candidate in candidates(problem, pricing, progress, few=True):
            found.append(replace(candidate, runs=tuple(staged(run, stage.problem) for run in candidate.runs)))
        return found

    def _from_here(self, old: Run) -> Problem:
        """Return the train's problem from where it is: its origin, or where its run has brought it."""
        problem = self.stage.problem
        if self.at_s < self.was.path.departure_s:
            return problem
        places, onward = [], problem.query.stages
        after = self.at_s + displace_settings().late.reaction_s
        stands = np.flatnonzero(old.depart_s > old.exit_s)
        places.append(
            Place(old.directed[:1], stop_s=max(onward[0].stop_s, -1.0), earliest_s=float(old.depart_s[0]),
                  latest_s=float(old.depart_s[0]))
        )  # fmt: skip
        ahead = np.flatnonzero(old.exit_s > after)
        last = int(ahead[0]) if len(ahead) else len(old.directed) - 1
        for position in sorted({*(int(i) for i in stands if 0 < i < last), last}):
            at_s, stand_s = float(old.exit_s[position]), float(old.depart_s[position] - old.exit_s[position])
            stop_s = stand_s if stand_s > 0 and position < last else -1.0
            places.append(
                Place(
                    old.directed[position : position + 1], stop_s=stop_s, earliest_s=at_s - PIN_S, latest_s=at_s + PIN_S
                )
            )
        reached = {int(way) for way in old.directed[: last + 1]}
        places += [one for one in onward[1:-1] if not reached & set(one.directed.tolist())]
        places.append(onward[-1])
        return vary(problem, pinned=Query(stages=places, horizon_s=problem.query.horizon_s))


def _on(problem: Problem, stage: Stage) -> Problem:
    """Return the problem among the trains as they stand in the scene."""
    occupied = stage.problem.occupation
    there = vary(problem)
    there.__dict__["occupation"] = replace(occupied, timelines=stage.scene.timelines)
    return there


def staged(run: Run, problem: Problem) -> Run:
    """Return a run that says where it comes through the places of a problem's request."""
    stages = problem.query.stages
    stage = np.full(len(run.directed), -1, np.int32)
    stands, at = run.depart_s > run.exit_s, 0
    for number, place in enumerate(stages[1:-1], 1):
        there = np.isin(run.directed, place.directed) & (np.arange(len(stage)) > at)
        there &= stands | (place.stop_s < 0)
        if there.any():
            at = int(np.argmax(there))
            stage[at] = number
    stage[0], stage[-1] = 0, len(stages) - 1
    return replace(run, stage=stage)


def run_of(path: p.Path) -> Run:
    """Return a path as a run."""

    def ints(values: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        return np.array(values, np.int32)

    def reals(values: list[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array(values, np.float64)

    pieces, held, kept = path.pieces, path.held, path.kept_empty
    return Run(
        directed=ints([one.directed for one in pieces]),
        enter_s=reals([one.enter_s for one in pieces]),
        exit_s=reals([one.exit_s for one in pieces]),
        depart_s=reals([one.depart_s for one in pieces]),
        stage=ints([-1] * len(pieces)),
        speed_ms=reals([one.speed_kmh / 3.6 for one in pieces]),
        lost_s=reals([0.0] * len(pieces)),
        zone=ints([one.zone for one in held]),
        from_s=ints([one.from_s for one in held]),
        until_s=ints([one.until_s for one in held]),
        kept_zone=ints([one.zone for one in kept]),
        kept_from_s=ints([one.from_s for one in kept]),
        kept_until_s=ints([one.until_s for one in kept]),
        kept_mask=np.array([MASK[one.of] for one in kept], np.uint8),
        stops=path.stops,
    )

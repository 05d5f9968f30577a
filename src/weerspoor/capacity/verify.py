"""An independent check of a plan: against the network, the train, the request and a day.

Nothing of the search is used here: the run is simulated anew by the exact integrator, held back so that it is nowhere
before its time; blocking times are worked out from that simulation, and conflicts are looked for train by train.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec
import numpy as np

from weerspoor.capacity.fit import request_train
from weerspoor.capacity.occupation import closed_pieces
from weerspoor.capacity.plan import Path, Plan
from weerspoor.capacity.proposal import Proposal
from weerspoor.capacity.request import Closure, request_of
from weerspoor.capacity.schema import plan_hash
from weerspoor.capacity.series import returning
from weerspoor.capacity.settings import assumptions_hash
from weerspoor.capacity.verify_displaced import ProposalCheck, with_other_paths
from weerspoor.capacity.verify_run import MASKS, ROUNDED_S, Ran, RunCheck, RunTerms, Violation
from weerspoor.common.clock import DAY_S, STEP_S, clock
from weerspoor.kernel.graph import KEEP_ALL
from weerspoor.network.model import (
    KIND_OPEN_LINE,
    Network,
)
from weerspoor.network.points import directed_at_point
from weerspoor.timetable.day import Day
from weerspoor.trains.access import (
    point_pieces,
)
from weerspoor.trains.model import Train
from weerspoor.trains.tables import norm

RETURN = "return"

COPIES = range(-1, 4)
"""A pattern day is met again so many days later; no path reaches further."""


def verify_plan(plan: Plan, network: Network, day: Day | None) -> list[Violation]:
    """Return everything that is wrong with a plan; empty when it holds.

    Parameters
    ----------
    plan : Plan
        One with a path or a proposal; every one of them is checked, the trains that it moves included.
    network : Network
    day : Day or None
        The day it must be free of conflicts with; None for an empty railway.
    """
    found: list[Violation] = []
    if plan.provenance.network != network.content_hash:
        found.append(Violation("provenance", "", "the plan was made on another network; places may have moved"))
    if plan.hash != plan_hash(plan):
        found.append(Violation("provenance", "", "the plan was altered after it was made: its hash does not fit"))
    if plan.provenance.day != (day.content_hash if day is not None else ""):
        found.append(Violation("provenance", "", "the plan was made on another day"))
    if plan.provenance.assumptions != assumptions_hash():
        found.append(Violation("provenance", "", "the plan was made with other assumptions"))
    proposals = proposals_of(plan)
    if (plan.outcome == "none" or not plan.paths) and not proposals:
        found.append(Violation("route", "", "the plan has no path"))
        return found
    train = msgspec.convert(plan.train, Train)
    series = plan.request.get("series") is not None and day is not None
    for number, path in enumerate(plan.paths):
        of_it, its_train = _of_path(plan, path, train, network)
        among = with_other_paths(day, plan, number) if series and day is not None else day
        found += _Check(of_it, path, its_train, network, among).run()
    for proposal in proposals:
        if day is None:
            found.append(Violation("provenance", f"proposal {proposal.id}", "was made on a day, and there is none"))
            continue
        check = ProposalCheck(plan, proposal, network, day)
        found += check.run()
        for number, path in enumerate(proposal.paths):
            found += _Check(plan, path, train, network, check.with_others(number)).run()
    return found


def _of_path(plan: Plan, path: Path, train: Train, network: Network) -> tuple[Plan, Train]:
    """Return what a path of a plan was made for: one that goes back has a request and a train of its own."""
    if path.why != RETURN:
        return plan, train
    back = returning(request_of(plan.request, plan.reference), network)
    return msgspec.structs.replace(plan, request=back.as_dict()), request_train(back)


def proposals_of(plan: Plan) -> list[Proposal]:
    """Return the proposals of a plan, those by consent included."""
    return [] if plan.displacement is None else [*plan.displacement.proposals, *plan.displacement.consent]


class _Check(RunCheck):
    """Checks a path of a plan: by itself, against a day, and against what was asked."""

    def __init__(self, plan: Plan, path: Path, train: Train, network: Network, day: Day | None) -> None:
        ran = Ran(f"path {path.id}", path.pieces, path.held, path.kept_empty)
        super().__init__(ran, train, network, RunTerms(slower=norm(train.norm_group, "slower") > 0))
        self.plan, self.path, self.day = plan, path, day

    def run(self) -> list[Violation]:
        """Return everything that is wrong with the path."""
        if self.check_run():
            self._conflicts()
            self._conditions()
            self._times()
        return self.found

    def _conflicts(self) -> None:
        """Check what is held and kept empty against every train of the day, and of the next behind the seam."""
        if self.day is None:
            return
        wanted: dict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
        for row in self.path.held:
            wanted[row.zone].append((row.from_s, row.until_s, self.train.occupies, KEEP_ALL))
        in_reserve = set(self._met(self.day.reserve, wanted)) if self.day.reserve is not None else set()
        for name in sorted(in_reserve - set(self.path.reserve_paths)):
            self.say("conflict", "", f"takes the reserve path {name} without saying so")
        for kept in self.path.kept_empty:
            wanted[kept.zone].append((kept.from_s, kept.until_s, 0, MASKS.get(kept.of, KEEP_ALL)))
        for name, (zone, time_s) in self._met(self.day, wanted).items():
            self.say("conflict", f"zone {self.network.zone_name[zone]}", f"with {name} at {clock(time_s)}")

    def _met(self, day: Day, wanted: dict[int, list[tuple[int, int, int, int]]]) -> dict[str, tuple[int, int]]:
        """Return the first place and time of a conflict with each train of a day, by its reference."""
        rows, periodic = day.holdings, self.day is not None and self.day.periodic
        met: dict[str, tuple[int, int]] = {}
        every = [span for spans in wanted.values() for span in spans]
        first_s = min((span[0] for span in every), default=0)
        last_s = max((span[1] for span in every), default=0)
        begins = np.searchsorted(rows.zone, np.arange(self.network.n_zones + 1, dtype=rows.zone.dtype)).tolist()
        for days in COPIES if periodic else (0,):
            shift_s = days * DAY_S
            if rows.from_s.min(initial=0) + shift_s >= last_s or rows.until_s.max(initial=0) + shift_s <= first_s:
                continue
            for zone, spans in wanted.items():
                if not 0 <= zone < self.network.n_zones:
                    continue
                here = slice(begins[zone], begins[zone + 1])
                occupied, blocked = rows.occupies[here], rows.blocks[here]
                start, end = rows.from_s[here] + np.int32(shift_s), rows.until_s[here] + np.int32(shift_s)
                for from_s, until_s, occupies, blocks in spans:
                    meets = (start < until_s) & (end > from_s)
                    meets &= ((occupied & blocks) | (blocked & occupies)) != 0
                    for i in np.flatnonzero(meets).tolist():
                        name = day.trains.reference[int(rows.train[here][i])]
                        if name != self.plan.reference:
                            at_s = max(int(start[i]), from_s)
                            met.setdefault(f"{name}{days:+d}" if days else name, (zone, at_s))
        return met

    # -- what was asked -----------------------------------------------------------------------------------------

    def _conditions(self) -> None:
        """Check windows, places to come through, places to avoid, stands and closures."""
        request = self.plan.request
        if self.turns and request.get("prefer", {}).get("turn_back") == "never":
            self.say("condition", self.name_of(min(self.turns) - 1), "turns back, which was not to be")
        origin, target = request["from"], request["to"]
        self._ends(origin["point"], self.path.points[0].code, target["point"], self.path.points[-1].code)
        if origin.get("ready_s") is not None and self.path.departure_s < origin["ready_s"]:
            self.say("condition", origin["point"], f"leaves {clock(self.path.departure_s)}, before it is ready")
        for code in (origin["point"], *(via["point"] for via in request.get("via", [])), target["point"]):
            timed = directed_at_point(self.network, self.codes[code.casefold()])
            if not self.at(code) and not np.isin(self.directed, timed).any():
                self.say("condition", code, "the tracks run over do not lie there")
        self._window(origin["point"], origin.get("window_s"), self.path.departure_s)
        self._window(target["point"], target.get("window_s"), self.path.arrival_s)
        for via in request.get("via", []):
            # A train that turns back may come through more than once: the visit that stands longest counts.
            visits = [row for row in self.path.points if row.code == via["point"]]
            if not visits:
                self.say("condition", via["point"], "does not come through")
                continue
            window = via.get("window_s")
            in_time = [row for row in visits if window is None or window[0] <= row.arrival_s <= window[1]]
            row = max(in_time or visits, key=lambda visit: visit.departure_s - visit.arrival_s)
            self._window(via["point"], window, row.arrival_s)
            if row.departure_s - row.arrival_s < via.get("stop_s", 0):
                self.say(
                    "condition", via["point"], f"stands {row.departure_s - row.arrival_s} s, {via['stop_s']} s asked"
                )
            stands = [self.path.pieces[position] for position in self.at(via["point"])]
            longest_s = max((piece.depart_s - piece.exit_s for piece in stands), default=0.0)
            if longest_s < via.get("stop_s", 0) - STEP_S:
                self.say("condition", via["point"], f"the run stands {longest_s:.0f} s, {via['stop_s']} s asked")
        avoid: dict[str, Any] = request.get("avoid", {})
        for code in avoid.get("points", []):
            if np.isin(np.array(self.directed) >> 1, point_pieces(self.network, [self.codes[code.casefold()]])).any():
                self.say("condition", code, "comes through a point to avoid")
        for code in avoid.get("stand", []):
            stops, point = self.network.stops, self.codes[code.casefold()]
            there = set(stops.directed[stops.point == point].tolist()) - set(
                stops.directed[stops.point != point].tolist()
            )
            ran = any(d in there and self.stops_at(position) for position, d in enumerate(self.directed))
            if ran or any(row.departure_s > row.arrival_s for row in self.path.points if row.code == code):
                self.say("condition", code, "stands where it should not")
        for number, closure in enumerate(request.get("closed", [])):
            self._closed(closure)
            self._closed_zones(closure, number)

    def _closed(self, closure: dict[str, Any]) -> None:
        """Check that nothing of a closed stretch that the path runs over is held while it is closed."""
        one, other = (self.at(code) for code in closure["between"])
        if not one or not other:
            return
        begin, end = (one[-1] + 1, other[0]) if one[-1] < other[0] else (other[-1] + 1, one[0])
        names = {name.casefold() for name in closure["tracks"]}
        pieces = self.network.pieces
        for position in range(begin, end):
            piece = self.directed[position] >> 1
            if "all" in names and pieces.kind[piece] != KIND_OPEN_LINE:
                continue
            if "all" not in names and pieces.name[piece].casefold() not in names:
                continue
            for row in self.path.held:
                inside = row.zone == pieces.zone[piece] and row.from_s < closure["until_s"]
                if inside and row.until_s > closure["from_s"]:
                    self.say("condition", self.name_of(position), "is closed at that time")
                    return

    def _closed_zones(self, closure: dict[str, Any], number: int) -> None:
        """Check that no zone of a closed stretch is held while it is closed, also where the path only crosses it."""
        one, other = closure["between"]
        asked = Closure((one, other), tuple(closure["tracks"]), closure["from_s"], closure["until_s"])
        pieces = closed_pieces(self.network, asked, f"closed[{number + 1}]")
        zones = set(self.network.pieces.zone[pieces].tolist())
        for row in self.path.held:
            if row.zone in zones and row.from_s < asked.until_s and row.until_s > asked.from_s:
                self.say("condition", f"zone {self.network.zone_name[row.zone]}", "is closed at that time")
                return

    def _ends(self, origin: str, first: str, target: str, last: str) -> None:
        for asked, is_there, what in ((origin, first, "begins"), (target, last, "ends")):
            if asked.casefold() != is_there.casefold():
                self.say("condition", asked, f"{what} at {is_there}")

    def _window(self, place: str, window: list[int] | None, time_s: int) -> None:
        if window and not window[0] <= time_s <= window[1]:
            self.say("condition", place, f"at {clock(time_s)}, asked {clock(window[0])}-{clock(window[1])}")

    def _times(self) -> None:
        """Check that published times are steps of 0.1 minute and agree with the run."""
        for row in self.path.points:
            for time_s in (row.arrival_s, row.departure_s):
                if time_s % STEP_S:
                    self.say("time", row.code, f"{time_s} s is not a step of {STEP_S} s")
            at = [self.path.pieces[position] for position in self.at(row.code)]
            near_s = STEP_S / 2 + ROUNDED_S
            for time_s in (row.arrival_s, row.departure_s):
                if at and not any(piece.enter_s - near_s <= time_s <= piece.depart_s + near_s for piece in at):
                    self.say("time", row.code, f"{clock(time_s)} is not when the run is there")
        first, last = self.path.pieces[0], self.path.pieces[-1]
        if abs(self.path.departure_s - first.depart_s) > STEP_S / 2 + ROUNDED_S:
            self.say("time", self.path.points[0].code, "the departure is not that of the run")
        if abs(self.path.arrival_s - last.exit_s) > STEP_S / 2 + ROUNDED_S:
            self.say("time", self.path.points[-1].code, "the arrival is not that of the run")

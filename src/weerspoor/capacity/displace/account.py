"""What a re-planning does to each train: new times at its calls, new run, harm, holder, the rule that allows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from weerspoor.capacity.displace.rules import Rulebook
from weerspoor.capacity.displace.scene import Placement, Scene, Variant
from weerspoor.capacity.displace.settings import displace_settings
from weerspoor.capacity.holders import Holder, holder_of
from weerspoor.capacity.path import Held, PieceTime
from weerspoor.capacity.proposal import CallTime, HarmSum, Move, MovedLeg
from weerspoor.common.clock import DAY_S
from weerspoor.kernel.timelines import Rows
from weerspoor.timetable.altered import Added
from weerspoor.timetable.harm import Harm
from weerspoor.timetable.legs import Legs

Floats = npt.NDArray[np.float64]
PHASE = "moved"


@dataclass(frozen=True)
class Account:
    """One train with what becomes of it.

    Attributes
    ----------
    scene : Scene
    train : int
    placement : Placement
    """

    scene: Scene
    train: int
    placement: Placement

    @property
    def variant(self) -> Variant:
        """The tracks that it takes."""
        return self.scene.of(self.train)[self.placement.variant]

    @property
    def legs(self) -> Legs:
        """Its legs, on the tracks that it takes."""
        return self.variant.legs

    @cached_property
    def call_s(self) -> Floats:
        """Arrival and departure at every call as they become, (calls, 2); not a number where it does not come."""
        old = self.old_call_s
        new = np.full(old.shape, np.nan)
        found = self.placement.retimed
        if found is None:
            return new
        base = old if self.variant.call_s is None else self.variant.call_s
        first, last = found.first, found.last
        for call, (comes, goes) in enumerate(self.variant.legs_of_calls(base).tolist()):
            if np.isnan(base[call]).any():
                continue
            if comes > last or goes < first or (goes == first and comes < first and not self._begins(call)):
                continue
            arrival = base[call, 0] + found.shift_s[max(comes, first)]
            departure = base[call, 1] + found.shift_s[min(goes, last)]
            if comes < first:
                arrival = departure
            if goes > last:
                departure = arrival
            new[call] = arrival, max(arrival, departure)
        return new

    def _begins(self, call: int) -> bool:
        found = self.placement.retimed
        return found is not None and self.legs.stands[found.first].call == call

    @cached_property
    def old_call_s(self) -> Floats:
        """Arrival and departure at every call as in the day."""
        return self.scene.call_times(self.train)

    @cached_property
    def kind(self) -> str:
        """Kind of displacement: shifted, held, rerouted, shortened or cancelled."""
        found = self.placement.retimed
        if found is None:
            return "cancelled"
        if not found.whole:
            return "shortened"
        if self.placement.variant:
            return "rerouted"
        run = found.shift_s[found.first : found.last + 1]
        return "held" if int(run.max()) - int(run[0]) > displace_settings().moves.held_from_s else "shifted"

    @cached_property
    def harm(self) -> Harm:
        """What it costs, connections apart."""
        origin = int(self.scene.window.origin[self.train])
        by_s = int(self.scene.window.days[self.train]) * DAY_S
        if self.placement.retimed is None:
            return self.scene.harm.account(origin, self.old_call_s[:, 0], self.old_call_s[:, 1], kind="cancelled")
        served = np.flatnonzero(~np.isnan(self.call_s).any(axis=1))
        times = self.call_s - by_s
        return self.scene.harm.account(
            origin,
            times[:, 0],
            times[:, 1],
            runs_from=int(served[0]),
            runs_until=int(served[-1]),
            kind=self.kind,
        )

    @cached_property
    def late_s(self) -> Floats:
        """How much later than in the day it arrives and leaves at its calls, (calls, 2)."""
        return self.call_s - self.old_call_s

    @property
    def delay_s(self) -> int:
        """Greatest lateness at a call; the least earliness of one that runs earlier."""
        late = self.late_s[~np.isnan(self.late_s)]
        if not len(late):
            return 0
        return int(late.max()) if late.max() > 0 else int(late.min())

    @cached_property
    def first_change_s(self) -> float:
        """When something first is not as in the day."""
        changed = np.flatnonzero(np.isnan(self.late_s).any(axis=1) | (self.late_s != 0).any(axis=1))
        at = self.old_call_s[int(changed[0])] if len(changed) else self.old_call_s[0]
        new = self.call_s[int(changed[0])] if len(changed) else at
        if self.kind == "rerouted":
            return float(self.old_call_s[0, 1])
        return float(np.nanmin(np.concatenate([at, new])))

    # -- the run ----------------------------------------------------------------------------------------------------

    @cached_property
    def movement(self) -> tuple[npt.NDArray[np.int32], Floats, Floats, Floats]:
        """Directed pieces, and enter, exit and departure in seconds, as they become."""
        found = self.placement.retimed
        directed, enter_s, exit_s, depart_s = self.variant.run_of(self.scene.window, self.train)
        if found is None:
            return directed[:0], enter_s[:0], exit_s[:0], depart_s[:0]
        stands = [stand.position for stand in self.legs.stands]
        leg = self.legs.leg_at(len(directed))
        shift = found.shift_s[leg].astype(np.float64)
        after = shift.copy()
        for number, position in enumerate(stands[:-1]):
            after[position] = found.shift_s[number]
        first, last = stands[found.first], stands[found.last + 1]
        shift[first] = after[first]
        after[last] = shift[last]
        part = slice(first, last + 1)
        exits = exit_s[part] + shift[part]
        departs = np.maximum(depart_s[part] + after[part], exits)
        departs[-1] = exits[-1]
        return directed[part], enter_s[part] + shift[part], exits, departs

    @property
    def rows(self) -> Rows:
        """What it holds as it becomes."""
        return self.scene.rows(self.train, self.placement)

    def added(self) -> Added:
        """Return the train as it becomes, for a day."""
        day = self.scene.window.day
        directed, enter_s, exit_s, depart_s = self.movement
        kept = np.flatnonzero(~np.isnan(self.call_s).any(axis=1))
        calls = slice(int(day.calls.start[self.train]), int(day.calls.start[self.train + 1]))
        times = np.round(self.call_s[kept]).astype(np.int32)

        def tenths(seconds: Floats) -> npt.NDArray[np.int32]:
            return np.round(seconds * 10).astype(np.int32)

        return Added(
            reference=day.trains.reference[self.train],
            series=day.trains.series[self.train],
            kind=day.trains.kind[self.train],
            layer=day.trains.layer[self.train],
            phase=PHASE,
            length_m=float(day.trains.length_m[self.train]),
            occupies=int(day.trains.occupies[self.train]),
            point=day.calls.point[calls][kept],
            arrival_s=times[:, 0],
            departure_s=times[:, 1],
            planned_arrival_s=day.calls.planned_arrival_s[calls][kept],
            planned_departure_s=day.calls.planned_departure_s[calls][kept],
            track=[self._track(int(call)) for call in kept],
            directed=directed,
            enter_ds=tenths(enter_s),
            exit_ds=tenths(exit_s),
            depart_ds=tenths(depart_s),
            rows=self.rows,
        )

    # -- for people -------------------------------------------------------------------------------------------------

    @cached_property
    def holder(self) -> Holder:
        """Who holds its path."""
        return holder_of(self.scene.window.whole, int(self.scene.window.origin[self.train]), self.scene.network)

    def move(self, rulebook: Rulebook) -> Move:
        """Return what happens to the train, with the rule that allows it; connections are not in its harm."""
        trains = self.scene.window.day.trains
        cited = rulebook.cite(self.train, self.kind)
        rank = rulebook.rules.ranking[self.holder.segment]
        limit_s = rank.counter_offer_s
        slight = self.kind in ("shifted", "held") and limit_s is not None and abs(self.delay_s) <= limit_s
        found = self.placement.retimed
        ran = range(0) if found is None else range(found.first, found.last + 1)
        return Move(
            train=trains.reference[self.train],
            series=trains.series[self.train],
            train_kind=trains.kind[self.train],
            layer=trains.layer[self.train],
            segment=self.holder.segment,
            undertaking=self.holder.undertaking,
            holder_certainty=self.holder.certainty,
            kind=self.kind,
            forced_by_closure=self.train in rulebook.forced,
            needs_consent=cited.needs_consent,
            rule=rulebook.citation(cited.line),
            rank=rank.rank,
            slight=slight,
            neighbours=list(self.holder.neighbours) if self._at_border() else [],
            delay_s=self.delay_s,
            decide_by_s=self.decide_by_s,
            harm=harm_sum(self.harm),
            calls=self.calls(),
            legs=[
                MovedLeg(departure_s=round(float(self.legs.departures_s[leg]), 1), shift_s=int(found.shift_s[leg]))
                for leg in ran
                if found is not None
            ],
            pieces=self._pieces() if self.kind == "rerouted" else [],
            held=self._held(),
            line_before=[],
            line_after=[],
        )

    @property
    def decide_by_s(self) -> int:
        """The latest moment at which it can still be done."""
        notice: int = getattr(displace_settings().notice, f"{self.kind}_s")
        return int(self.first_change_s) - notice

    def _at_border(self) -> bool:
        """Whether its time changes at a border that it passes, or the train does not come there."""
        codes = self.scene.network.points.code
        day = self.scene.window.day
        calls = range(int(day.calls.start[self.train]), int(day.calls.start[self.train + 1]))
        ends = (0, len(calls) - 1)
        for number, row in enumerate(calls):
            at_border = codes[int(day.calls.point[row])] in self.holder.borders
            if at_border or (number in ends and self.holder.borders):
                late = self.late_s[number]
                if np.isnan(late).any() or late.any():
                    return True
        return False

    def calls(self) -> list[CallTime]:
        """Return its calls and passages, before and after."""
        day, points = self.scene.window.day, self.scene.network.points
        start = int(day.calls.start[self.train])
        old, new = np.round(self.old_call_s).astype(int).tolist(), self.call_s
        found = []
        for call, (arrival_s, departure_s) in enumerate(old):
            point = int(day.calls.point[start + call])
            gone = bool(np.isnan(new[call]).any())
            ends = call in (0, len(old) - 1)
            found.append(
                CallTime(
                    code=points.code[point],
                    name=points.name[point],
                    stops=ends or departure_s > arrival_s,
                    track=self._track(call),
                    old_arrival_s=arrival_s,
                    old_departure_s=departure_s,
                    new_arrival_s=None if gone else round(float(new[call, 0])),
                    new_departure_s=None if gone else round(float(new[call, 1])),
                )
            )
        return found

    def _track(self, call: int) -> str:
        """Return its track at a call as it becomes; as in the day where it does not run."""
        if self.variant.track is not None:
            return self.variant.track[call]
        return self.scene.window.day.calls.track[int(self.scene.window.day.calls.start[self.train]) + call]

    def _held(self) -> list[Held]:
        rows, names = self.rows, self.scene.network.zone_name
        times = zip(rows.zone.tolist(), rows.from_s.tolist(), rows.until_s.tolist(), strict=True)
        return [
            Held(zone=zone, name=names[zone], km_from=0.0, km_to=0.0, from_s=from_s, until_s=until_s)
            for zone, from_s, until_s in times
        ]

    def _pieces(self) -> list[PieceTime]:
        """Return its run over other tracks; kilometres from where it begins."""
        pieces, tracks = self.scene.network.pieces, self.scene.network.tracks
        directed, enter_s, exit_s, depart_s = self.movement
        length_m = pieces.length_m[directed >> 1]
        begin_m = np.cumsum(length_m) - length_m[0] - length_m
        speed_ms = np.zeros(len(directed)) if self.variant.speed_ms is None else self.variant.speed_ms
        return [
            PieceTime(
                directed=way,
                track=tracks.name[pieces.track[way >> 1]],
                name=pieces.name[way >> 1],
                from_m=round(float(pieces.from_m[way >> 1]), 1),
                to_m=round(float(pieces.to_m[way >> 1]), 1),
                km=round(max(float(begin_m[i]), 0.0) / 1000, 3),
                enter_s=round(float(enter_s[i]), 1),
                exit_s=round(float(exit_s[i]), 1),
                depart_s=round(float(depart_s[i]), 1),
                speed_kmh=round(float(speed_ms[i]) * 3.6, 1),
            )
            for i, way in enumerate(directed.tolist())
        ]


def harm_sum(harm: Harm) -> HarmSum:
    """Return harm as part of a proposal, rounded."""
    values = asdict(harm)
    trains = values.pop("trains")
    return HarmSum(**{key: round(value, 2) for key, value in values.items()}, trains=trains)


def missed_connections(accounts: Iterable[Account]) -> dict[int, Harm]:
    """Return by day of the pattern what is missed of connections among these trains and others."""
    by_day: dict[int, tuple[dict[int, float], dict[int, float]]] = {}
    scene: Scene | None = None
    for account in accounts:
        scene = account.scene
        arrival, departure = by_day.setdefault(int(scene.window.days[account.train]), ({}, {}))
        first = scene.window.calls_of(account.train).start
        for call, (late, later) in enumerate(account.late_s.tolist()):
            gone = np.isnan(late)  # what that costs is told with the train: no connection is missed there besides
            arrival[first + call], departure[first + call] = (-np.inf, np.inf) if gone else (late, later)
    if scene is None:
        return {}
    return {day: scene.harm.missed(*late) for day, late in sorted(by_day.items())}

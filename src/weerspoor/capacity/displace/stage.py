"""Everything set up for displacing: the window of the day, the train on it, the scene, and prices under a rule set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from weerspoor.capacity.displace.paths import Candidate, Pricing
from weerspoor.capacity.displace.rules import Rulebook
from weerspoor.capacity.displace.scene import Scene
from weerspoor.capacity.displace.tracks import OtherTracks
from weerspoor.capacity.fit import Problem, prepare
from weerspoor.capacity.minimum_levels import MinimumLevels, Shortfall
from weerspoor.capacity.request import Request
from weerspoor.capacity.rules import RuleSet
from weerspoor.network.model import Network
from weerspoor.timetable.day import Day
from weerspoor.timetable.harm import HarmModel, load_harm_values
from weerspoor.timetable.window import Window, window_of

BEFORE_S, AFTER_S = 2 * 3600, 7 * 3600
"""How long before the train is ready, and after its last time, the trains of the day are needed."""

LEVEL_ROUNDS = 3
"""So often trains that minimum levels need are bound to run, and others looked for."""


@dataclass
class Stage:
    """A request on a day, ready for displacing.

    Attributes
    ----------
    network : Network
    day : Day
        The whole one.
    window : Window
    problem : Problem
        The request on the day of the window.
    scene : Scene
    pricing : Pricing
    rulebook : Rulebook
    other_tracks : OtherTracks
        Finds other tracks for displaced trains; what it finds, every stage on the same window may use.
    """

    network: Network
    day: Day
    window: Window
    problem: Problem
    scene: Scene
    pricing: Pricing
    rulebook: Rulebook
    other_tracks: OtherTracks
    levels: list[MinimumLevels] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        request: Request,
        network: Network,
        day: Day,
        rules: RuleSet,
        *,
        by_consent: bool = False,
        from_s: int | None = None,
    ) -> Stage:
        """Return the stage of a request under a rule set.

        Parameters
        ----------
        request : Request
            Its points looked up.
        network : Network
        day : Day
            With passengers.
        rules : RuleSet
        by_consent : bool
            Only shifts to which holders consent.
        from_s : int, optional
            An earlier time from which the trains of the day are needed.

        Raises
        ------
        weerspoor.common.errors.InputError
            If the train cannot be, or the day has no passengers.
        """
        begin_s = request.anchor_s if from_s is None else min(request.anchor_s, int(from_s))
        window = window_of(day, begin_s - BEFORE_S, request.horizon_s + AFTER_S)
        return cls.with_train(prepare(request, network, window.day), window, rules, by_consent=by_consent)

    @classmethod
    def with_train(cls, problem: Problem, window: Window, rules: RuleSet, *, by_consent: bool = False) -> Stage:
        """Return the stage of a train that is made ready, on the day of a window."""
        network, day = problem.network, window.whole
        harm = HarmModel(day, load_harm_values())
        occupied = problem.occupation
        rulebook = Rulebook(rules, window, network, by_consent=by_consent)
        scene = Scene(network, window, harm, occupied.timelines.copy(), rulebook)
        pricing = Pricing(scene, len(occupied.reference), problem.model.kind)
        return cls(network, day, window, problem, scene, pricing, rulebook, OtherTracks(scene))

    def under(self, rules: RuleSet, *, by_consent: bool = False) -> Stage:
        """Return the same under another rule set; the scene's timelines are shared."""
        rulebook = Rulebook(rules, self.window, self.network, by_consent=by_consent, forced=self.rulebook.forced)
        return self._with(rulebook)

    def _with(self, rulebook: Rulebook) -> Stage:
        scene = self.scene.under(rulebook)
        return replace(
            self,
            scene=scene,
            pricing=replace(self.pricing, scene=scene),
            rulebook=rulebook,
            other_tracks=OtherTracks(scene, self.other_tracks.tried),
        )

    # -- minimum levels ---------------------------------------------------------------------------------------------

    def shortfalls(self, candidate: Candidate) -> list[Shortfall]:
        """Return the minimum levels of service that a candidate leaves unmet."""
        if not self.levels:
            self.levels.append(MinimumLevels(self.network, self.day))
        by_day: dict[int, tuple[set[int], dict[int, int | Mapping[int, int]], dict[int, set[int]]]] = {}
        for train, placement in candidate.placements.items():
            removed, moved, lost = by_day.setdefault(int(self.window.days[train]), (set(), {}, {}))
            origin = int(self.window.origin[train])
            found = placement.retimed
            if found is None:
                removed.add(origin)
                continue
            legs = self.scene.of(train)[placement.variant].legs
            moved[origin] = {
                self.scene.point_of(train, stand.call): int(shift_s)
                for stand, shift_s in zip(legs.stands, found.shift_s.tolist(), strict=False)
                if stand.call >= 0
            }
            if not found.whole:
                served = {stand.call for stand in legs.stands[found.first : found.last + 2]}
                points = {self.scene.point_of(train, stand.call) for stand in legs.stands if stand.call >= 0}
                lost[origin] = points - {self.scene.point_of(train, call) for call in served if call >= 0}
        return [
            short
            for removed, moved, lost in (by_day[key] for key in sorted(by_day))
            for short in self.levels[0].may_lose(sorted(removed), moved, lost)
        ]

    def keeping_levels(
        self, candidate: Candidate, steps: int, *, rounds: int = LEVEL_ROUNDS, other_tracks: int = 0
    ) -> tuple[Candidate, list[Shortfall]]:
        """Return the candidate with minimum levels kept as far as they can be, and those that cannot.

        Parameters
        ----------
        candidate : Candidate
        steps : int
            Steps of re-planning each time that more trains are bound to run.
        rounds : int
            So often at most.
        other_tracks : int
            So often other tracks are looked for each time.
        """
        short = self.shortfalls(candidate)
        if not short or not self.rulebook.rules.keeps_minimum_levels:
            return candidate, short
        best, kept = (candidate, short), set(self.rulebook.kept)
        latest = candidate
        for _ in range(rounds):
            more = self._needed(latest) - kept
            if not more:
                break
            kept |= more
            stage = self._with(replace(self.rulebook, kept=frozenset(kept), _known={}))
            again = stage.pricing(candidate.runs, candidate.how, steps)
            if again is None:
                break
            again = stage.other_tracks.better(stage.pricing, again, other_tracks)
            latest, short = again, self.shortfalls(again)
            if (len(short), again.eur) < (len(best[1]), best[0].eur):
                best = (again, short)
            if not short:
                break
        return best

    def _needed(self, candidate: Candidate) -> set[int]:
        """Return the trains of a candidate that do not run whole and that a minimum level misses."""
        found = set()
        for train, placement in candidate.placements.items():
            if placement.retimed is not None and placement.retimed.whole:
                continue
            alone = replace(candidate, placements={train: placement})
            if self.shortfalls(alone):
                found.add(train)
        return found

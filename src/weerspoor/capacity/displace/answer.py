"""What ``plan --displace`` answers: proposals under a rule set, what other sets would allow, what each rule costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from weerspoor.capacity import plan as p
from weerspoor.capacity import proposal as o
from weerspoor.capacity.displace.account import Account
from weerspoor.capacity.displace.paths import Candidate, candidates
from weerspoor.capacity.displace.propose import Proposed, propose
from weerspoor.capacity.displace.rules import MOVE_OF, Rulebook
from weerspoor.capacity.displace.settings import displace_settings
from weerspoor.capacity.displace.simple import compared
from weerspoor.capacity.displace.stage import Stage
from weerspoor.capacity.displib import plan_displib
from weerspoor.capacity.fit import Problem
from weerspoor.capacity.make import Made, labelled, plan_on, with_explanation
from weerspoor.capacity.plan import Sentence
from weerspoor.capacity.request import Request
from weerspoor.capacity.rules import RuleLine, RuleSet, rule_set, rule_set_names
from weerspoor.common.errors import InputError
from weerspoor.kernel.graph import Run
from weerspoor.network.model import Network
from weerspoor.timetable.day import Day

Progress = Callable[[str], None]
READY, DRAFT, REFUSED, NOT_ALLOWED = "ready", "draft", "refused", "not_allowed"
PROPOSED = "proposed"
"""Outcome of a plan that has proposals; a person decides."""


@dataclass(frozen=True)
class Answer:
    """A plan with its proposals, and what they were made from.

    Attributes
    ----------
    plan : Plan
    made : Made
        The plan in what is free.
    proposed : Proposed or None
    stage : Stage or None
    """

    plan: p.Plan
    made: Made
    proposed: Proposed | None
    stage: Stage | None

    def displib(self, proposal: str = "") -> dict[str, bytes]:
        """Return a proposal in DISPLIB form, the trains moved included; the path in what is free if nothing is moved.

        Raises
        ------
        InputError
            If there is no such proposal.
        """
        chosen = self.chosen(proposal)
        return self.made.displib() if chosen is None else plan_displib(*chosen)

    @property
    def found(self) -> bool:
        """Whether the train can run: in what is free, or by a proposal that the rules allow."""
        displacement = self.plan.displacement
        return bool(self.plan.paths) or bool(displacement is not None and displacement.proposals)

    def chosen(self, proposal: str) -> tuple[Problem, tuple[Run, ...]] | None:
        """Return the train on the day as it becomes, and its runs, of a proposal; the least harm when it is not named.

        Raises
        ------
        InputError
            If there is no such proposal.
        """
        if self.proposed is None or not self.proposed.proposals:
            if proposal:
                raise InputError(f"there is no proposal {proposal!r}", where="--proposal")
            return None
        names = [one.id for one in self.proposed.proposals]
        wanted = proposal or names[0]
        for number, name in enumerate(names):
            if name.casefold() == wanted.casefold():
                return self.proposed.problems[number], self.proposed.candidates[number].runs
        raise InputError(f"there is no proposal {proposal!r}", where="--proposal", hint=", ".join(names))


def displace_on(
    request: Request,
    network: Network,
    day: Day,
    *,
    rules: str = "besluit",
    most_eur: float = np.inf,
    progress: Progress = lambda _: None,
    first: Callable[[Candidate], None] = lambda _: None,
) -> Answer:
    """Plan a request, its points looked up; where nothing is free, propose what to displace.

    Parameters
    ----------
    request : Request
    network : Network
    day : Day
        With passengers.
    rules : str
        Name of a rule set.
    most_eur : float
        What does more harm is no proposal.
    progress : callable
    first : callable
        Is told every candidate as soon as it is priced.

    Raises
    ------
    InputError
        If the rule set does not exist or needs an urgency that the request does not have, or the day has no
        passengers.
    """
    chosen = rule_set(rules)
    status = chosen.status(request.urgency, request.date)
    progress("looking for a free path")
    made = plan_on(request, network, day, alternatives=0, explained=False, progress=progress)
    if made.plan.paths:
        note = _displacement(chosen, READY, Sentence(_free_key(made.plan)), free=True)
        return Answer(_with(made, note, chosen), made, None, None)
    if status.kind == REFUSED:
        made = with_explanation(made, progress)
        note = _displacement(chosen, REFUSED, Sentence("displace.summary.refused"), missing=list(status.missing))
        return Answer(_with(made, note, chosen), made, None, None)
    progress("setting up the trains of the day")
    stage = Stage.of(request, network, day, chosen, by_consent=not chosen.displaces)
    if chosen.displaces:
        return _displaced(stage, made, chosen, status.kind, list(status.missing), most_eur, progress, first)
    return _by_consent(stage, made, chosen, most_eur, progress, first)


def answer_of(request: Request, made: Made, proposed: Proposed, stage: Stage, rules: RuleSet) -> Answer:
    """Return proposals as the answer to a request that changed.

    Parameters
    ----------
    request : Request
        As it is now.
    made : Made
        With the plan that it was; its paths are dropped.
    proposed : Proposed
    stage : Stage
    rules : RuleSet
    """
    kind, missing = _status(rules, request)
    empty = msgspec.structs.replace(
        made.plan,
        outcome="none",
        paths=[],
        explanation=None,
        request=request.as_dict(),
        provenance=msgspec.structs.replace(made.plan.provenance, request=request.content_hash),
    )
    key = "displace.summary.none"
    values: dict[str, object] = {}
    if proposed.proposals:
        least = proposed.proposals[0]
        key, values = "displace.summary.proposals", {"trains": len(least.moves), "eur": round(least.harm.eur)}
    note = _displacement(rules, kind, Sentence(key, values), missing=missing, proposals=proposed.proposals)
    return Answer(_with(replace(made, plan=empty), note, rules), made, proposed, stage)


def _free_key(plan: p.Plan) -> str:
    in_reserve = any(path.reserve_paths for path in plan.paths)
    return "displace.summary.reserve" if in_reserve else "displace.summary.free"


def _displaced(  # noqa: PLR0917
    stage: Stage,
    made: Made,
    rules: RuleSet,
    status: str,
    missing: list[Sentence],
    most_eur: float,
    progress: Progress,
    first: Callable[[Candidate], None],
) -> Answer:
    proposed = propose(stage, most_eur=most_eur, progress=progress, first=first)
    if not proposed.proposals:
        made = with_explanation(made, progress)
        key = "displace.summary.too_much_harm" if proposed.found else "displace.summary.none"
        note = _displacement(rules, status, Sentence(key), missing=missing)
        return Answer(_with(made, note, rules), made, proposed, stage)
    least = proposed.proposals[0]
    progress("asking what each rule costs")
    best = proposed.candidates[0]
    note = _displacement(
        rules,
        status,
        Sentence("displace.summary.proposals", {"trains": len(least.moves), "eur": round(least.harm.eur)}),
        missing=missing,
        proposals=proposed.proposals,
        rule_sets=_other_sets(stage, rules, best),
        relaxed=_relaxed(stage, rules, best),
        compared=_compared(stage, proposed.found),
    )
    return Answer(_with(made, note, rules), made, proposed, stage)


def _by_consent(  # noqa: PLR0917
    stage: Stage,
    made: Made,
    rules: RuleSet,
    most_eur: float,
    progress: Progress,
    first: Callable[[Candidate], None],
) -> Answer:
    """Answer under rules that withdraw nothing: what consent would make possible, and what other rules would."""
    progress("asking which shifts by consent would help")
    proposed = propose(stage, most_eur=most_eur, progress=progress, first=first)
    progress("asking what other rules would allow")
    others = [name for name in rule_set_names() if rule_set(name).displaces]
    free = stage.under(rule_set(others[0])) if others else stage
    looked = list(candidates(free.problem, free.pricing, progress)) if others else []
    best = min(looked, key=lambda one: (one.eur, one.arrival_s), default=None)
    made = with_explanation(made, progress)
    key = "displace.summary.consent" if proposed.proposals else "displace.summary.nothing_allowed"
    note = _displacement(
        rules,
        NOT_ALLOWED,
        Sentence(key),
        consent=proposed.proposals,
        rule_sets=_other_sets(free, rules, best),
        relaxed=_relaxed(stage, rules, best),
        compared=_compared(free, looked),
    )
    # None of the proposals by consent may be carried out, or exported, without asking.
    asked = replace(proposed, proposals=[], candidates=[], problems=[])
    return Answer(_with(made, note, rules), made, asked, stage)


def _other_sets(stage: Stage, rules: RuleSet, best: Candidate | None) -> list[o.RuleAnswer]:
    """Return what the other rule sets would let happen."""
    found = []
    steps = displace_settings().search.steps // 2
    for name in rule_set_names():
        if name == rules.name:
            continue
        other = rule_set(name)
        candidate = None
        if best is not None and other.displaces:
            under = stage.under(other)
            candidate = under.pricing(best.runs, best.how, steps)
            candidate = None if candidate is None else under.keeping_levels(candidate, steps)[0]
            if _allows_all(under, best) and (candidate is None or best.eur < candidate.eur):
                candidate = best
        status, missing = _status(other, stage.problem.request)
        outcome = "none" if candidate is None else "path" if status == READY else "draft"
        if candidate is None and not other.displaces:
            outcome = "consent"
        found.append(
            o.RuleAnswer(
                rules=name,
                title_nl=other.title("nl"),
                title_en=other.title("en"),
                in_force=other.in_force,
                outcome=outcome,
                eur=None if candidate is None else round(candidate.eur, 2),
                trains=None if candidate is None else len(candidate.placements),
                missing=missing,
            )
        )
    return found


def _allows_all(stage: Stage, candidate: Candidate) -> bool:
    """Tell whether the rules of a stage allow all that a candidate does to others."""
    kinds = ((train, Account(stage.scene, train, placement).kind) for train, placement in candidate.placements.items())
    return all(stage.rulebook.permission(train, MOVE_OF[kind]).allowed for train, kind in kinds)


def _status(rules: RuleSet, request: Request) -> tuple[str, list[Sentence]]:
    try:
        status = rules.status(request.urgency, request.date)
    except InputError:
        return DRAFT, [Sentence("displace.missing.urgency")]
    return status.kind, list(status.missing)


def _relaxed(stage: Stage, rules: RuleSet, best: Candidate | None) -> list[o.Relaxed]:
    """Return what would be saved if each line of the rules were relaxed alone: the same path, priced again."""
    if best is None:
        return []
    now = None if not rules.displaces else best.eur
    found = []
    for line in rules.relaxable:
        eur = _eur_without(stage, rules, line, best)
        saved = None if eur is None or now is None else max(now - eur, 0.0)
        found.append(
            o.Relaxed(
                rule=Rulebook.citation(line),
                eur=None if eur is None else round(eur, 2),
                saved_eur=None if saved is None else round(saved, 2),
            )
        )
    return found


def _eur_without(stage: Stage, rules: RuleSet, line: RuleLine, best: Candidate) -> float | None:
    other = rules.without(line.id)
    if not other.displaces:
        return None
    steps = displace_settings().search.level_steps
    relaxed = stage.under(other)
    if rules.displaces and other.keeps_minimum_levels == rules.keeps_minimum_levels:
        met = {*best.placements, *stage.pricing.in_the_way(best.runs)}
        if all(relaxed.rulebook(train) == stage.rulebook(train) for train in met):
            return best.eur  # nothing else is allowed to any train that the path meets
    worked = relaxed.pricing(best.runs, best.how, steps)
    if worked is None:
        return None
    return min(relaxed.keeping_levels(worked, steps)[0].eur, best.eur if rules.displaces else np.inf)


def _compared(stage: Stage, looked: list[Candidate]) -> o.Compared | None:
    quickest = next((one for one in looked if one.how == "undisturbed"), None)
    return None if quickest is None else compared(stage.scene, stage.pricing, quickest.runs)


def _displacement(
    rules: RuleSet,
    status: str,
    summary: Sentence,
    *,
    free: bool = False,
    missing: list[Sentence] | None = None,
    proposals: list[o.Proposal] | None = None,
    consent: list[o.Proposal] | None = None,
    rule_sets: list[o.RuleAnswer] | None = None,
    relaxed: list[o.Relaxed] | None = None,
    compared: o.Compared | None = None,
) -> o.Displacement:
    return o.Displacement(
        rules=o.RuleNote(
            name=rules.name,
            title_nl=rules.title("nl"),
            title_en=rules.title("en"),
            in_force=rules.in_force,
            valid_from=rules.valid_from.isoformat() if rules.valid_from else "",
            valid_to=rules.valid_to.isoformat() if rules.valid_to else "",
            certainty=rules.certainty,
            source=rules.source,
            hash=rules.content_hash,
            compensated=rules.compensated,
            decided_by=list(rules.decided_by),
        ),
        status=status,
        missing=missing or [],
        summary=summary,
        free=free,
        proposals=proposals or [],
        consent=consent or [],
        rule_sets=rule_sets or [],
        relaxed=relaxed or [],
        compared=compared,
        analogies=[
            o.Citation(id=one.id, article=one.article, basis=one.basis, certainty=one.certainty, nl=one.nl, en=one.en)
            for one in rules.analogies
        ],
    )


def _with(made: Made, note: o.Displacement, rules: RuleSet) -> p.Plan:
    """Return the plan with its displacement, its handling and hash made anew."""
    day, series = made.plan.day, made.plan.request.get("series")
    if note.proposals and series is not None and series.get("return_ready_s") is not None:
        apart = Sentence("plan.warning.returns_apart")
        day = msgspec.structs.replace(day, warnings=[*day.warnings, apart])
    plan = msgspec.structs.replace(
        made.plan,
        day=day,
        outcome=PROPOSED if note.proposals else made.plan.outcome,
        displacement=note,
        provenance=msgspec.structs.replace(made.plan.provenance, rule_set=rules.content_hash),
    )
    return labelled(plan)

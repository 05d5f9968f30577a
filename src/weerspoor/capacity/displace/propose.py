"""Proposals for a train that finds nothing free: the candidates chosen, worked out, and told for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from weerspoor.capacity import plan as p
from weerspoor.capacity import proposal as o
from weerspoor.capacity.assemble import Assembler, to_step
from weerspoor.capacity.diagram import diagram_trains
from weerspoor.capacity.displace.account import Account, harm_sum, missed_connections
from weerspoor.capacity.displace.choose import chosen
from weerspoor.capacity.displace.late import Lateness, lateness_s, refuges, robust_eur
from weerspoor.capacity.displace.paths import Candidate, candidates
from weerspoor.capacity.displace.settings import displace_settings
from weerspoor.capacity.displace.stage import LEVEL_ROUNDS, Stage
from weerspoor.capacity.fit import Problem, vary
from weerspoor.capacity.geometry import Course
from weerspoor.capacity.minimum_levels import Shortfall
from weerspoor.capacity.series import reference, train_of_day
from weerspoor.common.clock import DAY_START_S
from weerspoor.kernel.graph import Run
from weerspoor.timetable.altered import altered
from weerspoor.timetable.day import Day
from weerspoor.timetable.harm import Harm

Progress = Callable[[str], None]


@dataclass
class Proposed:
    """Proposals with what they were made from.

    Attributes
    ----------
    proposals : list of Proposal
    candidates : list of Candidate
        One for each proposal.
    problems : list of Problem
        The train on the day as it becomes, one for each proposal.
    found : list of Candidate
        All that were looked at.
    """

    proposals: list[o.Proposal]
    candidates: list[Candidate]
    problems: list[Problem]
    found: list[Candidate]


def propose(
    stage: Stage,
    *,
    most_eur: float = np.inf,
    progress: Progress = lambda _: None,
    first: Callable[[Candidate], None] = lambda _: None,
    found: Iterable[Candidate] | None = None,
    thorough: bool = True,
) -> Proposed:
    """Return proposals, the one of least harm first; none if there is no path whatever is moved.

    Parameters
    ----------
    stage : Stage
    most_eur : float
        What does more harm is no proposal.
    progress : callable
    first : callable
        Is told every candidate as it is found.
    found : iterable of Candidate, optional
        Candidates, instead of looking for them.
    thorough : bool
        Work the candidates out at length, and ask what happens when the train is late.
    """
    looked: list[Candidate] = []
    for candidate in candidates(stage.problem, stage.pricing, progress) if found is None else found:
        first(candidate)
        looked.append(candidate)
    worked = [_worked_out(stage, candidate, thorough, progress) for candidate in _promising(stage, looked)]
    told = [(replace(candidate, eur=_told_eur(stage, candidate)), candidate, short) for candidate, short in worked]
    told = [row for row in told if row[0].eur <= most_eur]
    of_told = {id(as_told): (candidate, short) for as_told, candidate, short in told}
    result = Proposed([], [], [], looked)
    soonest_s = min((candidate.arrival_s for candidate in looked), default=0.0)
    for number, (why, as_told) in enumerate(chosen([row[0] for row in told])):
        candidate, short = of_told[id(as_told)]
        progress(f"making the proposal {why.replace('_', ' ')}")
        maker = _Maker(stage, candidate, f"D{number + 1}", why, progress if thorough else None)
        result.proposals.append(maker.proposal(soonest_s, short))
        result.candidates.append(candidate)
        result.problems.append(maker.after)
    return result


def _promising(stage: Stage, looked: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates worth more work, each once: the cheapest at first, and the first to arrive."""
    once = {
        (one.eur, *((run.directed.tobytes(), float(run.depart_s[0]), float(run.exit_s[-1])) for run in one.runs)): one
        for one in reversed(looked)
    }
    weight = {id(one): _weight_eur(stage, one) for one in once.values()}
    cheapest = sorted(once.values(), key=lambda one: (weight[id(one)], one.arrival_s))
    cheapest = cheapest[: displace_settings().search.worked_out]
    soonest = sorted(once.values(), key=lambda one: (one.arrival_s, one.eur))[:1]
    return cheapest + [one for one in soonest if all(one is not other for other in cheapest)]


def _told_eur(stage: Stage, candidate: Candidate) -> float:
    """Return the harm of a candidate as it will be told: connections included, which its price leaves out."""
    accounts = [Account(stage.scene, train, placement) for train, placement in sorted(candidate.placements.items())]
    missed = sum(missed_connections(accounts).values(), Harm())
    return (sum((account.harm for account in accounts), Harm()) + missed).eur


def _weight_eur(stage: Stage, candidate: Candidate) -> float:
    """Return the harm of a candidate; minimum levels left unmet weigh as much besides as when trains are placed."""
    if not stage.rulebook.rules.keeps_minimum_levels:
        return candidate.eur
    return candidate.eur + displace_settings().moves.level_eur * len(stage.shortfalls(candidate))


def _worked_out(
    stage: Stage, candidate: Candidate, thorough: bool, progress: Progress
) -> tuple[Candidate, list[Shortfall]]:
    """Return a candidate with more work done on it and minimum levels kept as far as can be."""
    progress("re-planning the trains in its way")
    search = displace_settings().search
    steps = search.steps if thorough else search.quick_steps
    worked = stage.pricing(candidate.runs, candidate.how, steps)
    if worked is None or _weight_eur(stage, worked) > _weight_eur(stage, candidate):
        worked = candidate
    progress("looking for other tracks for the costliest of them")
    worked = stage.other_tracks.better(stage.pricing, worked, search.track_rounds if thorough else 1)
    level_steps = search.level_steps if thorough else search.quick_steps // 2
    return stage.keeping_levels(
        worked, level_steps, rounds=LEVEL_ROUNDS if thorough else 1, other_tracks=1 if thorough else 0
    )


class _Maker:
    """Makes one proposal."""

    def __init__(self, stage: Stage, candidate: Candidate, name: str, why: str, progress: Progress | None) -> None:
        self.stage, self.candidate, self.name, self.why, self.progress = stage, candidate, name, why, progress
        placements = sorted(candidate.placements.items())
        self.accounts = [Account(stage.scene, train, placement) for train, placement in placements]
        self.after = vary(stage.problem, day=self._day_after(), without=())

    def _day_after(self, beside: int | None = None) -> Day:
        """Return the day of the window as it becomes; with the other military trains, as one of them meets it."""
        runs = [] if beside is None else [
            train_of_day(self.stage.problem, run, reference(self.stage.problem.request, number))
            for number, run in enumerate(self.candidate.runs)
            if number != beside
        ]  # fmt: skip
        moved = [account.added() for account in self.accounts if account.placement.retimed is not None]
        gone = [account.train for account in self.accounts]
        return altered(self.stage.window.day, gone, [*moved, *runs])

    def proposal(self, soonest_s: float, short: list[Shortfall]) -> o.Proposal:
        """Return the proposal."""
        paths = [self._path(number, run) for number, run in enumerate(self.candidate.runs)]
        by_day = missed_connections(self.accounts)
        missed = sum(by_day.values(), Harm())
        moves = [account.move(self.stage.rulebook) for account in self.accounts]
        self._draw(moves)
        moves.sort(key=lambda move: (-move.harm.eur, move.train))
        cases = []
        if self.progress is not None:
            cases = Lateness(self.after, self.stage.pricing, self.candidate, self.progress).cases()
        notices = _notices(moves)
        military_by_s = int(self.candidate.departure_s) - displace_settings().notice.military_s
        return o.Proposal(
            id=self.name,
            why=self.why,
            paths=paths,
            moves=moves,
            harm=harm_sum(sum((account.harm for account in self.accounts), Harm()) + missed),
            missed=harm_sum(missed),
            by_segment=_pays(moves, lambda move: move.segment),
            by_hour=_pays(moves, _hour),
            arrival_s=to_step(self.candidate.arrival_s),
            late_s=lateness_s(self.candidate, soonest_s),
            robust_eur=robust_eur(cases),
            late=cases,
            decide_by_s=min([move.decide_by_s for move in moves] + [military_by_s]),
            refuges=refuges(self.after, paths[0]),
            notices=notices,
            consent=_consent(moves),
            reserve_paths=sorted({name for path in paths for name in path.reserve_paths}),
            minimum_levels=[o.LevelShort(**asdict(one)) for one in short],
        )

    def _path(self, number: int, run: Run) -> p.Path:
        after = self.after if len(self.candidate.runs) == 1 else vary(self.after, day=self._day_after(number))
        return Assembler(after, run).path(f"{self.name}P{number + 1}", "displaced")

    def _draw(self, moves: list[o.Move]) -> None:
        """Draw the moved trains in the diagram of the first path, as in the day and as they become."""
        run = self.candidate.runs[0]
        course = Course(self.stage.network, run.directed)
        before = {row.reference: row.lines for row in diagram_trains(vary(self.stage.problem, without=()), run, course)}
        after = {row.reference: row.lines for row in diagram_trains(self.after, run, course)}
        for move in moves:
            move.line_before = before.get(move.train, [])
            move.line_after = after.get(move.train, [])


def _hour(move: o.Move) -> str:
    first = next((call for call in move.calls if call.new_arrival_s != call.old_arrival_s), move.calls[0])
    return f"{(first.old_departure_s // 3600) % 24:02d}"


def _pays(moves: Sequence[o.Move], key: Callable[[o.Move], str]) -> list[o.Pays]:
    """Return who pays, by a key of each move, the greatest harm first; hours in order of the operating day."""
    groups: dict[str, list[o.Move]] = defaultdict(list)
    for move in moves:
        groups[key(move)].append(move)
    rows = [
        o.Pays(
            what=what,
            trains=len(group),
            passenger_min=round(
                sum(
                    move.harm.passenger_min_delay
                    + move.harm.passenger_min_waiting
                    + move.harm.passenger_min_cancelled
                    + move.harm.passenger_min_missed
                    for move in group
                ),
                1,
            ),
            freight_tonne_h=round(sum(move.harm.freight_tonne_h for move in group), 2),
            eur=round(sum(move.harm.eur for move in group), 2),
        )
        for what, group in groups.items()
    ]
    if all(row.what.isdigit() for row in rows):
        return sorted(rows, key=lambda row: (int(row.what) * 3600 - DAY_START_S) % 86_400)
    return sorted(rows, key=lambda row: (-row.eur, row.what))


def _consent(moves: Sequence[o.Move]) -> list[str]:
    asked = {move.undertaking or move.segment for move in moves if move.needs_consent}
    return sorted(asked) + sorted({name for move in moves for name in move.neighbours} - asked)


def _notices(moves: Sequence[o.Move]) -> list[o.Notice]:
    """Return the notice to each holder: by undertaking, and segment where no source names one."""
    groups: dict[tuple[str, str], list[o.Move]] = defaultdict(list)
    for move in moves:
        groups[move.undertaking, "" if move.undertaking else move.segment].append(move)
    found = []
    for (undertaking, segment), group in sorted(groups.items()):
        cited = {move.rule.id: move.rule for move in group}
        found.append(
            o.Notice(
                undertaking=undertaking,
                segment=segment or group[0].segment,
                send_by_s=min(move.decide_by_s for move in group),
                trains=[_notice_train(move) for move in sorted(group, key=lambda move: move.train)],
                citations=[cited[key] for key in sorted(cited)],
            )
        )
    return found


def _notice_train(move: o.Move) -> o.NoticeTrain:
    return o.NoticeTrain(
        train=move.train,
        kind=move.kind,
        asks_consent=move.needs_consent,
        neighbours=move.neighbours,
        times=[
            o.NoticeTime(
                code=call.code, name=call.name, old_arrival_s=call.old_arrival_s, old_departure_s=call.old_departure_s,
                new_arrival_s=call.new_arrival_s, new_departure_s=call.new_departure_s,
            )
            for call in move.calls
            if call.stops or call.new_arrival_s is None
        ],
    )  # fmt: skip

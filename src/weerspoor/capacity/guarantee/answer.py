"""What a railway guarantees to a military demand: paths by corridor and hour, shares, reserve, occupation, levels.

The work is a list of parts that do not depend on each other, each worked out from the same network, day and demand; so
they may be spread over processes, and the result is the same for any number of them. Ctrl-C leaves the parts that are
done, and the result says which are missing.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from weerspoor import __version__
from weerspoor.capacity.fit import Problem
from weerspoor.capacity.guarantee import result as r
from weerspoor.capacity.guarantee.binding import Way, place
from weerspoor.capacity.guarantee.bound import Bound, upper_bound
from weerspoor.capacity.guarantee.demand import MilitaryDemand, Relation, with_codes
from weerspoor.capacity.guarantee.fit import DemandFit, Displacer, shares
from weerspoor.capacity.guarantee.freight_levels import Levels, freight_shortfalls
from weerspoor.capacity.guarantee.packing import FREE, RESERVE, Count, DayLines, count, longest_s, relation_problem
from weerspoor.capacity.guarantee.reserve_proposal import reserve_proposal
from weerspoor.capacity.guarantee.settings import guarantee_settings
from weerspoor.capacity.guarantee.uic406 import occupations
from weerspoor.capacity.make import find_day
from weerspoor.capacity.plan import Handling, Sentence
from weerspoor.capacity.request import point_index
from weerspoor.capacity.schema import pointers
from weerspoor.capacity.settings import assumptions_hash, settings
from weerspoor.common.files import content_hash

if TYPE_CHECKING:
    from weerspoor.network.model import Network
    from weerspoor.timetable.day import Day
    from weerspoor.trains.model import Train

Progress = Callable[[str], None]

SHARES, PROPOSAL = "shares", "reserve"
"""Names of the parts that are not a count."""

FEW_PATHS = 2
"""Hours with so many paths or fewer are asked what binds them."""


@dataclass(frozen=True)
class Part:
    """One part of the work.

    Attributes
    ----------
    name : str
        ``shares``, ``reserve``, or corridor, direction and kind of a count.
    corridor, direction : int
        -1 for the parts that are no count.
    """

    name: str
    corridor: int = -1
    direction: int = -1
    kind: str = ""


class Guarantee:
    """The question of a demand to a day.

    Parameters
    ----------
    network : Network
    day : Day or None
        None for an empty railway.
    demand : MilitaryDemand
        With the codes of its points.
    displaced : callable, optional
        Finds paths by moving trains; without it the result says that displacement was not computed.
    levels : callable
        Gives the minimum levels that the day does not reach.
    rules : str
        Name of the rule set.
    """

    def __init__(
        self,
        network: Network,
        day: Day | None,
        demand: MilitaryDemand,
        *,
        displaced: Displacer | None = None,
        levels: Levels = freight_shortfalls,
        rules: str = "",
    ) -> None:
        self.network, self.day, self.demand = network, day, demand
        self.displaced, self.levels, self.rules = displaced, levels, rules
        if rules and displaced is None:
            from weerspoor.capacity.guarantee.displacing import displacer
            from weerspoor.capacity.rules import rule_set

            self.displaced = displacer(rule_set(rules))
        self._lines: dict[str, DayLines] = {}

    def parts(self) -> list[Part]:
        """Return the parts of the work, the longest first."""
        counts = [
            Part(f"{row.name} {relation.origin}-{relation.destination} {kind}", c, d, kind)
            for c, row in enumerate(self.demand.corridors)
            for d, relation in enumerate(row.directions)
            for kind in row.kinds
        ]
        return [Part(PROPOSAL), Part(SHARES), *counts] if self.demand.flows else counts

    def work(self, part: Part, progress: Progress = lambda _: None) -> Any:
        """Return the result of one part; it does not depend on what was asked before.

        The kernel keeps routes and halts of earlier questions with its graph, and the labels a search takes depend
        on them; so a part begins with a graph of its own.
        """
        for kept in ("graph", "fit"):
            self.network.cache.pop(kept, None)
        if part.name == PROPOSAL:
            return reserve_proposal(self.network, self.day, self.demand, progress)
        if part.name == SHARES:
            return self._shares(progress)
        return self._count(self.demand.corridors[part.corridor].directions[part.direction], part.kind)

    def _shares(self, progress: Progress) -> tuple[r.Shares, list[r.LevelShortfall] | None]:
        fit = DemandFit(self.network, self.day, self.demand, self.displaced)
        placing = fit.best(progress)
        levels = None if self.day is None else self.levels(self.network, self.day, placing.reserve_taken)
        return shares(self.network, self.demand, placing, displaces=self.displaced is not None), levels

    def lines(self, kept: str) -> DayLines:
        """Return the timelines of the day with or without its reserve paths, made once."""
        if kept not in self._lines:
            self._lines[kept] = DayLines(self.network, self.day, kept)
        return self._lines[kept]

    def _count(self, relation: Relation, kind: str) -> r.KindCount:
        problem = relation_problem(self.network, self.day, relation, self.demand.kinds[kind].train)
        if problem.no_track or not problem.tracks_lead_through:
            return _impossible(problem, kind)
        every, bound_every = self._counted(problem, RESERVE, ())
        free, bound_free = self._counted(problem, FREE, every.none)
        # A free path is also one with the reserve, so the bound of these holds for it as well.
        bound_free = bound_free.within(bound_every)
        by_hour = [max(pair) for pair in zip(free.by_hour(), every.by_hour(), strict=True)]
        few = [hour for hour, paths in enumerate(by_hour) if paths <= FEW_PATHS]
        return r.KindCount(
            kind=kind,
            possible=True,
            why_not=None,
            journey_min=round(problem.least_journey_s / 60, 1),
            longest_min=round(longest_s(problem) / 60, 1),
            free=free.by_hour(),
            with_reserve=every.by_hour(),
            bound_free=bound_free.hours,
            bound_with_reserve=bound_every.hours,
            free_day=len(free.runs),
            with_reserve_day=len(every.runs),
            bound_free_day=bound_free.day,
            bound_with_reserve_day=bound_every.day,
            broken_off=sorted({*free.broken_off, *every.broken_off}),
            binding=Way(problem).bindings(self.lines(RESERVE), few),
            cut=_tracks(self.network, bound_every.cut),
        )

    def _counted(self, problem: Problem, kept: str, none: tuple[int, ...]) -> tuple[Count, Bound]:
        """Return a count and its bound; ``none`` are hours in which no path leaves, as is known already."""
        lines = self.lines(kept)
        found = count(problem, lines, none=none)
        bound = upper_bound(
            problem,
            lines.timelines,
            longest_s(problem),
            none=found.none,
            repeats=lines.repeats,
            through_gaps=kept == RESERVE,
        )
        return found, bound

    def result(self, done: Iterable[tuple[Part, Any]]) -> r.GuaranteeResult:
        """Return the whole result from the parts that are done."""
        worked = {part.name: value for part, value in done}
        missing = [part.name for part in self.parts() if part.name not in worked]
        demand, day, rule = self.demand, self.day, settings().handling
        shared, levels = worked.get(SHARES, (None, None))
        result = r.GuaranteeResult(
            reference=demand.reference,
            title=demand.title,
            outcome="partial" if missing else "fits_not" if shared is not None and shared.none else "fits",
            missing=missing,
            handling=Handling(label=rule.label, sensitive=[]),
            provenance=r.Provenance(
                program=f"weerspoor {__version__}",
                network=self.network.content_hash,
                day=day.content_hash if day is not None else "",
                demand=demand.content_hash,
                assumptions=assumptions_hash(),
                rule_set=self.rules,
            ),
            day=day.name if day is not None else "empty",
            day_kind=day.kind if day is not None else "",
            day_date=day.date if day is not None else "",
            lacks=list(day.lacks) if day is not None else [],
            rules=self.rules,
            growth_volume=demand.growth.volume,
            growth_frequency=demand.growth.frequency,
            kinds={name: kind.title for name, kind in demand.kinds.items()},
            trains={name: _described(kind.train) for name, kind in demand.kinds.items()},
            corridors=[self._corridor(c, worked) for c in range(len(demand.corridors))],
            shares=shared,
            reserve=worked.get(PROPOSAL, []),
            levels=levels,
            assumptions=_assumptions(demand),
        )
        sensitive = pointers(result, guarantee_settings().handling.sensitive)
        result = msgspec.structs.replace(result, handling=Handling(label=rule.label, sensitive=sensitive))
        return sealed(result)

    def _corridor(self, index: int, worked: dict[str, Any]) -> r.CorridorResult:
        row = self.demand.corridors[index]
        names = [part for part in self.parts() if part.corridor == index]
        return r.CorridorResult(
            name=row.name,
            title=row.title,
            source=row.source,
            directions=[
                self._direction(
                    relation,
                    [worked[part.name] for part in names if part.direction == d and part.name in worked],
                )
                for d, relation in enumerate(row.directions)
            ],
        )

    def _direction(self, relation: Relation, kinds: list[r.KindCount]) -> r.Direction:
        points = [point_index(self.network.points, code) for code in (relation.origin, *relation.via,
                                                                      relation.destination)]  # fmt: skip
        places = [place(self.network, point) for point in points]
        return r.Direction(
            origin=places[0],
            destination=places[-1],
            via=places[1:-1],
            kinds=kinds,
            occupation=self._occupation(relation, kinds),
        )

    def _occupation(self, relation: Relation, kinds: list[r.KindCount]) -> list[r.SectionOccupation]:
        """Return the occupation along the way of the first kind that can run there."""
        able = [row.kind for row in kinds if row.possible]
        if self.day is None or not able:
            return []
        problem = relation_problem(self.network, self.day, relation, self.demand.kinds[able[0]].train)
        return occupations(Way(problem), self.day)


def _impossible(problem: Problem, kind: str) -> r.KindCount:
    """Return the count of a kind for which no tracks lead through, with the reason."""
    points = problem.network.points
    if problem.no_track:
        spot = problem.no_track[0]
        name = points.name[point_index(points, spot.point)]
        key = "guarantee.why_not.longest" if spot.longest_m > 0 else "guarantee.why_not.no_track"
        why = Sentence(key, {"place": name, "longest": round(spot.longest_m), "length": problem.train.length_m})
    else:
        why = Sentence("guarantee.why_not.no_way", {})
    none = [0] * 24
    return r.KindCount(
        kind=kind, possible=False, why_not=why, journey_min=0.0, longest_min=0.0, free=none, with_reserve=none,
        bound_free=none, bound_with_reserve=none, free_day=0, with_reserve_day=0, bound_free_day=0,
        bound_with_reserve_day=0, broken_off=[], binding=[], cut=[],
    )  # fmt: skip


def _tracks(network: Network, directed: tuple[int, ...]) -> list[str]:
    names = (network.tracks.name[int(network.pieces.track[piece >> 1])] for piece in directed)
    return list(dict.fromkeys(names))


def _described(train: Train) -> str:
    width = f", {2 * train.load_half_width_mm / 1000:.2f} m" if train.is_wide else ""
    power = "/".join(train.traction)
    return f"{train.length_m:g} m, {train.mass_t:g} t, {train.max_speed_kmh:g} km/h, {power}{width}"


def _assumptions(demand: MilitaryDemand) -> list[dict[str, str]]:
    """Return what a guarantee assumes beside what plans assume: the rules of the counts, and the demand itself."""
    rows = [{"what": "demand", "value": demand.reference, "certainty": demand.certainty, "source": demand.source}]
    for name, group in msgspec.to_builtins(guarantee_settings()).items():
        if isinstance(group, list):
            continue
        for key, value in group.items():
            if key not in ("certainty", "source", "sensitive"):
                shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
                rows.append({"what": f"guarantee.{name}.{key}", "value": shown, "certainty": group["certainty"],
                             "source": group["source"]})  # fmt: skip
    bands = ", ".join(f"{band.name} {band.from_h:g}-{band.to_h:g}" for band in guarantee_settings().band)
    note = guarantee_settings().bands
    rows.append({"what": "guarantee.bands", "value": bands, "certainty": note.certainty, "source": note.source})
    return rows


def sealed(result: r.GuaranteeResult) -> r.GuaranteeResult:
    """Return the result with its hash, its values just as a reader of its JSON gets them."""
    result = msgspec.json.decode(msgspec.json.encode(msgspec.structs.replace(result, hash="")), type=r.GuaranteeResult)
    return msgspec.structs.replace(result, hash=content_hash(msgspec.json.encode(result)))


def guarantee_json(result: r.GuaranteeResult) -> bytes:
    """Return the result as JSON, in a fixed order, ended with a line break."""
    return msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n"


def guarantee(
    demand: MilitaryDemand,
    *,
    day: str,
    jobs: int = 1,
    rules: str = "",
    progress: Progress = lambda _: None,
) -> r.GuaranteeResult:
    """Answer what a day guarantees to a demand.

    Parameters
    ----------
    demand : MilitaryDemand
        As read.
    day : str
        Name of an embedded day, or a file.
    jobs : int
        So many processes; the result does not depend on it.
    rules : str
        Name of the rule set.
    progress : callable

    Raises
    ------
    InputError
        If a point or the day does not exist.
    """
    from weerspoor.network.load import load_network

    progress("loading the network")
    network = load_network()
    demand = with_codes(demand, network.points)
    progress("loading the day")
    asked = Guarantee(network, find_day(day, network), demand, rules=rules)
    done: list[tuple[Part, Any]] = []
    parts = asked.parts()
    try:
        for part, value in _worked(asked, demand, day, jobs, progress):
            done.append((part, value))
            progress(f"{len(done)} of {len(parts)} parts done; last: {part.name}")
    except KeyboardInterrupt:
        progress("interrupted; keeping what is done")
    return asked.result(done)


def _worked(
    asked: Guarantee, demand: MilitaryDemand, day: str, jobs: int, progress: Progress
) -> Iterator[tuple[Part, Any]]:
    """Yield the parts with their results as they are done, worked out here or in other processes."""
    parts = asked.parts()
    if jobs <= 1:
        for part in parts:
            yield part, asked.work(part, progress)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(demand, day, asked.rules))
    try:
        asked_for = {pool.submit(_work, part): part for part in parts}
        for future in as_completed(asked_for):
            yield asked_for[future], future.result()
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


_ASKED: list[Guarantee] = []
"""In a process of the pool, the question that it works on."""


def _begin(demand: MilitaryDemand, day: str, rules: str) -> None:
    from weerspoor.network.load import load_network

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one ends it
    network = load_network()
    _ASKED[:] = [Guarantee(network, find_day(day, network), demand, rules=rules)]


def _work(part: Part) -> Any:
    return _ASKED[0].work(part)

"""Which reserve paths to hold so that a demand fits whenever it comes: real paths that can be had together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from weerspoor.capacity.guarantee.fit import ends
from weerspoor.capacity.guarantee.packing import DayLines, count, relation_problem
from weerspoor.capacity.guarantee.reserve_cover import least_cover, uncovered
from weerspoor.capacity.guarantee.result import Promise, ReservePath, ReserveProposal
from weerspoor.capacity.guarantee.settings import guarantee_settings
from weerspoor.common.clock import DAY_S, DAY_START_S

if TYPE_CHECKING:
    from weerspoor.capacity.guarantee.demand import Flow, MilitaryDemand
    from weerspoor.kernel.graph import Run
    from weerspoor.network.model import Network
    from weerspoor.timetable.day import Day


def reserve_proposal(
    network: Network, day: Day | None, demand: MilitaryDemand, progress: Callable[[str], None] = lambda _: None
) -> list[ReserveProposal]:
    """Return the reserve paths to hold for each flow, beside those for the flows before it.

    The candidates are paths that can be had together among the trains of the day; the reserve of the day as it is now
    is not held beside them.
    """
    lines = DayLines(network, day)
    found = []
    for number, flow in enumerate(demand.flows):
        progress(f"reserve for flow {number + 1} of {len(demand.flows)}: {flow.name}")
        train = demand.kinds[flow.kind].train
        problem = relation_problem(network, day, flow.relation, train, flow.name)
        runs = sorted(count(problem, lines).runs, key=lambda run: (run.depart_s[0], run.exit_s[-1]))
        proposal, held = _proposal(network, flow, runs)
        for run in held:
            lines.add(run, train.occupies)
        found.append(proposal)
    return found


def _proposal(network: Network, flow: Flow, runs: list[Run]) -> tuple[ReserveProposal, list[Run]]:
    """Return what to hold for a flow of its candidates, and the paths."""
    rule = guarantee_settings().reserve
    times = [int(run.depart_s[0]) for run in runs]
    known = flow.notice_s >= rule.cutoff_h * 3600
    cover = least_cover(times, flow.within_s, flow.trains, flow.ready_s if known else None)
    held = [runs[i] for i in cover.chosen]
    origin, destination = ends(network, flow.relation)
    hours = [0] * 24
    for run in held:
        hours[(int(run.depart_s[0]) - DAY_START_S) // 3600] += 1
    proposal = ReserveProposal(
        flow=flow.name,
        title=flow.title,
        origin=origin,
        destination=destination,
        kind=flow.kind,
        trains=flow.trains,
        notice_h=flow.notice_s / 3600,
        within_h=flow.within_s / 3600,
        known_times=known,
        candidates=len(runs),
        paths=[ReservePath(departure_s=int(run.depart_s[0]), arrival_s=int(run.exit_s[-1])) for run in held],
        hours=hours,
        share=round(cover.share, 4),
        uncovered=[] if known else _hours(uncovered(times, flow.within_s, flow.trains)),
        promises=[_promise(times, hours_, flow.trains) for hours_ in rule.within_h],
    )
    return proposal, held


def _promise(times: list[int], within_h: int, trains: int) -> Promise:
    cover = least_cover(times, within_h * 3600, trains)
    return Promise(within_h=float(within_h), paths=len(cover.chosen), share=round(cover.share, 4))


def _hours(spans: list[tuple[int, int]]) -> list[int]:
    """Return the hours of the operating day that stretches of time reach into."""
    found = set()
    for begin, end in spans:
        for second in range(begin, end, 60):
            found.add(((second - DAY_START_S) % DAY_S) // 3600)
    return sorted(found)

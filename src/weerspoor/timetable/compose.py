"""From placed trains to a day: calls, movements and holdings as arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from weerspoor.common.clock import STEP_S
from weerspoor.common.files import content_hash
from weerspoor.kernel.graph import Run
from weerspoor.network.model import Network
from weerspoor.timetable.build import Placed, Placer
from weerspoor.timetable.day import Calls, Day, DayTrains, Holdings, Movements
from weerspoor.timetable.passages import Passage, passages

Ints = npt.NDArray[np.int32]


def compose_day(
    placer: Placer,
    placed: Sequence[Placed],
    length_of: dict[str, float],
    *,
    name: str,
    kind: str,
    date: str = "",
    lacks: Sequence[str] = (),
    periodic: bool,
    reserve: Day | None = None,
    notes: dict[str, object] | None = None,
) -> Day:
    """Return the day of all trains that were placed.

    Parameters
    ----------
    placer : Placer
    placed : sequence of Placed
        Those without runs are left out.
    length_of : dict
        Train length in metres by kind of train.
    name, kind, date, lacks, periodic, reserve, notes
        As in :class:`weerspoor.timetable.day.Day`.
    """
    network = placer.network
    chosen = [train for train in placed if train.runs]
    holding: list[list[npt.NDArray[np.generic]]] = []
    moves: list[list[npt.NDArray[np.generic]]] = []
    calls: list[tuple[int, int, int, int, int, str]] = []
    call_start, move_start, occupies = [0], [0], []
    for number, train in enumerate(chosen):
        for run in train.runs:
            rows = placer.rows_of(train, run)
            owner = np.full(len(rows.zone), number, np.int32)
            holding.append([rows.zone, rows.from_s, rows.until_s, owner, rows.occupies, rows.blocks])
            moves.append([run.directed, *(np.round(times * 10) for times in (run.enter_s, run.exit_s, run.depart_s))])
        occupies.append(int(placer.rows_of(train, train.runs[0]).occupies[0]))
        calls += _calls_of(network, train)
        call_start.append(len(calls))
        move_start.append(move_start[-1] + sum(len(run.directed) for run in train.runs))
    columns = [np.concatenate(parts) for parts in zip(*holding, strict=True)] if holding else [np.empty(0)] * 6
    order = np.lexsort((columns[1], columns[0]))
    zone, from_s, until_s, owner = (column[order].astype(np.int32) for column in columns[:4])
    bits = [column[order].astype(np.uint8) for column in columns[4:]]
    steps = [np.concatenate(parts).astype(np.int32) for parts in zip(*moves, strict=True)]
    kinds = [train.wanted.kind for train in chosen]
    digest = content_hash(
        network.content_hash.encode(),
        "\n".join(train.wanted.reference for train in chosen).encode(),
        *(np.ascontiguousarray(array).tobytes() for array in (zone, from_s, until_s, owner, *bits)),
    )
    return Day(
        name=name,
        kind=kind,
        date=date,
        lacks=list(lacks),
        periodic=periodic,
        trains=DayTrains(
            reference=[train.wanted.reference for train in chosen],
            series=[train.wanted.series for train in chosen],
            kind=kinds,
            layer=[train.wanted.layer for train in chosen],
            phase=[train.wanted.phase for train in chosen],
            length_m=np.array([length_of[one] for one in kinds], dtype=np.float32),
            occupies=np.array(occupies, dtype=np.uint8),
        ),
        calls=Calls(
            start=np.array(call_start, dtype=np.int32),
            point=_column(calls, 0),
            arrival_s=_column(calls, 1),
            departure_s=_column(calls, 2),
            planned_arrival_s=_column(calls, 3),
            planned_departure_s=_column(calls, 4),
            track=[call[5] for call in calls],
        ),
        movements=Movements(np.array(move_start, dtype=np.int32), *steps),
        holdings=Holdings(zone, from_s, until_s, owner, *bits),
        reserve=reserve,
        network_hash=network.content_hash,
        content_hash=digest,
        notes=notes or {},
    )


def _column(calls: list[tuple[int, int, int, int, int, str]], index: int) -> Ints:
    return np.array([call[index] for call in calls], dtype=np.int32)


def _calls_of(network: Network, train: Placed) -> list[tuple[int, int, int, int, int, str]]:
    """Return (point, arrival, departure, planned arrival, planned departure, track) of every point of a train."""
    wanted = train.wanted
    found: list[tuple[int, int, int, int, int, str]] = []
    next_call = 0
    for number, run in enumerate(train.runs):
        for passage in _passages(network, run):
            arrival, departure = _step(passage.arrival_s), _step(passage.departure_s)
            if number and found and found[-1][0] == passage.point:
                before = found.pop()
                found.append((*before[:2], departure, *before[3:5], before[5] or passage.track))
                continue
            asked = (-1, -1)
            if passage.point in wanted.points[next_call:]:
                call = wanted.points.index(passage.point, next_call)
                asked, next_call = (wanted.arrival_s[call], wanted.departure_s[call]), call + 1
            found.append((passage.point, arrival, departure, *asked, passage.track))
    return found


def _passages(network: Network, run: Run) -> list[Passage]:
    return passages(network, run.directed, run.enter_s, run.exit_s, run.depart_s)


def _step(time_s: float) -> int:
    """Round to the step in which planners give times."""
    return STEP_S * round(time_s / STEP_S)

"""A run becomes a path of a plan: times at points, reasons, margins, neighbour tracks kept empty, the diagram."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property

import numpy as np
import numpy.typing as npt

from weerspoor.capacity import plan as p
from weerspoor.capacity.around import Around, Met
from weerspoor.capacity.calls import calls
from weerspoor.capacity.diagram import diagram_trains
from weerspoor.capacity.fit import Problem, journey_s
from weerspoor.capacity.geometry import Course, drawn_piece
from weerspoor.capacity.occupation import CLOSED
from weerspoor.capacity.settings import settings
from weerspoor.common.clock import DAY_S, STEP_S
from weerspoor.common.errors import InputError
from weerspoor.kernel.graph import KEEP_ALL, KEEP_PASSENGER, KEEP_WIDE, Run
from weerspoor.network.model import LINE_CATEGORIES
from weerspoor.timetable.passages import Passage
from weerspoor.timetable.window import copies, copy_reference
from weerspoor.trains import clearance
from weerspoor.trains.access import access_rules
from weerspoor.trains.running_time import run_over_pieces
from weerspoor.trains.starting import startable_permille, too_steep
from weerspoor.trains.stops import REVERSING

Ints = npt.NDArray[np.int32]

OF = {KEEP_ALL: "all", KEEP_PASSENGER: "passenger", KEEP_WIDE: "wide", KEEP_PASSENGER | KEEP_WIDE: "passenger"}
"""Of which trains a neighbour track is kept empty, by mask."""

WALK_S = 120
"""Turning back may take so much longer than its least time without a wait: its head goes on to the end of a piece."""

WAIT_S = 30
"""A train waits for another when it leaves within so many seconds of the other having cleared its way."""


def to_step(seconds: float) -> int:
    """Return a time in the step of planners, 0.1 minute."""
    return math.floor(seconds / STEP_S + 0.5) * STEP_S


class Assembler:
    """Makes the path of a plan from a run.

    Parameters
    ----------
    problem : Problem
        The one whose search found the run.
    run : Run
        With what it really holds (:func:`weerspoor.capacity.fit.trim`).
    """

    def __init__(self, problem: Problem, run: Run) -> None:
        self.problem, self.run = problem, run
        self.network = problem.network
        self.course = Course(self.network, run.directed)
        self.around = Around(problem)

    def path(self, name: str, why: str) -> p.Path:
        """Return the path.

        Parameters
        ----------
        name : str
            Its id within the plan.
        why : str
            ``best``, ``earlier``, ``faster``, …
        """
        run, course = self.run, self.course
        points = self.points()
        return p.Path(
            id=name,
            why=why,
            departure_s=points[0].departure_s,
            arrival_s=points[-1].arrival_s,
            distance_km=round(course.distance_km, 3),
            running_s=to_step(journey_s(run)),
            stops=run.stops,
            pace=self.pace(),
            energy_kwh=self.energy_kwh(),
            points=points,
            pieces=self.pieces(),
            held=self.held(),
            kept_empty=self.kept_empty(),
            reserve_paths=self.reserve_paths(),
            conditions=self.conditions(points),
            trains=diagram_trains(self.problem, run, course),
            sections=[
                p.DiagramSection(km_from=round(a, 3), km_to=round(b, 3), tracks=n) for a, b, n in course.tracks_along()
            ],
            shape=course.shape(),
        )

    def energy_kwh(self) -> float | None:
        """Return the work of the tractive effort at the wheels, by the exact running time; None if it cannot be told.

        The whole way is taken at the pace of the journey as a whole.
        """
        try:
            return round(sum(self._leg_kwh(first, last) for first, last in self.course.legs), 1)
        except InputError:
            return None

    def _leg_kwh(self, first: int, last: int) -> float:
        """Return the work from the exit of one piece to that of another, without turning back between them."""
        run, problem = self.run, self.problem
        stretch = 1.0 + problem.model.supplement
        directed = run.directed[first + 1 : last + 1]
        stand_s = (run.depart_s - run.exit_s)[first + 1 : last + 1]
        stands_s = {int(i): float(stand_s[i]) for i in np.flatnonzero(stand_s > 0).tolist()}
        if last + 1 < len(run.directed) or problem.query.stages[-1].stop_s >= 0:
            stands_s[len(directed) - 1] = 0.0
        speed_kmh = problem.model.speed_ms[directed].astype(np.float64) * 3.6 * stretch
        passes_in = first == 0 and problem.query.stages[0].stop_s < 0
        motion = run_over_pieces(
            problem.train,
            self.network.pieces.length_m[directed >> 1].astype(np.float64),
            speed_kmh,
            stands_s,
            supplement=problem.model.supplement,
            pace=self.pace(),
            entry_ms=float(speed_kmh[0]) / 3.6 if passes_in else 0.0,
        )
        return motion.energy_kwh

    def pace(self) -> float:
        """Return the least running time as a share of that planned, stops left out."""
        run = self.run
        moving_s = journey_s(run) - float(np.sum((run.depart_s - run.exit_s)[1:-1]))
        return round(1.0 - float(run.lost_s.sum()) / moving_s, 3) if moving_s > 0 else 1.0

    # -- points -----------------------------------------------------------------------------------------------------

    @cached_property
    def passages(self) -> list[Passage]:
        """The points of the way; the ends and the places asked for are always among them."""
        run, request = self.run, self.problem.request
        found = calls(self.course, run.enter_s, run.exit_s, run.depart_s)
        codes = [code.casefold() for code in self.network.points.code]
        asked = [request.origin, *[via.point for via in request.via], request.destination]
        for number, code in enumerate(asked):
            point = codes.index(code.casefold())
            known = [passage for passage in found if passage.point == point]
            if number == len(asked) - 1:
                # A train that passed or stood there before it reached the end is there again at the end.
                end_s = float(run.exit_s[-1]) - STEP_S / 2
                found = [row for row in found if row.point != point or row.stops or row.arrival_s > end_s]
                known = [row for row in known if row.arrival_s > end_s]
            if known:
                continue
            reached = np.flatnonzero(run.stage == number)
            position = int(reached[0]) if len(reached) else (0 if number == 0 else len(run.directed) - 1)
            found.append(
                Passage(
                    point,
                    position,
                    float(self.course.exit_km[position]) * 1000,
                    float(run.exit_s[position]),
                    float(run.depart_s[position]),
                    bool(run.depart_s[position] > run.exit_s[position]),
                    self.track_name(int(run.directed[position])),
                )
            )
        return sorted(found, key=lambda passage: (passage.position, passage.distance_m))

    def points(self) -> list[p.PointTime]:
        """Return the times at the points, with the reasons of stops and the distance to other trains."""
        points = self.network.points
        request = self.problem.request
        rows: list[p.PointTime] = []
        last = len(self.passages) - 1
        spans = [passage.position for passage in self.passages]
        via = {item.point: item for item in request.via}
        turned_at = set((np.flatnonzero(self.course.turned) - 1).tolist())
        for i, passage in enumerate(self.passages):
            code = points.code[passage.point]
            arrival_s, departure_s = to_step(passage.arrival_s), to_step(passage.departure_s)
            stop_s = departure_s - arrival_s
            reason, reason_train = "", ""
            if i == 0:
                reason = "origin" if request.origin_window is None else "border"
                arrival_s, stop_s = departure_s, 0
            elif i == last:
                reason = "border" if self.problem.is_border(code) else "destination"
            elif stop_s > 0:
                asked, turns = via.get(code), passage.position in turned_at
                if turns:
                    reason = self.problem.turning.kind.name
                elif asked is not None and asked.stop_s:
                    reason = "asked" if asked.kind.startswith(REVERSING) else asked.kind or "asked"
                least_s = max(asked.stop_s if asked is not None else 0, self.problem.turning.least_s if turns else 0.0)
                if stop_s > least_s + (WALK_S if turns else STEP_S):
                    number = self.waits_for(passage.position)
                    if number is not None:
                        reason_train = self.reference(number)
                        reason = reason or ("wait_for_closure" if reason_train.startswith(CLOSED) else "wait_for_train")
                    asked_for_time = request.destination_window or any(item.window for item in request.via)
                    reason = reason or ("wait_for_window" if asked_for_time else "wait_for_path")
            begin = spans[i]
            end = spans[i + 1] if i < last else len(self.run.directed) - 1
            met = self.closest(begin, max(end, begin + 1))
            rows.append(
                p.PointTime(
                    code=code,
                    name=points.name[passage.point],
                    km=round(max(0.0, passage.distance_m / 1000), 3),
                    arrival_s=arrival_s,
                    departure_s=departure_s,
                    track=passage.track or self.track_name(int(self.run.directed[passage.position])),
                    stop_s=stop_s,
                    reason=reason,
                    reason_train=reason_train,
                    slack_before_s=met.before_s,
                    train_before=self.reference(met.before),
                    slack_after_s=met.after_s,
                    train_after=self.reference(met.after),
                )
            )
        return rows

    def track_name(self, directed: int) -> str:
        """Return the name of a track where it has one of its own, else nothing."""
        name = self.network.pieces.name[directed >> 1]
        return name if name and "-" not in name and not name.startswith("w") else ""

    def reference(self, number: int) -> str:
        """Return the reference of a train by its number in the timelines."""
        return self.problem.occupation.reference.get(number, "") if number >= 0 else ""

    @cached_property
    def _near(self) -> list[Met]:
        run = self.run
        kind = np.full(len(run.zone), self.problem.model.kind, np.int32)
        return self.around.near(run.zone, run.from_s, run.until_s, kind, np.full(len(run.zone), KEEP_ALL, np.int32))

    @cached_property
    def _visits(self) -> dict[int, list[int]]:
        """Rows of what the run holds, by position of the piece they belong to."""
        rows: dict[int, list[int]] = defaultdict(list)
        zone_of = self.network.pieces.zone[self.run.directed >> 1]
        by_zone: dict[int, list[int]] = defaultdict(list)
        for row, zone in enumerate(self.run.zone.tolist()):
            by_zone[zone].append(row)
        for position, zone in enumerate(zone_of.tolist()):
            for row in by_zone.get(zone, []):
                if self.run.from_s[row] <= self.run.exit_s[position] <= self.run.until_s[row] + 1:
                    rows[position].append(row)
                    break
        return rows

    def closest(self, begin: int, end: int) -> Met:
        """Return the closest trains before and after on the pieces ``begin`` to ``end``, both included."""
        before: tuple[int, int] | None = None
        after: tuple[int, int] | None = None
        for position in range(begin, min(end + 1, len(self.run.directed))):
            for row in self._visits.get(position, []):
                met = self._near[row]
                if met.before_s is not None and (before is None or met.before_s < before[0]):
                    before = (met.before_s, met.before)
                if met.after_s is not None and (after is None or met.after_s < after[0]):
                    after = (met.after_s, met.after)
        return Met(
            before[0] if before else None,
            before[1] if before else -1,
            after[0] if after else None,
            after[1] if after else -1,
        )

    def waits_for(self, position: int) -> int | None:
        """Return the train that leaves the way free last before this one departs from a stop; None if none is near."""
        depart_s = float(self.run.depart_s[position])
        limit_s = self.problem.slack_s + WAIT_S
        best: tuple[int, int] | None = None
        for ahead in range(position + 1, len(self.run.directed)):
            for row in self._visits.get(ahead, []):
                met = self._near[row]
                if met.before_s is not None and met.before_s <= limit_s and (best is None or met.before_s < best[0]):
                    best = (met.before_s, met.before)
            if self.run.depart_s[ahead] > self.run.exit_s[ahead] or self.run.enter_s[ahead] > depart_s + 3600:
                break
        return best[1] if best else None

    # -- pieces and zones -------------------------------------------------------------------------------------------

    def pieces(self) -> list[p.PieceTime]:
        """Return the route, piece by piece."""
        run, pieces, tracks = self.run, self.network.pieces, self.network.tracks
        return [
            p.PieceTime(
                directed=int(directed),
                track=tracks.name[pieces.track[directed >> 1]],
                name=pieces.name[directed >> 1],
                from_m=round(float(pieces.from_m[directed >> 1]), 1),
                to_m=round(float(pieces.to_m[directed >> 1]), 1),
                km=round(float(self.course.enter_km[i]), 3),
                enter_s=round(float(run.enter_s[i]), 1),
                exit_s=round(float(run.exit_s[i]), 1),
                depart_s=round(float(run.depart_s[i]), 1),
                speed_kmh=round(float(run.speed_ms[i]) * 3.6, 1),
                turned=bool(self.course.turned[i]),
            )
            for i, directed in enumerate(run.directed.tolist())
        ]

    def held(self) -> list[p.Held]:
        """Return what the train holds, with the kilometres where each zone lies."""
        run = self.run
        span: dict[int, tuple[float, float]] = {}
        for position, rows in self._visits.items():
            for row in rows:
                a, b = float(self.course.enter_km[position]), float(self.course.exit_km[position])
                old = span.get(row, (a, b))
                span[row] = (min(a, old[0]), max(b, old[1]))
        return [
            p.Held(
                zone=int(run.zone[row]),
                name=self.network.zone_name[int(run.zone[row])],
                km_from=round(span.get(row, (0.0, 0.0))[0], 3),
                km_to=round(span.get(row, (0.0, 0.0))[1], 3),
                from_s=int(run.from_s[row]),
                until_s=int(run.until_s[row]),
            )
            for row in range(len(run.zone))
        ]

    @cached_property
    def _zone_pieces(self) -> dict[int, list[int]]:
        kept = set(self.run.kept_zone.tolist())
        found: dict[int, list[int]] = defaultdict(list)
        if kept:
            of = np.isin(self.network.pieces.zone, self.run.kept_zone)
            for piece in np.flatnonzero(of).tolist():
                found[int(self.network.pieces.zone[piece])].append(piece)
        return found

    def kept_empty(self) -> list[p.KeptEmpty]:
        """Return the neighbour zones kept empty, one entry a zone and unbroken time, in order of the way."""
        run, model = self.run, self.problem.model
        if not len(run.kept_zone):
            return []
        causes: dict[int, list[int]] = defaultdict(list)
        for position, directed in enumerate(run.directed.tolist()):
            piece = directed >> 1
            for zone in model.keep_zone[model.keep_start[piece] : model.keep_start[piece + 1]].tolist():
                causes[zone].append(position)
        spans: dict[tuple[int, int], list[list[int]]] = defaultdict(list)
        for i in np.argsort(run.kept_from_s, kind="stable").tolist():
            key = (int(run.kept_zone[i]), int(run.kept_mask[i]))
            begin, end = int(run.kept_from_s[i]), int(run.kept_until_s[i])
            if spans[key] and begin <= spans[key][-1][1]:
                spans[key][-1][1] = max(spans[key][-1][1], end)
            else:
                spans[key].append([begin, end])
        found = [
            (zone, mask, begin, end, [q for q in causes.get(zone, []) if begin <= run.exit_s[q] <= end])
            for (zone, mask), intervals in spans.items()
            for begin, end in intervals
        ]
        columns = np.array([row[:4] for row in found], dtype=np.int32).T
        met = self.around.near(columns[0], columns[2], columns[3], np.zeros(len(found), np.int32), columns[1])
        entries = [
            self._kept(zone, mask, (begin, end), during or causes.get(zone, []), near)
            for (zone, mask, begin, end, during), near in zip(found, met, strict=True)
        ]
        return sorted(entries, key=lambda entry: (entry.km_from, entry.from_s, entry.zone))

    def _kept(self, zone: int, mask: int, span: tuple[int, int], during: list[int], met: Met) -> p.KeptEmpty:
        network, course = self.network, self.course
        pieces = self._zone_pieces.get(zone, [])
        start, beside, away = network.neighbours.start, network.neighbours.piece, network.neighbours.distance_m
        distance = math.inf
        for q in during:
            own = int(self.run.directed[q]) >> 1
            low, high = int(start[own]), int(start[own + 1])
            for other, metres in zip(beside[low:high].tolist(), away[low:high].tolist(), strict=True):
                if other in pieces and metres < distance:
                    distance = metres
        km_from = float(min((course.enter_km[q] for q in during), default=0.0))
        km_to = float(max((course.exit_km[q] for q in during), default=0.0))
        longest = max(pieces, key=lambda piece: float(network.pieces.length_m[piece]), default=-1)
        after = next((row for row in self.passages if row.distance_m / 1000 >= km_to - 0.001), self.passages[-1])
        return p.KeptEmpty(
            zone=zone,
            track=self.track_label(longest) if longest >= 0 else "",
            km_from=round(km_from, 3),
            km_to=round(km_to, 3),
            distance_m=round(distance, 2) if math.isfinite(distance) else 0.0,
            of=OF.get(mask, "all"),
            from_s=span[0],
            until_s=span[1],
            margin_early_s=met.before_s,
            margin_late_s=met.after_s,
            train_before=self.reference(met.before),
            train_after=self.reference(met.after),
            freed_by="tail_clear",
            freed_at=f"km {km_to:.1f}, {network.points.name[after.point]}",
            shape=drawn_piece(network, pieces[0]) if pieces else [],
        )

    def track_label(self, piece: int) -> str:
        """Return a track's name with the infrastructure manager's identification."""
        pieces = self.network.pieces
        name = pieces.name[piece]
        track = self.network.tracks.name[pieces.track[piece]]
        return f"{name} ({track})" if name and "-" not in name else track

    # -- reserve, conditions ----------------------------------------------------------------------------------------

    def reserve_paths(self) -> list[str]:
        """Return the reserve paths whose place and time the path takes."""
        day = self.problem.day
        if day is None or day.reserve is None:
            return []
        reserve, run = day.reserve, self.run
        holdings = reserve.holdings
        found: set[str] = set()
        limits = np.searchsorted(holdings.zone, [run.zone, run.zone + 1])
        for days in copies(day, float(run.from_s.min()), float(run.until_s.max())):
            for row, (a, b) in enumerate(limits.T.tolist()):
                begin, end = holdings.from_s[a:b] + days * DAY_S, holdings.until_s[a:b] + days * DAY_S
                hit = (begin < run.until_s[row]) & (end > run.from_s[row])
                for train in np.unique(holdings.train[a:b][hit]).tolist():
                    found.add(copy_reference(reserve.trains.reference[train], days))
        return sorted(found)

    def conditions(self, points: list[p.PointTime]) -> list[p.Condition]:
        """Return the conditions that were close: windows, distances, length, load, clearance."""
        return [
            *self._window_conditions(points),
            *self._slack_conditions(points),
            *self._length_conditions(points),
            *self._load_conditions(),
            *self._clearance_conditions(),
            *self._gradient_conditions(),
        ]

    def _window_conditions(self, points: list[p.PointTime]) -> Iterable[p.Condition]:
        request, close = self.problem.request, settings().close
        asked = [(via.point, via.window) for via in request.via] + [(request.destination, request.destination_window)]
        for code, window in asked:
            visits = [row for row in points if row.code == code]
            if window is None or not visits:
                continue
            row = next((row for row in visits if window.earliest_s <= row.arrival_s <= window.latest_s), visits[0])
            for key, margin in (
                ("window_end", window.latest_s - row.arrival_s),
                ("window_start", row.arrival_s - window.earliest_s),
            ):
                if margin <= close.window_s:
                    yield p.Condition(
                        key=key,
                        place=row.name,
                        value=float(row.arrival_s),
                        limit=float(window.latest_s if key == "window_end" else window.earliest_s),
                        unit="clock",
                        certainty="sure",
                        source="request",
                    )

    def _slack_conditions(self, points: list[p.PointTime]) -> Iterable[p.Condition]:
        close = settings().close
        wanted = self.problem.request.slack_s
        for row in points:
            for key, margin, train in (
                ("slack_before", row.slack_before_s, row.train_before),
                ("slack_after", row.slack_after_s, row.train_after),
            ):
                if margin is not None and margin <= max(close.slack_s, wanted):
                    yield p.Condition(
                        key=key,
                        place=f"{row.name}, {train}",
                        value=float(margin),
                        limit=float(wanted),
                        unit="s",
                        certainty="assumed",
                        source="norms",
                    )

    def _length_conditions(self, points: list[p.PointTime]) -> Iterable[p.Condition]:
        stops, train = self.network.stops, self.problem.train
        at = {int(directed): row for row, directed in enumerate(stops.directed)}
        standing = np.flatnonzero(self.run.depart_s > self.run.exit_s).tolist()
        for position in dict.fromkeys([0, *standing, len(self.run.directed) - 1]):
            row = at.get(int(self.run.directed[position]))
            if row is None or train.length_m < settings().close.length_share * stops.usable_m[row]:
                continue
            point = int(stops.point[row])
            place = self.network.points.name[point] if point >= 0 else ""
            yield p.Condition(
                key="usable_length",
                place=f"{place} {stops.name[row]}".strip(),
                value=train.length_m,
                limit=round(float(stops.usable_m[row]), 1),
                unit="m",
                certainty="likely",
                source="stops",
            )

    def _load_conditions(self) -> Iterable[p.Condition]:
        train, rules = self.problem.train, access_rules().line_category
        category = self.network.permissions.line_category[self.run.directed >> 1]
        for key, value, limits, unit in (
            ("axle_load", train.axle_load_t, np.array([row.axle_t for row in rules]), "t"),
            ("metre_load", train.metre_load_t, np.array([row.metre_t for row in rules]), "t/m"),
        ):
            least = int(np.argmin(limits[category]))
            limit = float(limits[category][least])
            if value >= settings().close.load_share * limit:
                yield p.Condition(
                    key=key,
                    place=f"{LINE_CATEGORIES[int(category[least])]}, {self.place_at(least)}",
                    value=value,
                    limit=limit,
                    unit=unit,
                    certainty="assumed",
                    source="permissions",
                )

    def _gradient_conditions(self) -> Iterable[p.Condition]:
        """Yield the gradients that are assumed on the way and on which the train could not start."""
        train = self.problem.train
        codes = [self.network.points.code[passage.point] for passage in self.passages]
        names = {
            self.network.points.code[i].casefold(): self.network.points.name[i]
            for i in range(len(self.network.points.code))
        }
        for item in too_steep(train, codes):
            yield p.Condition(
                key="gradient",
                place=f"{names[item.from_point.casefold()]} - {names[item.to_point.casefold()]}",
                value=round(item.under(train.length_m), 1),
                limit=round(startable_permille(train), 1),
                unit="‰",
                certainty=item.certainty,
                source="gradients",
            )

    def _clearance_conditions(self) -> Iterable[p.Condition]:
        """Yield the closest neighbour track that need not be kept empty although it nearly had to be."""
        train = self.problem.train
        if not train.is_wide:
            return
        network, neighbours = self.network, self.network.neighbours
        own = self.run.directed >> 1
        required, _, _ = clearance.required_m(train.load_half_width_mm, network.pieces.radius_m[own])
        best: tuple[float, int, float, float] | None = None
        for position, piece in enumerate(own.tolist()):
            rows = slice(neighbours.start[piece], neighbours.start[piece + 1])
            for distance in neighbours.distance_m[rows].tolist():
                gap = distance - float(required[position])
                if 0 <= gap <= settings().close.gap_m and (best is None or gap < best[0]):
                    best = (gap, position, distance, float(required[position]))
        if best is not None:
            yield p.Condition(
                key="clearance",
                place=self.place_at(best[1]),
                value=round(best[2], 2),
                limit=round(best[3], 2),
                unit="m",
                certainty="assumed",
                source="clearance",
            )

    def place_at(self, position: int) -> str:
        """Return a position on the way in words: its kilometre and the next point."""
        km = float(self.course.enter_km[position])
        after = next((row for row in self.passages if row.position >= position), self.passages[-1])
        return f"km {km:.1f}, {self.network.points.name[after.point]}"

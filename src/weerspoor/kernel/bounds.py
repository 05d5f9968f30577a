# ruff: noqa: PLR0917
"""What is worked out once for a train on a graph: its motions, and the least times to the places it goes to."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from weerspoor.kernel import motion as m
from weerspoor.kernel.compiled import compiled
from weerspoor.kernel.least import Least, begin_row, landmark_times, least_from
from weerspoor.kernel.routes import MOST_PIECES, Routes

if TYPE_CHECKING:
    from weerspoor.kernel.graph import Ints, TrackGraph, TrainModel

KEPT = 8
"""Trains of which this is kept on a graph."""

LANDMARKS, LANDMARKS_FROM = 6, 4_000
"""Places far apart whose distances guide the way back, on graphs of at least so many pieces."""

CAP_STEP_MS = 2.0
"""Trains share landmarks whose top speeds differ by less."""

SPARE = 2
"""Trains forgotten whose arrays are kept for the next."""

ROWS = 4
"""Rows of least times that there is room for at first."""


@compiled
def _turns(track, limit, may_turn, length_m, braking, turn_to, turn_s, turn_limit):  # type: ignore[no-untyped-def]
    """Fill in where the head is when a train turns back at a place, how long it takes more, and the limit under it.

    Only where a single way leads to the place. The new head is taken to be at the beginning of the piece under the
    tail; the way from there to the tail is counted as time of standing, at a brisk walk.
    """
    for dp in range(len(may_turn)):
        turn_to[dp] = -1
        if not may_turn[dp]:
            continue
        here, left, lowest = dp, length_m, np.inf
        while limit[here] > 0.0 and limit[here ^ 1] > 0.0:
            left -= track.length[here >> 1]
            lowest = min(lowest, limit[here ^ 1])
            if left <= 0.0:
                turn_to[dp] = here ^ 1
                turn_s[dp] = -left / 2.0
                turn_limit[dp] = lowest
                break
            if track.before_start[here + 1] - track.before_start[here] != 1:
                break
            here = track.before[track.before_start[here]]


@dataclass
class _Store:
    """The arrays of a train on a graph; when the train is forgotten the next one takes them over.

    New memory costs more than what is worked out in it.
    """

    known: m.Known | None = None
    least: Least | None = None
    version: int = -1


def _give_back(spare: list[_Store], store: _Store) -> None:
    if len(spare) < SPARE:
        spare.append(store)


class Bounds:
    """One train on one graph; everything is worked out when it is first needed, and kept.

    Trains with the same model may share the object. It grows with what was asked; the answers never change.

    Parameters
    ----------
    graph : TrackGraph
    model : TrainModel
    """

    def __init__(self, graph: TrackGraph, model: TrainModel) -> None:
        self.graph = graph
        self.model = model
        self.routes = Routes.of(graph)
        n = len(model.speed_ms)
        self.top_ms = min(float(model.accel_v[-1]), float(model.speed_ms.max()))
        limit = np.minimum(model.speed_ms.astype(np.float64), self.top_ms)
        self.routes.halt_at(np.flatnonzero(model.may_stop & (limit > 0.0) & ~graph.signal).astype(np.int32))
        par = np.zeros(m.STEP + 1)
        par[m.BRAKING], par[m.SETUP], par[m.SIGHTING] = model.braking_ms2, model.setup_s, model.sighting_s
        par[m.RELEASE], par[m.MIN_STOP], par[m.TOP] = model.release_s, model.min_stop_s, self.top_ms
        par[m.LENGTH], par[m.SLOWER], par[m.KIND], par[m.STEP] = model.length_m, model.slower, model.kind, 1
        turn_to, turn_s, turn_limit = np.empty(0, np.int32), np.empty(0), np.empty(0)
        if model.may_turn is not None and model.may_turn.any():
            turn_to, turn_s, turn_limit = np.full(n, -1, np.int32), np.zeros(n), np.zeros(n)
            _turns(
                self.routes.track, limit, model.may_turn & model.may_stop, float(model.length_m),
                float(model.braking_ms2), turn_to, turn_s, turn_limit,
            )  # fmt: skip
            turn_s += model.turn_s
        self.mover = m.Mover(
            limit, model.may_stop, model.accel_v, model.accel_t, model.accel_s, model.keep_start, model.keep_zone,
            model.keep_mask, turn_to, turn_s, turn_limit, par,
        )  # fmt: skip
        self._row_of: dict[bytes, int] = {}
        self._version = -1
        spare: list[_Store] = graph.cache.setdefault("spare", [])  # type: ignore[assignment]
        self._store = spare.pop() if spare else _Store()
        weakref.finalize(self, _give_back, spare, self._store)
        self.least = self._no_rows(turn_to)
        self.refresh()

    @property
    def known(self) -> m.Known:
        """Routes, states and motions of the train, as far as they were asked for."""
        assert self._store.known is not None
        return self._store.known

    @known.setter
    def known(self, known: m.Known) -> None:
        self._store.known = known

    @property
    def least(self) -> Least:
        """Least times to the places that the train was asked to go to."""
        assert self._store.least is not None
        return self._store.least

    @least.setter
    def least(self, least: Least) -> None:
        self._store.least = least

    @classmethod
    def of(cls, graph: TrackGraph, model: TrainModel) -> Bounds:
        """Return what is known of a train, made once as long as it is one of those asked for last."""
        kept: list[Bounds] = graph.cache.setdefault("bounds", [])  # type: ignore[assignment]
        for i, bounds in enumerate(kept):
            if bounds.model is model:
                kept.append(kept.pop(i))
                return bounds
        kept.append(cls(graph, model))
        del kept[:-KEPT]
        return kept[-1]

    def refresh(self) -> None:
        """Forget motions when the routes were listed anew; make room for routes listed since."""
        turn_to = self.mover.turn_to
        self.routes.list(np.unique(turn_to[turn_to >= 0]).astype(np.int32))
        n, room = len(self.mover.limit), len(self.routes.book.end)
        if self._version != self.routes.version:
            if self._store.known is None or self._store.version != self.routes.version:
                self.known = self._nothing_known(n, room)
            elif self._version == -1:
                _forget(self.known)
            self._version = self._store.version = self.routes.version
        if room > len(self.known.route_class):
            more = room - len(self.known.route_class)
            self.known = self.known._replace(
                route_class=np.concatenate([self.known.route_class, np.zeros(more, np.int16)]),
                route_steps=np.concatenate([self.known.route_steps, np.zeros(more, np.int16)]),
                route_least=np.concatenate([self.known.route_least, np.zeros(more)]),
                route_hold=np.concatenate([self.known.route_hold, np.zeros((more, 2), np.int32)]),
            )

    @staticmethod
    def _nothing_known(n: int, room: int) -> m.Known:
        """Return what is known of a train at first, with room for so many directed pieces and routes."""
        # A large railway soon needs so much; memory that is not used costs nothing.
        larger = 8 if n >= 2 * LANDMARKS_FROM else 1
        few, some, many = 512 * min(larger, 4), 4096 * larger, 16384 * larger
        return m.Known(
            np.zeros(room, np.int16), np.zeros(room, np.int16), np.zeros(room),
            np.full(n, -1, np.int32), np.zeros(n, np.int32), np.zeros(some, np.int32),
            np.full(n, -1, np.int32), np.zeros(n, np.int16), np.full(n, -1, np.int16), np.zeros(some, np.int16),
            np.full(n, -1.0),
            np.zeros(few), np.zeros(few, np.int16), np.zeros(few, np.int8),
            np.zeros((few, m.MOST_TAIL)), np.zeros((few, m.MOST_TAIL)), np.full(2 * few, -1, np.int32),
            np.zeros(some, np.int64), np.full(2 * some, -1, np.int32), np.zeros(some, np.int32),
            np.zeros(some, np.int32), np.zeros(some, np.int32), np.zeros((some, 2), np.int32),
            np.zeros((some, 2), np.int32), np.zeros((some, 2), np.int32), np.zeros(some), np.zeros(some, np.int32),
            np.zeros((room, 2), np.int32), np.zeros(many, np.int32), np.zeros(many, np.int32), np.zeros(many),
            np.zeros(some, np.int64), np.full(2 * some, -1, np.int32), np.zeros((some, 2), np.int32), np.zeros(some),
            np.zeros(many, np.int32),
            np.zeros(many, np.int32), np.zeros(many, np.int8), np.zeros(many, np.int32), np.zeros(many),
            np.zeros((many, 7)), np.zeros(many), np.zeros(m.N_AUX + 1, np.int64),
            np.zeros((4, 4096), np.int32), np.zeros((8, 4096)), np.zeros((MOST_PIECES, 2)), np.zeros((8192, 2)),
        )  # fmt: skip

    def grow(self, status: int) -> None:
        """Double what was too small."""
        known = self.known
        tables = {
            m.GROW_STATES: ("state", m.N_STATES), m.GROW_MOTIONS: ("motion", m.N_MOTIONS), m.GROW_AUX: ("aux", m.N_AUX),
        }  # fmt: skip
        if status in tables:
            # The tables by which they are found are filled anew.
            name, count = tables[status]
            self._double(*(field for field in known._fields if field.startswith(name) and not field.endswith("table")))
            table = np.full(2 * len(getattr(self.known, f"{name}_table")), -1, np.int32)
            self.known = self.known._replace(**{f"{name}_table": table})
            m.fill_table(self.known, int(known.used[count]), status)
        elif status == m.GROW_ROWS:
            self._double("row_zone", "row_bits", "row_metres")
        elif status == m.GROW_HOLDS:
            self._double(*(field for field in known._fields if field.startswith("hold")))
        elif status == m.GROW_PARTS:
            self._double("part_at")
        elif status == m.GROW_TIMES:
            self._double("times")
        elif status == m.GROW_CLASSES:
            self._double("class_of")
        elif status == m.GROW_WAYS:
            self._double("way")
        else:
            raise ValueError(f"nothing grows for status {status}")

    def _double(self, *names: str) -> None:
        grown = {name: np.concatenate([part := getattr(self.known, name), np.zeros_like(part)]) for name in names}
        self.known = self.known._replace(**grown)

    def _no_rows(self, turn_to: Ints) -> Least:
        n = len(self.mover.limit)
        start, origin = np.empty(0, np.int32), np.empty(0, np.int32)
        far = landmarks(self.graph, self.routes, self.top_ms)
        if len(turn_to):
            origin = np.flatnonzero(turn_to >= 0).astype(np.int32)
            origin = origin[np.argsort(turn_to[origin], kind="stable")]
            start = np.zeros(n + 1, np.int32)
            np.cumsum(np.bincount(turn_to[origin], minlength=n), out=start[1:])
        turn_s = np.array([max(self.model.turn_s, 1e-3)])
        old = self._store.least
        if old is not None and old.low.shape[1] == far.shape[1]:
            return old._replace(far=far, turn_start=start, turn_from=origin, turn_s=turn_s)
        return Least(
            np.empty((ROWS, n)), np.empty((ROWS, n), np.bool_), np.empty((ROWS, n + 64)),
            np.empty((ROWS, n + 64), np.int32), np.zeros(ROWS, np.int64), far, np.empty((ROWS, far.shape[1])),
            np.empty((ROWS, far.shape[1])), start, origin, turn_s,
        )  # fmt: skip

    def row(self, directed: Ints, origins: Ints, pinned: set[int] | None = None) -> int:
        """Return the row of least times to one of some directed pieces.

        Parameters
        ----------
        directed : (k,) int32
        origins : (k,) int32
            Where the train comes from; places on the way from there are worked out first.
        pinned : set of int, optional
            Rows that must stay.
        """
        key = np.sort(directed).astype(np.int32).tobytes()
        if key in self._row_of:
            self._row_of[key] = row = self._row_of.pop(key)
            return row
        row = len(self._row_of)
        if row == len(self.least.size):
            free = [(old, number) for old, number in self._row_of.items() if not pinned or number not in pinned]
            if free:
                row = free[0][1]
                del self._row_of[free[0][0]]
            else:
                wider = {
                    name: np.concatenate([part, np.empty_like(part)])
                    for name, part in self.least._asdict().items()
                    if name != "far" and not name.startswith("turn")
                }
                self.least = self.least._replace(**wider)
        begin_row(self.least, row, directed.astype(np.int32), origins.astype(np.int32))
        self._row_of[key] = row
        return row

    def least_s(self, origins: Ints, row: int) -> float:
        """Return the least time from the exit of any of some directed pieces to a row's places; may be infinite."""
        limit, track = self.mover.limit, self.routes.track
        found, most = np.inf, 60.0
        while not np.isfinite(found) and self.least.size[row] > 0:
            for dp in origins:
                found = min(found, float(least_from(track, limit, self.least, row, int(dp), min(most, found))))
            most *= 2.0
        for dp in origins:
            found = min(found, float(least_from(track, limit, self.least, row, int(dp), found)))
        return found


def _forget(known: m.Known) -> None:
    """Empty what was known of another train."""
    for name in ("way_first", "class_first", "class_most", "stop_m", "state_table", "motion_table", "aux_table"):
        getattr(known, name).fill(-1)
    known.route_hold.fill(0)
    known.used.fill(0)


def landmarks(graph: TrackGraph, routes: Routes, top_ms: float) -> npt.NDArray[np.float64]:
    """Return the least times (directed pieces, landmarks) on the bare track, made once; none if the graph is small.

    On the bare track every piece is run over at the highest speed that it allows, but not above ``top_ms`` rounded up,
    and a train may turn back anywhere: no train of that speed is quicker.
    """
    cap_ms = float(np.ceil(top_ms / CAP_STEP_MS) * CAP_STEP_MS)
    made: dict[float, npt.NDArray[np.float64]] = graph.cache.setdefault("landmarks", {})  # type: ignore[assignment]
    if cap_ms not in made:
        n = len(graph.signal)
        if n < 2 * LANDMARKS_FROM:
            made[cap_ms] = np.zeros((n, 0))
        else:
            speed = np.full(n, cap_ms)
            if graph.top_ms is not None:
                speed = np.minimum(speed, graph.top_ms.astype(np.float64))
            # From a place that most tracks are connected with, the farthest; then again and again the farthest of all.
            tried = (landmark_times(routes.track, speed, dp) for dp in range(0, n, 997))
            first = next((times for times in tried if np.isfinite(times).mean() > 0.5), np.zeros(n))
            times: list[npt.NDArray[np.float64]] = []
            while len(times) < LANDMARKS:
                nearest = np.min(times, axis=0) if times else first
                nearest = np.where(np.isfinite(nearest), nearest, -1.0)
                times.append(landmark_times(routes.track, speed, int(np.argmax(nearest))))
            far = np.stack(times, axis=1)
            far[~np.isfinite(far)] = 0.0
            made[cap_ms] = np.ascontiguousarray(far)
    return made[cap_ms]

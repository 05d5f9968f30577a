"""Small random railways for the tests of the kernel; every case follows from its seed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from weerspoor.kernel.graph import IS_OTHER, IS_PASSENGER, IS_WIDE, KEEP_ALL, Query, Stage, TrackGraph, TrainModel
from weerspoor.kernel.timelines import Timelines

NOTHING = np.empty(0, np.int32)


def graph_of(
    length_m: list[float],
    edges: list[tuple[int, int]],
    *,
    zone: list[int] | None = None,
    signal: list[int] | None = None,
    back: list[int] | None = None,
    halt: list[int] | None = None,
    n_zones: int | None = None,
    ways: int = 3,
) -> TrackGraph:
    """A graph of pieces joined by edges from piece to piece with rising chainage.

    ``signal`` are the pieces with a signal at the end that faces direction 0, ``back`` those with one at the beginning
    that faces direction 1; ``halt`` those with a halt for direction 0.
    """
    n = len(length_m)
    follows: list[list[int]] = [[] for _ in range(2 * n)]
    for a, b in edges:
        follows[2 * a].append(2 * b)
        follows[2 * b + 1].append(2 * a + 1)
    start = np.cumsum([0, *(len(f) for f in follows)]).astype(np.int32)
    facing = np.zeros(2 * n, bool)
    for piece in range(n) if signal is None else signal:
        facing[2 * piece] = True
    for piece in back or []:
        facing[2 * piece + 1] = True
    halts = np.zeros(2 * n, bool)
    for piece in halt or []:
        halts[2 * piece] = True
    zones = list(range(n)) if zone is None else zone
    return TrackGraph(
        length_m=np.array(length_m, np.float32),
        zone=np.array(zones, np.int32),
        signal=facing,
        successor_start=start,
        successor=np.array([s for f in follows for s in f], np.int32),
        n_zones=max(zones) + 1 if n_zones is None else n_zones,
        halt=halts,
        ways=ways,
    )


def train_on(
    graph: TrackGraph,
    *,
    speed_ms: float | list[float] = 25.0,
    may_stop: list[int] | None = None,
    length_m: float = 300.0,
    accel_ms2: float = 0.5,
    braking_ms2: float = 0.5,
    slower: float = 0.0,
    min_stop_s: float = 60.0,
    kind: int = IS_OTHER,
    keep: dict[int, list[tuple[int, int]]] | None = None,
    norms_s: tuple[float, float, float] = (12.0, 9.0, 6.0),
    stop_back: list[int] | None = None,
    turn: list[int] | None = None,
    turn_s: float = 0.0,
) -> TrainModel:
    """A train of constant acceleration up to 40 m/s.

    ``keep`` maps a piece to (zone, mask) pairs; ``may_stop`` are pieces at whose ends it may stand, ``stop_back`` those
    at whose beginnings it may when it runs in direction 1; ``turn`` are directed pieces at whose exits it may turn
    back.
    """
    n = len(graph.length_m)
    speeds = np.full(n, speed_ms, np.float32) if isinstance(speed_ms, float) else np.array(speed_ms, np.float32)
    stop = np.zeros(2 * n, bool)
    for piece in may_stop or []:
        stop[2 * piece] = True
    for piece in stop_back or []:
        stop[2 * piece + 1] = True
    turns = np.zeros(2 * n, bool)
    turns[turn or []] = True
    v = np.linspace(0.0, 40.0, 81)
    rows = [keep.get(piece, []) for piece in range(n)] if keep else []
    return TrainModel(
        speed_ms=np.repeat(speeds, 2),
        may_stop=stop,
        length_m=length_m,
        accel_v=v,
        accel_t=v / accel_ms2,
        accel_s=v * v / (2 * accel_ms2),
        braking_ms2=braking_ms2,
        setup_s=norms_s[0],
        sighting_s=norms_s[1],
        release_s=norms_s[2],
        slower=slower,
        min_stop_s=min_stop_s,
        kind=kind,
        keep_start=np.cumsum([0, *(len(r) for r in rows)]).astype(np.int32) if keep else NOTHING,
        keep_zone=np.array([z for r in rows for z, _ in r], np.int32),
        keep_mask=np.array([m for r in rows for _, m in r], np.uint8),
        supplement=0.0,
        may_turn=turns if turn else None,
        turn_s=turn_s,
    )


def held(n_zones: int, rows: list[tuple[int, int, int]] | list[tuple[int, int, int, int, int]]) -> Timelines:
    """Timelines with rows of (zone, from, until) held by other trains, or with occupies and blocks as well."""
    full = [(*row, IS_OTHER, KEEP_ALL) if len(row) == 3 else row for row in rows]
    zone, from_s, until_s, occupies, blocks = (np.array(c) for c in zip(*full, strict=True)) if full else [NOTHING] * 5
    return Timelines.build(
        n_zones,
        zone.astype(np.int32),
        from_s.astype(np.int32),
        until_s.astype(np.int32),
        np.arange(100, 100 + len(full), dtype=np.int32),
        occupies.astype(np.uint8),
        blocks.astype(np.uint8),
    )


def pieces(*piece: int) -> np.ndarray:
    """Directed pieces that run with rising chainage."""
    return np.array([2 * p for p in piece], np.int32)


@dataclass(frozen=True)
class Case:
    """A question with everything it is about."""

    graph: TrackGraph
    model: TrainModel
    timelines: Timelines
    query: Query


def random_case(seed: int) -> Case:
    """A line of sections, single track or a loop of two or three tracks, with trains, a query and norms by chance.

    ::

               ┌──c──d──┐
        a───b──┤        ├──f── …
               └────e───┘
    """
    rng = np.random.default_rng(seed)
    length: list[float] = []
    edges: list[tuple[int, int]] = []
    ends: list[int] = []
    layers: list[list[int]] = []

    def piece() -> int:
        short = rng.random() < 0.3
        length.append(float(rng.choice([12.0, 37.3, 60.0]) if short else rng.uniform(80.0, 900.0)))
        return len(length) - 1

    for section in range(int(rng.integers(3, 6))):
        tracks = 1 if section == 0 else int(rng.choice([1, 1, 2, 2, 3]))
        outs = []
        layer = []
        for _ in range(tracks):
            chain = [piece() for _ in range(int(rng.integers(1, 3)))]
            layer.extend(chain)
            edges.extend((end, chain[0]) for end in ends)
            edges.extend(pairwise(chain))
            outs.append(chain[-1])
        layers.append(layer)
        ends = outs
    n = len(length)
    zone = list(range(n))
    for p in range(1, n):
        if rng.random() < 0.12:
            zone[p] = zone[int(rng.integers(0, p))]

    def some(share: float) -> list[int]:
        return [p for p in range(n) if rng.random() < share]

    density = float(rng.choice([0.2, 0.6, 1.0]))
    turns_back = rng.random() < 0.3
    graph = graph_of(
        length,
        edges,
        zone=zone,
        signal=some(density),
        back=some(density),
        halt=some(0.1),
        n_zones=n,
        ways=int(rng.integers(1, 4)),
    )
    keep: dict[int, list[tuple[int, int]]] = {}
    wide = rng.random() < 0.4
    if wide:
        for p in some(0.5):
            keep[p] = [(int(rng.integers(0, n)), int(rng.choice([1, 2, 7]))) for _ in range(int(rng.integers(1, 3)))]
    speeds = rng.choice([8.0, 11.1, 22.2, 25.0, 38.9], size=n)
    if rng.random() < 0.3:
        speeds[:] = 22.2
    if rng.random() < 0.1:
        speeds[int(rng.integers(1, n))] = 2.0
    model = train_on(
        graph,
        speed_ms=[float(v) for v in speeds],
        may_stop=some(0.5 if turns_back else 0.3),
        stop_back=some(0.4) if turns_back else [],
        turn=[2 * p + int(rng.integers(0, 2)) for p in some(0.7)] if turns_back else None,
        turn_s=float(rng.choice([0.0, 50.0])),
        length_m=float(rng.choice([30.0, 150.0, 400.0, 700.0])),
        accel_ms2=float(rng.choice([0.15, 0.5, 1.0])),
        braking_ms2=float(rng.choice([0.3, 0.7])),
        slower=float(rng.choice([0.0, 1.0])),
        min_stop_s=float(rng.choice([0.0, 30.0, 47.0])),
        kind=(IS_WIDE | IS_OTHER) if wide else int(rng.choice([IS_PASSENGER, IS_OTHER])),
        keep=keep or None,
        norms_s=(float(rng.choice([0.0, 12.0])), 9.0, float(rng.choice([0.0, 6.0, 7.5]))),
    )
    rows: list[tuple[int, int, int, int, int]] = []
    busy = float(rng.choice([0.0, 0.2, 0.5, 0.8]))
    for z in range(n):
        if rng.random() > busy:
            continue
        at = 900 + int(rng.integers(0, 200))
        for _ in range(int(rng.integers(1, 4))):
            until = at + int(rng.integers(10, 120))
            if rng.random() < 0.75:
                rows.append((z, at, until, int(rng.choice([2, 4, 5])), 7))
            else:
                rows.append((z, at, until, 0, int(rng.choice([1, 2, 7]))))
            at = until + int(rng.integers(-20, 250)) if rng.random() < 0.8 else at + 5
    start = 1000.0 + float(rng.integers(0, 30))
    origin = Stage(
        pieces(0),
        stop_s=float(rng.choice([-1.0, 0.0, 20.0])),
        earliest_s=start,
        latest_s=start + float(rng.choice([60.0, 200.0, 1e9])),
    )
    via = []
    for layer in sorted(rng.choice(len(layers), size=int(rng.choice([0, 0, 1, 1, 2])), replace=False)):
        here = [int(p) for p in rng.permutation(layers[layer])[: int(rng.integers(1, len(layers[layer]) + 1))]]
        opens = start + float(rng.integers(0, 200))
        via.append(
            Stage(
                pieces(*here),
                stop_s=float(rng.choice([-1.0, -1.0, 0.0, 30.0])),
                earliest_s=float(rng.choice([-1e9, -1e9, opens])),
                latest_s=float(rng.choice([1e9, 1e9, opens + 250.0])),
                depart_s=float(rng.choice([-1e9, opens + 40.0])),
            )
        )
    to = pieces(*ends)
    if turns_back and rng.random() < 0.5:
        # Back to a piece on the way, which the train must be turned for.
        to = pieces(int(rng.integers(0, n))) + 1
    final = Stage(
        to.astype(np.int32),
        stop_s=float(rng.choice([-1.0, 0.0, 25.0])),
        earliest_s=float(rng.choice([-1e9, -1e9, start + 200.0])),
        depart_s=float(rng.choice([-1e9, start + 380.0])),
    )
    return Case(
        graph,
        model,
        held(n, rows),
        Query(
            [origin, *via, final],
            max_stops=int(rng.integers(1 if turns_back else 0, 3)),
            horizon_s=start + float(rng.choice([400.0, 600.0])),
            step_s=6,
        ),
    )

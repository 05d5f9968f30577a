"""A few tracks in a row, for tests of points and checks."""

from __future__ import annotations

import dataclasses

import numpy as np

from weerspoor.network.model import (
    KIND_OPEN_LINE,
    KIND_SECTION,
    Neighbours,
    Network,
    Objects,
    Permissions,
    Pieces,
    Points,
    Stops,
    Tracks,
)


def chain() -> Network:
    """Build one track with four pieces, a station at each end and a border at the seam in the middle.

    ::

          A         |border         Ut
        0 ── 400 ── 1000 ── 1600 ── 2000 m
         p0     p1      p2      p3

    A is timed at 100 m, the border at 1000 m, Ut at 1900 m. p0 and p3 are numbered sections with platforms.
    """
    n = 4
    track = Tracks(
        name=["001_1BL_0.0"],
        length_m=np.array([2000], np.float32),
        line=np.zeros(1, np.int32),
        shape_start=np.array([0, 2], np.int32),
        lon=np.array([5.0, 5.03]),
        lat=np.array([52.0, 52.0]),
    )
    pieces = Pieces(
        track=np.zeros(n, np.int32),
        from_m=np.array([0, 400, 1000, 1600], np.float32),
        to_m=np.array([400, 1000, 1600, 2000], np.float32),
        zone=np.arange(n, dtype=np.int32),
        kind=np.array([KIND_SECTION, KIND_OPEN_LINE, KIND_OPEN_LINE, KIND_SECTION], np.uint8),
        name=["1", "AA", "AA", "901"],
        speed_kmh=np.full(n, 100, np.float32),
        signal=np.ones(2 * n, np.bool_),
        radius_m=np.full(n, np.inf, np.float32),
        right_hand=np.ones(2 * n, np.bool_),
    )
    follow = {0: [2], 2: [4], 4: [6], 7: [5], 5: [3], 3: [1]}
    start = np.zeros(2 * n + 1, np.int32)
    np.cumsum([len(follow.get(d, [])) for d in range(2 * n)], out=start[1:])
    return Network(
        tracks=track,
        pieces=pieces,
        successor_start=start,
        successor=np.array([s for d in range(2 * n) for s in follow.get(d, [])], np.int32),
        zone_name=[f"z{i}" for i in range(n)],
        lines=["A-Ut"],
        points=Points(
            code=["A", "Grens", "Ut"],
            name=["Astad", "A grens", "Utrecht Centraal"],
            kind=["station", "border", "station"],
            lon=np.array([5.0, 5.015, 5.03]),
            lat=np.full(3, 52.0),
            certain=np.ones(3, np.bool_),
            place_point=np.array([0, 1, 2], np.int32),
            place_track=np.zeros(3, np.int32),
            place_from_m=np.array([0, 999.5, 1600], np.float32),
            place_to_m=np.array([400, 1000.5, 2000], np.float32),
            place_at_m=np.array([100, 1000, 1900], np.float32),
        ),
        stops=Stops(
            directed=np.array([0, 1, 6, 7], np.int32),
            point=np.array([0, 0, 2, 2], np.int32),
            name=["1", "1", "1", "1"],
            platform_m=np.full(4, 200, np.float32),
            usable_m=np.array([380, 380, 300, 380], np.float32),
        ),
        neighbours=Neighbours(np.zeros(n + 1, np.int32), np.zeros(0, np.int32), np.zeros(0, np.float32)),
        permissions=Permissions(
            voltage=np.ones(n, np.uint8),
            protection=np.ones(n, np.uint8),
            line_category=np.zeros(n, np.uint8),
            max_train_m=np.full(n, 740, np.float32),
            gauge=np.zeros(n, np.uint8),
            dangerous_goods=np.ones(n, np.bool_),
            freight=np.ones(n, np.bool_),
            left_allowed=np.zeros(n, np.bool_),
        ),
        objects=Objects(np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.float32), []),
        content_hash="chain",
    )


def with_pieces(network: Network, **changed: object) -> Network:
    """Return the network with other values in its pieces."""
    return dataclasses.replace(network, pieces=dataclasses.replace(network.pieces, **changed), cache={})

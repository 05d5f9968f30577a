"""Written-out timetables for tests: trains with their stops, without tracks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from weerspoor.timetable.day import Calls, Day, DayTrains, Holdings, Movements

Stop = tuple[str, str, str]
"""Point, arrival and departure as HH:MM[:SS]; "" for the first arrival and the last departure."""


def seconds(clock: str) -> int:
    """Return HH:MM or HH:MM:SS in seconds."""
    parts = [int(part) for part in clock.split(":")]
    return sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))


def timetable(
    trains: list[tuple[str, list[Stop]]],
    points: str,
    *,
    series: list[str] | None = None,
    layers: list[str] | None = None,
    tracks: dict[tuple[int, int], str] | None = None,
) -> Day:
    """Make a day from ``(kind, stops)``; a stop names one of ``points`` by its letter."""
    n = len(trains)
    rows: list[tuple[int, int, int, int, int]] = []
    start = [0]
    for _, stops in trains:
        for point, arrival, departure in stops:
            first, last = seconds(arrival or departure), seconds(departure or arrival)
            rows.append((points.index(point), first, last, first if arrival else -1, last if departure else -1))
        start.append(len(rows))
    columns = [np.array(column, np.int32) for column in zip(*rows, strict=True)]
    names = [""] * len(rows)
    for (train, call), track in (tracks or {}).items():
        names[start[train] + call] = track
    none, nothing, nowhere = np.zeros(0, np.int32), np.zeros(0, np.uint8), np.zeros(n + 1, np.int32)
    return Day(
        name="written",
        kind="weekday",
        date="",
        lacks=[],
        periodic=True,
        trains=DayTrains(
            reference=[f"t{i}" for i in range(n)],
            series=series or [f"s{i}" for i in range(n)],
            kind=[kind for kind, _ in trains],
            layer=layers or ["passenger"] * n,
            phase=["anchored2"] * n,
            length_m=np.full(n, 100, np.float32),
            occupies=np.full(n, 2, np.uint8),
        ),
        calls=Calls(np.array(start, np.int32), *columns, names),
        movements=Movements(nowhere, none, none, none, none),
        holdings=Holdings(none, none, none, none, nothing, nothing),
        reserve=None,
        network_hash="n",
        content_hash="",
    )


def places(points: str, *, borders: str = "") -> Any:
    """Return what stands for a network: stations on a meridian, ten kilometres apart."""
    return SimpleNamespace(
        points=SimpleNamespace(
            code=list(points),
            kind=["border" if point in borders else "station" for point in points],
            lon=np.full(len(points), 5.0),
            lat=52 + np.arange(len(points)) * 10 / 111.195,
        )
    )

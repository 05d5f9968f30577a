"""Small days for tests, made by hand or by a seeded generator; no network is needed."""

import numpy as np

from weerspoor.timetable.day import Calls, Day, DayTrains, Holdings, Movements


def small_day(
    held: list[tuple[int, int, int, int]],
    *,
    names: list[str] | None = None,
    periodic: bool = False,
    kept: list[tuple[int, int, int, int, int]] | None = None,
    occupies: list[int] | None = None,
) -> Day:
    """Make a day from ``(train, zone, from_s, until_s)`` rows.

    Every train runs over one directed piece a zone held, and calls at point 0 and point 1.
    ``kept`` adds ``(train, zone, from_s, until_s, mask)``: zones kept empty.
    """
    n = 1 + max(row[0] for row in held)
    names = names or [f"t{i}" for i in range(n)]
    bits = occupies or [2] * n
    kept = kept or []
    rows = [(zone, start, end, train, bits[train], 7) for train, zone, start, end in held]
    rows += [(zone, start, end, train, 0, mask) for train, zone, start, end, mask in kept]
    rows.sort(key=lambda row: (row[0], row[1], row[3]))
    columns = [np.array(column, np.int32) for column in zip(*rows, strict=True)]
    runs = [[row for row in held if row[0] == train] for train in range(n)]
    starts = np.cumsum([0, *(len(run) for run in runs)]).astype(np.int32)
    flat = [row for run in runs for row in run]
    begin = np.array([min(row[2] for row in run) for run in runs], np.int32)
    end = np.array([max(row[3] for row in run) for run in runs], np.int32)
    enter = np.array([row[2] * 10 for row in flat], np.int32)
    return Day(
        name="small",
        kind="weekday",
        date="",
        lacks=["works"],
        periodic=periodic,
        trains=DayTrains(
            reference=names,
            series=["s"] * n,
            kind=["sprinter"] * n,
            layer=["passenger"] * n,
            phase=["anchored2"] * n,
            length_m=np.full(n, 100, np.float32),
            occupies=np.array(bits, np.uint8),
        ),
        calls=Calls(
            start=np.arange(0, 2 * n + 1, 2, dtype=np.int32),
            point=np.tile(np.array([0, 1], np.int32), n),
            arrival_s=np.stack([begin, end], 1).ravel(),
            departure_s=np.stack([begin, end], 1).ravel(),
            planned_arrival_s=np.stack([np.full(n, -1, np.int32), end], 1).ravel(),
            planned_departure_s=np.stack([begin, np.full(n, -1, np.int32)], 1).ravel(),
            track=["1", "2a"] * n,
        ),
        movements=Movements(
            start=starts,
            directed=np.array([2 * row[1] for row in flat], np.int32),
            enter_ds=enter,
            exit_ds=enter + 50,
            depart_ds=enter + 60,
        ),
        holdings=Holdings(
            zone=columns[0],
            from_s=columns[1],
            until_s=columns[2],
            train=columns[3],
            occupies=columns[4].astype(np.uint8),
            blocks=columns[5].astype(np.uint8),
        ),
        reserve=None,
        network_hash="n",
        content_hash="",
        notes={"moved": 3},
    )


def same_day(one: Day, other: Day) -> bool:
    """Say whether two days have the same content, array by array."""
    for part in ("trains", "calls", "movements", "holdings", "passengers", "turns"):
        first, second = getattr(one, part), getattr(other, part)
        if first is None or second is None:
            if first is not second:
                return False
            continue
        for name in first.__dataclass_fields__:
            a, b = getattr(first, name), getattr(second, name)
            if isinstance(a, np.ndarray):
                if a.dtype != b.dtype or not np.array_equal(a, b):
                    return False
            elif a != b:
                return False
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("name", "kind", "date", "lacks", "periodic", "network_hash", "notes")
    )

"""A path: a train's way with its times, what it holds and keeps empty, who is near it. Part of the JSON of a plan.

Times are whole seconds of the operating day (05:00 of the next day is 104 400); distances along the path are
kilometres from its origin; places are WGS84 ``[lon, lat]``.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Sentence(msgspec.Struct, kw_only=False):
    """A sentence for people, in no language yet: a key of the tables of texts, and what fills its blanks."""

    key: str
    values: dict[str, Any] = {}


class PointTime(msgspec.Struct, kw_only=True):
    """One operational point on the path."""

    code: str
    name: str
    km: float
    arrival_s: int
    departure_s: int
    track: str
    stop_s: int = 0
    reason: str = ""
    """Key of a text: origin, crew_change, reversing, wait_for_train, … with ``reason_train`` if there is one."""
    reason_train: str = ""
    slack_before_s: int | None = None
    train_before: str = ""
    slack_after_s: int | None = None
    train_after: str = ""


class PieceTime(msgspec.Struct, kw_only=True):
    """One directed piece of the route; ``depart_s`` differs from ``exit_s`` where the train stops at its end.

    A piece that is ``turned`` is not run over: the train turned back, and at the end of this piece stands its new head.
    """

    directed: int
    track: str
    name: str
    from_m: float
    to_m: float
    km: float
    enter_s: float
    exit_s: float
    depart_s: float
    speed_kmh: float
    turned: bool = False


class Held(msgspec.Struct, kw_only=True):
    """A zone held; ``km_from`` and ``km_to`` are where it lies along the path."""

    zone: int
    name: str
    km_from: float
    km_to: float
    from_s: int
    until_s: int


class KeptEmpty(msgspec.Struct, kw_only=True):
    """A neighbour zone kept empty for a wide load."""

    zone: int
    track: str
    km_from: float
    km_to: float
    distance_m: float
    of: str
    """all, passenger or wide."""
    from_s: int
    until_s: int
    margin_early_s: int | None
    """How much earlier the train may run before it meets a train there; None if nothing comes before."""
    margin_late_s: int | None
    train_before: str
    train_after: str
    freed_by: str
    """The event that frees it, as a text key with the place: ``tail_clear``."""
    freed_at: str
    shape: list[list[float]]


class Condition(msgspec.Struct, kw_only=True):
    """A condition that was checked, and how close it was."""

    key: str
    place: str
    value: float
    limit: float
    unit: str
    certainty: str
    source: str


class DiagramTrain(msgspec.Struct, kw_only=True):
    """Another train in the space-time diagram: broken lines of ``[km, s]``."""

    reference: str
    kind: str
    layer: str
    lines: list[list[list[float]]]


class DiagramSection(msgspec.Struct, kw_only=True):
    """Number of parallel running tracks along a part of the path."""

    km_from: float
    km_to: float
    tracks: int


class Path(msgspec.Struct, kw_only=True):
    """One path with everything a planner asks of it."""

    id: str
    why: str
    """best, earlier, later, faster, fewer_stops, more_slack, other_route."""
    departure_s: int
    arrival_s: int
    distance_km: float
    running_s: int
    stops: int
    pace: float
    energy_kwh: float | None
    points: list[PointTime]
    pieces: list[PieceTime]
    held: list[Held]
    kept_empty: list[KeptEmpty]
    reserve_paths: list[str]
    conditions: list[Condition]
    trains: list[DiagramTrain]
    sections: list[DiagramSection]
    shape: list[list[float]]

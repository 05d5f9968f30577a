"""The plan: what was asked, what was found, why; the form of ``--json`` and of everything a page shows.

Times are whole seconds of the operating day (05:00 of the next day is 104 400); distances along the path are
kilometres from its origin; places are WGS84 ``[lon, lat]``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from weerspoor.capacity.path import (
    Condition,
    DiagramSection,
    DiagramTrain,
    Held,
    KeptEmpty,
    Path,
    PieceTime,
    PointTime,
    Sentence,
)
from weerspoor.capacity.proposal import Displacement

SCHEMA_VERSION = 3

__all__ = [
    "SCHEMA_VERSION",
    "Condition",
    "DayNote",
    "DiagramSection",
    "DiagramTrain",
    "Displacement",
    "Explanation",
    "Handling",
    "Held",
    "KeptEmpty",
    "MapLayer",
    "Obstacle",
    "Path",
    "PieceTime",
    "Plan",
    "PointTime",
    "Provenance",
    "Relaxation",
    "Sentence",
]


class Handling(msgspec.Struct, kw_only=True):
    """The handling label and which fields of the plan are sensitive (JSON pointers)."""

    label: str
    sensitive: list[str]


class Provenance(msgspec.Struct, kw_only=True):
    """What the plan was computed from, by content hash."""

    program: str
    network: str
    day: str
    request: str
    assumptions: str
    seed: int
    rule_set: str = ""


class DayNote(msgspec.Struct, kw_only=True):
    """The day the plan was made on, and what it lacks."""

    name: str
    kind: str
    date: str
    lacks: list[str]
    warnings: list[Sentence]


class Obstacle(msgspec.Struct, kw_only=True):
    """What stands in the way: a point, a track, a train, a closure, a norm or a rule."""

    kind: str
    what: str
    place: str
    detail: Sentence
    source: str


class Relaxation(msgspec.Struct, kw_only=True):
    """A least change of the request that gives a path, tested by a search."""

    key: str
    """later, earlier, shorter, lighter, other_traction, not_wide, train_moved, …"""
    amount: float
    unit: str
    detail: Sentence
    departure_s: int | None
    arrival_s: int | None


class Explanation(msgspec.Struct, kw_only=True):
    """Why there is no path, and what would give one."""

    summary: Sentence
    obstacles: list[Obstacle]
    relaxations: list[Relaxation]
    reached: list[str]
    """Codes of the points furthest along that the train could reach."""
    proven: bool = True
    """The search tried everything; without it, it gave up after the work it is given."""


class MapLayer(msgspec.Struct, kw_only=True):
    """Background of the map: the running lines, and places with their names."""

    lines: list[list[list[float]]]
    places: list[dict[str, Any]]


class Plan(msgspec.Struct, kw_only=True):
    """The result of one request."""

    schema: str = "weerspoor-plan"
    version: int = SCHEMA_VERSION
    reference: str
    outcome: str
    """found, none, or proposed: there are proposals to displace others, on which a person decides."""
    handling: Handling
    provenance: Provenance
    request: dict[str, Any]
    train: dict[str, Any]
    day: DayNote
    paths: list[Path]
    explanation: Explanation | None
    displacement: Displacement | None = None
    """Of a plan that was asked to displace."""
    assumptions: list[dict[str, str]]
    sources: list[dict[str, str]]
    map: MapLayer
    hash: str = ""

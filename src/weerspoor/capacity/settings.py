"""The choices of the planning program, from ``data/planning.toml``."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec

from weerspoor.common.errors import DataError
from weerspoor.common.files import content_hash

DATA = Path(__file__).parents[1] / "data"


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Choices that belong together, how sure they are and where they come from."""

    certainty: str
    source: str


class HandlingRule(Row, frozen=True, kw_only=True):
    """The label of a result, and JSON pointers of what a shareable version leaves out."""

    label: str
    sensitive: list[str]


class ShareableRule(Row, frozen=True, kw_only=True):
    """The label of a shareable version, and whom its readers can ask; empty if nobody is named."""

    label: str
    contact: str


class Choice(Row, frozen=True, kw_only=True):
    """What makes one path better than another that is not simply worse."""

    stop_s: float
    journey_share: float
    sooner_s: float
    apart_s: float
    later_s: float


class Close(Row, frozen=True, kw_only=True):
    """From where on a condition is said to have been close."""

    slack_s: float
    window_s: float
    load_share: float
    length_share: float
    gap_m: float


class Diagram(Row, frozen=True, kw_only=True):
    """What the space-time diagram shows of other trains."""

    beside_m: float
    margin_s: float
    simplify_s: float


class AlternativeRule(Row, frozen=True, kw_only=True):
    """When a path is really another one, and how one is looked for."""

    penalty: float
    other_route_share: float
    earlier_s: float
    faster_s: float
    latest_s: float
    corridor_extra_s: float
    corridor_share: float
    more_slack_s: list[int]


class EmptyRule(Row, frozen=True, kw_only=True):
    """What a train that goes back empty is, and how long it may take to set out over a border."""

    mass_share: float
    half_width_mm: float
    window_s: int


class RelaxationRule(Row, frozen=True, kw_only=True):
    """What is tried when there is no path."""

    shift_s: list[int]
    length_step_m: float
    mass_step_t: float
    width_step_mm: float
    places: int
    trains_moved: int


class WorkRule(Row, frozen=True, kw_only=True):
    """How much searches may do, in labels taken from their queues."""

    path_labels: int
    better_labels: int
    alternative_labels: int
    explanation_labels: int
    relaxations_labels: int
    relaxation_labels: int
    start_labels: int


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of ``data/planning.toml``."""

    handling: HandlingRule
    shareable: ShareableRule
    choice: Choice
    close: Close
    diagram: Diagram
    alternatives: AlternativeRule
    empty: EmptyRule
    relaxation: RelaxationRule
    work: WorkRule


@cache
def settings(path: Path = DATA / "planning.toml") -> Settings:
    """Return the shipped choices.

    Raises
    ------
    DataError
        If the table is missing or a key of it is wrong.
    """
    return read_choices(path, Settings, "the planner")


Choices = TypeVar("Choices")


def read_choices(path: Path, kind: type[Choices], of: str) -> Choices:
    """Return a file of choices as the values that it has to hold, no more and no less.

    Raises
    ------
    DataError
        If the file is missing or a key of it is wrong; ``of`` says whose choices they are.
    """
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), kind)
    except (OSError, ValueError) as error:
        raise DataError(f"the choices of {of} cannot be read: {error}", where=str(path)) from error


@cache
def assumptions_hash() -> str:
    """Return the hash of every small table that people write: norms, clearances, kinds, choices."""
    files = sorted(file for file in DATA.iterdir() if file.suffix in (".toml", ".csv"))
    return content_hash(*(part for file in files for part in (file.name.encode(), file.read_bytes())))

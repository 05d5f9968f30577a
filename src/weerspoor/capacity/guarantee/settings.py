"""How a guarantee is worked out, from ``data/guarantee.toml``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

from weerspoor.capacity.settings import DATA, Row, read_choices


class PathRule(Row, frozen=True, kw_only=True):
    """What still counts as a path."""

    longest_share: float
    longest_extra_s: float


class WorkRule(Row, frozen=True, kw_only=True):
    """How much searches may do, in labels."""

    path_labels: int
    hour_labels: int
    train_labels: int


class ReserveRule(Row, frozen=True, kw_only=True):
    """For which promises reserve paths are counted."""

    within_h: list[int]
    cutoff_h: float
    least_share: float


class OccupationRule(Row, frozen=True, kw_only=True):
    """Thresholds of UIC 406, in percent, and how a line is cut into sections."""

    mixed_peak: float
    mixed_day: float
    suburban_peak: float
    suburban_day: float
    suburban_share: float
    suburban_kinds: list[str]
    node_tracks: int
    node_tracks_single: int


class Band(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Hours of the operating day that are looked at together."""

    name: str
    from_h: float
    to_h: float
    peak: bool


class BandsNote(Row, frozen=True, kw_only=True):
    """Where the hours of the bands come from."""


class HandlingNote(Row, frozen=True, kw_only=True):
    """JSON pointers of what a shareable version of the result leaves out."""

    sensitive: list[str]


class GuaranteeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of ``data/guarantee.toml``."""

    path: PathRule
    work: WorkRule
    reserve: ReserveRule
    occupation: OccupationRule
    band: list[Band]
    bands: BandsNote
    handling: HandlingNote


@cache
def guarantee_settings(path: Path = DATA / "guarantee.toml") -> GuaranteeSettings:
    """Return the shipped choices.

    Raises
    ------
    DataError
        If the table is missing or a key of it is wrong.
    """
    return read_choices(path, GuaranteeSettings, "the guarantee")

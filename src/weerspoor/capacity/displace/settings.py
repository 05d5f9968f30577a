"""What ``displacing.toml`` says: how far trains may be moved, how long people need, how much is looked at."""

from __future__ import annotations

from functools import cache

import msgspec

from weerspoor.capacity.settings import DATA, read_choices


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class MoveRule(_Table, frozen=True, kw_only=True):
    """How far trains may be moved, by layer, in seconds; see the file."""

    longest_s: dict[str, int]
    forced_s: int
    earlier_s: dict[str, int]
    consent_s: dict[str, int]
    least_stand_s: dict[str, int]
    ready_s: int
    turning_trains: int
    stock_elsewhere: bool
    held_from_s: int
    level_eur: float


class NoticeRule(_Table, frozen=True, kw_only=True):
    """Least time between a decision and the first thing that changes, by kind of move, in seconds."""

    shifted_s: int
    held_s: int
    rerouted_s: int
    shortened_s: int
    cancelled_s: int
    military_s: int


class SearchRule(_Table, frozen=True, kw_only=True):
    """How much is looked at.

    Attributes
    ----------
    free_labels, soft_labels : int
        Labels of the search for a path alone on the railway, and among the trains that are not moved.
    shares : list of float
        So many of the trains in the way, the cheapest first, are taken for movable in turn.
    grid_s, apart_s, shifts : int
        A path is tried at departures this far apart; of those the best so many, at least so far apart, are gone into.
    hardenings : int
        So often the costliest train that a path moves is taken for fixed and another path looked for.
    quick_steps, steps, level_steps : int
        Steps of re-planning for a first price, for a proposal, and each time minimum levels bind trains to run.
    worked_out : int
        So many of the cheapest candidates get the second.
    other_tracks : int
        For so many of the costliest trains other tracks are looked for.
    track_steps, track_rounds : int
        Steps of re-planning after that; both so often in a row, while that makes the candidate cheaper.
    track_labels : int
        Most labels of each of these searches.
    most_blockers : int
        A step takes out no more trains than these besides the one it is about.
    warmth : float
        How much worse a step may be at first, as a share of the mean cost of a moved train.
    """

    free_labels: int
    soft_labels: int
    shares: list[float]
    grid_s: int
    apart_s: int
    shifts: int
    hardenings: int
    quick_steps: int
    worked_out: int
    steps: int
    level_steps: int
    other_tracks: int
    track_steps: int
    track_rounds: int
    track_labels: int
    most_blockers: int
    warmth: float


class LateRule(_Table, frozen=True, kw_only=True):
    """What is asked of a military train that is itself late."""

    by_s: list[int]
    beyond_s: int
    reaction_s: int
    steps: int


class DisplaceSettings(_Table, frozen=True, kw_only=True):
    """Everything ``displacing.toml`` says."""

    moves: MoveRule
    notice: NoticeRule
    search: SearchRule
    late: LateRule


@cache
def displace_settings() -> DisplaceSettings:
    """Return the settings of displacing.

    Raises
    ------
    DataError
        If the file has a key too many or too few, or a value of the wrong kind.
    """
    return read_choices(DATA / "displacing.toml", DisplaceSettings, "displacing")

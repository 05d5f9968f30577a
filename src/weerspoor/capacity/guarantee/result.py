"""The result of a guarantee: the form of ``--json`` and of everything its page shows.

Hours are those of the operating day, 0 to 23 from 05:00; times are seconds of the operating day.
"""

from __future__ import annotations

import msgspec

from weerspoor.capacity.plan import Handling, Sentence

SCHEMA_VERSION = 1


class Provenance(msgspec.Struct, kw_only=True):
    """What the result was computed from, by content hash."""

    program: str
    network: str
    day: str
    demand: str
    assumptions: str
    rule_set: str = ""


class Place(msgspec.Struct, kw_only=True):
    """An operational point."""

    code: str
    name: str


class Binding(msgspec.Struct, kw_only=True):
    """Where paths that leave in some hours fail most: between two points, on which tracks, against which trains.

    ``share`` of the departures tried, one a minute, without waiting on the way, meet a train there.
    """

    hours: list[int]
    begin: Place
    end: Place
    tracks: list[str]
    share: float
    trains: list[str]
    """Series of the trains met, those met most first."""
    beside: float
    """Share of the meetings on a track beside, kept empty for a wide load."""


class KindCount(msgspec.Struct, kw_only=True):
    """Paths of one kind of train in one direction of a corridor that can be had together."""

    kind: str
    possible: bool
    why_not: Sentence | None
    journey_min: float
    """Least journey on an empty railway."""
    longest_min: float
    """Longest journey that still counts as a path."""
    free: list[int]
    """By hour of departure; clear of the trains and of the reserve paths of the day."""
    with_reserve: list[int]
    """Clear of the trains; the reserve paths may be taken."""
    bound_free: list[int]
    bound_with_reserve: list[int]
    """No more than so many can leave in the hour, whatever the order in which they are planned."""
    free_day: int
    with_reserve_day: int
    bound_free_day: int
    bound_with_reserve_day: int
    broken_off: list[int]
    """Hours in which a search gave up: more may be possible than was counted."""
    binding: list[Binding]
    cut: list[str]
    """Names of the tracks of the narrowest cut, which the bound of the day rests on."""


class BandOccupation(msgspec.Struct, kw_only=True):
    """Occupation of a line section in a band of hours, compressed as UIC 406 says."""

    band: str
    trains: int
    percent: float
    threshold: float
    over: bool


class SectionOccupation(msgspec.Struct, kw_only=True):
    """A line section in one direction."""

    begin: Place
    end: Place
    km: float
    traffic: str
    """mixed or suburban."""
    bands: list[BandOccupation]


class Direction(msgspec.Struct, kw_only=True):
    """One direction of a corridor."""

    origin: Place
    destination: Place
    via: list[Place]
    kinds: list[KindCount]
    occupation: list[SectionOccupation]


class CorridorResult(msgspec.Struct, kw_only=True):
    """One corridor."""

    name: str
    title: dict[str, str]
    source: str
    directions: list[Direction]


class TrainResult(msgspec.Struct, kw_only=True):
    """One train of the demand."""

    number: int
    ready_s: int
    outcome: str
    """free, reserve, displaced, none or none_unproven."""
    departure_s: int | None
    arrival_s: int | None
    reserve_paths: list[str]
    displaced: list[str]
    """References of the trains moved."""
    harm: float | None
    harm_unit: str


class FlowResult(msgspec.Struct, kw_only=True):
    """One flow of the demand: how many of its trains fit."""

    name: str
    title: dict[str, str]
    origin: Place
    destination: Place
    kind: str
    notice_h: float
    within_h: float
    asked: int
    free: int
    reserve: int
    displaced: int
    none: int
    trains: list[TrainResult]


class Shares(msgspec.Struct, kw_only=True):
    """The demand of a day together."""

    asked: int
    free: int
    reserve: int
    displaced: int
    none: int
    order: str
    """In which order the trains were placed: ready (as they are ready) or hard (those with the fewest ways first)."""
    displacement: str
    """computed, not_computed or not_needed."""
    flows: list[FlowResult]


class Promise(msgspec.Struct, kw_only=True):
    """How many reserve paths a day keep the promise that a train leaves within so many hours."""

    within_h: float
    paths: int
    share: float
    """Of the times of the day at which a train may be ready; the rest cannot be promised, whatever is held."""


class ReservePath(msgspec.Struct, kw_only=True):
    """A reserve path that is proposed."""

    departure_s: int
    arrival_s: int


class ReserveProposal(msgspec.Struct, kw_only=True):
    """Which reserve paths to hold for a flow, beside those for the flows before it."""

    flow: str
    title: dict[str, str]
    origin: Place
    destination: Place
    kind: str
    trains: int
    notice_h: float
    within_h: float
    known_times: bool
    """Asked for before the day is fixed: only the times of the flow itself are covered, else every time of the day."""
    candidates: int
    paths: list[ReservePath]
    hours: list[int]
    """Paths to hold by hour of departure."""
    share: float
    """Of the times that have to be covered."""
    uncovered: list[int]
    """Hours with times at which no promise can be kept."""
    promises: list[Promise]


class LevelShortfall(msgspec.Struct, kw_only=True):
    """A minimum level of freight that the day does not reach, before or after the demand took its paths."""

    row: str
    begin: Place
    end: Place
    peak: bool
    needed: float
    before: float
    after: float
    """Paths of the day: freight trains and reserve paths that are left."""
    source: str


class GuaranteeResult(msgspec.Struct, kw_only=True):
    """What a railway guarantees to a demand on a day."""

    schema: str = "weerspoor-guarantee"
    version: int = SCHEMA_VERSION
    reference: str
    title: dict[str, str]
    outcome: str
    """fits, fits_not or partial."""
    missing: list[str]
    """Parts that were not worked out because the work was broken off."""
    handling: Handling
    provenance: Provenance
    day: str
    day_kind: str
    day_date: str
    lacks: list[str]
    rules: str
    growth_volume: float
    growth_frequency: float
    kinds: dict[str, dict[str, str]]
    """Titles of the kinds of train by language."""
    trains: dict[str, str]
    """What each kind of train is, in a line."""
    corridors: list[CorridorResult]
    shares: Shares | None
    reserve: list[ReserveProposal]
    levels: list[LevelShortfall] | None
    assumptions: list[dict[str, str]]
    hash: str = ""

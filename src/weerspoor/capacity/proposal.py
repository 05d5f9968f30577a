"""Proposals: paths that displace other trains, with what each does to whom, by which rule, for a person to decide.

Part of the JSON of a plan (:mod:`weerspoor.capacity.plan`). Times are whole seconds of the operating day; money is in
euros of the years that ``harm.toml`` names; references of trains that run another day than the first carry it (``+1``).
"""

from __future__ import annotations

import msgspec

from weerspoor.capacity.path import Held, Path, PieceTime, Sentence


class HarmSum(msgspec.Struct, kw_only=True):
    """What displacement costs; see :class:`weerspoor.timetable.harm.Harm`."""

    passenger_min_delay: float = 0.0
    passenger_min_waiting: float = 0.0
    passenger_min_cancelled: float = 0.0
    passenger_min_missed: float = 0.0
    freight_tonne_h: float = 0.0
    eur: float = 0.0
    eur_low: float = 0.0
    eur_high: float = 0.0
    trains: dict[str, int] = {}
    """Number of trains by kind of displacement: shifted, held, rerouted, shortened, cancelled."""


class Citation(msgspec.Struct, kw_only=True):
    """A line of a rule set, cited for what happens."""

    id: str
    article: str
    basis: str
    """law, announcement, proposal or assumption."""
    certainty: str
    nl: str
    en: str


class CallTime(msgspec.Struct, kw_only=True):
    """A call or passage of a train before and after; None where it does not come any more."""

    code: str
    name: str
    stops: bool
    track: str
    old_arrival_s: int
    old_departure_s: int
    new_arrival_s: int | None
    new_departure_s: int | None


class MovedLeg(msgspec.Struct, kw_only=True):
    """A part of a moved train's run from one stand to the next, so many seconds later than in the day."""

    departure_s: float
    """As in the day."""
    shift_s: int


class Move(msgspec.Struct, kw_only=True):
    """What happens to one train."""

    train: str
    series: str
    train_kind: str
    layer: str
    segment: str
    undertaking: str
    """Empty where no source names one."""
    holder_certainty: str
    kind: str
    """shifted, held, rerouted, shortened or cancelled."""
    forced_by_closure: bool
    needs_consent: bool
    rule: Citation
    rank: int
    """Of its segment by analogy; 1 is moved last."""
    slight: bool
    """No more than what coordination could offer otherwise, by analogy."""
    neighbours: list[str]
    """Managers of networks beyond the border that have to agree."""
    delay_s: int
    """Greatest lateness at a call; negative when it runs earlier."""
    decide_by_s: int
    harm: HarmSum
    calls: list[CallTime]
    legs: list[MovedLeg]
    """The legs that it runs; all of one that runs over other tracks."""
    pieces: list[PieceTime]
    """Only of a train that runs over other tracks."""
    held: list[Held]
    line_before: list[list[list[float]]]
    line_after: list[list[list[float]]]
    """In the diagram of the path: lines of ``[km, s]``."""


class NoticeTime(msgspec.Struct, kw_only=True):
    """Old and new time at a point in a notice."""

    code: str
    name: str
    old_arrival_s: int
    old_departure_s: int
    new_arrival_s: int | None
    new_departure_s: int | None


class NoticeTrain(msgspec.Struct, kw_only=True):
    """One train of a notice."""

    train: str
    kind: str
    asks_consent: bool
    neighbours: list[str]
    times: list[NoticeTime]


class Notice(msgspec.Struct, kw_only=True):
    """The notice that would go to one holder of paths."""

    undertaking: str
    segment: str
    send_by_s: int
    trains: list[NoticeTrain]
    citations: list[Citation]


class LateCase(msgspec.Struct, kw_only=True):
    """What happens if the military train itself is late by so much."""

    by_s: int
    policy: str
    """held: it waits until it fits without moving anyone else; let_run: it runs late and others are moved further;
    neither: no such way was found, so it has to be planned anew."""
    held_arrival_s: int | None
    held_wait_s: int | None
    let_run_arrival_s: int | None
    let_run_eur: float | None
    """Harm added to that of the proposal."""
    let_run_trains: int | None


class Refuge(msgspec.Struct, kw_only=True):
    """The next place after a point where the train fits, may stand and can be guarded."""

    after_code: str
    after_name: str
    after_km: float
    code: str
    name: str
    track: str
    km: float | None
    """None: there is none up to the destination."""
    usable_m: float


class Pays(msgspec.Struct, kw_only=True):
    """Who pays: one market segment, or one hour."""

    what: str
    trains: int
    passenger_min: float
    freight_tonne_h: float
    eur: float


class LevelShort(msgspec.Struct, kw_only=True):
    """A minimum level of service that cannot be kept."""

    section: str
    direction: str
    hour: int | None
    needed: int
    before: int
    after: int
    kind: str


class Proposal(msgspec.Struct, kw_only=True):
    """One way to run the train, with all it does."""

    id: str
    why: str
    """least_harm, middle or on_time."""
    paths: list[Path]
    """One for each train of the request, those that go back last."""
    moves: list[Move]
    harm: HarmSum
    missed: HarmSum
    """The part of the harm that lies in connections between trains."""
    by_segment: list[Pays]
    by_hour: list[Pays]
    arrival_s: int
    late_s: int
    """Later than the first arrival that any path could have."""
    robust_eur: float | None
    """Mean of what is added when the train is late, as the policy would have it."""
    late: list[LateCase]
    decide_by_s: int
    refuges: list[Refuge]
    notices: list[Notice]
    consent: list[str]
    """Whose consent it needs: undertakings, and managers beyond the border."""
    reserve_paths: list[str]
    minimum_levels: list[LevelShort]
    """Those that the proposal leaves unmet."""


class RuleNote(msgspec.Struct, kw_only=True):
    """The rule set that was asked for."""

    name: str
    title_nl: str
    title_en: str
    in_force: str
    valid_from: str
    valid_to: str
    certainty: str
    source: str
    hash: str
    compensated: str
    decided_by: list[str] = []
    """Who has to decide, as in the rule set; none where it names nobody."""


class RuleAnswer(msgspec.Struct, kw_only=True):
    """What another rule set would let happen."""

    rules: str
    title_nl: str
    title_en: str
    in_force: str
    outcome: str
    """path, draft, consent (only with the holders' consent) or none."""
    eur: float | None
    trains: int | None
    missing: list[Sentence]


class Relaxed(msgspec.Struct, kw_only=True):
    """What would be saved if one line of the rules were relaxed alone."""

    rule: Citation
    eur: float | None
    """Harm of the least harmful path then; None if there is still none."""
    saved_eur: float | None


class Compared(msgspec.Struct, kw_only=True):
    """What simpler ways to let the quickest path through would cost."""

    cancel_eur: float
    """Every train in its way cancelled."""
    hold_eur: float | None
    """Every train in its way held until it is through, others behind them too; None if that does not work out."""
    trains: int


class Displacement(msgspec.Struct, kw_only=True):
    """The answer of ``--displace``."""

    rules: RuleNote
    status: str
    """ready; draft, with what is missing; refused: the rule set cannot be used; not_allowed: it moves no train."""
    missing: list[Sentence]
    summary: Sentence
    free: bool
    """A path was found in what is free or in the reserve, so nothing is displaced."""
    proposals: list[Proposal]
    consent: list[Proposal]
    """Under rules that withdraw nothing: what shifts by consent would make possible."""
    rule_sets: list[RuleAnswer]
    relaxed: list[Relaxed]
    compared: Compared | None
    analogies: list[Citation]
    """What ranks harm, and permits nothing."""

"""The shareable version of a plan: what the holders of other trains have to know, and nothing of the military train.

It is made by taking values over from the notices of one proposal, never by leaving some out of a plan, so whatever is
added to plans later stays out of it. Way, times, load and reference of the military train are not in it, but
all notices together show where and when it runs: a holder gets only its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from weerspoor.capacity.path import Sentence
from weerspoor.capacity.proposal import CallTime, Citation, Move, Notice, NoticeTrain, Proposal
from weerspoor.capacity.settings import settings
from weerspoor.common.errors import InputError
from weerspoor.common.files import content_hash
from weerspoor.report.displaced import chosen_proposal
from weerspoor.timetable.day import LAYER_RESERVE

if TYPE_CHECKING:
    from weerspoor.capacity.plan import Plan

SHAREABLE_VERSION = 1
LEAST_CHANGE_S = 6
"""A time that changes by less is the same: planners give times in steps of this."""


class SharedTime(msgspec.Struct, kw_only=True):
    """Old and new times of a train at a point, in seconds of the operating day.

    No arrival where it begins, no departure where it ends; no new times where it does not come any more.
    """

    code: str
    name: str
    old_arrival_s: int | None
    old_departure_s: int | None
    new_arrival_s: int | None
    new_departure_s: int | None


class SharedTrain(msgspec.Struct, kw_only=True):
    """A train that runs otherwise."""

    train: str
    kind: str
    """shifted, held, rerouted, shortened or cancelled."""
    asks_consent: bool
    neighbours: list[str]
    """Managers of networks beyond the border that have to agree."""
    rule: Citation
    times: list[SharedTime]


class SharedNotice(msgspec.Struct, kw_only=True):
    """What one holder has to know; of a holder that no source names one for each train, as each may have its own."""

    undertaking: str
    segment: str
    trains: list[SharedTrain]


class Shareable(msgspec.Struct, kw_only=True):
    """What may be shared of a plan with those whose trains it moves."""

    schema: str = "weerspoor-shareable"
    version: int = SHAREABLE_VERSION
    label: str
    """How it is to be handled."""
    warning: Sentence
    reason: Sentence
    status: str
    """ready, draft or refused: ready to be decided on, which is not decided."""
    date: str
    """First calendar date of the operating day; empty if the plan has none."""
    rules_nl: str
    rules_en: str
    contact: str
    """Whom to contact; empty as long as nobody is named."""
    notices: list[SharedNotice]
    hash: str = ""


def shareable(plan: Plan, proposal: str | None = None, holder: str | None = None) -> Shareable:
    """Return what may be shared of a plan.

    Parameters
    ----------
    plan : Plan
        One that displaces trains.
    proposal : str, optional
        Id of one of its proposals, those by consent among them; the least harmful one if left out.
    holder : str, optional
        Only what this undertaking has to know; where no source names one, the number of its train.

    Raises
    ------
    InputError
        If the plan has no proposals, or no such proposal or holder.
    """
    found = plan.displacement
    chosen = None if found is None else chosen_proposal(found, proposal)
    if found is None or chosen is None:
        raise InputError("has no proposals that displace trains", where=plan.reference)
    notices = _of_holder(_notices(chosen), holder)
    rule = settings().shareable
    made = Shareable(
        label=rule.label,
        warning=Sentence("shareable.warning_all" if holder is None else "shareable.warning_one"),
        reason=Sentence("shareable.reason"),
        status=found.status,
        date=plan.day.date or str(plan.request.get("date") or ""),
        rules_nl=found.rules.title_nl,
        rules_en=found.rules.title_en,
        contact=rule.contact,
        notices=notices,
    )
    return msgspec.structs.replace(made, hash=shareable_hash(made))


def shareable_json(value: Shareable) -> bytes:
    """Return the shareable version as JSON, in a fixed order, ended with a line break."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def shareable_hash(value: Shareable) -> str:
    """Return the hash of everything it says but its hash."""
    return content_hash(msgspec.json.encode(msgspec.structs.replace(value, hash="")))


def _notices(proposal: Proposal) -> list[SharedNotice]:
    """Return the notices of a proposal; a reserve path is nobody's, so nobody has to know of it."""
    moves = {move.train: move for move in proposal.moves if move.layer != LAYER_RESERVE}
    found: list[SharedNotice] = []
    for notice in proposal.notices:
        trains = [_train(row, moves[row.train]) for row in notice.trains if row.train in moves]
        groups = [trains] if notice.undertaking else [[train] for train in trains]
        found += [_notice(notice, group) for group in groups if group]
    return found


def _notice(notice: Notice, trains: list[SharedTrain]) -> SharedNotice:
    return SharedNotice(undertaking=notice.undertaking, segment=notice.segment, trains=trains)


def _train(row: NoticeTrain, move: Move) -> SharedTrain:
    """Return what is shared of a train: the points at which it calls or that change for it."""
    last = len(move.calls) - 1
    return SharedTrain(
        train=row.train,
        kind=row.kind,
        asks_consent=row.asks_consent,
        neighbours=row.neighbours,
        rule=move.rule,
        times=[_time(call, i == 0, i == last) for i, call in enumerate(move.calls) if call.stops or _changes(call)],
    )


def _changes(call: CallTime) -> bool:
    """Whether a train passes a point at another time; where it does not pass any more its calls tell so."""
    if call.new_arrival_s is None or call.new_departure_s is None:
        return False
    moved = (call.new_arrival_s - call.old_arrival_s, call.new_departure_s - call.old_departure_s)
    return max(map(abs, moved)) >= LEAST_CHANGE_S


def _time(call: CallTime, first: bool, last: bool) -> SharedTime:
    return SharedTime(
        code=call.code,
        name=call.name,
        old_arrival_s=None if first else call.old_arrival_s,
        old_departure_s=None if last else call.old_departure_s,
        new_arrival_s=None if first else call.new_arrival_s,
        new_departure_s=None if last else call.new_departure_s,
    )


def holder_key(notice: SharedNotice) -> str:
    """Return by what name a notice is asked for: its undertaking, else the number of its train."""
    return notice.undertaking or train_number(notice.trains[0].train)


def train_number(reference: str) -> str:
    """Return the number of a train without the mark of the day that it runs (``2264+1``)."""
    return re.sub(r"\+\d+$", "", reference)


def _of_holder(notices: list[SharedNotice], holder: str | None) -> list[SharedNotice]:
    if holder is None:
        return notices
    found = [notice for notice in notices if holder_key(notice).casefold() == holder.casefold()]
    if not found:
        known = ", ".join(dict.fromkeys(map(holder_key, notices))) or "nobody"
        raise InputError(f"has no notice for {holder!r}", where="--holder", hint=f"there are notices for {known}")
    return found

"""What the command line prints of proposals that displace trains: status, proposals, moves of one, other rule sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import floor, log10

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from weerspoor.capacity.proposal import Displacement, HarmSum, Move, Proposal, RuleAnswer
from weerspoor.common.clock import clock
from weerspoor.common.errors import InputError
from weerspoor.report.texts import Texts
from weerspoor.timetable.day import LAYER_RESERVE
from weerspoor.timetable.harm import KINDS

MOST_MOVES = 30
"""So many moved trains are printed."""


def chosen_proposal(displacement: Displacement, wanted: str | None = None) -> Proposal | None:
    """Return the proposal with an id; without one the least harmful, or None where there is none.

    Raises
    ------
    InputError
        If there is no proposal with that id.
    """
    every = [*displacement.proposals, *displacement.consent]
    if wanted is None:
        return next((one for one in every if one.why == "least_harm"), every[0] if every else None)
    for one in every:
        if one.id == wanted:
            return one
    raise InputError(f"has no proposal {wanted!r}", where="--proposal", hint=", ".join(one.id for one in every))


def amount(value: float, texts: Texts) -> str:
    """Return an estimate with three figures, thousands apart."""
    step = 10 ** max(0, floor(log10(max(1.0, abs(value)))) - 2)
    text = f"{round(value / step) * step:,.0f}"
    return text.replace(",", ".") if texts.lang == "nl" else text


def eur(value: float | None, texts: Texts) -> str:
    """Return an amount of money; a dash for none."""
    return "–" if value is None else texts.text("proposal.eur", n=amount(value, texts))


def eur_range(harm: HarmSum, texts: Texts) -> str:
    """Return harm in money with its lowest and highest value."""
    if harm.eur_high == 0:
        return eur(0.0, texts)
    return f"{eur(harm.eur, texts)} ({amount(harm.eur_low, texts)}–{amount(harm.eur_high, texts)})"


def passenger_minutes(harm: HarmSum) -> float:
    """Return all passenger-minutes of a sum of harm."""
    delayed = harm.passenger_min_delay + harm.passenger_min_missed
    return delayed + harm.passenger_min_waiting + harm.passenger_min_cancelled


def counts(moves: Sequence[Move], texts: Texts) -> str:
    """Return how many trains are moved in which way: ``3 shifted, 1 cancelled``."""
    found = Counter(move.kind for move in moves)
    parts = [f"{found[kind]} {texts.word('displaced', kind)}" for kind in KINDS if found[kind]]
    return ", ".join(parts) or texts.text("proposal.none_moved")


def move_holder(move: Move, texts: Texts) -> str:
    """Return whose path a moved train has."""
    if move.layer == LAYER_RESERVE:
        return texts.text("proposal.nobody")
    return move.undertaking or texts.text("proposal.unnamed", segment=texts.word("segment", move.segment))


def print_displacement(displacement: Displacement, texts: Texts, console: Console) -> None:
    """Print the answer: status, what is missing, the proposals, the moves of one, what other rule sets let happen."""
    rules = displacement.rules
    title = rules.title_nl if texts.lang == "nl" else rules.title_en
    status = texts.word("status", displacement.status).capitalize()
    facts = (title, texts.word("in_force", rules.in_force), texts.word("certainty", rules.certainty))
    console.print(f"\n[bold]{escape(status)}[/]  {escape(' · '.join(facts))}", highlight=False)
    console.print(escape(texts.sentence(displacement.summary)), highlight=False)
    for sentence in displacement.missing:
        console.print(escape(f"  {texts.text('proposal.missing')} {texts.sentence(sentence)}"), highlight=False)
    chosen = chosen_proposal(displacement)
    if chosen is not None:
        console.print()
        console.print(_proposals(displacement, chosen, texts))
        if chosen.moves:
            _print_moves(chosen, texts, console)
    if displacement.rule_sets:
        console.print()
        console.print(_rule_sets(displacement.rule_sets, texts))


def _table(title: str, heads: Sequence[str], texts: Texts, numeric: Sequence[int]) -> Table:
    """Return an empty table with heads from keys of ``ui.head``; numeric columns are set right."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for i, head in enumerate(heads):
        table.add_column(texts.text(f"ui.head.{head}").capitalize(), justify="right" if i in numeric else "left")
    return table


def _proposals(displacement: Displacement, chosen: Proposal, texts: Texts) -> Table:
    heads = ("proposal", "arrival", "later", "trains", "passenger_min", "tonne_h", "eur_range", "robust", "decide_by")
    table = _table(texts.text("proposal.proposals"), (*heads, "consent"), texts, (1, 2, 4, 5, 6, 7, 8))
    for one in [*displacement.proposals, *displacement.consent]:
        harm = one.harm
        table.add_row(
            escape(f"{one.id} {texts.word('why', one.why)}"),
            clock(one.arrival_s, with_seconds=False),
            texts.text("report.minutes", minutes=round(one.late_s / 60)) if one.late_s else "–",
            counts(one.moves, texts),
            amount(passenger_minutes(harm), texts),
            amount(harm.freight_tonne_h, texts),
            eur_range(harm, texts),
            f"+ {eur(one.robust_eur, texts)}" if one.robust_eur is not None else "–",
            clock(one.decide_by_s, with_seconds=False),
            escape(", ".join(texts.table.get(f"segment.{name}", name) for name in one.consent)) or "–",
            style="bold" if one is chosen else None,
        )
    return table


def _print_moves(proposal: Proposal, texts: Texts, console: Console) -> None:
    title = texts.text("proposal.name", id=proposal.id, why=texts.word("why", proposal.why))
    heads = ("train", "holder", "what_happens", "delay", "eur_range", "rule", "asks")
    table = _table(escape(title), heads, texts, (3, 4))
    order = sorted(proposal.moves, key=lambda move: (-move.harm.eur, move.train))
    for move in order[:MOST_MOVES]:
        runs = move.kind not in ("cancelled", "shortened")
        asks = [texts.text("proposal.needs_consent")] if move.needs_consent else []
        asks += [texts.text("proposal.with_neighbour", name=name) for name in move.neighbours]
        table.add_row(
            escape(move.train),
            escape(move_holder(move, texts)),
            texts.word("displaced", move.kind),
            f"{texts.number(move.delay_s / 60, 1)} min" if runs else "–",
            eur_range(move.harm, texts),
            escape(f"{texts.said(move.rule.article)} ({texts.word('certainty', move.rule.certainty)})"),
            escape(", ".join(asks)),
        )
    console.print()
    console.print(table)
    if len(order) > MOST_MOVES:
        console.print(texts.text("report.more_moves", n=len(order) - MOST_MOVES), highlight=False)


def _rule_sets(answers: Sequence[RuleAnswer], texts: Texts) -> Table:
    heads = ("rule_set", "in_force", "outcome", "harm", "trains", "missing")
    table = _table(texts.text("proposal.rule_sets"), heads, texts, (3, 4))
    for row in answers:
        table.add_row(
            escape(row.title_nl if texts.lang == "nl" else row.title_en),
            texts.word("in_force", row.in_force),
            texts.word("rule_outcome", row.outcome),
            eur(row.eur, texts),
            "–" if row.trains is None else str(row.trains),
            escape("; ".join(texts.sentence(sentence) for sentence in row.missing)),
        )
    return table

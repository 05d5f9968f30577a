"""What the command line prints of a guarantee."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from weerspoor.capacity.guarantee import result as r
from weerspoor.report.guarantee_words import (
    binding_line,
    clock_hour,
    headline,
    hours,
    kind_title,
    notes,
    of_bound,
    percent,
    title,
)
from weerspoor.report.table import WIDE
from weerspoor.report.texts import Texts

MOST_LINES = 12


def print_guarantee(result: r.GuaranteeResult, lang: str = "en", console: Console | None = None) -> None:
    """Print the headline, the paths by hour, the demand, what binds, the reserve and the levels.

    Parameters
    ----------
    result : GuaranteeResult
    lang : str
        One of ``weerspoor.report.texts.LANGUAGES``.
    console : Console, optional
    """
    texts = Texts(lang)
    console = console or Console(width=None if sys.stdout.isatty() else WIDE + 30)
    name = title(result.title, result.reference, texts)
    console.print(f"[bold]{escape(name)}[/]  {escape(result.handling.label)}", highlight=False)
    console.print(escape(headline(result, texts)), highlight=False)
    for note in notes(result, texts):
        console.print(f"[yellow]{texts.text('report.note')}[/] {escape(note)}", highlight=False)
    for corridor in result.corridors:
        for direction in corridor.directions:
            if direction.kinds:
                console.print()
                console.print(_paths(result, corridor, direction, texts))
    for table in (_demand(result, texts), _reserve(result, texts)):
        if table is not None:
            console.print()
            console.print(table)
    _print_binding(result, texts, console)
    _print_levels(result, texts, console)
    console.print(escape(f"{texts.text('guarantee.title')} {result.hash}"), highlight=False)


def _table(heading: str) -> Table:
    return Table(title=escape(heading), title_justify="left", box=None, pad_edge=False, header_style="bold")


def _paths(result: r.GuaranteeResult, corridor: r.CorridorResult, direction: r.Direction, texts: Texts) -> Table:
    way = texts.text("guarantee.direction", origin=direction.origin.name, destination=direction.destination.name)
    table = _table(f"{title(corridor.title, corridor.name, texts)}: {way}")
    table.add_column(texts.text("guarantee.kind"))
    table.add_column("")
    for hour in range(24):
        table.add_column(clock_hour(hour), justify="right", no_wrap=True)
    table.add_column(texts.text("guarantee.day_total"), justify="right")
    table.add_column(texts.text("guarantee.share_of_bound"), justify="right")
    for row in direction.kinds:
        name = escape(kind_title(result, row.kind, texts))
        if not row.possible:
            why = texts.sentence(row.why_not) if row.why_not else ""
            table.add_row(name, escape(texts.text("guarantee.impossible", why=why)))
            continue
        lines = (
            ("free", row.free, row.free_day, row.bound_free_day),
            ("reserve", row.with_reserve, row.with_reserve_day, row.bound_with_reserve_day),
        )
        for number, (key, found, total, bound) in enumerate(lines):
            cells = [f"{paths}+" if hour in row.broken_off else str(paths) for hour, paths in enumerate(found)]
            label = texts.text(f"guarantee.row_{key}")
            table.add_row("" if number else name, label, *cells, str(total), of_bound(total, bound, texts))
        bounds = [str(most) for most in row.bound_with_reserve]
        label = texts.text("guarantee.row_bound")
        table.add_row("", label, *bounds, str(row.bound_with_reserve_day), "", style="dim")
    return table


def _demand(result: r.GuaranteeResult, texts: Texts) -> Table | None:
    if result.shares is None:
        return None
    table = _table(texts.text("guarantee.shares"))
    for key in ("flow", "from_to", "kind", "notice", "within", "asked", "free", "reserve", "displaced", "none"):
        table.add_column(
            texts.text(f"guarantee.{key}"), justify="left" if key in {"flow", "from_to", "kind"} else "right"
        )
    for flow in result.shares.flows:
        table.add_row(
            escape(title(flow.title, flow.name, texts)),
            escape(f"{flow.origin.name} – {flow.destination.name}"),
            escape(kind_title(result, flow.kind, texts)),
            texts.number(flow.notice_h),
            texts.number(flow.within_h),
            *(str(getattr(flow, key)) for key in ("asked", "free", "reserve", "displaced", "none")),
            style="bold" if flow.none else None,
        )
    return table


def _reserve(result: r.GuaranteeResult, texts: Texts) -> Table | None:
    if not result.reserve:
        return None
    table = _table(texts.text("guarantee.reserve_title"))
    for key in ("flow", "from_to", "within", "hold", "at_hours", "covered", "uncovered"):
        table.add_column(texts.text(f"guarantee.{key}"), justify="right" if key in {"within", "hold"} else "left")
    for row in result.reserve:
        held = [f"{clock_hour(hour)}×{paths}" if paths > 1 else clock_hour(hour)
                for hour, paths in enumerate(row.hours) if paths]  # fmt: skip
        scope = texts.text("guarantee.known_times" if row.known_times else "guarantee.any_time")
        table.add_row(
            escape(title(row.title, row.flow, texts)),
            escape(f"{row.origin.name} – {row.destination.name}"),
            texts.number(row.within_h),
            str(len(row.paths)),
            " ".join(held),
            f"{percent(row.share, texts)} ({scope})",
            hours(row.uncovered),
        )
    return table


def _print_binding(result: r.GuaranteeResult, texts: Texts, console: Console) -> None:
    lines = [
        binding_line(result, row.kind, found, texts)
        for corridor in result.corridors
        for direction in corridor.directions
        for row in direction.kinds
        for found in row.binding[:1]
    ]
    if not lines:
        return
    console.print(f"\n[bold]{escape(texts.text('guarantee.binding'))}[/]", highlight=False)
    for line in lines[:MOST_LINES]:
        console.print(f"  {escape(line)}", highlight=False)
    if len(lines) > MOST_LINES:
        console.print(f"  {escape(texts.text('guarantee.more', n=len(lines) - MOST_LINES))}", highlight=False)


def _print_levels(result: r.GuaranteeResult, texts: Texts, console: Console) -> None:
    if result.levels is None:
        return
    worse = [row for row in result.levels if row.after < row.before]
    console.print(f"\n[bold]{escape(texts.text('guarantee.levels'))}[/]", highlight=False)
    if not result.levels:
        console.print(f"  {escape(texts.text('guarantee.levels_hold'))}", highlight=False)
    elif not worse:
        console.print(f"  {escape(texts.text('guarantee.levels_same'))}", highlight=False)
    for row in worse:
        when = texts.text("guarantee.peak" if row.peak else "guarantee.off_peak")
        figures = ", ".join(
            f"{texts.text(f'guarantee.{key}')} {texts.number(getattr(row, key))}"
            for key in ("needed", "before", "after")
        )
        console.print(f"  {escape(row.begin.name)} – {escape(row.end.name)}, {when}: {figures}", highlight=False)

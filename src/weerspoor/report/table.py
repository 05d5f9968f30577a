"""What the command line prints: a plan, the ways a train may go, a day."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from weerspoor.capacity import plan as p
from weerspoor.common.clock import clock
from weerspoor.report.displaced import chosen_proposal, print_displacement
from weerspoor.report.texts import Texts
from weerspoor.timetable.measure import not_placed

if TYPE_CHECKING:
    from weerspoor.capacity.routes import RouteExplanation
    from weerspoor.timetable.day import Day

WIDE = 150
"""Columns of the output when it does not go to a terminal."""


def hours(seconds: float, texts: Texts) -> str:
    """Return a length of time as hours and minutes."""
    minutes = round(seconds / 60)
    if minutes < 60:
        return texts.text("report.minutes", minutes=minutes)
    return texts.text("report.hours", hours=minutes // 60, minutes=f"{minutes % 60:02d}")


def room(seconds: int | None, train: str, texts: Texts) -> str:
    """Return a distance in time to another train, with its name."""
    if seconds is None:
        return ""
    return f"{texts.fixed(seconds / 60, 1)}  {escape(train)}" if seconds < 3600 else ""


def print_plan(plan: p.Plan, lang: str = "en", console: Console | None = None) -> None:
    """Print a plan: what it displaces, the best path in full, alternatives in a line each, or why there is none.

    Parameters
    ----------
    plan : Plan
    lang : str
        One of ``weerspoor.report.texts.LANGUAGES``.
    console : Console, optional
    """
    texts = Texts(lang)
    console = console or Console(width=None if sys.stdout.isatty() else WIDE)

    def line(text: str) -> None:
        console.print(escape(text), highlight=False)

    console.print(f"[bold]{escape(plan.reference)}[/]  {escape(plan.handling.label)}", highlight=False)
    train = plan.train
    described = texts.text(
        "report.train",
        name=train["name"],
        length=train["length_m"],
        mass=train["mass_t"],
        speed=train["max_speed_kmh"],
        traction=" / ".join(train["traction"]),
        width=train["load_half_width_mm"],
    )
    goods = texts.text("report.goods", classes=train["dangerous_goods"]) if train["dangerous_goods"] else ""
    line(", ".join(part for part in (described, goods) if part))
    line(f"{texts.text('report.day')}: {plan.day.name} {plan.day.date}".rstrip())
    for warning in plan.day.warnings:
        console.print(f"[yellow]{texts.text('report.note')}[/] {escape(texts.sentence(warning))}", highlight=False)
    proposal = None
    if plan.displacement is not None:
        print_displacement(plan.displacement, texts, console)
        proposal = chosen_proposal(plan.displacement)
    if plan.explanation is not None:
        _print_explanation(plan.explanation, texts, console)
    paths = plan.paths if proposal is None else proposal.paths
    if paths:
        _print_paths(paths, proposal is None, texts, console)
        line(f"{texts.text('report.plan')} {plan.hash}")


def _print_paths(paths: Sequence[p.Path], alternatives: bool, texts: Texts, console: Console) -> None:
    """Print the first path in full and, if they are alternatives to it, the others in a line each."""

    def line(text: str) -> None:
        console.print(escape(text), highlight=False)

    best = paths[0]
    console.print()
    console.print(_path_table(best, texts))
    took = hours(best.arrival_s - best.departure_s, texts)
    line(texts.text("report.digest", km=texts.fixed(best.distance_km, 1), time=took, stops=best.stops))
    if best.energy_kwh is not None:
        line(texts.text("report.energy", kwh=round(best.energy_kwh)))
    if best.kept_empty:
        line(
            texts.text(
                "report.kept",
                zones=len({row.zone for row in best.kept_empty}),
                times=sum(row.of == "all" for row in best.kept_empty),
                longest=hours(max(row.until_s - row.from_s for row in best.kept_empty), texts),
            )
        )
    if best.reserve_paths:
        line(texts.text("report.reserve", paths=best.reserve_paths))
    for row in best.conditions[:12]:
        value, limit = (
            clock(number, with_seconds=False) if row.unit == "clock" else f"{texts.number(number)} {row.unit}"
            for number in (row.value, row.limit)
        )
        name = texts.word("condition", row.key)
        line(texts.text("report.close", condition=name, value=value, limit=limit, place=row.place))
    if len(best.conditions) > 12:
        line(texts.text("report.more_close", n=len(best.conditions) - 12))
    if alternatives and len(paths) > 1:
        console.print()
        console.print(_alternatives_table(paths[1:], texts))


def _heads(texts: Texts, *keys: str) -> list[str]:
    """Return the heads of columns: keys of ``ui.head`` or, with a dot, of any text; an empty key is no head."""
    found = [texts.text(key if "." in key else f"ui.head.{key}") if key else "" for key in keys]
    return [head[:1].upper() + head[1:] if head != "km" else head for head in found]


def _path_table(path: p.Path, texts: Texts) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    heads = _heads(
        texts, "km", "point", "", "arrival", "departure", "track", "stop", "report.before_min", "report.after_min"
    )
    for i, head in enumerate(heads):
        numeric = i in (0, 3, 4)
        table.add_column(head, justify="right" if numeric else "left", no_wrap=numeric)
    last = len(path.points) - 1
    for i, row in enumerate(path.points):
        stands = row.stop_s > 0 or i in (0, last)
        arrival = clock(row.arrival_s, with_seconds=False) if (row.stop_s > 0 or i == last) else ""
        departure = clock(row.departure_s, with_seconds=False) if i < last else ""
        reason = texts.word("reason", row.reason) if row.reason else ""
        if row.reason_train:
            reason = f"{reason} {row.reason_train}".strip()
        table.add_row(
            texts.fixed(row.km, 1),
            escape(row.name),
            escape(row.code),
            arrival,
            departure,
            escape(row.track),
            escape(reason),
            room(row.slack_before_s, row.train_before, texts),
            room(row.slack_after_s, row.train_after, texts),
            style="bold" if stands else None,
        )
    return table


def _alternatives_table(paths: Sequence[p.Path], texts: Texts) -> Table:
    title = texts.text("report.alternatives")
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for head in _heads(texts, "", "departure", "arrival", "running", "stops", "km", "report.over"):
        table.add_column(head)
    for path in paths:
        over = [row.name for row in path.points[1:-1]]
        shown = over[:: max(1, len(over) // 5)][:6]
        table.add_row(
            texts.word("why", path.why),
            clock(path.departure_s, with_seconds=False),
            clock(path.arrival_s, with_seconds=False),
            hours(path.arrival_s - path.departure_s, texts),
            str(path.stops),
            texts.fixed(path.distance_km, 1),
            escape(", ".join(shown)),
        )
    return table


def _print_explanation(explanation: p.Explanation, texts: Texts, console: Console) -> None:
    summary = escape(texts.sentence(explanation.summary))
    console.print(f"\n[bold]{texts.text('report.no_path')}[/] {summary}", highlight=False)
    if not explanation.proven:
        console.print(escape(texts.text("plan.summary.not_proven")), highlight=False)
    if explanation.obstacles:
        title = texts.text("report.in_the_way")
        table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
        for head in _heads(texts, "", "what", "report.where", "report.why"):
            table.add_column(head)
        for row in explanation.obstacles:
            table.add_row(
                texts.word("obstacle", row.kind),
                escape(texts.table.get(f"what.{row.what}", row.what)),
                escape(row.place),
                escape(texts.sentence(row.detail)),
            )
        console.print(table)
    if explanation.reached:
        console.print(escape(texts.text("report.reached", points=explanation.reached)), highlight=False)
    if not explanation.relaxations:
        console.print(texts.text("report.no_change"), highlight=False)
        return
    title = texts.text("report.would_give")
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for head in _heads(texts, "change", "report.by", "", "departure", "arrival"):
        table.add_column(head)
    for item in explanation.relaxations:
        table.add_row(
            texts.word("relaxation", item.key),
            f"{texts.number(item.amount)} {item.unit}".strip() if item.amount else "",
            escape(texts.sentence(item.detail)),
            clock(item.departure_s, with_seconds=False) if item.departure_s is not None else "",
            clock(item.arrival_s, with_seconds=False) if item.arrival_s is not None else "",
        )
    console.print(table)


def print_routes(explanation: RouteExplanation, console: Console | None = None) -> None:
    """Print the ways a train may go, and why not the others."""
    (console or Console()).print(str(explanation), highlight=False, markup=False)


def missing_lines(day: Day) -> list[str]:
    """Return in lines for people how many trains are not in a day that were wanted, and why."""
    missing = not_placed(day)
    if not missing:
        return []
    reasons = Counter(reason for _, reason in missing).most_common()
    return [f"Not placed: {len(missing)} trains.", *(f"  {count:5}  {reason}" for reason, count in reasons)]


def print_day(day: Day, cost: Sequence[str] = (), console: Console | None = None) -> None:
    """Print what a day holds and lacks, and in lines for people what making it cost."""
    console = console or Console()
    console.print(f"[bold]{escape(day.name)}[/] {day.kind} {day.date}".rstrip(), highlight=False)
    if day.lacks:
        console.print(f"Lacks: {', '.join(day.lacks)}", highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("Layer", "Kind", "Trains"):
        table.add_column(name, justify="right" if name == "Trains" else "left")
    counted = Counter(zip(day.trains.layer, day.trains.kind, strict=True))
    for (layer, kind), count in sorted(counted.items()):
        table.add_row(layer, kind, str(count))
    if day.reserve is not None:
        table.add_row("reserve", "", str(len(day.reserve.trains.reference)))
    console.print(table)
    console.print(
        f"{len(day.trains.reference)} trains, {len(day.calls.point)} passages, {len(day.holdings.zone)} zones held; "
        f"hash {day.content_hash}",
        highlight=False,
    )
    for line in cost:
        console.print(line, highlight=False, markup=False)

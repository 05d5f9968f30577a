"""What the command line prints: a plan, the ways a train may go, a day."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from weerspoor.capacity import plan as p
from weerspoor.common.clock import clock

if TYPE_CHECKING:
    from weerspoor.capacity.routes import RouteExplanation
    from weerspoor.timetable.day import Day

WIDE = 150
"""Columns of the output when it does not go to a terminal."""

REASON = {
    "origin": "departure",
    "destination": "arrival",
    "border": "hand-over at the border",
    "asked": "stop asked for",
    "wait_for_train": "waits for a train",
    "wait_for_closure": "waits for a closure",
    "wait_for_window": "waits for its window",
}
WHY = {
    "best": "the best",
    "earlier": "earlier",
    "later": "later",
    "faster": "faster",
    "fewer_stops": "fewer stops",
    "more_slack": "more distance to other trains",
    "other_route": "another route",
}


def hours(seconds: float) -> str:
    """Return a length of time as hours and minutes."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


def minutes(seconds: int | None, train: str) -> str:
    """Return a distance in time to another train, with its name."""
    if seconds is None:
        return ""
    return f"{seconds / 60:.1f}  {escape(train)}" if seconds < 3600 else ""


def print_plan(plan: p.Plan, console: Console | None = None) -> None:
    """Print a plan: the best path in full, alternatives in a line each, or why there is none."""
    console = console or Console(width=None if sys.stdout.isatty() else WIDE)
    console.print(f"[bold]{escape(plan.reference)}[/]  {escape(plan.handling.label)}", highlight=False)
    train = plan.train
    console.print(
        escape(
            f"{train['name']}: {train['length_m']:g} m, {train['mass_t']:g} t, {train['max_speed_kmh']:g} km/h, "
            f"{' / '.join(train['traction'])}, half-width {train['load_half_width_mm']:g} mm"
            + (f", dangerous goods {', '.join(train['dangerous_goods'])}" if train["dangerous_goods"] else "")
        ),
        highlight=False,
    )
    console.print(escape(f"Day: {plan.day.name} {plan.day.date}".rstrip()), highlight=False)
    for warning in plan.day.warnings:
        console.print(f"[yellow]Note:[/] {escape(warning)}", highlight=False)
    if plan.explanation is not None:
        _print_explanation(plan.explanation, console)
        return
    best = plan.paths[0]
    console.print()
    console.print(_path_table(best))
    console.print(
        f"{best.distance_km:.1f} km in {hours(best.arrival_s - best.departure_s)}, "
        f"{best.stops} stop{'' if best.stops == 1 else 's'} on the way.",
        highlight=False,
    )
    if best.kept_empty:
        zones = len({row.zone for row in best.kept_empty})
        all_trains = sum(row.of == "all" for row in best.kept_empty)
        console.print(
            f"Keeps {zones} neighbour zones empty, {all_trains} times of all trains, "
            f"for {hours(max(row.until_s - row.from_s for row in best.kept_empty))} at the longest.",
            highlight=False,
        )
    if best.reserve_paths:
        console.print(f"Uses reserve paths: {escape(', '.join(best.reserve_paths))}.", highlight=False)
    for row in best.conditions[:12]:
        value = clock(row.value, with_seconds=False) if row.unit == "clock" else f"{row.value:g} {row.unit}"
        limit = clock(row.limit, with_seconds=False) if row.unit == "clock" else f"{row.limit:g} {row.unit}"
        console.print(
            f"Close: {row.key.replace('_', ' ')} {value} (limit {limit}) at {escape(row.place)}", highlight=False
        )
    if len(best.conditions) > 12:
        console.print(f"… and {len(best.conditions) - 12} more conditions that were close.", highlight=False)
    if len(plan.paths) > 1:
        console.print()
        console.print(_alternatives_table(plan.paths[1:]))
    console.print(f"Plan {plan.hash}", highlight=False)


def _path_table(path: p.Path) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, justify in (
        ("km", "right"),
        ("Point", "left"),
        ("", "left"),
        ("Arr.", "right"),
        ("Dep.", "right"),
        ("Track", "left"),
        ("Stop", "left"),
        ("Before (min)", "left"),
        ("After (min)", "left"),
    ):
        table.add_column(name, justify=justify, no_wrap=name in ("km", "Arr.", "Dep."))  # type: ignore[arg-type]
    last = len(path.points) - 1
    for i, row in enumerate(path.points):
        stands = row.stop_s > 0 or i in (0, last)
        arrival = clock(row.arrival_s, with_seconds=False) if (row.stop_s > 0 or i == last) else ""
        departure = clock(row.departure_s, with_seconds=False) if i < last else ""
        reason = REASON.get(row.reason, row.reason.replace("_", " "))
        if row.reason_train:
            reason = f"{reason} {row.reason_train}".strip()
        table.add_row(
            f"{row.km:.1f}",
            escape(row.name),
            escape(row.code),
            arrival,
            departure,
            escape(row.track),
            escape(reason),
            minutes(row.slack_before_s, row.train_before),
            minutes(row.slack_after_s, row.train_after),
            style="bold" if stands else None,
        )
    return table


def _alternatives_table(paths: list[p.Path]) -> Table:
    table = Table(title="Alternatives", title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in ("", "Departure", "Arrival", "Journey", "Stops", "km", "Over"):
        table.add_column(name)
    for path in paths:
        over = [row.name for row in path.points[1:-1]]
        shown = over[:: max(1, len(over) // 5)][:6]
        table.add_row(
            WHY.get(path.why, path.why),
            clock(path.departure_s, with_seconds=False),
            clock(path.arrival_s, with_seconds=False),
            hours(path.arrival_s - path.departure_s),
            str(path.stops),
            f"{path.distance_km:.1f}",
            escape(", ".join(shown)),
        )
    return table


def _print_explanation(explanation: p.Explanation, console: Console) -> None:
    console.print(f"\n[bold]No path.[/] {escape(explanation.summary)}", highlight=False)
    if explanation.obstacles:
        table = Table(title="In the way", title_justify="left", box=None, pad_edge=False, header_style="bold")
        for name in ("", "What", "Where", "Why"):
            table.add_column(name)
        for row in explanation.obstacles:
            table.add_row(row.kind, escape(row.what), escape(row.place), escape(row.detail))
        console.print(table)
    if explanation.reached:
        console.print(f"It comes as far as {escape(', '.join(explanation.reached))}.", highlight=False)
    if explanation.relaxations:
        table = Table(
            title="What would give a path", title_justify="left", box=None, pad_edge=False, header_style="bold"
        )
        for name in ("Change", "By", "", "Departure", "Arrival"):
            table.add_column(name)
        for item in explanation.relaxations:
            table.add_row(
                item.key.replace("_", " "),
                f"{item.amount:g} {item.unit}".strip() if item.amount else "",
                escape(item.detail),
                clock(item.departure_s, with_seconds=False) if item.departure_s is not None else "",
                clock(item.arrival_s, with_seconds=False) if item.arrival_s is not None else "",
            )
        console.print(table)
    else:
        console.print("No single change that was tried gives a path.", highlight=False)


def print_routes(explanation: RouteExplanation, console: Console | None = None) -> None:
    """Print the ways a train may go, and why not the others."""
    (console or Console()).print(str(explanation), highlight=False, markup=False)


def print_day(day: Day, console: Console | None = None) -> None:
    """Print what a day holds and lacks."""
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

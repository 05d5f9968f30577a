"""The command line. Thin: it reads arguments, calls the packages and prints; everything heavy is imported late."""

from __future__ import annotations

import atexit
import contextlib
import gc
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from weerspoor.common.errors import InputError, WeerspoorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from weerspoor.capacity.displace.answer import Answer
    from weerspoor.capacity.make import Made
    from weerspoor.capacity.plan import Plan
    from weerspoor.capacity.request import Request
    from weerspoor.formats.dispatching import Problem, Solution
    from weerspoor.kernel.dispatch import Better

FOUND, WRONG_INPUT, NO_PATH, NOTHING_YET, INTERRUPTED = 0, 2, 3, 4, 130

app = typer.Typer(
    name="weerspoor",
    help="Plans short-notice military trains on the real Dutch railway, with reasons.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app = typer.Typer(help="The embedded tables.", no_args_is_help=True)
import_app = typer.Typer(help="Days from other people's files.", no_args_is_help=True)
point_app = typer.Typer(help="Operational points.", no_args_is_help=True)
day_app = typer.Typer(help="Days of trains: show, add a plan, remove it.", no_args_is_help=True)
app.add_typer(data_app, name="data")
app.add_typer(import_app, name="import")
app.add_typer(point_app, name="point")
app.add_typer(day_app, name="day")


class Lang(StrEnum):
    """Language of pages and reports."""

    NL = "nl"
    EN = "en"


JsonOption = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the plan as JSON.")]
HtmlOption = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the plan as a page.")]
DisplibOption = Annotated[
    Path | None,
    typer.Option("--displib", metavar="DIR", help="Write problem.json and solution.json in DISPLIB form."),
]
ProposalOption = Annotated[
    str, typer.Option("--proposal", metavar="K", help="Which proposal --displib writes; the least harm if left out.")
]
ShareableOption = Annotated[
    bool,
    typer.Option("--shareable", help="Write what holders of moved trains have to know, without the military train."),
]
LangOption = Annotated[
    Lang | None,
    typer.Option("--lang", help="Language of plan and page; left out: Dutch on the page, English here."),
]
DayOption = Annotated[str, typer.Option("--day", help="Name of an embedded day, or a file.", metavar="NAME|FILE")]
DEFAULT_DAY = "pattern-weekday"


@app.callback(invoke_without_command=True)
def _top(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        from weerspoor import __version__

        typer.echo(f"weerspoor {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit


@contextlib.contextmanager
def _progress(*, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Show on standard error what is going on, where somebody is looking; yield a function that says it."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield status.update


def _say_compiling(say: Callable[[str], None]) -> None:
    """Say that the kernels are compiled now, which happens once and takes a while, if they are."""
    from weerspoor.kernel import engine

    _say_compiling_of(engine.advance, "engine.advance", say)


def _say_compiling_of(kernel: Any, name: str, say: Callable[[str], None]) -> bool:
    """Say that kernels are compiled now, if they are; return whether."""
    if any(Path(kernel._cache.cache_path).glob(f"{name}-*.nbi")):
        return False
    message = "compiling kernels, once: this takes a minute or two"
    say(message)
    if not sys.stderr.isatty():
        typer.echo(message, err=True)
    return True


def _check_outputs(*files: Path | None, folders: tuple[Path | None, ...] = ()) -> None:
    """Refuse at once what could not be written later, so that nothing is written at all."""
    named: dict[Path, None] = {}
    for file in files:
        if file is None:
            continue
        if file.is_dir():
            raise InputError("is a folder, a file was expected", where=str(file))
        _check_parents(file)
        if file.absolute() in named:
            raise InputError("is named twice", where=str(file))
        named[file.absolute()] = None
    for folder in folders:
        if folder is not None:
            if folder.exists() and not folder.is_dir():
                raise InputError("is a file, a folder was expected", where=str(folder))
            _check_parents(folder)


def _check_parents(path: Path) -> None:
    for parent in path.absolute().parents:
        if parent.exists():
            if not parent.is_dir():
                raise InputError("cannot be written: a file stands where a folder is needed", where=str(path))
            return


@app.command()
def plan(
    request: Annotated[Path, typer.Argument(metavar="REQUEST.toml", help="What has to run.")],
    *,
    day: DayOption = DEFAULT_DAY,
    json: JsonOption = None,
    html: HtmlOption = None,
    displib: DisplibOption = None,
    alternatives: Annotated[
        int, typer.Option("--alternatives", min=0, max=20, metavar="N", help="Most alternatives beside the path.")
    ] = 3,
    displace: Annotated[
        bool, typer.Option("--displace", help="Where nothing is free, propose which trains to move.")
    ] = False,
    rules: Annotated[
        str | None, typer.Option("--rules", metavar="NAME", help="Rule set to displace by; besluit if left out.")
    ] = None,
    max_harm_eur: Annotated[
        float | None, typer.Option("--max-harm-eur", min=0.0, metavar="X", help="Propose nothing that does more harm.")
    ] = None,
    proposal: ProposalOption = "",
    shareable: ShareableOption = False,
    lang: LangOption = None,
) -> None:
    """Find a path for a train, or say why there is none; with --displace, propose which trains to move for it.

    Ends with 0 when there is a path or a proposal, 3 when there is none (with the reasons), 2 when something is wrong.
    """
    if not displace:
        for value, name in (
            (rules, "--rules"), (max_harm_eur, "--max-harm-eur"), (proposal or None, "--proposal"),
            (shareable or None, "--shareable"),
        ):  # fmt: skip
            if value is not None:
                raise InputError("has a meaning only with --displace", where=name)
    _check_outputs(json, html, folders=(displib,))
    with _progress() as say:
        from weerspoor.capacity.request_reader import load_request

        wanted = load_request(request)
        _say_compiling(say)
        made: Made | Answer
        if displace:
            made = _displaced(wanted, day, rules or "besluit", max_harm_eur, say)
            _check_proposal(made.plan, proposal)
        else:
            from weerspoor.capacity.make import make_plan

            made = make_plan(wanted, day=day, alternatives=alternatives, progress=say)
        files: dict[Path, bytes] = {}
        if displib is not None:
            files = {displib / name: content for name, content in _displib(made, proposal, say).items()}
        _write_plan(made.plan, Outputs(json, html, lang, shareable=shareable, proposal=proposal), files, say)
    _finish_plan(made.plan, (json, html, *files), lang)


@app.command("replan")
def replan_late(
    plan_file: Annotated[Path, typer.Argument(metavar="PLAN.json", help="The plan that was decided on.")],
    *,
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help="Now: a full time, or a clock time of the operating day.")
    ],
    change: Annotated[
        Path, typer.Option("--change", metavar="CHANGE.toml", help="What changes: ready, window or [[closed]].")
    ],
    day: DayOption = DEFAULT_DAY,
    json: JsonOption = None,
    html: HtmlOption = None,
    displib: DisplibOption = None,
    proposal: Annotated[
        str, typer.Option("--proposal", metavar="K", help="The proposal decided on; the least harm if left out.")
    ] = "",
    shareable: ShareableOption = False,
    lang: LangOption = None,
) -> None:
    """Plan anew when something changes late: what has run by then stays, the rest may be altered.

    Ends with 0 when there is a path, 3 when there is none, 2 when something is wrong.
    """
    _check_outputs(json, html, folders=(displib,))
    with _progress() as say:
        from weerspoor.capacity.displace.change import replan
        from weerspoor.capacity.make import find_day
        from weerspoor.capacity.request import change_with_points, request_of
        from weerspoor.capacity.request_reader import load_change, read_moment
        from weerspoor.capacity.schema import load_plan
        from weerspoor.network.load import load_network

        was = load_plan(plan_file)
        before = request_of(was.request, was.reference)
        changed, now_s = load_change(change, before), read_moment(at, before)
        _say_compiling(say)
        say("loading the network and the day")
        network = load_network()
        on_day = find_day(day, network)
        if on_day is None:
            raise InputError("has no trains", where="--day")
        changed = change_with_points(changed, network.points)
        made = replan(was, now_s, changed, network, on_day, proposal=proposal, progress=say)
        files: dict[Path, bytes] = {}
        if displib is not None:
            files = {displib / name: content for name, content in _displib(made, "", say).items()}
        _write_plan(made.plan, Outputs(json, html, lang, shareable=shareable), files, say)
    _finish_plan(made.plan, (json, html, *files), lang)


def _displaced(wanted: Request, day: str, rules: str, most_eur: float | None, say: Callable[[str], None]) -> Answer:
    """Plan a request on a day and propose what to displace."""
    from weerspoor.capacity.displace.answer import displace_on
    from weerspoor.capacity.make import find_day
    from weerspoor.capacity.request import with_points
    from weerspoor.network.load import load_network

    say("loading the network and the day")
    network = load_network()
    on_day = find_day(day, network)
    if on_day is None:
        raise InputError("has no trains to displace", where="--day")
    limit = float("inf") if most_eur is None else most_eur
    return displace_on(with_points(wanted, network.points), network, on_day, rules=rules, most_eur=limit, progress=say)


def _check_proposal(made: Plan, proposal: str) -> None:
    """Refuse the name of a proposal that a plan does not have."""
    from weerspoor.capacity.verify import proposals_of

    names = [one.id for one in proposals_of(made)]
    if proposal and proposal.casefold() not in [name.casefold() for name in names]:
        raise InputError(f"there is no proposal {proposal!r}", where="--proposal", hint=", ".join(names))


def _displib(made: Made | Answer, proposal: str, say: Callable[[str], None]) -> dict[str, bytes]:
    say("writing the DISPLIB problem")
    from weerspoor.capacity.make import Made

    return made.displib() if isinstance(made, Made) else made.displib(proposal)


@dataclass(frozen=True)
class Outputs:
    """In what forms a plan is written; shareable without the military train."""

    json: Path | None
    html: Path | None
    lang: Lang | None
    shareable: bool = False
    proposal: str = ""


def _write_plan(made: Plan, asked: Outputs, files: dict[Path, bytes], say: Callable[[str], None]) -> None:
    """Write a plan in the forms that were asked for."""
    from weerspoor.common.files import write_whole

    outputs = dict(files)
    for path, make in ((asked.json, _as_json), (asked.html, _as_page)):
        if path is not None:
            say(f"making {path.name}")
            outputs[path] = make(made, asked)
    for path, content in outputs.items():
        write_whole(path, content)


def _as_json(made: Plan, asked: Outputs) -> bytes:
    from weerspoor.capacity.schema import plan_json
    from weerspoor.report.shareable import shareable, shareable_json

    return shareable_json(shareable(made, asked.proposal or None)) if asked.shareable else plan_json(made)


def _as_page(made: Plan, asked: Outputs) -> bytes:
    from weerspoor.report.page import render
    from weerspoor.report.shareable import shareable
    from weerspoor.report.shareable_page import render_shareable

    lang = (asked.lang or Lang.NL).value
    if asked.shareable:
        return render_shareable(shareable(made, asked.proposal or None), lang).encode()
    return render(made, lang).encode()


def _finish_plan(made: Plan, written: tuple[Path | None, ...], lang: Lang | None) -> None:
    """Print a plan, say what was written, and end with what came of it."""
    from weerspoor.report.table import print_plan

    print_plan(made, (lang or Lang.EN).value)
    for path in written:
        if path is not None:
            typer.echo(f"Written: {path}", err=True)
    raise typer.Exit(NO_PATH if made.outcome == "none" else FOUND)


@app.command()
def guarantee(
    demand: Annotated[
        Path | None,
        typer.Argument(metavar="DEMAND.toml", help="Corridors, kinds of train and flows; left out: those shipped."),
    ] = None,
    *,
    day: DayOption = DEFAULT_DAY,
    rules: Annotated[
        str | None, typer.Option("--rules", metavar="NAME", help="Rule set that says whether others may be displaced.")
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the result as JSON.")] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the result as a page.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=64, metavar="N", help="Processes side by side.")] = 2,
    lang: Annotated[
        Lang | None, typer.Option("--lang", help="Language of the result; left out: Dutch on the page, English here.")
    ] = None,
) -> None:
    """Say what the railway guarantees to a demand: paths by corridor and hour, what fits, which reserve to hold.

    Ends with 0 when all of the demand fits, 3 when some does not, 2 when the demand is wrong. Ctrl-C ends the work;
    what is done is kept and marked as a part.
    """
    _check_outputs(json, html)
    with _progress() as say:
        from weerspoor.capacity.guarantee.demand import DEFAULT, load_demand_file

        wanted = load_demand_file(demand or DEFAULT)
        from weerspoor.capacity.guarantee.answer import guarantee as ask
        from weerspoor.capacity.guarantee.answer import guarantee_json

        _say_compiling(say)
        result = ask(wanted, day=day, jobs=jobs, rules=rules or "", progress=say)
        outputs: dict[Path, bytes] = {}
        if json is not None:
            outputs[json] = guarantee_json(result)
        if html is not None:
            from weerspoor.report.guarantee_page import render_guarantee

            outputs[html] = render_guarantee(result, (lang or Lang.NL).value).encode()
        from weerspoor.common.files import write_whole

        for path, content in outputs.items():
            write_whole(path, content)
    from weerspoor.report.guarantee_table import print_guarantee

    print_guarantee(result, (lang or Lang.EN).value)
    for path in outputs:
        typer.echo(f"Written: {path}", err=True)
    raise typer.Exit({"fits": FOUND, "partial": INTERRUPTED}.get(result.outcome, NO_PATH))


@app.command()
def verify(
    plan_file: Annotated[Path, typer.Argument(metavar="PLAN.json", help="A plan written by `weerspoor plan --json`.")],
    day: Annotated[
        str | None,
        typer.Option("--day", metavar="NAME|FILE", help="The day to check on; that of the plan if left out."),
    ] = None,
) -> None:
    """Check a plan against the network, the train and the day, with code that shares nothing with the search.

    Ends with 0 when it holds, 3 when it does not.
    """
    from weerspoor.capacity.schema import load_plan

    given = load_plan(plan_file)
    with _progress() as say:
        say("loading the network")
        from weerspoor.capacity.make import find_day
        from weerspoor.capacity.verify import proposals_of, verify_plan
        from weerspoor.network.load import load_network

        network = load_network()
        say("loading the day")
        name = day or given.day.name
        on_day = find_day(name, network)
        say("checking")
        violations = verify_plan(given, network, on_day)
    proposals = proposals_of(given)
    if not given.paths and not proposals:
        typer.echo(f"{plan_file}: the plan holds no path; there is nothing that could be violated.")
        raise typer.Exit(NO_PATH)
    if not violations:
        held = proposals or given.paths
        noun = ("proposal" if proposals else "path") + (" holds" if len(held) == 1 else "s hold")
        typer.echo(f"Valid: {given.reference}, {len(held)} {noun} on {name}.")
        raise typer.Exit(FOUND)
    typer.echo(f"Not valid on {name}: {len(violations)} violation{'s' if len(violations) > 1 else ''}.")
    for violation in violations:
        typer.echo(f"  {violation}")
    raise typer.Exit(NO_PATH)


@app.command()
def share(
    plan_file: Annotated[Path, typer.Argument(metavar="PLAN.json", help="A plan written by `weerspoor plan --json`.")],
    *,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write it as JSON.")] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write it as a page.")] = None,
    proposal: Annotated[
        str | None, typer.Option("--proposal", metavar="ID", help="Which proposal; the least harmful if left out.")
    ] = None,
    holder: Annotated[
        str | None,
        typer.Option("--holder", metavar="NAME", help="Only for this undertaking, or for the train of an unnamed one."),
    ] = None,
    lang: Annotated[Lang, typer.Option("--lang", help="Language of the page.")] = Lang.NL,
) -> None:
    """Write what the holders of moved trains have to know, without the military train itself."""
    _check_outputs(json, html)
    from weerspoor.capacity.schema import load_plan
    from weerspoor.common.files import write_whole
    from weerspoor.report.shareable import holder_key, shareable, shareable_json
    from weerspoor.report.shareable_page import render_shareable

    made = shareable(load_plan(plan_file), proposal, holder)
    for path, content in ((json, shareable_json(made)), (html, render_shareable(made, lang.value).encode())):
        if path is not None:
            write_whole(path, content)
            typer.echo(f"Written: {path}", err=True)
    for notice in made.notices:
        typer.echo(f"{holder_key(notice)}: {', '.join(train.train for train in notice.trains)}")


@data_app.command("check")
def data_check() -> None:
    """Run the named checks on the embedded railway and print what they find."""
    with _progress() as say:
        say("loading the network")
        from weerspoor.network.check import run_checks
        from weerspoor.network.load import load_network

        network = load_network()
        say("checking")
        results = run_checks(network)
    from weerspoor.network.check import print_checks

    passed = print_checks(results)
    raise typer.Exit(FOUND if passed else NO_PATH)


@import_app.command("gtfs")
def import_gtfs(
    feed: Annotated[Path, typer.Argument(metavar="FEED.zip", help="A GTFS feed with Dutch trains.")],
    date: Annotated[str, typer.Option("--date", metavar="YYYY-MM-DD", help="The operating day.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DAY", help="The day file to write.")],
) -> None:
    """Make a day from a GTFS feed, its trains placed on the tracks."""
    import datetime as dt

    try:
        on = dt.date.fromisoformat(date)
    except ValueError as error:
        raise InputError(f"is {date!r}, a date was expected", where="--date", hint="--date 2026-11-24") from error
    _check_outputs(output)
    with _progress() as say:
        say("loading the network")
        from weerspoor.network.load import load_network
        from weerspoor.timetable.gtfs import import_feed
        from weerspoor.timetable.store import write_day

        network = load_network()
        _say_compiling(say)
        made, lines = import_feed(feed, on, network, progress=say)
        write_day(made, output)
    for line in lines:
        typer.echo(line)
    typer.echo(f"Written: {output}", err=True)


@point_app.command("find")
def point_find(text: Annotated[str, typer.Argument(metavar="TEXT", help="Part of a code or name.")]) -> None:
    """List the operational points whose code or name is like TEXT."""
    from rich.console import Console
    from rich.table import Table

    from weerspoor.capacity.request import find_points
    from weerspoor.network.load import load_network

    points = load_network().points
    found = find_points(points, text)
    if not found:
        typer.echo(f"No operational point is like {text!r}.", err=True)
        raise typer.Exit(NO_PATH)
    table = Table("Code", "Name", "Kind", "Longitude", "Latitude", "Tracks")
    for i in found:
        table.add_row(
            points.code[i],
            points.name[i],
            points.kind[i],
            f"{points.lon[i]:.4f}",
            f"{points.lat[i]:.4f}",
            "certain" if points.certain[i] else "uncertain",
        )
    Console().print(table)


@app.command("explain-route")
def explain_route(
    origin: Annotated[str, typer.Argument(metavar="FROM", help="Operational point.")],
    destination: Annotated[str, typer.Argument(metavar="TO", help="Operational point.")],
    train: Annotated[str, typer.Option("--train", metavar="TEMPLATE", help="Template or civil kind of train.")],
) -> None:
    """Say, without a timetable, which ways a train may go and why not the others."""
    with _progress() as say:
        say("loading the network")
        from weerspoor.capacity.request import known_point
        from weerspoor.network.load import load_network
        from weerspoor.trains.catalogue import train_from

        network = load_network()
        start, end = known_point(network.points, origin, "FROM"), known_point(network.points, destination, "TO")
        if start == end:
            raise InputError("names the same point as FROM", where="TO")
        try:
            wanted = train_from({"template": train})
        except InputError as error:
            raise InputError(error.message, where="--train", hint=error.hint) from error
        say("looking for ways")
        from weerspoor.capacity.routes import explain_route as explain

        explanation = explain(network, wanted, network.points.code[start], network.points.code[end])
    from weerspoor.report.table import print_routes

    print_routes(explanation)
    raise typer.Exit(FOUND if explanation.routes else NO_PATH)


@day_app.command("show")
def day_show(
    day: DayOption = DEFAULT_DAY,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write a line per train and point.")] = None,
    displib: Annotated[
        Path | None, typer.Option("--displib", metavar="DIR", help="Write problem.json and solution.json.")
    ] = None,
) -> None:
    """Say what a day holds and lacks; write it out so that others can check it."""
    _check_outputs(csv, folders=(displib,))
    with _progress() as say:
        say("loading the network and the day")
        from weerspoor.network.load import load_network
        from weerspoor.timetable.store import load_day

        network = load_network()
        shown = load_day(day, network)
        if csv is not None:
            say("writing the table")
            from weerspoor.timetable.export import day_csv

            day_csv(shown, network, csv)
        if displib is not None:
            say("writing the DISPLIB problem")
            from weerspoor.timetable.export import day_displib

            day_displib(shown, network, displib)
        say("comparing with what was wanted")
        from weerspoor.report.table import missing_lines, print_day
        from weerspoor.timetable.demand import load_contradictions, load_demand
        from weerspoor.timetable.measure import cost_lines, passenger_line

        of_pattern = shown.name == DEFAULT_DAY
        cost = cost_lines(shown, load_demand(), load_contradictions()) if of_pattern else missing_lines(shown)
        cost = [passenger_line(shown, network), *cost]

    print_day(shown, cost)
    for path in (csv, displib):
        if path is not None:
            typer.echo(f"Written: {path}", err=True)


@day_app.command("add")
def day_add(
    plan_file: Annotated[Path, typer.Argument(metavar="PLAN.json", help="A plan with a path.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DAY", help="The day file; made if it is not there.")
    ],
    day: Annotated[
        str | None, typer.Option("--day", metavar="NAME|FILE", help="The day to begin with when DAY is not there yet.")
    ] = None,
    path: Annotated[
        str, typer.Option("--path", metavar="ID", help="Which path of the plan; the first if left out.")
    ] = "",
) -> None:
    """Put the path of an accepted plan into a day, the neighbour tracks it keeps empty included."""
    _check_outputs(output)
    from weerspoor.capacity.schema import load_plan

    given = load_plan(plan_file)
    from weerspoor.capacity.accumulate import add_plan, empty_day
    from weerspoor.capacity.make import find_day
    from weerspoor.network.load import load_network
    from weerspoor.timetable.store import write_day

    network = load_network()
    base = find_day(str(output) if output.exists() else (day or given.day.name), network) or empty_day(network)
    write_day(add_plan(base, given, network, path_id=path), output)
    typer.echo(f"Added: {given.reference} to {output}")


@day_app.command("remove")
def day_remove(
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="Reference of the plan.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DAY", help="The day file.")],
) -> None:
    """Take a plan out of a day."""
    _check_outputs(output)
    if not output.exists():
        raise InputError("does not exist", where=str(output))
    from weerspoor.capacity.accumulate import remove_plan
    from weerspoor.network.load import load_network
    from weerspoor.timetable.store import load_day, write_day

    write_day(remove_plan(load_day(str(output), load_network()), reference), output)
    typer.echo(f"Removed: {reference} from {output}")


WRITING_S = 0.5
"""Kept of the time for starting and for writing the solution at the end, besides a millisecond for each train."""


@app.command("dispatch")
def dispatch_trains(
    problem_file: Annotated[Path, typer.Argument(metavar="PROBLEM.json", help="A problem in DISPLIB form.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="SOLUTION.json", help="The solution to write; the best so far.")
    ],
    *,
    seconds: Annotated[
        float | None,
        typer.Option("--seconds", min=0.0, help="Time for everything; 60 if neither this nor --iterations is given."),
    ] = None,
    iterations: Annotated[
        int | None, typer.Option("--iterations", min=0, metavar="N", help="Most steps of the search.")
    ] = None,
    threads: Annotated[int, typer.Option("--threads", min=1, max=64, metavar="N", help="Threads side by side.")] = 2,
    seed: Annotated[int, typer.Option("--seed", min=0, max=1 << 31, metavar="N", help="Of the random numbers.")] = 0,
    start: Annotated[
        Path | None, typer.Option("--start", metavar="SOLUTION.json", help="A solution to begin with.")
    ] = None,
) -> None:
    """Find paths for many trains at once, as cheap together as can be, in the DISPLIB format.

    Ends with 0 when there is a solution, 3 when there can be none (with the reason), 4 when none was found in time, 2
    when a file is wrong. Ctrl-C ends the search; the best solution so far is kept.
    """
    began = time.monotonic()
    if seconds is None and iterations is None:
        seconds = 60.0
    _check_outputs(output)
    with _progress() as say, _until_interrupted() as stop:
        say("reading the problem")
        from weerspoor.formats.dispatching import read_problem, read_solution

        problem = read_problem(problem_file)
        first = None if start is None else read_solution(start)
        from weerspoor.kernel.dispatch import Budget, Ending, compile_kernels, dispatch, search

        if _say_compiling_of(search.improve, "search.improve", say):
            compile_kernels()
            began = time.monotonic()

        def keep(better: Better) -> None:
            say(f"objective {better.solution.objective_value} after {better.seconds:.0f} s")
            _write_checked(problem, better.solution, output)

        spent = time.monotonic() - began
        left = None if seconds is None else max(seconds - spent - WRITING_S - len(problem.trains) / 1000, 0.0)
        outcome = dispatch(
            problem,
            budget=Budget(left, iterations, threads, seed),
            start=first,
            progress=keep,
            stop=stop,
        )
        if outcome.solution is not None:
            _write_checked(problem, outcome.solution, output)
    if outcome.ending is Ending.IMPOSSIBLE:
        typer.echo(f"There is no solution: {outcome.reason}.")
        raise typer.Exit(NO_PATH)
    if outcome.solution is None:
        typer.echo("No solution was found; that there is none is not proved.")
        raise typer.Exit(INTERRUPTED if stop.is_set() else NOTHING_YET)
    typer.echo(
        f"Objective: {outcome.solution.objective_value}{', the least there can be' if outcome.optimal else ''}; "
        f"first solution after {outcome.first_s:.2f} s, {outcome.steps} steps."
    )
    typer.echo(f"Written: {output}", err=True)


@contextlib.contextmanager
def _until_interrupted() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C sets, so that nothing is broken off where it stands."""
    interrupted = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: interrupted.set())
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _write_checked(problem: Problem, solution: Solution, path: Path) -> None:
    """Write a solution that keeps all rules of the format; anything else is a mistake of the program."""
    from weerspoor.formats.dispatching import broken_rule, write_solution

    if wrong := broken_rule(problem, solution):
        raise RuntimeError(f"the solution found breaks a rule of the format: {wrong}")
    write_solution(path, solution)


def main() -> None:
    """Run the command line; errors of the user end in one message on standard error and status 2."""
    gc.disable()  # a process of seconds, which keeps what it makes
    atexit.register(gc.freeze)  # nor is it looked through at the end
    try:
        app()
    except WeerspoorError as error:
        sys.stderr.write(f"weerspoor: {error}\n")
        sys.exit(WRONG_INPUT)
    except KeyboardInterrupt:
        sys.stderr.write("weerspoor: interrupted\n")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    finally:
        gc.enable()


if __name__ == "__main__":
    main()

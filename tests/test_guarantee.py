"""The guarantee: the demand file, paths that can be had together and their bound, shares, reserve, UIC 406, page."""

from __future__ import annotations

import itertools
import json
import random
import re
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from test_fit import held_day
from test_fit import line as one_way
from weerspoor import cli
from weerspoor.capacity.fit import Problem
from weerspoor.capacity.guarantee.answer import Guarantee, guarantee, guarantee_json
from weerspoor.capacity.guarantee.bound import least_holds, upper_bound
from weerspoor.capacity.guarantee.demand import (
    DEFAULT,
    MilitaryDemand,
    Relation,
    load_demand_file,
    read_demand,
    with_codes,
)
from weerspoor.capacity.guarantee.fit import DemandFit, Displaced, shares, with_run
from weerspoor.capacity.guarantee.freight_levels import freight_shortfalls
from weerspoor.capacity.guarantee.packing import FREE, RESERVE, Count, DayLines, count, longest_s, relation_problem
from weerspoor.capacity.guarantee.reserve_cover import covered_share, least_cover, uncovered
from weerspoor.capacity.guarantee.result import GuaranteeResult
from weerspoor.capacity.guarantee.settings import guarantee_settings
from weerspoor.capacity.guarantee.uic406 import compressed_s
from weerspoor.common.errors import InputError
from weerspoor.kernel.graph import Run
from weerspoor.kernel.timelines import Rows
from weerspoor.network.load import load_network
from weerspoor.network.model import Network
from weerspoor.report.guarantee_page import render_guarantee
from weerspoor.report.guarantee_words import hours
from weerspoor.report.texts import LANGUAGES, load_sentences
from weerspoor.timetable.day import Day
from weerspoor.timetable.store import load_day

DEMAND = """
reference = "small"
[kind.normal]
template = "mixed"
length_m = 600
[kind.wide]
template = "heavy"
length_m = 480
[[corridor]]
name = "line"
from = "A"
to = "B"
[[flow]]
name = "out"
from = "A"
to = "B"
kind = "normal"
transports = 2
trains = 2
first = "10:00"
notice_h = 24
within_h = 2
[[flow]]
name = "back"
from = "B"
to = "A"
kind = "normal"
first = "10:00"
notice_h = 48
within_h = 2
"""


def line() -> Network:
    """Return the line A - M - B of the tests of fitting, on which trains may also stand at A when they come from B."""
    network = one_way()
    stops = network.stops
    return replace(
        network,
        stops=replace(
            stops,
            directed=np.append(stops.directed, np.int32(1)),
            point=np.append(stops.point, np.int32(0)),
            name=[*stops.name, "a"],
            platform_m=np.append(stops.platform_m, np.float32(0)),
            usable_m=np.append(stops.usable_m, np.float32(900)),
        ),
        cache={},
    )


def small(text: str = DEMAND) -> MilitaryDemand:
    return with_codes(read_demand(text, "d.toml"), line().points)


def problem(network: Network, day: Day | None, kind: str = "normal", *, back: bool = False) -> Problem:
    relation = Relation("B", "A") if back else Relation("A", "B")
    return relation_problem(network, day, relation, small().kinds[kind].train)


# -- the demand file ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ('reference = "small"', "reference = 3", "d.toml: reference", "expected `str`"),
        ('reference = "small"', 'reference = "small"\nnothing = 1', "d.toml: nothing", "is not a key"),
        ("trains = 2", "train = 2", "flow[1].train", "did you mean trains"),
        ("trains = 2", "trains = 0", "flow[1].trains", "between 1 and 50"),
        ("within_h = 2", "within_h = 48", "flow[1].within_h", "between 0.25 and 24"),
        ("within_h = 2", "within_h = nan", "flow[1].within_h", "between"),
        ('first = "10:00"', 'first = "25:00"', "flow[1].first", "clock time"),
        ('kind = "normal"', 'kind = "norml"', "flow[1].kind", "no kind of train here"),
        ('template = "mixed"', 'template = "mixd"', "kind.normal.template", "no template"),
        ("length_m = 600", 'length_m = "long"', "kind.normal.length_m", "not a number"),
        ("length_m = 600", "lenght_m = 600", "kind.normal.lenght_m", "no characteristic"),
        ('name = "back"', 'name = "out"', "d.toml: flow", "twice"),
        ('name = "line"', 'name = "line"\ntitle = { de = "x" }', "corridor[1].title", "language"),
        ('reference = "small"', 'reference = "small"\n[growth]\nvolume = 0.0', "growth.volume", "between"),
    ],
)
def test_a_wrong_demand_is_refused_with_its_place(old: str, new: str, place: str, message: str) -> None:
    """Nothing is guessed: the error names the place in the file and what would be right."""
    with pytest.raises(InputError) as caught:
        read_demand(DEMAND.replace(old, new, 1), "d.toml")
    assert place in caught.value.where
    assert message in str(caught.value)


def test_an_unknown_point_or_the_same_twice_is_refused() -> None:
    """Points are looked up when the network is known."""
    with pytest.raises(InputError, match="no operational point"):
        small(DEMAND.replace('to = "B"', 'to = "Nowhere"', 1))
    with pytest.raises(InputError, match="same point twice"):
        small(DEMAND.replace('to = "B"', 'to = "A"', 1))


@given(st.text(max_size=200) | st.sampled_from(["", "[[flow]]", "kind = 1", "a = {", "reference = 'x'\n[kind.a]\n"]))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes anything but an error for people."""
    try:
        read_demand(text)
    except InputError as error:
        assert error.message


def test_growth_of_volume_makes_longer_transports_and_of_frequency_more_of_them() -> None:
    """Both are rounded up; transports are spread evenly from the first."""
    flow = small().flows[0]
    assert (flow.transports, flow.trains) == (2, 2)
    grown = small(DEMAND.replace('reference = "small"', 'reference = "s"\n[growth]\nvolume = 1.2\nfrequency = 1.5', 1))
    assert (grown.flows[0].transports, grown.flows[0].trains) == (3, 3)
    assert [ready // 3600 for ready in grown.flows[0].ready_s] == [10, 18, 26]
    assert grown.trains == 3 * 3 + 2 * 2


# -- paths that can be had together ---------------------------------------------------------------------------------


def clear_of_each_other(runs: list[Run], kind: int, lines: DayLines) -> bool:
    """Tell whether no run conflicts with the day or with another, that of the day before and after included."""
    mark = lines.mark()
    try:
        for run in runs:
            if lines.timelines.conflicts_of(Rows.of(run, kind)):
                return False
            lines.add(run, kind)
    finally:
        lines.rollback(mark)
    return True


def most_without_waiting(asked: Problem, lines: DayLines, begin_s: int, step_s: int, tries: int) -> int:
    """Return the largest number of paths of one run moved in time that do not conflict, by trying all choices."""
    from weerspoor.capacity.guarantee.binding import Way
    from weerspoor.kernel.profile import later

    run = Way(asked).run
    assert run is not None
    kind = asked.train.occupies
    moved = [later(run, begin_s + k * step_s - int(run.depart_s[0])) for k in range(tries)]
    free = [one for one in moved if not lines.timelines.conflicts_of(Rows.of(one, kind))]
    most = 0
    for mask in range(1 << len(free)):
        chosen = [one for k, one in enumerate(free) if mask >> k & 1]
        if len(chosen) > most and clear_of_each_other(chosen, kind, lines):
            most = len(chosen)
    return most


@pytest.mark.parametrize("seed", range(4))
def test_the_greedy_is_no_worse_than_any_choice_of_paths_without_waiting(seed: int) -> None:
    """All orders and choices among departures eight minutes apart, on a day with two trains drawn at random."""
    rng = random.Random(seed)
    network = line()
    held = [(i, rng.randrange(6), a := rng.randrange(40), a + rng.randrange(3, 15)) for i in range(2)]
    day = held_day(*held, periodic=True)
    lines, asked = DayLines(network, day), problem(network, day)
    found = count(asked, lines)
    assert clear_of_each_other(found.runs, asked.train.occupies, lines)
    assert found.by_hour()[5] >= most_without_waiting(asked, lines, 36_000, 480, 8)


@pytest.mark.parametrize("back", [False, True])
def test_the_trains_of_a_demand_fit_as_well_as_in_the_best_order_of_some(back: bool) -> None:
    """Of all orders of five trains both ways none places more than the better of the two that are tried."""
    network = line()
    day = held_day((0, 1, 0, 50), (1, 4, 60, 110), periodic=True)
    text = DEMAND.replace("transports = 2\ntrains = 2", "trains = 3").replace("within_h = 2", "within_h = 1")
    fit = DemandFit(network, day, small(text.replace('name = "back"', 'name = "back"\ntrains = 2')))
    best = fit.best().score()
    trains = fit.asked()
    orders = list(itertools.permutations(trains))[:: (5 if back else 7)]
    assert best[0] <= len(trains)
    assert all(fit.place(list(order), "tried").score()[0] <= best[0] for order in orders)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 23 * 60), st.integers(2, 120)), min_size=1, max_size=12),
    wide=st.booleans(),
    back=st.booleans(),
)
def test_the_bound_is_never_below_what_was_found(rows: list[tuple[int, int, int]], wide: bool, back: bool) -> None:
    """On any day of trains that hold zones, in each hour and in the day; and every hold is as long as the least."""
    network = line()
    held = [(i, zone, begin, begin + length) for i, (zone, begin, length) in enumerate(rows)]
    day = held_day(*held, periodic=True)
    asked = problem(network, day, "wide" if wide else "normal", back=back)
    lines = DayLines(network, day)
    found = count(asked, lines)
    bound = upper_bound(asked, lines.timelines, longest_s(asked), none=found.none)
    assert all(paths <= most for paths, most in zip(found.by_hour(), bound.hours, strict=True))
    assert len(found.runs) <= bound.day
    assert_holds(asked, found.runs[:20])
    assert clear_of_each_other(found.runs, asked.train.occupies, lines)


def assert_holds(asked: Problem, runs: list[Run]) -> None:
    """Every piece between the ends of a run is held at least as long as the bound says."""
    least = least_holds(asked)
    for run in runs:
        held: dict[int, int] = {}
        for zone, begin, end in zip(run.zone.tolist(), run.from_s.tolist(), run.until_s.tolist(), strict=True):
            held[zone] = max(held.get(zone, 0), end - begin)
        for directed in run.directed[1:-1].tolist():
            assert held[int(asked.network.pieces.zone[directed >> 1])] >= least.both_s[directed]


def test_an_hour_of_an_empty_single_track_line_is_bounded_by_its_longest_block() -> None:
    """Six kilometres at 80 km/h and less: no more than some ten trains an hour pass, and most of these are found."""
    network = line()
    asked, lines = problem(network, None), DayLines(network, None)
    found = count(asked, lines)
    bound = upper_bound(asked, lines.timelines, longest_s(asked))
    least_s = 6000 / (80 / 3.6)
    assert bound.day <= 86_400 / least_s
    assert len(found.runs) >= 0.7 * bound.day


def test_a_count_leaves_the_timelines_as_they_were_and_is_the_same_again() -> None:
    """What was put in is taken out; the same question has the same answer."""
    network = line()
    day = held_day((0, 1, 0, 30), (1, 4, 90, 100), periodic=True)
    lines, asked = DayLines(network, day), problem(network, day)
    before = [column.tolist() for column in lines.timelines.table()]

    def times(found: Count) -> list[tuple[float, float]]:
        return [(float(run.depart_s[0]), float(run.exit_s[-1])) for run in found.runs]

    first = times(count(asked, lines))
    assert [column.tolist() for column in lines.timelines.table()] == before
    assert times(count(asked, lines)) == first


def test_reserve_paths_are_in_the_way_of_free_ones_only() -> None:
    """An hour that the reserve fills has no free path, and one with the reserve."""
    network = line()
    day = replace(held_day((0, 5, 0, 1), periodic=True), reserve=held_day((0, 1, 0, 60), periodic=True))
    asked = problem(network, day)
    free, every = (count(asked, DayLines(network, day, kept)).by_hour() for kept in (FREE, RESERVE))
    assert free[5] == 0
    assert every[5] > 0
    assert abs(free[10] - every[10]) <= 1


# -- the demand -----------------------------------------------------------------------------------------------------


def test_a_train_takes_the_reserve_only_when_nothing_is_free_and_it_is_then_gone() -> None:
    """The reserve fills the first track for three hours: the trains of ten o'clock need it, and say which they took."""
    network = line()
    day = replace(held_day((0, 5, 0, 1), periodic=True), reserve=held_day((0, 1, 0, 180), periodic=True))
    placing = DemandFit(network, day, small()).best()
    outcome = [placing.results[0, number].outcome for number in (1, 2, 3, 4)]
    assert outcome == ["reserve", "free", "free", "free"]
    assert placing.reserve_taken == ["t0"]
    assert placing.results[0, 1].reserve_paths == ["t0"]


def test_displacement_is_asked_for_what_does_not_fit_and_otherwise_said_not_to_be_computed() -> None:
    """A train that holds the line for four hours is moved by a displacer; without one the trains have no path."""
    network = line()
    day = held_day((0, 1, 0, 240), periodic=True)
    demand = small(DEMAND.split('[[flow]]\nname = "back"', maxsplit=1)[0].replace("transports = 2\ntrains = 2\n", ""))
    alone = DemandFit(network, day, demand)
    said = shares(network, demand, alone.best(), displaces=False)
    assert (said.none, said.displacement) == (1, "not_computed")

    def displaced(asked: Problem) -> Displaced | None:
        assert asked.request.ready_s == 36_000
        run = count(problem(network, None), DayLines(network, None)).runs[0]
        return Displaced(run, replace(day, periodic=True), ("t0",), 12.0, "min")

    fit = DemandFit(network, day, demand, displaced)
    said = shares(network, demand, fit.best(), displaces=True)
    assert (said.displaced, said.none, said.displacement) == (1, 0, "computed")
    train = said.flows[0].trains[0]
    assert (train.displaced, train.harm, train.harm_unit) == (["t0"], 12.0, "min")


def test_a_path_in_a_day_is_met_like_any_train() -> None:
    """What a run holds is in the holdings of the day, in their order."""
    network = line()
    day = held_day((0, 1, 0, 30), periodic=True)
    run = count(problem(network, day), DayLines(network, day)).runs[0]
    wider = with_run(day, run, small().kinds["normal"].train, "M1")
    assert wider.trains.reference == ["t0", "M1"]
    held = wider.holdings
    assert len(held.zone) == len(day.holdings.zone) + len(run.zone)
    assert bool(np.all(np.diff(held.zone) >= 0))
    assert sorted(held.zone[held.train == 1].tolist()) == sorted(run.zone.tolist())


# -- the reserve ----------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(
    times=st.lists(st.integers(18_000, 104_399), min_size=1, max_size=8, unique=True),
    within=st.sampled_from([3600, 7200, 14_400, 43_200, 86_400]),
    n=st.integers(1, 3),
    ready=st.none() | st.lists(st.integers(18_000, 104_399), min_size=1, max_size=3),
)
def test_no_fewer_paths_keep_the_same_promise(times: list[int], within: int, n: int, ready: list[int] | None) -> None:
    """As many as the least of all subsets that cover as much of the day as all candidates do."""
    times = sorted(times)
    cover = least_cover(times, within, n, ready)
    full = covered_share(times, within, n, ready)
    assert cover.share == pytest.approx(full)
    for size in range(len(cover.chosen)):
        for chosen in itertools.combinations(times, size):
            assert covered_share(chosen, within, n, ready) < full - 1e-9


def test_times_without_a_promise_are_named() -> None:
    """One path at 12:00 and within two hours: only trains ready from 10:00 to 12:00 are sure of it."""
    assert uncovered([43_200], 7200, 1) == [(43_200, 43_200 + 86_400 - 7200)]
    assert covered_share([43_200], 7200, 1) == pytest.approx(2 / 24)
    assert covered_share([], 7200, 1) == 0.0


# -- UIC 406 --------------------------------------------------------------------------------------------------------


def test_occupation_of_a_hand_worked_case() -> None:
    """Two trains alike, then a fast one, pushed together.

    ::

        zone   train 1, 2           train 3
        a      0 - 60               0 - 30
        b      40 - 100             20 - 50

    The second may come 60 s behind the first in both zones. The third, behind it, 60 s by zone a (120 - 60) and
    160 - 20 = 140 s by zone b: at 140. The first once more: a is free at 170, b at 190, so at max(170, 190 - 40) = 170.
    """
    slow = np.array([[0, 0, 60], [1, 40, 100]])
    fast = np.array([[0, 0, 30], [1, 20, 50]])
    later = slow + np.array([0, 900, 900])
    assert compressed_s([slow, later, fast + np.array([0, 2000, 2000])]) == 170
    assert compressed_s([slow]) == 60
    assert compressed_s([]) == 0


# -- the whole ------------------------------------------------------------------------------------------------------


def small_result(partial: bool = False) -> GuaranteeResult:
    network = line()
    reserve = held_day((0, 1, 600, 640), periodic=True)
    day = replace(held_day((0, 1, 0, 50), (1, 4, 60, 130), periodic=True), reserve=reserve)
    asked = Guarantee(network, day, small(), levels=lambda *_: [])
    parts = asked.parts()
    done = [(part, asked.work(part)) for part in (parts[2:3] if partial else parts)]
    return asked.result(done)


def test_the_same_question_gives_the_same_result_to_the_last_byte() -> None:
    """With a hash of everything it says, and every input by its hash."""
    first = small_result()
    assert guarantee_json(first) == guarantee_json(small_result())
    assert first.outcome == "fits"
    assert first.hash
    assert first.provenance.network == "line"
    counted = first.corridors[0].directions[0].kinds[0]
    assert sum(counted.with_reserve) == counted.with_reserve_day <= counted.bound_with_reserve_day
    assert any(pointer.startswith("/shares") for pointer in first.handling.sensitive)


def test_what_is_done_is_kept_and_marked_as_a_part() -> None:
    """A result without all of its parts names those that are missing."""
    found = small_result(partial=True)
    assert found.outcome == "partial"
    assert {"shares", "reserve"} <= set(found.missing)
    assert found.corridors[0].directions[0].kinds
    assert "Afgebroken" in render_guarantee(found, "nl")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_says_everything_in_its_language_and_asks_nothing_outside(lang: str) -> None:
    """No blank is left unfilled, no key unsaid; the policy allows the styles of the page and nothing else."""
    page = render_guarantee(small_result(), lang)
    body = re.sub(r"<style.*?</style>", "", page.split("<body>")[1], flags=re.DOTALL)
    text = re.sub(r"<[^>]*>", " ", body)
    assert not re.search(r"\{\w+\}", text)
    assert not re.search(r"guarantee\.(?!path|work|reserve|occupation|bands|handling)", text)
    assert not re.search(r"(?:src|href|action)\s*=|url\(|@import|https?:|<script", page)
    assert "default-src 'none'" in page


def test_any_text_of_a_demand_is_safe_on_the_page() -> None:
    """A title is text, never markup."""
    found = msgspec.structs.replace(small_result(), title={"en": "<script>x</script>"})
    assert "<script" not in render_guarantee(found, "en")


def test_hours_are_said_as_stretches_of_the_clock() -> None:
    """Hour 0 is 05:00; the last ends at 05:00."""
    assert hours([0, 1, 2, 5, 23]) == "05–08, 10–11, 04–05"


def test_every_source_of_the_rules_is_known_in_dutch() -> None:
    """What reaches a reader of a Dutch page."""
    groups = msgspec.to_builtins(guarantee_settings())
    said = {group["source"] for group in groups.values() if isinstance(group, dict)}
    said.add(load_demand_file(DEFAULT).source)
    assert said <= load_sentences("nl").keys(), said - load_sentences("nl").keys()


# -- the real railway -----------------------------------------------------------------------------------------------

CORRIDOR = """
reference = "one"
[kind.heavy]
template = "heavy"
length_m = 480
load_half_width_mm = 1575
[[corridor]]
name = "bentheim-arnhem"
from = "Odzg"
to = "Ah"
both = false
"""


def test_a_real_corridor_by_night_and_by_day() -> None:
    """From Bad Bentheim to Arnhem: paths by night, none in the morning, no conflict with the day, within the bound."""
    network = load_network()
    day = load_day("pattern-weekday", network)
    demand = with_codes(read_demand(CORRIDOR), network.points)
    asked = relation_problem(network, day, demand.corridors[0].relation, demand.kinds["heavy"].train)
    lines = DayLines(network, day)
    found = count(asked, lines)
    assert sum(found.by_hour()[18:23]) > 20
    assert sum(found.by_hour()[:8]) == 0
    assert clear_of_each_other(found.runs, asked.train.occupies, lines)
    bound = upper_bound(asked, lines.timelines, longest_s(asked), none=found.none)
    assert all(paths <= most for paths, most in zip(found.by_hour(), bound.hours, strict=True))
    assert_holds(asked, found.runs)
    kind = Guarantee(network, day, demand).result([]).corridors[0].directions[0].kinds
    assert kind == []


def test_a_reserve_path_that_is_taken_is_missing_from_the_minimum_levels() -> None:
    """Taking all reserve paths of a row lowers what is left, and nothing else."""
    network = load_network()
    day = load_day("pattern-weekday", network)
    assert day.reserve is not None
    names = zip(day.reserve.trains.reference, day.reserve.trains.series, strict=True)
    taken = [name for name, series in names if series == "amersfoort-border"]
    found = freight_shortfalls(network, day, taken)
    assert {row.row for row in found if row.after < row.before} == {"amersfoort-border"}
    assert all(row.after >= row.before - len(taken) for row in found)


def test_the_result_does_not_depend_on_the_number_of_processes() -> None:
    """One process and two give the same bytes."""
    one, two = (guarantee(read_demand(CORRIDOR), day="pattern-weekday", jobs=jobs) for jobs in (1, 2))
    assert guarantee_json(one) == guarantee_json(two)
    assert one.corridors[0].directions[0].kinds[0].binding


def test_a_part_does_not_depend_on_what_was_asked_before() -> None:
    """Searches end after so many labels, and these must not depend on what the kernel kept of other questions."""
    network = load_network()
    day = load_day("pattern-weekday", network)
    demand = with_codes(read_demand(CORRIDOR.replace("both = false", "both = true")), network.points)
    asked = Guarantee(network, day, demand)
    there, back = asked.parts()
    first = asked.work(there)
    asked.work(back)
    assert asked.work(there) == first


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["weerspoor", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_the_command_writes_what_was_asked_and_says_whether_it_fits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 when all fits, 3 when some does not, 2 for a wrong file."""
    flow = '[[flow]]\nname = "f"\nfrom = "Ah"\nto = "Odzg"\nkind = "heavy"\nnotice_h = 24\nwithin_h = 2\n'
    head = CORRIDOR.split("[[corridor]]", maxsplit=1)[0]
    file, page, data = tmp_path / "d.toml", tmp_path / "g.html", tmp_path / "g.json"
    file.write_text(head + flow, encoding="utf-8")
    options = ("--jobs", "1", "--html", str(page), "--json", str(data))
    assert run(monkeypatch, "guarantee", str(file), "--day", "empty", *options) == 0
    assert json.loads(data.read_text(encoding="utf-8"))["outcome"] == "fits"
    assert "Departementaal" in page.read_text(encoding="utf-8")
    assert "The demand fits" in capsys.readouterr().out
    file.write_text(head + flow + 'first = "07:00"\n', encoding="utf-8")
    assert run(monkeypatch, "guarantee", str(file), "--jobs", "1") == 3
    file.write_text(head + flow.replace("within_h", "within"), encoding="utf-8")
    assert run(monkeypatch, "guarantee", str(file)) == 2

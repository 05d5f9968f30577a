"""The page of a plan: one HTML file with its data, drawing code and styles, that works offline and prints."""

from __future__ import annotations

import html
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

import msgspec

from weerspoor.report.document import document, margins
from weerspoor.report.texts import SAID, load_sentences, load_texts

if TYPE_CHECKING:
    from weerspoor.capacity.plan import Plan

_BODY = Template(
    """<noscript><p><strong>$label</strong></p><p>$title</p><p>$noscript</p></noscript>
<script type="application/json" id="weerspoor-plan">$plan</script>
<script type="application/json" id="weerspoor-texts">$texts</script>
<script>$script</script>"""
)

_PAPERS = (
    ('id="paper-A4" media="print"', "@page { size: A4 landscape; }"),
    ('id="paper-A3" media="not all"', "@page { size: A3 landscape; }"),
)


def _json_in_html(value: Any) -> str:
    """Return JSON in which no character can end the element that it stands in."""
    text = msgspec.json.encode(value).decode()
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def page_texts(plan: Plan, lang: str) -> dict[str, str]:
    """Return the texts of a language, and in it what stands in English in the tables of data that the plan names."""
    sentences = load_sentences(lang)
    named = {text for row in (*plan.assumptions, *plan.sources) for text in row.values()} | _cited(plan)
    return load_texts(lang) | {SAID + text: sentences[text] for text in sorted(named) if text in sentences}


def _cited(plan: Plan) -> set[str]:
    """Return the articles that a plan cites for what it displaces, and the source of its rule set."""
    found = plan.displacement
    if found is None:
        return set()
    cited = [*found.analogies, *(row.rule for row in found.relaxed)]
    for one in (*found.proposals, *found.consent):
        cited += [move.rule for move in one.moves]
        cited += [citation for notice in one.notices for citation in notice.citations]
    return {citation.article for citation in cited} | {found.rules.source}


def render(plan: Plan, lang: str) -> str:
    """Return the page of a plan as one HTML document without any reference outside itself.

    Parameters
    ----------
    plan : Plan
        What is shown; the page holds all of it, so a shareable version is made by leaving values out of the plan.
    lang : str
        ``en`` or ``nl``.

    Raises
    ------
    InputError
        If there is no such language.
    """
    texts = page_texts(plan, lang)
    assets = files("weerspoor.report").joinpath("assets")
    script = assets.joinpath("weerspoor-ui.js").read_text(encoding="utf-8")
    style = assets.joinpath("weerspoor-ui.css").read_text(encoding="utf-8")
    title = f"{plan.reference} – {texts['ui.program']}"
    edges = margins(plan.handling.label, title, f"{texts['ui.plan']} {plan.hash}", texts["ui.page_number"])
    body = _BODY.substitute(
        title=html.escape(title),
        label=html.escape(plan.handling.label),
        noscript=html.escape(texts["ui.noscript"]),
        plan=_json_in_html(plan),
        texts=_json_in_html(texts),
        script=script,
    )
    return document(lang=lang, title=title, styles=(("", style), ("", edges), *_PAPERS), body=body, script=script)

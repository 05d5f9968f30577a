"""The page of a plan: one HTML file with its data, drawing code and styles, that works offline and prints."""

from __future__ import annotations

import hashlib
import html
from base64 import b64encode
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

import msgspec

from weerspoor.report.texts import SAID, load_sentences, load_texts

if TYPE_CHECKING:
    from weerspoor.capacity.plan import Plan

_PAGE = Template(
    """<!doctype html>
<html lang="$lang">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="$policy">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>$title</title>
<style>$style</style>
<style>$margins</style>
<style id="paper-A4" media="print">$a4</style>
<style id="paper-A3" media="not all">$a3</style>
</head>
<body>
<noscript><p><strong>$label</strong></p><p>$title</p><p>$noscript</p></noscript>
<script type="application/json" id="weerspoor-plan">$plan</script>
<script type="application/json" id="weerspoor-texts">$texts</script>
<script>$script</script>
</body>
</html>
"""
)

_MARGINS = Template(
    """@page {
  margin: 15mm 12mm 14mm;
  @top-left { content: $label; font: 700 9pt sans-serif; vertical-align: bottom; padding-bottom: 2mm; }
  @top-right { content: $title; font: 8pt sans-serif; vertical-align: bottom; padding-bottom: 2mm; }
  @bottom-left { content: $label; font: 700 9pt sans-serif; vertical-align: top; padding-top: 2mm; }
  @bottom-center { content: $hash; font: 8pt sans-serif; vertical-align: top; padding-top: 2mm; }
  @bottom-right { content: $page; font: 8pt sans-serif; vertical-align: top; padding-top: 2mm; }
}
"""
)

_PAPER = {"a4": "@page { size: A4 landscape; }", "a3": "@page { size: A3 landscape; }"}


def css_string(text: str) -> str:
    """Return a text as a CSS string in which nothing but letters, digits and spaces stands unescaped."""
    safe = (
        character if character.isascii() and character.isalnum() else f"\\{ord(character):x} " for character in text
    )
    return '"' + "".join(safe) + '"'


def _page_number(text: str) -> str:
    """Return ``page {page} of {pages}`` as the value of a CSS ``content``."""
    parts: list[str] = []
    for i, piece in enumerate(text.split("{page}")):
        if i:
            parts.append("counter(page)")
        for j, rest in enumerate(piece.split("{pages}")):
            if j:
                parts.append("counter(pages)")
            parts.append(css_string(rest))
    return " ".join(parts)


def margins(label: str, title: str, name: str, page: str) -> str:
    """Return the style of the margins of printed pages: label, title, name with hash, number of the page."""
    return _MARGINS.substitute(
        label=css_string(label), title=css_string(title), hash=css_string(name), page=_page_number(page)
    )


def _json_in_html(value: Any) -> str:
    """Return JSON in which no character can end the element that it stands in."""
    text = msgspec.json.encode(value).decode()
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def digest(text: str) -> str:
    """Return the hash of a script or style as a content security policy names it."""
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


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
    styles = " ".join(digest(text) for text in (style, edges, *_PAPER.values()))
    policy = f"default-src 'none'; script-src {digest(script)}; style-src {styles}; base-uri 'none'; form-action 'none'"
    return _PAGE.substitute(
        lang=lang,
        policy=policy,
        title=html.escape(title),
        label=html.escape(plan.handling.label),
        noscript=html.escape(texts["ui.noscript"]),
        style=style,
        margins=edges,
        plan=_json_in_html(plan),
        texts=_json_in_html(texts),
        script=script,
        **_PAPER,
    )

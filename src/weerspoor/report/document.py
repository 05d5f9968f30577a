"""What all pages have in common: one HTML document that needs nothing outside itself, and the margins of its print."""

from __future__ import annotations

import hashlib
import html
from base64 import b64encode
from collections.abc import Sequence
from string import Template

_DOCUMENT = Template(
    """<!doctype html>
<html lang="$lang">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="$policy">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>$title</title>
$styles
</head>
<body>
$body
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


def document(*, lang: str, title: str, styles: Sequence[tuple[str, str]], body: str, script: str = "") -> str:
    """Return an HTML document in which nothing runs or is drawn but what it brings along.

    Parameters
    ----------
    lang : str
    title : str
        Not escaped yet.
    styles : sequence of (str, str)
        Attributes of each style, such as ``media="print"``, and the style.
    body : str
        HTML.
    script : str
        The script that stands in the body; none if empty.
    """
    allowed = f"script-src {digest(script)}; " if script else ""
    allowed += f"style-src {' '.join(digest(style) for _, style in styles)}"
    return _DOCUMENT.substitute(
        lang=lang,
        policy=f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'",
        title=html.escape(title),
        styles="\n".join(f"<style{' ' * bool(asked)}{asked}>{style}</style>" for asked, style in styles),
        body=body,
    )


def digest(text: str) -> str:
    """Return the hash of a script or style as a content security policy names it."""
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


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

"""Parts of a page that one program keeps up to date in a page of another: between two marks."""

from __future__ import annotations

from collections.abc import Sequence


def _marks(name: str) -> tuple[str, str]:
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def section(text: str, name: str) -> str:
    """Return a part of a page with its marks; "" if it is not there."""
    begin, end = _marks(name)
    if begin not in text or end not in text:
        return ""
    return text[text.index(begin) : text.index(end) + len(end)]


def with_section(text: str, name: str, lines: Sequence[str]) -> str:
    """Return a page with a part put in the place of the old one, or behind everything where there was none."""
    begin, end = _marks(name)
    new = "\n".join([begin, *lines, end])
    old = section(text, name)
    return text.replace(old, new) if old else f"{text.rstrip()}\n\n{new}\n".lstrip()

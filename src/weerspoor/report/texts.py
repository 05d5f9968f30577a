"""The texts that people read on pages and in reports: one table a language, the same keys in each."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from weerspoor.common.clock import clock
from weerspoor.common.errors import DataError, InputError

if TYPE_CHECKING:
    from weerspoor.capacity.plan import Sentence

LANGUAGES = ("en", "nl")
BLANK = re.compile(r"\{(\w+)(?::(\w+))?\}")
"""A blank in a text: ``{name}``, or ``{name:clock}`` for a time, or ``{name:group}`` for words of a group of texts."""

SAID = "said."
"""Keys of sentences that stand in tables of data, in English, begin with this."""


def _flatten(table: dict[str, Any], prefix: str, flat: dict[str, str], where: str) -> None:
    for key, value in table.items():
        if isinstance(value, dict):
            _flatten(value, f"{prefix}{key}.", flat, where)
        elif isinstance(value, str):
            flat[f"{prefix}{key}"] = value
        else:
            raise DataError("a text must be a string", where=f"{where}: {prefix}{key}")


@cache
def load_texts(lang: str) -> dict[str, str]:
    """Return the texts of one language by dotted key, such as ``ui.head.arrival``.

    Parameters
    ----------
    lang : str
        One of ``LANGUAGES``.

    Raises
    ------
    InputError
        If there is no such language.
    """
    if lang not in LANGUAGES:
        raise InputError(f"no texts in language {lang!r}", where="--lang", hint=f"one of {', '.join(LANGUAGES)}")
    name = f"texts.{lang}.toml"
    table = tomllib.loads(files("weerspoor.data").joinpath(name).read_text(encoding="utf-8"))
    flat: dict[str, str] = {}
    _flatten(table, "", flat, name)
    return flat


@cache
def load_sentences(lang: str) -> dict[str, str]:
    """Return what stands in English in the tables of data, in another language; nothing for English."""
    file = files("weerspoor.data").joinpath(f"sentences.{lang}.toml")
    return dict(tomllib.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


class Texts:
    """The texts of one language, with their blanks filled in and numbers written in its way.

    Parameters
    ----------
    lang : str
        One of ``LANGUAGES``.
    """

    def __init__(self, lang: str) -> None:
        self.lang, self.table = lang, load_texts(lang)

    def text(self, key: str, **values: object) -> str:
        """Return the text of a key with its blanks filled in."""

        def filled(match: re.Match[str]) -> str:
            name, form = match.group(1), match.group(2) or ""
            return self._value(values[name], form) if name in values else match.group(0)

        return BLANK.sub(filled, self.table.get(key, key))

    def sentence(self, sentence: Sentence) -> str:
        """Return a sentence of a plan."""
        return self.text(sentence.key, **sentence.values)

    def word(self, group: str, key: str) -> str:
        """Return the text of ``group.key`` if there is one; else the key itself, readable."""
        return self.table.get(f"{group}.{key}", key.replace("_", " "))

    def said(self, sentence: str) -> str:
        """Return a sentence of a table of data in this language where it is known."""
        return load_sentences(self.lang).get(sentence, sentence)

    def number(self, value: float, digits: int = 2) -> str:
        """Return a number with at most so many decimals."""
        separator = "," if self.lang == "nl" else "."
        text = self.fixed(value, digits)
        return text.rstrip("0").rstrip(separator) if separator in text else text

    def fixed(self, value: float, digits: int) -> str:
        """Return a number with just so many decimals."""
        text = f"{value:.{digits}f}"
        return text.replace(".", ",") if self.lang == "nl" else text

    def _value(self, value: object, form: str) -> str:
        if isinstance(value, (list, tuple)):
            return ", ".join(self._value(one, form) for one in value)
        if form == "clock" and isinstance(value, (int, float)):
            return clock(value, with_seconds=False)
        if form:
            return self.table.get(f"{form}.{value}", str(value))
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return self.number(value)
        return str(value)

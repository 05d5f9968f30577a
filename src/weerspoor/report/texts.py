"""The texts that people read on pages and in reports: one table a language, the same keys in each."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from weerspoor.common.errors import DataError, InputError

LANGUAGES = ("en", "nl")


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

"""The tables of a request file: each knows where it stands, so that every mistake is refused at its place."""

from __future__ import annotations

import datetime as dt
import difflib
import math
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from weerspoor.common.errors import InputError


def toml_document(text: str, file: str) -> dict[str, Any]:
    """Return the document of a text.

    Raises
    ------
    InputError
        If it is not TOML.
    """
    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"is not TOML: {error}", where=file) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not TOML: {str(error).splitlines()[0] if str(error) else 'too deep'}", where=file) from (
            error
        )


def refusal(text: str, file: str, place: str, message: str, hint: str = "") -> InputError:
    """Return the error for a place of a file, with its line; without a file the place stands alone."""
    line = line_of(text, place)
    within = f"{file}, line {line}: " if line else f"{file}: " if file else ""
    return InputError(message, where=f"{within}{place}", hint=hint)


class Table:
    """One table of a file, which knows where it stands; ``kind`` is what the file is: a request or a change."""

    def __init__(self, text: str, file: str, path: str, values: Mapping[str, Any], kind: str = "request") -> None:
        self.text, self.file, self.path, self.values = text, file, path, values
        self.kind = kind

    def place(self, key: str) -> str:
        """Return where a key stands, as messages name it."""
        return f"{self.path}.{key}" if self.path else key

    def refuse(self, key: str, message: str, hint: str = "") -> InputError:
        """Return the error for a key."""
        return refusal(self.text, self.file, self.place(key), message, hint)

    def only(self, *known: str) -> Table:
        """Return the table itself, once every key in it is one of these."""
        for key in self.values:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=2, cutoff=0.5)
                hint = f"did you mean {' or '.join(near)}?" if near else f"known here: {', '.join(known)}"
                raise self.refuse(key, f"is not a key of a {self.kind}", hint)
        return self

    def get(self, key: str) -> Any:
        """Return the value of a key as it stands there; None if it does not."""
        return self.values.get(key)

    def table(self, key: str, *, needed: bool = False) -> Table:
        """Return the table under a key; an empty one if it is not there and need not be."""
        value = self.values.get(key)
        if value is None:
            if needed:
                raise self.refuse(key, "is missing", f"add a table [{self.place(key)}]")
            value = {}
        if not isinstance(value, dict):
            raise self.refuse(key, f"is {sort_of(value)}, a table was expected", f"write [{self.place(key)}]")
        return Table(self.text, self.file, self.place(key), value, self.kind)

    def tables(self, key: str) -> list[Table]:
        """Return the list of tables under a key."""
        value = self.values.get(key, [])
        if isinstance(value, dict):
            raise self.refuse(key, "is one table, a list of tables was expected", f"write [[{self.place(key)}]]")
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.refuse(
                key, f"is {sort_of(value)}, a list of tables was expected", f"write [[{self.place(key)}]]"
            )
        return [
            Table(self.text, self.file, f"{self.place(key)}[{i + 1}]", item, self.kind) for i, item in enumerate(value)
        ]

    def word(self, key: str, *, needed: bool = False, longest: int = 80) -> str:
        """Return a text of one line; empty if it is not there and need not be."""
        value = self.values.get(key)
        if value is None:
            if needed:
                raise self.refuse(key, "is missing")
            return ""
        return self._word(key, value, longest)

    def _word(self, key: str, value: Any, longest: int = 80) -> str:
        if not isinstance(value, str):
            raise self.refuse(key, f"is {sort_of(value)}, a text was expected", f'write {key} = "…"')
        if not value.strip():
            raise self.refuse(key, "is empty")
        if len(value) > longest or not value.isprintable():
            raise self.refuse(key, f"must be one line of at most {longest} characters")
        return value.strip()

    def words(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, none twice."""
        value = self.values.get(key, [])
        if isinstance(value, str):
            raise self.refuse(key, "is a text, a list was expected", f'write {key} = ["{value}"]')
        if not isinstance(value, list):
            raise self.refuse(key, f"is {sort_of(value)}, a list of texts was expected")
        result = tuple(self._word(key, item) for item in value)
        for i, item in enumerate(result):
            if item.casefold() in (other.casefold() for other in result[:i]):
                raise self.refuse(key, f"names {item} twice")
        return result

    def number(self, key: str, *, least: float, most: float, unit: str = "") -> float | None:
        """Return a number between two bounds, both included; None if it is not there."""
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.refuse(key, f"is {sort_of(value)}, a number was expected", f"write {key} = 100")
        if not math.isfinite(value):
            raise self.refuse(key, f"is {value}, a number was expected")
        if not least <= value <= most:
            raise self.refuse(key, f"is {value:g}{unit}; it must lie between {least:g} and {most:g}{unit}")
        return float(value)

    def seconds(self, key: str, most: int) -> int:
        """Return whole seconds from 0; 0 if it is not there."""
        value = self.number(key, least=0, most=most, unit=" s")
        if value is None:
            return 0
        if value != int(value):
            raise self.refuse(key, f"is {value:g}; whole seconds were expected")
        return int(value)

    def truth(self, key: str) -> bool | None:
        """Return true or false; None if it is not there."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, bool):
            raise self.refuse(key, f"is {sort_of(value)}; write true or false")
        return value


def sort_of(value: Any) -> str:
    """Name the kind of a value in words of the file, with the value where it is short."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"the number {value}"[:60]
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, (dt.date, dt.time)):
        return f"the time {value.isoformat()}"
    return "of another kind"


_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.\"'-]+)\s*\]")
_KEY = re.compile(r"\s*[\"']?([\w-]+)[\"']?\s*=")


def line_of(text: str, place: str) -> int:
    """Return the line of the file on which ``place`` (such as ``via[2].stop_s``) stands, 0 if it is not found."""
    table = ""
    counts: dict[str, int] = {}
    table_line = 0
    header, _, key = place.rpartition(".")
    for number, line in enumerate(text.splitlines(), 1):
        if match := _HEADER.match(line):
            table = match[2].strip("\"'")
            if match[1] == "[[":
                counts[table] = counts.get(table, 0) + 1
                table = f"{table}[{counts[table]}]"
            if table == place or re.sub(r"\[\d+\]", "", table) == place:
                return number
            if table == header:
                table_line = number
        elif (match := _KEY.match(line)) and table == header and match[1] == key:
            return number
    return table_line or (line_of(text, header) if header else 0)

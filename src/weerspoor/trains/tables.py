"""Reading of the small hand-written tables of trains, and of the planning norms."""

from __future__ import annotations

import csv
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import weerspoor.data
from weerspoor.common.errors import DataError

DATA = Path(weerspoor.data.__file__).parent
CERTAINTIES = ("sure", "likely", "assumed")
Row = dict[str, str]


@dataclass(frozen=True)
class Norm:
    """A planning norm with its unit, source and certainty."""

    value: float | list[float]
    unit: str
    source: str
    certainty: str


@cache
def rows(table: str) -> tuple[Row, ...]:
    """Return the rows of ``<table>.csv``.

    Raises
    ------
    DataError
        If the table is missing, or a row lacks a value's source or its certainty.
    """
    path = DATA / f"{table}.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            found = tuple(dict(row) for row in csv.DictReader(file, strict=True))
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(path)) from error
    for number, row in enumerate(found, start=2):
        if None in row or None in row.values():
            raise DataError("has a row with too many or too few values", where=f"{path}: line {number}")
        if not row["source"] or row["certainty"] not in CERTAINTIES:
            raise DataError("has a row without source or certainty", where=f"{path}: line {number}")
    return found


@cache
def row_by_name(table: str, key: str = "name") -> dict[str, Row]:
    """Return the rows of a table by the value of their ``key`` column."""
    return {row[key]: row for row in rows(table)}


def number(row: Row, column: str) -> float:
    """Return a number of a row.

    Raises
    ------
    DataError
        If the value is no number.
    """
    try:
        return float(row[column])
    except ValueError as error:
        raise DataError(f"{column} is no number: {row[column]!r}", where=next(iter(row.values()))) from error


def words(row: Row, column: str) -> tuple[str, ...]:
    """Return the values of a column that holds a list with semicolons."""
    return tuple(word for word in row[column].split(";") if word)


@cache
def norms(group: str, table: str = "norms") -> dict[str, Norm]:
    """Return a group of ``<table>.toml``, in which every value is ``[value, unit, source, certainty]``.

    Raises
    ------
    DataError
        If there is no such group, or a value lacks its source or certainty.
    """
    path = DATA / f"{table}.toml"
    try:
        with path.open("rb") as file:
            groups = tomllib.load(file)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(path)) from error
    if group not in groups:
        raise DataError(f"has no group {group!r}", where=str(path))
    found = {key: Norm(*value) for key, value in groups[group].items()}
    for key, item in found.items():
        if not item.source or item.certainty not in CERTAINTIES:
            raise DataError(f"{group}.{key} lacks source or certainty", where=str(path))
    return found


@cache
def norm(group: str, key: str, table: str = "norms") -> float:
    """Return a value of ``<table>.toml`` that is a single number."""
    value = norms(group, table)[key].value
    if isinstance(value, list):
        raise DataError(f"{group}.{key} is a list", where=f"{table}.toml")
    return value


@cache
def reference_half_width_mm() -> float:
    """Return the half-width of the reference profile that a neighbouring train may count on."""
    path = DATA / "clearance.toml"
    try:
        with path.open("rb") as file:
            return 1000 * float(tomllib.load(file)["reference"]["half_width_m"])
    except (OSError, KeyError, ValueError) as error:
        raise DataError("lacks reference.half_width_m", where=str(path)) from error

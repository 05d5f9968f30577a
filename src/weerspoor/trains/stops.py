"""Kinds of stop: how long at least, and what the place must have."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache

from weerspoor.common.errors import InputError
from weerspoor.trains.model import Train
from weerspoor.trains.tables import number, row_by_name, rows, words


@dataclass(frozen=True)
class StopKind:
    """A kind of stop.

    Attributes
    ----------
    name : str
    least_s : float
        Least duration for a train of no length.
    per_100_m_s : float
        Added for each 100 m of train.
    needs : tuple of str
        What the place must have, such as ``run_round``.
    description, source, certainty : str
    """

    name: str
    least_s: float
    per_100_m_s: float
    needs: tuple[str, ...]
    description: str
    source: str
    certainty: str

    def least_for(self, train: Train) -> float:
        """Return the least duration for a train, in s."""
        return self.least_s + self.per_100_m_s * train.length_m / 100


REVERSING = "reversing"
"""The kinds of stop at which a train turns back begin with this."""


def stop_kind_names() -> list[str]:
    """Return the names of the kinds of stop."""
    return [row["name"] for row in rows("stop_kinds")]


@cache
def stop_kind(name: str) -> StopKind:
    """Return a kind of stop by name.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    table = row_by_name("stop_kinds")
    if name not in table:
        near = difflib.get_close_matches(name, table, n=3, cutoff=0.4) or list(table)
        raise InputError(f"there is no kind of stop {name!r}", where="kind", hint=", ".join(near))
    row = table[name]
    return StopKind(
        name=name,
        least_s=number(row, "least_s"),
        per_100_m_s=number(row, "per_100_m_s"),
        needs=words(row, "needs"),
        description=row["description"],
        source=row["source"],
        certainty=row["certainty"],
    )


def place_has(code: str, point_kind: str) -> tuple[str, ...]:
    """Return what an operational point has for stops: its own row, else that of its kind.

    Parameters
    ----------
    code : str
        Matched without regard to case.
    point_kind : str
        Kind of ``network.model.Points``.
    """
    for row in rows("stop_places"):
        if row["point"] and row["point"].lower() == code.lower():
            return words(row, "has")
    for row in rows("stop_places"):
        if not row["point"] and row["kind"] == point_kind:
            return words(row, "has")
    return ()


def missing(kind: StopKind, code: str, point_kind: str) -> tuple[str, ...]:
    """Return what a place lacks for a kind of stop; empty if nothing."""
    return tuple(need for need in kind.needs if need not in place_has(code, point_kind))

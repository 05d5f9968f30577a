"""A few really different candidates out of many: least harm, on time at any price, and one between."""

from __future__ import annotations

from collections.abc import Sequence

from weerspoor.capacity.displace.paths import Candidate

LEAST_HARM, MIDDLE, ON_TIME = "least_harm", "middle", "on_time"

APART_S, APART_SHARE = 300.0, 0.1
"""Candidates differ when they arrive so far apart, or cost so much more, as a share."""


def chosen(candidates: Sequence[Candidate]) -> list[tuple[str, Candidate]]:
    """Return up to three candidates that nobody can better in one thing without losing another.

    Parameters
    ----------
    candidates : sequence of Candidate

    Returns
    -------
    list of (why, Candidate)
        The least harm first, on time last; one that is both is given as the least harm alone.
    """
    front = _front(candidates)
    if not front:
        return []
    on_time, least = front[0], front[-1]
    found = [(LEAST_HARM, least)]
    if different(least, on_time):
        middle = _middle(front)
        if middle is not None:
            found.append((MIDDLE, middle))
        found.append((ON_TIME, on_time))
    return found


def _front(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return those that no other beats in arrival and harm, in order of arrival."""
    front: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda one: (one.arrival_s, one.eur, one.departure_s)):
        if not front or candidate.eur < front[-1].eur - 1e-6:
            front.append(candidate)
    return front


def different(one: Candidate, other: Candidate) -> bool:
    """Tell whether two candidates differ enough to be worth a choice."""
    apart = abs(one.arrival_s - other.arrival_s) >= APART_S
    return apart or abs(one.eur - other.eur) > APART_SHARE * max(one.eur, other.eur)


def _middle(front: list[Candidate]) -> Candidate | None:
    """Return the one that bends the front most between its ends; None if none differs from both."""
    first, last = front[0], front[-1]
    span_s, span_eur = max(last.arrival_s - first.arrival_s, 1.0), max(first.eur - last.eur, 1.0)
    between = [one for one in front[1:-1] if different(one, first) and different(one, last)]
    if not between:
        return None
    return min(between, key=lambda one: (one.arrival_s - first.arrival_s) / span_s + (one.eur - last.eur) / span_eur)

"""Which candidates are proposed: on made-up fronts, and against a comparison of every two."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from weerspoor.capacity.displace.choose import LEAST_HARM, MIDDLE, ON_TIME, chosen, different
from weerspoor.capacity.displace.paths import Candidate
from weerspoor.kernel.graph import Run


def candidate(arrival_s: float, eur: float) -> Candidate:
    """Return a candidate of which only arrival and harm are known; it leaves an hour before it arrives."""
    run = SimpleNamespace(depart_s=[arrival_s - 3600.0], exit_s=[arrival_s])
    return Candidate((cast(Run, run),), {}, eur, "shifted")


def told(candidates: list[Candidate]) -> list[tuple[str, float, float]]:
    return [(why, one.arrival_s, one.eur) for why, one in chosen(candidates)]


def test_nothing_to_choose_from() -> None:
    assert chosen([]) == []


def test_one_that_is_best_in_both_stands_alone() -> None:
    """Earlier and cheaper than all others: there is nothing to weigh."""
    assert told([candidate(5000, 900), candidate(4000, 100), candidate(6000, 100)]) == [(LEAST_HARM, 4000, 100)]


def test_less_harm_or_on_time() -> None:
    both = [candidate(4000, 900), candidate(6000, 100)]
    assert told(both) == [(LEAST_HARM, 6000, 100), (ON_TIME, 4000, 900)]
    assert told(both[::-1]) == told(both)


def test_the_middle_one_bends_the_front_most() -> None:
    """Half of the time of 8 000 s saves all but a tenth at 5 000, next to nothing at 7 000."""
    front = [candidate(4000, 1000), candidate(5000, 200), candidate(7000, 150), candidate(12_000, 100)]
    assert told(front) == [(LEAST_HARM, 12_000, 100), (MIDDLE, 5000, 200), (ON_TIME, 4000, 1000)]


def test_what_hardly_differs_is_no_choice() -> None:
    """Less than five minutes and less than a tenth of the harm apart: the cheaper one alone."""
    assert told([candidate(4000, 105), candidate(4200, 100)]) == [(LEAST_HARM, 4200, 100)]
    near_end = [candidate(4000, 1000), candidate(4100, 990), candidate(8000, 100)]
    assert told(near_end) == [(LEAST_HARM, 8000, 100), (ON_TIME, 4000, 1000)]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=12))
def test_none_that_is_chosen_can_be_bettered(values: list[tuple[int, int]]) -> None:
    """Against every other one; the least harm of all is among them, the first to arrive unless it hardly differs."""
    every = [candidate(300.0 * a, 10.0 * b) for a, b in values]
    found = chosen(every)
    assert bool(found) == bool(every)
    for _, one in found:
        for other in every:
            better = other.arrival_s <= one.arrival_s and other.eur <= one.eur
            assert not (better and (other.arrival_s < one.arrival_s or other.eur < one.eur))
    if found:
        assert found[0][1].eur == min(one.eur for one in every)
        soonest = min(every, key=lambda one: (one.arrival_s, one.eur))
        assert found[-1][1].arrival_s == soonest.arrival_s or not different(soonest, found[-1][1])
        assert len(found) <= 3
        assert len({id(one) for _, one in found}) == len(found)

"""The tables [urgency] and [series] of a request: what is read, and what is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from request_texts import SMALL, UNDATED, VALUES, toml
from weerspoor.capacity.request import DECIDERS, GROUNDS, Series, Urgency
from weerspoor.capacity.request_reader import read_request
from weerspoor.common.errors import InputError

URGENCY = """[urgency]
ground = "guarding"
legal_basis = "Stb. 2026, 999"
decided_by = ["IENW", "DEF"]
"""
SERIES = """[series]
count = 4
interval_s = 1200
together = true
return = { ready = "2026-11-26T06:00" }
"""


def test_urgency_is_read() -> None:
    """Who decided stands in a fixed order, however it is written."""
    assert read_request(SMALL + URGENCY).urgency == Urgency("guarding", "Stb. 2026, 999", ("DEF", "IENW"))
    assert read_request(SMALL + '[urgency]\nground = "threat"\n').urgency == Urgency("threat")
    assert read_request(SMALL).urgency is None


def test_a_series_is_read() -> None:
    """06:00 on the 26th is 54 hours after 00:00 of the operating day, the 24th."""
    assert read_request(SMALL + SERIES).series == Series(4, 1200, True, 2 * 86_400 + 6 * 3600)
    assert read_request(SMALL + "[series]\ncount = 1\n").series == Series(1)
    assert read_request(SMALL).series is None


def test_a_clock_time_of_the_return_is_the_first_after_the_arrival() -> None:
    """The first train is there from 04:10 on: 04:00 is then of the night after, 05:00 of the same night."""
    for ready, day in (("04:00", 2), ("05:00", 1)):
        text = UNDATED + f'[series]\ncount = 2\nreturn = {{ ready = "{ready}" }}\n'
        series = read_request(text).series
        assert series is not None
        assert series.return_ready_s == day * 86_400 + int(ready[:2]) * 3600


def test_requests_without_the_new_tables_keep_their_hash() -> None:
    """Plans of before can still be compared with their requests."""
    example = (Path(__file__).parents[1] / "examples" / "sloe-oldenzaal.toml").read_text()
    assert read_request(example).content_hash == "0c9430e3b7549505"
    assert not {"urgency", "series"} & read_request(SMALL).as_dict().keys()


def test_the_new_tables_are_part_of_the_meaning() -> None:
    texts = [SMALL, SMALL + URGENCY, SMALL + SERIES, SMALL + URGENCY + SERIES, SMALL + SERIES.replace("4", "5")]
    assert len({read_request(text).content_hash for text in texts}) == len(texts)
    swapped = SMALL + URGENCY.replace('["IENW", "DEF"]', '["DEF", "IENW"]')
    assert read_request(swapped).content_hash == read_request(SMALL + URGENCY).content_hash
    assert read_request(SMALL + URGENCY + SERIES).as_dict()["series"] == {
        "count": 4,
        "interval_s": 1200,
        "together": True,
        "return_ready_s": 194_400,
    }


@pytest.mark.parametrize(
    ("table", "old", "new", "place", "words"),
    [
        (URGENCY, 'ground = "guarding"\n', "", "urgency.ground", "is missing"),
        (URGENCY, '"guarding"', '"haste"', "urgency.ground", "one of fixed_time, guarding, threat"),
        (URGENCY, '"guarding"', "1", "urgency.ground", "a text was expected"),
        (URGENCY, '"IENW", "DEF"', '"IENW", "ProRail"', "urgency.decided_by", "one or both of DEF, IENW"),
        (URGENCY, '"IENW", "DEF"', '"DEF", "def"', "urgency.decided_by", "twice"),
        (URGENCY, '["IENW", "DEF"]', '"DEF"', "urgency.decided_by", "a list was expected"),
        (URGENCY, "legal_basis", "legal_bases", "urgency.legal_bases", "did you mean legal_basis"),
        (URGENCY, '"Stb. 2026, 999"', '""', "urgency.legal_basis", "is empty"),
        (SERIES, "count = 4\n", "", "series.count", "is missing"),
        (SERIES, "count = 4", "count = 0", "series.count", "between 1 and 20"),
        (SERIES, "count = 4", "count = 21", "series.count", "between 1 and 20"),
        (SERIES, "count = 4", "count = 2.5", "series.count", "whole number"),
        (SERIES, "count = 4", "count = true", "series.count", "a number was expected"),
        (SERIES, "1200", "14401", "series.interval_s", "between 0 and 14400"),
        (SERIES, "1200", "-1", "series.interval_s", "between 0"),
        (SERIES, "true", '"yes"', "series.together", "true or false"),
        (SERIES, "{ ready = ", "{ set_out = ", "series.return.set_out", "known here: ready"),
        (SERIES, '{ ready = "2026-11-26T06:00" }', "{}", "series.return.ready", "is missing"),
        (SERIES, '{ ready = "2026-11-26T06:00" }', '"06:00"', "series.return", "a table was expected"),
        (SERIES, "2026-11-26T06:00", "2026-11-25T04:00", "series.return.ready", "before the first train can be there"),
        (SERIES, "2026-11-26T06:00", "2026-12-06T06:00", "series.return.ready", "more than 7 days"),
        (SERIES, "[series]", "[[series]]", "series", "a table was expected"),
    ],
)
def test_a_mistake_is_refused_at_its_place(table: str, old: str, new: str, place: str, words: str) -> None:
    assert table.count(old) == 1
    with pytest.raises(InputError) as raised:
        read_request(SMALL + table.replace(old, new))
    assert words in str(raised.value)
    assert raised.value.where.startswith("request.toml, line ")
    assert raised.value.where.endswith(place)


@given(
    ground=st.sampled_from(GROUNDS),
    decided_by=st.lists(st.sampled_from(DECIDERS), unique=True),
    count=st.integers(1, 20),
    interval_s=st.integers(0, 4 * 3600),
    together=st.booleans(),
    back_h=st.one_of(st.none(), st.integers(0, 23)),
)
@settings(max_examples=100, deadline=None)
def test_what_is_written_is_read(
    *, ground: str, decided_by: list[str], count: int, interval_s: int, together: bool, back_h: int | None
) -> None:
    """Every sensible value arrives; the return is after the first train can be there and within a day."""
    text = SMALL + f'[urgency]\nground = "{ground}"\ndecided_by = {toml(list(decided_by))}\n'
    text += f"[series]\ncount = {count}\ninterval_s = {interval_s}\ntogether = {toml(together)}\n"
    text += "" if back_h is None else f'return = {{ ready = "{back_h:02d}:15" }}\n'
    request = read_request(text)
    assert request.urgency is not None
    assert (request.urgency.ground, set(request.urgency.decided_by)) == (ground, set(decided_by))
    assert request.series is not None
    assert (request.series.count, request.series.interval_s, request.series.together) == (count, interval_s, together)
    if back_h is None:
        assert request.series.return_ready_s is None
    else:
        assert request.series.return_ready_s is not None
        there_s = 86_400 + 4 * 3600 + 600
        assert there_s < request.series.return_ready_s <= there_s + 86_400
        assert request.series.return_ready_s % 86_400 == back_h * 3600 + 900


@given(
    st.dictionaries(st.sampled_from(["ground", "legal_basis", "decided_by", "x"]), VALUES, max_size=4),
    st.dictionaries(st.sampled_from(["count", "interval_s", "together", "return", "x"]), VALUES, max_size=4),
)
@settings(max_examples=200, deadline=None)
def test_fuzzed_tables_are_read_or_refused(urgency: dict[str, object], series: dict[str, object]) -> None:
    """Whatever stands in them, the reader returns a request or an InputError with the file, nothing else."""
    text = SMALL + f"[urgency]\n{_lines(urgency)}\n[series]\n{_lines(series)}\n"
    try:
        request = read_request(text)
    except InputError as error:
        assert "request.toml" in str(error)
    else:
        assert request.series is not None
        assert 1 <= request.series.count <= 20


def _lines(table: dict[str, object]) -> str:
    return "\n".join(f"{key} = {toml(value)}" for key, value in table.items())

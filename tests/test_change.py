"""Changes of a request, and moments of the command line: what is read, and what is refused with its place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from request_texts import SMALL, UNDATED, VALUES, toml
from weerspoor.capacity.request import Change, Closure, Window, change_with_points, with_change
from weerspoor.capacity.request_reader import load_change, read_change, read_moment, read_request
from weerspoor.common.errors import InputError
from weerspoor.network.model import Points

REQUEST = read_request(SMALL)
FROM_ABROAD = read_request(SMALL.replace('ready = "20:30"', 'window = ["20:30", "21:00"]'))
CLOSED = '[[closed]]\nbetween = ["Dv", "Hgl"]\nfrom = "23:00"\nto = "01:00"\n'
H = 3600


def change(text: str) -> Change:
    return read_change(text, "change.toml", REQUEST)


def test_a_change_is_read() -> None:
    """Ready at 22:15 instead of 20:30, a later window, and tracks closed over midnight."""
    found = change('ready = "22:15"\nwindow = ["05:10", "05:40"]\n' + CLOSED)
    assert found.ready_s == 22 * H + 900
    assert found.window == Window(29 * H + 600, 29 * H + 2400)
    assert found.closures == (Closure(("Dv", "Hgl"), ("all",), 23 * H, 25 * H),)
    assert found.as_dict()["closed"] == [
        {"between": ["Dv", "Hgl"], "tracks": ["all"], "from_s": 23 * H, "until_s": 25 * H}
    ]


@pytest.mark.parametrize(
    ("ready", "wanted_s"),
    [
        ("19:00", 19 * H),
        ("01:00", 25 * H),
        ("08:29", 32 * H + 1740),
        ("08:31", 8 * H + 1860),
        ("2026-11-25T01:00", 25 * H),
    ],
)
def test_a_clock_time_is_the_one_nearest_the_request(ready: str, wanted_s: int) -> None:
    """Within twelve hours of 20:30, earlier or later; a full time says it all."""
    assert change(f'ready = "{ready}"\nwindow = ["2026-11-25T10:00", "2026-11-25T11:00"]').ready_s == wanted_s


def test_a_changed_request() -> None:
    """Only what is given changes; closures come on top."""
    first = with_change(REQUEST, change(CLOSED))
    assert (first.ready_s, first.destination_window) == (REQUEST.ready_s, REQUEST.destination_window)
    second = with_change(first, change('ready = "21:00"\n' + CLOSED))
    assert (second.ready_s, second.anchor_s, len(second.closures)) == (21 * H, 21 * H, 2)
    assert second.content_hash != REQUEST.content_hash


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", "ready", "give ready, window or [[closed]]"),
        ("closed = []", "closed", "nothing else is given"),
        ('redy = "21:00"', "redy", "did you mean ready"),
        ('[train]\ntemplate = "mixed"', "train", "not a key of a change"),
        ('ready = "25:00"', "ready", "no such time"),
        ('ready = "04:45"', "ready", "behind the end of the window"),
        ('ready = "2026-11-23T21:00"', "ready", "before the operating day"),
        (
            'ready = "2026-11-27T21:00"\nwindow = ["2026-11-27T22:00", "2026-11-27T23:00"]',
            "ready",
            "more than 48 hours",
        ),
        ('window = ["05:00"]', "window", "must be two times"),
        ('window = ["05:00", "05:00"]', "window", "ends when it begins"),
        ('window = ["2026-11-24T06:00", "2026-11-24T07:00"]', "window", "before the train is there"),
        (CLOSED.replace('"01:00"', '"23:00"'), "closed[1].from", "same time"),
        (CLOSED.replace('["Dv", "Hgl"]', '["Dv"]'), "closed[1].between", "names 1 point"),
        ("ready", "", "is not TOML"),
    ],
)
def test_a_mistake_is_refused_at_its_place(text: str, place: str, words: str) -> None:
    with pytest.raises(InputError) as raised:
        change(text)
    assert words in str(raised.value)
    assert raised.value.where.startswith("change.toml")
    assert place in raised.value.where


def test_a_window_on_the_way_that_is_over_is_told() -> None:
    """Ready at 23:30, but at Amersfoort by 23:00: the request no longer makes sense, and the message says where."""
    way = '[[via]]\npoint = "Amf"\nwindow = ["22:30", "23:00"]\n'
    request = read_request(SMALL + way, "request.toml")
    with pytest.raises(InputError, match=r"request.toml.*via\[1\].window.*before the train can be there"):
        read_change('ready = "23:30"', "change.toml", request)


def test_a_train_from_abroad_is_not_made_ready() -> None:
    """It has a window at the border, not a time it is ready; another window at its end may be given."""
    with pytest.raises(InputError, match="over a border"):
        read_change('ready = "21:00"', "change.toml", FROM_ABROAD)
    assert read_change('window = ["05:10", "05:40"]', "change.toml", FROM_ABROAD).window is not None


def test_the_points_of_a_change_are_looked_up() -> None:
    none, many = np.zeros(0, np.int32), np.zeros(2)
    empty = none * 1.0
    points = Points(
        ["Dv", "Hgl"], ["Deventer", "Hengelo"], ["station"] * 2, many, many, many == 0, none, none, empty, empty, empty
    )
    found = change_with_points(change(CLOSED.replace('"Dv"', '"deventer"')), points)
    assert found.closures[0].points == ("Dv", "Hgl")
    with pytest.raises(InputError, match=r"change.toml: closed\[1\].between: names 'Dvt'.*Deventer"):
        change_with_points(change(CLOSED.replace('"Dv"', '"Dvt"')), points)
    with pytest.raises(InputError, match="same point twice"):
        change_with_points(change(CLOSED.replace('"Hgl"', '"deventer"')), points)


def test_a_change_from_a_file(tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "change.toml"
    file.write_text('ready = "21:00"\n')
    assert load_change(file, REQUEST) == Change(ready_s=21 * H)
    with pytest.raises(InputError, match="cannot be read"):
        load_change(tmp_path / "none.toml", REQUEST)


@pytest.mark.parametrize(
    ("text", "wanted_s"),
    [("20:30", 20 * H + 1800), ("05:00", 5 * H), ("04:59", 28 * H + 3540), ("2026-11-25 04:10", 28 * H + 600)],
)
def test_a_moment_is_a_clock_time_of_the_operating_day_or_a_full_time(text: str, wanted_s: int) -> None:
    assert read_moment(text, REQUEST) == wanted_s


def test_a_moment_when_the_clock_goes_back() -> None:
    """On 25 October 2026 there are two times 02:30; with an offset it is clear which."""
    request = read_request(SMALL.replace("2026-11-24", "2026-10-24"))
    with pytest.raises(InputError, match="two such times"):
        read_moment("02:30", request)
    later, sooner = (read_moment(f"2026-10-25T02:30+0{hours}:00", request) for hours in (1, 2))
    assert later - sooner == H


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a time was expected"),
        ("now", "a time was expected"),
        ("24:00", "no such time"),
        ("2026-11-30T10:00", "more than 48 hours"),
        ("2026-02-30T10:00", "no such time"),
    ],
)
def test_a_wrong_moment_names_the_option(text: str, words: str) -> None:
    with pytest.raises(InputError) as raised:
        read_moment(text, REQUEST)
    assert raised.value.where == "--at"
    assert words in str(raised.value)


def test_a_full_moment_needs_a_date() -> None:
    with pytest.raises(InputError, match="has no date"):
        read_moment("2026-11-25T04:10", read_request(UNDATED))


@given(st.integers(0, 23), st.integers(0, 59), st.sampled_from([SMALL, UNDATED]))
@settings(max_examples=100, deadline=None)
def test_every_clock_time_is_a_moment_of_the_operating_day(hour: int, minute: int, text: str) -> None:
    """Each once, between 05:00 and 05:00, and it reads as it was written."""
    moment_s = read_moment(f"{hour:02d}:{minute:02d}", read_request(text))
    assert 5 * H <= moment_s < 29 * H
    assert moment_s % 86_400 == hour * H + minute * 60


@given(st.text(max_size=30))
@settings(max_examples=200, deadline=None)
def test_fuzzed_moments_are_read_or_refused(text: str) -> None:
    try:
        assert isinstance(read_moment(text, REQUEST), int)
    except InputError as error:
        assert error.where == "--at"


_KEYS = st.sampled_from(["ready", "window", "closed", "x"])
_CLOSURES = st.lists(
    st.dictionaries(st.sampled_from(["between", "tracks", "from", "to", "x"]), VALUES, max_size=4), max_size=2
)


@given(st.dictionaries(_KEYS, st.one_of(VALUES, _CLOSURES), max_size=4), st.sampled_from([REQUEST, FROM_ABROAD]))
@settings(max_examples=300, deadline=None)
def test_fuzzed_changes_are_read_or_refused(document: dict[str, object], request_) -> None:  # type: ignore[no-untyped-def]
    """A change changes something and fits the request, or there is an InputError with the file; nothing else."""
    text = "\n".join(f"{key} = {toml(value)}" for key, value in document.items())
    try:
        found = read_change(text, "change.toml", request_)
    except InputError as error:
        assert "change.toml" in str(error)
    else:
        assert found.ready_s is not None or found.window is not None or found.closures
        changed = with_change(request_, found)
        assert changed.anchor_s < changed.horizon_s

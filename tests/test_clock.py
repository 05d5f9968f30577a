"""Clock times of a request become seconds of the operating day, 05:00 to 05:00, by the rules of the request file."""

from __future__ import annotations

import pytest

from weerspoor.capacity.request import Request
from weerspoor.capacity.request_reader import read_request
from weerspoor.common.clock import clock
from weerspoor.common.errors import InputError

H = 3600
TRAIN = '[train]\ntemplate = "heavy"\n'


def ask(
    origin: str = 'ready = "20:30"', to: str = "", rest: str = "", date: str = '"2026-11-24"', extra: str = ""
) -> Request:
    """Return a request whose times are given."""
    head = f"date = {date}\n" if date else ""
    return read_request(f'{head}{TRAIN}[from]\npoint = "A"\n{origin}\n[to]\npoint = "B"\n{to}\n{rest}\n{extra}')


@pytest.mark.parametrize(
    ("ready", "expected_s"),
    [
        ("05:00", 5 * H),
        ("20:30", 20 * H + 1800),
        ("20:30:15", 20 * H + 1815),
        ("23:59:59", 24 * H - 1),
        ("00:00", 24 * H),
        ("04:59", 28 * H + 59 * 60),
        ("4:10", 28 * H + 600),
        ("2026-11-24T20:30", 20 * H + 1800),
        ("2026-11-25T04:10", 28 * H + 600),
        ("2026-11-25T04:10+01:00", 28 * H + 600),
        ("2026-11-25T03:10:00Z", 28 * H + 600),
    ],
)
def test_the_anchor_is_read_in_the_operating_day(ready: str, expected_s: int) -> None:
    """Clock times before 05:00 belong to the night of the operating day."""
    assert ask(f'ready = "{ready}"').anchor_s == expected_s


def test_without_a_date_clock_times_mean_the_same() -> None:
    """A request without a date is for any day of that kind."""
    assert ask(date="").anchor_s == ask().anchor_s == 73_800


@pytest.mark.parametrize(
    ("window", "expected_h"),
    [
        ('["21:00", "21:30"]', (21, 21.5)),  # later the same evening
        ('["04:10", "04:40"]', (28 + 1 / 6, 28 + 2 / 3)),  # in the night
        ('["23:50", "00:20"]', (23 + 5 / 6, 24 + 1 / 3)),  # over midnight
        ('["05:10", "06:00"]', (29 + 1 / 6, 30)),  # the next morning: past the end of the operating day
        ('["20:00", "20:20"]', (44, 44 + 1 / 3)),  # the first 20:00 after 20:30 is tomorrow's
        ('["20:30", "21:00"]', (20.5, 21)),  # a window may begin at the anchor itself
        ('["2026-11-25T04:10", "04:40"]', (28 + 1 / 6, 28 + 2 / 3)),
        ('["22:00", "2026-11-25T20:00"]', (22, 44)),  # over 12 hours, in a full time
    ],
)
def test_a_window_is_the_first_after_the_anchor(window: str, expected_h: tuple[float, float]) -> None:
    """The start is the first such clock time after the anchor, the end the first after the start."""
    found = ask(to=f"window = {window}").destination_window
    assert found is not None
    assert (found.earliest_s, found.latest_s) == tuple(round(h * H) for h in expected_h)


def test_the_search_looks_24_hours_ahead_or_to_the_end_of_the_window() -> None:
    """Without a window at the end the horizon is ready plus 24 hours, with one it is its end."""
    assert ask().horizon_s == 73_800 + 86_400
    assert ask(to='window = ["04:10", "04:40"]').horizon_s == 28 * H + 2400


def test_a_window_at_the_start_is_the_anchor() -> None:
    """A train that comes in over a border has its window read in the operating day, and others follow on it."""
    request = ask('window = ["23:50", "00:20"]', 'window = ["00:10", "03:00"]')
    assert request.origin_window is not None
    assert (request.origin_window.earliest_s, request.origin_window.latest_s) == (23 * H + 3000, 24 * H + 1200)
    assert request.destination_window is not None
    assert request.destination_window.earliest_s == 24 * H + 600


@pytest.mark.parametrize(
    ("times", "expected_h"),
    [
        (("23:00", "01:00"), (23, 25)),
        (("20:00", "22:00"), (20, 22)),  # begun before the train is ready, ends after it
        (("10:00", "12:00"), (34, 36)),  # over by the time it is ready: the next day's
        (("21:00", "20:00"), (21, 44)),  # a closure may be long
        (("2026-11-20T00:00", "2026-12-01T00:00"), (-96, 168)),
        (("2026-11-24T23:00", "01:00"), (23, 25)),
        (("23:00", "2026-11-25T01:00"), (23, 25)),
    ],
)
def test_a_closure_ends_after_the_anchor(times: tuple[str, str], expected_h: tuple[int, int]) -> None:
    """Its end is the first such time after the anchor, its beginning the last before that end."""
    rest = f'[[closed]]\nbetween = ["A", "B"]\nfrom = "{times[0]}"\nto = "{times[1]}"'
    closure = ask(rest=rest).closures[0]
    assert (closure.from_s, closure.until_s) == tuple(h * H for h in expected_h)


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ('["04:40", "04:10"]', "ends before it begins"),
        ('["22:00", "21:00"]', "full times"),
        ('["04:10", "04:10"]', "ends when it begins"),
        ('["2026-11-25T04:40", "2026-11-25T04:10"]', "ends before it begins"),
        ('["2026-11-24T05:00", "2026-11-24T06:00"]', "before the train is there"),
        ('["2026-12-25T05:00", "2026-12-25T06:00"]', "hours after the train is ready"),
        ('["24:10", "24:40"]', "no such time"),
        ('["04:60", "05:40"]', "no such time"),
        ('["4.10", "4.40"]', "a time was expected"),
        ('["04:10"]', "two times"),
        ('"04:10"', "two times"),
        ("[410, 440]", "a time was expected"),
        ('["2026-02-30T04:10", "04:40"]', "no such time"),
        ('["2026-11-25T04:10+99:00", "04:40"]', "no such offset"),
    ],
)
def test_a_window_that_cannot_be_is_refused(window: str, words: str) -> None:
    """One message names the place in the file and says what is wrong."""
    with pytest.raises(InputError, match=words) as raised:
        ask(to=f"window = {window}")
    assert "to.window" in str(raised.value)


def test_a_full_time_needs_a_date() -> None:
    """Without a date nobody knows how far away a full time is."""
    with pytest.raises(InputError, match="no date"):
        ask('ready = "2026-11-24T20:30"', date="")


def test_a_full_time_outside_the_operating_day_is_no_anchor() -> None:
    """05:00 of the next day belongs to the next operating day."""
    with pytest.raises(InputError, match="outside the operating day"):
        ask('ready = "2026-11-25T05:00"')
    with pytest.raises(InputError, match="outside the operating day"):
        ask('ready = "2026-11-24T04:59"')


def test_the_night_the_clock_goes_back_has_an_hour_more() -> None:
    """Seconds are real seconds: 04:10 winter time is 29 h 10 after 00:00 of the day, and the plan says so."""
    request = ask(to='window = ["04:10", "04:40"]', date='"2026-10-24"')
    assert request.destination_window is not None
    assert request.destination_window.earliest_s == 29 * H + 600
    assert "back" in request.notes[0].key
    with pytest.raises(InputError, match="two such times"):
        ask(to='window = ["02:30", "02:40"]', date='"2026-10-24"')
    first = ask(to='window = ["2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00"]', date='"2026-10-24"')
    assert first.destination_window is not None
    assert first.destination_window.latest_s - first.destination_window.earliest_s == H


def test_the_night_the_clock_goes_forward_has_an_hour_less() -> None:
    """02:30 does not exist that night, and 04:10 is 27 h 10 after 00:00 of the day."""
    request = ask(to='window = ["04:10", "04:40"]', date='"2026-03-28"')
    assert request.destination_window is not None
    assert request.destination_window.earliest_s == 27 * H + 600
    assert "forward" in request.notes[0].key
    with pytest.raises(InputError, match="no such time"):
        ask(to='window = ["02:30", "02:40"]', date='"2026-03-28"')


def test_the_day_after_a_change_of_clock_is_an_ordinary_one() -> None:
    """The operating day begins at 05:00, after the change: 20:30 is 73 800 as on any other day."""
    for date in ('"2026-10-25"', '"2026-03-29"'):
        request = ask(date=date)
        assert request.anchor_s == 73_800
        assert request.notes == ()


def test_times_are_shown_as_planners_give_them() -> None:
    """Steps of 0.1 minute, by the clock; past midnight the hours begin again."""
    assert clock(101_406, with_seconds=False) == "04:10.1"
    assert clock(104_400) == "05:00:00"

"""The request file: what is read, and what is refused with the place in the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from request_texts import VALUES, toml
from weerspoor.capacity.request import find_points, nearest_points, with_points
from weerspoor.capacity.request_reader import load_request, read_request
from weerspoor.capacity.request_table import line_of
from weerspoor.common.errors import InputError
from weerspoor.network.model import Points

EXAMPLES = Path(__file__).parents[1] / "examples"
GOOD = (EXAMPLES / "sloe-oldenzaal.toml").read_text()


def points() -> Points:
    """Return the points that the example names, and two more."""
    code = ["Sloe", "Odzg", "Amf", "Ut", "Tb", "Dv", "Hgl", "Asd"]
    name = ["Sloehaven", "Oldenzaal grens", "Amersfoort Centraal", "Utrecht Centraal"]
    name += ["Tilburg", "Deventer", "Hengelo", "Amsterdam Centraal"]
    none, many = np.zeros(0, np.int32), np.zeros(8)
    return Points(
        code, name, ["station"] * 8, many, many, np.ones(8, bool), none, none, none * 1.0, none * 1.0, none * 1.0
    )


def altered(old: str, new: str) -> str:
    """Return the example with one change."""
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def test_the_example_is_read_as_it_says() -> None:
    """Every value of the example arrives where it belongs, times in seconds of the operating day."""
    request = read_request(GOOD)
    assert request.reference == "HNS-2026-0041"
    assert request.train.template == "heavy"
    assert request.train.values["traction"] == ("diesel",)
    assert request.train.values["load_half_width_mm"] == 1875
    assert (request.origin, request.ready_s, request.origin_window) == ("Sloe", 73_800, None)
    assert request.destination_window is not None
    assert (request.destination_window.earliest_s, request.destination_window.latest_s) == (101_400, 103_200)
    assert [(via.point, via.stop_s) for via in request.via] == [("Amf", 600)]
    assert (request.avoid, request.avoid_stand, request.slack_s) == (("Ut",), ("Tb",), 60)
    assert [(c.points, c.tracks, c.from_s, c.until_s) for c in request.closures] == [
        (("Dv", "Hgl"), ("all",), 82_800, 90_000)
    ]


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.toml")), ids=lambda file: file.stem)
def test_every_example_is_a_request(file: Path) -> None:
    """The files that are shipped as examples are read without complaint."""
    assert load_request(file).reference


def test_the_smallest_request() -> None:
    """A template, two points and a time are enough; the reference is then the name of the file."""
    text = '[train]\ntemplate = "mixed"\n[from]\npoint = "A"\nready = 06:00:00\n[to]\npoint = "B"\n'
    request = read_request(text, "night-train.toml")
    assert (request.reference, request.ready_s, request.date) == ("night-train", 21_600, None)


def test_two_spellings_of_one_meaning_have_one_hash() -> None:
    """The hash of a request is of its meaning; another value gives another hash."""
    same = altered('ready = "20:30"', "ready = 20:30:00 # the same")
    assert read_request(GOOD).content_hash == read_request(same).content_hash
    other = altered("length_m = 540", "length_m = 541")
    assert read_request(GOOD).content_hash != read_request(other).content_hash


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("length_m = 540", "lenght_m = 540", "train.lenght_m", "did you mean length_m"),
        ("length_m = 540", 'length_m = "540"', "train.length_m", "a number was expected"),
        ("length_m = 540", "length_m = nan", "train.length_m", "a number was expected"),
        ("length_m = 540", "length_m = inf", "train.length_m", "a number was expected"),
        ("length_m = 540", "length_m = true", "train.length_m", "a number was expected"),
        ("length_m = 540", "length_m = -3", "train.length_m", "must lie between"),
        ("length_m = 540", "length_m = 0", "train.length_m", "above 0"),
        ("mass_t = 2100", "mass_t = 21000", "train.metre_load_t", "38.9 t/m on average"),
        ('traction = ["diesel"]', 'traction = "diesel"', "train.traction", "a list was expected"),
        ('traction = ["diesel"]', "traction = []", "train.traction", "is empty"),
        ('traction = ["diesel"]', 'traction = ["diesel", "Diesel"]', "train.traction", "twice"),
        ("guarded = true", 'guarded = "yes"', "train.guarded", "true or false"),
        ('ready = "20:30"', "", "from.ready", "is missing"),
        ('ready = "20:30"', 'ready = "20:30"\nwindow = ["20:30", "21:00"]', "from.window", "one of the two"),
        ('ready = "20:30"', 'ready = "half nine"', "from.ready", "a time was expected"),
        ('point = "Odzg"', 'point = "Sloe"', "to.point", "already stands in from.point"),
        ('point = "Odzg"', 'point = "sloe"', "to.point", "already stands in from.point"),
        ('point = "Odzg"', "", "to.point", "is missing"),
        ('point = "Odzg"', 'point = ""', "to.point", "is empty"),
        ('point = "Odzg"', "point = 7", "to.point", "a text was expected"),
        ("stop_s = 600", "stop_s = -1", "via[1].stop_s", "must lie between"),
        ("stop_s = 600", "stop_s = 1.5", "via[1].stop_s", "whole seconds"),
        ("stop_s = 600", 'kind = "crew_change"', "via[1].kind", "there is no stop"),
        ("[[via]]", "[via]", "via", "[[via]]"),
        ('points = ["Ut"]', 'points = ["Amf"]', "avoid.points", "has to come through"),
        ('points = ["Ut"]', 'points = ["Ut", "UT"]', "avoid.points", "twice"),
        ('stand = ["Tb"]', 'stand = ["Amf"]', "avoid.stand", "has to stand"),
        ('stand = ["Tb"]', 'stand = ["sloe"]', "avoid.stand", "has to stand"),
        ("slack_s = 60", "slack_s = 1e9", "prefer.slack_s", "must lie between"),
        ('between = ["Dv", "Hgl"]', 'between = ["Dv"]', "closed[1].between", "names 1 point"),
        ('between = ["Dv", "Hgl"]', 'between = ["Dv", "Dv"]', "closed[1].between", "twice"),
        ('tracks = ["all"]', 'tracks = ["all", "1"]', "closed[1].tracks", "one of the two"),
        ('to = "01:00"', 'to = "23:00"', "closed[1].from", "same time"),
        ('to = "01:00"', "", "closed[1].to", "is missing"),
        ('date = "2026-11-24"', 'date = "24-11-2026"', "date", "a date was expected"),
        ('date = "2026-11-24"', 'date = "2026-02-30"', "date", "no such day"),
        ('reference = "HNS-2026-0041"', "reference = 41", "reference", "a text was expected"),
        ("[prefer]", "[preferences]", "preferences", "did you mean"),
        ("[train]", "[trian]", "trian", "did you mean train"),
    ],
)
def test_a_mistake_is_refused_at_its_place(old: str, new: str, place: str, words: str) -> None:
    """Each mistake gives one message with the place in the file and what would be right."""
    with pytest.raises(InputError) as raised:
        read_request(altered(old, new))
    assert words in str(raised.value)
    assert place in raised.value.where
    assert "\n" not in str(raised.value)


def test_the_message_names_the_line() -> None:
    """A reader finds the mistake by its line, in lists of tables too."""
    lines = GOOD.splitlines()
    assert lines[line_of(GOOD, "train.length_m") - 1] == "length_m = 540"
    assert lines[line_of(GOOD, "via[1].stop_s") - 1] == "stop_s = 600"
    assert lines[line_of(GOOD, "closed[1].tracks") - 1] == 'tracks = ["all"]'
    with pytest.raises(InputError, match=r"line 7: train\.length_m"):
        read_request(altered("length_m = 540", "length_m = 0"))


def test_a_train_without_a_template_has_to_describe_itself() -> None:
    """Length, mass, speed and traction cannot be guessed."""
    text = altered('template = "heavy"\n', "")
    assert read_request(text).train.template == ""
    with pytest.raises(InputError, match="without a template"):
        read_request(text.replace("mass_t = 2100\n", ""))


def test_a_window_in_the_past_of_the_way_is_refused() -> None:
    """The end of the journey cannot lie before a window on the way begins."""
    text = altered("stop_s = 600", 'window = ["05:30", "06:00"]')
    with pytest.raises(InputError, match="before the train can be there"):
        read_request(text)


def test_points_are_found_without_regard_to_case_and_by_name() -> None:
    """Codes in any case and names become the codes of the network."""
    request = with_points(read_request(altered('point = "Amf"', 'point = "amersfoort centraal"')), points())
    assert request.via[0].point == "Amf"
    assert with_points(read_request(GOOD.replace('"Sloe"', '"SLOE"')), points()).origin == "Sloe"


def test_an_unknown_point_is_answered_with_the_nearest() -> None:
    """The message offers the names that come closest."""
    with pytest.raises(InputError, match="Amersfoort Centraal") as raised:
        with_points(read_request(altered('point = "Amf"', 'point = "Amersfort"')), points())
    assert "via" in raised.value.where
    assert nearest_points(points(), "Utrect")[0] == "Utrecht Centraal (Ut)"


def test_a_code_and_a_name_of_one_point_are_the_same_point() -> None:
    """What is contradictory only after looking up is refused as well."""
    with pytest.raises(InputError, match="already stands"):
        with_points(read_request(altered('point = "Amf"', 'point = "Oldenzaal grens"')), points())


def test_finding_points_begins_with_the_code() -> None:
    """A search lists the exact code first, then names that begin so, then parts, then likeness."""
    found = [points().code[i] for i in find_points(points(), "am")]
    assert found[:2] == ["Amf", "Asd"]
    assert [points().code[i] for i in find_points(points(), "centraal")] == ["Amf", "Asd", "Ut"]
    assert find_points(points(), "  ") == []


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00", b"[train", b"a = ", b"\x00"])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, raw: bytes) -> None:
    """Bytes that are no text, and text that is no TOML."""
    file = tmp_path / "request.toml"
    file.write_bytes(raw)
    with pytest.raises(InputError, match=r"request\.toml"):
        load_request(file)


def test_a_folder_for_a_file_is_refused(tmp_path: Path) -> None:
    """A folder, and a file that is not there."""
    with pytest.raises(InputError, match="is a folder"):
        load_request(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        load_request(tmp_path / "none.toml")


_KEYS = st.sampled_from(
    [
        "reference",
        "date",
        "train",
        "from",
        "to",
        "via",
        "avoid",
        "prefer",
        "closed",
        "template",
        "length_m",
        "mass_t",
        "traction",
        "guarded",
        "point",
        "ready",
        "window",
        "stop_s",
        "points",
        "stand",
        "slack_s",
        "between",
        "tracks",
        "urgency",
        "series",
        "ground",
        "legal_basis",
        "decided_by",
        "count",
        "interval_s",
        "together",
        "return",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_fuzzed_values_are_read_or_refused(data: st.DataObject) -> None:
    """Whatever stands behind a key of the example, the reader returns a request or an InputError, nothing else."""
    lines = GOOD.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        i = data.draw(st.integers(0, len(lines) - 1))
        if "=" in lines[i]:
            key = data.draw(st.one_of(st.just(lines[i].split("=")[0].strip()), _KEYS))
            lines[i] = f"{key} = {toml(data.draw(VALUES))}"
    try:
        request = read_request("\n".join(lines))
    except InputError as error:
        assert "request.toml" in str(error)
    else:
        assert request.content_hash
        assert request.anchor_s <= request.horizon_s


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda raw: raw.decode("latin1"))))
def test_fuzzed_text_is_read_or_refused(text: str) -> None:
    """Any text at all ends in a request or an InputError."""
    try:
        read_request(text)
    except InputError as error:
        assert str(error)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(_KEYS, VALUES, max_size=6))
def test_fuzzed_documents_are_refused_or_read(document: dict[str, object]) -> None:
    """Documents of known keys with any values."""
    text = "\n".join(f"{key} = {toml(value)}" for key, value in document.items())
    try:
        read_request(text)
    except InputError as error:
        assert "request.toml" in str(error)

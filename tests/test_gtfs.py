"""GTFS feeds made here: what is read, how stops are matched, and what is wrong with broken ones."""

import datetime as dt
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weerspoor.common.errors import InputError
from weerspoor.formats.gtfs import is_train, read_feed
from weerspoor.timetable.gtfs import kind_of, match_feed, plain

TUESDAY = dt.date(2026, 11, 24)
FILES = {
    "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\nNS,NS,http://ns.example,Europe/Amsterdam\n",
    "routes.txt": (
        "route_id,agency_id,route_short_name,route_long_name,route_type\n"
        "r1,NS,Sprinter,Utrecht - Amersfoort,2\nr2,NS,ICE International,,102\nb,NS,4,a bus,3\n"
    ),
    "calendar.txt": (
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
        "w,1,1,1,1,1,0,0,20261101,20261231\n"
    ),
    "calendar_dates.txt": "service_id,date,exception_type\nw,20261225,2\nextra,20261124,1\n",
    "trips.txt": (
        "route_id,service_id,trip_id,trip_short_name,direction_id\n"
        "r1,w,t1,5601,0\nr2,w,t2,120,1\nr1,extra,t3,5699,0\nb,w,bus1,,0\n"
    ),
    "stops.txt": (
        "stop_id,stop_code,stop_name,stop_lat,stop_lon,parent_station,platform_code\n"
        "u8,,Utrecht Centraal,52.0889,5.1100,u,8\nu,UT,Utrecht Centraal,52.0889,5.1100,,\n"
        "b,,Bilthoven,52.1297,5.2050,,\na,,Amersfoort C,52.1539,5.3705,,\n"
        "ah,stop|ah,Arnhem,51.9850,5.8990,,\nob,,Oberhausen Hbf,51.4748,6.8520,,\n"
    ),
    "stop_times.txt": (
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        "t1,06:00:00,06:00:00,u8,1\nt1,06:08:00,06:08:30,b,2\nt1,06:20:00,06:20:00,a,3\n"
        "t2,08:00:00,08:00:00,ob,1\nt2,09:00:00,09:02:00,ah,2\nt2,09:35:00,09:35:00,u8,3\n"
        "t3,24:50:00,24:50:00,u8,10\nt3,25:10:00,25:10:00,a,20\n"
        "bus1,07:00:00,07:00:00,u8,1\nbus1,07:10:00,07:10:00,b,2\n"
    ),
}


def feed(folder: Path, **changes: str | None) -> Path:
    """Write the feed with some files changed (dots as underscores), or left out (None)."""
    files: dict[str, str | None] = dict(FILES)
    files.update({f"{name}.txt": text for name, text in changes.items()})
    path = folder / "feed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            if text is not None:
                archive.writestr(name, text)
    return path


def network() -> Any:
    """Return points only: Utrecht, Bilthoven, Amersfoort, Arnhem and the border beyond it."""
    points = SimpleNamespace(
        code=["Ut", "Bhv", "Amf", "Ah", "Zvg"],
        name=["Utrecht Centraal", "Bilthoven", "Amersfoort Centraal", "Arnhem Centraal", "Zevenaar Grens"],
        kind=["station", "station", "station", "station", "border"],
        lat=np.array([52.089, 52.130, 52.154, 51.985, 51.901]),
        lon=np.array([5.110, 5.205, 5.370, 5.899, 6.138]),
    )
    return SimpleNamespace(points=points)


def calls(matched: Any, reference: str) -> list[tuple[str, int, int]]:
    demand = matched.demand
    train = demand.reference.index(reference)
    return [(demand.point[c], int(demand.arrival_s[c]), int(demand.departure_s[c])) for c in demand.calls_of(train)]


def test_types_of_route() -> None:
    """Trains are route type 2 and the extended types 100 to 109; a tram, a coach and nonsense are not."""
    assert [kind for kind in ("0", "2", "3", "99", "100", "109", "110", "200", "", "²", "x") if is_train(kind)] == [
        "2",
        "100",
        "109",
    ]


def test_trains_of_the_date(tmp_path: Path) -> None:
    """The trains of the date and of the next date are read; the bus is not, nor the exception on another date."""
    found = read_feed(feed(tmp_path), TUESDAY)
    assert sorted((trip.trip_id, trip.service_day) for trip in found.trips) == [
        ("t1", -1),
        ("t1", 0),
        ("t1", 1),
        ("t2", -1),
        ("t2", 0),
        ("t2", 1),
        ("t3", 0),
    ]


def test_removed_on_a_date(tmp_path: Path) -> None:
    """A service that calendar_dates takes away does not run: on Christmas Day there is no train."""
    with pytest.raises(InputError, match="has no trains on 2026-12-25") as caught:
        read_feed(feed(tmp_path), dt.date(2026, 12, 25))
    assert "2026-11-01 to 2026-12-31" in caught.value.hint


def test_without_calendar(tmp_path: Path) -> None:
    """A feed may name all its dates one by one."""
    dates = "service_id,date,exception_type\nw,20261124,1\nextra,20261124,1\n"
    found = read_feed(feed(tmp_path, calendar=None, calendar_dates=dates), TUESDAY)
    assert sorted(trip.trip_id for trip in found.trips) == ["t1", "t2", "t3"]


def test_frequencies(tmp_path: Path) -> None:
    """A trip that repeats itself becomes a train for every start: 06:00, 06:30, 07:00, 07:30."""
    repeats = "trip_id,start_time,end_time,headway_secs\nt1,06:00:00,08:00:00,1800\n"
    found = read_feed(feed(tmp_path, frequencies=repeats), TUESDAY)
    starts = [
        trip.calls[0].departure_s for trip in found.trips if trip.trip_id.startswith("t1") and trip.service_day == 0
    ]
    assert starts == [21_600, 23_400, 25_200, 27_000]


def test_stops_become_points(tmp_path: Path) -> None:
    """A stop is matched by the code of its station, by its name, and by its place; the end abroad is the border.

    The train from Oberhausen passes Zvg 16 minutes before Arnhem (border_minutes.csv), no time of the feed.
    """
    matched = match_feed(read_feed(feed(tmp_path), TUESDAY), network())
    assert calls(matched, "5601") == [("Ut", -1, 21_600), ("Bhv", 22_080, 22_110), ("Amf", 22_800, -1)]
    assert calls(matched, "120") == [("Zvg", -1, 31_440), ("Ah", 32_400, 32_520), ("Ut", 34_500, -1)]
    demand = matched.demand
    border = demand.calls_of(demand.reference.index("120"))[0]
    assert not demand.given[border] and not demand.stops[border]
    assert [demand.kind[demand.reference.index(name)] for name in ("5601", "120")] == ["sprinter", "ice"]
    assert set(demand.phase) == {"feed"} and matched.unknown == {}


def test_after_midnight_and_next_morning(tmp_path: Path) -> None:
    """24:50 of the date is 00:50 of its night; the trains of the next date come a day later, those of the date before
    that ended before 05:00 do not come at all."""
    matched = match_feed(read_feed(feed(tmp_path), TUESDAY), network())
    assert calls(matched, "5699") == [("Ut", -1, 89_400), ("Amf", 90_600, -1)]
    assert calls(matched, "5601+1")[0] == ("Ut", -1, 21_600 + 86_400)
    assert [name for name in matched.demand.reference if name.endswith("-1")] == []


def test_over_the_start_of_the_day(tmp_path: Path) -> None:
    """A train of the date before that still runs at 05:00 is in the day."""
    times = FILES["stop_times.txt"].replace("t1,06:20:00,06:20:00,a,3", "t1,29:20:00,29:20:00,a,3")
    times = times.replace("t1,06:00:00,06:00:00", "t1,28:50:00,28:50:00").replace(
        "t1,06:08:00,06:08:30", "t1,28:58:00,28:59:00"
    )
    matched = match_feed(read_feed(feed(tmp_path, stop_times=times), TUESDAY), network())
    assert calls(matched, "5601-1") == [("Ut", -1, 17_400), ("Bhv", 17_880, 17_940), ("Amf", 19_200, -1)]


def test_unknown_stop_is_listed(tmp_path: Path) -> None:
    """A stop inside the country that is no point is named, and the rest of the train is kept; a train of which one
    stop is left is listed."""
    stops = FILES["stops.txt"].replace("b,,Bilthoven,52.1297,5.2050", "b,,Nergenshuizen,52.1200,5.1850")
    matched = match_feed(read_feed(feed(tmp_path, stops=stops), TUESDAY), network())
    assert matched.unknown == {"Nergenshuizen": 2}
    assert [place for place, _, _ in calls(matched, "5601")] == ["Ut", "Amf"]
    lost = stops.replace("a,,Amersfoort C,52.1539,5.3705", "a,,Elders,52.1300,5.2600")
    notes = match_feed(read_feed(feed(tmp_path, stops=lost), TUESDAY), network()).notes
    assert ("5601", "calls at fewer than two known points") in notes


def test_code_of_another_place(tmp_path: Path) -> None:
    """A stop whose code happens to be that of a point 100 km away is not that point."""
    stops = FILES["stops.txt"].replace("ob,,Oberhausen", "ob,Amf,Oberhausen")
    matched = match_feed(read_feed(feed(tmp_path, stops=stops), TUESDAY), network())
    assert calls(matched, "120")[0][0] == "Zvg"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Intercity direct | NS", "intercity_direct"),
        ("Intercity | Den Haag - Venlo", "intercity"),
        ("Sprinter", "sprinter"),
        ("ICE International", "ice"),
        ("Stoptrein RS11 | Arriva", "regional_diesel"),
        ("Police train", "regional_diesel"),
        ("", "regional_diesel"),
    ],
)
def test_kinds(words: str, kind: str) -> None:
    """The words of a product decide the kind of train; "police" holds no ICE."""
    assert kind_of(words) == kind


def test_names_alike() -> None:
    """Names that feeds write in several ways are one name."""
    assert plain("Amersfoort Centraal") == plain("Station Amersfoort C") != plain("Amersfoort")
    assert plain("Sint-Gerlach") == plain("St. Gerlach")


TIMES = FILES["stop_times.txt"]
REPEATS = "trip_id,start_time,end_time,headway_secs\n"
BROKEN = [
    ({"stop_times": None}, "has no file stop_times.txt", "feed.zip"),
    ({"calendar": None, "calendar_dates": None}, "has neither calendar", "feed.zip"),
    ({"routes": "route_id\nr1\n"}, "has no column route_type", "routes.txt: line 1"),
    ({"routes": "route_id,route_type\nr1,3\n"}, "has no routes of trains", "routes.txt"),
    ({"trips": "route_id,service_id,trip_id\nr9,w,t1\n"}, "route that is not in routes.txt", "trips.txt: line 2"),
    ({"trips": "route_id,service_id,trip_id\nr1,z,t1\n"}, "service that no calendar has", "trips.txt: line 2"),
    ({"trips": "route_id,service_id,trip_id\nr1,w,t1\nr1,w,t1\n"}, "a second time", "trips.txt: line 3"),
    ({"trips": "route_id,service_id,trip_id\nr1,w\n"}, "has 2 values", "trips.txt: line 2"),
    ({"stop_times": TIMES.replace("06:08:30", "06:8x")}, "HH:MM:SS", "stop_times.txt: line 3"),
    ({"stop_times": TIMES.replace("06:08:30", "06:99:00")}, "cannot be", "stop_times.txt: line 3"),
    ({"stop_times": TIMES.replace("06:20:00", "05:20:00")}, "a time before", "stop_times.txt: line 4"),
    ({"stop_times": TIMES.replace("b,2", "b,1")}, "stop_sequence 1 a second", "stop_times.txt: line 3"),
    ({"stop_times": TIMES.replace("b,2", "b,two")}, "whole number", "stop_times.txt: line 3"),
    ({"stop_times": TIMES.replace(",b,", ",nowhere,")}, "not in stops.txt", "stop_times.txt"),
    ({"stops": FILES["stops.txt"].replace("52.1297", "fifty")}, "is no number", "stops.txt: line 4"),
    ({"stops": FILES["stops.txt"].replace("52.1297", "152")}, "cannot be", "stops.txt: line 4"),
    ({"calendar_dates": "service_id,date,exception_type\nw,2026-11-24,1\n"}, "YYYYMMDD", "calendar_dates.txt: line 2"),
    ({"calendar_dates": "service_id,date,exception_type\nw,20261124,7\n"}, "1 or 2", "calendar_dates.txt: line 2"),
    ({"calendar": FILES["calendar.txt"].replace("w,1", "w,yes")}, "neither 0 nor 1", "calendar.txt: line 2"),
    ({"frequencies": REPEATS + "t1,06:00:00,07:00:00,0\n"}, "headway_secs", "frequencies.txt: line 2"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "message", "where"), BROKEN)
def test_broken_feeds(tmp_path: Path, changes: dict[str, str | None], message: str, where: str) -> None:
    """Each mistake is one error that names the file and, where it is in one, the line."""
    with pytest.raises(InputError, match=message) as caught:
        read_feed(feed(tmp_path, **changes), TUESDAY)
    assert caught.value.where.endswith(where)


def test_no_archive(tmp_path: Path) -> None:
    """A text, a folder and a missing file are no feeds."""
    text = tmp_path / "text.zip"
    text.write_text("stop_id\n")
    for path in (text, tmp_path, tmp_path / "none.zip"):
        with pytest.raises(InputError) as caught:
            read_feed(path, TUESDAY)
        assert caught.value.where == str(path)


def test_not_utf8(tmp_path: Path) -> None:
    """A file in another encoding is an error that names it."""
    path = tmp_path / "f.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in FILES.items():
            archive.writestr(
                name, content.encode() if name != "stops.txt" else content.encode() + b"z,,caf\xe9,1,1,,\n"
            )
    with pytest.raises(InputError, match="UTF-8") as caught:
        read_feed(path, TUESDAY)
    assert caught.value.where.startswith("stops.txt")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(FILES)), st.integers(0, 600), st.text(max_size=4))
def test_fuzz(tmp_path: Path, name: str, at: int, garbage: str) -> None:
    """Whatever is written into a file of the feed, the outcome is a feed or one error for people."""
    text = FILES[name]
    path = feed(
        tmp_path,
        **{name.removesuffix(".txt"): (text[:at] + garbage + text[at + 3 :]).encode("utf-8", "replace").decode()},
    )
    try:
        match_feed(read_feed(path, TUESDAY), network())
    except InputError as error:
        assert error.message

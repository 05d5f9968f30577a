"""Operational points: stations, yards, harbours, junctions, borders, and which chainages of tracks belong to each."""

from __future__ import annotations

import csv
import json
import math
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import pyproj
import shapely

from tools.build_data.source import (
    DESCRIBED,
    LICENCE,
    OPENSPOOR,
    SOURCE,
    at,
    geometry,
    length_m,
    number,
    rows,
    track_rows,
)
from tools.build_data.tables import DATA, Column, write_table

STATIONS = SOURCE / "network" / "stations_rdt_2023-09.csv"
CODES = SOURCE / "network" / "dienstregelpunten.csv"
SERIES = SOURCE / "timetable" / "series_2026"
PATTERN = SOURCE / "timetable" / "nl_weekday_reconstructed_2026.csv"
SOURCES = (
    f"{DESCRIBED}; stations of Rijden de Treinen (September 2023); codes and names of dienstregelpunten; "
    "rules of points_by_rule.csv and stations.toml"
)
LICENCES = f"{LICENCE}; stations CC BY 4.0, Rijden de Treinen"
NAMED = re.compile(r"\d+[A-Za-z]{0,2}")

JOINED_M = 1.0
"""Sections whose ends lie this close follow each other."""
PAST_END_M = 3.0
"""A track that ends this short of the centre of a station still passes it."""
TOGETHER_M = 400.0
"""Ends of lines this close belong to one junction."""
FARTHEST_M = 500.0
"""No track farther from the published place of a station belongs to it."""


@dataclass(frozen=True)
class Section:
    """A section between named limits, with its place."""

    track: str
    name: str
    from_m: float
    to_m: float
    begin: str
    end: str
    x: float
    y: float

    @property
    def length_m(self) -> float:
        """Length of the section."""
        return self.to_m - self.from_m

    @property
    def numbered(self) -> bool:
        """A station or yard track with a number of its own."""
        return NAMED.fullmatch(self.name) is not None

    @property
    def number(self) -> int:
        """The number in its name."""
        return int(re.sub(r"\D", "", self.name) or 0)


@dataclass
class Point:
    """A point while it is made; ``places`` are (track, from, to, at) in metres of chainage."""

    code: str
    name: str
    kind: str
    certainty: str
    x: float = math.nan
    y: float = math.nan
    places: list[tuple[str, float, float, float]] = field(default_factory=list)


@cache
def rules() -> dict[str, Any]:
    """Return stations.toml."""
    return tomllib.loads((DATA / "stations.toml").read_text(encoding="utf-8"))


@cache
def sections() -> list[Section]:
    """Return every section of the track model in order of track and chainage."""
    known = length_m()
    found = []
    for row in rows("SPOORTAK_SPOOR_WISSEL_NAMEN"):
        track = row["SPOORTAK_IDENTIFICATIE"]
        if row["OBJECT_TYPE"] != "S" or track not in known:
            continue
        low, high = (1000 * (number(row[f"SPOORTAK_LRS_{end}"]) or 0.0) for end in ("VAN", "TOT"))
        low, high = max(0.0, min(low, high)), min(known[track], max(low, high))
        x, y = at(track, (low + high) / 2)
        found.append(
            Section(
                track,
                row["OBJECT_NAAM"],
                low,
                high,
                row["BEGRENZERTYPE_BEGIN"],
                row["BEGRENZERTYPE_EIND"],
                float(x),
                float(y),
            )
        )
    found = apart(sorted(found, key=lambda section: (section.track, section.from_m, -section.to_m, section.name)))
    return [section for section in found if section.length_m >= rules()["standing"]["least_section_m"]]


def apart(found: list[Section]) -> list[Section]:
    """Return sections of which none lies over the next: a shorter one at an end of a longer one keeps its place."""
    clipped = list(found)
    for i in range(len(clipped) - 1):
        one, other = clipped[i], clipped[i + 1]
        if one.track != other.track or other.from_m >= one.to_m - JOINED_M:
            continue
        if other.from_m <= one.from_m + JOINED_M and other.to_m < one.to_m:
            clipped[i], clipped[i + 1] = other, replace(one, from_m=other.to_m, begin=other.end)
        elif other.to_m >= one.to_m - JOINED_M and other.length_m < one.length_m:
            clipped[i] = replace(one, to_m=other.from_m, end=other.begin)
    return clipped


@cache
def areas() -> dict[str, Any]:
    """Return the areas (geocode polygons, EPSG:28992) of the track model by code."""
    import pyogrio

    meta, _, shapes, columns = pyogrio.raw.read(OPENSPOOR / "GEOCODE_17.shp", encoding="latin1")
    codes = columns[list(meta["fields"]).index("GEOCODE")]
    return dict(sorted(zip(codes, shapely.from_wkb(shapes), strict=True)))


@cache
def area_names() -> dict[str, str]:
    """Return the names of the areas by code."""
    return {row[f"GEOCODE_{end}"]: row[f"NAAM_GEOCODE_{end}"] for row in rows("SPOORTAK") for end in ("BEGIN", "EIND")}


@cache
def area_of_sections() -> dict[int, str]:
    """Return, for the position of every section in :func:`sections`, the code of the area its middle lies in."""
    codes = list(areas())
    tree = shapely.STRtree(list(areas().values()))
    middle = shapely.points([(section.x, section.y) for section in sections()])
    place, area = tree.query(middle, predicate="within")
    found: dict[int, str] = {}
    for i, j in sorted(zip(place.tolist(), area.tolist(), strict=True), reverse=True):
        found[i] = codes[j]
    return found


@cache
def near_tracks() -> tuple[Any, list[str]]:
    """Return a search tree over the centre lines, and the names in its order."""
    return shapely.STRtree(list(geometry().values())), list(geometry())


def projected(x: float, y: float, reach_m: float) -> Iterator[tuple[str, float, float, float]]:
    """Give (track, chainage, distance, distance past the track's end) of every track within reach of a place."""
    tree, names = near_tracks()
    here = shapely.Point(x, y)
    for i in sorted(tree.query(here, predicate="dwithin", distance=reach_m).tolist()):
        name = names[i]
        line = geometry()[name]
        drawn = line.project(here)
        ends = min(drawn, line.length - drawn)
        past = 0.0
        if ends < 0.01:
            end = shapely.get_coordinates(line)[[0, 1] if drawn < 1 else [-1, -2]]
            ahead = (end[0] - end[1]) / max(float(np.hypot(*(end[0] - end[1]))), 1e-9)
            past = float(((np.array([x, y]) - end[0]) * ahead).sum())
        yield name, drawn / max(line.length, 1e-6) * length_m()[name], line.distance(here), past


def ends_of(track: str) -> set[str]:
    """Return the codes of the areas of both ends of a track."""
    return {track_rows()[track]["GEOCODE_BEGIN"], track_rows()[track]["GEOCODE_EIND"]}


@cache
def station_rows() -> dict[str, dict[str, str]]:
    """Return the Dutch stations by code in capitals."""
    with STATIONS.open(encoding="utf-8", newline="") as file:
        return {row["code"]: row for row in csv.DictReader(file) if row["country"] == "NL"}


@cache
def official_codes() -> dict[str, tuple[str, str]]:
    """Return the infrastructure manager's spelling and name of every place code, by code in capitals."""
    with CODES.open(encoding="utf-8", errors="replace", newline="") as file:
        return {row["code"].upper(): (row["code"], row["name"].strip()) for row in csv.DictReader(file)}


@cache
def to_rd() -> Any:
    """Return the transformation from WGS84 to EPSG:28992."""
    return pyproj.Transformer.from_crs("EPSG:4326", "EPSG:28992", always_xy=True)


@cache
def served() -> set[str]:
    """Return the codes of the stations that some series of the timetable serves."""
    with PATTERN.open(encoding="utf-8", newline="") as file:
        used = {row["station"] for row in csv.DictReader(file)}
    slugs = {row["slug"]: code for code, row in station_rows().items()}
    for page in sorted(SERIES.glob("page*.series.json")):
        for series in json.loads(page.read_text(encoding="utf-8"))["series"]:
            for route in series["routes"]:
                used |= {slugs[stop] for stop in route["stops"] if stop in slugs}
    return used


def section_at(by_track: dict[str, list[Section]], track: str, chainage: float) -> Section | None:
    """Return the section that has a chainage."""
    return next((s for s in by_track.get(track, []) if s.from_m - 0.5 <= chainage <= s.to_m + 0.5), None)


@cache
def sections_by_track() -> dict[str, list[Section]]:
    """Return the sections of every track."""
    found: dict[str, list[Section]] = defaultdict(list)
    for section in sections():
        found[section.track].append(section)
    return found


def platform_m(kind: str) -> float:
    """Return the assumed platform length of a type of station."""
    return float(rules()["platform"][kind])


def station(code: str) -> Point:
    """Return a station with the tracks through its centre.

    A track belongs to it where the foot of the perpendicular from the published place lies on it, within reach. On a
    numbered track the place is that section, else a stretch of platform length around the centre. Numbered sections of
    which a good part lies within half a platform of the centre belong to it too (5a beside 5b).
    """
    row = station_rows()[code]
    official, _ = official_codes().get(code, (code.capitalize(), ""))
    x, y = to_rd().transform(float(row["geo_lng"]), float(row["geo_lat"]))
    point = Point(official, row["name_long"], "station", "sure", x, y)
    reach = float(rules()["reach_of"].get(code, rules()["reach"][row["type"]]))
    half = platform_m(row["type"]) / 2
    apart = rules()["lines_that_pass"]
    passing = set() if code in apart["except_for"] else set(apart["geocodes"])

    def serving(within_m: float) -> list[tuple[str, float, float, float]]:
        return [hit for hit in projected(x, y, within_m) if not passing >= ends_of(hit[0])]

    hits = serving(reach + 2 * half)
    core = [hit for hit in hits if hit[2] <= reach and hit[3] < PAST_END_M]
    widen = reach
    while not core and widen < FARTHEST_M:
        widen += 50
        point.certainty = "likely"
        core = [hit for hit in serving(widen) if hit[3] < PAST_END_M] or [h for h in serving(widen) if h[3] < widen]
    if core and point.certainty != "sure":
        nearest = min(hit[2] for hit in core)
        core = [hit for hit in core if hit[2] < nearest + 25]
    known = [place.split("@") for place in rules()["platform_places"].get(code, [])]
    if known:
        core, hits = [(track, float(chainage), 0.0, 0.0) for track, chainage in known], []
    stretches: dict[tuple[str, float, float], float] = {}
    for track, chainage, _, _ in core:
        section = section_at(sections_by_track(), track, chainage)
        if section is not None and section.numbered:
            stretches[(track, section.from_m, section.to_m)] = chainage
        else:
            low = max(0.0, chainage - half, section.from_m if section else 0.0)
            high = min(length_m()[track], chainage + half, section.to_m if section else 1e9)
            if known and section is not None:
                low = max(section.from_m, min(low, high - 2 * half))
            stretches[(track, low, high)] = chainage
    done = {track for track, _, _ in stretches}
    circle = shapely.Point(x, y).buffer(max(half, reach))
    for track, chainage, _, _ in hits:
        for section in sections_by_track().get(track, []):
            if not section.numbered or (track, section.from_m, section.to_m) in stretches:
                continue
            if not section.from_m - half <= chainage <= section.to_m + half:
                continue
            part = _part(track, section)
            if part.intersection(circle).length >= min(80.0, 0.6 * section.length_m):
                stretches[(track, section.from_m, section.to_m)] = min(max(chainage, section.from_m), section.to_m)
    point.places = sorted((track, low, high, at_m) for (track, low, high), at_m in stretches.items())
    if not done:
        point.certainty = "assumed"
    return point


def _part(track: str, section: Section) -> Any:
    from shapely.ops import substring

    total = max(length_m()[track], 1e-6)
    return substring(geometry()[track], section.from_m / total, section.to_m / total, normalized=True)


def numbers(text: str) -> list[tuple[int, int]]:
    """Return the ranges in ``401-414,501-512``."""
    found = []
    for part in text.split(","):
        low, _, high = part.partition("-")
        found.append((int(low), int(high or low)))
    return found


def in_geocodes(value: str) -> list[Section]:
    """Return the numbered sections that a rule such as ``804+076:1-7`` names."""
    found = []
    for part in value.split("+"):
        code, _, wanted = part.partition(":")
        ranges = numbers(wanted) if wanted else [(0, 10**9)]
        for i, section in enumerate(sections()):
            if area_of_sections().get(i) != code or not section.numbered:
                continue
            if any(low <= section.number <= high for low, high in ranges):
                found.append(section)
    return found


def tracks_in(value: str) -> list[str]:
    """Return the tracks whose middle lies in the areas of a rule, for an area without numbered sections."""
    inside = [areas()[part.partition(":")[0]] for part in value.split("+") if ":" not in part]
    middle = {track: shapely.line_interpolate_point(line, 0.5, normalized=True) for track, line in geometry().items()}
    return [track for track, spot in middle.items() if any(area.contains(spot) for area in inside)]


def at_border(value: str) -> list[tuple[str, float, float, float]]:
    """Return where the edge of the area beyond a border crosses tracks: a stretch of a metre around the chainage."""
    edge = areas()[value].boundary
    tree, names = near_tracks()
    found = []
    for i in sorted(tree.query(edge, predicate="intersects").tolist()):
        line = geometry()[names[i]]
        for spot in shapely.get_parts(line.intersection(edge)):
            if spot.geom_type != "Point":
                continue
            chainage = line.project(spot) / line.length * length_m()[names[i]]
            found.append((names[i], max(0.0, chainage - 0.5), min(length_m()[names[i]], chainage + 0.5), chainage))
    return found


def line_ends(known: dict[str, Point]) -> dict[str, list[tuple[str, float]]]:
    """Return the places (track, chainage) of the points where sections of lines begin and end, by code.

    The source marks the first and last track of every running track of a section (``Hea-Mp``), passing loops too, and
    is not consistent in direction. So both ends of every marked track are tried: the point lies where most sections
    of line have an end together, in the area that bears its name if there is one; with one section of line only, at
    the end farthest from the other point of that section, and in the source's direction when that is unknown too.

    Parameters
    ----------
    known : dict of str to Point
        Points with a place, by code in capitals.
    """
    tried: dict[str, set[tuple[str, str, str, float]]] = defaultdict(set)
    for row in rows("TRAJECTINDELING"):
        track = row["SPOORTAK_IDENTIFICATIE"]
        if track not in length_m():
            continue
        for mark, code, other in (("BEGIN_TRJ", "TRJ_VAN", "TRJ_NAAR"), ("EIND_TRJ", "TRJ_NAAR", "TRJ_VAN")):
            if row[mark] and row[code]:
                for chainage in (0.0, length_m()[track]):
                    tried[row[code]].add((row["TRAJECT"], row[other], track, chainage))
    area_named = {name.casefold(): code for code, name in area_names().items()}
    place = {code: (point.x, point.y) for code, point in known.items() if not math.isnan(point.x)}
    found: dict[str, list[tuple[str, float]]] = {}
    for _ in range(len(tried)):
        before = len(found)
        for code, ends in sorted(tried.items()):
            if code in found:
                continue
            spots = sorted(ends)
            xy = np.array([at(track, chainage) for _, _, track, chainage in spots])
            official = official_codes().get(code.upper(), (code, code))[1].casefold()
            if official in area_named:
                near = shapely.dwithin(areas()[area_named[official]], shapely.points(xy), TOGETHER_M)
                if near.any():
                    spots, xy = [spot for spot, take in zip(spots, near, strict=True) if take], xy[near]
            away = np.hypot(xy[:, None, 0] - xy[None, :, 0], xy[:, None, 1] - xy[None, :, 1])
            lines = [len({spots[k][0] for k in np.flatnonzero(row <= TOGETHER_M)}) for row in away]
            far = place.get(spots[0][1].upper())
            if max(lines) > 1:
                spread = [float(np.sort(row)[: count + 1].sum()) for row, count in zip(away, lines, strict=True)]
                middle = min(range(len(spots)), key=lambda k: (-lines[k], spread[k], k))
            elif far is not None:
                middle = int(np.argmax(np.hypot(xy[:, 0] - far[0], xy[:, 1] - far[1])))
            else:
                continue
            found[code] = [(spots[k][2], spots[k][3]) for k in np.flatnonzero(away[middle] <= TOGETHER_M)]
            place.setdefault(code.upper(), (float(xy[middle, 0]), float(xy[middle, 1])))
        if len(found) == before:
            break
    for row in rows("TRAJECTINDELING"):
        track, (begin, _, end) = row["SPOORTAK_IDENTIFICATIE"], row["RICHTING_IN_SPOORLIJN"].partition("-")
        for mark, code, share in (("BEGIN_TRJ", "TRJ_VAN", begin), ("EIND_TRJ", "TRJ_NAAR", end)):
            if row[mark] and track in length_m() and row[code].upper() not in place:
                found.setdefault(row[code], []).append((track, (number(share) or 0.0) / 100 * length_m()[track]))
    return found


def switches(value: str) -> list[tuple[str, float]]:
    """Return the ends of tracks in an area between two kilometres: ``087:22.0-23.0``."""
    code, _, span = value.partition(":")
    low, high = (float(part) for part in span.split("-"))
    found = []
    for track, row in track_rows().items():
        for end, chainage in (("BEGIN", 0.0), ("EIND", length_m()[track])):
            km = number(row[f"KM_{end}"])
            if row[f"GEOCODE_{end}"] == code and km is not None and low <= km <= high:
                found.append((track, chainage))
    return found


def junction_places(ends: list[tuple[str, float]]) -> list[tuple[str, float, float, float]]:
    """Return the stretches of the tracks at, and beside, the places where lines meet."""
    how = rules()["junction"]
    found: dict[str, list[float]] = defaultdict(list)
    for track, chainage in ends:
        x, y = at(track, chainage)
        for other, there, distance, past in projected(float(x), float(y), how["beside_m"]):
            if past < 1.0 or distance < 1.0:
                found[other].append(there)
    places = []
    for track, spots in sorted(found.items()):
        middle = float(np.median(spots))
        low, high = max(0.0, min(spots) - how["along_m"]), min(length_m()[track], max(spots) + how["along_m"])
        places.append((track, low, high, middle))
    return places


def by_rule() -> list[dict[str, str]]:
    """Return the rows of points_by_rule.csv."""
    lines = (DATA / "points_by_rule.csv").read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def _settle(point: Point) -> None:
    """Give a point without a published place the middle of its tracks."""
    if point.places and math.isnan(point.x):
        spots = np.array([at(track, chainage) for track, _, _, chainage in point.places])
        point.x, point.y = float(np.median(spots[:, 0])), float(np.median(spots[:, 1]))


@cache
def points() -> list[Point]:
    """Return every point, sorted by code."""
    found = {
        code: station(code) for code in sorted(station_rows()) if code in served() or code in ("UTM", "HRY", "RTST")
    }
    for row in by_rule():
        key = row["code"].upper()
        point = found.setdefault(key, Point(row["code"], row["name"], row["kind"], row["certainty"]))
        if row["rule"] == "geocode":
            new = [(s.track, s.from_m, s.to_m, (s.from_m + s.to_m) / 2) for s in in_geocodes(row["value"])]
            new = new or [(t, 0.0, length_m()[t], length_m()[t] / 2) for t in tracks_in(row["value"])]
        elif row["rule"] == "border":
            new = at_border(row["value"])
        elif row["rule"] == "switches":
            new = junction_places(switches(row["value"]))
        else:
            track, _, end = row["value"].partition("@")
            chainage = float(end) * length_m()[track]
            new = [(track, max(0.0, chainage - 0.5), min(length_m()[track], chainage + 0.5), chainage)]
        if not point.places and not new:
            spot = areas()[re.split(r"[+:]", row["value"])[0]].centroid
            point.x, point.y = spot.x, spot.y
        have = {(track, low) for track, low, _, _ in point.places}
        point.places = sorted(point.places + [place for place in new if (place[0], place[1]) not in have])
    for point in found.values():
        _settle(point)
    for code, ends in line_ends(found).items():
        if code.upper() in found or not code:
            continue
        official, name = official_codes().get(code.upper(), (code, code))
        found[code.upper()] = Point(
            official, name.replace("\ufffd", ""), "junction", "likely", places=junction_places(ends)
        )
    for point in found.values():
        _settle(point)
        if not point.places:
            point.certainty = "assumed"
    return [found[key] for key in sorted(found)]


def platform_stretch(point: Point, track: str, low: float, high: float, chainage: float) -> tuple[float, float] | None:
    """Return the ends of the assumed platform on a place of a station; None where its section is the platform track.

    Open line and long sections have the platform around the centre; a numbered section of ordinary length is one. A
    platform on a long numbered section is shifted as far as it would reach beyond it.
    """
    length = platform_m(station_rows()[point.code.upper()]["type"])
    section = section_at(sections_by_track(), track, chainage)
    if section is None or not section.numbered:
        return low, high
    if section.length_m <= length + rules()["platform"]["long_section_more_m"]:
        return None
    begin = max(section.from_m, min(chainage - length / 2, section.to_m - length))
    return begin, min(section.to_m, begin + length)


def cuts() -> list[tuple[str, float]]:
    """Return the chainages (track, m) where pieces must end: borders, and platform ends on open line."""
    wanted: list[tuple[str, float]] = []
    for point in points():
        if point.kind == "border":
            wanted += [(track, round(chainage, 3)) for track, _, _, chainage in point.places]
        elif point.kind == "station":
            for place in point.places:
                ends = platform_stretch(point, *place)
                if ends is not None:
                    wanted += [(place[0], round(end, 3)) for end in ends]
    return sorted(set(wanted))


def platforms() -> list[tuple[str, float, float]]:
    """Return the platforms (track, from_m, to_m) on open line and on long sections."""
    found = set()
    for point in points():
        for place in point.places if point.kind == "station" else ():
            ends = platform_stretch(point, *place)
            if ends is not None:
                found.add((place[0], round(ends[0], 3), round(ends[1], 3)))
    return sorted(found)


def track_lines() -> dict[str, str]:
    """Return the line of every track; see :mod:`tools.build_data.lines`."""
    from tools.build_data.lines import track_lines as made

    return made()


def build() -> None:
    """Write points.parquet and places.parquet, and stops.parquet once the pieces are there."""
    made = points()
    back = pyproj.Transformer.from_crs("EPSG:28992", "EPSG:4326", always_xy=True)
    index = {name: i for i, name in enumerate(length_m())}
    placed = [p for p in made if not math.isnan(p.x)]
    lost = [p.code for p in made if math.isnan(p.x)]
    if lost:
        print(f"  without a place, left out: {', '.join(lost)}")
    lon, lat = back.transform([p.x for p in placed], [p.y for p in placed])
    write_table(
        "points",
        "Operational points: stations of the passenger series, yards, harbours, junctions and borders.",
        SOURCES,
        LICENCES,
        {
            "code": Column([p.code for p in placed], "-", "place code, matched without regard to case", "likely"),
            "name": Column([p.name for p in placed], "-", "name", "sure"),
            "kind": Column(
                [p.kind for p in placed], "-", "station, yard, harbour, junction, border or other", "likely"
            ),
            "lon": Column(
                np.round(np.array(lon), 6),
                "degree",
                "WGS84; published place of a station, else the middle of its tracks",
                "likely",
            ),
            "lat": Column(np.round(np.array(lat), 6), "degree", "WGS84", "likely"),
            "certain": Column(
                np.array([p.certainty != "assumed" for p in placed]),
                "-",
                "false where the point has no certain tracks",
                "likely",
            ),
        },
    )
    table = [(i, index[t], low, high, m) for i, p in enumerate(placed) for t, low, high, m in p.places]
    columns = list(zip(*table, strict=True))
    write_table(
        "places",
        "Which chainages of which tracks belong to each operational point, and where a train is timed there.",
        SOURCES,
        LICENCES,
        {
            "point": Column(np.array(columns[0], dtype=np.int32), "-", "row of points", "likely"),
            "track": Column(np.array(columns[1], dtype=np.int32), "-", "row of tracks", "likely"),
            "from_m": Column(
                np.array(columns[2], dtype=np.float32), "m", "begin of the stretch, chainage on the track", "likely"
            ),
            "to_m": Column(np.array(columns[3], dtype=np.float32), "m", "end of the stretch", "likely"),
            "at_m": Column(
                np.array(columns[4], dtype=np.float32), "m", "chainage at which a train is timed", "assumed"
            ),
        },
    )
    print(f"  {len(placed)} points, {len(table)} places")
    if (DATA / "pieces.parquet").is_file():
        from tools.build_data.stops import write_stops

        write_stops(placed)

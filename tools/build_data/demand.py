"""The wanted trains of the pattern weekday: passenger series, freight, reserve paths; and what contradicts itself."""

from __future__ import annotations

import csv
import heapq
import json
import math
import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from tools.build_data.source import SOURCE
from tools.build_data.tables import DATA, Column, write_table
from weerspoor.network.load import load_network
from weerspoor.network.model import Network
from weerspoor.network.points import directed_at_point
from weerspoor.network.routes import shortest_times

TIMETABLE = SOURCE / "timetable"
LICENCE = "facts from a CC0 feed (OVapi GTFS), stations CC BY 4.0 Rijden de Treinen, spotconverter MIT"
HOUR_MIN = 60
ALIASES = {
    "houthem-sint-gerlach": "SGL",
    "den-haag-laan-van-noi": "LAA",
    "alphen-aan-den-rijn": "APN",
    "nieuwerkerk-aan-den-ijssel": "NWK",
}
"""Names of stations here in the series that the list of stations writes in another way."""


@dataclass
class Call:
    """A stop or passage wanted; minutes of the day, None where the source says nothing."""

    point: str
    arrival: float | None
    departure: float | None
    stops: bool = True
    given: bool = True


@dataclass
class Wanted:
    """A wanted train."""

    reference: str
    series: str
    direction: int
    kind: str
    layer: str
    phase: str
    calls: list[Call]
    free_group: str = ""
    period: float = 0.0
    window: tuple[float, float] | None = None
    held: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def start(self) -> float:
        """Minute at which it leaves."""
        first = self.calls[0]
        return first.departure if first.departure is not None else 0.0


def read_csv(path: Any) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def rules() -> dict[str, Any]:
    return tomllib.loads((DATA / "demand.toml").read_text(encoding="utf-8"))


@cache
def stations() -> dict[str, dict[str, str]]:
    return {row["code"].upper(): row for row in read_csv(SOURCE / "network" / "stations_rdt_2023-09.csv")}


@cache
def proper_code() -> dict[str, str]:
    """Return codes as the infrastructure manager writes them, by their upper case."""
    return {row["code"].upper(): row["code"] for row in read_csv(SOURCE / "network" / "dienstregelpunten.csv")}


def here(code: str) -> bool:
    """Say whether a station lies in the country."""
    return stations().get(code, {}).get("country") == "NL"


def spelled(code: str) -> str:
    return proper_code().get(code.upper(), code.capitalize())


def slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


@cache
def code_of_slug() -> dict[str, str]:
    found = {row["slug"]: code for code, row in stations().items()}
    found.update(ALIASES)
    return found


def crow_km(a: str, b: str) -> float | None:
    """Return the distance between two stations as the crow flies."""
    if a not in stations() or b not in stations():
        return None
    (lat1, lon1), (lat2, lon2) = (
        (math.radians(float(stations()[code]["geo_lat"])), math.radians(float(stations()[code]["geo_lng"])))
        for code in (a, b)
    )
    return 6371.0 * math.hypot(lat2 - lat1, (lon2 - lon1) * math.cos((lat1 + lat2) / 2))


@cache
def kinds() -> dict[tuple[str, str], str]:
    return {(row["product"], row["series"]): row["kind"] for row in read_csv(DATA / "series_kinds.csv")}


def kind_of(product: str, series: str) -> str:
    return kinds().get((product, series)) or kinds()[(product, "")]


@cache
def border_rows() -> dict[str, tuple[str, float]]:
    return {
        row["station"].upper(): (row["border"], float(row["minutes"])) for row in read_csv(DATA / "border_minutes.csv")
    }


def within_borders(calls: list[Call], name: str) -> list[list[Call]]:
    """Cut a train at the borders: each part begins and ends at a station here or at a border point."""
    parts: list[list[Call]] = []
    part: list[Call] = []
    previous: Call | None = None
    for call in calls:
        inside = here(call.point)
        if inside and previous is not None and not here(previous.point):
            border, minutes = border_of(call.point, previous.point, name)
            moment = (call.arrival if call.arrival is not None else call.departure or 0.0) - minutes
            part = [Call(border, moment, moment, stops=False, given=False)]
        if not inside and previous is not None and here(previous.point):
            border, minutes = border_of(previous.point, call.point, name)
            moment = (previous.departure if previous.departure is not None else previous.arrival or 0.0) + minutes
            part.append(Call(border, moment, moment, stops=False, given=False))
            parts.append(part)
            part = []
        if inside:
            part.append(call)
        previous = call
    if part:
        parts.append(part)
    return [found for found in parts if len(found) > 1]


def border_of(station: str, abroad: str, name: str) -> tuple[str, float]:
    if station not in border_rows():
        raise LookupError(f"{name}: no border between {station} and {abroad} in border_minutes.csv")
    return border_rows()[station]


def day_trains() -> tuple[list[Wanted], dict[tuple[str, int], list[Wanted]]]:
    """Return the trains that the reconstructed weekday has, and the same by series and direction."""
    trains: dict[str, list[dict[str, str]]] = {}
    for row in read_csv(TIMETABLE / "nl_weekday_reconstructed_2026.csv"):
        trains.setdefault(row["train"], []).append(row)
    summary = {row["series"]: row for row in read_csv(TIMETABLE / "nl_weekday_series_summary.csv")}
    whole: dict[tuple[str, int], list[Wanted]] = defaultdict(list)
    for name, rows in trains.items():
        series, direction, phase = rows[0]["series"], int(rows[0]["direction"]), rows[0]["phase"]
        calls = [
            Call(
                row["station"].upper(),
                float(row["arr_min"]) if row["arr_min"] else None,
                float(row["dep_min"]) if row["dep_min"] else None,
            )
            for row in rows
        ]
        if implausible(calls):
            calls = ends([call for call in calls if call.point not in few_stations(1).get(series, ())])
        known = summary[series][f"dir{direction}_phase_spread"] != ""
        free = "" if known else f"{series}/{direction}"
        whole[series, direction].append(
            Wanted(
                name,
                series,
                direction,
                kind_of(rows[0]["product"], series),
                "passenger",
                phase,
                calls,
                free,
                float(summary[series]["headway"]),
            )
        )
    return [train for group in whole.values() for train in group], whole


def mended() -> list[str]:
    """Return the series of the day whose way in the source takes no time somewhere."""
    found: dict[str, list[Call]] = {}
    for row in read_csv(TIMETABLE / "nl_weekday_reconstructed_2026.csv"):
        if row["train"].endswith("a00"):
            arrival, departure = (float(row[key]) if row[key] else None for key in ("arr_min", "dep_min"))
            found.setdefault(row["series"], []).append(Call(row["station"].upper(), arrival, departure))
    return [series for series, calls in found.items() if implausible(calls)]


@cache
def few_stations(page: int) -> dict[str, frozenset[str]]:
    """Return the stations of each series of a page that only few of its trips serve."""
    entries = json.loads((TIMETABLE / "series_2026" / f"page{page}.series.json").read_text(encoding="utf-8"))["series"]
    return {
        entry["id"]: frozenset(
            code_of_slug().get(slug(station), slug(station).upper())
            for issue in entry["issues"]
            if issue.startswith("stations met weinig ritten")
            for station in issue.split(":", 1)[1].split(",")
        )
        for entry in entries
    }


def shifted(calls: Iterable[Call], minutes: float) -> list[Call]:
    return [
        Call(
            call.point,
            None if call.arrival is None else call.arrival + minutes,
            None if call.departure is None else call.departure + minutes,
            call.stops,
            call.given,
        )
        for call in calls
    ]


def implausible(calls: list[Call]) -> str:
    """Say what is wrong with the times of a way, or nothing."""
    for one, other in pairwise(calls):
        leaves, comes = one.departure, other.arrival
        if leaves is None or comes is None or comes <= leaves:
            return f"{one.point}-{other.point} takes no time"
        km = crow_km(one.point, other.point)
        if km is not None and km / ((comes - leaves) / HOUR_MIN) > rules()["most_crow_fly_kmh"]:
            return f"{one.point}-{other.point} is {km:.0f} km in {comes - leaves:g} minutes"
    return ""


def reversed_way(calls: list[Call]) -> list[Call]:
    """Return a way the other way round, with the same running and dwell times."""
    total = calls[-1].arrival or 0.0
    return [
        Call(
            call.point,
            None if call.departure is None else total - call.departure,
            None if call.arrival is None else total - call.arrival,
        )
        for call in reversed(calls)
    ]


@dataclass
class EveningSeries:
    """A series after 20:00: its way in direction 0, minutes from its start."""

    series: str
    product: str
    headway: float
    trips: int
    calls: list[Call]


def evening_series(day_way: dict[str, list[Call]]) -> tuple[list[EveningSeries], list[tuple[str, str]]]:
    """Read the series of the evening; stations that few trips serve are left out unless the day serves them."""
    series_file = json.loads((TIMETABLE / "series_2026" / "page4.series.json").read_text(encoding="utf-8"))
    minutes = json.loads((TIMETABLE / "series_2026" / "page4.minutes.json").read_text(encoding="utf-8"))["series"]
    found: list[EveningSeries] = []
    dropped: list[tuple[str, str]] = []
    for entry in series_file["series"]:
        name = entry["id"]
        note = re.search(r"~(\d+)", entry["frequency"]["note"])
        trips = int(note[1]) if note else 1
        headway = {"4x_per_uur": 15.0, "2x_per_uur": 30.0}.get(entry["frequency"]["class"], 60.0)
        few = few_stations(4)[name]
        by_day = {call.point for call in day_way.get(name, [])}
        for index, (route, times) in enumerate(zip(entry["routes"], minutes[name]["routes"], strict=True)):
            if index > 0 and name in day_way:
                continue
            calls = []
            last = len(route["stops"]) - 1
            for position, station in enumerate(route["stops"]):
                code = code_of_slug().get(slug(station), slug(station).upper())
                if code in few and code not in by_day and 0 < position < last:
                    continue
                calls.append(Call(code, times["arr"][position], times["dep"][position]))
            wrong = implausible(calls)
            if wrong and name in day_way:
                dropped.append((name, f"evening way replaced by that of the day: {wrong}"))
                calls = day_way[name]
                wrong = ""
            if wrong:
                dropped.append((name, f"evening series left out: {wrong}"))
                continue
            share = trips if len(entry["routes"]) == 1 or name in day_way else max(1, trips // len(entry["routes"]))
            found.append(EveningSeries(name, entry["product"], headway, share, calls))
    return found, dropped


def ends(calls: list[Call]) -> list[Call]:
    """Return calls without an arrival at the first and a departure at the last."""
    first, last = calls[0], calls[-1]
    calls[0] = Call(first.point, None, first.departure, first.stops, first.given)
    calls[-1] = Call(last.point, last.arrival, None, last.stops, last.given)
    return calls


def later_trains(
    whole: dict[tuple[str, int], list[Wanted]],
) -> tuple[list[Wanted], list[tuple[str, str]]]:
    """Return the trains between the end of the reconstructed day and the last ones, and what was left out."""
    rule = rules()
    night = rule["day_ends_min"]
    day_way: dict[str, list[Call]] = {}
    for (series, direction), trains in whole.items():
        if direction == 0:
            start = trains[0].start
            calls = shifted(trains[0].calls, -start)
            calls[0] = Call(calls[0].point, 0.0, 0.0)
            calls[-1] = Call(calls[-1].point, calls[-1].arrival, calls[-1].arrival)
            day_way[series] = calls
    evening, notes = evening_series(day_way)
    made: list[Wanted] = []
    lasts: dict[tuple[str, int], float] = {}
    in_evening = {item.series for item in evening}
    for (series, direction), trains in whole.items():
        lasts[series, direction] = trains[-1].start
        if len(trains) < rule["regular_trips"] or series not in in_evening:
            continue
        period, number = trains[0].period, len(trains)
        leaves = trains[-1].start + period
        while leaves < night:
            calls = shifted(trains[-1].calls, leaves - trains[-1].start)
            reference = f"{series}{'ab'[direction]}{number:02d}"
            made.append(
                Wanted(
                    reference,
                    series,
                    direction,
                    trains[0].kind,
                    "passenger",
                    "evening",
                    calls,
                    trains[0].free_group,
                    period,
                )
            )
            lasts[series, direction] = leaves
            number += 1
            leaves += period
    for item in evening:
        for direction in (0, 1):
            way = item.calls if direction == 0 else reversed_way(item.calls)
            model = whole.get((item.series, direction))
            offset, group = anchor(way, model)
            if model is None:
                group = f"{item.series}/{direction}"
            leaves = offset + math.ceil((night - offset) / item.headway) * item.headway
            after = lasts.get((item.series, direction))
            if after is not None and leaves < after + item.headway / 2:
                leaves += item.headway
            wanted = (item.trips + 1 - direction) // 2
            kind = kind_of(item.product, item.series)
            at_night = kind == "night" or item.product == "Nachttrein"
            for number in range(wanted):
                calls = shifted(way, leaves)
                late = (calls[-1].arrival or 0.0) > rule["last_arrival_min"] or leaves > rule["last_departure_min"]
                if late and not at_night and number:
                    break
                made.append(
                    Wanted(
                        f"{item.series}{'cd'[direction]}{number:02d}",
                        item.series,
                        direction,
                        kind,
                        "passenger",
                        "evening",
                        ends(calls),
                        group,
                        item.headway,
                    )
                )
                leaves += item.headway
    return unique(made), notes


def anchor(way: list[Call], model: list[Wanted] | None) -> tuple[float, str]:
    """Return a start of the way that keeps the day's minute at the first stop they share, and the free group."""
    if model is None:
        return 0.0, "free"
    minutes = {call.point: call.departure for call in model[-1].calls if call.departure is not None}
    for call in way[:-1]:
        if call.point in minutes and call.departure is not None:
            return minutes[call.point] - call.departure, model[0].free_group
    return model[-1].start, model[0].free_group


def unique(trains: list[Wanted]) -> list[Wanted]:
    """Give every train a name of its own."""
    seen: dict[str, int] = defaultdict(int)
    for train in trains:
        seen[train.reference] += 1
        if seen[train.reference] > 1:
            train.reference += f"-{seen[train.reference]}"
    return trains


def first_trains(whole: dict[tuple[str, int], list[Wanted]]) -> list[Wanted]:
    """Return early trains that begin on their way: one or two headways before the first full one, from 05:00."""
    rule = rules()
    made: list[Wanted] = []
    for (series, direction), trains in whole.items():
        model = trains[0]
        if len(trains) < rule["regular_trips"]:
            continue
        for step in range(1, rule["first_headways"] + 1):
            calls = shifted(model.calls, -step * model.period)
            while calls and not begins_here(calls[0], rule["first_departure_min"]):
                calls = calls[1:]
            if len(calls) < 2 or (calls[-1].arrival or 0) - (calls[0].departure or 0) < rule["first_train_min"]:
                continue
            made.append(
                Wanted(
                    f"{series}{'ef'[direction]}{step:02d}",
                    series,
                    direction,
                    model.kind,
                    "passenger",
                    "evening",
                    ends(calls),
                    model.free_group,
                    model.period,
                )
            )
    return made


def begins_here(call: Call, earliest: float) -> bool:
    """Say whether a train can begin its day here: a larger station, not before the first minute of the day."""
    kind = stations().get(call.point, {}).get("type", "")
    large = kind in ("megastation", "knooppuntIntercitystation", "intercitystation", "knooppuntSneltreinstation")
    return large and here(call.point) and call.departure is not None and call.departure >= earliest


def observed_international() -> list[Wanted]:
    """Return the high-speed trains to Germany of the observed plan, which the series lack."""
    trips: dict[str, list[dict[str, str]]] = {}
    for row in read_csv(TIMETABLE / "real_intl_2026-07-21_tue.csv"):
        trips.setdefault(row["trip"], []).append(row)
    made = []
    for number, rows in enumerate(trips.values()):
        if rows[0]["line"] != "ICE":
            continue
        calls = []
        for index, row in enumerate(rows):
            minute = float(row["minute_of_day"])
            code = row["station"].upper() or f"?{index}"
            calls.append(Call(code, minute - (2.0 if 0 < index < len(rows) - 1 else 0.0), minute))
        direction = int(here(calls[-1].point))
        made.append(Wanted(f"ICE{number:02d}", "ICE", direction, "ice", "passenger", "anchored1", ends(calls)))
    return made


def parts_of(train: Wanted) -> list[Wanted]:
    """Return the parts of a train that run here."""
    parts = within_borders(train.calls, train.reference)
    made = []
    for index, calls in enumerate(parts):
        reference = train.reference if index == 0 else f"{train.reference}-{index + 1}"
        made.append(
            Wanted(
                reference,
                train.series,
                train.direction,
                train.kind,
                train.layer,
                train.phase,
                ends(calls),
                f"{train.free_group}" if train.free_group else "",
                train.period,
            )
        )
    return made


def paths_a_day(off_peak: float, peak: float) -> float:
    """Return paths of a day and direction: five hours of peak, nineteen of the rest."""
    return 19 * off_peak + 5 * peak


def is_peak(hour: int) -> bool:
    """Say whether most of an hour of the day lies in a peak: 06:30-09:00 and 16:00-18:30, as hours 7, 8, 16, 17, 18."""
    return hour % 24 in (7, 8, 16, 17, 18)


def freight(total: int) -> list[Wanted]:
    """Return about ``total`` freight trains, in proportion to the minimum levels, spread over the day."""
    random = np.random.default_rng(rules()["seed"])
    flows = read_csv(DATA / "freight_flows.csv")
    weights = [
        paths_a_day(float(row["off_peak"]), float(row["peak"])) * (2 if row["reverse"] == "1" else 1) for row in flows
    ]
    scale = total / sum(weights)
    gooi: dict[tuple[str, str], list[float]] = {
        (row["direction"], row["point"]): [float(minute) for minute in row["minutes"].split(";")]
        for row in read_csv(DATA / "gooi_freight_minutes.csv")
    }
    made: list[Wanted] = []
    for row in flows:
        points = [row["from"], *row["via"].split(), row["to"]]
        for direction in range(2 if row["reverse"] == "1" else 1):
            way = points if direction == 0 else points[::-1]
            levels = [float(row["peak"] if is_peak(hour) else row["off_peak"]) for hour in range(5, 29)]
            count = round(scale * paths_a_day(float(row["off_peak"]), float(row["peak"])))
            if count == 0:
                continue
            cumulative = np.concatenate([[0.0], np.cumsum(levels)])
            shift = float(random.uniform(0.1, 0.9))
            for number in range(count):
                target = (number + shift) / count * cumulative[-1]
                moment = round(300 + HOUR_MIN * float(np.interp(target, cumulative, np.arange(25.0))), 1)
                calls = [Call(point, None, None, stops=False, given=False) for point in way]
                calls[0].stops = not way[0].endswith(("g", "gr"))
                calls[-1].stops = not way[-1].endswith(("g", "gr"))
                calls[0].departure = moment
                phase = "freight_assumed"
                if row["flow"].startswith("gooi"):
                    phase = "freight_real"
                    calls = gooi_calls(calls, moment, "east" if direction == 0 else "west", gooi)
                made.append(
                    Wanted(
                        f"F-{way[0]}-{way[-1]}-{number + 1:02d}",
                        row["flow"],
                        direction,
                        row["kind"],
                        "freight",
                        phase,
                        calls,
                        window=(max(300.0, moment - 60), min(1739.9, moment + 60)),
                    )
                )
    return unique(made)


def gooi_calls(calls: list[Call], moment: float, way: str, minutes: dict[tuple[str, str], list[float]]) -> list[Call]:
    """Put the real minutes of freight paths between Weesp and Baarn on a train, in the half hour nearest its wish."""
    places = [point for direction, point in minutes if direction == way]
    first = places[0]
    reach = moment + (80 if way == "east" else 75)
    base = min(
        (hour * HOUR_MIN + minute for hour in range(4, 33) for minute in minutes[way, first]),
        key=lambda value: abs(value - reach),
    )
    half = minutes[way, first].index(base % HOUR_MIN)
    made = []
    done = False
    for call in calls:
        if call.point not in places:
            made.append(call)
            continue
        if done:
            continue
        done = True
        before = base
        for place in places:
            value = minutes[way, place][half]
            now = before + (value - before) % HOUR_MIN
            made.append(Call(place, None, now, stops=False, given=True))
            before = now
    start = round(base - (80 if way == "east" else 75), 1)
    made[0].departure = start
    return made


def reserve(running: list[Wanted]) -> list[Wanted]:
    """Return the further paths of the minimum levels: what the trains that run leave of them, hour by hour."""
    made: list[Wanted] = []
    for row in read_csv(DATA / "freight_minimum_levels.csv"):
        points = [row["from"], *row["via"].split(), row["to"]]
        served = {
            direction: sorted(train.start for train in running if serves(train, row["row"], direction))
            for direction in (0, 1)
        }
        for direction in (0, 1):
            way = points if direction == 0 else points[::-1]
            owed = 0.0
            for hour in range(5, 29):
                owed += float(row["peak"] if is_peak(hour) else row["off_peak"])
                whole = int(owed + 1e-9)
                owed -= whole
                used = sum(1 for start in served[direction] if hour * 60 <= start < (hour + 1) * 60)
                for number in range(max(0, whole - used)):
                    calls = [Call(point, None, None, stops=False, given=False) for point in way]
                    calls[0].departure = hour * 60.0 + 60.0 * (number + 0.5) / max(1, whole)
                    calls[0].stops, calls[-1].stops = (
                        not way[0].endswith(("g", "gr")),
                        not way[-1].endswith(("g", "gr")),
                    )
                    made.append(
                        Wanted(
                            f"R-{way[0]}-{way[-1]}-{hour % 24:02d}-{number + 1}",
                            row["row"],
                            direction,
                            "freight_mixed",
                            "reserve",
                            "freight_assumed",
                            calls,
                            window=(hour * 60.0, hour * 60.0 + 59.9),
                        )
                    )
    for index, train in enumerate(made):
        train.held = index % 10 == 0
    return made


@cache
def rows_of_flow() -> dict[str, frozenset[str]]:
    """Return the rows of the minimum levels whose paths a flow uses."""
    return {row["flow"]: frozenset(row["row"].split()) for row in read_csv(DATA / "freight_flows.csv")}


def serves(train: Wanted, row: str, direction: int) -> bool:
    """Say whether a running train uses up a path of a row of the minimum levels."""
    return row in rows_of_flow().get(train.series, ()) and train.direction == direction


SEVERAL_TRACKS = frozenset(frozenset(pair) for pair in (("ASA", "ASD"), ("ASA", "DVD"), ("ASB", "DVD")))
"""Sections whose estimated number of tracks in the source is plainly wrong."""


def sections() -> dict[str, dict[str, tuple[float, float]]]:
    """Return the sections between neighbouring places: length in km and estimated number of tracks."""
    graph: dict[str, dict[str, tuple[float, float]]] = defaultdict(dict)
    for row in read_csv(SOURCE / "network" / "nl_sections.csv"):
        km = float(row["km"] or 1.0)
        tracks = float(row["tracks_median_est"] or 2.0)
        graph[row["from"]][row["to"]] = (km, tracks)
        graph[row["to"]][row["from"]] = (km, tracks)
    return graph


def tracks_between(graph: dict[str, dict[str, tuple[float, float]]], a: str, b: str) -> tuple[float, float, int] | None:
    """Return the least and most estimated tracks on the shortest way, and its number of sections."""
    best = {a: 0.0}
    before: dict[str, str] = {}
    queue = [(0.0, a)]
    while queue:
        km, node = heapq.heappop(queue)
        if node == b:
            break
        if km > best[node]:
            continue
        for other, (length, _) in graph.get(node, {}).items():
            if km + length < best.get(other, math.inf):
                best[other] = km + length
                before[other] = node
                heapq.heappush(queue, (km + length, other))
    if b not in best:
        return None
    tracks = []
    node = b
    while node != a:
        tracks.append(graph[before[node]][node][1])
        node = before[node]
    return min(tracks), max(tracks), len(tracks)


@cache
def network() -> Network:
    return load_network()


def single_track(a: str, b: str) -> list[tuple[float, float]]:
    """Return the shares of the way from a to b on which the normal way back uses the same zones."""
    there, back = normal_way(a, b), normal_way(b, a)
    if not there or not back:
        return [(0.0, 1.0)]
    pieces = network().pieces
    zones = {int(pieces.zone[directed >> 1]) for directed in back}
    ends = np.cumsum([float(pieces.length_m[directed >> 1]) for directed in there])
    found: list[tuple[float, float]] = []
    for index, directed in enumerate(there):
        low = float(ends[index - 1] / ends[-1]) if index else 0.0
        if int(pieces.zone[directed >> 1]) not in zones:
            continue
        if found and found[-1][1] == low:
            low = found.pop()[0]
        found.append((low, float(ends[index] / ends[-1])))
    return found


def normal_way(a: str, b: str) -> list[int]:
    """Return the directed pieces of the quickest way in the normal direction of running; empty when there is none."""
    railway = network()
    index = {code.upper(): number for number, code in enumerate(railway.points.code)}
    if a not in index or b not in index:
        return []
    pieces = railway.pieces
    seconds = np.repeat(pieces.length_m / np.maximum(pieces.speed_kmh / 3.6, 3.0), 2)
    cost = (seconds * np.where(pieces.right_hand, 1.0, 6.0)).astype(np.float32)
    ends = directed_at_point(railway, index[b])
    reached, before = shortest_times(railway, directed_at_point(railway, index[a]), cost)
    last = int(ends[np.argmin(reached[ends])])
    if not np.isfinite(reached[last]):
        return []
    way = [last]
    while before[way[-1]] >= 0:
        way.append(int(before[way[-1]]))
    return way[::-1]


def contradictions(trains: list[Wanted]) -> list[tuple[str, str, str, str]]:
    """Return trains with known minutes that cannot both run as the source says: (train, other, reason, place).

    On single track two trains meet where it has two tracks again if one of them is later; where it would have to be
    more than a minute later, the time to clear the single track and set the way included, they contradict each other.
    """
    graph = sections()
    runs: dict[tuple[str, str], list[tuple[float, float, str]]] = defaultdict(list)
    for train in trains:
        if train.phase != "anchored2":
            continue
        for one, other in pairwise(train.calls):
            if one.departure is not None and other.arrival is not None:
                runs[one.point, other.point].append((one.departure, other.arrival, train.reference))
    found: list[tuple[str, str, str, str]] = []
    close = rules()["follow_s"] / 60.0
    most_later = close - rules()["clear_s"] / 60.0
    for (a, b), there in runs.items():
        # Of stations that the source's sections do not have, the tracks of the network alone say where there is one.
        least, most, number = tracks_between(graph, a, b) or (1.0, math.inf, 1)
        if frozenset((a, b)) in SEVERAL_TRACKS:
            least = most = 4
        there.sort()
        if most <= 2.5:
            for index, (leaves, comes, name) in enumerate(there):
                for leaves2, comes2, name2 in there[index + 1 :]:
                    if leaves2 - leaves <= close and abs(comes2 - comes) <= close:
                        reason = "follows within a minute"
                    elif leaves < leaves2 < comes2 < comes:
                        reason = "overtakes between two stops"
                    else:
                        continue
                    place = f"{spelled(a)}-{spelled(b)}"
                    found += [(name, name2, reason, place), (name2, name, reason, place)]
        if least == 1 and most in {1, math.inf} and number == 1 and a < b:
            single = single_track(a, b)
            for leaves, comes, name in there:
                for leaves2, comes2, name2 in runs.get((b, a), []):
                    both = comes - leaves + comes2 - leaves2
                    meets = (comes2 - leaves) / both
                    if (
                        leaves < comes2
                        and leaves2 < comes
                        and any(min(meets - low, high - meets) * both > most_later for low, high in single)
                    ):
                        place = f"{spelled(a)}-{spelled(b)}"
                        found += [
                            (name, name2, "meets on single track", place),
                            (name2, name, "meets on single track", place),
                        ]
    return sorted(set(found))


def seconds(minute: float | None) -> int:
    """Return seconds of the day in steps of six, -1 for None."""
    return -1 if minute is None else round(minute * 10) * 6


def write(trains: list[Wanted]) -> None:
    rule = rules()
    start = np.cumsum([0, *(len(train.calls) for train in trains)]).astype(np.int32)
    calls = [call for train in trains for call in train.calls]
    kind_by_call = [train.kind for train in trains for _ in train.calls]
    windows = [train.window if train.window else (train.start, train.start) for train in trains]
    write_table(
        "demand_trains",
        "The trains wanted on the pattern weekday, without tracks.",
        "series 2026 (GTFS), reconstructed as a weekday; minimum levels of freight paths; choices in demand.toml",
        LICENCE,
        {
            "reference": Column([train.reference for train in trains], "-", "unique name of the train", "assumed"),
            "series": Column(
                [train.series for train in trains],
                "-",
                "passenger series, freight flow, or row of the minimum levels",
                "likely",
            ),
            "direction": Column(np.array([train.direction for train in trains], np.int32), "-", "0 or 1", "likely"),
            "kind": Column([train.kind for train in trains], "-", "row of civil_train_kinds", "assumed"),
            "layer": Column([train.layer for train in trains], "-", "passenger, freight or reserve", "sure"),
            "phase": Column([train.phase for train in trains], "-", "how real the minute of the hour is", "likely"),
            "free_group": Column(
                [train.free_group for train in trains],
                "-",
                "trains of one group may be shifted together; empty: the minute is fixed",
                "likely",
            ),
            "period_s": Column(
                np.array([seconds(train.period) for train in trains], np.int32),
                "s",
                "headway of the series; a shift of its group need not be longer",
                "likely",
            ),
            "earliest_s": Column(
                np.array([seconds(w[0]) for w in windows], np.int32),
                "s",
                "start of the wished departure window",
                "assumed",
            ),
            "latest_s": Column(
                np.array([seconds(w[1]) for w in windows], np.int32),
                "s",
                "end of the wished departure window",
                "assumed",
            ),
            "held": Column([train.held for train in trains], "-", "reserve path held for ad hoc requests", "assumed"),
            "calls": Column(np.diff(start).astype(np.int32), "-", "number of rows in demand_calls", "sure"),
        },
    )
    dwell = rule["min_dwell_s"]
    least = []
    for index, call in enumerate(calls):
        wanted = dwell.get(kind_by_call[index], 0) if call.stops else 0
        if call.stops and call.arrival is not None and call.departure is not None:
            wanted = min(wanted, max(rule["short_stand_s"], seconds(call.departure - call.arrival)))
        least.append(wanted)
    write_table(
        "demand_calls",
        "Calls of the wanted trains in order of train and running.",
        "as demand_trains",
        LICENCE,
        {
            "point": Column([spelled(call.point) for call in calls], "-", "code of the operational point", "sure"),
            "arrival_s": Column(
                np.array([seconds(call.arrival) for call in calls], np.int32),
                "s",
                "wished arrival, seconds of the operating day; -1: none",
                "likely",
            ),
            "departure_s": Column(
                np.array([seconds(call.departure) for call in calls], np.int32),
                "s",
                "wished departure; -1: none",
                "likely",
            ),
            "dwell_s": Column(np.array(least, np.int32), "s", "least stand", "assumed"),
            "stops": Column([call.stops for call in calls], "-", "it must stop there", "likely"),
            "given": Column(
                [call.given for call in calls], "-", "the times come from the source, not from an estimate", "sure"
            ),
        },
    )


def build() -> None:
    """Write ``demand_trains``, ``demand_calls`` and ``demand_contradictions``."""
    day, whole = day_trains()
    later, notes = later_trains(whole)
    notes = [
        (series, "stations that few trips serve left out: the way was not possible") for series in mended()
    ] + notes
    early = first_trains(whole)
    ice = observed_international()
    passengers = [part for train in (*day, *later, *early, *ice) for part in parts_of(train)]
    unique(passengers)
    goods = freight(300)
    further = reserve(goods)
    write([*passengers, *goods, *further])
    against = contradictions([train for train in passengers if train.phase == "anchored2"])
    write_table(
        "demand_contradictions",
        "Trains with known minutes that contradict each other in the source itself, and series left out.",
        "reconstructed weekday 2026 against estimated numbers of tracks",
        LICENCE,
        {
            "train": Column(
                [row[0] for row in against] + [name for name, _ in notes], "-", "train or series", "likely"
            ),
            "other": Column([row[1] for row in against] + ["" for _ in notes], "-", "the other train", "likely"),
            "reason": Column(
                [row[2] for row in against] + [note for _, note in notes], "-", "what contradicts", "likely"
            ),
            "place": Column([row[3] for row in against] + ["" for _ in notes], "-", "between which points", "likely"),
        },
    )
    by_reason: dict[str, set[str]] = defaultdict(set)
    for name, _, reason, _ in against:
        by_reason[reason].add(name)
    print(
        f"  {len(day)} trains of the day, {len(later)} later, {len(early)} early, {len(ice)} to Germany"
        f" -> {len(passengers)} here; {len(goods)} freight; {len(further)} reserve paths;"
        f" contradictions: { {reason: len(names) for reason, names in by_reason.items()} };"
        f" {len(notes)} series changed"
    )
    for name, note in notes:
        print(f"    {name}: {note}")


if __name__ == "__main__":
    build()

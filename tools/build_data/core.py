"""Tracks, shapes, pieces, zones, signals and successors from the track model.

``build()`` writes lines, tracks, shapes, pieces, zones, successors and crossings (Parquet) and prints what it found.
"""

from __future__ import annotations

import csv
import importlib
import itertools
import math
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tools.build_data import crossings, direction, source
from tools.build_data.tables import DATA, Column, write_table
from weerspoor.network.model import KIND_CROSSING, KIND_GAP, KIND_OPEN_LINE, KIND_SECTION, KIND_SWITCH

SIGNALS = {
    "BED_SEIN",
    "MVB_SEIN",
    "BLOKMARKEERBORD",
    "BLOKMARKEERLAMP",
    "BLOKBORD",
    "STOP_BD",
    "STOP_BD_STS",
    "RIJ_NA_OPDR",
    "STOPONTSPRBLOK",
}
"""Kinds of limit at which a train may have to stop: signals, block markers, stop boards, derailers."""

ENDS = {"STOOTJUK", "TERRA_INCOGNITA"}
"""Kinds of limit where the track, or the published part of it, ends."""

OWN_NAME = re.compile(r"^(\d+[A-Za-z]{0,2}|[A-Z]{1,3}\d{0,3}[a-z]?)$")
"""A name that people use: ``7``, ``38a``, ``RA``, ``KG5``. Others are made up from their limits: ``s7-w245l``."""

SAME_SWITCH_M = 150.0
"""Records of switches and crossings with one number belong together when their middles are this close."""

SNAP_M = 5.0
"""A place asked for by a platform or border moves to a limit this near; a change of speed this near is not cut."""

JOIN_SNAP_M = 0.5
"""A slip joins at an existing limit when it is this near."""

FAR_APART_M = 50.0
"""Ends that the source joins may lie this far apart: at three places its geometry is 12 to 34 m out."""

SAME_PLACE_M = 0.1
STRAIGHT_ON = 0.9
"""Two ends for which the source has no link at all are joined when they coincide and run straight on (cosine)."""


@dataclass
class Record:
    """A section, switch or half crossing on a track, as the source has it."""

    kind: str
    name: str
    from_m: float
    to_m: float
    begin: str
    end: str

    @property
    def own(self) -> bool:
        """Whether it is a section with a name of its own."""
        return self.kind == "S" and OWN_NAME.match(self.name) is not None


@dataclass
class Piece:
    """A piece under construction."""

    track: int
    from_m: float
    to_m: float
    zone: int
    kind: int
    name: str
    speed_kmh: float = 0.0
    radius_m: float = math.inf
    signal: list[bool] = field(default_factory=lambda: [False, False])
    right_hand: list[bool] = field(default_factory=lambda: [True, True])


@dataclass
class Core:
    """What ``make()`` returns: the tables before they are written."""

    tracks: list[str]
    pieces: list[Piece]
    first: list[int]
    zones: list[str]
    successors: list[tuple[int, int]]
    undecided: list[tuple[str, float, str]]
    dropped_links: list[tuple[str, str, str]]
    crossings: list[crossings.Crossing]


class Union:
    """Union-find over anything hashable; the first in order of appearance stands for its set."""

    def __init__(self) -> None:
        self.parent: dict[Any, Any] = {}
        self.rank: dict[Any, int] = {}

    def find(self, item: Any) -> Any:
        """Return the one that stands for the set of the item."""
        if item not in self.parent:
            self.parent[item] = item
            self.rank[item] = len(self.rank)
        while self.parent[item] != item:
            self.parent[item] = self.parent[self.parent[item]]
            item = self.parent[item]
        return item

    def join(self, one: Any, other: Any) -> None:
        """Make one set of two."""
        one, other = self.find(one), self.find(other)
        if self.rank[one] > self.rank[other]:
            one, other = other, one
        self.parent[other] = one


def records_by_track() -> dict[str, list[Record]]:
    """Return the records of every track in order, without overlaps, and filled up with unnamed rests."""
    raw: dict[str, list[Record]] = {name: [] for name in source.track_rows()}
    for row in source.rows("SPOORTAK_SPOOR_WISSEL_NAMEN"):
        raw[row["SPOORTAK_IDENTIFICATIE"]].append(
            Record(
                row["OBJECT_TYPE"],
                row["OBJECT_NAAM"],
                round((source.number(row["SPOORTAK_LRS_VAN"]) or 0.0) * 1000, 3),
                round((source.number(row["SPOORTAK_LRS_TOT"]) or 0.0) * 1000, 3),
                row["BEGRENZERTYPE_BEGIN"],
                row["BEGRENZERTYPE_EIND"],
            )
        )
    result = {}
    for name, found in raw.items():
        end = source.length_m()[name]
        tiled: list[Record] = []
        reached = 0.0
        for record in sorted(found, key=lambda r: (r.from_m, r.to_m, r.kind, r.name)):
            if record.from_m > reached:
                tiled.append(Record("S", "", reached, record.from_m, "", ""))
            record.from_m = reached = max(record.from_m, reached)
            if record.to_m <= record.from_m:
                continue
            tiled.append(record)
            reached = record.to_m
        if not tiled:
            tiled = [Record("S", "", 0.0, end, "", "")]
        tiled = [r for r in tiled if r.from_m < end] or tiled[:1]
        tiled[0].from_m = 0.0
        tiled[-1].to_m = end
        result[name] = tiled
    return result


def zones_of_points(records: dict[str, list[Record]]) -> Union:
    """Join the records of one switch, crossing or slip: same number, near each other."""
    union = Union()
    named: dict[str, list[tuple[str, int, Any]]] = defaultdict(list)
    for track, found in records.items():
        for i, record in enumerate(found):
            if record.kind in "WK":
                union.find((track, i))
                where = source.at(track, (record.from_m + record.to_m) / 2)
                parts = record.name.split("/") if record.kind == "W" else [record.name]
                for part in parts:
                    named[record.kind + part].append((track, i, where))
    for found_here in named.values():
        for n, (track, i, where) in enumerate(found_here):
            for other_track, j, there in found_here[:n]:
                if math.dist(where, there) <= SAME_SWITCH_M:
                    union.join((other_track, j), (track, i))
    return union


def block_data() -> dict[str, Any]:
    with (DATA / "block_lengths.toml").open("rb") as file:
        return tomllib.load(file)


def plugged(function: str) -> Any:
    """Return ``tools.build_data.places.<function>()``, or None while that module has none."""
    if not (Path(__file__).parent / "places.py").is_file():
        return None
    module = importlib.import_module("tools.build_data.places")
    return getattr(module, function)() if hasattr(module, function) else None


def joins_by_track() -> dict[str, list[float]]:
    """Return the chainages inside tracks at which a slip joins."""
    joins: dict[str, list[float]] = defaultdict(list)
    for row in source.rows("SPOORTAK_TOPO"):
        share = (source.number(row["PERCENT_ASL"]) or 0.0) / 100
        if 0.0 < share < 1.0:
            joins[row["SPOORTAK_ASL"]].append(share * source.length_m()[row["SPOORTAK_ASL"]])
    return joins


def stretches(table: str, read: Any) -> dict[str, list[tuple[float, float, float]]]:
    """Return (from_m, to_m, value) by track in order, of the rows for which ``read`` gives a value."""
    found: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    keys = (
        ("SPOORTAK_LRS_VAN", "SPOORTAK_LRS_TOT") if table == "SPOORTAK_SNELHEDEN" else ("SPOORTAK_VAN", "SPOORTAK_TOT")
    )
    for row in source.rows(table):
        value = read(row)
        if value:
            ends = sorted((source.number(row[key]) or 0.0) * 1000 for key in keys)
            found[row["SPOORTAK_IDENTIFICATIE"]].append((ends[0], ends[1], value))
    return {track: sorted(values) for track, values in found.items()}


def speeds(line_of: dict[str, str]) -> dict[str, list[tuple[float, float, float]]]:
    """Return the speeds of every track by stretch, mended by the rows of ``speeds_by_track.csv``."""
    found = stretches("SPOORTAK_SNELHEDEN", lambda row: source.number(row["LOKALE_SNELHEID"]))
    lines = (DATA / "speeds_by_track.csv").read_text(encoding="utf-8").splitlines()
    for row in csv.DictReader(line for line in lines if not line.startswith("#")):
        kind, _, name = row["key"].partition(":")
        where, speed = source.number(row["where_kmh"]), float(row["speed_kmh"])
        for track in [name] if kind == "track" else sorted(t for t, line in line_of.items() if line == name):
            if where is None:
                found.setdefault(track, [(0.0, source.length_m()[track], speed)])
            elif track in found:
                found[track] = [(a, b, speed if v == where else v) for a, b, v in found[track]]
    return found


def curves() -> dict[str, list[tuple[float, float, float]]]:
    def radius(row: dict[str, str]) -> float | None:
        both = [abs(source.number(row[key]) or 0.0) for key in ("BOOGSTRAAL_VAN", "BOOGSTRAAL_TOT")]
        return min((r for r in both if r > 0), default=None)

    return stretches("SPOORTAK_HORIZONTALE_BOOGGEGEVENS", radius)


def speed_of(piece: Piece, known: list[tuple[float, float, float]], default_kmh: float) -> float:
    """Return the lowest speed that covers more than a sliver of the piece; else the nearest on the track."""
    least = min(SNAP_M, (piece.to_m - piece.from_m) / 2)
    there = [v for a, b, v in known if min(b, piece.to_m) - max(a, piece.from_m) >= least]
    if there:
        return min(there)
    if known:
        middle = (piece.from_m + piece.to_m) / 2
        return min(known, key=lambda s: (max(s[0] - middle, middle - s[1], 0.0), s))[2]
    return default_kmh


def cut_record(
    record: Record, joins: Iterable[float], changes: Iterable[float], extra: Iterable[float], blocks: Iterable[float]
) -> list[float]:
    """Return the chainages at which the record is cut, ends included, rising."""
    ends = [record.from_m, record.to_m]
    cuts = list(ends)

    def add(place: float, snap_m: float) -> None:
        if record.from_m < place < record.to_m and min(abs(place - c) for c in cuts) > snap_m:
            cuts.append(place)

    for place in blocks:
        add(place, 0.0)
    for place in joins:
        if min(abs(place - c) for c in ends) <= JOIN_SNAP_M and record.to_m - record.from_m > 4 * JOIN_SNAP_M:
            continue
        add(place, 0.0)
    if record.kind == "S":
        for place in (*extra, *changes):
            add(round(place, 3), SNAP_M)
    else:
        for place in changes:
            add(round(place, 3), SNAP_M)
    return sorted(cuts)


def make() -> Core:
    """Build pieces, zones, signals and successors."""
    tracks = list(source.track_rows())
    number = {name: i for i, name in enumerate(tracks)}
    records = records_by_track()
    points = zones_of_points(records)
    blocks = block_data()
    line_of: dict[str, str] = plugged("track_lines") or {}
    extra: dict[str, list[float]] = defaultdict(list)
    for track, place in plugged("cuts") or []:
        extra[track].append(place)
    joins, limits, bends = joins_by_track(), speeds(line_of), curves()
    default = blocks["default"]
    platforms: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for track, low, high in plugged("platforms") or []:
        platforms[track].append((low, high))
    heads: list[tuple[int, int]] = []

    pieces: list[Piece] = []
    first: list[int] = []
    zones: list[str] = []
    zone_of_points: dict[Any, int] = {}
    undecided: list[tuple[str, float, str]] = []
    running: list[direction.Section] = []
    for name in tracks:
        first.append(len(pieces))
        here = blocks.get("line", {}).get(line_of.get(name, ""), {})
        block_m = here.get("block_m", default["block_m"])
        known = limits.get(name, [])
        changes = sorted({x for a, b, _ in known for x in (a, b)})
        spans: list[tuple[int, int]] = []
        for i, record in enumerate(records[name]):
            length = record.to_m - record.from_m
            block_cuts: list[float] = []
            kind = kind_of(record, block_m, default["open_line_gap_m"])
            least_m = block_m
            if kind == KIND_OPEN_LINE and "block_m" not in here:
                least_m = block_at(record, known, blocks)
            edges = platform_edges(record, platforms[name], blocks["platform"]) if record.kind == "S" else []
            signalled = block_limits(record, [edge for edge, _ in edges], least_m) if record.kind == "S" else []
            block_cuts = sorted({*signalled, *(edge for edge, _ in edges)})
            cuts = cut_record(record, joins.get(name, ()), changes, sorted(extra[name]), block_cuts)
            start = len(pieces)
            place = source.geocode_near(name, (record.from_m + record.to_m) / 2)[1]
            if record.kind == "S":
                zone = len(zones)
                count = len(block_cuts) + 1
                label = f"{place} {record.name}".strip()
                zones += [label if count == 1 else f"{label} block {k + 1}/{count}" for k in range(count)]
            else:
                root = points.find((name, i))
                if root not in zone_of_points:
                    zone_of_points[root] = len(zones)
                    zones.append(f"{place} {record.name}")
                zone = zone_of_points[root]
            for a, b in itertools.pairwise(cuts):
                in_block = sum(cut <= a for cut in block_cuts)
                piece = Piece(number[name], a, b, zone + in_block, kind, record.name)
                piece.speed_kmh = speed_of(piece, known, default["speed_kmh"])
                piece.radius_m = min((r for x, y, r in bends.get(name, ()) if x < b and y > a), default=math.inf)
                piece.signal = [b in signalled, a in signalled]
                heads += [(len(pieces), way) for edge, way in edges if edge == (b, a)[way]]
                pieces.append(piece)
            spans.append((start, len(pieces)))
            if kind == KIND_OPEN_LINE or (kind == KIND_SECTION and length > block_m):
                running.append(direction.Section(name, record.from_m, record.to_m, start, len(pieces)))
        undecided += set_signals(name, records[name], spans, pieces)
        for (start, end), record in zip(spans, records[name], strict=True):
            if record.kind == "S" and record.to_m - record.from_m > block_m:
                pieces[end - 1].signal[0] = pieces[start].signal[1] = True
    first.append(len(pieces))
    successors, dropped = link(tracks, number, pieces, first)
    crossed = crossings.find(records)
    join_zones(crossed, number, pieces, first)
    lengths = np.array([p.to_m - p.from_m for p in pieces])
    turning = np.array([p.kind == KIND_SECTION for p in pieces])
    places = [source.geocode_near(tracks[p.track], (p.from_m + p.to_m) / 2)[1] for p in pieces]
    ways = direction.Ways(successors, main_successors(successors, pieces), lengths, turning, places)
    for section in direction.normal_directions(running, ways):
        for piece in pieces[section.first : section.last]:
            piece.right_hand = [section.normal != direction.FALLING, section.normal != direction.RISING]
    for number_of, way in heads:
        if pieces[number_of].right_hand[way]:
            pieces[number_of].signal[way] = True
    signals_into_lines(pieces, successors, blocks["line_begin"]["signal_after_m"])
    return Core(tracks, pieces, first, zones, successors, undecided, dropped, crossed)


def signals_into_lines(pieces: list[Piece], successors: list[tuple[int, int]], after_m: float) -> None:
    """Set a signal where trains come onto open line, if the one behind and the one ahead are so far away."""
    behind: dict[int, list[int]] = defaultdict(list)
    ahead: dict[int, list[int]] = defaultdict(list)
    for here, there in successors:
        behind[there].append(here)
        ahead[here].append(there)

    def signal(directed: int) -> bool:
        return pieces[directed >> 1].signal[directed & 1]

    def clear_m(directed: int, ways: dict[int, list[int]], *, forward: bool) -> float:
        """Return the least distance from a piece on (or back, the piece left out) to a signal, up to the wanted one."""
        front, seen, least = [(0.0, directed)], {directed}, after_m
        while front:
            so_far, here = front.pop()
            piece = pieces[here >> 1]
            beyond = so_far + piece.to_m - piece.from_m
            if forward and signal(here):
                least = min(least, beyond)
                continue
            if not forward and signal(here):
                least = min(least, so_far)
                continue
            if beyond < least:
                onward = [other for other in ways[here] if other not in seen]
                seen.update(onward)
                front += [(beyond, other) for other in onward]
        return least

    new = []
    for number, piece in enumerate(pieces):
        for way in (0, 1):
            entries = behind[2 * number + way]
            if piece.kind != KIND_OPEN_LINE or not piece.right_hand[way] or len(entries) != 1:
                continue
            entry = entries[0]
            if pieces[entry >> 1].kind not in (KIND_GAP, KIND_SECTION) or signal(entry):
                continue
            far = clear_m(entry, behind, forward=False) >= after_m
            if far and clear_m(2 * number + way, ahead, forward=True) >= after_m:
                new.append(entry)
    for entry in new:
        pieces[entry >> 1].signal[entry & 1] = True


def platform_edges(
    record: Record, platforms: Iterable[tuple[float, float]], how: dict[str, Any]
) -> list[tuple[float, int]]:
    """Return (chainage, direction) inside a record where a head at a platform gets an exit signal of its own.

    None where a signal of the source stands a little farther on.
    """
    ends = {0: (record.to_m, record.end in SIGNALS), 1: (record.from_m, record.begin in SIGNALS)}
    found = []
    for platform in platforms:
        for way in (0, 1):
            at = round(platform[1 - way], 3)
            limit, signal = ends[way]
            near_m = how["signal_near_m"] if signal else SNAP_M
            if record.from_m + SNAP_M < at < record.to_m - SNAP_M and abs(limit - at) > near_m:
                found.append((at, way))
    return sorted(found)


def block_limits(record: Record, edges: Sequence[float], block_m: float) -> list[float]:
    """Return the chainages that cut a record, and what the edges of platforms leave of it, into blocks."""
    found = []
    for low, high in itertools.pairwise([record.from_m, *edges, record.to_m]):
        n = max(1, math.ceil((high - low) / block_m))
        found += [round(low + (high - low) * k / n, 3) for k in range(1, n)]
    return found


def join_zones(
    crossed: list[crossings.Crossing], number: dict[str, int], pieces: list[Piece], first: list[int]
) -> None:
    """Give the pieces of two tracks that cross at one level the same zone."""
    union = Union()
    for zone in sorted({p.zone for p in pieces}):
        union.find(zone)
    for crossing in crossed:
        if crossing.flat and crossing.reason not in ("crossing record", "same switch"):
            zones = []
            for track, at_m in ((crossing.track, crossing.at_m), (crossing.other, crossing.other_at_m)):
                t = number[track]
                zones += [p.zone for p in pieces[first[t] : first[t + 1]] if p.from_m <= at_m <= p.to_m][:1]
            union.join(*zones)
    for piece in pieces:
        piece.zone = union.find(piece.zone)


def main_successors(successors: list[tuple[int, int]], pieces: list[Piece]) -> Any:
    """Return the directed piece a train most naturally runs onto from each: highest speed, then straightest.

    Only where that is so from both sides: the other's most natural predecessor is this one.
    """
    n = 2 * len(pieces)

    def better(a: int, b: int) -> bool:
        if b < 0:
            return True
        one, other = pieces[a // 2], pieces[b // 2]
        return (one.speed_kmh, one.radius_m, -a) > (other.speed_kmh, other.radius_m, -b)

    ahead, behind = np.full(n, -1, np.int32), np.full(n, -1, np.int32)
    for a, b in successors:
        if better(b, ahead[a]):
            ahead[a] = b
        if better(a, behind[b]):
            behind[b] = a
    mutual = (ahead >= 0) & (behind[np.maximum(ahead, 0)] == np.arange(n))
    return np.where(mutual, ahead, -1).astype(np.int32)


def block_at(record: Record, known: list[tuple[float, float, float]], blocks: dict[str, Any]) -> float:
    """Return the length of the blocks of a record on open line, by the highest speed on it."""
    speed = max(
        (v for a, b, v in known if a < record.to_m and b > record.from_m), default=blocks["default"]["speed_kmh"]
    )
    fitting = [row["block_m"] for row in blocks["open_line"] if speed <= row["up_to_kmh"]]
    return float(min(fitting, default=blocks["default"]["block_m"]))


def kind_of(record: Record, block_m: float, open_line_gap_m: float) -> int:
    if record.kind == "W":
        return KIND_SWITCH
    if record.kind == "K":
        return KIND_CROSSING
    if record.own:
        return KIND_SECTION if record.name[0].isdigit() else KIND_OPEN_LINE
    if record.to_m - record.from_m >= min(open_line_gap_m, block_m):
        return KIND_OPEN_LINE
    return KIND_GAP


def set_signals(
    track: str, found: list[Record], spans: list[tuple[int, int]], pieces: list[Piece]
) -> list[tuple[str, float, str]]:
    """Set the signals at limits: one faces the train that leaves a section with a name of its own.

    Returns
    -------
    list of (track, chainage, kind of limit)
        Signals between two sections of which neither has a name of its own: they face nobody.
    """
    undecided = []
    for i, record in enumerate(found):
        start, end = spans[i]
        if record.end in ENDS and i == len(found) - 1:
            pieces[end - 1].signal[0] = True
        if record.begin in ENDS and i == 0:
            pieces[start].signal[1] = True
        if i + 1 == len(found):
            if record.end in SIGNALS and record.own:
                pieces[end - 1].signal[0] = True
            elif record.end in SIGNALS:
                undecided.append((track, record.to_m, record.end))
            continue
        if i == 0 and record.begin in SIGNALS and record.own:
            pieces[start].signal[1] = True
        after = found[i + 1]
        limit = record.end if record.end in SIGNALS else after.begin
        if limit not in SIGNALS:
            continue
        if record.own:
            pieces[end - 1].signal[0] = True
        if after.own:
            pieces[spans[i + 1][0]].signal[1] = True
        if not record.own and not after.own:
            undecided.append((track, record.to_m, limit))
    return undecided


def link(
    tracks: list[str], number: dict[str, int], pieces: list[Piece], first: list[int]
) -> tuple[list[tuple[int, int]], list[tuple[str, str, str]]]:
    """Return the pairs (directed piece, directed piece that may follow), and the links of the source left out.

    Each link of the source counts in both directions. A link on which a train would turn back, as from leg to leg
    of a switch, is left out.
    """
    pairs: set[tuple[int, int]] = set()
    dropped = []
    for t in range(len(tracks)):
        for p in range(first[t], first[t + 1] - 1):
            pairs.add((2 * p, 2 * p + 2))
            pairs.add((2 * p + 3, 2 * p + 1))
    for row in source.rows("SPOORTAK_TOPO"):
        here, there = row["SPOORTAK_IDENTIFICATIE"], row["SPOORTAK_ASL"]
        rising, onward = row["RICHTING"] == "0-100", row["RICHTING_ASL"] == "0-100"
        place = (source.number(row["PERCENT_ASL"]) or 0.0) / 100 * source.length_m()[there]
        reason = unfit(here, rising, there, place, onward)
        if reason:
            dropped.append((here, there, reason))
            continue
        t = number[here]
        leave = 2 * (first[t + 1] - 1) if rising else 2 * first[t] + 1
        enter = piece_from(pieces, first[number[there]], first[number[there] + 1], place, onward)
        pairs.add((leave, enter))
        pairs.add((enter ^ 1, leave ^ 1))
    linked = {a for a, _ in pairs}
    loose = []
    for t, name in enumerate(tracks):
        for leave, rising in ((2 * first[t] + 1, False), (2 * (first[t + 1] - 1), True)):
            if leave not in linked:
                loose.append(End(name, rising, leave))
    places = np.array([end.outward()[0] for end in loose])
    for i, one in enumerate(loose):
        near = np.flatnonzero(np.hypot(*(places[:i] - places[i]).T) <= SAME_PLACE_M)
        for other in (loose[k] for k in near):
            if one.track != other.track and meet(one, other):
                pairs.add((one.leave, other.leave ^ 1))
                pairs.add((other.leave, one.leave ^ 1))
                dropped.append((one.track, other.track, "added: both ends lie loose at one place"))
    return sorted(pairs), dropped


@dataclass(frozen=True)
class End:
    """An end of a track, and the directed piece that leaves the track there."""

    track: str
    rising: bool
    leave: int

    def outward(self) -> tuple[Any, Any]:
        """Return where it lies, and the vector out of the track."""
        length = source.length_m()[self.track]
        end = source.at(self.track, length if self.rising else 0.0)
        return end, end - source.at(self.track, max(0.0, length - 5) if self.rising else min(5.0, length))


def meet(one: End, other: End) -> bool:
    """Whether two ends of tracks lie at one place and a train can run straight on from one to the other."""
    (here, out), (there, back) = one.outward(), other.outward()
    if math.dist(here, there) > SAME_PLACE_M:
        return False
    return float(out @ -back) > STRAIGHT_ON * math.hypot(*out) * math.hypot(*back)


def unfit(here: str, rising: bool, there: str, place: float, onward: bool) -> str:
    """Say why a link cannot be run; empty when it can."""
    length = source.length_m()
    leave = length[here] if rising else 0.0
    end, back = source.at(here, leave), source.at(here, max(0.0, leave - 5) if rising else min(5.0, length[here]))
    begin = source.at(there, place)
    ahead = source.at(there, min(length[there], place + 5) if onward else max(0.0, place - 5))
    if math.dist(end, begin) > FAR_APART_M:
        return f"the ends lie {math.dist(end, begin):.0f} m apart"
    out, on = end - back, ahead - begin
    if float(out @ on) <= 0:
        return "the train would turn back"
    names = source.track_rows()
    one = "EIND" if rising else "BEGIN"
    other = "BEGIN" if onward else "EIND"
    sides = {names[here][f"KANTCODE_{one}"], names[there][f"KANTCODE_{other}"]}
    same = all(names[here][f"{key}_{one}"] == names[there][f"{key}_{other}"] for key in ("GEOCODE", "NR"))
    if same and sides == {"L", "R"} and place in (0.0, length[there]):
        return "from leg to leg of a switch"
    return ""


def piece_from(pieces: list[Piece], start: int, end: int, place: float, rising: bool) -> int:
    """Return the directed piece that a train enters when it comes onto a track at a chainage."""
    if rising:
        p = min(range(start, end), key=lambda q: abs(pieces[q].from_m - place))
        return 2 * p
    p = min(range(start, end), key=lambda q: abs(pieces[q].to_m - place))
    return 2 * p + 1


def in_e7(degrees: Any) -> Any:
    return np.round(np.asarray(degrees) * 1e7).astype(np.int32)


def write(core: Core) -> None:
    """Write the tables."""
    import pyproj
    import shapely

    origin = f"{source.DESCRIBED}; made by tools/build_data/core.py"
    order: dict[int, int] = {}
    for piece in core.pieces:
        order.setdefault(piece.zone, len(order))
    lines: dict[str, str] = plugged("track_lines") or {}
    line_names = sorted(set(lines.values()))
    line_number = {name: i for i, name in enumerate(line_names)}
    to_wgs84 = pyproj.Transformer.from_crs("EPSG:28992", "EPSG:4326", always_xy=True)
    shapes = [shapely.simplify(source.geometry()[name], 0.5) for name in core.tracks]
    counts = shapely.get_num_coordinates(shapes)
    xy = shapely.get_coordinates(shapes)
    lon, lat = to_wgs84.transform(xy[:, 0], xy[:, 1])
    write_table(
        "lines",
        "Lines of the railway",
        origin,
        source.LICENCE,
        {"name": Column(np.array(line_names, dtype=str).tolist() or [""], "-", "Name of the line", "likely")},
    )
    write_table(
        "tracks",
        "Tracks: rail between switches, sorted by name",
        origin,
        source.LICENCE,
        {
            "name": Column(core.tracks, "-", "Identification of the infrastructure manager", "sure"),
            "length_m": Column(
                np.array([source.length_m()[name] for name in core.tracks], np.float32), "m", "Length", "sure"
            ),
            "line": Column(
                np.array([line_number.get(lines.get(name, ""), -1) for name in core.tracks], np.int32),
                "row of lines",
                "Line of the track; -1 for none",
                "likely",
            ),
            "vertices": Column(np.asarray(counts, np.int32), "-", "Number of its rows in shapes", "sure"),
        },
    )
    write_table(
        "shapes",
        "Vertices of the centre lines, track by track, with rising chainage, simplified to 0.5 m",
        origin,
        source.LICENCE,
        {
            "lon_e7": Column(
                np.round(np.asarray(lon) * 1e7).astype(np.int32), "1e-7 degree", "Longitude, WGS84", "sure"
            ),
            "lat_e7": Column(in_e7(lat), "1e-7 degree", "Latitude, WGS84", "sure"),
        },
    )
    write_table(
        "pieces",
        "Stretches of track in one zone with one speed limit, in order of track and chainage",
        origin,
        source.LICENCE,
        {
            "track": Column(np.array([p.track for p in core.pieces], np.int32), "row of tracks", "Track", "sure"),
            "from_m": Column(
                np.array([p.from_m for p in core.pieces], np.float32), "m", "Chainage at its begin", "sure"
            ),
            "to_m": Column(np.array([p.to_m for p in core.pieces], np.float32), "m", "Chainage of its end", "sure"),
            "zone": Column(
                np.array([order[p.zone] for p in core.pieces], np.int32),
                "row of zones",
                "Zone that a train holds while on it; block limits inside a section are assumed",
                "likely",
            ),
            "kind": Column(
                np.array([p.kind for p in core.pieces], np.uint8),
                "-",
                "0 named station track, 1 switch, 2 flat crossing, 3 open line, 4 unnamed rest between points",
                "likely",
            ),
            "name": Column([p.name for p in core.pieces], "-", "Name of the section, switch or crossing", "sure"),
            "speed_kmh": Column(
                np.array([p.speed_kmh for p in core.pieces], np.float32),
                "km/h",
                "Local speed limit; of the nearest stretch where the source has none",
                "likely",
            ),
            "signal_rising": Column(
                np.array([p.signal[0] for p in core.pieces]),
                "-",
                "A signal, marker or block limit at its end faces a train with rising chainage",
                "likely",
            ),
            "signal_falling": Column(
                np.array([p.signal[1] for p in core.pieces]),
                "-",
                "The same at its begin for a train with falling chainage",
                "likely",
            ),
            "radius_m": Column(
                np.array([p.radius_m for p in core.pieces], np.float32),
                "m",
                "Smallest curve radius; infinite when straight",
                "sure",
            ),
            "right_rising": Column(
                np.array([p.right_hand[0] for p in core.pieces]),
                "-",
                "Rising chainage is a normal direction of running",
                "likely",
            ),
            "right_falling": Column(
                np.array([p.right_hand[1] for p in core.pieces]),
                "-",
                "Falling chainage is a normal direction of running",
                "likely",
            ),
        },
    )
    names = [""] * len(order)
    for old, new in order.items():
        names[new] = core.zones[old]
    write_table(
        "zones",
        "Zones: the smallest stretches that one train holds",
        origin,
        source.LICENCE,
        {"name": Column(names, "-", "Place and name of the section, switch or crossing", "likely")},
    )
    pairs = np.array(core.successors, np.int32)
    write_table(
        "successors",
        "Which directed piece may follow which: twice the row of pieces, plus 1 for falling chainage",
        origin,
        source.LICENCE,
        {
            "directed": Column(pairs[:, 0], "directed piece", "The one left", "sure"),
            "successor": Column(pairs[:, 1], "directed piece", "The one entered", "sure"),
        },
    )


def build() -> None:
    core = make()
    write(core)
    crossings.write(core.crossings)
    kinds = Counter(piece.kind for piece in core.pieces)
    signals = sum(sum(piece.signal) for piece in core.pieces)
    print(
        f"  {len(core.tracks)} tracks, {len(core.pieces)} pieces {dict(sorted(kinds.items()))}, {len(core.zones)} zones"
    )
    print(f"  {len(core.successors)} successors, {signals} facing signals, {len(core.undecided)} signals undecided")
    decisions = Counter((crossing.flat, crossing.reason) for crossing in core.crossings)
    for (flat, reason), count in sorted(decisions.items()):
        print(f"  {count} geometric crossings at {'one level' if flat else 'two levels'}: {reason}")
    for track, at_m, limit in core.undecided:
        print(f"  {limit} between two sections without a name of their own: {track} at {at_m:.0f} m")
    for here, there, reason in core.dropped_links:
        print(f"  link {'' if reason.startswith('added') else 'left out: '}{here} to {there}: {reason}")

"""Normal direction of running, from how tracks lie beside each other.

Dutch trains keep right: of two parallel open-line tracks a train runs on the one that has the other on its left.
Only open line and long sections are looked at; in yards and stations both directions are normal.

1. At places every 250 m the parallel tracks to both sides are counted, as long as the next is within ``NEAR_M``; when
   there is none, one track up to ``FAR_M`` away counts as well.
2. A section with one other track beside it for more than half of its length gets the direction of right-hand running.
3. Three or more tracks beside each other say nothing by themselves. Such a section takes the direction from the
   nearest sections of step 2 that it continues, along the fastest way through the switches between. Where that
   leads nowhere or to both directions: tracks of the left half run one way, those of the right half the other, the
   middle one of an odd number both ways.
4. Rows of ``running_direction.toml`` replace this for the tracks they name.
5. The fastest way through the switches of a double track keeps one direction. A stretch shorter than ``ISLAND_M``
   against the direction of both the stretches that it joins, as where a loop lies closer to its main track than the
   other main track does, takes theirs. The two tracks of a passing loop on single line, shorter than ``LOOP_M``,
   serve both directions: a train that meets no other takes the straight one.
6. Two single lines beside each other look like a double track. So from every one of ``ORIGINS`` the best way to and
   back from every place is sought, where a km against the direction found so far counts as ``AGAINST`` km; what is
   run against the direction even so was no double track: both directions are normal there.
"""

from __future__ import annotations

import math
import tomllib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.build_data import source
from tools.build_data.source import length_m
from tools.build_data.tables import DATA
from weerspoor.network.routes import dijkstra

NEAR_M = 8.0
FAR_M = 25.0
STEP_M = 250.0
STATION_M = 1_500.0
CARRY_M = 12_000.0
ISLAND_M = 2_000.0
LOOP_M = 2_000.0
PARALLEL = 0.95
AGAINST = 4.0
TURN_M = 2_000.0
ORIGINS = (
    "Utrecht Centraal",
    "Zwolle",
    "Groningen",
    "Roosendaal",
    "Eindhoven",
    "Arnhem",
    "Amsterdam Centraal",
    "Kijfhoek",
)
BOTH, RISING, FALLING = 0, 1, -1
NORMAL = {"both": BOTH, "rising": RISING, "falling": FALLING}


@dataclass(frozen=True)
class Ways:
    """How pieces follow each other, as far as the direction of running needs it.

    Attributes
    ----------
    successors : list of (directed piece, directed piece)
    main : (2 n,) int32
        The directed piece a train most naturally runs onto from each; -1 for none.
    length_m : (n,) float64
    turning : (n,) bool
        Pieces on which trains may turn back.
    place : list of str
        Name of the place of each piece.
    """

    successors: list[tuple[int, int]]
    main: npt.NDArray[np.int32]
    length_m: npt.NDArray[np.float64]
    turning: npt.NDArray[np.bool_]
    place: list[str]


@dataclass
class Section:
    """A running section: one record of the source on one track.

    Attributes
    ----------
    track : str
    from_m, to_m : float
    first, last : int
        Its pieces, ``last`` not included.
    """

    track: str
    from_m: float
    to_m: float
    first: int
    last: int
    kinds: Counter[str] = field(default_factory=Counter)
    pair_votes: int = 0
    group_votes: int = 0
    normal: int = BOTH
    reason: str = "single"


def sample(sections: list[Section]) -> None:
    """Count the parallel running tracks beside every section, and vote."""
    import shapely

    tracks = sorted({section.track for section in sections})
    number = {track: i for i, track in enumerate(tracks)}
    lines = np.array([source.geometry()[track] for track in tracks], dtype=object)
    ranges: dict[int, list[tuple[float, float]]] = defaultdict(list)
    owner, on, place = [], [], []
    for i, section in enumerate(sections):
        length = section.to_m - section.from_m
        count = max(1, round(length / STEP_M))
        ranges[number[section.track]].append((section.from_m, section.to_m))
        for n in range(count):
            owner.append(i)
            on.append(number[section.track])
            place.append(section.from_m + length * (n + 0.5) / count)
    here = xy(lines[on], np.array(place))
    ahead = headings(lines[on], np.array(place))
    right = np.stack([ahead[:, 1], -ahead[:, 0]], axis=1)
    across = shapely.linestrings(np.stack([here - FAR_M * right, here + FAR_M * right], axis=1))
    which, other = shapely.STRtree(lines).query(across, predicate="intersects")
    apart = other != np.array(on)[which]
    which, other = which[apart], other[apart]
    points, row = shapely.get_parts(shapely.intersection(across[which], lines[other]), return_index=True)
    single = shapely.get_type_id(points) == 0
    points, which, other = points[single], which[row[single]], other[row[single]]
    there = shapely.line_locate_point(lines[other], points)
    parallel = np.abs(np.sum(headings(lines[other], there) * ahead[which], axis=1)) > PARALLEL
    offset = np.sum((shapely.get_coordinates(points) - here[which]) * right[which], axis=1)
    beside: dict[int, list[float]] = defaultdict(lambda: [0.0])
    for k in np.flatnonzero(parallel):
        if any(a <= there[k] <= b for a, b in ranges[int(other[k])]):
            beside[int(which[k])].append(float(offset[k]))
    for k, i in enumerate(owner):
        vote(sections[i], sorted(beside[k]))


def xy(lines: npt.NDArray[np.object_], place_m: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the places (x, y) of chainages on lines."""
    import shapely

    return np.asarray(shapely.get_coordinates(shapely.line_interpolate_point(lines, place_m)), dtype=np.float64)


def headings(lines: npt.NDArray[np.object_], place_m: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the unit vectors of rising chainage at chainages on lines."""
    import shapely

    out = xy(lines, np.minimum(place_m + 5, shapely.length(lines))) - xy(lines, np.maximum(place_m - 5, 0.0))
    return out / np.maximum(np.hypot(out[:, 0], out[:, 1]), 1e-9)[:, None]


def vote(section: Section, offsets: list[float]) -> None:
    """Add one place's vote; offsets from left to right, 0 the section itself."""
    here = offsets.index(0.0)
    left = right = here
    while left > 0 and offsets[left] - offsets[left - 1] <= NEAR_M:
        left -= 1
    while right + 1 < len(offsets) and offsets[right + 1] - offsets[right] <= NEAR_M:
        right += 1
    count, rank = right - left + 1, here - left
    if count == 1 and len(offsets) == 2:
        count, rank = 2, here
    if count == 1:
        section.kinds["single"] += 1
    elif count == 2:
        section.kinds["pair"] += 1
        section.pair_votes += RISING if rank == 1 else FALLING
    else:
        section.kinds["bundle"] += 1
        middle = (count - 1) / 2
        section.group_votes += int(np.sign(rank - middle))


def decide(sections: list[Section]) -> None:
    """Decide the pairs (step 2); bundles wait for step 3."""
    for section in sections:
        places = section.kinds.total()
        if section.kinds["pair"] * 2 > places:
            section.normal = int(np.sign(section.pair_votes))
            section.reason = "pair"
        elif (section.kinds["pair"] + section.kinds["bundle"]) * 2 > places:
            section.reason = "bundle"


def carry(sections: list[Section], ways: Ways) -> None:
    """Step 3: follow the fastest way from every decided section into the bundles it runs on into."""
    of_piece = {p: i for i, s in enumerate(sections) for p in range(s.first, s.last)}
    evidence: dict[int, dict[int, float]] = defaultdict(dict)
    for section in sections:
        if section.reason != "pair" or section.normal == BOTH:
            continue
        for way in (0, 1):
            # Way 0 runs with the normal direction out of the section, way 1 back against it.
            directed = 2 * (section.last - 1) if (section.normal == RISING) == (way == 0) else 2 * section.first + 1
            gone = 0.0
            seen = set()
            while gone < CARRY_M:
                directed = int(ways.main[directed])
                if directed < 0 or directed in seen:
                    break
                seen.add(directed)
                met = of_piece.get(directed // 2)
                if met is not None and sections[met].reason != "bundle":
                    if sections[met].reason == "pair":
                        break
                elif met is not None:
                    with_run = FALLING if directed % 2 else RISING
                    label = with_run if way == 0 else -with_run
                    evidence[met][label] = min(gone, evidence[met].get(label, math.inf))
                gone += float(ways.length_m[directed // 2])
    for i, section in enumerate(sections):
        if section.reason != "bundle":
            continue
        found = evidence.get(i, {})
        if len(found) == 1:
            section.normal = next(iter(found))
            section.reason = "carried"
        else:
            section.normal = int(np.sign(section.group_votes))
            section.reason = "grouped" if not found else "grouped, disputed"


def chains(ways: Ways) -> list[list[int]]:
    """Return the ways of directed pieces that follow each other most naturally, one of each two directions."""
    ahead = ways.main
    behind = np.full(len(ahead), -1, np.int32)
    behind[ahead[ahead >= 0]] = np.flatnonzero(ahead >= 0)
    found: list[list[int]] = []
    seen: set[int] = set()
    for begin in range(len(ahead)):
        if begin in seen:
            continue
        at, back = begin, {begin}
        while behind[at] >= 0 and int(behind[at]) not in back:
            at = int(behind[at])
            back.add(at)
        way: list[int] = []
        while at >= 0 and at not in seen:
            seen.update((at, at ^ 1))
            way.append(at)
            at = int(ahead[at])
        found.append(way)
    return found


def continue_through(sections: list[Section], ways: Ways) -> None:
    """Step 5: a short stretch against both its neighbours takes their direction; short loops serve both."""
    of_piece = {p: i for i, s in enumerate(sections) for p in range(s.first, s.last)}
    for way in chains(ways):
        # Stretches of one label along the way: the direction of running seen from the way, BOTH for single track.
        stretches: list[tuple[int, list[int], float]] = []
        for directed in way:
            i = of_piece.get(directed // 2)
            if i is None or sections[i].reason == "short":
                continue
            label = sections[i].normal * (FALLING if directed % 2 else RISING)
            gone = float(ways.length_m[directed // 2])
            if stretches and stretches[-1][0] == label:
                here, length = stretches[-1][1], stretches[-1][2]
                stretches[-1] = (label, here if here[-1] == i else [*here, i], length + gone)
            else:
                stretches.append((label, [i], gone))
        for before, (label, here, length), after in zip(stretches, stretches[1:], stretches[2:], strict=False):
            if label == BOTH or any(sections[i].reason == "data" for i in here):
                continue
            if before[0] == after[0] == -label and length < ISLAND_M and length < min(before[2], after[2]):
                for i in here:
                    sections[i].normal, sections[i].reason = -sections[i].normal, "continued"
            elif before[0] == after[0] == BOTH and length < LOOP_M:
                for i in here:
                    sections[i].normal, sections[i].reason = BOTH, "loop"


def mend(sections: list[Section], ways: Ways) -> None:
    """Step 6: open both directions where otherwise a place could not be reached; turning back costs ``TURN_M``."""
    n = 2 * len(ways.length_m)
    cost = np.repeat(ways.length_m, 2)
    of_piece = {p: i for i, s in enumerate(sections) for p in range(s.first, s.last)}
    for section in sections:
        for p in range(section.first, section.last):
            if section.normal != BOTH:
                cost[2 * p + (1 if section.normal == RISING else 0)] *= AGAINST
    turns = np.flatnonzero(ways.turning)
    # A turn is a node of its own, so that it costs something: directed piece d, then n + d, then d ^ 1.
    pairs = [*ways.successors]
    for p in turns.tolist():
        for d in (2 * p, 2 * p + 1):
            pairs += [(d, n + d), (n + d, d ^ 1)]
    every = np.array(sorted(pairs), np.int32)
    total = 2 * n
    costs = np.concatenate([cost, np.full(n, TURN_M)]).astype(np.float32)
    targets: dict[str, list[int]] = {}
    for p, name in enumerate(ways.place):
        targets.setdefault(name, []).extend((2 * p, 2 * p + 1))
    for reverse in (False, True):
        graph = every[:, ::-1] if reverse else every
        graph = graph[np.argsort(graph[:, 0], kind="stable")]
        start = np.zeros(total + 1, np.int32)
        np.cumsum(np.bincount(graph[:, 0], minlength=total), out=start[1:])
        for origin in ORIGINS:
            dist, parent = dijkstra(start, np.ascontiguousarray(graph[:, 1]), np.array(targets[origin]), costs)
            for reached in targets.values():
                at = min(reached, key=lambda d: (dist[d], d))
                if not np.isfinite(dist[at]):
                    continue
                while at >= 0:
                    section = sections[of_piece[at // 2]] if at < n and at // 2 in of_piece else None
                    against = FALLING if at % 2 == 0 else RISING
                    if section is not None and section.normal == against:
                        section.normal = BOTH
                        section.reason = f"mended {section.reason}"
                    at = int(parent[at])


def overrides() -> dict[str, dict[str, Any]]:
    """Return the rows of ``running_direction.toml`` by track."""
    with (DATA / "running_direction.toml").open("rb") as file:
        rows = tomllib.load(file).get("tracks", [])
    return {name: row for row in rows for name in row["names"]}


def normal_directions(sections: list[Section], ways: Ways) -> list[Section]:
    """Decide every section, and print how many km got their direction in which way."""
    sample(sections)
    decide(sections)
    carry(sections, ways)
    rows = overrides()
    length = length_m()
    for section in sections:
        if section.reason != "pair" and length[section.track] < STATION_M:
            section.normal, section.reason = BOTH, "short"
        if section.track in rows:
            section.normal = NORMAL[rows[section.track]["normal"]]
            section.reason = "data"
    continue_through(sections, ways)
    mend(sections, ways)
    km: Counter[str] = Counter()
    for section in sections:
        km[section.reason] += (section.to_m - section.from_m) / 1000
        if section.reason.startswith("mended"):
            where = f"{section.track} {section.from_m:.0f}-{section.to_m:.0f} m"
            print(f"  both directions, else a place cannot be reached: {where} ({section.reason})")
    print("  running direction, km:", ", ".join(f"{reason} {value:.0f}" for reason, value in sorted(km.items())))
    return sections

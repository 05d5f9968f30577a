"""Named checks of the embedded railway: what ``weerspoor data check`` runs and prints."""

from __future__ import annotations

import csv
import tomllib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from weerspoor.common.columns import array_of
from weerspoor.common.errors import InputError
from weerspoor.network.model import KIND_CROSSING, KIND_SWITCH, Floats, Ints, Network
from weerspoor.network.points import directed_at_point, find_point
from weerspoor.network.routes import length_by_directed_piece, shortest_times

DATA = Path(__file__).parents[1] / "data"
MAP_LENGTHS = Path("network") / "spoorkaart_section_lengths_2022.csv"
CENTRE = "Ut"
"""From here every passenger station must be reachable, and back."""
SHOWN = 12
"""Findings printed of each check; all of them are in the result."""


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Attributes
    ----------
    name : str
    passed : bool or None
        None when it could not be run, or only prints.
    summary : str
        One sentence with the figures.
    findings : list of str
        Each a thing to look at.
    """

    name: str
    passed: bool | None
    summary: str
    findings: list[str] = field(default_factory=list)


def settings() -> dict[str, Any]:
    """Return the thresholds and known reasons of checks.toml."""
    return tomllib.loads((DATA / "checks.toml").read_text(encoding="utf-8"))


def source_folder() -> Path:
    """Return where the source data lie in a checkout beside them; it need not exist."""
    return Path(__file__).resolve().parents[4] / "shared" / "data"


def run_checks(network: Network, source: Path | None = None) -> list[CheckResult]:
    """Run every check.

    Parameters
    ----------
    network : Network
    source : Path, optional
        Folder of the source data; a check that needs it says that it is absent.

    Returns
    -------
    list of CheckResult
        In a fixed order.
    """
    how = settings()
    folder = source or source_folder()
    checks: list[Callable[[], CheckResult]] = [
        lambda: check_lengths(network, folder / MAP_LENGTHS, how),
        lambda: check_component(network, how),
        lambda: check_reachable(network, how),
        lambda: check_legs(network),
        lambda: check_zones(network),
        lambda: check_stops(network, how),
        lambda: check_signals(network),
        lambda: check_points(network),
        lambda: check_neighbours(network, how),
        lambda: check_size(how),
    ]
    return [check() for check in checks]


def print_checks(results: list[CheckResult]) -> bool:
    """Print the results; return whether no check failed."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    word = {True: "passed", False: "FAILED", None: "info  "}
    for result in results:
        console.print(f"{word[result.passed]}  {result.name}: {result.summary}", markup=False)
        for finding in result.findings[:SHOWN]:
            console.print(f"          {finding}", markup=False)
        if len(result.findings) > SHOWN:
            console.print(f"          and {len(result.findings) - SHOWN} more")
    return all(result.passed is not False for result in results)


@dataclass(frozen=True)
class _Spot:
    """A directed piece at a point: metres from its entry to the timing place, and from there to its exit."""

    directed: int
    before_m: float
    after_m: float


def spots(network: Network, point: int) -> list[_Spot]:
    """Return the places on directed pieces at which trains are timed at a point."""
    points, pieces = network.points, network.pieces
    found = []
    for row in np.flatnonzero(points.place_point == point):
        low, high = np.searchsorted(pieces.track, [points.place_track[row], points.place_track[row] + 1])
        if low == high:
            continue
        at_m = float(points.place_at_m[row])
        piece = min(int(low) + int(np.searchsorted(pieces.to_m[low:high], at_m)), int(high) - 1)
        behind, ahead = at_m - float(pieces.from_m[piece]), float(pieces.to_m[piece]) - at_m
        found += [_Spot(2 * piece, behind, ahead), _Spot(2 * piece + 1, ahead, behind)]
    return found


def distances_m(network: Network, origin: int, targets: list[int], cost: Floats | None = None) -> list[float]:
    """Return the shortest distance from a point to others, in metres; infinite where a train would have to turn."""
    length = length_by_directed_piece(network) if cost is None else cost
    start = spots(network, origin)
    own = length.copy()
    for spot in start:
        own[spot.directed] = spot.after_m
    sources = np.array([spot.directed for spot in start], dtype=np.int32)
    dist, _ = shortest_times(network, sources, own)
    begun = set(sources.tolist())
    found = []
    for target in targets:
        best = np.inf
        for spot in spots(network, target):
            if spot.directed in begun:
                same = [s for s in start if s.directed == spot.directed and s.before_m <= spot.before_m]
                best = min([best, *(spot.before_m - s.before_m for s in same)])
            else:
                best = min(best, float(dist[spot.directed]) - float(length[spot.directed]) + spot.before_m)
        found.append(float(best))
    return found


def check_lengths(network: Network, file: Path, how: dict[str, Any]) -> CheckResult:
    """Compare distances between neighbouring points with those of an independent map."""
    name = "lengths against an independent map"
    if not file.is_file():
        return CheckResult(name, None, "skipped: the map's lengths are not on this machine")
    points = network.points
    index = {code.upper(): i for i, code in enumerate(points.code)}
    with file.open(encoding="utf-8", newline="") as handle:
        rows = [(row["from"].upper(), row["to"].upper(), float(row["km_geom"])) for row in csv.DictReader(handle)]
    why: dict[str, int] = defaultdict(int)
    by_origin: dict[str, list[tuple[str, float]]] = defaultdict(list)
    findings = []
    for a, b, km in rows:
        if a not in index or b not in index:
            why["an end abroad or unknown here"] += 1
        elif f"{a} {b}" in how["not_comparable"]:
            why["the map differs for a known reason"] += 1
            findings.append(f"not compared {a}-{b}: {how['not_comparable'][f'{a} {b}']}")
        elif not (points.certain[index[a]] and points.certain[index[b]]):
            why["an end without certain tracks"] += 1
        else:
            by_origin[a].append((b, km))
    compared = within = 0
    worst: list[tuple[float, str]] = []
    for a, targets in by_origin.items():
        for (b, km), metres in zip(
            targets, distances_m(network, index[a], [index[b] for b, _ in targets]), strict=True
        ):
            if not np.isfinite(metres):
                why["only by turning back"] += 1
                findings.append(f"not compared {a}-{b}: a train would have to turn back")
                continue
            compared += 1
            off = abs(metres / 1000 / km - 1)
            within += off <= how["lengths"]["within"]
            if off > how["lengths"]["within"]:
                worst.append((off, f"{a}-{b}: {metres / 1000:.3f} km here, {km:.3f} km on the map"))
    share = within / max(compared, 1)
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(why.items()))
    summary = (
        f"{within} of {compared} comparable sections ({100 * share:.1f} %) within {100 * how['lengths']['within']:g} %;"
        f" of {len(rows)} not comparable: {reasons or 'none'}"
    )
    return CheckResult(
        name,
        share >= how["lengths"]["least_share"],
        summary,
        [text for _, text in sorted(worst, reverse=True)] + findings,
    )


def components(network: Network) -> Ints:
    """Return, for every piece, the number of the connected part it lies in, directions disregarded."""
    parent = np.arange(network.n_pieces)

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = int(parent[i])
        return i

    origin = np.repeat(np.arange(2 * network.n_pieces), np.diff(network.successor_start)) >> 1
    for a, b in zip(origin.tolist(), (network.successor >> 1).tolist(), strict=True):
        ra, rb = root(a), root(b)
        if ra != rb:
            parent[max(ra, rb)] = min(ra, rb)
    return np.array([root(i) for i in range(network.n_pieces)], dtype=np.int32)


def check_component(network: Network, how: dict[str, Any]) -> CheckResult:
    """Tell how much of the track length hangs together."""
    part = components(network)
    length = np.bincount(part, weights=network.pieces.length_m)
    order = np.argsort(-length)
    share = float(length[order[0]] / length.sum())
    findings = []
    for i in order[1:21]:
        if length[i] <= 0:
            break
        track = network.tracks.name[int(network.pieces.track[np.flatnonzero(part == i)[0]])]
        findings.append(f"{length[i] / 1000:.1f} km apart, with track {track}")
    return CheckResult(
        "one connected network",
        share >= how["component"]["least_share"],
        f"{100 * share:.2f} % of {length.sum() / 1000:.0f} km of track in one part; {int((length > 0).sum())} parts",
        findings,
    )


def running_cost(network: Network) -> Floats:
    """Return the length of every directed piece, infinite against the normal direction of running."""
    allowed = network.pieces.right_hand.copy()
    if len(network.permissions.left_allowed):
        allowed |= np.repeat(network.permissions.left_allowed, 2)
    return np.where(allowed, length_by_directed_piece(network), np.inf).astype(np.float32)


def with_turns(network: Network) -> tuple[Ints, Ints]:
    """Return the successors as CSR with a turn back added wherever a train may stand."""
    n = 2 * network.n_pieces
    origin = np.repeat(np.arange(n, dtype=np.int32), np.diff(network.successor_start))
    turn = network.stops.directed[network.stops.usable_m > 0]
    start_of = np.concatenate([origin, turn])
    onward = np.concatenate([network.successor, turn ^ 1]).astype(np.int32)
    order = np.lexsort((onward, start_of))
    start = np.zeros(n + 1, dtype=np.int32)
    np.cumsum(np.bincount(start_of, minlength=n), out=start[1:])
    return start, onward[order]


def check_reachable(network: Network, how: dict[str, Any]) -> CheckResult:
    """Tell which stations cannot be reached from the centre, or not back, in the normal direction of running."""
    from weerspoor.network.routes import dijkstra

    name = f"every station reachable from {CENTRE} and back"
    points = network.points
    try:
        centre = directed_at_point(network, find_point(points, CENTRE))
    except InputError:
        return CheckResult(name, None, f"skipped: there is no point {CENTRE}")
    cost = running_cost(network)
    start, onward = with_turns(network)
    back = np.repeat(np.arange(len(start) - 1, dtype=np.int32), np.diff(start))
    order = np.lexsort((back, onward))
    back_start = np.zeros(len(start), dtype=np.int32)
    np.cumsum(np.bincount(onward, minlength=len(start) - 1), out=back_start[1:])
    straight = [shortest_times(network, centre, cost, reverse=reverse)[0] for reverse in (False, True)]
    turning = [
        dijkstra(start, onward, centre, cost)[0],
        dijkstra(back_start, back[order].astype(np.int32), centre, cost)[0],
    ]
    findings, failed, turned = [], 0, 0
    stations = [i for i, kind in enumerate(points.kind) if kind == "station"]
    for i in stations:
        here = directed_at_point(network, i)
        lost = [way for way, dist in zip(("to", "from"), turning, strict=True) if not np.isfinite(dist[here]).any()]
        if lost:
            reason = how["unreachable"].get(points.code[i].upper())
            failed += reason is None
            findings.append(
                f"no way {' or '.join(lost)} {points.name[i]} ({points.code[i]})" + f": {reason or 'no known reason'}"
            )
        elif any(not np.isfinite(dist[here]).any() for dist in straight):
            turned += 1
            findings.append(f"{points.name[i]} ({points.code[i]}): only by turning back at a station on the way")
    return CheckResult(
        name,
        failed == 0,
        f"{len(stations) - failed} of {len(stations)} stations in running direction or for a known reason not;"
        f" {turned} only by turning back on the way",
        sorted(findings),
    )


def check_legs(network: Network) -> CheckResult:
    """Look for passages from one leg of a switch to its other leg, and back on the same track."""
    pieces, tracks = network.pieces, network.tracks
    origin = np.repeat(np.arange(2 * network.n_pieces), np.diff(network.successor_start))
    findings = []
    back = np.flatnonzero((origin >> 1) == (network.successor >> 1))
    findings += [f"turns back on piece {int(origin[i] >> 1)}" for i in back]
    for a, b in zip(origin.tolist(), network.successor.tolist(), strict=True):
        one, other = pieces.track[a >> 1], pieces.track[b >> 1]
        if one == other or not (pieces.kind[a >> 1] == KIND_SWITCH and pieces.kind[b >> 1] == KIND_SWITCH):
            continue
        begins = a & 1 == 1 and pieces.from_m[a >> 1] < 0.5 and b & 1 == 0 and pieces.from_m[b >> 1] < 0.5
        if begins and _legs(tracks.name[int(one)], tracks.name[int(other)]):
            findings.append(f"from {tracks.name[int(one)]} to {tracks.name[int(other)]}")
    return CheckResult(
        "no passage from leg to leg of a switch",
        not findings,
        f"{len(findings)} among {len(network.successor)} passages",
        findings,
    )


def _legs(one: str, other: str) -> bool:
    """Tell whether two tracks begin at the two legs of one switch: ``537_251BL_2.8`` and ``537_251BR_2.8``."""
    a, b = one.split("_"), other.split("_")
    return len(a) == len(b) == 3 and a[0] == b[0] and a[1][:-1] == b[1][:-1] and {a[1][-1:], b[1][-1:]} == {"L", "R"}


def check_zones(network: Network) -> CheckResult:
    """Look for pieces of a track that overlap or leave gaps, and zones outside points in more than one place."""
    pieces = network.pieces
    same = pieces.track[1:] == pieces.track[:-1]
    seam = np.abs(pieces.from_m[1:] - pieces.to_m[:-1])
    findings = [
        f"{network.tracks.name[int(pieces.track[i])]}: pieces do not join at {float(pieces.to_m[i]):.1f} m"
        for i in np.flatnonzero(same & (seam > 0.05))
    ]
    points_kind = (pieces.kind == KIND_SWITCH) | (pieces.kind == KIND_CROSSING)
    plain = np.flatnonzero(~np.isin(pieces.zone, pieces.zone[points_kind]))
    low: dict[int, tuple[int, int, int]] = {}
    for i in plain.tolist():
        zone = int(pieces.zone[i])
        track, last, _ = low.get(zone, (int(pieces.track[i]), i, i))
        if track != int(pieces.track[i]) or i - last > 1:
            findings.append(f"zone {network.zone_name[zone]!r} lies in two places")
        low[zone] = (track, i, i)
    return CheckResult(
        "no overlapping zones",
        not findings,
        f"{network.n_zones} zones on {network.n_pieces} pieces; {len(findings)} overlaps or gaps",
        findings,
    )


def check_stops(network: Network, how: dict[str, Any]) -> CheckResult:
    """Look for holding tracks of an implausible length, on points, or without a name that the piece has."""
    stops, pieces = network.stops, network.pieces
    piece = stops.directed >> 1
    least, most = how["holding"]["least_m"], how["holding"]["most_m"]
    findings = [
        f"{stops.name[i]} at {_at(network, int(stops.point[i]))}: {float(stops.usable_m[i]):.0f} m"
        for i in np.flatnonzero((stops.usable_m < least) | (stops.usable_m > most))
    ]
    findings += [
        f"{stops.name[i]} at {_at(network, int(stops.point[i]))}: on points"
        for i in np.flatnonzero((pieces.kind[piece] == KIND_SWITCH) | (pieces.kind[piece] == KIND_CROSSING))
    ]
    findings += [
        f"{stops.name[i]} at {_at(network, int(stops.point[i]))}: the piece is named {pieces.name[int(p)]!r}"
        for i, p in enumerate(piece)
        if stops.name[i] and not pieces.name[int(p)].endswith(stops.name[i])
    ]
    long = int((stops.usable_m >= 740).sum())
    return CheckResult(
        "holding lengths plausible",
        not findings,
        f"{len(piece)} stops, {int((stops.platform_m > 0).sum())} at platforms, {long} hold 740 m;"
        f" {len(findings)} implausible",
        findings,
    )


def _at(network: Network, point: int) -> str:
    return network.points.code[point] if point >= 0 else "no point"


def check_signals(network: Network) -> CheckResult:
    """Measure how far it is from signal to facing signal."""
    pieces = network.pieces
    away = np.full(2 * network.n_pieces, np.inf)
    length = np.repeat(pieces.length_m, 2).astype(np.float64)
    start, onward = network.successor_start, network.successor
    away[pieces.signal] = length[pieces.signal]
    last = np.flatnonzero(np.diff(start) == 0)
    away[last] = length[last]
    origin = np.repeat(np.arange(len(start) - 1), np.diff(start))
    for _ in range(200):
        new = away.copy()
        np.minimum.at(new, origin, away[onward] + length[origin])
        new[pieces.signal] = length[pieces.signal]
        if np.array_equal(new, away):
            break
        away = new
    after = onward[pieces.signal[origin]]
    reach = away[after][np.isfinite(away[after])]
    if len(reach) == 0:
        return CheckResult("distance between signals", None, "there are no signals")
    figures = ", ".join(f"{p} % {np.percentile(reach, p) / 1000:.2f} km" for p in (50, 95, 99, 100))
    return CheckResult("distance between signals", None, f"{int(pieces.signal.sum())} facing signals; {figures}")


def check_points(network: Network) -> CheckResult:
    """List the points without certain tracks, and stations where no train can stand at a platform."""
    points, stops = network.points, network.stops
    have = set(points.place_point.tolist())
    platforms = set(stops.point[stops.platform_m > 0].tolist())
    bare = [i for i in range(len(points.code)) if i not in have]
    missing = [i for i, kind in enumerate(points.kind) if kind == "station" and i not in platforms]
    findings = [f"{points.name[i]} ({points.code[i]}): no platform" for i in missing]
    findings += [f"{points.name[i]} ({points.code[i]}): no tracks" for i in bare]
    findings += [
        f"{points.name[i]} ({points.code[i]}): tracks not certain"
        for i in np.flatnonzero(~points.certain).tolist()
        if i in have
    ]
    lower = [code.casefold() for code in points.code]
    double = sorted({code for code in lower if lower.count(code) > 1})
    findings += [f"two points have the code {code}" for code in double]
    return CheckResult(
        "points lie on tracks",
        not missing and not double,
        f"{len(points.code)} points, {sum(k == 'station' for k in points.kind)} stations, {len(bare)} without tracks",
        findings,
    )


def check_neighbours(
    network: Network, how: dict[str, Any], table: Path = DATA / "neighbour_distances.parquet"
) -> CheckResult:
    """Show what share of open line has its nearest neighbour closer than some limits, ten centimetres apart."""
    import pyarrow.parquet as pq

    name = "distances between neighbouring tracks"
    if len(network.neighbours.piece) == 0 or not table.is_file():
        return CheckResult(name, None, "there are no measured neighbour tracks")
    columns = pq.read_table(table, use_threads=False)
    distance, length = (array_of(columns.column(key)).astype(np.float64) for key in ("distance_m", "length_m"))
    near = distance < np.inf
    run = np.cumsum(length[near]) / length[near].sum()
    percentiles = ", ".join(f"{p} % {distance[near][np.searchsorted(run, p / 100)]:.2f} m" for p in (5, 50, 75))
    shares = ", ".join(
        f"under {limit:.2f} m {100 * length[distance < limit - 0.005].sum() / length.sum():.0f} %"
        for limit in how["clearance"]["limits_m"]
    )
    return CheckResult(
        name,
        None,
        f"of {length.sum() / 1000:.0f} km of open line {100 * length[~near].sum() / length.sum():.0f} % have none;"
        f" of the others {percentiles}; of all {shares}",
    )


def check_size(how: dict[str, Any]) -> CheckResult:
    """Add up the tables of the network."""
    from weerspoor.network.load import CORE_TABLES, OTHER_TABLES

    sizes = {
        name: (DATA / f"{name}.parquet").stat().st_size
        for name in (*CORE_TABLES, *OTHER_TABLES)
        if (DATA / f"{name}.parquet").is_file()
    }
    total = sum(sizes.values())
    return CheckResult(
        "size of the network's tables",
        total <= how["size"]["most_bytes"],
        f"{total / 1e6:.2f} MB in {len(sizes)} tables",
    )

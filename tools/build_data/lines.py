"""The line of every track: from the source for running tracks, by topology or area for the others."""

from __future__ import annotations

import heapq
from collections import defaultdict
from functools import cache

from tools.build_data.source import length_m, number, rows, track_rows

OWN_AREAS = range(467, 491)
"""Harbour areas of Rotterdam and Amsterdam: their tracks form lines of their own, as do all areas from 801."""


MUSEUM_AREAS = {"068", "069", "209", "309", "435", "463", "662"}
"""Museum railways and lines out of use."""


def _own_area(code: str) -> bool:
    return code in MUSEUM_AREAS or (
        code.isdigit() and (int(code) in OWN_AREAS or 801 <= int(code) <= 862 or 900 <= int(code) <= 949)
    )


@cache
def track_lines() -> dict[str, str]:
    """Return the name of the line of every track.

    A running track has the section of line of the source (``Hgl-Odzg``). A track with both ends in a harbour, an
    industrial area or a large yard has the name of that area. Any other track takes the line of the nearest running
    track along the links.
    """
    cover: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in rows("TRAJECTINDELING"):
        if row["TRAJECT"]:
            low, high = (number(row[key]) or 0.0 for key in ("SPOORTAK_VAN", "SPOORTAK_TOT"))
            cover[row["SPOORTAK_IDENTIFICATIE"]][row["TRAJECT"]] += abs(high - low)
    known = length_m()
    line = {
        track: min(names, key=lambda name: (-names[name], name))
        for track, names in sorted(cover.items())
        if track in known
    }
    for track, row in track_rows().items():
        if track not in line and row["GEOCODE_BEGIN"] == row["GEOCODE_EIND"] and _own_area(row["GEOCODE_BEGIN"]):
            line[track] = row["NAAM_GEOCODE_BEGIN"]
    beside: dict[str, set[str]] = defaultdict(set)
    for row in rows("SPOORTAK_TOPO"):
        a, b = row["SPOORTAK_IDENTIFICATIE"], row["SPOORTAK_ASL"]
        if a in known and b in known:
            beside[a].add(b)
            beside[b].add(a)
    queue = [(0.0, track, name) for track, name in sorted(line.items())]
    heapq.heapify(queue)
    done: dict[str, str] = {}
    while queue:
        far, track, name = heapq.heappop(queue)
        if track in done:
            continue
        done[track] = name
        for other in sorted(beside[track]):
            if other not in done and other not in line:
                heapq.heappush(queue, (far + known[other], other, name))
    return dict(sorted(done.items()))

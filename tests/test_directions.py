"""Normal directions of running: no track leads trains where they could not run on in the normal direction."""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt

from weerspoor.network.load import load_network
from weerspoor.network.routes import reversed_successors

FAR_M = 3000.0

SHORT_LINKS = {"117_1865L_7.8", "531_2321R_33.6", "617_1221R_40.7"}
"""Links of less than 500 m between parallel tracks whose own direction hardly matters."""


def reach_m(
    start: npt.NDArray[np.int32], following: npt.NDArray[np.int32], length_m: list[float], begin: int, open_: list[bool]
) -> float:
    """Return how far a train gets from the end of a directed piece over open ones, up to ``FAR_M``."""
    best, queue, far = {begin: 0.0}, [(0.0, begin)], 0.0
    while queue:
        here, way = heapq.heappop(queue)
        far = max(far, here)
        if far >= FAR_M:
            return FAR_M
        if here > best[way]:
            continue
        for onward in following[start[way] : start[way + 1]].tolist():
            there = here + length_m[onward >> 1]
            if open_[onward] and there < best.get(onward, np.inf):
                best[onward] = there
                heapq.heappush(queue, (there, onward))
    return far


def test_no_track_leads_nowhere() -> None:
    """Where tracks run on for 3 km from a track for one direction, some do so in their normal direction, and back."""
    network = load_network()
    pieces = network.pieces
    right = np.asarray(pieces.right_hand, bool)
    lengths, normal, any_ = pieces.length_m.tolist(), right.tolist(), [True] * len(right)
    wrong = set()
    for way in np.flatnonzero(right & ~right[np.arange(len(right)) ^ 1]).tolist():
        if pieces.speed_kmh[way >> 1] < 80:
            continue
        for start, following in ((network.successor_start, network.successor), reversed_successors(network)):
            if reach_m(start, following, lengths, way, normal) < FAR_M <= reach_m(start, following, lengths, way, any_):
                wrong.add(network.tracks.name[int(pieces.track[way >> 1])])
    assert wrong <= SHORT_LINKS

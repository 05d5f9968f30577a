"""A short request on the real day that finds nothing free, with little work, for tests of displacing.

A wide train from Kijfhoek to Roosendaal in the morning peak: twenty minutes over a line with both tracks to be kept
empty in places. Set up once for all tests of a process; what they share, none of them may alter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from weerspoor.capacity.displace import settings
from weerspoor.capacity.displace.answer import Answer, displace_on
from weerspoor.capacity.displace.stage import Stage
from weerspoor.capacity.request import Request, with_points
from weerspoor.capacity.request_reader import read_request
from weerspoor.capacity.rules import rule_set
from weerspoor.kernel.timelines import Timelines
from weerspoor.network.load import load_network
from weerspoor.network.model import Network
from weerspoor.timetable.day import Day
from weerspoor.timetable.store import load_day

PRIORITY = "military-priority"
SIGNED = """[urgency]
ground = "fixed_time"
legal_basis = "Example"
decided_by = ["DEF", "IENW"]
"""
HALF_SIGNED = SIGNED.replace('"DEF", "IENW"', '"DEF"')
CONVOY = "[series]\ncount = 3\ninterval_s = 600\n"
WIDE = """reference = "T-1"
date = "2026-11-24"
[train]
template = "heavy"
length_m = 400
mass_t = 1500
max_speed_kmh = 90
traction = ["diesel"]
load_half_width_mm = 1700
load_height_mm = 3900
[from]
point = "Kfh"
ready = "07:00"
[to]
point = "Rsd"
window = ["07:20", "08:00"]
"""
BY_NIGHT = WIDE.replace('"07:00"', '"01:30"').replace('["07:20", "08:00"]', '["01:50", "03:30"]')

LITTLE_WORK = {
    "free_labels": 60_000, "soft_labels": 20_000, "shares": [0.5], "shifts": 1, "hardenings": 1, "quick_steps": 5,
    "worked_out": 3, "steps": 10, "level_steps": 5, "other_tracks": 0, "by_s": [900],
}  # fmt: skip


@contextmanager
def little_work(**values: object) -> Iterator[None]:
    """Let displacing do little work; further values of ``displacing.toml`` by their keys."""
    text = (settings.DATA / "displacing.toml").read_text(encoding="utf-8")
    for key, value in (LITTLE_WORK | values).items():
        text, found = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
        assert found, key
    before = settings.DATA
    with TemporaryDirectory() as folder:
        Path(folder, "displacing.toml").write_text(text, encoding="utf-8")
        settings.DATA = Path(folder)
        settings.displace_settings.cache_clear()
        try:
            yield
        finally:
            settings.DATA = before
            settings.displace_settings.cache_clear()


@cache
def railway() -> tuple[Network, Day]:
    """Return the network and the pattern day."""
    network = load_network()
    return network, load_day("pattern-weekday", network)


def request(text: str = WIDE + SIGNED) -> Request:
    """Return a request with its points looked up."""
    return with_points(read_request(text), railway()[0].points)


def stage(text: str = WIDE + SIGNED, rules: str = PRIORITY) -> Stage:
    """Return a stage of its own."""
    return Stage.of(request(text), *railway(), rule_set(rules))


@cache
def answer(text: str = WIDE + SIGNED, rules: str = PRIORITY) -> Answer:
    """Return what is answered with little work."""
    with little_work():
        return displace_on(request(text), *railway(), rules=rules)


def overlaps(lines: Timelines) -> list[tuple[int, int, int]]:
    """Return (zone, train, train) of every two intervals that exclude each other, looked at pair by pair."""
    zone, from_s, until_s, train, occupies, blocks = lines.table()
    reach = np.maximum.accumulate((zone.astype(np.int64) << 32) + until_s)
    found, lag = [], 1
    while lag < len(zone):
        a, b = slice(None, -lag), slice(lag, None)
        near = (zone[a] == zone[b]) & ((zone[b].astype(np.int64) << 32) + from_s[b] < reach[a])
        if not near.any():
            break
        meets = near & (from_s[b] < until_s[a]) & (train[a] != train[b])
        meets &= ((occupies[a] & blocks[b]) | (blocks[a] & occupies[b])) != 0
        found += [(int(zone[i]), int(train[i]), int(train[i + lag])) for i in np.flatnonzero(meets)]
        lag += 1
    return found


def same_table(one: Timelines, other: Timelines) -> bool:
    """Tell whether two timelines hold the same intervals."""

    def rows(lines: Timelines) -> list[tuple[int, ...]]:
        return sorted(zip(*(column.tolist() for column in lines.table()), strict=True))

    return rows(one) == rows(other)

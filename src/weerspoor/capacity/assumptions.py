"""What a plan rests on: the assumptions of its train, norms, brakes and clearances, and the tables it was made from."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import msgspec

from weerspoor.capacity.settings import DATA
from weerspoor.trains.braking import TABLE, braking
from weerspoor.trains.clearance import clearance
from weerspoor.trains.tables import norms

if TYPE_CHECKING:
    from weerspoor.capacity.fit import Problem
    from weerspoor.trains.model import Train

RUN_ROUND = "by kind of place, and a list; the track on which the engine runs round is taken to be free"
ENERGY = "work of the tractive effort at the wheels on the flat, by the exact running time; nothing recovered"
UNITS = {"_m": "m", "_mm": "mm", "_t": "t", "_kmh": "km/h", "_s": "s", "_ms2": "m/s2"}
CLEARANCES = ("meeting", "load", "platform")
"""Groups of the clearance table on which the neighbour tracks of a wide load rest."""


def assumptions(problem: Problem) -> list[dict[str, str]]:
    """Return what a plan assumes: of the train, its brakes, the norms, the clearances."""
    train = problem.train
    rows = [_row(f"train.{key}", _text(getattr(train, key)), "assumed", why) for key, why in train.assumed.items()]
    rows += _brakes(train)
    rows += [row for row in used_norms(train.norm_group) if row["certainty"] != "sure"]
    rows.append(_row("energy.at_the_wheels", "", "likely", ENERGY))
    if problem.turns:
        kind = problem.turning.kind
        rows.append(_row(f"turning.{kind.name}_s", f"{problem.turning.least_s:.0f} s", kind.certainty, kind.source))
        if "run_round" in kind.needs:
            rows.append(_row("turning.run_round", "", "assumed", RUN_ROUND))
    return rows + (_clearances() if train.is_wide else [])


def used_norms(group: str) -> list[dict[str, str]]:
    """Return the norms of a group of trains as assumptions of a plan: what, value, certainty, source."""
    rows = []
    for key, norm in norms(group).items():
        unit = "" if norm.unit == "1" else f" {norm.unit}"
        rows.append(_row(f"{group}.{key}", _text(norm.value) + unit, norm.certainty, norm.source))
    return rows


def sources() -> list[dict[str, str]]:
    """Return the tables the plan rests on, with source and licence."""
    found: list[dict[str, str]] = []
    for path in sorted(DATA.glob("*.meta.toml")):
        head = tomllib.loads(path.read_text(encoding="utf-8"))
        values = {key: str(head.get(key, "")) for key in ("description", "source", "licence")}
        found.append({"table": path.name.removesuffix(".meta.toml"), **values})
    return found


def _brakes(train: Train) -> list[dict[str, str]]:
    """Return what is assumed of the brakes: the percentage where it is not known, and what follows from it."""
    brakes, conversion = braking(train), norms("conversion", TABLE)
    rows = []
    if brakes.is_assumed:
        norm = norms("unknown", TABLE)[brakes.position]
        rows.append(_row("train.brake_percentage", f"{brakes.percentage:g} %", norm.certainty, norm.source))
    share, within = conversion["service_share"], conversion["signal_distance_m"]
    return [
        *rows,
        _row("braking.this_train_ms2", f"{brakes.planned_ms2:.2f} m/s2", share.certainty, share.source),
        _row("braking.max_speed_kmh", f"{brakes.max_speed_kmh:g} km/h", within.certainty, within.source),
    ]


def _clearances() -> list[dict[str, str]]:
    table = clearance()
    rows = []
    for group in CLEARANCES:
        row = getattr(table, group)
        for name, value in msgspec.structs.asdict(row).items():
            if isinstance(value, float):
                unit = next((unit for ending, unit in UNITS.items() if name.endswith(ending)), "")
                rows.append(_row(f"clearance.{group}_{name}", f"{value:g} {unit}".strip(), row.certainty, row.source))
    return rows


def _row(what: str, value: str, certainty: str, source: str) -> dict[str, str]:
    return {"what": what, "value": value, "certainty": certainty, "source": source}


def _text(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)

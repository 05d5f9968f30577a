"""Trains by name: templates of military trains, kinds of civil trains, engines, and trains from a user's words."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from weerspoor.common.errors import InputError
from weerspoor.trains.model import Train
from weerspoor.trains.tables import Row, number, row_by_name, rows, words

DEFAULT_ENGINE = {
    "diesel": "Class 66",
    "electric": "Class 189",
}


ORDINARY = "ordinary"
"""The row of the templates that fills what a user leaves out of a train without a template."""


@dataclass(frozen=True)
class Locomotive:
    """An engine or multiple unit.

    Attributes
    ----------
    name, kind : str
        Kind is ``locomotive`` or ``unit``.
    power_kw : dict of str to float
        At the rail, by traction.
    starting_effort_kn : float
    mass_t, length_m, max_speed_kmh : float
    axles : int
    protection : tuple of str
    resistance : str
        Name of a row of ``resistance.csv``.
    source, certainty : str
    """

    name: str
    kind: str
    power_kw: dict[str, float]
    starting_effort_kn: float
    mass_t: float
    length_m: float
    axles: int
    max_speed_kmh: float
    protection: tuple[str, ...]
    resistance: str
    source: str
    certainty: str


@cache
def locomotive(name: str) -> Locomotive:
    """Return an engine or multiple unit by name.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    row = _row("locomotives", name, "locomotive")
    powers = [float(word) for word in words(row, "power_kw")]
    return Locomotive(
        name=name,
        kind=row["kind"],
        power_kw=dict(zip(words(row, "traction"), powers, strict=True)),
        starting_effort_kn=number(row, "starting_effort_kn"),
        mass_t=number(row, "mass_t"),
        length_m=number(row, "length_m"),
        axles=int(number(row, "axles")),
        max_speed_kmh=number(row, "max_speed_kmh"),
        protection=words(row, "protection"),
        resistance=row["resistance"],
        source=row["source"],
        certainty=row["certainty"],
    )


def locomotive_names() -> list[str]:
    """Return the names of the engines that pull trains, multiple units left out."""
    return [row["name"] for row in rows("locomotives") if row["kind"] == "locomotive"]


@cache
def template(name: str) -> Train:
    """Return the template of a military train: ``heavy``, ``mixed``, ``ammunition`` or ``personnel``.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    return _train(_row("train_templates", name, "template"))


@cache
def civil_kind(name: str) -> Train:
    """Return a civil train by the name of its kind, such as ``intercity`` or ``freight_bulk``.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    return _train(_row("civil_train_kinds", name, "kind of train"))


def template_names() -> list[str]:
    """Return the names of the templates."""
    return [row["name"] for row in rows("train_templates") if row["name"] != ORDINARY]


def civil_kind_names() -> list[str]:
    """Return the names of the civil kinds."""
    return [row["name"] for row in rows("civil_train_kinds")]


def train_from(characteristics: Mapping[str, Any]) -> Train:
    """Return the train that a user describes: a template or civil kind with other values, or the values themselves.

    Parameters
    ----------
    characteristics : mapping
        ``template`` (a template or a civil kind), and attributes of :class:`Train`. Without a template, ``length_m``,
        ``mass_t``, ``max_speed_kmh`` and ``traction`` must be there; the rest is assumed and said so.
        When the traction asked for is not that of the template's engines, engines that have it are assumed,
        and with them their train protection.

    Raises
    ------
    InputError
        If a name or value is unknown, or a value that must be there is not; ``where`` names the key.
    """
    given = dict(characteristics)
    name = given.pop("template", None)
    for key in ("name", "assumed"):
        if key in given:
            raise InputError("is not for the user to give", where=key)
    if name is not None and not isinstance(name, str):
        raise InputError("must be a name", where="template", hint=", ".join(template_names()))
    if name is None:
        for key in ("length_m", "mass_t", "max_speed_kmh", "traction"):
            if key not in given:
                raise InputError(
                    "is missing; without a template it must be given",
                    where=key,
                    hint=f'or template = "{template_names()[0]}"',
                )
        base = _train(_row("train_templates", ORDINARY, "template"))
        reason = "not given; value of an ordinary freight train"
        base = base.with_(
            assumed=dict.fromkeys(("axle_load_t", "load_half_width_mm", "load_height_mm", "gauge"), reason)
        )
    elif name in civil_kind_names():
        base = civil_kind(name)
    else:
        base = template(name)
    train = base.with_(**given)
    assumed = dict(train.assumed)
    changes: dict[str, Any] = {}
    if name is None:
        changes["kind"] = given.get("kind", "military")
        for key in ("brake_percentage", "brake_position"):
            if key not in given:
                assumed[key] = "not given; a common value of freight trains"
        if "metre_load_t" not in given:
            changes["metre_load_t"] = max(5.0, round(train.mass_t / train.length_m, 2))
            assumed["metre_load_t"] = "not given; at least the mean of the train"
    if "locomotives" not in given and not set(train.traction) <= set(_tractions(train)):
        changes["locomotives"] = (_engine_for(train.traction),)
        assumed["locomotives"] = "chosen for the traction asked for"
    engines = changes.get("locomotives", train.locomotives)
    if "protection" not in given:
        changes["protection"] = _protection(engines)
        assumed["protection"] = "as fitted to the engines"
    return train.with_(**changes, assumed=assumed)


def _tractions(train: Train) -> tuple[str, ...]:
    common = [set(locomotive(name).power_kw) for name in train.locomotives]
    return tuple(set.intersection(*common)) if common else ()


def _engine_for(traction: tuple[str, ...]) -> str:
    preferred = DEFAULT_ENGINE["diesel" if "diesel" in traction else "electric"]
    names = [preferred, *locomotive_names()]
    for name in names:
        if set(traction) <= set(locomotive(name).power_kw):
            return name
    raise InputError(
        f"no known engine has all of {', '.join(traction)}",
        where="traction",
        hint="name engines that do in locomotives",
    )


def _protection(engines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the train protection that the leading engine has."""
    return locomotive(engines[0]).protection if engines else ()


def _row(table: str, name: str, what: str) -> Row:
    found = row_by_name(table)
    if name not in found:
        near = difflib.get_close_matches(name, found, n=3, cutoff=0.4) or list(found)
        raise InputError(f"there is no {what} {name!r}", where="template", hint=f"{', '.join(near)}")
    return found[name]


def _train(row: Row) -> Train:
    engines = words(row, "locomotives")
    common = [set(locomotive(name).power_kw) for name in engines]
    traction = tuple(name for name in locomotive(engines[0]).power_kw if all(name in other for other in common))
    train = Train(
        name=row["name"],
        kind=row["kind"],
        length_m=number(row, "length_m"),
        mass_t=number(row, "mass_t"),
        max_speed_kmh=number(row, "max_speed_kmh"),
        traction=traction,
        protection=_protection(engines),
        axle_load_t=number(row, "axle_load_t"),
        metre_load_t=number(row, "metre_load_t"),
        load_half_width_mm=number(row, "load_half_width_mm"),
        load_height_mm=number(row, "load_height_mm"),
        dangerous_goods=words(row, "dangerous_goods"),
        guarded=row["guarded"] == "yes",
        brake_percentage=number(row, "brake_percentage"),
        brake_position=row["brake_position"],
        locomotives=engines,
        gauge=row["gauge"],
    )
    if row["certainty"] == "sure":
        return train
    keys = ("length_m", "mass_t", "axle_load_t", "metre_load_t", "load_half_width_mm", "load_height_mm",
            "brake_percentage", "brake_position", "locomotives", "protection")  # fmt: skip
    return train.with_(assumed=dict.fromkeys(keys, row["source"]))

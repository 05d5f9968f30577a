"""A train made up of vehicles on wagons: its characteristics, and the RID rule on explosives in one train."""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from weerspoor.common.errors import InputError
from weerspoor.trains.catalogue import locomotive
from weerspoor.trains.model import MILITARY_KIND, Train, check_dangerous_goods
from weerspoor.trains.tables import Row, norm, number, row_by_name, rows, words

EXPLOSIVE, OTHER = "explosive", "other"
"""The two sides of the RID rule: goods that must stand apart."""


@dataclass(frozen=True)
class Wagon:
    """A type of wagon.

    Attributes
    ----------
    name : str
    tare_t, length_m : float
        Length over buffers.
    axles : int
    floor_m, height_m, width_m : float
        Height of the loading floor and of the whole wagon above the rail.
    loading_length_m, payload_t, max_speed_kmh, brake_mass_t : float
    """

    name: str
    tare_t: float
    length_m: float
    axles: int
    floor_m: float
    height_m: float
    width_m: float
    loading_length_m: float
    payload_t: float
    max_speed_kmh: float
    brake_mass_t: float


@dataclass(frozen=True)
class Vehicle:
    """A vehicle that is carried."""

    name: str
    mass_t: float
    length_m: float
    width_m: float
    height_m: float


@cache
def wagon_type(name: str) -> Wagon:
    """Return a type of wagon.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    row = _known("wagons", name, "wagon")
    columns = ("tare_t", "length_m", "axles", "floor_m", "height_m", "width_m", "loading_length_m", "payload_t")
    values = {column: number(row, column) for column in (*columns, "max_speed_kmh", "brake_mass_t")}
    return Wagon(name=name, **(values | {"axles": int(values["axles"])}))  # type: ignore[arg-type]


@cache
def vehicle(name: str) -> Vehicle:
    """Return a vehicle that can be carried.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    row = _known("military_vehicles", name, "vehicle")
    return Vehicle(name, *(number(row, column) for column in ("mass_t", "length_m", "width_m", "height_m")))


@dataclass(frozen=True)
class LoadedWagon:
    """A wagon and what stands on it.

    Attributes
    ----------
    wagon : str
        Name of a row of ``wagons.csv``.
    vehicles : tuple of str
        Names of rows of ``military_vehicles.csv``.
    cargo_t : float
        Other load.
    dangerous_goods : tuple of str
        RID classes of its placards.
    """

    wagon: str
    vehicles: tuple[str, ...] = ()
    cargo_t: float = 0.0
    dangerous_goods: tuple[str, ...] = ()

    @property
    def type(self) -> Wagon:
        """The type of wagon."""
        return wagon_type(self.wagon)

    @property
    def load_t(self) -> float:
        """Mass of what stands on it."""
        return self.cargo_t + sum(vehicle(name).mass_t for name in self.vehicles)

    @property
    def gross_t(self) -> float:
        """Mass of wagon and load."""
        return self.type.tare_t + self.load_t

    @property
    def half_width_mm(self) -> float:
        """Half of the widest of wagon and vehicles, standing in the middle."""
        return round(max(self.type.width_m, *(vehicle(name).width_m for name in self.vehicles), 0.0) / 2 * 1000)

    @property
    def height_mm(self) -> float:
        """Height of wagon or highest vehicle above the rail."""
        loads = [self.type.floor_m + vehicle(name).height_m for name in self.vehicles]
        return round(max([self.type.height_m, *loads]) * 1000)


@dataclass(frozen=True)
class Separation:
    """Two wagons of one train that stand too close for what they carry (RID 7.5.3).

    Attributes
    ----------
    explosive, other : int
        Places in the train, counted from 1 behind the engines.
    distance_m : float
        Length of what stands between them.
    explosive_goods, other_goods : str
    """

    explosive: int
    other: int
    distance_m: float
    explosive_goods: str
    other_goods: str

    def __str__(self) -> str:
        return (
            f"wagon {self.explosive} ({self.explosive_goods}) and wagon {self.other} ({self.other_goods}) have "
            f"{self.distance_m:.1f} m between them; RID 7.5.3 asks {norm('rid_separation', 'distance_m'):g} m, "
            f"two wagons of two axles or one of four"
        )


def check_separation(wagons: Sequence[LoadedWagon]) -> list[Separation]:
    """Return the pairs of wagons that stand too close: explosives to flammable, oxidising or self-reactive goods.

    The protective distance is kept by 18 m between the wagons, by two wagons of two axles, or by one of four axles or
    more between them (RID 7.5.3). A wagon that carries both by itself is a pair with itself and distance 0.

    Parameters
    ----------
    wagons : sequence of LoadedWagon
        In order behind the engines.
    """
    found: list[Separation] = []
    goods = [(_goods(wagon, EXPLOSIVE), _goods(wagon, OTHER)) for wagon in wagons]
    for i, j in itertools.product(range(len(wagons)), repeat=2):
        explosive, other = goods[i][0], goods[j][1]
        if not explosive or not other:
            continue
        between = wagons[min(i, j) + 1 : max(i, j)]
        distance_m = sum(wagon.type.length_m for wagon in between)
        large = sum(wagon.type.axles >= 4 for wagon in between)
        small = sum(wagon.type.axles < 4 for wagon in between)
        kept = i != j and (
            distance_m >= norm("rid_separation", "distance_m")
            or large >= norm("rid_separation", "four_axle_wagons")
            or small >= norm("rid_separation", "two_axle_wagons")
        )
        if not kept:
            found.append(Separation(i + 1, j + 1, distance_m, explosive, other))
    return found


def compose(
    name: str, locomotives: Sequence[str], wagons: Sequence[LoadedWagon], *, kind: str = MILITARY_KIND
) -> Train:
    """Return the train that these engines and wagons make.

    Mass and length are sums; axle and metre load the greatest of any vehicle, its mass spread evenly over its axles and
    over its length over buffers; half-width and height those of the widest and highest load; speed that of the slowest
    vehicle; brake percentage the braked mass over the mass.

    Raises
    ------
    InputError
        If an engine, wagon or vehicle is unknown, a wagon is overloaded or too short for its load, or wagons with
        explosives stand too close to others (RID 7.5.3); ``where`` names the wagon.
    """
    if not wagons:
        raise InputError("has no wagons", where="wagons")
    for place, wagon in enumerate(wagons, start=1):
        _check_load(place, wagon)
    too_close = check_separation(wagons)
    if too_close:
        raise InputError(
            str(too_close[0]), where=f"wagon {too_close[0].explosive}", hint="put a wagon of four axles between them"
        )
    engines = [locomotive(engine) for engine in locomotives]
    if not engines:
        raise InputError("has no engine", where="locomotives")
    mass_t = sum(wagon.gross_t for wagon in wagons) + sum(engine.mass_t for engine in engines)
    braked_t = sum(wagon.type.brake_mass_t for wagon in wagons) + sum(
        engine.mass_t * norm("composition", "engine_braked_share") for engine in engines
    )
    goods = dict.fromkeys(code for wagon in wagons for code in wagon.dangerous_goods)
    common = set.intersection(*(set(engine.power_kw) for engine in engines))
    return Train(
        name=name,
        kind=kind,
        length_m=round(sum(wagon.type.length_m for wagon in wagons) + sum(engine.length_m for engine in engines), 1),
        mass_t=round(mass_t, 1),
        max_speed_kmh=min(
            *(wagon.type.max_speed_kmh for wagon in wagons), *(engine.max_speed_kmh for engine in engines)
        ),
        traction=tuple(name for name in engines[0].power_kw if name in common),
        protection=engines[0].protection,
        axle_load_t=_up(
            max(
                *(wagon.gross_t / wagon.type.axles for wagon in wagons),
                *(engine.mass_t / engine.axles for engine in engines),
            )
        ),
        metre_load_t=_up(
            max(
                *(wagon.gross_t / wagon.type.length_m for wagon in wagons),
                *(engine.mass_t / engine.length_m for engine in engines),
            )
        ),
        load_half_width_mm=max(wagon.half_width_mm for wagon in wagons),
        load_height_mm=max(wagon.height_mm for wagon in wagons),
        dangerous_goods=tuple(goods),
        guarded=any(_side(code) == EXPLOSIVE for code in goods),
        brake_percentage=math.floor(100 * braked_t / mass_t),
        brake_position="P",
        locomotives=tuple(locomotives),
        assumed={"brake_percentage": "braked masses of wagons are assumed"},
    )


@cache
def composition(template: str) -> tuple[LoadedWagon, ...]:
    """Return the wagons of a template train, in order behind the engines.

    Raises
    ------
    InputError
        If there is no composition of that name.
    """
    found = [row for row in rows("compositions") if row["template"] == template]
    if not found:
        known = ", ".join(dict.fromkeys(row["template"] for row in rows("compositions")))
        raise InputError(f"there is no composition {template!r}", where="template", hint=known)
    return tuple(
        LoadedWagon(row["wagon"], words(row, "vehicles"), number(row, "cargo_t"), words(row, "dangerous_goods"))
        for row in sorted(found, key=lambda row: number(row, "order"))
        for _ in range(int(number(row, "count")))
    )


def _check_load(place: int, wagon: LoadedWagon) -> None:
    where = f"wagon {place}"
    try:
        kind = wagon.type
        carried = [vehicle(name) for name in wagon.vehicles]
        for code in wagon.dangerous_goods:
            check_dangerous_goods(code)
    except InputError as error:
        raise InputError(error.message, where=f"{where}: {error.where}", hint=error.hint) from error
    if wagon.cargo_t < 0:
        raise InputError(f"cannot carry {wagon.cargo_t:g} t", where=where)
    if wagon.load_t > kind.payload_t:
        raise InputError(f"{kind.name} carries {kind.payload_t:g} t, not {wagon.load_t:g} t", where=where)
    length_m = sum(item.length_m for item in carried)
    if length_m > kind.loading_length_m:
        raise InputError(
            f"{kind.name} has {kind.loading_length_m:g} m for its load; {length_m:g} m do not fit", where=where
        )


def _side(code: str) -> str:
    """Return on which side of the RID rule goods stand, or "" if on none; a compatibility group is left out."""
    table = row_by_name("rid_separation", "label")
    for label in (code, code[:-1]):
        if label in table:
            return table[label]["side"]
    return ""


def _goods(wagon: LoadedWagon, side: str) -> str:
    return ", ".join(code for code in wagon.dangerous_goods if _side(code) == side)


def _known(table: str, name: str, what: str) -> Row:
    found = row_by_name(table)
    if name not in found:
        near = difflib.get_close_matches(name, found, n=3, cutoff=0.4) or list(found)
        raise InputError(f"there is no {what} {name!r}", where=what, hint=", ".join(near))
    return found[name]


def _up(value: float) -> float:
    """Return a load rounded up to two places: a load is never understated."""
    return math.ceil(value * 100 - 1e-9) / 100

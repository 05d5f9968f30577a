"""A train: the characteristics on which every question about it is decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any

from weerspoor.common.errors import InputError
from weerspoor.kernel.graph import IS_OTHER, IS_PASSENGER, IS_WIDE
from weerspoor.network.model import GAUGES, PROTECTIONS, VOLTAGES
from weerspoor.trains.tables import reference_half_width_mm, row_by_name, words

DIESEL = "diesel"
TRACTIONS = (DIESEL, *VOLTAGES)
BRAKE_POSITIONS = ("G", "P", "R")
PASSENGER_KINDS = (
    "intercity",
    "intercity_direct",
    "sprinter",
    "regional_electric",
    "regional_diesel",
    "ice",
    "eurostar",
    "night",
)
EMPTY_KIND = "empty"
FREIGHT_KINDS = ("freight_mixed", "freight_container", "freight_bulk")
MILITARY_KIND = "military"
KINDS = (MILITARY_KIND, *FREIGHT_KINDS, *PASSENGER_KINDS, EMPTY_KIND)

LIMITS: dict[str, tuple[float, float, str]] = {
    "length_m": (5.0, 1_000_000.0, "m"),
    "mass_t": (5.0, 1_000_000.0, "t"),
    "max_speed_kmh": (5.0, 400.0, "km/h"),
    "axle_load_t": (1.0, 1_000_000.0, "t"),
    "metre_load_t": (0.1, 1_000_000.0, "t/m"),
    "load_half_width_mm": (500.0, 5_000.0, "mm"),
    "load_height_mm": (500.0, 10_000.0, "mm"),
    "brake_percentage": (10.0, 300.0, "%"),
}
"""Values outside these are mistakes of writing, not trains: (least, most, unit). Length and loads may be anything:
that no track takes them is an answer, not a mistake."""


@dataclass(frozen=True, kw_only=True)
class Train:
    """The characteristics of one train.

    Attributes
    ----------
    name : str
        Name of the template or kind it was made from, or the user's.
    kind : str
        One of ``KINDS``.
    length_m, mass_t : float
        Of the whole train, engines included.
    max_speed_kmh : float
        Highest speed of the train by itself; what its brakes allow is in ``braking``.
    traction : tuple of str
        ``diesel`` or names of ``network.model.VOLTAGES``; several for an engine of several systems.
    protection : tuple of str
        Train protection it is fitted with, names of ``network.model.PROTECTIONS``.
    axle_load_t, metre_load_t : float
        The greatest of any vehicle: mass on an axle, mass per metre over buffers.
    load_half_width_mm, load_height_mm : float
        From the centre line, from the top of rail.
    dangerous_goods : tuple of str
        RID classes, with the compatibility group for class 1: ``1.1D``, ``3``.
    guarded : bool
        It carries a guard and is not left alone.
    brake_percentage : float or None
        None when it is not known.
    brake_position : str
        G, P or R.
    locomotives : tuple of str
        Names of rows of ``locomotives.csv``: engines, or multiple units.
    gauge : str
        Static profile of vehicles and load above the lower part, one of ``network.model.GAUGES``.
    cab_at_both_ends : bool
        It can be driven from either end: an engine or a driving trailer at each. Multiple units always can.
    assumed : dict of str to str
        Attribute to the reason why its value is an assumption.

    Raises
    ------
    InputError
        If a value cannot be that of a train; ``where`` names the attribute.
    """

    name: str
    kind: str
    length_m: float
    mass_t: float
    max_speed_kmh: float
    traction: tuple[str, ...]
    protection: tuple[str, ...]
    axle_load_t: float
    metre_load_t: float
    load_half_width_mm: float
    load_height_mm: float
    dangerous_goods: tuple[str, ...] = ()
    guarded: bool = False
    brake_percentage: float | None = None
    brake_position: str = "P"
    locomotives: tuple[str, ...] = ()
    gauge: str = "G1"
    cab_at_both_ends: bool = False
    assumed: dict[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for key, (least, most, unit) in LIMITS.items():
            value = getattr(self, key)
            if value is None and key == "brake_percentage":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InputError(f"is not a number: {value!r}", where=key)
            if not least <= value <= most:
                raise InputError(
                    f"cannot be {value:g} {unit}", where=key, hint=f"between {least:g} and {most:g} {unit}"
                )
        for key in ("guarded", "cab_at_both_ends"):
            if not isinstance(getattr(self, key), bool):
                raise InputError(f"is neither true nor false: {getattr(self, key)!r}", where=key)
        _one_of("kind", [self.kind], KINDS)
        _one_of("traction", self.traction, TRACTIONS, at_least_one=True)
        _one_of("protection", self.protection, PROTECTIONS)
        _one_of("brake_position", [self.brake_position], BRAKE_POSITIONS)
        _one_of("gauge", [self.gauge], GAUGES)
        _one_of("locomotives", self.locomotives, row_by_name("locomotives"))
        for code in self.dangerous_goods:
            check_dangerous_goods(code)

    @property
    def is_passenger(self) -> bool:
        """It carries passengers of the public service."""
        return self.kind in PASSENGER_KINDS

    @property
    def is_freight(self) -> bool:
        """It runs by the rules of freight: freight and military trains."""
        return self.kind in FREIGHT_KINDS or self.kind == MILITARY_KIND

    @property
    def is_military(self) -> bool:
        """It is a military train."""
        return self.kind == MILITARY_KIND

    @property
    def is_wide(self) -> bool:
        """Its load goes beyond the reference profile that a neighbouring train may count on."""
        return self.load_half_width_mm > reference_half_width_mm()

    @property
    def occupies(self) -> int:
        """``IS_*`` bits of the kernel."""
        return (IS_PASSENGER if self.is_passenger else IS_OTHER) | (IS_WIDE if self.is_wide else 0)

    @property
    def turns_by(self) -> str:
        """The kind of stop by which it turns back, a name of ``stop_kinds.csv``."""
        kinds = {row_by_name("locomotives")[name]["kind"] for name in self.locomotives}
        if kinds == {"unit"}:
            return "reversing_unit"
        return "reversing_two_cabs" if self.cab_at_both_ends else "reversing"

    @property
    def norm_group(self) -> str:
        """The group of planning norms it runs by: ``freight`` or ``passenger``."""
        return "freight" if self.is_freight else "passenger"

    def with_(self, **changes: Any) -> Train:
        """Return this train with other values; a changed value is no longer an assumption.

        Raises
        ------
        InputError
            If a name is no characteristic of a train, or a value cannot be.
        """
        known = [item.name for item in fields(self)]
        for key in changes:
            if key not in known:
                raise InputError("is no characteristic of a train", where=key, hint=f"one of {', '.join(known)}")
        for key in ("traction", "protection", "dangerous_goods", "locomotives"):
            if key in changes:
                if not isinstance(changes[key], list | tuple):
                    raise InputError("must be a list", where=key, hint=f'["{changes[key]}"]')
                changes[key] = tuple(changes[key])
        if "assumed" not in changes:
            changes["assumed"] = {key: why for key, why in self.assumed.items() if key not in changes}
        return replace(self, **changes)


def check_dangerous_goods(code: str) -> None:
    """Check one RID class or division, with compatibility group for class 1.

    Raises
    ------
    InputError
        If there is no such class, division or group.
    """
    table = row_by_name("dangerous_goods", "code")
    if not isinstance(code, str):
        raise InputError(f"must be in quotes: {code!r}", where="dangerous_goods", hint=f'"{code}"')
    if code in table:
        return
    division, group = code[:-1], code[-1:]
    if division in table and group in words(table[division], "compatibility_groups"):
        return
    if division in table and words(table[division], "compatibility_groups"):
        allowed = ", ".join(words(table[division], "compatibility_groups"))
        raise InputError(
            f"division {division} has no compatibility group {group!r}",
            where="dangerous_goods",
            hint=f"one of {allowed}",
        )
    raise InputError(
        f"there is no class of dangerous goods {code!r}",
        where="dangerous_goods",
        hint=f"one of {', '.join(table)}; class 1 with its compatibility group, such as 1.1D",
    )


def _one_of(where: str, values: Iterable[str], allowed: Iterable[str], *, at_least_one: bool = False) -> None:
    known = list(allowed)
    given = list(values)
    if at_least_one and not given:
        raise InputError("must name at least one", where=where, hint=", ".join(known))
    for value in given:
        if value not in known:
            raise InputError(f"does not know {value!r}", where=where, hint=f"one of {', '.join(known)}")

"""Reader of RailJSON: the parts of an infrastructure and of a rolling stock that decide running times.

RailJSON (OSRD, versions 3 and 6): lengths in m, speeds in m/s, gradients in per mille; switch ports by track end
``BEGIN`` and ``END``; rolling stock in kg, N, N/(m/s), N/(m/s)^2, with ``gamma`` the braking rate.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from weerspoor.common.errors import InputError

BEGIN, END = "BEGIN", "END"


@dataclass(frozen=True)
class Range:
    """A value on a stretch along a path, metres from its start."""

    from_m: float
    to_m: float
    value: Any


@dataclass(frozen=True)
class RailPath:
    """What a train meets along a route.

    Attributes
    ----------
    length_m : float
    tracks : list of (str, bool, float)
        Track, whether it is run from BEGIN to END, and place along the path of the end where it is entered.
    limits : list of Range
        Speed limits in m/s. Stretches may overlap: the least holds.
    gradients : list of Range
        Per mille, rising positive in the direction of running.
    wires : list of Range
        Electrification, such as ``25000V``. No range where there is no wire.
    neutral : list of Range
        Neutral sections; the value tells whether the pantograph is lowered.
    """

    length_m: float
    tracks: list[tuple[str, bool, float]]
    limits: list[Range]
    gradients: list[Range]
    wires: list[Range]
    neutral: list[Range]

    def at(self, track: str, position_m: float, lengths: dict[str, float]) -> float:
        """Return the place along the path of a position on a track.

        Raises
        ------
        InputError
            If the path does not run over the track.
        """
        for name, forward, start_m in self.tracks:
            if name == track:
                return start_m + (position_m if forward else lengths[track] - position_m)
        raise InputError(f"the path does not run over track {track}")


@dataclass(frozen=True)
class Infrastructure:
    """The parts of a RailJSON infrastructure that decide running times."""

    length_m: dict[str, float]
    slopes: dict[str, list[Range]]
    joined: dict[tuple[str, str], set[tuple[str, str]]]
    """Track end to the track ends that a switch joins it to."""
    points: dict[str, list[tuple[str, float]]]
    """Name of an operational point to its places."""
    ranges: list[tuple[str, str, float, float, str, Any]] = field(repr=False)
    """(kind, track, begin, end, directions, value) of speed limits, wires and neutral sections."""

    def path(self, tracks: list[str]) -> RailPath:
        """Return what a train meets over these tracks, in order.

        Raises
        ------
        InputError
            If there is no such track, two of them are not joined, or the direction of a single one is open.
        """
        forward = self._directions(tracks)
        starts = [0.0, *itertools.accumulate(self.length_m[track] for track in tracks)]
        gradients: list[Range] = []
        found: dict[str, list[Range]] = {"limit": [], "wire": [], "neutral": []}
        for track, ahead, start_m in zip(tracks, forward, starts, strict=False):
            for slope in self.slopes[track]:
                value = slope.value if ahead else -slope.value
                gradients.append(Range(*self._along(track, ahead, start_m, slope.from_m, slope.to_m), value))
            for kind, on, begin, end, directions, value in self.ranges:
                wanted = "START_TO_STOP" if ahead else "STOP_TO_START"
                if on == track and directions in ("BOTH", wanted):
                    found[kind].append(Range(*self._along(track, ahead, start_m, begin, end), value))
        return RailPath(
            length_m=starts[-1],
            tracks=list(zip(tracks, forward, starts[:-1], strict=True)),
            limits=found["limit"],
            gradients=sorted(gradients, key=lambda item: item.from_m),
            wires=sorted(found["wire"], key=lambda item: item.from_m),
            neutral=sorted(found["neutral"], key=lambda item: item.from_m),
        )

    def _along(self, track: str, ahead: bool, start_m: float, begin: float, end: float) -> tuple[float, float]:
        if ahead:
            return start_m + begin, start_m + end
        return start_m + self.length_m[track] - end, start_m + self.length_m[track] - begin

    def _directions(self, tracks: list[str]) -> list[bool]:
        for track in tracks:
            if track not in self.length_m:
                raise InputError(f"there is no track {track}")
        if len(tracks) < 2:
            return [True for _ in tracks]
        forward: list[bool] = []
        for track, following in itertools.pairwise(tracks):
            leaving = [
                (end, entered)
                for end in (BEGIN, END)
                for name, entered in self.joined.get((track, end), set())
                if name == following and (not forward or end == (END if forward[-1] else BEGIN))
            ]
            if len(leaving) != 1:
                raise InputError(f"tracks {track} and {following} are not joined by one passage")
            end, entered = leaving[0]
            if not forward:
                forward.append(end == END)
            forward.append(entered == BEGIN)
        return forward


@dataclass(frozen=True)
class EffortCurve:
    """Tractive effort in N at speeds in m/s, and when it holds."""

    speeds_ms: list[float]
    efforts_n: list[float]
    comfort: str | None
    profile_level: str | None
    power_restriction: str | None


@dataclass(frozen=True)
class RollingStock:
    """The parts of a RailJSON rolling stock that decide running times."""

    name: str
    length_m: float
    mass_kg: float
    max_speed_ms: float
    inertia: float
    a_n: float
    b_n_per_ms: float
    c_n_per_ms2: float
    braking_ms2: float
    default_mode: str
    electric_modes: set[str]
    curves: dict[str, list[EffortCurve]]
    """By mode; the default curve of the mode comes last, without conditions."""

    def effort(self, mode: str, comfort: str = "STANDARD") -> EffortCurve:
        """Return the curve of a mode without power restriction or electrical profile, else its default curve.

        Raises
        ------
        InputError
            If it has no such mode.
        """
        if mode not in self.curves:
            raise InputError(f"{self.name} has no mode {mode}", hint=", ".join(self.curves))
        for curve in self.curves[mode]:
            if curve.comfort == comfort and curve.profile_level is None and curve.power_restriction is None:
                return curve
        return self.curves[mode][-1]


def read_infrastructure(path: Path) -> Infrastructure:
    """Read a RailJSON infrastructure.

    Raises
    ------
    InputError
        If the file cannot be read or is no RailJSON infrastructure.
    """
    data = _read(path)
    try:
        ranges: list[tuple[str, str, float, float, str, Any]] = []
        for section in data["speed_sections"]:
            if section.get("on_routes"):
                continue
            for part in section["track_ranges"]:
                if section["speed_limit"] is not None:
                    ranges.append(_range("limit", part, "applicable_directions", float(section["speed_limit"])))
        for wire in data.get("electrifications", []):
            for part in wire["track_ranges"]:
                ranges.append(_range("wire", part, "applicable_directions", wire["voltage"]))
        for neutral in data.get("neutral_sections", []):
            for part in neutral["track_ranges"]:
                ranges.append(_range("neutral", part, "direction", bool(neutral["lower_pantograph"])))
        joined: dict[tuple[str, str], set[tuple[str, str]]] = {}
        for switch in data["switches"]:
            ports = {name: (end["track"], end["endpoint"]) for name, end in switch["ports"].items()}
            for one, other in _passages(switch["switch_type"], list(ports)):
                joined.setdefault(ports[one], set()).add(ports[other])
                joined.setdefault(ports[other], set()).add(ports[one])
        return Infrastructure(
            length_m={track["id"]: float(track["length"]) for track in data["track_sections"]},
            slopes={
                track["id"]: [Range(s["begin"], s["end"], float(s["gradient"])) for s in track["slopes"]]
                for track in data["track_sections"]
            },
            joined=joined,
            points={
                point["extensions"]["identifier"]["name"]: [(p["track"], float(p["position"])) for p in point["parts"]]
                for point in data["operational_points"]
                if "identifier" in (point.get("extensions") or {})
            },
            ranges=ranges,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"is no RailJSON infrastructure: {error!r}", where=str(path)) from error


def read_rolling_stock(path: Path) -> RollingStock:
    """Read a RailJSON rolling stock.

    Raises
    ------
    InputError
        If the file cannot be read, is no RailJSON rolling stock, or its braking rate is not constant.
    """
    data = _read(path)
    try:
        if data["gamma"]["type"] not in ("CONST", "MAX"):
            raise InputError(f"has a braking rate of type {data['gamma']['type']}", where=str(path), hint="CONST")
        resistance = data["rolling_resistance"]
        modes = data["effort_curves"]["modes"]
        curves: dict[str, list[EffortCurve]] = {}
        for mode, content in modes.items():
            curves[mode] = [
                EffortCurve(
                    item["curve"]["speeds"],
                    item["curve"]["max_efforts"],
                    item["cond"].get("comfort"),
                    item["cond"].get("electrical_profile_level"),
                    item["cond"].get("power_restriction_code"),
                )
                for item in content["curves"]
            ]
            default = content["default_curve"]
            curves[mode].append(EffortCurve(default["speeds"], default["max_efforts"], None, None, None))
        return RollingStock(
            name=data["name"],
            length_m=float(data["length"]),
            mass_kg=float(data["mass"]),
            max_speed_ms=float(data["max_speed"]),
            inertia=float(data["inertia_coefficient"]),
            a_n=float(resistance["A"]),
            b_n_per_ms=float(resistance["B"]),
            c_n_per_ms2=float(resistance["C"]),
            braking_ms2=float(data["gamma"]["value"]),
            default_mode=data["effort_curves"].get("default_mode") or next(iter(modes)),
            electric_modes={mode for mode, content in modes.items() if content["is_electric"]},
            curves=curves,
        )
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        raise InputError(f"is no RailJSON rolling stock: {error!r}", where=str(path)) from error


def _passages(kind: str, ports: list[str]) -> list[tuple[str, str]]:
    """Return the pairs of ports that a switch joins: never leg to leg."""
    fixed = {
        "point_switch": [("A", "B1"), ("A", "B2")],
        "link": [("A", "B")],
        "crossing": [("A1", "B1"), ("A2", "B2")],
        "single_slip_switch": [("A1", "B1"), ("A2", "B2"), ("A1", "B2")],
        "double_slip_switch": [("A1", "B1"), ("A2", "B2"), ("A1", "B2"), ("A2", "B1")],
    }
    if kind not in fixed:
        raise ValueError(f"switch type {kind}")
    return [pair for pair in fixed[kind] if set(pair) <= set(ports)]


def _range(kind: str, part: dict[str, Any], directions: str, value: Any) -> tuple[str, str, float, float, str, Any]:
    return kind, part["track"], float(part["begin"]), float(part["end"]), part[directions], value


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except ValueError as error:
        raise InputError(f"is no JSON: {error}", where=str(path)) from error

"""Readers of the infrastructure manager's published track model (openspoor, version 17, June 2021)."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SOURCE = Path(__file__).resolve().parents[3] / "shared" / "data"
OPENSPOOR = SOURCE / "openspoor_v17"
LICENCE = "MIT, (c) 2022 ProRail-DataLab"
DESCRIBED = "openspoor version 17 (ProRail, June 2021)"


def number(text: str) -> float | None:
    """Return a number written with a decimal comma; None for an empty field or a word."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


@cache
def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of one table of the track model, such as ``SPOORTAK``."""
    with (OPENSPOOR / f"{name}_17.csv").open(encoding="latin1", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


@cache
def track_rows() -> dict[str, dict[str, str]]:
    """Return the rows of the tracks by name, sorted by name: the order of tracks everywhere in the package."""
    by_name = {row["SPOORTAK_IDENTIFICATIE"]: row for row in rows("SPOORTAK")}
    return {name: by_name[name] for name in sorted(by_name)}


@cache
def length_m() -> dict[str, float]:
    """Return the length of every track, by name, in that order."""
    return {name: round((number(row["LENGTE_GEOM"]) or 0.0) * 1000, 3) for name, row in track_rows().items()}


@cache
def geometry() -> dict[str, Any]:
    """Return the centre line of every track (shapely, EPSG:28992, metres), with rising chainage.

    The records of the shape file stand in the order of the table.
    """
    import pyogrio
    import shapely

    _, _, shapes, _ = pyogrio.raw.read(OPENSPOOR / "SPOORTAK_17.shp")
    lines = shapely.from_wkb(shapes)
    by_name = {row["SPOORTAK_IDENTIFICATIE"]: line for row, line in zip(rows("SPOORTAK"), lines, strict=True)}
    return {name: by_name[name] for name in track_rows()}


def at(track: str, chainage_m: float) -> npt.NDArray[np.float64]:
    """Return the place (x, y in EPSG:28992) of a chainage on a track."""
    import shapely

    line = geometry()[track]
    share = chainage_m / max(length_m()[track], 1e-6)
    point = shapely.line_interpolate_point(line, min(max(share, 0.0), 1.0), normalized=True)
    return np.asarray(shapely.get_coordinates(point)[0], dtype=np.float64)


def geocode_near(track: str, chainage_m: float) -> tuple[str, str]:
    """Return the code and name of the place at the nearer end of a track."""
    row = track_rows()[track]
    end = "BEGIN" if chainage_m <= length_m()[track] / 2 else "EIND"
    return row[f"GEOCODE_{end}"], row[f"NAAM_GEOCODE_{end}"]

"""The tables of the package: each says what it holds, from where, under which licence and how certain."""

import tomllib
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from weerspoor.network.load import CORE_TABLES, DATA, OTHER_TABLES
from weerspoor.network.model import ASSUMED, LIKELY, SURE

TABLES = sorted(DATA.glob("*.parquet"))


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_sidecar_describes_every_column(path: Path) -> None:
    """Each column of a Parquet table has unit, meaning and certainty in its sidecar, and the sidecar no other."""
    with path.with_suffix(".meta.toml").open("rb") as file:
        meta = tomllib.load(file)
    assert all(meta[key] for key in ("description", "source", "licence"))
    assert set(meta["columns"]) == set(pq.read_schema(path).names)
    for column in meta["columns"].values():
        assert column["unit"]
        assert column["meaning"]
        assert column["certainty"] in (SURE, LIKELY, ASSUMED)


def test_no_sidecar_without_table() -> None:
    """A sidecar whose table is gone would mislead."""
    assert {p.name.removesuffix(".meta.toml") for p in DATA.glob("*.meta.toml")} == {p.stem for p in TABLES}


def test_the_network_stays_small() -> None:
    """All tables of the network together take less than 8 MB."""
    names = {*CORE_TABLES, *OTHER_TABLES, "crossings"}
    assert sum(path.stat().st_size for path in TABLES if path.stem in names) < 8_000_000


def test_hand_written_data_can_be_read() -> None:
    """Every TOML file of the data is well formed."""
    for path in DATA.glob("*.toml"):
        with path.open("rb") as file:
            tomllib.load(file)

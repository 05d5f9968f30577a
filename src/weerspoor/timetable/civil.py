"""The kernel's trains of the civil kinds, and what the builder of a day weighs."""

from __future__ import annotations

import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from weerspoor.kernel.graph import TrainModel
from weerspoor.kernel.motion import WIDEN_S
from weerspoor.network.model import Network
from weerspoor.timetable.build import BuildNorms
from weerspoor.timetable.corridor import CorridorNorms
from weerspoor.trains.access import DIRECTION, access
from weerspoor.trains.catalogue import civil_kind
from weerspoor.trains.kernel_model import train_model

SETTINGS = Path(__file__).parents[1] / "data" / "day_building.toml"


class CivilModels:
    """The kernel's train by civil kind, made once each, and the length of each kind.

    Trains may run on either track of a line: which one they take by preference, the builder decides. Passenger trains
    stop where they call and nowhere else.

    Parameters
    ----------
    network : Network
    settings : dict
        As from :func:`building_settings`.
    """

    def __init__(self, network: Network, settings: dict[str, Any]) -> None:
        self.network = network
        self.slower = float(settings["slower"])
        self.made: dict[str, TrainModel] = {}
        self.length_m: dict[str, float] = {}

    def __call__(self, kind: str) -> TrainModel:
        """Return the model of a kind of train.

        Raises
        ------
        weerspoor.common.errors.InputError
            If there is no such kind.
        """
        if kind not in self.made:
            train = civil_kind(kind)
            self.length_m[kind] = train.length_m
            allowed = access(self.network, train)
            either = replace(allowed, allowed=(allowed.reasons & ~np.uint16(DIRECTION)) == 0)
            model = train_model(self.network, train, either)
            # The kernel widens what a train holds for times published in steps; those of a day are whole seconds.
            model = replace(
                model, setup_s=max(model.setup_s - WIDEN_S, 0.0), release_s=max(model.release_s - WIDEN_S, 0.0)
            )
            if train.is_passenger:
                model = replace(model, slower=self.slower, may_stop=np.zeros_like(model.may_stop))
            self.made[kind] = model
        return self.made[kind]


def building_settings(path: Path = SETTINGS) -> tuple[BuildNorms, dict[str, Any]]:
    """Return the builder's norms, and its other settings."""
    settings = tomllib.loads(path.read_text(encoding="utf-8"))
    values = {field.name: settings[field.name] for field in fields(BuildNorms)}
    return BuildNorms(**{**values, "corridor": CorridorNorms(**settings["corridor"])}), settings

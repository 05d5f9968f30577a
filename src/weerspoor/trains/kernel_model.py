"""The train as the kernel sees it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from weerspoor.kernel.graph import TrainModel
from weerspoor.network.model import PROTECTIONS
from weerspoor.trains.braking import braking
from weerspoor.trains.tables import norm
from weerspoor.trains.traction import acceleration_curve

if TYPE_CHECKING:
    from weerspoor.network.model import Network
    from weerspoor.trains.access import Access
    from weerspoor.trains.model import Train
    from weerspoor.trains.turning import Turning

ETCS = "ETCS"
"""The train protection with authority as far ahead as braking needs, whatever the distance of signals."""


def train_model(
    network: Network, train: Train, access: Access, *, slack_s: float = 0.0, turning: Turning | None = None
) -> TrainModel:
    """Return the kernel's model of a train on a network.

    The supplement is a slower clock: every time of the train's least running is stretched by 1 + supplement.
    Places stay the same, speeds are divided by it, accelerations and braking by its square; so the kernel's
    running time is exactly 1 + supplement times the least one.

    Parameters
    ----------
    network : Network
    train : Train
    access : Access
        Where it may go, how fast, where it may stand and what it keeps empty.
    slack_s : float
        Distance to the trains before and after that is wanted beyond the norm.
    turning : Turning, optional
        Where it may turn back on the way, and how long that takes; without it the train does not.

    Raises
    ------
    InputError
        If its engines cannot move it.
    """
    group = train.norm_group
    supplement = norm(group, "supplement")
    stretch = 1.0 + supplement
    v, t, s = _stretched_curve(train, stretch)
    brakes = braking(train)
    by_signals = np.float32(min(train.max_speed_kmh, brakes.max_speed_kmh))
    by_etcs = np.float32(train.max_speed_kmh) if ETCS in train.protection else by_signals
    track_kmh, has_etcs = _by_direction(network)
    speed_kmh = np.minimum(track_kmh, np.where(has_etcs, by_etcs, by_signals))
    speed_kmh = np.minimum(speed_kmh, access.speed_cap_kmh)
    speed_ms = np.minimum(speed_kmh / np.float32(3.6 * stretch), np.float32(v[-1]))
    return TrainModel(
        speed_ms=np.where(access.allowed, speed_ms, np.float32(0)).astype(np.float32),
        may_stop=access.may_stop,
        length_m=train.length_m,
        accel_v=v,
        accel_t=t,
        accel_s=s,
        braking_ms2=brakes.planned_ms2 / stretch**2,
        setup_s=norm(group, "setup_s") + slack_s,
        sighting_s=norm(group, "sighting_s"),
        release_s=norm(group, "release_s") + slack_s,
        slower=norm(group, "slower"),
        min_stop_s=norm(group, "min_stop_s"),
        kind=train.occupies,
        keep_start=access.keep_start,
        keep_zone=access.keep_zone,
        keep_mask=access.keep_mask,
        supplement=supplement,
        may_turn=turning.may_turn if turning is not None else None,
        turn_s=turning.least_s if turning is not None else 0.0,
    )


Floats = npt.NDArray[np.float64]


@lru_cache(maxsize=4096)
def _stretched_curve(train: Train, stretch: float) -> tuple[Floats, Floats, Floats]:
    curve = acceleration_curve(train)
    return curve.v_ms / stretch, curve.t_s * stretch, curve.s_m


def _by_direction(network: Network) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Return speed limit and presence of ETCS by directed piece, made once per network."""
    key = "trains.kernel_model"
    if key not in network.cache:
        has_etcs = network.permissions.protection & (1 << PROTECTIONS.index(ETCS)) != 0
        network.cache[key] = (np.repeat(network.pieces.speed_kmh, 2), np.repeat(has_etcs, 2))
    found = network.cache[key]
    assert isinstance(found, tuple)
    return found

"""Passengers and turns of a day that gets or loses a train."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from weerspoor.timetable.day import Passengers, Turns

BY_CALL = ("boarding", "alighting", "aboard", "estimated", "wait_s")
BY_CONNECTION = (
    "connection_from",
    "connection_to",
    "connection_passengers",
    "connection_spare_s",
    "connection_wait_s",
)


def with_empty_calls(passengers: Passengers, count: int) -> Passengers:
    """Return the passengers of a day that has got a train without any, with ``count`` calls, as its last."""
    nobody = np.zeros(count, np.float32)
    by_call = {name: np.concatenate([getattr(passengers, name), nobody]) for name in BY_CALL}
    by_connection = {name: getattr(passengers, name) for name in BY_CONNECTION}
    return Passengers(**by_call, **by_connection)


def passengers_at(passengers: Passengers, kept: npt.NDArray[np.bool_]) -> Passengers:
    """Return the passengers at the calls that are kept; connections to or from others are left out.

    Parameters
    ----------
    passengers : Passengers
    kept : (k,) bool
        Whole trains only: who is aboard is not counted anew.
    """
    number = np.cumsum(kept, dtype=np.int32) - 1
    both = kept[passengers.connection_from] & kept[passengers.connection_to]
    by_call = {name: getattr(passengers, name)[kept] for name in BY_CALL}
    by_connection = {name: getattr(passengers, name)[both] for name in BY_CONNECTION}
    for name in ("connection_from", "connection_to"):
        by_connection[name] = number[by_connection[name]].astype(np.int32)
    return Passengers(**by_call, **by_connection)


def without_train(turns: Turns, gone: int) -> Turns:
    """Return the turns of a day from which one train was taken, its later trains being renumbered."""
    both = (turns.turn_from != gone) & (turns.turn_to != gone)

    def renumbered(trains: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        numbers: npt.NDArray[np.int32] = (trains[both] - (trains[both] > gone)).astype(np.int32)
        return numbers

    return Turns(renumbered(turns.turn_from), renumbered(turns.turn_to), turns.turn_least_s[both])

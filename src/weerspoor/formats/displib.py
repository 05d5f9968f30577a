"""Writing fixed occupations in the DISPLIB train-dispatching format, so that a foreign verifier can check them.

A train that holds resources from given to given second becomes a chain of operations whose start is fixed
(``start_lb = start_ub``). An operation begins whenever the train takes new resources, names only those, and each
resource's release time keeps it closed until the second it is given back. So the file has one use per resource and
visit, however many zones a train holds at once. Wherever it can, an operation ends at least a second before the first
of its resources is free again; then events of one second need no order among trains.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from weerspoor.common.errors import InputError

_LINES = 10_000

Use = tuple[str, int, int]
"""A resource, the second from which it is held, and the second from which it is free."""


class Operation(NamedTuple):
    """An operation with a fixed start.

    Attributes
    ----------
    start_s : int
    uses : tuple of (str, int)
        Resource and release time in seconds.
    """

    start_s: int
    uses: tuple[tuple[str, int], ...]


def operations(held: Iterable[Use]) -> list[Operation]:
    """Return the chain of operations of one train; the last one, its exit, holds nothing.

    Parameters
    ----------
    held : iterable of (resource, from_s, until_s)
        In any order; intervals are ``from_s <= t < until_s``. Those of one resource may overlap.

    Raises
    ------
    ValueError
        If there is no interval, or one is empty or begins before second 0.

    Examples
    --------
    >>> operations([("a", 10, 30), ("b", 20, 40)])
    [Operation(start_s=10, uses=(('a', 10),)), Operation(start_s=20, uses=(('b', 1),)), Operation(start_s=39, uses=())]
    """
    by_start: dict[int, list[tuple[str, int]]] = {}
    for resource, from_s, until_s in held:
        if not 0 <= from_s < until_s:
            raise ValueError(f"{resource} is held from {from_s} until {until_s}")
        by_start.setdefault(from_s, []).append((resource, until_s))
    if not by_start:
        raise ValueError("a train holds nothing")
    starts = sorted(by_start)
    made: list[Operation] = []
    for number, start in enumerate(starts):
        taken = by_start[start]
        first_free = min(until for _, until in taken)
        last = number + 1 == len(starts)
        end = first_free - 1 if last else min(starts[number + 1], first_free - 1)
        end = max(end, start + 1)
        made.append(Operation(start, tuple((resource, until - end) for resource, until in sorted(taken))))
        if last or end < starts[number + 1] or end == first_free:
            made.append(Operation(end, ()))
    return made


def displib_problem(trains: Sequence[Iterable[Use]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return problem and solution of fixed occupations, for small numbers of trains.

    Parameters
    ----------
    trains : sequence of iterable of (resource, from_s, until_s)
        What each train holds.

    Returns
    -------
    problem, solution : dict
        Ready for ``json.dump``. The solution is feasible exactly if no resource is held by two trains at once.
    """
    chains = [operations(held) for held in trains]
    problem = {"trains": [_train(chain) for chain in chains], "objective": []}
    events = [
        {"time": chain[number].start_s, "train": train, "operation": number}
        for train, number, chain in _in_order(chains)
    ]
    return problem, {"objective_value": 0, "events": events}


def write_displib(trains: Iterable[Iterable[Use]], folder: Path) -> tuple[int, int]:
    """Write ``problem.json`` and ``solution.json`` train by train, without holding the problem in memory.

    Parameters
    ----------
    trains : iterable of iterable of (resource, from_s, until_s)
    folder : Path
        Made when it is not there.

    Returns
    -------
    trains, operations : int
        How many were written.

    Raises
    ------
    InputError
        If the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        times: list[int] = []
        takes: list[bool] = []
        counts: list[int] = []
        _write_lines(folder / "problem.json", _problem_lines(trains, times, takes, counts))
        _write_lines(folder / "solution.json", _solution_lines(times, takes, counts))
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", where=str(folder)) from error
    return len(counts), len(times)


def _problem_lines(
    trains: Iterable[Iterable[Use]], times: list[int], takes: list[bool], counts: list[int]
) -> Iterator[str]:
    """Yield the text of a problem, and note the start of every operation for the solution."""
    quoted: dict[str, str] = {}
    yield '{"trains": ['
    for held in trains:
        chain = operations(held)
        times += [operation.start_s for operation in chain]
        takes += [bool(operation.uses) for operation in chain]
        yield ("\n" if not counts else ",\n") + _train_text(chain, quoted)
        counts.append(len(chain))
    yield '\n], "objective": []}\n'


def _solution_lines(times: list[int], takes: list[bool], counts: list[int]) -> Iterator[str]:
    start = np.array(times, np.int64)
    train = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum([0, *counts])[:-1]
    number = np.arange(len(times)) - np.repeat(first, counts)
    yield '{"objective_value": 0, "events": ['
    order = np.lexsort((number, train, np.array(takes, bool), start))
    before = ""
    for low in range(0, len(order), _LINES):
        part = order[low : low + _LINES]
        rows = zip(start[part].tolist(), train[part].tolist(), number[part].tolist(), strict=True)
        text = ",\n".join(f'{{"time":{time},"train":{index},"operation":{step}}}' for time, index, step in rows)
        yield f"{before}\n{text}"
        before = ","
    yield "\n]}\n"


def _train_text(chain: list[Operation], quoted: dict[str, str]) -> str:
    """Return a train as JSON; ``quoted`` remembers the opening of each use by resource."""
    parts = []
    last = len(chain) - 1
    for number, operation in enumerate(chain):
        named = []
        for name, release in operation.uses:
            opening = quoted.get(name)
            if opening is None:
                opening = quoted[name] = f'{{"resource":{json.dumps(name)},"release_time":'
            named.append(f"{opening}{release}}}")
        start, onward = operation.start_s, number + 1 if number < last else ""
        parts.append(
            f'{{"start_lb":{start},"start_ub":{start},"resources":[{",".join(named)}],"successors":[{onward}]}}'
        )
    return f"[{','.join(parts)}]"


def _train(chain: list[Operation]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for number, operation in enumerate(chain):
        made.append(
            {
                "start_lb": operation.start_s,
                "start_ub": operation.start_s,
                "resources": [{"resource": name, "release_time": release} for name, release in operation.uses],
                "successors": [number + 1] if number + 1 < len(chain) else [],
            }
        )
    return made


def _in_order(chains: list[list[Operation]]) -> list[tuple[int, int, list[Operation]]]:
    """Return (train, operation, chain) by start; in one second, those that take nothing come first."""
    every = [(train, number, chain) for train, chain in enumerate(chains) for number in range(len(chain))]
    every.sort(key=lambda event: (event[2][event[1]].start_s, bool(event[2][event[1]].uses), event[0], event[1]))
    return every


def _write_lines(path: Path, lines: Iterator[str]) -> None:
    """Write a text file whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(lines)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

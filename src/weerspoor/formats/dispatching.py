"""Train-dispatching problems and their solutions in the DISPLIB 2025 format: read, checked and written.

Times are whole seconds. Trains, operations and everything else that is counted begin at 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from weerspoor.common.errors import InputError
from weerspoor.common.files import write_whole

MOST = 1 << 31
"""No number in a file is larger."""

HORIZON_S = 1 << 38
"""No plan may have to last longer."""

Whole = Annotated[int, msgspec.Meta(ge=0, le=MOST)]


class Use(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A resource an operation needs, and how long it stays closed to other trains afterwards."""

    resource: str
    release_time: Whole = 0


class Operation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A step of a train: least duration, bounds of its start, resources, and which operations may follow."""

    min_duration: Whole = 0
    start_lb: Whole = 0
    start_ub: Whole | msgspec.UnsetType = msgspec.UNSET
    resources: tuple[Use, ...] = ()
    successors: tuple[int, ...] = ()


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A part of the objective.

    It costs ``coeff`` for each second that an operation starts after ``threshold``, and ``increment`` once when it
    starts then or later.
    """

    type: Literal["op_delay"]
    train: int
    operation: int
    threshold: Whole = 0
    increment: Whole = 0
    coeff: Whole = 0


class Problem(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Trains, each a graph of operations in topological order, and what is to be least."""

    trains: tuple[tuple[Operation, ...], ...]
    objective: tuple[Part, ...] = ()


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The start of an operation."""

    time: int
    train: int
    operation: int


class Solution(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The events of all trains in order, and what they cost."""

    objective_value: int
    events: tuple[Event, ...]


def read_problem(path: Path) -> Problem:
    """Read a problem.

    Raises
    ------
    InputError
        If the file cannot be read or is not of the format; it names the place, such as
        ``trains[3][12].successors: 40 is not an operation of this train``.
    """
    content = _read(path)
    try:
        problem = msgspec.json.decode(content, type=Problem)
    except msgspec.DecodeError as error:
        raise _mistake(path, content, error, Problem) from error
    try:
        check_problem(problem)
    except InputError as error:
        raise InputError(error.message, where=f"{path}: {error.where}", hint=error.hint) from None
    return problem


def read_solution(path: Path) -> Solution:
    """Read a solution; whether it solves anything is not looked at.

    Raises
    ------
    InputError
        If the file cannot be read or is not of the format.
    """
    content = _read(path)
    try:
        return msgspec.json.decode(content, type=Solution)
    except msgspec.DecodeError as error:
        raise _mistake(path, content, error, Solution) from error


def to_json(value: Problem | Solution) -> bytes:
    """Return a problem or solution as the content of a file."""
    return msgspec.json.encode(value) + b"\n"


def write_solution(path: Path, solution: Solution) -> None:
    """Write a solution, whole or not at all."""
    write_whole(path, to_json(solution))


def write_trains(path: Path, trains: Iterable[tuple[Operation, ...]]) -> None:
    """Write a problem without an objective, train by train, whole or not at all."""
    write_whole(path, _rows(b'{"trains":[', map(msgspec.json.encode, trains), b'],"objective":[]}\n'))


def write_events(path: Path, objective_value: int, events: Iterable[Event]) -> None:
    """Write a solution, event by event, whole or not at all."""
    head = b'{"objective_value":%d,"events":[' % objective_value
    write_whole(path, _rows(head, map(msgspec.json.encode, events), b"]}\n"))


def _rows(head: bytes, rows: Iterable[bytes], tail: bytes) -> Iterator[bytes]:
    """Yield the parts of a file with one row in a line."""
    yield head
    before = b"\n"
    for row in rows:
        yield before + row
        before = b",\n"
    yield b"\n" + tail


def check_problem(problem: Problem) -> None:
    """Refuse a problem whose numbers do not belong together.

    Raises
    ------
    InputError
        With the place, such as ``objective[4].train``.
    """
    longest_s = latest_s = 0
    for i, train in enumerate(problem.trains):
        n = len(train)
        if n == 0:
            raise InputError("has no operation", where=f"trains[{i}]")
        reached = [False] * n
        reached[0] = True
        for k, operation in enumerate(train):
            for s in operation.successors:
                if not k < s < n:
                    raise _wrong_successor(i, k, s, n)
                reached[s] = True
            if not operation.successors and k < n - 1:
                raise InputError(
                    f"is empty, but only the last operation, {n - 1}, is the exit", where=f"trains[{i}][{k}].successors"
                )
            closed_s = max([use.release_time for use in operation.resources], default=0)
            longest_s += operation.min_duration + closed_s
            latest_s = max(latest_s, operation.start_lb)
        if not all(reached):
            k = reached.index(False)
            raise InputError("follows no operation, but only operation 0 is the entry", where=f"trains[{i}][{k}]")
    if longest_s + latest_s > HORIZON_S:
        raise InputError("last too long all together", where="trains", hint=f"less than {HORIZON_S} s")
    for number, part in enumerate(problem.objective):
        if not 0 <= part.train < len(problem.trains):
            raise InputError(f"{part.train} is not a train", where=f"objective[{number}].train")
        if not 0 <= part.operation < len(problem.trains[part.train]):
            raise InputError(
                f"{part.operation} is not an operation of train {part.train}", where=f"objective[{number}].operation"
            )


def objective_value(problem: Problem, events: tuple[Event, ...]) -> int:
    """Return what the events of a solution cost."""
    starts = {(event.train, event.operation): event.time for event in events}
    total = 0
    for part in problem.objective:
        time = starts.get((part.train, part.operation))
        if time is not None and time >= part.threshold:
            total += part.coeff * (time - part.threshold) + part.increment
    return total


def broken_rule(problem: Problem, solution: Solution) -> str:
    """Return the first rule of the format that a solution breaks; "" when it is feasible and its value is right.

    The events are gone through in their order: who holds which resource, and how long it stays closed to others.
    """
    here: list[tuple[int, int] | None] = [None] * len(problem.trains)
    holder: dict[str, int] = {}
    closed: dict[str, list[tuple[int, int]]] = {}
    now = 0
    for number, event in enumerate(solution.events):
        where, time, train = f"events[{number}]", event.time, event.train
        if time < now:
            return f"{where}: {time} is before {now}, the time of the event before"
        now = time
        if not 0 <= train < len(problem.trains):
            return f"{where}: {train} is not a train"
        operations = problem.trains[train]
        if not 0 <= event.operation < len(operations):
            return f"{where}: {event.operation} is not an operation of train {train}"
        operation = operations[event.operation]
        upper_s = time if operation.start_ub is msgspec.UNSET else operation.start_ub
        if not operation.start_lb <= time <= upper_s:
            return f"{where}: {time} is not within the bounds of operation {event.operation} of train {train}"
        last = here[train]
        if last is None:
            if event.operation != 0:
                return f"{where}: train {train} does not begin at its entry"
        else:
            before = operations[last[0]]
            if event.operation not in before.successors:
                return f"{where}: operation {event.operation} of train {train} does not follow operation {last[0]}"
            if time < last[1] + before.min_duration:
                return f"{where}: operation {last[0]} of train {train} is not over at {time}"
            for use in before.resources:
                holder.pop(use.resource, None)
                if use.release_time:
                    closed.setdefault(use.resource, []).append((train, time + use.release_time))
        for use in operation.resources:
            name = use.resource
            if holder.setdefault(name, train) != train:
                return f"{where}: resource {name} is held by train {holder[name]} when train {train} needs it"
            if name in closed:
                closed[name] = [row for row in closed[name] if row[1] > time]
                for other, until in closed[name]:
                    if other != train:
                        return f"{where}: resource {name} is closed until {until} behind train {other}"
        here[train] = (event.operation, time)
    for train, last in enumerate(here):
        if last is None or last[0] != len(problem.trains[train]) - 1:
            return f"train {train} does not come to its exit"
    value = objective_value(problem, solution.events)
    return "" if value == solution.objective_value else f"objective_value: is {solution.objective_value}, not {value}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error


def _wrong_successor(train: int, operation: int, successor: int, n: int) -> InputError:
    where = f"trains[{train}][{operation}].successors"
    if 0 <= successor < n:
        return InputError(f"{successor} does not stand behind it: operations are in topological order", where=where)
    return InputError(f"{successor} is not an operation of this train", where=where)


def _mistake(path: Path, content: bytes, error: msgspec.DecodeError, kind: type[Problem | Solution]) -> InputError:
    """Return the error that names the place in the file."""
    try:
        given = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return InputError(str(error), where=str(path), hint="JSON was expected")
    place, message = _find_place(given, kind) or ("", str(error))
    text, _, inside = message.partition(" - at `$")
    if inside:
        place += inside.rstrip("`")
    text = text.replace("Object contains unknown field", "unknown key").replace("Object missing required", "has no")
    text = text[:1].lower() + text[1:]
    return InputError(text, where=f"{path}: {place.lstrip('.')}" if place else str(path))


def _find_place(given: Any, kind: type[Problem | Solution]) -> tuple[str, str] | None:
    """Return the place of the smallest part that is not as it should be, and what is wrong with it."""
    parts: list[tuple[str, Any, type[msgspec.Struct]]] = []
    if kind is Problem:
        for i, train in _items(given, "trains"):
            for k, operation in enumerate(train if isinstance(train, list) else []):
                here = f"trains[{i}][{k}]"
                parts += [(f"{here}.resources[{u}]", use, Use) for u, use in _items(operation, "resources")]
                parts.append((here, operation, Operation))
            if not isinstance(train, list):
                return f"trains[{i}]", "Expected `array`"
        parts += [(f"objective[{number}]", part, Part) for number, part in _items(given, "objective")]
    else:
        parts += [(f"events[{number}]", event, Event) for number, event in _items(given, "events")]
    for place, part, expected in parts:
        try:
            msgspec.convert(part, expected)
        except msgspec.ValidationError as error:
            return place, str(error)
    return None


def _items(given: Any, key: str) -> list[tuple[int, Any]]:
    """Return the numbered members of a list in an object; none if it is not there."""
    value = given.get(key) if isinstance(given, dict) else None
    return list(enumerate(value)) if isinstance(value, list) else []

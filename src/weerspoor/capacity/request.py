"""The request: what has to run, from where to where, when, and under which conditions; and what changes of it.

Times are seconds of the operating day (see :mod:`weerspoor.common.clock`); ``request_reader`` reads the files.
"""

from __future__ import annotations

import datetime as dt
import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from weerspoor.capacity.plan import Sentence
from weerspoor.common.clock import DAY_S, clock
from weerspoor.common.errors import InputError
from weerspoor.common.files import content_hash

if TYPE_CHECKING:
    from weerspoor.network.model import Points

LOOK_AHEAD_S = DAY_S
"""How far after the anchor a search without a window at its end looks."""

NEEDED_ONLY, ALLOWED, NEVER = "needed", "allowed", "never"
TURN_BACK = (NEEDED_ONLY, ALLOWED, NEVER)
"""When a train turns back on the way: only where tracks lead through in no other way, wherever it may, or never."""

GROUNDS = ("fixed_time", "guarding", "threat")
"""Grounds of urgency: it must be somewhere at a fixed time, needs care such as guarding, or the threat asks for it."""

DECIDERS = ("DEF", "IENW")
"""Who may decide on urgency: the ministries of Defence, and of Infrastructure and Water Management."""


@dataclass(frozen=True)
class Window:
    """From ``earliest_s`` to ``latest_s``, both included, in seconds of the operating day."""

    earliest_s: int
    latest_s: int


@dataclass(frozen=True)
class TrainRequest:
    """A template, or nothing, and the characteristics that the request gives itself.

    Attributes
    ----------
    template : str
        Name of a template; empty when the request gives the characteristics themselves.
    values : dict
        Characteristics by name, lists as tuples.
    """

    template: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Via:
    """A place on the way: passed when ``stop_s`` is 0, else stopped at for at least that long.

    Attributes
    ----------
    kind : str
        Kind of stop (``crew_change``, …) or empty.
    """

    point: str
    stop_s: int = 0
    window: Window | None = None
    kind: str = ""


@dataclass(frozen=True)
class Closure:
    """Tracks between two points on which nothing runs from ``from_s`` until ``until_s``.

    Attributes
    ----------
    tracks : tuple of str
        Names of tracks; ``("all",)`` for every parallel running track of the shortest way between the two.
    """

    points: tuple[str, str]
    tracks: tuple[str, ...]
    from_s: int
    until_s: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as a plan repeats them."""
        return {
            "between": list(self.points),
            "tracks": list(self.tracks),
            "from_s": self.from_s,
            "until_s": self.until_s,
        }


@dataclass(frozen=True)
class Urgency:
    """Why a train is urgent, and who has decided so.

    Attributes
    ----------
    ground : str
        One of ``GROUNDS``.
    legal_basis : str
        What the urgency rests on, in the words of the request; empty if it says nothing.
    decided_by : tuple of str
        Those of ``DECIDERS`` who have decided, in that order.
    """

    ground: str
    legal_basis: str = ""
    decided_by: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as a plan repeats them."""
        return {"ground": self.ground, "legal_basis": self.legal_basis, "decided_by": list(self.decided_by)}


@dataclass(frozen=True)
class Series:
    """Several equal trains that belong together.

    Attributes
    ----------
    count : int
        Trains, the first included; 1 to 20.
    interval_s : int
        Least time from one train to the next at the origin; 0 to four hours.
    together : bool
        All of them or none.
    return_ready_s : int or None
        When the first train is ready at the destination to go back; None if none goes back.
    """

    count: int
    interval_s: int = 0
    together: bool = False
    return_ready_s: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as a plan repeats them."""
        return {
            "count": self.count,
            "interval_s": self.interval_s,
            "together": self.together,
            "return_ready_s": self.return_ready_s,
        }


@dataclass(frozen=True)
class Change:
    """What becomes different from a moment on; only what is given changes.

    Attributes
    ----------
    ready_s : int or None
        The train is ready at its origin at another time.
    window : Window or None
        Another window at the destination.
    closures : tuple of Closure
        Tracks that are closed beside those of the request.
    file : str
        Name of the file, for messages.
    """

    ready_s: int | None = None
    window: Window | None = None
    closures: tuple[Closure, ...] = ()
    file: str = field(default="", compare=False)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values in seconds of the operating day, as a plan repeats them."""
        return {
            "ready_s": self.ready_s,
            "window_s": None if self.window is None else [self.window.earliest_s, self.window.latest_s],
            "closed": [closure.as_dict() for closure in self.closures],
        }


@dataclass(frozen=True)
class Request:
    """A request as read; its points are as written until :func:`with_points` has looked them up.

    Attributes
    ----------
    reference : str
    date : datetime.date or None
        The operating day, 05:00 to 05:00.
    origin, destination : str
        Points.
    ready_s : int or None
        Not before; None for a train that comes in over a border in ``origin_window``.
    origin_window, destination_window : Window or None
    avoid : tuple of str
        Points the train does not come through.
    avoid_stand : tuple of str
        Points it may pass but not stand at.
    slack_s : int
        Distance to other trains wanted beyond the norm.
    turn_back : str
        One of ``TURN_BACK``.
    urgency : Urgency or None
    series : Series or None
        None for a single train.
    notes : tuple of str
        What the reader of a plan has to know about its times.
    content_hash : str
        Of the meaning, not of the spelling.
    file : str
        Name of the file, for messages.
    """

    reference: str
    date: dt.date | None
    train: TrainRequest
    origin: str
    ready_s: int | None
    origin_window: Window | None
    destination: str
    destination_window: Window | None
    via: tuple[Via, ...] = ()
    avoid: tuple[str, ...] = ()
    avoid_stand: tuple[str, ...] = ()
    slack_s: int = 0
    turn_back: str = NEEDED_ONLY
    closures: tuple[Closure, ...] = ()
    urgency: Urgency | None = None
    series: Series | None = None
    notes: tuple[Sentence, ...] = ()
    file: str = field(default="", compare=False)
    places: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def anchor_s(self) -> int:
        """The time every other clock time of the request follows on."""
        return self.ready_s if self.origin_window is None and self.ready_s is not None else self._window_start_s

    @property
    def _window_start_s(self) -> int:
        if self.origin_window is None:
            raise InputError("has neither a time it is ready nor a window", where=f"{self.file}: from")
        return self.origin_window.earliest_s

    @property
    def horizon_s(self) -> int:
        """The last second the search looks at: 24 hours after the anchor, or the end of the window at the end."""
        if self.destination_window is not None:
            return self.destination_window.latest_s
        return self.anchor_s + LOOK_AHEAD_S

    @property
    def content_hash(self) -> str:
        """Hash of the meaning: two files that ask the same have the same."""
        return content_hash(json.dumps(self.as_dict(), sort_keys=True, ensure_ascii=False).encode())

    def as_dict(self) -> dict[str, Any]:
        """Return the request as plain values in seconds of the operating day, as a plan repeats it."""

        def window(value: Window | None) -> list[int] | None:
            return None if value is None else [value.earliest_s, value.latest_s]

        return {
            "reference": self.reference,
            "date": self.date.isoformat() if self.date else "",
            "train": {"template": self.train.template}
            | {k: list(v) if isinstance(v, tuple) else v for k, v in sorted(self.train.values.items())},
            "from": {"point": self.origin, "ready_s": self.ready_s, "window_s": window(self.origin_window)},
            "to": {"point": self.destination, "window_s": window(self.destination_window)},
            "via": [
                {"point": v.point, "stop_s": v.stop_s, "kind": v.kind, "window_s": window(v.window)} for v in self.via
            ],
            "avoid": {"points": list(self.avoid), "stand": list(self.avoid_stand)},
            "prefer": {"slack_s": self.slack_s, "turn_back": self.turn_back},
            "closed": [closure.as_dict() for closure in self.closures],
            "horizon_s": self.horizon_s,
            **({} if self.urgency is None else {"urgency": self.urgency.as_dict()}),
            **({} if self.series is None else {"series": self.series.as_dict()}),
        }


def with_change(request: Request, change: Change) -> Request:
    """Return the request as it is after a change; the closures of the change come after its own.

    Where the request has the codes of its points, the change needs them too (:func:`change_with_points`).
    """
    return replace(
        request,
        ready_s=request.ready_s if change.ready_s is None else change.ready_s,
        destination_window=request.destination_window if change.window is None else change.window,
        closures=request.closures + change.closures,
    )


def request_of(values: Mapping[str, Any], reference: str) -> Request:
    """Return the request that a plan repeats (:meth:`Request.as_dict`).

    Parameters
    ----------
    values : mapping
    reference : str
        For messages.
    """

    def window(value: Any) -> Window | None:
        return None if value is None else Window(int(value[0]), int(value[1]))

    train = dict(values["train"])
    template = str(train.pop("template", ""))
    urgency, series = values.get("urgency"), values.get("series")
    return Request(
        reference=values["reference"],
        date=dt.date.fromisoformat(values["date"]) if values["date"] else None,
        train=TrainRequest(template, {k: tuple(v) if isinstance(v, list) else v for k, v in train.items()}),
        origin=values["from"]["point"],
        ready_s=values["from"]["ready_s"],
        origin_window=window(values["from"]["window_s"]),
        destination=values["to"]["point"],
        destination_window=window(values["to"]["window_s"]),
        via=tuple(Via(via["point"], via["stop_s"], window(via["window_s"]), via["kind"]) for via in values["via"]),
        avoid=tuple(values["avoid"]["points"]),
        avoid_stand=tuple(values["avoid"]["stand"]),
        slack_s=values["prefer"]["slack_s"],
        turn_back=values["prefer"]["turn_back"],
        closures=tuple(
            Closure((one["between"][0], one["between"][1]), tuple(one["tracks"]), one["from_s"], one["until_s"])
            for one in values["closed"]
        ),
        urgency=None if urgency is None else Urgency(**{**urgency, "decided_by": tuple(urgency["decided_by"])}),
        series=None if series is None else Series(**series),
        file=reference,
    )


def kind_of_day(date: dt.date) -> str:
    """Return weekday, saturday or sunday; holidays are not known."""
    return {5: "saturday", 6: "sunday"}.get(date.weekday(), "weekday")


def where(request: Request, place: str) -> str:
    """Return the place of a value as messages name it."""
    line = request.places.get(place.split(".", 1)[0], "")
    return f"{request.file}, line {line}: {place}" if line else f"{request.file}: {place}"


def named_points(request: Request) -> Iterator[tuple[str, str]]:
    """Yield (place in the file, point) for every point the request names."""
    yield "from.point", request.origin
    yield "to.point", request.destination
    for i, via in enumerate(request.via):
        yield f"via[{i + 1}].point", via.point
    for point in request.avoid:
        yield "avoid.points", point
    for point in request.avoid_stand:
        yield "avoid.stand", point
    for i, closure in enumerate(request.closures):
        for point in closure.points:
            yield f"closed[{i + 1}].between", point


def refuse_contradictions(request: Request) -> None:
    """Refuse what cannot be meant: a point twice on the way, or both wanted and avoided."""

    def refuse(place: str, message: str) -> InputError:
        return InputError(message, where=where(request, place))

    seen: dict[str, str] = {}
    for place, point in named_points(request):
        if not place.startswith(("from", "to", "via")):
            continue
        key = point.casefold()
        if key in seen:
            raise refuse(place, f"names {point}, which already stands in {seen[key]}")
        seen[key] = place
    for point in request.avoid:
        if point.casefold() in seen:
            raise refuse(
                "avoid.points", f"names {point}, which the train has to come through ({seen[point.casefold()]})"
            )
    stands = {via.point.casefold(): f"via[{i + 1}]" for i, via in enumerate(request.via) if via.stop_s}
    if request.ready_s is not None:
        stands[request.origin.casefold()] = "from.ready"
    for point in request.avoid_stand:
        if point.casefold() in stands:
            raise refuse("avoid.stand", f"names {point}, where the train has to stand ({stands[point.casefold()]})")
    last_s = request.anchor_s
    for i, via in enumerate(request.via):
        if via.window is not None:
            if via.window.latest_s < last_s:
                raise refuse(f"via[{i + 1}].window", f"ends before the train can be there ({clock(last_s)})")
            last_s = max(last_s, via.window.earliest_s)
    if request.destination_window is not None and request.destination_window.latest_s <= last_s:
        raise refuse("to.window", f"ends before the train can be there ({clock(last_s)})")


def nearest(text: str, words: Iterable[str], n: int = 3) -> list[str]:
    """Return the words most like ``text``, without regard to case."""
    by_fold: dict[str, str] = {}
    for word in words:
        by_fold.setdefault(word.casefold(), word)
    return [by_fold[near] for near in difflib.get_close_matches(text.casefold(), by_fold, n=n, cutoff=0.4)]


def point_index(points: Points, text: str) -> int:
    """Return the index of the point with this code, or with this name if only one has it; -1 if there is none."""
    key = text.casefold()
    for i, code in enumerate(points.code):
        if code.casefold() == key:
            return i
    named = [i for i, name in enumerate(points.name) if name.casefold() == key]
    return named[0] if len(named) == 1 else -1


def nearest_points(points: Points, text: str, n: int = 3) -> list[str]:
    """Return ``Name (Code)`` of the points whose code or name is most like ``text``."""
    labels = {f"{name} ({code})": (code, name) for code, name in zip(points.code, points.name, strict=True)}
    key = text.casefold()

    def score(pair: tuple[str, str]) -> float:
        code, name = (part.casefold() for part in pair)
        likeness = max(difflib.SequenceMatcher(None, key, part).ratio() for part in (code, name))
        return likeness + (0.3 if name.startswith(key) or code.startswith(key) else 0.0)

    return sorted(labels, key=lambda label: (-score(labels[label]), label))[:n]


def with_points(request: Request, points: Points) -> Request:
    """Return the request with the codes of its points as the network writes them.

    Raises
    ------
    InputError
        If a point is unknown, with the nearest names; or two spellings name the same one.
    """
    codes = {
        text: points.code[known_point(points, text, where(request, place))] for place, text in named_points(request)
    }
    resolved = replace(
        request,
        origin=codes[request.origin],
        destination=codes[request.destination],
        via=tuple(replace(via, point=codes[via.point]) for via in request.via),
        avoid=_once(codes[point] for point in request.avoid),
        avoid_stand=_once(codes[point] for point in request.avoid_stand),
        closures=tuple(
            replace(closure, points=(codes[closure.points[0]], codes[closure.points[1]]))
            for closure in request.closures
        ),
    )
    refuse_contradictions(resolved)
    for i, closure in enumerate(resolved.closures):
        if closure.points[0] == closure.points[1]:
            raise InputError("names the same point twice", where=where(request, f"closed[{i + 1}].between"))
    return resolved


def change_with_points(change: Change, points: Points) -> Change:
    """Return the change with the codes of its points as the network writes them.

    Raises
    ------
    InputError
        If a point is unknown, with the nearest names; or a closure has the same point at both ends.
    """
    closures = []
    for i, closure in enumerate(change.closures, 1):
        place = f"{change.file}: closed[{i}].between"
        start, end = (points.code[known_point(points, point, place)] for point in closure.points)
        if start == end:
            raise InputError("names the same point twice", where=place)
        closures.append(replace(closure, points=(start, end)))
    return replace(change, closures=tuple(closures))


def _once(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


def known_point(points: Points, text: str, place: str) -> int:
    """Return the index of a point that must be there.

    Raises
    ------
    InputError
        If there is none, with the nearest names.
    """
    index = point_index(points, text)
    if index < 0:
        near = nearest_points(points, text)
        raise InputError(
            f"names {text!r}, which is no operational point",
            where=place,
            hint=f"nearest: {', '.join(near)}" if near else "",
        )
    return index


def find_points(points: Points, text: str, most: int = 15) -> list[int]:
    """Return the points that a search for ``text`` is after: the code first, then beginnings, parts, likeness."""
    key = text.strip().casefold()

    def rank(i: int) -> tuple[float, str]:
        code, name = points.code[i].casefold(), points.name[i].casefold()
        if key == code:
            return (0, code)
        if key == name:
            return (1, code)
        if name.startswith(key) or code.startswith(key):
            return (2, name)
        if key in name:
            return (3, name)
        return (5 - difflib.SequenceMatcher(None, key, name).ratio(), name)

    ranked = sorted((rank(i), i) for i in range(len(points.code)))
    return [i for (score, _), i in ranked if score <= 4.3][:most] if key else []

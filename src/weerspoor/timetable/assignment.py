"""Who is on which train: trips between stations, assigned to the trains of a day.

The trips of a weekday that begin and end at every station (``station_trips``) are spread over pairs of stations by a
doubly constrained gravity model, whose costs are those of the day's own trains; each pair's trips are spread over the
hours of the day and take the trains by which they arrive first, a change counting as so much time. One backward
scan of the day for each destination finds these (the connection scan of Dibbelt, Pajor, Strasser and Wagner, 2018);
one forward scan puts the passengers on them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from weerspoor.common.clock import DAY_S, DAY_START_S
from weerspoor.common.errors import DataError
from weerspoor.kernel.compiled import compiled
from weerspoor.network.model import Network
from weerspoor.timetable.day import LAYER_PASSENGER, Day, Passengers
from weerspoor.timetable.demand import DATA
from weerspoor.trains import tables
from weerspoor.trains.tables import norm

TABLE = "passengers"
KINDS = "passenger_kinds"
FOREVER_S = 1 << 40
HOUR_S = 3600
HOURS_A_DAY = DAY_S // HOUR_S
KM_PER_DEGREE = 111.195
LEAST = 1e-100
STEEPEST, HALVINGS, ROUGH_ROUNDS = 8.0, 24, 60
"""The power that gives the mean length is looked for below this, by halving, with matrices roughly balanced."""

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Choices:
    """What travellers weigh; ``passengers.toml`` has the values with their sources.

    Attributes
    ----------
    change_s, change_penalty_s, longest_extra_s : int
    first_wait_weight : float
    first_wait_most_s : float
    mean_km, near_min, near_power, tolerance, least_connection : float
    most_rounds : int
    hours : (h,) float64
        Share of the trips by hour of wished departure, from 05:00.
    """

    change_s: int
    change_penalty_s: int
    longest_extra_s: int
    first_wait_weight: float
    first_wait_most_s: float
    mean_km: float
    near_min: float
    near_power: float
    tolerance: float
    most_rounds: int
    least_connection: float
    hours: Reals


def load_choices() -> Choices:
    """Return the choices of ``passengers.toml`` and ``passenger_hours.csv``.

    Raises
    ------
    DataError
        If a value is missing, or the hours do not follow each other from 5.
    """

    def of(group: str, key: str) -> float:
        return norm(group, key, TABLE)

    rows = tables.rows("passenger_hours")
    if [int(row["hour"]) for row in rows] != list(range(DAY_START_S // HOUR_S, DAY_START_S // HOUR_S + len(rows))):
        raise DataError("does not give every hour once, from 5 on", where="passenger_hours.csv")
    percent = np.array([tables.number(row, "percent") for row in rows])
    return Choices(
        change_s=int(of("choice", "change_s")),
        change_penalty_s=int(of("choice", "change_penalty_s")),
        longest_extra_s=int(of("choice", "longest_extra_s")),
        first_wait_weight=of("choice", "first_wait_weight"),
        first_wait_most_s=of("choice", "first_wait_most_s"),
        mean_km=of("trips", "mean_km"),
        near_min=of("trips", "near_min"),
        near_power=of("trips", "near_power"),
        tolerance=of("trips", "tolerance"),
        most_rounds=int(of("trips", "most_rounds")),
        least_connection=of("trips", "least_connection"),
        hours=percent / percent.sum(),
    )


def over_days(choices: Choices, days: int) -> Choices:
    """Return choices with the hours of so many days one after another."""
    rest = np.zeros(HOURS_A_DAY - len(choices.hours))
    return replace(choices, hours=np.tile(np.concatenate([choices.hours, rest]), days) / days)


@dataclass(frozen=True)
class Stations:
    """Where trips begin and end.

    Attributes
    ----------
    point : (s,) int64
        Index into ``Network.points``.
    begin, end : (s,) float64
        Trips of a weekday that begin and that end there; the totals are equal.
    estimated : (s,) float64
        Share of them that is estimated rather than counted.
    abroad : (s,) bool
        It stands for all that lies beyond a border: trains come from there or go there, and stop there no further.
    """

    point: Ints
    begin: Reals
    end: Reals
    estimated: Reals
    abroad: Bools


@dataclass(frozen=True)
class PassengerCalls:
    """The calls at which passengers may board or alight.

    Attributes
    ----------
    row : (r,) int64
        Row of ``Day.calls``, rising.
    train : (r,) int64
    abroad : (r,) bool
        The train comes from beyond a border here, or goes there.
    begins : (r,) bool
        It is the first call of the train.
    """

    row: Ints
    train: Ints
    abroad: Bools
    begins: Bools


def passenger_calls(day: Day, network: Network) -> PassengerCalls:
    """Return the calls at which passengers may board or alight: where a passenger train stands, begins or ends.

    A train that begins or ends at a point that is no station, or at a station where nothing asked it to call, comes
    from abroad or goes there.
    """
    calls = day.calls
    counts = np.diff(calls.start)
    passenger = np.repeat(np.array([layer == LAYER_PASSENGER for layer in day.trains.layer], np.bool_), counts)
    asked = (calls.planned_arrival_s >= 0) | (calls.planned_departure_s >= 0)
    first, last = np.zeros(len(asked), np.bool_), np.zeros(len(asked), np.bool_)
    first[calls.start[:-1][counts > 0]] = True
    last[calls.start[1:][counts > 0] - 1] = True
    station = np.array([kind == "station" for kind in network.points.kind], np.bool_)
    abroad = (first | last) & (~station[calls.point] | ~asked)
    row = np.flatnonzero(passenger & ((calls.departure_s > calls.arrival_s) | asked | first | last))
    train = np.repeat(np.arange(len(counts)), counts)
    return PassengerCalls(row, train[row], abroad[row], first[row])


def stations_of(day: Day, network: Network, calls: PassengerCalls, days: int = 1) -> Stations:
    """Return the stations at which passenger trains call, then points where these come from or go abroad.

    Parameters
    ----------
    day : Day
    network : Network
    calls : PassengerCalls
    days : int
        The trips of so many weekdays.

    Raises
    ------
    DataError
        If the table of trips is missing.
    """
    trips, estimated = _trips_by_point(network)
    trips *= days
    points = day.calls.point[calls.row].astype(np.int64)
    inland = np.unique(points[~calls.abroad & (trips[points] > 0)])
    come, go = _across_border(day, network, calls)
    border = np.flatnonzero(come + go > 0)
    begin, end = np.concatenate([trips[inland], come[border]]), np.concatenate([trips[inland], go[border]])
    return Stations(
        point=np.concatenate([inland, border]),
        begin=begin,
        end=end * begin.sum() / max(end.sum(), LEAST),
        estimated=np.concatenate([estimated[inland], np.ones(len(border))]),
        abroad=np.concatenate([np.zeros(len(inland), np.bool_), np.ones(len(border), np.bool_)]),
    )


def _trips_by_point(network: Network) -> tuple[Reals, Reals]:
    """Return the trips that begin at each point, 0 where the table has none, and the share estimated."""
    from pyarrow import parquet

    path = DATA / "station_trips.parquet"
    if not path.is_file():
        raise DataError("is missing", where=str(path), hint="make data builds it")
    table = parquet.read_table(path)
    index = {code: number for number, code in enumerate(network.points.code)}
    trips, estimated = np.zeros(len(index)), np.ones(len(index))
    for code, count, share in zip(*(table[name].to_pylist() for name in ("point", "trips", "estimated")), strict=True):
        if code in index:
            trips[index[code]], estimated[index[code]] = count, share
    return trips, estimated


def mostly_estimated(network: Network) -> Bools:
    """Return, by point, whether its trips are estimated rather than counted, or not in the table at all."""
    _, estimated = _trips_by_point(network)
    found: Bools = estimated > 0.5
    return found


def _across_border(day: Day, network: Network, calls: PassengerCalls) -> tuple[Reals, Reals]:
    """Return, by point, the passengers of all trains that come from abroad there, and of those that go there."""
    come, go = np.zeros((2, len(network.points.code)))
    kinds = tables.row_by_name(KINDS, "kind")
    for at in np.flatnonzero(calls.abroad).tolist():
        kind = day.trains.kind[calls.train[at]]
        many = tables.number(kinds[kind], "across_border") if kind in kinds else 0.0
        (come if calls.begins[at] else go)[day.calls.point[calls.row[at]]] += many
    return come, go


class Scan(NamedTuple):
    """The calls of a day as a scan needs them; *element* numbers the calls at which passengers may board or alight.

    Attributes
    ----------
    row : (e,) int64
        Row of ``Day.calls``.
    station : (e,) int64
        Index into ``Stations``.
    arrival_s, departure_s : (e,) int64
    km : (e,) float64
        From this call to the next one of the train, along the points it passes.
    onward : (e,) int64
        Next element of the same train, -1 at the last.
    order : (m,) int64
        Elements that go on, in order of departure.
    event_start : (s + 1,) int64
        Departures of a station: ``event[event_start[s] : event_start[s + 1]]``, in order of time.
    event : (m,) int64
        Element of each departure.
    event_of : (e,) int64
        Where an element is in ``event``; -1 at the last call.
    catch : (e,) int64
        First departure that those who alight here can take; the end of the station's when none.
    share : (m,) float64
        Share of the day's trips that wish to leave after the departure before and up to this one.
    wish_s : (m,) float64
        The middle of their wishes.
    closed : (e,) bool
        Only those who go abroad may board here.
    abroad : (s,) bool
        As in ``Stations``.
    """

    row: Ints
    station: Ints
    arrival_s: Ints
    departure_s: Ints
    km: Reals
    onward: Ints
    order: Ints
    event_start: Ints
    event: Ints
    event_of: Ints
    catch: Ints
    share: Reals
    wish_s: Reals
    closed: Bools
    abroad: Bools


def make_scan(day: Day, network: Network, stations: Stations, calls: PassengerCalls, choices: Choices) -> Scan:
    """Return the calls of a day in the order of a scan; calls at points without trips are left out."""
    points = len(network.points.code)
    number = np.full(2 * points, -1, np.int64)
    number[stations.point + points * stations.abroad] = np.arange(len(stations.point))
    station = number[day.calls.point[calls.row] + points * calls.abroad]
    rows, train, station = calls.row[station >= 0], calls.train[station >= 0], station[station >= 0]
    arrival, departure = day.calls.arrival_s[rows].astype(np.int64), day.calls.departure_s[rows].astype(np.int64)
    same = train[1:] == train[:-1]
    onward = np.full(len(rows), -1, np.int64)
    onward[:-1] = np.where(same, np.arange(1, len(rows)), -1)
    going = np.flatnonzero(onward >= 0)
    order = going[np.lexsort((going, departure[going]))]
    event = going[np.lexsort((going, departure[going], station[going]))]
    event_start = np.searchsorted(station[event], np.arange(len(stations.point) + 1))
    event_of = np.full(len(rows), -1, np.int64)
    event_of[event] = np.arange(len(event))
    share, wish = _wishes(departure[event], event_start, choices)
    return Scan(
        row=rows,
        station=station,
        arrival_s=arrival,
        departure_s=departure,
        km=_run_km(day, network, rows, onward),
        onward=onward,
        order=order,
        event_start=event_start,
        event=event,
        event_of=event_of,
        catch=_catchable(station, arrival + choices.change_s, departure[event], event_start),
        share=share,
        wish_s=wish,
        closed=_closed(day)[train] & ~stations.abroad[station],
        abroad=stations.abroad,
    )


def _closed(day: Day) -> Bools:
    """Return, by train, whether only those who cross a border travel by it."""
    kinds = tables.row_by_name(KINDS, "kind")
    closed = {kind for kind, row in kinds.items() if row["within_country"] == "no"}
    return np.array([kind in closed for kind in day.trains.kind], np.bool_)


def km_to_next(day: Day, network: Network) -> Reals:
    """Return, by row of ``day.calls``, the straight distance to the next point of the train; 0 at its last."""
    point = day.calls.point
    lon, lat = np.asarray(network.points.lon)[point], np.asarray(network.points.lat)[point]
    east = np.diff(lon) * KM_PER_DEGREE * np.cos(np.radians((lat[1:] + lat[:-1]) / 2))
    km = np.zeros(len(point))
    km[:-1] = np.hypot(east, np.diff(lat) * KM_PER_DEGREE)
    km[day.calls.start[1:][np.diff(day.calls.start) > 0] - 1] = 0.0
    return km


def _run_km(day: Day, network: Network, rows: Ints, onward: Ints) -> Reals:
    """Return the distance to the next call: straight lines between all points that the train passes."""
    along = np.concatenate([[0.0], np.cumsum(km_to_next(day, network))])
    km = np.zeros(len(rows))
    going = onward >= 0
    km[going] = along[rows[onward[going]]] - along[rows[going]]
    return km


def _wishes(departure_s: Ints, event_start: Ints, choices: Choices) -> tuple[Reals, Reals]:
    """Return the share of trips wished since the departure before, and the middle of that time."""
    edges = DAY_START_S + HOUR_S * np.arange(len(choices.hours) + 1)
    so_far = np.concatenate([[0.0], np.cumsum(choices.hours)])
    before = np.concatenate([[0], departure_s[:-1]]) if len(departure_s) else departure_s
    firsts = event_start[:-1][np.diff(event_start) > 0]
    before[firsts] = 0
    share = np.interp(departure_s, edges, so_far) - np.interp(before, edges, so_far)
    since = np.maximum(before, departure_s - choices.first_wait_most_s)
    return share, (since + departure_s) / 2


def _catchable(station: Ints, ready_s: Ints, departure_s: Ints, event_start: Ints) -> Ints:
    found = np.empty(len(station), np.int64)
    for number in range(len(event_start) - 1):
        here = np.flatnonzero(station == number)
        low, high = int(event_start[number]), int(event_start[number + 1])
        found[here] = low + np.searchsorted(departure_s[low:high], ready_s[here], side="left")
    return found


class Labels(NamedTuple):
    """What a backward scan finds for one destination.

    Attributes
    ----------
    cost : (e,) int64
        Least arrival plus penalties of changes of those who leave with this element.
    arrives : (e,) int64
        When they arrive.
    length : (e,) float64
        How far they go, km.
    stays : (e,) bool
        They stay on at the next call, or alight there for good.
    best : (m,) int64
        Element to board for those who are at the station in time for this departure; -1 when none leads there.
    """

    cost: Ints
    arrives: Ints
    length: Reals
    stays: Bools
    best: Ints


class Demand(NamedTuple):
    """Trips to one destination, by station: number, share estimated, share of the day's wishes that is served."""

    trips: Reals
    estimated: Reals
    served: Reals


class Loads(NamedTuple):
    """Passengers by element: of the destination at hand (``flow``, ``guessed``), and summed over all.

    ``guessed`` and ``uncertain`` are those from or to estimated stations; ``extra`` the sum of their waits when the
    train runs no further, in seconds.
    """

    flow: Reals
    guessed: Reals
    boarding: Reals
    alighting: Reals
    aboard: Reals
    uncertain: Reals
    extra: Reals


class Changes(NamedTuple):
    """Changes from train to train of one destination: alighted at, boarded at, passengers, seconds lost if missed."""

    from_: Ints
    to: Ints
    passengers: Reals
    lost: Reals


@compiled
def _backward(to: int, scan: Scan, penalty_s: int, labels: Labels) -> None:
    """Find the labels of one destination: departures backwards in time."""
    cost, arrives, length, stays, best = labels
    for at in range(len(scan.order) - 1, -1, -1):
        here = scan.order[at]
        following = scan.onward[here]
        place = scan.station[following]
        cost[here] = FOREVER_S
        stays[here] = True
        if place == to:
            cost[here] = scan.arrival_s[following]
            arrives[here] = scan.arrival_s[following]
            length[here] = scan.km[here]
        else:
            if scan.onward[following] >= 0 and cost[following] < FOREVER_S:
                cost[here] = cost[following]
                arrives[here] = arrives[following]
                length[here] = scan.km[here] + length[following]
            other = -1
            if scan.catch[following] < scan.event_start[place + 1]:
                other = best[scan.catch[following]]
            if other >= 0 and cost[other] + penalty_s < cost[here]:
                cost[here] = cost[other] + penalty_s
                arrives[here] = arrives[other]
                length[here] = scan.km[here] + length[other]
                stays[here] = False
        event = scan.event_of[here]
        later = -1
        if event + 1 < scan.event_start[scan.station[here] + 1]:
            later = best[event + 1]
        may_board = scan.abroad[to] or not scan.closed[here]
        if may_board and cost[here] < FOREVER_S and (later < 0 or cost[here] < cost[later]):
            best[event] = here
        else:
            best[event] = later


@compiled
def _skim(to: int, scan: Scan, labels: Labels, weight: float, out: Reals) -> None:
    """Average cost (s), length (km) and share served of the trips to one destination, by station, into ``out``."""
    for place in range(len(scan.event_start) - 1):
        served, spent, far = 0.0, 0.0, 0.0
        if place != to:
            for event in range(scan.event_start[place], scan.event_start[place + 1]):
                taken = labels.best[event]
                if taken < 0 or scan.share[event] <= 0.0:
                    continue
                leaves = scan.departure_s[taken]
                served += scan.share[event]
                spent += scan.share[event] * (labels.cost[taken] - leaves + weight * (leaves - scan.wish_s[event]))
                far += scan.share[event] * labels.length[taken]
        out[2, place] = served
        if served > 0.0:
            out[0, place] = spent / served
            out[1, place] = far / served


@compiled
def _forward(  # noqa: PLR0917
    to: int, demand: Demand, scan: Scan, labels: Labels, longest_s: int, loads: Loads, changes: Changes
) -> int:
    """Put the trips to one destination on trains, forwards in time; return how many changes were listed."""
    flow, guessed, boarding, alighting, aboard, uncertain, extra = loads
    flow[:] = 0.0
    guessed[:] = 0.0
    used = 0
    for place in range(len(scan.event_start) - 1):
        if demand.trips[place] <= 0.0 or demand.served[place] <= 0.0:
            continue
        for event in range(scan.event_start[place], scan.event_start[place + 1]):
            taken = labels.best[event]
            if taken >= 0 and scan.share[event] > 0.0:
                many = demand.trips[place] * scan.share[event] / demand.served[place]
                flow[taken] += many
                guessed[taken] += many * demand.estimated[place]
                boarding[taken] += many
    for at in range(len(scan.order)):
        here = scan.order[at]
        many = flow[here]
        if many <= 0.0:
            continue
        aboard[here] += many
        uncertain[here] += guessed[here]
        extra[here] += many * _later(here, scan, labels, longest_s)
        following = scan.onward[here]
        if scan.station[following] == to:
            alighting[following] += many
        elif labels.stays[here]:
            flow[following] += many
            guessed[following] += guessed[here]
        else:
            taken = labels.best[scan.catch[following]]
            alighting[following] += many
            boarding[taken] += many
            flow[taken] += many
            guessed[taken] += guessed[here]
            changes.from_[used] = following
            changes.to[used] = taken
            changes.passengers[used] = many
            changes.lost[used] = many * _later(taken, scan, labels, longest_s)
            used += 1
    return used


@compiled
def _later(here: int, scan: Scan, labels: Labels, longest_s: int) -> float:
    """Return how much later those arrive who cannot take this departure and wait for the best of the later ones."""
    event = scan.event_of[here] + 1
    if event >= scan.event_start[scan.station[here] + 1] or labels.best[event] < 0:
        return float(longest_s)
    return float(min(max(labels.arrives[labels.best[event]] - labels.arrives[here], 0), longest_s))


@dataclass(frozen=True)
class Trips:
    """Trips of a weekday from every station to every other, with what they cost.

    Attributes
    ----------
    trips : (s, s) float64
        From row to column.
    cost_s, km, served : (s, s) float64
        Mean cost and length over the day; share of the day's wishes for which there is a way before its end.
    power : float
        Of the cost in the gravity model, for which the mean length is as wanted; see :func:`deterrence`.
    """

    trips: Reals
    cost_s: Reals
    km: Reals
    served: Reals
    power: float


def balanced(weights: Reals, begin: Reals, end: Reals, tolerance: float, most_rounds: int) -> Reals:
    """Return the matrix in proportion to ``weights`` with the given sums of rows and columns (Furness).

    Parameters
    ----------
    weights : (s, s) float64
        Not negative.
    begin, end : (s,) float64
        Wanted sums of the rows and of the columns, with equal totals.
    tolerance : float
        Largest share by which a sum may be missed.
    most_rounds : int

    Raises
    ------
    DataError
        If the sums cannot be met.
    """
    found, missed = _furness(weights, begin, end, tolerance, most_rounds)
    worst = int(np.argmax(missed))
    if missed[worst] > tolerance:
        raise DataError(f"the trips of station {worst} cannot be spread over the others", where="station_trips")
    return found


def _furness(weights: Reals, begin: Reals, end: Reals, tolerance: float, most_rounds: int) -> tuple[Reals, Reals]:
    """Return the matrix after so many rounds, and the share by which each sum of a row is missed."""
    of_column = np.ones(len(end))
    for _ in range(most_rounds):
        of_row = begin / np.maximum(weights @ of_column, LEAST)
        of_row /= max(of_row.max(), LEAST)
        of_column = end / np.maximum(of_row @ weights, LEAST)
        missed = np.abs(of_row * (weights @ of_column) - begin) / np.maximum(begin, LEAST)
        if np.all(missed <= tolerance):
            break
    found: Reals = weights * np.outer(of_row, of_column)
    return found, missed


def deterrence(cost_s: Reals, power: float, choices: Choices) -> Reals:
    """Return how many trips there are, up to a factor, of those that cost so much.

    With c the cost in minutes, ``c^-power * c^p / (c^p + near_min^p)``: long trips get rare as a power of what they
    cost, and few take a train for a very short one. A power keeps the trips of far ends of the country on the lines
    that were counted there; an exponential gave half of them to the branch lines nearby.
    """
    minutes = np.maximum(cost_s / 60, 1.0)
    near = minutes**choices.near_power
    found: Reals = minutes**-power * near / (near + choices.near_min**choices.near_power)
    return found


def gravity(stations: Stations, skims: tuple[Reals, Reals, Reals], choices: Choices) -> Trips:
    """Spread the trips of all stations so that their mean length is as wanted.

    Stations from or to which no train leads have no trips.

    Parameters
    ----------
    stations : Stations
    skims : tuple of (s, s) float64
        Cost in seconds, length in km, share served.
    choices : Choices

    Raises
    ------
    DataError
        If the trips cannot be spread.
    """
    cost, km, served = skims
    open_pairs = (served > 0) & ~np.outer(stations.abroad, stations.abroad)
    if not open_pairs.any():
        raise DataError("no train leads from a known station to another in time", where="station_trips")

    def weights(power: float) -> Reals:
        return np.where(open_pairs, deterrence(cost, power, choices), 0.0)

    begin, end = stations.begin * open_pairs.any(axis=1), stations.end * open_pairs.any(axis=0)
    ends = begin, end * begin.sum() / max(end.sum(), LEAST)
    low, high = 0.0, STEEPEST
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        trips, _ = _furness(weights(middle), *ends, choices.tolerance, ROUGH_ROUNDS)
        if (trips * km).sum() > choices.mean_km * trips.sum():
            low = middle
        else:
            high = middle
    trips = balanced(weights(high), *ends, choices.tolerance, choices.most_rounds)
    return Trips(trips, cost, km, served, high)


def assign(
    day: Day, network: Network, choices: Choices | None = None, *, days: int = 1
) -> tuple[Passengers, Trips, Stations]:
    """Return the passengers of a day, with the trips between stations they come from.

    The same day gives the same passengers.

    Parameters
    ----------
    day : Day
    network : Network
    choices : Choices or None
        Those of the package when None.
    days : int
        So many weekdays, from 05:00 to 05:00, are on the day; each has its trips.

    Raises
    ------
    DataError
        If a table is missing, or the trips of a station cannot be spread over the others.
    """
    choices = over_days(choices or load_choices(), days)
    calls = passenger_calls(day, network)
    stations = stations_of(day, network, calls, days)
    scan = make_scan(day, network, stations, calls, choices)
    trips = gravity(stations, skims_of(scan, choices), choices)
    return load_trains(day, scan, stations, trips, choices), trips, stations


def no_labels(scan: Scan) -> Labels:
    """Return arrays for the labels of any destination of a scan."""
    count = len(scan.row)
    return Labels(
        np.full(count, FOREVER_S, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count),
        np.zeros(count, np.bool_),
        np.full(len(scan.event), -1, np.int64),
    )


def skims_of(scan: Scan, choices: Choices) -> tuple[Reals, Reals, Reals]:
    """Return the mean cost (s), the mean length (km) and the share served of the trips from each station to each."""
    labels = no_labels(scan)
    count = len(scan.event_start) - 1
    found = np.zeros((count, 3, count))
    for to in range(count):
        _backward(to, scan, choices.change_penalty_s, labels)
        _skim(to, scan, labels, choices.first_wait_weight, found[to])
    cost, km, served = (np.ascontiguousarray(found[:, kind, :].T) for kind in range(3))
    return cost, km, served


def load_trains(day: Day, scan: Scan, stations: Stations, trips: Trips, choices: Choices) -> Passengers:
    """Put all trips on trains and sum up by call and by connection."""
    labels = no_labels(scan)
    count = len(scan.row)
    loads = Loads(*np.zeros((7, count)))
    changes = Changes(*np.zeros((2, count), np.int64), *np.zeros((2, count)))
    kept: list[Changes] = []
    for to in range(len(stations.point)):
        _backward(to, scan, choices.change_penalty_s, labels)
        demand = Demand(
            np.ascontiguousarray(trips.trips[:, to]),
            1 - (1 - stations.estimated) * (1 - stations.estimated[to]),
            np.ascontiguousarray(trips.served[:, to]),
        )
        used = _forward(to, demand, scan, labels, choices.longest_extra_s, loads, changes)
        first, onward, many, lost = changes
        kept.append(Changes(first[:used].copy(), onward[:used].copy(), many[:used].copy(), lost[:used].copy()))
    found = _connections(kept, count, choices.least_connection)
    someone = loads.aboard > 0
    return Passengers(
        boarding=_spread(loads.boarding, scan.row, day),
        alighting=_spread(loads.alighting, scan.row, day),
        aboard=_carried(loads.aboard, scan, day),
        estimated=_carried(np.divide(loads.uncertain, loads.aboard, out=np.zeros(count), where=someone), scan, day),
        wait_s=_carried(np.divide(loads.extra, loads.aboard, out=np.zeros(count), where=someone), scan, day),
        connection_from=scan.row[found.from_].astype(np.int32),
        connection_to=scan.row[found.to].astype(np.int32),
        connection_passengers=found.passengers.astype(np.float32),
        connection_spare_s=(scan.departure_s[found.to] - scan.arrival_s[found.from_] - choices.change_s).astype(
            np.int32
        ),
        connection_wait_s=(found.lost / found.passengers).astype(np.float32),
    )


def _connections(kept: list[Changes], count: int, least: float) -> Changes:
    """Return the connections of all destinations, each once, that have at least so many passengers."""
    first, onward, many, lost = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    pair, place = np.unique(first * count + onward, return_inverse=True)
    passengers = np.bincount(place, many, len(pair)).astype(np.float64)
    seconds = np.bincount(place, lost, len(pair)).astype(np.float64)
    enough = passengers >= least
    return Changes(pair[enough] // count, pair[enough] % count, passengers[enough], seconds[enough])


def _spread(values: Reals, rows: Ints, day: Day) -> npt.NDArray[np.float32]:
    spread = np.zeros(len(day.calls.point), np.float32)
    spread[rows] = values
    return spread


def _carried(values: Reals, scan: Scan, day: Day) -> npt.NDArray[np.float32]:
    """Return values by call row, those of a call also at the points passed after it."""
    calls = day.calls
    train = np.repeat(np.arange(len(calls.start) - 1), np.diff(calls.start))
    at = np.searchsorted(scan.row, np.arange(len(calls.point)), side="right") - 1
    known = (at >= 0) & (train[scan.row[np.maximum(at, 0)]] == train)
    carried: npt.NDArray[np.float32] = np.where(known, values[np.maximum(at, 0)], 0.0).astype(np.float32)
    return carried

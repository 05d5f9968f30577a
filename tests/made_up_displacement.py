"""A made-up plan that displaces other trains: every field of the form filled, with times and trains invented.

The military train is the one of ``made_up_plan``. Each moved train crosses its path at one point and goes later, waits,
turns short, goes round or does not run.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec

from made_up_plan import MAIN, PLACES, make_path, make_plan
from weerspoor.capacity import plan as p
from weerspoor.capacity import proposal as q
from weerspoor.capacity.path import Held, Path, PieceTime, Sentence
from weerspoor.capacity.rules import rule_set

CODES = [place[0] for place in PLACES]
NAMES = {place[0]: place[1] for place in PLACES}

WITHDRAWAL = q.Citation(
    id="withdrawal",
    article="consultation, withdrawal",
    basis="announcement",
    certainty="likely",
    nl="Voor een militaire trein met de status urgent mag verdeelde capaciteit van anderen worden ingetrokken.",
    en="For a military train with the status urgent, allocated capacity of others may be withdrawn.",
)
RESERVE = q.Citation(
    id="reserve-belongs-to-nobody",
    article="art. 13(2)",
    basis="law",
    certainty="likely",
    nl="Een pad van de reserve is aan niemand verdeeld; wie het verlegt, neemt niemand iets af.",
    en="A path of the reserve is allocated to nobody; to move it takes nothing from anyone.",
)
CONSENT = q.Citation(
    id="consent-of-the-holder",
    article="no article: agreement of the holder",
    basis="assumption",
    certainty="assumed",
    nl="De houder van een pad mag met een verschuiving instemmen; dan wordt niets ingetrokken.",
    en="The holder of a path may agree to a shift; nothing is withdrawn then.",
)
LEVELS = q.Citation(
    id="minimum-levels",
    article="art. 8",
    basis="assumption",
    certainty="assumed",
    nl="Per traject en richting blijft het minimum aantal paden per uur over.",
    en="On each line and in each direction the least number of paths an hour is left.",
)
ANALOGIES = [
    q.Citation(
        id="order-of-segments",
        article="art. 10(1)",
        basis="analogy",
        certainty="assumed",
        nl="Aanname naar analogie: hinder weegt zwaarder naarmate het marktsegment hoger staat.",
        en="Assumption by analogy: harm weighs more the higher the market segment stands.",
    ),
    q.Citation(
        id="counter-offer",
        article="art. 4c",
        basis="analogy",
        certainty="assumed",
        nl="Aanname naar analogie: een verschuiving van een reizigerstrein tot 3 minuten telt als gering.",
        en="Assumption by analogy: a shift of a passenger train of up to 3 minutes counts as slight.",
    ),
]

TRAINS: list[dict[str, Any]] = [
    # number, kind of train, kind of displacement, where it runs, where it meets, km/h, later by, harm in EUR
    {"n": "2264", "as": "intercity", "do": "shifted", "run": ("Rsd", "Ht"), "at": "Bd", "v": 110, "d": 170, "eur": 310},
    {"n": "9652", "as": "sprinter", "do": "held", "run": ("Tb", "O"), "at": "Ht", "v": 62, "d": 348, "eur": 412},
    {"n": "4468", "as": "sprinter", "do": "shortened", "run": ("O", "Zp"), "at": "Nm", "v": 62, "d": 0, "eur": 1890},
    {"n": "31081", "as": "regional_diesel", "do": "cancelled", "run": ("Zp", "Hgl"), "at": "Go", "v": 55, "d": 0},
    {"n": "31083", "as": "regional_diesel", "do": "shifted", "run": ("Hgl", "Zp"), "at": "Ddn", "v": 55, "d": 240},
    {"n": "43712", "as": "freight_container", "do": "rerouted", "run": ("Rsd", "Odzg"), "at": "Tb", "v": 70, "d": 2460},
    {"n": "47715", "as": "freight_mixed", "do": "held", "run": ("Bd", "Ah"), "at": "Est", "v": 66, "d": 900},
    {"n": "144", "as": "ice", "do": "held", "run": ("Dr", "Odzg"), "at": "Odz", "v": 95, "d": 420, "eur": 690},
    {"n": "R-Tb-Ht-22", "as": "freight_mixed", "do": "shifted", "run": ("Tb", "Ht"), "at": "Ht", "v": 70, "d": 600},
]
HOLDERS = {
    "intercity": ("NS", "national", "passenger", "likely", 3),
    "sprinter": ("NS", "urban_regional", "passenger", "assumed", 1),
    "regional_diesel": ("Arriva", "regional", "passenger", "likely", 6),
    "ice": ("NS", "international", "passenger", "likely", 2),
    "freight_container": ("", "freight", "freight", "assumed", 7),
    "freight_mixed": ("", "freight", "freight", "assumed", 7),
}


def _harm(kind: str, eur: float, minutes: float, tonne_h: float = 0.0) -> q.HarmSum:
    return q.HarmSum(
        passenger_min_delay=minutes if kind not in ("cancelled", "shortened") else 0.0,
        passenger_min_cancelled=minutes if kind in ("cancelled", "shortened") else 0.0,
        passenger_min_waiting=round(0.2 * minutes, 1),
        passenger_min_missed=round(0.1 * minutes, 1),
        freight_tonne_h=tonne_h,
        eur=eur,
        eur_low=round(0.45 * eur, 1),
        eur_high=round(2.3 * eur, 1),
        trains={kind: 1},
    )


def sum_of(harms: list[q.HarmSum]) -> q.HarmSum:
    """Return the sum of what displaced trains cost, with the trains counted by kind."""
    total = q.HarmSum(trains={})
    for harm in harms:
        for name, value in msgspec.structs.asdict(harm).items():
            if name != "trains":
                setattr(total, name, round(getattr(total, name) + value, 1))
        for kind, number in harm.trains.items():
            total.trains[kind] = total.trains.get(kind, 0) + number
    return total


def _line(order: list[str], km: dict[str, float], start: float, speed: float) -> list[tuple[str, float]]:
    """Return when a train is at each of its points."""
    at, s = [(order[0], start)], start
    for a, b in pairwise(order):
        s += abs(km[b] - km[a]) / speed * 3600
        at.append((b, s))
    return at


def _after(row: dict[str, Any], at: list[tuple[str, float]]) -> list[float | None]:
    """Return the new departure at each point of a train; None where it does not come any more."""
    kind, meets = row["do"], [code for code, _ in at].index(row["at"])
    if kind == "cancelled":
        return [None for _ in at]
    if kind == "shortened":
        return [s if i <= meets else None for i, (_, s) in enumerate(at)]
    first = 0 if kind in ("shifted", "rerouted") else max(0, meets - 1)
    return [s + row["d"] if i >= first else s for i, (_, s) in enumerate(at)]


def _calls(row: dict[str, Any], at: list[tuple[str, float]], new: list[float | None]) -> list[q.CallTime]:
    calls = []
    for i, ((code, s), then) in enumerate(zip(at, new, strict=True)):
        holds = row["do"] == "held" and then != s and (i == 0 or new[i - 1] == at[i - 1][1])
        calls.append(
            q.CallTime(
                code=code,
                name=NAMES[code],
                stops=row["as"] not in ("freight_container", "freight_mixed") or i in (0, len(at) - 1),
                track=str(1 + i % 4),
                old_arrival_s=round(s),
                old_departure_s=round(s) + 60,
                new_arrival_s=None if then is None else round(s if holds else then),
                new_departure_s=None if then is None else round(then) + 60,
            )
        )
    return calls


def _drawn(km: dict[str, float], calls: list[q.CallTime], new: bool) -> list[list[float]]:
    points: list[list[float]] = []
    for call in calls:
        arrival = call.new_arrival_s if new else call.old_arrival_s
        departure = call.new_departure_s if new else call.old_departure_s
        if arrival is not None and departure is not None:
            points += [[round(km[call.code], 2), arrival], [round(km[call.code], 2), departure]]
    return points


def make_move(row: dict[str, Any], path: Path, shift: float = 0.0, *, rule: q.Citation = WITHDRAWAL) -> q.Move:
    """Return what happens to one of ``TRAINS`` when the train runs on a path."""
    km = {point.code: point.km for point in path.points}
    first, last = (CODES.index(code) for code in row["run"])
    order = CODES[first : last + 1] if first < last else CODES[last : first + 1][::-1]
    meeting = next(point for point in path.points if point.code == row["at"])
    drive = dict(_line(order, km, 0.0, row["v"]))[row["at"]]
    at = _line(order, km, meeting.arrival_s - drive + shift, row["v"])
    calls = _calls(row, at, _after(row, at))
    undertaking, segment, layer, certainty, rank = HOLDERS[row["as"]]
    reserve = row["n"].startswith("R-")
    kind, delay = row["do"], row["d"]
    minutes = 0.0 if layer == "freight" else 220.0 + (1.2 * delay if delay else 6200.0)
    eur = row.get("eur", 0.27 * minutes + 0.9 * delay)
    tonne_h = round(delay * 0.28, 1) if layer == "freight" and not reserve else 0.0
    after = _drawn(km, calls, new=True)
    return q.Move(
        train=row["n"],
        series=row["n"][:-2] + "00",
        train_kind=row["as"],
        layer="reserve" if reserve else layer,
        segment="other" if reserve else segment,
        undertaking="" if reserve else undertaking,
        holder_certainty=certainty,
        kind=kind,
        forced_by_closure=False,
        needs_consent=rule is CONSENT,
        rule=RESERVE if reserve else rule,
        rank=rank,
        slight=layer == "passenger" and 0 < delay <= 180,
        neighbours=["DB InfraGO"] if "Odzg" in order else [],
        delay_s=delay,
        decide_by_s=round(at[0][1]) - 3600,
        harm=_harm(kind, 0.0 if reserve else round(eur, 1), minutes, tonne_h),
        calls=calls,
        legs=[] if kind == "cancelled" else [q.MovedLeg(departure_s=round(at[0][1]) + 60, shift_s=delay)],
        pieces=_other_way(row, at) if kind == "rerouted" else [],
        held=[Held(zone=9001, name="Dv-Hgl 1", km_from=0.0, km_to=1.4, from_s=80_000, until_s=80_300)]
        if kind == "rerouted"
        else [],
        line_before=[_drawn(km, calls, new=False)],
        line_after=[after[: 2 * len(after) // 5]] if kind == "rerouted" else [after] if after else [],
    )


def _other_way(row: dict[str, Any], at: list[tuple[str, float]]) -> list[PieceTime]:
    start = at[0][1] + row["d"]
    values = {"directed": 18_002, "track": "Amf-Dv 2", "name": "", "from_m": 0.0, "to_m": 1400.0, "speed_kmh": 80.0}
    return [PieceTime(**values, km=0.0, enter_s=start, exit_s=start + 70, depart_s=start + 70)]


def make_notices(moves: list[q.Move]) -> list[q.Notice]:
    """Return the notices that go out for some moves, one to each holder."""
    holders: dict[tuple[str, str], list[q.Move]] = {}
    for move in moves:
        holders.setdefault((move.undertaking, move.segment if not move.undertaking else ""), []).append(move)
    return [
        q.Notice(
            undertaking=undertaking,
            segment=rows[0].segment,
            send_by_s=min(row.decide_by_s for row in rows),
            trains=[
                q.NoticeTrain(
                    train=row.train,
                    kind=row.kind,
                    asks_consent=row.needs_consent,
                    neighbours=row.neighbours,
                    times=[
                        q.NoticeTime(
                            code=call.code,
                            name=call.name,
                            old_arrival_s=call.old_arrival_s,
                            old_departure_s=call.old_departure_s,
                            new_arrival_s=call.new_arrival_s,
                            new_departure_s=call.new_departure_s,
                        )
                        for call in row.calls
                        if call.stops
                    ],
                )
                for row in rows
            ],
            citations=list({row.rule.id: row.rule for row in rows}.values()),
        )
        for (undertaking, _), rows in holders.items()
    ]


def _pays(moves: list[q.Move], names: list[str]) -> list[q.Pays]:
    found: dict[str, q.Pays] = {}
    for name, move in zip(names, moves, strict=True):
        row = found.setdefault(name, q.Pays(what=name, trains=0, passenger_min=0.0, freight_tonne_h=0.0, eur=0.0))
        row.trains += 1
        row.passenger_min = round(row.passenger_min + move.harm.passenger_min_delay, 1)
        row.freight_tonne_h = round(row.freight_tonne_h + move.harm.freight_tonne_h, 1)
        row.eur = round(row.eur + move.harm.eur, 1)
    return [found[name] for name in sorted(found)]


def _refuges(path: Path) -> list[q.Refuge]:
    places = [("Rsd", "12", 702.0), ("Tb", "903", 655.0), ("Zp", "5", 561.5)]
    at = {point.code: point for point in path.points}
    rows = []
    for point in path.points[:-1]:
        code, track, usable = next((row for row in places if at[row[0]].km > point.km), ("", "", 0.0))
        rows.append(
            q.Refuge(
                after_code=point.code,
                after_name=point.name,
                after_km=point.km,
                code=code,
                name=NAMES.get(code, ""),
                track=track,
                km=at[code].km if code else None,
                usable_m=usable,
            )
        )
    return rows


def _late(arrival: int) -> list[q.LateCase]:
    held = [(300, 0, None, None, None), (900, 1260, arrival + 900, 640.0, 2), (1800, None, arrival + 2100, 2480.0, 5)]
    return [
        q.LateCase(
            by_s=by,
            policy="let_run" if wait is None else "held",
            held_arrival_s=None if wait is None else arrival + by + wait,
            held_wait_s=wait,
            let_run_arrival_s=then,
            let_run_eur=eur,
            let_run_trains=trains,
        )
        for by, wait, then, eur, trains in held
    ]


def make_proposal(name: str, why: str, rows: list[int], later_s: int, *, rule: q.Citation = WITHDRAWAL) -> q.Proposal:
    """Return a proposal that moves some of ``TRAINS`` for a train that leaves so much later than it could."""
    path = make_path(name, "best", MAIN + later_s, 7, others=160)
    moves = [make_move(TRAINS[row], path, 40.0 * (row % 3) - 40.0, rule=rule) for row in rows]
    harm = sum_of([move.harm for move in moves])
    return q.Proposal(
        id=name,
        why=why,
        paths=[path],
        moves=moves,
        harm=harm,
        missed=q.HarmSum(passenger_min_missed=harm.passenger_min_missed, eur=round(0.1 * harm.eur, 1)),
        by_segment=_pays(moves, [move.segment for move in moves]),
        by_hour=_pays(moves, [str(move.calls[0].old_departure_s // 3600) for move in moves]),
        arrival_s=path.arrival_s,
        late_s=later_s,
        robust_eur=round(0.15 * harm.eur + 90.0, 1),
        late=_late(path.arrival_s),
        decide_by_s=min((move.decide_by_s for move in moves), default=path.departure_s - 3600),
        refuges=_refuges(path),
        notices=make_notices(moves),
        consent=sorted({move.undertaking or move.segment for move in moves if rule is CONSENT} | {"DB InfraGO"}),
        reserve_paths=["R-Tb-Ht-22"],
        minimum_levels=[
            q.LevelShort(section="Go-Zp", direction="Go", hour=1, needed=1, before=1, after=0, kind="other")
        ]
        if 3 in rows
        else [],
    )


def make_displacement(status: str = "draft") -> q.Displacement:
    """Return what ``--displace`` answers: three proposals to choose from, and one by consent."""
    return q.Displacement(
        rules=q.RuleNote(
            name="military-priority",
            title_nl="Militaire voorrang, zoals aangekondigd in december 2025",
            title_en="Military priority, as announced in December 2025",
            in_force="unknown",
            valid_from="2026-09-22",
            valid_to="",
            certainty="assumed",
            source=rule_set("military-priority").source,
            hash="51d0c2b7e9441077",
            compensated="unknown",
            decided_by=["DEF", "IENW"],
        ),
        status=status,
        missing=[Sentence("rules.missing.legal_basis"), Sentence("rules.missing.decision", {"decider": "IENW"})]
        if status == "draft"
        else [],
        summary=Sentence("plan.summary.trains", {"departure": MAIN, "arrival": MAIN + 20_000, "trains": 9}),
        free=False,
        proposals=[]
        if status == "refused"
        else [
            make_proposal("A", "on_time", list(range(9)), 0),
            make_proposal("B", "middle", [0, 1, 4, 5, 7, 8], 1500),
            make_proposal("C", "least_harm", [0, 4, 8], 3900),
        ],
        consent=[make_proposal("D", "least_harm", [0, 4, 6], 5400, rule=CONSENT)],
        rule_sets=[
            q.RuleAnswer(
                rules="besluit",
                title_nl="Besluit capaciteitsverdeling, zoals gelezen",
                title_en="Decree on allocation of railway capacity, as read",
                in_force="yes",
                outcome="consent",
                eur=384.0,
                trains=2,
                missing=[],
            ),
            q.RuleAnswer(
                rules="eu-emers",
                title_nl="EMERS, een voorstel van de Europese Commissie",
                title_en="EMERS, a proposal of the European Commission",
                in_force="proposal",
                outcome="draft",
                eur=1370.0,
                trains=3,
                missing=[Sentence("rules.missing.adoption"), Sentence("rules.missing.legal_basis")],
            ),
        ],
        relaxed=[q.Relaxed(rule=LEVELS, eur=540.0, saved_eur=830.0), q.Relaxed(rule=RESERVE, eur=None, saved_eur=None)],
        compared=q.Compared(cancel_eur=41_300.0, hold_eur=8_450.0, trains=11),
        analogies=ANALOGIES,
    )


def make_displaced_plan(status: str = "draft") -> p.Plan:
    """Return the plan of ``made_up_plan`` with a displacement; its own paths are those of the first proposal."""
    plan = make_plan(found=status != "refused", others=20)
    plan.displacement = make_displacement(status)
    plan.paths = plan.displacement.proposals[0].paths if plan.displacement.proposals else []
    plan.outcome = "found" if plan.paths else "none"
    return plan

"""A made-up plan in the form of the real ones: a wide, heavy train from Sloe to the border beyond Oldenzaal.

Times, trains and blocks are invented with a fixed seed; only the places are real.
"""

from __future__ import annotations

import random
from itertools import pairwise

from weerspoor.capacity import plan as p

PLACES = [
    ("Sloe", "Sloehaven", 51.470, 3.700, 2),
    ("Gs", "Goes", 51.4982, 3.8910, 2),
    ("Krg", "Kapelle-Biezelinge", 51.4760, 3.9600, 2),
    ("Kbd", "Krabbendijke", 51.4330, 4.1150, 2),
    ("Rb", "Rilland-Bath", 51.4220, 4.1620, 2),
    ("Bgn", "Bergen op Zoom", 51.4953, 4.2962, 2),
    ("Rsd", "Roosendaal", 51.5408, 4.4587, 2),
    ("Etn", "Etten-Leur", 51.5750, 4.6360, 2),
    ("Bd", "Breda", 51.5955, 4.7800, 2),
    ("Gz", "Gilze-Rijen", 51.5840, 4.9200, 2),
    ("Tb", "Tilburg", 51.5605, 5.0838, 2),
    ("Ht", "'s-Hertogenbosch", 51.6905, 5.2936, 2),
    ("O", "Oss", 51.7650, 5.5330, 2),
    ("Rvs", "Ravenstein", 51.7950, 5.6480, 1),
    ("Wc", "Wijchen", 51.8110, 5.7260, 2),
    ("Nm", "Nijmegen", 51.8433, 5.8523, 2),
    ("Est", "Elst", 51.9170, 5.8540, 4),
    ("Ah", "Arnhem Centraal", 51.9850, 5.8990, 2),
    ("Dr", "Dieren", 52.0440, 6.1030, 2),
    ("Zp", "Zutphen", 52.1454, 6.1940, 1),
    ("Lc", "Lochem", 52.1660, 6.4260, 1),
    ("Go", "Goor", 52.2310, 6.5860, 1),
    ("Ddn", "Delden", 52.2600, 6.7150, 2),
    ("Hgl", "Hengelo", 52.2618, 6.7940, 2),
    ("Odz", "Oldenzaal", 52.3060, 6.9340, 1),
    ("Odzg", "Oldenzaal grens", 52.3240, 7.0400, 1),
]
MAIN = 20 * 3600 + 40 * 60


def _distance_km(a: tuple[str, str, float, float, int], b: tuple[str, str, float, float, int]) -> float:
    return float((((a[2] - b[2]) * 111.25) ** 2 + ((a[3] - b[3]) * 68.4) ** 2) ** 0.5) * 1.04


def make_path(name: str, why: str, start: int, seed: int, *, others: int = 320) -> p.Path:
    """Return one path with its staircase of blocks, other trains and neighbour zones kept empty."""
    chance = random.Random(seed)
    km = [0.0]
    for before, after in pairwise(PLACES):
        km.append(km[-1] + _distance_km(before, after))
    waits = {"Tb": (600, "crew_change", ""), "Zp": (1260, "wait_for_train", "31081")}
    time = float(start)
    points: list[p.PointTime] = []
    pieces: list[p.PieceTime] = []
    held: list[p.Held] = []
    kept: list[p.KeptEmpty] = []
    shape: list[list[float]] = []
    sections: list[p.DiagramSection] = []
    for i, (code, label, lat, lon, tracks) in enumerate(PLACES):
        stop, reason, train = waits.get(code, (0, "", ""))
        arrival = round(time / 6) * 6
        departure = arrival + stop
        ends = {0: "origin", len(PLACES) - 1: "border"}
        points.append(
            p.PointTime(
                code=code,
                name=label,
                km=round(km[i], 3),
                arrival_s=arrival,
                departure_s=departure,
                track=str(chance.choice(["1", "2", "3", "902", "6a"])),
                stop_s=stop,
                reason=reason or ends.get(i, ""),
                reason_train=train,
                slack_before_s=chance.choice([None, 66, 120, 198, 612, 1230]),
                train_before=f"{chance.randrange(1000, 9999)}",
                slack_after_s=chance.choice([None, 84, 156, 402, 900]),
                train_after=f"{chance.randrange(40000, 49999)}",
            )
        )
        if stop:
            pieces[-1].depart_s = departure
        time = departure
        if i + 1 == len(PLACES):
            break
        target = PLACES[i + 1]
        sections.append(p.DiagramSection(km_from=km[i], km_to=km[i + 1], tracks=tracks))
        count = max(2, round((km[i + 1] - km[i]) / 1.4))
        bend_lat, bend_lon = chance.uniform(-0.01, 0.01), chance.uniform(-0.01, 0.01)
        for j in range(count):
            a = km[i] + (km[i + 1] - km[i]) * j / count
            b = km[i] + (km[i + 1] - km[i]) * (j + 1) / count
            slow = 55 if j in (0, count - 1) and (stop or i == 0) else 82
            took = (b - a) / slow * 3600
            share = j / count
            swing = 4 * share * (1 - share)
            here = [
                lon + (target[3] - lon) * share + bend_lon * swing,
                lat + (target[2] - lat) * share + bend_lat * swing,
            ]
            shape.append([round(here[0], 6), round(here[1], 6)])
            pieces.append(
                p.PieceTime(
                    directed=2 * len(pieces),
                    track=f"{i}_{j}V_0.4",
                    name="",
                    from_m=0.0,
                    to_m=(b - a) * 1000,
                    km=a,
                    enter_s=time,
                    exit_s=time + took,
                    depart_s=time + took,
                    speed_kmh=slow,
                )
            )
            held.append(
                p.Held(
                    zone=len(held),
                    name=f"{code}-{target[0]} {j + 1}",
                    km_from=a,
                    km_to=b,
                    from_s=int(time - 75),
                    until_s=int(time + took + 40),
                )
            )
            if tracks > 1 and chance.random() < 0.45:
                kept.append(
                    p.KeptEmpty(
                        zone=5000 + len(kept),
                        track=f"{code}-{target[0]} left",
                        km_from=a,
                        km_to=b,
                        distance_m=round(chance.uniform(3.6, 4.1), 2),
                        of="all" if chance.random() < 0.7 else "passenger",
                        from_s=int(time - 60),
                        until_s=int(time + took + 50),
                        margin_early_s=chance.choice([None, 126, 540, 1500]),
                        margin_late_s=chance.choice([None, 96, 240, 780]),
                        train_before=f"{chance.randrange(1000, 9999)}",
                        train_after=f"{chance.randrange(1000, 9999)}",
                        freed_by="tail_clear",
                        freed_at=f"{target[1]} km {b:.1f}",
                        shape=[
                            here,
                            [here[0] + (target[3] - lon) / count, here[1] + (target[2] - lat) / count],
                        ],
                    )
                )
            time += took
    shape.append([PLACES[-1][3], PLACES[-1][2]])
    return p.Path(
        id=name,
        why=why,
        departure_s=points[0].departure_s,
        arrival_s=points[-1].arrival_s,
        distance_km=km[-1],
        running_s=points[-1].arrival_s - points[0].departure_s,
        stops=2,
        pace=0.9,
        energy_kwh=None,
        points=points,
        pieces=pieces,
        held=held,
        kept_empty=kept,
        reserve_paths=["R-Tb-Gdm-22"],
        conditions=[
            p.Condition(
                key="window_end",
                place="Oldenzaal grens",
                value=87_960,
                limit=88_200,
                unit="clock",
                certainty="sure",
                source="request",
            ),
            p.Condition(
                key="usable_length",
                place="Zp 3",
                value=540,
                limit=561.5,
                unit="m",
                certainty="likely",
                source="signal to signal",
            ),
        ],
        trains=_others(km, chance, others),
        sections=sections,
        shape=shape,
    )


def _others(km: list[float], chance: random.Random, number: int) -> list[p.DiagramTrain]:
    kinds = [
        ("intercity", "passenger", 110),
        ("sprinter", "passenger", 66),
        ("regional_diesel", "passenger", 60),
        ("freight_container", "freight", 70),
        ("intercity", "empty", 80),
        ("freight_mixed", "reserve", 70),
    ]
    trains: list[p.DiagramTrain] = []
    for n in range(number):
        kind, layer, speed = chance.choices(kinds, weights=[8, 9, 4, 3, 1, 1])[0]
        first = chance.randrange(len(km) - 3)
        last = min(len(km) - 1, first + chance.randrange(2, 9))
        order = list(range(first, last + 1))
        if chance.random() < 0.5:
            order.reverse()
        s = MAIN - 5400 + chance.random() * 33_000
        line = [[round(km[order[0]], 2), round(s)]]
        for a, b in pairwise(order):
            s += abs(km[b] - km[a]) / speed * 3600
            line.append([round(km[b], 2), round(s)])
            s += chance.choice([0, 60, 90])
            line.append([round(km[b], 2), round(s)])
        reference = "31081" if n == 0 else f"{chance.randrange(500, 49999)}"
        trains.append(p.DiagramTrain(reference=reference, kind=kind, layer=layer, lines=[line]))
    return trains


def make_plan(*, found: bool = True, others: int = 320) -> p.Plan:
    """Return a plan with three paths, or one without a path and its explanation."""
    extra = [
        ("Vs", "Vlissingen", 51.444, 3.596),
        ("Ut", "Utrecht Centraal", 52.0888, 5.1107),
        ("Amf", "Amersfoort", 52.154, 5.373),
        ("Asd", "Amsterdam Centraal", 52.379, 4.8994),
        ("Rtd", "Rotterdam Centraal", 51.9244, 4.469),
        ("Zl", "Zwolle", 52.5047, 6.0911),
        ("Dv", "Deventer", 52.2573, 6.1605),
        ("Ehv", "Eindhoven Centraal", 51.4434, 5.4813),
        ("Gn", "Groningen", 53.2107, 6.5640),
        ("Mt", "Maastricht", 50.8497, 5.7055),
        ("Lw", "Leeuwarden", 53.196, 5.792),
        ("Es", "Enschede", 52.2222, 6.8900),
    ]
    at = {code: [lon, lat] for code, _, lat, lon, *_ in [*PLACES, *extra]}
    lines = [
        ["Vs", "Gs", "Bgn", "Rsd", "Bd", "Tb", "Ht", "Nm", "Ah", "Zp", "Dv", "Zl", "Lw"],
        ["Asd", "Ut", "Ht", "Ehv", "Mt"],
        ["Rtd", "Bd"],
        ["Rtd", "Ut", "Amf", "Dv", "Hgl", "Odz", "Odzg"],
        ["Hgl", "Es"],
        ["Zl", "Gn", "Lw"],
        ["Asd", "Rtd", "Rsd"],
        ["Ut", "Ah"],
        ["Amf", "Zl"],
        ["Zp", "Hgl"],
    ]
    explanation = p.Explanation(
        summary=p.Sentence("plan.summary.closures", {"departure": 74_000.0, "arrival": 101_000.0, "closures": 1}),
        obstacles=[
            p.Obstacle(
                kind="closure",
                what="closed[1]",
                place="Zutphen",
                detail=p.Sentence("plan.obstacle.closes", {"zones": 9, "from": 82_800, "until": 104_400}),
                source="request",
            ),
            p.Obstacle(
                kind="train",
                what="31081 <b>late</b>",
                place="Hengelo",
                detail=p.Sentence("plan.obstacle.train", {"zones": 2, "from": 100_920, "until": 102_660}),
                source="day",
            ),
        ],
        relaxations=[
            p.Relaxation(
                key="later",
                amount=3000,
                unit="s",
                detail=p.Sentence("plan.relaxation.later"),
                departure_s=75_000,
                arrival_s=106_000,
            ),
            p.Relaxation(
                key="shorter",
                amount=120,
                unit="m",
                detail=p.Sentence("plan.relaxation.shorter", {"length": 420}),
                departure_s=74_400,
                arrival_s=101_400,
            ),
        ],
        reached=["Zp"],
    )
    return p.Plan(
        reference="HNS-2026-0041",
        outcome="found" if found else "none",
        handling=p.Handling(label="Departementaal VERTROUWELIJK", sensitive=["/train", "/paths"]),
        provenance=p.Provenance(
            program="weerspoor 0.1.0",
            network="3fd1a0c2b7e94410",
            day="9a0e11c27d55f013",
            request="c01b5d0a7733e9f2",
            assumptions="77b2c9e01fd3a640",
            seed=0,
        ),
        request={
            "reference": "HNS-2026-0041",
            "date": "2026-11-24",
            "train": {"template": "heavy"},
            "from": {"point": "Sloe", "ready_s": 73_800, "window_s": None},
            "to": {"point": "Odzg", "window_s": [86_400, 88_200]},
            "via": [{"point": "Tb", "stop_s": 600, "kind": "crew_change", "window_s": None}],
            "avoid": {"points": ["Ut"], "stand": ["Ht"]},
            "prefer": {"slack_s": 60},
            "closed": [{"between": ["Dv", "Hgl"], "tracks": ["all"], "from_s": 82_800, "until_s": 90_000}],
            "horizon_s": 88_200,
        },
        train={
            "template": "heavy",
            "length_m": 540.0,
            "mass_t": 2100.0,
            "max_speed_kmh": 90.0,
            "traction": ["diesel"],
            "axle_load_t": 21.5,
            "metre_load_t": 5.8,
            "load_half_width_mm": 1875,
            "load_height_mm": 3900,
            "dangerous_goods": ["1.1D"],
            "guarded": True,
            "assumed": {"metre_load_t": "from the ranges of a fact sheet", "axle_load_t": "the same"},
        },
        day=p.DayNote(
            name="pattern-weekday",
            kind="weekday",
            date="2026-11-24",
            lacks=["works"],
            warnings=[p.Sentence("plan.warning.lacks", {"layers": ["works", "empty"]})],
        ),
        paths=[
            make_path("1", "best", MAIN, 7, others=others),
            make_path("2", "later", MAIN + 2700, 8, others=others),
            make_path("3", "fewer_stops", MAIN + 5400, 9, others=others),
        ]
        if found
        else [],
        explanation=None if found else explanation,
        assumptions=[
            {
                "what": "block length of open lines",
                "value": "1 400 m",
                "certainty": "assumed",
                "source": "no source for automatic block signals",
            },
            {
                "what": "clearance to the neighbour track",
                "value": "4.10 m",
                "certainty": "likely",
                "source": "half width of load plus profile of the other train",
            },
        ],
        sources=[
            {"name": "Track model", "licence": "MIT, © 2022 ProRail-DataLab", "date": "2021-06"},
            {"name": "Stations", "licence": "CC BY 4.0, Rijden de Treinen", "date": "2023-09"},
        ],
        map=p.MapLayer(
            lines=[[at[code] for code in line] for line in lines],
            places=[
                {"code": code, "name": name, "kind": "station", "at": [lon, lat]}
                for code, name, lat, lon, *_ in [*PLACES, *extra]
            ],
        ),
        hash="5be0d1f4a97c2e38",
    )

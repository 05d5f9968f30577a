/** A small plan worked out by hand: `Aa ──10 km── Bee (stop) ──10 km, single track── Cee`. */

import type { KeptEmpty, Path, Plan, PointTime } from "../src/plan.ts";

const point = (code: string, name: string, km: number, arrival_s: number, departure_s: number): PointTime => ({
  code,
  name,
  km,
  arrival_s,
  departure_s,
  track: "1",
  stop_s: departure_s - arrival_s,
  reason: departure_s > arrival_s ? "wait_for_train" : "",
  reason_train: departure_s > arrival_s ? "1100a00" : "",
  slack_before_s: null,
  train_before: "",
  slack_after_s: 90,
  train_after: "1100a00",
});

export const kept = (changes: Partial<KeptEmpty>): KeptEmpty => ({
  zone: 9,
  track: "left",
  km_from: 0,
  km_to: 10,
  distance_m: 3.8,
  of: "all",
  from_s: 71_940,
  until_s: 72_700,
  margin_early_s: null,
  margin_late_s: 120,
  train_before: "",
  train_after: "1100a00",
  freed_by: "tail_clear",
  freed_at: "Bee",
  shape: [
    [5, 52.1],
    [5.1, 52.15],
  ],
  ...changes,
});

const piece = { track: "t", name: "", from_m: 0, to_m: 10_000, speed_kmh: 60, turned: false };

export const path: Path = {
  id: "P1",
  why: "best",
  departure_s: 72_000,
  arrival_s: 73_500,
  distance_km: 20,
  running_s: 1500,
  stops: 1,
  pace: 1,
  energy_kwh: null,
  points: [point("A", "Aa", 0, 72_000, 72_000), point("B", "Bee", 10, 72_600, 72_900), point("C", "Cee", 20, 73_500, 73_500)],
  pieces: [
    { ...piece, directed: 0, km: 0, enter_s: 72_000, exit_s: 72_600, depart_s: 72_900 },
    { ...piece, directed: 2, km: 10, enter_s: 72_900, exit_s: 73_500, depart_s: 73_500 },
  ],
  held: [
    { zone: 0, name: "AB", km_from: 0, km_to: 10, from_s: 71_940, until_s: 72_640 },
    { zone: 1, name: "BC", km_from: 10, km_to: 20, from_s: 72_880, until_s: 73_540 },
  ],
  kept_empty: [kept({})],
  reserve_paths: [],
  conditions: [],
  trains: [
    { reference: "1100a00", kind: "intercity", layer: "passenger", lines: [[[20, 71_700], [10, 72_300], [0, 72_900]]] },
    { reference: "F1", kind: "freight_mixed", layer: "freight", lines: [[[0, 74_000], [20, 75_500]]] },
  ],
  sections: [
    { km_from: 0, km_to: 10, tracks: 2 },
    { km_from: 10, km_to: 20, tracks: 1 },
  ],
  shape: [
    [5, 52.1],
    [5.14, 52.1],
    [5.29, 52.2],
  ],
};

export const plan: Plan = {
  schema: "weerspoor-plan",
  version: 3,
  reference: "HNS-1",
  outcome: "found",
  handling: { label: "Label", sensitive: [] },
  provenance: { program: "weerspoor 0", seed: 0 },
  request: {},
  train: {},
  day: { name: "pattern-weekday", kind: "weekday", date: "2026-11-24", lacks: [], warnings: [] },
  paths: [path],
  explanation: {
    proven: true,
    summary: { key: "No way through Bee.", values: {} },
    obstacles: [{ kind: "train", what: "1100a00", place: "Bee", detail: { key: "plan.obstacle.train", values: { zones: 2, from: 72_000, until: 72_600 } }, source: "day" }],
    relaxations: [{ key: "later", amount: 600, unit: "s", detail: { key: "plan.relaxation.later", values: {} }, departure_s: 72_600, arrival_s: 74_100 }],
    reached: ["A"],
  },
  displacement: null,
  assumptions: [],
  sources: [],
  map: { lines: [[[4.9, 52], [5.4, 52.3]]], places: [{ code: "X", name: "Exe", kind: "station", at: [5.2, 52.12] }] },
  hash: "00ff",
};

/** The plan as the program writes it (`weerspoor-plan`, version 3); see `capacity/plan.py` for the meaning of each field. */

import type { Displacement } from "./proposal.ts";

export type LonLat = readonly [number, number];

export interface PointTime {
  code: string;
  name: string;
  km: number;
  arrival_s: number;
  departure_s: number;
  track: string;
  stop_s: number;
  reason: string;
  reason_train: string;
  slack_before_s: number | null;
  train_before: string;
  slack_after_s: number | null;
  train_after: string;
}

export interface PieceTime {
  directed: number;
  track: string;
  name: string;
  from_m: number;
  to_m: number;
  km: number;
  enter_s: number;
  exit_s: number;
  depart_s: number;
  speed_kmh: number;
  turned: boolean;
}

export interface Held {
  zone: number;
  name: string;
  km_from: number;
  km_to: number;
  from_s: number;
  until_s: number;
}

export interface KeptEmpty {
  zone: number;
  track: string;
  km_from: number;
  km_to: number;
  distance_m: number;
  of: string;
  from_s: number;
  until_s: number;
  margin_early_s: number | null;
  margin_late_s: number | null;
  train_before: string;
  train_after: string;
  freed_by: string;
  freed_at: string;
  shape: LonLat[];
}

export interface Condition {
  key: string;
  place: string;
  value: number;
  limit: number;
  unit: string;
  certainty: string;
  source: string;
}

export interface DiagramTrain {
  reference: string;
  kind: string;
  layer: string;
  lines: (readonly [number, number])[][];
}

export interface DiagramSection {
  km_from: number;
  km_to: number;
  tracks: number;
}

export interface Path {
  id: string;
  why: string;
  departure_s: number;
  arrival_s: number;
  distance_km: number;
  running_s: number;
  stops: number;
  pace: number;
  energy_kwh: number | null;
  points: PointTime[];
  pieces: PieceTime[];
  held: Held[];
  kept_empty: KeptEmpty[];
  reserve_paths: string[];
  conditions: Condition[];
  trains: DiagramTrain[];
  sections: DiagramSection[];
  shape: LonLat[];
}

/** A sentence in no language yet: a key of the texts, and what fills its blanks. */
export interface Sentence {
  key: string;
  values: Record<string, unknown>;
}

export interface Obstacle {
  kind: string;
  what: string;
  place: string;
  detail: Sentence;
  source: string;
}

export interface Relaxation {
  key: string;
  amount: number;
  unit: string;
  detail: Sentence;
  departure_s: number | null;
  arrival_s: number | null;
}

export interface Explanation {
  summary: Sentence;
  obstacles: Obstacle[];
  relaxations: Relaxation[];
  reached: string[];
  proven: boolean;
}

export interface Place {
  code: string;
  name: string;
  kind: string;
  at: LonLat;
}

export interface Plan {
  schema: string;
  version: number;
  reference: string;
  outcome: string;
  handling: { label: string; sensitive: string[] };
  provenance: Record<string, string | number>;
  request: Record<string, unknown>;
  train: Record<string, unknown>;
  day: { name: string; kind: string; date: string; lacks: string[]; warnings: Sentence[] };
  paths: Path[];
  explanation: Explanation | null;
  displacement: Displacement | null;
  assumptions: Record<string, string>[];
  sources: Record<string, string>[];
  map: { lines: LonLat[][]; places: Place[] };
  hash: string;
}

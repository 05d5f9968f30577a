/** What a plan says of the trains it displaces; see `capacity/proposal.py` for the meaning of each field. */

import type { Held, Path, PieceTime, Sentence } from "./plan.ts";

export interface HarmSum {
  passenger_min_delay: number;
  passenger_min_waiting: number;
  passenger_min_cancelled: number;
  passenger_min_missed: number;
  freight_tonne_h: number;
  eur: number;
  eur_low: number;
  eur_high: number;
  trains: Record<string, number>;
}

export interface Citation {
  id: string;
  article: string;
  basis: string;
  certainty: string;
  nl: string;
  en: string;
}

interface Times {
  code: string;
  name: string;
  old_arrival_s: number;
  old_departure_s: number;
  new_arrival_s: number | null;
  new_departure_s: number | null;
}

export interface CallTime extends Times {
  stops: boolean;
  track: string;
}

export type Lines = (readonly [number, number])[][];

export interface Move {
  train: string;
  series: string;
  train_kind: string;
  layer: string;
  segment: string;
  undertaking: string;
  holder_certainty: string;
  kind: string;
  forced_by_closure: boolean;
  needs_consent: boolean;
  rule: Citation;
  rank: number;
  slight: boolean;
  neighbours: string[];
  delay_s: number;
  decide_by_s: number;
  harm: HarmSum;
  calls: CallTime[];
  legs: { departure_s: number; shift_s: number }[];
  pieces: PieceTime[];
  held: Held[];
  line_before: Lines;
  line_after: Lines;
}

export type NoticeTime = Times;

export interface Notice {
  undertaking: string;
  segment: string;
  send_by_s: number;
  trains: { train: string; kind: string; asks_consent: boolean; neighbours: string[]; times: NoticeTime[] }[];
  citations: Citation[];
}

export interface LateCase {
  by_s: number;
  policy: string;
  held_arrival_s: number | null;
  held_wait_s: number | null;
  let_run_arrival_s: number | null;
  let_run_eur: number | null;
  let_run_trains: number | null;
}

export interface Refuge {
  after_code: string;
  after_name: string;
  after_km: number;
  code: string;
  name: string;
  track: string;
  km: number | null;
  usable_m: number;
}

export interface Pays {
  what: string;
  trains: number;
  passenger_min: number;
  freight_tonne_h: number;
  eur: number;
}

export interface LevelShort {
  section: string;
  direction: string;
  hour: number | null;
  needed: number;
  before: number;
  after: number;
  kind: string;
}

export interface Proposal {
  id: string;
  why: string;
  paths: Path[];
  moves: Move[];
  harm: HarmSum;
  missed: HarmSum;
  by_segment: Pays[];
  by_hour: Pays[];
  arrival_s: number;
  late_s: number;
  robust_eur: number | null;
  late: LateCase[];
  decide_by_s: number;
  refuges: Refuge[];
  notices: Notice[];
  consent: string[];
  reserve_paths: string[];
  minimum_levels: LevelShort[];
}

export interface RuleNote {
  name: string;
  title_nl: string;
  title_en: string;
  in_force: string;
  valid_from: string;
  valid_to: string;
  certainty: string;
  source: string;
  hash: string;
  compensated: string;
  decided_by: string[];
}

export interface RuleAnswer {
  rules: string;
  title_nl: string;
  title_en: string;
  in_force: string;
  outcome: string;
  eur: number | null;
  trains: number | null;
  missing: Sentence[];
}

export interface Displacement {
  rules: RuleNote;
  status: string;
  missing: Sentence[];
  summary: Sentence;
  free: boolean;
  proposals: Proposal[];
  consent: Proposal[];
  rule_sets: RuleAnswer[];
  relaxed: { rule: Citation; eur: number | null; saved_eur: number | null }[];
  compared: { cancel_eur: number; hold_eur: number | null; trains: number } | null;
  analogies: Citation[];
}

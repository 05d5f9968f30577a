/** Money, numbers of trains and moments of a displacement, as words. */

import { known } from "./cells.ts";
import { clockMinutes, nextDate } from "./clock.ts";
import type { Plan } from "./plan.ts";
import type { Citation, HarmSum, Move } from "./proposal.ts";
import type { Texts } from "./texts.ts";

const DAY_S = 86_400;

/** Kinds of displacement, in the order in which they are told. */
export const KINDS = ["shifted", "held", "rerouted", "shortened", "cancelled"] as const;

/** An estimate keeps three figures: more would be false. */
export function rounded(value: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, Math.abs(value)))) - 2);
  return Math.round(value / step) * step;
}

export const amount = (value: number, texts: Texts): string => texts.number(rounded(value));
export const eur = (value: number, texts: Texts): string => texts.text("proposal.eur", { n: amount(value, texts) });

/** `€ 1 240 (560–2 850)`. */
export const eurRange = (harm: HarmSum, texts: Texts): string =>
  harm.eur_high === 0 ? eur(0, texts) : `${eur(harm.eur, texts)} (${amount(harm.eur_low, texts)}–${amount(harm.eur_high, texts)})`;

export const passengerMinutes = (harm: HarmSum): number => harm.passenger_min_delay + harm.passenger_min_waiting + harm.passenger_min_cancelled + harm.passenger_min_missed;

/** Kinds of displacement that occur among some moves, with their numbers. */
export function countsOf(moves: readonly Move[]): [string, number][] {
  const count = (kind: string): number => moves.filter((move) => move.kind === kind).length;
  return KINDS.map((kind): [string, number] => [kind, count(kind)]).filter(([, number]) => number > 0);
}

const dayBefore = (date: string): string => {
  const day = new Date(`${date}T12:00:00Z`);
  day.setUTCDate(day.getUTCDate() - 1);
  return day.toISOString().slice(0, 10);
};

/** A moment to the minute, rounded down, with the date where the plan knows one: `21:30, dinsdag 24 november 2026`. */
export function moment(seconds: number, plan: Plan, texts: Texts): string {
  const date = plan.day.date || String(plan.request["date"] ?? "");
  const at = clockMinutes(seconds);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) return seconds >= DAY_S ? `${at} (${texts.text("ui.next_day")})` : at;
  const shown = seconds >= DAY_S ? nextDate(date) : seconds < 0 ? dayBefore(date) : date;
  return `${at}, ${texts.date(shown)}`;
}

/** A list as people say it: `a, b en c`. */
export function listed(parts: readonly string[], texts: Texts): string {
  if (parts.length < 2) return parts.join("");
  return `${parts.slice(0, -1).join(", ")} ${texts.text("proposal.and")} ${parts.at(-1)}`;
}

/** The holder of a path: the undertaking, else its segment, said to have no name in the sources. */
export const holderName = (undertaking: string, segment: string, texts: Texts): string =>
  undertaking || texts.text("proposal.unnamed", { segment: texts.word("segment", segment) });

/** Who holds the path of a moved train; a reserve path is nobody's. */
export const moveHolder = (move: Move, texts: Texts): string => (move.layer === "reserve" ? texts.text("proposal.nobody") : holderName(move.undertaking, move.segment, texts));

/** Whose consent is needed: undertakings, managers beyond the border, and segments where no source names the holder. */
export const consentNames = (names: readonly string[], texts: Texts): string[] => names.map((name) => known("segment", name, texts));

export const inLanguage = (row: { nl: string; en: string }, texts: Texts): string => (texts.lang === "nl" ? row.nl : row.en);
export const titleOf = (row: { title_nl: string; title_en: string }, texts: Texts): string => (texts.lang === "nl" ? row.title_nl : row.title_en);

/** The lines cited, each once, in order. */
export const uniqueCitations = (rows: readonly Citation[]): Citation[] => [...new Map(rows.map((row) => [row.id, row])).values()];

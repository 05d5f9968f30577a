/** Texts in the reader's language, by key; numbers in that language's way. */

import { clock, duration } from "./clock.ts";
import type { Sentence } from "./plan.ts";

export interface Texts {
  readonly lang: string;
  /** The text of a key with its `{names}` filled in. */
  text(key: string, values?: Readonly<Record<string, unknown>>): string;
  /** A sentence of a plan. */
  sentence(sentence: Sentence): string;
  /** What stands in English in a table of data, in this language where it is known. */
  said(sentence: string): string;
  /** The text of `group.key` if there is one; else the key itself, readable. */
  word(group: string, key: string): string;
  number(value: number, digits?: number): string;
  /** A short text with its numbers written in that language's way. */
  decimals(text: string): string;
  /** A length of time, in tenths of a minute under an hour. */
  duration(seconds: number): string;
  /** A date such as `24 November 2026`; the text itself if it is no date. */
  date(value: string): string;
}

const LOCALES: Readonly<Record<string, string>> = { en: "en-GB", nl: "nl-NL" };

/** Make the texts of one language from its table. */
export function makeTexts(lang: string, table: Readonly<Record<string, string>>): Texts {
  const locale = LOCALES[lang] ?? "en-GB";
  const formats = new Map<number, Intl.NumberFormat>();
  const short = new Intl.NumberFormat(locale, { maximumFractionDigits: 2, useGrouping: false });
  const write = (value: unknown, form: string): string => {
    if (Array.isArray(value)) return value.map((one) => write(one, form)).join(", ");
    if (form === "clock" && typeof value === "number") return clock(value);
    if (form) return table[`${form}.${String(value)}`] ?? String(value);
    return typeof value === "number" ? short.format(value) : String(value);
  };
  const text = (key: string, values: Readonly<Record<string, unknown>> = {}): string =>
    (table[key] ?? key).replace(/\{(\w+)(?::(\w+))?\}/g, (whole, name: string, form?: string) => (name in values ? write(values[name], form ?? "") : whole));
  const decimals = (value: string): string => (lang === "nl" ? value.replace(/(?<![\d.])(\d+)\.(\d+)(?![\w.])/g, "$1,$2") : value);
  return {
    lang,
    text,
    sentence: (sentence) => text(sentence.key, sentence.values),
    said: (sentence) => table[`said.${sentence}`] ?? sentence,
    word: (group, key) => table[`${group}.${key}`] ?? key.replaceAll("_", " "),
    number: (value, digits = 0) => {
      const format =
        formats.get(digits) ?? new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
      formats.set(digits, format);
      return format.format(value);
    },
    decimals,
    duration: (seconds) => decimals(duration(seconds)),
    date: (value) => {
      if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) return value;
      const options = { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" } as const;
      return new Date(`${value}T12:00:00Z`).toLocaleDateString(locale, options);
    },
  };
}

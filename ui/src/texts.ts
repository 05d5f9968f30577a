/** Texts in the reader's language, by key; numbers in that language's way. */

export interface Texts {
  readonly lang: string;
  /** The text of a key with its `{names}` filled in. */
  text(key: string, values?: Readonly<Record<string, string | number>>): string;
  /** The text of `group.key` if there is one; else the key itself, readable. */
  word(group: string, key: string): string;
  number(value: number, digits?: number): string;
  /** A date such as `24 November 2026`; the text itself if it is no date. */
  date(value: string): string;
}

const LOCALES: Readonly<Record<string, string>> = { en: "en-GB", nl: "nl-NL" };

/** Make the texts of one language from its table. */
export function makeTexts(lang: string, table: Readonly<Record<string, string>>): Texts {
  const locale = LOCALES[lang] ?? "en-GB";
  const formats = new Map<number, Intl.NumberFormat>();
  const fill = (text: string, values: Readonly<Record<string, string | number>>): string =>
    text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
  return {
    lang,
    text: (key, values = {}) => fill(table[key] ?? key, values),
    word: (group, key) => table[`${group}.${key}`] ?? key.replaceAll("_", " "),
    number: (value, digits = 0) => {
      const format =
        formats.get(digits) ?? new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
      formats.set(digits, format);
      return format.format(value);
    },
    date: (value) => {
      if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) return value;
      const options = { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" } as const;
      return new Date(`${value}T12:00:00Z`).toLocaleDateString(locale, options);
    },
  };
}

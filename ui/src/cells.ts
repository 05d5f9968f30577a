/** Small parts that all tables share. */

import { h, type Child, type Shape } from "./shape.ts";
import type { Texts } from "./texts.ts";

/** A table; a column that begins with `>` is set right for numbers and times. */
export function table(name: string, heads: readonly string[], rows: readonly Shape[]): Shape {
  const cell = (head: string): Shape => (head.startsWith(">") ? h("th", { class: "n", scope: "col" }, head.slice(1)) : h("th", { scope: "col" }, head));
  return h("div", { class: "scroll" }, h("table", { class: name }, h("thead", {}, h("tr", {}, heads.map(cell))), h("tbody", {}, rows)));
}

export const td = (...children: Child[]): Shape => h("td", {}, ...children);
export const tn = (...children: Child[]): Shape => h("td", { class: "n" }, ...children);

/** Heads of columns from their keys; one that begins with `>` is set right. */
export const named = (heads: readonly string[], texts: Texts): string[] =>
  heads.map((head) => (head.startsWith(">") ? `>${texts.text(`ui.head.${head.slice(1)}`)}` : texts.text(`ui.head.${head}`)));

export const certainty = (key: string, texts: Texts): Shape => h("span", { class: `certainty ${/^\w+$/.test(key) ? key : ""}` }, texts.word("certainty", key));

/** The text of `group.key` if there is one, else the key as it is. */
export const known = (group: string, key: string, texts: Texts): string => {
  const found = texts.text(`${group}.${key}`);
  return found === `${group}.${key}` ? key : found;
};

/** Names without collisions: along an axis, and on a map. */

export interface AxisLabel {
  readonly at: number;
  readonly rank: number;
}

/** Which labels of an axis fit when each needs `gap` pixels; lower rank goes first, then order. Returns their indices. */
export function fitAxis(labels: readonly AxisLabel[], gap: number): number[] {
  const order = labels.map((_, index) => index).sort((a, b) => (labels[a]?.rank ?? 0) - (labels[b]?.rank ?? 0) || a - b);
  const chosen: number[] = [];
  for (const index of order) {
    const at = labels[index]?.at ?? 0;
    if (chosen.every((other) => Math.abs((labels[other]?.at ?? 0) - at) >= gap)) chosen.push(index);
  }
  return chosen.sort((a, b) => a - b);
}

/** How early a place is left out when there is no room: stations stay longest, of those the central ones and the old main places with short codes. */
export const placeRank = (kind: string | undefined, code: string, name: string): number =>
  (kind === "station" ? 0 : 0.5) + Math.min(code.length, 9) / 20 - (name.endsWith(" Centraal") ? 0.2 : 0);

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface MapLabel {
  readonly x: number;
  readonly y: number;
  readonly text: string;
  readonly size: number;
  readonly rank: number;
  /** It is left out when it would cover more points that are to be avoided; any number when absent. */
  readonly mostCovered?: number;
}

export interface PlacedLabel {
  readonly index: number;
  readonly x: number;
  readonly y: number;
  readonly anchor: "start" | "end" | "middle";
}

/** A label should stay this many pixels from what it ought not to cover. */
const NEAR = 3;

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** Rough width of a text in a common sans-serif face. */
export const textWidth = (text: string, size: number): number => text.length * size * 0.54;

/** The box that a placed text covers; `y` is its base line. */
export function boxOf(text: string, size: number, x: number, y: number, anchor: PlacedLabel["anchor"]): Box {
  const width = textWidth(text, size);
  const left = anchor === "start" ? x : anchor === "end" ? x - width : x - width / 2;
  return { x: left - 2, y: y - size * 0.85, width: width + 4, height: size * 1.2 };
}

/**
 * Place labels beside their points: lower ranks first, each at the first of twelve places that is free of other labels
 * and of `taken`, choosing the one that covers fewest of the `avoid` points; those that fit nowhere are left out.
 */
export function placeLabels(
  labels: readonly MapLabel[],
  frame: Box,
  taken: readonly Box[],
  avoid: readonly (readonly [number, number])[],
  away = 6,
): PlacedLabel[] {
  const boxes: Box[] = [...taken];
  const placed: PlacedLabel[] = [];
  const order = labels.map((_, index) => index).sort((a, b) => (labels[a]?.rank ?? 0) - (labels[b]?.rank ?? 0) || a - b);
  for (const index of order) {
    const label = labels[index] as MapLabel;
    const { x, y, size, text } = label;
    if (x < frame.x || y < frame.y || x > frame.x + frame.width || y > frame.y + frame.height) continue;
    const low = y + size * 0.36;
    const candidates: [number, number, PlacedLabel["anchor"]][] = [
      [x + away, low, "start"],
      [x - away, low, "end"],
      [x, y - away, "middle"],
      [x, y + away + size * 0.75, "middle"],
      [x + away * 0.75, y - away * 0.6, "start"],
      [x + away * 0.75, y + away * 0.6 + size * 0.7, "start"],
      [x - away * 0.75, y - away * 0.6, "end"],
      [x - away * 0.75, y + away * 0.6 + size * 0.7, "end"],
      [x + away, y - away * 1.4, "end"],
      [x + away, y + away * 1.4 + size * 0.75, "end"],
      [x - away, y - away * 1.4, "start"],
      [x - away, y + away * 1.4 + size * 0.75, "start"],
    ];
    let best: { at: [number, number, PlacedLabel["anchor"]]; box: Box; covered: number } | null = null;
    for (const at of candidates) {
      const box = boxOf(text, size, at[0], at[1], at[2]);
      const inside =
        box.x >= frame.x && box.y >= frame.y && box.x + box.width <= frame.x + frame.width && box.y + box.height <= frame.y + frame.height;
      if (!inside || boxes.some((other) => overlap(box, other))) continue;
      const covered = avoid.filter(([px, py]) => overlap(box, { x: px - NEAR, y: py - NEAR, width: 2 * NEAR, height: 2 * NEAR })).length;
      if (!best || covered < best.covered) best = { at, box, covered };
      if (covered === 0) break;
    }
    if (best && best.covered <= (label.mostCovered ?? Infinity)) {
      boxes.push(best.box);
      placed.push({ index, x: best.at[0], y: best.at[1], anchor: best.at[2] });
    }
  }
  return placed;
}

/** How each kind of train is drawn: by line style first, so that it reads in grey. */

export interface LineStyle {
  readonly key: string;
  readonly width: number;
  readonly dash: string;
  readonly colour: string;
}

const STYLES: readonly LineStyle[] = [
  { key: "reserve", width: 1, dash: "1 4", colour: "#5b7f5b" },
  { key: "empty", width: 0.8, dash: "2 2.5", colour: "#7d8894" },
  { key: "local", width: 0.7, dash: "", colour: "#6f8fb3" },
  { key: "long_distance", width: 1.3, dash: "", colour: "#2f62a0" },
  { key: "freight", width: 1.3, dash: "7 3", colour: "#8a5a2b" },
  { key: "military", width: 1.7, dash: "9 2.5 2 2.5", colour: "#3d4f2f" },
];

const LONG_DISTANCE = new Set(["intercity", "intercity_short", "intercity_direct", "ice", "eurostar", "night"]);

/** The name of the style of a train; styles are listed in the order in which they are drawn. */
export function styleKey(kind: string, layer: string): string {
  if (layer === "passenger") return LONG_DISTANCE.has(kind) ? "long_distance" : "local";
  if (layer === "empty" || layer === "freight" || layer === "military" || layer === "reserve") return layer;
  return kind.startsWith("freight") ? "freight" : "local";
}

export const lineStyles = (): readonly LineStyle[] => STYLES;

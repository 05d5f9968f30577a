/** The map: running lines of the country, the route, neighbour tracks kept empty, stops and names. */

import { alongShape, flat } from "./course.ts";
import { placeLabels, placeRank, type Box, type MapLabel } from "./labels.ts";
import type { LonLat, Path, Plan } from "./plan.ts";
import type { Kinds, Size } from "./diagram.ts";
import { h, type Shape } from "./shape.ts";
import type { Texts } from "./texts.ts";

/** Centre in flat kilometres and pixels per kilometre. */
export interface MapView {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

/** The kinds of the plan's points by code. */
export const kindsOf = (plan: Plan): Kinds => new Map(plan.map.places.map((one) => [one.code, one.kind]));

/** Codes of the points between which a path was asked, in small letters. */
export function askedCodes(request: Plan["request"]): string[] {
  const codes = [request["from"], request["to"]].map((end) => (end as { point?: unknown } | undefined)?.point);
  return codes.filter((code) => typeof code === "string").map((code) => code.toLowerCase());
}

/** The view that shows all these places. */
export function fitView(places: readonly LonLat[], size: Size, margin = 28): MapView {
  if (places.length === 0) return { x: 0, y: 0, scale: 2 };
  const [low, high] = bounds(places.map(flat));
  const width = Math.max(1, high[0] - low[0]);
  const height = Math.max(1, high[1] - low[1]);
  const scale = Math.min((size.width - 2 * margin) / width, (size.height - 2 * margin) / height);
  return { x: (low[0] + high[0]) / 2, y: (low[1] + high[1]) / 2, scale };
}

function bounds(places: readonly (readonly [number, number])[]): [[number, number], [number, number]] {
  const low: [number, number] = [Infinity, Infinity];
  const high: [number, number] = [-Infinity, -Infinity];
  for (const [x, y] of places) {
    low[0] = Math.min(low[0], x);
    low[1] = Math.min(low[1], y);
    high[0] = Math.max(high[0], x);
    high[1] = Math.max(high[1], y);
  }
  return [low, high];
}

/** Path data of a line in flat kilometres, to the metre. */
function lineData(line: readonly LonLat[]): string {
  let data = "";
  line.forEach((place, index) => {
    const [x, y] = flat(place);
    data += `${index === 0 ? "M" : "L"}${x.toFixed(3)} ${y.toFixed(3)}`;
  });
  return data;
}

/** What does not change with the view, in flat kilometres: drawn once, moved by a transform. */
export function mapGround(plan: Plan, path: Path | undefined): Shape[] {
  const kept = path?.kept_empty.filter((one) => one.shape.length > 1) ?? [];
  return [
    h("path", { class: "map-lines", d: plan.map.lines.map(lineData).join("") }),
    h("path", { class: "map-kept", d: kept.map((one) => lineData(one.shape)).join("") }),
    path ? h("path", { class: "map-route-casing", d: lineData(path.shape) }) : h("g"),
    path ? h("path", { class: "map-route", d: lineData(path.shape) }) : h("g"),
  ];
}

/** The transform that puts flat kilometres on the screen. */
export const mapTransform = (view: MapView, size: Size): string =>
  `translate(${(size.width / 2 - view.x * view.scale).toFixed(2)} ${(size.height / 2 - view.y * view.scale).toFixed(2)}) scale(${view.scale.toFixed(5)})`;

/** Kinds of places that are named at every scale; yards, harbours and junctions only from so many pixels per kilometre. */
const FROM_AFAR = new Set(["station", "border"]);
const DETAIL_SCALE = 7;

const SCALE_KM = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50];

/** Points, names and the scale bar, in pixels. */
export function mapNames(plan: Plan, path: Path | undefined, view: MapView, size: Size, texts: Texts): Shape[] {
  const toScreen = ([x, y]: readonly [number, number]): [number, number] => [
    size.width / 2 + (x - view.x) * view.scale,
    size.height / 2 + (y - view.y) * view.scale,
  ];
  const frame: Box = { x: 2, y: 2, width: size.width - 4, height: size.height - 4 };
  const inFrame = ([x, y]: readonly [number, number]): boolean => x >= 0 && y >= 0 && x <= size.width && y <= size.height;
  const labels: (MapLabel & { kind: string })[] = [];
  const marks: Shape[] = [];
  const avoid: [number, number][] = [];
  const named = new Set<string>();

  const kinds = kindsOf(plan);
  if (path) {
    const place = alongShape(path.shape, path.distance_km);
    const last = path.points.length - 1;
    path.points.forEach((point, index) => {
      const at = place(point.km);
      if (!at) return;
      const [x, y] = toScreen(at);
      named.add(point.code.toLowerCase());
      if (!inFrame([x, y])) return;
      const end = index === 0 || index === last;
      const stop = point.stop_s > 0;
      marks.push(h("circle", { class: end ? "map-end" : stop ? "map-stop" : "map-point", cx: x.toFixed(1), cy: y.toFixed(1), r: end ? 5 : stop ? 4.2 : 2 }, h("title", {}, point.name)));
      labels.push({ x, y, text: point.name, size: end || stop ? 12 : 10.5, rank: end ? 0 : stop ? 1 : 3 + placeRank(kinds.get(point.code), point.code, point.name), kind: end || stop ? "strong" : "point", mostCovered: end || stop ? Infinity : 2 });
    });
    for (let i = 0; i <= 240; i++) {
      const at = place((i / 240) * path.distance_km);
      if (at) avoid.push(toScreen(at));
    }
  }
  const reached = new Set((plan.explanation?.reached ?? []).map((code) => code.toLowerCase()));
  const asked = new Set(path ? [] : askedCodes(plan.request));
  for (const one of plan.map.places) {
    if (named.has(one.code.toLowerCase())) continue;
    const at = toScreen(flat(one.at));
    if (!inFrame(at)) continue;
    const end = asked.has(one.code.toLowerCase());
    const far = end || reached.has(one.code.toLowerCase());
    if (!far && view.scale < DETAIL_SCALE && !FROM_AFAR.has(one.kind)) continue;
    marks.push(h("circle", { class: end ? "map-end" : far ? "map-reached" : "map-place", cx: at[0].toFixed(1), cy: at[1].toFixed(1), r: end ? 5 : far ? 4.2 : 1.4 }, h("title", {}, one.name)));
    labels.push({ x: at[0], y: at[1], text: one.name, size: far ? 12 : 9.5, rank: end ? 0 : far ? 2 : 5 + placeRank(one.kind, one.code, one.name), kind: far ? "strong" : "place", mostCovered: far ? Infinity : 0 });
  }
  const pixels = SCALE_KM.map((km) => km * view.scale);
  const chosen = Math.max(0, pixels.findLastIndex((width) => width <= 130));
  const km = SCALE_KM[chosen] ?? 1;
  const width = pixels[chosen] ?? 100;
  const scaleBox: Box = { x: 0, y: size.height - 34, width: width + 60, height: 34 };
  const dots: Box[] = labels.filter((label) => label.rank <= 1).map((label) => ({ x: label.x - 5, y: label.y - 5, width: 10, height: 10 }));
  const names = placeLabels(labels, frame, [scaleBox, ...dots], avoid, 7).map((placed) => {
    const label = labels[placed.index] as (typeof labels)[number];
    return h("text", { class: `map-name ${label.kind}`, x: placed.x.toFixed(1), y: placed.y.toFixed(1), "text-anchor": placed.anchor, "font-size": label.size }, label.text);
  });
  return [
    h("g", {}, marks),
    h("g", {}, names),
    h(
      "g",
      { class: "map-scale" },
      h("path", { d: `M12 ${size.height - 18}v6h${width.toFixed(1)}v-6` }),
      h("text", { x: (12 + width + 6).toFixed(1), y: size.height - 11 }, `${texts.number(km, km < 1 ? 1 : 0)} km`),
    ),
  ];
}

/** The whole map as one drawing. */
export function drawMap(plan: Plan, path: Path | undefined, view: MapView, size: Size, texts: Texts): Shape {
  return h(
    "svg",
    { class: "map", width: size.width, height: size.height, viewBox: `0 0 ${size.width} ${size.height}`, role: "img", "aria-label": texts.text("ui.map_label") },
    h("rect", { class: "map-ground", width: size.width, height: size.height }),
    h("g", { class: "map-moving", transform: mapTransform(view, size) }, mapGround(plan, path)),
    h("g", { class: "map-names" }, mapNames(plan, path, view, size, texts)),
  );
}

/** The places that a first view should show: the route, else the country. */
export function placesOfInterest(plan: Plan, path: Path | undefined): LonLat[] {
  if (path && path.shape.length > 1) return path.shape;
  const lines = plan.map.lines.flat();
  return lines.length > 0 ? lines : plan.map.places.map((one) => one.at);
}

/** The space-time diagram: time to the right, distance along the path downwards. Values in, shapes out. */

import { clock, clockMinutes, timeTicks } from "./clock.ts";
import { courseOf, kmAt, timeAt, type Course } from "./course.ts";
import { lineStyles, styleKey } from "./kinds.ts";
import { fitAxis, placeLabels, placeRank, type Box, type MapLabel } from "./labels.ts";
import { NO_OVERLAY, unmoved, type Overlay } from "./moved.ts";
import type { DiagramTrain, Path } from "./plan.ts";
import { h, type Shape } from "./shape.ts";
import type { Texts } from "./texts.ts";

export interface DiagramView {
  readonly from: number;
  readonly until: number;
  readonly kmFrom: number;
  readonly kmTo: number;
}

/** Kinds of points by code. */
export type Kinds = ReadonlyMap<string, string>;

export interface Size {
  readonly width: number;
  readonly height: number;
}

const TOP = 24;
const BOTTOM = 24;
const RIGHT = 46;
const STRANDS = 34;
const LABEL = 10.5;

/** The rectangle in which trains are drawn. */
export function plotBox(size: Size): Box {
  const left = (size.width < 720 ? 88 : 138) + STRANDS;
  return { x: left, y: TOP, width: Math.max(50, size.width - left - RIGHT), height: Math.max(50, size.height - TOP - BOTTOM) };
}

/** The whole path and those beside it, with some time at either side, and room for the first and last name. */
export function fullView(path: Path, siblings: readonly Course[] = []): DiagramView {
  const courses = [courseOf(path), ...siblings];
  const first = Math.min(path.departure_s, ...courses.map((course) => course[0]?.[1] ?? path.departure_s));
  const last = Math.max(path.arrival_s, ...courses.map((course) => course.at(-1)?.[1] ?? path.arrival_s));
  const aside = Math.max(300, 0.06 * (last - first));
  const beyond = 0.022 * path.distance_km;
  return { from: first - aside, until: last + aside, kmFrom: -beyond, kmTo: path.distance_km + beyond };
}

/** Pixels from values, and back. */
export function scales(view: DiagramView, size: Size) {
  const box = plotBox(size);
  const perS = box.width / (view.until - view.from);
  const perKm = box.height / (view.kmTo - view.kmFrom);
  return {
    box,
    perS,
    perKm,
    x: (s: number): number => box.x + (s - view.from) * perS,
    y: (km: number): number => box.y + (km - view.kmFrom) * perKm,
    s: (x: number): number => view.from + (x - box.x) / perS,
    km: (y: number): number => view.kmFrom + (y - box.y) / perKm,
  };
}

type Scales = ReturnType<typeof scales>;

/** A tenth of a pixel is fine enough; rounding is several times faster than `toFixed`. */
const px = (value: number): number => Math.round(value * 10) / 10;

/** One broken line as path data, without points closer than half a pixel; empty where none of it is in view. */
function lineData(line: Course, at: Scales, view: DiagramView): string {
  let low = Infinity;
  let high = -Infinity;
  for (const [km] of line) {
    if (km < low) low = km;
    if (km > high) high = km;
  }
  const begin = line[0]?.[1] ?? 0;
  const end = line.at(-1)?.[1] ?? 0;
  if (line.length < 2 || high < view.kmFrom || low > view.kmTo || end < view.from || begin > view.until) return "";
  let data = "";
  let lastX = NaN;
  let lastY = NaN;
  for (let i = 0; i < line.length; i++) {
    const [km, s] = line[i] as readonly [number, number];
    const x = at.x(s);
    const y = at.y(km);
    if (i > 0 && i < line.length - 1 && Math.abs(x - lastX) < 0.5 && Math.abs(y - lastY) < 0.5) continue;
    data += `${i === 0 ? "M" : "L"}${px(x)} ${px(y)}`;
    lastX = x;
    lastY = y;
  }
  return data;
}

interface Block {
  readonly km_from: number;
  readonly km_to: number;
  readonly from_s: number;
  readonly until_s: number;
}

/** Rectangles of time and distance as path data, those in view only. */
function blockData(blocks: readonly Block[], at: Scales, view: DiagramView): string {
  let data = "";
  for (const block of blocks) {
    const low = Math.min(block.km_from, block.km_to);
    const high = Math.max(block.km_from, block.km_to);
    if (high < view.kmFrom || low > view.kmTo || block.until_s < view.from || block.from_s > view.until) continue;
    const x = at.x(block.from_s);
    const y = at.y(low);
    data += `M${px(x)} ${px(y)}H${px(at.x(block.until_s))}V${px(Math.max(y + 0.7, at.y(high)))}H${px(x)}Z`;
  }
  return data;
}

/** Data of all the trains of one style, each line a part of it. */
export function trainData(trains: readonly DiagramTrain[], key: string, at: Scales, view: DiagramView): string {
  return trains
    .filter((train) => styleKey(train.kind, train.layer) === key)
    .map((train) => train.lines.map((line) => lineData(line, at, view)).join(""))
    .join("");
}

/** Which points get a name: stops and ends first, then those that still have room. */
function axisNames(path: Path, at: Scales, kinds: Kinds): number[] {
  const last = path.points.length - 1;
  const labels = path.points.map((point, index) => ({
    at: at.y(point.km),
    rank: index === 0 || index === last ? 0 : point.stop_s > 0 ? 1 : 2 + placeRank(kinds.get(point.code), point.code, point.name),
  }));
  const inside = labels.map((label, index) => ({ ...label, index })).filter((one) => one.at >= at.box.y - 1 && one.at <= at.box.y + at.box.height + 1);
  return fitAxis(inside, LABEL + 1.5).map((chosen) => (inside[chosen] as { index: number }).index);
}

const NARROW = 720;

function axis(path: Path, at: Scales, view: DiagramView, size: Size, texts: Texts, kinds: Kinds): Shape[] {
  const { box } = at;
  const right = box.x + box.width;
  const foot = box.y + box.height;
  const named = new Set(axisNames(path, at, kinds));
  const { major, minor } = timeTicks(view.from, view.until, box.width);
  const grid = (marks: readonly number[]): string => marks.map((s) => `M${px(at.x(s))} ${box.y}V${foot}`).join("");
  const inView = path.points.map((point, index) => ({ point, index })).filter(({ point }) => point.km >= view.kmFrom && point.km <= view.kmTo);
  const rule = (named_: boolean): string =>
    inView.filter(({ index }) => named.has(index) === named_).map(({ point }) => `M${box.x} ${px(at.y(point.km))}H${right}`).join("");
  const midnight = 86_400 > view.from && 86_400 < view.until ? at.x(86_400) : null;
  return [
    h("path", { class: "grid-fine", d: grid(minor) }),
    h("path", { class: "grid", d: grid(major) }),
    h("path", { class: "grid-fine", d: rule(false) }),
    h("path", { class: "grid-point", d: rule(true) }),
    midnight === null ? h("g") : h("path", { class: "midnight", d: `M${px(midnight)} ${box.y}V${foot}` }),
    h("rect", { class: "frame", x: box.x, y: box.y, width: box.width, height: box.height }),
    h(
      "g",
      { class: "time-axis" },
      major.filter((s) => at.x(s) >= box.x + 4 && at.x(s) <= right - 4).flatMap((s) => {
        const text = s % 60 === 0 ? clockMinutes(s) : clock(s);
        const x = px(at.x(s));
        return [h("text", { x, y: box.y - 8 }, text), h("text", { x, y: foot + 16 }, text)];
      }),
    ),
    h(
      "g",
      { class: "point-axis" },
      inView.filter(({ index }) => named.has(index)).map(({ point }) => {
        const y = px(at.y(point.km) + LABEL * 0.35);
        const room = size.width < NARROW ? 13 : 22;
        const name = point.name.length > room ? point.code : point.name;
        const strong = point.stop_s > 0 || point === path.points[0] || point === path.points.at(-1);
        return [
          h("text", { class: strong ? "strong" : undefined, x: box.x - STRANDS - 6, y, "text-anchor": "end" }, name, h("title", {}, `${point.name} (${point.code})`)),
          h("text", { class: "km", x: right + 6, y }, texts.number(point.km, 1)),
        ];
      }),
      h("text", { class: "km", x: right + 6, y: box.y - 8 }, "km"),
    ),
  ];
}

/** Beside the axis: as many strands as there are parallel running tracks, the single track strong. */
function strands(path: Path, at: Scales, view: DiagramView, texts: Texts): Shape[] {
  const middle = at.box.x - STRANDS / 2;
  const shapes: Shape[] = [];
  for (const section of path.sections) {
    const low = Math.max(view.kmFrom, section.km_from);
    const high = Math.min(view.kmTo, section.km_to);
    if (high <= low) continue;
    const y0 = at.y(low);
    const y1 = at.y(high);
    const shown = Math.min(5, Math.max(1, section.tracks));
    let data = "";
    for (let i = 0; i < shown; i++) data += `M${px(middle + 7 + (i - (shown - 1) / 2) * 3.2)} ${px(y0)}V${px(y1)}`;
    shapes.push(h("path", { class: section.tracks <= 1 ? "strand single" : "strand", d: data }, h("title", {}, texts.text("ui.tracks", { n: section.tracks }))));
    if (y1 - y0 >= 12) {
      shapes.push(h("text", { class: section.tracks <= 1 ? "strand-number single" : "strand-number", x: middle - 8, y: px((y0 + y1) / 2 + 3) }, String(section.tracks)));
    }
  }
  return shapes;
}

const MOST_LABELS = 120;

/** Where the name of another train goes, as `[km, s]`: where it is closest to `course`, else the middle of its longest part in view. */
function labelPlace(train: DiagramTrain, course: Course | null, view: DiagramView): [number, number] | null {
  let best: [number, number, number] | null = null;
  for (const line of train.lines) {
    for (let i = 1; i < line.length; i++) {
      const [km0, s0] = line[i - 1] as readonly [number, number];
      const [km1, s1] = line[i] as readonly [number, number];
      if (s1 < view.from || s0 > view.until || s1 === s0) continue;
      const begin = Math.max(s0, view.from);
      const end = Math.min(s1, view.until);
      const s = (begin + end) / 2;
      const km = km0 + ((s - s0) / (s1 - s0)) * (km1 - km0);
      if (km < view.kmFrom || km > view.kmTo) continue;
      const own = course ? kmAt(course, s) : null;
      const worth = own === null ? end - begin : view.until - view.from - Math.abs(own - km);
      if (!best || worth > best[0]) best = [worth, km, s];
    }
  }
  return best ? [best[1], best[2]] : null;
}

/** Names in the plot: the train's own times and stops, moved trains, those it waits for, and others where there is room. */
function plotLabels(path: Path, overlay: Overlay, course: Course, at: Scales, view: DiagramView, texts: Texts): Shape[] {
  const labels: (MapLabel & { kind: string })[] = [];
  const last = path.points.length - 1;
  const clear = (km: number, s: number, text: string, rank: number, kind: string): void => {
    labels.push({ x: at.x(s), y: at.y(km), text, size: LABEL, rank, kind });
  };
  path.points.forEach((point, index) => {
    if (index === 0) clear(point.km, point.departure_s, clock(point.departure_s), 0, "own");
    else if (index === last) clear(point.km, point.arrival_s, clock(point.arrival_s), 0, "own");
    else if (point.stop_s > 0) {
      const why = [point.reason ? ` ${texts.word("reason", point.reason)}` : "", point.reason_train].join(" ").trimEnd();
      clear(point.km, (point.arrival_s + point.departure_s) / 2, `${point.code} ${texts.duration(point.stop_s)}${why}`, 1, "own");
    }
  });
  for (const { label, before, after } of overlay.moved) {
    const place = labelPlace(after, course, view) ?? labelPlace(before, course, view);
    if (place) clear(place[0], place[1], label, 1.5, "moved");
  }
  const wanted = new Set(path.points.filter((point) => point.reason_train).map((point) => point.reason_train));
  const close = view.until - view.from <= 3 * 3600;
  for (const train of unmoved(path, overlay)) {
    const important = wanted.has(train.reference);
    if (!important && (!close || labels.length >= MOST_LABELS)) continue;
    const place = labelPlace(train, important ? course : null, view);
    if (place) clear(place[0], place[1], train.reference, important ? 2 : 3, important ? "met" : "other");
  }
  const along: [number, number][] = [];
  for (let i = 0; i <= 160; i++) {
    const s = view.from + (i / 160) * (view.until - view.from);
    const km = kmAt(course, s);
    if (km !== null) along.push([at.x(s), at.y(km)]);
  }
  return placeLabels(labels, at.box, [], along, 7).map((place) => {
    const label = labels[place.index] as (typeof labels)[number];
    return h("text", { class: `label ${label.kind}`, x: px(place.x), y: px(place.y), "text-anchor": place.anchor }, label.text);
  });
}

let drawn = 0;

/** Moved trains: as they were, pale and broken; as they become, full. One that does not run any more keeps a stronger line. */
function movedData(overlay: Overlay, at: Scales, view: DiagramView): Shape[] {
  const data = (trains: readonly DiagramTrain[]): string => trains.flatMap((train) => train.lines.map((line) => lineData(line, at, view))).join("");
  const gone = overlay.moved.filter((one) => one.after.lines.length === 0);
  const kept = overlay.moved.filter((one) => one.after.lines.length > 0);
  return [
    h("path", { class: "moved-before", d: data(kept.map((one) => one.before)) }),
    h("path", { class: "moved-before gone", d: data(gone.map((one) => one.before)) }),
    h("path", { class: "moved-casing", d: data(kept.map((one) => one.after)) }),
    h("path", { class: "moved-after", d: data(kept.map((one) => one.after)) }),
  ];
}

/** The whole diagram; `kinds` of points by code say which names go first, `overlay` which trains are moved. */
export function drawDiagram(path: Path, view: DiagramView, size: Size, texts: Texts, kinds: Kinds = new Map(), overlay: Overlay = NO_OVERLAY): Shape {
  const at = scales(view, size);
  const { box } = at;
  const course = courseOf(path);
  const id = `d${(drawn += 1)}`;
  const single = path.sections.filter((section) => section.tracks <= 1).map((section) => ({ ...section, from_s: view.from, until_s: view.until }));
  const own = lineData(course, at, view);
  const others = unmoved(path, overlay);
  const stops = path.points
    .filter((point) => point.stop_s > 0)
    .map((point) => `M${px(at.x(point.arrival_s))} ${px(at.y(point.km))}H${px(Math.max(at.x(point.departure_s), at.x(point.arrival_s) + 2))}`)
    .join("");
  return h(
    "svg",
    {
      class: "diagram",
      width: size.width,
      height: size.height,
      viewBox: `0 0 ${size.width} ${size.height}`,
      role: "img",
      "aria-label": texts.text("ui.diagram_label"),
    },
    h(
      "defs",
      {},
      h("clipPath", { id: `${id}-plot` }, h("rect", { x: box.x, y: box.y, width: box.width, height: box.height })),
      hatch(`${id}-all`, 5, 45),
      hatch(`${id}-passenger`, 7, -45),
    ),
    h("rect", { class: "ground", x: box.x, y: box.y, width: box.width, height: box.height }),
    h("g", { "clip-path": `url(#${id}-plot)` }, h("path", { class: "single-band", d: blockData(single, at, view) })),
    axis(path, at, view, size, texts, kinds),
    h("g", {}, strands(path, at, view, texts)),
    h(
      "g",
      { "clip-path": `url(#${id}-plot)` },
      h("path", { class: "held", d: blockData(path.held, at, view) }),
      keptData(path, "all", at, view, `${id}-all`),
      keptData(path, "passenger", at, view, `${id}-passenger`),
      keptData(path, "wide", at, view, `${id}-passenger`),
      lineStyles().map((style) =>
        h("path", {
          class: "train",
          d: trainData(others, style.key, at, view),
          stroke: style.colour,
          "stroke-width": style.width,
          "stroke-dasharray": style.dash || undefined,
        }),
      ),
      movedData(overlay, at, view),
      h("path", { class: "own-sibling", d: overlay.siblings.map((sibling) => lineData(sibling, at, view)).join("") }),
      h("path", { class: "own-casing", d: own }),
      h("path", { class: "own", d: own }),
      h("path", { class: "own-stop", d: stops }),
      plotLabels(path, overlay, course, at, view, texts),
    ),
  );
}

function keptData(path: Path, of: string, at: Scales, view: DiagramView, pattern: string): Shape | null {
  const blocks = path.kept_empty.filter((kept) => kept.of === of);
  return blocks.length === 0 ? null : h("path", { class: `kept kept-${of}`, d: blockData(blocks, at, view), fill: `url(#${pattern})` });
}

/** A hatching of fine lines, readable in grey. */
export function hatch(id: string, gap: number, angle: number): Shape {
  return h(
    "pattern",
    { id, patternUnits: "userSpaceOnUse", width: gap, height: gap, patternTransform: `rotate(${angle})` },
    h("rect", { class: "hatch-ground", width: gap, height: gap }),
    h("path", { class: "hatch-line", d: `M0 0V${gap}` }),
  );
}

/** What lies under a place of the diagram, for the pointer: own zones and neighbour tracks kept empty. */
export function under(path: Path, km: number, s: number): { held: Path["held"]; kept: Path["kept_empty"] } {
  const inside = (block: Block): boolean =>
    km >= Math.min(block.km_from, block.km_to) && km <= Math.max(block.km_from, block.km_to) && s >= block.from_s && s <= block.until_s;
  return { held: path.held.filter(inside), kept: path.kept_empty.filter(inside) };
}

/** The point at `km` within `within` km, else the two it lies between. */
export function placeName(path: Path, km: number, within = 0.3): string {
  let before: Path["points"][number] | undefined;
  for (const point of path.points) {
    if (Math.abs(point.km - km) <= within) return point.name;
    if (point.km > km) return before ? `${before.name} – ${point.name}` : point.name;
    before = point;
  }
  return before?.name ?? "";
}

/** When the planned train is at a kilometre. */
export const ownTime = (path: Path, km: number): number | null => timeAt(courseOf(path), km);

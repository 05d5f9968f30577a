/** The diagram and the map as things to look around in: a drawing that follows its view, and what the pointer shows. */

import { clock } from "./clock.ts";
import { alongShape, courseOf, nearest, timeAt } from "./course.ts";
import { drawDiagram, fullView, placeName, plotBox, scales, under, type DiagramView, type Kinds, type Size } from "./diagram.ts";
import { create, fill } from "./dom.ts";
import { lineStyles, styleKey } from "./kinds.ts";
import { drawMap, fitView, mapNames, mapTransform, placesOfInterest, type MapView } from "./map.ts";
import { moveBrief, NO_OVERLAY, unmoved, type Overlay } from "./moved.ts";
import type { DiagramTrain, Path, Plan } from "./plan.ts";
import { h, type Shape } from "./shape.ts";
import type { Texts } from "./texts.ts";
import { listen, onFrame, type Moves } from "./zoom.ts";

const NEAR_PX = 9;

/** A frame with buttons, a drawing, a layer for the pointer and a note beside it. */
function frame(name: string, texts: Texts, moves: () => Moves): { outer: HTMLElement; stage: HTMLElement; canvas: HTMLElement; pointer: Element; note: HTMLElement } {
  const button = (sign: string, key: string, act: (moves: Moves) => void): HTMLElement => {
    const made = create(h("button", { type: "button", title: texts.text(key), "aria-label": texts.text(key) }, sign)) as HTMLElement;
    made.addEventListener("click", () => act(moves()));
    return made;
  };
  const canvas = create(h("div", { class: "canvas" })) as HTMLElement;
  const pointer = create(h("svg", { class: "pointer", "aria-hidden": "true" }));
  const note = create(h("div", { class: "note-box", hidden: "" })) as HTMLElement;
  const stage = create(h("div", { class: `stage ${name}`, tabindex: 0, role: "group", "aria-label": texts.text("ui.hint") })) as HTMLElement;
  stage.append(canvas, pointer, note);
  const tools = create(h("div", { class: "tools" }, h("span", { class: "hint" }, texts.text("ui.hint"))));
  tools.append(
    button("+", "ui.zoom_in", (one) => one.zoom(1.5, stage.clientWidth / 2, stage.clientHeight / 2, false)),
    button("−", "ui.zoom_out", (one) => one.zoom(1 / 1.5, stage.clientWidth / 2, stage.clientHeight / 2, false)),
    button("⤢", "ui.zoom_reset", (one) => one.reset()),
  );
  const outer = create(h("div", { class: "stage-frame" })) as HTMLElement;
  outer.append(tools, stage);
  return { outer, stage, canvas, pointer, note };
}

const sizeOf = (element: HTMLElement): Size => ({ width: Math.max(200, element.clientWidth), height: Math.max(160, element.clientHeight) });

/** The space-time diagram on the screen. `onKm` hears where along the path the pointer is, null when it leaves. */
export function diagramStage(kinds: Kinds, texts: Texts, onKm: (km: number | null) => void): { element: HTMLElement; show(path: Path, overlay?: Overlay): void; mark(km: number | null): void } {
  let path: Path | null = null;
  let overlay = NO_OVERLAY;
  let view: DiagramView = { from: 0, until: 1, kmFrom: 0, kmTo: 1 };
  let whole = view;
  let own: DiagramTrain = { reference: "", kind: "", layer: "", lines: [] };

  const redraw = (): void => {
    if (path) fill(parts.canvas, drawDiagram(path, view, sizeOf(parts.stage), texts, kinds, overlay));
  };
  const later = onFrame(redraw);
  const limit = (next: DiagramView): DiagramView => {
    const seconds = Math.min(next.until - next.from, 1.25 * (whole.until - whole.from));
    const km = Math.min(next.kmTo - next.kmFrom, 1.02 * (whole.kmTo - whole.kmFrom));
    const middle = Math.min(whole.until, Math.max(whole.from, (next.from + next.until) / 2));
    const centre = Math.min(whole.kmTo, Math.max(whole.kmFrom, (next.kmFrom + next.kmTo) / 2));
    return { from: middle - seconds / 2, until: middle + seconds / 2, kmFrom: centre - km / 2, kmTo: centre + km / 2 };
  };
  const pointerShapes = (x: number, y: number, line: Shape | null): Shape[] => {
    const box = plotBox(sizeOf(parts.stage));
    return [
      h("path", { class: "cross", d: `M${box.x} ${y.toFixed(1)}H${box.x + box.width}M${x.toFixed(1)} ${box.y}V${box.y + box.height}` }),
      ...(line ? [h("svg", { ...box, viewBox: `${box.x} ${box.y} ${box.width} ${box.height}` }, line)] : []),
    ];
  };
  const clear = (): void => {
    fill(parts.pointer);
    parts.note.hidden = true;
  };
  const moves: Moves = {
    pan: (dx, dy) => {
      const at = scales(view, sizeOf(parts.stage));
      view = limit({ from: view.from - dx / at.perS, until: view.until - dx / at.perS, kmFrom: view.kmFrom - dy / at.perKm, kmTo: view.kmTo - dy / at.perKm });
      clear();
      later();
    },
    zoom: (factor, x, y, timeOnly) => {
      const at = scales(view, sizeOf(parts.stage));
      const s = at.s(x);
      const km = at.km(y);
      const within = (view.until - view.from) / factor < 120 ? 1 : factor;
      const along = timeOnly || (view.kmTo - view.kmFrom) / factor < 0.5 ? 1 : factor;
      view = limit({ from: s - (s - view.from) / within, until: s + (view.until - s) / within, kmFrom: km - (km - view.kmFrom) / along, kmTo: km + (view.kmTo - km) / along });
      clear();
      later();
    },
    reset: () => {
      view = whole;
      clear();
      later();
    },
    hover: (x, y) => {
      if (!path) return;
      const size = sizeOf(parts.stage);
      const at = scales(view, size);
      const { box } = at;
      if (x < box.x || y < box.y || x > box.x + box.width || y > box.y + box.height) {
        clear();
        onKm(null);
        return;
      }
      const mine = nearest([own], at.km(y), at.s(x), at.perKm, at.perS);
      const others = [...overlay.moved.map((one) => one.after), ...overlay.moved.map((one) => one.before), ...unmoved(path, overlay)];
      const other = nearest(others, at.km(y), at.s(x), at.perKm, at.perS);
      const isMine = mine !== null && mine.distance <= NEAR_PX && (other === null || mine.distance <= other.distance + 2);
      const near = isMine ? mine : other !== null && other.distance <= NEAR_PX ? other : null;
      const km = near ? near.km : at.km(y);
      const s = near ? near.s : at.s(x);
      onKm(Math.min(path.distance_km, Math.max(0, km)));
      const index = near && !isMine ? near.index : -1;
      const train = others[index];
      const count = overlay.moved.length;
      const moved = index >= 0 && index < 2 * count ? overlay.moved[index % count] : undefined;
      const rows: Shape[] = [];
      if (isMine) rows.push(h("b", {}, texts.text("ui.this_train")));
      if (train) rows.push(h("b", {}, train.reference), h("span", {}, `${texts.word("kind", train.kind)} · ${texts.text(`style.${styleKey(train.kind, train.layer)}`)}`));
      if (moved) rows.push(h("span", {}, `${texts.text(index < count ? "proposal.after" : "proposal.before")} · ${texts.word("displaced", moved.move.kind)} · ${moveBrief(moved.move, texts)}`));
      rows.push(h("span", { class: "n" }, `${clock(s)} · ${placeName(path, km)} · km ${texts.number(km, 1)}`));
      const below = under(path, at.km(y), at.s(x));
      for (const held of below.held.slice(0, 2)) rows.push(h("span", {}, `${texts.text("ui.holds")} ${held.name} ${clock(held.from_s)}–${clock(held.until_s)}`));
      for (const kept of below.kept.slice(0, 2)) rows.push(h("span", {}, `${texts.text("ui.keeps_empty")} ${kept.track} ${clock(kept.from_s)}–${clock(kept.until_s)} (${texts.word("of", kept.of)})`));
      let line: Shape | null = null;
      if (train) {
        const style = lineStyles().find((one) => one.key === styleKey(train.kind, train.layer));
        const data = train.lines.map((course) => course.map(([k, t], i) => `${i === 0 ? "M" : "L"}${at.x(t).toFixed(1)} ${at.y(k).toFixed(1)}`).join("")).join("");
        line = h("path", { class: "picked", d: data, stroke: moved ? "var(--moved)" : style?.colour });
      }
      fill(parts.pointer, ...pointerShapes(at.x(s), at.y(km), line));
      show(parts.note, rows, x, y, size);
    },
    leave: () => {
      clear();
      onKm(null);
    },
  };
  const parts = frame("diagram-stage", texts, () => moves);
  listen(parts.stage, moves);
  new ResizeObserver(later).observe(parts.stage);
  return {
    element: parts.outer,
    show: (next, over = NO_OVERLAY) => {
      path = next;
      overlay = over;
      own = { reference: "", kind: "", layer: "", lines: [courseOf(next) as DiagramTrain["lines"][number]] };
      whole = fullView(next, over.siblings);
      view = whole;
      clear();
      redraw();
    },
    mark: (km) => {
      if (!path) return;
      const s = km === null ? null : timeAt(courseOf(path), km);
      if (km === null || s === null) {
        clear();
        return;
      }
      const at = scales(view, sizeOf(parts.stage));
      const inside = s >= view.from && s <= view.until && km >= view.kmFrom && km <= view.kmTo;
      fill(parts.pointer, ...(inside ? pointerShapes(at.x(s), at.y(km), null) : []));
    },
  };
}

/** Put a note beside the pointer, inside the frame. */
function show(note: HTMLElement, rows: readonly Shape[], x: number, y: number, size: Size): void {
  fill(note, ...rows);
  note.hidden = false;
  const width = note.offsetWidth;
  const height = note.offsetHeight;
  note.style.left = `${x + 16 + width > size.width ? Math.max(0, x - 14 - width) : x + 16}px`;
  note.style.top = `${Math.max(0, Math.min(size.height - height, y + 14))}px`;
}

/** The map on the screen. */
export function mapStage(plan: Plan, texts: Texts, onKm: (km: number | null) => void): { element: HTMLElement; show(path: Path | undefined): void; mark(km: number | null): void } {
  let path: Path | undefined;
  let view: MapView = { x: 0, y: 0, scale: 1 };
  let moved = false;
  let moving: Element | null = null;
  let names: Element | null = null;
  let find: ((km: number) => [number, number] | null) | null = null;
  let marked: number | null = null;

  const toScreen = ([x, y]: readonly [number, number], size: Size): [number, number] => [size.width / 2 + (x - view.x) * view.scale, size.height / 2 + (y - view.y) * view.scale];
  const drawMark = (): void => {
    const at = marked === null || !find ? null : find(marked);
    if (!at) {
      fill(parts.pointer);
      return;
    }
    const [x, y] = toScreen(at, sizeOf(parts.stage));
    fill(parts.pointer, h("circle", { class: "map-mark", cx: x.toFixed(1), cy: y.toFixed(1), r: 8 }));
  };
  const redraw = (): void => {
    const size = sizeOf(parts.stage);
    if (!moved) view = fitView(placesOfInterest(plan, path), size, 34);
    const svg = parts.canvas.firstElementChild;
    if (!moving || !names || !svg) {
      fill(parts.canvas, drawMap(plan, path, view, size, texts));
      moving = parts.canvas.querySelector(".map-moving");
      names = parts.canvas.querySelector(".map-names");
    } else {
      svg.setAttribute("width", String(size.width));
      svg.setAttribute("height", String(size.height));
      svg.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
      const ground = svg.querySelector(".map-ground");
      ground?.setAttribute("width", String(size.width));
      ground?.setAttribute("height", String(size.height));
      moving.setAttribute("transform", mapTransform(view, size));
      fill(names, ...mapNames(plan, path, view, size, texts));
    }
    drawMark();
  };
  const later = onFrame(redraw);
  const moves: Moves = {
    pan: (dx, dy) => {
      moved = true;
      view = { ...view, x: view.x - dx / view.scale, y: view.y - dy / view.scale };
      later();
    },
    zoom: (factor, x, y) => {
      const size = sizeOf(parts.stage);
      const scale = Math.min(2000, Math.max(0.8, view.scale * factor));
      const kmX = view.x + (x - size.width / 2) / view.scale;
      const kmY = view.y + (y - size.height / 2) / view.scale;
      moved = true;
      view = { x: kmX - (x - size.width / 2) / scale, y: kmY - (y - size.height / 2) / scale, scale };
      later();
    },
    reset: () => {
      moved = false;
      later();
    },
    hover: (x, y) => {
      if (!path || !find) return;
      const size = sizeOf(parts.stage);
      let best: [number, number] | null = null;
      for (let i = 0; i <= 600; i++) {
        const km = (i / 600) * path.distance_km;
        const at = find(km);
        if (!at) continue;
        const [px, py] = toScreen(at, size);
        const distance = Math.hypot(px - x, py - y);
        if (!best || distance < best[0]) best = [distance, km];
      }
      if (!best || best[0] > 14) {
        moves.leave();
        return;
      }
      const km = best[1];
      marked = km;
      drawMark();
      onKm(km);
      const s = timeAt(courseOf(path), km);
      show(parts.note, [h("b", {}, placeName(path, km)), h("span", { class: "n" }, `km ${texts.number(km, 1)}${s === null ? "" : ` · ${clock(s)}`}`)], x, y, size);
    },
    leave: () => {
      parts.note.hidden = true;
      marked = null;
      drawMark();
      onKm(null);
    },
  };
  const parts = frame("map-stage", texts, () => moves);
  listen(parts.stage, moves);
  new ResizeObserver(later).observe(parts.stage);
  return {
    element: parts.outer,
    show: (next) => {
      path = next;
      find = next ? alongShape(next.shape, next.distance_km) : null;
      moved = false;
      moving = null;
      marked = null;
      redraw();
    },
    mark: (km) => {
      marked = km;
      drawMark();
    },
  };
}


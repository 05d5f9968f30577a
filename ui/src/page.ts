/** The page of one plan: reads the plan and the texts that stand in the document, and builds everything from them. */

import { drawDiagram, fullView, type Size } from "./diagram.ts";
import { displacedPart } from "./displaced.ts";
import { create, fill } from "./dom.ts";
import { drawMap, fitView, kindsOf, placesOfInterest } from "./map.ts";
import type { Path, Plan } from "./plan.ts";
import { h, type Shape } from "./shape.ts";
import { diagramStage, mapStage } from "./stage.ts";
import { conditions, diagramLegend, explanation, facts, header, keptEmpty, origins, paths, points } from "./tables.ts";
import { makeTexts } from "./texts.ts";

/** Room inside the margins of the landscape page, in CSS pixels; the margins are those of the style sheet. */
const PAPERS: Readonly<Record<string, Size>> = {
  A4: { width: (273 * 96) / 25.4, height: (180 * 96) / 25.4 },
  A3: { width: (396 * 96) / 25.4, height: (267 * 96) / 25.4 },
};

const read = (id: string): unknown => JSON.parse(document.getElementById(id)?.textContent ?? "null");

function start(): void {
  const plan = read("weerspoor-plan") as Plan;
  const texts = makeTexts(document.documentElement.lang, read("weerspoor-texts") as Record<string, string>);
  const asked = new URLSearchParams(location.hash.slice(1));
  let chosen = Math.min(Math.max(0, Number(asked.get("path") ?? 1) - 1 || 0), Math.max(0, plan.paths.length - 1));
  let paper = asked.get("paper") === "A3" ? "A3" : "A4";

  const region = (name: string): HTMLElement => create(h("div", { class: name })) as HTMLElement;
  const top = region(plan.paths.length > 0 || plan.displacement ? "top screen-only" : "top");
  const details = region("details screen-only");
  const choice = region("choice screen-only");
  const diagramPart = region("diagram-part screen-only");
  const mapPart = region("map-part screen-only");
  const rows = region("rows");
  const pair = region("pair");
  pair.append(mapPart, rows);
  const others = region("others print-only");
  const rest = region("rest");
  const firstSheet = region("sheet print-only");
  const secondSheet = region("sheet open print-only");
  const tools = region("page-tools screen-only");

  const kinds = kindsOf(plan);
  const displaced = plan.displacement ? displacedPart(plan, plan.displacement, kinds, texts, asked, () => changed()) : null;
  const choosing = displaced?.chooses ? displaced : null;
  const path = (): Path | undefined => (choosing ? choosing.path() : plan.paths[chosen]);
  const diagram = diagramStage(kinds, texts, (km) => map.mark(km));
  const map = mapStage(plan, texts, (km) => diagram.mark(km));

  const remember = (): void => {
    const state = new URLSearchParams();
    if (chosen > 0) state.set("path", String(chosen + 1));
    for (const [key, value] of displaced?.state() ?? []) state.set(key, value);
    if (paper !== "A4") state.set("paper", paper);
    history.replaceState(null, "", state.size > 0 ? `#${state}` : location.pathname + location.search);
  };

  /** The drawings for paper: their own size, so that type is as large on A3 as on A4 and more of it fits. */
  const drawSheets = (): void => {
    const { width, height } = PAPERS[paper] as Size;
    const now = path();
    for (const name of ["A4", "A3"]) document.getElementById(`paper-${name}`)?.setAttribute("media", name === paper ? "print" : "not all");
    document.documentElement.dataset["paper"] = paper;
    const aside = 0.36 * width;
    const mapSize = { width: width - aside - 24, height: height - 8 };
    const drawnMap = drawMap(plan, now, fitView(placesOfInterest(plan, now), mapSize, 30), mapSize, texts);
    const sheet: Shape[] = [];
    if (now && !choosing) {
      const size = { width, height: height - 128 };
      sheet.push(header(plan, now, texts), drawDiagram(now, fullView(now), size, texts, kinds), diagramLegend(now, texts, "sheet"));
    }
    fill(firstSheet, ...sheet);
    firstSheet.hidden = !now || choosing !== null;
    displaced?.drawPrinted({ width, height });
    fill(secondSheet, h("figure", {}, drawnMap), h("div", {}, facts(plan, texts)));
  };

  const showPath = (): void => {
    const now = path();
    fill(top, header(plan, now, texts));
    displaced?.show();
    fill(choice, ...(plan.paths.length > 0 && !choosing ? [paths(plan, chosen, texts, true)] : []));
    const why = explanation(plan, texts);
    fill(rows, ...(now ? [points(plan, now, texts)] : why ? [why] : []));
    fill(others, ...(plan.paths.length > 1 && !choosing ? [paths(plan, chosen, texts, false)] : []));
    const listed = [now ? conditions(now.conditions, texts) : null, now ? keptEmpty(now, texts) : null, now ? why : null, origins(plan, texts)];
    fill(rest, ...listed.filter((one) => one !== null));
    diagramPart.hidden = !now;
    if (now) {
      const overlay = choosing?.overlay();
      fill(diagramPart, h("h2", {}, texts.text("ui.diagram")), diagramLegend(now, texts, "screen", overlay));
      diagramPart.append(diagram.element);
      diagram.show(now, overlay);
    }
    map.show(now);
    drawSheets();
  };

  const changed = (): void => {
    remember();
    showPath();
  };
  choice.addEventListener("change", (event) => {
    const input = event.target as HTMLInputElement;
    chosen = Number(input.value);
    changed();
    document.getElementById(`path-${chosen}`)?.focus();
  });
  const point = (event: Event): void => {
    const row = (event.target as Element).closest("tr[data-km]");
    const km = row ? Number(row.getAttribute("data-km")) : null;
    diagram.mark(km);
    map.mark(km);
  };
  for (const area of [rows, rest, ...(displaced ? [displaced.below] : [])]) {
    area.addEventListener("pointerover", point);
    area.addEventListener("pointerleave", () => {
      diagram.mark(null);
      map.mark(null);
    });
  }

  fill(tools, h("label", { for: "paper" }, texts.text("ui.paper")));
  const select = create(h("select", { id: "paper" }, Object.keys(PAPERS).map((name) => h("option", { value: name }, name)))) as HTMLSelectElement;
  select.value = paper;
  select.addEventListener("change", () => {
    paper = select.value;
    remember();
    drawSheets();
  });
  const print = create(h("button", { type: "button" }, texts.text("ui.print"))) as HTMLElement;
  print.addEventListener("click", () => window.print());
  tools.append(select, print);

  fill(details, facts(plan, texts));
  fill(mapPart, h("h2", {}, texts.text("ui.map")));
  mapPart.append(map.element);
  // On paper: the diagram first, then the map; where there is no path, the reasons first. Proposals go before all of it.
  const found = plan.paths.length > 0 || choosing !== null;
  if (choosing) rows.classList.add("screen-only");
  const before = displaced ? [displaced.printed, displaced.top] : [];
  const after = displaced ? [displaced.around] : [];
  const order = choosing
    ? [diagramPart, choosing.below, ...after, secondSheet, pair]
    : found
      ? [firstSheet, secondSheet, choice, diagramPart, pair, others, ...after]
      : [pair, ...after, secondSheet];
  document.body.replaceChildren(tools, top, ...before, ...order, details, rest);
  showPath();
}

start();

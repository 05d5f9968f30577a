/** The part of the page that shows proposals: one is chosen on the screen, on paper they stand one after the other. */

import { moment } from "./amounts.ts";
import { answer, around } from "./answer.ts";
import { chart, comparison, countsLine, firstOption, optionName, optionsOf, seriesTable, type Option } from "./choice.ts";
import { drawDiagram, fullView, type Kinds, type Size } from "./diagram.ts";
import { create, fill } from "./dom.ts";
import { ifLate, levels, notices, refuges, whoPays } from "./effects.ts";
import { overlayOf, sameWay, type Overlay } from "./moved.ts";
import { moves } from "./moves.ts";
import type { Path, Plan } from "./plan.ts";
import type { Displacement } from "./proposal.ts";
import { h, type Shape } from "./shape.ts";
import { diagramLegend, header, points } from "./tables.ts";
import type { Texts } from "./texts.ts";

export interface Displaced {
  /** Whether there is anything to choose: else the page shows the paths of the plan as ever. */
  readonly chooses: boolean;
  readonly top: HTMLElement;
  readonly below: HTMLElement;
  readonly around: HTMLElement;
  readonly printed: HTMLElement;
  path(): Path | undefined;
  overlay(): Overlay;
  /** What is chosen, for the address of the page. */
  state(): [string, string][];
  show(): void;
  drawPrinted(paper: Size): void;
}

const region = (name: string): HTMLElement => create(h("div", { class: name })) as HTMLElement;

/** Title, decision and everything else of one proposal. */
function details(option: Option, plan: Plan, texts: Texts, onScreen: boolean): Shape[] {
  const { proposal } = option;
  const parts = [
    moves(proposal, texts, onScreen),
    whoPays(proposal, texts),
    levels(proposal, texts),
    ifLate(proposal, texts),
    refuges(proposal, texts),
    notices(proposal, plan, texts, onScreen),
  ];
  return parts.filter((part) => part !== null);
}

const title = (option: Option, plan: Plan, texts: Texts): Shape =>
  h("div", { class: "proposal-title" }, h("h2", {}, optionName(option, texts)), h("p", {}, `${countsLine(option.proposal, texts)} · ${texts.text("proposal.decide_by", { at: moment(option.proposal.decide_by_s, plan, texts) })}`));

/** One path for each way that the trains of a proposal run: the first of those that share a diagram. */
const ways = (paths: readonly Path[]): Path[] => paths.filter((path, index) => paths.findIndex((other) => sameWay(other, path)) === index);

/** A proposal on paper: a sheet with its diagram for each way, then its tables. */
function printedProposal(option: Option, number: number, plan: Plan, kinds: Kinds, paper: Size, texts: Texts): Shape {
  const { proposal } = option;
  const sheets = ways(proposal.paths).map((path, index) => {
    const overlay = overlayOf(proposal, path, texts);
    const size = { width: paper.width, height: paper.height - 150 };
    return h("div", { class: "sheet" }, title(option, plan, texts), header(plan, path, texts), drawDiagram(path, fullView(path, overlay.siblings), size, texts, kinds, overlay), diagramLegend(path, texts, `print-${number}-${index}`, overlay));
  });
  const first = proposal.paths[0];
  return h("div", { class: "printed-proposal" }, sheets, title(option, plan, texts), seriesTable(proposal, 0, texts, false), details(option, plan, texts, false), first ? points(plan, first, texts) : null);
}

/** Let a row of a table show and hide what stands below it. */
function opensRows(area: HTMLElement): void {
  area.addEventListener("click", (event) => {
    const opener = (event.target as Element).closest(".opener");
    const row = opener ? document.getElementById(opener.getAttribute("aria-controls") ?? "") : null;
    if (!opener || !row) return;
    row.hidden = !row.hidden;
    opener.setAttribute("aria-expanded", String(!row.hidden));
  });
}

/** Make the part for a plan that displaces; `onChange` hears when another proposal or train is chosen. */
export function displacedPart(plan: Plan, displacement: Displacement, kinds: Kinds, texts: Texts, asked: URLSearchParams, onChange: () => void): Displaced {
  const options = optionsOf(displacement);
  const wanted = options.findIndex((one) => one.proposal.id === asked.get("proposal"));
  let chosen = wanted >= 0 ? wanted : firstOption(options);
  let train = 0;
  const option = (): Option | undefined => options[chosen];
  const path = (): Path | undefined => (option() ? option()?.proposal.paths[train] : plan.paths[0]);
  const parts = { top: region("displaced screen-only"), below: region("proposal screen-only"), around: region("around-part"), printed: region("print-only") };

  const pick = (index: number, of: string): void => {
    if (of === "train") train = index;
    else [chosen, train] = [index, 0];
    onChange();
    document.getElementById(`${of}-${index}`)?.focus({ preventScroll: true });
  };
  parts.top.addEventListener("change", (event) => {
    const input = event.target as HTMLInputElement;
    pick(Number(input.value), input.name);
  });
  parts.top.addEventListener("click", (event) => {
    const index = (event.target as Element).closest("[data-option]")?.getAttribute("data-option");
    if (index) pick(Number(index), "option");
  });
  opensRows(parts.below);

  const front = (choosing: boolean): Shape[] => {
    const said = answer(displacement, option(), texts);
    if (options.length === 0) return [said];
    const drawn = h("figure", {}, chart(options, chosen, texts), h("figcaption", { class: "note" }, texts.text("proposal.chart_note")));
    return [h("div", { class: "front" }, said, drawn), h("h2", {}, texts.text("proposal.proposals")), comparison(options, chosen, texts, choosing)];
  };
  return {
    ...parts,
    chooses: options.length > 0,
    path,
    overlay: () => {
      const [now, shown] = [option(), path()];
      return now && shown ? overlayOf(now.proposal, shown, texts) : { moved: [], siblings: [] };
    },
    state: () => (options.length > 0 && chosen !== firstOption(options) ? [["proposal", option()?.proposal.id ?? ""]] : []),
    show: () => {
      const now = option();
      const series = now ? seriesTable(now.proposal, train, texts, true) : null;
      fill(parts.top, ...front(true), ...(now ? [title(now, plan, texts)] : []), ...(series ? [series] : []));
      fill(parts.below, ...(now ? details(now, plan, texts, true) : []));
      fill(parts.around, around(displacement, options, texts));
    },
    drawPrinted: (paper) => {
      const cover = h("div", { class: "cover" }, header(plan, path(), texts), front(false));
      fill(parts.printed, cover, ...options.map((one, number) => printedProposal(one, number, plan, kinds, paper, texts)));
    },
  };
}

/** The proposals to choose from: a chart of lateness against harm, and a table that compares them. */

import { consentNames, countsOf, eur, eurRange, amount, KINDS, passengerMinutes, rounded } from "./amounts.ts";
import { named, table, td, tn } from "./cells.ts";
import { clock, clockMinutes } from "./clock.ts";
import { placeLabels } from "./labels.ts";
import type { Displacement, Proposal } from "./proposal.ts";
import { h, type Shape } from "./shape.ts";
import type { Texts } from "./texts.ts";

/** A proposal with what it is called in table and chart; those by consent of the holders stand apart. */
export interface Option {
  readonly proposal: Proposal;
  readonly consent: boolean;
}

export const optionsOf = (displacement: Displacement): Option[] => [
  ...displacement.proposals.map((proposal) => ({ proposal, consent: false })),
  ...displacement.consent.map((proposal) => ({ proposal, consent: true })),
];

/** The least harmful proposal is shown first. */
export const firstOption = (options: readonly Option[]): number => Math.max(0, options.findIndex((one) => !one.consent && one.proposal.why === "least_harm"));

/** What a proposal is called: why it is there and its id. */
export const optionName = (option: Option, texts: Texts): string => texts.text(option.consent ? "proposal.name_consent" : "proposal.name", { id: option.proposal.id, why: texts.word("why", option.proposal.why) });

const CHART = { width: 460, height: 300, left: 62, right: 18, top: 14, bottom: 40 };

/** Steps of an axis from 0: one of 1, 2, 5 times a power of ten, at most five of them. */
function marks(most: number): number[] {
  const least = Math.max(1, most) / 5;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = ([1, 2, 5, 10].find((one) => one * power >= least) ?? 10) * power;
  return Array.from({ length: Math.floor(Math.max(1, most) / step) + 1 }, (_, index) => index * step);
}

const radius = (proposal: Proposal): number => 4 + 2.2 * Math.sqrt(proposal.moves.length);

/** Scales of the chart: minutes later to the right, EUR upwards, both from 0. */
function chartScales(options: readonly Option[]) {
  const late = Math.max(5, ...options.map((one) => one.proposal.late_s / 60)) * 1.12;
  const money = Math.max(100, ...options.map(({ proposal }) => Math.max(proposal.harm.eur_high, proposal.harm.eur + (proposal.robust_eur ?? 0)))) * 1.06;
  const foot = CHART.height - CHART.bottom;
  return {
    late,
    money,
    foot,
    x: (seconds: number): number => Math.round((CHART.left + 14 + (seconds / 60 / late) * (CHART.width - CHART.left - CHART.right - 14)) * 10) / 10,
    y: (value: number): number => Math.round((foot - (value / money) * (foot - CHART.top)) * 10) / 10,
  };
}

/** One proposal in the chart: its range, what is added when the train is late, and a disc as large as it moves trains. */
function bubble(option: Option, index: number, chosen: boolean, at: ReturnType<typeof chartScales>, texts: Texts): Shape {
  const { proposal, consent } = option;
  const x = at.x(proposal.late_s);
  const [low, middle, high] = [proposal.harm.eur_low, proposal.harm.eur, proposal.harm.eur_high].map(at.y) as [number, number, number];
  const robust = proposal.robust_eur === null ? null : at.y(proposal.harm.eur + proposal.robust_eur);
  const title = `${optionName(option, texts)}: ${texts.duration(proposal.late_s)}, ${eurRange(proposal.harm, texts)}, ${texts.text("proposal.n_trains", { n: proposal.moves.length })}`;
  return h(
    "g",
    { class: `bubble${chosen ? " chosen" : ""}${consent ? " consent" : ""}`, "data-option": index },
    h("title", {}, title),
    h("path", { class: "whisker", d: `M${x} ${low}V${high}M${x - 4} ${low}h8M${x - 4} ${high}h8` }),
    h("circle", { cx: x, cy: middle, r: radius(proposal) }),
    robust === null ? null : h("path", { class: "robust", d: `M${x - radius(proposal)} ${robust}h${2 * radius(proposal)}` }),
  );
}

/** Lateness of the train against harm; the same is in the table. */
export function chart(options: readonly Option[], chosen: number, texts: Texts): Shape {
  const at = chartScales(options);
  const right = CHART.width - CHART.right;
  const labels = options.map(({ proposal }) => ({ x: at.x(proposal.late_s), y: at.y(proposal.harm.eur), text: proposal.id, size: 12, rank: 0 }));
  const frame = { x: CHART.left, y: 0, width: right - CHART.left + 10, height: at.foot };
  return h(
    "svg",
    { class: "choice-chart", viewBox: `0 0 ${CHART.width} ${CHART.height}`, role: "img", "aria-label": texts.text("proposal.chart_label") },
    marks(at.money).map((value) => [
      h("path", { class: "grid", d: `M${CHART.left} ${at.y(value)}H${right}` }),
      h("text", { class: "km", x: CHART.left - 6, y: at.y(value) + 3, "text-anchor": "end" }, texts.number(value)),
    ]),
    marks(at.late).map((value) => [
      h("path", { class: "grid-fine", d: `M${at.x(value * 60)} ${CHART.top}V${at.foot}` }),
      h("text", { class: "km", x: at.x(value * 60), y: at.foot + 14, "text-anchor": "middle" }, String(value)),
    ]),
    h("path", { class: "frame", d: `M${CHART.left} ${CHART.top}V${at.foot}H${right}` }),
    h("text", { class: "axis-name", x: right, y: CHART.height - 8, "text-anchor": "end" }, texts.text("proposal.axis_late")),
    h("text", { class: "axis-name", x: CHART.left + 6, y: CHART.top + 2 }, texts.text("proposal.axis_eur")),
    options.map((option, index) => bubble(option, index, index === chosen, at, texts)),
    placeLabels(labels, frame, [], [], 15).map((place) => h("text", { class: "bubble-name", x: place.x, y: place.y, "text-anchor": place.anchor }, labels[place.index]?.text ?? "")),
  );
}

const dash = (text: string | number): string => (text === "" || text === 0 ? "–" : String(text));

function optionRow(option: Option, index: number, chosen: number, texts: Texts, choosing: boolean): Shape {
  const { proposal } = option;
  const attributes = { type: "radio", name: "option", value: index, id: `option-${index}`, checked: index === chosen ? "" : undefined };
  const name = [h("b", {}, proposal.id), ` ${texts.word("why", proposal.why)}`];
  return h(
    "tr",
    { class: index === chosen ? "chosen" : undefined },
    choosing ? td(h("input", attributes), h("label", { for: `option-${index}` }, name)) : td(index === chosen ? "● " : "○ ", name),
    tn(clock(proposal.arrival_s)),
    tn(proposal.late_s === 0 ? "–" : texts.duration(proposal.late_s)),
    KINDS.map((kind) => tn(dash(proposal.moves.filter((move) => move.kind === kind).length))),
    tn(amount(passengerMinutes(proposal.harm), texts)),
    tn(dash(rounded(proposal.harm.freight_tonne_h) === 0 ? "" : amount(proposal.harm.freight_tonne_h, texts))),
    tn(h("b", {}, eur(proposal.harm.eur, texts)), proposal.harm.eur_high === 0 ? null : h("span", { class: "range" }, ` ${amount(proposal.harm.eur_low, texts)}–${amount(proposal.harm.eur_high, texts)}`)),
    tn(proposal.robust_eur === null ? "–" : `+ ${eur(proposal.robust_eur, texts)}`),
    tn(clockMinutes(proposal.decide_by_s)),
    tn(dash(proposal.reserve_paths.length)),
    tn(dash(proposal.minimum_levels.length)),
    td(dash(consentNames(proposal.consent, texts).join(", "))),
  );
}

/** All proposals beside each other; on paper without the means to choose. */
export function comparison(options: readonly Option[], chosen: number, texts: Texts, choosing: boolean): Shape {
  const rows = options.flatMap((option, index) => {
    const row = optionRow(option, index, chosen, texts, choosing);
    const first = option.consent && options[index - 1]?.consent !== true;
    return first ? [h("tr", { class: "stretch" }, h("th", { colspan: 16, scope: "rowgroup" }, texts.text("proposal.by_consent"))), row] : [row];
  });
  const heads = ["proposal", ">arrival", ">later", ">shifted", ">held", ">rerouted", ">shortened", ">cancelled", ">passenger_min", ">tonne_h", ">eur_range", ">robust", ">decide_by", ">reserve_used", ">levels", "consent"];
  return h("div", { class: "comparison" }, table("options", named(heads, texts), rows), h("p", { class: "note" }, texts.text("proposal.money_note")));
}

/** The trains of a series, to look at one by one; nothing for a single train. */
export function seriesTable(proposal: Proposal, chosen: number, texts: Texts, choosing: boolean): Shape | null {
  if (proposal.paths.length < 2) return null;
  const rows = proposal.paths.map((path, index) => {
    const name = texts.text("proposal.train_of_series", { n: index + 1 });
    const attributes = { type: "radio", name: "train", value: index, id: `train-${index}`, checked: index === chosen ? "" : undefined };
    const way = `${path.points[0]?.name ?? ""} → ${path.points.at(-1)?.name ?? ""}`;
    return h("tr", { class: choosing && index === chosen ? "chosen" : undefined }, choosing ? td(h("input", attributes), h("label", { for: `train-${index}` }, name)) : td(name), td(way), tn(clock(path.departure_s)), tn(clock(path.arrival_s)), tn(String(path.stops)));
  });
  return h("div", { class: "series" }, table("series", named(["train", "way", ">departure", ">arrival", ">stops"], texts), rows));
}

/** How many trains of which kind, in a line. */
export const countsLine = (proposal: Proposal, texts: Texts): string =>
  countsOf(proposal.moves).map(([kind, number]) => `${number} ${texts.word("displaced", kind)}`).join(", ") || texts.text("proposal.none_moved");

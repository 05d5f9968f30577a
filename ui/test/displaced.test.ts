import assert from "node:assert/strict";
import { test } from "node:test";

import { countsOf, eurRange, listed, moment, rounded } from "../src/amounts.ts";
import { spokesperson } from "../src/answer.ts";
import { chart, firstOption, optionsOf } from "../src/choice.ts";
import { drawDiagram, fullView } from "../src/diagram.ts";
import { moveBrief, overlayOf, sameWay, unmoved } from "../src/moved.ts";
import { changed } from "../src/moves.ts";
import type { Displacement, HarmSum, Move, Proposal } from "../src/proposal.ts";
import { findAll, h, markup } from "../src/shape.ts";
import { makeTexts } from "../src/texts.ts";
import { path, plan } from "./made_up.ts";

const texts = makeTexts("en", { "proposal.eur": "€{n}", "proposal.and": "and", "displaced.cancelled": "cancelled", "ui.next_day": "next day" });

const harm = (changes: Partial<HarmSum>): HarmSum => ({
  passenger_min_delay: 0,
  passenger_min_waiting: 0,
  passenger_min_cancelled: 0,
  passenger_min_missed: 0,
  freight_tonne_h: 0,
  eur: 0,
  eur_low: 0,
  eur_high: 0,
  trains: {},
  ...changes,
});

const rule = { id: "w", article: "art. 1", basis: "law", certainty: "sure", nl: "regel", en: "rule" };

const move = (changes: Partial<Move>): Move => ({
  train: "1100a00",
  series: "1100",
  train_kind: "intercity",
  layer: "passenger",
  segment: "national",
  undertaking: "NS",
  holder_certainty: "likely",
  kind: "shifted",
  forced_by_closure: false,
  needs_consent: false,
  rule,
  rank: 2,
  slight: false,
  neighbours: [],
  delay_s: 240,
  decide_by_s: 70_000,
  harm: harm({ eur: 100, eur_low: 50, eur_high: 300 }),
  calls: [],
  legs: [],
  pieces: [],
  held: [],
  line_before: [[[20, 71_700], [10, 72_300], [0, 72_900]]],
  line_after: [[[20, 71_940], [10, 72_540], [0, 73_140]]],
  ...changes,
});

const proposal = (changes: Partial<Proposal>): Proposal => ({
  id: "A",
  why: "on_time",
  paths: [path],
  moves: [move({})],
  harm: harm({ passenger_min_delay: 90, eur: 100, eur_low: 50, eur_high: 300 }),
  missed: harm({}),
  by_segment: [],
  by_hour: [],
  arrival_s: 73_500,
  late_s: 0,
  robust_eur: 20,
  late: [],
  decide_by_s: 70_000,
  refuges: [],
  notices: [],
  consent: [],
  reserve_paths: [],
  minimum_levels: [],
  ...changes,
});

const displacement = (proposals: Proposal[], consent: Proposal[] = []): Displacement => ({
  rules: { name: "r", title_nl: "R", title_en: "R", in_force: "yes", valid_from: "", valid_to: "", certainty: "sure", source: "", hash: "", compensated: "no", decided_by: [] },
  status: "ready",
  missing: [],
  summary: { key: "s", values: {} },
  free: false,
  proposals,
  consent,
  rule_sets: [],
  relaxed: [],
  compared: null,
  analogies: [],
});

test("estimates keep three figures", () => {
  assert.equal(rounded(41_349), 41_300);
  assert.equal(rounded(663.2), 663);
  assert.equal(rounded(3.4), 3);
  assert.equal(eurRange(harm({ eur: 1234, eur_low: 555, eur_high: 2849 }), texts), "€1,230 (555–2,850)");
});

test("lists and moments are said as people say them", () => {
  assert.equal(listed(["a", "b", "c"], texts), "a, b and c");
  assert.equal(listed(["a"], texts), "a");
  assert.match(moment(90_059, plan, texts), /^01:00, .*25 November 2026$/);
  assert.match(moment(-60, plan, texts), /^23:59, .*23 November 2026$/);
  assert.equal(moment(90_000, { ...plan, day: { ...plan.day, date: "" } }, texts), "01:00 (next day)");
});

test("the least harmful proposal is shown first, never one by consent", () => {
  const options = optionsOf(displacement([proposal({}), proposal({ id: "C", why: "least_harm" })], [proposal({ id: "D", why: "least_harm" })]));
  assert.deepEqual(options.map((one) => [one.proposal.id, one.consent]), [["A", false], ["C", false], ["D", true]]);
  assert.equal(firstOption(options), 1);
  assert.equal(firstOption(options.slice(2)), 0);
});

test("a reserve path that is moved is no train to a spokesperson", () => {
  const words = makeTexts("en", { "proposal.say.moved": "{list}.", "proposal.say.shifted_one": "1 shifted", "proposal.say.nothing": "nothing" });
  const said = (moves: Move[]): string => spokesperson(displacement([]), { proposal: proposal({ moves }), consent: false }, words);
  assert.match(said([move({}), move({ layer: "reserve" })]), /^1 shifted\./);
  assert.match(said([move({ layer: "reserve" })]), /^nothing/);
  assert.deepEqual(countsOf([move({}), move({ kind: "cancelled" }), move({})]), [["shifted", 2], ["cancelled", 1]]);
});

test("a moved train is drawn before and after, and not among the others", () => {
  const overlay = overlayOf(proposal({}), path, texts);
  assert.deepEqual(unmoved(path, overlay).map((train) => train.reference), ["F1"]);
  const drawing = drawDiagram(path, fullView(path), { width: 1000, height: 600 }, texts, new Map(), overlay);
  const line = (name: string): string => String(findAll(drawing, "path").find((one) => one.attributes["class"] === name)?.attributes["d"]);
  assert.equal(line("moved-before").split("M").length - 1, 1);
  assert.equal(line("moved-after").split("M").length - 1, 1);
  assert.notEqual(line("moved-before"), line("moved-after"));
  assert.equal(line("moved-before gone"), "");
  assert.match(markup(drawing), /1100a00 \+4 min/);
});

test("a train that no longer runs has one strong broken line", () => {
  const gone = move({ kind: "cancelled", line_after: [], delay_s: 0 });
  assert.equal(moveBrief(gone, texts), "cancelled");
  assert.equal(moveBrief(move({ delay_s: -120 }), texts), "−2 min");
  const drawing = drawDiagram(path, fullView(path), { width: 1000, height: 600 }, texts, new Map(), overlayOf(proposal({ moves: [gone] }), path, texts));
  const drawn = findAll(drawing, "path").filter((one) => one.attributes["class"] === "moved-before gone");
  assert.notEqual(drawn[0]?.attributes["d"], "");
});

test("trains of a series are drawn beside each other, the way back is not", () => {
  const later = { ...path, id: "P2", departure_s: path.departure_s + 1200 };
  const back = { ...path, id: "P3", points: [...path.points].reverse() };
  const series = proposal({ paths: [path, later, back] });
  assert.ok(sameWay(path, later));
  assert.equal(overlayOf(series, path, texts).siblings.length, 1);
  assert.equal(overlayOf(series, back, texts).siblings.length, 0);
  assert.equal(overlayOf(series, back, texts).moved.length, 0, "lines lie in the diagram of the first path");
});

test("a time that changes is struck through, one that stays is not", () => {
  assert.equal(changed(72_000, 72_003, texts), "20:00.0");
  assert.match(markup(h("p", {}, changed(72_000, 72_240, texts))), /<s>20:00\.0<\/s> <b class="new-time">20:04\.0<\/b>/);
  assert.match(markup(h("p", {}, changed(72_000, null, texts))), /<s>20:00\.0<\/s>/);
});

test("every proposal has its disc in the chart, within the frame", () => {
  const options = optionsOf(displacement([proposal({}), proposal({ id: "C", late_s: 7200, harm: harm({ eur: 0 }), moves: [] })]));
  const circles = findAll(chart(options, 0, texts), "circle");
  assert.equal(circles.length, 2);
  for (const circle of circles) {
    assert.ok(Number(circle.attributes["cx"]) > 60 && Number(circle.attributes["cx"]) < 445);
    assert.ok(Number(circle.attributes["cy"]) > 10 && Number(circle.attributes["cy"]) <= 260);
  }
});

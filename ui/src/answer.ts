/** The answer of a displacement in words: status, what a spokesperson could say, what the rules would let happen. */

import { consentNames, countsOf, eur, inLanguage, listed, passengerMinutes, titleOf } from "./amounts.ts";
import { certainty, named, table, td, tn } from "./cells.ts";
import { optionName, type Option } from "./choice.ts";
import { citations } from "./moves.ts";
import type { Displacement, RuleNote } from "./proposal.ts";
import { h, type Shape } from "./shape.ts";
import type { Texts } from "./texts.ts";

/** Half an hour of waiting for ten people is five hours together: from two hours on said in hours. */
function together(minutes: number, texts: Texts): string {
  const hours = minutes >= 120;
  return texts.text(hours ? "proposal.say.hours" : "proposal.say.minutes", { n: texts.number(Math.max(1, Math.round(hours ? minutes / 60 : minutes))) });
}

function whoDecides(rules: RuleNote, byConsent: boolean, texts: Texts): string {
  if (byConsent) return texts.text("proposal.say.by_consent");
  if (rules.decided_by.length === 0) return texts.text("proposal.say.decides_nobody");
  return texts.text("proposal.say.decides", { who: listed(rules.decided_by.map((one) => texts.word("decider", one)), texts) });
}

/** What a spokesperson could say of a proposal: what is moved, what travellers notice, by which rule, who decides. */
export function spokesperson(displacement: Displacement, option: Option, texts: Texts): string {
  const { proposal, consent } = option;
  const { rules } = displacement;
  // A reserve path is no train that runs: nobody notices that it is moved.
  const running = proposal.moves.filter((move) => move.layer !== "reserve");
  const parts = countsOf(running).map(([kind, n]) => texts.text(`proposal.say.${kind}_${n === 1 ? "one" : "n"}`, { n }));
  if (parts.length === 0) return [texts.text("proposal.say.nothing"), whoDecides(rules, false, texts)].join(" ");
  const minutes = passengerMinutes(proposal.harm);
  const most = Math.max(0, ...running.filter((move) => move.layer === "passenger").map((move) => move.delay_s));
  return [
    texts.text("proposal.say.moved", { list: listed(parts, texts) }),
    minutes < 1 ? texts.text("proposal.say.no_travellers") : texts.text("proposal.say.travellers", { time: together(minutes, texts) }),
    most > 0 ? texts.text("proposal.say.most", { time: texts.duration(Math.ceil(most / 60) * 60) }) : "",
    consent ? "" : texts.text(`proposal.say.rule_${rules.in_force}`, { title: titleOf(rules, texts) }),
    whoDecides(rules, consent, texts),
  ]
    .filter((part) => part !== "")
    .join(" ");
}

function ruleLine(rules: RuleNote, texts: Texts): Shape {
  const valid = [rules.valid_from ? texts.text("proposal.valid_from", { date: texts.date(rules.valid_from) }) : "", rules.valid_to ? texts.text("proposal.valid_to", { date: texts.date(rules.valid_to) }) : ""].filter((part) => part !== "");
  return h(
    "p",
    { class: "rule-line" },
    h("b", {}, titleOf(rules, texts)),
    ` · ${[texts.word("in_force", rules.in_force), ...valid, texts.word("compensated", rules.compensated)].join(" · ")} · `,
    certainty(rules.certainty, texts),
  );
}

/** Status, rule set and, where there is a proposal, the words for the outside. */
export function answer(displacement: Displacement, option: Option | undefined, texts: Texts): Shape {
  const missing = displacement.missing.map((sentence) => h("li", {}, texts.sentence(sentence)));
  const said = option ? h("div", { class: "say" }, h("h2", {}, texts.text("proposal.say.title")), h("p", { class: "summary" }, spokesperson(displacement, option, texts))) : null;
  return h(
    "section",
    { class: "answer" },
    h("p", { class: `status ${/^\w+$/.test(displacement.status) ? displacement.status : ""}` }, texts.word("status", displacement.status)),
    h("div", {}, ruleLine(displacement.rules, texts), h("p", { class: "note" }, texts.text("proposal.source", { source: texts.said(displacement.rules.source) })), h("p", {}, texts.sentence(displacement.summary)), missing.length > 0 ? [h("p", { class: "quiet" }, texts.text("proposal.missing")), h("ul", { class: "missing" }, missing)] : null),
    said,
  );
}

function ruleSets(displacement: Displacement, texts: Texts): Shape | null {
  if (displacement.rule_sets.length === 0) return null;
  const rows = displacement.rule_sets.map((row) =>
    h(
      "tr",
      {},
      td(titleOf(row, texts)),
      td(texts.word("in_force", row.in_force)),
      td(h("b", {}, texts.word("rule_outcome", row.outcome))),
      tn(row.eur === null ? "–" : eur(row.eur, texts)),
      tn(row.trains === null ? "–" : String(row.trains)),
      td(row.missing.map((sentence) => texts.sentence(sentence)).join("; ")),
    ),
  );
  const heads = ["rule_set", "in_force", "outcome", ">harm", ">trains", "missing"];
  return h("section", { class: "rule-sets" }, h("h2", {}, texts.text("proposal.rule_sets")), table("rule-sets", named(heads, texts), rows));
}

function relaxed(displacement: Displacement, texts: Texts): Shape | null {
  if (displacement.relaxed.length === 0) return null;
  const rows = displacement.relaxed.map((row) =>
    h("tr", {}, td(texts.said(row.rule.article)), td(inLanguage(row.rule, texts)), td(texts.word("basis", row.rule.basis)), td(certainty(row.rule.certainty, texts)), tn(row.eur === null ? texts.text("proposal.still_none") : eur(row.eur, texts)), tn(row.saved_eur === null ? "–" : eur(row.saved_eur, texts))),
  );
  const heads = ["article", "rule", "basis", "certainty", ">harm_then", ">saved"];
  return h("section", { class: "relaxed" }, h("h2", {}, texts.text("proposal.relaxed")), h("p", { class: "note" }, texts.text("proposal.relaxed_note")), table("relaxed", named(heads, texts), rows));
}

/** The proposal beside what simpler ways to let the train through would cost. */
function compared(displacement: Displacement, options: readonly Option[], texts: Texts): Shape | null {
  const found = displacement.compared;
  if (!found) return null;
  const row = (name: string, value: number | null): Shape => h("tr", {}, td(name), tn(value === null ? texts.text("proposal.does_not_work") : eur(value, texts)));
  const rows = [
    ...options.filter((option) => !option.consent).map((option) => row(optionName(option, texts), option.proposal.harm.eur)),
    row(texts.text("proposal.hold_all", { n: found.trains }), found.hold_eur),
    row(texts.text("proposal.cancel_all", { n: found.trains }), found.cancel_eur),
  ];
  return h("section", { class: "compared" }, h("h2", {}, texts.text("proposal.compared")), table("compared", named(["way", ">harm"], texts), rows));
}

function asked(options: readonly Option[], texts: Texts): Shape | null {
  const rows = options.filter((option) => option.proposal.consent.length > 0).map((option) => h("tr", {}, td(optionName(option, texts)), td(listed(consentNames(option.proposal.consent, texts), texts))));
  return rows.length === 0 ? null : h("section", { class: "asked" }, h("h2", {}, texts.text("proposal.whom_to_ask")), table("asked", named(["proposal", "consent"], texts), rows));
}

function analogies(displacement: Displacement, texts: Texts): Shape | null {
  if (displacement.analogies.length === 0) return null;
  return h("section", { class: "analogies" }, h("h2", {}, texts.text("proposal.analogies")), h("p", { class: "note" }, texts.text("proposal.analogies_note")), citations(displacement.analogies, texts));
}

/** What is said of all proposals together, below them. */
export function around(displacement: Displacement, options: readonly Option[], texts: Texts): Shape {
  const parts = [ruleSets(displacement, texts), compared(displacement, options, texts), relaxed(displacement, texts), asked(options, texts), analogies(displacement, texts)];
  return h("div", { class: "around" }, parts);
}

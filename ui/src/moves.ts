/** What a proposal does to each train: a row that opens to its calls, and the lines of the rules that are cited. */

import { amount, eurRange, inLanguage, moveHolder, passengerMinutes, uniqueCitations } from "./amounts.ts";
import { certainty, named, table, td, tn } from "./cells.ts";
import { clock } from "./clock.ts";
import { moveBrief } from "./moved.ts";
import type { CallTime, Citation, Move, NoticeTime, Proposal } from "./proposal.ts";
import { h, type Child, type Shape } from "./shape.ts";
import type { Texts } from "./texts.ts";

const COLUMNS = 9;

/** An old time and a new one: the old alone where nothing changes, struck through where the train comes no more. */
export function changed(old: number, now: number | null, texts: Texts): Child {
  if (now === null) return [h("s", {}, clock(old)), h("span", { class: "visually-hidden" }, ` ${texts.text("proposal.no_more")}`)];
  if (Math.abs(now - old) < 6) return clock(old);
  return [h("s", {}, clock(old)), " ", h("b", { class: "new-time" }, clock(now))];
}

/** Times before and after at each point; the first has no arrival, the last no departure. */
export function timesTable(times: readonly (CallTime | NoticeTime)[], texts: Texts): Shape {
  const last = times.length - 1;
  const rows = times.map((time, index) =>
    h(
      "tr",
      { class: time.new_departure_s === null ? "gone" : "stops" in time && !time.stops ? "passing" : undefined },
      td(time.name, h("span", { class: "code" }, ` ${time.code}`)),
      "track" in time ? td(time.track) : null,
      tn(index === 0 ? "" : changed(time.old_arrival_s, time.new_arrival_s, texts)),
      tn(index === last ? "" : changed(time.old_departure_s, time.new_departure_s, texts)),
      td(time.new_departure_s === null ? texts.text("proposal.no_more") : "stops" in time && !time.stops ? texts.text("proposal.passes") : ""),
    ),
  );
  const heads = times[0] && "track" in times[0] ? ["point", "track", ">arrival", ">departure", "remark"] : ["point", ">arrival", ">departure", "remark"];
  return table("times", named(heads, texts), rows);
}

const flag = (text: string): Shape => h("span", { class: "flag" }, text);

/** Rank and slightness are no rules of their own: they rank harm by analogy. */
const rankOf = (move: Move, texts: Texts): Child => [texts.text("proposal.rank", { n: move.rank }), move.slight ? `, ${texts.text("proposal.slight")}` : ""];

const citation = (rule: Citation, texts: Texts): Child => [h("span", { title: `${inLanguage(rule, texts)} (${texts.word("basis", rule.basis)})` }, texts.said(rule.article)), " ", certainty(rule.certainty, texts)];

function asks(move: Move, texts: Texts): Child[] {
  return [
    move.needs_consent ? flag(texts.text("proposal.needs_consent")) : null,
    move.forced_by_closure ? flag(texts.text("proposal.forced")) : null,
    ...move.neighbours.map((name) => flag(texts.text("proposal.with_neighbour", { name }))),
  ];
}

function moveRow(move: Move, id: string, texts: Texts, opening: boolean): Shape[] {
  const freight = move.harm.freight_tonne_h > 0 ? `${amount(move.harm.freight_tonne_h, texts)} t·h` : "";
  const minutes = passengerMinutes(move.harm) > 0 ? texts.text("proposal.minutes", { n: amount(passengerMinutes(move.harm), texts) }) : "";
  const name = [h("b", {}, move.train), " ", h("span", { class: "quiet" }, texts.word("kind", move.train_kind))];
  const row = h(
    "tr",
    { "data-train": move.train },
    td(opening ? h("button", { type: "button", class: "opener", "aria-expanded": "false", "aria-controls": id }, name) : name),
    td(moveHolder(move, texts), h("span", { class: "quiet" }, move.undertaking ? ` · ${texts.word("segment", move.segment)}` : ""), move.layer === "reserve" ? null : ["\u00a0", h("span", { class: `certainty dot ${move.holder_certainty}`, title: texts.word("certainty", move.holder_certainty) })]),
    td(texts.word("displaced", move.kind)),
    tn(move.kind === "cancelled" || move.kind === "shortened" ? "–" : moveBrief(move, texts)),
    tn(minutes, minutes && freight ? " · " : "", freight),
    tn(eurRange(move.harm, texts)),
    td(citation(move.rule, texts)),
    td(rankOf(move, texts)),
    td(asks(move, texts)),
  );
  return opening ? [row, h("tr", { id, class: "calls", hidden: "" }, h("td", { colspan: COLUMNS }, timesTable(move.calls, texts)))] : [row];
}

/** The lines cited, in words, with article, basis and certainty. */
export function citations(rows: readonly Citation[], texts: Texts): Shape {
  const cited = (row: Citation): Shape => h("li", {}, h("b", {}, texts.said(row.article)), ` ${inLanguage(row, texts)} `, h("span", { class: "quiet" }, texts.word("basis", row.basis)), " ", certainty(row.certainty, texts));
  return h("ul", { class: "citations" }, uniqueCitations(rows).map(cited));
}

/** Every train that is moved, the costliest first. */
export function moves(proposal: Proposal, texts: Texts, opening: boolean): Shape {
  const title = h("h3", {}, texts.text("proposal.moves"));
  if (proposal.moves.length === 0) return h("section", { class: "moves" }, title, h("p", {}, texts.text("proposal.none_moved")));
  const order = [...proposal.moves].sort((a, b) => b.harm.eur - a.harm.eur || (a.train < b.train ? -1 : 1));
  const heads = ["train", "holder", "what_happens", ">delay", ">harm", ">eur_range", "rule", "order", "asks"];
  return h(
    "section",
    { class: "moves" },
    title,
    table("moves", named(heads, texts), order.flatMap((move, index) => moveRow(move, `calls-${index}`, texts, opening))),
    h("p", { class: "note" }, texts.text("proposal.moves_note")),
    citations(proposal.moves.map((move) => move.rule), texts),
  );
}

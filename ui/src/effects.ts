/** What follows from a proposal: who pays, what if the train is late, the next place to stand, notices, levels unmet. */

import { amount, eur, holderName, moment } from "./amounts.ts";
import { named, table, td, tn } from "./cells.ts";
import { clock, clockMinutes } from "./clock.ts";
import { citations, timesTable } from "./moves.ts";
import type { Plan } from "./plan.ts";
import type { LateCase, Notice, NoticeTime, Pays, Proposal, Refuge } from "./proposal.ts";
import { h, type Child, type Shape } from "./shape.ts";
import type { Texts } from "./texts.ts";

const BAR = 110;

/** An hour such as `25` as `01:00–02:00`; a market segment as its name. */
function payer(what: string, texts: Texts): string {
  if (!/^-?\d+$/.test(what)) return texts.word("segment", what);
  const hour = Number(what);
  return `${clockMinutes(hour * 3600)}–${clockMinutes((hour + 1) * 3600)}`;
}

function payTable(title: string, rows: readonly Pays[], texts: Texts): Shape {
  const most = Math.max(1, ...rows.map((row) => row.eur));
  const heads = ["", ">trains", ">passenger_min", ">tonne_h", ">eur", "share"];
  const bar = (value: number): Shape => h("svg", { class: "bar", width: BAR, height: 10, "aria-hidden": "true" }, h("rect", { width: Math.round((BAR * value) / most), height: 10 }));
  const drawn = rows.map((row) => h("tr", {}, td(payer(row.what, texts)), tn(String(row.trains)), tn(amount(row.passenger_min, texts)), tn(amount(row.freight_tonne_h, texts)), tn(eur(row.eur, texts)), td(bar(row.eur))));
  return h("div", {}, table("pays", [title, ...named(heads.slice(1), texts)], drawn));
}

/** Harm by market segment and by hour. */
export function whoPays(proposal: Proposal, texts: Texts): Shape | null {
  if (proposal.moves.length === 0) return null;
  const missed = proposal.missed.eur > 0 ? h("p", { class: "note" }, texts.text("proposal.missed", { eur: eur(proposal.missed.eur, texts) })) : null;
  return h(
    "section",
    { class: "who-pays" },
    h("h3", {}, texts.text("proposal.who_pays")),
    h("div", { class: "side-by-side" }, payTable(texts.text("proposal.by_segment"), proposal.by_segment, texts), payTable(texts.text("proposal.by_hour"), proposal.by_hour, texts)),
    missed,
  );
}

function lateRow(row: LateCase, texts: Texts): Shape {
  const held = row.held_arrival_s === null ? "–" : `${clock(row.held_arrival_s)}${row.held_wait_s ? ` (${texts.text("proposal.waits", { time: texts.duration(row.held_wait_s) })})` : ""}`;
  const run = row.let_run_arrival_s === null ? "–" : clock(row.let_run_arrival_s);
  const more = row.let_run_eur === null ? "–" : `+ ${eur(row.let_run_eur, texts)}${row.let_run_trains === null ? "" : ` (${texts.text("proposal.n_trains", { n: row.let_run_trains })})`}`;
  return h("tr", {}, td(h("b", {}, texts.duration(row.by_s))), td(texts.word("policy", row.policy)), tn(held), tn(run), tn(more));
}

/** What happens if the military train itself is late. */
export function ifLate(proposal: Proposal, texts: Texts): Shape | null {
  if (proposal.late.length === 0) return null;
  const heads = ["late_by", "policy", ">if_held", ">if_let_run", ">added"];
  const robust = proposal.robust_eur === null ? null : h("p", { class: "note" }, texts.text("proposal.robust_note", { eur: eur(proposal.robust_eur, texts) }));
  return h("section", { class: "if-late" }, h("h3", {}, texts.text("proposal.if_late")), table("late", named(heads, texts), proposal.late.map((row) => lateRow(row, texts))), robust);
}

/** Points that follow each other and have the same next place, put together. */
function refugeGroups(rows: readonly Refuge[]): [Refuge, Refuge][] {
  const groups: [Refuge, Refuge][] = [];
  for (const row of rows) {
    const last = groups.at(-1);
    if (last && last[1].code === row.code && last[1].track === row.track && last[1].km === row.km) last[1] = row;
    else groups.push([row, row]);
  }
  return groups;
}

/** The next place after every point where the train fits, may stand and can be guarded. */
export function refuges(proposal: Proposal, texts: Texts): Shape | null {
  if (proposal.refuges.length === 0) return null;
  const rows = refugeGroups(proposal.refuges).map(([first, last]) =>
    h(
      "tr",
      { "data-km": first.after_km },
      td(first === last ? first.after_name : `${first.after_name} – ${last.after_name}`),
      tn(first === last ? texts.number(first.after_km, 1) : `${texts.number(first.after_km, 1)}–${texts.number(last.after_km, 1)}`),
      first.km === null ? td(texts.text("proposal.no_refuge")) : td(first.name, h("span", { class: "code" }, ` ${first.code}`)),
      td(first.km === null ? "" : first.track),
      tn(first.km === null ? "" : texts.number(first.km, 1)),
      tn(first.km === null ? "" : `${texts.number(first.usable_m)} m`),
    ),
  );
  const heads = ["after_point", ">km", "next_place", "track", ">at_km", ">usable"];
  return h("section", { class: "refuges" }, h("h3", {}, texts.text("proposal.refuges")), table("refuges", named(heads, texts), rows));
}

/** Minimum levels of service that the proposal leaves unmet. */
export function levels(proposal: Proposal, texts: Texts): Shape {
  const title = h("h3", {}, texts.text("proposal.levels"));
  if (proposal.minimum_levels.length === 0) return h("section", { class: "levels" }, title, h("p", {}, texts.text("proposal.levels_met")));
  const rows = proposal.minimum_levels.map((row) =>
    h("tr", {}, td(row.section), td(row.direction), td(row.hour === null ? texts.text("proposal.whole_day") : payer(String(row.hour), texts)), td(texts.word("level", row.kind)), tn(String(row.needed)), tn(String(row.before)), tn(h("b", {}, String(row.after)))),
  );
  return h("section", { class: "levels" }, title, table("levels", named(["section", "direction", "hour", "kind", ">needed", ">were", ">left"], texts), rows));
}

/** How many trains of a notice are moved, in its heading. */
const noticeHead = (notice: Notice, texts: Texts): string => `${holderName(notice.undertaking, notice.segment, texts)} · ${texts.text("proposal.n_trains", { n: notice.trains.length })}`;

/** Times without those of points that a train only passed and does not pass any more: its calls say where it ends. */
const withoutPassed = (times: readonly NoticeTime[]): NoticeTime[] =>
  times.filter((time, index) => time.new_departure_s !== null || time.old_departure_s > time.old_arrival_s || index === 0 || index === times.length - 1);

function noticeBody(notice: Notice, plan: Plan, texts: Texts): Child[] {
  return [
    h("p", { class: "note" }, texts.text("proposal.send_by", { at: moment(notice.send_by_s, plan, texts) }), notice.undertaking ? "" : ` ${texts.text("proposal.unnamed_note")}`),
    notice.trains.map((train) =>
      h(
        "div",
        { class: "notice-train" },
        h(
          "p",
          {},
          h("b", {}, texts.text("proposal.notice_train", { train: train.train, undertaking: holderName(notice.undertaking, notice.segment, texts) })),
          ` ${texts.word("notice", train.kind)}`,
          train.asks_consent ? ` ${texts.text("proposal.notice_consent")}` : "",
          train.neighbours.length > 0 ? ` ${texts.text("proposal.notice_neighbours", { names: train.neighbours })}` : "",
        ),
        timesTable(withoutPassed(train.times), texts),
      ),
    ),
    citations(notice.citations, texts),
  ];
}

/** The notices as they would go out: on the screen each opens, on paper all stand open. */
export function notices(proposal: Proposal, plan: Plan, texts: Texts, opening: boolean): Shape | null {
  // A reserve path is nobody's: there is nobody to send a notice to.
  const nobodys = new Set(proposal.moves.filter((move) => move.layer === "reserve").map((move) => move.train));
  const sent = proposal.notices.map((notice) => ({ ...notice, trains: notice.trains.filter((train) => !nobodys.has(train.train)) })).filter((notice) => notice.trains.length > 0);
  if (sent.length === 0) return null;
  const one = (notice: Notice): Shape =>
    opening
      ? h("details", { class: "notice" }, h("summary", {}, noticeHead(notice, texts)), noticeBody(notice, plan, texts))
      : h("div", { class: "notice" }, h("h4", {}, noticeHead(notice, texts)), noticeBody(notice, plan, texts));
  return h("section", { class: "notices" }, h("h3", {}, texts.text("proposal.notices")), h("p", { class: "note" }, texts.text("proposal.notices_note")), sent.map(one));
}

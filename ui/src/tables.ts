/** The written parts of the page: header, paths, points, kept-empty tracks, conditions, explanation, sources. */

import { certainty, known, named, table, td, tn } from "./cells.ts";
import { clock, nextDate } from "./clock.ts";
import { lineStyles, styleKey } from "./kinds.ts";
import { hatch, placeName } from "./diagram.ts";
import { NO_OVERLAY, unmoved, type Overlay } from "./moved.ts";
import type { Condition, KeptEmpty, Path, Plan } from "./plan.ts";
import { h, type Child, type Shape } from "./shape.ts";
import type { Texts } from "./texts.ts";

/** Any value of a request or a train as a short text. */
export function plain(value: unknown, texts: Texts): string {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "boolean") return texts.text(value ? "ui.yes" : "ui.no");
  if (typeof value === "number") return Number.isInteger(value) ? texts.number(value) : texts.number(value, 1);
  if (Array.isArray(value)) return value.length === 0 ? "–" : value.map((one) => plain(one, texts)).join(", ");
  if (typeof value === "object") {
    return Object.entries(value)
      .filter(([key, one]) => !(key === "turn_back" && one === "needed") && one !== null && one !== "" && one !== 0 && !(Array.isArray(one) && one.length === 0))
      .map(([key, one]) => `${texts.word("request", key)} ${valueWithUnit(key, one, texts)}`.trim())
      .join(" · ");
  }
  return String(value);
}

const UNITS: readonly (readonly [string, string])[] = [
  ["_kmh", "km/h"],
  ["_mm", "mm"],
  ["_m", "m"],
  ["_t", "t"],
];

/** Seconds of the operating day; other values that end in `_s` are durations. */
const CLOCK_TIMES = new Set(["ready_s", "window_s", "from_s", "until_s", "horizon_s"]);

function valueWithUnit(key: string, value: unknown, texts: Texts): string {
  if (key === "kind" && typeof value === "string") return texts.word("reason", value);
  if (key === "turn_back" && typeof value === "string") return texts.word("turn_back", value);
  if (CLOCK_TIMES.has(key)) return (Array.isArray(value) ? value : [value]).map((one) => clock(Number(one))).join("–");
  if (typeof value === "number" && key.endsWith("_s")) return texts.duration(value);
  const unit = typeof value === "number" ? UNITS.find(([ending]) => key.endsWith(ending))?.[1] : undefined;
  const text = plain(value, texts);
  return unit && text !== "–" ? `${text} ${key === "metre_load_t" ? "t/m" : unit}` : text;
}

/** Left to right: what it is, whether there is a path, when and how far. */
export function header(plan: Plan, path: Path | undefined, texts: Texts): Shape {
  const first = path?.points[0];
  const last = path?.points.at(-1);
  return h(
    "header",
    {},
    h("p", { class: "handling" }, plan.handling.label),
    h("p", { class: "program" }, `${texts.text("ui.program")} · ${texts.text("ui.plan")} `, h("code", {}, plan.hash)),
    h("h1", {}, plan.reference),
    path && first && last
      ? h(
          "p",
          { class: "headline" },
          h("span", { class: "end" }, h("b", {}, clock(path.departure_s)), ` ${first.name}`),
          h("span", { class: "arrow" }, "→"),
          h("span", { class: "end" }, h("b", {}, clock(path.arrival_s)), ` ${last.name}`),
        )
      : h("p", { class: "headline none" }, texts.text("ui.outcome_none")),
    path
      ? h(
          "p",
          { class: "digest" },
          [
            `${texts.number(path.distance_km, 1)} km`,
            texts.text("ui.under_way", { time: texts.duration(path.arrival_s - path.departure_s) }),
            texts.text(path.stops === 1 ? "ui.one_stop" : "ui.n_stops", { n: path.stops }),
            texts.text("ui.n_kept", { n: path.kept_empty.length }),
            texts.text(path.reserve_paths.length === 0 ? "ui.no_reserve" : path.reserve_paths.length === 1 ? "ui.one_reserve" : "ui.n_reserve", { n: path.reserve_paths.length }),
          ].join(" · "),
        )
      : null,
  );
}

const FIRST_OF_TRAIN = ["template", "name", "length_m", "mass_t", "max_speed_kmh", "traction", "axle_load_t", "metre_load_t", "load_half_width_mm", "load_height_mm", "dangerous_goods", "guarded"];

/** Train, request and day side by side. */
export function facts(plan: Plan, texts: Texts): Shape {
  const list = (title: string, rows: readonly (readonly [string, Child])[], extra: Child = null): Shape =>
    h("section", { class: "facts" }, h("h2", {}, title), h("dl", {}, rows.map(([key, value]) => h("div", {}, h("dt", {}, key), h("dd", {}, value)))), extra);
  const assumed = (typeof plan.train["assumed"] === "object" ? plan.train["assumed"] : null) ?? {};
  const keys = [...FIRST_OF_TRAIN.filter((key) => key in plan.train), ...Object.keys(plan.train).filter((key) => !FIRST_OF_TRAIN.includes(key) && key !== "assumed")];
  const train = keys.flatMap((key): [string, Child][] => {
    const one = plan.train[key];
    const text = key === "kind" ? texts.word("kind", String(one)) : valueWithUnit(key, one, texts);
    if (text === "–") return [];
    const mark = key in assumed ? h("span", { class: "certainty assumed" }, texts.word("certainty", "assumed")) : null;
    return [[texts.word("train", key), [text, mark ? [" ", mark] : null]]];
  });
  const asked: [string, string][] = [];
  for (const [key, value] of Object.entries(plan.request)) {
    if (key === "train" || key === "reference" || key === "date" || key === "horizon_s") continue;
    const values = Array.isArray(value) ? value : [value];
    for (const one of values) {
      const text = valueWithUnit(key, one, texts);
      if (text !== "–" && text !== "") asked.push([texts.word("request", key), text]);
    }
  }
  const day: [string, string][] = [[texts.text("ui.day_name"), plan.day.name]];
  if (plan.day.kind) day.push([texts.text("ui.day_kind"), texts.word("day", plan.day.kind)]);
  const date = dateOf(plan);
  if (date) day.push([texts.text("ui.day_date"), texts.date(date)]);
  if (plan.day.lacks.length > 0) day.push([texts.text("ui.day_lacks"), plan.day.lacks.map((layer) => texts.word("layer", layer)).join(", ")]);
  const warnings = plan.day.warnings.map((warning) => h("p", { class: "warning" }, texts.sentence(warning)));
  return h("div", { class: "fact-columns" }, list(texts.text("ui.train"), train), list(texts.text("ui.asked"), asked), list(texts.text("ui.day"), day, warnings));
}

const leastSlack = (path: Path): number | null => {
  const all = path.points.flatMap((point) => [point.slack_before_s, point.slack_after_s]).filter((slack) => slack !== null);
  return all.length === 0 ? null : Math.min(...all);
};

/** The paths to choose from; on paper without the means to choose. */
export function paths(plan: Plan, chosen: number, texts: Texts, choosing: boolean): Shape {
  const rows = plan.paths.map((path, index) => {
    const slack = leastSlack(path);
    const attributes = { type: "radio", name: "path", value: index, id: `path-${index}`, checked: index === chosen ? "" : undefined };
    return h(
      "tr",
      { class: index === chosen ? "chosen" : undefined, "data-path": index },
      choosing ? td(h("input", attributes), h("label", { for: `path-${index}` }, texts.word("why", path.why))) : td(index === chosen ? "● " : "○ ", texts.word("why", path.why)),
      tn(clock(path.departure_s)),
      tn(clock(path.arrival_s)),
      tn(texts.duration(path.running_s)),
      tn(String(path.stops)),
      tn(texts.number(path.distance_km, 1)),
      tn(`${texts.number(100 * path.pace)} %`),
      tn(slack === null ? "–" : texts.duration(slack)),
      tn(String(path.kept_empty.length)),
      tn(path.energy_kwh === null ? "–" : texts.number(path.energy_kwh)),
      td(path.reserve_paths.length === 0 ? "–" : path.reserve_paths.map((name, number) => [number > 0 ? ", " : "", h("span", { class: "n" }, name)])),
    );
  });
  const heads = ["path", ">departure", ">arrival", ">running", ">stops", ">km", ">pace", ">least_slack", ">kept", ">energy", "reserve"];
  return h("section", { class: "paths" }, h("h2", {}, texts.text("ui.paths")), table("paths", named(heads, texts), rows), plan.paths.length > 1 ? h("p", { class: "note" }, texts.text("ui.paths_note")) : null);
}

/** The operating day: that of the day, else the one asked for; empty if neither has a date. */
export const dateOf = (plan: Plan): string => plan.day.date || String(plan.request["date"] ?? "");

/** A train further away than this is not named beside a point. */
const FAR_S = 3600;

/** Times at every point. */
export function points(plan: Plan, path: Path, texts: Texts): Shape {
  const next = nextDate(dateOf(plan));
  const last = path.points.length - 1;
  let night = path.departure_s >= 86_400;
  const rows = path.points.flatMap((point, index) => {
    const end = index === 0 || index === last;
    const stop = point.stop_s > 0;
    const reason = point.reason ? texts.word("reason", point.reason) : "";
    const between = (slack: number | null, train: string): Shape =>
      slack === null ? td("") : slack > FAR_S ? td(h("span", { class: "free" }, `> ${FAR_S / 3600} h`)) : td(h("span", { class: "n" }, texts.duration(slack)), train ? h("span", { class: "ref" }, ` ${train}`) : "");
    const row = h(
      "tr",
      { class: end ? "end" : stop ? "stop" : undefined, "data-km": point.km },
      tn(texts.number(point.km, 1)),
      td(point.name, h("span", { class: "code" }, ` ${point.code}`)),
      td(point.track),
      tn(index === 0 ? "" : stop || index === last ? clock(point.arrival_s) : ""),
      h("td", { class: stop || end ? "n" : "n passing" }, index === last ? "" : clock(point.departure_s)),
      td(stop ? `${texts.duration(point.stop_s)}${reason ? ` · ${reason}` : ""}` : reason && end ? reason : "", point.reason_train ? h("span", { class: "ref" }, ` ${point.reason_train}`) : ""),
      between(point.slack_before_s, point.train_before),
      between(point.slack_after_s, point.train_after),
    );
    if (!night && point.arrival_s >= 86_400) {
      night = true;
      return [h("tr", { class: "midnight" }, h("td", { colspan: 8 }, next ? texts.date(next) : texts.text("ui.next_day"))), row];
    }
    return [row];
  });
  const heads = ["km", "point", "track", "arrival", "departure", "stop", "before", "after"].map((head, index) => (index === 0 || index === 3 || index === 4 ? `>${head}` : head));
  return h("section", { class: "points" }, h("h2", {}, texts.text("ui.points")), table("points", named(heads, texts), rows), h("p", { class: "note" }, texts.text("ui.points_note")));
}

/** A run of zones of one neighbour track that are kept empty one after the other. */
export interface KeptGroup {
  readonly track: string;
  readonly of: string;
  readonly from_s: number;
  readonly until_s: number;
  readonly km_from: number;
  readonly km_to: number;
  readonly distance_m: number;
  readonly zones: number;
  /** The one with the least room if the train is early, and if it is late; null if nothing comes before or after. */
  readonly early: KeptEmpty | null;
  readonly late: KeptEmpty | null;
  readonly freed: KeptEmpty;
}

const STRICTNESS = ["wide", "passenger", "all"];

/** A zone that is empty of all trains is empty of some too: spans that differ by less than this are one. */
const NEAR_S = 60;

/** Let the stricter of two spans of one zone take in the other where it covers it but for `NEAR_S` at the ends; it only grows. */
function absorbed(kept: readonly KeptEmpty[]): KeptEmpty[] {
  const left: KeptEmpty[] = [];
  for (const one of [...kept].sort((a, b) => STRICTNESS.indexOf(b.of) - STRICTNESS.indexOf(a.of))) {
    const index = left.findIndex((other) => other.zone === one.zone && other.from_s <= one.from_s + NEAR_S && other.until_s >= one.until_s - NEAR_S);
    const taker = left[index];
    if (!taker) {
      left.push(one);
      continue;
    }
    left[index] = {
      ...taker,
      from_s: Math.min(taker.from_s, one.from_s),
      until_s: Math.max(taker.until_s, one.until_s),
      km_from: Math.min(taker.km_from, one.km_from),
      km_to: Math.max(taker.km_to, one.km_to),
      distance_m: Math.min(taker.distance_m, one.distance_m),
    };
  }
  return left;
}

/** The manager's name of a track, which stands in brackets behind a name of its own. */
const trackOf = (label: string): string => /\(([^()]+)\)$/.exec(label)?.[1] ?? label;

/** The zone with the least room among those that have any train before or after. */
function tightest(group: readonly KeptEmpty[], room: (one: KeptEmpty) => number | null): KeptEmpty | null {
  return group.reduce<KeptEmpty | null>((best, one) => {
    const value = room(one);
    return value !== null && (best === null || value < (room(best) ?? Infinity)) ? one : best;
  }, null);
}

const roomEarly = (one: KeptEmpty): number | null => one.margin_early_s;
const roomLate = (one: KeptEmpty): number | null => one.margin_late_s;

/** Put zones of one track that follow each other together, in order of the way; the margins are the least of them. */
export function groupKept(kept: readonly KeptEmpty[]): KeptGroup[] {
  const groups: { members: KeptEmpty[]; until: number }[] = [];
  const open = new Map<string, { members: KeptEmpty[]; until: number }>();
  for (const one of absorbed(kept).sort((a, b) => a.from_s - b.from_s || a.km_from - b.km_from)) {
    const key = `${trackOf(one.track)}\n${one.of}`;
    const group = open.get(key);
    if (group && one.from_s <= group.until) {
      group.members.push(one);
      group.until = Math.max(group.until, one.until_s);
    } else {
      const started = { members: [one], until: one.until_s };
      open.set(key, started);
      groups.push(started);
    }
  }
  const made = groups.map(({ members, until }) => ({
    track: [...new Set(members.map((one) => one.track))].sort((a, b) => b.length - a.length)[0] ?? "",
    of: members[0]?.of ?? "",
    from_s: Math.min(...members.map((one) => one.from_s)),
    until_s: until,
    km_from: Math.min(...members.map((one) => Math.min(one.km_from, one.km_to))),
    km_to: Math.max(...members.map((one) => Math.max(one.km_from, one.km_to))),
    distance_m: Math.min(...members.map((one) => one.distance_m)),
    zones: members.length,
    early: tightest(members, roomEarly),
    late: tightest(members, roomLate),
    freed: members.reduce((latest, one) => (one.until_s > latest.until_s ? one : latest)),
  }));
  return made.sort((a, b) => a.km_from - b.km_from || a.km_to - b.km_to);
}

/** Neighbour tracks kept empty, under the points they lie between. */
export function keptEmpty(path: Path, texts: Texts): Shape {
  const title = h("h2", {}, texts.text("ui.kept"));
  if (path.kept_empty.length === 0) return h("section", { class: "kept-empty" }, title, h("p", {}, texts.text("ui.kept_none")));
  const margin = (value: number | null | undefined, train: string | undefined): Shape =>
    td(value === null || value === undefined ? h("span", { class: "free" }, texts.text("ui.free")) : h("span", { class: "n" }, texts.duration(value)), train ? h("span", { class: "ref" }, ` ${train}`) : "");
  let stretch = "";
  const rows = groupKept(path.kept_empty).flatMap((group) => {
    const row = h(
      "tr",
      { "data-km": group.km_from },
      td(group.track),
      tn(`${texts.number(group.km_from, 1)}–${texts.number(group.km_to, 1)}`),
      tn(`${texts.number(group.distance_m, 2)} m`),
      td(texts.word("of", group.of)),
      tn(clock(group.from_s)),
      tn(clock(group.until_s)),
      margin(group.early?.margin_early_s, group.early?.train_before),
      margin(group.late?.margin_late_s, group.late?.train_after),
      td(`${texts.word("freed", group.freed.freed_by)}${group.freed.freed_at ? ` ${group.freed.freed_at}` : ""}`),
    );
    const here = placeName(path, group.km_from + 0.001, 0);
    if (here === stretch) return [row];
    stretch = here;
    return [h("tr", { class: "stretch" }, h("th", { colspan: 9, scope: "rowgroup" }, here)), row];
  });
  const least = (text: string, one: KeptEmpty | null, room: number | null | undefined, train: string | undefined): string | null =>
    one && room !== null && room !== undefined ? texts.text(text, { room: texts.duration(room), train: train ?? "", place: placeName(path, (one.km_from + one.km_to) / 2) }) : null;
  const early = tightest(path.kept_empty, roomEarly);
  const late = tightest(path.kept_empty, roomLate);
  const room = [least("ui.least_early", early, early?.margin_early_s, early?.train_before), least("ui.least_late", late, late?.margin_late_s, late?.train_after)].filter((one) => one !== null);
  const heads = ["neighbour", ">km", ">distance", "of", ">from", ">until", "early", "late", "freed"];
  return h(
    "section",
    { class: "kept-empty" },
    title,
    room.length > 0 ? h("p", {}, room.join(" ")) : null,
    h("p", { class: "note" }, texts.text("ui.kept_note")),
    table("kept", named(heads, texts), rows),
  );
}

const value = (amount: number, unit: string, texts: Texts): string => {
  if (unit === "s" || unit === "min") return texts.duration(unit === "s" ? amount : amount * 60);
  if (unit === "clock") return clock(amount);
  const digits = Number.isInteger(amount) ? 0 : Math.abs(amount) < 10 ? 2 : 1;
  return `${texts.number(amount, digits)}${unit ? ` ${unit}` : ""}`;
};

/** Conditions, the closest first as the plan gives them. */
export function conditions(list: readonly Condition[], texts: Texts): Shape | null {
  if (list.length === 0) return null;
  const rows = list.map((one) =>
    h("tr", {}, td(texts.word("condition", one.key)), td(one.place), tn(value(one.value, one.unit, texts)), tn(value(one.limit, one.unit, texts)), td(certainty(one.certainty, texts)), td(known("table", one.source, texts))),
  );
  return h("section", { class: "conditions" }, h("h2", {}, texts.text("ui.conditions")), table("conditions", named(["condition", "place", ">value", ">limit", "certainty", "source"], texts), rows));
}

/** Why there is no path, and what would give one. */
export function explanation(plan: Plan, texts: Texts): Shape | null {
  const found = plan.explanation;
  if (!found) return null;
  const obstacles = found.obstacles.map((one) => h("tr", {}, td(texts.word("obstacle", one.kind)), td(known("what", one.what, texts)), td(one.place), td(texts.sentence(one.detail)), td(known("table", one.source, texts))));
  const relaxations = found.relaxations.map((one) =>
    h(
      "tr",
      {},
      td(texts.word("relaxation", one.key)),
      tn(one.amount === 0 && one.unit === "" ? "" : value(one.amount, one.unit, texts)),
      td(texts.sentence(one.detail)),
      tn(one.departure_s === null ? "–" : clock(one.departure_s)),
      tn(one.arrival_s === null ? "–" : clock(one.arrival_s)),
    ),
  );
  const names = new Map(plan.map.places.map((place) => [place.code.toLowerCase(), place.name]));
  return h(
    "section",
    { class: "explanation" },
    h("h2", {}, texts.text("ui.explanation")),
    h("p", { class: "summary" }, texts.sentence(found.summary)),
    found.proven ? null : h("p", {}, texts.text("plan.summary.not_proven")),
    found.reached.length > 0 ? h("p", {}, texts.text("ui.reached", { points: found.reached.map((code) => names.get(code.toLowerCase()) ?? code).join(", ") })) : null,
    relaxations.length > 0 ? [h("h3", {}, texts.text("ui.relaxations")), table("relaxations", named(["change", ">amount", "detail", ">departure", ">arrival"], texts), relaxations)] : h("p", {}, texts.text("ui.no_relaxation")),
    obstacles.length > 0 ? [h("h3", {}, texts.text("ui.obstacles")), table("obstacles", named(["kind", "what", "place", "detail", "source"], texts), obstacles)] : null,
  );
}

/** What an assumption is about, such as `train.length_m` or the norm `freight.setup_s`, in words where there are any. */
function subject(key: string, texts: Texts): string {
  const [group = "", name = ""] = key.split(".");
  return group === "train" ? texts.word("train", name) : name ? texts.word("norm", name) : key;
}

/** A list of records with the same keys, as a table. */
function records(name: string, title: string, list: readonly Record<string, string>[], texts: Texts): Shape | null {
  if (list.length === 0) return null;
  const keys = [...new Set(list.flatMap((one) => Object.keys(one)))];
  const cell = (key: string, text: string): Shape => td(key === "certainty" ? certainty(text, texts) : key === "what" ? subject(text, texts) : key === "value" ? texts.decimals(text) : texts.said(text));
  const rows = list.map((one) => h("tr", {}, keys.map((key) => cell(key, one[key] ?? ""))));
  return h("section", { class: name }, h("h2", {}, title), table(name, keys.map((key) => texts.word("ui.head", key)), rows));
}

/** Assumptions, sources and provenance. */
export function origins(plan: Plan, texts: Texts): Shape {
  const rows = Object.entries(plan.provenance)
    .filter(([, one]) => one !== "")
    .map(([key, one]) => h("div", {}, h("dt", {}, texts.word("provenance", key)), h("dd", {}, h("code", {}, String(one)))));
  return h(
    "div",
    { class: "origins" },
    records("assumptions", texts.text("ui.assumptions"), plan.assumptions, texts),
    records("sources", texts.text("ui.sources"), plan.sources, texts),
    h("section", { class: "facts provenance" }, h("h2", {}, texts.text("ui.provenance")), h("dl", {}, rows, h("div", {}, h("dt", {}, texts.text("ui.plan_hash")), h("dd", {}, h("code", {}, plan.hash))))),
  );
}

/** What the lines and areas of the diagram mean; only what occurs. */
export function diagramLegend(path: Path, texts: Texts, id: string, overlay: Overlay = NO_OVERLAY): Shape {
  const present = new Set(unmoved(path, overlay).map((train) => styleKey(train.kind, train.layer)));
  const key = (drawing: Child, text: string): Shape => h("span", { class: "key" }, h("svg", { width: 30, height: 12, "aria-hidden": "true" }, drawing), ` ${text}`);
  const kept = new Set(path.kept_empty.map((one) => one.of));
  return h(
    "p",
    { class: "legend" },
    key([h("path", { class: "own-casing", d: "M0 6H30" }), h("path", { class: "own", d: "M0 6H30" })], texts.text("ui.legend_own")),
    overlay.moved.length > 0 ? [key(h("path", { class: "moved-before", d: "M0 6H30" }), texts.text("proposal.legend_before")), key(h("path", { class: "moved-after", d: "M0 6H30" }), texts.text("proposal.legend_after"))] : null,
    overlay.moved.some((one) => one.after.lines.length === 0) ? key(h("path", { class: "moved-before gone", d: "M0 6H30" }), texts.text("proposal.legend_gone")) : null,
    overlay.siblings.length > 0 ? key(h("path", { class: "own-sibling", d: "M0 6H30" }), texts.text("proposal.legend_series")) : null,
    key(h("rect", { class: "held", x: 2, y: 1, width: 26, height: 10 }), texts.text("ui.legend_held")),
    kept.has("all") ? key([h("defs", {}, hatch(`${id}-all`, 5, 45)), h("rect", { class: "kept kept-all", x: 2, y: 1, width: 26, height: 10, fill: `url(#${id}-all)` })], texts.text("ui.legend_kept_all")) : null,
    kept.has("passenger") ? key([h("defs", {}, hatch(`${id}-passenger`, 7, -45)), h("rect", { class: "kept kept-passenger", x: 2, y: 1, width: 26, height: 10, fill: `url(#${id}-passenger)` })], texts.text("ui.legend_kept_passenger")) : null,
    [...lineStyles()]
      .reverse()
      .filter((style) => present.has(style.key))
      .map((style) => key(h("path", { class: "train", d: "M0 6H30", stroke: style.colour, "stroke-width": Math.max(1, style.width), "stroke-dasharray": style.dash || undefined }), texts.text(`style.${style.key}`))),
    key(h("rect", { class: "single-band", width: 30, height: 12 }), texts.text("ui.legend_single")),
  );
}

import assert from "node:assert/strict";
import { test } from "node:test";

import { clock, duration, nextDate, timeTicks } from "../src/clock.ts";
import { alongShape, courseOf, flat, kmAt, nearest, timeAt } from "../src/course.ts";
import { drawDiagram, fullView, placeName, scales, trainData, under } from "../src/diagram.ts";
import { lineStyles, styleKey } from "../src/kinds.ts";
import { boxOf, fitAxis, placeLabels, type Box, type MapLabel } from "../src/labels.ts";
import { drawMap, fitView, mapTransform } from "../src/map.ts";
import { findAll, h, markup, textOf } from "../src/shape.ts";
import { conditions, explanation, groupKept, keptEmpty, plain, points } from "../src/tables.ts";
import { makeTexts } from "../src/texts.ts";
import { kept, path, plan } from "./made_up.ts";

const texts = makeTexts("en", { "reason.wait_for_train": "waits for", "ui.n": "{n} of {m}" });
const size = { width: 1000, height: 600 };

const overlap = (a: Box, b: Box): boolean => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

test("times are those of the operating day in tenths of a minute, and wrap only when shown", () => {
  assert.equal(clock(18_000), "05:00.0");
  assert.equal(clock(104_430), "05:00.5");
  assert.equal(clock(86_394), "23:59.9");
  assert.equal(clock(86_400), "00:00.0");
  assert.equal(clock(80_075.9), "22:14.5", "a tenth that is not over yet does not count");
});

test("durations are read in tenths under an hour and in minutes above", () => {
  assert.equal(duration(66), "1.1 min");
  assert.equal(duration(600), "10 min");
  assert.equal(duration(3600), "1 h 00 min");
  assert.equal(duration(27_930), "7 h 46 min");
  assert.equal(duration(-90), "−1.5 min");
});

test("the night belongs to the next calendar day, across a leap day and a year too", () => {
  assert.equal(nextDate("2026-11-24"), "2026-11-25");
  assert.equal(nextDate("2028-02-28"), "2028-02-29");
  assert.equal(nextDate("2026-12-31"), "2027-01-01");
  assert.equal(nextDate("pattern"), "");
});

test("time marks stand on whole steps, far enough apart, at every zoom", () => {
  for (const span of [150, 900, 3600, 14_400, 36_000, 100_000]) {
    const { major, minor } = timeTicks(70_000, 70_000 + span, 800);
    assert.ok(major.length >= 2, `no marks in ${span} s`);
    for (let i = 1; i < major.length; i++) assert.ok((((major[i] as number) - (major[i - 1] as number)) * 800) / span >= 55.9);
    assert.ok(minor.every((s) => !major.includes(s)));
    const step = (major[1] as number) - (major[0] as number);
    assert.ok(major.every((s) => s % step === 0));
  }
});

test("the course stands still at a stop and passes each point at its time", () => {
  // km 0 ──10 min── 10 ──stop 5 min── 10 ──10 min── 20
  const course = courseOf(path);
  assert.deepEqual(course, [[0, 72_000], [10, 72_600], [10, 72_900], [20, 73_500]]);
  assert.equal(timeAt(course, 5), 72_300);
  assert.equal(kmAt(course, 72_750), 10);
  assert.equal(kmAt(course, 73_200), 15);
  assert.equal(kmAt(course, 60_000), null);
});

test("without pieces, as in a version that may be shared, the course follows the points", () => {
  assert.deepEqual(courseOf({ ...path, pieces: [] }), courseOf(path));
});

test("the nearest train is found by its distance on the screen", () => {
  const found = nearest(path.trains, 10, 72_310, 20, 0.1);
  assert.equal(path.trains[found?.index ?? -1]?.reference, "1100a00");
  assert.equal(nearest([], 0, 0, 1, 1), null);
});

test("a place along the shape divides it by kilometres", () => {
  const find = alongShape([[5, 52], [5.1, 52], [5.2, 52]], 20);
  const [x] = find(15) as [number, number];
  const [a] = flat([5.15, 52]);
  assert.ok(Math.abs(x - a) < 1e-9);
  assert.deepEqual(find(-1), flat([5, 52]));
});

test("pixels lead back to the same time and kilometre", () => {
  const at = scales(fullView(path), size);
  assert.ok(Math.abs(at.s(at.x(72_345)) - 72_345) < 1e-6);
  assert.ok(Math.abs(at.km(at.y(7.25)) - 7.25) < 1e-9);
});

test("names on the axis keep their distance, and ends and stops go before the rest", () => {
  const labels = [{ at: 0, rank: 0 }, { at: 6, rank: 2 }, { at: 9, rank: 1 }, { at: 30, rank: 2 }];
  assert.deepEqual(fitAxis(labels, 8), [0, 2, 3]);
});

test("names on the map never overlap each other or leave the frame", () => {
  let seed = 42;
  const chance = (): number => ((seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31);
  const frame = { x: 0, y: 0, width: 600, height: 400 };
  const labels: MapLabel[] = Array.from({ length: 200 }, (_, i) => ({ x: chance() * 600, y: chance() * 400, text: "Abcdefgh".slice(0, 2 + (i % 7)), size: 10, rank: i % 4 }));
  const placed = placeLabels(labels, frame, [], []);
  const boxes = placed.map((one) => boxOf(labels[one.index]?.text ?? "", 10, one.x, one.y, one.anchor));
  assert.ok(placed.length > 30);
  boxes.forEach((box, i) => {
    assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= 600 && box.y + box.height <= 400);
    for (const other of boxes.slice(i + 1)) assert.ok(!overlap(box, other));
  });
});

test("every kind of train has a line that differs by more than its colour", () => {
  const looks = lineStyles().map((style) => `${style.dash}/${style.width}`);
  assert.equal(new Set(looks).size, looks.length);
  assert.equal(styleKey("intercity", "passenger"), "long_distance");
  assert.equal(styleKey("sprinter", "passenger"), "local");
  assert.equal(styleKey("freight_mixed", "reserve"), "reserve");
  assert.equal(styleKey("something_new", "other"), "local");
});

test("trains out of view are left out of the drawing, and trains of one kind share one line", () => {
  const view = fullView(path);
  const at = scales(view, size);
  assert.match(trainData(path.trains, "long_distance", at, view), /^M[\d.]+ [\d.]+L/);
  const later = { ...view, from: view.from + 40_000, until: view.until + 40_000 };
  assert.equal(trainData(path.trains, "long_distance", scales(later, size), later), "");
});

test("the diagram shows the train's stop, single track, and what is held and kept empty", () => {
  const drawn = drawDiagram(path, fullView(path), size, texts);
  const byClass = (name: string) => findAll(drawn, "path").filter((one) => String(one.attributes["class"]).split(" ").includes(name));
  assert.match(textOf(drawn), /B 5 min waits for 1100a00/);
  assert.equal(byClass("strand").length, 2);
  assert.equal(byClass("single").length, 1);
  assert.equal((String(byClass("held")[0]?.attributes["d"]).match(/Z/g) ?? []).length, 2);
  assert.equal((String(byClass("kept-all")[0]?.attributes["d"]).match(/Z/g) ?? []).length, 1);
  assert.notEqual(byClass("single-band")[0]?.attributes["d"], "");
});

test("what is under the pointer is what the rectangles cover", () => {
  assert.deepEqual(under(path, 5, 72_200).held.map((one) => one.name), ["AB"]);
  assert.deepEqual(under(path, 5, 72_200).kept.map((one) => one.track), ["left"]);
  assert.deepEqual(under(path, 5, 60_000).held, []);
  assert.equal(placeName(path, 10.1), "Bee");
  assert.equal(placeName(path, 5), "Aa – Bee");
});

test("the map fits the route into its frame with the north up", () => {
  const mapSize = { width: 400, height: 300 };
  const view = fitView(path.shape, mapSize, 20);
  for (const place of path.shape) {
    const [x, y] = flat(place);
    assert.ok(Math.abs((x - view.x) * view.scale) <= 180.001 && Math.abs((y - view.y) * view.scale) <= 130.001);
  }
  assert.ok(flat([5, 53])[1] < flat([5, 52])[1]);
  assert.match(mapTransform(view, mapSize), /^translate\(-?[\d.]+ -?[\d.]+\) scale\([\d.]+\)$/);
  const drawn = drawMap(plan, path, view, mapSize, texts);
  assert.match(textOf(drawn), /Bee/);
  assert.equal(findAll(drawn, "circle").filter((one) => one.attributes["class"] === "map-stop").length, 1);
});

test("without a path the map marks the points asked for and the furthest reached", () => {
  const request = { from: { point: "x" }, to: { point: "Z" } };
  const none = { ...plan, request, paths: [], explanation: { proven: true, summary: { key: "", values: {} }, obstacles: [], relaxations: [], reached: ["Y"] } };
  const at = [5.2, 52.12] as const;
  const places = ["X", "Y", "W"].map((code, i) => ({ code, name: code, kind: "station", at: [at[0] + i / 10, at[1]] as const }));
  const drawn = drawMap({ ...none, map: { lines: [], places } }, undefined, fitView(places.map((one) => one.at), size), size, texts);
  assert.deepEqual(findAll(drawn, "circle").map((one) => one.attributes["class"]), ["map-end", "map-reached", "map-place"]);
});

test("text is never markup, in content or in attributes", () => {
  assert.equal(markup(h("p", { title: `"><script>` }, `<img src=x onerror="1">&`)), `<p title="&quot;&gt;&lt;script&gt;">&lt;img src=x onerror=&quot;1&quot;&gt;&amp;</p>`);
  const drawn = markup(points({ ...plan, reference: "<b>" }, { ...path, points: path.points.map((one) => ({ ...one, name: "<script>" })) }, texts));
  assert.ok(!drawn.includes("<script>"));
});

test("zones of one neighbour track that follow each other are one line with the least margins", () => {
  const groups = groupKept([
    kept({ zone: 1, km_from: 0, km_to: 1, from_s: 100, until_s: 200, margin_early_s: 60, margin_late_s: null, train_before: "a" }),
    kept({ zone: 2, km_from: 1, km_to: 2, from_s: 150, until_s: 260, margin_early_s: 30, margin_late_s: 90, train_before: "b", freed_at: "end" }),
    kept({ zone: 3, km_from: 2, km_to: 3, from_s: 400, until_s: 500, margin_early_s: null, margin_late_s: null }),
    kept({ zone: 4, km_from: 0, km_to: 1, from_s: 100, until_s: 200, track: "right" }),
  ]);
  assert.deepEqual(groups.map((one) => [one.track, one.km_from, one.km_to, one.from_s, one.until_s, one.zones]), [
    ["right", 0, 1, 100, 200, 1],
    ["left", 0, 2, 100, 260, 2],
    ["left", 2, 3, 400, 500, 1],
  ]);
  assert.equal(groups[1]?.early?.train_before, "b");
  assert.equal(groups[1]?.late?.margin_late_s, 90);
  assert.equal(groups[1]?.freed.freed_at, "end");
});

test("a zone empty of all trains is not listed once more as empty of some, and never for a shorter time", () => {
  const groups = groupKept([
    kept({ zone: 1, of: "passenger", from_s: 100, until_s: 210 }),
    kept({ zone: 1, of: "all", from_s: 110, until_s: 205 }),
    kept({ zone: 2, of: "wide", track: "6 (right)", from_s: 100, until_s: 600 }),
    kept({ zone: 2, of: "all", track: "6 (right)", from_s: 100, until_s: 300 }),
  ]);
  assert.deepEqual(groups.map((one) => [one.track, one.of, one.from_s, one.until_s]).sort(), [
    ["6 (right)", "all", 100, 300],
    ["6 (right)", "wide", 100, 600],
    ["left", "all", 100, 210],
  ]);
});

test("a train that needs no empty neighbour is said to need none", () => {
  assert.match(textOf(keptEmpty({ ...path, kept_empty: [] }, makeTexts("en", { "ui.kept_none": "none needed" }))), /none needed/);
});

test("values are read with their units: a clock time as a time, seconds as minutes", () => {
  const one = { key: "x", place: "B", limit: 60, certainty: "sure", source: "s" };
  const shown = textOf(conditions([{ ...one, value: 90_000, limit: 93_600, unit: "clock" }, { ...one, value: 90, unit: "s" }], texts) ?? "");
  assert.match(shown, /01:00\.002:00\.0/);
  assert.match(shown, /1\.5 min/);
  assert.equal(plain({ point: "Amf", stop_s: 600, window_s: [86_400, 90_000], kind: "" }, texts), "point Amf · stop s 10 min · window s 00:00.0–01:00.0");
  assert.equal(plain([], texts), "–");
});

test("without a path the page says why, and what would give one", () => {
  const shown = textOf(explanation(plan, texts) ?? "");
  assert.match(shown, /No way through Bee/);
  assert.match(shown, /later/);
  assert.equal(explanation({ ...plan, explanation: null }, texts), null);
});

test("texts fill in their names, and an unknown key is shown readable", () => {
  assert.equal(texts.text("ui.n", { n: 1, m: 3 }), "1 of 3");
  assert.equal(texts.word("reason", "change_of_crew"), "change of crew");
  assert.equal(makeTexts("nl", {}).number(1234.5, 1), "1.234,5");
});

test("500 trains and 2 000 zones are drawn in the time of a few frames", () => {
  const trains = Array.from({ length: 500 }, (_, n) => ({
    reference: String(n),
    kind: "sprinter",
    layer: "passenger",
    lines: [Array.from({ length: 40 }, (_, i) => [i / 2, 71_000 + n * 5 + i * 40] as const)],
  }));
  const held = Array.from({ length: 2000 }, (_, n) => ({ zone: n, name: String(n), km_from: n / 100, km_to: n / 100 + 0.01, from_s: 72_000 + n / 2, until_s: 72_300 + n / 2 }));
  const busy = { ...path, trains, held };
  for (let i = 0; i < 10; i++) drawDiagram(busy, fullView(busy), size, texts);
  const begin = process.cpuUsage();
  for (let i = 0; i < 10; i++) drawDiagram(busy, fullView(busy), size, texts);
  const used = process.cpuUsage(begin);
  const perDrawing = (used.user + used.system) / 10_000;
  assert.ok(perDrawing < 60, `${perDrawing} ms of processor time for each drawing`);
});

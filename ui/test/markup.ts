/** Writes the parts of the page that show proposals as markup: JSON of plan, texts and language in, JSON of parts out. */

import { readFileSync } from "node:fs";

import { answer, around } from "../src/answer.ts";
import { chart, comparison, firstOption, optionsOf, seriesTable } from "../src/choice.ts";
import { drawDiagram, fullView } from "../src/diagram.ts";
import { ifLate, levels, notices, refuges, whoPays } from "../src/effects.ts";
import { overlayOf } from "../src/moved.ts";
import { moves } from "../src/moves.ts";
import type { Path, Plan } from "../src/plan.ts";
import type { Displacement } from "../src/proposal.ts";
import { markup, type Shape } from "../src/shape.ts";
import { diagramLegend } from "../src/tables.ts";
import { makeTexts } from "../src/texts.ts";

const input = JSON.parse(readFileSync(0, "utf8")) as { plan: Plan; texts: Record<string, string>; lang: string };
const { plan } = input;
const texts = makeTexts(input.lang, input.texts);
const displacement = plan.displacement as Displacement;
const options = optionsOf(displacement);
const chosen = firstOption(options);
const written: Record<string, string> = {};
const write = (name: string, shape: Shape | null): void => {
  written[name] = shape ? markup(shape) : "";
};

write("answer", answer(displacement, options[chosen], texts));
write("around", around(displacement, options, texts));
if (options.length > 0) {
  write("chart", chart(options, chosen, texts));
  write("comparison", comparison(options, chosen, texts, true));
  write("comparison-paper", comparison(options, chosen, texts, false));
}
options.forEach(({ proposal }) => {
  const path = proposal.paths[0] as Path;
  const overlay = overlayOf(proposal, path, texts);
  const size = { width: 1400, height: 800 };
  write(`diagram-${proposal.id}`, drawDiagram(path, fullView(path, overlay.siblings), size, texts, new Map(), overlay));
  write(`legend-${proposal.id}`, diagramLegend(path, texts, "x", overlay));
  write(`moves-${proposal.id}`, moves(proposal, texts, true));
  write(`pays-${proposal.id}`, whoPays(proposal, texts));
  write(`levels-${proposal.id}`, levels(proposal, texts));
  write(`late-${proposal.id}`, ifLate(proposal, texts));
  write(`refuges-${proposal.id}`, refuges(proposal, texts));
  write(`notices-${proposal.id}`, notices(proposal, plan, texts, false));
  write(`series-${proposal.id}`, seriesTable(proposal, 0, texts, true));
});
process.stdout.write(JSON.stringify(written));

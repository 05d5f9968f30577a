/** What a proposal lays over the diagram of its path: moved trains before and after, other paths of the series. */

import { courseOf, type Course } from "./course.ts";
import type { DiagramTrain, Path } from "./plan.ts";
import type { Move, Proposal } from "./proposal.ts";
import type { Texts } from "./texts.ts";

/** A moved train in the diagram: a pale, broken line as it was and a full one as it becomes. */
export interface MovedLine {
  readonly move: Move;
  readonly label: string;
  readonly before: DiagramTrain;
  readonly after: DiagramTrain;
}

export interface Overlay {
  readonly moved: readonly MovedLine[];
  readonly siblings: readonly Course[];
}

export const NO_OVERLAY: Overlay = { moved: [], siblings: [] };

/** Whether two paths run between the same ends, so that one diagram can show both. */
export const sameWay = (a: Path, b: Path): boolean => a.points[0]?.code === b.points[0]?.code && a.points.at(-1)?.code === b.points.at(-1)?.code;

/** `+4.5 min`, `−2 min`, `no longer runs`: what happens to a train in the fewest words. */
export function moveBrief(move: Move, texts: Texts): string {
  if (move.kind === "cancelled" || move.kind === "shortened") return texts.word("displaced", move.kind);
  return `${move.delay_s > 0 ? "+" : ""}${texts.duration(move.delay_s)}`;
}

/** The lines of moved trains lie in the diagram of the first path of a proposal, and of those that run as it does. */
export function overlayOf(proposal: Proposal, path: Path, texts: Texts): Overlay {
  const first = proposal.paths[0];
  const siblings = proposal.paths.filter((one) => one !== path && sameWay(one, path)).map(courseOf);
  if (!first || !sameWay(first, path)) return { moved: [], siblings };
  const moved = proposal.moves.map((move) => {
    const drawn = { reference: move.train, kind: move.train_kind, layer: move.layer };
    return { move, label: `${move.train} ${moveBrief(move, texts)}`, before: { ...drawn, lines: move.line_before }, after: { ...drawn, lines: move.line_after } };
  });
  return { moved, siblings };
}

/** The other trains of a path, without those that are drawn as moved. */
export function unmoved(path: Path, overlay: Overlay): DiagramTrain[] {
  const moved = new Set(overlay.moved.map((one) => one.move.train));
  return path.trains.filter((train) => !moved.has(train.reference));
}

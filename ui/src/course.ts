/** Where a train is when: courses of `[km, s]`, and places along a shape. */

import type { DiagramTrain, LonLat, Path } from "./plan.ts";

export type Course = readonly (readonly [number, number])[];

/** The course of the planned train over its pieces; over its points where the pieces are left out. */
export function courseOf(path: Path): Course {
  const course: [number, number][] = [];
  const add = (km: number, s: number): void => {
    const last = course.at(-1);
    if (!last || last[0] !== km || last[1] !== s) course.push([km, s]);
  };
  if (path.pieces.length > 0) {
    path.pieces.forEach((piece, index) => {
      const end = path.pieces[index + 1]?.km ?? path.distance_km;
      add(piece.km, piece.enter_s);
      add(end, piece.exit_s);
      add(end, piece.depart_s);
    });
    const first = path.pieces[0];
    if (first && path.departure_s < first.enter_s) course.unshift([first.km, path.departure_s]);
  } else {
    for (const point of path.points) {
      add(point.km, point.arrival_s);
      add(point.km, point.departure_s);
    }
  }
  return course;
}

/** Seconds at which a course passes `km` (the first time), or null. */
export function timeAt(course: Course, km: number): number | null {
  for (let i = 1; i < course.length; i++) {
    const [km0, s0] = course[i - 1] as [number, number];
    const [km1, s1] = course[i] as [number, number];
    if (km >= Math.min(km0, km1) && km <= Math.max(km0, km1)) return km1 === km0 ? s0 : s0 + ((km - km0) / (km1 - km0)) * (s1 - s0);
  }
  return null;
}

/** Kilometres at which a course is at time `s`, or null. */
export function kmAt(course: Course, s: number): number | null {
  for (let i = 1; i < course.length; i++) {
    const [km0, s0] = course[i - 1] as [number, number];
    const [km1, s1] = course[i] as [number, number];
    if (s >= s0 && s <= s1) return s1 === s0 ? km0 : km0 + ((s - s0) / (s1 - s0)) * (km1 - km0);
  }
  return null;
}

export interface Near {
  readonly index: number;
  readonly km: number;
  readonly s: number;
  readonly distance: number;
}

/** The nearest of many broken lines to a place in the diagram; pixels per km and per second weigh the two directions. */
export function nearest(trains: readonly DiagramTrain[], km: number, s: number, perKm: number, perS: number): Near | null {
  let best: Near | null = null;
  trains.forEach((train, index) => {
    for (const line of train.lines) {
      for (let i = 1; i < line.length; i++) {
        const a = line[i - 1] as readonly [number, number];
        const b = line[i] as readonly [number, number];
        const ax = (a[1] - s) * perS;
        const ay = (a[0] - km) * perKm;
        const dx = (b[1] - a[1]) * perS;
        const dy = (b[0] - a[0]) * perKm;
        const size = dx * dx + dy * dy;
        const share = size === 0 ? 0 : Math.min(1, Math.max(0, -(ax * dx + ay * dy) / size));
        const distance = Math.hypot(ax + share * dx, ay + share * dy);
        if (!best || distance < best.distance) {
          best = { index, km: a[0] + share * (b[0] - a[0]), s: a[1] + share * (b[1] - a[1]), distance };
        }
      }
    }
  });
  return best;
}

export const KM_PER_DEGREE_LAT = 111.25;
export const KM_PER_DEGREE_LON = 111.32 * Math.cos((52.1 * Math.PI) / 180);

/** Flat kilometres, x to the east and y to the south; true to about 1 % anywhere in the Netherlands. */
export function flat([lon, lat]: LonLat): [number, number] {
  return [(lon - 5.3) * KM_PER_DEGREE_LON, (52.1 - lat) * KM_PER_DEGREE_LAT];
}

/** A finder of places along a shape, in flat kilometres: the shape's own length is stretched to `distanceKm`. */
export function alongShape(shape: readonly LonLat[], distanceKm: number): (km: number) => [number, number] | null {
  const places = shape.map(flat);
  const length: number[] = [0];
  for (let i = 1; i < places.length; i++) {
    const [x0, y0] = places[i - 1] as [number, number];
    const [x1, y1] = places[i] as [number, number];
    length.push((length[i - 1] as number) + Math.hypot(x1 - x0, y1 - y0));
  }
  const total = length.at(-1) ?? 0;
  return (km) => {
    if (places.length < 2 || total === 0) return places[0] ?? null;
    const wanted = Math.min(total, Math.max(0, (km / distanceKm) * total));
    let low = 0;
    let high = length.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((length[middle] as number) <= wanted) low = middle;
      else high = middle;
    }
    const [x0, y0] = places[low] as [number, number];
    const [x1, y1] = places[high] as [number, number];
    const span = (length[high] as number) - (length[low] as number);
    const share = span === 0 ? 0 : (wanted - (length[low] as number)) / span;
    return [x0 + share * (x1 - x0), y0 + share * (y1 - y0)];
  };
}

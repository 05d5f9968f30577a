/** Clock times and durations from seconds of the operating day, which runs from 05:00 to 05:00. */

const DAY_S = 86_400;

const two = (value: number): string => String(value).padStart(2, "0");

/** `22:14.5`: hours, minutes and tenths of a minute, the step in which planners give times. */
export function clock(seconds: number): string {
  const whole = ((Math.floor(seconds / 6 + 1e-9) % (DAY_S / 6)) + DAY_S / 6) % (DAY_S / 6);
  const minutes = Math.floor(whole / 10);
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}.${whole % 10}`;
}

/** `22:14`, for axes. */
export function clockMinutes(seconds: number): string {
  return clock(seconds).slice(0, 5);
}

/** `7 h 45 min`, `12 min`, `2.5 min`: tenths of a minute under an hour. */
export function duration(seconds: number): string {
  const sign = seconds < 0 ? "−" : "";
  const tenths = Math.round(Math.abs(seconds) / 6);
  if (tenths < 600) return `${sign}${tenths % 10 === 0 ? tenths / 10 : (tenths / 10).toFixed(1)} min`;
  const minutes = Math.round(tenths / 10);
  return `${sign}${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** The calendar date of midnight that ends the operating day's first part, as `YYYY-MM-DD`; empty if no date is known. */
export function nextDate(date: string): string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) return "";
  const next = new Date(`${date}T12:00:00Z`);
  next.setUTCDate(next.getUTCDate() + 1);
  return next.toISOString().slice(0, 10);
}

const STEPS_S = [6, 12, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600];

/** Time marks: the finest step whose marks stand at least `gap` pixels apart, and the next one up for fine lines. */
export function timeTicks(from: number, until: number, pixels: number, gap = 56): { major: number[]; minor: number[] } {
  const perPixel = (until - from) / pixels;
  const index = Math.max(0, STEPS_S.findIndex((step) => step / perPixel >= gap));
  const step = STEPS_S[index] ?? 21_600;
  const fine = STEPS_S.findLast((one) => one < step && step % one === 0 && one / perPixel >= 11) ?? step;
  const finest = STEPS_S.find((one) => one >= fine && step % one === 0 && one / perPixel >= 11) ?? step;
  const marks = (every: number): number[] => {
    const found: number[] = [];
    for (let s = Math.ceil(from / every) * every; s <= until; s += every) found.push(s);
    return found;
  };
  return { major: marks(step), minor: marks(finest).filter((s) => s % step !== 0) };
}

/** Pointer, wheel and keys made into moves of a view. */

export interface Moves {
  /** Shift by pixels. */
  pan(dx: number, dy: number): void;
  /** Scale around a place in the element, in pixels. */
  zoom(factor: number, x: number, y: number, timeOnly: boolean): void;
  reset(): void;
  hover(x: number, y: number): void;
  leave(): void;
}

const STEP = 60;

/** Let an element be panned by dragging, and zoomed by wheel (with Ctrl, or once it has the focus), pinch, keys and double click. */
export function listen(element: HTMLElement, moves: Moves): void {
  const held = new Map<number, { x: number; y: number }>();
  const place = (event: MouseEvent): { x: number; y: number } => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const middle = (): [number, number] => [element.clientWidth / 2, element.clientHeight / 2];

  element.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    held.set(event.pointerId, place(event));
    element.setPointerCapture(event.pointerId);
    element.classList.add("held-by-pointer");
  });
  element.addEventListener("pointermove", (event) => {
    const now = place(event);
    const before = held.get(event.pointerId);
    if (!before) {
      moves.hover(now.x, now.y);
      return;
    }
    const other = [...held].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const was = Math.hypot(before.x - other.x, before.y - other.y);
      const is = Math.hypot(now.x - other.x, now.y - other.y);
      if (was > 0 && is > 0) moves.zoom(is / was, (now.x + other.x) / 2, (now.y + other.y) / 2, false);
    } else {
      moves.pan(now.x - before.x, now.y - before.y);
    }
    held.set(event.pointerId, now);
  });
  const release = (event: PointerEvent): void => {
    held.delete(event.pointerId);
    if (held.size === 0) element.classList.remove("held-by-pointer");
  };
  element.addEventListener("pointerup", release);
  element.addEventListener("pointercancel", release);
  element.addEventListener("pointerleave", () => moves.leave());
  element.addEventListener("dblclick", (event) => {
    const { x, y } = place(event);
    moves.zoom(2, x, y, event.shiftKey);
  });
  element.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey && document.activeElement !== element) return;
      event.preventDefault();
      const { x, y } = place(event);
      moves.zoom(Math.exp(-(event.deltaY || event.deltaX) * 0.0016), x, y, event.shiftKey);
    },
    { passive: false },
  );
  element.addEventListener("keydown", (event) => {
    const actions: Record<string, () => void> = {
      "+": () => moves.zoom(1.4, ...middle(), false),
      "=": () => moves.zoom(1.4, ...middle(), false),
      "-": () => moves.zoom(1 / 1.4, ...middle(), false),
      "0": () => moves.reset(),
      ArrowLeft: () => moves.pan(STEP, 0),
      ArrowRight: () => moves.pan(-STEP, 0),
      ArrowUp: () => moves.pan(0, STEP),
      ArrowDown: () => moves.pan(0, -STEP),
    };
    const action = actions[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  });
}

/** Run at most once a frame. */
export function onFrame(action: () => void): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      action();
    });
  };
}

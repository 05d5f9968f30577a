/** Shapes made into elements. Text goes in as text nodes and attributes as attributes: nothing is parsed. */

import type { Shape } from "./shape.ts";

const SVG = "http://www.w3.org/2000/svg";

/** Make the element of a shape. */
export function create(shape: Shape, drawing = false): Element {
  const inside = drawing || shape.tag === "svg";
  const element = inside ? document.createElementNS(SVG, shape.tag) : document.createElement(shape.tag);
  for (const [name, value] of Object.entries(shape.attributes)) {
    if (value !== undefined) element.setAttribute(name, String(value));
  }
  for (const child of shape.children) {
    element.append(typeof child === "string" ? document.createTextNode(child) : create(child, inside));
  }
  return element;
}

/** Put shapes in the place of everything in `parent`. */
export function fill(parent: Element, ...shapes: Shape[]): void {
  const drawing = parent.namespaceURI === SVG;
  parent.replaceChildren(...shapes.map((shape) => create(shape, drawing)));
}

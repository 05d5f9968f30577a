/** A drawing or a piece of page as plain values, made into text or into a document elsewhere; no text is ever parsed. */

export type Attributes = Readonly<Record<string, string | number | undefined>>;

export interface Shape {
  readonly tag: string;
  readonly attributes: Attributes;
  readonly children: readonly (Shape | string)[];
}

export type Child = Shape | string | number | null | undefined | false | readonly Child[];

/** Make one element; empty children are left out and lists are flattened. */
export function h(tag: string, attributes: Attributes = {}, ...children: Child[]): Shape {
  const flat: (Shape | string)[] = [];
  const add = (child: Child): void => {
    if (child === null || child === undefined || child === false) return;
    if (Array.isArray(child)) for (const one of child) add(one as Child);
    else if (typeof child === "number") flat.push(String(child));
    else flat.push(child as Shape | string);
  };
  for (const child of children) add(child);
  return { tag, attributes, children: flat };
}

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

const escape = (text: string): string => text.replace(/[&<>"']/g, (found) => ESCAPES[found] ?? found);

/** Write a shape as markup with everything escaped. */
export function markup(shape: Shape | string): string {
  if (typeof shape === "string") return escape(shape);
  let attributes = "";
  for (const [name, value] of Object.entries(shape.attributes)) {
    if (value !== undefined) attributes += ` ${name}="${escape(String(value))}"`;
  }
  return `<${shape.tag}${attributes}>${shape.children.map(markup).join("")}</${shape.tag}>`;
}

/** All the text in a shape, in order. */
export function textOf(shape: Shape | string): string {
  return typeof shape === "string" ? shape : shape.children.map(textOf).join("");
}

/** Every element with this tag, in order. */
export function findAll(shape: Shape | string, tag: string): Shape[] {
  if (typeof shape === "string") return [];
  const found = shape.children.flatMap((child) => findAll(child, tag));
  return shape.tag === tag ? [shape, ...found] : found;
}

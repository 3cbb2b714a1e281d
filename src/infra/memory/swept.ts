/** A part of the memory store that can drop its expired entries. */
export type Swept<Part> = Part & { readonly sweep: () => void };

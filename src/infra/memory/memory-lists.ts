import type { ListEntry, ListStore } from '../../ports/index.ts';
import type { Swept } from './swept.ts';

interface List {
  readonly entries: Map<string, ListEntry>;
  forgetAtMs: number;
}

export function memoryLists({ now }: { readonly now: () => number }): Swept<ListStore> {
  const lists = new Map<string, List>();

  return {
    sweep: () => {
      for (const [key, list] of lists) if (list.forgetAtMs <= now()) lists.delete(key);
    },
    add: async (key, entry, keepSeconds) => {
      const list = lists.get(key) ?? { entries: new Map<string, ListEntry>(), forgetAtMs: 0 };
      lists.set(key, list);
      list.entries.set(entry.id, entry);
      list.forgetAtMs = now() + keepSeconds * 1000;
      for (const { id, atMs } of list.entries.values()) {
        if (atMs <= entry.atMs - keepSeconds * 1000) list.entries.delete(id);
      }
    },
    page: async (key, after, most) => {
      const list = lists.get(key);
      if (!list || list.forgetAtMs <= now()) return [];
      return [...list.entries.values()]
        .filter((entry) => !after || isNewer(after, entry))
        .toSorted((a, b) => (isNewer(a, b) ? -1 : 1))
        .slice(0, most);
    },
    remove: async (key, ids) => {
      for (const id of ids) lists.get(key)?.entries.delete(id);
    },
  };
}

/** Compares by time, then by id. */
function isNewer(one: ListEntry, other: ListEntry): boolean {
  return one.atMs === other.atMs ? one.id > other.id : one.atMs > other.atMs;
}

import type { AnyProvider } from '../contract/index.ts';
import type { Routing } from '../core/upstream/registry.ts';

/**
 * The mistakes of a routing. A later provider is a fallback of the first one, so it must attest at least the same
 * checks, under the same jurisdiction. `areAllLoaded`: whether a channel or an id that is not known is a mistake.
 */
export function findRoutingMistakes(
  routing: Routing,
  definitions: readonly AnyProvider[],
  areAllLoaded: boolean,
): string[] {
  return [...routing].flatMap(([channel, ids]) => {
    if (new Set(ids).size < ids.length) return [`ROUTING of ${channel} names a provider twice.`];
    const offering = definitions.filter(({ channels }) => Object.hasOwn(channels, channel));
    if (offering.length === 0 && areAllLoaded) {
      const channels = new Set(definitions.flatMap((each) => Object.keys(each.channels)));
      return [
        `ROUTING names a channel that no provider offers; there are ${[...channels].join(', ')}.`,
      ];
    }
    const unknown = ids.filter((id) => !offering.some((definition) => definition.id === id));
    if (ids.length === 0 || (unknown.length > 0 && areAllLoaded)) {
      const names = offering.map(({ id }) => id).join(', ');
      return [`ROUTING of ${channel} must name providers that offer it: ${names}.`];
    }

    const [first, ...others] = ids.flatMap((id) => offering.filter((each) => each.id === id));
    // A fallback is compared with the first provider, which may be one that is not known.
    if (!first || first.id !== ids[0]) return [];
    const needed = first.channels[channel]?.checks ?? [];
    return others.flatMap((other) => {
      const name = `ROUTING of ${channel}: take ${other.id} out, it cannot be a fallback of ${first.id}`;
      const missing = needed.filter((check) => !other.channels[channel]?.checks.includes(check));
      return [
        ...(other.jurisdiction === first.jurisdiction
          ? []
          : [`${name}: its jurisdiction is ${other.jurisdiction}, not ${first.jurisdiction}.`]),
        ...(missing.length === 0 ? [] : [`${name}: it does not attest ${missing.join(', ')}.`]),
      ];
    });
  });
}

import { isEnabled, offers, type Registry } from '../core/upstream/registry.ts';

/** A line for each enabled provider of a route whose account is not set up for the channel. */
export function findUnreadyRoutes(registry: Registry): string[] {
  return [...registry.routing].flatMap(([channel, ids]) =>
    ids
      .flatMap((id) => registry.find(id) ?? [])
      .filter((provider) => isEnabled(provider) && !offers(provider, channel))
      .map(
        ({ definition: { id } }) =>
          `ROUTING of ${channel} names ${id}, which is not set up for it: see its settings in docs/settings.md.`,
      ),
  );
}

import type { ActionEffect, AnyProvider } from '../../contract/index.ts';

/** Effects of actions that have a claim: a read has none. */
export type ClaimEffect = Exclude<ActionEffect, 'read'>;

/** What a lost answer of the action means for its claim. A lost read can simply be asked again. */
export function claimEffectOf(
  { id, actions }: Pick<AnyProvider, 'id' | 'actions'>,
  action: string,
): ClaimEffect {
  const effect = actions[action]?.effect;
  if (!effect) throw new Error(`${id} has no action ${action}`);
  return effect === 'may_charge' ? 'may_charge' : 'free_start';
}

import type { ActionEffect, AnyProvider } from '../../contract/index.ts';

/** What a lost answer of the action means for its claim. A lost read can simply be asked again. */
export function claimEffectOf(
  { id, actions }: Pick<AnyProvider, 'id' | 'actions'>,
  action: string,
): Exclude<ActionEffect, 'read'> {
  const effect = actions[action]?.effect;
  if (!effect) throw new Error(`${id} has no action ${action}`);
  return effect === 'may_charge' ? 'may_charge' : 'free_start';
}

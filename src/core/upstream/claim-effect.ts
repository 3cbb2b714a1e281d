import type { ActionEffect, AnyProvider } from '../../contract/index.ts';

/** Effects of actions that run under a claim. Reads need none. */
export type ClaimEffect = Exclude<ActionEffect, 'read'>;

/** The effect that decides what a lost response means for the claim. */
export function claimEffectOf(
  { id, actions }: Pick<AnyProvider, 'id' | 'actions'>,
  action: string,
): ClaimEffect {
  const effect = actions[action]?.effect;
  if (!effect) throw new Error(`${id} has no action ${action}`);
  return effect === 'may_charge' ? 'may_charge' : 'free_start';
}

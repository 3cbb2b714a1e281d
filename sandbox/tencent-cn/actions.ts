import { bankCardActions } from './bank-card-actions.ts';
import { createEidActions } from './e-id-actions.ts';
import { createFaceIdActions } from './face-id-actions.ts';
import { createWebActions } from './web-actions.ts';

/** The actions of tencent-cn, as their pages and the official SDK describe them. */
export function createTencentCnActions(
  deps: Parameters<typeof createEidActions>[0] & Parameters<typeof createWebActions>[0],
) {
  return {
    ...createEidActions(deps),
    ...createFaceIdActions(deps),
    ...createWebActions(deps),
    ...bankCardActions,
  };
}

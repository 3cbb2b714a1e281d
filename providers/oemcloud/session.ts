import { z } from 'zod';

/** The stored part of a start: needed for queries and to match notifications. */
export const sessionSchema = z.object({
  flowId: z.string(),
  /** The caller asked for `identity: NONE`. */
  namesNobody: z.boolean().optional(),
});

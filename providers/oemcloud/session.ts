import { z } from 'zod';

/** What is kept of a start, to ask about it and to know its notifications. */
export const sessionSchema = z.object({ flowId: z.string() });

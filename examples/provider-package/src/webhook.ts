import { createHmac, timingSafeEqual } from 'node:crypto';
import {
  ended,
  lookUp,
  type Notification,
  type NotificationDefinition,
  type NotificationProof,
  type OutcomeAnswer,
} from 'verification-subgraph/provider';
import { z } from 'zod';
import { results } from './mapping.ts';
import type { Settings } from './settings.ts';

/** The vendor signs each repetition again, so a narrow window is enough. */
const windowMs = 5 * 60 * 1000;

const eventSchema = z.object({
  reference: z.string(),
  check_id: z.string(),
  result: z.string().nullish(),
  document: z
    .object({
      type: z.string().nullish().catch(null),
      country: z.string().nullish().catch(null),
      warnings: z.array(z.string()).nullish().catch(null),
    })
    .nullish()
    .catch(null),
});

/** `x-doclens-signature: t=<ms>,id=<delivery>,v1=<HMAC-SHA-256 of "t.id.body", hex>`. */
export const webhook: NotificationDefinition<Settings> = {
  verify: ({ headers, body }, { settings, nowMs }): NotificationProof => {
    const [, time = '', id = '', given = ''] =
      /^t=(\d{1,15}),id=([\w-]{1,64}),v1=([0-9a-f]{64})$/u.exec(
        headers['x-doclens-signature'] ?? '',
      ) ?? [];
    const due = sign(settings.webhookSecret.reveal(), { time, id, body });
    const isGenuine =
      given.length === due.length && timingSafeEqual(Buffer.from(given), Buffer.from(due));
    const isFresh = Math.abs(nowMs - Number(time)) <= windowMs;
    return isGenuine && isFresh ? { kind: 'genuine', deliveryId: id } : { kind: 'refused' };
  },

  referenceOf: (notification) => readEvent(notification).reference,

  read: (notification, { checkId }) => {
    const event = readEvent(notification);
    return event.check_id === checkId ? toOutcome(event) : null;
  },

  reply: { contentType: 'text/plain', body: 'ok' },
};

export function sign(
  secret: string,
  { time, id, body }: { readonly time: string; readonly id: string; readonly body: Buffer },
): string {
  return createHmac('sha256', secret).update(`${time}.${id}.`).update(body).digest('hex');
}

function readEvent({ body }: Notification): z.output<typeof eventSchema> {
  return eventSchema.parse(JSON.parse(body.toString('utf8')));
}

function toOutcome({ result, document }: z.output<typeof eventSchema>): OutcomeAnswer {
  if (result == null) return { kind: 'pending' };
  return ended({
    code: result,
    ...lookUp(results, result),
    // An accepted check costs its unit, however it ends.
    billing: 'CHARGED',
    chargedAttempts: 1,
    details: {
      __typename: 'DoclensDocumentDetails',
      documentType: document?.type ?? null,
      issuingCountry: document?.country ?? null,
      warnings: document?.warnings ?? [],
    },
  });
}

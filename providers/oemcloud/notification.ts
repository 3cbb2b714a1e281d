import { z } from 'zod';
import type { Notification, NotificationDefinition } from '../../src/contract/plugin-api.ts';
import { toNotifiedOutcome } from './face-outcome.ts';
import { parseKeepingFlowId } from './parse-keeping-flow-id.ts';
import { sessionSchema } from './session.ts';
import type { OemcloudSettings } from './settings.ts';

const notificationBody = z.object({
  flowId: z.union([z.string(), z.number().transform(String)]),
  success: z.boolean().nullish(),
  status: z.boolean().nullish(),
  failReasonCode: z
    .union([z.string(), z.number().transform(String)])
    .nullish()
    .catch(null),
});

/**
 * The format that e签宝 sends. OEMCloud documents neither the body nor a signature that its customers could
 * check. A GET also comes, when the person opens the page; it reports nothing.
 */
export const notification: NotificationDefinition<OemcloudSettings> = {
  verify: null,
  read: (given: Notification, session) => {
    if (given.method !== 'POST') return null;
    const body = notificationBody.parse(parseKeepingFlowId(given.body.toString('utf8')));
    const success = body.success ?? body.status ?? null;
    const contradictsItself = (body.status ?? success) !== success;
    const { flowId } = sessionSchema.parse(session);
    if (body.flowId !== flowId || success === null || contradictsItself) return null;
    return toNotifiedOutcome(success, body.failReasonCode ?? null);
  },
  reply: { contentType: 'application/json', body: '{"code":"200","msg":"success"}' },
};

import { createHash } from 'node:crypto';
import type { ServiceEvent } from '../../ports/index.ts';
import type { WebhookMessage } from './send-webhook.ts';

/** Each kind happens to a record once, so both name the event. */
export function webhookIdOf({ kind, recordId }: Pick<ServiceEvent, 'kind' | 'recordId'>): string {
  const digest = createHash('sha256').update(`${kind} ${recordId}`).digest('base64url');
  return `evt_${digest.slice(0, 22)}`;
}

/** What a receiver gets. Ids and a status only. */
export function toWebhookMessage(event: ServiceEvent): WebhookMessage {
  const { kind, recordId, tenantId, status, atMs } = event;
  const data = { id: recordId, tenantId, ...(status === null ? {} : { status }) };
  const timestamp = new Date(atMs).toISOString();
  return { id: webhookIdOf(event), body: JSON.stringify({ type: kind, timestamp, data }) };
}

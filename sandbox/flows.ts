import { randomUUID } from 'node:crypto';
import type { Code } from './code.ts';
import type { Orders } from './magic.ts';

/** One attempt of a person inside a flow. */
export interface Attempt {
  readonly code: number;
  readonly atMs: number;
}

/** What a start defines for its flow. */
export interface FlowStart {
  readonly provider: 'tencent-cn' | 'tencent-intl' | 'oemcloud';
  readonly channel: string;
  /** How long the person may take. */
  readonly lifeMs: number;
  readonly extra: string | null;
  /** The data that the emulated provider received. A real one stores it too. */
  readonly name: string | null;
  readonly idCard: string | null;
  /** 1 read aloud, 2 questions, 3 nodding; null without an intention check. */
  readonly intentionMode: string | null;
  readonly readsDocument: boolean;
  /** Whether recordings are in a bucket of the caller's. */
  readonly isInBucket?: boolean;
  readonly orders: Orders;
  /** The result codes that the person's page offers. */
  readonly codes: readonly Code[];
  /** Where the browser goes at the end, with the provider's parameters. */
  readonly returnUrl: (flow: Flow) => string | null;
  readonly entered?: (flow: Flow) => void;
  readonly finished?: (flow: Flow) => void;
}

/** A verification as the emulated provider sees it. */
export interface Flow extends FlowStart {
  readonly token: string;
  /** After this time it cannot be finished. */
  endsMs: number;
  /** After this time it cannot be queried. */
  readonly forgottenMs: number;
  state: 'init' | 'doing' | 'finished' | 'expired';
  attempts: Attempt[];
  intentionCode: number | null;
}

export interface Flows {
  readonly open: (start: FlowStart) => Flow;
  /** Finds a flow by token alone, as the person's page needs it. */
  readonly ofPerson: (token: string) => Flow | undefined;
  /** The flow of a token, or the reason why there is none. */
  readonly find: (
    token: string,
    provider: Flow['provider'],
    channel?: string,
  ) => Flow | 'unknown' | 'forgotten';
  /** Ends a flow as if the person got these codes one after the other. */
  readonly finish: (flow: Flow, codes: readonly number[], intentionCode?: number) => void;
  /** Adds a failed attempt, after which the person tries again. */
  readonly fail: (flow: Flow, code: number) => void;
  readonly expire: (flow: Flow) => void;
  readonly isOver: (flow: Flow) => boolean;
}

const mostFlows = 10_000;
const retentionMs = 3 * 24 * 3600 * 1000;

/** The memory of the emulated providers. The oldest flows are dropped first. */
export function createFlows(now: () => number): Flows {
  const flows = new Map<string, Flow>();
  const finish: Flows['finish'] = (flow, codes, intentionCode = 0) => {
    flow.attempts.push(...codes.map((code) => ({ code, atMs: now() })));
    flow.intentionCode = intentionCode;
    flow.state = 'finished';
    flow.finished?.(flow);
  };

  return {
    open: (start) => {
      const flow: Flow = {
        ...start,
        token: randomUUID().toUpperCase(),
        endsMs: now() + start.lifeMs,
        forgottenMs: now() + retentionMs,
        state: 'init',
        attempts: [],
        intentionCode: null,
      };
      flows.set(flow.token, flow);
      const [oldest] = flows.keys();
      if (flows.size > mostFlows && oldest !== undefined) flows.delete(oldest);
      return flow;
    },
    ofPerson: (token) => flows.get(token),
    find: (token, provider, channel) => {
      const flow = flows.get(token);
      if (flow?.provider !== provider || flow.channel !== (channel ?? flow.channel)) {
        return 'unknown';
      }
      return flow.forgottenMs <= now() ? 'forgotten' : flow;
    },
    finish,
    fail: (flow, code) => {
      flow.attempts.push({ code, atMs: now() });
    },
    expire: (flow) => {
      flow.endsMs = now();
      flow.state = 'expired';
    },
    isOver: ({ state, endsMs }) => state === 'finished' || endsMs <= now(),
  };
}

/** Adds parameters to the existing query of a URL. */
export function withQuery(url: string, query: Readonly<Record<string, string>>): string {
  const target = new URL(url);
  for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value);
  return target.href;
}

import { randomUUID } from 'node:crypto';
import type { Code } from './code.ts';
import type { Orders } from './magic.ts';

/** One attempt of a person inside a flow. */
export interface Attempt {
  readonly code: number;
  readonly atMs: number;
}

/** What a start says about its flow. */
export interface FlowStart {
  readonly provider: 'tencent-cn' | 'tencent-intl' | 'oemcloud';
  readonly channel: string;
  /** How long somebody may take. */
  readonly lifeMs: number;
  readonly extra: string | null;
  /** What the emulated provider got; a real one keeps it too. */
  readonly name: string | null;
  readonly idCard: string | null;
  /** 1 read aloud, 2 questions, 3 nodding; null without an intention check. */
  readonly intentionMode: string | null;
  readonly readsDocument: boolean;
  readonly orders: Orders;
  /** The result codes that a person's page offers. */
  readonly codes: readonly Code[];
  /** Where the browser goes in the end, with what the provider adds. */
  readonly returnUrl: (flow: Flow) => string | null;
  readonly entered?: (flow: Flow) => void;
  readonly finished?: (flow: Flow) => void;
}

/** A verification as the emulated provider sees it. */
export interface Flow extends FlowStart {
  readonly token: string;
  /** After that nobody can finish it. */
  endsMs: number;
  /** After that nobody can ask about it. */
  readonly forgottenMs: number;
  state: 'init' | 'doing' | 'finished' | 'expired';
  attempts: Attempt[];
  intentionCode: number | null;
}

export interface Flows {
  readonly open: (start: FlowStart) => Flow;
  /** By token alone, as the person's page has it. */
  readonly ofPerson: (token: string) => Flow | undefined;
  /** The flow of a token, or why there is none. */
  readonly find: (
    token: string,
    provider: Flow['provider'],
    channel?: string,
  ) => Flow | 'unknown' | 'forgotten';
  /** Ends a flow as a person would who met these codes one after the other. */
  readonly finish: (flow: Flow, codes: readonly number[], intentionCode?: number) => void;
  /** A failed attempt after which the person tries again. */
  readonly fail: (flow: Flow, code: number) => void;
  readonly expire: (flow: Flow) => void;
  readonly isOver: (flow: Flow) => boolean;
}

const mostFlows = 10_000;
const retentionMs = 3 * 24 * 3600 * 1000;

/** The emulated providers' memory; the oldest flows go first. */
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

/** The provider's token joins whatever query there is. */
export function withQuery(url: string, query: Readonly<Record<string, string>>): string {
  const target = new URL(url);
  for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value);
  return target.href;
}

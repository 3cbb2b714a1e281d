import type { Orders } from './magic.ts';

/** One attempt of a person inside a flow. */
export interface Attempt {
  readonly code: number;
  readonly atMs: number;
}

/** A verification as the emulated provider sees it. */
export interface Flow {
  readonly token: string;
  readonly channel: 'E_ID' | 'FACE_SDK';
  readonly createdMs: number;
  /** After that nobody can finish it. */
  readonly endsMs: number;
  /** After that nobody can ask about it. */
  readonly forgottenMs: number;
  readonly redirectUrl: string | null;
  readonly extra: string | null;
  /** What the emulated provider got; a real one keeps it too. */
  readonly name: string | null;
  readonly idCard: string | null;
  /** 1 read aloud, 2 questions, 3 nodding; null without an intention check. */
  readonly intentionMode: string | null;
  readonly orders: Orders;
  state: 'init' | 'doing' | 'finished';
  attempts: Attempt[];
  intentionCode: number | null;
}

export interface Flows {
  readonly add: (flow: Flow) => void;
  /** Undefined for a token that was never given out here. */
  readonly find: (token: string) => Flow | undefined;
}

const mostFlows = 10_000;

/** The emulated provider's memory; the oldest flows go first. */
export function createFlows(): Flows {
  const flows = new Map<string, Flow>();
  return {
    add: (flow) => {
      flows.set(flow.token, flow);
      const [oldest] = flows.keys();
      if (flows.size > mostFlows && oldest !== undefined) flows.delete(oldest);
    },
    find: (token) => flows.get(token),
  };
}

import { randomUUID } from 'node:crypto';
import { isNumeric, type Orders } from './magic.ts';
import { error, type TencentError } from './tencent/tencent-server.ts';

/** One attempt of a person inside a flow. */
export interface Attempt {
  readonly code: number;
  readonly atMs: number;
}

/** What a start says about its flow. */
export interface FlowStart {
  readonly channel: 'E_ID' | 'FACE_SDK' | 'FACE_WEB';
  readonly redirectUrl: string | null;
  readonly extra: string | null;
  /** What the emulated provider got; a real one keeps it too. */
  readonly name: string | null;
  readonly idCard: string | null;
  /** 1 read aloud, 2 questions, 3 nodding; null without an intention check. */
  readonly intentionMode: string | null;
  readonly readsDocument: boolean;
  readonly orders: Orders;
}

/** A verification as the emulated provider sees it. */
export interface Flow extends FlowStart {
  readonly token: string;
  /** After that nobody can finish it. */
  readonly endsMs: number;
  /** After that nobody can ask about it. */
  readonly forgottenMs: number;
  state: 'init' | 'doing' | 'finished';
  attempts: Attempt[];
  intentionCode: number | null;
}

export interface Flows {
  readonly add: (flow: Flow) => void;
  /** By token alone, as the person's page has it. */
  readonly ofPerson: (token: string) => Flow | undefined;
  /** The flow of a token, or the error that the real endpoint gives for it. */
  readonly find: (token: string, channel: Flow['channel'], nowMs: number) => Flow | TencentError;
}

const mostFlows = 10_000;
const tokenLifeMs = 600_000;
const retentionMs = 3 * 24 * 3600 * 1000;

/** The emulated providers' memory; the oldest flows go first. */
export function createFlows(): Flows {
  const flows = new Map<string, Flow>();
  return {
    add: (flow) => {
      flows.set(flow.token, flow);
      const [oldest] = flows.keys();
      if (flows.size > mostFlows && oldest !== undefined) flows.delete(oldest);
    },
    ofPerson: (token) => flows.get(token),
    find: (token, channel, nowMs) => {
      const flow = flows.get(token);
      if (flow?.channel !== channel) return error('InvalidParameterValue.BizTokenIllegal');
      return flow.forgottenMs <= nowMs ? error('InvalidParameterValue.BizTokenExpired') : flow;
    },
  };
}

export function isFlow(found: Flow | TencentError): found is Flow {
  return 'token' in found;
}

/** Opens a flow; an order for a result ends it at once, as if the person had gone through it. */
export function openFlow(flows: Flows, nowMs: number, start: FlowStart): Flow {
  const flow: Flow = {
    ...start,
    token: randomUUID().toUpperCase(),
    endsMs: nowMs + tokenLifeMs,
    forgottenMs: nowMs + retentionMs,
    state: 'init',
    attempts: [],
    intentionCode: null,
  };
  const { orders } = start;
  const result = [...orders].find(([action]) => action.includes('Result'))?.[1];
  const intention = orders.get('Intention');
  const attempts = orders.get('Attempts');
  if (result !== undefined || intention !== undefined || attempts !== undefined) {
    const codes = (attempts ?? (isNumeric(result) ? result : '0')).split(',').map(Number);
    flow.attempts = codes.map((code) => ({ code, atMs: nowMs }));
    flow.intentionCode = intention === undefined ? 0 : Number(intention);
    flow.state = 'finished';
  }
  flows.add(flow);
  return flow;
}

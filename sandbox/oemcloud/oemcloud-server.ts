import { randomInt, randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { createCounter } from '../counter.ts';
import { withQuery, type Flow, type Flows } from '../flows.ts';
import { isNumeric, isWireFault, readOrders, type Orders } from '../magic.ts';
import { answerWithWireFault } from '../wire-fault.ts';
import { businessErrors, faceCodes, gatewayErrors, parameterErrors, queryErrors } from './codes.ts';
import { findFault, type FaceParams } from './find-fault.ts';
import { createNonceWindow } from './nonce-window.ts';
import type { Notify } from './notify.ts';

interface Deps {
  readonly appCode: string;
  readonly flows: Flows;
  readonly now: () => number;
  readonly personUrl: (token: string) => string;
  readonly notify: Notify;
}

const channels = {
  TENCENT: 'FACE_WEB',
  ZHIMACREDIT: 'FACE_ALIPAY',
  WE_CHAT_FACE: 'FACE_WECHAT_MINI_PROGRAM',
} as const;

/** The page does not state it. The order `lifetime` sets another one. */
const lifeSeconds = 30 * 60;
/** The page states none. This is the plugin's own limit. */
const perSecond = 10;

/**
 * individual/face as its page describes it, behind an API gateway with APPCODE, and the queries of e签宝 that
 * OEMCloud may or may not pass through.
 */
export function createOemcloudServer(deps: Deps): FastifyInstance {
  const { flows, now } = deps;
  const server = fastify({ bodyLimit: 1024 * 1024 });
  const nonces = createNonceWindow(now);
  const isOverLimit = createCounter(now);
  const tokens = new Map<string, string>();
  const mostTokens = 10_000;

  server.addHook('onRequest', async (request, reply) => {
    const { authorization, 'x-ca-nonce': nonce } = request.headers;
    if (authorization === undefined) return refuse(reply, 'A400MA');
    if (authorization !== `APPCODE ${deps.appCode}`) return refuse(reply, 'A400AC');
    const refused = nonces.refuse(typeof nonce === 'string' ? nonce : null);
    if (refused !== null) return refuseNonce(reply, refused);
    if (isOverLimit(request.routeOptions.url ?? '', perSecond)) return refuse(reply, 'T429GR');
  });

  server.post<{ Body: FaceParams }>('/v2/identity/auth/api/individual/face', (request, reply) => {
    const params = textsOf(request.body);
    const orders = readOrders(params.contextId, 'individual/face');
    const ordered = orders.get('individual/face');
    const asked = { texts: businessErrors, orders };
    if (ordered !== undefined && sendOrdered(reply, ordered, asked)) return reply;
    const nonceOrder = orders.get('nonce');
    if (nonceOrder === 'refused' || (nonceOrder === 'refused-once' && nonces.isFirst(params))) {
      return refuseNonce(reply, 'Nonce Used');
    }
    const fault = findFault(params, now(), orders.get('callback') === 'strict');
    if (fault) {
      // The page does not say which HTTP status comes with a code.
      return reply.code(orders.get('http') === '400' ? 400 : 200).send({ ...fault, data: null });
    }

    const { notifyUrl, callbackUrl, contextId, faceauthMode: mode } = params;
    const flowId = newFlowId();
    // The page says that they are "of no use" for the mini-program.
    const usesUrls = mode !== 'WE_CHAT_FACE';
    const flow = flows.open({
      provider: 'oemcloud',
      channel: channels[mode],
      lifeMs: Number(orders.get('lifetime') ?? lifeSeconds) * 1000,
      extra: contextId ?? null,
      name: params.name,
      idCard: params.idNo,
      intentionMode: null,
      readsDocument: false,
      orders,
      codes: faceCodes,
      returnUrl: (ended) =>
        usesUrls && callbackUrl ? withQuery(callbackUrl, toReturnQuery(ended, flowId)) : null,
      ...(usesUrls && notifyUrl
        ? {
            // The notification URL gets a GET when the person opens the page.
            entered: () => deps.notify.opened(notifyUrl),
            finished: (ended: Flow) =>
              deps.notify.finished(notifyUrl, toNotification(ended, flowId), {
                hasPassed: hasPassed(ended),
                shape: orders.get('notify'),
              }),
          }
        : {}),
    });
    tokens.set(flowId, flow.token);
    const [oldest] = tokens.keys();
    if (tokens.size > mostTokens && oldest !== undefined) tokens.delete(oldest);
    finishAsOrdered(flows, flow);
    return sendStarted(reply, flow, flowId);
  });

  const query =
    (toData: (flow: Flow, flowId: string, status: string) => object, open: string) =>
    (
      request: FastifyRequest<{ Params: { flowId: string } }>,
      reply: FastifyReply,
    ): FastifyReply => {
      const { flowId } = request.params;
      const flow = flows.find(tokens.get(flowId) ?? '', 'oemcloud');
      if (typeof flow === 'string') return sendCode(reply, '30500001', queryErrors);
      const ordered = flow.orders.get('outcome');
      const asked = { texts: queryErrors, orders: flow.orders };
      if (ordered !== undefined && sendOrdered(reply, ordered, asked)) return reply;
      if (flow.state === 'expired') return sendCode(reply, '30500003', queryErrors);
      const isWord = ordered !== undefined && !isNumeric(ordered);
      const status = isWord ? ordered : statusOf(flow, open);
      return reply.send({ code: 0, message: '成功', data: toData(flow, flowId, status) });
    };
  server.get('/v2/identity/auth/pub/individual/:flowId/face', query(toFaceState, 'SCAN'));
  server.get('/v2/identity/auth/api/common/:flowId/detail', query(toDetail, 'ING'));
  server.get('/v2/identity/auth/api/common/:flowId/outline', query(toOutline, 'ING'));

  server.setNotFoundHandler((_request, reply) => refuse(reply, 'I404NF'));

  function sendStarted(reply: FastifyReply, flow: Flow, flowId: string): FastifyReply {
    const { orders } = flow;
    const fields = {
      flowId,
      authUrl: deps.personUrl(flow.token),
      originalUrl: `${deps.personUrl(flow.token)}?link=long`,
      ...(flow.channel === 'FACE_ALIPAY' ? {} : { faceToken: flow.token }),
      ...(orders.get('expire') === 'absent' ? {} : { expire: flow.endsMs }),
    };
    const isFlat = orders.get('envelope') === 'flat';
    const body = JSON.stringify({
      code: 0,
      message: '成功',
      ...(isFlat ? fields : { data: fields }),
    });
    const isNumber = orders.get('flowId') === 'number';
    return reply.type('application/json').send(isNumber ? withNumber(body, flowId) : body);
  }

  return server;
}

/** Drops parameters that are not text. */
function textsOf(body: unknown): FaceParams {
  const entries = Object.entries(body ?? {}).filter(([, value]) => typeof value === 'string');
  return Object.fromEntries(entries) as unknown as FaceParams;
}

function newFlowId(): string {
  const digits = (count: number): string => String(randomInt(10 ** (count - 1), 10 ** count));
  return `18${digits(9)}${digits(8)}`;
}

/** An order for an outcome ends a flow at once, as if the person had completed it. */
function finishAsOrdered(flows: Flows, flow: Flow): void {
  const ordered = flow.orders.get('outcome');
  if (ordered === 'SUCCESS') flows.finish(flow, [0]);
  else if (ordered === 'FAIL') flows.finish(flow, [1]);
  else if (ordered?.startsWith('1445')) flows.finish(flow, [Number(ordered)]);
}

function statusOf(flow: Flow, open: string): string {
  if (flow.state === 'init') return open === 'SCAN' ? 'ING' : 'INIT';
  if (flow.state === 'doing') return open;
  return hasPassed(flow) ? 'SUCCESS' : 'FAIL';
}

function hasPassed({ attempts }: Flow): boolean {
  return attempts.at(-1)?.code === 0;
}

function failCodeOf({ attempts }: Flow): string | null {
  const code = attempts.at(-1)?.code ?? 0;
  return code > 1 ? String(code) : null;
}

function similarityOf(flow: Flow): string | null {
  if (flow.state !== 'finished') return null;
  return hasPassed(flow) ? '97.31' : '42.00';
}

function toFaceState(flow: Flow, _flowId: string, status: string): object {
  const failedReasonCode = status === 'FAIL' ? failCodeOf(flow) : null;
  return {
    status,
    message: '',
    similarity: similarityOf(flow),
    livingScore: flow.state === 'finished' ? '99.5' : null,
    failedReasonCode,
    failedReason: failedReasonCode === null ? null : '失败',
  };
}

function toDetail(flow: Flow, flowId: string, status: string): object {
  return {
    flowId,
    status,
    objectType: 'INDIVIDUAL',
    startTime: flow.endsMs - flow.lifeMs,
    endTime: flow.attempts.at(-1)?.atMs ?? null,
    failReason: status === 'FAIL' ? '失败' : null,
    authType: 'FACEAUTH_TECENT_CLOUD',
    indivInfo: {
      name: flow.name,
      certNo: flow.idCard,
      certType: 'INDIVIDUAL_CH_IDCARD',
      facePhotoUrl: null,
      similarity: similarityOf(flow),
      livingScore: flow.state === 'finished' ? '99.5' : null,
    },
  };
}

function toOutline(flow: Flow, flowId: string, status: string): object {
  return {
    flowId,
    flowStatus: status,
    objectType: 'INDIVIDUAL',
    contextId: flow.extra,
    failReason: status === 'FAIL' ? '失败' : null,
    subFlows: [{ subFlowId: flowId, subFlowType: 'INDIVIDUAL_FACEAUTH', status }],
  };
}

/**
 * The parameters that e签宝's web product appends. They are not trusted, because they come through a browser.
 */
function toReturnQuery(flow: Flow, flowId: string): Record<string, string> {
  const passed = String(hasPassed(flow));
  return {
    serviceId: flowId,
    verifycode: randomUUID(),
    status: passed,
    passed,
    lang: 'zh-CN',
    ...(flow.extra === null ? {} : { contextId: flow.extra }),
  };
}

function toNotification(flow: Flow, flowId: string): string {
  const body = JSON.stringify({
    flowId,
    serviceId: flowId,
    accountId: null,
    success: hasPassed(flow),
    status: hasPassed(flow),
    contextId: flow.extra,
    verifycode: randomUUID(),
    failReasonCode: failCodeOf(flow),
  });
  return flow.orders.get('flowId') === 'number' ? withNumber(body, flowId) : body;
}

/** Makes flowId a number. Its 19 digits exceed the precision of JSON parsers. */
function withNumber(json: string, flowId: string): string {
  return json.replace(`"flowId":"${flowId}"`, `"flowId":${flowId}`);
}

/** Sends an ordered error. Returns false if the order is a state of the flow. */
function sendOrdered(
  reply: FastifyReply,
  ordered: string,
  { texts, orders }: { readonly texts: Texts; readonly orders: Orders },
): boolean {
  // The page does not say which HTTP status comes with its codes.
  const status = orders.get('http') === '400' ? 400 : 200;
  if (isWireFault(ordered)) answerWithWireFault(ordered, reply);
  else if (/^[A-Z]\d{3}[A-Z]{2}$/u.test(ordered)) refuse(reply, ordered);
  else if (/^\d{8}$/u.test(ordered)) {
    const meanings: Texts = ordered === '30500101' ? parameterErrors : {};
    const text = meanings[orders.get('meaning') ?? ''];
    sendCode(reply.code(status), ordered, text === undefined ? texts : { [ordered]: text });
  } else return false;
  return true;
}

type Texts = Readonly<Record<string, string>>;

function sendCode(reply: FastifyReply, code: string, texts: Texts): FastifyReply {
  return reply.send({ code: Number(code), message: texts[code] ?? '未知错误', data: null });
}

/** A refusal of the gateway. Its code is in a header and contains the HTTP status. */
function refuse(reply: FastifyReply, code: string): FastifyReply {
  return sendRefusal(reply, code, (gatewayErrors as Record<string, string>)[code] ?? 'Refused');
}

/** An invented code: no document names the one for a refused nonce. */
function refuseNonce(reply: FastifyReply, message: string): FastifyReply {
  return sendRefusal(reply, 'I400NU', message);
}

function sendRefusal(reply: FastifyReply, code: string, message: string): FastifyReply {
  return reply
    .code(Number(code.slice(1, 4)))
    .headers({
      'x-ca-error-code': code,
      'x-ca-error-message': message,
      'x-ca-request-id': randomUUID().toUpperCase(),
    })
    .send();
}

import { withQuery, type Flow, type Flows, type FlowStart } from '../flows.ts';
import { isNumeric } from '../magic.ts';
import { error, type TencentError } from './tencent-server.ts';

/** How long the person may take, and how the page goes back. */
interface Ways {
  readonly lifeSeconds: number;
  readonly withToken: (redirectUrl: string, token: string) => string;
}

const standardWays: Ways = {
  lifeSeconds: 600,
  withToken: (url, token) => withQuery(url, { token }),
};

type Start = Omit<FlowStart, 'returnUrl' | 'lifeMs'> & { readonly redirectUrl: string | null };

/** Opens a flow. An order for a result ends it at once, as if the person had completed it. */
export function openTencentFlow(
  flows: Flows,
  { redirectUrl, ...start }: Start,
  { lifeSeconds, withToken }: Ways = standardWays,
): Flow {
  const flow = flows.open({
    ...start,
    // For the international token one source states 10 minutes, another two hours.
    lifeMs: Number(start.orders.get('lifetime') ?? lifeSeconds) * 1000,
    returnUrl: ({ token }) => (redirectUrl === null ? null : withToken(redirectUrl, token)),
  });
  const { orders } = start;
  const result = [...orders].find(([action]) => /Result|DetectInfo/u.test(action))?.[1];
  const intention = orders.get('Intention');
  const attempts = orders.get('Attempts');
  if (result !== undefined || intention !== undefined || attempts !== undefined) {
    const codes = (attempts ?? (isNumeric(result) ? result : '0')).split(',').map(Number);
    flows.finish(flow, codes, intention === undefined ? 0 : Number(intention));
  }
  return flow;
}

/** The flow of a token, or the error that the real endpoint returns for it. */
export function findTencentFlow(
  flows: Flows,
  token: string,
  provider: Flow['provider'],
  channel: string,
): Flow | TencentError {
  const found = flows.find(token, provider, channel);
  if (found === 'unknown') return error('InvalidParameterValue.BizTokenIllegal');
  return found === 'forgotten' ? error('InvalidParameterValue.BizTokenExpired') : found;
}

export function isFlow(found: Flow | TencentError): found is Flow {
  return 'token' in found;
}

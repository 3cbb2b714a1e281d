import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { readSignedCall } from '../../sandbox/tencent/read-signed-call.ts';
import { listenOnLoopback } from './listen-on-loopback.ts';
import { readRequest } from './read-request.ts';

export interface AccountKeys {
  readonly secretId: string;
  readonly secretKey: string;
}

/** A call that the account has served. */
export interface ServedCall {
  readonly action: string;
  /** Whom it was about; null for a call about a token. */
  readonly name: string | null;
  readonly secretId: string;
}

export interface AccountEmulator {
  readonly url: string;
  readonly served: ServedCall[];
  /** Codes of the calls that were refused. */
  readonly refused: string[];
  /** From now on, only these keys are valid. */
  readonly accept: (...keys: readonly AccountKeys[]) => void;
  readonly stop: () => Promise<void>;
}

/** One account of Tencent Cloud on the wire, which verifies signatures and knows only its own keys and tokens. */
export async function startAccountEmulator(
  ...first: readonly AccountKeys[]
): Promise<AccountEmulator> {
  let accepted: readonly AccountKeys[] = first;
  const served: ServedCall[] = [];
  const refused: string[] = [];
  const tokens = new Set<string>();

  const answerTo = (action: string, params: Readonly<Record<string, unknown>>): object => {
    const { EidToken: token } = params;
    switch (action) {
      case 'GetEidToken': {
        const made = randomUUID();
        tokens.add(made);
        return { EidToken: made, Url: 'https://eid.example/go' };
      }
      case 'CheckEidTokenStatus':
        return typeof token === 'string' && tokens.has(token)
          ? { Status: 'init' }
          : refusal('InvalidParameterValue');
      case 'BankCard4EVerification':
        return { Result: '0', Description: '认证通过' };
      default:
        return refusal('InvalidAction');
    }
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = Buffer.from(await readRequest(request));
    const headers = request.headers as Record<string, string | undefined>;
    const call = readSignedCall({ method: 'POST', query: '', headers, body }, accepted, Date.now());
    const [, secretId = ''] = /Credential=([^/]+)\//u.exec(headers['authorization'] ?? '') ?? [];
    let answer: object;
    if (typeof call === 'string') {
      refused.push(call);
      answer = refusal(call);
    } else {
      const { name: action, params } = call;
      const name = typeof params['Name'] === 'string' ? params['Name'] : null;
      served.push({ action, name, secretId });
      answer = answerTo(action, params);
    }
    const json = JSON.stringify({ Response: { ...answer, RequestId: randomUUID() } });
    response.writeHead(200, { 'content-type': 'application/json' }).end(json);
  };

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  const { url, stop } = await listenOnLoopback(server);
  return {
    url,
    ...{ served, refused },
    accept: (...keys) => {
      accepted = keys;
    },
    stop,
  };
}

function refusal(code: string): object {
  return { Error: { Code: code, Message: code } };
}

import { Kind, parse } from 'graphql';
import { serverAudits } from 'graphql-http';
import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtInProviders } from '../../providers/index.ts';
import { assembleSchema } from '../../src/graphql/assemble-schema.ts';
import { coercedVariables } from '../../src/graphql/coerced-variables.ts';
import { limits } from '../../src/graphql/limits.ts';
import { resolverMap } from '../../src/graphql/resolvers/index.ts';
import { startMutation, userQuery } from '../support/operations.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { until } from '../support/until.ts';

setFlagsFromString('--expose_gc');
const gc = runInNewContext('gc') as () => void;

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

const repeat = (count: number, make: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => make(at)).join(' ');

/** A document of nested fields of this depth. */
function nested(depth: number): string {
  const way = ['user', 'latestPassedVerification'];
  const fields = Array.from({ length: depth - 2 }, (_, at) => way[at % 2] ?? '');
  return `{ verification(id: "x") ${fields.map((field) => `{ ${field}`).join(' ')} { __typename }${' }'.repeat(fields.length)} }`;
}

async function limitOf(query: string, variables: object = {}) {
  const { data, errors, text } = await app.send(query, variables);
  expect(text.length).toBeLessThan(5000);
  return { data, limit: errors?.[0]?.extensions?.limit ?? null, errors };
}

describe('an operation', () => {
  it.each<[keyof typeof limits, (size: number) => string]>([
    ['depth', nested],
    ['aliases', (size) => `{ ${repeat(size, (at) => `a${at}: __typename`)} }`],
    [
      'aliases',
      (size) => `{ ${repeat(size, (at) => `a${at}: verification(id: "${at}") { id }`)} }`,
    ],
    ['directives', (size) => `{ __typename ${repeat(size, () => '@include(if: true)')} }`],
    ['directives', (size) => `{ ${repeat(size, () => '... @include(if: true) { __typename }')} }`],
    ['tokens', (size) => `{ ${repeat(size - 2, () => '__typename')} }`],
  ])('is rejected over the limit of %s', async (name, make) => {
    const { limit, errors } = await limitOf(make(limits[name] + 1));
    expect(limit).toBe(name);
    expect(errors[0]).toMatchObject({
      message: 'The operation is too large.',
      extensions: { code: 'OPERATION_TOO_LARGE' },
    });
    const fits = await limitOf(make(limits[name]));
    expect(fits.limit).not.toBe(name);
    // graphql-js itself limits the other documents.
    if (name === 'depth' || name === 'aliases') expect(fits.errors).toBeUndefined();
  });

  it('is rejected when fragments hide its depth', async () => {
    const levels = 14;
    const fragments = repeat(levels, (at) => {
      const type = at % 2 ? 'User' : 'Verification';
      const field = at % 2 ? 'latestPassedVerification' : 'user';
      return `fragment f${at} on ${type} { ${field} { ${at + 1 < levels ? `...f${at + 1}` : '__typename'} } }`;
    });
    const { limit } = await limitOf(`{ verification(id: "x") { ...f0 } } ${fragments}`);
    expect(limit).toBe('depth');
  });

  it('is validated in bounded time when its fragments double', async () => {
    // One small, and one so large that the service looks for an image in it.
    const bomb = (times: number, bytes: number) =>
      `mutation { ...f0 } ${repeat(30, (at) => {
        const next = at < 29 ? `...f${at + 1} `.repeat(times) : '__typename';
        return `fragment f${at} on Mutation { ${next} }`;
      })} # ${'x'.repeat(bytes)}`;
    const timeOf = async (query: string) => {
      const startedMs = performance.now();
      await app.send(query);
      return performance.now() - startedMs;
    };
    for (const bytes of [0, 300_000]) {
      await timeOf(bomb(1, bytes));
      const plainMs = await timeOf(bomb(1, bytes));
      // 2^30 fields would take minutes.
      expect(await timeOf(bomb(2, bytes))).toBeLessThan(plainMs * 50 + 500);
    }
  });

  it('with fragments that double counts as many chargeable fields', async () => {
    const start = 'startVerification(input: {idempotencyKey: "a", channel: E_ID}) { __typename }';
    const fragments = repeat(20, (at) => {
      const next = at < 19 ? `...f${at + 1} ...f${at + 1}` : start;
      return `fragment f${at} on Mutation { ${next} }`;
    });
    const { errors } = await app.send(`mutation { ...f0 } ${fragments}`);
    expect(errors[0].extensions.code).toBe('TOO_MANY_CHARGEABLE_FIELDS');
  });

  it('is limited in entity references, however they are split', async () => {
    const representations = (count: number) =>
      Array.from({ length: count }, () => ({ __typename: 'User', id: 'u' }));
    const query =
      'query ($r: [_Any!]!, $s: [_Any!]!) { a: _entities(representations: $r) { __typename } b: _entities(representations: $s) { __typename } }';
    const fits = { r: representations(500), s: representations(500) };
    const { data } = await app.send(query, fits);
    expect(data.a).toHaveLength(500);
    expect(data.b).toHaveLength(500);
    const over = { r: representations(500), s: representations(501) };
    expect((await limitOf(query, over)).limit).toBe('representations');
  });

  it('is limited in requested list items, however they are nested or split', async () => {
    const users = Array.from({ length: 60 }, (_, at) => ({ __typename: 'User', id: `u${at}` }));
    expect((await limitOf(userQuery, { users, first: 100 })).limit).toBe('listed');
    expect((await app.send(userQuery, { users })).errors).toBeUndefined();
    const inside = `{ edges { node { user { verifications(first: 100) { edges { cursor } } } } } }`;
    const nestedLists = `{ verification(id: "x") { user { verifications(first: 100) ${inside} } } }`;
    expect((await limitOf(nestedLists)).limit).toBe('listed');
  });

  it('is limited in list items that variable defaults request', async () => {
    const inside = `{ edges { node { user { verifications(first: $n) { edges { cursor } } } } } }`;
    const query = `query ($n: Int = 100) { verification(id: "x") { user { verifications(first: $n) ${inside} } } }`;
    expect((await limitOf(query)).limit).toBe('listed');
    expect((await limitOf(query, { n: 3 })).limit).toBeNull();
    const given = `query ($n: Int = 1) { verification(id: "x") { user { verifications(first: $n) ${inside} } } }`;
    expect((await limitOf(given, { n: 100 })).limit).toBe('listed');
    expect((await limitOf(given)).limit).toBeNull();
  });

  it('is limited in entity references that a variable default holds', async () => {
    const users = repeat(50, (at) => `{ __typename: "User", id: "u${at}" }`);
    const first = 'verifications(first: 100) { edges { cursor } }';
    const query = `query ($r: [_Any!]! = [${users}]) { _entities(representations: $r) { ... on User { ${first} a: ${first} } } }`;
    expect((await limitOf(query)).limit).toBe('listed');
  });

  it.each<[string, string]>([
    [
      'aliases',
      `... on User { ...F } } } fragment F on User { ${repeat(50, (at) => `a${at}: __typename`)} `,
    ],
    [
      'empty lists',
      `... on User { ${repeat(45, (at) => `l${at}: verifications(first: 0) { pageInfo { hasNextPage endCursor } }`)} `,
    ],
    [
      'fields that fail',
      `... on User { ${repeat(49, (at) => `f${at}: latestPassedVerification(maxAgeDays: -1) { id status }`)} `,
    ],
    [
      'long arguments',
      `... on User { latestPassedVerification(checks: [${repeat(1000, () => 'LIVENESS')}]) { id } `,
    ],
  ])('is rejected as a whole for too many fields: %s of references', async (_name, fields) => {
    const r = Array.from({ length: 1000 }, (_, at) => ({ __typename: 'User', id: `u${at}` }));
    const isOpen = !fields.includes('fragment');
    const query = `query ($r: [_Any!]!) { _entities(representations: $r) { ${fields} } ${isOpen ? '} }' : ''}`;
    const { limit, errors } = await limitOf(query, { r });
    expect(['fields', 'listed']).toContain(limit);
    expect(errors).toHaveLength(1);
  });

  it('returns no data when too many of its fields fail', async () => {
    const r = Array.from({ length: 600 }, () => ({ __typename: 'User', id: 'u' }));
    const query = `query ($r: [_Any!]!) { _entities(representations: $r) { ... on User {
      a: latestPassedVerification(maxAgeDays: -1) { id } b: latestPassedVerification(maxAgeDays: -1) { id }
    } } }`;
    const { data, errors } = await app.send(query, { r });
    expect(data).toBeUndefined();
    expect(errors).toHaveLength(10);
  });

  it('with thousands of wrong variables gets at most 50 of their paths', async () => {
    const query =
      'query ($c: [VerificationCheckKind!]) { verification(id: "x") { user { latestPassedVerification(checks: $c) { id } } } }';
    const c = Array.from({ length: 30_000 }, () => 'X');
    const { errors } = await app.send(query, { c });
    expect(errors[0].extensions.variables).toHaveLength(50);
  });

  it('with a huge list of wrong variables is read only up to the first mistakes', () => {
    let looked = 0;
    const wrong = new Proxy(
      Array.from({ length: 100_000 }, () => 'NO_SUCH_KIND'),
      {
        get: (target, name, receiver) => {
          if (typeof name === 'string' && /^\d+$/u.test(name)) looked += 1;
          return Reflect.get(target, name, receiver);
        },
      },
    );
    const schema = assembleSchema(builtInProviders, resolverMap);
    const document = parse('query ($c: [VerificationCheckKind!]) { __typename }');
    const [operation] = document.definitions;
    if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('no operation');
    expect(coercedVariables({}, { schema, operation, variables: { c: wrong } })).toBeNull();
    expect(looked).toBeLessThan(100);
  });

  it('is not kept in memory after its response', async () => {
    const distinct = (at: number) => `{ __typename } # ${at} ${'x'.repeat(200_000)}`;
    const heapMb = () => {
      gc();
      return process.memoryUsage().heapUsed / 1024 / 1024;
    };
    for (let at = 0; at < 20; at++) await app.send(distinct(at));
    const before = heapMb();
    for (let at = 20; at < 220; at++) await app.send(distinct(at));
    // If they were kept, they would take 40 MB.
    expect(heapMb() - before).toBeLessThan(15);
  });

  it('with a thousand mistakes gets at most 10 errors', async () => {
    const { errors } = await app.send(`{ ${repeat(900, (at) => `CANARY${at + 1000}`)} }`);
    expect(errors.length).toBeLessThanOrEqual(10);
    expect(JSON.stringify(errors)).not.toContain('CANARY');
  });

  it.each([
    ['a list of two operations', JSON.stringify([{ query: '{ __typename }' }, { query: '{ a }' }])],
    [
      'a list of a hundred operations',
      `[${repeat(100, () => '{"query":"{ __typename }"}').replaceAll(' {', ',{')}]`,
    ],
    ['null', 'null'],
    ['a string', '"{ __typename }"'],
    ['a query that is no string', '{"query": 5}'],
    ['variables that are no object', '{"query": "{ __typename }", "variables": "x"}'],
    ['an object with __proto__', '{"query": "{ __typename }", "__proto__": {"polluted": true}}'],
    [
      'deep JSON',
      `{"query": "{ __typename }", "variables": ${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
    ],
  ])('is rejected for a body of %s', async (_name, body) => {
    const response = await fetch(`${app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(response.status).toBe(400);
    const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
    expect(errors[0]?.extensions.code).toBe('BAD_REQUEST');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'is rejected with the media type of an HTML form: %s',
    async (type) => {
      const response = await fetch(`${app.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': type },
        body: '{"query":"{ __typename }"}',
      });
      expect(response.status).toBe(415);
      expect(await response.json()).toMatchObject({ errors: [{ extensions: {} }] });
    },
  );
});

describe('a large request', () => {
  const megabytes = (count: number) => 'A'.repeat(count * 1024 * 1024);
  const input = { idempotencyKey: 'large', channel: 'FACE_SDK' };
  const post = (body: object, chunked = false) => {
    const text = JSON.stringify(body);
    return fetch(`${app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      ...(chunked ? { body: new Blob([text]).stream(), duplex: 'half' as const } : { body: text }),
    });
  };

  it.each<[string, object]>([
    [
      'in an input',
      { query: startMutation, variables: { input: { ...input, referenceImage: megabytes(2) } } },
    ],
    [
      'in a variable of its own',
      {
        query:
          'mutation ($i: String) { startVerification(input: {idempotencyKey: "large-2", channel: FACE_SDK, referenceImage: $i}) { __typename } }',
        variables: { i: megabytes(2) },
      },
    ],
    [
      'in the document',
      {
        query: `mutation { startVerification(input: {idempotencyKey: "large-3", channel: FACE_SDK, referenceImage: "${megabytes(2)}"}) { __typename } }`,
      },
    ],
  ])('is accepted when it holds an image %s', async (_name, body) => {
    for (const chunked of [false, true]) {
      // Like a client, it repeats what a busy process refused.
      const response = await until(async () => {
        const one = await post(body, chunked);
        return one.status === 503 ? null : one;
      }, 30_000);
      expect(response.status).toBe(200);
      expect(await response.text()).toContain('StartVerificationSuccess');
    }
  });

  it.each<[string, object]>([
    ['a query', { query: `{ __typename } # ${megabytes(1)}` }],
    ['another variable', { query: startMutation, variables: { input, other: megabytes(1) } }],
    [
      'another field',
      { query: startMutation, variables: { input: { ...input, extra: megabytes(1) } } },
    ],
    [
      'an image where none belongs',
      { query: '{ __typename }', variables: { referenceImage: megabytes(1) } },
    ],
    ['an extension', { query: '{ __typename }', extensions: { a: megabytes(1) } }],
    [
      'a comment',
      { query: `{ __typename } # startVerification referenceImage: "${megabytes(1)}"` },
    ],
    [
      'a variable that only a comment uses as an image',
      {
        query:
          'query ($x: ID!) { verification(id: $x) { id } } # startVerification referenceImage: $x',
        variables: { x: megabytes(1) },
      },
    ],
  ])('is rejected when it is %s', async (_name, body) => {
    for (const chunked of [false, true]) {
      const response = await post(body, chunked);
      expect(response.status).toBe(413);
      const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
      expect(errors[0]?.extensions.code).toBe('PAYLOAD_TOO_LARGE');
    }
  });
});

describe('a malformed request', () => {
  const ask = (head: string, body = '{"query":"{ __typename }"}') =>
    new Promise<string>((resolve) => {
      const socket = connect(app.config.port, '127.0.0.1', () => {
        socket.write(
          `${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
        );
      });
      let text = '';
      socket.on('data', (chunk) => {
        text += String(chunk);
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(text));
    });
  const json = 'Content-Type: application/json';

  it.each([
    ['an invalid host', `POST /graphql HTTP/1.1\r\nHost: %%%\r\n${json}`, 400],
    ['no host', `POST /graphql HTTP/1.0\r\n${json}`, 400],
    ['an unknown method', `PAST /graphql HTTP/1.1\r\nHost: x\r\n${json}`, 400],
    ['endless headers', `POST /graphql HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(50_000)}`, 431],
    [
      'a compressed body',
      `POST /graphql HTTP/1.1\r\nHost: x\r\n${json}\r\nContent-Encoding: gzip`,
      415,
    ],
    ['another charset', `POST /graphql HTTP/1.1\r\nHost: x\r\n${json}; charset = gbk`, 415],
    [
      'two charsets',
      `POST /graphql HTTP/1.1\r\nHost: x\r\n${json}; x="charset=utf-8"; charset=gbk`,
      415,
    ],
  ])('with %s gets a GraphQL error and logs no bug', async (_name, head, status) => {
    const before = app.logLines.length;
    const answer = await ask(head);
    if (head.includes('gzip')) expect(answer).toMatch(/^accept-encoding: identity\r$/imu);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `, 'u'));
    const [, body = ''] = answer.split('\r\n\r\n');
    const { errors } = JSON.parse(body) as { errors: { extensions: { code: string } }[] };
    expect(errors[0]?.extensions.code).toBe('BAD_REQUEST');
    expect(app.logLines.slice(before).join('')).not.toContain('"bug"');
  });

  it('with deep JSON in chunks logs no bug', async () => {
    const deep = `{"query":"{ __typename }","variables":{"a":${'['.repeat(9000)}${']'.repeat(9000)}}}`;
    const before = app.logLines.length;
    const response = await fetch(`${app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new Blob([deep]).stream(),
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(200);
    expect(app.logLines.slice(before).join('')).not.toContain('"bug"');
  });

  it.each([
    ['APPLICATION/GRAPHQL-RESPONSE+JSON', 400],
    ['application/graphql-response+json; charset=utf-8', 400],
    ['application/graphql-response+json;charset=UTF-8, application/json;q=0.9', 400],
    ['application/graphql-response+json, application/json', 400],
    ['application/json; charset=utf-8, application/graphql-response+json;q=0.5', 200],
    ['application/json, application/graphql-response+json;q=0.1', 200],
    ['*/*', 200],
  ])('with Accept: %s gets a status that fits its media type', async (accept, status) => {
    const response = await fetch(`${app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept },
      body: '{"query":"{ nothing }"}',
    });
    expect(response.status).toBe(status);
    const isNew = response.headers.get('content-type')?.includes('graphql-response') ?? false;
    expect(isNew).toBe(status === 400);
  });
});

describe('references to entities', () => {
  const query = `query ($r: [_Any!]!) { _entities(representations: $r) {
    __typename ... on User { id } ... on Verification { id } ... on BankCardCheck { id }
  } }`;

  it('yield null for an invalid reference only, in order', async () => {
    const { data: started } = await app.send(startMutation, {
      input: { idempotencyKey: 'entity', channel: 'E_ID' },
    });
    const { id } = started.startVerification.verification;
    const mine = { __typename: 'Verification', id };
    const wrong: unknown[] = [
      { __typename: 'Nobody', id: 'x' },
      { __typename: '__proto__', id: 'x' },
      { __typename: 'VerificationProvider', id: 'x' },
      { __typename: 5, id: 'x' },
      { id: 'x' },
      { __typename: 'Verification' },
      { __typename: 'Verification', id: { $ne: null } },
      { __typename: 'User', id: '' },
      { __typename: 'BankCardCheck', id: null },
      'CANARY',
      7,
      [mine],
    ];
    const absent = { __typename: 'Verification', id: 'ver_AAAAAAAAAAAAAAAAAAAAAA' };
    const user = { __typename: 'User', id: 'u' };
    const r = wrong.flatMap((each) => [mine, each, user]);
    const { data, errors, text } = await app.send(query, { r: [...r, absent, mine] });
    for (const at of wrong.keys()) {
      expect(data._entities.slice(at * 3, at * 3 + 3)).toEqual([mine, null, user]);
    }
    // An absent object is null without an error. Each of the others has an error with its path.
    expect(data._entities.slice(-2)).toEqual([null, mine]);
    const places = errors.map(({ path }: { path: [string, number] }) => path[1]);
    expect(places.toSorted((a: number, b: number) => a - b)).toEqual(
      wrong.map((_each, at) => at * 3 + 1),
    );
    for (const { extensions } of errors) expect(extensions.code).toBe('BAD_USER_INPUT');
    expect(text).not.toContain('CANARY');
  });
});

describe('the GraphQL over HTTP draft', () => {
  const audits = serverAudits({ url: () => `${app.url}/graphql`, fetchFn: fetch });
  // The draft makes GET optional. It is not served, because a link must not start anything.
  const ofGet = audits.filter(({ name }) => /\bGET\b/u.test(name));

  it.each(audits.filter((audit) => !ofGet.includes(audit)))('$id: $name', async (audit) => {
    const { status } = await audit.fn();
    // Optional requirements may be missing.
    expect(audit.name.startsWith('MAY') ? ['ok', 'notice'] : ['ok']).toContain(status);
  });

  it('is tested without its audits of GET, which is not served', async () => {
    expect(ofGet.length).toBeLessThan(audits.length / 4);
    expect((await fetch(`${app.url}/graphql?query={__typename}`)).status).toBe(405);
  });
});

describe('an overloaded process', () => {
  it('returns 503 with Retry-After, and stays live', async () => {
    const busy = await startTestApp();
    try {
      const load = { isOver: false };
      const work = async (): Promise<void> => {
        while (!load.isOver) {
          const endMs = performance.now() + 1300;
          while (performance.now() < endMs);
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      };
      const working = work();
      const response = await until(async () => {
        const answer = await fetch(`${busy.url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"query":"{ __typename }"}',
        });
        return answer.status === 503 && answer;
      }, 30_000);
      expect((await fetch(`${busy.url}/health/live`)).status).toBe(200);
      load.isOver = true;
      await working;
      expect(response.headers.get('retry-after')).toBe('1');
      expect(await response.json()).toMatchObject({
        errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }],
      });
    } finally {
      await busy.stop();
    }
  });

  it('rejects an endless header with 431', async () => {
    const socket = connect(app.config.port, '127.0.0.1');
    const answer = new Promise<string>((resolve) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += String(chunk);
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(text));
    });
    socket.write('POST /graphql HTTP/1.1\r\nHost: x\r\nX-Long: ');
    socket.write('a'.repeat(100_000));
    expect(await answer).toContain('431');
  });
});

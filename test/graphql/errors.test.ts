import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorTexts } from '../../src/graphql/mask-error.ts';
import { checkMutation, startMutation, verificationQuery } from '../support/operations.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

const canary = 'CANARY440305199505132561';

describe('top-level errors', () => {
  const good = { idempotencyKey: 'k', channel: 'E_ID' };

  it.each([
    [
      'a string where an object is',
      { ...good, options: canary },
      { path: 'input.options', message: 'must be an object' },
    ],
    [
      'a number where a string is',
      { ...good, subject: { idNumber: 440305199505132 } },
      { path: 'input.subject.idNumber', message: 'must be of the type String' },
    ],
    [
      'an unknown enum value',
      { idempotencyKey: 'k', channel: canary },
      {
        path: 'input.channel',
        message: expect.stringMatching(/^must be one of .*\bE_ID\b/u),
      },
    ],
    [
      'a key that may be data',
      { ...good, [canary]: 1 },
      { path: 'input', message: 'has a field that does not exist' },
    ],
    [
      'a misspelt field',
      { ...good, redirectURL: canary },
      { path: 'input.redirectURL', message: 'is not a field' },
    ],
    [
      'a misspelt field inside',
      { ...good, subject: { nmae: canary } },
      { path: 'input.subject.nmae', message: 'is not a field' },
    ],
    [
      'a missing field',
      { channel: 'E_ID', extra: canary },
      { path: 'input.idempotencyKey', message: 'is required' },
    ],
    ['a missing variable', undefined, { path: 'input', message: 'is required' }],
    ['null', null, { path: 'input', message: 'must not be null' }],
    [
      'null in a required field',
      { ...good, idempotencyKey: null },
      { path: 'input.idempotencyKey', message: 'must not be null' },
    ],
  ])(
    'say where a variable is wrong and what is wrong there, never its value: %s',
    async (_name, input, field) => {
      const { status, errors, text } = await app.send(startMutation, { input });
      expect(status).toBe(200);
      expect(errors).toEqual([
        {
          message: errorTexts.BAD_USER_INPUT,
          extensions: { code: 'BAD_USER_INPUT', variables: [field.path], fields: [field] },
        },
      ]);
      expect(text).not.toContain('4403051995');
    },
  );

  it.each([
    [
      'mutation { startVerification(input: { channel: E_ID }) { __typename } }',
      'StartVerificationInput.idempotencyKey',
      'is required',
    ],
    [
      'mutation { startVerification(input: { idempotencyKey: "k", chanel: E_ID, channel: E_ID }) { __typename } }',
      'StartVerificationInput.chanel',
      'is not a field',
    ],
    [
      `mutation { startVerification(input: { idempotencyKey: "k", channel: ${canary} }) { __typename } }`,
      'VerificationChannel',
      'must be one of its values',
    ],
    [
      `mutation { startVerification(input: { idempotencyKey: "k", channel: "${canary}" }) { __typename } }`,
      'VerificationChannel',
      'must be one of its values, without quotes',
    ],
    [
      'mutation { startVerification(input: { idempotencyKey: 440305199505132561, channel: E_ID }) { __typename } }',
      'String',
      'cannot have this value',
    ],
    [
      'mutation { startVerification(input: { idempotencyKey: "k", channel: E_ID, options: {} }) { __typename } }',
      'VerificationOptionsInput',
      'must have exactly one field',
    ],
    ['query ($i: ID) { verification(id: $i) { id } }', '$i', 'must be of the type ID!'],
    ['{ verification(id: $i) { id } }', '$i', 'is not declared'],
    ['query ($i: ID!) { __typename }', '$i', 'is not used'],
    ['{ verification(id: "x") }', 'verification', 'needs a selection of fields'],
    ['{ verification { id } }', 'verification.id', 'is required'],
    ['{ verification(id: "x", ix: 1) { id } }', 'Query.verification.ix', 'is not an argument'],
    ['{ verificationProvider { id } }', 'Query.verificationProvider', 'is not a field'],
    [`{ verification(id: "x") { ${canary} } }`, undefined, undefined],
  ])('say what is wrong in a document, never a value: %s', async (document, path, message) => {
    const { errors } = await app.send(document);
    const fields = path === undefined ? undefined : [{ path, message }];
    expect(errors[0].extensions.fields).toEqual(fields);
    if (path !== undefined) expect(JSON.stringify(errors)).not.toContain('CANARY');
  });

  it.each([
    [
      'mutation ($k: String = "a", $c: VerificationChannel!) { startVerification(input: { idempotencyKey: $k, channel: $c }) { __typename } }',
      { k: null, c: 'E_ID' },
      { path: 'input', message: 'is not valid' },
    ],
    [
      'query ($i: ID = "x") { verification(id: $i) { id } }',
      { i: null },
      { path: 'id', message: 'must not be null' },
    ],
    [
      '{ verificationProviders { id } _entities(representations: [{ __typename: "User" }]) { ... on User { id } } }',
      {},
      { path: 'representations.id', message: 'must be a text that is not empty' },
    ],
    [
      '{ _entities(representations: [{ __typename: "User", id: "user-1" }]) { ... on User { verifications(first: 1000) { edges { cursor } } } } }',
      {},
      { path: 'first', message: 'must be from 0 to 100' },
    ],
    [
      '{ _entities(representations: [{ __typename: "User", id: "user-1" }]) { ... on User { verifications(first: 1, after: "x") { edges { cursor } } } } }',
      {},
      { path: 'after', message: 'is not a cursor of this list' },
    ],
  ])('say which argument is wrong, and log no bug: %s', async (document, variables, field) => {
    const before = app.logLines.length;
    const { errors } = await app.send(document, variables);
    expect(errors[0]).toMatchObject({
      message: errorTexts.BAD_USER_INPUT,
      extensions: { code: 'BAD_USER_INPUT', fields: [field] },
    });
    expect(app.logLines.slice(before).join('')).not.toContain('"bug"');
  });

  it('have the suggestions of graphql-js about names, in the sandbox', async () => {
    const { errors } = await app.send('{ verificationProvider { id } }');
    expect(errors[0].message).toMatch(/Did you mean "verificationProviders"/u);
  });

  it('name the scope that is missing', async () => {
    const { errors } = await app.send(startMutation, { input: good }, { 'x-scopes': 'none' });
    expect(errors[0]).toMatchObject({
      message: errorTexts.FORBIDDEN,
      extensions: { code: 'FORBIDDEN', scope: 'verification:start' },
    });
  });

  it('name every invalid path at once', async () => {
    const input = { idempotencyKey: null, channel: 'E_ID', subject: { name: 1, idNumber: 2 } };
    const { errors } = await app.send(startMutation, { input });
    expect(errors[0].extensions.variables).toEqual([
      'input.idempotencyKey',
      'input.subject.name',
      'input.subject.idNumber',
    ]);
  });

  it.each([
    ['a subscription', 'subscription { anything }', {}, 'GRAPHQL_VALIDATION_FAILED|BAD_REQUEST'],
    [
      'representations without an id',
      'query ($r: [_Any!]!) { _entities(representations: $r) { __typename } }',
      { r: [{ __typename: 'User' }, { __typename: 'Verification', id: 5 }] },
      'BAD_USER_INPUT',
    ],
  ])('report %s as a client error, and log no bug', async (_name, document, variables, codes) => {
    const before = app.logLines.length;
    const { errors } = await app.send(document, variables);
    for (const { extensions } of errors) expect(extensions.code).toMatch(new RegExp(codes, 'u'));
    expect(app.logLines.slice(before).join('')).not.toContain('"bug"');
  });

  it.each(['text/html', 'multipart/mixed', 'application/json;q=0', ','])(
    'refuse an Accept header that cannot be served before anything is executed: %s',
    async (accept) => {
      const input = {
        idempotencyKey: `accept-${accept.length}`,
        subject: { name: '韦小宝', idNumber: '11204416541220243X' },
        cardNumber: '6225768888888888',
        phone: '16137688175',
      };
      const response = await fetch(`${app.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept },
        body: JSON.stringify({ query: checkMutation, variables: { input } }),
      });
      expect(response.status).toBe(406);
      expect(await response.text()).toContain('Accept one of these: application/json');
      const { data } = await app.send(checkMutation, { input });
      expect(data.checkBankCard).toMatchObject({ replayed: false });
    },
  );

  it('reject a charset other than UTF-8', async () => {
    const response = await fetch(`${app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=gbk' },
      body: Buffer.from([0x7b, 0x7d]),
    });
    expect(response.status).toBe(415);
  });

  it('do not occur when the caller’s deadline is over: nothing is sent', async () => {
    const input = {
      idempotencyKey: 'no-time',
      subject: { name: '韦小宝', idNumber: '11204416541220243X' },
      cardNumber: '6225768888888888',
      phone: '16137688175',
    };
    for (const left of ['0', '-1']) {
      const { data } = await app.send(checkMutation, { input }, { 'x-request-deadline-ms': left });
      expect(data.checkBankCard).toMatchObject({ retry: 'SAME_KEY', billing: 'UNKNOWN' });
    }
    const { data } = await app.send(checkMutation, { input });
    expect(data.checkBankCard).toMatchObject({ replayed: false });
  });

  it.each<[string, object, string]>([
    ['a name with replacement characters', { subject: { name: '\ufffd\ufffd' } }, 'subject.name'],
    ['half a surrogate pair', { extra: 'a\ud800b' }, 'extra'],
    ['a NUL', { extra: '\u0000a' }, 'extra'],
    ['half a surrogate pair in consentRef', { consentRef: '\ud800' }, 'consentRef'],
    ['an empty user', { userId: '' }, 'userId'],
    [
      'a redirectUrl that already has our parameter',
      { redirectUrl: 'https://app.example/?verificationId=evil' },
      'redirectUrl',
    ],
  ])('do not occur for %s: a problem names the field', async (_name, changes, path) => {
    const { data } = await app.send(startMutation, {
      input: { idempotencyKey: 'odd-input', channel: 'E_ID', ...changes },
    });
    expect(data.startVerification).toMatchObject({ code: 'INVALID_INPUT', fields: [{ path }] });
  });

  it.each([
    ['{ verification(id: "CANARY440305199505132561" }', 'GRAPHQL_PARSE_FAILED'],
    ['{ CANARY440305199505132561 }', 'GRAPHQL_VALIDATION_FAILED'],
    [
      'mutation { startVerification(input: {idempotencyKey: "a", channel: CANARY440305199505132561}) { __typename } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'mutation { startVerification(input: {idempotencyKey: 440305199505132561, channel: E_ID}) { __typename } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
  ])(
    'have a fixed text and a location, and do not repeat the document: %s',
    async (document, code) => {
      const { errors, text } = await app.send(document);
      expect(errors[0]).toMatchObject({
        message: errorTexts[code as keyof typeof errorTexts],
        locations: [{ line: 1 }],
        extensions: { code },
      });
      expect(text).not.toContain('4403051995');
    },
  );

  it('have status 200 for application/json clients, else 400', async () => {
    const ask = (accept: string) =>
      fetch(`${app.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept },
        body: JSON.stringify({ query: '{ nothing }' }),
      });
    expect((await ask('application/json')).status).toBe(200);
    const strict = await ask('application/graphql-response+json');
    expect(strict.status).toBe(400);
    expect(strict.headers.get('content-type')).toContain('application/graphql-response+json');
  });

  it.each([
    ['malformed JSON', '{"query": CANARY440305199505132561', 400],
    ['a body over the limit', `{"query":"${'x'.repeat(9.1 * 1024 * 1024)}"}`, 413],
  ])('have the GraphQL response shape for %s', async (_name, body, status) => {
    const response = await fetch(`${app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(response.status).toBe(status);
    const text = await response.text();
    expect(JSON.parse(text).errors[0].extensions.code).toMatch(/BAD_REQUEST|PAYLOAD_TOO_LARGE/u);
    expect(text).not.toContain('CANARY');
  });

  it('do not occur for an image of 8 MB', async () => {
    const { data } = await app.send(startMutation, {
      input: {
        idempotencyKey: 'big',
        channel: 'FACE_SDK',
        referenceImage: 'A'.repeat(8 * 1024 * 1024),
      },
    });
    expect(data.startVerification.__typename).toBe('StartVerificationSuccess');
  });

  it('do not distinguish absent, malformed and foreign ids', async () => {
    const { data } = await app.send(startMutation, {
      input: { idempotencyKey: 'mine', channel: 'E_ID' },
    });
    const { id } = data.startVerification.verification;
    const stranger = { 'x-user-id': 'stranger' };
    const answers = await Promise.all(
      [id, 'ver_AAAAAAAAAAAAAAAAAAAAAA', 'made up', ''].map(
        async (asked) => (await app.send(verificationQuery, { id: asked }, stranger)).text,
      ),
    );
    expect(new Set(answers).size).toBe(1);
    const own = await app.send(verificationQuery, { id });
    expect(own.data.verification.launch.url).toContain('/sandbox/person/');
  });

  it('reject an id that is too long instead of truncating it', async () => {
    const long = { 'x-user-id': `${'u'.repeat(255)}alice` };
    const { errors, data } = await app.send('{ verificationProviders { id } }', {}, long);
    expect(data?.verificationProviders).toBeUndefined();
    expect(errors[0]).toMatchObject({ extensions: { code: 'FORBIDDEN' } });
  });

  it('do not open a breaker for other callers after odd deadlines', async () => {
    const { data } = await app.send(startMutation, {
      input: { idempotencyKey: 'odd', channel: 'E_ID' },
    });
    const { id } = data.startVerification.verification;
    for (let time = 0; time < 6; time++) {
      await app.send(verificationQuery, { id }, { 'x-request-deadline-ms': '3000.5' });
      await app.send(verificationQuery, { id }, { 'x-request-deadline-ms': '-1' });
    }
    const list = await app.send('{ verificationProviders { state } }');
    for (const { state } of list.data.verificationProviders) expect(state).toBe('UP');
  });

  it('hide what the caller has no scope for', async () => {
    const { errors } = await app.send(
      verificationQuery,
      { id: 'x' },
      { 'x-scopes': 'bankcard:check' },
    );
    expect(errors[0]).toMatchObject({
      message: errorTexts.FORBIDDEN,
      extensions: { code: 'FORBIDDEN' },
    });
  });

  it('hide no launch from the person and the starter, only from other readers', async () => {
    const backend = {
      'x-user-id': 'backend',
      'x-scopes': 'verification:start verification:read verification:any-user',
    };
    const { data } = await app.send(
      startMutation,
      { input: { idempotencyKey: 'for-somebody', channel: 'E_ID', userId: 'person' } },
      backend,
    );
    const { id } = data.startVerification.verification;
    const launchFor = async (headers: Record<string, string>) =>
      (await app.send(verificationQuery, { id }, headers)).data.verification?.launch ?? null;
    expect(await launchFor(backend)).not.toBeNull();
    expect(await launchFor({ 'x-user-id': 'person' })).not.toBeNull();
    expect(await launchFor({ ...backend, 'x-user-id': 'auditor' })).toBeNull();
  });
});

describe('_entities', () => {
  const document = `query ($representations: [_Any!]!) {
    _entities(representations: $representations) {
      __typename
      ... on Verification { id status }
      ... on BankCardCheck { id }
      ... on User { id }
    }
  }`;

  it('keeps the order, and is null only for missing, foreign or malformed references', async () => {
    const started = await app.send(startMutation, {
      input: { idempotencyKey: 'entity', channel: 'E_ID' },
    });
    const { id } = started.data.startVerification.verification;
    const representations = [
      { __typename: 'User', id: 'u-1' },
      { __typename: 'Verification', id: 'ver_AAAAAAAAAAAAAAAAAAAAAA' },
      { __typename: 'Verification', id, status: 'PASSED' },
      { __typename: 'BankCardCheck', id: 'nothing' },
      { __typename: 'User', id: 'u-2' },
    ];
    const { data } = await app.send(document, { representations });
    expect(data._entities).toEqual([
      { __typename: 'User', id: 'u-1' },
      null,
      { __typename: 'Verification', id, status: 'PENDING' },
      null,
      { __typename: 'User', id: 'u-2' },
    ]);
  });

  it('does not wait for a slow provider when it asks about another one', async () => {
    const subject = { name: '韦小宝', idNumber: '11204416541220243X' };
    let isSlowOver = false;
    const waitForSlow = async (): Promise<void> => {
      await Promise.all(
        Array.from({ length: 10 }, (_, at) =>
          app.send(startMutation, {
            input: {
              idempotencyKey: `slow-${at}`,
              channel: 'FACE_ALIPAY',
              subject,
              extra: 'sandbox:individual/face=wire-timeout',
            },
          }),
        ),
      );
      isSlowOver = true;
    };
    const slow = waitForSlow();
    for (let at = 0; at < 20; at++) {
      const input = { idempotencyKey: `quick-${at}`, channel: 'E_ID' };
      const { data } = await app.send(startMutation, { input });
      expect(data.startVerification.__typename).toBe('StartVerificationSuccess');
    }
    expect(isSlowOver).toBe(false);
    await slow;
  }, 20_000);
});

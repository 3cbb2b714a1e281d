import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  checkMutation,
  redactUserMutation,
  redactVerificationMutation,
  startMutation,
  userQuery,
  verificationQuery,
} from '../support/operations.ts';
import { passAsPerson } from '../support/pass-as-person.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { until } from '../support/until.ts';

// The verifications of a user and their redaction, as the supergraph sees them.

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

const subject = { name: '韦小宝', idNumber: '11204416541220243X' };
const as = (userId: string, tenantId = 'sandbox') => ({
  'x-user-id': userId,
  'x-tenant-id': tenantId,
});

async function start(userId: string, key: string, headers = as(userId)): Promise<string> {
  const input = { idempotencyKey: key, channel: 'FACE_WEB', provider: 'oemcloud', subject };
  const { data } = await app.send(startMutation, { input: { ...input, extra: key } }, headers);
  const { verification } = data.startVerification;
  if (!verification) throw new Error(JSON.stringify(data));
  return verification.id;
}

/** Starts a verification, passes the page, and waits for the outcome. */
async function pass(userId: string, key: string): Promise<string> {
  const input = { idempotencyKey: key, channel: 'E_ID' };
  const { data } = await app.send(startMutation, { input }, as(userId));
  const { id, launch } = data.startVerification.verification;
  await passAsPerson(launch.url);
  await until(async () => {
    const { data: now } = await app.send(verificationQuery, { id }, as(userId));
    return now.verification.status === 'PASSED';
  });
  return id;
}

async function askUser(userId: string, variables: object = {}, headers = as(userId)) {
  const users = [{ __typename: 'User', id: userId }];
  const { data, errors } = await app.send(userQuery, { users, ...variables }, headers);
  return { user: data?._entities?.[0], errors };
}

describe('User', () => {
  it('has pages of verifications, newest first, and the latest passed one', async () => {
    const first = await pass('ann', 'one');
    const second = await start('ann', 'two');
    const third = await start('ann', 'three');
    const { user: page } = await askUser('ann', { first: 2 });
    const ids = page.verifications.edges.map(({ node }: { node: { id: string } }) => node.id);
    expect(ids).toEqual([third, second]);
    expect(page.verifications.pageInfo.hasNextPage).toBe(true);
    const after = page.verifications.pageInfo.endCursor;
    expect(after).toBe(page.verifications.edges[1].cursor);
    const { user: rest } = await askUser('ann', { first: 2, after });
    expect(rest.verifications.edges).toMatchObject([{ node: { id: first, status: 'PASSED' } }]);
    expect(rest.verifications.pageInfo.hasNextPage).toBe(false);
    expect(page.latestPassedVerification.id).toBe(first);
  });

  it('has the checks that the caller may see, newest first, in pages', async () => {
    const check = async (key: string, more: object) => {
      const input = { idempotencyKey: key, cardNumber: '6225768888888888', subject, ...more };
      const { data } = await app.send(checkMutation, { input }, as('dan'));
      return data.checkBankCard.check.id;
    };
    const four = await check('four', { phone: '16137688175' });
    const three = await check('three', {});
    const query = `query ($users: [_Any!]!, $after: String) {
      _entities(representations: $users) { ... on User { bankCardChecks(first: 1, after: $after) {
        edges { node { id outcome checkedElements consentRef possibleAgainAt } }
        pageInfo { hasNextPage endCursor }
      } } }
    }`;
    const ask = async (headers = as('dan'), after: string | null = null) => {
      const users = [{ __typename: 'User', id: 'dan' }];
      const { data } = await app.send(query, { users, after }, headers);
      return data._entities[0].bankCardChecks;
    };
    const page = await ask();
    expect(page.edges).toMatchObject([
      { node: { id: three, checkedElements: ['CARD_NUMBER', 'NAME', 'ID_NUMBER'] } },
    ]);
    expect(page.pageInfo.hasNextPage).toBe(true);
    const rest = await ask(as('dan'), page.pageInfo.endCursor);
    expect(rest.edges).toMatchObject([{ node: { id: four } }]);
    expect((await ask(as('eve'))).edges).toEqual([]);
    expect((await ask(as('dan', 'another-tenant'))).edges).toEqual([]);
  });

  it('says until when a daily limit holds: midnight in Shanghai', async () => {
    const input = {
      ...{ idempotencyKey: 'limit', cardNumber: '6225768888888888' },
      subject: { name: 'sandbox:-17' },
    };
    const query = checkMutation.replace('sourceCheckId', 'sourceCheckId possibleAgainAt');
    const { data } = await app.send(query, { input }, as('dan'));
    const { check } = data.checkBankCard;
    expect(check).toMatchObject({ outcome: 'NOT_PERFORMED', reason: 'DAILY_LIMIT' });
    const shanghai = new Date(Date.parse(check.possibleAgainAt) + 8 * 3600 * 1000);
    expect(shanghai.toISOString()).toMatch(/T00:00:00\.000Z$/u);
    expect(Date.parse(check.possibleAgainAt)).toBeGreaterThan(Date.now());
  });

  it('is never null, and shows others no verifications', async () => {
    await pass('bea', 'b');
    for (const headers of [as('eve'), as('bea', 'another-tenant')]) {
      const { user } = await askUser('bea', {}, headers);
      expect(user).toEqual({
        id: 'bea',
        verifications: { edges: [], pageInfo: { hasNextPage: false, endCursor: null } },
        latestPassedVerification: null,
      });
    }
    const { user } = await askUser('bea');
    expect(user.verifications.edges).toHaveLength(1);
  });

  it.each([
    [{ first: -1 }, 'first'],
    [{ first: 101 }, 'first'],
    [{ after: 'CANARY' }, 'after'],
    [{ after: '' }, 'after'],
    [{ after: Buffer.from('1.ver_x\n').toString('base64url') }, 'after'],
    [{ maxAgeDays: -1 }, 'maxAgeDays'],
    // Longer than records are kept: null would mean that there was none.
    [{ maxAgeDays: 31 }, 'maxAgeDays'],
  ])(
    'rejects %j by the name of the argument, and returns the other fields',
    async (variables, name) => {
      const { user, errors } = await askUser('cas', variables);
      expect(errors).toHaveLength(1);
      expect(errors[0].extensions).toMatchObject({ code: 'BAD_USER_INPUT', variables: [name] });
      expect(JSON.stringify(errors)).not.toContain('CANARY');
      expect(user.id).toBe('cas');
    },
  );

  it('requires the scope for reading', async () => {
    const { user, errors } = await askUser('ann', {}, {
      ...as('ann'),
      'x-scopes': 'verification:start',
    } as ReturnType<typeof as>);
    expect(user).toMatchObject({ id: 'ann', verifications: null, latestPassedVerification: null });
    expect(errors[0].extensions.code).toBe('FORBIDDEN');
  });
});

describe('redactVerification', () => {
  it('returns the redacted verification, also when it is repeated', async () => {
    const id = await pass('dan', 'd');
    for (let time = 0; time < 2; time++) {
      const { data } = await app.send(redactVerificationMutation, { id }, as('dan'));
      expect(data.redactVerification).toMatchObject({
        __typename: 'RedactVerificationSuccess',
        verification: {
          ...{ id, status: 'PASSED', launch: null, extra: null },
          redactedAt: expect.stringMatching(/^\d{4}-/u),
          outcome: { code: null, reason: 'OTHER', similarity: null, details: null },
        },
      });
    }
    expect((await askUser('dan')).user).toMatchObject({ latestPassedVerification: null });
  });

  it('returns the same problem for an absent and a foreign id', async () => {
    const id = await start('fay', 'f');
    const none = await app.send(redactVerificationMutation, { id: 'ver_none' }, as('gus'));
    const foreign = await app.send(redactVerificationMutation, { id }, as('gus'));
    expect(foreign.data).toEqual(none.data);
    expect(foreign.data.redactVerification).toMatchObject({
      __typename: 'VerificationNotFoundProblem',
      ...{ code: 'NOT_FOUND', retry: 'NONE', billing: 'NOT_CHARGED' },
    });
  });

  it('requires its scope', async () => {
    const headers = { ...as('fay'), 'x-scopes': 'verification:start verification:read' };
    const { data, errors } = await app.send(redactVerificationMutation, { id: 'ver_x' }, headers);
    expect(data).toEqual({ redactVerification: null });
    expect(errors[0].extensions.code).toBe('FORBIDDEN');
  });
});

describe('redactUserData', () => {
  it('destroys and counts verifications, checks and cached results', async () => {
    const input = {
      idempotencyKey: 'c',
      ...{ subject, cardNumber: '6225768888888888', phone: '16137688175' },
    };
    await pass('hal', 'h1');
    await start('hal', 'h2');
    await app.send(checkMutation, { input }, as('hal'));
    const { data: again } = await app.send(
      checkMutation,
      { input: { ...input, idempotencyKey: 'c2' } },
      as('hal'),
    );
    expect(again.checkBankCard.cached).toBe(true);
    const redact = () => app.send(redactUserMutation, { userId: 'hal' }, as('hal'));
    expect((await redact()).data.redactUserData).toEqual({
      ...{ __typename: 'RedactUserDataSuccess', verifications: 2, checks: 2 },
    });
    expect((await redact()).data.redactUserData).toMatchObject({ verifications: 0, checks: 0 });
    expect((await askUser('hal')).user.verifications.edges).toEqual([]);
    const { data: fresh } = await app.send(
      checkMutation,
      { input: { ...input, idempotencyKey: 'c3' } },
      as('hal'),
    );
    expect(fresh.checkBankCard.cached).toBe(false);
  });
});

import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkMutation, startMutation } from '../support/operations.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ env: { LOG_LEVEL: 'trace', INPUT_CHECKSUMS: 'warn' } });
});
afterAll(() => app.stop());

// Invented and invalid on purpose, because invalid input is echoed more often than valid input.
const people = [
  {
    name: '欧阳测试甲',
    idNumber: '110101190001011009',
    card: '6222021234567890123',
    phone: '13912345678',
  },
  {
    name: '𠮷野Ａ・́',
    idNumber: '44030519950513256X',
    card: '6214865712375011',
    phone: '19900001111',
  },
  { name: 'x"};{\u202e', idNumber: 'ZZZZ-99887766', card: '99887766', phone: '99887766554' },
];
const outcomes = [
  '',
  'sandbox:wire-html ',
  'sandbox:InternalError ',
  'sandbox:-18 ',
  'sandbox:InvalidParameter ',
];

it('responses and logs contain no personal value, token or launch URL', async () => {
  const answers: string[] = [];
  const launches: string[] = [];
  let key = 0;
  for (const person of people) {
    for (const outcome of outcomes) {
      key += 1;
      const subject = { name: `${outcome}${person.name}`, idNumber: person.idNumber };
      const check = await app.send(checkMutation, {
        input: { idempotencyKey: `k${key}`, subject, cardNumber: person.card, phone: person.phone },
      });
      const start = await app.send(startMutation, {
        input: {
          idempotencyKey: `k${key}`,
          channel: 'E_ID',
          subject: { name: person.name, idNumber: person.idNumber },
          extra: outcome,
          options: { tencentCnEId: { inputType: 'CALLER_PASSES' } },
        },
      });
      answers.push(check.text, start.text);
      const launch = start.data?.startVerification?.verification?.launch;
      if (launch) launches.push(launch.url, launch.token);
    }
  }
  const log = app.logLines.join('');
  const metrics = await (await fetch(`${app.url}/metrics`)).text();
  expect(app.logLines.length).toBeGreaterThan(10);
  expect(log).toContain('input_doubt');
  expect(launches.length).toBeGreaterThan(2);
  for (const { name, idNumber, card, phone } of people) {
    for (const value of [name, idNumber, card, phone]) {
      expect(answers.join('')).not.toContain(value);
      expect(log).not.toContain(value);
      expect(metrics).not.toContain(value);
    }
  }
  for (const value of launches) expect(log + metrics).not.toContain(value);
});

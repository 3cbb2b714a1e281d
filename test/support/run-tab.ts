import type { Page } from 'playwright-core';
import { until } from './until.ts';

const busyMs = 120_000;
const editor = '.graphiql-query-editor .view-lines';

/** Opens GraphiQL. A busy process refuses parts of the page with 503, and a person reloads. */
export async function openGraphiql(page: Page, url: string): Promise<void> {
  await until(async () => {
    await page.goto(url);
    return page
      .locator(editor)
      .waitFor({ timeout: 20_000 })
      .then(
        () => true,
        () => false,
      );
  }, busyMs);
}

/** Runs a tab of GraphiQL by the name of its operation, and returns the text of the result pane. */
export async function runTab(page: Page, name: string): Promise<string> {
  await beginTab(page, name);
  return resultOf(page);
}

/** Runs a tab without waiting for a result. `variables` replace those of the tab. */
export async function beginTab(page: Page, name: string, variables?: object): Promise<void> {
  // As a person would, look before clicking: the editor is filled a moment after the tab is shown,
  // and takes over its operation a moment later still.
  await page.locator(editor).waitFor();
  await until(async () => {
    await page.getByRole('tab', { name }).click();
    await page.waitForTimeout(800);
    const text = await page.locator('.graphiql-query-editor').innerText();
    return new RegExp(`(?:mutation|query|subscription)\\s${name}\\b`, 'u').test(text);
  }, busyMs);
  if (variables) {
    await page.locator('.graphiql-editor-tool .view-lines').first().click();
    await page.keyboard.press('ControlOrMeta+a');
    // The editor closes brackets and quotes of what is typed, but not of what is pasted.
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.evaluate(
      `navigator.clipboard.writeText(${JSON.stringify(JSON.stringify(variables))})`,
    );
    await page.keyboard.press('ControlOrMeta+v');
  }
  await page.getByRole('button', { name: /execute query/iu }).click();
}

/** Waits for a result. */
export async function resultOf(page: Page): Promise<string> {
  return until(async () => {
    const text = await resultText(page);
    return text.includes('"data"') || text.includes('"errors"') ? text : null;
  }, busyMs);
}

/** The text of the result pane, without the blanks of its editor. */
async function resultText(page: Page): Promise<string> {
  const text = await page.locator('.result-window').innerText();
  return text.replaceAll('\u00a0', ' ');
}

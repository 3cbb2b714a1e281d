import { existsSync } from 'node:fs';

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The path of the browser for the tests: CHROMIUM_PATH, or one of the usual places. */
export function chromiumPath(): string | null {
  const given = process.env['CHROMIUM_PATH'];
  return [...(given ? [given] : []), ...places].find((place) => existsSync(place)) ?? null;
}

/** What the page says around the texts of the outcome. */
export const texts = {
  title: {
    idle: 'Please verify your identity',
    starting: 'One moment…',
    waiting: 'Your verification is open',
    ended: 'Your verification is over',
    failed: 'This did not work',
  },
  waiting:
    'This page shows the result as soon as it is there. If you have closed the other page, start again.',
  failure: (code: string): string =>
    code === 'NOT_FOUND' || code === 'REDACTED'
      ? 'There is nothing to show here. Please start again.'
      : 'Please try again in a moment.',
} as const;

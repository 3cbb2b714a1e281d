/**
 * What work brings, or what `onTimeout` returns or throws when it takes longer than `ms`. The work itself
 * goes on, and how it ends then is nobody's concern.
 */
export async function withTimeout<T>(ms: number, work: Promise<T>, onTimeout: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, ms));
  }).then(onTimeout);
  tooLate.catch(() => {});
  work.catch(() => {});
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

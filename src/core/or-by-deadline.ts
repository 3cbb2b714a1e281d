/** What a promise brings, or something else, or an error, when the time is up. The promise goes on. */
export async function orByDeadline<T>(
  now: () => number,
  deadlineMs: number,
  promise: Promise<T>,
  otherwise: () => T,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, deadlineMs - now()));
  }).then(otherwise);
  // Whoever was in time listens no more.
  tooLate.catch(() => {});
  promise.catch(() => {});
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a promise brings, or something else when the time is up. The promise goes on. */
export async function orByDeadline<T>(
  now: () => number,
  deadlineMs: number,
  promise: Promise<T>,
  otherwise: () => T,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise()), Math.max(0, deadlineMs - now()));
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

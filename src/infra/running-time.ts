/** How often the event loop is checked while something waits. */
export const tickMs = 50;

/**
 * Calls `onTick` about every 50 ms, each time after the event loop has read its sockets. Returns a function
 * that stops it.
 *
 * Node runs timers before it reads sockets. After a stall (garbage collection, a burst, a CPU limit) a
 * plain timer is due although the reply has arrived. Here a stall of any length counts as one tick, and
 * everything that arrived by then is read first.
 */
export function everyTick(onTick: () => void): () => void {
  let isStopped = false;
  let timer: NodeJS.Timeout;
  const schedule = (): void => {
    timer = setTimeout(() => setImmediate(tick), tickMs);
  };
  const tick = (): void => {
    if (isStopped) return;
    onTick();
    if (!isStopped) schedule();
  };
  schedule();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}

/** True if `work` fulfils within `withinMs` of running event loop time; false if not, or if it rejects. */
export async function isDoneWithin(work: Promise<unknown>, withinMs: number): Promise<boolean> {
  let stop = (): void => {};
  const late = new Promise<boolean>((resolve) => {
    let leftMs = withinMs;
    stop = everyTick(() => {
      leftMs -= tickMs;
      if (leftMs <= 0) resolve(false);
    });
  });
  const done = work.then(
    () => true,
    () => false,
  );
  return Promise.race([done, late]).finally(stop);
}

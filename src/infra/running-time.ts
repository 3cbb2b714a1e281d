/** How often the event loop is looked at while something waits. */
export const tickMs = 50;

/**
 * Calls `onTick` about every 50 ms, each time after the event loop has read its sockets. Returns what
 * stops it.
 *
 * Node runs timers before it reads sockets: after a stall (garbage collection, a burst, a CPU limit) a
 * plain timer is due although the reply has arrived. Here a stall of any length counts as one tick, and
 * what has arrived by then is read first.
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

/** True when `work` fulfils within `withinMs` of a running event loop; false when not, or when it rejects. */
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

/** Waits until `probe` returns something; fails after `withinMs`. */
export async function until<T>(
  probe: () => Promise<T | null | undefined | false>,
  withinMs = 45_000,
  everyMs = 50,
): Promise<T> {
  const endMs = Date.now() + withinMs;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > endMs) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

import { StoreUnavailable } from '../ports/index.ts';

/** Null if the store does not respond. For reads that the caller can do without. */
export async function nullIfUnavailable<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof StoreUnavailable) return null;
    throw error;
  }
}

import { StoreUnavailable } from '../ports/index.ts';

/** What is read, or null when the store does not answer: for a read that is not the answer itself. */
export async function nullIfUnavailable<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof StoreUnavailable) return null;
    throw error;
  }
}

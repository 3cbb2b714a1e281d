import { z } from 'zod';

// Answers are read leniently: some actions give a number where others give text.

/** A code that decides. Empty means absent; anything else than text or a number is a fault. */
export const resultCode = z
  .union([z.number(), z.string()])
  .nullish()
  .transform((code) => (code === null || code === undefined || code === '' ? null : String(code)));

/** Fields that decide nothing: what cannot be read is left out. */
export const optionalText = z.string().nullish().catch(null);

export const optionalNumber = z
  .union([z.number(), z.string()])
  .nullish()
  .catch(null)
  .transform((given) => {
    const value = given === '' ? Number.NaN : Number(given ?? Number.NaN);
    return Number.isFinite(value) ? value : null;
  });

/** Milliseconds that a date can hold. */
export const optionalMoment = optionalNumber.transform((ms) =>
  ms !== null && !Number.isNaN(new Date(ms).getTime()) ? ms : null,
);

/** 0 to 100. */
export const optionalSimilarity = optionalNumber.transform((value) =>
  value !== null && value >= 0 && value <= 100 ? value : null,
);

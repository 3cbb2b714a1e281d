import { z } from 'zod';
import { sanitizeCode } from '../../src/contract/plugin-api.ts';

// Responses are read leniently: some actions return a number where others return text.

/** A code that decides the outcome. Empty means absent. Anything but text or a number is a fault. */
export const resultCode = z
  .union([z.number(), z.string()])
  .nullish()
  .transform((code) =>
    code === null || code === undefined || code === '' ? null : sanitizeCode(String(code)),
  );

/** Fields that do not decide the outcome. An unreadable value is left out. */
export const optionalText = z.string().nullish().catch(null);

export const optionalNumber = z
  .union([z.number(), z.string()])
  .nullish()
  .catch(null)
  .transform((given) => {
    const value = given === '' ? Number.NaN : Number(given ?? Number.NaN);
    return Number.isFinite(value) ? value : null;
  });

/** Milliseconds that a Date can represent. */
export const optionalMoment = optionalNumber.transform((ms) =>
  ms !== null && !Number.isNaN(new Date(ms).getTime()) ? ms : null,
);

/** 0 to 100. */
export const optionalSimilarity = optionalNumber.transform((value) =>
  value !== null && value >= 0 && value <= 100 ? value : null,
);

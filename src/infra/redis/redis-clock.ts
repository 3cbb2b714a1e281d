/** Converts between Redis' clock and the clock of this process. */
export interface RedisClock {
  /** Adds a sample: when a command was sent, when its reply arrived, and Redis' time in it. */
  readonly learn: (sentMs: number, answeredMs: number, redisMs: number) => void;
  /** Converts a time of Redis' clock to the clock of this process. */
  readonly toLocal: (redisMs: number) => number;
  /** The fastest of the recent round trips; 0 before the first. */
  readonly roundTripMs: () => number;
}

interface Sample {
  readonly roundTripMs: number;
  readonly offsetMs: number;
}

const mostSamples = 64;
/** A larger difference means that a clock was set, so earlier samples are wrong. */
const jumpMs = 10;

/**
 * Estimates the offset between this process' clock and Redis'. The fastest of the recent round trips gives
 * the best estimate: its error is at most half of the round trip.
 */
export function createRedisClock(): RedisClock {
  let samples: Sample[] = [];
  let best: Sample = { roundTripMs: Infinity, offsetMs: 0 };

  return {
    learn: (sentMs, answeredMs, redisMs) => {
      const roundTripMs = answeredMs - sentMs;
      const sample = { roundTripMs, offsetMs: redisMs - (sentMs + answeredMs) / 2 };
      const isJump =
        Math.abs(sample.offsetMs - best.offsetMs) >
        (sample.roundTripMs + best.roundTripMs) / 2 + jumpMs;
      samples = isJump ? [sample] : [...samples.slice(1 - mostSamples), sample];
      best = samples.reduce((one, other) => (other.roundTripMs < one.roundTripMs ? other : one));
    },
    toLocal: (redisMs) => redisMs - best.offsetMs,
    roundTripMs: () => (samples.length > 0 ? best.roundTripMs : 0),
  };
}

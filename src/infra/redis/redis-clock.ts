/** What was learnt of Redis' clock. */
export interface RedisClock {
  /** Adds what one command showed: when it was sent and answered here, and Redis' time in it. */
  readonly learn: (sentMs: number, answeredMs: number, redisMs: number) => void;
  /** A moment of Redis' clock, by the clock of this process. */
  readonly toLocal: (redisMs: number) => number;
  /** The fastest of the last round trips; 0 before the first. */
  readonly roundTripMs: () => number;
}

interface Sample {
  readonly roundTripMs: number;
  readonly offsetMs: number;
}

const mostSamples = 64;
/** Beyond this a clock was set: what was learnt before is wrong. */
const jumpMs = 10;

/**
 * How far this process' clock is from Redis': the fastest of the last round trips tells best, being
 * wrong by at most half of itself.
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

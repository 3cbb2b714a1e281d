import { describe, expect, it } from 'vitest';
import { createRoundTrips } from '../../src/infra/redis/round-trips.ts';

describe('the round-trip time to Redis', () => {
  it('is reported once when it becomes long, and again after it was short', () => {
    const told: number[] = [];
    const trips = createRoundTrips((ms) => told.push(ms));
    expect(trips.currentMs()).toBeNull();
    for (let at = 0; at < 10; at++) trips.add(150);
    expect(told).toEqual([150]);
    expect(trips.currentMs()).toBe(150);
    trips.add(2);
    for (let at = 0; at < 5; at++) trips.add(180);
    expect(told).toEqual([150, 180]);
  });

  it('is that of the fastest recent trip, so that a stall of this process does not count', () => {
    const told: number[] = [];
    const trips = createRoundTrips((ms) => told.push(ms));
    for (const ms of [2, 900, 900, 900, 900]) trips.add(ms);
    expect(told).toEqual([]);
    expect(trips.currentMs()).toBe(2);
  });
});

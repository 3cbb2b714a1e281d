import type { RecordLife, RecordParts } from '../../src/ports/index.ts';

/** The parts and the life of a record without a personal part. */
export function kept(body: string, seconds = 60): [RecordParts, RecordLife] {
  return [
    { body, personal: null },
    { seconds, personalSeconds: seconds },
  ];
}

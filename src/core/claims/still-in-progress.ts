/** Another request leads an equal call, and no result came in time. */
export class StillInProgress extends Error {
  override readonly name = 'StillInProgress';

  constructor() {
    super('another request is asking the same');
  }
}

/** Another request is asking the same question and got no answer in time. */
export class StillInProgress extends Error {
  override readonly name = 'StillInProgress';

  constructor() {
    super('another request is asking the same');
  }
}

const [keyPlace, idPlace] = ['verification-key', 'verification-id'];

/** What this tab of the browser knows of its attempt. */
export const attempt = {
  /** One key per attempt, so that a second press and a reload repeat it. */
  key: (): string => {
    const key = sessionStorage.getItem(keyPlace) ?? crypto.randomUUID();
    sessionStorage.setItem(keyPlace, key);
    return key;
  },
  next: (): string => {
    attempt.over();
    return attempt.key();
  },
  remember: (id: string): void => sessionStorage.setItem(idPlace, id),
  id: (): string | null => sessionStorage.getItem(idPlace),
  over: (): void => {
    sessionStorage.removeItem(keyPlace);
    sessionStorage.removeItem(idPlace);
  },
};

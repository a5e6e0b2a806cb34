/** A proxy's user and password, as the user knows them: not encoded in any way. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** `user:password@` for a URL, percent-encoded, or nothing. */
export function userinfo(credentials: Credentials | undefined): string {
  if (!credentials) return '';
  return `${encodeURIComponent(credentials.user)}:${encodeURIComponent(credentials.password)}@`;
}

/** What a `Proxy-Authorization: Basic …` header carries, or undefined when there is none. */
export function basicCredentials(header: string | undefined): Credentials | undefined {
  const encoded = /^basic\s+(\S+)$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Whether what was shown opens the door. A door without a lock is open to everyone. */
export function admits(lock: Credentials | undefined, shown: Credentials | undefined): boolean {
  return !lock || (shown?.user === lock.user && shown.password === lock.password);
}

import { hash } from 'node:crypto';
import type { Endpoint } from '../endpoint.js';

/** Digits of a name: 128 bits. */
const DIGITS = 32;

/**
 * The name an endpoint has in stored and shared state: a keyed hash of scheme, host, port and user name. Without the key
 * nobody can tell from it, or find by trying, which proxies somebody uses.
 */
export function endpointKey(key: string, { url }: Endpoint): string {
  const user = url.credentials()?.username ?? '';
  return hashOf(key, 'endpoint', `${url.toString()} ${user}`);
}

/**
 * A keyed hash of fixed width; `kind` keeps a session from having the name of a target. The key stands before the text and
 * half of the digest is left out, so that nothing can be appended to what was hashed.
 */
export function hashOf(key: string, kind: 'endpoint' | 'target' | 'session', text: string): string {
  return hash('sha256', `${key} ${kind} ${text}`, 'hex').slice(0, DIGITS);
}

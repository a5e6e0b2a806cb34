import type { Fault } from './fault.js';
import { answerPlainly, close, cut, intercept, resetOnNext, say, silence } from './strikes.js';

/** What a proxy can do once it has said that the tunnel stands. */
export const tunnelFaults = {
  'close-in-tunnel': { about: 'closes right after its yes', at: 'tunnel', outcome: 'fails', strike: close },
  'reset-in-tunnel': {
    about: 'resets on the first bytes in the tunnel',
    at: 'tunnel',
    outcome: 'fails',
    strike: resetOnNext,
  },
  'silent-in-tunnel': { about: 'carries nothing after its yes', at: 'tunnel', outcome: 'hangs', strike: silence },
  'garbage-in-tunnel': {
    about: 'sends bytes of its own after its yes',
    at: 'tunnel',
    outcome: 'fails',
    strike: say(Uint8Array.from({ length: 64 }, (_, i) => (i * 37 + 128) & 255)),
  },
  'plain-in-tunnel': {
    about: 'answers for the target, in plain HTTP where TLS is expected',
    at: 'tunnel',
    outcome: 'fails',
    strike: answerPlainly,
  },
  'intercept-tunnel': {
    about: 'answers for the target with a certificate of another CA',
    at: 'tunnel',
    outcome: 'fails',
    strike: intercept,
  },
  'cut-tunnel-close': {
    about: 'closes the tunnel after `cutAfter` bytes from the target',
    at: 'tunnel',
    outcome: 'fails',
    strike: cut('close'),
  },
  'cut-tunnel-reset': {
    about: 'resets the tunnel after `cutAfter` bytes from the target',
    at: 'tunnel',
    outcome: 'fails',
    strike: cut('reset'),
  },
} as const satisfies Record<string, Fault>;

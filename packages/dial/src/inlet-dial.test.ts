// The rules of a dial hold where bytes come past the stream as they do elsewhere: its whole test once more, with an inlet.
import { expect, test, vi } from 'vitest';
import { canReadReplies } from './reply-reader.js';

vi.mock('./dial.js', async (original) => {
  const real = await original<typeof import('./dial.js')>();
  const { Inlet } = await import('./inlet.js');
  const dial: typeof real.dial = (endpoint, options) => real.dial(endpoint, { inlet: new Inlet(), ...options });
  return { ...real, dial };
});

test("this Node lends its client's parser", () => {
  expect(canReadReplies).toBe(true);
});

await import('./dial.test.js');

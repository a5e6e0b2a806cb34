import { expect, test } from 'vitest';
import { priceOf, type Failure, type Price } from './price.js';

const nothing: Failure = { detour: false, delivered: false, lack: undefined, byExit: false, repeatable: true };

const TABLE: readonly (readonly [string, Partial<Failure>, Price])[] = [
  ['a detour was paid for', { detour: true, delivered: true }, 'nothing'],
  ['the user’s own error', { delivered: true }, 'a-retry'],
  ['the user’s own error, and the exit was lost meanwhile', { delivered: true, byExit: true }, 'a-retry'],
  ['the user’s own error, and another connection was refused', { delivered: true, lack: 'exhausted' }, 'a-retry'],
  ['a closed pool', { lack: 'closed' }, 'the-crawl'],
  ['no proxy is what it asks for', { lack: 'unfit' }, 'the-page'],
  ['all are taken', { lack: 'busy' }, 'later'],
  ['nobody is left', { lack: 'exhausted' }, 'later'],
  ['nobody is left for a POST', { lack: 'exhausted', repeatable: false }, 'later'],
  ['the exit failed it', { byExit: true }, 'a-replay'],
  ['the exit failed a POST', { byExit: true, repeatable: false }, 'a-retry'],
  ['nobody of the pool’s', {}, 'a-retry'],
];

test.each(TABLE)('%s', (_, known, price) => {
  expect(priceOf({ ...nothing, ...known }, 'wait')).toBe(price);
});

test('who runs out of proxies chooses what that costs; a wait for a turn costs nothing under each choice', () => {
  const of = (lack: Failure['lack']) =>
    (['wait', 'fail-page', 'stop-crawl'] as const).map((choice) => priceOf({ ...nothing, lack }, choice));
  expect(of('exhausted')).toEqual(['later', 'the-page', 'the-crawl']);
  expect(of('busy')).toEqual(['later', 'later', 'later']);
});

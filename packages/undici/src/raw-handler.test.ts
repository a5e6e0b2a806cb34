import { expect, test, vi } from 'vitest';
import type { Dispatcher } from 'undici';
import { currentHandler } from './raw-handler.js';

type Controller = Dispatcher.DispatchController;

function controller(raw: Partial<Controller> = {}) {
  return { aborted: false, paused: false, reason: null, pause: vi.fn(), resume: vi.fn(), abort: vi.fn(), ...raw };
}

function texts(list: readonly unknown[]): string[] {
  return list.map(String);
}

function older(onHeaders: (status: number, headers: unknown[]) => boolean | void) {
  return currentHandler({ onHeaders } as Dispatcher.DispatchHandler);
}

test('a handler of the older kind gets headers as they came, and in pairs where nobody has kept them', () => {
  const seen: string[][] = [];
  const handler = older((_, headers) => void seen.push(texts(headers)));
  const rawHeaders = ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X', 'y'].map((text) => Buffer.from(text));
  const parsed = { 'set-cookie': ['a=1', 'b=2'], x: 'y' };
  handler.onResponseStart!(controller({ rawHeaders }), 200, parsed);
  handler.onResponseStart!(controller(), 200, parsed);
  expect(seen).toEqual([texts(rawHeaders), ['set-cookie', 'a=1', 'set-cookie', 'b=2', 'x', 'y']]);
});

test('its false holds the answer back', () => {
  const held = controller();
  older(() => false).onResponseStart!(held, 200, {});
  older(() => true).onResponseStart!(held, 200, {});
  expect(held.pause).toHaveBeenCalledOnce();
});

test('a handler of today is left alone', () => {
  const handler = { onRequestStart: () => undefined };
  expect(currentHandler(handler)).toBe(handler);
});

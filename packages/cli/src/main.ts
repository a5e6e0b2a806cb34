#!/usr/bin/env node
import { once } from 'node:events';
import { FairleadError } from '@fairlead/core';
import { check } from './check.js';
import { serve } from './serve.js';
import { processTerminal } from './terminal.js';

const HELP = `fairlead: one proxy pool for every scraper

  fairlead serve --proxies list.txt   one local proxy over all of them
  fairlead check list.txt             which of them live

Each takes --help.
`;

/** 2: the command line or the list cannot be meant. */
const MISUSE = 2;

const terminal = processTerminal();
process.exitCode = await run(process.argv.slice(2));

async function run([command, ...argv]: readonly string[]): Promise<number> {
  try {
    if (command === 'serve') return await serve(argv, terminal, { asked: signalled() });
    if (command === 'check') return await check(argv, terminal);
    terminal[command === undefined || command === '--help' ? 'out' : 'err'](HELP);
    return command === '--help' ? 0 : MISUSE;
  } catch (error) {
    if (!(error instanceof FairleadError) && Object(error).code === undefined) throw error;
    terminal.err(`fairlead: ${(error as Error).message}\n`);
    return MISUSE;
  }
}

/** The first signal asks to finish, the second ends at once. */
async function signalled(): Promise<void> {
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => process.exit(1));
}

/** Where a command speaks: results on one side, everything for people on the other. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether `err` is watched by somebody who can see a line change. */
  readonly live: boolean;
}

/** That of this process. Who reads it may go away, and then nothing more is said there; the command goes on. */
export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  let [isRead, isWatched] = [true, true];
  const terminal: Terminal = {
    out: (text) => void (isRead && stdout.write(text)),
    err: (text) => void (isWatched && stderr.write(text)),
    live: stderr.isTTY === true,
  };
  stderr.on('error', () => (isWatched = false));
  stdout.on('error', ({ message }) => {
    if (isRead) terminal.err(`nobody reads standard output any more: ${message}\n`);
    isRead = false;
  });
  return terminal;
}

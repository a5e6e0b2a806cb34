import type { Terminal } from './terminal.js';

const WIDTH = 30;

/** How far a check has come, on one line that changes; nothing where nobody could see that. */
export class ProgressBar {
  readonly #total: number;
  readonly #terminal: Terminal;
  #done = 0;
  #live = 0;

  constructor(total: number, terminal: Terminal) {
    this.#total = total;
    this.#terminal = terminal;
  }

  step(live: boolean): void {
    this.#done += 1;
    if (live) this.#live += 1;
    if (!this.#terminal.live) return;
    const filled = Math.round((this.#done / this.#total) * WIDTH);
    const bar = '#'.repeat(filled).padEnd(WIDTH, '.');
    this.#terminal.err(`\r[${bar}] ${this.#done}/${this.#total}, ${this.#live} live`);
  }

  end(): void {
    if (this.#terminal.live) this.#terminal.err('\r\u001B[K');
  }
}

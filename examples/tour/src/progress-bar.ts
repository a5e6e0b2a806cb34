/** A bar on stderr that moves in a terminal, and a line every quarter elsewhere, so that logs stay readable. */
export interface ProgressBar {
  step(): void;
  end(): void;
}

const WIDTH = 30;

export function progressBar(label: string, total: number): ProgressBar {
  const live = process.stderr.isTTY === true;
  let done = 0;
  const draw = (): string => {
    const filled = Math.round((done / total) * WIDTH);
    return `${label} ${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)} ${done}/${total}`;
  };
  return {
    step() {
      done += 1;
      if (live) process.stderr.write(`\r${draw()}`);
      else if (done % Math.ceil(total / 4) === 0) process.stderr.write(`${draw()}\n`);
    },
    end() {
      if (live) process.stderr.write('\n');
    },
  };
}

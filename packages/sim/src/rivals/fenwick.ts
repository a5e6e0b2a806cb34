/** Weights that change one at a time and are drawn from in proportion, both in log time. */
export class Fenwick {
  readonly #tree: Float64Array;
  readonly #weights: Float64Array;
  readonly #top: number;

  constructor(size: number, weight: number) {
    this.#tree = new Float64Array(size + 1);
    this.#weights = new Float64Array(size);
    this.#top = 2 ** Math.floor(Math.log2(size));
    for (let row = 0; row < size; row += 1) this.set(row, weight);
  }

  set(row: number, weight: number): void {
    const change = weight - this.#weights[row]!;
    this.#weights[row] = weight;
    for (let node = row + 1; node < this.#tree.length; node += node & -node) this.#tree[node]! += change;
  }

  draw(u: number): number {
    let rest = u * this.#total();
    let node = 0;
    for (let step = this.#top; step > 0; step >>= 1) {
      const next = node + step;
      if (next >= this.#tree.length || this.#tree[next]! > rest) continue;
      rest -= this.#tree[next]!;
      node = next;
    }
    return Math.min(node, this.#weights.length - 1);
  }

  #total(): number {
    let sum = 0;
    for (let node = this.#tree.length - 1; node > 0; node -= node & -node) sum += this.#tree[node]!;
    return sum;
  }
}

/** What a user's function answered may be a promise, also one of another realm: nobody else hears of its rejection. */
export function onRejection(answer: unknown, failed: (error: unknown) => void): void {
  if (answer === undefined || typeof Object(answer).then !== 'function') return;
  Promise.resolve(answer).catch(failed);
}

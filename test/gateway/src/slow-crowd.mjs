// Clients that connect, say half a head and then nothing, and note how they are sent away.
import { connect } from 'node:net';

const [port, count] = process.argv.slice(2).map(Number);
const ended = {};
let open = 0;
const start = () => {
  const socket = connect(port, '127.0.0.1');
  let status = 'none';
  socket.on('data', (chunk) => (status = chunk.toString('latin1', 9, 12)));
  socket.on('error', () => undefined);
  socket.on('close', () => (ended[status] = (ended[status] ?? 0) + 1));
  socket.on('connect', () => {
    socket.write('GET http://shop.example/ HTTP/1.1\r\nHost: shop');
    open += 1;
    if (open === count) process.send('open');
  });
};
// Not all in one tick: the backlog of a listener is short.
let begun = 0;
const more = () => {
  for (let index = 0; index < 200 && begun < count; index += 1, begun += 1) start();
  if (begun < count) setTimeout(more, 10);
};
more();
process.on('message', () => {
  const done = () => Object.values(ended).reduce((sum, value) => sum + value, 0) === count;
  const timer = setInterval(() => {
    if (!done()) return;
    clearInterval(timer);
    process.send(ended);
  }, 50);
});
process.on('disconnect', () => process.exit());

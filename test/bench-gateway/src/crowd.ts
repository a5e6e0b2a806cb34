// Clients that connect, say half a head and then nothing; who is sent away comes back. By message: how many there shall be.
import { connect, type Socket } from 'node:net';

const port = Number(process.argv[2]);
const HALF = 'GET http://shop.example/ HTTP/1.1\r\nHost: shop';
/** Not all at once: the backlog of a listener is short. */
const BATCH = 200;
const sockets = new Set<Socket>();
let wanted = 0;
let told = true;

setInterval(() => {
  for (let index = 0; index < BATCH && sockets.size < wanted; index += 1) join();
  const connected = [...sockets].filter(({ pending }) => !pending).length;
  if (told || connected !== wanted) return;
  told = true;
  process.send?.('there');
}, 20);
process.on('message', (count: number) => {
  wanted = count;
  told = false;
});
process.on('disconnect', () => process.exit());

function join(): void {
  const socket = connect(port, '127.0.0.1', () => socket.write(HALF));
  sockets.add(socket);
  socket.resume().on('error', () => undefined);
  socket.on('close', () => sockets.delete(socket));
}

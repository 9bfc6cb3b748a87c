import assert from 'node:assert/strict';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { type Listener, listen } from './listener.ts';

let listener: Listener;
before(async () => {
  listener = await listen('127.0.0.1', 0, (request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.end(`HTTP/${request.httpVersion} ${request.url}`);
  });
});
after(() => listener.close());

const said = (socket: Socket, text: string): Promise<string> =>
  new Promise((resolve) => {
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk.toString();
      if (heard.includes(text)) resolve(heard);
    });
    socket.on('close', () => resolve(heard));
  });

test('HTTP/2 and HTTP/1.1 answer side by side', async () => {
  const session = connectHttp2(`http://127.0.0.1:${listener.port}`);
  const stream = session.request({ ':path': '/two' });
  stream.setEncoding('utf8');
  let body = '';
  for await (const chunk of stream) body += chunk;
  session.close();
  assert.equal(body, 'HTTP/2.0 /two');
  assert.equal(await (await fetch(`http://127.0.0.1:${listener.port}/one`)).text(), 'HTTP/1.1 /one');
});

test('a request that comes byte by byte is put together, and a POST is not taken for HTTP/2', async () => {
  const socket = connect(listener.port, '127.0.0.1').setNoDelay(true);
  const answer = said(socket, '/slow');
  for (const byte of 'POST /slow HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n') {
    await new Promise((written) => socket.write(byte, written));
  }
  assert.match(await answer, /HTTP\/1\.1 200 OK[\s\S]*HTTP\/1\.1 \/slow/);
  socket.destroy();
});

test('what speaks neither is answered with 400 and closed, and the port lives on', async () => {
  const socket = connect(listener.port, '127.0.0.1');
  const answer = said(socket, '400');
  socket.write('\x16\x03\x01 hello tls\r\n\r\n');
  assert.match(await answer, /400 Bad Request/);
  socket.destroy();
  assert.equal((await fetch(`http://127.0.0.1:${listener.port}/`)).status, 200);
});

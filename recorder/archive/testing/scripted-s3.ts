import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a scripted server does with a request. */
export type Scripted = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

/** An answer of S3 that refuses. */
export const refusal =
  (status: number, code: string, headers: Readonly<Record<string, string>> = {}): Scripted =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/xml', ...headers });
    response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`);
  };

/** The connection ends in the middle: of the answer, or before one. */
export const cutOff: Scripted = (_, response) => void response.socket?.destroy();

export const cutInBody: Scripted = (_, response) => {
  response.writeHead(200, { 'content-length': '1000' });
  response.write('half', () => response.socket?.destroy());
};

/**
 * A server that speaks S3 as far as keys and bytes go, and does what it was told to with the next requests, one for each.
 * Unlike s3rver it knows `If-None-Match`.
 */
export async function startScriptedS3() {
  const objects = new Map<string, Buffer>();
  const script: Scripted[] = [];
  const seen: string[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      seen.push(`${request.method} ${request.url}`);
      (script.shift() ?? plain)(request, response, Buffer.concat(chunks));
    });
  });
  const plain: Scripted = ({ method, url = '', headers }, response, body) => {
    const key = url.split('?')[0] as string;
    const held = objects.get(key);
    const answer = (status: number, content?: Buffer) => response.writeHead(status).end(content);
    if (method === 'PUT' && held !== undefined && headers['if-none-match'] === '*') return answer(412);
    if (method === 'PUT') {
      objects.set(key, body);
      return answer(200);
    }
    if (method === 'DELETE') {
      objects.delete(key);
      return answer(204);
    }
    if (held === undefined) return refusal(404, 'NoSuchKey')({} as IncomingMessage, response, body);
    return answer(200, method === 'HEAD' ? undefined : held);
  };
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    objects,
    script,
    seen,
    /** As it answers when nothing else was asked of it. */
    plain,
    stop: () =>
      new Promise<void>((closed) => {
        server.closeAllConnections();
        server.close(() => closed());
      }),
  };
}

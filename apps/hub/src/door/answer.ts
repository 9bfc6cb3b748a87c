import type { JsonObject } from '@bufbuild/protobuf';
import { Code, ConnectError, createContextValues } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';

export type NodeServerRequest = Parameters<typeof universalRequestFromNodeRequest>[0];
export type NodeServerResponse = Parameters<typeof universalResponseToNodeResponse>[1];

export function answer(response: NodeServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-cache',
  });
  response.end(body);
}

export const refuse = (response: NodeServerResponse, status: number, code: string, message: string): void =>
  answer(response, status, 'application/json', JSON.stringify({ code, message }));

/**
 * Has a call answered by its handler, up to the end of the answer or until the caller is gone.
 *
 * @param json the call, where it came as a REST request; else it is read from the request
 */
export async function answerCall(
  handler: UniversalHandler,
  request: NodeServerRequest,
  response: NodeServerResponse,
  json: JsonObject | undefined,
): Promise<void> {
  endWithCaller(response);
  try {
    const universal = universalRequestFromNodeRequest(request, response, json, createContextValues());
    const call =
      json === undefined ? universal : { ...universal, method: 'POST', header: asConnectJson(universal.header) };
    await universalResponseToNodeResponse(await handler(call), response);
  } catch (error) {
    if (ConnectError.from(error).code === Code.Aborted || response.writableEnded) return;
    if (!response.headersSent) refuse(response, 500, 'internal', 'the call failed inside the hub');
    else response.end();
  }
}

/**
 * Connect's writer waits for `drain` or `error` when a socket is full. Over HTTP/1.1 a response whose caller leaves then
 * emits neither: the handler would stand at its `yield` for ever, with all that it is to let go of in a `finally`. And a
 * write that fails later must find somebody who listens.
 */
function endWithCaller(response: NodeServerResponse): void {
  response.on('error', () => undefined);
  response.once('close', () => {
    if (!response.writableEnded) response.emit('error', new ConnectError('the caller is gone', Code.Aborted));
  });
}

/** A REST request becomes a unary call of the Connect protocol, whose JSON and status codes are the same. */
function asConnectJson(header: Headers): Headers {
  const call = new Headers(header);
  for (const name of ['content-length', 'content-encoding', 'connect-timeout-ms']) call.delete(name);
  call.set('content-type', 'application/json');
  call.set('connect-protocol-version', '1');
  return call;
}

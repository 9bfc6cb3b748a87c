import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DescService } from '@bufbuild/protobuf';
import { Code, ConnectError, type ConnectRouter, createConnectRouter, type Interceptor } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { DrizzleQueryError } from 'drizzle-orm';
import { CLIENT_ADDRESS, type Identity } from '../identity/identity.ts';
import { NotRecordedError } from '../roles/arbitration/hub-record.ts';
import type { Acts } from '../roles/chronicle/acts.ts';
import { answer, answerCall, type NodeServerRequest, type NodeServerResponse, refuse } from './answer.ts';
import { apiPage } from './api-page.ts';
import { authorise, type Guard } from './authorise.ts';
import { callerAddress } from './caller-address.ts';
import { type Names, names } from './names.ts';
import { openApi } from './openapi.ts';
import { BadRequestError, matchRoute, type RestRoute, requestJson, restRoutes } from './rest.ts';
import { serveStatic } from './static-files.ts';
import { witness } from './witness.ts';
import { type WrittenPorts, written } from './written.ts';

export type NodeHandler = (request: NodeServerRequest, response: NodeServerResponse) => void;

export interface DoorOptions {
  readonly guard: Guard & { readonly identity: Identity };
  readonly acts: Pick<Acts, 'add'>;
  readonly names: Names;
  readonly written: WrittenPorts;
  readonly services: readonly DescService[];
  readonly routes: (router: ConnectRouter) => void;
  /** Folder of the built page, or null. */
  readonly pages: string | null;
  readonly version: string;
  /** Proxies whose word for who calls is taken. */
  readonly proxies: readonly string[];
  readonly healthy: () => boolean;
}

const MOST_BODY_BYTES = 16 * 1_048_576;
const MOST_MESSAGE_BYTES = 16 * 1_048_576;

/** Everything that answers on the hub's port. */
export function openDoor(options: DoorOptions): NodeHandler {
  const router = createConnectRouter({
    interceptors: [
      plainly,
      names(options.names),
      witness(options.acts),
      authorise(options.guard),
      written(options.written),
    ],
    readMaxBytes: MOST_MESSAGE_BYTES,
    jsonOptions: { alwaysEmitImplicit: true },
    acceptCompression: [],
  });
  options.routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  const rest = restRoutes(options.services);
  const document = JSON.stringify(openApi(rest, options.version), null, 1);
  const page = apiPage(rest);
  const callerOf = callerAddress(options.proxies);
  const pagePolicy = policy(`'sha256-${createHash('sha256').update(page.style).digest('base64')}'`);

  return (request, response) => {
    const url = request.url ?? '/';
    const [path, search] = url.split('?', 2) as [string, string | undefined];
    const handler = handlers.get(path);
    if (handler !== undefined) {
      void answerCall(handler, request, response, undefined);
      return;
    }
    secure(response);
    if (path === '/healthz')
      return answer(response, options.healthy() ? 200 : 503, 'text/plain', options.healthy() ? 'ok\n' : 'not well\n');
    if (path === '/api/openapi.json') return answer(response, 200, 'application/json', document);
    if (path === '/api' || path === '/api/') {
      response.setHeader('content-security-policy', pagePolicy);
      return answer(response, 200, 'text/html; charset=utf-8', page.html);
    }
    if (path.startsWith('/api/auth/')) {
      request.headers[CLIENT_ADDRESS] = callerOf(request.socket.remoteAddress, request.headers);
      return signIn(options.guard.identity, request, response);
    }
    if (path.startsWith('/api/')) {
      void serveRest(rest, handlers, request, response, path, new URLSearchParams(search ?? ''));
      return;
    }
    if (options.pages !== null && serveStatic(options.pages, path, request, response)) return;
    answer(response, 404, 'text/plain; charset=utf-8', 'Nothing is here. The API is described at /api.\n');
  };
}

const policy = (style: string): string =>
  `default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; style-src 'self' ${style}; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`;

/** React writes style attributes, which style-src must admit; scripts stay strict. */
const PAGE_POLICY = policy("'unsafe-inline'");

function secure(response: NodeServerResponse): void {
  response.setHeader('content-security-policy', PAGE_POLICY);
  response.setHeader('x-content-type-options', 'nosniff');
  response.setHeader('x-frame-options', 'DENY');
  response.setHeader('referrer-policy', 'same-origin');
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  response.setHeader('cross-origin-resource-policy', 'same-origin');
  response.setHeader('permissions-policy', 'camera=(), microphone=(), geolocation=()');
}

/**
 * A browser always names the origin of a POST; a caller without origin and cookie is a program, and Node's `fetch` marks
 * itself like a page.
 */
function signIn(identity: Identity, request: NodeServerRequest, response: NodeServerResponse): void {
  if (request.headers.origin === undefined && request.headers.cookie === undefined)
    delete request.headers['sec-fetch-mode'];
  identity.handler(request as IncomingMessage, response as unknown as ServerResponse).catch(() => {
    if (!response.headersSent) refuse(response, 500, 'internal', 'signing in failed');
    else response.end();
  });
}

/** What went wrong inside is told by what it means to the caller; queries, paths and rows stay inside. */
const plainly: Interceptor = (next) => async (request) => {
  try {
    return await next(request);
  } catch (error) {
    if (error instanceof ConnectError) throw error;
    if (error instanceof NotRecordedError) throw new ConnectError(error.message, Code.Unavailable);
    if (error instanceof DrizzleQueryError)
      throw new ConnectError(
        'the database does not answer as it should; GET /api/v1/health says more',
        Code.Unavailable,
      );
    throw new ConnectError(`${request.method.name} failed inside the hub`, Code.Internal);
  }
};

async function serveRest(
  rest: readonly RestRoute[],
  handlers: ReadonlyMap<string, UniversalHandler>,
  request: NodeServerRequest,
  response: NodeServerResponse,
  path: string,
  query: URLSearchParams,
): Promise<void> {
  const match = matchRoute(rest, request.method ?? 'GET', path);
  if (!('route' in match)) {
    if (match.allowed.length === 0)
      return refuse(response, 404, 'not_found', `there is no ${path.slice(0, 120)}; see /api`);
    response.setHeader('allow', match.allowed.join(', '));
    return refuse(response, 405, 'unimplemented', `${path} answers ${match.allowed.join(' and ')}`);
  }
  const { route, values } = match;
  try {
    const body = route.fromQuery ? '' : await readBody(request);
    const json = requestJson(route, values, query, body);
    const handler = handlers.get(`/${route.service.typeName}/${route.method.name}`) as UniversalHandler;
    await answerCall(handler, request, response, json);
  } catch (error) {
    if (error instanceof BadRequestError) refuse(response, 400, 'invalid_argument', error.message);
    else refuse(response, 400, 'invalid_argument', 'the request broke off');
  }
}

async function readBody(request: NodeServerRequest): Promise<string> {
  const type = request.headers['content-type'];
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BODY_BYTES) throw new BadRequestError(`a body has at most ${MOST_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  if (size > 0 && !/^application\/json\b/i.test(type ?? '')) throw new BadRequestError('a body is application/json');
  return Buffer.concat(chunks).toString('utf8');
}

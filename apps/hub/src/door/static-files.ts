import { createReadStream, existsSync, statSync } from 'node:fs';
import { extname, join, normalize, sep } from 'node:path';
import { pipeline } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { NodeServerRequest, NodeServerResponse } from './answer.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.map': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
};

/** What grows much smaller; pictures and fonts are packed already. */
const PACKABLE = new Set(['.html', '.js', '.css', '.json', '.svg', '.wasm', '.map', '.txt']);

/** Whether the asker takes gzip (RFC 9110, 12.5.3). */
const takesGzip = ({ headers }: NodeServerRequest): boolean =>
  /(^|,)\s*(gzip|\*)\s*(;\s*q=(?!0(\.0*)?\s*(,|$))[\d.]+\s*)?(,|$)/i.test(String(headers['accept-encoding'] ?? ''));

/**
 * Serves files below `root`; a path without extension gets index.html, so that the page's own routes survive a reload.
 * Text goes out packed to whoever takes it: the page opens over the radio links of a site too.
 * @returns whether it answered
 */
export function serveStatic(
  root: string,
  path: string,
  request: NodeServerRequest,
  response: NodeServerResponse,
): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false;
  const file = fileFor(root, path);
  if (file === null) return false;
  const hashed = /[-.][A-Za-z0-9_-]{8,}\.\w+$/.test(file) && file.includes(`${sep}assets${sep}`);
  const packable = PACKABLE.has(extname(file));
  const packed = packable && takesGzip(request);
  response.writeHead(200, {
    'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
    ...(packed ? { 'content-encoding': 'gzip' } : { 'content-length': statSync(file).size }),
    ...(packable ? { vary: 'accept-encoding' } : {}),
    'cache-control': hashed ? 'public, max-age=31536000, immutable' : 'no-cache',
  });
  if (request.method === 'HEAD') {
    response.end();
    return true;
  }
  const body = createReadStream(file);
  const out = response as unknown as NodeJS.WritableStream;
  // Whoever goes away in the middle, and a file that cannot be read to its end, leave nothing open.
  const over = (): void => undefined;
  if (packed) pipeline(body, createGzip(), out, over);
  else pipeline(body, out, over);
  return true;
}

function fileFor(root: string, path: string): string | null {
  let wanted: string;
  try {
    wanted = normalize(decodeURIComponent(path));
  } catch {
    return null;
  }
  if (wanted.includes('\0') || wanted.split(sep).some((part) => part === '..' || part.startsWith('.'))) return null;
  const file = join(root, wanted);
  if (existsSync(file) && statSync(file).isFile()) return file;
  const index = join(root, 'index.html');
  return extname(wanted) === '' && existsSync(index) ? index : null;
}

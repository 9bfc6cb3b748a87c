import { createReadStream, existsSync, statSync } from 'node:fs';
import { extname, join, normalize, sep } from 'node:path';
import type { NodeServerRequest, NodeServerResponse } from './door.ts';

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

/**
 * Serves files below `root`; a path without extension gets index.html, so that the page's own routes survive a reload.
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
  response.writeHead(200, {
    'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
    'content-length': statSync(file).size,
    'cache-control': hashed ? 'public, max-age=31536000, immutable' : 'no-cache',
  });
  if (request.method === 'HEAD') {
    response.end();
    return true;
  }
  const stream = createReadStream(file);
  stream.on('error', () => response.end());
  stream.pipe(response as unknown as NodeJS.WritableStream);
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

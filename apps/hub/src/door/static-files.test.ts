import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type Listener, listen } from './listener.ts';
import { serveStatic } from './static-files.ts';

const directory = mkdtempSync(join(tmpdir(), 'sigma-pages-'));
const pages = join(directory, 'dist');
let listener: Listener;

before(async () => {
  mkdirSync(join(pages, 'assets'), { recursive: true });
  writeFileSync(join(pages, 'index.html'), '<title>page</title>');
  writeFileSync(join(pages, 'assets', 'main-a1b2c3d4.js'), 'run()');
  writeFileSync(join(pages, '.secret'), 'hidden');
  writeFileSync(join(directory, 'outside.txt'), 'outside');
  listener = await listen('127.0.0.1', 0, (asked, response) => {
    if (serveStatic(pages, (asked.url ?? '').split('?')[0] as string, asked, response)) return;
    response.writeHead(404);
    response.end();
  });
});
after(async () => {
  await listener.close();
  rmSync(directory, { recursive: true });
});

/** Asks for exactly this path; `fetch` would tidy it first. */
const get = (path: string, method = 'GET'): Promise<string> =>
  new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: listener.port, path, method, agent: false }, (answer) => {
      let body = '';
      answer.on('data', (chunk) => {
        body += chunk;
      });
      answer.on('end', () =>
        resolve(
          `${answer.statusCode} ${answer.headers['content-type'] ?? '-'} ${answer.headers['cache-control'] ?? '-'} ${body}`,
        ),
      );
    });
    asked.on('error', reject).end();
  });

test('the page, its files, and its own routes after a reload', async () => {
  assert.equal(await get('/'), '200 text/html; charset=utf-8 no-cache <title>page</title>');
  assert.equal(await get('/robots/r1'), '200 text/html; charset=utf-8 no-cache <title>page</title>');
  assert.equal(
    await get('/assets/main-a1b2c3d4.js'),
    '200 text/javascript; charset=utf-8 public, max-age=31536000, immutable run()',
  );
  assert.match(await get('/assets/missing.js'), /^404/);
  assert.match(await get('/', 'POST'), /^404/);
});

test('text goes out packed to whoever takes it, and as it is to whoever does not', async () => {
  const script = 'run();'.repeat(2_000);
  writeFileSync(join(pages, 'assets', 'large-a1b2c3d4.js'), script);
  writeFileSync(join(pages, 'picture.png'), script);
  const ask = (path: string, accepted: string): Promise<readonly [encoding: string | undefined, body: Buffer]> =>
    new Promise((resolve, reject) => {
      const headers = { 'accept-encoding': accepted };
      const asked = request({ host: '127.0.0.1', port: listener.port, path, headers, agent: false }, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('end', () => resolve([answer.headers['content-encoding'], Buffer.concat(parts)]));
      });
      asked.on('error', reject).end();
    });
  const [encoding, body] = await ask('/assets/large-a1b2c3d4.js', 'br;q=1.0, gzip;q=0.8');
  assert.equal(encoding, 'gzip');
  assert.ok(body.length < script.length / 10, `${body.length} bytes`);
  assert.equal(gunzipSync(body).toString(), script);
  for (const refusing of ['identity', 'gzip;q=0', 'gzip;q=0.0, br']) {
    const [plain, whole] = await ask('/assets/large-a1b2c3d4.js', refusing);
    assert.equal(plain, undefined, refusing);
    assert.equal(whole.toString(), script);
  }
  assert.equal((await ask('/picture.png', 'gzip'))[0], undefined, 'what is packed already stays as it is');
});

test('nothing outside the folder, and nothing hidden in it', async () => {
  for (const path of [
    '/../outside.txt',
    '/%2e%2e/outside.txt',
    '/assets/..%2f..%2foutside.txt',
    '/.secret',
    '/a%00b',
    '/%zz',
  ]) {
    assert.doesNotMatch(await get(path), /outside|hidden/, path);
  }
});

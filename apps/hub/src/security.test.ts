import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import * as proto from '@sigma/proto';
import pg from 'pg';
import { FakeEdge } from '../testing/fake-edge.ts';
import { layDatabase } from '../testing/laid-database.ts';
import { oneAtATime } from '../testing/one-at-a-time.ts';
import { roleOf } from './door/authorise.ts';
import { restRoutes } from './door/rest.ts';
import { type Hub, startHub } from './index.ts';

const services = Object.values(proto as Readonly<Record<string, unknown>>).filter(
  (value): value is DescService => (value as { readonly kind?: unknown } | null)?.kind === 'service',
);
const methods = services.flatMap((service) => service.methods);
const directory = mkdtempSync(join(tmpdir(), 'sigma-walk-'));
/** What the process wrote while the hub ran. */
let written = '';
let restore = (): void => undefined;
let hub: Hub;
let password = '';
let session = '';

before(async () => {
  restore = overhear();
  const site = { json: '{}', digest: 'd1' };
  hub = await startHub({
    tenant: 'acme',
    dataDir: await layDatabase(directory),
    port: 0,
    site,
    supervisor: oneAtATime,
    faults: ['heat'],
  });
  password = hub.operator.password ?? '';
  session = (await signIn(password)).headers.get('set-auth-token') ?? '';
  assert.notEqual(session, '');
});
after(async () => {
  restore();
  await hub.close();
  rmSync(directory, { recursive: true, force: true });
});

function overhear(): () => void {
  const ends = [process.stdout, process.stderr].map((stream) => {
    const write = stream.write.bind(stream);
    stream.write = ((chunk: string | Uint8Array, ...rest: never[]) => {
      written += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
      return write(chunk, ...rest);
    }) as typeof stream.write;
    return () => {
      stream.write = write;
    };
  });
  return () => {
    for (const end of ends) end();
  };
}

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${hub.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
const signIn = (secret: string) => post('/api/auth/sign-in/email', { email: 'operator@sigma.local', password: secret });

/** Speaks to the database as its owner, as an administrator with the machine would. */
async function asOwner<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const port = Number(readFileSync(join(directory, 'pg', 'postmaster.pid'), 'utf8').split('\n')[3]);
  const secret = readFileSync(join(directory, 'keys', 'postgres'), 'utf8').trim();
  const client = new pg.Client(`postgres://sigma:${secret}@127.0.0.1:${port}/postgres`);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
const become = (role: string) => asOwner((client) => client.query('update "user" set role = $1', [role]));

/** How the door answers a call with nothing in it, before the call itself is looked at. */
async function answerTo(method: DescMethod, token: string | null): Promise<string> {
  const headers = new Headers(token === null ? {} : { authorization: `Bearer ${token}` });
  const transport = createGrpcTransport({ baseUrl: hub.url });
  const signal = AbortSignal.timeout(45_000);
  try {
    const empty = (async function* () {
      yield {};
    })();
    if (method.methodKind === 'unary') {
      await transport.unary(method as never, signal, undefined, headers, {});
    } else {
      const { message } = await transport.stream(method as never, signal, undefined, headers, empty as never);
      for await (const _ of message) break;
    }
    return 'answered';
  } catch (error) {
    return Code[ConnectError.from(error).code] ?? 'Unknown';
  }
}

test('every method of every service, over gRPC: nobody without credentials, an edge only to its own, a viewer to nothing that changes', async () => {
  await become('viewer');
  for (const method of methods) {
    const name = `${method.parent.name}.${method.name}`;
    const least = roleOf(method);
    // The last one is the token as it stands in the database, without the hub's signature over it.
    const wrong = [null, 'guess', `${hub.joinToken}x`, hub.joinToken.slice(0, -1), session.split('.')[0] as string];
    for (const nobody of wrong)
      assert.equal(await answerTo(method, nobody), 'Unauthenticated', `${name} with '${nobody?.slice(0, 3)}'`);
    if (least !== proto.Role.EDGE) assert.equal(await answerTo(method, hub.joinToken), 'PermissionDenied', name);
    const viewer = await answerTo(method, session);
    if (least !== proto.Role.VIEWER) assert.equal(viewer, 'PermissionDenied', name);
    else
      assert.ok(!['PermissionDenied', 'Unauthenticated', 'Internal', 'Unknown'].includes(viewer), `${name}: ${viewer}`);
  }
  await become('operator');
  for (const method of methods) {
    if (roleOf(method) <= proto.Role.OPERATOR || roleOf(method) === proto.Role.EDGE) continue;
    assert.equal(await answerTo(method, session), 'PermissionDenied', method.name);
  }
  await become('administrator');
});

test('every REST route keeps the same door', async () => {
  await become('viewer');
  for (const route of restRoutes(services)) {
    const path = route.path.replace(/\{\w+\}/g, (name) => (name === '{source}' || name.endsWith('_id}') ? 'r1' : '1'));
    const least = roleOf(route.method);
    const call = async (token: string | null): Promise<number> => {
      const answer = await fetch(`${hub.url}${path}`, {
        method: route.verb,
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(route.fromQuery ? {} : { 'content-type': 'application/json' }),
        },
        ...(route.fromQuery ? {} : { body: '{}' }),
      });
      await answer.arrayBuffer();
      return answer.status;
    };
    assert.equal(await call(null), 401, route.path);
    assert.equal(await call('guess'), 401, route.path);
    if (least !== proto.Role.EDGE) assert.equal(await call(hub.joinToken), 403, route.path);
    if (least > proto.Role.VIEWER || least === proto.Role.EDGE) assert.equal(await call(session), 403, route.path);
  }
  await become('administrator');
});

test('nobody makes himself more than he is, or makes accounts', async () => {
  await become('viewer');
  const headers = { authorization: `Bearer ${session}` };
  const raised = await post('/api/auth/update-user', { name: 'Root', role: 'administrator' }, headers);
  assert.ok(raised.status === 400 || raised.status === 200, String(raised.status));
  const [row] = (await asOwner((client) => client.query('select role from "user"'))).rows as { role: string }[];
  assert.equal(row?.role, 'viewer');
  await post('/api/auth/sign-up/email', {
    email: 'eve@example.org',
    name: 'Eve',
    password: 'a-long-password',
    role: 'administrator',
  });
  assert.equal((await asOwner((client) => client.query('select 1 from "user"'))).rows.length, 1);
  await become('administrator');
});

test('[L7] an edge of another tenant, or one that names an agent of another edge, is turned away', async () => {
  const own = new FakeEdge({ url: hub.url, joinToken: hub.joinToken, agentIds: ['r1'], edgeId: 'e1' });
  await own.linked();
  for (const [over, reason] of [
    [{ tenant: 'other', edgeId: 'e2' }, /tenant 'other' is not served here/],
    [{ tenant: '', edgeId: 'e2' }, /is not served here/],
    [{ edgeId: 'e2' }, /served by edge 'e1'/],
    [{ edgeId: '../e1' }, /no edge id/],
  ] as const) {
    const foreign = new FakeEdge({ url: hub.url, joinToken: hub.joinToken, agentIds: ['r1'], ...over });
    await foreign.ended;
    assert.match(foreign.refusal, reason);
  }
  const fleet = createClient(proto.FleetService, createGrpcTransport({ baseUrl: hub.url }));
  const headers = { authorization: `Bearer ${session}` };
  const { receipts } = await fleet.stopAgents({ agentIds: ['r1'], stop: 'normal' }, { headers });
  assert.deepEqual([receipts[0]?.outcome, own.orders.length], ['accepted', 1], 'orders still go to its own edge');
  await own.cut();
});

test('pages may run their own module worker and WebAssembly, and load nothing foreign', async () => {
  for (const path of ['/', '/api', '/healthz', '/api/openapi.json', '/nowhere', '/api/v1/nowhere']) {
    const answer = await fetch(`${hub.url}${path}`);
    await answer.arrayBuffer();
    const policy = new Map(
      (answer.headers.get('content-security-policy') ?? '').split('; ').map((rule) => {
        const [name, ...sources] = rule.split(' ');
        return [name as string, sources];
      }),
    );
    assert.ok(policy.get('worker-src')?.includes("'self'"), path);
    assert.deepEqual(policy.get('script-src'), ["'self'", "'wasm-unsafe-eval'"], path);
    for (const [rule, sources] of policy) {
      for (const source of sources)
        assert.match(
          source,
          /^('self'|'none'|'wasm-unsafe-eval'|'unsafe-inline'|'sha256-.*'|blob:|data:)$/,
          `${path} ${rule}`,
        );
      if (rule !== 'style-src') assert.ok(!sources.includes("'unsafe-inline'"), `${path} ${rule}`);
    }
    for (const rule of ['default-src', 'object-src', 'base-uri', 'frame-ancestors']) assert.ok(policy.has(rule), rule);
  }
});

test('only the owner reads keys and record; no secret stands in the record, in the database or in what is printed', async () => {
  assert.equal(statSync(join(directory, 'keys')).mode & 0o777, 0o700);
  assert.equal(statSync(join(directory, 'pg')).mode & 0o077, 0);
  const names = readdirSync(join(directory, 'keys'));
  assert.ok(names.length >= 5, names.join(' '));
  for (const name of names) assert.equal(statSync(join(directory, 'keys', name)).mode & 0o777, 0o600, name);
  const files = readdirSync(directory).filter((name) => name.startsWith('hub.sqlite'));
  assert.ok(files.length >= 2, 'the record and its log');
  for (const name of files) assert.equal(statSync(join(directory, name)).mode & 0o077, 0, name);

  const secrets = new Map(names.map((name) => [name, readFileSync(join(directory, 'keys', name), 'utf8').trim()]));
  secrets.set('orders.pem', (secrets.get('orders.pem') ?? '').split('\n')[1] ?? '');
  secrets.set('password', password);
  for (const [name, secret] of secrets) {
    assert.ok(secret.length >= 16, name);
    assert.ok(!written.includes(secret), `${name} was printed`);
    for (const file of files)
      assert.ok(!readFileSync(join(directory, file)).includes(secret), `${name} stands in ${file}`);
  }
  const dump = await asOwner(async (client) => {
    const tables = await client.query(`select tablename from pg_tables where schemaname = 'public'`);
    let text = '';
    for (const { tablename } of tables.rows) {
      const { rows } = await client.query(`select t::text as row from "${tablename}" t`);
      text += rows.map(({ row }) => `${row}\n`).join('');
    }
    return text;
  });
  for (const [name, secret] of secrets) assert.ok(!dump.includes(secret), `${name} stands in the database`);
  assert.ok(!written.includes(session));
});

test('guessing a password is slowed down, for the right one as well', async () => {
  const statuses: number[] = [];
  for (let k = 0; k < 12; k++) statuses.push((await signIn('wrong wrong wrong')).status);
  assert.ok(statuses.includes(429), statuses.join(' '));
  assert.equal((await signIn(password)).status, 429);
});

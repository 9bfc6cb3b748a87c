import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const home = mkdtempSync(join(tmpdir(), 'sigma-landing-full-'));
after(() => rmSync(home, { recursive: true }));
const disk = join(home, 'disk');
mkdirSync(disk);

/** A disk of 4 MB that only the program sees, and that is gone with it. */
const DISK = ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c'];
const onSmallDisk = (then: string): readonly string[] => [...DISK, `mount -t tmpfs -o size=4m tmpfs "$0" && ${then}`];
const run = (command: readonly string[], ...more: readonly string[]) =>
  spawnSync(command[0] ?? '', [...command.slice(1), disk, ...more], { encoding: 'utf8' });
const skip =
  run(onSmallDisk('true')).status === 0 ? false : 'needs Linux that lets a user mount a disk of its own (unshare)';

const url = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);

/** Small commits until the disk, which something else fills meanwhile, has no room for what landed. */
const PROGRAM = `
  import { existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
  import { openSqliteRecorder, openSqliteRecording, openSqliteStore, sha256 } from ${url('./sqlite-store.ts')};
  import { verify } from ${url('../../src/index.ts')};
  import { testChain } from ${url('../../testing/chains.ts')};
  const [disk, how] = process.argv.slice(2);
  const path = disk + '/site.db';
  const told = (error) => ({ name: error.name, message: error.message });
  const read = async () => {
    const reader = openSqliteRecording(path);
    const { ok, events } = await verify(reader, { sha256, reexecutors: {} });
    await reader.close();
    return { ok, events };
  };
  const open = how === 'thread' ? openSqliteRecorder : async (path) => openSqliteStore(path, { landing: true });
  const store = await open(path);
  const chain = testChain('r01', sha256);
  await store.append([chain.begin()]);
  let acknowledged = 1;
  const add = async (store) => {
    const block = chain.notes(3, 900);
    await store.append([block]);
    acknowledged = block.firstSequence + block.count - 1;
  };
  for (let n = 0; n < 20; n++) await add(store);
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(disk + '/other', new Uint8Array(bavail * bsize));
  const full = [];
  for (let n = 0; n < 400 && full.length === 0; n++) await add(store).catch((error) => full.push(told(error)));
  const after = acknowledged;
  await add(store).catch((error) => full.push(told(error)));
  const said = { full, acknowledged: after, seen: await read() };
  await store.close();
  said.closed = await read();
  said.landing = existsSync(path + '-landing');
  said.again = await open(path).then(() => null, told);
  said.still = await read();
  rmSync(disk + '/other');
  const next = await open(path);
  const [end] = await next.heads();
  said.found = end.sequence;
  await next.append([testChain('r02', sha256).begin()]);
  await next.close();
  said.whole = await read();
  said.left = existsSync(path + '-landing');
  console.log(JSON.stringify(said));
`;

interface Told {
  readonly name: string;
  readonly message: string;
}
interface Seen {
  readonly ok: boolean;
  readonly events: number;
}

for (const how of ['called', 'thread'] as const) {
  test(`[R48] [R137] [L3] the disk is full when what landed is to go into the database (${how}): the store says so, takes no more, and all that was acknowledged is read and goes on when there is room`, {
    skip,
  }, () => {
    const program = join(home, 'program.mjs');
    writeFileSync(program, PROGRAM);
    const { stdout, stderr } = run(
      onSmallDisk(`exec "$1" --no-warnings "$2" "$0" "$3"`),
      process.execPath,
      program,
      how,
    );
    assert.notEqual(stdout, '', stderr);
    const said = JSON.parse(stdout) as Readonly<Record<'seen' | 'closed' | 'still' | 'whole', Seen>> & {
      readonly full: readonly Told[];
      readonly again: Told | null;
      readonly acknowledged: number;
      readonly found: number;
      readonly landing: boolean;
      readonly left: boolean;
    };
    const { full, again, acknowledged } = said;
    assert.ok(acknowledged > 61, `${acknowledged}: some landed on the full disk`);
    assert.equal(full.length, 2, 'final');
    for (const { name, message } of [...full, again ?? { name: 'none', message: 'it opened without room' }]) {
      assert.equal(name, 'StoreFullError', message);
      assert.match(message, /site\.db: no room is left.*open it again; everything acknowledged is safe/);
    }
    assert.equal(said.landing, true);
    for (const when of ['seen', 'closed', 'still'] as const) {
      assert.equal(said[when].ok, true, when);
      assert.ok(said[when].events >= acknowledged, `${when}: ${said[when].events} of ${acknowledged}`);
    }
    assert.ok(said.found >= acknowledged, `${said.found} of ${acknowledged}`);
    assert.deepEqual([said.whole.ok, said.whole.events, said.left], [true, said.found + 1, false]);
  });
}

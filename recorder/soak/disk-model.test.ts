import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiskModel, type Image, STYLES } from './disk-model.ts';
import { type FileCall, parseTrace } from './strace.ts';

const FOLDER = '/d';
const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);
let syncs = 0;
const sync = (fd: number, ok = true): FileCall[] => {
  syncs++;
  return [
    { kind: 'sync-begins', fd, sync: syncs },
    { kind: 'sync-ends', fd, sync: syncs, ok },
  ];
};
const open = (name: string, fd: number): FileCall => ({
  kind: 'open',
  path: name === '' ? FOLDER : `${FOLDER}/${name}`,
  fd,
  truncates: false,
});
const write = (fd: number, offset: number, content: Uint8Array): FileCall => ({
  kind: 'write',
  fd,
  offset,
  bytes: content,
});

function disk(...calls: readonly (FileCall | readonly FileCall[])[]): DiskModel {
  const model = new DiskModel(FOLDER, (name) => name.endsWith('-shm'));
  for (const call of calls.flat()) model.apply(call);
  return model;
}

/** What a file may look like: for each sector the first byte, or `-` for a file that is not there. */
const shapes = (images: readonly Image[] | null, name: string): string[] => {
  const shape = (image: Image): string => {
    const content = image.get(name);
    if (content === undefined) return '-';
    return Array.from({ length: Math.ceil(content.length / 512) }, (_, n) => content[n * 512]).join('');
  };
  return [...new Set((images ?? []).map(shape))].sort();
};

const made = [open('a', 3), open('', 4), sync(4)];

test('[L3] what was written before a sync of file and folder is in every image; what came after, sector by sector', () => {
  const model = disk(...made, write(3, 0, bytes(1024, 1)), sync(3), write(3, 0, bytes(1024, 2)));
  assert.deepEqual(shapes(model.everyImage(64), 'a'), ['11', '12', '21', '22']);
  assert.equal(disk(...made, write(3, 0, bytes(1024, 1)), sync(3)).open, 0);
});

test('[L3] a sector written twice since the sync may hold either version, or the one before', () => {
  const model = disk(
    ...made,
    write(3, 0, bytes(512, 1)),
    sync(3),
    write(3, 0, bytes(512, 2)),
    write(3, 0, bytes(512, 3)),
  );
  assert.deepEqual(shapes(model.everyImage(64), 'a'), ['1', '2', '3']);
});

test('[L3] size comes or stays away by itself: a longer file may hold zeros where nothing arrived', () => {
  const model = disk(...made, write(3, 0, bytes(1024, 1)));
  assert.deepEqual(shapes(model.everyImage(64), 'a'), ['', '00', '01', '10', '11']);
});

test('[L3] a file whose name was not synced may not be there, though its content was; an unlinked one may be back', () => {
  const model = disk(open('a', 3), write(3, 0, bytes(512, 1)), sync(3));
  assert.deepEqual(shapes(model.everyImage(64), 'a'), ['-', '1']);
  model.apply(open('', 4));
  for (const call of sync(4)) model.apply(call);
  model.apply({ kind: 'unlink', path: '/d/a' });
  assert.deepEqual(shapes(model.everyImage(64), 'a'), ['-', '1']);
  for (const call of sync(4)) model.apply(call);
  assert.deepEqual(shapes(model.everyImage(64), 'a'), ['-']);
});

test('[L3] [R48] after a failed sync no later one saves what was in doubt, unless it is written again', () => {
  const model = disk(...made, write(3, 0, bytes(4096, 1)), sync(3, false), write(3, 4096, bytes(512, 2)), sync(3));
  const images = STYLES.map((style) => model.image(style, 1));
  assert.ok(images.some((image) => image.get('a')?.[0] !== 1 && image.get('a')?.[4096] === 2));
  for (const call of [write(3, 0, bytes(4096, 1)), ...sync(3)]) model.apply(call);
  assert.equal(model.open, 0);
});

test('[L3] what is written while a sync runs is not covered by it', () => {
  const model = disk(...made, write(3, 0, bytes(512, 1)));
  model.apply({ kind: 'sync-begins', fd: 3, sync: 900 });
  model.apply(write(3, 0, bytes(512, 2)));
  model.apply({ kind: 'sync-ends', fd: 3, sync: 900, ok: true });
  assert.deepEqual(shapes(model.everyImage(64), 'a'), ['1', '2']);
});

test('[L3] every style gives a legal image', () => {
  const model = disk(
    ...made,
    write(3, 0, bytes(1536, 1)),
    sync(3),
    write(3, 0, bytes(512, 2)),
    write(3, 1024, bytes(512, 2)),
  );
  const legal = shapes(model.everyImage(64), 'a');
  for (let seed = 0; seed < 40; seed++) {
    for (const style of STYLES) {
      const [shape = ''] = shapes([model.image(style, seed)], 'a');
      assert.ok(legal.includes(shape), `${style} ${seed}: ${shape}`);
    }
  }
});

test('[L3] a trace is read in the order of effects: writes as they begin, syncs as they return', () => {
  const trace = [
    '10 openat(AT_FDCWD, "\\x2f\\x64\\x2f\\x61", O_RDWR|O_CREAT, 0644) = 5',
    '10 pwrite64(5, "\\x01\\x02", 2, 7) = 2',
    '10 fsync(5 <unfinished ...>',
    '11 write(1, "\\x72\\x30\\x31", 3) = 3',
    '11 pwrite64(5, "\\x03", 1, 9 <unfinished ...>',
    '10 <... fsync resumed>) = -1 EIO (Input/output error) (INJECTED)',
    '11 <... pwrite64 resumed>) = 1',
    '10 unlink("\\x2f\\x64\\x2f\\x62") = -1 ENOENT (No such file or directory)',
    '10 +++ exited with 0 +++',
  ];
  const calls = parseTrace(trace.join('\n'));
  assert.deepEqual(
    calls.map((call) => call.kind),
    ['open', 'write', 'sync-begins', 'write', 'write', 'fault', 'sync-ends'],
  );
  assert.deepEqual(calls[0], { kind: 'open', path: '/d/a', fd: 5, truncates: false });
  assert.deepEqual(calls[1], { kind: 'write', fd: 5, offset: 7, bytes: Uint8Array.of(1, 2) });
  assert.deepEqual(calls.at(-1), { kind: 'sync-ends', fd: 5, sync: 1, ok: false });
  assert.throws(() => parseTrace('1 fallocate(5, 0, 0, 4096) = 0'), /does not know fallocate/);
});

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  ChainWriter,
  decodeOpening,
  EVENT_TYPE,
  type EventDraft,
  eventsOf,
  type Opening,
  openingEvent,
} from '@sigma/recorder';
import { openSqliteRecorder, openSqliteRecording, sha256 } from '@sigma/recorder/sqlite';
import type { ForkRequest } from './fork-request.ts';
import { makeFork } from './make-fork.ts';
import { TenantError, tenantTimeline } from './one-tenant.ts';
import { openWithParents } from './parents.ts';
import { parsePolicyFile } from './policy-file.ts';
import { whatIf } from './what-if.ts';

const GOLDEN = fileURLToPath(new URL('../../golden/', import.meta.url));
const SLOW = `{"id": "slow", "rate": "situation", "when": "robot.speed_mps > 0.3", "rationale": "slowly",
  "effect": {"type": "restrict", "restriction": {"atMost": {"speedMps": 0.2}, "forbid": []}}}`;
const ACME = 'acme';
let folder = '';
let both = '';
let alone = '';
/** Who wrote the recording that both have. */
let first = '';
/** A robot of both tenants. */
let robot = '';

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sigma-tenants-'));
  [both, alone] = [join(folder, 'both.sqlite'), join(folder, 'alone.sqlite')];
  const golden = readdirSync(GOLDEN).filter((name) => name.endsWith('.sqlite'));
  const from = openSqliteRecording(join(GOLDEN, golden.at(-1) as string));
  const [together, own] = [await openSqliteRecorder(both), await openSqliteRecorder(alone)];
  for (const head of await from.heads()) {
    const drafts: EventDraft[] = [];
    let opening: Opening | null = null;
    for await (const event of eventsOf(from, head)) {
      if (event.type === EVENT_TYPE.opening) opening = decodeOpening(event);
      else drafts.push(event);
    }
    if (opening === null) continue;
    first = opening.tenant;
    for (const [store, tenant] of [
      [together, first],
      [own, first],
      [together, ACME],
    ] as const) {
      // Only one robot of the other tenant, with the same name.
      if (tenant === ACME && (opening.model !== 'fleet' || robot !== '')) continue;
      if (tenant === ACME) robot = opening.source;
      const writer = new ChainWriter({ ...opening, tenant }, sha256);
      await store.append([writer.seal([openingEvent({ ...opening, tenant })]), writer.seal(drafts)]);
    }
  }
  for (const one of [from, together, own]) await one.close();
});
after(() => rmSync(folder, { recursive: true, force: true }));

const tried = async (recording: string, tenant: string | null, agents: readonly string[] = []) => {
  const policy = parsePolicyFile('slow.json', SLOW);
  const span = { fromUs: null, untilUs: null, threads: 1, hubDir: folder, facts: false };
  const { chains, flips } = await whatIf({ policy, recordings: [recording], tenant, agents, ...span });
  return { chains: chains.map(({ recording: _, named: __, ...chain }) => chain), flips: flips.length };
};

test('[L7] of a recording of two tenants only the one that was asked for is weighed, also where both have a robot of that name', async () => {
  const mine = await tried(both, first);
  assert.deepEqual(mine, await tried(alone, first), 'as if the other were not there');
  assert.ok(mine.flips > 0);
  assert.deepEqual(new Set(mine.chains.map(({ tenant }) => tenant)), new Set([first]));
  const theirs = await tried(both, ACME, [robot]);
  assert.deepEqual(
    theirs.chains.map(({ tenant, source }) => `${tenant}/${source}`),
    [`${ACME}/${robot}`],
  );
});

test('[L7] nothing is weighed or forked where several tenants are and none was named, or of one who is not there', async () => {
  await assert.rejects(tried(both, null), TenantError);
  await assert.rejects(tried(both, 'nobody'), TenantError);
  assert.ok((await tried(alone, null)).flips > 0, 'the only one need not be named');
  const policy = parsePolicyFile('slow.json', SLOW);
  const nothing = { agents: [robot], policy, parameters: {}, without: [], orders: [], faults: [], what: 'nothing' };
  const request: ForkRequest = { ...nothing, atUs: 2_000_000, forUs: 30_000_000 };
  const { timeline, close } = await openWithParents(both, folder);
  try {
    await assert.rejects(makeFork(timeline, request, join(folder, 'none.sqlite')), TenantError);
    const out = join(folder, 'fork.sqlite');
    await makeFork(tenantTimeline(timeline, ACME), request, out);
    const fork = openSqliteRecording(out);
    const heads = await fork.heads();
    await fork.close();
    assert.deepEqual(
      heads.map(({ tenant, source }) => `${tenant}/${source}`),
      [`${ACME}/${robot}`],
    );
    const { chains } = await tried(out, null);
    assert.deepEqual(new Set(chains.map(({ tenant }) => tenant)), new Set([ACME]), 'of the parent, too, only theirs');
    await assert.rejects(tried(out, first), TenantError);
  } finally {
    await close();
  }
});

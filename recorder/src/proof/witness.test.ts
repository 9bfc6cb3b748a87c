import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { ed25519Key, ed25519Verify } from '../../keys/ed25519.ts';
import { testChain } from '../../testing/chains.ts';
import { MemoryStore } from '../../testing/memory-store.ts';
import type { Sha256 } from '../event.ts';
import { checkpointText, logKey, openCheckpoint, signCheckpoint } from './checkpoint.ts';
import { type ChainTree, openTree } from './event-proof.ts';
import { formatSignature, signText } from './note.ts';
import { type RefusalKind, type Testimony, type WitnessState, witness } from './witness.ts';

const sha256: Sha256 = (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer'));
const key = ed25519Key(new Uint8Array(32).fill(1));
const hub = { name: 'sigma/acme/hub', key: ed25519Key(new Uint8Array(32).fill(2)), ed25519: ed25519Verify, sha256 };

/** A source's tree after `blocks` blocks of three notes; `padding` makes it another history. */
async function treeOf(blocks: number, padding = 0): Promise<ChainTree> {
  const store = new MemoryStore();
  const chain = testChain('r17', sha256);
  await store.append([chain.begin(), ...Array.from({ length: blocks }, (_, i) => chain.notes(3, i < 2 ? padding : 0))]);
  return openTree(store, chain.opening, sha256);
}

const chain = testChain('r17', sha256).opening;
const fresh: WitnessState = { log: logKey(chain, key.publicKey), seen: null };

async function offer(state: WitnessState, tree: ChainTree): Promise<Testimony> {
  const note = signCheckpoint(chain, await tree.head(), key, sha256);
  const from = Math.min(state.seen?.size ?? 0, tree.size);
  return witness(state, note, await tree.consistency(from), 1_700_000_000, hub);
}

function refused(testimony: Testimony, kind: RefusalKind): Extract<Testimony, { result: 'refused' }> {
  assert.ok(testimony.result === 'refused', 'it was cosigned');
  assert.equal(testimony.refusal.kind, kind);
  return testimony;
}

test('[R95] a log that grows is cosigned at every step, and its cosignatures hold', async () => {
  let state = fresh;
  for (const blocks of [1, 2, 2, 7, 30]) {
    const tree = await treeOf(blocks);
    const testimony = await offer(state, tree);
    assert.ok(testimony.result === 'cosigned', JSON.stringify(testimony));
    state = testimony.state;
    assert.equal(state.seen?.size, 1 + 3 * blocks);
    const note = `${state.seen?.note}${testimony.cosignature}`;
    const trusted = { name: hub.name, role: 'witness', publicKey: hub.key.publicKey } as const;
    const { signers } = openCheckpoint(note, { keys: [fresh.log, trusted], ed25519: ed25519Verify, sha256 });
    assert.equal(signers[1]?.timeS, 1_700_000_000);
  }
});

test('[R96] [L4] rollback, fork and a rewritten past are refused, located, and shown with both signed heads', async () => {
  const grown = await offer(fresh, await treeOf(5));
  assert.ok(grown.result === 'cosigned');
  const { state } = grown;
  const rollback = refused(await offer(state, await treeOf(3)), 'rollback');
  assert.deepEqual([rollback.refusal.fromSequence, rollback.refusal.toSequence], [11, 16]);
  const fork = refused(await offer(state, await treeOf(5, 1)), 'fork');
  assert.deepEqual([fork.refusal.fromSequence, fork.refusal.toSequence], [1, 16]);
  const rewritten = refused(await offer(state, await treeOf(9, 1)), 'inconsistent');
  assert.deepEqual([rewritten.refusal.fromSequence, rewritten.refusal.toSequence], [1, 16]);
  for (const { state: after, refusal } of [rollback, fork, rewritten]) {
    assert.equal(after, state, 'a refusal changes nothing');
    const trust = { keys: [fresh.log], ed25519: ed25519Verify, sha256 };
    assert.ok(openCheckpoint(refusal.seen ?? '', trust).size > 0, 'the log signed both sides');
    assert.ok(openCheckpoint(refusal.offered, trust).size > 0);
    assert.match(refusal.message, /^sigma\/acme\/r17\/0: /);
  }
  const next = await treeOf(8);
  const note = signCheckpoint(chain, await next.head(), key, sha256);
  refused(witness(state, note, [], 1, hub), 'inconsistent');
  assert.equal((await offer(state, next)).result, 'cosigned', 'the honest log goes on');
});

test('[R96] what the log did not sign, and what another log signed, is not cosigned', async () => {
  const tree = await treeOf(2);
  const forged = signCheckpoint(chain, await tree.head(), hub.key, sha256);
  refused(witness(fresh, forged, [], 1, hub), 'unsigned');
  refused(witness(fresh, 'nonsense', [], 1, hub), 'unsigned');
  const note = signCheckpoint(chain, await tree.head(), key, sha256);
  refused(witness(fresh, note.replace('\n7\n', '\n8\n'), [], 1, hub), 'unsigned');
  const text = note.replace('sigma/acme/r17/0\n', 'sigma/acme/r18/0\n');
  refused(witness(fresh, text, [], 1, hub), 'unsigned');
  const other = checkpointText('sigma/acme/r18/0', await tree.head());
  const signed = formatSignature(signText(other, fresh.log.name, key, sha256));
  refused(witness(fresh, `${other}\n${signed}`, [], 1, hub), 'stranger');
});

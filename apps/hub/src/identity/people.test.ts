import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, createContextValues } from '@connectrpc/connect';
import { LeaseHeldSchema, ListActsResponseSchema, WatchSiteResponseSchema } from '@sigma/proto';
import { decodeSignal, type RecordedEvent } from '@sigma/recorder';
import { decodeSealed, openSealed, PeopleFile, SEALED_TYPE } from '@sigma/recorder/personal';
import { names } from '../door/names.ts';
import type { HubEvent } from '../roles/arbitration/hub-record.ts';
import { People } from './people.ts';
import { PRINCIPAL } from './principal.ts';
import { WrittenTexts } from './written-texts.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-aliases-'));
after(() => rmSync(home, { recursive: true }));
let made = 0;
const fresh = (): string => join(home, `${made++}.sqlite`);
const ANN = 'ann@example.org';

describe('people of a hub', () => {
  test('[R179] bear an alias by chance that stays the same, and is only read here', () => {
    const path = fresh();
    const people = new People(path);
    const holder = people.holderOf(ANN);
    assert.match(holder, /^operator:[0-9a-f]{32}$/);
    assert.equal(new People(path).holderOf(ANN), holder);
    assert.notEqual(people.holderOf('bob@example.org'), holder);
    assert.equal(people.named(`${holder} holds it`), `operator:${ANN} holds it`);
    assert.equal(people.named('operator:ann and operator:0123'), 'operator:ann and operator:0123');
    const stranger = `operator:${'0'.repeat(32)}`;
    assert.equal(people.named(stranger), stranger);
  });

  test('[R179] are taken out of texts by their address, and put back for people to read', () => {
    const people = new People(fresh());
    const alias = people.holderOf(ANN).slice('operator:'.length);
    const text = `operator:${ANN} made an account for ${ANN}, not for x@y.z`;
    const kept = people.unnamed(text);
    assert.equal(kept, `operator:${alias} made an account for person:${alias}, not for x@y.z`);
    assert.equal(people.named(kept), text);
    assert.equal(people.unnamed('(Ann@Example.org)'), `(person:${alias})`);
  });

  test('[R172][R174][R179] are introduced on record once, sealed, and nobody tells who it was once they are erased', async () => {
    const path = fresh();
    const recorded: HubEvent[] = [];
    const people = new People(path);
    people.introduceTo({ append: async (event) => void recorded.push(event) });
    const holder = people.holderOf(ANN);
    people.holderOf(ANN);
    while (recorded.length === 0) await new Promise(setImmediate);
    const [event] = recorded as [HubEvent];
    assert.equal(event.type, SEALED_TYPE);
    assert.equal(Buffer.from(event.data).includes('ann'), false);
    const file = new PeopleFile(path);
    const asRecorded: RecordedEvent = { ...event, sequence: 1, atUs: 0, timeUs: 0 };
    const secret = file.secretOf(decodeSealed(event.data).subject);
    assert.ok(secret !== null);
    const { name, body } = decodeSignal((await openSealed(asRecorded, secret)).data);
    assert.deepEqual([name, body], ['hub.person', { email: ANN }]);
    assert.equal(recorded.length, 1);
    file.erase(ANN, { by: 'dpo', why: 'request', timeUs: 1 });
    assert.equal(file.secretOf(decodeSealed(event.data).subject), null);
    assert.equal(readFileSync(`${path}.people`, 'utf8').includes('ann'), false);
    const after = new People(path);
    assert.equal(after.named(holder), holder);
    assert.notEqual(after.holderOf(ANN), holder, 'who comes again is somebody new');
  });
});

describe('the door', () => {
  const people = new People(fresh());
  const holder = people.holderOf(ANN);
  const person = { kind: 'person', id: '1', email: ANN, holder, role: 4 } as const;
  const texts = new WrittenTexts({
    people,
    record: { append: async () => undefined },
    store: { add: async () => undefined, find: async () => [], ids: async () => [] },
  });
  const asked = (output: unknown, next: () => Promise<unknown>, principal: unknown = person) => {
    const contextValues = createContextValues();
    contextValues.set(PRINCIPAL, principal as typeof person);
    return names({ people, texts })(next as never)({ contextValues, method: { output } } as never);
  };

  test('[R179] names people in answers, without changing what others hold of them', async () => {
    const act = { id: 'a', actor: holder, targets: [holder.replace('operator', 'person'), 'r1'], summary: 'did it' };
    const message = create(ListActsResponseSchema, { acts: [act] });
    const answer = await asked(ListActsResponseSchema, async () => ({ stream: false, message }));
    const [told] = (answer.message as unknown as typeof message).acts;
    assert.deepEqual([told?.actor, told?.targets], [`operator:${ANN}`, [ANN, 'r1']]);
    assert.equal(message.acts[0]?.actor, holder);
    const edge = await asked(ListActsResponseSchema, async () => ({ stream: false, message }), { kind: 'edge' });
    assert.equal(edge.message, message as never);
  });

  test('[R179] names people in streams, and hands on what names nobody as it is', async () => {
    const named = create(WatchSiteResponseSchema, { statuses: [{ agentId: 'r1', leaseHolder: holder }] });
    const plain = create(WatchSiteResponseSchema, {});
    async function* both() {
      yield plain;
      yield named;
    }
    const answer = await asked(WatchSiteResponseSchema, async () => ({ stream: true, message: both() }));
    const heard: unknown[] = [];
    for await (const one of answer.message as AsyncIterable<unknown>) heard.push(one);
    assert.equal(heard[0], plain);
    assert.equal((heard[1] as typeof named).statuses[0]?.leaseHolder, `operator:${ANN}`);
    assert.equal(named.statuses[0]?.leaseHolder, holder);
  });

  test('[R179] names people in refusals and their details', async () => {
    const detail = { desc: LeaseHeldSchema, value: { agentId: 'r1', holder } };
    const refuse = async () => {
      throw new ConnectError(`${holder} holds it`, Code.FailedPrecondition, undefined, [detail]);
    };
    await assert.rejects(asked(LeaseHeldSchema, refuse), (error: ConnectError) => {
      assert.equal(error.rawMessage, `operator:${ANN} holds it`);
      assert.equal(error.code, Code.FailedPrecondition);
      assert.equal((error.details[0] as typeof detail).value.holder, `operator:${ANN}`);
      return true;
    });
  });
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { create, type DescMessage, type DescService, type Message } from '@bufbuild/protobuf';
import { createContextValues, type Interceptor } from '@connectrpc/connect';
import * as proto from '@sigma/proto';
import {
  CancelMissionRequestSchema,
  FenceListSchema,
  PutFenceRequestSchema,
  ReviseFenceRequestSchema,
} from '@sigma/proto';
import { PeopleFile, SEALED_TYPE } from '@sigma/recorder/personal';
import { names } from '../door/names.ts';
import { isAct } from '../door/witness.ts';
import { ADMITTED, withoutTexts, written } from '../door/written.ts';
import type { HubEvent } from '../roles/arbitration/hub-record.ts';
import { wordsOf } from '../roles/chronicle/act-words.ts';
import { People } from './people.ts';
import { PRINCIPAL } from './principal.ts';
import { cutText } from './text-reference.ts';
import { ERASED_TEXT, type SealedText, WrittenTexts } from './written-texts.ts';

const home = mkdtempSync(join(tmpdir(), 'sigma-texts-'));
after(() => rmSync(home, { recursive: true }));
let made = 0;
const [ANN, BOB] = ['ann@example.org', 'bob@example.org'];

/** A hub's people and texts; opened again, as after a restart, with the same record and table. */
function hubOf(path = join(home, `${made++}.sqlite`), kept: SealedText[] = [], recorded: HubEvent[] = []) {
  const people = new People(path);
  const texts = new WrittenTexts({
    people,
    record: { append: async (event) => void recorded.push(event) },
    store: {
      add: async (more) => void kept.push(...more),
      find: async (ids) => kept.filter(({ id }) => ids.includes(id)),
      ids: async (most) => kept.slice(0, most).map(({ id }) => id),
    },
  });
  const erase = (who: string) => new PeopleFile(path).erase(who, { by: 'dpo', why: 'request', timeUs: 1 });
  return { people, texts, recorded, kept, erase, again: () => hubOf(path, kept, recorded) };
}

/** An answer as people get it. */
async function saidAtTheDoor(hub: Hub, output: DescMessage, message: Message): Promise<Message> {
  const contextValues = createContextValues();
  contextValues.set(PRINCIPAL, { kind: 'person', id: '1', email: ANN, holder: '', role: 1 });
  const door = names(hub)((async () => ({ stream: false, message })) as never);
  return (await door({ contextValues, method: { output } } as never)).message as Message;
}

const WORDS = /^(name|note|reason|rationale|text|comment|title|description|why|summary)$/;

type Hub = ReturnType<typeof hubOf>;

/** What goes on behind the door of what somebody asked. */
async function admitted(hub: Hub, email: string, input: DescMessage, message: Message, notes: readonly string[] = []) {
  const contextValues = createContextValues();
  contextValues.set(PRINCIPAL, { kind: 'person', id: '1', email, holder: hub.people.holderOf(email), role: 4 });
  let heard: Message | null = null;
  const next = async (request: { readonly message: Message }) => {
    heard = request.message;
    return {};
  };
  const door: Interceptor = written({ texts: hub.texts, people: hub.people, notesNear: async () => notes });
  await door(next as never)({ stream: false, method: { input }, contextValues, message } as never);
  assert.equal(contextValues.get(ADMITTED), heard);
  return heard as unknown as Record<string, string>;
}

describe('what people write', () => {
  test('[R190] is on record sealed for whoever wrote it, and read by its reference as long as they are known', async () => {
    const hub = hubOf();
    const [name, none, long] = await hub.texts.write(['Ann likes it', '', 'text:not a reference'], ANN);
    assert.match(name ?? '', /^text:[0-9a-f]{32}$/);
    assert.equal(none, '');
    assert.deepEqual(
      hub.recorded.map(({ type, subject }) => [type, subject]),
      [name, long].map((reference) => [SEALED_TYPE, reference]),
    );
    const everything = Buffer.concat([
      ...hub.recorded.map(({ data }) => data),
      ...hub.kept.map(({ sealed }) => sealed),
    ]);
    assert.equal(everything.includes('likes'), false);
    assert.equal(await hub.texts.read(`'${name}' and ${long}`), "'Ann likes it' and text:not a reference");
    const stranger = `text:${'0'.repeat(32)}`;
    assert.equal(await hub.texts.read(stranger), stranger, 'what nobody knows stays as it stands');
    assert.equal(await hub.again().texts.read(name ?? ''), 'Ann likes it', 'after a restart too');
  });

  test('[R174][R190] reads as erased once its author was erased, and only theirs does', async () => {
    const hub = hubOf();
    const [hers] = await hub.texts.write(['by Ann'], ANN);
    const [his] = await hub.texts.write(['by Bob'], BOB);
    hub.erase(ANN);
    const later = hub.again();
    assert.equal(await later.texts.read(`${hers}, ${his}`), `${ERASED_TEXT}, by Bob`);
    const [newer] = await later.texts.write(['by Ann again'], ANN);
    assert.equal(await later.texts.read(newer ?? ''), 'by Ann again', 'who comes back is somebody new');
  });

  test('[R190] is nowhere behind the door: the order bears references, acts too, and of what is refused nothing is kept', async () => {
    const hub = hubOf();
    const wish = create(CancelMissionRequestSchema, { missionId: 'm-1', reason: 'my knee hurts' });
    const went = await admitted(hub, ANN, CancelMissionRequestSchema, wish);
    assert.match(went['reason'] ?? '', /^text:[0-9a-f]{32}$/);
    assert.equal(went['missionId'], 'm-1');
    assert.equal(wordsOf(went as never).summary, `cancelled it: ${went['reason']}`);
    assert.equal(wish.reason, 'my knee hurts', 'what the caller sent is not changed under them');
    assert.equal(wordsOf(withoutTexts(wish, CancelMissionRequestSchema)).summary, 'cancelled it');
    const long = create(CancelMissionRequestSchema, { reason: 'x'.repeat(501) });
    await assert.rejects(admitted(hub, ANN, CancelMissionRequestSchema, long), /at most 500 characters/);
    const lines = create(PutFenceRequestSchema, { note: '\n'.repeat(400) });
    await assert.rejects(admitted(hub, ANN, PutFenceRequestSchema, lines), /at most 400 lines/);
  });

  test('[R129][R190] a note is sealed line by line, and a line stays the one of whoever wrote it', async () => {
    const hub = hubOf();
    const put = create(PutFenceRequestSchema, { name: 'spill', note: 'mop it\n\nask Joe' });
    const first = (await admitted(hub, ANN, PutFenceRequestSchema, put))['note'] ?? '';
    assert.deepEqual(
      first.split('\n').map((line) => line.length),
      [37, 0, 37],
    );
    const revise = (note: string) => create(ReviseFenceRequestSchema, { fenceId: 'f', version: 1, note });
    const change = revise('mop it\n\nask Joe\ndone');
    const second = (await admitted(hub, BOB, ReviseFenceRequestSchema, change, [first]))['note'] ?? '';
    assert.ok(second.startsWith(`${first}\n`), 'what Ann wrote bears the reference that it had');
    hub.erase(ANN);
    const later = hub.again();
    const read = await later.texts.read(second);
    assert.equal(read, `${ERASED_TEXT}\n\n${ERASED_TEXT}\ndone`);
    const third = await admitted(later, BOB, ReviseFenceRequestSchema, revise(`${read}!`), [second]);
    assert.deepEqual(third['note']?.split('\n').slice(0, 3), first.split('\n'), 'erased lines stay where they stand');
    assert.equal(third['name'], undefined, 'what was not given stays not given');
  });

  test('[R190] every field of an order that people fill with words is one that is sealed, but for what is no text to keep', () => {
    const services = Object.values(proto as Readonly<Record<string, unknown>>).filter(
      (value): value is DescService => (value as { readonly kind?: unknown } | null)?.kind === 'service',
    );
    const open = services
      .flatMap(({ methods }) => methods.filter(isAct))
      .flatMap(({ input }) =>
        input.fields
          .filter(({ localName, fieldKind }) => fieldKind === 'scalar' && WORDS.test(localName))
          .filter(({ localName }) => {
            const asked = create(input, { [localName]: 'words' });
            return (withoutTexts(asked, input) as unknown as Record<string, unknown>)[localName] !== '';
          })
          .map(({ localName }) => `${input.name}.${localName}`),
      );
    // An account is taken away with the name in it.
    assert.deepEqual(open, ['CreateAccountRequest.name']);
  });

  test('[R190] the door puts it into answers, and what it says there is nobody’s alias', async () => {
    const hub = hubOf();
    const [name] = await hub.texts.write([`${hub.people.holderOf(BOB)} and text:${'0'.repeat(32)}`], ANN);
    const message = create(FenceListSchema, {
      fences: [{ id: 'f', name: name ?? '', createdBy: hub.people.holderOf(ANN) }],
    });
    const answer = await saidAtTheDoor(hub, FenceListSchema, message);
    const [told] = (answer as unknown as typeof message).fences;
    assert.equal(told?.name, `${hub.people.holderOf(BOB)} and text:${'0'.repeat(32)}`);
    assert.equal(told?.createdBy, `operator:${ANN}`);
    assert.equal(message.fences[0]?.name, name);
  });

  test('[R190] is read by everybody who asks at once: who fetches it takes it from nobody else meanwhile', async () => {
    const hub = hubOf();
    const references = await hub.texts.write(['wet floor', 'why: a leak'], ANN);
    const [begun, fetching, told] = [
      Promise.withResolvers<void>(),
      Promise.withResolvers<void>(),
      Promise.withResolvers<void>(),
    ];
    // Ann has opened the first text when Bob's are found, and he is still opening his when she is told hers.
    let [finds, opens] = [0, 0];
    let bobs = false;
    const texts = new WrittenTexts({
      record: { append: async () => undefined },
      store: {
        add: async () => undefined,
        ids: async () => [],
        find: async (ids) => {
          if (++finds === 2) await begun.promise;
          bobs = finds === 2;
          return hub.kept.filter(({ id }) => ids.includes(id));
        },
      },
      people: {
        sealed: (...what) => hub.people.sealed(...what),
        opened: async (sealed) => {
          const text = await hub.people.opened(sealed);
          if (++opens === 2) {
            begun.resolve();
            await fetching.promise;
          } else if (bobs) {
            bobs = false;
            fetching.resolve();
            await told.promise;
          }
          return text;
        },
      },
    });
    const message = create(FenceListSchema, { fences: references.map((name) => ({ name })) });
    const answer = async () => {
      const said = await saidAtTheDoor({ ...hub, texts }, FenceListSchema, message);
      return (said as typeof message).fences.map(({ name }) => name);
    };
    const both = [answer(), answer()];
    assert.deepEqual(await both[0], ['wet floor', 'why: a leak']);
    told.resolve();
    assert.deepEqual(await both[1], ['wet floor', 'why: a leak']);
  });

  test('[R190] JSON in which a reference stands stays JSON, whatever was written', async () => {
    const hub = hubOf();
    const [reason] = await hub.texts.write(['said "no"\nand left \\'], ANN);
    const bodyJson = JSON.stringify({ status: 'cancelled', reason });
    const message = create(proto.AgentEventSchema, { agentId: 'r1', signal: { name: 'task', bodyJson } });
    const told = (await saidAtTheDoor(hub, proto.AgentEventSchema, message)) as unknown as typeof message;
    assert.equal(JSON.parse(told.signal?.bodyJson ?? '').reason, 'said "no"\nand left \\');
  });

  test('[R179][R190] rows of an answer in SQL stay JSON, and JSON in their cells too', async () => {
    const hub = hubOf();
    const [reason] = await hub.texts.write(['said "no"\nand left'], ANN);
    const holder = hub.people.holderOf(ANN);
    const body = JSON.stringify({ by: holder, reason });
    const cells = [1, null, reason, body, [`{${reason}`, { in: holder }], 'nobody "at all"'];
    const message = create(proto.QueryEventsResponseSchema, { rows: [JSON.stringify(cells), '["plain"]'] });
    const told = (await saidAtTheDoor(hub, proto.QueryEventsResponseSchema, message)) as unknown as typeof message;
    const words = 'said "no"\nand left';
    const [first, second] = told.rows.map((row) => JSON.parse(row) as unknown[]);
    assert.deepEqual(JSON.parse(String(first?.[3])), { by: `operator:${ANN}`, reason: words });
    const others = first?.filter((_, i) => i !== 3);
    assert.deepEqual(others, [1, null, words, [`{${words}`, { in: `operator:${ANN}` }], 'nobody "at all"']);
    assert.deepEqual(second, ['plain']);
  });

  test('[R174][R190] are handed out all together, by their references, for those who may read them', async () => {
    const hub = hubOf();
    const [hers] = await hub.texts.write(['by Ann'], ANN);
    const [his] = await hub.texts.write(['by Bob'], BOB);
    hub.erase(ANN);
    assert.deepEqual(await hub.again().texts.all(), [
      [hers, ERASED_TEXT],
      [his, 'by Bob'],
    ]);
  });

  test('[R190] a key against doing an order twice is the same for the same words, and tells them to nobody', async () => {
    const hub = hubOf();
    const keyed = async (email: string, idempotencyKey: string) =>
      (await admitted(hub, email, PutFenceRequestSchema, create(PutFenceRequestSchema, { idempotencyKey })))[
        'idempotencyKey'
      ];
    const first = await keyed(ANN, 'for Jo who fell');
    assert.match(first ?? '', /^key:[0-9a-f]{32}$/);
    assert.equal(await keyed(ANN, 'for Jo who fell'), first);
    assert.notEqual(await keyed(ANN, 'for Joe who fell'), first);
    assert.notEqual(await keyed(BOB, 'for Jo who fell'), first);
    assert.equal(await keyed(ANN, ''), '');
    await assert.rejects(keyed(ANN, 'x'.repeat(201)), /a key has at most 200 characters/);
    const kind = { case: 'action', value: { id: 'a-1', idempotencyKey: 'for Jo who fell', deadlineUs: 1n } } as const;
    const asked = create(proto.CommandAgentRequestSchema, { agentId: 'r1', command: { name: 'dock', kind } });
    const went = (await admitted(hub, ANN, proto.CommandAgentRequestSchema, asked)) as unknown as typeof asked;
    const action = went.command?.kind.value as proto.Action;
    assert.deepEqual([action.id, action.idempotencyKey], ['a-1', first]);
    assert.equal(kind.value.idempotencyKey, 'for Jo who fell', 'what the caller sent is not changed under them');
    hub.erase(ANN);
    const later = hub.again().people.keyOf('for Jo who fell', ANN);
    assert.notEqual(later, first, 'once she was erased no guess at it can be tried');
  });

  test('[R190] a text that is cut short never ends in a part of a reference', () => {
    const reference = `text:${'a'.repeat(32)}`;
    assert.equal(cutText(`why: ${reference}!`, 20), 'why: ');
    assert.equal(cutText(`why: ${reference}!`, 42), `why: ${reference}`);
    assert.equal(cutText('x'.repeat(30), 20), 'x'.repeat(20));
  });
});

import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { Ajv } from 'ajv';
import { CloudEvent, type CloudEventV1 } from 'cloudevents';
import { eventsOf, type Recording } from '../src/index.ts';
import { openSqliteRecording, sha256 } from '../stores/sqlite/sqlite-store.ts';
import { testChain } from '../testing/chains.ts';
import { MemoryStore } from '../testing/memory-store.ts';
import { exportCloudEvents } from './cloud-events.ts';
import { exportParquet } from './parquet.ts';
import { exportProv } from './prov.ts';
import type { ByteSink, ExportOptions } from './run.ts';
import { decided, missionChanged, ordered, recorded, sensed, taskIs } from './testing/story.ts';

const GOLDEN = fileURLToPath(new URL('../../sim/golden/fleet-2.sqlite', import.meta.url));

let folder = '';
let golden: Recording;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sigma-formats-'));
  const copy = join(folder, 'fleet.sqlite');
  copyFileSync(GOLDEN, copy);
  golden = openSqliteRecording(copy);
});
after(async () => {
  await golden.close();
  rmSync(folder, { recursive: true, force: true });
});

class Held implements ByteSink {
  readonly #pieces: Uint8Array[] = [];
  async write(bytes: Uint8Array): Promise<void> {
    this.#pieces.push(bytes.slice());
  }
  get bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }
  get lines(): readonly string[] {
    return this.bytes.toString().trimEnd().split('\n');
  }
}

const whole = async (recording: Recording): Promise<ExportOptions> => ({
  recording,
  chains: await recording.heads(),
  span: { fromUs: 0, toUs: Number.MAX_SAFE_INTEGER },
  sha256,
});

const eventsIn = async (recording: Recording): Promise<number> =>
  (await recording.heads()).reduce((sum, { sequence }) => sum + sequence, 0);

describe('CloudEvents', () => {
  for (const exact of [false, true]) {
    test(`[R184] every event of a drive is a CloudEvent that the published SDK takes${exact ? ', with the bytes that were recorded' : ''}`, async () => {
      const sink = new Held();
      const { bad } = await exportCloudEvents({ ...(await whole(golden)), sink, exact });
      assert.deepEqual(bad, []);
      assert.equal(sink.lines.length, await eventsIn(golden));
      const ids = new Set<string>();
      let beforeMs = 0;
      for (const line of sink.lines) {
        const event = new CloudEvent(JSON.parse(line) as CloudEventV1<unknown>, true);
        assert.equal(event.validate(), true);
        ids.add(`${event.source} ${event.id}`);
        const ms = Date.parse(event.time ?? '');
        // Order is by agent time; the wall clock of one machine may be a little behind another's.
        assert.ok(ms >= beforeMs - 1_000, 'they come by time');
        beforeMs = ms;
      }
      assert.equal(ids.size, sink.lines.length, 'source and id name an event');
      if (!exact) return;
      const head = (await golden.heads()).find(({ source }) => source === 'r01');
      assert.ok(head !== undefined);
      const own = sink.lines.map((line) => JSON.parse(line) as { source: string; data_base64: string });
      const sent = own.filter(({ source }) => source.endsWith('/r01'));
      let n = 0;
      for await (const { data } of eventsOf(golden, head)) {
        assert.equal(sent[n++]?.data_base64, Buffer.from(data).toString('base64'));
      }
    });
  }

  test('a decision reads as JSON, and names who, when and in which order', async () => {
    const store = await recorded(sha256, { 'crane/1': [decided(1_500, 'lift', 'm1.1')] });
    const sink = new Held();
    await exportCloudEvents({ ...(await whole(store)), sink, exact: false });
    const { data, ...attributes } = JSON.parse(sink.lines[1] ?? '') as Record<string, unknown>;
    assert.deepEqual(attributes, {
      specversion: '1.0',
      id: '0-2',
      source: 'sigma://acme/crane%2F1',
      type: 'sigma.decision.v1',
      subject: 'm1.1',
      time: '2023-11-14T22:13:20.001500Z',
      datacontenttype: 'application/json',
      epoch: 0,
      sequence: '0000000000000002',
      atus: '1500',
    });
    assert.equal((data as { rationale: string }).rationale, 'because of lift');
  });
});

test('[R185] a drive is a table that DuckDB reads: every event once, payloads as recorded', async () => {
  const sink = new Held();
  await exportParquet({ ...(await whole(golden)), sink });
  const path = join(folder, 'drive.parquet');
  writeFileSync(path, sink.bytes);
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();
  const [count] = await rows(`SELECT count(*), count(DISTINCT (source, epoch, sequence)) FROM '${path}'`);
  const events = String(await eventsIn(golden));
  assert.deepEqual(count, [events, events]);
  const head = (await golden.heads()).find(({ source }) => source === 'r02');
  assert.ok(head !== undefined);
  const stored = await rows(
    `SELECT sequence, at_us, type, hex(data) FROM '${path}' WHERE source = 'r02' ORDER BY sequence`,
  );
  let n = 0;
  for await (const { sequence, atUs, type, data } of eventsOf(golden, head)) {
    assert.deepEqual(stored[n++], [
      String(sequence),
      String(atUs),
      type,
      Buffer.from(data).toString('hex').toUpperCase(),
    ]);
  }
  const [[decisions]] = (await rows(
    `SELECT count(*) FROM '${path}' WHERE authority IS NOT NULL AND reason <> '' AND type = 'sigma.decision.v1'`,
  )) as [[string]];
  assert.ok(Number(decisions) > 10);
  connection.closeSync();
  instance.closeSync();
});

/** PROV-JSON (W3C member submission of 24 April 2013): kinds of records, their members, and what members may be. */
const RELATIONS: Readonly<Record<string, readonly [required: readonly string[], optional: readonly string[]]>> = {
  wasGeneratedBy: [['prov:entity'], ['prov:activity', 'prov:time']],
  used: [['prov:activity'], ['prov:entity', 'prov:time']],
  wasAssociatedWith: [['prov:activity'], ['prov:agent', 'prov:plan']],
  wasAttributedTo: [['prov:entity', 'prov:agent'], []],
  wasInformedBy: [['prov:informed', 'prov:informant'], []],
  wasDerivedFrom: [
    ['prov:generatedEntity', 'prov:usedEntity'],
    ['prov:activity', 'prov:generation', 'prov:usage'],
  ],
};
const NAME = '^([A-Za-z_][\\w.-]*:\\S+|_:\\S+)$';
const literal = {
  anyOf: [
    { type: ['string', 'number', 'boolean'] },
    {
      type: 'object',
      properties: { $: { type: 'string' }, type: { type: 'string', pattern: '^\\w+:\\w+$' }, lang: { type: 'string' } },
      required: ['$'],
      additionalProperties: false,
    },
  ],
};
const time = { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)$' };
const records = (properties: object, required: readonly string[]) => ({
  type: 'object',
  propertyNames: { pattern: NAME },
  additionalProperties: {
    type: 'object',
    properties,
    required,
    propertyNames: { pattern: '^\\w+:\\w+$' },
    additionalProperties: literal,
  },
});
const PROV_RULES = {
  type: 'object',
  properties: {
    prefix: { type: 'object', additionalProperties: { type: 'string' } },
    entity: records({}, []),
    agent: records({}, []),
    activity: records({ 'prov:startTime': time, 'prov:endTime': time }, []),
    ...Object.fromEntries(
      Object.entries(RELATIONS).map(([kind, [required, optional]]) => {
        const member = (name: string) => [name, name === 'prov:time' ? time : { type: 'string', pattern: NAME }];
        return [kind, records(Object.fromEntries([...required, ...optional].map(member)), required)];
      }),
    ),
  },
  required: ['prefix'],
  additionalProperties: false,
};

type ProvDocument = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;

function checkedProv(text: string): ProvDocument {
  const document = JSON.parse(text) as ProvDocument;
  const validate = new Ajv({ allowUnionTypes: true }).compile(PROV_RULES);
  assert.ok(validate(document), JSON.stringify(validate.errors));
  // What a relation names is there.
  const kinds = { 'prov:entity': 'entity', 'prov:activity': 'activity', 'prov:agent': 'agent', 'prov:plan': 'entity' };
  for (const relation of Object.keys(RELATIONS)) {
    for (const members of Object.values(document[relation] ?? {})) {
      for (const [member, kind] of Object.entries(kinds)) {
        if (!(member in members)) continue;
        assert.ok(String(members[member]) in (document[kind] ?? {}), `${relation}: ${members[member]} is no ${kind}`);
      }
    }
  }
  return document;
}

describe('PROV', () => {
  test('[R187] a drive follows the rules of PROV-JSON, and every relation names what is there', async () => {
    const sink = new Held();
    await exportProv({ ...(await whole(golden)), sink });
    const document = checkedProv(sink.bytes.toString());
    assert.ok(Object.keys(document['wasGeneratedBy'] ?? {}).length > 10);
  });

  test('a decision goes back to its inputs, its policy and its task, and a state to the one before', async () => {
    const store = await recorded(sha256, {
      hub: [missionChanged(0, { name: 'dig' }), missionChanged(5, { status: 'active' }, '', 2), ordered(6)],
      r1: [taskIs(7, 'active'), sensed(8), decided(8, 'dig', 'm1.1')],
    });
    const sink = new Held();
    await exportProv({ ...(await whole(store)), sink });
    const document = checkedProv(sink.bytes.toString());
    const decision = 'sigma:decision/acme/r1/0/4';
    const [generated] = Object.values(document['wasGeneratedBy'] ?? {});
    assert.equal(generated?.['prov:entity'], decision);
    const [used] = Object.values(document['used'] ?? {});
    assert.deepEqual(used, {
      'prov:activity': generated?.['prov:activity'],
      'prov:entity': 'sigma:inputs/acme/r1/0/3',
    });
    const [associated] = Object.values(document['wasAssociatedWith'] ?? {});
    assert.equal(associated?.['prov:agent'], 'sigma:agent/acme/r1');
    assert.equal(associated?.['prov:plan'], 'sigma:policy/p0');
    const informed = Object.values(document['wasInformedBy'] ?? {}).map((one) => one['prov:informant']);
    assert.deepEqual(informed.sort(), ['sigma:mission/acme/m1', 'sigma:task/acme/m1.1']);
    const [derived] = Object.values(document['wasDerivedFrom'] ?? {});
    assert.deepEqual(derived, {
      'prov:generatedEntity': 'sigma:state/acme/hub/0/3',
      'prov:usedEntity': 'sigma:state/acme/hub/0/2',
    });
  });

  test('however often the record is read, its progress goes once from its beginning to its end', async () => {
    const store = new MemoryStore();
    const chain = testChain('gate', sha256);
    await store.append([chain.begin(), ...Array.from({ length: 50 }, () => chain.notes(100))]);
    const told: number[] = [];
    const onProgress = ({ events, ofEvents }: { events: number; ofEvents: number }): void => {
      assert.equal(ofEvents, 5_001);
      told.push(events);
    };
    const { events } = await exportProv({ ...(await whole(store)), sink: new Held(), onProgress });
    assert.equal(events, 5_001);
    assert.deepEqual(
      told,
      told.toSorted((a, b) => a - b),
    );
    assert.ok((told[0] ?? 9e9) < 1_000 && (told.at(-1) ?? 0) > 4_000 && (told.at(-1) ?? 9e9) <= 5_001, told.join());
  });
});

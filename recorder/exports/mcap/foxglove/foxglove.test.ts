import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { create, type DescField, type DescMessage, fromBinary, toBinary, toJson } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Ajv } from 'ajv';
import { WireWriter } from '../../../src/index.ts';
import type { SceneFloor } from '../scene.ts';
import { type FoxgloveName, foxgloveRegistry } from './descriptors.ts';
import { bodyScene, floorGrid, floorScene, othersScene } from './floor.ts';
import { LOG_LEVEL, writeLog, writePose, writeScan, writeTransform } from './messages.ts';

const NAMES: readonly FoxgloveName[] = ['FrameTransform', 'PoseInFrame', 'LaserScan', 'Log', 'SceneUpdate', 'Grid'];
const registry = foxgloveRegistry(NAMES);

const schemaOf = (name: string): DescMessage => {
  const schema = registry.getMessage(`foxglove.${name}`);
  assert.ok(schema !== undefined, name);
  return schema;
};

const published = resolve(
  fileURLToPath(new URL('.', import.meta.url)),
  '../../../../../shared/data/foxglove/schemas/jsonschema',
);
const where = existsSync(published) ? {} : { skip: 'the published JSON schemas are not beside this checkout' };

interface JsonSchema {
  readonly title?: string;
  readonly type?: string;
  readonly contentEncoding?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly oneOf?: readonly { readonly title: string; readonly const: number }[];
}

for (const name of NAMES) {
  test(
    `[R180] foxglove.${name} has the fields, kinds and enumerations of the JSON schema that Foxglove publishes`,
    where,
    () => {
      const schema = JSON.parse(readFileSync(`${published}/${name}.json`, 'utf8')) as JsonSchema;
      sameShape(schemaOf(name), schema, name);
    },
  );
}

function sameShape(message: DescMessage, { properties = {} }: JsonSchema, path: string): void {
  assert.deepEqual(
    message.fields.map((field) => field.name).sort(),
    Object.keys(properties).sort(),
    `fields of ${path}`,
  );
  for (const field of message.fields) sameField(field, properties[field.name] as JsonSchema, `${path}.${field.name}`);
}

function sameField(field: DescField, schema: JsonSchema, path: string): void {
  const one = field.fieldKind === 'list' ? schema.items : schema;
  assert.ok(one !== undefined, `${path} is a list`);
  const message = field.message;
  const values = field.enum;
  if (message?.typeName.startsWith('google.protobuf.')) {
    assert.ok(one.title === 'time' || one.title === 'duration', `${path} is a ${one.title}`);
  } else if (message !== undefined) {
    sameShape(message, one, path);
  } else if (values !== undefined) {
    const told = one.oneOf?.map(({ title, const: number }) => [title.replace(/^.*: /, ''), number]);
    assert.deepEqual(
      values.values.map(({ name, number }) => [name, number]),
      told,
      path,
    );
  } else {
    assert.equal(KIND[field.scalar as number], one.contentEncoding === 'base64' ? 'bytes' : one.type, path);
  }
}

/** JSON kind of each protobuf scalar that occurs. */
const KIND: Readonly<Record<number, string>> = {
  1: 'number',
  7: 'integer',
  8: 'boolean',
  9: 'string',
  12: 'bytes',
  15: 'integer',
};

/** A message of protobuf as Foxglove's JSON has it: times in parts, enumerations as numbers. */
function asPublished(message: DescMessage, value: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(
    message.fields.map((field) => {
      const one = (part: unknown): unknown => {
        if (field.enum !== undefined) return field.enum.values.find(({ name }) => name === part)?.number;
        if (field.message === undefined) return part;
        if (field.message.typeName === 'google.protobuf.Timestamp')
          return { sec: Date.parse(part as string) / 1000, nsec: 0 };
        if (field.message.typeName === 'google.protobuf.Duration')
          return { sec: Number.parseInt(part as string, 10), nsec: 0 };
        return asPublished(field.message, part as Readonly<Record<string, unknown>>);
      };
      const given = value[field.name];
      return [field.name, Array.isArray(given) ? given.map(one) : given === undefined ? undefined : one(given)];
    }),
  );
}

test(
  '[R180] floors, bodies and people as they are written hold all that the published JSON schemas require',
  where,
  () => {
    const floor: SceneFloor = {
      name: 'hall',
      columns: 2,
      rows: 1,
      cellM: 1,
      blocked: Uint8Array.of(1, 0),
      zones: [{ id: 'z', name: 'Dock', kind: 'slow', cells: [1] }],
      places: [{ id: 'p', kind: 'dock', xM: 1.5, yM: 0.5 }],
    };
    const seconds = 1_700_000_000_000_000;
    const person = { id: '7', kind: 'person', xM: 3, yM: 4, widthM: 0.5 };
    const cases: readonly (readonly [FoxgloveName, Uint8Array])[] = [
      ['Grid', floorGrid(floor, 'site', seconds)],
      ['SceneUpdate', floorScene(floor, 'site', seconds)],
      ['SceneUpdate', bodyScene('r1', { radiusM: 0.4, heightM: 1 }, seconds)],
      ['SceneUpdate', othersScene([person], 'site', 'r1', seconds)],
    ];
    const ajv = new Ajv({ strict: false });
    for (const [name, bytes] of cases) {
      const schema = schemaOf(name);
      const options = { registry, useProtoFieldName: true, alwaysEmitImplicit: true };
      const json = toJson(schema, fromBinary(schema, bytes), options) as Readonly<Record<string, unknown>>;
      const validate = ajv.compile(JSON.parse(readFileSync(`${published}/${name}.json`, 'utf8')));
      assert.ok(validate(asPublished(schema, json)), `${name}: ${JSON.stringify(validate.errors)}`);
    }
  },
);

const TIME_US = 1_700_000_000_123_456;
const timestamp = { ...timestampFromMs(1_700_000_000_123), nanos: 123_456_000 };

function written(write: (wire: WireWriter) => void): Uint8Array {
  const wire = new WireWriter();
  write(wire);
  return wire.take();
}

function reflected(name: FoxgloveName, value: object): Uint8Array {
  const schema = schemaOf(name);
  return toBinary(schema, create(schema, value as never));
}

test('[R180] hot messages have the bytes that the published definitions give them', () => {
  const turn = { x: 0, y: 0, z: Math.sin(0.35), w: Math.cos(0.35) };
  assert.deepEqual(
    written((wire) => writeTransform(wire, TIME_US, 'site', 'r1', 1.5, -2, 0.7)),
    reflected('FrameTransform', {
      timestamp,
      parentFrameId: 'site',
      childFrameId: 'r1',
      translation: { x: 1.5, y: -2, z: 0 },
      rotation: turn,
    }),
  );
  assert.deepEqual(
    written((wire) => writePose(wire, TIME_US, 'site', 1.5, -2, 0.7)),
    reflected('PoseInFrame', {
      timestamp,
      frameId: 'site',
      pose: { position: { x: 1.5, y: -2, z: 0 }, orientation: turn },
    }),
  );
  const rangesM = Float64Array.of(0.5, Number.POSITIVE_INFINITY, Number.NaN, 3);
  assert.deepEqual(
    written((wire) => writeScan(wire, TIME_US, 'r1', 0, 6.2, rangesM)),
    reflected('LaserScan', {
      timestamp,
      frameId: 'r1',
      pose: { position: { x: 0, y: 0, z: 0 }, orientation: { x: 0, y: 0, z: 0, w: 1 } },
      startAngle: 0,
      endAngle: 6.2,
      ranges: [...rangesM],
    }),
  );
  assert.deepEqual(
    written((wire) => writeLog(wire, TIME_US, LOG_LEVEL.warning, 'läuft', 'r1')),
    reflected('Log', { timestamp, level: 3, message: 'läuft', name: 'r1' }),
  );
});

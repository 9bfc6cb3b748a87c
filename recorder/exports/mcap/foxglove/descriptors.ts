import { create, createFileRegistry, type DescMessage, type FileRegistry, toBinary } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  EnumDescriptorProtoSchema,
  EnumValueDescriptorProtoSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  type FileDescriptorSet,
  FileDescriptorSetSchema,
  file_google_protobuf_duration,
  file_google_protobuf_timestamp,
} from '@bufbuild/protobuf/wkt';
import { foxgloveEnumSchemas, foxgloveMessageSchemas } from '@foxglove/schemas/internal.js';

/** The messages of Foxglove that an export writes. */
export type FoxgloveName = 'FrameTransform' | 'PoseInFrame' | 'LaserScan' | 'Log' | 'SceneUpdate' | 'Grid';

type MessageSchema = (typeof foxgloveMessageSchemas)[keyof typeof foxgloveMessageSchemas];
type Field = MessageSchema['fields'][number];

/** Scalars as Foxglove's own generator of protobuf files maps them: whole numbers are of fixed width. */
const SCALAR: Readonly<Record<string, FieldDescriptorProto_Type>> = {
  string: FieldDescriptorProto_Type.STRING,
  float64: FieldDescriptorProto_Type.DOUBLE,
  int32: FieldDescriptorProto_Type.SFIXED32,
  uint32: FieldDescriptorProto_Type.FIXED32,
  boolean: FieldDescriptorProto_Type.BOOL,
  bytes: FieldDescriptorProto_Type.BYTES,
};

/**
 * One message of Foxglove with everything it is made of, as the FileDescriptorSet that an MCAP schema record of encoding
 * `protobuf` holds (mcap.dev/spec/registry). Built from the definitions that Foxglove publishes, so that no copy of them
 * stands here.
 */
export function foxgloveDescriptors(name: FoxgloveName): FileDescriptorSet {
  const files = new Map<string, FileDescriptorProto>();
  collect(schemaNamed(name), files);
  return create(FileDescriptorSetSchema, { file: [...files.values()] });
}

/** Descriptors for reading and writing Foxglove's messages by reflection; names are like `foxglove.Grid`. */
export function foxgloveRegistry(names: readonly FoxgloveName[]): FileRegistry {
  const files = new Map<string, FileDescriptorProto>();
  for (const name of names) collect(schemaNamed(name), files);
  return createFileRegistry(create(FileDescriptorSetSchema, { file: [...files.values()] }));
}

/** The bytes of a FileDescriptorSet. */
export const descriptorBytes = (set: FileDescriptorSet): Uint8Array => toBinary(FileDescriptorSetSchema, set);

/** A message of this program with every file that it needs, the needed before those that need them. */
export function ownDescriptors({ file }: DescMessage): FileDescriptorSet {
  const files = new Map<string, FileDescriptorProto>();
  const visit = (one: DescMessage['file']): void => {
    for (const needed of one.dependencies) visit(needed);
    files.set(one.name, one.proto);
  };
  visit(file);
  return create(FileDescriptorSetSchema, { file: [...files.values()] });
}

/**
 * A message of numbers: field k is the double `names[k]`, with number k + 1.
 *
 * @param packageName dotted, such as `sigma.fleet`
 */
export function numbersDescriptors(
  packageName: string,
  messageName: string,
  names: readonly string[],
): FileDescriptorSet {
  const message = create(DescriptorProtoSchema, {
    name: messageName,
    field: names.map((name, k) =>
      create(FieldDescriptorProtoSchema, {
        name,
        jsonName: jsonNameOf(name),
        number: k + 1,
        label: FieldDescriptorProto_Label.OPTIONAL,
        type: FieldDescriptorProto_Type.DOUBLE,
      }),
    ),
  });
  const file = create(FileDescriptorProtoSchema, {
    name: `${packageName.replaceAll('.', '/')}/${messageName}.proto`,
    package: packageName,
    syntax: 'proto3',
    messageType: [message],
  });
  return create(FileDescriptorSetSchema, { file: [file] });
}

function schemaNamed(name: string): MessageSchema {
  const schema = Object.values(foxgloveMessageSchemas).find((one) => one.name === name);
  if (schema === undefined) throw new Error(`@foxglove/schemas has no message '${name}'`);
  return schema;
}

const fileOf = ({ name }: MessageSchema): string => `foxglove/${name}.proto`;

/** Puts the schema's file behind those that it needs. */
function collect(schema: MessageSchema, files: Map<string, FileDescriptorProto>): void {
  if (files.has(fileOf(schema))) return;
  const dependency = new Set<string>();
  for (const { type } of schema.fields) {
    if (type.type !== 'nested') continue;
    const known = wellKnown(type.schema);
    if (known !== null) {
      files.set(known.name, known);
      dependency.add(known.name);
    } else {
      collect(type.schema, files);
      dependency.add(fileOf(type.schema));
    }
  }
  const file = create(FileDescriptorProtoSchema, {
    name: fileOf(schema),
    package: 'foxglove',
    syntax: 'proto3',
    dependency: [...dependency],
    messageType: [messageOf(schema)],
  });
  files.set(file.name, file);
}

function wellKnown({ protoEquivalent }: MessageSchema): FileDescriptorProto | null {
  if (protoEquivalent === 'google.protobuf.Timestamp') return file_google_protobuf_timestamp.proto;
  if (protoEquivalent === 'google.protobuf.Duration') return file_google_protobuf_duration.proto;
  return null;
}

function messageOf(schema: MessageSchema): DescriptorProto {
  const message = create(DescriptorProtoSchema, {
    name: schema.name,
    enumType: Object.values(foxgloveEnumSchemas)
      .filter((one) => one.parentSchemaName === schema.name)
      .map((one) =>
        create(EnumDescriptorProtoSchema, {
          name: one.protobufEnumName,
          value: one.values.map(({ name, value }) => create(EnumValueDescriptorProtoSchema, { name, number: value })),
        }),
      ),
  });
  const taken = new Set(schema.fields.map(({ protobufFieldNumber }) => protobufFieldNumber));
  let next = 1;
  for (const field of schema.fields) {
    while (field.protobufFieldNumber === undefined && taken.has(next)) next++;
    addField(message, field, field.protobufFieldNumber ?? next++);
  }
  return message;
}

function addField(message: DescriptorProto, { name, type, array, optional }: Field, number: number): void {
  const field = create(FieldDescriptorProtoSchema, {
    name,
    jsonName: jsonNameOf(name),
    number,
    label: array === undefined ? FieldDescriptorProto_Label.OPTIONAL : FieldDescriptorProto_Label.REPEATED,
  });
  if (type.type === 'primitive') {
    field.type = SCALAR[type.name] as FieldDescriptorProto_Type;
  } else if (type.type === 'enum') {
    field.type = FieldDescriptorProto_Type.ENUM;
    field.typeName = `.foxglove.${type.enum.parentSchemaName}.${type.enum.protobufEnumName}`;
  } else {
    field.type = FieldDescriptorProto_Type.MESSAGE;
    field.typeName = `.${type.schema.protoEquivalent ?? `foxglove.${type.schema.name}`}`;
  }
  if (optional === true && array === undefined) {
    // An optional field of proto3 stands in a oneof of its own (descriptor.proto).
    field.proto3Optional = true;
    field.oneofIndex = message.oneofDecl.length;
    message.oneofDecl.push({ $typeName: 'google.protobuf.OneofDescriptorProto', name: `_${name}` });
  }
  message.field.push(field);
}

/** The name of a field in JSON, as protoc puts it into descriptors: `frame_id` is `frameId`. */
const jsonNameOf = (name: string): string => name.replace(/_+(.?)/g, (_, letter: string) => letter.toUpperCase());

import { create, type DescMessage, isMessage, type Message } from '@bufbuild/protobuf';
import { Code, ConnectError, createContextKey, type Interceptor } from '@connectrpc/connect';
import {
  BeginImportRequestSchema,
  CancelMissionRequestSchema,
  CommandAgentRequestSchema,
  CreateMissionRequestSchema,
  MakeForkRequestSchema,
  PutFenceRequestSchema,
  type ReviseFenceRequest,
  ReviseFenceRequestSchema,
  SilenceAlertsRequestSchema,
} from '@sigma/proto';
import type { People } from '../identity/people.ts';
import { PRINCIPAL } from '../identity/principal.ts';
import type { WrittenTexts } from '../identity/written-texts.ts';

/** The request as it went on behind the door, with references in the place of what its sender wrote; null: it did not. */
export const ADMITTED = createContextKey<Message | null>(null, { description: 'the request without texts' });

interface Written {
  readonly field: string;
  readonly what: string;
  /** Characters, inclusive. */
  readonly most: number;
  /** Each line is a text of whoever wrote that line. */
  readonly inLines?: true;
}

const MOST_LINES = 400;
const MOST_KEY = 200;
const NAME: Written = { field: 'name', what: 'a name', most: 200 };
const NOTE: Written = { field: 'note', what: 'a note', most: 4_000, inLines: true };
const REASON: Written = { field: 'reason', what: 'a reason', most: 500 };
const RATIONALE: Written = { field: 'rationale', what: 'a rationale', most: 4_000 };

/** Everything that people write as free text to be kept. */
const WRITTEN: ReadonlyMap<string, readonly Written[]> = new Map(
  (
    [
      [CreateMissionRequestSchema, [NAME]],
      [CancelMissionRequestSchema, [REASON]],
      [CommandAgentRequestSchema, [RATIONALE]],
      [SilenceAlertsRequestSchema, [REASON]],
      [PutFenceRequestSchema, [NAME, NOTE]],
      [ReviseFenceRequestSchema, [NAME, NOTE]],
      [MakeForkRequestSchema, [{ ...NAME, most: 120 }]],
      [BeginImportRequestSchema, [NAME]],
    ] satisfies [DescMessage, readonly Written[]][]
  ).map(([schema, fields]) => [schema.typeName, fields]),
);

export interface WrittenPorts {
  readonly texts: Pick<WrittenTexts, 'write' | 'read'>;
  readonly people: Pick<People, 'keyOf'>;
  /** Notes that a change of a fence may have been made of: of that version, and the one in force. */
  readonly notesNear: (fenceId: string, version: number) => Promise<readonly string[]>;
}

/** What a person writes goes on record sealed for that person, and no further than this door. Stands behind `authorise`. */
export function written(ports: WrittenPorts): Interceptor {
  return (next) => async (request) => {
    const principal = request.contextValues.get(PRINCIPAL);
    const fields = WRITTEN.get(request.method.input.typeName);
    if (request.stream || fields === undefined || principal.kind !== 'person') return next(request);
    const before = request.message as Message & Record<string, unknown>;
    const sealed: Record<string, unknown> = {};
    for (const one of fields) {
      const text = before[one.field];
      if (typeof text !== 'string' || text === '') continue;
      if (text.length > one.most)
        throw new ConnectError(`${one.what} has at most ${one.most} characters`, Code.InvalidArgument);
      sealed[one.field] = one.inLines === true ? await sealedLines(ports, before, text, principal.email) : '';
      if (one.inLines !== true) [sealed[one.field]] = await ports.texts.write([text], principal.email);
    }
    Object.assign(sealed, keyed(ports, before, principal.email));
    const message = create(request.method.input, { ...before, ...sealed });
    request.contextValues.set(ADMITTED, message);
    return next({ ...request, message } as typeof request);
  };
}

/** Keys against doing an order twice may be any words of a person: what goes on only tells whether two are the same. */
function keyed({ people }: WrittenPorts, request: Message, email: string): Record<string, unknown> {
  const keyOf = (key: string): string => {
    if (key.length > MOST_KEY) throw new ConnectError(`a key has at most ${MOST_KEY} characters`, Code.InvalidArgument);
    return key === '' ? '' : people.keyOf(key, email);
  };
  if (isMessage(request, CommandAgentRequestSchema)) {
    const { command } = request;
    if (command?.kind.case !== 'action') return {};
    const { value } = command.kind;
    const action = { ...value, idempotencyKey: keyOf(value.idempotencyKey) };
    return { command: { ...command, kind: { case: 'action', value: action } } };
  }
  const { idempotencyKey } = request as Message & { readonly idempotencyKey?: unknown };
  return typeof idempotencyKey === 'string' ? { idempotencyKey: keyOf(idempotencyKey) } : {};
}

/** The request without anything that was written in it: that of somebody who was not let in is not kept. */
export function withoutTexts(request: Message, desc: DescMessage): Message {
  const blank = (WRITTEN.get(desc.typeName) ?? []).map(({ field }) => [field, ''] as const);
  return blank.length === 0 ? request : create(desc, { ...request, ...Object.fromEntries(blank) });
}

/** A line that stood there already stays its author's; only the others are the caller's. */
async function sealedLines(
  { texts, notesNear }: WrittenPorts,
  request: Message,
  note: string,
  email: string,
): Promise<string> {
  const lines = note.split('\n');
  if (lines.length > MOST_LINES) throw new ConnectError(`a note has at most ${MOST_LINES} lines`, Code.InvalidArgument);
  const { fenceId, version } = request as ReviseFenceRequest;
  const known = new Map<string, string[]>();
  const notes = fenceId === undefined ? [] : await notesNear(fenceId, version);
  for (const kept of notes.flatMap((one) => one.split('\n'))) {
    const text = await texts.read(kept);
    known.set(text, [...(known.get(text) ?? []), kept]);
  }
  const stood = lines.map((line) => {
    const kept = known.get(line);
    return kept === undefined || kept.length === 1 ? kept?.[0] : kept.shift();
  });
  const added = await texts.write(
    lines.filter((_, k) => stood[k] === undefined),
    email,
  );
  let at = 0;
  return stood.map((line) => line ?? added[at++]).join('\n');
}

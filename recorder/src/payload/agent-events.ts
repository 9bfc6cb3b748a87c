import { decodeState, encodeState, type KernelEvent, type OutgoingMessage, type Outputs } from '@sigma/kernel';
import { EVENT_TYPE, type EventDraft } from '../event.ts';
import { MalformedBytesError, WireReader } from '../wire/wire-reader.ts';
import { WireWriter } from '../wire/wire-writer.ts';
import { encodeDecision } from './decision.ts';

const wire = new WireWriter();

/**
 * What one wake of an agent puts on record, in order of happening: kernel events as signals, the decision, messages to
 * peers. The journal and re-execution both call it: that is why `verify` may compare bytes.
 */
export function agentEvents(agent: string, atUs: number, timeUs: number, outputs: Outputs, into: EventDraft[]): void {
  for (const event of outputs.events) {
    into.push({ ...signalEvent(event.type, event, atUs, timeUs), subject: event.type === 'task' ? event.taskId : '' });
  }
  if (outputs.decision !== null) {
    wire.reset();
    encodeDecision(wire, outputs.decision);
    const subject = outputs.decision.taskId ?? '';
    into.push({ type: EVENT_TYPE.decision, subject, atUs, timeUs, traceparent: '', data: wire.take() });
  }
  for (const message of outputs.messages) into.push(messageEvent(agent, message, atUs, timeUs));
}

/**
 * Something that happened to an agent or a program. Signals of the kernel bear the name of their `KernelEvent`; those
 * of a runner have a dot in their name (`edge.started`) and are not re-executed (SPEC R34).
 */
export function signalEvent(name: string, body: unknown, atUs: number, timeUs: number): EventDraft {
  wire.reset();
  wire.string(1, name);
  wire.string(2, encodeState(body));
  return { type: EVENT_TYPE.signal, subject: '', atUs, timeUs, traceparent: '', data: wire.take() };
}

/** @returns name and body of a sigma.v1.SystemSignal. @throws MalformedBytesError */
export function decodeSignal(data: Uint8Array): { readonly name: string; readonly body: unknown } {
  const reader = new WireReader(data);
  let name = '';
  let body = '';
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x0a) name = reader.string();
    else if (tag === 0x12) body = reader.string();
    else reader.skip(tag);
  }
  return { name, body: readJson(body) };
}

/** Name of a sigma.v1.SystemSignal, without reading its body. @throws MalformedBytesError */
export function signalName(data: Uint8Array): string {
  const reader = new WireReader(data);
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x0a) return reader.string();
    reader.skip(tag);
  }
  return '';
}

/** A signal of the kernel as it was. @throws MalformedBytesError for one that a runner wrote */
export function decodeKernelEvent(data: Uint8Array): KernelEvent {
  const { name, body } = decodeSignal(data);
  if (isRunnerSignal(name)) throw new MalformedBytesError(`'${name}' is no signal of the kernel`);
  return body as KernelEvent;
}

export const isRunnerSignal = (name: string): boolean => name.includes('.');

/** A message to a peer; its body and its promise, if it carries one, stand together in `body_json`. */
function messageEvent(from: string, message: OutgoingMessage, atUs: number, timeUs: number): EventDraft {
  const { to, topic, body, promise } = message;
  wire.reset();
  wire.string(1, from);
  wire.string(2, to);
  wire.string(3, topic);
  wire.string(4, encodeState({ body, promise }));
  return { type: EVENT_TYPE.message, subject: '', atUs, timeUs, traceparent: '', data: wire.take() };
}

/** @throws MalformedBytesError */
export function decodeMessage(data: Uint8Array): { readonly from: string; readonly message: OutgoingMessage } {
  const reader = new WireReader(data);
  const fields = ['', '', '', ''];
  while (!reader.done) {
    const tag = reader.varint();
    const field = (tag >> 3) - 1;
    if ((tag & 7) === 2 && field < fields.length) fields[field] = reader.string();
    else reader.skip(tag);
  }
  const [from, to, topic, body] = fields as [string, string, string, string];
  return { from, message: { to, topic, ...(readJson(body) as Pick<OutgoingMessage, 'body' | 'promise'>) } };
}

function readJson(text: string): unknown {
  try {
    return decodeState(text);
  } catch (error) {
    throw new MalformedBytesError(`no canonical JSON (${(error as Error).message})`);
  }
}

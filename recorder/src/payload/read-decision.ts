import {
  AUTHORITIES,
  type Authority,
  type Clamped,
  type Command,
  type CommandProposal,
  type Decision,
  intersect,
  NO_RESTRICTION,
  type Params,
  type Proposal,
  type Rejected,
  type RejectionReason,
  type RestrictionProposal,
} from '@sigma/kernel';
import { MalformedBytesError, WireReader } from '../wire/wire-reader.ts';
import { KnownTexts } from './known-texts.ts';

/**
 * Reads sigma.v1.Decision as `encodeDecision` writes it: every field once but lists, in order of their numbers, none that
 * is not known. Several times as fast as protobuf-es, which everything else is left to: repeated and unknown fields,
 * members of a `oneof` side by side, numbers beyond 2^53, and whatever is malformed.
 *
 * @returns null where it is not written so; then nothing is known of it yet
 */
export function readDecision(data: Uint8Array, atUs: number): Decision | null {
  try {
    return decisionIn(new WireReader(data), atUs);
  } catch (error) {
    if (error instanceof Otherwise || error instanceof MalformedBytesError) return null;
    throw error;
  }
}

/** It is not written as we write it. */
class Otherwise extends Error {}

const MOST_UINT32 = 0xffff_ffff;
const texts = new KnownTexts();

/** The tag of the next field, which stands behind `before`; as often as it likes when it is one of a list. */
function tagBehind(reader: WireReader, before: number, isList: boolean): number {
  const tag = reader.varint();
  if (tag > before || (isList && tag === before)) return tag;
  throw new Otherwise();
}

function text(reader: WireReader): string {
  const read = texts.read(reader);
  // protobuf-es takes a mark of byte order off.
  if (read.charCodeAt(0) === 0xfeff) throw new Otherwise();
  return read;
}

function uint32(reader: WireReader): number {
  const value = reader.varint();
  if (value > MOST_UINT32) throw new Otherwise();
  return value;
}

function decisionIn(reader: WireReader, atUs: number): Decision {
  let [sequence, confidence, planRevision] = [0, 0, 0];
  let [rationale, forbiddenBy, taskId, planner] = ['', '', '', ''];
  let context: Decision['context'] | null = null;
  let chosen: CommandProposal | null = null;
  let command: Command | null = null;
  let planBasis: Decision['planBasis'] = null;
  const rejected: Rejected[] = [];
  const restrictions: RestrictionProposal[] = [];
  const clamped: Clamped[] = [];
  for (let tag = 0; !reader.done; ) {
    tag = tagBehind(reader, tag, tag === 58 || tag === 66 || tag === 74);
    if (tag === 8) sequence = reader.varint();
    else if (tag === 18) context = contextIn(reader.part());
    else if (tag === 26) chosen = commanding(proposalIn(reader.part()));
    else if (tag === 34) command = commandIn(reader.part());
    else if (tag === 42) rationale = text(reader);
    else if (tag === 49) confidence = reader.double();
    else if (tag === 58) rejected.push(rejectedIn(reader.part()));
    else if (tag === 66) restrictions.push(proposalIn(reader.part()) as RestrictionProposal);
    else if (tag === 74) clamped.push(clampedIn(reader.part()));
    else if (tag === 82) forbiddenBy = text(reader);
    else if (tag === 90) taskId = text(reader);
    else if (tag === 96) planRevision = reader.varint();
    else if (tag === 106) planner = text(reader);
    else if (tag === 114) planBasis = basisIn(reader.part());
    else throw new Otherwise();
  }
  if (context === null || command === null) throw new Otherwise();
  const planned = planner !== '';
  return {
    sequence,
    atUs,
    context,
    chosen,
    command,
    authority: chosen?.authority ?? 'rest',
    rationale,
    confidence,
    rejected,
    restrictions,
    restriction: restrictions.reduce((all, { restriction }) => intersect(all, restriction), NO_RESTRICTION),
    clamped,
    forbiddenBy: forbiddenBy === '' ? null : forbiddenBy,
    taskId: taskId === '' ? null : taskId,
    planRevision: planned ? planRevision : null,
    planner: planned ? (planner as 'primary' | 'secondary') : null,
    planBasis,
  };
}

function contextIn(reader: WireReader): Decision['context'] {
  let [epoch, inputSequence, policyHash] = [0, 0, ''];
  for (let tag = 0; !reader.done; ) {
    tag = tagBehind(reader, tag, false);
    if (tag === 8) epoch = uint32(reader);
    else if (tag === 16) inputSequence = reader.varint();
    else if (tag === 26) policyHash = text(reader);
    else throw new Otherwise();
  }
  return { epoch, inputSequence, policyHash };
}

function basisIn(reader: WireReader): NonNullable<Decision['planBasis']> {
  let [epoch, inputSequence] = [0, 0];
  for (let tag = 0; !reader.done; ) {
    tag = tagBehind(reader, tag, false);
    if (tag === 8) epoch = uint32(reader);
    else if (tag === 16) inputSequence = reader.varint();
    else throw new Otherwise();
  }
  return { epoch, inputSequence };
}

function clampedIn(reader: WireReader): Clamped {
  let [param, from, to] = ['', 0, 0];
  for (let tag = 0; !reader.done; ) {
    tag = tagBehind(reader, tag, false);
    if (tag === 10) param = text(reader);
    else if (tag === 17) from = reader.double();
    else if (tag === 25) to = reader.double();
    else throw new Otherwise();
  }
  return { param, from, to };
}

function rejectedIn(reader: WireReader): Rejected {
  let proposal: CommandProposal | null = null;
  let [reason, by] = ['', ''];
  for (let tag = 0; !reader.done; ) {
    tag = tagBehind(reader, tag, false);
    if (tag === 10) proposal = commanding(proposalIn(reader.part()));
    else if (tag === 18) reason = text(reader);
    else if (tag === 26) by = text(reader);
    else throw new Otherwise();
  }
  if (proposal === null) throw new Otherwise();
  return { proposal, reason: reason as RejectionReason, by };
}

function commanding(proposal: Proposal): CommandProposal {
  if (proposal.type === 'command') return proposal;
  throw new Otherwise();
}

function proposalIn(reader: WireReader): Proposal {
  let [source, rationale, ruleHash] = ['', '', ''];
  let [severity, priority, confidence] = [0, 0, 0];
  let [authority, sequence] = [0, 0];
  let command: Command | null = null;
  let restriction: RestrictionProposal['restriction'] | null = null;
  for (let tag = 0; !reader.done; ) {
    tag = tagBehind(reader, tag, false);
    if (tag === 10) source = text(reader);
    else if (tag === 16) authority = reader.varint();
    else if (tag === 25) severity = reader.double();
    else if (tag === 33) priority = reader.double();
    else if (tag === 40) sequence = reader.varint();
    else if (tag === 50) rationale = text(reader);
    else if (tag === 57) confidence = reader.double();
    else if (tag === 66) ruleHash = text(reader);
    else if (tag === 74) command = commandIn(reader.part());
    else if (tag === 82) restriction = restrictionIn(reader.part());
    else throw new Otherwise();
  }
  const named: Authority | undefined = AUTHORITIES[authority - 1];
  if (named === undefined || (command === null) === (restriction === null)) throw new Otherwise();
  const base = {
    ...{ source, authority: named, severity, priority, sequence, rationale, confidence },
    ruleHash: ruleHash === '' ? null : ruleHash,
  };
  if (command !== null) return { ...base, type: 'command', command };
  return { ...base, type: 'restriction', restriction: restriction as RestrictionProposal['restriction'] };
}

function commandIn(reader: WireReader): Command {
  let name = '';
  const params: Record<string, Params[string]> = {};
  let durationUs: number | null = null;
  let action: Pick<Extract<Command, { kind: 'action' }>, 'id' | 'idempotencyKey' | 'deadlineUs'> | null = null;
  for (let tag = 0; !reader.done; ) {
    tag = tagBehind(reader, tag, tag === 18);
    if (tag === 10) name = text(reader);
    else if (tag === 18) paramIn(reader.part(), params);
    else if (tag === 26) durationUs = durationIn(reader.part());
    else if (tag === 34) action = actionIn(reader.part());
    else throw new Otherwise();
  }
  if ((durationUs === null) === (action === null)) throw new Otherwise();
  if (action !== null) return { kind: 'action', name, params, ...action };
  return { kind: 'setpoint', name, params, durationUs: durationUs as number };
}

function paramIn(reader: WireReader, into: Record<string, Params[string]>): void {
  let name = '';
  let value: Params[string] | null = null;
  for (let tag = 0; !reader.done; ) {
    tag = tagBehind(reader, tag, false);
    if (tag > 10 && value !== null) throw new Otherwise();
    if (tag === 10) name = text(reader);
    else if (tag === 17) value = reader.double();
    else if (tag === 26) value = text(reader);
    else if (tag === 32) value = reader.varint() !== 0;
    else throw new Otherwise();
  }
  if (value === null || name === '__proto__') throw new Otherwise();
  into[name] = value;
}

function durationIn(reader: WireReader): number {
  let durationUs = 0;
  for (let tag = 0; !reader.done; ) {
    tag = tagBehind(reader, tag, false);
    if (tag !== 8) throw new Otherwise();
    durationUs = reader.varint();
  }
  return durationUs;
}

function actionIn(reader: WireReader) {
  let [id, idempotencyKey, deadlineUs] = ['', '', 0];
  for (let tag = 0; !reader.done; ) {
    tag = tagBehind(reader, tag, false);
    if (tag === 10) id = text(reader);
    else if (tag === 18) idempotencyKey = text(reader);
    else if (tag === 24) deadlineUs = reader.varint();
    else throw new Otherwise();
  }
  return { id, idempotencyKey, deadlineUs };
}

function restrictionIn(reader: WireReader): RestrictionProposal['restriction'] {
  const atMost: Record<string, number> = {};
  const forbid: string[] = [];
  for (let tag = 0; !reader.done; ) {
    tag = tagBehind(reader, tag, true);
    if (tag === 10) boundIn(reader.part(), atMost);
    else if (tag === 18) forbid.push(text(reader));
    else throw new Otherwise();
  }
  return { atMost, forbid };
}

function boundIn(reader: WireReader, into: Record<string, number>): void {
  let [param, atMost] = ['', 0];
  for (let tag = 0; !reader.done; ) {
    tag = tagBehind(reader, tag, false);
    if (tag === 10) param = text(reader);
    else if (tag === 17) atMost = reader.double();
    else throw new Otherwise();
  }
  if (param === '__proto__') throw new Otherwise();
  into[param] = atMost;
}

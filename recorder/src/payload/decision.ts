import { fromBinary } from '@bufbuild/protobuf';
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
  type Restriction,
  type RestrictionProposal,
} from '@sigma/kernel';
import {
  type Command as CommandMessage,
  type Decision as DecisionMessage,
  DecisionSchema,
  type Proposal as ProposalMessage,
} from '@sigma/proto';
import { MalformedBytesError } from '../wire/wire-reader.ts';
import { uint53, type WireWriter } from '../wire/wire-writer.ts';
import { readDecision } from './read-decision.ts';

/**
 * Writes sigma.v1.Decision. Exact: `decodeDecision` gives an equal decision back, -0 and NaN included. What the record
 * leaves out follows from the rest: `authority` from `chosen`, `restriction` from `restrictions`, `atUs` stands in the
 * envelope. Counts that an untrusted proposal may have set to nonsense (a sequence of NaN, a negative deadline) are
 * written as the nearest count there is, so that nobody's nonsense can keep a decision off the record.
 */
export function encodeDecision(wire: WireWriter, decision: Decision): void {
  const { context, chosen, planBasis } = decision;
  wire.uint(1, decision.sequence);
  let mark = wire.open(2);
  wire.uint(1, context.epoch);
  wire.uint(2, context.inputSequence);
  wire.string(3, context.policyHash);
  wire.close(mark);
  if (chosen !== null) writeProposal(wire, 3, chosen);
  writeCommand(wire, 4, decision.command);
  wire.string(5, decision.rationale);
  wire.double(6, decision.confidence);
  for (const { proposal, reason, by } of decision.rejected) {
    mark = wire.open(7);
    writeProposal(wire, 1, proposal);
    wire.string(2, reason);
    wire.string(3, by);
    wire.close(mark);
  }
  for (const proposal of decision.restrictions) writeProposal(wire, 8, proposal);
  for (const { param, from, to } of decision.clamped) {
    mark = wire.open(9);
    wire.string(1, param);
    wire.double(2, from);
    wire.double(3, to);
    wire.close(mark);
  }
  wire.string(10, decision.forbiddenBy ?? '');
  wire.string(11, decision.taskId ?? '');
  wire.uint(12, uint53(decision.planRevision ?? 0));
  wire.string(13, decision.planner ?? '');
  if (planBasis !== null) {
    mark = wire.open(14);
    wire.uint(1, uint53(planBasis.epoch));
    wire.uint(2, uint53(planBasis.inputSequence));
    wire.close(mark);
  }
}

/** Writes sigma.v1.Command as field `field`. */
function writeCommand(wire: WireWriter, field: number, command: Command): void {
  const mark = wire.open(field);
  wire.string(1, command.name);
  const { params } = command;
  for (const name of Object.keys(params).sort()) {
    const value = params[name];
    const param = wire.open(2);
    wire.string(1, name);
    if (typeof value === 'number') wire.doublePresent(2, value);
    else if (typeof value === 'string') wire.stringPresent(3, value);
    else wire.varintPresent(4, value === true ? 1 : 0);
    wire.close(param);
  }
  if (command.kind === 'setpoint') {
    const inner = wire.open(3);
    wire.uint(1, uint53(command.durationUs));
    wire.close(inner);
  } else {
    const inner = wire.open(4);
    wire.string(1, command.id);
    wire.string(2, command.idempotencyKey);
    wire.uint(3, uint53(command.deadlineUs));
    wire.close(inner);
  }
  wire.close(mark);
}

function writeProposal(wire: WireWriter, field: number, proposal: Proposal): void {
  const mark = wire.open(field);
  wire.string(1, proposal.source);
  wire.uint(2, AUTHORITIES.indexOf(proposal.authority) + 1);
  wire.double(3, proposal.severity);
  wire.double(4, proposal.priority);
  wire.uint(5, uint53(proposal.sequence));
  wire.string(6, proposal.rationale);
  wire.double(7, proposal.confidence);
  wire.string(8, proposal.ruleHash ?? '');
  if (proposal.type === 'command') writeCommand(wire, 9, proposal.command);
  else writeRestriction(wire, 10, proposal.restriction);
  wire.close(mark);
}

function writeRestriction(wire: WireWriter, field: number, { atMost, forbid }: Restriction): void {
  const mark = wire.open(field);
  for (const name of Object.keys(atMost).sort()) {
    const bound = wire.open(1);
    wire.string(1, name);
    wire.double(2, atMost[name] as number);
    wire.close(bound);
  }
  for (const thing of forbid) wire.stringPresent(2, thing);
  wire.close(mark);
}

/**
 * @param atUs agent time of the event that carries it
 * @throws MalformedBytesError
 */
export const decodeDecision = (data: Uint8Array, atUs: number): Decision =>
  readDecision(data, atUs) ?? decodeAnyDecision(data, atUs);

/** However it is written. @throws MalformedBytesError */
export function decodeAnyDecision(data: Uint8Array, atUs: number): Decision {
  let message: DecisionMessage;
  try {
    message = fromBinary(DecisionSchema, data);
  } catch (error) {
    throw new MalformedBytesError(`no decision (${(error as Error).message})`);
  }
  const { context, command, planBasis } = message;
  if (context === undefined || command === undefined) {
    throw new MalformedBytesError('a decision without context or command');
  }
  const chosen = message.chosen === undefined ? null : readProposal(message.chosen);
  if (chosen?.type === 'restriction') throw new MalformedBytesError('a decision that chose a restriction');
  const restrictions = message.restrictions.map(readProposal) as RestrictionProposal[];
  const planned = message.planner !== '';
  return {
    sequence: Number(message.sequence),
    atUs,
    context: {
      epoch: context.epoch,
      inputSequence: Number(context.inputSequence),
      policyHash: context.policyHash,
    },
    chosen,
    command: readCommand(command),
    authority: chosen?.authority ?? 'rest',
    rationale: message.rationale,
    confidence: message.confidence,
    rejected: message.rejected.map(readRejected),
    restrictions,
    restriction: restrictions.reduce((all, { restriction }) => intersect(all, restriction), NO_RESTRICTION),
    clamped: message.clamped.map(({ param, from, to }): Clamped => ({ param, from, to })),
    forbiddenBy: textOrNull(message.forbiddenBy),
    taskId: textOrNull(message.taskId),
    planRevision: planned ? Number(message.planRevision) : null,
    planner: planned ? (message.planner as 'primary' | 'secondary') : null,
    planBasis:
      planBasis === undefined ? null : { epoch: planBasis.epoch, inputSequence: Number(planBasis.inputSequence) },
  };
}

function readRejected(message: DecisionMessage['rejected'][number]): Rejected {
  if (message.proposal === undefined) throw new MalformedBytesError('a rejection without its proposal');
  const proposal = readProposal(message.proposal);
  if (proposal.type === 'restriction') throw new MalformedBytesError('a rejected restriction');
  return { proposal, reason: message.reason as RejectionReason, by: message.by };
}

function readProposal(message: ProposalMessage): CommandProposal | RestrictionProposal {
  const { wants } = message;
  const base = {
    source: message.source,
    authority: AUTHORITIES[message.authority - 1] as Authority,
    severity: message.severity,
    priority: message.priority,
    sequence: Number(message.sequence),
    rationale: message.rationale,
    confidence: message.confidence,
    ruleHash: textOrNull(message.ruleHash),
  };
  if (base.authority === undefined) throw new MalformedBytesError(`authority ${message.authority}`);
  if (wants.case === 'command') return { ...base, type: 'command', command: readCommand(wants.value) };
  if (wants.case !== 'restriction') throw new MalformedBytesError('a proposal that wants nothing');
  const { atMost, forbid } = wants.value;
  const bounds = Object.fromEntries(atMost.map((bound) => [bound.param, bound.atMost]));
  return { ...base, type: 'restriction', restriction: { atMost: bounds, forbid } };
}

function readCommand(message: CommandMessage): Command {
  const { name, kind } = message;
  const params: Params = Object.fromEntries(
    message.params.map(({ name, value }) => {
      if (value.case === undefined) throw new MalformedBytesError(`parameter '${name}' has no value`);
      return [name, value.value];
    }),
  );
  if (kind.case === 'setPoint') return { kind: 'setpoint', name, params, durationUs: Number(kind.value.durationUs) };
  if (kind.case !== 'action') throw new MalformedBytesError(`command '${name}' is neither set-point nor action`);
  const { id, idempotencyKey, deadlineUs } = kind.value;
  return { kind: 'action', name, params, id, idempotencyKey, deadlineUs: Number(deadlineUs) };
}

const textOrNull = (text: string): string | null => (text === '' ? null : text);

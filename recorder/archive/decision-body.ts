import { type Command, type Decision, encodeState, type Proposal, type Restriction } from '@sigma/kernel';

/**
 * A decision as `encodeState` writes it, byte for byte, without looking for the names of its fields each time: they are
 * known, and stand here in their order.
 */
export function decisionBody(decision: Decision): string {
  const { context, planBasis, rejected, restrictions, clamped } = decision;
  return (
    `{"atUs":${number(decision.atUs)},"authority":${quoted(decision.authority)},` +
    `"chosen":${decision.chosen === null ? 'null' : proposalBody(decision.chosen)},` +
    `"clamped":${list(clamped, ({ from, param, to }) => `{"from":${number(from)},"param":${quoted(param)},"to":${number(to)}}`)},` +
    `"command":${commandBody(decision.command)},"confidence":${number(decision.confidence)},` +
    `"context":{"epoch":${number(context.epoch)},"inputSequence":${number(context.inputSequence)},` +
    `"policyHash":${quoted(context.policyHash)}},"forbiddenBy":${orNull(decision.forbiddenBy)},` +
    `"planBasis":${planBasis === null ? 'null' : `{"epoch":${number(planBasis.epoch)},"inputSequence":${number(planBasis.inputSequence)}}`},` +
    `"planRevision":${decision.planRevision === null ? 'null' : number(decision.planRevision)},` +
    `"planner":${orNull(decision.planner)},"rationale":${quoted(decision.rationale)},` +
    `"rejected":${list(rejected, ({ by, proposal, reason }) => `{"by":${quoted(by)},"proposal":${proposalBody(proposal)},"reason":${quoted(reason)}}`)},` +
    `"restriction":${restrictionBody(decision.restriction)},"restrictions":${list(restrictions, proposalBody)},` +
    `"sequence":${number(decision.sequence)},"taskId":${orNull(decision.taskId)}}`
  );
}

function proposalBody(proposal: Proposal): string {
  const { authority, confidence, priority, rationale, ruleHash, sequence, severity, source } = proposal;
  const wants = proposal.type === 'command' ? `"command":${commandBody(proposal.command)},` : '';
  const limits = proposal.type === 'command' ? '' : `"restriction":${restrictionBody(proposal.restriction)},`;
  return (
    `{"authority":${quoted(authority)},${wants}"confidence":${number(confidence)},"priority":${number(priority)},` +
    `"rationale":${quoted(rationale)},${limits}"ruleHash":${orNull(ruleHash)},"sequence":${number(sequence)},` +
    `"severity":${number(severity)},"source":${quoted(source)},"type":${quoted(proposal.type)}}`
  );
}

function commandBody(command: Command): string {
  const { name, params } = command;
  const named = `"name":${quoted(name)},"params":${encodeState(params)}`;
  if (command.kind === 'setpoint') return `{"durationUs":${number(command.durationUs)},"kind":"setpoint",${named}}`;
  const { deadlineUs, id, idempotencyKey } = command;
  return `{"deadlineUs":${number(deadlineUs)},"id":${quoted(id)},"idempotencyKey":${quoted(idempotencyKey)},"kind":"action",${named}}`;
}

const restrictionBody = ({ atMost, forbid }: Restriction): string =>
  `{"atMost":${encodeState(atMost)},"forbid":${list(forbid, quoted)}}`;

function list<Item>(items: readonly Item[], body: (item: Item) => string): string {
  let text = '[';
  for (let i = 0; i < items.length; i++) text += i === 0 ? body(items[i] as Item) : `,${body(items[i] as Item)}`;
  return `${text}]`;
}

const number = (value: number): string => (value !== 0 && Number.isFinite(value) ? String(value) : encodeState(value));

const orNull = (text: string | null): string => (text === null ? 'null' : quoted(text));

const QUOTED_MOST = 4_096;
const QUOTED_LENGTH = 96;
const known = new Map<string, string>();

/** Most texts of decisions come again and again. */
function quoted(text: string): string {
  if (text.length > QUOTED_LENGTH) return JSON.stringify(text);
  const before = known.get(text);
  if (before !== undefined) return before;
  const made = JSON.stringify(text);
  if (known.size < QUOTED_MOST) known.set(text, made);
  return made;
}

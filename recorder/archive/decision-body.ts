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
  const named = `"name":${quoted(name)},"params":${recordBody(params)}`;
  if (command.kind === 'setpoint') return `{"durationUs":${number(command.durationUs)},"kind":"setpoint",${named}}`;
  const { deadlineUs, id, idempotencyKey } = command;
  return `{"deadlineUs":${number(deadlineUs)},"id":${quoted(id)},"idempotencyKey":${quoted(idempotencyKey)},"kind":"action",${named}}`;
}

const restrictionBody = ({ atMost, forbid }: Restriction): string =>
  `{"atMost":${recordBody(atMost)},"forbid":${list(forbid, quoted)}}`;

function list<Item>(items: readonly Item[], body: (item: Item) => string): string {
  let text = '[';
  for (let i = 0; i < items.length; i++) text += i === 0 ? body(items[i] as Item) : `,${body(items[i] as Item)}`;
  return `${text}]`;
}

/** Names with numbers, texts or truths, in the order of their names. */
function recordBody(record: Readonly<Record<string, number | string | boolean>>): string {
  let text = '{';
  for (const key of inOrder(Object.keys(record))) {
    // The encoder says why such a name may not be.
    if (key.charCodeAt(0) === DOLLAR) return encodeState(record);
    const value = record[key] as number | string | boolean;
    const said = typeof value === 'number' ? number(value) : typeof value === 'string' ? quoted(value) : String(value);
    text += `${text.length === 1 ? '' : ','}${quoted(key)}:${said}`;
  }
  return `${text}}`;
}

const DOLLAR = 36;

/** Most have been written in their order. */
function inOrder(keys: string[]): readonly string[] {
  for (let i = 1; i < keys.length; i++) if ((keys[i - 1] as string) > (keys[i] as string)) return keys.sort();
  return keys;
}

function number(value: number): string {
  if (Number.isInteger(value)) return Object.is(value, -0) ? encodeState(value) : String(value);
  return Number.isFinite(value) ? fractions.text(value) : encodeState(value);
}

/** Texts of the last fractions: a decision has each number of its command twice, and to write one takes long. */
class Fractions {
  readonly #value = new Float64Array(1);
  readonly #halves = new Uint32Array(this.#value.buffer);
  readonly #values = new Float64Array(FRACTIONS);
  readonly #texts: string[] = new Array(FRACTIONS).fill('0');

  text(value: number): string {
    this.#value[0] = value;
    const mixed = Math.imul((this.#halves[0] as number) ^ (this.#halves[1] as number), 0x9e3779b1);
    const place = mixed >>> (32 - FRACTION_BITS);
    if (this.#values[place] === value) return this.#texts[place] as string;
    const text = String(value);
    this.#values[place] = value;
    this.#texts[place] = text;
    return text;
  }
}

const FRACTION_BITS = 10;
const FRACTIONS = 1 << FRACTION_BITS;
const fractions = new Fractions();

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

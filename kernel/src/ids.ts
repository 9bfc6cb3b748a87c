/**
 * Names of things. A string becomes an id once, by passing its validator at the edge of the program; inside nobody
 * checks again.
 */
declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

export type AgentId = Branded<string, 'AgentId'>;
export type TenantId = Branded<string, 'TenantId'>;
export type MissionId = Branded<string, 'MissionId'>;
export type TaskId = Branded<string, 'TaskId'>;

/** Ids travel in URLs, file names and bus subjects, so they keep to a set of characters that is safe in all of them. */
const ID_PATTERN = /^[a-z0-9][a-z0-9._-]{0,62}$/;

export class InvalidIdError extends Error {
  readonly kind: string;
  readonly value: string;

  constructor(kind: string, value: string) {
    super(
      `'${value.slice(0, 80)}' is no ${kind}: use 1 to 63 of a-z, 0-9, dot, dash and underscore, starting with a letter or digit`,
    );
    this.name = 'InvalidIdError';
    this.kind = kind;
    this.value = value;
  }
}

function parse<Name extends string>(kind: Name, value: string): Branded<string, Name> {
  if (!ID_PATTERN.test(value)) throw new InvalidIdError(kind, value);
  return value as Branded<string, Name>;
}

/** @throws InvalidIdError */
export const agentId = (value: string): AgentId => parse('AgentId', value);
/** @throws InvalidIdError */
export const tenantId = (value: string): TenantId => parse('TenantId', value);
/** @throws InvalidIdError */
export const missionId = (value: string): MissionId => parse('MissionId', value);
/** @throws InvalidIdError */
export const taskId = (value: string): TaskId => parse('TaskId', value);

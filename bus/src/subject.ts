/** Subjects are tokens joined by dots; the tenant always comes first (law L7): `t.<tenant>.telemetry.<agent>`. */

/** Ids may hold dots, which part tokens; `=` never occurs in an id and stands for them. */
const escapeToken = (id: string): string => id.replaceAll('.', '=');

/** Subject of one tenant. Tokens are ids or `*`; a last `>` matches everything below. */
export const subjectOf = (tenant: string, ...tokens: readonly string[]): string =>
  ['t', tenant, ...tokens].map(escapeToken).join('.');

/** Token number `index` of a subject, 0 being `t` and 1 the tenant; undefined beyond the last. */
export const tokenOf = (subject: string, index: number): string | undefined =>
  subject.split('.')[index]?.replaceAll('=', '.');

export class InvalidSubjectError extends Error {
  readonly subject: string;

  constructor(subject: string, why: string) {
    super(`'${subject.slice(0, 120)}' is no subject: ${why}`);
    this.name = 'InvalidSubjectError';
    this.subject = subject;
  }
}

/** @throws InvalidSubjectError unless it is `t.<tenant>.<more>` without wildcards. */
export function checkSubject(subject: string): void {
  checkTokens(subject);
  if (/[*>]/.test(subject)) throw new InvalidSubjectError(subject, 'wildcards only stand in subscriptions');
}

/** @throws InvalidSubjectError; a pattern names its tenant, it cannot reach across tenants. */
export function checkPattern(pattern: string): void {
  checkTokens(pattern);
  const tokens = pattern.split('.');
  if (/[*>]/.test(tokens[1] as string)) throw new InvalidSubjectError(pattern, 'the tenant must be named');
  for (let k = 2; k < tokens.length; k++) {
    const token = tokens[k] as string;
    if (token.includes('>') && (token !== '>' || k !== tokens.length - 1)) {
      throw new InvalidSubjectError(pattern, "'>' stands alone and last");
    }
    if (token.includes('*') && token !== '*') throw new InvalidSubjectError(pattern, "'*' stands for a whole token");
  }
}

function checkTokens(subject: string): void {
  const tokens = subject.split('.');
  if (tokens[0] !== 't' || tokens.length < 3)
    throw new InvalidSubjectError(subject, 'it begins with t.<tenant> and goes on');
  if (tokens.some((token) => token === '' || /\s/.test(token))) {
    throw new InvalidSubjectError(subject, 'tokens are not empty and hold no space');
  }
}

/** Whether a subscription's pattern takes the subject. */
export function matches(pattern: string, subject: string): boolean {
  const want = pattern.split('.');
  const have = subject.split('.');
  for (let k = 0; k < want.length; k++) {
    if (want[k] === '>') return have.length > k;
    if (k >= have.length || (want[k] !== '*' && want[k] !== have[k])) return false;
  }
  return want.length === have.length;
}

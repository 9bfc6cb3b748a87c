import { createContextKey } from '@connectrpc/connect';
import { Role } from '@sigma/proto';

/** Who calls. */
export type Principal =
  | {
      readonly kind: 'person';
      readonly id: string;
      readonly email: string;
      /** Under which their orders are issued, leases held and acts recorded: an alias. */
      readonly holder: string;
      readonly role: Role;
    }
  /** A robot or a feed with the join token. */
  | { readonly kind: 'edge' }
  | { readonly kind: 'nobody' };

export const PRINCIPAL = createContextKey<Principal>({ kind: 'nobody' }, { description: 'who calls' });

/** Least first. */
export const ROLE_NAMES = ['viewer', 'operator', 'engineer', 'administrator'] as const;
export type RoleName = (typeof ROLE_NAMES)[number];

const RANK: Readonly<Record<string, Role>> = {
  viewer: Role.VIEWER,
  operator: Role.OPERATOR,
  engineer: Role.ENGINEER,
  administrator: Role.ADMINISTRATOR,
} satisfies Record<RoleName, Role>;

/** A role as it stands in an account; an unknown word gives no right at all. */
export const roleNamed = (name: string): Role => RANK[name] ?? Role.UNSPECIFIED;

export type Verdict = 'allowed' | 'sign_in' | 'not_enough' | 'no_rule';

/**
 * Whether `principal` may call a method that asks for `least`. A method without a role is refused to everybody. Roles of
 * people are ranked; the edge's stands apart: no person has it, and it opens nothing else.
 */
export function judge(principal: Principal, least: Role): Verdict {
  if (least === Role.UNSPECIFIED) return 'no_rule';
  if (least === Role.EDGE) {
    if (principal.kind === 'edge') return 'allowed';
    return principal.kind === 'nobody' ? 'sign_in' : 'not_enough';
  }
  if (principal.kind === 'nobody') return 'sign_in';
  if (principal.kind === 'edge') return 'not_enough';
  return principal.role >= least ? 'allowed' : 'not_enough';
}

export const issuerOf = (principal: Principal): string =>
  principal.kind === 'person' ? principal.holder : principal.kind;

import type { Timeline } from '@sigma/recorder';

/** A recording holds several tenants and nobody said of which one it is asked, or it holds nothing of that one. */
export class TenantError extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'TenantError';
  }
}

/**
 * What is one tenant's: whoever asks of one of them is given nothing of another (law L7).
 *
 * @param tenant null: the only one that there is
 * @throws TenantError
 */
export function ofTenant<Kept extends { readonly tenant: string }>(
  all: readonly Kept[],
  tenant: string | null,
): readonly Kept[] {
  const tenants = [...new Set(all.map((one) => one.tenant))];
  if (tenant === null) {
    if (tenants.length <= 1) return all;
    throw new TenantError(`it holds several tenants (${tenants.join(', ')}): say of which one`);
  }
  if (!tenants.includes(tenant)) throw new TenantError(`nothing is recorded of tenant '${tenant}' here`);
  return all.filter((one) => one.tenant === tenant);
}

/** A timeline with the lives of one tenant. @throws TenantError */
export const tenantTimeline = (timeline: Timeline, tenant: string | null): Timeline => ({
  ...timeline,
  lives: ofTenant(timeline.lives, tenant),
});

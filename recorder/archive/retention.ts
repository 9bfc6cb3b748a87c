import { type EventClass, isEventClass } from './schema.ts';

/** For how many days a tenant's events are kept; null for ever. */
export interface TenantRetention {
  /** In the hot store, by whole prefixes. */
  readonly hotDays: number | null;
  /** In the archive, by class; a class that is not named is kept for ever. */
  readonly coldDays: Readonly<Partial<Record<EventClass, number | null>>>;
  /** Files of others that were imported at a hub, from when they were brought. */
  readonly importDays: number | null;
}

/** Retention as data (R170): by tenant, `*` for those without an entry of their own. */
export type Retention = Readonly<Record<string, TenantRetention>>;

const KEPT_FOR_EVER: TenantRetention = { hotDays: null, coldDays: {}, importDays: null };

/** A retention that says nothing that could be done. The message names the tenant and the field. */
export class RetentionError extends Error {}

/**
 * @param text JSON as `{"*": {"hotDays": 30, "coldDays": {"stimulus": 30, "decision": 365, "safety": null}, "importDays": 90}}`
 * @throws RetentionError
 */
export function parseRetention(text: string): Retention {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RetentionError(`it is no JSON (${(error as Error).message})`);
  }
  if (!isRecord(value)) throw new RetentionError('it is no object of tenants');
  return Object.fromEntries(Object.entries(value).map(([tenant, entry]) => [tenant, tenantRetention(tenant, entry)]));
}

export const retentionOf = (retention: Retention, tenant: string): TenantRetention =>
  (Object.hasOwn(retention, tenant) ? retention[tenant] : retention['*']) ?? KEPT_FOR_EVER;

const FIELDS = ['hotDays', 'coldDays', 'importDays'];

function tenantRetention(tenant: string, entry: unknown): TenantRetention {
  if (!isRecord(entry)) throw new RetentionError(`${tenant}: it is no object`);
  const unknown = Object.keys(entry).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) throw new RetentionError(`${tenant}: '${unknown}' is none of ${FIELDS.join(', ')}`);
  const { hotDays = null, coldDays = {}, importDays = null } = entry;
  if (!isRecord(coldDays)) throw new RetentionError(`${tenant}: coldDays is no object of classes`);
  for (const [name, days] of Object.entries(coldDays)) {
    if (!isEventClass(name)) throw new RetentionError(`${tenant}: '${name}' is no class of events`);
    if (!isDays(days)) throw new RetentionError(`${tenant}: ${name} is neither a whole number of days nor null`);
    if (name === 'safety' && days !== null) throw new RetentionError(`${tenant}: safety is kept for ever, say null`);
  }
  if (!isDays(hotDays)) throw new RetentionError(`${tenant}: hotDays is neither a whole number of days nor null`);
  if (!isDays(importDays)) throw new RetentionError(`${tenant}: importDays is neither a whole number of days nor null`);
  return { hotDays, coldDays, importDays };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isDays = (value: unknown): value is number | null =>
  value === null || (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= 100_000);

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The RFC 7386 merge patch that turns `before` into `after`. A member that holds null cannot be told from a missing one. */
export function mergePatch(before: JsonValue, after: JsonValue): JsonValue {
  if (!isObject(before) || !isObject(after)) return after;
  const patch: Record<string, JsonValue> = {};
  for (const key of Object.keys(before)) if (!(key in after)) patch[key] = null;
  for (const [key, value] of Object.entries(after)) {
    const was = before[key];
    if (was !== undefined && JSON.stringify(was) === JSON.stringify(value)) continue;
    patch[key] = was === undefined ? value : mergePatch(was, value);
  }
  return patch;
}

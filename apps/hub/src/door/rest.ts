import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import {
  type DescField,
  type DescMethod,
  type DescService,
  getOption,
  hasOption,
  ScalarType,
} from '@bufbuild/protobuf';
import { http } from '@sigma/proto';

/** A unary method as REST, as its `http` option says. */
export interface RestRoute {
  readonly service: DescService;
  readonly method: DescMethod;
  /** GET, POST, PUT, PATCH or DELETE. */
  readonly verb: string;
  /** `/api/v1/agents/{agent_id}`. */
  readonly path: string;
  readonly summary: string;
  readonly fromQuery: boolean;
  readonly names: readonly string[];
  readonly pattern: RegExp;
}

export class BadRequestError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BadRequestError';
  }
}

/** Every REST route of the services, from their contracts. @throws Error for two methods on one route. */
export function restRoutes(services: readonly DescService[]): readonly RestRoute[] {
  const routes: RestRoute[] = [];
  const taken = new Set<string>();
  for (const service of services) {
    for (const method of service.methods) {
      if (!hasOption(method, http)) continue;
      const rule = getOption(method, http);
      if (method.methodKind !== 'unary')
        throw new Error(`${service.typeName}/${method.name} streams and cannot be REST`);
      const names = [...rule.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string);
      const unknown = names.find((name) => !method.input.fields.some((field) => field.name === name));
      if (unknown !== undefined)
        throw new Error(`${rule.path} names '${unknown}', which ${method.input.typeName} has not`);
      const key = `${rule.method} ${rule.path.replace(/\{\w+\}/g, '{}')}`;
      if (taken.has(key)) throw new Error(`two methods answer ${key}`);
      taken.add(key);
      const pattern = new RegExp(`^${rule.path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '([^/]+)')}$`);
      const fromQuery = rule.method === 'GET' || rule.method === 'DELETE';
      routes.push({
        service,
        method,
        verb: rule.method,
        path: rule.path,
        summary: rule.summary,
        fromQuery,
        names,
        pattern,
      });
    }
  }
  return routes;
}

export type Match =
  | { readonly route: RestRoute; readonly values: readonly string[] }
  | { readonly allowed: readonly string[] };

/** The route of a request, or the verbs that its path does know. */
export function matchRoute(routes: readonly RestRoute[], verb: string, path: string): Match {
  const allowed: string[] = [];
  for (const route of routes) {
    const found = route.pattern.exec(path);
    if (found === null) continue;
    if (route.verb === verb) return { route, values: found.slice(1) };
    allowed.push(route.verb);
  }
  return { allowed };
}

/**
 * The request message in proto's JSON form: path, then query or body. A path wins over a body that says otherwise.
 * @throws BadRequestError
 */
export function requestJson(
  route: RestRoute,
  values: readonly string[],
  query: URLSearchParams,
  body: string,
): JsonObject {
  const json: Record<string, JsonValue> = {};
  if (route.fromQuery) {
    for (const name of new Set(query.keys())) {
      const field = route.method.input.fields.find((one) => one.name === name || one.jsonName === name);
      if (field === undefined) throw new BadRequestError(`there is no parameter '${name.slice(0, 40)}' here`);
      json[field.name] = fromText(field, query.getAll(name));
    }
  } else if (body.trim() !== '') {
    let parsed: unknown;
    try {
      parsed = JSON.parse(body);
    } catch (error) {
      throw new BadRequestError(`the body is no JSON: ${(error as Error).message}`);
    }
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
      throw new BadRequestError('the body is a JSON object');
    Object.assign(json, parsed);
  }
  for (const [k, name] of route.names.entries()) {
    const field = route.method.input.fields.find((one) => one.name === name) as DescField;
    delete json[field.jsonName];
    json[name] = decodePart(values[k] as string);
  }
  return json;
}

function decodePart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new BadRequestError('the path is not well encoded');
  }
}

function fromText(field: DescField, texts: readonly string[]): JsonValue {
  const one = (text: string): JsonValue => {
    const isFlag = (field.fieldKind === 'scalar' || field.fieldKind === 'list') && field.scalar === ScalarType.BOOL;
    if (!isFlag) return text;
    if (text !== 'true' && text !== 'false') throw new BadRequestError(`'${field.name}' is true or false`);
    return text === 'true';
  };
  if (field.fieldKind === 'list') return texts.map(one);
  if (texts.length > 1) throw new BadRequestError(`'${field.name}' is given more than once`);
  return one(texts[0] as string);
}

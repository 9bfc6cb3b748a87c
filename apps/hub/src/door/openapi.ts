import { type DescEnum, type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { Role } from '@sigma/proto';
import { roleOf } from './authorise.ts';
import type { RestRoute } from './rest.ts';

type Schema = { readonly [key: string]: unknown };

/** The REST routes as an OpenAPI 3.1 document, from the same contracts that serve them. */
export function openApi(routes: readonly RestRoute[], version: string): Schema {
  const schemas = new Map<string, Schema>();
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    paths[route.path] ??= {};
    (paths[route.path] as Record<string, unknown>)[route.verb.toLowerCase()] = operation(route, schemas);
  }
  schemas.set('Error', {
    type: 'object',
    required: ['code', 'message'],
    properties: {
      code: { type: 'string', description: 'A Connect code, such as not_found' },
      message: { type: 'string' },
    },
  });
  return {
    openapi: '3.1.0',
    info: {
      title: 'SigmaPrompt hub',
      version,
      description:
        'Derived from proto/sigma/v1. Numbers of 64 bits travel as strings, bytes as base64, NaN as "NaN" (the JSON mapping of Protocol Buffers). The same methods answer gRPC, gRPC-Web and Connect on this port.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ session: [] }, { bearer: [] }],
    tags: [...new Set(routes.map((route) => route.service.name))].map((name) => ({ name })),
    paths,
    components: {
      schemas: Object.fromEntries([...schemas].sort(([a], [b]) => (a < b ? -1 : 1))),
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: 'sigma.session_token' },
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'Token of a session, or the join token for edges and feeds',
        },
      },
    },
  };
}

function operation(route: RestRoute, schemas: Map<string, Schema>): Schema {
  const { method, names, fromQuery } = route;
  const inPath = names.map((name) => {
    const field = method.input.fields.find((one) => one.name === name) as DescField;
    return { name, in: 'path', required: true, schema: fieldSchema(field, schemas) };
  });
  const rest = method.input.fields.filter((field) => !names.includes(field.name));
  const inQuery = fromQuery
    ? rest.map((field) => ({ name: field.name, in: 'query', required: false, schema: fieldSchema(field, schemas) }))
    : [];
  const body = { content: { 'application/json': { schema: objectOf(rest, schemas) } } };
  const answer = {
    description: 'Done',
    content: { 'application/json': { schema: messageRef(method.output, schemas) } },
  };
  return {
    operationId: `${route.service.name}_${method.name}`,
    summary: route.summary,
    description: `Needs the role ${(Role[roleOf(method)] ?? 'none').toLowerCase()}.`,
    tags: [route.service.name],
    ...(inPath.length + inQuery.length > 0 ? { parameters: [...inPath, ...inQuery] } : {}),
    ...(fromQuery ? {} : { requestBody: body }),
    responses: {
      '200': answer,
      default: {
        description: 'Refused',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  };
}

function messageRef(message: DescMessage, schemas: Map<string, Schema>): Schema {
  const name = message.typeName.replace(/^sigma\.v1\./, '');
  if (!schemas.has(name)) {
    schemas.set(name, {});
    schemas.set(name, objectOf(message.fields, schemas));
  }
  return { $ref: `#/components/schemas/${name}` };
}

function objectOf(fields: readonly DescField[], schemas: Map<string, Schema>): Schema {
  const properties = Object.fromEntries(fields.map((field) => [field.jsonName, fieldSchema(field, schemas)]));
  return { type: 'object', properties, additionalProperties: false };
}

function fieldSchema(field: DescField, schemas: Map<string, Schema>): Schema {
  switch (field.fieldKind) {
    case 'scalar':
      return scalarSchema(field.scalar);
    case 'enum':
      return enumSchema(field.enum);
    case 'message':
      return messageRef(field.message, schemas);
    case 'list': {
      if (field.listKind === 'scalar') return { type: 'array', items: scalarSchema(field.scalar) };
      if (field.listKind === 'enum') return { type: 'array', items: enumSchema(field.enum) };
      return { type: 'array', items: messageRef(field.message, schemas) };
    }
    case 'map':
      return { type: 'object', additionalProperties: true };
  }
}

const enumSchema = (of: DescEnum): Schema => ({ type: 'string', enum: of.values.map((value) => value.name) });

function scalarSchema(scalar: ScalarType): Schema {
  switch (scalar) {
    case ScalarType.BOOL:
      return { type: 'boolean' };
    case ScalarType.STRING:
      return { type: 'string' };
    case ScalarType.BYTES:
      return { type: 'string', contentEncoding: 'base64' };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return { anyOf: [{ type: 'number' }, { type: 'string', enum: ['NaN', 'Infinity', '-Infinity'] }] };
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return { type: 'integer', format: 'int32' };
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return { type: 'integer', minimum: 0, maximum: 4_294_967_295 };
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return { type: 'string', pattern: '^[0-9]+$' };
    default:
      return { type: 'string', pattern: '^-?[0-9]+$' };
  }
}

import { errorCodes } from '@sgp/shared/errors';
import * as z from 'zod';
import type { Route, RouteSpec } from './route.ts';

/** What the document says of the service itself. */
export type OpenApiInfo = {
  readonly title: string;
  readonly description: string;
  readonly version: string;
  /** Security schemes by name (OpenAPI 3.1 §4.8.27). */
  readonly securitySchemes: Readonly<Record<string, object>>;
  /** For each `access` of the routes, the scheme that it needs; null for none. */
  readonly schemeByAccess: Readonly<Record<string, string | null>>;
};

type JsonSchema = Readonly<Record<string, unknown>>;
export type OpenApiDocument = {
  readonly openapi: '3.1.0';
  readonly info: object;
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
  readonly components: object;
};

/**
 * Describes the routes as an OpenAPI 3.1 document, made from the same zod schemas that check the requests.
 * @throws Error when a route names an access that `info.schemeByAccess` does not know
 */
export function createOpenApi(routes: readonly Route[], info: OpenApiInfo): OpenApiDocument {
  const paths: Record<string, Record<string, object>> = {};
  for (const { spec } of routes) {
    const path = spec.path.replaceAll(/:([A-Za-z]+)/g, '{$1}');
    paths[path] = { ...paths[path], [spec.method.toLowerCase()]: operation(spec, info) };
  }
  return {
    openapi: '3.1.0',
    info: { title: info.title, description: info.description, version: info.version, license: { name: 'Apache-2.0' } },
    paths,
    components: {
      securitySchemes: info.securitySchemes,
      schemas: { Problem: problemSchema },
      responses: {
        Refused: {
          description: 'Refused; `code` says why (RFC 9457).',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    },
  };
}

const problemSchema: JsonSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', enum: errorCodes },
    requestId: { type: 'string' },
    details: { type: 'object' },
  },
};

function operation(spec: RouteSpec, info: OpenApiInfo): object {
  const scheme = info.schemeByAccess[spec.access];
  if (scheme === undefined) throw new Error(`the access '${spec.access}' of ${spec.path} has no security scheme`);
  const parameters = [...parametersOf(spec.params, 'path'), ...parametersOf(spec.query, 'query')];
  return {
    summary: spec.summary,
    tags: [spec.tag],
    operationId: operationId(spec),
    'x-access': spec.access,
    security: scheme === null ? [] : [{ [scheme]: [] }],
    ...(parameters.length > 0 && { parameters }),
    ...requestBody(spec),
    responses: { [String(successStatus(spec))]: success(spec), default: { $ref: '#/components/responses/Refused' } },
  };
}

/** `GET /api/orders/:id/media` → `getApiOrdersIdMedia` */
const operationId = ({ method, path }: RouteSpec): string =>
  method.toLowerCase() +
  path
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

/** Without an answer, what does not only read answers nothing. */
const successStatus = (spec: RouteSpec): number =>
  spec.status ?? (spec.answer === undefined && spec.method !== 'GET' && spec.method !== 'HEAD' ? 204 : 200);

function success(spec: RouteSpec): object {
  if (spec.answer) return { description: 'Done.', content: jsonContent(toSchema(spec.answer, 'output')) };
  return successStatus(spec) === 204 ? { description: 'Done.' } : { description: 'A file, a text or a stream.' };
}

function requestBody(spec: RouteSpec): object {
  if (spec.body) return { requestBody: { required: true, content: jsonContent(toSchema(spec.body, 'input')) } };
  if (spec.rawBodyMaxBytes === undefined) return {};
  const schema = { type: 'string', format: 'binary', maxLength: spec.rawBodyMaxBytes };
  return { requestBody: { required: true, content: { 'application/octet-stream': { schema } } } };
}

const jsonContent = (schema: JsonSchema): object => ({ 'application/json': { schema } });

function parametersOf(schema: z.ZodType | undefined, place: 'path' | 'query'): object[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = toSchema(schema, 'input') as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, of]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: of,
  }));
}

function toSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  // A transformed value has no JSON Schema of its own on the way out; what it was made from is described on the way in.
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}

import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandError, EXIT } from './outcome.ts';

/** What the environment says, read once and checked. */
export interface Environment {
  /** The checkout that this command runs from. */
  readonly root: string;
  /** Where recordings, databases and credentials of this machine rest. */
  readonly dataDir: string;
  readonly hubUrl: string | null;
  /** A person's session, for what people do at a hub. */
  readonly token: string | null;
  /** What edges and feeds show a hub. */
  readonly joinToken: string | null;
  /** A PostgreSQL of one's own instead of the embedded one. */
  readonly databaseUrl: string | undefined;
  readonly eventsDescriptor: number;
  /** Access key of an S3 server that archives rest on. */
  readonly s3: S3Key | null;
}

interface S3Key {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

/**
 * `SIGMA_DATA` (folder), `SIGMA_HUB` (http or https address), `SIGMA_TOKEN` (a session), `SIGMA_JOIN_TOKEN` (for `edge`
 * and `ingest`, which take `SIGMA_TOKEN` where only that is set), `SIGMA_EVENTS_FD` (3 to 255), `DATABASE_URL`; for archives on S3 `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
 *
 * @throws CommandError naming the variable
 */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Environment {
  return {
    root,
    dataDir: resolve(env['SIGMA_DATA'] ?? join(root, '.data')),
    hubUrl: env['SIGMA_HUB'] === undefined ? null : checkHubUrl(env['SIGMA_HUB'], 'SIGMA_HUB'),
    token: env['SIGMA_TOKEN'] ?? null,
    joinToken: env['SIGMA_JOIN_TOKEN'] ?? env['SIGMA_TOKEN'] ?? null,
    databaseUrl: env['DATABASE_URL'],
    eventsDescriptor: eventsDescriptor(env['SIGMA_EVENTS_FD']),
    s3: s3Key(env['AWS_ACCESS_KEY_ID'], env['AWS_SECRET_ACCESS_KEY'], env['AWS_SESSION_TOKEN']),
  };
}

const s3Key = (id: string | undefined, secret: string | undefined, sessionToken: string | undefined): S3Key | null =>
  id === undefined || secret === undefined ? null : { accessKeyId: id, secretAccessKey: secret, sessionToken };

/** @throws CommandError */
export function checkHubUrl(text: string, from: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return text.replace(/\/+$/, '');
  throw new CommandError(EXIT.usage, `${from}: '${text}' is no address of a hub`, 'Give it as http://127.0.0.1:8080');
}

function eventsDescriptor(text: string | undefined): number {
  if (text === undefined) return 3;
  const descriptor = Number(text);
  if (Number.isInteger(descriptor) && descriptor >= 3 && descriptor < 256) return descriptor;
  throw new CommandError(EXIT.usage, `SIGMA_EVENTS_FD: '${text}' is no file descriptor`, 'Give a number from 3 to 255');
}

import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { checkHubUrl } from '../environment.ts';
import { type HubFlags, readCredentials, signIn, writeCredentials } from '../hub-access.ts';
import { CommandError, EXIT } from '../outcome.ts';
import { hubCommand, type Shell } from '../shell.ts';

/** `sigma login`: a person's session for the other commands. */
export function loginCommand(shell: Shell): Command {
  return hubCommand('login', 'Sign in to a hub; the password is read from standard input', [
    'sigma login --email operator@sigma.local',
    'sigma login < password.txt',
  ])
    .option('--email <address>', 'who signs in')
    .action(async (flags: HubFlags & { readonly email?: string; readonly json?: boolean }) => {
      const terminal = shell.terminal(flags.json === true);
      const { dataDir, hubUrl } = shell.environment;
      const known = readCredentials(dataDir);
      const url =
        flags.hub === undefined ? (hubUrl ?? known?.url ?? 'http://127.0.0.1:8080') : checkHubUrl(flags.hub, '--hub');
      const email = flags.email ?? known?.email ?? 'operator@sigma.local';
      const session = await signIn(url, email, await readPassword());
      const path = writeCredentials(dataDir, { url, email, session, joinToken: known?.joinToken ?? '' });
      terminal.result({ url, email, credentials: path }, `signed in as ${email} at ${url}; kept in ${path}`);
    });
}

async function readPassword(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write('Password: ');
  const lines = createInterface({ input: process.stdin });
  for await (const line of lines) {
    lines.close();
    return line;
  }
  throw new CommandError(EXIT.usage, 'no password on standard input', 'Type it, or pipe it in');
}

import type { EdgeLinkTally } from './edge-messages.ts';

/** What an edge's link to its hub was last said to be. */
export class ToldLink {
  readonly #url: string;
  #said = '';

  constructor(url: string) {
    this.#url = url;
  }

  /** @returns a line for a person, or null where there is nothing new to say */
  news({ connected, lastError }: EdgeLinkTally): string | null {
    const said = connected ? `linked to ${this.#url}` : lastError === '' ? '' : this.#apart(lastError);
    if (said === '' || said === this.#said) return null;
    this.#said = said;
    return said;
  }

  #apart(why: string): string {
    const besides = /newer link of the same edge/.test(why)
      ? `. If another edge runs beside this one, give one of them a --name, robots a --first and a --data of its own`
      : '';
    return `no link to ${this.#url}: ${why}; it is tried again, and what is recorded meanwhile goes there later${besides}`;
  }
}

/** Whether the hub was met and said no, so that trying again with the same words will not help. */
export const isRefused = ({ connections, lastError }: EdgeLinkTally): boolean =>
  connections === 0 && /^\[(unauthenticated|permission_denied|invalid_argument)\]|refuses this edge/.test(lastError);

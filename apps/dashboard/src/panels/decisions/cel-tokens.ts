/** A piece of a CEL text, for colouring; together the pieces are the text again. */
export interface CelToken {
  readonly kind: 'name' | 'text' | 'number' | 'word' | 'sign';
  readonly text: string;
}

const TOKEN = /("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(\d+(?:\.\d+)?)|([A-Za-z_][\w.]*)|(\s+|[^\s\w"']+|.)/g;
const WORDS = new Set(['true', 'false', 'null', 'in']);

/** Splits a line of CEL (literals, names, operators); never loses a character, whatever the line holds. */
export function celTokens(line: string): CelToken[] {
  return [...line.matchAll(TOKEN)].map(([text, quoted, digits, name]): CelToken => {
    if (quoted !== undefined) return { kind: 'text', text };
    if (digits !== undefined) return { kind: 'number', text };
    if (name !== undefined) return { kind: WORDS.has(name) ? 'word' : 'name', text };
    return { kind: 'sign', text };
  });
}

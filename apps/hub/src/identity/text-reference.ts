/** What stands for a text wherever something is recorded, kept or sent to a robot: 32 hex digits by chance. */
export const REFERENCE = /\btext:([0-9a-f]{32})\b/g;
const REFERENCE_LENGTH = 'text:'.length + 32;

/** At most so many characters of a text, and never a part of a reference. */
export function cutText(text: string, most: number): string {
  if (text.length <= most) return text;
  const kept = text.slice(0, most);
  for (const { index } of text.matchAll(REFERENCE)) {
    if (index < most && index + REFERENCE_LENGTH > most) return kept.slice(0, index);
  }
  return kept;
}

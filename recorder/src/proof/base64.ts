const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Standard Base 64 with padding (RFC 4648, section 4), in engines that bring none of their own. */
export function base64Of(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const [a, b, c] = [bytes[i] as number, bytes[i + 1], bytes[i + 2]];
    const word = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    text += DIGITS.charAt(word >> 18) + DIGITS.charAt((word >> 12) & 63);
    text += b === undefined ? '=' : DIGITS.charAt((word >> 6) & 63);
    text += c === undefined ? '=' : DIGITS.charAt(word & 63);
  }
  return text;
}

/** @returns null for what is not the one standard encoding of some bytes */
export function bytesOfBase64(text: string): Uint8Array | null {
  if (text.length % 4 !== 0) return null;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let word = 0;
  let at = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = i < text.length - padding ? DIGITS.indexOf(text.charAt(i)) : 0;
    if (digit < 0) return null;
    word = ((word << 6) | digit) & 0xffffff;
    if (i % 4 !== 3) continue;
    for (const byte of [word >> 16, (word >> 8) & 255, word & 255]) if (at < bytes.length) bytes[at++] = byte;
  }
  return base64Of(bytes) === text ? bytes : null;
}

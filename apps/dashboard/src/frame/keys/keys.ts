/** A key press as text: `Mod+k`, `Shift+ArrowUp`, `?`, `Space`. `Mod` is Ctrl, or Command on a Mac. */
export function keyText(
  event: Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>,
): string {
  const { key, code, ctrlKey, metaKey, altKey, shiftKey } = event;
  if (altKey) return '';
  const mod = ctrlKey || metaKey ? 'Mod+' : '';
  if (key === ' ') return `${mod}Space`;
  // Steps lie on two keys beside each other, with Shift for the farther ones, on every keyboard.
  if (code === 'Comma') return `${mod}${shiftKey ? 'Shift+' : ''},`;
  if (code === 'Period') return `${mod}${shiftKey ? 'Shift+' : ''}.`;
  if (key.length === 1)
    return mod + (shiftKey && /[a-z]/i.test(key) ? `Shift+${key.toLowerCase()}` : key.toLowerCase());
  return `${mod}${shiftKey ? 'Shift+' : ''}${key}`;
}

const TYPING = 'input, select, textarea, [contenteditable="true"]';
const PRESSED_BY_SPACE = `${TYPING}, button, summary, a[href], [role="button"], [role="tab"], [role="menuitem"], [role="slider"]`;

/** Whether the key belongs to what has the focus: text that is typed, a button that space presses, an open dialog. */
export function isTaken(text: string, target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest('[role="dialog"], [role="menu"], [role="alertdialog"]') !== null) return true;
  return target.matches(text === 'Space' ? PRESSED_BY_SPACE : TYPING);
}

const NAMES: Readonly<Record<string, string>> = {
  Mod: 'Ctrl',
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Escape: 'Esc',
};

/** The caps to press, one after another or together, as a keyboard names them. */
export const keyCaps = (text: string): readonly string[] =>
  text.split('+').map((part) => NAMES[part] ?? (part.length === 1 ? part.toUpperCase() : part));

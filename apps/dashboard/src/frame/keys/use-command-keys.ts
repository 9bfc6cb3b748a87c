import { useEffect } from 'react';
import type { Command, CommandContext } from './commands.ts';
import { isTaken, keyText } from './keys.ts';

/** Runs the command whose key is pressed, unless the key belongs to what has the focus. */
export function useCommandKeys(commands: readonly Command[], context: CommandContext): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.defaultPrevented) return;
      const text = keyText(event);
      const command = commands.find(({ keys }) => keys.includes(text));
      if (command === undefined) return;
      if (text === 'Escape') {
        // The map leaves a drawing by itself; on any other page the key means the page.
        if (context.control.draft.get() !== null && context.control.path.get() === '/') return;
        if (event.target instanceof HTMLElement && event.target.matches('input, select, textarea')) {
          event.target.blur();
          return;
        }
      } else if (!text.startsWith('Mod+') && isTaken(text, event.target)) return;
      event.preventDefault();
      command.run(context);
    };
    window.addEventListener('keydown', pressed);
    return () => window.removeEventListener('keydown', pressed);
  }, [commands, context]);
}

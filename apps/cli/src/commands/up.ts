import type { Command } from 'commander';
import { numberAbove, wholeNumber } from '../arguments.ts';
import { command, type Shell } from '../shell.ts';
import type { UpFlags } from '../solo/run-up.ts';

/** `sigma up`: hub, simulated fleet and page in one command. */
export function upCommand(shell: Shell): Command {
  return command('up', 'Run everything: a hub with its page, and a simulated fleet linked to it', [
    'sigma up',
    'sigma up --headless --seconds 60 --json',
    'sigma up --robots 12 --map mine.map --site mine.site.json',
  ])
    .option('--headless', 'no page, any free port')
    .option('--seconds <n>', 'end by itself and print the result', numberAbove(0, 1e9))
    .option('--robots <n>', 'how many', wholeNumber(1, 1000), 40)
    .option('--people <n>', 'how many walk the site', wholeNumber(0, 10_000), 8)
    .option('--seed <n>', 'chance in bodies, world and work', wholeNumber(0, 0xffffffff), 1)
    .option('--speed <factor>', 'simulated time so many times as fast: 0.25, 0.5, 1, 2 or 4', numberAbove(0, 1e3), 1)
    .option('--map <file>', 'MovingAI grid map (default: the warehouse)')
    .option('--site <file>', 'site file for the map (default: the one beside it, or derived)')
    .option('--port <n>', '0 takes any free one', wholeNumber(0, 65_535), 8080)
    .option('--data <dir>', 'folder for keys, database and recordings (default: SIGMA_DATA, or .data)')
    .option('--upkeep <file>', 'JSON: what is archived and backed up every day (docs/archive.md)')
    .option('--no-work', 'send no missions')
    .action(async (flags: UpFlags) => {
      const { up } = await import('../solo/run-up.ts');
      shell.ends(await up(shell, flags));
    });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokenMapError, parseMovingAiMap } from './grid.ts';

const map = (...rows: string[]) =>
  `type octile\nheight ${rows.length}\nwidth ${rows[0]?.length}\nmap\n${rows.join('\n')}\n`;

function broken(text: string): BrokenMapError {
  try {
    parseMovingAiMap(text, 'yard');
  } catch (error) {
    if (error instanceof BrokenMapError) return error;
    throw error;
  }
  throw new Error('the map was accepted');
}

test('[W2] floor, walls and marked cells are told apart, whatever the line ends', () => {
  const grid = parseMovingAiMap(map('@.E', 'TSG', 'OW.'), 'yard');
  assert.deepEqual([grid.width, grid.height, grid.name], [3, 3, 'yard']);
  assert.deepEqual([...grid.blocked], [1, 0, 0, 1, 0, 0, 1, 1, 0]);
  assert.deepEqual(grid.marked, [2, 4]);
  assert.deepEqual(parseMovingAiMap(map('@.E', 'TSG', 'OW.').replaceAll('\n', '\r\n'), 'yard'), grid);
  assert.deepEqual(parseMovingAiMap(map('@.E', 'TSG', 'OW.').trimEnd(), 'yard'), grid);
});

test('[W1] a broken map names its line, its column and what is wrong', () => {
  const cases: [string, number, number, RegExp][] = [
    ['', 1, 1, /type octile/],
    ['height 1\nwidth 1\nmap\n.', 1, 1, /type octile/],
    ['type octile\nwide 3\nwidth 1\nmap\n.', 2, 1, /height N/],
    ['type octile\nheight 1\nheight 1\nmap\n.', 3, 1, /twice/],
    ['type octile\nheight 1\nwidth x\nmap\n.', 3, 7, /whole number, not 'x'/],
    ['type octile\nheight -1\nwidth 1\nmap\n.', 2, 8, /whole number/],
    ['type octile\nheight 0\nwidth 1\nmap\n', 2, 8, /zero/],
    ['type octile\nheight 1\nwidth 0\nmap\n\n', 3, 7, /zero/],
    ['type octile\nheight 5000\nwidth 1\nmap\n.', 2, 8, /4096/],
    ['type octile\nheight 4000\nwidth 4000\nmap\n.', 3, 0, /too many/],
    ['type octile\nheight 1\nwidth 1\n.\n', 4, 1, /'map'/],
    [map('...', '..', '...'), 6, 3, /too short: 2 letters where 'width' says 3/],
    [map('...', '....', '...'), 6, 4, /too long/],
    [map('...', '.x.', '...'), 6, 2, /unknown letter "x"/],
    [map('...', '. .', '...'), 6, 2, /unknown letter " "/],
    ['type octile\nheight 3\nwidth 2\nmap\n..\n..\n', 7, 0, /ends after 2 of 3 rows/],
    ['type octile\nheight 1\nwidth 2\nmap\n..\n..\n', 6, 1, /more rows/],
    [map('@@', '@T'), 5, 0, /no floor/],
  ];
  for (const [text, line, column, problem] of cases) {
    const error = broken(text);
    assert.deepEqual([error.line, error.column], [line, column], error.message);
    assert.match(error.problem, problem);
    assert.ok(error.message.includes(`'yard', line ${line}`), error.message);
  }
});

test('[W1] a hundred damaged maps are refused or read, never anything else', () => {
  const whole = map('.....', '.@.@.', '.....');
  for (let k = 0; k < whole.length; k++) {
    for (const damage of ['', 'z', '\n', '9']) {
      const text = whole.slice(0, k) + damage + whole.slice(k + 1);
      try {
        const grid = parseMovingAiMap(text, 'yard');
        assert.equal(grid.blocked.length, grid.width * grid.height);
      } catch (error) {
        assert.ok(error instanceof BrokenMapError, `${JSON.stringify(text)}: ${error}`);
        assert.ok(error.line >= 1 && error.line <= text.split('\n').length + 1, error.message);
      }
    }
  }
});

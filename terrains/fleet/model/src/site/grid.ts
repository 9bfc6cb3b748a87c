/**
 * A grid map as it stands in a file: what is wall and what is floor, before anybody says where docks and zones are.
 * Rows run from north to south, columns from west to east, as the file prints them.
 */
export interface Grid {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** 1 where nothing can stand; length width * height. */
  readonly blocked: Uint8Array;
  /** Floor cells that the map itself names as places of work (`E` and `S`, League of Robot Runners). Ascending. */
  readonly marked: readonly number[];
}

/** Sides up to this many cells, inclusive. The largest MovingAI maps measure about 1,500. */
export const MAX_SIDE = 4096;
/** Cells in all, inclusive. */
export const MAX_CELLS = 4_194_304;

/** A map that cannot be read. `line` and `column` count from 1; column 0 means the whole line. */
export class BrokenMapError extends Error {
  readonly map: string;
  readonly line: number;
  readonly column: number;
  readonly problem: string;

  constructor(map: string, line: number, column: number, problem: string) {
    super(`map '${map}', line ${line}${column > 0 ? `, column ${column}` : ''}: ${problem}`);
    this.name = 'BrokenMapError';
    this.map = map;
    this.line = line;
    this.column = column;
    this.problem = problem;
  }
}

/**
 * Terrain letters of the MovingAI format (Sturtevant, "Benchmarks for grid-based pathfinding", 2012): `.` and `G` are
 * ground, `@` and `O` out of bounds, `T` trees, `W` water. In MovingAI `S` is a swamp one can cross, in the League of
 * Robot Runners `S` and `E` are service points and emitters; all three are floor.
 */
const FLOOR = '.GES';
const WALL = '@OTW';
const MARKED = 'ES';

/**
 * Reads a MovingAI `.map` file: `type octile`, `height H`, `width W`, `map`, then H rows of W letters. Windows line
 * ends and trailing empty lines are accepted, anything else that strays from the format is not.
 * @throws BrokenMapError
 */
export function parseMovingAiMap(text: string, name: string): Grid {
  const lines = text.split('\n');
  for (let k = 0; k < lines.length; k++) {
    const line = lines[k] as string;
    if (line.endsWith('\r')) lines[k] = line.slice(0, -1);
  }
  const { width, height, firstRow } = parseHeader(lines, name);

  const blocked = new Uint8Array(width * height);
  const marked: number[] = [];
  let floor = 0;
  for (let row = 0; row < height; row++) {
    const at = firstRow + row;
    const line = lines[at];
    if (line === undefined || (line === '' && onlyEmptyFrom(lines, at))) {
      throw new BrokenMapError(
        name,
        at + 1,
        0,
        `the map ends after ${row} of ${height} rows; restore the missing rows or lower 'height'`,
      );
    }
    if (line.length !== width) {
      const kind = line.length < width ? 'short' : 'long';
      const column = Math.min(line.length, width) + 1;
      throw new BrokenMapError(
        name,
        at + 1,
        column,
        `the row is too ${kind}: ${line.length} letters where 'width' says ${width}`,
      );
    }
    for (let column = 0; column < width; column++) {
      const letter = line.charAt(column);
      const cell = row * width + column;
      if (FLOOR.includes(letter)) {
        floor++;
        if (MARKED.includes(letter)) marked.push(cell);
      } else if (WALL.includes(letter)) {
        blocked[cell] = 1;
      } else {
        throw new BrokenMapError(
          name,
          at + 1,
          column + 1,
          `unknown letter ${JSON.stringify(letter)}; floor is one of ${FLOOR}, wall one of ${WALL}`,
        );
      }
    }
  }
  for (let at = firstRow + height; at < lines.length; at++) {
    if (lines[at] !== '') throw new BrokenMapError(name, at + 1, 1, `more rows than 'height' says (${height})`);
  }
  if (floor === 0) throw new BrokenMapError(name, firstRow + 1, 0, 'the map has no floor: every cell is a wall');
  return { name, width, height, blocked, marked };
}

function onlyEmptyFrom(lines: readonly string[], from: number): boolean {
  for (let at = from; at < lines.length; at++) if (lines[at] !== '') return false;
  return true;
}

function parseHeader(lines: readonly string[], name: string): { width: number; height: number; firstRow: number } {
  if (!/^type\s+\S+\s*$/.test(lines[0] ?? '')) {
    throw new BrokenMapError(name, 1, 1, "expected 'type octile', the first line of a MovingAI map");
  }
  const sizes: { height?: number; width?: number } = {};
  let at = 1;
  for (; at <= 2; at++) {
    const found = /^(height|width)\s+(\S+)\s*$/.exec(lines[at] ?? '');
    if (found === null) throw new BrokenMapError(name, at + 1, 1, "expected 'height N' and 'width N' on lines 2 and 3");
    const word = found[1] as 'height' | 'width';
    const written = found[2] as string;
    const column = (found[0] as string).indexOf(written, word.length) + 1;
    if (sizes[word] !== undefined) throw new BrokenMapError(name, at + 1, 1, `'${word}' stands twice`);
    if (!/^\d{1,9}$/.test(written))
      throw new BrokenMapError(name, at + 1, column, `'${word}' must be a whole number, not '${written.slice(0, 40)}'`);
    const size = Number(written);
    if (size === 0) throw new BrokenMapError(name, at + 1, column, `'${word}' is zero: a site needs at least one cell`);
    if (size > MAX_SIDE)
      throw new BrokenMapError(name, at + 1, column, `'${word}' is ${size}; the largest side is ${MAX_SIDE} cells`);
    sizes[word] = size;
  }
  const width = sizes.width as number;
  const height = sizes.height as number;
  if (width * height > MAX_CELLS) {
    throw new BrokenMapError(name, 3, 0, `${width} x ${height} cells are too many; the most is ${MAX_CELLS}`);
  }
  if (!/^map\s*$/.test(lines[3] ?? '')) throw new BrokenMapError(name, 4, 1, "expected the word 'map' before the rows");
  return { width, height, firstRow: 4 };
}

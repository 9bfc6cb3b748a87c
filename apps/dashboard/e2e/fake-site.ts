import { deriveSite, parseMovingAiMap, type Site } from '@sigma/fleet-model';

const COLUMNS = 58;
const ROWS = 30;

/** A small warehouse: twelve rows of shelves with a cross aisle in the middle, and open floor to the west. */
export function fakeSite(): Site {
  const rows: string[] = [];
  for (let row = 0; row < ROWS; row++) {
    let line = '';
    for (let column = 0; column < COLUMNS; column++) line += isShelf(row, column) ? 'T' : '.';
    rows.push(line);
  }
  const map = `type octile\nheight ${ROWS}\nwidth ${COLUMNS}\nmap\n${rows.join('\n')}\n`;
  return deriveSite(parseMovingAiMap(map, 'Test warehouse'));
}

function isShelf(row: number, column: number): boolean {
  if (row < 2 || row > ROWS - 3 || column < 10 || column > COLUMNS - 4) return false;
  return (row - 2) % 3 !== 2 && (column - 10) % 11 !== 10;
}

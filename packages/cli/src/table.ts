import { stripVTControlCharacters } from 'node:util';

/**
 * Lines with their cells aligned in columns, without borders: cells are padded to the widest of their column, columns
 * are `gap` spaces apart, no line has spaces at its end. Cells may hold colours; control characters that came from
 * outside must have been removed before ({@link printable}).
 */
export function alignColumns(
  rows: readonly (readonly string[])[],
  options: { gap?: number; indent?: number } = {},
): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, visibleWidth(cell));
    });
  }
  const gap = ' '.repeat(options.gap ?? 3);
  const indent = ' '.repeat(options.indent ?? 0);
  return rows.map((row) => {
    const cells = row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - visibleWidth(cell)));
    return (indent + cells.join(gap)).trimEnd();
  });
}

/** `text` without control characters, so that a name or message from an object cannot drive the terminal. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(/\p{Cc}+/gu, ' ');
}

function visibleWidth(cell: string): number {
  return stripVTControlCharacters(cell).length;
}

import { expect, it } from '@jest/globals';
import { alignColumns, printable } from '../src/table.ts';

it('alignColumns measures what is seen, and leaves no space at the end of a line', () => {
  expect(
    alignColumns(
      [
        ['\u001b[31mred\u001b[39m', 'x'],
        ['a', ''],
      ],
      { gap: 1 },
    ),
  ).toEqual(['\u001b[31mred\u001b[39m x', 'a']);
});

it('printable lets no control character of an object reach the terminal', () => {
  expect(printable('a\u001b[2Jb\r\nc\u0007d\u009b1m')).toBe('ab c d');
});

import { describe, expect, it } from '@jest/globals';
import { codeBlocks, missingLines, section, unlikeCounts } from './document.ts';

const markdown = `# A\n\n## First\n\n\`\`\`sh\nls\n\`\`\`\n\n\`\`\`text\nx  12\n\`\`\`\n\n## Second\n\n\`\`\`sh\nrm\n\`\`\`\n`;

describe('the reading of a document', () => {
  it('gives the blocks of one section, in order', () => {
    expect(codeBlocks(section(markdown, 'First'))).toEqual([
      { language: 'sh', text: 'ls\n' },
      { language: 'text', text: 'x  12\n' },
    ]);
    expect(codeBlocks(section(markdown, 'Third'))).toEqual([]);
  });

  it('lets numbers and spaces differ, and nothing else', () => {
    expect(missingLines(['n1  ready 1 of 1 …'], ['n1 ready   2 of 3 v12'])).toEqual([]);
    expect(missingLines(['n1 ready'], ['n1 not ready'])).toEqual(['n1 ready']);
    expect(missingLines(['a.c'], ['abc'])).toEqual(['a.c']);
  });

  it('wants the lines in their order', () => {
    expect(missingLines(['a', 'b'], ['a', 'x', 'b'])).toEqual([]);
    expect(missingLines(['a', 'b'], ['b', 'a'])).toEqual(['b']);
  });

  it('compares counts', () => {
    const expected = ['  900 v1', '  100 v2'];
    expect(unlikeCounts(expected, ['890 v1', '110 v2'], 0.02)).toBeUndefined();
    expect(unlikeCounts(expected, ['500 v1', '500 v2'], 0.02)).toBe('v1: 500 instead of 900');
    expect(unlikeCounts(['100 v2'], ['100 v2', '100 v1'], 0.02)).toBe('v1: 100 instead of 0');
    expect(unlikeCounts(['no counts'], ['5 v1'], 0.02)).toBeUndefined();
  });
});

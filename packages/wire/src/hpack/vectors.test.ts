import { describe, expect, it } from '@jest/globals';
import { headerLines } from '../../test/http2-ends.ts';
import { HeaderScratch, HpackDecoder, HpackEncoder } from './index.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

const requests: string[][] = [
  [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'],
  [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com', 'cache-control: no-cache'],
  [':method: GET', ':scheme: https', ':path: /index.html', ':authority: www.example.com', 'custom-key: custom-value'],
];
const responses: string[][] = [
  [
    ':status: 302',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:21 GMT',
    'location: https://www.example.com',
  ],
  [
    ':status: 307',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:21 GMT',
    'location: https://www.example.com',
  ],
  [
    ':status: 200',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:22 GMT',
    'location: https://www.example.com',
    'content-encoding: gzip',
    'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
  ],
];

interface Example {
  readonly section: string;
  readonly blocks: readonly string[];
  readonly lists: readonly string[][];
  readonly tableSizes: readonly number[];
  /** Section C.5 and C.6 bound the table to 256: told here by a size update before the first block. */
  readonly tableSize?: string;
}

const examples: Example[] = [
  {
    section: 'C.2.1 literal with indexing',
    blocks: ['400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572'],
    lists: [['custom-key: custom-header']],
    tableSizes: [55],
  },
  {
    section: 'C.2.2 literal without indexing',
    blocks: ['040c 2f73 616d 706c 652f 7061 7468'],
    lists: [[':path: /sample/path']],
    tableSizes: [0],
  },
  {
    section: 'C.2.3 literal never indexed',
    blocks: ['1008 7061 7373 776f 7264 0673 6563 7265 74'],
    lists: [['password: secret']],
    tableSizes: [0],
  },
  { section: 'C.2.4 indexed', blocks: ['82'], lists: [[':method: GET']], tableSizes: [0] },
  {
    section: 'C.3 requests without Huffman coding',
    blocks: [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ],
    lists: requests,
    tableSizes: [57, 110, 164],
  },
  {
    section: 'C.4 requests with Huffman coding',
    blocks: [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ],
    lists: requests,
    tableSizes: [57, 110, 164],
  },
  {
    section: 'C.5 responses without Huffman coding',
    tableSize: '3fe101',
    blocks: [
      `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d
       546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
      '4803 3330 37c1 c0bf',
      `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f
       6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b
       2076 6572 7369 6f6e 3d31`,
    ],
    lists: responses,
    tableSizes: [222, 222, 215],
  },
  {
    section: 'C.6 responses with Huffman coding',
    tableSize: '3fe101',
    blocks: [
      `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7
       8f0b 97c8 e9ae 82ae 43d3`,
      '4883 640e ffc1 c0bf',
      `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335
       dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
    ],
    lists: responses,
    tableSizes: [222, 222, 215],
  },
];

describe('RFC 7541 appendix C', () => {
  it.each(examples)('$section is decoded', ({ blocks, lists, tableSizes, tableSize }) => {
    const decoder = new HpackDecoder({ maxTableSize: 4096, maxListBytes: 10_000, maxFields: 100 });
    const scratch = new HeaderScratch();
    blocks.forEach((block, index) => {
      const bytes = hex(index === 0 ? (tableSize ?? '') + block : block);
      expect(decoder.decode(bytes, 0, bytes.length, scratch)).toBe(true);
      expect(headerLines(scratch)).toEqual(lists[index]);
      expect(decoder.tableSize).toBe(tableSizes[index]);
    });
  });

  it.each([
    { section: 'C.3', huffman: false },
    { section: 'C.4', huffman: true },
  ])('$section is what the encoder makes', ({ section, huffman }) => {
    const encoder = new HpackEncoder({ tableSize: 4096, huffman });
    const { blocks, lists } = examples.find((example) => example.section.startsWith(section)) as Example;
    lists.forEach((list, index) => {
      encoder.begin();
      for (const line of list) {
        const colon = line.indexOf(': ', 1);
        encoder.add(line.slice(0, colon), line.slice(colon + 2));
      }
      expect(encoder.finish()).toEqual(hex(blocks[index] as string));
    });
  });

  it('C.2.3: what must never be indexed is marked so', () => {
    const decoder = new HpackDecoder({ maxTableSize: 4096, maxListBytes: 10_000, maxFields: 100 });
    const scratch = new HeaderScratch();
    const bytes = hex('8210 0870 6173 7377 6f72 6406 7365 6372 6574');
    decoder.decode(bytes, 0, bytes.length, scratch);
    expect([...scratch.neverIndexed.subarray(0, 2)]).toEqual([0, 1]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { CaptureRecord } from '../capture-proof.ts';

const captured = (...lines: string[]): CaptureRecord => {
  const record = new CaptureRecord();
  for (const line of lines) record.take(line);
  return record;
};
const mesh = 'gateway-conformance-mesh';

describe('the proof that the suite ran through the mesh', () => {
  it('holds when every pod that ran was captured and requests were counted', () => {
    const record = captured(`${mesh} echo-v1 Pending `, `${mesh} echo-v1 Running `, `${mesh} echo-v1 Running iptables`);
    expect(record.verdict(3)).toEqual({
      proven: true,
      text: 'pods of the suite captured while it ran: 1 of 1; requests counted by the agents meanwhile: 3',
    });
  });

  it('does not hold when one pod that ran was never captured, and names it', () => {
    const record = captured(`${mesh} echo-v1 Running iptables`, `${mesh}-consumer echo Running `);
    expect(record.verdict(3).proven).toBe(false);
    expect(record.verdict(3).text).toContain(`1 of 2 (not: ${mesh}-consumer/echo)`);
  });

  it('does not hold when there was no pod, or when no request was counted', () => {
    expect(captured().verdict(3).proven).toBe(false);
    expect(captured('shop web Running iptables').verdict(3).proven).toBe(false);
    expect(captured(`${mesh} echo-v1 Running iptables`).verdict(0).proven).toBe(false);
  });
});

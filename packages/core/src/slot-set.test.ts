import { describe, expect, it } from '@jest/globals';
import { SlotSet } from './slot-set.ts';

interface Member {
  readonly name: number;
  slot?: number;
}

class Members extends SlotSet<Member> {
  protected override placeOf(member: Member): number | undefined {
    return member.slot;
  }

  protected override place(member: Member, at: number): void {
    member.slot = at;
  }
}

describe('SlotSet', () => {
  it('is what a Set is, whatever comes and goes', () => {
    const set = new Members();
    const model = new Set<Member>();
    const members = Array.from({ length: 20 }, (_, name): Member => ({ name }));
    // Numbers of a linear congruential generator: the same each time.
    let random = 1;
    for (let step = 0; step < 5_000; step++) {
      random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
      const member = members[(random >>> 8) % members.length] as Member;
      if ((random >>> 16) % 3 === 0) {
        set.delete(member);
        model.delete(member);
      } else {
        set.add(member);
        model.add(member);
      }
      expect(set.size).toBe(model.size);
      for (const each of members) expect(set.has(each)).toBe(model.has(each));
    }
    expect(new Set(set)).toEqual(model);
    set.clear();
    expect([...set]).toEqual([]);
    for (const each of members) expect(set.has(each)).toBe(false);
  });

  it('does not take a member of another set for its own', () => {
    const [one, other] = [new Members(), new Members()];
    const [first, second] = [{ name: 1 }, { name: 2 }];
    one.add(first);
    other.add(second);
    expect(one.has(second)).toBe(false);
    one.delete(second);
    expect([...one]).toEqual([first]);
    expect([...other]).toEqual([second]);
  });
});

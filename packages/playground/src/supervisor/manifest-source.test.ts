import { describe, expect, it } from '@jest/globals';
import { problemOf } from './manifest-source.ts';

describe('problemOf', () => {
  const place = { file: 'shop.yaml', line: 3 };

  it('names the field that is wrong', () => {
    const problem = {
      severity: 'error',
      ...place,
      object: 'Pod shop/web',
      path: 'spec.x',
      message: 'is wrong',
    } as const;
    expect(problemOf(problem)).toEqual({
      severity: 'error',
      ...place,
      object: 'Pod shop/web',
      message: 'spec.x: is wrong',
    });
  });

  it('does not ignore kinds that would make pods', () => {
    const ignored = (object: string) =>
      problemOf({ severity: 'warning', ...place, object, message: 'unknown kind; ignored' });
    expect(ignored('StatefulSet shop/db')).toMatchObject({
      severity: 'error',
      message: expect.stringContaining('not supported'),
    });
    expect(ignored('Widget shop/db')).toMatchObject({ severity: 'warning' });
  });
});

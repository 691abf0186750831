import { describe, expect, it } from '@jest/globals';
import { type AuditEvent, permissionsOf, refusals } from './permissions-used.ts';

const event = (verb: string, objectRef: AuditEvent['objectRef'], code = 200): AuditEvent => ({
  verb,
  user: { username: 'x' },
  ...(objectRef === undefined ? {} : { objectRef }),
  responseStatus: { code },
});
const pods = { apiGroups: [''], resources: ['pods'], verbs: ['list', 'patch'] };

describe('permissions and their use', () => {
  it('tells a verb that was used from one that never was', () => {
    expect(permissionsOf([pods], [event('list', { resource: 'pods' })])).toEqual([
      { verb: 'list', resource: 'pods', used: true },
      { verb: 'patch', resource: 'pods', used: false },
    ]);
  });

  it('keeps groups, subresources and names apart', () => {
    const status = { apiGroups: ['g'], resources: ['routes/status'], verbs: ['patch'] };
    expect(permissionsOf([status], [event('patch', { apiGroup: 'g', resource: 'routes' })])[0]?.used).toBe(false);
    const ref = { apiGroup: 'g', resource: 'routes', subresource: 'status' };
    expect(permissionsOf([status], [event('patch', ref)])[0]?.used).toBe(true);
    const named = { apiGroups: [''], resources: ['secrets'], resourceNames: ['a'], verbs: ['get'] };
    expect(permissionsOf([named], [event('get', { resource: 'secrets', name: 'b' })])[0]?.used).toBe(false);
  });

  it('takes an apply that made an object for a use of create', () => {
    const rule = { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] };
    expect(permissionsOf([rule], [event('patch', { resource: 'configmaps' }, 201)])[0]?.used).toBe(true);
    expect(permissionsOf([rule], [event('patch', { resource: 'configmaps' })])[0]?.used).toBe(false);
  });

  it('gives each refusal once', () => {
    const refused = event('get', { resource: 'secrets', name: 'a' }, 403);
    expect(refusals([refused, refused, event('get', { resource: 'pods' })])).toEqual(['get secrets a']);
  });
});

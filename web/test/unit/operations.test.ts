import { describe, expect, it } from 'vitest';
import { asCommand, inverse, requestOf, withWay } from '../../src/api/operations';
import { hostFilter, hostOrder } from '../../src/api/hosts';
import type { Host } from '../../src/api/inventory';
import type { OperationSpec } from '../../src/api/v1alpha1';
import { withoutManagedFields } from '../../src/parts/yaml';

const drain: OperationSpec = { type: 'Drain', drain: { nodes: ['w3', 'w4'], surge: ['shop/cart'] }, requestedBy: 'oncall', approvedPlan: 'aa', paused: true };

describe('requests', () => {
  it('leaves the switches behind when planning again', () => {
    expect(requestOf(drain)).toEqual({ type: 'Drain', drain: drain.drain });
  });
  it('takes a way round without touching the request it came from', () => {
    expect(withWay(drain, { code: 'surge', flag: '', field: 'surge', value: 'shop/web' }).drain?.surge).toEqual(['shop/cart', 'shop/web']);
    expect(withWay(drain, { code: 'surge', flag: '', field: 'surge', value: 'shop/cart' }).drain?.surge).toEqual(['shop/cart']);
    expect(withWay(drain, { code: 'wait', flag: '', field: 'wait', value: 'true' }).drain?.wait).toBe(true);
    expect(withWay(drain, { code: 'delete', flag: '', field: 'delete', value: 'shop/x' }).drain?.delete).toEqual(['shop/x']);
    expect(drain.drain).toEqual({ nodes: ['w3', 'w4'], surge: ['shop/cart'] });
  });
  it('knows what puts back', () => {
    expect(inverse(drain)).toEqual({ type: 'Uncordon', uncordon: { nodes: ['w3', 'w4'] } });
    expect(inverse({ type: 'Uncordon', uncordon: { nodes: ['w1'] } })).toEqual({ type: 'Cordon', cordon: { nodes: ['w1'] } });
  });
  it('says the same as a command', () => {
    expect(asCommand('prod', { type: 'Drain', drain: { nodes: ['w3', 'w4'], wait: true, surge: ['shop/web'], delete: ['a/b'], gracePeriodSeconds: 0, timeoutSeconds: 600 } })).toBe(
      'kanrin drain w3 w4 --wait --surge shop/web --delete a/b --grace-period 0 --timeout 600s --cluster prod',
    );
    expect(asCommand('prod', { type: 'Cordon', cordon: { nodes: ['w1'] } })).toBe('kanrin cordon w1 --cluster prod');
  });
});

describe('requests of machines', () => {
  const remove: OperationSpec = { type: 'RemoveNode', removeNode: { node: 'w2', dead: true }, approvedPlan: 'aa' };
  const start: OperationSpec = { type: 'Start', start: { without: ['w9'] } };
  it('take ways round of text, number, switch and list', () => {
    expect(withWay(remove, { code: 'acceptSplitBrain', flag: '', field: 'acceptSplitBrain', value: 'w2' })).toEqual({ type: 'RemoveNode', removeNode: { node: 'w2', dead: true, acceptSplitBrain: 'w2' } });
    expect(withWay(remove, { code: 'x', flag: '', field: 'dead', value: 'false' }).removeNode?.dead).toBe(false);
    expect(withWay(start, { code: 'suspendWebhooks', flag: '', field: 'suspendWebhooks', value: 'ValidatingWebhookConfiguration/p' }).start).toEqual({
      without: ['w9'],
      suspendWebhooks: ['ValidatingWebhookConfiguration/p'],
    });
    expect(withWay(start, { code: 'without', flag: '', field: 'without', value: 'w9' }).start?.without).toEqual(['w9']);
    const restart: OperationSpec = { type: 'Restart', restart: { nodes: ['w1'] } };
    expect(withWay(restart, { code: 'skipDrain', flag: '', field: 'skipDrain', value: 'true' }).restart).toEqual({ nodes: ['w1'], skipDrain: true });
    expect(withWay(restart, { code: 'x', flag: '', field: 'maxUnavailable', value: '2' }).restart?.maxUnavailable).toBe(2);
    expect(withWay({ type: 'Stop', stop: { until: '2026-12-01T00:00:00Z' } }, { code: 'x', flag: '', field: 'until', value: '2026-11-30T00:00:00Z' }).stop?.until).toBe('2026-11-30T00:00:00Z');
    expect(withWay({ type: 'AddNode', addNode: { host: 'h', role: 'worker' } }, { code: 'ignorePreflight', flag: '', field: 'ignorePreflight', value: 'Swap' }).addNode?.ignorePreflight).toEqual(['Swap']);
  });
  it('say the same as a command', () => {
    expect(asCommand('prod', { type: 'Stop', stop: { scaleDown: [{ workloads: ['Deployment/a/b', 'Deployment/a/c'] }], powerOff: true } })).toBe('kanrin stop cluster/prod --scale-down Deployment/a/b,Deployment/a/c --power-off');
    expect(asCommand('prod', { type: 'Start', start: {} })).toBe('kanrin start cluster/prod');
    expect(asCommand('prod', { type: 'Restart', restart: { nodes: ['w1', 'w2'], what: 'Kubelet', maxUnavailable: 2 } })).toBe('kanrin restart nodes w1 w2 --what kubelet --max-unavailable 2 --cluster prod');
    expect(asCommand('prod', { type: 'AddNode', addNode: { host: 'h1', role: 'proxy', taints: [{ key: 'a', effect: 'NoSchedule' }] } })).toBe('kanrin node add h1 --role proxy --taint a:NoSchedule --cluster prod');
    expect(asCommand('prod', remove)).toBe('kanrin node remove w2 --dead --cluster prod');
  });
  it('knows that a stop is put back by a start', () => {
    expect(inverse({ type: 'Stop', stop: {} })).toEqual({ type: 'Start', start: {} });
    expect(inverse(remove)).toBeUndefined();
  });
});

describe('hosts', () => {
  const host = (name: string, more: Partial<Host> = {}): Host => ({ name, uid: name, created: '', address: '192.0.2.1', port: 22, user: 'root', tier: 0, state: 'Reachable', clockOffsetMilliseconds: 0, clockErrorMilliseconds: 0, ...more });
  const rows = [host('w10'), host('w2', { state: 'Unreachable', roles: ['worker'] }), host('cp-1', { roles: ['control-plane'], clockOffsetMilliseconds: -900 })];
  it('are filtered by text, state and role', () => {
    const names = (q: string) => rows.filter(hostFilter(new URLSearchParams(q))).map((h) => h.name);
    expect(names('q=W')).toEqual(['w10', 'w2']);
    expect(names('state=Unreachable')).toEqual(['w2']);
    expect(names('role=control-plane')).toEqual(['cp-1']);
  });
  it('are ordered as people count', () => {
    const names = (sort: string) => [...rows].sort(hostOrder(sort)).map((h) => h.name);
    expect(names('name')).toEqual(['cp-1', 'w2', 'w10']);
    expect(names('-name')).toEqual(['w10', 'w2', 'cp-1']);
    expect(names('-clock')[0]).toBe('cp-1');
    expect(names('state')[0]).toBe('w2');
  });
});

describe('YAML for reading', () => {
  it('takes out managedFields whichever way it is indented', () => {
    const yaml = 'metadata:\n  managedFields:\n  - apiVersion: v1\n    fieldsV1:\n      f:spec: {}\n    manager: kubectl\n  - manager: x\n  name: w1\nspec: {}\n';
    expect(withoutManagedFields(yaml)).toBe('metadata:\n  name: w1\nspec: {}\n');
    const deeper = 'metadata:\n  managedFields:\n    - manager: kubectl\n      x: y\n  name: w1\n';
    expect(withoutManagedFields(deeper)).toBe('metadata:\n  name: w1\n');
  });
  it('leaves the rest alone', () => {
    expect(withoutManagedFields('a: 1\nb:\n- c\n')).toBe('a: 1\nb:\n- c\n');
  });
});

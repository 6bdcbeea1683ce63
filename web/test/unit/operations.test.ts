import { describe, expect, it } from 'vitest';
import { asCommand, inverse, requestOf, withWay } from '../../src/api/operations';
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

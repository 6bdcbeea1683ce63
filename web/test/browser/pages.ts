import { cluster } from './server';

/** Every page of the console; operation pages are added by the tests that make operations. */
export const pages: Record<string, string> = {
  overview: '/',
  clusters: '/clusters',
  cluster: `/clusters/${cluster}`,
  capacity: `/clusters/${cluster}/capacity?lose=b`,
  nodes: `/clusters/${cluster}/nodes`,
  'nodes-zones': `/clusters/${cluster}/nodes?view=zones`,
  node: `/clusters/${cluster}/nodes/w1`,
  'node-facts': `/clusters/${cluster}/nodes/w1?tab=facts`,
  'node-events': `/clusters/${cluster}/nodes/w1?tab=events`,
  'node-yaml': `/clusters/${cluster}/nodes/w1?tab=yaml`,
  hosts: `/clusters/${cluster}/hosts`,
  host: `/clusters/${cluster}/hosts/rack-1`,
  'host-operations': `/clusters/${cluster}/hosts/rack-1?tab=operations`,
  workloads: `/clusters/${cluster}/workloads`,
  pods: `/clusters/${cluster}/pods`,
  operations: '/operations',
  'backups-all': '/backups',
  backups: `/clusters/${cluster}/backups`,
  history: `/clusters/${cluster}/history`,
  users: '/users',
  notfound: '/no/such/page',
};

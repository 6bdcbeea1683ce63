// Operations in the states that are worth a picture.

/**
 * A plan that is blocked, one that waits for its approval, and one that has run, with its report.
 *
 * @param {import('./server.mjs').Server} server
 */
export async function makeOperations(server) {
  await server.quiet();
  const web = await server.nodesOf('Deployment/shop/web');
  const others = [...(await server.nodesOf('Deployment/shop/checkout')), ...(await server.nodesOf('Pod/batch/adhoc-import'))];
  const target = web.find((n) => !others.includes(n)) ?? web[0];

  const blocked = await server.plan({ type: 'Drain', drain: { nodes: [target, ...(target === 'w4' ? ['w6'] : ['w4'])] } });
  const done = await server.plan({ type: 'Drain', drain: { nodes: [target], surge: ['shop/web'] } });
  await server.run(done.metadata.name);
  await server.reach(done.metadata.name, 'Succeeded', 'Paused');
  await server.quiet();
  const back = await server.plan({ type: 'Uncordon', uncordon: { nodes: [target] } });
  await server.run(back.metadata.name);
  await server.reach(back.metadata.name, 'Succeeded');

  const planned = await server.plan({ type: 'Drain', drain: { nodes: ['w5'] } });
  const failed = await server.plan({ type: 'Drain', drain: { nodes: ['w99'] } });
  return { done: path(done), blocked: path(blocked), planned: path(planned), failed: path(failed) };
}

/**
 * A drain that is at work while its pictures are taken: it has to wait for a budget that a pod of its own keeps shut.
 *
 * @param {import('./server.mjs').Server} server
 */
export async function startDrain(server) {
  const ledger = [...new Set(await server.nodesOf('StatefulSet/payments/ledger'))];
  const op = await server.plan({ type: 'Drain', drain: { nodes: ledger.slice(0, 2), wait: true } });
  const blocked = op.status.plan.findings?.some((f) => f.severity === 'blocker');
  if (blocked) return { running: path(op), stop: () => server.change(op.metadata.name, { cancelled: true }) };
  await server.run(op.metadata.name);
  await server.reach(op.metadata.name, 'Running', 'Succeeded');
  return {
    running: path(op),
    stop: async () => {
      await server.change(op.metadata.name, { cancelled: true }).catch(() => undefined); // it may be over
    },
  };
}

function path(op) {
  return `/clusters/demo/operations/${op.metadata.name}`;
}

// Operations in the states that are worth a picture.

/** Nodes of these have blockers without a way round but deletion. */
async function hard(server) {
  return [...(await server.nodesOf('Deployment/shop/checkout')), ...(await server.nodesOf('Pod/batch/adhoc-import'))];
}

/** A node with a pod of shop/web, whose budget can never be met. */
async function nodeOfWeb(server) {
  const others = await hard(server);
  const nodes = await server.nodesOf('Deployment/shop/web');
  return nodes.find((n) => !others.includes(n)) ?? nodes[0];
}

/**
 * A plan that is blocked, with several ways round.
 *
 * @param {import('./server.mjs').Server} server
 */
export async function planBlocked(server) {
  const target = await nodeOfWeb(server);
  return path(await server.plan({ type: 'Drain', drain: { nodes: [target, target === 'w4' ? 'w6' : 'w4'] } }));
}

/**
 * A drain that has run, with its report; a plan that waits for its approval; a request that made no sense.
 *
 * @param {import('./server.mjs').Server} server
 */
export async function makeOperations(server) {
  const target = await nodeOfWeb(server);
  const done = await server.plan({ type: 'Drain', drain: { nodes: [target], surge: ['shop/web'] } });
  await server.run(done.metadata.name);
  await server.reach(done.metadata.name, 'Succeeded', 'Paused');
  await server.quiet();
  const back = await server.plan({ type: 'Uncordon', uncordon: { nodes: [target] } });
  await server.run(back.metadata.name);
  await server.reach(back.metadata.name, 'Succeeded');

  const planned = await server.plan({ type: 'Drain', drain: { nodes: ['w5'] } });
  const failed = await server.plan({ type: 'Drain', drain: { nodes: ['w99'] } });
  return { done: path(done), planned: path(planned), failed: path(failed) };
}

/**
 * A drain that is at work while its pictures are taken: a pod that finds no new place keeps the budget of the next one shut, and
 * the drain waits for it.
 *
 * @param {import('./server.mjs').Server} server
 */
export async function startDrain(server) {
  await server.quiet();
  const others = await hard(server);
  const nodes = [...new Set(await server.nodesOf('StatefulSet/payments/ledger'))].filter((n) => !others.includes(n)).slice(0, 2);
  const op = await server.plan({ type: 'Drain', drain: { nodes, wait: true } });
  const blocked = op.status.plan.findings?.filter((f) => f.severity === 'blocker') ?? [];
  if (blocked.length > 0) throw new Error(`the drain of ${nodes.join(', ')} is blocked: ${blocked.map((f) => f.message).join('; ')}`);
  await server.run(op.metadata.name);
  await server.waits(op.metadata.name);
  return { running: path(op), stop: () => server.change(op.metadata.name, { cancelled: true }) };
}

function path(op) {
  return `/clusters/demo/operations/${op.metadata.name}`;
}

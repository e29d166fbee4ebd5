import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import type { TakenDelivery } from '../../../inbox/contracts.ts'
import { openPostgresStore, type PostgresStore } from '../../../inbox/postgres/store.ts'
import { delivery } from '../../helpers/inbox.ts'
import { captureLog } from '../../helpers/log.ts'
import { postgresServer } from '../../helpers/postgres-server.ts'

/** Databases with other defaults than PostgreSQL's. */

const server = await postgresServer('')
tap.teardown(() => server.close())
const { log } = Fastify()

/** The URL of a database with these defaults. */
async function databaseWith(defaults: Record<string, string>): Promise<string> {
  const url = await server.database()
  const name = new URL(url).pathname.slice(1)
  for (const [setting, value] of Object.entries(defaults)) {
    await server.query(url, `ALTER DATABASE ${name} SET ${setting} = '${value}'`)
  }
  return url
}

/** Instances that all insert, take, settle and run steps in the same mailboxes at the same time. */
async function burst(t: Test, stores: PostgresStore[]): Promise<void> {
  const refused: unknown[] = []
  const each = async (store: PostgresStore, instance: number, n: number) => {
    const orderingKey = `box ${n % 7}`
    await store.insert(delivery(`${instance} ${n}`, { orderingKey }), true)
    const taken = await store.take(orderingKey, 0)
    if (taken !== null) await store.settle(taken as TakenDelivery, { state: 'done' }, 1)
    await store.claimStep(`step ${n}`, 0)
    await store.recordStep(`step ${n}`, n, 1)
    await store.checkWritable()
    await store.forget([delivery(`${instance} ${n}`).id], 2)
  }
  for (let round = 0; round < 5; round++) {
    const all = stores.flatMap((store, instance) =>
      Array.from({ length: 20 }, (_, n) => each(store, instance, 20 * round + n)),
    )
    for (const result of await Promise.allSettled(all)) if (result.status === 'rejected') refused.push(result.reason)
  }
  t.same(refused, [], 'nothing is refused')
}

const OTHERS: Record<string, string>[] = [
  { default_transaction_isolation: 'repeatable read' },
  { default_transaction_isolation: 'serializable' },
  // How times are written to us, and lists are read from us.
  { datestyle: 'German', array_nulls: 'off' },
  { datestyle: 'SQL, DMY' },
]

for (const defaults of OTHERS) {
  tap.test(`several instances work in a database whose defaults are ${JSON.stringify(defaults)}`, async t => {
    const url = await databaseWith(defaults)
    const captured = captureLog()
    const app = Fastify({ logger: { stream: captured.stream } })
    const stores = await Promise.all([1, 2, 3].map(() => openPostgresStore(url, app.log)))
    await burst(t, stores)
    // pg-boss's own maintenance is not refused either.
    const kept = await Promise.all(stores.map(async store => store.renewClaims(await store.claimMailboxes(20))))
    t.strictSame(
      kept.flat().filter(({ until }) => !(until.getTime() > 0)),
      [],
    )
    await Promise.all(stores.map(store => store.close()))
    t.same(captured.lines, [])
  })
}

tap.test('synchronous_commit = off is raised to on in every writing transaction; stricter values stay', async t => {
  for (const [given, used] of [
    ['off', 'on'],
    ['local', 'local'],
    ['remote_apply', 'remote_apply'],
  ] as const) {
    const url = await databaseWith({ synchronous_commit: given })
    const store = await openPostgresStore(url, log)
    // Each table records the setting in the transactions that changed it.
    await server.query(
      url,
      `CREATE TABLE seen (name text, setting text);
      CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO public.seen VALUES (TG_TABLE_NAME, current_setting('synchronous_commit')); RETURN NULL; END $$;
      ${['delivery', 'body', 'step', 'history', 'version']
        .map(
          table => `CREATE TRIGGER see AFTER INSERT OR UPDATE OR DELETE ON tutorbot_webhooks.${table}
          FOR EACH ROW EXECUTE FUNCTION see();`,
        )
        .join('\n')}`,
    )
    await store.insert(delivery('a', { unreadable: 'x' }), false)
    await store.discard(delivery('a').id, 'no use', 1)
    await store.insert(delivery('b'), false)
    const taken = (await store.take(delivery('b').orderingKey, 1)) as TakenDelivery
    await store.settle(taken, { state: 'dead', error: 'E' }, 2)
    await store.replay([taken.id], 3)
    await store.claimStep('kept', 3)
    await store.renewSteps()
    await store.recordStep('kept', 1, 3)
    await store.claimStep('given back', 3)
    await store.releaseStep('given back', 3)
    await store.claimStep('left', 3)
    await store.forget([taken.id], 4)
    await store.checkWritable()
    await store.prune({ payloadsBefore: Date.now() + 1e6, keysBefore: Date.now() + 1e6 }, 0, 10)
    await store.close()
    const seen = await server.query<{ name: string; setting: string }>(
      url,
      'SELECT DISTINCT name, setting FROM seen ORDER BY name',
    )
    t.same(
      seen,
      ['body', 'delivery', 'history', 'step', 'version'].map(name => ({ name, setting: used })),
    )
  }
})

import { openStoreForCommand } from '../backends/index.ts'
import { type Env, readEnv } from '../environment.ts'
import { browse } from '../inbox/browse.ts'
import type { Store } from '../inbox/contracts.ts'
import type { Inbox } from '../inbox/inbox.ts'
import type { Context } from './output.ts'

/** Deliveries changed per transaction: a large one would block the server's. */
export const AT_ONCE = 200

/** Opens the server's store, does something with it, closes it. @throws {EnvError | StoreOpenError} */
export async function withStore<T>(context: Context, run: (store: Store, config: Env) => Promise<T>): Promise<T> {
  const config = await readEnv(context)
  const store = await openStoreForCommand(config.DATABASE_URL)
  try {
    return await run(store, config)
  } finally {
    await store.close()
  }
}

/** A store with the inbox's interface for operators: the server notices changes by itself. */
export function inboxOf(store: Store): Pick<Inbox, 'get' | 'browse' | 'history' | 'replay' | 'discard'> {
  return {
    get: id => store.get(id),
    browse: (filter, limit, before) => browse(store, filter, limit, before),
    history: id => store.history(id),
    replay: async ids => (await store.replay(ids, Date.now())).length,
    discard: (id, reason) => store.discard(id, reason, Date.now()),
  }
}

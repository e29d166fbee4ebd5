import { openStoreForCommand } from '../backends/index.ts'
import { type Env, readEnv } from '../environment.ts'
import { browse } from '../inbox/browse.ts'
import type { Store } from '../inbox/contracts.ts'
import type { Inbox } from '../inbox/inbox.ts'
import { payloadsOf } from '../inbox/payloads.ts'
import type { Context } from './output.ts'

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
export function inboxOf(store: Store): Pick<Inbox, OperatorMethods> {
  return {
    get: id => store.get(id),
    idsBeginningWith: (beginning, limit) => store.idsBeginningWith(beginning, limit),
    browse: (filter, limit, before) => browse(store, filter, limit, before),
    payloads: ids => payloadsOf(store, ids),
    history: id => store.history(id),
    causes: () => store.causes(),
    async replay(ids) {
      const now = Date.now()
      const [orderingKeys, asked] = await Promise.all([store.replay(ids, now), store.quarantine.ask(ids, now)])
      return orderingKeys.length + asked
    },
    startReplayJob: wish => store.startReplayJob(wish, Date.now()),
    replayJob: () => store.replayJob(),
    changeReplayJob: (number, to) => store.changeReplayJob(number, to, Date.now()),
    quarantined: () => store.quarantine.size(),
    discard: (id, reason) => store.discard(id, reason, Date.now()),
  }
}

type OperatorMethods =
  | 'get'
  | 'idsBeginningWith'
  | 'browse'
  | 'payloads'
  | 'history'
  | 'causes'
  | 'replay'
  | 'startReplayJob'
  | 'replayJob'
  | 'changeReplayJob'
  | 'discard'
  | 'quarantined'

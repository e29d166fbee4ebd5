import { DatabaseSync } from 'node:sqlite'
import { client, signedMessage } from './load.ts'
import { startServer } from './server-process.ts'
import { until } from './wait.ts'

const SECRET = 'a secret of the kill rounds'
const CONNECTIONS = 16

export interface KillResult {
  rounds: number
  acknowledged: number
  /** Requests that got no answer and were sent again. */
  broken: number
  /** Wrong answers: a status other than 200, or `duplicate` for one that had been neither answered nor interrupted. */
  wrong: string[]
  /** Acknowledged deliveries that are not done at the end. */
  lost: string[]
}

/**
 * Kills the real server (SIGKILL) under a load of distinct signed messages, again and again, and restarts it on the
 * same store. What got no answer is sent again, as a sender would.
 * @param rounds number of kills
 * @param acknowledgedPerRound answers before each kill
 */
export async function killRounds(
  store: string,
  rounds: number,
  acknowledgedPerRound = () => 40 + Math.random() * 160,
): Promise<KillResult> {
  const env = { DATABASE_URL: store, CW_HMAC_SECRET: SECRET, MESSAGE_QUIET_MS: '0' }
  const result: KillResult = { rounds, acknowledged: 0, broken: 0, wrong: [], lost: [] }
  const acknowledged = new Set<string>()
  const sendAgain: number[] = []
  const triedBefore = new Set<number>()
  let number = 0

  for (let round = 0; round <= rounds; round++) {
    const server = await startServer(env)
    const { post, close } = client(CONNECTIONS)
    const last = round === rounds
    let left = acknowledgedPerRound()
    let dead: Promise<unknown> | undefined

    async function sender(): Promise<void> {
      while (dead === undefined && (!last || sendAgain.length > 0)) {
        const message = sendAgain.pop() ?? ++number
        try {
          const { status, body } = await post(`${server.url}/cw`, signedMessage(message, SECRET))
          const fits =
            status === 200 && (body.status === 'accepted' || (body.status === 'duplicate' && triedBefore.has(message)))
          if (fits) acknowledged.add(body.id as string)
          else result.wrong.push(`${message}: ${status} ${JSON.stringify(body)}`)
          if (--left <= 0 && !last) dead ??= server.end('SIGKILL')
        } catch {
          result.broken++
          triedBefore.add(message)
          sendAgain.push(message)
        }
      }
    }
    await Promise.all(Array.from({ length: CONNECTIONS }, sender))
    if (last) await untilDrained(server.url)
    close()
    await (dead ?? server.end('SIGTERM'))
  }

  result.acknowledged = acknowledged.size
  const db = new DatabaseSync(store, { readOnly: true })
  const done = new Set(
    db
      .prepare(`SELECT id FROM delivery WHERE state = 'done'`)
      .all()
      .map(row => row.id),
  )
  db.close()
  result.lost = [...acknowledged].filter(id => !done.has(id))
  return result
}

/** Polls until nothing is pending. */
async function untilDrained(url: string): Promise<void> {
  let last: unknown
  const isDrained = async () => {
    const ready = (await (await fetch(`${url}/ready`)).json()) as { backlog: { pending: number } }
    last = ready
    return ready.backlog.pending === 0
  }
  await until('nothing to be pending', isDrained, { seen: () => [last] })
}

import { setTimeout as sleep } from 'node:timers/promises'
import { chatwoot, railsJson } from '../commands/samples.ts'
import { signChatwoot } from '../plugins/verification.ts'
import { client } from '../test/helpers/load.ts'
import type { Fleet } from './fleet.ts'
import type { Journal, Kind } from './history.ts'
import type { Random } from './random.ts'

export const CONVERSATIONS = 25
export const contactOf = (conversation: number) => 4_200_000 + conversation

const CONNECTIONS = 8
/** Largest pause between two requests of a connection, ms. */
const PAUSE_MS = 250
/** Recent messages, of which copies are sent. */
const RECENT = 200

interface Message {
  n: number
  conversation: number
  kind: Kind
  body: string
}

function choose(random: Random, n: number): Message {
  const conversation = random.between(1, CONVERSATIONS)
  const dice = random.next()
  const kinds: [number, Kind][] = [
    [0.62, 'plain'],
    [0.85, 'slow'],
    [0.93, 'failing'],
    [0.97, 'dying'],
    [0.985, 'listening'],
    [1, 'deaf'],
  ]
  const kind = kinds.find(([upTo]) => dice < upTo)?.[1] as Kind
  const ms = random.between(5, 250)
  // One per delivery, or shared by several of its conversation.
  const steps = [undefined, `of ${n}`, `of conversation ${conversation}, ${Math.floor(n / 50)}`]
  const content = JSON.stringify({ fuzz: { n, conversation, kind, ms, step: random.pick(steps) } })
  const sample = chatwoot.incoming({ message: n, conversation, content, contactId: contactOf(conversation) })
  return { n, conversation, kind, body: railsJson(sample) }
}

/** Sends deliveries until stopped, and repeats the unacknowledged ones, like a persistent sender. */
export function startSender(fleet: Fleet, journal: Journal, random: Random, secret: string) {
  const { post, close } = client(CONNECTIONS * 2)
  let stopping = false
  let last = 0
  const again: Message[] = []
  const recent: Message[] = []
  /** Numbers of deliveries by id. */
  const acknowledged = new Map<string, number>()
  const counts = { sent: 0, acknowledged: 0, copies: 0, refused: 0, broken: 0 }

  async function sendMessage(message: Message): Promise<void> {
    const { n, conversation, kind, body } = message
    const up = fleet.instances.filter(({ url }) => url !== '')
    const url = up[random.between(0, Math.max(0, up.length - 1))]?.url
    if (url === undefined) return void again.push(message)
    journal.add({ what: 'sent', n, conversation, kind })
    counts.sent++
    try {
      const { status, body: answer } = await post(`${url}/cw`, { body, headers: signChatwoot(body, secret) })
      const said = status === 200 ? (answer.status as string) : String(status)
      journal.add({ what: 'answered', n, status: said, ...(answer.id !== undefined && { id: answer.id }) })
      if (status === 200) {
        counts.acknowledged++
        acknowledged.set(answer.id as string, n)
      } else {
        counts.refused++
        again.push(message)
      }
    } catch {
      journal.add({ what: 'broken', n })
      counts.broken++
      again.push(message)
    }
  }

  async function connection(): Promise<void> {
    while (!stopping) {
      const waiting = random.chance(0.3) ? again.shift() : undefined
      const copy = waiting === undefined && recent.length > 0 && random.chance(0.15) ? random.pick(recent) : undefined
      if (copy !== undefined) counts.copies++
      const message = waiting ?? copy ?? choose(random, ++last)
      if (waiting === undefined && copy === undefined) recent.push(message)
      if (recent.length > RECENT) recent.shift()
      // Sometimes a copy concurrent with its original.
      await Promise.all(random.chance(0.05) ? [sendMessage(message), sendMessage(message)] : [sendMessage(message)])
      await sleep(random.between(0, PAUSE_MS))
    }
  }

  const running = Array.from({ length: CONNECTIONS }, connection)
  return {
    counts,
    acknowledged,
    /** Stops sending; resolves when all requests are answered or broken. */
    async stop(): Promise<void> {
      stopping = true
      await Promise.all(running)
    },
    /** Repeats what was not acknowledged. false: something still isn't. */
    async flush(): Promise<boolean> {
      await Promise.all(again.splice(0).map(sendMessage))
      return again.length === 0
    },
    close,
  }
}

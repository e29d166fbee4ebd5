import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { startChild } from './child.ts'
import type { PostgresServer } from './postgres-server.ts'

const PROCESS = fileURLToPath(new URL('inbox-process.ts', import.meta.url))

export interface InboxProcess {
  pid: number
  /** Sends a command, and gives the line that answers it. */
  accept(prefix: string, many: number, mailboxes: number): Promise<Record<string, unknown>>
  /** The first line that fits, written before or still to come. */
  line(fits: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>
  lines: Record<string, unknown>[]
  signal(signal: NodeJS.Signals): void
  ended: Promise<number | null>
}

/** An inbox in a process of its own; killed at the test's end. */
export function inboxProcess(t: Test, url: string, env: Record<string, string> = {}): InboxProcess {
  const child = startChild(process.execPath, [PROCESS], {
    // Without what the test runner would load into it.
    env: { PATH: process.env.PATH, DATABASE_URL: url, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines: Record<string, unknown>[] = []
  const waiting: (() => void)[] = []
  createInterface({ input: child.stdout }).on('line', text => {
    lines.push(JSON.parse(text))
    for (const look of waiting.splice(0)) look()
  })
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  child.stdin.on('error', () => {})
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  async function line(fits: (line: Record<string, unknown>) => boolean, from = 0): Promise<Record<string, unknown>> {
    for (;;) {
      const found = lines.slice(from).find(fits)
      if (found !== undefined) return found
      await new Promise<void>(resolve => waiting.push(resolve))
    }
  }
  return {
    pid: child.pid as number,
    accept(prefix, many, mailboxes) {
      child.stdin.write(`accept ${prefix} ${many} ${mailboxes}\n`)
      return line(({ event, prefix: answered }) => event === 'accepted' && answered === prefix, lines.length)
    },
    line,
    lines,
    signal: signal => child.kill(signal),
    ended,
  }
}

/** A database with the table that the processes write their handlings to, and what is asked of it. */
export async function fleetDatabase(server: PostgresServer) {
  const url = await server.database()
  await server.query(
    url,
    `CREATE TABLE handling (n bigserial PRIMARY KEY, key text, mailbox text, attempt int, pid int,
      begun timestamptz, ended timestamptz)`,
  )
  const number = async (text: string) => Number((await server.query<{ n: string }>(url, text))[0]?.n)
  return {
    url,
    number,
    /** Deliveries that are not done. */
    left: () => number(`SELECT count(*) AS n FROM tutorbot_webhooks.delivery WHERE state <> 'done'`),
    /** Pairs of handlings of one mailbox that ran at the same time. */
    overlaps: () =>
      number(`SELECT count(*) AS n FROM handling a JOIN handling b ON a.mailbox = b.mailbox AND a.n < b.n
        AND b.begun < a.ended`),
    /** Deliveries handled after a later one of their mailbox. */
    disordered: () =>
      number(`SELECT count(*) AS n FROM (
        SELECT seq, lag(seq) OVER (PARTITION BY ordering_key ORDER BY first) AS before FROM tutorbot_webhooks.delivery
        JOIN (SELECT key, min(begun) AS first FROM handling GROUP BY key) AS handled USING (key)) AS each
        WHERE seq < before`),
    /** Resolves when nothing is left, with the ms that took. */
    async drained(): Promise<number> {
      const begun = performance.now()
      while ((await number(`SELECT count(*) AS n FROM tutorbot_webhooks.delivery WHERE state <> 'done'`)) > 0) {
        await new Promise(resolve => setTimeout(resolve, 50))
      }
      return performance.now() - begun
    },
  }
}

import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { PostgresServer } from './postgres-server.ts'
import { startProgram } from './program.ts'
import { arrivals, until } from './wait.ts'

const PROCESS = fileURLToPath(new URL('inbox-process.ts', import.meta.url))

export interface InboxProcess {
  pid: number
  /** Sends a command and returns the line that answers it. */
  accept(prefix: string, many: number, mailboxes: number): Promise<Record<string, unknown>>
  /** The first matching line, already written or still to come. */
  line(fits: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>
  lines: Record<string, unknown>[]
  signal(signal: NodeJS.Signals): void
  ended: Promise<number | null>
}

/** Whether a line is the one with which an instance says that it is ready. */
export const isReady = ({ event }: Record<string, unknown>) => event === 'ready'

/** An inbox in its own process; killed when the test ends. */
export function inboxProcess(t: Test, url: string, env: Record<string, string> = {}): InboxProcess {
  const lines = arrivals<Record<string, unknown>>(line => JSON.stringify(line))
  // Without the test runner's own imports.
  const program = startProgram(
    'the inbox',
    [process.execPath, PROCESS],
    { env: { PATH: process.env.PATH, DATABASE_URL: url, ...env }, stdio: ['pipe', 'pipe', 'pipe'] },
    line => lines.add(JSON.parse(line)),
  )
  const { child, ended } = program
  const { stdin } = child as ChildProcessWithoutNullStreams
  stdin.on('error', () => {})
  void program.howItEnded.then(lines.end)
  t.teardown(() => program.end('SIGKILL'))
  return {
    pid: child.pid as number,
    accept(prefix, many, mailboxes) {
      const known = lines.items.length
      stdin.write(`accept ${prefix} ${many} ${mailboxes}\n`)
      return lines.first(
        `the answer to accept ${prefix}`,
        line => line.event === 'accepted' && line.prefix === prefix && lines.items.indexOf(line) >= known,
      )
    },
    line: fits => lines.first(`a line of the inbox: ${fits}`, fits),
    lines: lines.items,
    signal: signal => child.kill(signal),
    ended,
  }
}

/** A database with the table in which the processes record their handlings, and queries for it. */
export async function fleetDatabase(server: PostgresServer) {
  const url = await server.database()
  await server.query(
    url,
    `CREATE TABLE handling (n bigserial PRIMARY KEY, key text, mailbox text, attempt int, pid int,
      begun timestamptz, ended timestamptz)`,
  )
  const LEFT = `FROM tutorbot_webhooks.delivery WHERE state <> 'done'`
  const number = async (text: string) => Number((await server.query<{ n: string }>(url, text))[0]?.n)
  return {
    url,
    number,
    /** Deliveries that are not done. */
    left: () => number(`SELECT count(*) AS n ${LEFT}`),
    /** Pairs of overlapping handlings in one mailbox. */
    overlaps: () =>
      number(`SELECT count(*) AS n FROM handling a JOIN handling b ON a.mailbox = b.mailbox AND a.n < b.n
        AND b.begun < a.ended`),
    /** Deliveries handled after a later one of their mailbox. */
    disordered: () =>
      number(`SELECT count(*) AS n FROM (
        SELECT seq, lag(seq) OVER (PARTITION BY ordering_key ORDER BY first) AS before FROM tutorbot_webhooks.delivery
        JOIN (SELECT key, min(begun) AS first FROM handling GROUP BY key) AS handled USING (key)) AS each
        WHERE seq < before`),
    /** Resolves when nothing is left, with how long that took in ms. */
    async drained(): Promise<number> {
      const begun = performance.now()
      let left: object[] = []
      const look = async () => {
        left = await server.query(url, `SELECT key, state, attempts, error, next_attempt_at ${LEFT} LIMIT 30`)
        return left.length === 0
      }
      await until('all deliveries to be handled', look, { seen: () => left, everyMs: 50 })
      return performance.now() - begun
    },
  }
}

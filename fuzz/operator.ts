import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cli } from '../test/helpers/cli.ts'
import type { Fleet } from './fleet.ts'
import type { Journal } from './history.ts'
import type { Random } from './random.ts'
import { CONVERSATIONS, contactOf } from './sender.ts'
import { storedRows } from './stored.ts'

/** Largest pause between commands, ms. */
const PAUSE_MS = 1_500
const STATES = ['pending', 'done', 'parked', 'dead', 'discarded']

interface OperatorOptions {
  fleet: Fleet
  journal: Journal
  random: Random
  folder: string
  env: Record<string, string>
  /** Acknowledged so far: numbers by id. */
  acknowledged: ReadonlyMap<string, number>
}

/** Runs the commands one at a time, each in its own process, until stopped. */
export function startOperator({ fleet, journal, random, folder, env, acknowledged }: OperatorOptions) {
  let stopping = false
  const counts: Record<string, number> = {}

  async function run(...words: string[]) {
    counts[words[0] as string] = (counts[words[0] as string] ?? 0) + 1
    const { code, out, err } = await cli(env, words, { cwd: folder })
    journal.add({ what: 'command', words: words.join(' '), code, ...(code !== 0 && { error: err.slice(0, 2_000) }) })
    return { code, out }
  }
  const idOf = () => random.pick([...acknowledged.keys(), '00000000-0000-8000-8000-000000000000'])
  /** The id of a parked or dead delivery, if there is one. */
  async function given(): Promise<string> {
    const { code, out } = await run('list', '--state', random.pick(['dead', 'parked']), '--json', '--limit', '20')
    const { deliveries } = code === 0 ? JSON.parse(out) : { deliveries: [] }
    return deliveries.length > 0 ? random.pick<{ id: string }>(deliveries).id : idOf()
  }

  async function backUp(): Promise<void> {
    const before = [...acknowledged]
    const file = join(folder, 'copy.db')
    const { code } = await run('backup', file)
    if (code === 0) {
      const restored = join(folder, 'restored.db')
      await run('restore', file, '--to', restored)
      const ids = new Set((await storedRows(restored)).map(({ id }) => id))
      for (const [id, n] of before) if (!ids.has(id)) journal.add({ what: 'missing in the backup', n })
    }
    for (const name of ['copy.db', 'restored.db'])
      for (const end of ['', '-wal', '-shm', '.lock']) rmSync(join(folder, name + end), { force: true })
  }

  const url = () => fleet.instances.find(one => one.url !== '')?.url ?? 'http://127.0.0.1:1'
  const conversation = () => random.between(1, CONVERSATIONS)
  const deeds: (() => Promise<unknown>)[] = [
    () => run('list', '--state', random.pick(STATES)),
    () => run('list', '--conversation', String(conversation()), '--json'),
    () => run('show', idOf()),
    async () => run('show', await given(), '--json'),
    async () => run('replay', await given()),
    () => run('replay', '--state', 'dead'),
    () => run('replay', '--state', 'parked', '--dry-run'),
    () => run('replay', '--conversation', String(conversation())),
    async () => run('discard', await given(), '--reason', 'at random'),
    () => run('forget', '--contact', String(contactOf(conversation())), ...(random.chance(0.7) ? ['--dry-run'] : [])),
    () => run('prune'),
    () => run('doctor', '--url', url()),
    () => run('simulate', '--url', url()),
    backUp,
  ]

  async function work(): Promise<void> {
    while (!stopping) {
      await random.pick(deeds)()
      await sleep(random.between(0, PAUSE_MS))
    }
  }

  const running = work()
  return {
    counts,
    run,
    async stop(): Promise<void> {
      stopping = true
      await running
    },
  }
}

export type Operator = ReturnType<typeof startOperator>

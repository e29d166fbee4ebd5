/**
 * `npm run bench:container -- [ROUNDS]`: from exec to the first 200, in the container (read-only, as process 1) and outside it,
 * in turn. As root, with buildah and mmdebstrap, as its test.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Program, startProgram } from '../test/helpers/program.ts'
import { buildImage, serviceOf } from '../test/ops/container.ts'
import { firstAnswer, freePort, median } from './first-answer.ts'

const [rounds = '11'] = process.argv.slice(2)
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'webhooks-bench-'))
const image = await buildImage()
const times: Record<'outside' | 'container', number[]> = { outside: [], container: [] }

try {
  const volumes = { '/data': image.folder('data') }
  const inside = await image.container()
  const { PATH = '' } = process.env
  const start = {
    outside: (env: Record<string, string>) =>
      startProgram('outside', [process.execPath, '--max-semi-space-size=16', 'commands/bin.cjs'], {
        cwd: ROOT,
        env: { PATH, NODE_ENV: 'production', DATABASE_URL: join(folder, 'webhooks.db'), ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    container: (env: Record<string, string>) => inside.runReadOnly({ env, volumes }),
  }
  // The first of each makes its store.
  for (let round = -1; round < Number(rounds); round++)
    for (const [where, run] of Object.entries(start) as [keyof typeof times, (typeof start)['outside']][]) {
      const port = await freePort()
      const ms = await untilAnswered(run({ PORT: `${port}`, CW_HMAC_SECRET: 'a secret of the benchmark' }), port)
      if (round >= 0) times[where].push(ms)
    }
  const [outside, container] = [median(times.outside), median(times.container)]
  console.table({ outside: { 'median, ms': outside }, 'in the container': { 'median, ms': container } })
  console.log(`ratio ${((container as number) / (outside as number)).toFixed(2)}`)
} finally {
  await image.remove()
  rmSync(folder, { recursive: true, force: true })
}

async function untilAnswered(service: Program, port: number): Promise<number> {
  const hasEnded = () => (service.child.exitCode === null ? undefined : `it ended:\n${service.written.join('\n')}`)
  const ms = await firstAnswer(port, hasEnded)
  process.kill(serviceOf(service), 'SIGTERM')
  await service.ended
  return ms
}

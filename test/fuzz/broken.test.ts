import { rmSync } from 'node:fs'
import t from 'tap'
import { fuzz } from './run.ts'

// They spend most of their time waiting.
t.jobs = 3

for (const [broken, check] of [
  ['lost', 'acknowledged is found'],
  ['once', 'effects once'],
  ['overlap', 'no overlap'],
] as const)
  t.test(`a service that breaks a promise (${broken}) is detected, with the seed`, { buffered: true }, async t => {
    const { code, said } = await fuzz('--seconds', '5', '--seed', '1', '--break', broken)
    if (code !== 1) t.comment(said)
    t.equal(code, 1)
    t.match(
      said,
      new RegExp(`VIOLATED: ${check}: .*npm run fuzz -- --seconds 5 --seed 1; the events before it:\\n\\d+ \\{`),
    )
    const [folder = ''] = /\/\S*webhooks-fuzz-\w+$/m.exec(said) ?? []
    t.match(folder, 'webhooks-fuzz')
    rmSync(folder, { recursive: true, force: true })
  })

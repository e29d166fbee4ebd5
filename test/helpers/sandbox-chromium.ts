import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import type { Test } from 'tap'
import { readEnv } from '../../environment.ts'
import { startSandbox } from '../../sandbox/run.ts'

/** The sandbox with all its processes, and what tests find on its page. */

export async function openSandbox(t: Test) {
  const config = await readEnv({ env: { PORT: '0', DATABASE_URL: join(t.testdir(), 'webhooks.db') } })
  const sandbox = await startSandbox(config, () => {})
  t.teardown(() => sandbox.close())
  return sandbox
}

export const studentOf = (page: Page, name: string) => page.getByRole('article', { name })

/** The choices of the latest question. */
export const choicesOf = (student: Locator) => student.locator('.choices').last().getByRole('button')

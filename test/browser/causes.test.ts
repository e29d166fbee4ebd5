import type { Browser } from 'playwright-core'
import t from 'tap'
import { PermanentError } from '../../inbox/errors.ts'
import { listen, webhookApp } from '../helpers/app.ts'
import { DESKTOP, inChromium, LOW_CONTRAST, PHONE, scrollsSideways, withPage } from '../helpers/browser.ts'
import { delivery } from '../helpers/inbox.ts'

/** What has failed for one cause is replayed as a job, in a real Chromium. */

const TOKEN = 'the-token-of-the-operator'

function tests(browser: Browser): void {
  for (const viewport of [DESKTOP, PHONE]) {
    t.test(`a cause is replayed, ${viewport.width} pixels wide`, async t => {
      const { app, log } = await webhookApp(t, { operator: { token: TOKEN } })
      const { inbox } = app.webhooks
      let isFixed = false
      inbox.handle('test', 'ping', () => {
        if (!isFixed) throw new PermanentError('no')
      })
      const port = await listen(app)
      for (const key of ['a', 'b', 'c']) await inbox.accept(delivery(key), 1)
      for (const key of ['a', 'b', 'c']) {
        await log.line(line => line.delivery === delivery(key).id && line.msg === 'webhook dead')
      }
      await withPage(
        t,
        browser,
        async page => {
          const start = async (pauseAfter: string) => {
            await page.getByText('Replay… PermanentError:ours').click()
            await page.getByLabel('Deliveries a minute').fill('600')
            await page.getByLabel('Pause after failures in a row').fill(pauseAfter)
            await page.getByRole('button', { name: 'Start' }).click()
          }
          await page.goto(`http://127.0.0.1:${port}/dashboard`)
          await page.getByLabel("The operator's token").fill(TOKEN)
          await page.getByRole('button', { name: 'Sign in' }).click()
          await page.getByRole('link', { name: 'by cause' }).click()
          await page.getByRole('link', { name: 'PermanentError ours' }).waitFor()
          await start('1')
          await page.getByRole('heading', { name: 'Replay job 1: paused, waits for you' }).waitFor()
          await page.getByText('1 in a row failed again, the last one for PermanentError:ours').waitFor()
          t.notOk(await scrollsSideways(page))
          t.same(await page.evaluate(LOW_CONTRAST), [])
          isFixed = true
          await page.getByRole('button', { name: 'Resume' }).click()
          await page.getByRole('heading', { name: 'Replay job 1: done' }).waitFor()
          await page.getByRole('link', { name: 'PermanentError ours' }).waitFor()
          await start('5')
          await page.getByRole('heading', { name: 'Replay job 2: done' }).waitFor()
          await page.getByText('Nothing is dead or parked.').waitFor()
        },
        { viewport },
      )
      t.same(await inbox.backlog(), { pending: 0, parked: 0, dead: 0, oldestPendingAt: null })
    })
  }
}

await inChromium('the replay of a cause', tests)

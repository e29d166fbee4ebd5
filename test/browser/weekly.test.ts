import type { Browser, Page } from 'playwright-core'
import t from 'tap'
import { DESKTOP, inChromium, LOW_CONTRAST, PHONE, scrollsSideways, withPage } from '../helpers/browser.ts'
import { OPERATOR_TOKEN } from '../helpers/operator.ts'
import { chat, startInWorld } from '../helpers/world.ts'

/** Weekly times in a real Chromium: those that students have asked for are listed, and one is ended. */

function tests(browser: Browser): void {
  for (const [viewport, colorScheme, javaScriptEnabled] of [
    [DESKTOP, 'light', true],
    [PHONE, 'dark', false],
  ] as const) {
    const how = `${viewport.width} pixels wide, ${colorScheme}, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`
    t.test(`one of two is ended, ${how}`, async t => {
      const more = { operator: { token: OPERATOR_TOKEN } }
      const { world, app, log, quiet, conversation } = await startInWorld(t, { mode: 'bot' }, more)
      const { port } = app.server.address() as { port: number }
      const [renee, emma] = ['Renée', 'Emma-Louise van den Berg-Achterberg'].map(name =>
        world.addStudent({ name, channel: 'whatsapp', language: 'nl' }),
      ) as [number, number]
      for (const [id, text] of [
        [renee, 'elke dinsdag 17:00'],
        [renee, 'ja'],
        [emma, 'elke woensdag 16:00'],
        [emma, 'ja'],
      ] as const) {
        world.say(id, text)
        await quiet()
      }
      const use = async (page: Page) => {
        const looksRight = async () => {
          t.notOk(await scrollsSideways(page))
          t.same(await page.evaluate(LOW_CONTRAST), [])
        }
        await page.goto(`http://127.0.0.1:${port}/dashboard/lessons`)
        await page.getByLabel("The operator's token").fill(OPERATOR_TOKEN)
        await page.getByRole('button', { name: 'Sign in' }).click()
        await page.getByRole('link', { name: 'Weekly' }).click()
        await page.getByRole('heading', { level: 1, name: 'Weekly lessons' }).waitFor()
        const ends = page.getByRole('button', { name: /^End / })
        t.equal(await ends.count(), 2)
        await looksRight()
        await page.getByRole('button', { name: 'End Tuesday 17:00, Renée: unpaid lessons are cancelled' }).click()
        await page.getByRole('status').getByText('Asked for: it ends in a moment').waitFor()
        await looksRight()
        await log.line(line => line.event === 'tutorbot.weekly_end' && line.msg === 'webhook handled')
        await page.reload()
        await page.getByText('Wednesday 16:00, Emma-Louise').waitFor()
        t.equal(await ends.count(), 1)
        t.match(chat(conversation(renee)).at(-1), '> Je vaste les elke dinsdag om 17:00 is gestopt.')
        t.match(chat(conversation(emma)).at(-1), /^> Je vaste les staat/)
        await page.getByRole('link', { name: 'The week' }).click()
        await page.getByText('cancelled').waitFor()
        t.equal(await page.getByText('cancelled').count(), 1, 'the lesson of this week')
      }
      await withPage(t, browser, use, { viewport, colorScheme, javaScriptEnabled })
    })
  }
}

await inChromium('the weekly times on the operator’s page', tests)

import type { Browser } from 'playwright-core'
import t from 'tap'
import { DESKTOP, inChromium, LOW_CONTRAST, PHONE, scrollsSideways, withPage } from '../helpers/browser.ts'
import { startInWorld } from '../helpers/world.ts'

/** A person's conversation is given back to the bot, in a real Chromium. */

const TOKEN = 'the-token-of-the-operator'

function tests(browser: Browser): void {
  for (const viewport of [DESKTOP, PHONE]) {
    t.test(`given back, ${viewport.width} pixels wide`, async t => {
      const { world, app, quiet, conversation } = await startInWorld(t, { mode: 'bot' }, { operator: { token: TOKEN } })
      const { port } = app.server.address() as { port: number }
      const id = world.addStudent({ name: 'Renée', channel: 'whatsapp', language: 'nl' })
      world.say(id, 'ik wil iemand spreken')
      await quiet()
      const [delivery] = await app.webhooks.inbox.list({ source: 'chatwoot', event: 'message_created' })
      await withPage(
        t,
        browser,
        async page => {
          await page.goto(`http://127.0.0.1:${port}/dashboard/deliveries/${delivery?.id}`)
          await page.getByLabel("The operator's token").fill(TOKEN)
          await page.getByRole('button', { name: 'Sign in' }).click()
          await page.getByRole('link', { name: 'who has it' }).click()
          await page.getByRole('heading', { level: 1, name: `Conversation ${id}` }).waitFor()
          await page.getByText('A person: it was handed over').waitFor()
          t.notOk(await scrollsSideways(page))
          t.same(await page.evaluate(LOW_CONTRAST), [])
          await page.getByRole('button', { name: 'Give back to the bot' }).click()
          await page.getByRole('status').getByText('Given back to the bot.').waitFor()
          t.equal(await page.getByRole('button', { name: 'Give back to the bot' }).count(), 0)
          t.match(conversation(id), { status: 'pending', labels: [] })
        },
        { viewport },
      )
    })
  }
}

await inChromium('a conversation on the operator’s page', tests)

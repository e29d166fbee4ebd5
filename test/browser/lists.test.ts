import type { Browser } from 'playwright-core'
import t from 'tap'
import { DESKTOP, inChromium, LOW_CONTRAST, PHONE, scrollsSideways, withPage } from '../helpers/browser.ts'
import { startInWorld } from '../helpers/world.ts'

/** A student is found by name, and given back to the bot from the list, in a real Chromium. */

const TOKEN = 'the-token-of-the-operator'

function tests(browser: Browser): void {
  for (const viewport of [DESKTOP, PHONE]) {
    t.test(`found and given back, ${viewport.width} pixels wide`, async t => {
      const { world, app, quiet, conversation } = await startInWorld(t, { mode: 'bot' }, { operator: { token: TOKEN } })
      const { port } = app.server.address() as { port: number }
      const id = world.addStudent({ name: 'Renée', channel: 'whatsapp', language: 'nl' })
      const other = world.addStudent({ name: 'Jan', channel: 'whatsapp', language: 'nl' })
      world.say(id, 'ik wil iemand spreken')
      world.say(other, 'Hoi')
      await quiet()
      await withPage(
        t,
        browser,
        async page => {
          await page.goto(`http://127.0.0.1:${port}/dashboard/deliveries`)
          await page.getByLabel("The operator's token").fill(TOKEN)
          await page.getByRole('button', { name: 'Sign in' }).click()
          await page
            .getByRole('link', { name: `Conversation ${other}` })
            .first()
            .waitFor()
          await page.getByLabel('Student’s name').fill('renee')
          await page.getByRole('button', { name: 'Show' }).click()
          await page.getByText('There are no older ones.').waitFor()
          t.equal(await page.getByRole('link', { name: `Conversation ${other}` }).count(), 0)
          const row = page.getByRole('row').filter({ hasText: 'ik wil iemand spreken' }).last()
          await row.getByText('Renée').waitFor()
          const chatwoot = await row.getByRole('link', { name: 'in Chatwoot' }).getAttribute('href')
          t.equal(chatwoot, `${world.chatwoot.url}/app/accounts/${world.chatwoot.accountId}/conversations/${id}`)
          t.notOk(await scrollsSideways(page))
          t.same(await page.evaluate(LOW_CONTRAST), [])
          await page.getByRole('button', { name: `Give back to the bot conversation ${id}` }).click()
          await page.getByRole('status').getByText(`Conversation ${id} was given back to the bot.`).waitFor()
          t.equal(await page.getByLabel('Student’s name').inputValue(), 'renee', 'in the same list')
          t.match(conversation(id), { status: 'pending', labels: [] })
          await page
            .getByRole('link', { name: `Conversation ${id}` })
            .first()
            .click()
          await page.getByRole('heading', { level: 1, name: `Conversation ${id}` }).waitFor()
        },
        { viewport },
      )
    })
  }
}

await inChromium('the operator’s lists', tests)

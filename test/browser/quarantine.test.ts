import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { chatwoot } from '../../commands/samples.ts'
import { chatwootRequest, listen, webhookApp } from '../helpers/app.ts'
import { DESKTOP, inChromium, LOW_CONTRAST, PHONE, scrollsSideways, withPage } from '../helpers/browser.ts'
import { until } from '../helpers/wait.ts'

/** What a wrong secret has refused is seen, verified again and discarded, in a real Chromium. */

const TOKEN = 'the-token-of-the-operator'
const MARKUP = '<img src=x onerror="console.error(1)">'

/** A service on a store, with the sender's secret or another one; what it has handled, by its first word. */
async function service(t: Test, store: string, secrets?: string[]) {
  const handled: string[] = []
  const { app, log } = await webhookApp(t, {
    store,
    quarantine: {},
    operator: { token: TOKEN },
    ...(secrets && { chatwoot: { secrets } }),
    handlers: { message_created: ({ payload }) => void handled.push(`${payload.content}`) },
  })
  return { app, log, handled, url: `http://127.0.0.1:${await listen(app)}` }
}

/** Two genuine messages and a forged one come while the secret is wrong. */
async function refuse(t: Test, store: string): Promise<void> {
  const { app, url } = await service(t, store, ['a mistyped secret'])
  const forged = { 'x-chatwoot-signature': `sha256=${'0'.repeat(64)}` }
  for (const [message, content, more] of [
    [1, 'Hoi', {}],
    [2, 'Bent u daar?', {}],
    [3, MARKUP, forged],
  ] as const) {
    const { payload, headers } = chatwootRequest(chatwoot.incoming({ message, content }))
    const all = { 'content-type': 'application/json', ...headers, ...more } as Record<string, string>
    t.equal((await fetch(`${url}/cw`, { method: 'POST', body: payload, headers: all })).status, 401)
    await until('it to be kept', async () => (await app.webhooks.inbox.quarantined()).deliveries === message)
  }
  await app.close()
}

async function looksRight(t: Test, page: Page): Promise<void> {
  t.notOk(await scrollsSideways(page))
  t.same(await page.evaluate(LOW_CONTRAST), [])
}

function tests(browser: Browser): void {
  const folder = t.testdir()
  for (const viewport of [DESKTOP, PHONE]) {
    t.test(`refused, and verified again, ${viewport.width} pixels wide`, async t => {
      // Not in this test's own folder, which each app empties.
      const store = join(folder, `${viewport.width}.db`)
      await refuse(t, store)
      const { app, handled, url } = await service(t, store)
      await withPage(
        t,
        browser,
        async page => {
          await page.goto(`${url}/dashboard/deliveries`)
          await page.getByLabel("The operator's token").fill(TOKEN)
          await page.getByRole('button', { name: 'Sign in' }).click()
          await page.getByText('No matching deliveries.').waitFor()
          await page.getByLabel('State').selectOption('quarantined')
          await page.getByRole('button', { name: 'Show' }).click()
          await page.getByRole('heading', { name: '3 deliveries, newest first' }).waitFor()
          await looksRight(t, page)

          await page.getByRole('link', { name: 'Verify all that match this filter again…' }).click()
          await page.getByRole('heading', { level: 1, name: 'Verify 3 deliveries again?' }).waitFor()
          await looksRight(t, page)
          await page.getByRole('link', { name: 'Back to the list' }).click()
          await page.getByRole('heading', { name: '3 deliveries, newest first' }).waitFor()
          t.equal((await app.webhooks.inbox.quarantined()).deliveries, 3, 'only asked')

          await page.getByRole('link', { name: 'Verify all that match this filter again…' }).click()
          await page.getByRole('button', { name: 'Yes, verify 3 deliveries' }).click()
          await page.getByRole('status').getByText('2 deliveries accepted, or known already. 1 still refused').waitFor()
          await page.getByRole('heading', { name: '1 delivery, newest first' }).waitFor()
          await until('the genuine ones to be handled', () => handled.length === 2)
          t.same(handled, ['Hoi', 'Bent u daar?'])

          await page.getByRole('table').getByRole('link', { name: 'unverified' }).click()
          await page.getByText('What went wrong: WEBHOOK_SIGNATURE_MISMATCH').waitFor()
          await page.getByText('Verified again, and still refused').waitFor()
          t.match(await page.getByRole('region', { name: 'Content', exact: true }).textContent(), 'onerror')
          t.equal(await page.locator('img[onerror]').count(), 0, 'what a stranger sent is text')
          await page.getByText('Verify it again…').click()
          await page.getByRole('button', { name: 'Yes, verify it again' }).waitFor()
          await looksRight(t, page)
          await page.getByText('Discard…').click()
          await page.getByLabel('Reason, for the record').fill('forged')
          await page.getByRole('button', { name: 'Yes, discard it' }).click()
          await page.getByRole('status').getByText('Deleted from quarantine.').waitFor()
          await page.getByText('No matching deliveries.').waitFor()
        },
        { viewport },
      )
      t.same(await app.webhooks.inbox.quarantined(), { deliveries: 0, bytes: 0, asked: 0 })
    })
  }
}

await inChromium('the quarantine', tests)

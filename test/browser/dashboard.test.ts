import { once } from 'node:events'
import type { Browser, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { PermanentError, TransientError } from '../../app.ts'
import { chatwoot, stripeEvent, stripePaymentIntent } from '../../commands/samples.ts'
import { type Clock, systemClock } from '../../inbox/contracts.ts'
import type { AnsweredEvent } from '../../inbox/events.ts'
import { chatwootRequest, listen, stripeRequest, webhookApp } from '../helpers/app.ts'
import { DESKTOP, inChromium, LOW_CONTRAST, PHONE, picture, scrollsSideways, withPage } from '../helpers/browser.ts'

/** The operator's page in a real Chromium. UPDATE_SCREENSHOTS=1 writes the pictures in docs/. */

const TOKEN = 'the-token-of-the-operator'

/** The service, with a handler that fails until it is fixed. */
async function startService(t: Test, clock: Clock = systemClock) {
  const state = { error: new PermanentError('Chatwoot answered 401 to GET /conversations/5') as Error | undefined }
  const { app } = await webhookApp(t, {
    operator: { token: TOKEN },
    inbox: { clock },
    handlers: {
      message_created: () => {
        if (state.error !== undefined) throw state.error
      },
    },
  })
  const port = await listen(app)
  let message = 1
  return {
    app,
    url: `http://127.0.0.1:${port}/dashboard`,
    /** Resolves when its first attempt has ended, with its id. */
    async deliver(conversation = 5, error?: Error): Promise<string> {
      state.error = error
      const handled = once(app.webhooks.events, 'handled')
      const answer = await app.inject(chatwootRequest(chatwoot.incoming({ message: message++, conversation })))
      await handled
      return answer.json().id
    },
    fix(): void {
      state.error = undefined
    },
  }
}

async function signIn(page: Page, url: string): Promise<void> {
  await page.goto(url)
  await page.getByLabel("The operator's token").fill(TOKEN)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

const isLive = (page: Page) => page.locator('#live.on').waitFor()
const PICTURES = [
  'dashboard-desktop',
  'dashboard-desktop-dark',
  'dashboard-phone',
  'delivery-desktop',
  'deliveries-phone',
]

const pictureOf = async (page: Page, name: string) => {
  if (PICTURES.includes(name)) await picture(page, name)
}

function tests(browser: Browser): void {
  t.test('sign in, see a delivery arrive, open it, replay it, see it done', async t => {
    const service = await startService(t)
    await withPage(t, browser, async page => {
      await page.goto(`${service.url}/deliveries?state=dead`)
      await page.getByLabel("The operator's token").fill(TOKEN)
      await page.getByRole('button', { name: 'Sign in' }).click()
      t.equal(page.url(), `${service.url}/deliveries?state=dead`, 'where one wanted to go')
      await page.getByRole('link', { name: 'Overview' }).click()
      await page.getByRole('heading', { name: 'Nothing needs you' }).waitFor()
      await isLive(page)

      const id = await service.deliver(5, new PermanentError('<b>Chatwoot</b> answered 401'))
      const latest = page.getByRole('region', { name: 'Latest deliveries' })
      await latest.getByRole('link', { name: `message_created chatwoot ${id.slice(0, 8)}` }).waitFor()
      await page.getByRole('heading', { name: 'Needs a person: 1' }).waitFor()
      t.equal(await page.getByText('PermanentError: <b>Chatwoot</b> answered 401').count(), 2, 'as text')

      await latest.getByRole('link', { name: 'message_created' }).click()
      await page.getByRole('heading', { level: 1, name: 'message_created' }).waitFor()
      t.match(
        await page.getByRole('region', { name: 'Content', exact: true }).last().innerText(),
        /"event": "message_created"/,
      )
      await isLive(page)
      service.fix()
      await page.getByText('Replay…').click()
      await page.getByRole('button', { name: 'Yes, replay it' }).click()
      await page.getByRole('status').getByText('Replayed.').waitFor()
      await page.getByText('Handled, at attempt 2').waitFor()
      t.equal((await service.app.webhooks.inbox.get(id))?.state, 'done')
      t.equal(await page.getByText('Replay…').count(), 0)
    })
  })

  t.test('filters and discarding', async t => {
    const service = await startService(t)
    await withPage(t, browser, async page => {
      const id = await service.deliver(5, new PermanentError('no'))
      await service.deliver(6)
      await signIn(page, service.url)
      await page.getByRole('link', { name: 'Deliveries', exact: true }).click()
      const rows = page.getByRole('table').locator('tbody').getByRole('row')
      t.equal(await rows.count(), 2)
      await page.getByLabel('Conversation').fill('5')
      await page.getByLabel('State').selectOption('dead')
      await page.getByLabel('Accepted from').fill('2026-01-01T10:00')
      await page.getByRole('button', { name: 'Show' }).click()
      t.match(new URL(page.url()).search, /state=dead.*conversation=5/)
      t.equal(await page.getByLabel('Accepted from').inputValue(), '2026-01-01T10:00', 'what was asked is still there')
      t.equal(await rows.count(), 1)

      await page.getByRole('link', { name: /^Replay all/ }).click()
      await page.getByRole('heading', { level: 1, name: 'Replay 1 delivery?' }).waitFor()
      await page.getByRole('link', { name: 'Back to the list' }).click()
      await rows.getByRole('link', { name: 'message_created' }).click()
      await page.getByText('Discard…').click()
      await page.getByLabel('Reason').fill('asked and answered by phone')
      await page.getByRole('button', { name: 'Yes, discard it' }).click()
      await page.getByRole('status').getByText('Discarded.').waitFor()
      t.match(await service.app.webhooks.inbox.get(id), { state: 'discarded', error: 'asked and answered by phone' })
    })
  })

  t.test('works with the keyboard only', async t => {
    const service = await startService(t)
    await withPage(t, browser, async page => {
      const id = await service.deliver(5, new PermanentError('no'))
      const focused = () => page.evaluate<string>('document.activeElement.innerText.trim()')
      /** Presses Tab until the right element has the focus; every stop on the way must show its focus. */
      const tabTo = async (text: RegExp) => {
        for (let stops = 0; stops < 40; stops++) {
          await page.keyboard.press('Tab')
          t.not(
            await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'),
            'none',
            'the focus is seen',
          )
          if (text.test(await focused())) return
        }
        t.fail(`no stop says ${text}`)
      }
      await page.goto(service.url)
      await page.keyboard.type(TOKEN)
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
      await page.keyboard.press('Tab')
      t.equal(await focused(), 'Skip to the content')
      await page.keyboard.press('Enter')
      await tabTo(/^message_created/)
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { level: 1, name: 'message_created' }).waitFor()
      service.fix()
      await tabTo(/^Replay…/)
      await page.keyboard.press('Enter')
      await tabTo(/^Yes, replay it/)
      await page.keyboard.press('Enter')
      await page.getByText('Handled, at attempt 2').waitFor()
      t.equal((await service.app.webhooks.inbox.get(id))?.state, 'done')
      await tabTo(/^Sign out/)
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
      await page.goto(service.url)
      t.match(page.url(), /\/sign-in\?next=/)
    })
  })

  t.test('works with a screen reader', async t => {
    const service = await startService(t)
    await withPage(t, browser, async page => {
      await service.deliver(5, new PermanentError('no'))
      await signIn(page, service.url)
      for (const landmark of ['banner', 'navigation', 'main', 'contentinfo'] as const) {
        t.equal(await page.getByRole(landmark).count(), 1, landmark)
      }
      t.equal(await page.getByRole('heading', { level: 1 }).count(), 1)
      t.match(await page.getByRole('link', { name: 'Overview' }).getAttribute('aria-current'), 'page')
      for (const name of [
        'Latest deliveries, newest first',
        'Needs a person, newest first',
        /^Handlers of the last hour/,
      ]) {
        t.equal(await page.getByRole('table', { name }).count(), 1, `${name}`)
      }
      const latest = page.getByRole('table', { name: 'Latest deliveries, newest first' })
      t.equal(await latest.getByRole('columnheader').count(), 6)
      await page.getByText('The same as a table').click()
      const minutes = page.getByRole('table', { name: 'Webhooks answered by this process, per minute' })
      t.equal(await minutes.getByRole('rowheader').count(), 60)
      await page.locator('#spoken', { hasText: 'Needs a person dead: 1' }).waitFor({ state: 'attached' })
      await page.getByRole('link', { name: 'Deliveries', exact: true }).click()
      for (const label of [
        'Student’s name',
        'State',
        'Source',
        'Event',
        'Conversation',
        'Accepted from',
        'Accepted before',
        'Part of the id',
      ]) {
        t.equal(await page.getByLabel(label, { exact: false }).count(), 1, label)
      }
    })
  })

  t.test('says when it is not live, and reconnects', async t => {
    const service = await startService(t)
    const context = await browser.newContext()
    t.teardown(() => context.close())
    const page = await context.newPage()
    await signIn(page, service.url)
    await isLive(page)
    await context.setOffline(true)
    service.app.server.closeAllConnections()
    await page.locator('#live.off', { hasText: 'Not live' }).waitFor()
    await context.setOffline(false)
    await isLive(page)
    await service.deliver()
    await page.getByRole('table', { name: 'Latest deliveries' }).waitFor()
  })

  t.test('works without JavaScript', async t => {
    const service = await startService(t)
    await withPage(
      t,
      browser,
      async page => {
        const id = await service.deliver(5, new PermanentError('no'))
        service.fix()
        await signIn(page, service.url)
        await page
          .getByRole('region', { name: 'Needs a person' })
          .getByRole('link', { name: 'message_created' })
          .click()
        const done = once(service.app.webhooks.events, 'handled')
        await page.getByText('Replay…').click()
        await page.getByRole('button', { name: 'Yes, replay it' }).click()
        await page.getByRole('status').getByText('Replayed.').waitFor()
        await done
        t.equal((await service.app.webhooks.inbox.get(id))?.state, 'done')
      },
      { javaScriptEnabled: false },
    )
  })

  t.test('on desktop and phone, in light and dark mode', async t => {
    let minutesAgo = 60
    const service = await startService(t, { ...systemClock, now: () => Date.now() - minutesAgo * 60_000 })
    const { app } = service
    // An hour with something to show.
    while (minutesAgo-- > 0) {
      const webhooks = {
        accepted: Math.round(14 + 9 * Math.sin(minutesAgo / 8)) + ((minutesAgo * 7) % 4),
        duplicate: minutesAgo % 13 === 4 ? 3 : 0,
        refused: minutesAgo === 20 ? 9 : 0,
      }
      for (const [outcome, count] of Object.entries(webhooks)) {
        for (let each = 0; each < count; each++) app.webhooks.events.emit('answered', { outcome } as AnsweredEvent)
      }
    }
    minutesAgo = 0
    await service.deliver(
      41,
      new PermanentError('Chatwoot answered 401 to GET /conversations/41: the token is not accepted'),
    )
    for (const conversation of [42, 43, 44, 45]) await service.deliver(conversation)
    await service.deliver(46, new TransientError('Google answered 503'))
    const payment = stripeRequest(stripeEvent('payment_intent.succeeded', stripePaymentIntent()))
    await app.inject(payment)
    await app.inject(payment)
    await app.inject({ ...payment, headers: { ...payment.headers, 'stripe-signature': 't=1,v1=00' } })

    for (const [screen, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
      for (const colorScheme of ['light', 'dark'] as const) {
        const suffix = colorScheme === 'dark' ? `${screen}-dark` : screen
        await withPage(
          t,
          browser,
          async page => {
            await page.goto(service.url)
            t.notOk(await scrollsSideways(page), `sign-in, ${suffix}`)
            await signIn(page, service.url)
            await isLive(page)
            await page.locator('#chart canvas').waitFor()
            t.notOk(await scrollsSideways(page), `overview, ${suffix}`)
            const back = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
            t.equal(back, colorScheme === 'dark' ? 'rgb(20, 23, 26)' : 'rgb(250, 249, 247)')
            t.same(await page.evaluate(LOW_CONTRAST), [], `contrast, overview, ${suffix}`)
            await pictureOf(page, `dashboard-${suffix}`)
            await page.getByRole('link', { name: 'Deliveries', exact: true }).click()
            // Wait for its style sheet, too.
            await page.waitForURL('**/deliveries')
            t.notOk(await scrollsSideways(page), `list, ${suffix}`)
            t.same(await page.evaluate(LOW_CONTRAST), [], `contrast, list, ${suffix}`)
            await pictureOf(page, `deliveries-${suffix}`)
            await page.getByLabel('State').selectOption('dead')
            await page.getByRole('button', { name: 'Show' }).click()
            await page.getByRole('table').getByRole('link').first().click()
            await page.waitForURL('**/deliveries/*')
            await page.getByText('Discard…').click()
            t.notOk(await scrollsSideways(page), `delivery, ${suffix}`)
            t.same(await page.evaluate(LOW_CONTRAST), [], `contrast, delivery, ${suffix}`)
            await pictureOf(page, `delivery-${suffix}`)
          },
          { viewport, colorScheme },
        )
      }
    }
  })
}

await inChromium("the operator's page", tests)

import type { Browser, Locator, Page } from 'playwright-core'
import t from 'tap'
import { DESKTOP, inChromium, LOW_CONTRAST, PHONE, picture, scrollsSideways, withPage } from '../helpers/browser.ts'
import { choicesOf, openSandbox, studentOf } from '../helpers/sandbox-chromium.ts'

/** The sandbox as seen by somebody who has just started it: all its processes, and a real Chromium. */

async function addStudent(page: Page, name: string, channel: string, language: string): Promise<Locator> {
  const form = page.getByRole('article', { name: 'Another student' })
  await form.getByLabel('Name').fill(name)
  await form.getByLabel(channel).check()
  await form.getByLabel('Language').selectOption({ label: language })
  await form.getByRole('button', { name: 'Add the student' }).click()
  await studentOf(page, name).waitFor()
  return studentOf(page, name)
}

/** Opens the link to pay, which has a window of its own. */
async function openPayment(page: Page, open: () => Promise<void>): Promise<Page> {
  const [payment] = await Promise.all([page.context().waitForEvent('page'), open()])
  await payment.getByRole('heading', { level: 1, name: '€50.00' }).waitFor()
  // Its style sheet too: without it, in the dark, white would be taken to stand on white.
  await payment.waitForLoadState('load')
  return payment
}

/** What Stripe does after a payment: the student is on the service's own page, and closes the window. */
async function land(payment: Page): Promise<void> {
  await payment.waitForURL(/\/paid\?language=(nl|en)$/)
  await payment.getByRole('heading', { level: 1, name: /^(Bedankt|Thank you)!$/ }).waitFor()
  await payment.close()
}

function tests(browser: Browser): void {
  t.test(
    'two want one time, one pays, Stripe says it twice, the service is killed, the other is offered others',
    async t => {
      const { url, world, clock } = await openSandbox(t)
      await withPage(t, browser, async page => {
        await page.goto(url)
        const sanne = studentOf(page, 'Sanne')
        await sanne.getByRole('button', { name: 'Les boeken' }).click()
        await sanne.getByText('Wanneer wil je je les van 60 minuten?').waitFor()
        const emma = await addStudent(page, 'Emma', 'Website widget', 'English')
        await emma.getByRole('button', { name: 'Book a lesson' }).click()
        await emma.getByText('When would you like your lesson of 60 minutes?').waitFor()
        await page.getByRole('button', { name: 'Every webhook twice' }).click()

        // The same time, in two languages. Whoever is first gets it.
        await choicesOf(sanne).first().click()
        await choicesOf(emma).first().click()
        const links = page.locator('.preview')
        await links.first().waitFor()
        const isSanne = (await sanne.locator('.preview').count()) === 1
        const [first, second] = isSanne ? [sanne, emma] : [emma, sanne]
        const taken = isSanne ? 'that time is not free any more' : 'Die tijd is helaas niet meer vrij'
        await second.getByText(taken).waitFor()
        t.equal(await links.count(), 1, 'one of them')
        t.ok((await choicesOf(second).count()) > 2, 'the other is offered others')
        const calendar = page.getByRole('region', { name: 'Calendar' })
        await calendar.getByText(/held until/).waitFor()

        const payment = await openPayment(page, () => first.locator('.preview').click())
        await payment.getByRole('button', { name: 'iDEAL' }).click()
        await land(payment)
        await page.getByRole('button', { name: 'Kill the service' }).click()
        await page.getByRole('status').getByText('Stopped').waitFor()
        await page.getByRole('button', { name: 'Start the service' }).click()
        await page.getByRole('status').getByText('Running').waitFor()
        // Stripe sends again what it could not deliver, later and later.
        await clock.move(60_000)

        await first.getByText(isSanne ? 'Je les staat vast' : 'Your lesson is booked').waitFor()
        await calendar.getByText(/paid/).waitFor()
        t.equal(await calendar.locator('.lesson').count(), 1, 'booked once')
        t.equal(await first.getByText(isSanne ? 'Je les staat vast' : 'Your lesson is booked').count(), 1, 'said once')
        await world.settled()
        const told = world.wire.filter(({ event }) => event === 'checkout.session.completed')
        t.ok(told.length >= 2, `Stripe has said it ${told.length} times`)
      })
    },
  )

  t.test('a parent books and pays for a daughter, by whose name the lesson goes', async t => {
    const { url } = await openSandbox(t)
    await withPage(t, browser, async page => {
      await page.goto(url)
      const sanne = studentOf(page, 'Sanne')
      const writes = async (text: string) => {
        await page.getByLabel('Message of Sanne').fill(text)
        await page.keyboard.press('Enter')
      }
      await writes('Ik zoek bijles voor mijn dochter Emma')
      await sanne.getByText('Goed, voor Emma.').waitFor()
      await writes('Les boeken')
      await sanne.getByText('Wanneer wil je je les').waitFor()
      await choicesOf(sanne).first().click()
      await sanne.locator('.preview').waitFor()
      const payment = await openPayment(page, () => sanne.locator('.preview').click())
      await payment.getByText('Sanne').waitFor()
      await payment.getByRole('button', { name: 'iDEAL' }).click()
      await land(payment)
      await sanne.getByText('Je les staat vast').waitFor()
      const [dashboard] = await Promise.all([
        page.context().waitForEvent('page'),
        page.getByRole('button', { name: 'Open the dashboard' }).click(),
      ])
      await dashboard.getByRole('link', { name: 'Lessons' }).click()
      await dashboard.getByRole('link', { name: 'List and search' }).click()
      await dashboard.getByRole('table').getByText('Emma').waitFor()
      t.equal(await dashboard.getByRole('table').getByText('Sanne').count(), 0)
      t.notOk(await scrollsSideways(dashboard))
      t.same(await dashboard.evaluate(LOW_CONTRAST), [])
      await dashboard.close()
    })
  })

  t.test('a lesson is booked with the keyboard alone', async t => {
    const { url } = await openSandbox(t)
    await withPage(t, browser, async page => {
      await page.goto(url)
      const sanne = studentOf(page, 'Sanne')
      await sanne.waitFor()
      const focused = (on = page) => on.evaluate<string>('document.activeElement.innerText ?? ""')
      /** Presses Tab until the right element has the focus; every stop on the way must show its focus. */
      const tabTo = async (text: RegExp, on = page) => {
        for (let stops = 0; stops < 60; stops++) {
          await on.keyboard.press('Tab')
          const outline = await on.evaluate('getComputedStyle(document.activeElement).outlineStyle')
          t.not(outline, 'none', 'the focus is seen')
          if (text.test(await focused(on))) return
        }
        t.fail(`no stop says ${text}`)
      }
      await tabTo(/^Skip to the students/)
      await page.keyboard.press('Enter')
      await tabTo(/^Les boeken/)
      await page.keyboard.press('Enter')
      await choicesOf(sanne).first().waitFor()
      t.equal(await page.evaluate('document.activeElement.id'), 'say-1', 'one can go on writing')
      await page.keyboard.type('Andere tijden')
      await page.keyboard.press('Enter')
      await sanne.getByText('Wanneer wil je je les').nth(1).waitFor()
      t.equal(await page.getByLabel('Message of Sanne').inputValue(), '', 'what was sent is gone')
      // The choices come before the focused field.
      const title = await choicesOf(sanne).first().innerText()
      for (let stops = 0; stops < 40 && (await focused()) !== title; stops++) await page.keyboard.press('Shift+Tab')
      await page.keyboard.press('Enter')
      await sanne.locator('.preview').waitFor()
      await tabTo(/^Pay €50/)
      const payment = await openPayment(page, () => page.keyboard.press('Enter'))
      await tabTo(/^Card/, payment)
      await payment.keyboard.press('Enter')
      await land(payment)
      await sanne.getByText('Je les staat vast').waitFor()
    })
  })

  t.test('whoever hears the page finds the way, and what is typed stays', async t => {
    const { url, world } = await openSandbox(t)
    await withPage(t, browser, async page => {
      await page.goto(url)
      await studentOf(page, 'Sanne').waitFor()
      for (const landmark of ['banner', 'main'] as const) t.equal(await page.getByRole(landmark).count(), 1, landmark)
      for (const region of ['Students', 'The tutor’s view', 'Calendar', 'Payments', 'The wire']) {
        t.equal(await page.getByRole('region', { name: region }).count(), 1, region)
      }
      t.equal(await page.getByRole('heading', { level: 1 }).count(), 1)
      await page.getByLabel('Message of Sanne').fill('half a senten')
      await page.getByText('Attributes').click()
      world.say(1, 'Hoi')
      await page.getByRole('log', { name: 'Chat of Sanne' }).getByText('Waarmee kan ik je helpen?').waitFor()
      t.equal(await page.getByLabel('Message of Sanne').inputValue(), 'half a senten')
      t.equal(await page.locator('details[open]').count(), 1, 'what was opened is open')
      await page.getByRole('table').getByRole('link', { name: 'message_created' }).first().click()
      await page.getByRole('region', { name: 'Request' }).waitFor()
      t.match(page.url(), /\?wire=\d+#wire-entry$/)
      const [dashboard] = await Promise.all([
        page.context().waitForEvent('page'),
        page.getByRole('button', { name: 'Its delivery on the dashboard' }).click(),
      ])
      await dashboard.getByRole('heading', { level: 1, name: 'message_created' }).waitFor()
      await dashboard.close()
    })
  })

  t.test('on a desktop and on a phone, by day and by night', async t => {
    const { url } = await openSandbox(t)
    await withPage(t, browser, async page => {
      await page.goto(url)
      await studentOf(page, 'Sanne').waitFor()
      await picture(page, 'sandbox-start')
      const sanne = studentOf(page, 'Sanne')
      await sanne.getByRole('button', { name: 'Les boeken' }).click()
      await choicesOf(sanne).first().click()
      const payment = await openPayment(page, () => sanne.locator('.preview').click())
      await payment.getByRole('button', { name: 'iDEAL' }).click()
      await land(payment)
      await sanne.getByText('Je les staat vast').waitFor()
      const emma = await addStudent(page, 'Emma', 'Website widget', 'English')
      await emma.getByRole('button', { name: 'Book a lesson' }).click()
      await choicesOf(emma).nth(1).click()
      await emma.locator('.preview').waitFor()
    })
    for (const [screen, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
      for (const colorScheme of ['light', 'dark'] as const) {
        const suffix = colorScheme === 'dark' ? `${screen}-dark` : screen
        await withPage(
          t,
          browser,
          async page => {
            await page.goto(url)
            await studentOf(page, 'Emma').waitFor()
            t.notOk(await scrollsSideways(page), `the page, ${suffix}`)
            t.same(await page.evaluate(LOW_CONTRAST), [], `contrast, ${suffix}`)
            if (suffix !== 'phone-dark') await picture(page, `sandbox-${suffix}`)
            await page.getByRole('table').getByRole('link').first().click()
            await page.getByRole('region', { name: 'Request' }).waitFor()
            t.notOk(await scrollsSideways(page), `the wire, ${suffix}`)
            t.same(await page.evaluate(LOW_CONTRAST), [], `contrast, the wire, ${suffix}`)
            const payment = await openPayment(page, () => studentOf(page, 'Emma').locator('.preview').click())
            await payment.getByRole('button', { name: 'iDEAL' }).waitFor()
            t.notOk(await scrollsSideways(payment), `payment, ${suffix}`)
            t.same(await payment.evaluate(LOW_CONTRAST), [], `contrast, payment, ${suffix}`)
            if (suffix === 'phone') await picture(payment, 'sandbox-payment-phone')
          },
          { viewport, colorScheme },
        )
      }
    }
  })
}

await inChromium("the sandbox's page", tests)

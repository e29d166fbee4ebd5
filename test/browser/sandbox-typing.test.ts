import type { Browser, Route } from 'playwright-core'
import t from 'tap'
import { inChromium, LOW_CONTRAST, withPage } from '../helpers/browser.ts'
import { choicesOf, openSandbox, studentOf } from '../helpers/sandbox-chromium.ts'

/** The sandbox's page changes while somebody types and presses: nothing of that is lost, or the page says so. */

function tests(browser: Browser): void {
  t.test('what is written while the service is down is marked as not received, until it is sent again', async t => {
    const { url } = await openSandbox(t)
    await withPage(
      t,
      browser,
      async page => {
        await page.goto(url)
        await page.getByRole('button', { name: 'Kill the service' }).click()
        await page.getByRole('button', { name: 'Start the service' }).waitFor()
        await page.getByLabel('Message of Sanne').click()
        await page.keyboard.type('Hoi')
        await page.keyboard.press('Enter')
        const chat = page.getByRole('log', { name: 'Chat of Sanne' })
        const missed = chat.getByRole('link', { name: 'Not received by the service: ECONNREFUSED' })
        await missed.waitFor()
        t.same(await page.evaluate(LOW_CONTRAST), [])
        await page.getByRole('button', { name: 'Start the service' }).click()
        await page.getByRole('status').getByText('Running').waitFor()
        t.equal(await missed.count(), 1, 'Chatwoot does not send it again')
        await missed.click()
        await page.getByRole('button', { name: 'Send it again' }).click()
        await chat.getByText('Waarmee kan ik je helpen?').waitFor()
        t.equal(await missed.count(), 0)
      },
      { colorScheme: 'dark' },
    )
  })

  t.test('whoever has gone on to write elsewhere is left there', async t => {
    const { url, world } = await openSandbox(t)
    world.addStudent({ name: 'Emma', channel: 'widget', language: 'en' })
    await withPage(t, browser, async page => {
      const held = Promise.withResolvers<Route>()
      await page.route('**/sandbox/do/example', held.resolve)
      await page.goto(url)
      const emma = studentOf(page, 'Emma')
      await emma.getByRole('button', { name: 'Book a lesson' }).click()
      const route = await held.promise
      const written = page.getByLabel('Message of Sanne')
      await written.click()
      await page.keyboard.type('half a ')
      await route.continue()
      await choicesOf(emma).first().waitFor()
      await page.keyboard.type('sentence')
      t.equal(await written.inputValue(), 'half a sentence')
    })
  })

  t.test('a picture does not take along what is typed', async t => {
    const { url } = await openSandbox(t)
    await withPage(t, browser, async page => {
      await page.goto(url)
      const written = page.getByLabel('Message of Sanne')
      await written.fill('half a sentence')
      const sanne = studentOf(page, 'Sanne')
      await sanne.getByRole('button', { name: 'Send a picture' }).click()
      await sanne.getByText('Picture', { exact: true }).waitFor()
      t.equal(await written.inputValue(), 'half a sentence')
    })
  })

  t.test('what is pressed stays under the pointer until it is released', async t => {
    const { url, world } = await openSandbox(t)
    await withPage(t, browser, async page => {
      await page.goto(url)
      const sanne = studentOf(page, 'Sanne')
      await sanne.getByRole('button', { name: 'Les boeken' }).click()
      await choicesOf(sanne).first().hover()
      await page.mouse.down()
      const refreshed = page.waitForResponse(url)
      world.answer(1, 'Hallo Sanne!\n'.repeat(20), 'phone')
      await (await refreshed).finished()
      await page.evaluate('new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))')
      await page.mouse.up()
      await sanne.getByText('Hallo Sanne!').waitFor()
      await world.settled()
      t.ok(
        world.chatwoot.conversations.get(1)?.messages.some(({ content }) => /^(ma|di|wo|do|vr) /.test(`${content}`)),
        'the time is chosen',
      )
    })
  })

  t.test('with the keyboard alone the service is killed and started, and one goes on from there', async t => {
    const { url } = await openSandbox(t)
    await withPage(t, browser, async page => {
      await page.goto(url)
      const focused = () => page.evaluate<string>('document.activeElement.id')
      await page.getByRole('button', { name: 'Kill the service' }).press('Enter')
      await page.getByRole('button', { name: 'Start the service' }).press('Enter')
      await page.getByRole('status').getByText('Running').waitFor()
      t.equal(await focused(), 'switches')
      await page.keyboard.press('Tab')
      t.match(await page.evaluate('document.activeElement.innerText'), 'works')
    })
  })
}

await inChromium('typing in the sandbox', tests)

import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import t from 'tap'
import { listen } from '../helpers/app.ts'
import { DESKTOP, inChromium, LOW_CONTRAST, PHONE, picture, scrollsSideways, withPage } from '../helpers/browser.ts'
import { startWithLessons } from '../helpers/lessons.ts'
import { OPERATOR_TOKEN } from '../helpers/operator.ts'
import { bought, by, taking } from '../helpers/packages-conformance.ts'

/** The tutor's lessons in a real Chromium: added, moved, cancelled, and a day blocked; also without JavaScript. */

async function signIn(page: Page, url: string): Promise<void> {
  await page.goto(url)
  await page.getByLabel("The operator's token").fill(OPERATOR_TOKEN)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

function tests(browser: Browser): void {
  t.test('a full week, by day and by night', async t => {
    const { app, book, keep, calendar } = await startWithLessons(t)
    await book('order-1', '2026-11-23T15:00:00Z')
    await book('order-2', '2026-11-24T10:00:00Z', { student: 'Zoë', service: 'Natuurkunde' })
    await book('order-3', '2026-11-24T16:00:00Z', { student: 'Emma' })
    await keep('order-4', '2026-11-25T17:00:00Z', { student: 'Sanne', payment: '60.00 EUR, under way' })
    await calendar.block({
      id: 'a-day-off',
      reason: 'Holiday',
      start: Date.parse('2026-11-26T23:00:00Z'),
      end: Date.parse('2026-11-27T23:00:00Z'),
    })
    const url = `http://127.0.0.1:${await listen(app)}/dashboard/lessons`
    for (const colorScheme of ['dark', 'light'] as const) {
      const use = async (page: Page) => {
        await signIn(page, url)
        await page.getByText('Zoë').waitFor()
        await page.getByText('All day').waitFor()
        t.same(await page.evaluate(LOW_CONTRAST), [], colorScheme)
        if (colorScheme === 'light') await picture(page, 'lessons-desktop')
      }
      await withPage(t, browser, use, { viewport: DESKTOP, colorScheme })
    }
  })
  for (const [viewport, colorScheme] of [
    [DESKTOP, 'light'],
    [PHONE, 'dark'],
  ] as const) {
    t.test(`packages, ${viewport.width} pixels wide, ${colorScheme}`, async t => {
      const { app, book, calendar } = await startWithLessons(t)
      const { packages } = calendar
      await packages.buy(bought('42-1f0c9a3e', { payment: '450.00 EUR, transfer, Mrs Jansen-van den Berg' }), 'tutor')
      await packages.take(taking('7-2b1d6a77'))
      await packages.correct({
        key: 'c',
        package: '42-1f0c9a3e',
        minutes: -30,
        note: `By telephone, ${'for half an hour, '.repeat(9)}`,
        ...by('tutor', 2),
      })
      await book('7-2b1d6a77', '2026-11-24T10:00:00Z', { payment: 'package, 42-1f0c9a3e' })
      const url = `http://127.0.0.1:${await listen(app)}/dashboard/lessons`
      const use = async (page: Page) => {
        const looksRight = async () => {
          t.notOk(await scrollsSideways(page))
          t.same(await page.evaluate(LOW_CONTRAST), [])
        }
        await signIn(page, url)
        await page.getByRole('link', { name: 'Packages' }).click()
        await page.getByRole('table', { name: 'Packages, the newest first' }).waitFor()
        t.equal(await page.getByRole('columnheader').count(), 5)
        await page.getByText('8 lessons and 30 minutes of 10 lessons of 60 minutes').waitFor()
        await looksRight()
        await page.getByRole('link', { name: 'Renée' }).click()
        await page.getByRole('table', { name: 'Entries, in order' }).waitFor()
        await page.getByText('By telephone').waitFor()
        await looksRight()
        await page.getByRole('link', { name: '7-2b1d6a77' }).click()
        await page.getByRole('link', { name: 'package, 42-1f0c9a3e' }).click()
        await page.getByRole('heading', { name: 'What was added and taken' }).waitFor()
      }
      await withPage(t, browser, use, { viewport, colorScheme })
    })
  }
  for (const [viewport, javaScriptEnabled] of [
    [DESKTOP, true],
    [PHONE, false],
  ] as const) {
    t.test(`${viewport.width} pixels wide, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async t => {
      const { app } = await startWithLessons(t)
      const url = `http://127.0.0.1:${await listen(app)}/dashboard/lessons`
      const use = async (page: Page) => {
        const looksRight = async () => {
          t.notOk(await scrollsSideways(page))
          t.same(await page.evaluate(LOW_CONTRAST), [])
        }
        await signIn(page, url)
        await page.getByRole('link', { name: 'Add a lesson on 2026-11-25' }).click()
        await page.getByLabel('It begins on').fill('2026-11-25T16:00')
        await page.getByLabel('Student').fill('Zoë')
        await page.getByLabel('Paid how').fill('unpaid')
        await looksRight()
        await page.getByRole('button', { name: 'Add it' }).click()
        await page.getByText('Done: added on Wednesday 25 November at 16:00').waitFor()
        await looksRight()
        await page.getByText('Move…').click()
        await page.getByLabel('It begins on').fill('2026-11-26T17:00')
        await page.getByRole('button', { name: 'Yes, move it' }).click()
        await page.getByText('Done: moved from Wednesday 25 November at 16:00').waitFor()
        await page.getByRole('link', { name: 'Its week' }).click()
        await page.getByRole('link', { name: '1 open' }).click()
        await page.getByText('In all 1 open').waitFor()
        await looksRight()
        await page.getByRole('link', { name: /17:00/ }).click()
        await page.getByText('Mark as paid…').click()
        await page.getByLabel('How').selectOption('By bank transfer')
        await page.getByLabel('Amount').fill('60,00')
        await page.getByLabel('Currency').fill('EUR')
        await page.getByLabel('Who has paid').fill('Mrs Jansen')
        await looksRight()
        if (viewport === PHONE) await picture(page, 'lesson-paid-phone')
        await page.getByRole('button', { name: 'Yes, it is paid' }).click()
        await page.getByText('Done: paid: 60.00 EUR, transfer').waitFor()
        await page.getByText('60.00 EUR, transfer, Mrs Jansen').waitFor()
        await page.getByText('Not paid after all…').click()
        await looksRight()
        await page.getByRole('button', { name: 'Yes, it is not paid' }).click()
        await page.getByText('Done: not paid after all: 60.00 EUR, transfer is taken back').waitFor()
        await page.getByText('Mark as paid…').click()
        await page.getByLabel('How').selectOption('By bank transfer')
        await page.getByLabel('Amount').fill('60,00')
        await page.getByLabel('Currency').fill('EUR')
        await page.getByLabel('Who has paid').fill('Mrs Jansen')
        await page.getByRole('button', { name: 'Yes, it is paid' }).click()
        await page.getByText('60.00 EUR, transfer, Mrs Jansen').waitFor()
        await page.getByText('Cancel…').click()
        await page.getByRole('button', { name: 'Yes, cancel it' }).click()
        await page.getByText('Done: cancelled on Thursday 26 November at 17:00').waitFor()
        await page.getByRole('link', { name: 'Its week' }).click()
        const [download] = await Promise.all([
          page.waitForEvent('download'),
          page.getByRole('link', { name: 'November 2026 as CSV' }).click(),
        ])
        t.equal(download.suggestedFilename(), 'lessons-2026-11.csv')
        t.match(readFileSync(await download.path(), 'utf8'), /17:00,60,Zoë,cancelled,transfer,60\.00,EUR,Mrs Jansen,/)
        await page.getByRole('link', { name: 'Block time on 2026-11-27' }).click()
        await page.getByRole('button', { name: 'Block whole days' }).click()
        await page.getByText('Blocked.', { exact: true }).waitFor()
        await page.getByText('All day').waitFor()
        await looksRight()
        await page.getByRole('button', { name: 'Unblock Friday 27 November 2026' }).click()
        await page.getByText('Unblocked: lessons can be had then.').waitFor()
      }
      await withPage(t, browser, use, { viewport, javaScriptEnabled })
    })
  }
}

await inChromium('the tutor’s lessons on the operator’s page', tests)

import tap from 'tap'
import { startWithLessons } from '../../helpers/lessons.ts'
import { bought, by, taking } from '../../helpers/packages-conformance.ts'
import { STORES } from '../../helpers/stores.ts'

/** The ledger of packages on the operator's page and in the API. */

const chatwoot = { url: 'https://chat.example.com', accountId: '3' }
const correction = { key: 'c', package: '7-a', minutes: -30, note: '<by telephone>', ...by('tutor', 3) }

for (const [name, store] of Object.entries(STORES)) {
  tap.test(`the API lists packages, and shows one: ${name}`, async t => {
    const { calendar, api } = await startWithLessons(t, { store: await store(t), chatwoot })
    t.match(await api('GET', '/packages'), { packages: [], next: null })
    const { packages } = calendar
    await packages.buy(bought('7-a'), 'stripe')
    await packages.take(taking('7-lesson'))
    await packages.correct(correction)
    const cash = { conversation: '', payment: '450.00 EUR, cash, Mrs Jansen', boughtAt: by('tutor', 9).at }
    await packages.buy(bought('8-b', cash), 'tutor')
    const first = await api('GET', '/packages?limit=1')
    t.strictSame(first.packages, [
      {
        id: '8-b',
        student: 'Renée',
        lessonMinutes: 60,
        minutes: 600,
        left: 600,
        payment: '450.00 EUR, cash, Mrs Jansen',
        paymentUrl: null,
        amount: 50_000,
        currency: 'EUR',
        boughtAt: '2026-11-23T10:09:00.000Z',
        conversation: null,
        conversationUrl: null,
      },
    ])
    const second = await api('GET', `/packages?limit=1&cursor=${first.next}`)
    t.match(second, {
      packages: [
        {
          id: '7-a',
          left: 510,
          paymentUrl: 'https://dashboard.stripe.com/payments/pi_7',
          conversationUrl: 'https://chat.example.com/app/accounts/3/conversations/7',
        },
      ],
      next: null,
    })
    const one = await api('GET', '/packages/7-a')
    t.match(one, { id: '7-a', left: 510 })
    t.match(one.entries, [
      { number: 1, at: '2026-11-23T10:00:00.000Z', minutes: 600, why: 'bought', who: 'stripe', lesson: null },
      { number: 2, minutes: -60, left: 540, why: 'lesson', who: 'student', lesson: '7-lesson', note: null },
      { number: 3, minutes: -30, left: 510, why: 'corrected', who: 'tutor', lesson: null, note: '<by telephone>' },
    ])
    t.match(await api('GET', '/packages/7-'), { id: '7-a', entries: { length: 3 } }, 'by the beginning of its id')
    t.match(await api('GET', '/packages/9'), { status: 404, message: 'There is no package 9' })
    await packages.buy(bought('7-b'), 'tutor')
    t.match(await api('GET', '/packages/7-'), {
      status: 409,
      message: '7- fits several packages: 7-a, 7-b. Give more of the id',
    })
    t.match(await api('GET', '/packages?limit=201'), { status: 400, message: /^limit must be/ })
    t.match(await api('GET', '/packages?cursor=7-'), { status: 400, message: /^cursor must be that of another page/ })
  })
}

for (const [name, store] of Object.entries(STORES)) {
  tap.test(`the pages of packages: ${name}`, async t => {
    const { calendar, page, signIn, book } = await startWithLessons(t, { store: await store(t), chatwoot })
    t.match(await page('/dashboard/packages'), { statusCode: 303 }, 'signed out')
    await signIn()
    t.match((await page('/dashboard/lessons')).body, '<a href="/dashboard/packages">Packages</a>')
    t.match((await page('/dashboard/packages')).body, 'There are no packages.')
    const { packages } = calendar
    await packages.buy(bought('7-a', { student: '<Bob>' }), 'stripe')
    await packages.take(taking('7-lesson'))
    await packages.correct(correction)
    await packages.giveBack({ order: '7-lesson', ...by('tutor', 4) })
    await packages.refund({ package: '7-a', minutes: 500, ...by('stripe', 5) })
    await packages.buy(bought('8-b', { conversation: '', student: '', boughtAt: by('tutor', 9).at }), 'tutor')
    await book('7-lesson', '2026-11-24T10:00:00Z', { payment: 'package, 7-a' })

    const first = (await page('/dashboard/packages?limit=1')).body
    t.match(
      first,
      /packages\/8-b">No name<[\s\S]*10 lessons of 10 lessons of 60 minutes[\s\S]*>None<[\s\S]*23 Nov 2026, 11:09/,
    )
    t.match(first, 'href="/dashboard/packages?limit&#61;1&#38;cursor&#61;8-b" rel="next"')
    const second = (await page('/dashboard/packages?limit=1&cursor=8-b')).body
    t.match(second, /packages\/7-a">&#60;Bob&#62;<[\s\S]*1 lesson and 10 minutes of 10 lessons of 60 minutes/)
    t.match(second, 'href="https://dashboard.stripe.com/payments/pi_7"')
    t.match(second, 'href="https://chat.example.com/app/accounts/3/conversations/7"')
    t.notMatch(second, 'rel="next"')

    t.match((await page('/dashboard/packages/8-b')).body, '<dd>No name</dd>')
    await packages.take({ ...taking('7-<gone>'), minutes: 10 })
    const { body } = await page('/dashboard/packages/7-a')
    const inOrder = [
      /Bought<\/td>.*>Stripe<.*>\+600 min<.*>600 left</,
      /Lesson<br><a href="\/dashboard\/lessons\/7-lesson">7-lesson<\/a><\/td>.*>the student<.*>−60 min<.*>540 left</,
      /Corrected<br>&#60;by telephone&#62;<.*>the tutor<.*>−30 min<.*>510 left</,
      /Given back: the lesson was cancelled<br>.*>\+60 min<.*>570 left</,
      /Taken: its money was paid back<.*>Stripe<.*>−500 min<.*>70 left</,
      /Lesson<br>7-&#60;gone&#62; \(not booked\)<\/td>/,
    ]
    t.match(body, new RegExp(inOrder.map(({ source }) => source).join('.*')))
    for (const path of ['/dashboard/lessons/7-lesson', '/dashboard/lessons/list']) {
      t.match((await page(path)).body, '<a href="/dashboard/packages/7-a">package, 7-a</a>')
    }
    Object.assign(calendar, { lessons: undefined })
    t.match(
      (await page('/dashboard/packages/7-a')).body,
      />7-&#60;gone&#62;<\/a>/,
      'lessons elsewhere are not looked for',
    )
    t.match(await page('/dashboard/packages/9'), { statusCode: 404, body: /There is no package 9\./ })
    t.match(await page('/dashboard/packages/'), { statusCode: 404, body: /There is no package/ })
    t.match(await page('/dashboard/packages?cursor=x'), {
      statusCode: 400,
      body: /cursor must be that of another page/,
    })
  })
}

tap.test('a calendar of a host has none, and says so', async t => {
  const names = ['busy', 'hold', 'keep', 'release', 'book', 'has', 'find', 'cancel']
  const backend = Object.fromEntries(names.map(name => [name, async () => null])) as never
  const { api } = await startWithLessons(t, { calendar: { backend } })
  for (const path of ['/packages', '/packages/7-a']) {
    t.match(await api('GET', path), { status: 409, message: 'A calendar of your own has no packages' })
  }
})

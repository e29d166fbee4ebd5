import t from 'tap'
import type { Calendar } from '../../calendar/contract.ts'
import { LESSON_EVENTS } from '../../handlers/lesson-requests.ts'
import { askForPayment, paymentDueHandlers } from '../../handlers/payment-due.ts'
import { begin, pay, settle } from '../../sandbox/payments.ts'
import { goOn } from '../helpers/later.ts'
import { MINUTE, refundEvent } from '../helpers/lesson-story.ts'
import { at, HOUR, LESSON, LINK, open } from '../helpers/unpaid-lesson.ts'

/** A lesson that is booked and not paid: links before it, and the tutor hears if it begins unpaid. */

const EVENT = 'tutorbot.lesson_payment'

t.test('two days before and the day before, as long as it is not paid; then the tutor hears', async t => {
  const { goOn, scheduled, ask, stripe, session, renee } = await open(t)
  t.strictSame(await scheduled(), [LESSON - 48 * HOUR, LESSON - 24 * HOUR, LESSON])
  await ask()
  t.equal((await scheduled()).length, 3, 'again: the same')
  t.strictSame(await goOn(LESSON - 48 * HOUR - 1), [])
  const [first, ...others] = await goOn(LESSON - 48 * HOUR)
  t.equal(LINK.exec(first as string)?.[1], 'donderdag 26 november om 09:55')
  t.strictSame(others, [])
  t.match(session(), {
    metadata: { order_id: '4100042-ab', lesson_start: '2026-11-27T10:00:00+01:00' },
    status: 'open',
  })
  const [second] = await goOn(LESSON - 24 * HOUR)
  t.equal(LINK.exec(second as string)?.[1], 'vrijdag 27 november om 09:55')
  t.equal(session().status, 'expired', 'only one can be paid')
  t.equal(stripe.sessions.size, 2)
  t.strictSame(await goOn(LESSON - 1), [])
  t.notMatch(renee.notes().at(-1), /is not paid/)
  t.strictSame(await goOn(LESSON), [])
  t.equal(
    renee.notes().at(-1),
    'The lesson of Friday 27 November at 10:00 (order 4100042-ab) has begun and is not paid.',
  )
})

t.test('paid by the link: the lesson is paid, and nothing else is asked for', async t => {
  const { goOn, deliver, session, lessons, renee, why } = await open(t)
  await goOn(LESSON - 48 * HOUR)
  await deliver(pay(session()).completed)
  t.match(await lessons(), [{ payment: '60.00 EUR, pi_cs_test_1', start: LESSON, sequence: 1 }])
  t.match(renee.read().at(-1), /^Dank je wel! We hebben je betaling van € 60,00 ontvangen/)
  t.strictSame(await goOn(LESSON - 24 * HOUR), [])
  t.match(why(), /paid/)
  t.strictSame(await goOn(LESSON), [])
  t.notMatch(renee.notes().at(-1), /is not paid/)
})

t.test('a payment that is under way: no second link, and the tutor’s note says so', async t => {
  const { goOn, session, why, stripe, deliver, clock, renee } = await open(t)
  await goOn(LESSON - 48 * HOUR)
  await deliver(begin(session(), clock.now()))
  t.strictSame(await goOn(LESSON - 24 * HOUR), [])
  t.equal(stripe.sessions.size, 1)
  t.equal(why(), undefined)
  await goOn(LESSON)
  t.equal(
    renee.notes().at(-1),
    'The lesson of Friday 27 November at 10:00 (order 4100042-ab) has begun; its payment is under way.',
  )
})

t.test(
  'a debit that fails: the lesson stays booked, nothing is reserved, and the next link comes as planned',
  async t => {
    const { goOn, session, deliver, clock, lessons, renee, stripe } = await open(t)
    await goOn(LESSON - 48 * HOUR)
    const attributes = () => ({ ...renee.conversation.custom_attributes })
    const before = attributes()
    await deliver(begin(session(), clock.now()))
    t.strictSame(renee.read().at(-1), 'Je betaling komt binnen. Zodra die er is, hoor je van ons.')
    t.match(renee.notes().at(-1), /^A payment is under way: 60\.00 EUR, order 4100042-ab\. .* or a voucher\.$/)
    const [failed] = settle(session(), 'failed', clock.now())
    const said = renee.read().length
    await deliver(failed as object)
    await deliver({ ...failed, id: 'evt_again' })
    t.strictSame(renee.read().slice(said), ['Je betaling is helaas niet gelukt. Er is niets afgeschreven.'])
    t.match(renee.notes().at(-1), /^A payment has failed \(order 4100042-ab\).* stays booked, and is not paid\.$/)
    t.match(await lessons(), [{ payment: 'unpaid', start: LESSON, isHeld: undefined }])
    t.strictSame(attributes(), before, 'no reservation')
    t.strictSame(renee.conversation.labels, [])
    t.equal(stripe.sessions.size, 1)
    t.match(await goOn(LESSON - 24 * HOUR), [LINK])
    await deliver(pay(session(2)).completed)
    t.match(await lessons(), [{ payment: '60.00 EUR, pi_cs_test_2' }])
  },
)

t.test('a debit that fails, and its conversation is gone: an alert, and the lesson stays', async t => {
  const { goOn, session, deliver, clock, lessons, chatwoot, log } = await open(t)
  await goOn(LESSON - 48 * HOUR)
  await deliver(begin(session(), clock.now()))
  chatwoot.conversations.delete(4100042)
  await deliver(settle(session(), 'failed', clock.now())[0] as object)
  const alert = log.lines.find(({ problem }) => problem === 'failed_conversation_gone')
  t.match(
    alert?.msg,
    /There is no conversation 4100042 in Chatwoot\. A payment has failed .* stays booked, and is not paid\.$/,
  )
  t.match(await lessons(), [{ payment: 'unpaid' }])
})

t.test('the link is asked for again', async t => {
  const AGAIN = 'stuur de link nog een keer'
  t.test('as long as it can be paid, with where the lesson is', async t => {
    const lessons = [{ minutes: 60, prices: { all: 'price_s60' }, link: 'https://meet.example.com/a' }]
    const { goOn, renee, session, deliver } = await open(t, { tutor: { lessons } })
    const where = /^Je les: vrijdag 27 november .*\nDe les is online: https:\/\/meet\.example\.com\/a/s
    t.match(await renee.says(AGAIN), [where], 'none has been sent: where the lesson is')
    await renee.says('menu')
    const [link] = await goOn(LESSON - 48 * HOUR)
    const again = await renee.says(AGAIN)
    t.strictSame(again, [`${link}\nDe les is online: https://meet.example.com/a`])
    await deliver(pay(session()).completed)
    t.match(await renee.says('betaallink'), [where], 'it is paid')
  })
  t.test('it has been ended', async t => {
    const { goOn, renee, session } = await open(t)
    await goOn(LESSON - 48 * HOUR)
    session().status = 'expired'
    t.match(await renee.says(AGAIN), [/^Een ogenblik/])
  })
  t.test('without a key for Stripe', async t => {
    const { renee } = await open(t, { stripeKey: false })
    t.match(await renee.says(AGAIN), [/^Een ogenblik/])
  })
})

t.test(
  'of several pupils, whose lesson it is: in the link, when it is asked for again, and from a package',
  async t => {
    const { goOn, renee, calendar } = await open(t)
    renee.conversation.custom_attributes = { ...renee.conversation.custom_attributes, pupils: 'Emma, Renée' }
    const [link] = await goOn(LESSON - 48 * HOUR)
    t.match(link, /is nog niet betaald\. .*\nLeerling: Renée\.$/)
    t.strictSame(await renee.says('stuur de betaallink nog een keer'), [link])
    const bought = { id: '4100042-pack', conversation: '4100042', student: 'Renée', payment: '100.00 EUR, pi_9' }
    const sums = { lessonMinutes: 60, minutes: 60, amount: 10_000, currency: 'eur', boughtAt: 0 }
    const { packages } = calendar as Required<Calendar>
    await packages.buy({ ...bought, ...sums }, 'stripe')
    t.match(await goOn(LESSON - 24 * HOUR), [/^Je les: .*\nLeerling: Renée\.\nHij is betaald uit je lespakket/])
  },
)

t.test('moved, cancelled, or told too late: nothing is asked for', async t => {
  t.test('moved: for the new time only', async t => {
    const { goOn, calendar, order, signal, ask, why } = await open(t)
    const to = { start: LESSON + 4 * HOUR, end: LESSON + 5 * HOUR }
    await calendar.move({ order, from: LESSON, to, margin: { before: 0, after: 0 } }, signal)
    await ask()
    t.strictSame(await goOn(LESSON - 48 * HOUR), [])
    t.match(why(), /has been moved/)
    t.match(await goOn(LESSON - 44 * HOUR), [/^Je les op vrijdag 27 november om 14:00 is nog niet betaald/])
  })
  t.test('cancelled', async t => {
    const { goOn, calendar, order, signal, ask, why, renee } = await open(t)
    await calendar.cancel(order, signal)
    await ask()
    t.strictSame(await goOn(LESSON), [])
    t.match(why(), /not booked any more/)
    t.strictSame(renee.notes(), [])
  })
  t.test('the service was away until it had begun', async t => {
    const { goOn, why, renee } = await open(t)
    t.strictSame(await goOn(LESSON + HOUR), [])
    t.match(why(), /has begun/)
    t.match(renee.notes(), [/has begun and is not paid/])
  })
})

t.test('as the tutor has set it: once, never, at once where it is late', async t => {
  const once = await open(t, { tutor: { payment: { linkHours: [100, 96, 2] } } })
  t.strictSame((await once.scheduled()).slice(-2), [LESSON - 2 * HOUR, LESSON])
  t.match(await once.goOn(once.clock.now()), [LINK], 'the last of those that have passed')
})

t.test('no links', async t => {
  const { scheduled } = await open(t, { tutor: { payment: { linkHours: [] } } })
  t.strictSame(await scheduled(), [LESSON])
})

t.test('nobody is woken up', async t => {
  const { scheduled } = await open(t, { tutor: { payment: { linkHours: [12] } } }, { zone: 'Europe/Amsterdam' })
  t.strictSame(await scheduled(), [at('26T21:55'), LESSON])
})

t.test('without a good time there is none', async t => {
  const payment = { linkHours: [2] }
  const there = { zone: 'America/Los_Angeles', askedAt: at('27T07:00') }
  const { scheduled } = await open(t, { tutor: { payment } }, there)
  t.strictSame(await scheduled(), [LESSON], 'it begins at one in the night there')
})

t.test('it can’t be sold: the tutor hears, with why', async t => {
  const { goOn, renee, log } = await open(t, {}, { minutes: 45 })
  t.strictSame(await goOn(LESSON - 48 * HOUR), [])
  t.match(log.lines.at(-1), { event: EVENT, state: 'dead' })
  t.equal(
    renee.notes().at(-1),
    'The lesson of Friday 27 November at 10:00 (order 4100042-ab) is not paid, and no link could be sent: PermanentError: no payment link can be made: no lesson has 45 minutes.',
  )
})

t.test('a person has the conversation: a note', async t => {
  const { renee, goOn } = await open(t)
  Object.assign(renee.conversation, { status: 'open', assignee: 7 })
  t.strictSame(await goOn(LESSON - 48 * HOUR), [])
  t.match(renee.notes().at(-1), /^TutorBot is silent here, and has not told the student: "Je les op vrijdag/)
})

t.test('the conversation is gone; there is none; no Chatwoot; a lesson that is paid', async t => {
  const gone = await open(t)
  gone.chatwoot.conversations.delete(4100042)
  await goOn(gone, LESSON - 48 * HOUR)
  t.match(gone.why(), /conversation is gone/)
  const { context, services, order } = gone
  const { handle, gaveUp } = paymentDueHandlers({ ...services, chatwoot: null })[EVENT] as ReturnType<
    typeof paymentDueHandlers
  >[string]
  const payload = { order, sequence: 1, start: LESSON, hours: 24, at: LESSON - 24 * HOUR }
  const delivery = { key: 'k', payload } as never
  await handle(delivery, { ...context, log: gone.app.log, once: async (_, step) => step(false) as never })
  t.match(gone.why(), /CW_TOKEN is not set/)
  await gaveUp(delivery, { ...context, error: new Error('x') } as never)
  t.pass('nobody can be told')
})

t.test('a host’s calendar that can’t tell lessons', async t => {
  const { services, context, order, scheduled } = await open(t)
  const { lessonOf: _, ...calendar } = services.calendar
  const before = await scheduled()
  await askForPayment({ ...services, calendar }, order, context, 'Europe/Amsterdam')
  t.strictSame(await scheduled(), before)
})

t.test('without a conversation nobody is asked', async t => {
  const { scheduled } = await open(t, {}, { conversation: '' })
  t.strictSame(await scheduled(), [])
})

t.test('a package pays for it, if it has enough left: told once, whatever is cut off', async t => {
  const bought = { id: '4100042-pack', conversation: '4100042', student: 'Renée', payment: '100.00 EUR, pi_9' }
  const sums = { lessonMinutes: 60, amount: 10_000, currency: 'eur', boughtAt: 0 }

  t.test('taken, said, and noted; the last one too', async t => {
    const { goOn, calendar, lessons, renee, stripe } = await open(t)
    const { packages } = calendar as Required<Calendar>
    await packages.buy({ ...bought, ...sums, minutes: 60 }, 'stripe')
    t.strictSame(await goOn(LESSON - 48 * HOUR), [
      'Je les: vrijdag 27 november om 10:00, 60 minuten.\nHij is betaald uit je lespakket.\nJe hebt geen betaalde lessen meer over.',
    ])
    t.match(
      renee.notes().at(-1),
      /^The lesson of Friday 27 November at 10:00 \(order 4100042-ab\) is paid from the package/,
    )
    t.match(await lessons(), [{ payment: 'package, 4100042-pack' }])
    t.strictSame(await goOn(LESSON), [])
    t.equal(stripe.sessions.size, 0)
  })

  t.test('bought after a link was sent: that is ended first; while it is being paid, nothing is taken', async t => {
    for (const isPaying of [false, true]) {
      await t.test(isPaying ? 'being paid' : 'open', async t => {
        const { goOn, calendar, session, deliver, clock } = await open(t)
        await goOn(LESSON - 48 * HOUR)
        const { packages } = calendar as Required<Calendar>
        await packages.buy({ ...bought, ...sums, minutes: 60 }, 'stripe')
        if (isPaying) await deliver(begin(session(), clock.now()))
        await goOn(LESSON - 24 * HOUR)
        t.equal(session().status, isPaying ? 'complete' : 'expired')
        t.match(await packages.of({ conversation: '4100042' }), [{ left: isPaying ? 60 : 0 }])
      })
    }
  })

  t.test(
    'bought after the last link: it pays when the lesson begins, and while that is being paid, nothing',
    async t => {
      for (const isPaying of [false, true]) {
        await t.test(isPaying ? 'being paid' : 'open', async t => {
          const { goOn, calendar, session, deliver, clock, renee, lessons } = await open(t)
          await goOn(LESSON - 24 * HOUR)
          const { packages } = calendar as Required<Calendar>
          await packages.buy({ ...bought, ...sums, minutes: 60 }, 'stripe')
          if (isPaying) await deliver(begin(session(2), clock.now()))
          const said = await goOn(LESSON)
          t.match(await packages.of({ conversation: '4100042' }), [{ left: isPaying ? 60 : 0 }])
          t.match(await lessons(), [{ payment: isPaying ? /under way|unpaid/ : 'package, 4100042-pack' }])
          t.match(said, isPaying ? [] : [/\nHij is betaald uit je lespakket\./])
          t.match(renee.notes().at(-1), isPaying ? /has begun; its payment is under way/ : /is paid from the package/)
        })
      }
    },
  )

  t.test('Stripe is paid for it all the same: told as a second payment, and its refund cancels nothing', async t => {
    const { goOn, calendar, session, deliver, lessons, renee } = await open(t)
    const { packages } = calendar as Required<Calendar>
    await goOn(LESSON - 48 * HOUR)
    await packages.buy({ ...bought, ...sums, minutes: 60 }, 'stripe')
    await goOn(LESSON - 24 * HOUR)
    await deliver(pay(session()).completed)
    t.equal(renee.read().at(-1), 'Dank je wel! We hebben je betaling van € 60,00 ontvangen.')
    t.equal(
      renee.notes().at(-1),
      'Order 4100042-ab was paid a second time: 60.00 EUR by pi_cs_test_1; its lesson is paid from the package of order 4100042-pack. Please refund pi_cs_test_1 in Stripe.',
    )
    await deliver(refundEvent('evt_back', { paymentIntent: 'pi_cs_test_1' }))
    t.equal(renee.read().at(-1), 'Je betaling van € 60,00 is terugbetaald.')
    t.match(await lessons(), [{ payment: 'package, 4100042-pack', cancelledAt: undefined }])
  })

  t.test('too little is left when it begins: the link stays, and the tutor hears', async t => {
    const { goOn, calendar, session, renee } = await open(t, {}, { askedAt: LESSON - 10 * MINUTE })
    await goOn(LESSON - 10 * MINUTE)
    const { packages } = calendar as Required<Calendar>
    await packages.buy({ ...bought, ...sums, minutes: 30 }, 'stripe')
    await goOn(LESSON)
    t.equal(session().status, 'open')
    t.match(renee.notes().at(-1), /has begun and is not paid/)
  })

  t.test('Chatwoot fails when it is told that it was paid as it began: told once, and taken once', async t => {
    const { goOn, calendar, breaks, renee } = await open(t, { tutor: { payment: { linkHours: [] } } })
    const { packages } = calendar as Required<Calendar>
    await packages.buy({ ...bought, ...sums, minutes: 60 }, 'stripe')
    breaks(/POST .*messages/, 'hang')
    await goOn(LESSON)
    await goOn(LESSON + HOUR)
    t.match(renee.read().slice(1), [/\nHij is betaald uit je lespakket\./])
    t.equal(renee.read().length, 2)
    t.match(renee.notes(), [/is paid from the package/])
    t.match(await packages.of({ conversation: '4100042' }), [{ left: 0 }])
  })

  t.test('too little is left: a link', async t => {
    const { goOn, calendar } = await open(t)
    const { packages } = calendar as Required<Calendar>
    await packages.buy({ ...bought, ...sums, minutes: 30 }, 'stripe')
    t.match(await goOn(LESSON - 48 * HOUR), [LINK])
    t.match(await packages.of({ conversation: '4100042' }), [{ left: 30 }])
  })

  t.test('a calendar without a ledger: a link', async t => {
    const { goOn, calendar, renee } = await open(t)
    Object.assign(calendar, { packages: undefined })
    t.match(await goOn(LESSON - 48 * HOUR), [LINK])
    await goOn(LESSON)
    t.match(renee.notes().at(-1), /has begun and is not paid/)
  })

  t.test('paid otherwise at the same moment: the minutes go back', async t => {
    const { goOn, calendar } = await open(t)
    const { packages, setPayment } = calendar as Required<Calendar>
    await packages.buy({ ...bought, ...sums, minutes: 120 }, 'stripe')
    calendar.setPayment = async (change, signal) => {
      await setPayment.call(calendar, { ...change, to: '60.00 EUR, cash' }, signal)
      return setPayment.call(calendar, change, signal)
    }
    await goOn(LESSON - 48 * HOUR)
    t.match(await packages.of({ conversation: '4100042' }), [{ left: 120 }])
  })

  t.test('Chatwoot fails while it is told: it is told once', async t => {
    const { goOn, calendar, breaks, renee } = await open(t)
    const { packages } = calendar as Required<Calendar>
    await packages.buy({ ...bought, ...sums, minutes: 120 }, 'stripe')
    const { length } = renee.read()
    breaks(/POST .*messages/, 'hang')
    await goOn(LESSON - 48 * HOUR)
    await goOn(LESSON - 47 * HOUR)
    t.strictSame(renee.read().slice(length), [
      'Je les: vrijdag 27 november om 10:00, 60 minuten.\nHij is betaald uit je lespakket.\nJe hebt nog 1 les van 60 minuten over.',
    ])
    t.match(await packages.of({ conversation: '4100042' }), [{ left: 60 }])
  })
})

t.test('the tutor marks it as paid: its link is ended first', async t => {
  const { goOn, session, services, app, order, lessons, renee } = await open(t)
  await goOn(LESSON - 48 * HOUR)
  const payload = { order, conversation: '4100042', how: 'cash', amount: 6000, currency: 'eur', payer: '' }
  const { inbox } = app.webhooks
  const orderingKey = 'conversation:1:4100042'
  await inbox.schedule({ key: 'pay', event: LESSON_EVENTS.pay, orderingKey, payload, at: services.now() })
  await goOn(services.now())
  t.match(await lessons(), [{ payment: '60.00 EUR, cash' }])
  t.equal(session().status, 'expired')
  t.match(renee.read().at(-1), /^Dank je wel!/)
})

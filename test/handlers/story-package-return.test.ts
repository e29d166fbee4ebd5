import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { PermanentError } from '../../inbox/errors.ts'
import { pay } from '../../sandbox/payments.ts'
import type { Session } from '../../sandbox/stripe-api.ts'
import type { TutorSettings } from '../../tutor/settings.ts'
import type { TutorOptions } from '../helpers/tutor.ts'
import { started } from '../helpers/tutor-changes.ts'

/** A lesson that was paid from a package is cancelled: its minutes go back, once. */

const SETTINGS: TutorSettings = {
  lessons: [{ minutes: 60, packages: [{ lessons: 10, prices: { all: 'price_ten' } }] }],
}

/** A student with a package and a lesson from it, on Thursday. */
async function fromPackage(test: Test, tutor: TutorSettings = {}, more: TutorOptions = {}) {
  const world = await started(test, { tutor: { ...SETTINGS, ...tutor }, ...more })
  world.stripe.addPrice('price_ten', 50_000)
  const renee = world.student('widget')
  await renee.says('Hoi')
  await renee.says('lespakket')
  await world.deliver(pay([...world.stripe.sessions.values()][0] as Session).completed)
  await renee.says('Les boeken')
  await renee.says('donderdag 17:00')
  const { packages } = world.app.webhooks.calendar
  const [lesson] = (await world.lessons()) ?? []
  const left = async () => (await packages?.list(1))?.[0]?.left
  return { ...world, renee, order: String(lesson?.order), left, packages }
}

t.test('by the student’s choice, whatever the rule about money is', async t => {
  const { renee, left, stripe, lessons } = await fromPackage(t, { cancellation: { refund: 'none' } })
  t.match(await renee.says('Ik wil mijn les annuleren'), [
    /^Wil je je les van donderdag 26 november om 17:00 annuleren\?\nHij gaat terug in je lespakket\./,
  ])
  t.equal(await left(), 540)
  t.strictSame(await renee.chooses('Annuleer do 26 nov 17:00'), [
    'Je les op donderdag 26 november om 17:00 gaat niet door.\nHij staat weer in je lespakket.\nJe hebt nog 10 lessen van 60 minuten over.',
  ])
  t.equal(await left(), 600)
  t.equal(stripe.refunds.length, 0)
  t.strictSame(await lessons(), [])
  t.match(renee.notes().at(-1), /order 4100042-\w+, package, 4100042-\w+\. 60 minutes are back in the package\.$/)
})

t.test('outside the rule a person decides, and nothing goes back by itself', async t => {
  const { renee, left } = await fromPackage(t, { cancellation: { untilHours: 120 } })
  t.match(await renee.says('Ik wil mijn les annuleren'), [/^Een ogenblik: iemand van ons/])
  t.equal(await left(), 540)
})

t.test('by the tutor, with its minutes or without', async t => {
  const { renee, left, cancel, order } = await fromPackage(t)
  t.match(await cancel(order, true), { state: 'done', why: /; 60 minutes are back in its package$/ })
  t.equal(
    renee.read().at(-1),
    'Je les op donderdag 26 november om 17:00 gaat niet door.\nHij staat weer in je lespakket.',
  )
  t.match(renee.notes().at(-1), /, 60 minutes back in its package$/)
  t.equal(await left(), 600)

  await renee.says('Les boeken')
  await renee.says('donderdag 17:00')
  const again = await fromPackageOrder(renee)
  t.match(await cancel(again, false), { state: 'done', why: /^cancelled on [^;]+$/ })
  t.equal(await left(), 540)
})

const fromPackageOrder = async (renee: Awaited<ReturnType<typeof fromPackage>>['renee']) =>
  String(renee.conversation.custom_attributes?.order_id)

t.test('a message that is given up between its minutes and its lesson gives them back', async t => {
  const { renee, left, app } = await fromPackage(t)
  await renee.says('Les boeken')
  const refused = new PermanentError('the calendar refuses it')
  const books = mock.method(app.webhooks.calendar, 'book', async () => Promise.reject(refused))
  await renee.says('vrijdag 12:00')
  books.mock.restore()
  t.equal(await left(), 540)
  t.match(renee.notes().at(-1), /the calendar refuses it/)
})

t.test('a message that is given up after its lesson is booked leaves lesson and minutes as they are', async t => {
  const { renee, left, lessons, packages } = await fromPackage(t)
  await renee.says('Les boeken')
  const { of } = packages as NonNullable<typeof packages>
  let asked = 0
  const reads = mock.method(packages as NonNullable<typeof packages>, 'of', async (...args: Parameters<typeof of>) => {
    if (asked++ > 0) throw new PermanentError('the ledger can’t be read')
    return of.apply(packages, args)
  })
  await renee.says('vrijdag 12:00')
  reads.mock.restore()
  t.match(renee.notes().at(-1), /the ledger can’t be read/)
  t.equal((await lessons())?.length, 2)
  t.equal(await left(), 480)
})

const REFUNDED = 'Je lespakket is terugbetaald: er gaat niets in terug.'

t.test('of a package that has been paid back nothing goes back, and that is what is said', async t => {
  const { renee, left, packages, cancel } = await fromPackage(t)
  await renee.says('Les boeken')
  await renee.says('vrijdag 12:00')
  const other = await fromPackageOrder(renee)
  const [pack] = (await packages?.list(1)) ?? []
  await packages?.refund({ package: String(pack?.id), minutes: 600, who: 'stripe', at: 0 })
  t.match(await cancel(other, true), { state: 'done', why: /; 0 minutes are back in its package$/ })
  t.equal(renee.read().at(-1), `Je les op vrijdag 27 november om 12:00 gaat niet door.\n${REFUNDED}`)
  t.match(await renee.says('Ik wil mijn les annuleren'), [
    `Wil je je les van donderdag 26 november om 17:00 annuleren?\nHij is betaald uit je lespakket.\n${REFUNDED}`,
  ])
  t.strictSame(await renee.chooses('Annuleer do 26 nov 17:00'), [
    `Je les op donderdag 26 november om 17:00 gaat niet door.\n${REFUNDED}\nJe hebt geen betaalde lessen meer over.`,
  ])
  t.equal(await left(), 0)
  t.match(renee.notes().at(-1), / 0 minutes are back in the package\.$/)
})

t.test('of a package that has been paid back in part, what is left of it goes back', async t => {
  const { renee, left, packages } = await fromPackage(t)
  const [pack] = (await packages?.list(1)) ?? []
  await packages?.refund({ package: String(pack?.id), minutes: 570, who: 'stripe', at: 0 })
  t.match(await renee.says('Ik wil mijn les annuleren'), [/\nHij gaat terug in je lespakket\./])
  await renee.chooses('Annuleer do 26 nov 17:00')
  t.match(renee.notes().at(-1), / 30 minutes are back in the package\.$/)
  t.equal(await left(), 30)
})

t.test('a lesson that is not in the ledger: a person decides', async t => {
  const { renee, packages, order, cancel, lessons } = await fromPackage(t)
  const taken = mock.method(packages as NonNullable<typeof packages>, 'takenFor', async () => null)
  t.match(await renee.says('Ik wil mijn les annuleren'), [/Of je dat terugkrijgt, beslist iemand van ons/])
  taken.mock.restore()
  const none = mock.method(packages as NonNullable<typeof packages>, 'giveBack', async () => null)
  t.match(await cancel(order, true), { state: 'done', why: /not paid back: The ledger has no entry of this lesson/ })
  none.mock.restore()
  t.strictSame(await lessons(), [])
})

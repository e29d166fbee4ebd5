import t from 'tap'
import { knownPrices } from '../../../operator/lessons/desk.ts'
import { openSummary, openWords, readerFor } from '../../../operator/lessons/open.ts'

/** What is open, without a store. */

const HOUR = 3_600_000
const lesson = (hours = 1) => ({ start: 0, end: hours * HOUR })
const desk = (lessons: object[], prices: [number, object][] = []) => ({
  calendar: { unpaid: async (limit: number) => lessons.slice(0, limit) } as never,
  prices: new Map(prices) as never,
})

t.test('how many, and what they cost', async t => {
  const prices: [number, object][] = [
    [60, { amount: 6000, currency: 'eur' }],
    [120, { amount: 5000, currency: 'JPY' }],
  ]
  const words = async (lessons: object[]) => openWords((await openSummary(desk(lessons, prices))) as never)
  t.equal(await words([]), '0 open')
  t.equal(await words([lesson(), lesson()]), '2 open: 120.00 EUR')
  t.equal(await words([lesson(), lesson(2), lesson(3)]), '3 open: 60.00 EUR + 5000 JPY, and 1 whose price is not known')
  t.equal(await words([lesson(3)]), '1 open: 1 whose price is not known')
  t.equal(await words(Array(1_001).fill(lesson())), '1000 or more open: 60000.00 EUR')
  t.equal(await openSummary({ calendar: {} as never, prices: new Map() }), null)
})

t.test('a price is known if the settings have it, and it is the same for everybody', async t => {
  const money = { amount: 6000, currency: 'eur' }
  const price = (amount?: number) => ({ id: 'x', from: 'x', ...(amount && { money: { ...money, amount } }) })
  const lessons = [
    { minutes: 45, prices: { new: price(6000), existing: price(6000) } },
    { minutes: 60, prices: { new: price(6000), existing: price(5000) } },
    { minutes: 75, prices: { new: price(6000), existing: price() } },
    { minutes: 90, prices: { new: price() } },
    { minutes: 120, prices: {} },
  ]
  t.same(knownPrices({ lessons: lessons as never }), new Map([[45, money]]))
})

t.test('a calendar that can’t tell', async t => {
  await t.rejects(readerFor({ calendar: {} as never }, { from: 0, to: 1, open: true }), {
    message: 'This calendar can’t list what is open',
  })
})

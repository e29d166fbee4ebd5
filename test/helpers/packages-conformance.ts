import type { Test } from 'tap'
import type { By, NewPackage, Packages } from '../../calendar/packages.ts'

const AT = Date.parse('2026-11-23T10:00:00Z')
const MINUTE = 60_000

export interface PackagesUnderTest {
  packages: Packages
  /** A second instance on the same ledger: beside the first, or, where there is only one, instead of it. */
  again(): Promise<Packages>
}

/** Ten lessons of an hour. */
export function bought(id: string, parts: Partial<NewPackage> = {}): NewPackage {
  return {
    id,
    conversation: '7',
    student: 'Renée',
    lessonMinutes: 60,
    minutes: 600,
    payment: `500.00 EUR, pi_${id}`,
    amount: 50_000,
    currency: 'EUR',
    boughtAt: AT,
    ...parts,
  }
}

export const by = (who: By['who'], minute = 0): By => ({ who, at: AT + minute * MINUTE })
export const taking = (order: string, minutes = 60, whose = { conversation: '7' }) => ({
  whose,
  order,
  minutes,
  ...by('student', 1),
})

/** Conformance tests of the ledger of packages. */
export async function packagesConformance(t: Test, open: (t: Test) => Promise<PackagesUnderTest>): Promise<void> {
  const left = async (packages: Packages, id: string) => (await packages.find(id))?.left
  const summaryOf = async (packages: Packages, id: string) =>
    (await packages.entries(id)).map(({ number, why, minutes, left }) => `${number} ${why} ${minutes} ${left}`)

  await t.test('found by the beginning of its id', async t => {
    const { packages } = await open(t)
    for (const id of ['7-b', '7-aa', '7-ab', '71-a']) await packages.buy(bought(id), 'stripe')
    t.strictSame(await packages.idsBeginningWith('7-', 10), ['7-aa', '7-ab', '7-b'])
    t.strictSame(await packages.idsBeginningWith('7-', 2), ['7-aa', '7-ab'])
    t.strictSame(await packages.idsBeginningWith('7%', 2), [])
    t.strictSame(await packages.idsBeginningWith('_', 2), [])
  })

  await t.test('buy: once, whoever says it again', async t => {
    const { packages, again } = await open(t)
    t.equal(await packages.find('a'), null)
    t.same(await packages.entries('a'), [])
    const first = await packages.buy(bought('a', { contact: '42' }), 'stripe')
    t.strictSame(first, { ...bought('a', { contact: '42' }), left: 600, refundDue: 0 })
    await packages.take(taking('x'))
    const second = await again()
    t.match(await second.buy(bought('a', { minutes: 60, student: 'Sam' }), 'tutor'), { left: 540, student: 'Renée' })
    t.strictSame(await second.entries('a'), [
      {
        key: 'bought:a',
        package: 'a',
        number: 1,
        minutes: 600,
        why: 'bought',
        ...by('stripe'),
        order: null,
        note: null,
        left: 600,
      },
      {
        key: 'lesson:x',
        package: 'a',
        number: 2,
        minutes: -60,
        why: 'lesson',
        ...by('student', 1),
        order: 'x',
        note: null,
        left: 540,
      },
    ])
  })

  await t.test('take: from the oldest with enough left, once per order', async t => {
    const { packages, again } = await open(t)
    await packages.buy(bought('new', { boughtAt: AT + 2 }), 'stripe')
    await packages.buy(bought('old', { minutes: 90 }), 'stripe')
    t.match(await packages.take(taking('x')), { package: 'old', left: 30 })
    t.match(await packages.take(taking('x')), { package: 'old', left: 30, number: 2 }, 'again')
    t.match(await packages.take(taking('y')), { package: 'new', left: 540 }, 'too little is left of the oldest')
    t.match(await packages.take(taking('z', 30)), { package: 'old', left: 0 })
    t.equal(await packages.take(taking('w', 541)), null)
    const second = await again()
    t.match(await second.take(taking('x')), { package: 'old', left: 30 }, 'as it was then')
    t.match(await second.takenFor('y'), { package: 'new', order: 'y' })
    t.equal(await second.takenFor('w'), null)
  })

  await t.test('whose: the conversation’s, and the contact’s where it is given', async t => {
    const { packages } = await open(t)
    await packages.buy(bought('a', { contact: '42' }), 'stripe')
    await packages.buy(bought('b', { conversation: '8', contact: '42', boughtAt: AT - 1 }), 'stripe')
    await packages.buy(bought('c', { conversation: '' }), 'tutor')
    const ids = async (whose: { conversation: string; contact?: string }) =>
      (await packages.of(whose)).map(({ id }) => id)
    t.same(await ids({ conversation: '7' }), ['a'])
    t.same(await ids({ conversation: '7', contact: '42' }), ['b', 'a'], 'oldest first')
    t.same(await ids({ conversation: '9', contact: '42' }), ['b', 'a'])
    t.same(await ids({ conversation: '9' }), [])
    t.same(await ids({ conversation: '' }), [], 'what has no conversation is nobody’s')
    t.equal(await packages.take(taking('x', 60, { conversation: '9' })), null)
    const whose = { conversation: '9', contact: '42' }
    t.match(await packages.take(taking('x', 60, whose)), { package: 'b' })
  })

  await t.test('many at once never take it below zero, nor one order’s lesson twice', async t => {
    const { packages, again } = await open(t)
    await packages.buy(bought('a', { minutes: 300 }), 'stripe')
    const instances = [packages, await again()]
    const orders = Array.from({ length: 10 }, (_, index) => `x${index}`)
    const taken = await Promise.all(orders.flatMap(order => instances.map(instance => instance.take(taking(order)))))
    const orderOf = new Set(taken.flatMap(entry => entry?.order ?? []))
    t.equal(orderOf.size, 5)
    t.equal(await left(instances[1] as Packages, 'a'), 0)
    const entries = await (instances[1] as Packages).entries('a')
    t.same(
      entries.map(entry => entry.left),
      [300, 240, 180, 120, 60, 0],
    )
    t.same(
      entries.map(({ number }) => number),
      [1, 2, 3, 4, 5, 6],
    )
  })

  await t.test('giveBack: once, and such an order takes no more', async t => {
    const { packages, again } = await open(t)
    await packages.buy(bought('a'), 'stripe')
    t.equal(await packages.giveBack({ order: 'x', ...by('student') }), null, 'it took nothing')
    await packages.take(taking('x'))
    t.match(await packages.giveBack({ order: 'x', ...by('tutor', 2) }), {
      key: 'returned:x',
      minutes: 60,
      who: 'tutor',
      left: 600,
    })
    const second = await again()
    t.match(await second.giveBack({ order: 'x', ...by('student', 3) }), { who: 'tutor', left: 600 }, 'again')
    t.equal(await second.take(taking('x')), null)
    t.same(await summaryOf(second, 'a'), ['1 bought 600 600', '2 lesson -60 540', '3 returned 60 600'])
  })

  await t.test('refund: what is left; what is used, once it is given back', async t => {
    const { packages, again } = await open(t)
    await packages.buy(bought('a', { minutes: 180 }), 'stripe')
    for (const order of ['x', 'y']) await packages.take(taking(order))
    t.match(await packages.refund({ package: 'a', minutes: 180, ...by('stripe') }), { left: 0 })
    t.match(await packages.refund({ package: 'a', minutes: 180, ...by('stripe') }), { left: 0 }, 'again')
    const second = await again()
    t.match(await second.of({ conversation: '7' }), [{ refundDue: 120 }])
    t.match(await second.giveBack({ order: 'x', ...by('student') }), { left: 60 })
    t.match(await second.find('a'), { left: 0, refundDue: 60 })
    await second.correct({ key: 'c', package: 'a', minutes: 90, note: 'a gift', ...by('tutor') })
    t.match(await second.refund({ package: 'a', minutes: 180, ...by('stripe') }), { left: 30 }, 'what is still due')
    t.match(await second.refund({ package: 'a', minutes: 60, ...by('stripe') }), { left: 30 }, 'a part comes late')
    t.equal(await second.refund({ package: 'b', minutes: 60, ...by('stripe') }), null)
    t.same(await summaryOf(second, 'a'), [
      '1 bought 180 180',
      '2 lesson -60 120',
      '3 lesson -60 60',
      '4 refunded -60 0',
      '5 returned 60 60',
      '6 refunded -60 0',
      '7 corrected 90 90',
      '8 refunded -60 30',
    ])
  })

  await t.test('correct: never below zero, once by its key', async t => {
    const { packages, again } = await open(t)
    await packages.buy(bought('a', { minutes: 60 }), 'tutor')
    const correction = { key: 'c', package: 'a', minutes: 30, note: 'ill', ...by('tutor') }
    t.match(await packages.correct(correction), {
      kind: 'corrected',
      entry: { left: 90, note: 'ill', why: 'corrected' },
    })
    t.match(await (await again()).correct(correction), { kind: 'corrected', entry: { left: 90, number: 2 } })
    t.strictSame(await packages.correct({ ...correction, key: 'd', minutes: -91 }), { kind: 'short', left: 90 })
    t.match(await packages.correct({ ...correction, key: 'd', minutes: -90 }), { entry: { left: 0 } })
    t.strictSame(await packages.correct({ ...correction, key: 'e', package: 'b' }), { kind: 'unknown' })
  })

  await t.test('list: newest first, in pages', async t => {
    const { packages } = await open(t)
    for (const [index, id] of ['a', 'b', 'c', 'd'].entries()) {
      await packages.buy(bought(id, { boughtAt: AT + Math.floor(index / 2) }), 'stripe')
    }
    const first = await packages.list(3)
    t.same(
      first.map(({ id }) => id),
      ['d', 'c', 'b'],
    )
    t.match(await packages.list(3, first[2]), [{ id: 'a' }])
    t.same(await packages.list(3, (await packages.list(4))[3]), [])
  })

  await t.test('erase: names and notes go; minutes and sums stay', async t => {
    const { packages } = await open(t)
    await packages.buy(bought('a', { payment: '500.00 EUR, cash, Mrs, Jansen' }), 'tutor')
    await packages.buy(bought('b'), 'stripe')
    await packages.buy(bought('c', { conversation: '8' }), 'stripe')
    await packages.correct({ key: 'c', package: 'a', minutes: -60, note: 'Renée was ill', ...by('tutor') })
    t.equal(await packages.erase(['7', '9']), 2)
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map(id => packages.find(id)))
    t.match(a, { student: 'erased', payment: '500.00 EUR, cash', left: 540, amount: 50_000 })
    t.match(b, { student: 'erased', payment: '500.00 EUR, pi_b' })
    t.match(c, { student: 'Renée' })
    t.match(await packages.entries('a'), [{ note: null }, { note: null, minutes: -60 }])
    t.equal(await packages.erase(['7']), 0)
  })

  await t.test('what makes no sense is named', async t => {
    const { packages } = await open(t)
    const refused = (made: Promise<unknown>, message: RegExp) => t.rejects(made, { name: 'PermanentError', message })
    await refused(packages.buy(bought('a', { minutes: 0 }), 'tutor'), /its minutes can't be 0/)
    await refused(packages.buy(bought('a', { lessonMinutes: 0.5 }), 'tutor'), /its lessonMinutes can't be 0.5/)
    await refused(packages.buy(bought('a', { amount: -1 }), 'tutor'), /amount can't be -1/)
    await refused(packages.buy(bought('a', { boughtAt: NaN }), 'tutor'), /boughtAt must be Unix ms, not NaN/)
    await refused(packages.buy(bought(''), 'tutor'), /needs the order that bought it/)
    await refused(packages.take(taking('x', -60)), /them can't be -60/)
    await refused(packages.refund({ package: 'a', minutes: 1.5, ...by('stripe') }), /them can't be 1.5/)
    const correction = { key: 'c', package: 'a', note: '', ...by('tutor') }
    await refused(packages.correct({ ...correction, minutes: 0 }), /more or less than 0, not 0/)
    t.same(await packages.list(10), [])
  })
}

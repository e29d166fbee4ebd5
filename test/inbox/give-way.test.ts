import tap from 'tap'
import { GiveWay } from '../../inbox/give-way.ts'

/** Handlers here have taken long. */
function slow(): GiveWay {
  const giveWay = new GiveWay()
  for (let n = 0; n < 100; n++) giveWay.handled(50)
  return giveWay
}

tap.test('while nothing comes in, handlers begin at once', async t => {
  t.equal(slow().enter(), true)
})

tap.test('while deliveries come in, handlers that take long wait, those that do not begin at once', async t => {
  const [giveWay, quick] = [slow(), new GiveWay()]
  for (const each of [giveWay, quick]) each.acceptingBegins()
  t.equal(quick.enter(), true)
  const waits = giveWay.enter()
  t.not(waits, true)
  giveWay.acceptingEnds()
  t.equal(await waits, true, 'until no more come in')
  t.equal(giveWay.enter(), true)
})

tap.test('they begin in order, a few at a time: what comes in between is before the rest', async t => {
  const giveWay = slow()
  giveWay.acceptingBegins()
  const begun: number[] = []
  const all = Array.from({ length: 6 }, async (_, n) => {
    const isTurn = await giveWay.enter()
    begun.push(n)
    // Begun by the first: the others of its turn are begun with it, the rest is not.
    if (n === 0) giveWay.acceptingBegins()
    return isTurn
  })
  giveWay.acceptingEnds()
  await Promise.all(all.slice(0, 4))
  t.same(begun, [0, 1, 2, 3])
  giveWay.acceptingEnds()
  t.same(await Promise.all(all), [true, true, true, true, true, true])
  t.same(begun, [0, 1, 2, 3, 4, 5])
})

tap.test('they do not wait for ever for deliveries that keep coming', async t => {
  const giveWay = slow()
  giveWay.acceptingBegins()
  t.equal(await giveWay.enter(), true)
})

tap.test('after the process was frozen, none begins before what else was due: a claim may have lapsed', async t => {
  const giveWay = slow()
  giveWay.acceptingBegins()
  const waits = giveWay.enter()
  let lapsed = false
  setTimeout(() => {
    lapsed = true
  }, 20)
  for (const until = performance.now() + 600; performance.now() < until; );
  await waits
  t.ok(lapsed)
})

tap.test('closed, none begins any more', async t => {
  const giveWay = slow()
  giveWay.acceptingBegins()
  const waits = giveWay.enter()
  giveWay.close()
  t.equal(await waits, false)
  t.equal(await giveWay.enter(), false)
})

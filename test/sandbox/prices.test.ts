import { join } from 'node:path'
import t from 'tap'
import { readEnv } from '../../environment.ts'
import { makePrices } from '../../sandbox/prices.ts'
import { exampleText } from '../helpers/tutor-page.ts'

/** What lessons cost in the sandbox. */

async function made(env: Record<string, string>) {
  const made: unknown[] = []
  const variables = makePrices(await readEnv({ env }), { addPrice: (...price) => void made.push(price) })
  return { variables, made }
}

t.test('without settings each variable has a price', async t => {
  const { variables, made: prices } = await made({})
  t.strictSame(variables, {
    STANDARD_PRICE_ID_60: 'price_standard_price_id_60',
    STANDARD_PRICE_ID_90: 'price_standard_price_id_90',
    WEEKEND_PRICE_ID_60: 'price_weekend_price_id_60',
    WEEKEND_PRICE_ID_90: 'price_weekend_price_id_90',
  })
  t.strictSame(prices[0], ['price_standard_price_id_60', 5_000])
})

t.test('the prices of the settings are there, with what they are expected to be', async t => {
  const folder = t.testdir({
    'antwerp.json': exampleText,
    'other.json': JSON.stringify({
      lessons: [{ minutes: 60 }, { minutes: 45, prices: { new: { id: 'price_45', amount: 4000, currency: 'USD' } } }],
    }),
  })
  t.strictSame(await made({ TUTOR_FILE: join(folder, 'antwerp.json') }), {
    variables: {},
    made: [
      ['price_antwerp_45', 4500, 'eur'],
      ['price_antwerp_90', 5000, 'eur'],
      ['price_antwerp_45_existing', 5000, 'eur'],
    ],
  })
  const other = await made({ TUTOR_FILE: join(folder, 'other.json') })
  t.strictSame(Object.keys(other.variables), ['STANDARD_PRICE_ID_60', 'WEEKEND_PRICE_ID_60'])
  t.strictSame(other.made[1], ['price_45', 4000, 'usd'])
})

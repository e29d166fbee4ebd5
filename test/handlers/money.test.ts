import t from 'tap'
import { formatAmount, majorUnits, moneyIn } from '../../handlers/money.ts'

t.test('amounts in each kind of currency', async t => {
  const cases: [number, string, string][] = [
    [6000, 'eur', '60.00'],
    [5, 'EUR', '0.05'],
    [0, 'eur', '0.00'],
    [6000, 'jpy', '6000'],
    [0, 'jpy', '0'],
    [12500, 'kwd', '12.500'],
    [5, 'KWD', '0.005'],
    [6000, 'isk', '60.00'],
    [99_999_999_999, 'usd', '999999999.99'],
  ]
  for (const [minor, currency, major] of cases) t.equal(majorUnits(minor, currency), major, `${minor} ${currency}`)
})

t.test('an amount with its currency', async t => {
  t.equal(formatAmount(6000, 'eur'), '60.00 EUR')
  t.equal(formatAmount(6000, 'jpy'), '6000 JPY')
})

t.test('money as each language writes it', async t => {
  const euros = { amount: 123456, currency: 'eur' }
  t.equal(moneyIn('nl', euros), '€ 1.234,56')
  t.equal(moneyIn('en', euros), '€1,234.56')
  t.equal(moneyIn('de', euros), '1.234,56 €')
  t.equal(moneyIn('nl', { amount: 6000, currency: 'EUR' }), '€ 60,00')
  t.equal(moneyIn('en', { amount: 6000, currency: 'jpy' }), '¥6,000')
  t.equal(moneyIn('en', { amount: 12500, currency: 'kwd' }), 'KWD 12.500')
})

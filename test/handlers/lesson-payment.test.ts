import t from 'tap'
import {
  type LessonPayment,
  type PaymentToWrite,
  paymentIdOf,
  readLessonPayment,
  writeLessonPayment,
} from '../../handlers/lesson-payment.ts'

const money = { amount: 6000, currency: 'EUR' }

t.test('what is written is read again', async t => {
  for (const [text, payment] of [
    ['unpaid', { kind: 'open' }],
    ['60.00 EUR, pi_1', { kind: 'stripe', id: 'pi_1', money }],
    ['60.00 EUR, pi_1, under way', { kind: 'stripe', id: 'pi_1', money, isUnderWay: true }],
    ['0.00 EUR, cs_test_a1', { kind: 'stripe', id: 'cs_test_a1', money: { ...money, amount: 0 } }],
    ['60.00 EUR, cash', { kind: 'otherwise', how: 'cash', money, payer: '' }],
    ['60.00 EUR, cash, Mrs Jansen', { kind: 'otherwise', how: 'cash', money, payer: 'Mrs Jansen' }],
    [
      '6000 JPY, transfer, 田中',
      { kind: 'otherwise', how: 'transfer', money: { amount: 6000, currency: 'JPY' }, payer: '田中' },
    ],
    [
      '60.00 EUR, invoice, Jansen, pi_1, unpaid',
      { kind: 'otherwise', how: 'invoice', money, payer: 'Jansen, pi_1, unpaid' },
    ],
    ['package, OPL-1', { kind: 'package', order: 'OPL-1' }],
    ['package, cs_1', { kind: 'package', order: 'cs_1' }],
  ] satisfies [string, PaymentToWrite][]) {
    t.strictSame(readLessonPayment(text), payment, `${text}`)
    t.equal(writeLessonPayment(payment), text)
  }
})

t.test('nothing: it is free', async t => {
  t.same(readLessonPayment(null), { kind: 'free' })
})

t.test('a payer’s name is one line', async t => {
  const named = (payer: string) => writeLessonPayment({ kind: 'otherwise', how: 'cash', money, payer })
  t.equal(named(' Mrs\r\nJansen\u0000 '), '60.00 EUR, cash, Mrs Jansen')
})

t.test('what a tutor has written is read as far as it says something', async t => {
  for (const [text, payment] of [
    ['', { kind: 'text', text: '' }],
    ['cash', { kind: 'text', text: 'cash' }],
    ['Unpaid', { kind: 'text', text: 'Unpaid' }],
    ['60.00 EUR', { kind: 'text', text: '60.00 EUR', money }],
    ['60.00 EUR, by cheque', { kind: 'text', text: '60.00 EUR, by cheque', money }],
    ['60.00 EUR, cash\nJansen', { kind: 'text', text: '60.00 EUR, cash\nJansen', money }],
    ['see pi_1', { kind: 'stripe', id: 'pi_1' }],
  ] satisfies [string, LessonPayment][]) {
    t.strictSame(readLessonPayment(text), payment, text)
  }
})

t.test('the payment’s id is read from what the calendar says of it', async t => {
  for (const [payment, id] of [
    ['60.00 EUR, pi_3Q0sample', 'pi_3Q0sample'],
    ['60.00 EUR, pi_3Q0sample, under way', 'pi_3Q0sample'],
    ['0.00 EUR, cs_test_a1B2', 'cs_test_a1B2'],
    ['pi_1', 'pi_1'],
    ['cash', undefined],
    ['', undefined],
    ['unpaid', undefined],
    ['60.00 EUR, cash, pi_1', undefined],
    ['paid to api_key', undefined],
    ['Ana, pics_later', undefined],
  ] as const) {
    t.equal(paymentIdOf(payment), id, payment)
  }
})

import t from 'tap'
import type { BookedLesson } from '../../../calendar/contract.ts'
import { booksOf, monthOf } from '../../../operator/lessons/books.ts'

/** A month as CSV, without a store. */

const ZONE = 'Europe/Amsterdam'
const NOW = Date.parse('2026-11-30T23:30:00Z')
const HOUR = 3_600_000

const lesson = (start: string, parts: Partial<BookedLesson> = {}): BookedLesson => ({
  order: '42-aaaa',
  start: Date.parse(start),
  end: Date.parse(start) + HOUR,
  student: 'Renée',
  service: 'Wiskunde',
  payment: '60.00 EUR, pi_1',
  conversation: '42',
  changedAt: null,
  sequence: 1,
  ...parts,
})

async function books(all: BookedLesson[], month: string): Promise<string[]> {
  const lessons = async (from: number, to: number) => {
    return all.filter(({ start, end }) => start < to && end > from)
  }
  const rows: string[] = []
  const desk = { calendar: { lessons } as never, zone: ZONE }
  for await (const row of booksOf(desk, monthOf(month, NOW, ZONE))) rows.push(row)
  return rows
}

t.test('one row a lesson that begins in the month, in the tutor’s zone, in order', async t => {
  const all = [
    lesson('2026-11-30T22:30Z', { order: 'last', conversation: '' }),
    lesson('2026-10-31T22:30Z', { order: 'before' }),
    lesson('2026-10-31T23:00Z', { order: 'first', cancelledAt: 1, end: Date.parse('2026-10-31T23:45Z') }),
    lesson('2026-11-30T23:00Z', { order: 'after' }),
    lesson('2026-11-10T22:30Z', { order: 'over midnight', isHeld: true, payment: '60.00 EUR, pi_2, under way' }),
  ]
  const rows = await books(all, '2026-11')
  t.strictSame(rows, [
    'date,time,minutes,student,state,paid,amount,currency,reference,order,conversation',
    '2026-11-01,00:00,45,Renée,cancelled,Stripe,60.00,EUR,pi_1,first,42',
    '2026-11-10,23:30,60,Renée,held,"Stripe, under way",60.00,EUR,pi_2,over midnight,42',
    '2026-11-30,23:30,60,Renée,booked,Stripe,60.00,EUR,pi_1,last,',
  ])
})

t.test('each way to pay, in major units', async t => {
  const payments: [string | null, string][] = [
    [null, 'free,,,'],
    ['unpaid', 'open,,,'],
    ['60.50 EUR, cash, "Mrs" Jansen, Utrecht', 'cash,60.50,EUR,"""Mrs"" Jansen, Utrecht"'],
    ['6000 JPY, transfer', 'transfer,6000,JPY,'],
    ['60.00 EUR, invoice, Ann', 'invoice,60.00,EUR,Ann'],
    ['package, OPL-1', 'package,,,OPL-1'],
    ['arranged with the tutor', 'other,,,arranged with the tutor'],
    ['60.00 EUR, by cheque', 'other,60.00,EUR,"60.00 EUR, by cheque"'],
    ['pi_1', 'Stripe,,,pi_1'],
  ]
  const all = payments.map(([payment], index) => lesson(`2026-11-0${index + 1}T10:00Z`, { payment }))
  const rows = await books(all, '')
  t.equal(rows.length, 1, 'by default this month, which is December in Amsterdam')
  const paid = (await books(all, '2026-11')).slice(1).map(row => /^.*,booked,(.*),42-aaaa,42$/.exec(row)?.[1])
  t.strictSame(
    paid,
    payments.map(([, text]) => text),
  )
})

t.test('no field runs as a formula in a spreadsheet, or controls a terminal', async t => {
  const names = [
    '=1+1',
    '+31 6',
    '-2',
    '@SUM(A1)',
    '\t=1',
    '\r\n=1',
    '＝1',
    ' =1',
    '\u0000=1',
    '\u001b[31m',
    '=a,"b"',
    'x=1',
    "O'Hara",
    'x;=1',
    'x; "=1;y',
  ]
  const all = names.map((student, index) => lesson(`2026-11-${10 + index}T10:00Z`, { student }))
  const rows = await books(all, '2026-11')
  t.strictSame(
    rows.slice(1).map(row => /,60,(.*),booked/.exec(row)?.[1]),
    [
      "'=1+1",
      "'+31 6",
      "'-2",
      "'@SUM(A1)",
      "' =1",
      "'  =1",
      "'＝1",
      "' =1",
      "' =1",
      ' [31m',
      `"'=a,""b"""`,
      'x=1',
      "O'Hara",
      "x;'=1",
      `"x;' ""=1;y"`,
    ],
  )
})

t.test('what is no month, and a calendar elsewhere', async t => {
  for (const month of ['2026', '2026-13', '2026-1', '1969-12', '9999-01', 'x']) {
    t.throws(
      () => monthOf(month, NOW, ZONE),
      { message: 'month must be a month such as 2026-11', statusCode: 400 },
      month,
    )
  }
  t.throws(() => booksOf({ calendar: {} as never, zone: ZONE }, monthOf('', NOW, ZONE)), {
    message: /not in this service’s own calendar/,
  })
})

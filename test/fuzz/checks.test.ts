import t from 'tap'
import { check, type StoredRow } from '../../fuzz/checks.ts'
import type { FuzzEvent } from '../../fuzz/history.ts'
import { createRandom } from '../../fuzz/random.ts'

/** Each check detects a violation of its promise, and passes if it holds. */

const C = { conversation: 1 }
const sent = (n: number): FuzzEvent => ({ what: 'sent', n, ...C, kind: 'plain' })
const accepted = (n: number): FuzzEvent => ({ what: 'answered', n, status: 'accepted', id: `id ${n}` })
const duplicate = (n: number): FuzzEvent => ({ what: 'answered', n, status: 'duplicate', id: `id ${n}` })
const started = (pid: number): FuzzEvent => ({ what: 'started', pid })
const begun = (n: number, pid = 1): FuzzEvent => ({ what: 'begun', pid, n, ...C, attempt: 1 })
const finished = (n: number, pid = 1, ok = true): FuzzEvent => ({ what: 'finished', pid, n, ...C, ok })
const killed = (pid = 1): FuzzEvent[] => [
  { what: 'killing', pid, signal: 'SIGKILL' },
  { what: 'ended', pid, code: null, asked: true },
]
const effect = (pid = 1): FuzzEvent => ({ what: 'effect', pid, step: 's' })
const recorded = (pid = 1): FuzzEvent => ({ what: 'recorded', pid, step: 's' })
const row = (n: number, parts: Partial<StoredRow> = {}): StoredRow => ({
  id: `id ${n}`,
  seq: n,
  orderingKey: 'c',
  state: 'done',
  leftTheOrder: false,
  ...parts,
})

const CASES: [check: string, name: string, violated: boolean, events: FuzzEvent[], rows: StoredRow[]][] = [
  ['acknowledged is found', 'it is there', false, [sent(1), accepted(1)], [row(1)]],
  ['acknowledged is found', 'accepted and gone', true, [sent(1), accepted(1)], []],
  ['acknowledged is found', 'a duplicate of nothing', true, [sent(1), sent(1), duplicate(1)], []],
  ['acknowledged is found', 'not in a backup', true, [{ what: 'missing in the backup', n: 1 }], []],

  ['accepted once', 'a copy', false, [sent(1), accepted(1), sent(1), duplicate(1)], [row(1)]],
  ['accepted once', 'both accepted', true, [sent(1), accepted(1), sent(1), accepted(1)], [row(1)]],
  ['accepted once', 'a duplicate at once', true, [sent(1), duplicate(1)], [row(1)]],
  [
    'accepted once',
    'sent again after no answer',
    false,
    [sent(1), { what: 'broken', n: 1 }, sent(1), duplicate(1)],
    [row(1)],
  ],

  ['no overlap', 'one after the other', false, [begun(1), finished(1), begun(2), finished(2)], []],
  ['no overlap', 'two at once', true, [begun(1), begun(2), finished(1), finished(2)], []],
  ['no overlap', 'in two processes', true, [begun(1), begun(2, 2), finished(1), finished(2, 2)], []],
  ['no overlap', 'after a kill', false, [begun(1), ...killed(), begun(1, 2), finished(1, 2)], []],
  ['no overlap', 'the other one is frozen', false, [begun(1), { what: 'frozen', pid: 1 }, begun(1, 2)], []],
  ['no overlap', 'another one is frozen', true, [begun(1), { what: 'frozen', pid: 3 }, begun(1, 2)], []],
  ['no overlap', 'its claim has lapsed', false, [begun(1), { what: 'lapsed', pid: 1, n: 1, ...C }, begun(1, 2)], []],
  [
    'no overlap',
    'that of another has lapsed',
    true,
    [begun(1), { what: 'lapsed', pid: 1, n: 9, ...C }, begun(1, 2)],
    [],
  ],

  ['handled once', 'again after a failure', false, [begun(1), finished(1, 1, false), begun(1), finished(1)], []],
  ['handled once', 'again although done', true, [begun(1), finished(1), begun(1)], []],
  [
    'handled once',
    'again after the database was away',
    false,
    [begun(1), { what: 'database', is: 'stopped' }, finished(1), { what: 'database', is: 'started' }, begun(1, 2)],
    [],
  ],
  ['handled once', 'again after a kill', false, [begun(1), finished(1), ...killed(), begun(1, 2)], []],

  [
    'in order',
    'as accepted',
    false,
    [sent(1), accepted(1), sent(2), accepted(2), begun(1), finished(1), begun(2)],
    [row(1), row(2)],
  ],
  [
    'in order',
    'the other way',
    true,
    [sent(1), accepted(1), sent(2), accepted(2), begun(2), finished(2), begun(1)],
    [row(1), row(2)],
  ],
  [
    'in order',
    'the earlier one is tried again after the later one',
    true,
    [sent(1), accepted(1), sent(2), accepted(2), begun(1), finished(1, 1, false), begun(2), finished(2), begun(1)],
    [row(1), row(2)],
  ],
  [
    'in order',
    'the earlier one was parked',
    false,
    [sent(1), accepted(1), sent(2), accepted(2), begun(2), finished(2), begun(1)],
    [row(1, { leftTheOrder: true }), row(2)],
  ],
  [
    'in order',
    'accepted by two processes at the same moment',
    false,
    [started(1), started(2), sent(1), sent(2), begun(2), accepted(2), accepted(1), finished(2), begun(1)],
    [row(1), row(2)],
  ],
  [
    'in order',
    'accepted by one process at the same moment',
    true,
    [started(1), sent(1), sent(2), begun(2), accepted(2), accepted(1), finished(2), begun(1)],
    [row(1), row(2)],
  ],
  [
    'in order',
    'the other way in two processes, one after the other',
    true,
    [started(1), started(2), sent(1), accepted(1), sent(2), accepted(2), begun(2), finished(2), begun(1)],
    [row(1), row(2)],
  ],
  [
    'in order',
    'not as answered',
    true,
    [sent(1), accepted(1), sent(2), accepted(2)],
    [row(1, { seq: 2 }), row(2, { seq: 1 })],
  ],
  [
    'in order',
    'on their way together',
    false,
    [sent(1), sent(2), accepted(1), accepted(2)],
    [row(1, { seq: 2 }), row(2, { seq: 1 })],
  ],

  ['in order', 'one that is not ours', false, [sent(1), { what: 'answered', n: 1, status: '500' }], [row(9)]],

  ['effects once', 'once', false, [effect(), recorded(), recorded(2)], []],
  ['effects once', 'twice', true, [effect(), recorded(), effect()], []],
  ['effects once', 'again, killed before the record', false, [effect(), ...killed(), effect(2), recorded(2)], []],
  ['effects once', 'again, killed after the record', true, [effect(), recorded(), ...killed(), effect(2)], []],
  ['effects once', 'again, and nobody was killed', true, [effect(), effect(2)], []],

  ['no crash', 'as asked', false, [{ what: 'ended', pid: 1, code: 0, asked: true }], []],
  ['no crash', 'by itself', true, [{ what: 'ended', pid: 1, code: 0, asked: false }], []],
  ['no crash', 'SIGTERM ends with an error', true, [{ what: 'ended', pid: 1, code: 1, asked: true }], []],
  [
    'no crash',
    'a refused command',
    false,
    [{ what: 'command', words: 'show x', code: 1, error: 'show: not found' }],
    [],
  ],
  ['no crash', 'a stack', true, [{ what: 'command', words: 'list', code: 1, error: 'Error: x\n    at a.ts:1:2' }], []],
  ['no crash', 'wrong usage', true, [{ what: 'command', words: 'list', code: 2 }], []],

  ['handled in the end', 'something is left', true, [{ what: 'not drained', left: 3 }], []],
]

for (const [name, what, violated, events, rows] of CASES)
  t.test(`${name}: ${what}`, async t => {
    const violations = check(events, rows)
    t.same(new Set(violations.map(violation => violation.check)), new Set(violated ? [name] : []))
  })

t.test('the seed determines the choices', async t => {
  const numbers = (seed: number, stream: string) => {
    const { between, chance, pick } = createRandom(seed, stream)
    return Array.from({ length: 50 }, () => [between(1, 6), chance(0.5), pick(['a', 'b'])])
  }
  t.same(numbers(1, 'a'), numbers(1, 'a'))
  t.notSame(numbers(1, 'a'), numbers(2, 'a'))
  t.notSame(numbers(1, 'a'), numbers(1, 'b'))
  t.same(new Set(numbers(3, 'dice').map(([dice]) => dice)), new Set([1, 2, 3, 4, 5, 6]))
})

import t from 'tap'
import { logLines } from '../../sandbox/log-lines.ts'

const LINE = '{"level":30,"time":1795915575254,"pid":864,"hostname":"vm","msg":"webhook handled","ms":3}'

t.test('for people on a terminal and on the page, as they come elsewhere', async t => {
  t.match(
    logLines({ terminal: true }).output(LINE),
    /^\[\d\d:\d\d:\d\d\.254\] .*INFO.*: .*webhook handled.* \{"ms":3\}$/,
  )
  const { output, page } = logLines({ terminal: false })
  t.equal(output(LINE), LINE)
  t.match(page(LINE), /^\[\d\d:\d\d:\d\d\.254\] INFO: webhook handled \{"ms":3\}$/)
  t.equal(page('Error: of no logger'), 'Error: of no logger')
})

import { cpus } from 'node:os'
import type { Findings } from './checks.ts'
import type { Week } from './week.ts'

/** The report of a run, in Markdown. */
export function report(week: Week, { violations, counts }: Findings, run: { command: string; store: string }): string {
  const [first, last] = [week.measures[Math.floor(week.measures.length * 0.6)], week.measures.at(-1)]
  const growth = (['rss', 'handles', 'store'] as const).map(name => [
    { rss: 'resident memory, MiB', handles: 'open files and sockets', store: 'store, MiB' }[name],
    ...[first, last].map(one => Math.round(one?.[name] ?? Number.NaN)),
  ])
  return [
    `### ${run.store}`,
    '',
    `\`${run.command}\`, ${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}`,
    '',
    table(
      ['', 'number'],
      [...Object.entries(counts), ...Object.entries(week.events).map(([what, n]) => [`event: ${what}`, n])],
    ),
    '',
    table(['', `hour ${first?.hour}`, `hour ${last?.hour}`], growth),
    '',
    table(
      ['time to an answer, ms', 'p50', 'p99', 'longest', 'number'],
      [
        ['acknowledgements', ...quantiles(week.ackMs)],
        ['a bare Fastify beside it', ...quantiles(week.yardstickMs)],
      ],
    ),
    '',
    `Not acknowledged at the first try, or at all: ${list(week.notAcknowledged)}.`,
    '',
    violations.length === 0
      ? 'No promise was broken.'
      : ['**Broken:**', '', ...violations.map(each => `- ${each}`)].join('\n'),
    '',
  ].join('\n')
}

function quantiles(times: number[]): number[] {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (part: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0)
  return [at(0.5), at(0.99), at(1), times.length]
}

function list(counts: Record<string, number>): string {
  return (
    Object.entries(counts)
      .map(([what, n]) => `${n} × ${what}`)
      .join(', ') || 'none'
  )
}

function table(head: string[], rows: (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

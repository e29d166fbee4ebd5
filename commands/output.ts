import type { Command } from 'commander'
import type { EnvOptions } from '../environment.ts'
import { indentedJson } from '../operator/json-text.ts'
import { localZone, readTime } from '../operator/local-time.ts'

/** What the commands share: output, errors and tables. */

/** Where a command reads its environment and writes to. */
export interface Context extends EnvOptions {
  /** A line of the result: for stdout, which gets nothing else. */
  print(line: string): void
  /** A line about the result, or an error: for stderr. */
  say(line: string): void
}

/** The command failed, or did only part of its work: exit code 1, and one line that says why and how to fix it. */
export class CommandError extends Error {
  override name = 'CommandError'
}

/** Wrong usage: exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** Every command can answer as JSON. */
export function withJson(command: Command): Command {
  return command.option('--json', 'print JSON to stdout, and nothing else')
}

/** Examples below a command's help. */
export function withExamples(command: Command, examples: readonly string[]): Command {
  const lines = examples.map(example => `  $ tutorbot-webhooks ${example}`.trimEnd())
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
}

/** The result, for machines or for people. */
export function report(context: Context, json: boolean | undefined, result: unknown, lines: () => string[]): void {
  if (json) context.print(indentedJson(result).text)
  else for (const line of lines()) context.print(line)
}

/** Columns as wide as their longest cell. @param right the columns that are numbers, from 0 */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const cells = rows.map(row => row.map(printable))
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map(row => (row[column] as string).length)))
  return cells.map(row =>
    row
      .map((cell, column) => {
        const width = widths[column] as number
        return right.includes(column) ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd(),
  )
}

/** What came from outside must not steer the terminal, nor begin a line of its own. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ')
}

/** `2h`, `3d` before now, or a time in ISO 8601, as Unix ms. @throws {UsageError} */
export function timeOf(option: string, text: string): number {
  const [, amount, unit = ''] = /^(\d{1,5})([mhd])$/.exec(text) ?? []
  if (amount !== undefined) return Date.now() - Number(amount) * (MS[unit] as number)
  const time = readTime(text, localZone(), 'first')
  if (time !== undefined) return time
  throw new UsageError(`${option} must be a time such as 2026-11-23T10:00:00Z, or 30m, 2h or 3d for that long ago`)
}

const MS: Record<string, number> = { m: 60_000, h: 60 * 60_000, d: 24 * 60 * 60_000 }

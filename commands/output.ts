import type { Command } from 'commander'
import type { EnvOptions } from '../environment.ts'
import { indentedJson } from '../operator/json-text.ts'
import { localZone, readTime } from '../operator/local-time.ts'

/** Shared by the commands: output, errors and tables. */

/** A command's environment and output. */
export interface Context extends EnvOptions {
  /** Writes a line of the result to stdout, which gets nothing else. */
  print(line: string): void
  /** Writes a remark or an error to stderr. */
  say(line: string): void
}

/** The command failed, wholly or in part: exit code 1. The message says why and how to fix it. */
export class CommandError extends Error {
  override name = 'CommandError'
}

/** Wrong usage: exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError'
}

export function withJson(command: Command): Command {
  return command.option('--json', 'print JSON to stdout, and nothing else')
}

export function withExamples(command: Command, examples: readonly string[]): Command {
  const lines = examples.map(example => `  $ tutorbot-webhooks ${example}`.trimEnd())
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
}

/** Prints the result, as JSON or text. */
export function report(context: Context, json: boolean | undefined, result: unknown, lines: () => string[]): void {
  if (json) context.print(indentedJson(result).text)
  else for (const line of lines()) context.print(line)
}

/** @param right indexes of right-aligned columns */
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

/** Text from outside must not control the terminal or add lines. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ')
}

/** Parses an ISO 8601 time, or `2h`, `3d` before now, to Unix ms. @throws {UsageError} */
export function parseTimeOption(option: string, text: string): number {
  const [, amount, unit = ''] = /^(\d{1,5})([mhd])$/.exec(text) ?? []
  if (amount !== undefined) return Date.now() - Number(amount) * (MS[unit] as number)
  const time = readTime(text, localZone(), 'first')
  if (time !== undefined) return time
  throw new UsageError(`${option} must be a time such as 2026-11-23T10:00:00Z, or 30m, 2h or 3d ago`)
}

const MS: Record<string, number> = { m: 60_000, h: 60 * 60_000, d: 24 * 60 * 60_000 }

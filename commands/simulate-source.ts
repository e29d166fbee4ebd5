import { readFileSync } from 'node:fs'
import { type PresetName, presets } from '../sources/presets.ts'
import { type Context, UsageError } from './output.ts'
import type { Row } from './simulate.ts'

/** Samples for a further source. Its configuration is in the server's process, so the arguments repeat what is needed. */
export interface SourceSampleOptions {
  path?: string
  preset?: string
  secretEnv?: string
  body?: string
  header?: string[]
  publicUrl?: string
}

/** Twice the largest age of a timestamp, s. */
const STALE_SECONDS = 600

/** @throws {UsageError} */
export function sourceRows(options: SourceSampleOptions, { env = process.env }: Context): Row[] {
  const { path = '', preset = '', secretEnv = '', publicUrl } = options
  if (!path.startsWith('/')) throw new UsageError('--path must begin with /: the path of the source')
  if (!Object.hasOwn(presets, preset))
    throw new UsageError(`--preset must be one of ${Object.keys(presets).join(', ')}`)
  const secret = env[secretEnv]
  if (!secret) throw new UsageError('--secret-env must name the environment variable that holds the secret')
  const { sign } = presets[preset as PresetName]({
    secrets: [secret],
    ...(publicUrl !== undefined && { url: publicUrl }),
  })
  const body = bodyOf(options.body)
  const given = headersOf(options.header)
  const now = Math.floor(Date.now() / 1_000)
  const signed = (timestamp = now) => ({ ...sign(body, { id: `msg_simulated_${now}`, timestamp }), ...given })
  const row = (name: string, headers: Record<string, string>, expected: string): Row => ({
    name: `${preset}: ${name}`,
    request: { path, headers, body },
    expected,
  })
  const hasTime = JSON.stringify(signed(now)) !== JSON.stringify(signed(now - STALE_SECONDS))
  const rows = [
    row('genuine', signed(), '200'),
    row('the same again', signed(), '200'),
    row('unsigned', { 'content-type': 'application/json', ...given }, '401 WEBHOOK_SIGNATURE_MISSING'),
    row('of another body', { ...sign(`${body} `, { timestamp: now }), ...given }, '401 WEBHOOK_SIGNATURE_MISMATCH'),
  ]
  if (hasTime) rows.push(row('stale', signed(now - STALE_SECONDS), '401 WEBHOOK_TIMESTAMP_OUTSIDE_TOLERANCE'))
  return rows
}

function bodyOf(file: string | undefined): string {
  if (file === undefined) return '{}'
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`--body ${file} can't be read: ${(error as Error).message}`)
  }
}

function headersOf(given: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    given.map(header => {
      const [, name, value] = /^([\w-]+): *(.*)$/.exec(header) ?? []
      if (name === undefined) throw new UsageError(`--header ${header} is not of the form "Name: value"`)
      return [name.toLowerCase(), value as string]
    }),
  )
}

import type { Command } from 'commander'
import { FILTER_SCHEMA } from '../operator/filter.ts'

/** Adds the filter options; the same as in the HTTP API. */
export function withFilter(command: Command): Command {
  for (const [field, { description }] of Object.entries(FILTER_SCHEMA)) {
    command.option(`--${field} <${field}>`, description)
  }
  return command
}

/** The filter among the options. */
export function filterOf(options: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([field]) => field in FILTER_SCHEMA))
}

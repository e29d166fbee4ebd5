import pretty from 'pino-pretty'
import { PRETTY } from '../plugins/logging.ts'

/** How the service's log lines are shown: for people, in colours where there are any, or as they come. */
export function logLines({ terminal }: { terminal: boolean }) {
  const plain = pretty.prettyFactory({ ...PRETTY, colorize: false })
  const coloured = pretty.prettyFactory({ ...PRETTY, colorize: pretty.isColorSupported })
  return {
    /** For standard output. */
    output: (line: string): string => (terminal ? coloured(line).trimEnd() : line),
    /** For the page. */
    page: (line: string): string => plain(line).trimEnd(),
  }
}

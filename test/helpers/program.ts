import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { startChild } from './child.ts'
import { arrivals, inTime } from './wait.ts'

export interface Program {
  child: ChildProcess
  /** What it has written to stdout so far, by line. */
  lines: string[]
  /** Everything written to stdout and stderr, unparsed. */
  written: string[]
  /** The first matching line on stdout or stderr, written before or still to come; fails if it ends without one. */
  line(fits: RegExp): Promise<string>
  /** Everything written to stderr. */
  errors(): string
  /** Its exit code (null: killed), once it has exited and all its output has been read. */
  ended: Promise<number | null>
  /** The same in words, with what it wrote to stderr. */
  howItEnded: Promise<string>
  /** Sends it a signal, and resolves as `ended`. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

/**
 * Starts a process and waits for its lines; it ends with the test process.
 * @param name in errors, such as `the server`
 * @param options as for `spawn`; pipes are read
 * @param onLine called with each line of its stdout
 */
export function startProgram(
  name: string,
  [command = '', ...args]: string[],
  options: SpawnOptions,
  onLine: (line: string) => void = () => {},
): Program {
  const child = startChild(command, args, options)
  const lines: string[] = []
  let errors = ''
  const written = arrivals<string>(line => line)
  const read = (output: NodeJS.ReadableStream | null, listener: (line: string) => void) => {
    if (output !== null) createInterface({ input: output }).on('line', listener).on('line', written.add)
  }
  read(child.stdout, line => {
    lines.push(line)
    onLine(line)
  })
  read(child.stderr, () => {})
  child.stderr?.on('data', text => {
    errors += text
  })
  const closed = once(child, 'close')
  const ended = closed.then(
    ([code]) => code as number | null,
    () => null,
  )
  const howItEnded = closed.then(
    ([code, signal]) => `${name} ended with ${code ?? signal}${errors === '' ? '' : `:\n${errors.trimEnd()}`}`,
    (error: Error) => `${name} could not be started: ${error.message}`,
  )
  void howItEnded.then(written.end)
  return {
    child,
    lines,
    written: written.items,
    line: fits => written.first(`a line of ${name} like ${fits}`, line => fits.test(line)),
    ended,
    howItEnded,
    errors: () => errors,
    end(signal) {
      child.kill(signal)
      return inTime(ended, { what: `${name} to end after ${signal}`, seen: () => written.items })
    },
  }
}

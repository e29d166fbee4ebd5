import { arrivals } from './wait.ts'

export interface LogLine {
  level: number
  msg: string
  [field: string]: unknown
}

/** pino's level numbers. */
export const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 }

export interface CapturedLog {
  /** A stream for a logger. */
  stream: { write(text: string): void }
  lines: LogLine[]
  /** Everything written, unparsed. */
  text(): string
  /** The first matching line, already written or still to come. */
  line(fits: (line: LogLine) => boolean): Promise<LogLine>
  /** Resolves when `times` lines with this message have been written. */
  count(msg: string, times: number): Promise<void>
  /** The line of the n-th request, from 1, written before or still to come. */
  request(n: number): Promise<LogLine>
  /** The lines of all requests so far. */
  requests(): LogLine[]
  /** The writer has ended: waits for further lines fail. */
  end(how: string): void
}

export function captureLog(): CapturedLog {
  const { items: lines, add, end, first } = arrivals<LogLine>(line => JSON.stringify(line))
  let text = ''
  const requests = () => lines.filter(line => line.path !== undefined)
  const isEnough = (msg: string, times: number) => lines.filter(line => line.msg === msg).length >= times
  return {
    stream: {
      write(written) {
        text += written
        add(JSON.parse(written) as LogLine)
      },
    },
    lines,
    text: () => text,
    line: fits => first(`a log line: ${fits}`, fits),
    async count(msg, times) {
      if (isEnough(msg, times)) return
      await first(`${times} log lines "${msg}"`, () => isEnough(msg, times))
    },
    request: n => first(`the log line of request ${n}`, line => requests()[n - 1] === line),
    requests,
    end,
  }
}

export interface LogLine {
  level: number
  msg: string
  [field: string]: unknown
}

/** pino's numbers. */
export const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 }

export interface CapturedLog {
  /** For a logger to write to. */
  stream: { write(text: string): void }
  lines: LogLine[]
  /** All that was written, as it was written. */
  text(): string
  /** The first line that fits, written before or still to come. */
  line(fits: (line: LogLine) => boolean): Promise<LogLine>
  /** Resolves when `times` lines with this message have been written. */
  count(msg: string, times: number): Promise<void>
  /** The line of the n-th request, from 1, written before or still to come. */
  request(n: number): Promise<LogLine>
  /** The lines of all requests so far. */
  requests(): LogLine[]
}

export function captureLog(): CapturedLog {
  const lines: LogLine[] = []
  let text = ''
  let waiting: { fits: (line: LogLine) => boolean; resolve: (line: LogLine) => void }[] = []
  const requests = () => lines.filter(line => line.path !== undefined)
  const firstLine = (fits: (line: LogLine) => boolean): Promise<LogLine> => {
    const found = lines.find(fits)
    return found !== undefined ? Promise.resolve(found) : new Promise(resolve => waiting.push({ fits, resolve }))
  }
  return {
    stream: {
      write(written) {
        text += written
        const line = JSON.parse(written) as LogLine
        lines.push(line)
        for (const { resolve } of waiting.filter(({ fits }) => fits(line))) resolve(line)
        waiting = waiting.filter(({ fits }) => !fits(line))
      },
    },
    lines,
    text: () => text,
    line: firstLine,
    count: (msg, times) =>
      new Promise(resolve => {
        const enough = () => lines.filter(line => line.msg === msg).length >= times
        if (enough()) resolve()
        else waiting.push({ fits: enough, resolve: () => resolve() })
      }),
    request: n => firstLine(line => requests()[n - 1] === line),
    requests,
  }
}

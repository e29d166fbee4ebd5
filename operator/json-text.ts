/** JSON at any depth of nesting: JSON.stringify is recursive and overflows the stack. */

/** Indented levels: each adds as much space as all above it. */
const MAX_INDENTED = 200

/** Like JSON.stringify. @param value from JSON.parse, or an object around it without undefined */
export function jsonText(value: unknown): string {
  return isDeeperThan(MAX_INDENTED, value) ? deepJson(value) : JSON.stringify(value)
}

/** Indented, or on one line if nested too deeply. */
export function indentedJson(value: unknown): { text: string; isIndented: boolean } {
  if (isDeeperThan(MAX_INDENTED, value)) return { text: deepJson(value), isIndented: false }
  return { text: JSON.stringify(value, null, 2), isIndented: true }
}

export const NOT_INDENTED = `On one line, because it is nested more than ${MAX_INDENTED} levels deep`

function isDeeperThan(levels: number, value: unknown): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > levels) return true
    level = level.flatMap(each => (isContainer(each) ? Object.values(each).filter(isContainer) : []))
  }
  return false
}

/** An object or array being written. */
interface Frame {
  container: Record<string, unknown>
  /** null: an array. */
  names: string[] | null
  length: number
  /** Number of values written. */
  written: number
}

function deepJson(value: unknown): string {
  let text = ''
  const open: Frame[] = []
  const write = (value: unknown) => {
    if (!isContainer(value)) {
      text += JSON.stringify(value)
      return
    }
    const names = Array.isArray(value) ? null : Object.keys(value)
    const { length } = names ?? (value as unknown as unknown[])
    text += names === null ? '[' : '{'
    open.push({ container: value, names, length, written: 0 })
  }

  write(value)
  for (let frame = open.at(-1); frame !== undefined; frame = open.at(-1)) {
    const { container, names, length, written } = frame
    if (written === length) {
      text += names === null ? ']' : '}'
      open.pop()
      continue
    }
    if (written > 0) text += ','
    const name = names === null ? written : (names[written] as string)
    if (names !== null) text += `${JSON.stringify(name)}:`
    frame.written++
    write(container[name])
  }
  return text
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

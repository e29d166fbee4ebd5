import type { TimePart } from './time-parts.ts'

/** Puts the parts of a text together: which days and times belong to one another, and which are refused. */

/** From and to before it: minutes of the day. One minute long: exactly then. */
export type Span = readonly [from: number, to: number]

type NamedDay = Extract<TimePart, { is: 'weekdays' | 'days' | 'weeks' | 'date' }>
export type DayPart = NamedDay | { is: 'next' } | DayRange

/** `bis Donnerstag`, `vanaf dinsdag`, `maandag tot woensdag`. */
export interface DayRange {
  is: 'range'
  from?: DayEnd
  to?: DayEnd
}

export interface DayEnd {
  day: NamedDay
  isIncluded: boolean
}
export type Limit = { from?: readonly number[]; to?: readonly number[] }

/** Days and times that go together, as they are written. */
export interface Group {
  isRefused: boolean
  isUnsure: boolean
  days: DayPart[]
  times: (readonly number[])[]
  parts: Span[]
  limits: Limit[]
  /** What came first, and whether the other kind has come since. */
  order: ('day' | 'time')[]
}

const IS_DAY: ReadonlySet<string> = new Set(['weekdays', 'days', 'weeks', 'date'])

/** Of several sentences that name a day or a time, the only one that names both: the others tell a story. */
export function inOneSentence(parts: readonly TimePart[]): readonly TimePart[] {
  const sentences: TimePart[][] = [[]]
  for (const part of parts) {
    if (part.is === 'sign' && /[.;!?]/.test(part.sign)) sentences.push([])
    else sentences.at(-1)?.push(part)
  }
  const isWhole = (sentence: readonly TimePart[]) =>
    sentence.some(({ is }) => is === 'time') && sentence.some(({ is }) => IS_DAY.has(is))
  const whole = sentences.filter(isWhole)
  const others = sentences.filter(sentence => !isWhole(sentence)).flat()
  const [only] = whole
  const isStory = whole.length === 1 && others.length > 0 && !others.some(({ is }) => is === 'not' || is === 'except')
  return isStory && only !== undefined ? [...only, { is: 'unsure' }] : parts
}

/** Puts a text's parts together. `isPlain`: they name days and times and nothing else. */
export function groupsOf(parts: readonly TimePart[]): { all: Group[]; isPlain: boolean } {
  const reader = new GroupReader(parts)
  return reader.read()
}

class GroupReader {
  readonly #parts: readonly TimePart[]
  #at = 0
  /** Of the clause being read. */
  #clause: Group[] = []
  #before: Group[] = []
  #isDenied = false
  #isExcepted = false
  #isSeparated = false
  /** `heb ik`, of the clause being read: 'occupied' once something is said that is done then. */
  #doing: 'busy' | 'occupied' | 'free' | undefined
  /** `alles behalve dinsdag 17:00`: the time is excepted too. */
  #isAny = false
  #isPlain = true

  constructor(parts: readonly TimePart[]) {
    this.#parts = parts
  }

  read(): { all: Group[]; isPlain: boolean } {
    while (this.#at < this.#parts.length) this.#readPart(this.#parts[this.#at++] as TimePart)
    this.#endClause()
    return { all: this.#before, isPlain: this.#isPlain }
  }

  #readPart(part: TimePart): void {
    switch (part.is) {
      case 'weekdays':
      case 'days':
      case 'weeks':
      case 'date':
        this.#addDay(part)
        return
      case 'morning':
        if (!this.#isAfterDay()) {
          this.#addDay({ is: 'days', days: 1 })
          return
        }
        this.#isPlain = false
        this.#addPart([6 * 60, 12 * 60])
        return
      case 'part':
        this.#addPart([part.from * 60, part.to * 60])
        return
      case 'time':
        this.#addTime(part.minutes)
        return
      case 'number':
        this.#addNumber(part.minutes)
        return
      case 'from':
      case 'until':
        if (!this.#addDayRange(part)) this.#addLimit(part.is)
        return
      case 'between':
        this.#addLimit(part.is)
        return
      case 'next':
        this.#isPlain = false
        if (this.#parts[this.#at]?.is === 'weekdays') this.#addDay({ is: 'next' })
        return
      case 'sign':
        if (/[,.;!?\n]/.test(part.sign)) this.#endClauseAt()
        else if (part.sign !== '-') this.#isPlain &&= !/[<>=/\\]/.test(part.sign)
        return
      case 'but':
        this.#isPlain = false
        this.#endClauseAt()
        return
      case 'not':
        this.#isDenied = true
        break
      case 'except':
        this.#isExcepted = true
        break
      case 'any':
        this.#isAny = true
        break
      case 'busy':
        this.#doing ??= 'busy'
        break
      case 'free':
        this.#doing = 'free'
        break
      case 'else':
      case 'begins':
      case 'only':
      case 'month':
      case 'nextMonth':
      case 'nextYear':
        if (this.#doing === 'busy' && this.#clause.length > 0) this.#doing = 'occupied'
        break
      case 'or':
        this.#isSeparated = true
        break
    }
    this.#isPlain = false
  }

  /** A comma also stands within a time: `Di, 24.11., 17 Uhr`. */
  #endClauseAt(): void {
    const isDenial = ({ is }: TimePart) => is === 'not' || is === 'busy'
    if (this.#isDenied || this.#doing !== undefined || this.#parts.slice(this.#at).some(isDenial)) {
      this.#endClause()
      return
    }
    this.#isSeparated = true
  }

  #endClause(): void {
    // `ik heb tot 3 uur school`: then it is over.
    this.#isDenied ||= this.#doing === 'occupied' && this.#clause.every(({ limits }) => limits.length === 0)
    this.#doing = undefined
    // `dinsdag 17:00, dat lukt niet`
    if (this.#isDenied && this.#clause.length === 0) {
      for (const group of this.#before.slice(-1)) group.isRefused = true
    }
    for (const group of this.#clause) {
      const isWithLimit = group.days.length > 0 && group.limits.length === 1 && group.times.length === 0
      // `dinsdag kan ik niet voor 16:00`
      if (this.#isDenied && isWithLimit)
        group.limits = group.limits.map(({ from, to }) => ({ ...(to && { from: to }), ...(from && { to: from }) }))
      else group.isRefused ||= this.#isDenied
    }
    this.#before.push(...this.#clause)
    this.#clause = []
    this.#isDenied = this.#isExcepted = false
    this.#isSeparated = false
  }

  #isAfterDay(): boolean {
    const before = this.#parts[this.#at - 2]?.is
    return before === 'weekdays' || before === 'days' || before === 'date'
  }

  #groupFor(kind: 'day' | 'time', isSame: (group: Group) => boolean): Group {
    const isRefused = this.#isExcepted && (kind === 'day' || this.#isAny)
    const last = this.#clause.at(-1)
    const isAlternating = last?.order.includes(kind) === true && last.order.at(-1) !== kind
    const isNew =
      last === undefined || last.isRefused !== isRefused || (isAlternating && (this.#isSeparated || isSame(last)))
    const kept =
      last !== undefined && isRefused === false && last.isRefused
        ? this.#clause.find(group => !group.isRefused)
        : undefined
    const group =
      kept ?? (isNew ? { isRefused, isUnsure: false, days: [], times: [], parts: [], limits: [], order: [] } : last)
    if (group !== last && group !== kept) this.#clause.push(group)
    if (group.order.at(-1) !== kind) group.order.push(kind)
    this.#isSeparated = false
    return group
  }

  #addDay(part: DayPart): void {
    this.#groupFor('day', ({ days }) => days.some(({ is }) => is === part.is)).days.push(part)
  }

  #addPart(span: Span): void {
    this.#groupFor('time', () => false).parts.push(span)
  }

  #addTime(minutes: readonly number[]): void {
    const to = this.#endOfRange()
    const group = this.#groupFor('time', ({ times }) => times.length > 0)
    if (to === undefined) group.times.push(minutes)
    else group.limits.push({ from: minutes, to })
  }

  /** After `3` of `3 tot 5`: the 5. */
  #endOfRange(): readonly number[] | undefined {
    const [mark, time] = this.#parts.slice(this.#at, this.#at + 2)
    const isMark = mark?.is === 'until' || (mark?.is === 'sign' && /[-–]/.test(mark.sign))
    if (!isMark || (time?.is !== 'time' && time?.is !== 'number')) return undefined
    this.#at += 2
    this.#isPlain = false
    return time.minutes
  }

  #addNumber(minutes: readonly number[]): void {
    const [before, after] = [this.#parts[this.#at - 2], this.#parts[this.#at]]
    const isBesideTime = before?.is === 'part' || after?.is === 'part' || before?.is === 'around'
    const isAlternative = before?.is === 'or' && this.#clause.some(({ times }) => times.length > 0)
    const isBeforeAlternative = after?.is === 'or' && this.#parts[this.#at + 1]?.is === 'time'
    const to = isBesideTime ? undefined : this.#endOfRange()
    const last = this.#clause.at(-1)
    const isAfterDay = last?.order.at(-1) === 'day' && (this.#isAfterDay() || before?.is === 'sign')
    this.#isPlain &&= isBesideTime
    if (to !== undefined) this.#groupFor('time', () => false).limits.push({ from: minutes, to })
    else if (isBesideTime || isAlternative || isAfterDay || isBeforeAlternative) this.#addTime(minutes)
  }

  /** A limit of days, unless an hour of that day follows: `bis Donnerstag`. */
  #addDayRange({ is, ofDays }: TimePart & { is: 'from' | 'until' }): boolean {
    const [day, after] = this.#parts.slice(this.#at, this.#at + 2)
    const isDay = day?.is === 'weekdays' || day?.is === 'days' || day?.is === 'date'
    if (!isDay) return false
    const days = this.#clause.at(-1)?.days ?? []
    const end = { day, isIncluded: ofDays !== 'excluded' }
    if (is === 'until' && this.#isAfterDay() && days.length > 0) {
      // `dinsdag tot donderdag`
      days.push({ is: 'range', from: { day: days.pop() as NamedDay, isIncluded: true }, to: end })
    } else {
      const isHour = after?.is === 'time' || after?.is === 'number' || after?.is === 'part'
      if (isHour || ofDays === undefined) return false
      this.#addDay({ is: 'range', ...(is === 'from' ? { from: end } : { to: end }) })
    }
    this.#isPlain = false
    this.#at++
    return true
  }

  #addLimit(kind: 'from' | 'until' | 'between'): void {
    this.#isPlain = false
    const first = this.#parts[this.#at]
    if (first?.is !== 'time' && first?.is !== 'number') return
    const [mark, second] = this.#parts.slice(this.#at + 1, this.#at + 3)
    const isRange =
      (kind === 'between' && mark?.is === 'or') || (kind !== 'until' && (mark?.is === 'until' || mark?.is === 'sign'))
    this.#at++
    const group = this.#groupFor('time', () => false)
    if (isRange && (second?.is === 'time' || second?.is === 'number')) {
      this.#at += 2
      group.limits.push({ from: first.minutes, to: second.minutes })
    } else if (kind !== 'between') {
      group.limits.push(kind === 'from' ? { from: first.minutes } : { to: first.minutes })
    }
  }
}

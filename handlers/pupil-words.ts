import { wordsIn } from './phrases.ts'
import {
  AGED,
  AMBIGUOUS,
  AND,
  BEFORE,
  BUT,
  CALLED,
  CHILDREN,
  FILLERS,
  GERMAN_MY,
  IS,
  IS_REALLY,
  isCapital,
  MY,
  NAME_IS,
  NO_NAMES,
  NOT,
  OTHER,
  PARTICLES,
  RELATIONS,
  TIME_AFTER,
  TIME_WORDS,
  type Token,
  tokensOf,
  written,
  YEARS,
} from './pupil-vocabulary.ts'
import { FIRST_NAMES } from './texts/first-names.ts'

/**
 * For whom a lesson is, as students and those who pay for them write it. A name is only what must be one: after
 * `mijn zoon`, or one of the names that people have. `voor vrijdag` and `voor wiskunde` name nobody.
 */

/** What a message says about pupils. */
export interface PupilsSaid {
  /** The message without it: what is left says what is wanted. */
  rest: string
  /** Who is named, in order. */
  names: readonly PupilName[]
  /** Somebody who is not named: `voor mijn zoon`. */
  isUnnamed: boolean
  /** Another one than so far: `andere leerling`. */
  isOther: boolean
  /** The one that was meant before is not: `niet Bob maar Emma`. */
  isInstead: boolean
  renamed?: { from: string; to: string }
}

export interface PupilName {
  name: string
  /** known: of the conversation. said: it was called a pupil's. maybe: it stands where a name may stand. */
  is: 'known' | 'said' | 'maybe'
}

export interface PupilContext {
  /** Those of the conversation. */
  known: readonly string[]
  /** Whether a word is a subject that is taught. */
  isSubject: (text: string) => boolean
  /** Its nouns have capitals, as German's have: a capital makes no name. */
  hasCapitalNouns: boolean
}

/** WhatsApp's limit of a choice's title. */
export const MAX_NAME_LENGTH = 24

/** What a text says about pupils; undefined: nothing. */
export function pupilsSaidIn(text: string, context: PupilContext): PupilsSaid | undefined {
  const reader = new PupilReader(text, context)
  return reader.read()
}

/** The names in an answer to the question for them; none: it is none. */
export function namesAnswered(text: string, context: PupilContext): string[] {
  return new PupilReader(text, context).readAnswer()
}

const MIN_AGE = 4
const MAX_AGE = 25

/** What may be between the beginning of a name's place and it. */
type Place = 'called' | 'relation' | 'germanRelation' | 'bare'

class PupilReader {
  readonly #text: string
  readonly #tokens: readonly Token[]
  readonly #context: PupilContext
  /** Tokens, from and to, that are no part of the rest. */
  readonly #cuts: [from: number, to: number][] = []
  readonly #names: PupilName[] = []
  #isUnnamed = false
  #isOther = false
  #isInstead = false
  #renamed: PupilsSaid['renamed']

  constructor(text: string, context: PupilContext) {
    this.#text = text
    this.#tokens = tokensOf(text)
    this.#context = context
  }

  read(): PupilsSaid | undefined {
    for (let at = 0; at < this.#tokens.length; ) at = this.#readAt(at)
    if (this.#cuts.length === 0) this.#readNameAlone()
    if (this.#cuts.length === 0) return undefined
    return {
      rest: this.#rest(),
      names: this.#names,
      isUnnamed: this.#isUnnamed && this.#names.length === 0,
      isInstead: this.#isInstead,
      isOther: this.#isOther && this.#names.length === 0,
      ...(this.#renamed && { renamed: this.#renamed }),
    }
  }

  readAnswer(): string[] {
    let at = this.#phraseAt(0, NAME_IS)
    if (this.#plain(at) === ':') at++
    const names: string[] = []
    while (at < this.#tokens.length) {
      const found = this.#nameAt(at, 'called')
      if (found === undefined) return []
      names.push(found.name)
      at = found.end
      while (this.#isIn(AND, at) || /^[.!]$/.test(this.#plain(at))) at++
    }
    return names
  }

  /** Returns where to go on. */
  #readAt(at: number): number {
    return this.#renaming(at) ?? this.#instead(at) ?? this.#relation(at) ?? this.#named(at) ?? this.#other(at) ?? at + 1
  }

  /** `Bob heet eigenlijk Rob` */
  #renaming(at: number): number | undefined {
    const from = this.#knownAt(at)
    const after = from && this.#phraseAt(from.end, IS_REALLY)
    if (from === undefined || after === undefined || after === from.end) return undefined
    const to = this.#nameAt(after, 'called')
    if (to === undefined) return undefined
    this.#renamed = { from: from.name, to: to.name }
    return this.#cut(at, to.end)
  }

  /** `niet Bob maar Emma`, `nicht für Bob, sondern für Emma` */
  #instead(at: number): number | undefined {
    if (!this.#isIn(NOT, at)) return undefined
    const skip = (next: number) => (this.#isIn(BEFORE, next) ? next + 1 : next)
    const not = this.#nameAt(skip(at + 1), 'bare')
    if (not === undefined) return undefined
    let next = not.end
    while (this.#isIn(BUT, next)) next++
    const name = next === not.end ? undefined : this.#nameAt(skip(next), 'bare')
    // `niet voor Bob`: it is for nobody then.
    if (name === undefined) return not.end
    this.#add(name, 'maybe')
    this.#isInstead = true
    return this.#cut(at, name.end)
  }

  /** `voor mijn zoon Bob van 14` */
  #relation(at: number): number | undefined {
    const isFor = this.#isIn(BEFORE, at)
    let next = isFor ? at + 1 : at
    if (!this.#isIn(MY, next)) return undefined
    const place = GERMAN_MY.has(this.#plain(next)) ? 'germanRelation' : 'relation'
    const aged = ++next
    next = this.#ageAt(next, true)
    const related = next
    while (this.#isIn(RELATIONS, next) || (next > related && this.#isIn(AND, next) && this.#isIn(RELATIONS, next + 1)))
      next++
    if (next === related) return undefined
    const isChild = this.#tokens.slice(related, next).some(({ plain }) => CHILDREN.has(plain))
    if (!isFor && !isChild) return undefined
    // `mijn 14-jarige zoon`
    if (!isFor && related > aged) this.#cut(aged, related)
    const from = next
    next = this.#ageAt(next)
    const called = this.#phraseAt(next, CALLED)
    const isOnlyIs = called - next === 1 && IS.has(this.#plain(next))
    const names = this.#namesAt(
      called,
      called > next && !isOnlyIs ? 'called' : called > next ? 'germanRelation' : place,
    )
    const end = names === undefined ? next : this.#ageAt(names)
    if (names === undefined) this.#isUnnamed ||= isFor
    if (isFor) return this.#cut(at, end)
    return end > from ? this.#cut(from, end) : end
  }

  /** `voor Tim en Anna` */
  #named(at: number): number | undefined {
    if (!this.#isIn(BEFORE, at) || this.#isIn(NOT, at - 1)) return undefined
    const end = this.#namesAt(at + 1, 'bare')
    return end === undefined ? undefined : this.#cut(at, this.#ageAt(end))
  }

  #other(at: number): number | undefined {
    const start = this.#isIn(BEFORE, at) ? at + 1 : at
    const end = this.#phraseAt(start, OTHER)
    // `een andere leerling`
    const later = end === start ? this.#phraseAt(start + 1, OTHER) : end
    if (this.#context.known.length === 0 || (end === start && (start === at || later === start + 1))) return undefined
    this.#isOther = true
    return this.#cut(at, later)
  }

  /** `Emma deze keer graag` */
  #readNameAlone(): void {
    const names: PupilName[] = []
    for (let at = 0; at < this.#tokens.length; ) {
      const known = this.#knownAt(at)
      const isFiller = this.#isIn(FILLERS, at) || this.#isIn(AND, at) || /^[.!?:]$/.test(this.#plain(at))
      if (known === undefined && !isFiller) return
      if (known !== undefined) names.push({ name: known.name, is: 'known' })
      at = known?.end ?? at + 1
    }
    if (names.length === 0) return
    this.#names.push(...names)
    this.#cut(0, this.#tokens.length)
  }

  #namesAt(at: number, place: Place): number | undefined {
    let end: number | undefined
    let next = at
    do {
      const found = this.#nameAt(next, place)
      if (found === undefined) break
      this.#add(found, place === 'bare' ? 'maybe' : 'said')
      end = found.end
      next = end + 1
    } while (this.#isIn(AND, end))
    return end
  }

  #add({ name }: { name: string }, is: 'said' | 'maybe'): void {
    if (this.#names.some(each => each.name === name)) return
    this.#names.push({ name, is: this.#context.known.includes(name) ? 'known' : is })
  }

  #nameAt(at: number, place: Place): { name: string; end: number } | undefined {
    const known = this.#knownAt(at)
    if (known !== undefined) return known
    if (!this.#mayBeName(at, place)) return undefined
    let end = at + 1
    const hasSurname = place !== 'germanRelation' && !this.#context.hasCapitalNouns && isCapital(this.#tokens[at])
    for (let next = end; hasSurname && next < at + 4; next++) {
      if (this.#isIn(PARTICLES, next)) continue
      const token = this.#tokens[next]
      if (!isCapital(token) || this.#isNoName(token.plain) || this.#lengthOf(at, next + 1) > MAX_NAME_LENGTH) break
      end = next + 1
    }
    if (this.#lengthOf(at, end) > MAX_NAME_LENGTH) return undefined
    return { name: written(this.#textOf(at, end)), end }
  }

  #mayBeName(at: number, place: Place): boolean {
    const token = this.#tokens[at]
    if (token === undefined || !/^\p{L}{2}/u.test(token.raw)) return false
    const { plain } = token
    const [first = ''] = plain.split(' ')
    const hasCapital = isCapital(token)
    // `for Max 1 hour`
    const isBeforeNumber = /^\d/.test(this.#plain(at + 1))
    if (AMBIGUOUS.has(first)) return hasCapital && !isBeforeNumber && (place !== 'bare' || FIRST_NAMES.has(first))
    if (this.#isNoName(plain)) return false
    if (FIRST_NAMES.has(first)) return true
    const isAcronym = token.raw.length > 1 && token.raw === token.raw.toUpperCase()
    switch (place) {
      case 'called':
        return true
      case 'relation':
        return hasCapital && !isAcronym
      case 'germanRelation':
        return false
      case 'bare':
        // Who has named nobody yet may mean anything.
        return hasCapital && !isAcronym && !this.#context.hasCapitalNouns && this.#context.known.length > 0
    }
  }

  #isNoName(plain: string): boolean {
    return NO_NAMES.has(plain) || TIME_WORDS.has(plain) || RELATIONS.has(plain) || this.#context.isSubject(plain)
  }

  /** A pupil of the conversation, however it is written. */
  #knownAt(at: number): { name: string; end: number } | undefined {
    for (const name of this.#context.known) {
      const words = tokensOf(name).map(({ plain }) => plain)
      if (words.every((word, index) => this.#plain(at + index) === word)) return { name, end: at + words.length }
    }
    return undefined
  }

  /** The end of `van 14 (jaar)`, `(14)`, `14-jarige`; where it begins if it is none: `van 14 tot 16 uur`. */
  #ageAt(at: number, isBefore = false): number {
    let next = at
    while (!isBefore && (this.#isIn(AGED, next) || this.#plain(next) === '(' || this.#plain(next) === ',')) next++
    const age = Number(this.#plain(next))
    if (!(age >= MIN_AGE && age <= MAX_AGE)) return at
    const hasMark = next > at && this.#plain(next - 1) !== ','
    const afterAge = ++next
    while (this.#isIn(YEARS, next)) next++
    const hasYears = next > afterAge
    if (this.#plain(next) === ')') next++
    const isAlone =
      next === this.#tokens.length || /^[.,;!?]$/.test(this.#plain(next)) || /^\p{L}{2}/u.test(this.#plain(next))
    const isTime =
      TIME_AFTER.has(this.#plain(next)) || (/^[.:,]$/.test(this.#plain(next)) && /^\d/.test(this.#plain(next + 1)))
    if (!hasYears && !isBefore && (!hasMark || !isAlone || isTime)) return at
    return !hasYears && isBefore ? at : next
  }

  /** The end of the longest of these phrases that begins there; where it begins if there is none. */
  #phraseAt(at: number, phrases: readonly (readonly string[])[]): number {
    const found = phrases.find(words => words.every((word, index) => this.#plain(at + index) === word))
    return at + (found?.length ?? 0)
  }

  #isIn(words: ReadonlySet<string>, at: number): boolean {
    return words.has(this.#plain(at))
  }

  #plain(at: number): string {
    return this.#tokens[at]?.plain ?? ''
  }

  #textOf(from: number, to: number): string {
    return this.#text.slice((this.#tokens[from] as Token).from, (this.#tokens[to - 1] as Token).to)
  }

  #lengthOf(from: number, to: number): number {
    return this.#textOf(from, to).length
  }

  #cut(from: number, to: number): number {
    this.#cuts.push([from, to])
    return to
  }

  #rest(): string {
    let rest = ''
    let kept = 0
    for (const [from, to] of this.#cuts) {
      rest += `${this.#text.slice(kept, (this.#tokens[from] as Token).from)} `
      kept = (this.#tokens[to - 1] as Token).to
    }
    return (rest + this.#text.slice(kept)).replace(/[^\S\n]+/g, ' ').trim()
  }
}

/** Whether nothing else is said than for whom it is: `mijn zoon en mijn dochter` are named already. */
export function isNothingElse(rest: string): boolean {
  return wordsIn(rest).every(word => [FILLERS, AND, MY, RELATIONS].some(words => words.has(word)))
}

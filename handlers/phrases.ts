/**
 * Phrases that students write, as data: plain words, without accents, with single spaces between. `=` at the start: only as the whole message.
 * `annul*`: any ending (at least three letters before it). `..`: up to four words between.
 */
export class Phrases {
  /** By the first three characters of the first word. */
  readonly #all = new Map<string, Phrase[]>()

  constructor(phrases: Iterable<string>) {
    for (const phrase of phrases) {
      const isWhole = phrase.startsWith('=')
      const parts = phrase
        .slice(isWhole ? 1 : 0)
        .split(' ')
        .map(toPart)
      const key = keyOf((parts[0] as Part).text)
      this.#all.set(key, [...(this.#all.get(key) ?? []), { parts, isWhole }])
    }
  }

  /** Whether one of them is in the message. */
  isIn(words: readonly string[]): boolean {
    return words.some((word, at) => {
      return this.#beginningWith(word).some(({ parts, isWhole }) => !isWhole && endOf(parts, words, at) > at)
    })
  }

  /** Whether the message is made of them and fillers, and nothing else. */
  isAll(words: readonly string[], fillers: ReadonlySet<string>): boolean {
    let isFound = false
    for (let at = 0; at < words.length; ) {
      const word = words[at] as string
      const end = this.#beginningWith(word).reduce((end, { parts }) => Math.max(end, endOf(parts, words, at)), at)
      if (end === at && !fillers.has(word)) return false
      isFound ||= end > at
      at = Math.max(end, at + 1)
    }
    return isFound
  }

  #beginningWith(word: string): readonly Phrase[] {
    return this.#all.get(keyOf(word)) ?? NONE
  }
}

const NONE: readonly Phrase[] = []

/** @param phrases with commas between */
export function splitPhrases(phrases: string): string[] {
  return phrases.split(',').map(phrase => phrase.trim())
}

interface Phrase {
  parts: readonly Part[]
  isWhole: boolean
}

interface Part {
  text: string
  kind: 'word' | 'stem' | 'gap'
}

const MAX_GAP = 4

function toPart(written: string): Part {
  if (written === '..') return { text: '', kind: 'gap' }
  const isStem = written.endsWith('*')
  return { text: wordsIn(written)[0] as string, kind: isStem ? 'stem' : 'word' }
}

function keyOf(word: string): string {
  return word.slice(0, 3)
}

/** The position after a phrase that begins at `at`; -1: it does not. */
function endOf(parts: readonly Part[], words: readonly string[], at: number, index = 0): number {
  const part = parts[index]
  if (part === undefined) return at
  const word = words[at]
  if (word === undefined) return -1
  if (part.kind === 'gap') return endAfterGap(parts, words, at, index + 1)
  const fits = part.kind === 'word' ? word === part.text : word.startsWith(part.text)
  return fits ? endOf(parts, words, at + 1, index + 1) : -1
}

function endAfterGap(parts: readonly Part[], words: readonly string[], at: number, index: number): number {
  for (let from = at; from <= at + MAX_GAP; from++) {
    const end = endOf(parts, words, from, index)
    if (end > 0) return end
  }
  return -1
}

/** The words of a text, in lower case, without accents and apostrophes. */
export function wordsIn(text: string): string[] {
  const plain = text
    .toLowerCase()
    // `hoooi`; before the accents go, since `zeeën` is a word.
    .replace(/(\p{L})\1{2,}/gu, '$1')
    .normalize('NFD')
    // `I'll` is not `ill`.
    .replace(/['’]ll\b/gu, '')
    .replace(/[\p{M}'’‘`´]/gu, '')
    .replaceAll('ß', 'ss')
  return plain.match(/\p{L}+|\p{N}+/gu) ?? []
}

/** Corrects one wrong, missing, surplus or swapped letter, but not the first one, in known words of five or more. */
export class Spelling {
  readonly #known = new Set<string>()
  /** Too short to be corrected to. */
  readonly #short = new Set<string>()
  /** By what is left of a known word without one letter, with the letter's place. */
  readonly #shortened = new Map<string, { word: string; at: number }[]>()

  constructor(words: Iterable<string>) {
    for (const word of words) {
      if (word.length < 5) this.#short.add(word)
      if (word.length < 5 || this.#known.has(word)) continue
      this.#known.add(word)
      for (const { left, at } of shortenings(word)) {
        this.#shortened.set(left, [...(this.#shortened.get(left) ?? []), { word, at }])
      }
    }
  }

  correct(word: string): string {
    if (word.length < 4 || word.length > 20 || this.#known.has(word) || this.#short.has(word)) return word
    const missing = this.#shortened.get(word)?.[0]
    if (missing !== undefined) return missing.word
    for (const { left, at } of shortenings(word)) {
      if (this.#known.has(left)) return left
      // The same place: another letter; the next: two swapped.
      const near = this.#shortened.get(left)?.find(known => Math.abs(known.at - at) <= 1)
      if (near !== undefined) return near.word
    }
    return word
  }
}

function shortenings(word: string): { left: string; at: number }[] {
  return Array.from(word.slice(1), (_, index) => ({
    left: word.slice(0, index + 1) + word.slice(index + 2),
    at: index + 1,
  }))
}

/** A time that is said by another one: `een uur later`, `half an hour earlier`, `eine Stunde früher`. */

const AMOUNTS = [
  ['anderhalf uur(?:tje)?|an hour and a half|one and a half hours|anderthalb stunden', 90],
  ['half uur(?:tje)?|halfuur(?:tje)?|half an hour|half hour|halbe stunde', 30],
  ['kwartier(?:tje)?|quarter of an hour|viertelstunde', 15],
  ['(?:twee|2) uur(?:tjes)?|(?:two|2) hours|(?:zwei|2) stunden', 120],
  ['(?:een|1) uur(?:tje)?|uurtje|(?:an|one|1) hour|(?:eine|1) stunde', 60],
] as const
const LATER = 'later|spater'
const EARLIER = 'eerder|vroeger|earlier|sooner|fruher'
// `om 1 uur later` is no hour later.
const SHIFTS = AMOUNTS.map(([words, minutes]) => {
  const pattern = String.raw`(?<!\b(?:om|at|um|na|after|nach|tot|until|bis) )\b(?:${words}) (?:(${LATER})|${EARLIER})\b`
  return [new RegExp(pattern), minutes] as const
})
const NO = /\b(?:niet|geen|not|no|cant|nicht|kein\w*)\b/

/** By how many minutes a time shall be later (negative: earlier); undefined: nothing of the kind is said. */
export function shiftIn(text: string): number | undefined {
  const plain = text
    .toLowerCase()
    .normalize('NFD')
    .replace(/[\p{M}'’]/gu, '')
    .replace(/\s+/g, ' ')
  if (NO.test(plain)) return undefined
  for (const [pattern, minutes] of SHIFTS) {
    const found = pattern.exec(plain)
    if (found !== null) return found[1] === undefined ? -minutes : minutes
  }
  return undefined
}

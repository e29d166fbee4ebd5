import { wordsIn } from './phrases.ts'
import type { Services } from './services.ts'

/** What is to be taught, as a student names it: the attribute `service`, the calendar and the payment have it. */

/** undefined: none of the tutor's subjects is named. */
export function subjectIn({ tutor }: Pick<Services, 'tutor'>, text: string): string | undefined {
  const words = wordsIn(text)
  return tutor.subjects.find(({ phrases }) => phrases.isIn(words))?.name
}

/** How a student, or who pays for one, says for whom a lesson is. Lists have spaces between, phrases commas. */
export interface PupilWords {
  /** Before a name: `voor Bob`. */
  before: string
  /** Before a relation: `mijn zoon`. */
  my: string
  children: string
  /** Others: pupils only after `before`. `mijn broer Tom had ook les` tells something else. */
  relations: string
  /** Between a relation and a name: `mijn zoon heet Bob`. Phrases. */
  called: string
  and: string
  /** `niet Bob maar Emma`. */
  not: string
  but: string
  /** `Bob heet eigenlijk Rob`, with commas between. */
  isReally: string
  /** Another pupil, without a name: phrases. */
  other: string
  /** Around a name alone: `Emma deze keer graag`. */
  fillers: string
  /** What begins an answer with a name: phrases. */
  nameIs: string
  /** Between a relation and an age: `van 14`, `14 jaar`. */
  aged: string
  years: string
  /** `14-jarige` */
  yearsOld: string
  /** Its nouns have capitals: a capital makes no name. */
  hasCapitalNouns: boolean
  /** Never a name, beside words of time and the tutor's subjects. */
  noNames: string
}

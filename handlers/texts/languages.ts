/** The languages that students are answered in: a line for each. */
export { de } from './de.ts'
export { en } from './en.ts'
export { nl } from './nl.ts'

import { readFileSync } from 'node:fs'
import type { TutorSettings } from '../../tutor/settings.ts'

/** docs/tutor-settings.md, whose example the tests load. */

export const page = readFileSync(new URL('../../docs/tutor-settings.md', import.meta.url), 'utf8')

/** Its example: of a tutor in Antwerp. */
export const exampleText = (/```json\n(.*?)```/s.exec(page) as RegExpExecArray)[1] as string

export const example = () => JSON.parse(exampleText) as TutorSettings

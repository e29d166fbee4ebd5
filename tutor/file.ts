import { readFileSync } from 'node:fs'
import { OptionError } from '../inbox/errors.ts'
import { checkTutor } from './problems.ts'
import type { TutorSettings } from './settings.ts'

/** @throws {OptionError} that says what is wrong with the file, and how to fix it */
export function readTutorFile(file: string): TutorSettings {
  const settings = parse(file, read(file))
  checkTutor(settings, `${file}: `)
  return settings
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new OptionError(`${file} can't be read (${(error as Error).message}): give another path (TUTOR_FILE)`)
  }
}

function parse(file: string, text: string): unknown {
  try {
    // Editors on Windows begin files with a mark.
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new OptionError(`${file} is not JSON (${(error as Error).message})`)
  }
}

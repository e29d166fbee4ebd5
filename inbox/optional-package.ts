import { OptionError } from './errors.ts'

/**
 * Loads code that needs packages which an install may leave out (`npm ci --omit=optional`).
 * @param user what asks for them, as an option or a variable
 * @throws {OptionError} that says what to install
 */
export async function loadOptional<T>(user: string, packages: readonly string[], load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' && packages.some(name => message.includes(`'${name}'`))
    if (!isMissing) throw error
    throw new OptionError(`${user} needs packages that are not installed: npm install ${packages.join(' ')}`)
  }
}

/** A finding of `doctor`. */

export interface Check {
  state: 'ok' | 'warn' | 'wrong'
  what: string
  /** The finding, and how to fix it. */
  says: string
}

const check =
  (state: Check['state']) =>
  (what: string, says: string): Check => ({ state, what, says })
export const ok = check('ok')
export const warn = check('warn')
export const wrong = check('wrong')

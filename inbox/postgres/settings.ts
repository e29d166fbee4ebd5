import pg from 'pg'
import { readPostgresUrl } from './connection.ts'

/** A database setting that is not as it should be. */
export interface SettingProblem {
  /** Acknowledged deliveries can be lost. */
  isDangerous: boolean
  /** What it is, its consequence, and how to fix it. */
  says: string
}

const SETTINGS = ['fsync', 'full_page_writes', 'synchronous_commit', 'default_transaction_isolation'] as const

/** The settings of a database that endanger deliveries, or that this program overrides. */
export async function settingProblems(url: string): Promise<SettingProblem[]> {
  const client = new pg.Client(readPostgresUrl(url))
  await client.connect()
  try {
    const { rows } = await client.query<Record<(typeof SETTINGS)[number], string>>(
      `SELECT ${SETTINGS.map(name => `current_setting('${name}') AS ${name}`).join(', ')}`,
    )
    return judge(rows[0] as Record<(typeof SETTINGS)[number], string>)
  } finally {
    await client.end()
  }
}

/** @param settings of a new connection */
function judge(settings: Record<(typeof SETTINGS)[number], string>): SettingProblem[] {
  const found: SettingProblem[] = []
  if (settings.fsync === 'off') {
    const says = 'fsync is off: a power cut can lose acknowledged deliveries, and the database; set fsync = on'
    found.push({ isDangerous: true, says })
  }
  if (settings.full_page_writes === 'off') {
    const says =
      'full_page_writes is off: unless the file system never writes half a page (as ZFS), a power cut can damage the database; set full_page_writes = on'
    found.push({ isDangerous: false, says })
  }
  if (settings.synchronous_commit === 'off') {
    const says =
      'synchronous_commit is off by default here: this program turns it on for its own transactions, others may lose theirs'
    found.push({ isDangerous: false, says })
  }
  if (settings.default_transaction_isolation !== 'read committed') {
    const says = `default_transaction_isolation is ${settings.default_transaction_isolation}: this program asks for read committed in its own transactions`
    found.push({ isDangerous: false, says })
  }
  return found
}

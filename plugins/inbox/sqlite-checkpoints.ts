import { once } from 'node:events'
import { setPriority } from 'node:os'
import { DatabaseSync } from 'node:sqlite'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

/** Commits between two rounds of the worker. */
const COMMITS = 24
/** Passes of one round: each copies what was committed during the one before it. */
const PASSES = 4
/** Pages of the log that are left to the main thread, which takes some 2 ms for them. */
const REST = 256
/** Pages of the log (128 MiB) at which the main thread copies them all, however long it takes. */
const TOO_MANY = 16_384

interface Progress {
  /** Pages in the log, and how many of them are copied. */
  log: number
  checkpointed: number
}

/**
 * Copies what is committed from the log (WAL) into the file, in a thread of low priority, so that no delivery waits for
 * it. SQLite's own checkpoints, in the commit that makes the log long, held up the deliveries of that commit for 10 to
 * 30 ms. The log begins anew only when all of it is copied and nobody writes: the main thread copies the last pages.
 */
export function startCheckpoints(db: DatabaseSync, file: string) {
  db.exec('PRAGMA wal_autocheckpoint = 0')
  const finish = db.prepare('PRAGMA wal_checkpoint(PASSIVE)')
  const worker = new Worker(import.meta.filename, {
    workerData: { checkpoints: file },
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 },
  })
  let commits = 0
  let atWork = false

  worker.on('message', ({ log, checkpointed }: Progress) => {
    atWork = false
    if (log - checkpointed <= REST || log > TOO_MANY) finish.run()
    else commits = COMMITS
  })
  // Without the thread, checkpoints are as they would be without this file.
  worker.on('error', () => db.isOpen && db.exec('PRAGMA wal_autocheckpoint = 1000'))

  return {
    /** Counts a commit. */
    committed(): void {
      if (++commits < COMMITS || atWork) return
      commits = 0
      atWork = true
      worker.postMessage('copy')
    },
    async close(): Promise<void> {
      worker.postMessage('close')
      await once(worker, 'exit')
    },
  }
}

function copyOnDemand(file: string): void {
  // Of this thread only: on Linux, 0 is the calling thread.
  setPriority(0, 10)
  const db = new DatabaseSync(file)
  const checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)')
  parentPort?.on('message', order => {
    if (order === 'close') {
      db.close()
      parentPort?.close()
      return
    }
    let progress = checkpoint.get() as unknown as Progress
    for (let pass = 1; pass < PASSES && progress.log - progress.checkpointed > REST; pass++) {
      progress = checkpoint.get() as unknown as Progress
    }
    parentPort?.postMessage({ log: progress.log, checkpointed: progress.checkpointed })
  })
}

if (!isMainThread && workerData?.checkpoints !== undefined) copyOnDemand(workerData.checkpoints)

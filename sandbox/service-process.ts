import type { EventEmitter } from 'node:events'

/** The service as a child process of the sandbox, which can be killed and started again. */
export interface ServiceControl {
  /** stopped: it was killed, or ended by itself; `lastLines` says what it wrote before. */
  state(): 'starting' | 'running' | 'stopped'
  /** Where it listens, on the same port at each start; undefined: it has never listened. */
  url(): string | undefined
  /** The latest lines of its log, as they are shown. */
  lastLines(): readonly string[]
  /** Ends it as `kill -9` does. Resolves when it is gone. */
  kill(): Promise<void>
  /** Starts it again. Resolves when it listens, or when it has ended instead. */
  start(): Promise<void>
  events: EventEmitter<{ changed: [] }>
}

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'

/*
 * A child process ends with its test, however the test ends: tap waits for the pipes of every process that has inherited
 * them, so one child that outlives a killed test would hold up the whole run.
 */

/**
 * It is told which processes are alive, and kills them when the test process is gone, which closes its stdin: SIGKILL
 * leaves a process no time to do that itself. A shell, because it starts in a millisecond.
 */
const KEEPER = `
tree() {
  echo "$1"
  for child in $(cat /proc/"$1"/task/*/children); do tree "$child"; done
}
living=' '
while read -r what pid; do
  case "$what" in
    begun) living="$living$pid " ;;
    ended) living="\${living%% "$pid" *} \${living#* "$pid" }" ;;
  esac
done
for leader in $living; do
  # Its descendants too: PostgreSQL's are no members of its process group.
  for pid in $(tree "$leader"); do kill -KILL "$pid"; done
  kill -KILL -- "-$leader"
done`

const living = new Set<number>()
let keeper: ChildProcess | undefined

/** Like `spawn` of node:child_process, but the process and all that it starts end with this one. */
export const startChild = ((command: string, args: readonly string[], options: SpawnOptions) => {
  // Leads its own process group.
  const child = spawn(command, args, { ...options, detached: true })
  child.once('exit', () => killGroup(child.pid))
  endWithTest(child)
  return child
}) as typeof spawn

/** For a process that something else has spawned. */
export function endWithTest(child: ChildProcess): void {
  const { pid } = child
  // It could not be started; its `error` event says so.
  if (pid === undefined) return
  // It inherits none of the test's own handles, and Ctrl-C reaches only the test.
  keeper ??= spawn('sh', ['-c', KEEPER], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  living.add(pid)
  keeper.stdin?.write(`begun ${pid}\n`)
  child.once('exit', () => {
    living.delete(pid)
    keeper?.stdin?.write(`ended ${pid}\n`)
    if (living.size > 0) return
    keeper?.stdin?.end()
    keeper = undefined
  })
}

function killGroup(leader: number | undefined): void {
  try {
    process.kill(-Number(leader), 'SIGKILL')
  } catch {
    // ESRCH: the group is empty.
  }
}

import { spawnSync } from 'node:child_process'
import {
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { isInstalled, systemPath } from '../helpers/installed.ts'
import { type Program, startProgram } from '../helpers/program.ts'
import { inTime } from '../helpers/wait.ts'

/** Builds the image with Debian's buildah, and runs it. All that this leaves is in one folder, which is removed. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Debian's packages that Node, npm and the Containerfile need, unpacked and no more: no image registry is asked. */
const PACKAGES = 'base-files,dash,coreutils,findutils,libstdc++6'
/** Where the machine's certificates are while npm runs. */
const CERTIFICATES = '/tmp/certificates.crt'
/** The user of the Containerfile. */
export const USER = 10001

/** Whether images can be built here; where CI requires it, that they can't is a failure. */
export function canBuildImages(t: Test): boolean {
  const found = [isInstalled(t, 'buildah', '--version'), isInstalled(t, 'mmdebstrap', '--version')]
  if (found.includes(false)) return false
  if (process.getuid?.() === 0 && canUnshare()) return true
  const message = 'only root, with the right to make namespaces, can build and run images: the container is NOT TESTED'
  if (process.env.REQUIRE_BUILDAH === '1') t.fail(message)
  else t.comment(`!!! ${message}`)
  return false
}

/** Not in every container. */
function canUnshare(): boolean {
  return spawnSync('unshare', ['--mount', '--pid', '--fork', 'true']).status === 0
}

/** Runs a program to its end, and gives what it wrote to stdout. Rejects with all that it wrote, if it fails. */
async function run(command: string[], env = systemPath()): Promise<string> {
  const program = startProgram(`${command[0]}`, command, {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const code = await inTime(program.ended, { what: `${command.join(' ')} to end`, seen: () => program.written })
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}:\n${program.written.slice(-50).join('\n')}`)
  return program.lines.join('\n')
}

/** What an image says about itself. */
export interface ImageConfig {
  User: string
  Env: string[]
  Entrypoint: string[]
  Volumes: Record<string, object>
  WorkingDir: string
  StopSignal: string
  Healthcheck: { Test: string[] }
}

export interface Image {
  config: ImageConfig
  /** A folder of the container's user: a volume, or one with files that only this user can read. */
  folder(name: string, files?: Record<string, string>): string
  /** A new container of it. */
  container(): Promise<Container>
  remove(): Promise<void>
}

export interface RunOptions {
  env?: Record<string, string>
  /** Folders of this machine, by their path in the container. */
  volumes?: Record<string, string>
  /** In place of the image's entry point. */
  command?: string[]
}

export interface Container {
  /** Runs the image's entry point, or another command, with buildah. */
  run(options: RunOptions): Program
  /** The same as process 1 of its own, with a root file system that can't be written to: what compose.yaml asks for. */
  runReadOnly(options: RunOptions): Program
  /** All files of the container with what tells that they have changed. */
  files(): Promise<string[]>
}

/** Builds a base from Debian's packages, this Node and the machine's npm, and the image on it. */
export async function buildImage(): Promise<Image> {
  const host = mkdtempSync(join(tmpdir(), 'tutorbot-container-'))
  const buildah = ['buildah', '--root', join(host, 'images'), '--runroot', join(host, 'run'), '--storage-driver', 'vfs']
  const build = ['bud', '--quiet', '--isolation', 'chroot', '--format', 'docker']
  const remove = async () => {
    await run([...buildah, 'rm', '--all'])
    rmSync(host, { recursive: true, force: true })
  }
  try {
    await makeBase(join(host, 'base'))
    writeFileSync(join(host, 'Base'), 'FROM scratch\nCOPY . /\n')
    await run([...buildah, ...build, '--tag', 'localhost/base', '--file', join(host, 'Base'), join(host, 'base')])
    const npmrc = await npmSettings(host)
    await run([
      ...buildah,
      ...build,
      ...['--build-arg', 'BASE=localhost/base', '--secret', `id=npmrc,src=${npmrc.file}`],
      ...(npmrc.certificates === undefined ? [] : ['--volume', `${npmrc.certificates}:${CERTIFICATES}:ro`]),
      ...['--tag', 'localhost/tutorbot-webhooks', '.'],
    ])
    const inspected = await run([...buildah, 'inspect', '--type', 'image', 'localhost/tutorbot-webhooks'])
    const { config } = JSON.parse(inspected).Docker as { config: ImageConfig }
    return {
      config,
      folder: (name, files = {}) => ownFolder(join(host, name), files),
      async container() {
        const name = await run([...buildah, 'from', 'localhost/tutorbot-webhooks'])
        return container({ buildah, name, config, root: await run([...buildah, 'mount', name]) })
      },
      remove,
    }
  } catch (error) {
    await remove()
    throw error
  }
}

async function makeBase(base: string): Promise<void> {
  // This machine's own release, whose keys it has.
  const release = `${/^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]}`
  await run(['mmdebstrap', '--quiet', '--variant=extract', '--mode=root', `--include=${PACKAGES}`, release, base])
  const modules = join(base, 'usr/local/lib/node_modules')
  for (const folder of [modules, join(base, 'usr/local/bin')]) mkdirSync(folder, { recursive: true })
  copyFileSync(process.execPath, join(base, 'usr/local/bin/node'))
  // Its own folder, from the link on the path: npm goes by where Node is for its global one.
  const npm = dirname(dirname(realpathSync(await run(['sh', '-c', 'command -v npm']))))
  cpSync(npm, join(modules, 'npm'), { recursive: true })
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(base, 'usr/local/bin/npm'))
  // What the packages' scripts would have made.
  writeFileSync(join(base, 'etc/passwd'), 'root:x:0:0:root:/tmp:/bin/sh\n')
  writeFileSync(join(base, 'etc/group'), 'root:x:0:\n')
}

/** npm's own settings on this machine, as a file that the build gets as a secret, and the certificates that it trusts. */
async function npmSettings(host: string): Promise<{ file: string; certificates: string | undefined }> {
  // Its whole environment: under `npm test`, the settings are there.
  const setting = (name: string) => run(['npm', 'config', 'get', name], process.env)
  const [registry, cafile] = [await setting('registry'), await setting('cafile')]
  const certificates = existsSync(cafile) ? cafile : process.env.NODE_EXTRA_CA_CERTS
  const userconfig = await setting('userconfig')
  const own = existsSync(userconfig) ? readFileSync(userconfig, 'utf8') : ''
  const lines = own.split('\n').filter(line => !/^\s*(registry|cafile)\s*=/.test(line))
  const file = join(host, 'npmrc')
  const more = certificates === undefined ? [] : [`cafile=${CERTIFICATES}`]
  writeFileSync(file, [...lines, `registry=${registry}`, ...more, ''].join('\n'), { mode: 0o600 })
  return { file, certificates }
}

function ownFolder(path: string, files: Record<string, string>): string {
  mkdirSync(path, { mode: 0o700 })
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(path, name), content, { mode: 0o400 })
    chownSync(join(path, name), USER, USER)
  }
  chownSync(path, USER, USER)
  return path
}

/** What a container runtime does: a bound root, the volumes, empty folders of the kernel's, and then nothing to write. */
const READ_ONLY = `
set -eu
root=$1; shift
mount --bind "$root" "$root"
while [ "$1" != -- ]; do mkdir -p "$root$2"; mount --bind "$1" "$root$2"; shift 2; done
shift
mount -t tmpfs tmpfs "$root/tmp"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount -o remount,bind,ro "$root"
exec setpriv --no-new-privs chroot --userspec "$USERS" "$root" env -i "$@"`

interface Made {
  buildah: string[]
  name: string
  config: ImageConfig
  /** Its file system, as this machine sees it. */
  root: string
}

function container({ buildah, name, config, root }: Made): Container {
  const start = (command: string[], env = systemPath()) =>
    startProgram(name, command, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] })
  return {
    run({ env = {}, volumes = {}, command = config.Entrypoint }) {
      const mounts = Object.entries(volumes).flatMap(([inside, folder]) => ['--volume', `${folder}:${inside}`])
      const variables = Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`])
      return start([...buildah, 'run', '--isolation', 'chroot', ...mounts, ...variables, name, '--', ...command])
    },
    runReadOnly({ env = {}, volumes = {}, command = config.Entrypoint }) {
      const mounts = Object.entries(volumes).flatMap(([inside, folder]) => [folder, inside])
      const variables = [...config.Env, ...Object.entries(env).map(([key, value]) => `${key}=${value}`)]
      return start(
        [
          ...['unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', READ_ONLY, 'sh'],
          ...[root, ...mounts, '--', ...variables, ...command],
        ],
        { ...systemPath(), USERS: config.User },
      )
    },
    files: () => filesOf(root),
  }
}

/** Folders by their owner only: a container's start makes the places of its mounts, and takes them away. */
async function filesOf(root: string): Promise<string[]> {
  const found = ['-type', 'd', '-printf', '%P %m %U\\n', '-o', '-printf', '%P %m %U %s %T@ %C@\\n']
  const list = await run(['find', root, '-xdev', '-path', `${root}/dev`, '-prune', '-o', ...found])
  return list.split('\n').sort()
}

/** The process's own number on this machine, and whose it is. */
export function processOf(pid: number): { uid: number; namespaces: number[]; privileges: string } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string) => `${new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(status)?.[1]}`.split(/\s+/)
  return {
    uid: Number(field('Uid')[0]),
    namespaces: field('NSpid').map(Number),
    privileges: `${field('CapEff')[0]}`,
  }
}

/** The descendant of a process that has no children: the service, under what has started it. */
export function serviceOf({ child }: Program): number {
  let pid = child.pid as number
  for (;;) {
    // Each thread has its own: buildah has several.
    const threads = readdirSync(`/proc/${pid}/task`)
    const [child] = threads
      .flatMap(thread => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' '))
      .filter(Boolean)
    if (child === undefined) return pid
    pid = Number(child)
  }
}

import { readGivenEnv } from '../environment.ts'
import { sandboxWanted } from './wanted.ts'

/** What `npm start` runs: the sandbox if nothing is configured, else the server, of which it then loads nothing more. */
export async function run(): Promise<void> {
  try {
    const { config, given } = await readGivenEnv({})
    const { sandbox, because } = sandboxWanted({
      asked: config.SANDBOX === true ? 'SANDBOX is true' : config.SANDBOX,
      given,
      environment: process.env,
      terminal: process.stdout.isTTY === true,
    })
    if (sandbox) {
      const { runSandbox } = await import('../sandbox/run.ts')
      return await runSandbox(config)
    }
    const { start } = await import('../server.ts')
    const app = await start({ config })
    if (because !== undefined) app.log.info(`sandbox: off, ${because}`)
  } catch (error) {
    const { explainFailure } = await import('../server.ts')
    console.error(explainFailure(error))
    process.exit(1)
  }
}

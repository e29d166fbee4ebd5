import t from 'tap'
import { isInstalled } from '../helpers/installed.ts'
import { startCaddy } from './caddy.ts'
import { testProxy } from './proxies.ts'

if (isInstalled(t, 'caddy', 'version')) testProxy(t, startCaddy, { triesAgain: false, waits: false })

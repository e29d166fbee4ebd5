import t from 'tap'
import { isInstalled } from '../helpers/installed.ts'
import { startNginx } from './nginx.ts'
import { testProxy } from './proxies.ts'

if (isInstalled(t, 'nginx', '-v')) testProxy(t, startNginx, { triesAgain: true, waits: false })

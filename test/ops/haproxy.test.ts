import t from 'tap'
import { isInstalled } from '../helpers/installed.ts'
import { startHaproxy } from './haproxy.ts'
import { testProxy } from './proxies.ts'

if (isInstalled(t, 'haproxy', '-v')) testProxy(t, startHaproxy, { triesAgain: true, waits: true })

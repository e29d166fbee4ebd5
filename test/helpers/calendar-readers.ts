import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import ICAL from 'ical.js'
import { DateTime } from 'luxon'
import nodeIcal from 'node-ical'
import { startChild } from './child.ts'

/** What a calendar program shows of an event. */
export interface ShownEvent {
  summary: string
  /** ISO 8601, UTC. */
  start: string
  end: string
  /** '': none. */
  location: string
  description: string
  hasAlarm: boolean
  /** undefined: this program does not show it. */
  status: string | undefined
}

/** Reads the file `feed.ics` of a folder, which it may use. */
export type Reader = (folder: string) => Promise<ShownEvent[]>

/** As the programs show them. */
const ZONE = 'Europe/Amsterdam'
const [FIELD, RECORD] = ['\x1f', '\x1e']

/** The library in Thunderbird. @param text the file */
export function readByIcalJs(text: string): ShownEvent[] {
  const calendar = new ICAL.Component(ICAL.parse(text))
  return calendar.getAllSubcomponents('vevent').map(component => {
    const event = new ICAL.Event(component)
    const iso = (time: InstanceType<typeof ICAL.Time>) => time.toJSDate().toISOString()
    return {
      summary: event.summary,
      start: iso(event.startDate),
      end: iso(event.endDate),
      location: event.location ?? '',
      description: event.description ?? '',
      hasAlarm: component.getFirstSubcomponent('valarm') !== null,
      status: String(component.getFirstPropertyValue('status')),
    }
  })
}

/** The library in many home dashboards. @param text the file */
export function readByNodeIcal(text: string): ShownEvent[] {
  const events = Object.values(nodeIcal.sync.parseICS(text)).filter(component => component?.type === 'VEVENT')
  return events.map(({ summary, start, end, location, description, alarms, status }) => ({
    summary: String(summary),
    start: start.toISOString(),
    end: (end as Date).toISOString(),
    location: String(location ?? ''),
    description: String(description ?? ''),
    hasAlarm: alarms !== undefined,
    status,
  }))
}

/** A program for the terminal, on Python's icalendar. */
export const readByKhal: Reader = async folder => {
  const formats = ['time', 'date', 'longdate', 'datetime', 'longdatetime'].map(name => {
    const parts = [name.includes('date') && '%Y-%m-%d', name.includes('time') && '%H:%M'].filter(Boolean)
    return `${name}format = ${parts.join(' ')}`
  })
  const zones = [`local_timezone = ${ZONE}`, `default_timezone = ${ZONE}`]
  const lines = ['[calendars]', '[[lessons]]', `path = ${folder}`, '[locale]', ...zones, ...formats]
  const config = join(folder, 'khal.conf')
  writeFileSync(config, [...lines, '[sqlite]', `path = ${join(folder, 'khal.db')}`, ''].join('\n'))
  const fields = ['title', 'start-date} {start-time', 'end-date} {end-time', 'location', 'description']
  const format = [...fields, 'alarm-symbol', 'status'].map(name => `{${name}}`).join(FIELD) + RECORD
  const args = ['--no-color', '-c', config, 'printics', '--format', format, join(folder, 'feed.ics')]
  const stdout = await outputOf('khal', args)
  // Its first line says how many there are.
  return recordsOf(stdout.slice(stdout.indexOf('\n') + 1)).map(record => {
    const [summary = '', start = '', end = '', location = '', description = '', alarm = '', status = ''] = record
    const hasAlarm = alarm.trim() !== ''
    return { summary, start: utc(start), end: utc(end), location, description, hasAlarm, status: status.trim() }
  })
}

/** A program for the terminal with a parser of its own; it refuses many files. */
export const readByCalcurse: Reader = async folder => {
  const data = join(folder, 'calcurse')
  mkdirSync(data)
  const calcurse = (...args: string[]) => outputOf('calcurse', ['-D', data, '-C', data, ...args])
  await calcurse('-i', join(folder, 'feed.ics'))
  const format = ['%m', '%(start:%Y-%m-%d %H:%M)', '%(end:%Y-%m-%d %H:%M)', '%N', '%(raw)'].join(FIELD) + RECORD
  const stdout = await calcurse('-G', '--format-apt', format)
  return recordsOf(stdout).map(([summary = '', start = '', end = '', note = '', raw = '']) => {
    const lines = note.split('\n').map(line => line.replace('\t', ''))
    const [description = '', location = ''] = lines.join('\n').split(/^-- $/m)
    return {
      summary,
      start: utc(start),
      end: utc(end),
      location: location.trim().replace(/^Location: /, ''),
      description: description.trim().replace(/^No note file found$/, ''),
      // What it notifies of begins so in its own file.
      hasAlarm: raw.trimEnd().endsWith(`!${summary}`),
      status: undefined,
    }
  })
}

function recordsOf(output: string): string[][] {
  const records = output.split(RECORD).slice(0, -1)
  return records.map(record => record.trimStart().split(FIELD))
}

function utc(local: string): string {
  return DateTime.fromSQL(local, { zone: ZONE }).toUTC().toISO() as string
}

function outputOf(command: string, args: string[]): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, TZ: ZONE, LC_ALL: 'C.UTF-8' }
  const child = startChild(command, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  return text(child.stdout as NodeJS.ReadableStream)
}

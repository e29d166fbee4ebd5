import { PermanentError } from '../inbox/errors.ts'
import { asArray, asId, asObject, isObject } from './json.ts'

/**
 * Reads a value from outside as its declared type. A value of another type counts as missing; a required one that is
 * missing makes the delivery unreadable.
 * @param path of the value in its payload, for the error
 * @throws {PermanentError}
 */
export type Read<T> = (value: unknown, path: string) => T

export const text: Read<string> = value => (typeof value === 'string' ? value : '')
export const textOrNull: Read<string | null> = value => (typeof value === 'string' ? value : null)
export const numberOrNull: Read<number | null> = value => (typeof value === 'number' ? value : null)
/** NaN if it is not a number, which no sum or comparison takes for one. */
export const number: Read<number> = value => (typeof value === 'number' ? value : Number.NaN)
export const yesOrNo: Read<boolean> = value => value === true
/** Custom attributes: any names, any types. */
export const attributes: Read<Record<string, unknown>> = value => asObject(value)

/** A Chatwoot id: a number, also if written as a string. */
export const numericId: Read<number> = (value, path) => {
  const id = numericIdOrNull(value, path)
  if (id === null) throw new PermanentError(`${path} is missing or not an id`)
  return id
}

export const numericIdOrNull: Read<number | null> = value => {
  const id = asId(value)
  const numeric = Number(id)
  return id !== undefined && /^\d+$/.test(id) && Number.isSafeInteger(numeric) ? numeric : null
}

/** A list of one type; empty if it is not a list. */
export function listOf<T>(read: Read<T>): Read<T[]> {
  return (value, path) => asArray(value).map((item, index) => read(item, `${path}[${index}]`))
}

/** Readers of an object's fields; the compiler names missing ones. */
export type Fields<T> = { [Name in keyof T]-?: Read<T[Name]> }

/** An object with these fields; unnamed fields are kept as received. */
export function objectOf<T>(fields: Fields<T>): Read<T> {
  const names = Object.keys(fields) as (keyof T & string)[]
  return (value, path) => {
    const object: Record<string, unknown> = { ...asObject(value) }
    for (const name of names) object[name] = fields[name](object[name], path === '' ? name : `${path}.${name}`)
    return object as T
  }
}

/** null: not an object, or without an id. */
export function withIdOrNull<T extends { id: number }>(fields: Fields<T>): Read<T | null> {
  const read = objectOf(fields)
  return (value, path) => (isObject(value) && numericIdOrNull(value.id, path) !== null ? read(value, path) : null)
}

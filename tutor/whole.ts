import type { LanguageCode, OfferedLanguages } from '../handlers/texts/index.ts'
import type { AddedWords } from '../handlers/wishes.ts'
import { DEFAULTS, type WholePlanning } from './defaults.ts'
import type {
  CancellationSettings,
  LessonSettings,
  MenuStep,
  MovingSettings,
  OwnItemSettings,
  PaymentSettings,
  PlanningName,
  ReminderSettings,
  SubjectSettings,
  TextSettings,
  TutorSettings,
  WeeklySettings,
} from './settings.ts'

/** Every setting in its written form: the given ones, and the defaults for the rest. */
export interface WholeSettings extends OfferedLanguages {
  name: string | undefined
  texts: TextSettings
  words: AddedWords
  payment: Required<PaymentSettings>
  cancellation: Required<CancellationSettings>
  moving: Required<MovingSettings>
  reminders: Required<ReminderSettings>
  weekly: Required<WeeklySettings>
  handOver: { hours: number }
  menu: readonly (MenuStep | OwnItemSettings)[]
  planning: Record<PlanningName, WholePlanning>
  closed: readonly string[]
  lessons: readonly LessonSettings[]
  subjects: readonly (string | SubjectSettings)[]
}

/** @param options checked */
export function wholeOf(options: TutorSettings): WholeSettings {
  // Without what is undefined.
  const {
    name,
    planning: given = {},
    closed = DEFAULTS.closed,
    lessons = DEFAULTS.lessons,
    subjects = DEFAULTS.subjects,
    languages = DEFAULTS.languages,
    defaultLanguage = languages.find(code => code === DEFAULTS.defaultLanguage) ?? (languages[0] as LanguageCode),
    texts = DEFAULTS.texts,
    menu = DEFAULTS.menu,
    words = DEFAULTS.words,
    payment,
    cancellation,
    moving,
    reminders,
    weekly,
    handOver,
  }: TutorSettings = JSON.parse(JSON.stringify(options))
  return {
    planning: mapValues(DEFAULTS.planning, (preset, name) => ({ ...preset, ...given.all, ...given[name] })),
    name,
    closed,
    lessons,
    subjects,
    languages,
    defaultLanguage,
    texts,
    menu,
    words,
    payment: { ...DEFAULTS.payment, ...payment },
    cancellation: { ...DEFAULTS.cancellation, ...cancellation },
    moving: { ...DEFAULTS.moving, ...moving },
    reminders: { ...DEFAULTS.reminders, ...reminders },
    weekly: { ...DEFAULTS.weekly, ...weekly },
    handOver: { ...DEFAULTS.handOver, ...handOver },
  }
}

export function mapValues<Name extends string, From, To>(
  record: Readonly<Record<Name, From>>,
  map: (value: From, name: Name) => To,
): Record<Name, To> {
  const entries = Object.entries(record) as [Name, From][]
  return Object.fromEntries(entries.map(([name, value]) => [name, map(value, name)])) as Record<Name, To>
}

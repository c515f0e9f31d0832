import { describe, expect, it } from 'vitest'
import { shownPath } from '../../src/journal/path.ts'

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2ln'

describe('a path that is told', () => {
  it.each([
    '',
    '/',
    '/api/v2/taxexempt/123456789/',
    '/api/v2//x',
    '/api/v2/annual-report-on-the-state-of-all-things-2026/',
    '/api/v2/%C3%BCbersicht-%C3%BCber-die-lage-der-dinge-im-ganzen-land/',
    '/api/v2/survey/surveyJuly2026/keyJsonSchema',
    `/api/v2/${'0123456789abcdef'.repeat(2).slice(1)}/`,
    '/api/v2/50%/x',
  ])('is %s as it is', (path) => {
    expect(shownPath(path)).toBe(path)
  })

  it.each([
    ['a JWT', `/api/v2/x/${JWT}/y`, '/api/v2/x/{…}/y'],
    ['a JWT that is escaped', `/x/${JWT.replace('eyJ', '%65yJ').replace('.', '%2E')}`, '/x/{…}'],
    ['a short JWT', '/x/eyJ9fQ-a.b.c', '/x/{…}'],
    ['a JWT behind a name', `/x/token=${JWT}`, '/x/{…}'],
    ['32 digits and letters', `/x/${'0123456789abcdef'.repeat(2)}/`, '/x/{…}/'],
    ['a UUID', '/x/0f8fad5b-d9cb-469f-a165-70867728950e', '/x/{…}'],
    ['letters of both cases', `/x/${'qWeRtYuIoP'.repeat(4)}`, '/x/{…}'],
    ['Base64 that is escaped', `/x/${encodeURIComponent(`${'aB3/+'.repeat(8)}==`)}`, '/x/{…}'],
    ['what cannot be unescaped', `/x/%zz${'aB3'.repeat(12)}`, '/x/{…}'],
    ['one long word', `/x/${'a'.repeat(32)}`, '/x/{…}'],
  ])('has {…} in place of %s', (_, path, told) => {
    expect(shownPath(path)).toBe(told)
  })

  it.each([
    ['/api/v2/x;sid=secret/y', '/api/v2/x/y'],
    ['/api/v2/x;sid=secret;b', '/api/v2/x'],
    ['/api/v2/x%3Bsid=secret/y', '/api/v2/x/y'],
    ['/api/v2/x%253Bsid=secret/y', '/api/v2/x/y'],
    ['/api/v2/x/?token=secret', '/api/v2/x/'],
    ['/api/v2/x%3ftoken=secret', '/api/v2/x'],
    ['/api/v2/x#secret', '/api/v2/x'],
    ['/api/v2/x%23secret', '/api/v2/x'],
  ])('%s has no parameters and no query', (path, told) => {
    expect(shownPath(path)).toBe(told)
  })

  it('is cut where it is endless, and no beginning of a secret is left', () => {
    const told = shownPath(`${'/x'.repeat(990)}/${'aB3'.repeat(1_000)}`)
    expect(told).toBe(`${'/x'.repeat(990)}/{…}`)
    expect(shownPath('/abc'.repeat(250_000))).toHaveLength(2_000)
    expect(shownPath(`/${'a-'.repeat(500_000)}`)).toBe(`/${'a-'.repeat(500_000)}`.slice(0, 2_000))
  })
})

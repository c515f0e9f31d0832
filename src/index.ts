export { createAuthClient } from './client/client.ts'
export type { Credentials, CredentialsOption } from './client/credentials.ts'
export type {
  AuthEvent,
  AuthEventOf,
  ErrorEvent,
  FindingEvent,
  RequestEvent,
  TransitionEvent,
} from './client/events.ts'
export type { AuthClient, AuthClientOptions, TokenOptions } from './client/face.ts'
export type { LifecycleSnapshot } from './client/snapshot.ts'
export type { AuthStatus } from './client/status.ts'
export type { Clock, TimerHandle } from './clock.ts'
export { systemClock } from './clock.ts'
export type { AuthErrorCode, AuthErrorDetails } from './errors.ts'
export { AuthError } from './errors.ts'
export type { FetchLike } from './http/api-fetch.ts'
export type { Policy, PolicyOptions } from './policy/schema.ts'
export { Secret } from './secret.ts'
export { memoryStore } from './store/memory.ts'
export type { AccountRecord, Span, StoredPair } from './store/record.ts'
export type { LeaseAnswer, StoreRead, TokenStore } from './store/store.ts'
export type { StoreErrorCode } from './store/store-error.ts'
export { StoreError } from './store/store-error.ts'

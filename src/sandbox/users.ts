import { checkKeys, invalid } from './checks.ts'

/** A user of the sandbox. */
export interface SandboxUser {
  username: string
  password: string
  /** An inactive user cannot sign in, refresh, or use the API. Default true. */
  active?: boolean
}

/** The user a sandbox has when it is given none. */
export const DEFAULT_USER: Readonly<SandboxUser> = Object.freeze({ username: 'demo', password: 'demo-password' })

/** A user as the server sees it; `deleted` ones stay so that their tokens can still be named. */
export interface Account {
  readonly id: string
  readonly username: string
  active: boolean
  deleted: boolean
}

/** The server's table of users. */
export interface Users {
  add(user: SandboxUser): void
  setPassword(username: string, password: string): void
  setActive(username: string, active: boolean): void
  delete(username: string): void
  /** The account, when the credentials are right and the user is active. */
  authenticate(username: string, password: string): Account | undefined
  byId(id: string): Account | undefined
  /** A name for this pair of user name and password, the same each time; it says nothing about either. */
  fingerprint(username: string, password: string): string
}

/** Creates the table. */
export function createUsers(initial: readonly SandboxUser[]): Users {
  const accounts = new Map<string, Account>()
  const passwords = new Map<string, string>()
  const ids = new Map<string, string>()
  const fingerprints = new Map<string, string>()

  const existing = (username: string): Account => {
    const account = accounts.get(ids.get(username) ?? '')
    if (account === undefined)
      throw invalid(`no user "${username}"; there are: ${[...ids.keys()].join(', ') || 'none'}`)
    return account
  }

  const users: Users = {
    add(user) {
      checkKeys('property of a user', user, ['username', 'password', 'active'])
      const { username, password, active = true } = user
      if (typeof username !== 'string' || username === '') throw invalid('a user needs a username')
      if (typeof password !== 'string' || password === '') throw invalid('a user needs a password')
      if (ids.has(username)) throw invalid(`there is a user "${username}" already`)
      const id = String(accounts.size + 1)
      ids.set(username, id)
      passwords.set(id, password)
      accounts.set(id, { id, username, active, deleted: false })
    },
    setPassword: (username, password) => void passwords.set(existing(username).id, password),
    setActive(username, active) {
      existing(username).active = active
    },
    delete(username) {
      const account = existing(username)
      account.deleted = true
      ids.delete(username)
      passwords.delete(account.id)
    },
    authenticate(username, password) {
      const account = accounts.get(ids.get(username) ?? '')
      return account?.active && passwords.get(account.id) === password ? account : undefined
    },
    byId: (id) => accounts.get(id),
    fingerprint(username, password) {
      const key = JSON.stringify([username, password])
      const known = fingerprints.get(key) ?? `credentials-${fingerprints.size + 1}`
      fingerprints.set(key, known)
      return known
    },
  }
  for (const user of initial) users.add(user)
  return users
}

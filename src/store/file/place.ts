import { posix, win32 } from 'node:path'

/** What the default path depends on. */
export interface Place {
  readonly platform: NodeJS.Platform
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's home folder. */
  readonly home: string
}

/** Where programs of this platform keep what they remember, for one user on one machine. */
export function defaultPath({ platform, env, home }: Place): string {
  const parts = ['compliancely-auth', 'tokens.db']
  if (platform === 'win32') {
    const local = env.LOCALAPPDATA
    return win32.join(local && win32.isAbsolute(local) ? local : win32.join(home, 'AppData', 'Local'), ...parts)
  }
  if (platform === 'darwin') return posix.join(home, 'Library', 'Application Support', ...parts)
  const state = env.XDG_STATE_HOME
  // The XDG specification: a path that is not absolute counts as not set.
  return posix.join(state && posix.isAbsolute(state) ? state : posix.join(home, '.local', 'state'), ...parts)
}

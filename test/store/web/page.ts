import { createAuthClient } from '../../../src/index.ts'
import { webStore } from '../../../src/store/web/index.ts'

// What a page that embeds the client would have.
Object.assign(window, { createAuthClient, webStore })

/** Writes the JSON Schema of audit reports. `node scripts/report-schema.ts [root]` */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { schemaText } from '../src/audit/report-schema.ts'

writeFileSync(join(process.argv[2] ?? '.', 'docs/audit-report.schema.json'), schemaText())

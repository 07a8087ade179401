import { defineSection } from '../section.js'
import { duration } from '../values/duration.js'
import { secret } from '../values/secret.js'

/** Shared by the persistence app, which writes the archive, and the gateways, which keep streams until it has. */
export const postgresSection = defineSection('postgres', 'The database of the archive.', {
  url: {
    schema: secret()
      .refine((text) => /^postgres(ql)?:\/\//.test(text), 'must begin with postgres://')
      .optional(),
    example: 'postgres://natter:secret@10.0.0.9:5432/natter',
    doc: 'Where the archive is. Nothing: there is none, and full streams forget their oldest publications.',
    shown: false,
  },
  connect_timeout: {
    schema: duration({ minMs: 100 }),
    default: '5s',
    example: '20s',
    doc: 'How long one attempt to connect may take.',
    shown: true,
  },
})

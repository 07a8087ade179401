import { describe, expect, it } from '@jest/globals'
import { readDockerfile } from './dockerfile.js'

const text = `# syntax=docker/dockerfile:1
ARG NODE=22
FROM debian:trixie-slim AS base
ENV NODE_ENV=production \\
    TITLE="two words"
FROM base AS build
CMD ["nobody"]
RUN <<END
ENTRYPOINT ["not", "this"]
END
FROM base
ARG APP
LABEL name="natter/\${APP}"
WORKDIR /app
USER 10001:10001
ENTRYPOINT ["/usr/bin/tini", "--", \\
  # flags of node stand here
  "/app/bin/node"]
CMD ["src/main.js"]
`

describe('a Dockerfile', () => {
  it('is read for its last stage, which has what the stages below it set and nothing of those beside it', () => {
    expect(readDockerfile(text, { APP: 'gateway' })).toEqual({
      entrypoint: ['/usr/bin/tini', '--', '/app/bin/node'],
      cmd: ['src/main.js'],
      env: { NODE_ENV: 'production', TITLE: 'two words' },
      workdir: '/app',
      user: { uid: 10001, gid: 10001 },
    })
  })

  it('loses the command below when a stage sets its own entrypoint, as in an engine', () => {
    expect(readDockerfile('FROM a AS x\nCMD ["b"]\nFROM x\nENTRYPOINT ["c"]').cmd).toEqual([])
  })

  it('is refused where a shell would be PID 1 or the user has no number', () => {
    expect(() => readDockerfile('FROM a\nCMD node main.js')).toThrow(/JSON array/)
    expect(() => readDockerfile('FROM a\nUSER node')).toThrow(/numbers/)
  })
})

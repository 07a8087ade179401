import type { Type } from '@nestjs/common'
import { NatterModule } from '../src/index.js'
import { TestMesh } from '../src/testing/index.js'
import { describeMesh } from './mesh.contract.js'

describeMesh('memory', async () => {
  const mesh = TestMesh.open({
    namespaces: { live: { keep: 'none' }, open: { allow: ['subscribe', 'publish', 'presence', 'history'] } },
    logger: false,
  })
  return {
    start: (app: string, controllers: Type[]) =>
      mesh.join({ imports: [NatterModule.forRoot({ app })], controllers }),
    connect: (request = {}) => mesh.connect(request),
    pass: (ms: number) => mesh.advance(ms),
    close: () => mesh.close(),
  }
})

import 'reflect-metadata'
import { TestMesh } from '@natter/nest/testing'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppModule } from './app.module.js'

test('what is said in a room reaches everybody in it, with who said it', async () => {
  await using mesh = await TestMesh.create({ imports: [AppModule] })
  const [ana, ben] = [await mesh.connect({ user: 'ana' }), await mesh.connect({ user: 'ben' })]
  await ben.subscribe('chat:lobby')
  await ana.publish('chat:lobby', { text: 'hi' })
  assert.deepEqual((await ben.next('chat:lobby')).data, { text: 'hi', from: 'ana' })
})

test('an empty message is refused, and the refusal names the field', async () => {
  await using mesh = await TestMesh.create({ imports: [AppModule] })
  const ana = await mesh.connect({ user: 'ana' })
  await assert.rejects(ana.publish('chat:lobby', { text: '' }), { code: 107, message: /text/ })
})

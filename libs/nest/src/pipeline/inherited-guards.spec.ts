import { describe, expect, it } from '@jest/globals'
import { UseGuards } from '@nestjs/common'
import { running } from '../../test/running.js'
import { ChannelController, OnPublish } from '../index.js'

describe('a handler of a base class', () => {
  it('keeps the guard of its method in the subclass: without it everybody could publish', async () => {
    const nobody = { canActivate: () => false }
    class Base {
      @OnPublish(':room')
      @UseGuards(nobody)
      publish() {}
    }
    @ChannelController('chat')
    class Chat extends Base {}
    const { driver } = await running({ controllers: [Chat] })
    expect(await driver.client.publish('chat:1', 1)).toMatchObject({ error: { code: 103 } })
  })
})

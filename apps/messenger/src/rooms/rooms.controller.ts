import {
  ChannelController,
  deny,
  OnPublish,
  OnSubscribe,
  Rpc,
  type AppUser,
  type PublishContext,
  type SubscribeContext,
} from '@natter/nest'
import { Inject, UseGuards } from '@nestjs/common'
import { z } from 'zod'
import { botReply } from './bot.js'
import { SentMessage, StoredMessage } from './chat-message.js'
import { MemberGuard } from './member.guard.js'
import { RoomDirectory } from './room-directory.js'
import { isRoomName } from './room-name.js'

export const BAD_ROOM_NAME = 1400

const Rooms = z.array(z.object({ name: z.string(), people: z.int() }))

/** Answers for the channels `room:…`: who comes in, what is said, which rooms there are. */
@ChannelController('room')
@UseGuards(MemberGuard)
export class RoomsController {
  constructor(@Inject(RoomDirectory) private readonly directory: RoomDirectory) {}

  @OnSubscribe(':room')
  enter(_: unknown, { channel, params }: SubscribeContext) {
    const room = params['room'] ?? ''
    if (channel.startsWith('$')) return deny() // private: a token lets in, and then nobody asks here
    if (!isRoomName(room))
      return deny(BAD_ROOM_NAME, 'A room’s name has 1 to 40 of the characters a–z, 0–9, - and _.')
    this.directory.entered(room)
    return undefined
  }

  @OnPublish(':room', { schema: SentMessage, stores: StoredMessage })
  say({ id, text }: SentMessage, { user }: PublishContext) {
    const reply = botReply(text)
    if (reply !== undefined) return deny(reply.code, reply.message)
    return { id, text, name: nameOf(user), at: Date.now() }
  }

  @Rpc('rooms.list', { reply: Rooms, idempotent: true })
  list() {
    return this.directory.list()
  }
}

/** The one in the token, which this app has signed. */
function nameOf({ id, info }: AppUser): string {
  const isNamed = typeof info === 'object' && info !== null && 'name' in info && typeof info.name === 'string'
  return isNamed ? (info.name as string) : id
}

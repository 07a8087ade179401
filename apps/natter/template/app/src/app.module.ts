import { NatterModule } from '@natter/nest'
import { Module } from '@nestjs/common'
import { ChatController } from './chat.controller.js'

const { NATTER_NATS_URL, NATTER_NATS_USER: user, NATTER_NATS_PASSWORD: pass } = process.env
const url = NATTER_NATS_URL ?? 'nats://127.0.0.1:8020' // what `npm start` of the mesh listens on
const nats = user && pass ? { url, user, pass } : { url } // a mesh on servers asks who comes

@Module({
  imports: [NatterModule.forRoot({ app: '{{name}}', nats })],
  controllers: [ChatController],
})
export class AppModule {}

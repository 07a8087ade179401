import { NatterModule } from '@natter/nest'
import { Module } from '@nestjs/common'
import { ChatController } from './chat.controller.js'

const url = process.env.NATTER_NATS_URL ?? 'nats://127.0.0.1:8020' // what `npm start` of the mesh listens on

@Module({
  imports: [NatterModule.forRoot({ app: '{{name}}', nats: { url } })],
  controllers: [ChatController],
})
export class AppModule {}

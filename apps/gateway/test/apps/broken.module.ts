/** An app whose start fails. */
import { Injectable, Module } from '@nestjs/common'

@Injectable()
class Database {
  onModuleInit(): never {
    throw new Error('the database is away')
  }
}

@Module({ providers: [Database] })
export default class BrokenModule {}

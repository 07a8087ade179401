import { describe, expect, it } from '@jest/globals'
import {
  BadRequestException,
  ConflictException,
  ForbiddenException,
  HttpException,
  InternalServerErrorException,
  UnauthorizedException,
  UnprocessableEntityException,
} from '@nestjs/common'
import { RpcException } from '@nestjs/microservices'
import { ClientError, DisconnectError, refusalOf } from '@natter/hooks'
import { UnavailableError } from '@natter/primitives'
import { TimeoutError } from 'rxjs'
import { clientErrorOf } from './client-errors.js'

const refusal = (thrown: unknown) => refusalOf(clientErrorOf(thrown))
const internal = { error: { code: 100, message: 'internal server error', temporary: true } }

describe('what the client is told', () => {
  it.each<[string, unknown, object]>([
    ['ClientError', new ClientError(1409, 'closed'), { code: 1409, message: 'closed' }],
    [
      'a guard that said no',
      new RpcException('Forbidden resource'),
      { code: 103, message: 'permission denied' },
    ],
    ['HTTP 400', new BadRequestException('bad'), { code: 107, message: 'bad' }],
    ['HTTP 422', new UnprocessableEntityException('bad'), { code: 107, message: 'bad' }],
    ['HTTP 401', new UnauthorizedException('who'), { code: 101, message: 'who' }],
    ['HTTP 403', new ForbiddenException('no'), { code: 103, message: 'no' }],
    ['HTTP 429', new HttpException('slow', 429), { code: 111, message: 'slow', temporary: true }],
    ['HTTP 409', new ConflictException('taken'), { code: 409, message: 'taken' }],
    [
      'RpcException with a code',
      new RpcException({ code: 1500, message: 'm', temporary: true }),
      { code: 1500, message: 'm', temporary: true },
    ],
    ['RpcException with a text', new RpcException('text'), { code: 400, message: 'text' }],
    ["what Nest's base filter makes of one", { code: 1500, message: 'm' }, { code: 1500, message: 'm' }],
  ])('of %s', (_, thrown, error) => {
    expect(refusal(thrown)).toEqual({ error })
  })

  it('of a DisconnectError is the end of the connection', () => {
    expect(refusal(new DisconnectError(4501, 'banned'))).toEqual({
      disconnect: { code: 4501, reason: 'banned' },
    })
  })

  it.each<[string, unknown]>([
    ['a bug', new TypeError('secret')],
    ['a text', 'secret'],
    ['nothing', undefined],
    ['HTTP 500', new InternalServerErrorException('secret')],
    ['an RpcException with a code of ours', new RpcException({ code: 103, message: 'secret' })],
    ['a mesh that is away', new UnavailableError('away', 'secret')],
    ['a timeout', new TimeoutError()],
  ])('of %s is no word but "internal server error"', (_, thrown) => {
    expect(refusal(thrown)).toEqual(internal)
  })
})

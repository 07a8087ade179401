/** What we take for granted of Nest without its word for it. A new version that changes one of these fails here first. */
import 'reflect-metadata'
import { describe, expect, it } from '@jest/globals'
import { Body, Controller, Get, Headers, Param } from '@nestjs/common'
import * as common from '@nestjs/common/internal'
import { ModuleRef, NestFactory } from '@nestjs/core'
import { FORBIDDEN_MESSAGE, Module } from '@nestjs/core/internal'
import { Ctx, MessagePattern, NestMicroservice, Payload } from '@nestjs/microservices'
import { forbiddenMessage, nestKeys, nestParameters } from './nest-names.js'

describe('names of Nest that it does not export for applications', () => {
  it('are what they were', () => {
    expect(nestKeys.controller).toBe(common.CONTROLLER_WATERMARK)
    expect(nestKeys.httpMethod).toBe(common.METHOD_METADATA)
    expect(nestKeys.parameterTypes).toBe(common.PARAMTYPES_METADATA)
    expect(nestParameters.key).toBe(common.ROUTE_ARGS_METADATA)
    expect(nestParameters.custom).toBe(common.CUSTOM_ROUTE_ARGS_METADATA)
    expect(nestParameters.param).toBe(common.RouteParamtypes.PARAM)
    expect(nestParameters.context).toBe(common.RouteParamtypes.HEADERS)
    expect(nestParameters.payload).toBe(common.RouteParamtypes.BODY)
    expect(forbiddenMessage).toBe(FORBIDDEN_MESSAGE)
  })

  it('are what its decorators write', () => {
    @Controller()
    class Probe {
      @Get() @MessagePattern('x', { a: 1 }) method(
        @Payload() a: unknown,
        @Ctx() b: unknown,
        @Param('p') c: unknown,
        @Headers('h') d: unknown,
        @Body('b') e: unknown,
      ) {
        return [a, b, c, d, e]
      }
    }
    const { method } = Probe.prototype
    expect(Reflect.getMetadata(nestKeys.controller, Probe)).toBe(true)
    expect(Reflect.getMetadata(nestKeys.httpMethod, method)).toBeDefined()
    expect(Reflect.getMetadata(nestKeys.pattern, method)).toEqual(['x'])
    expect(Reflect.getMetadata(nestKeys.extras, method)).toEqual({ a: 1 })
    const parameters = Reflect.getMetadata(nestParameters.key, Probe, 'method') as Record<string, unknown>
    expect(Object.keys(parameters).toSorted()).toEqual(['3:0', '3:4', '5:2', '6:1', '6:3'])
  })

  it('and its shape, where the mesh joins an application', async () => {
    const app = await NestFactory.createApplicationContext(class {}, { logger: false })
    const { container } = app.get<{ container: { getModules(): unknown } }>(ModuleRef)
    expect(typeof container.getModules).toBe('function')
    expect(typeof Object.getOwnPropertyDescriptor(Module.prototype, 'distance')?.set).toBe('function')
    expect(NestMicroservice.length).toBe(1) // container, config = {}, graphInspector, applicationConfig
    await app.close()
  })
})

import 'reflect-metadata'
import { describe, expect, it } from '@jest/globals'
import { Injectable, Module } from '@nestjs/common'
import { moduleIn } from './module-in.js'

@Module({ providers: [] })
class Shop {}

@Module({ imports: [Shop] })
class Other {}

@Injectable()
class Service {}

describe("the application's module in a file", () => {
  it.each<[string, Record<string, unknown>]>([
    ['the default', { default: Shop, Other, Service }],
    ['the only one', { Service, Shop, limit: 3 }],
    ['the only one of a CommonJS file, whose exports are the default as well', { default: { Shop }, Shop }],
    ['the only one of a CommonJS file whose names are not seen', { default: { Shop, Service } }],
  ])('is %s', (_, exported) => {
    expect(moduleIn(exported)).toBe(Shop)
  })

  it('is asked for where there is none, or more than one: nothing is guessed', () => {
    expect(() => moduleIn({ Service, default: 7 })).toThrow('exports no class with @Module')
    expect(() => moduleIn({ Shop, Other })).toThrow('(Shop, Other); make')
  })
})

/**
 * What TypeScript checks of a handler: that a parameter takes what the schema lets through, that the result is what may be answered, and
 * that a context is of the right kind. It can't see parameter decorators, so the parameters' order is free.
 */
import type { Observable } from 'rxjs'
import type { ContextOf, NatterContext } from '../pipeline/context.js'

type AnyMethod = (...args: never[]) => unknown

/** What a handler says in the end: of a promise, of an Observable, of a generator. */
type Settled<R> =
  R extends Observable<infer V> ? V : R extends AsyncGenerator<unknown, infer V> ? V : Awaited<R>

type TakesPayload<A extends readonly unknown[], Payload> = A extends readonly [infer First, ...infer Rest]
  ? [Payload] extends [First]
    ? true
    : TakesPayload<Rest, Payload>
  : A extends readonly []
    ? false
    : true

/** Those parameters that say they are a context; element by element, for one `unknown` would swallow the union of all. */
type Contexts<A extends readonly unknown[]> = {
  [I in keyof A]: A[I] extends { kind: NatterContext['kind']; signal: AbortSignal } ? A[I] : never
}[number]

/** No schema says what the payload is. */
export interface Anything {
  readonly anything: unique symbol
}

type PayloadFits<A extends readonly unknown[], Payload> = [Payload] extends [Anything]
  ? true
  : A extends readonly []
    ? true
    : TakesPayload<A, Payload>

type ContextFits<A extends readonly unknown[], K extends NatterContext['kind']> = [Contexts<A>] extends [
  never,
]
  ? true
  : [ContextOf<K>] extends [Contexts<A>]
    ? true
    : false

type Fits<M, K extends NatterContext['kind'], Payload, Result> = M extends (...args: infer A) => infer R
  ? PayloadFits<A, Payload> extends true
    ? ContextFits<A, K> extends true
      ? [Settled<R>] extends [Result]
        ? unknown
        : { '✗ the result must be': Result }
      : { '✗ the context of this kind is': ContextOf<K> }
    : { '✗ no parameter takes what the schema lets through': Payload }
  : never

/** A decorator for methods that fit. `Result` = what they may answer. */
export type HandlerDecorator<K extends NatterContext['kind'], Payload, Result> = <M extends AnyMethod>(
  target: object,
  key: string,
  descriptor: TypedPropertyDescriptor<M> & Fits<M, K, Payload, Result>,
) => void

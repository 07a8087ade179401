import type { Framing } from '../src/index.js'
import { farewellMark } from './transport.contract.js'

/** Takes the bytes of a response that stays open apart again. */
export class StreamReader {
  readonly messages: string[] = []
  readonly closed: Promise<{ code: number; reason: string }>
  private settle: (close: { code: number; reason: string }) => void = () => {}
  private farewell: { code: number; reason: string } | undefined
  private rest = ''

  constructor(private readonly framing: Exclude<Framing, 'bytes'>) {
    this.closed = new Promise((resolve) => {
      this.settle = resolve
    })
  }

  push(chunk: Uint8Array): void {
    const separator = this.framing === 'lines' ? '\n' : '\n\n'
    const parts = (this.rest + Buffer.from(chunk).toString()).split(separator)
    this.rest = parts.pop() ?? ''
    for (const part of parts)
      this.read(this.framing === 'lines' ? part : part.trimStart().replace(/^data: /, ''))
  }

  over(isInOrder: boolean): void {
    this.settle((isInOrder ? this.farewell : undefined) ?? { code: 1006, reason: '' })
  }

  private read(message: string): void {
    if (message.startsWith(farewellMark)) {
      this.farewell = JSON.parse(message.slice(farewellMark.length)) as { code: number; reason: string }
    } else this.messages.push(message)
  }
}

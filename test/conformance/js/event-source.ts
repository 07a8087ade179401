/**
 * Node 22 has no EventSource, and the SDK takes any class of that shape: as much of it as the SDK uses. Text of the stream is read as
 * the HTML standard says: lines end with CR, LF or both, an event is what stands before an empty line.
 */
export class NodeEventSource {
  onopen: (() => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  onerror: ((error: unknown) => void) | null = null
  private readonly aborting = new AbortController()

  constructor(url: string) {
    this.read(url).catch((error: unknown) => this.fail(error))
  }

  close(): void {
    this.aborting.abort()
  }

  private async read(url: string): Promise<void> {
    const { signal } = this.aborting
    const response = await fetch(url, { headers: { accept: 'text/event-stream' }, signal })
    const type = response.headers.get('content-type') ?? ''
    if (!response.ok || !type.startsWith('text/event-stream') || response.body === null)
      throw new Error(`no event stream: ${response.status} ${type}`)
    this.onopen?.()
    const parser = new EventParser((data) => this.onmessage?.({ data }))
    const decoder = new TextDecoder()
    for await (const chunk of response.body) {
      if (signal.aborted) return
      parser.take(decoder.decode(chunk, { stream: true }))
    }
    throw new Error('the stream ended')
  }

  private fail(error: unknown): void {
    if (!this.aborting.signal.aborted) this.onerror?.(error)
  }
}

class EventParser {
  private rest = ''
  private data: string[] = []

  constructor(private readonly emit: (data: string) => void) {}

  take(text: string): void {
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/)
    this.rest = lines.pop() ?? ''
    for (const line of lines) this.line(line)
  }

  private line(line: string): void {
    if (line.startsWith('data:')) this.data.push(line.slice(line[5] === ' ' ? 6 : 5))
    if (line !== '' || this.data.length === 0) return
    this.emit(this.data.join('\n'))
    this.data = []
  }
}

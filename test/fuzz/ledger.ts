/** What one connection is owed and has got. */
export class Ledger {
  /** Answers that came and nobody asked for. */
  readonly uninvited: number[] = []
  /** A message was sent that ends the connection. */
  mustEnd = false
  private readonly open = new Map<number, number>()
  private openCount = 0
  /** The connection was spoilt: whether it ends or waits for the rest of a frame is its matter. */
  private isForgiven = false

  get isSettled(): boolean {
    return this.isForgiven ? !this.mustEnd : !this.mustEnd && this.openCount === 0
  }

  get missing(): number[] {
    return this.isForgiven
      ? []
      : [...this.open].flatMap(([id, count]) => Array.from({ length: count }, () => id))
  }

  /** Answers for these ids (one may be there twice), or the end of the connection. What it answers takes the debt back. */
  owe(what: readonly number[] | 'end'): () => void {
    if (what === 'end') {
      this.mustEnd = true
      return () => (this.mustEnd = false)
    }
    for (const id of what) this.change(id, 1)
    return () => what.forEach((id) => this.change(id, -1))
  }

  answered(id: number): void {
    if ((this.open.get(id) ?? 0) > 0) this.change(id, -1)
    else this.uninvited.push(id)
  }

  forgive(): void {
    this.isForgiven = true
  }

  private change(id: number, by: number): void {
    const count = (this.open.get(id) ?? 0) + by
    this.openCount += by
    if (count === 0) this.open.delete(id)
    else this.open.set(id, count)
  }
}

import { closeSync, mkdirSync, openSync, fstatSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * A log that can't fill the disk: at `maxBytes` the file becomes `<file>.1`, and the one before that is forgotten. Written
 * synchronously, so that the last words of a dying run are in it.
 */
export class RotatingFile {
  private handle: number
  private sizeBytes: number

  constructor(
    private readonly file: string,
    private readonly maxBytes = 5 * 1024 * 1024,
  ) {
    mkdirSync(dirname(file), { recursive: true })
    this.handle = openSync(file, 'a')
    this.sizeBytes = fstatSync(this.handle).size
  }

  writeLine(line: string): void {
    const bytes = Buffer.from(`${line}\n`)
    if (this.sizeBytes > 0 && this.sizeBytes + bytes.length > this.maxBytes) this.rotate()
    writeSync(this.handle, bytes)
    this.sizeBytes += bytes.length
  }

  close(): void {
    closeSync(this.handle)
  }

  private rotate(): void {
    closeSync(this.handle)
    renameSync(this.file, `${this.file}.1`)
    this.handle = openSync(this.file, 'a')
    this.sizeBytes = 0
  }
}

import { describe, expect, it } from '@jest/globals'
import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { eventually, leakCheck, startNatsServer, startProcess } from '../src/index.js'

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('data', () => resolve(true)).once('error', () => resolve(false))
    socket.once('data', () => socket.destroy())
  })

describe('startNatsServer', () => {
  it('is ready when it returns, comes back on the same port, and leaves neither process nor folder', async () => {
    const expectNoLeaks = leakCheck()
    const nats = await startNatsServer()
    expect(await answers(nats.port)).toBe(true)
    const { pid } = nats
    await nats.kill('SIGKILL')
    expect(await answers(nats.port)).toBe(false)
    await nats.restart()
    expect(nats.pid).not.toBe(pid)
    expect(await answers(nats.port)).toBe(true)
    await nats.stop()
    expect(existsSync(nats.storeDir)).toBe(false)
    await expectNoLeaks()
  }, 20_000)

  it('a server that cannot start is reported with what it printed', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    await expect(startNatsServer({ port })).rejects.toThrow(/did not start[^]*address already in use/)
    taken.close()
  }, 20_000)
})

describe('startProcess', () => {
  it('finds past and coming lines, and says what was printed when the line never comes', async () => {
    const child = await startProcess({ args: ['-e', 'console.log("a"); console.error("b")'] })
    expect(await child.waitForLine((line) => line === 'a')).toBe('a')
    expect(await child.exited).toEqual({ code: 0, signal: null })
    await expect(child.waitForLine((line) => line === 'c')).rejects.toThrow(/exited with 0[^]*a/)
  })
})

describe('leakCheck', () => {
  it('names a process that was left running', async () => {
    const expectNoLeaks = leakCheck(50)
    const child = await startProcess({ args: ['-e', 'setInterval(() => {}, 1000)'] })
    await expect(expectNoLeaks()).rejects.toThrow(`process ${child.pid}`)
    await child.kill('SIGKILL')
    await expectNoLeaks()
  })

  it('names a timer that was left', async () => {
    const expectNoLeaks = leakCheck(50)
    // several: the check compares numbers, and a timer of the test runner that ends meanwhile may hide one
    const timers = Array.from({ length: 5 }, () => setTimeout(() => {}, 60_000))
    await expect(expectNoLeaks()).rejects.toThrow('× Timeout')
    for (const timer of timers) clearTimeout(timer)
    await expectNoLeaks()
  })
})

describe('eventually', () => {
  it('takes what is thrown as "not yet" and reports the last of it', async () => {
    let calls = 0
    const check = (): number => {
      calls += 1
      if (calls < 3) throw new Error('too early')
      return calls
    }
    expect(await eventually(check, { intervalMs: 1 })).toBe(3)
    const never = (): never => {
      throw new Error('never')
    }
    await expect(eventually(never, { timeoutMs: 20, intervalMs: 5 })).rejects.toThrow('never')
  })
})

import { describe, expect, it } from '@jest/globals'
import { argvOf, nameOf, programOf, type Images } from './programs.js'

const app = {
  entrypoint: ['/usr/bin/tini', '-g', '--', '/app/bin/node', '--max-old-space-size=400'],
  cmd: ['src/main.js'],
  env: {
    NODE_ENV: 'production',
    NATTER_OPS_HOST: '0.0.0.0',
    PATH: '/app/bin',
    LD_PRELOAD: '/app/jemalloc.so',
  },
  workdir: '/app',
  user: { uid: 10001, gid: 10001 },
}
const images: Images = {
  app,
  build: '/repo/dist',
  others: new Map([['nginx', () => ({ kind: 'process', file: '/usr/sbin/nginx', args: [], env: {} })]]),
}
const place = {
  address: '127.9.9.1',
  names: new Map<string, string>(),
  paths: new Map([['/etc/nats', '/here']]),
}

describe('what runs here for a container', () => {
  it('is the build of our app by this Node, without the init and without what belongs to the image', () => {
    expect(programOf('registry:5000/natter/persistence:1.0@sha256:ab', {}, images, place)).toEqual({
      kind: 'process',
      file: process.execPath,
      args: ['--max-old-space-size=400', '/repo/dist/apps/persistence/apps/persistence/src/main.js'],
      env: { NODE_ENV: 'production', NATTER_OPS_HOST: '127.9.9.1' },
      user: { uid: 10001, gid: 10001 },
    })
  })

  it('is a one-shot command when the arguments name one', () => {
    const program = programOf('natter/gateway', { args: ['src/provision.js', '--now'] }, images, place)
    expect(program).toMatchObject({
      args: ['--max-old-space-size=400', '/repo/dist/apps/gateway/apps/gateway/src/provision.js', '--now'],
    })
  })

  it('is our nats-server on the container’s address, with paths of this machine', () => {
    const program = programOf(
      'docker.io/library/nats:2.15',
      { args: ['-c', '/etc/nats/nats.conf'] },
      images,
      place,
    )
    expect(program).toMatchObject({ args: ['-a', '127.9.9.1', '-c', '/here/nats.conf'] })
    const named = programOf('nats', { command: ['nats-server'], args: ['-js'] }, images, place)
    expect(named).toMatchObject({ args: ['-a', '127.9.9.1', '-js'] })
  })

  it('is refused for an image nobody named, so that no container is left out in silence', () => {
    expect(programOf('nginx:1.28', {}, images, place)).toMatchObject({ file: '/usr/sbin/nginx' })
    expect(() => programOf('adminer:5', {}, images, place)).toThrow(/adminer/)
    expect(nameOf('natter/gateway:a')).toEqual({ folder: 'natter', name: 'gateway' })
    expect(nameOf('postgres:18')).toEqual({ folder: '', name: 'postgres' })
  })

  it('starts with command in place of both, and with args in place of CMD alone', () => {
    const image = { entrypoint: ['e'], cmd: ['c'] }
    expect(argvOf(image, {})).toEqual(['e', 'c'])
    expect(argvOf(image, { args: ['a'] })).toEqual(['e', 'a'])
    expect(argvOf(image, { command: ['x'] })).toEqual(['x'])
    expect(argvOf(image, { command: ['x'], args: ['a'] })).toEqual(['x', 'a'])
  })
})

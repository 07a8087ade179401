import { describe, expect, it } from '@jest/globals'
import { localEnv, localText } from './local-text.js'

const place = {
  address: '127.9.9.1',
  names: new Map([
    ['nats', '127.9.9.2'],
    ['natter-nats.prod.svc.cluster.local', '127.9.9.2'],
    ['nats-0.nats', '127.9.9.3'],
    ['postgres', '127.9.9.4'],
    ['gateway', '127.9.9.5'],
  ]),
  paths: new Map([
    ['/data', '/here/data'],
    ['/data/deep', '/here/deep'],
    ['/etc/natter', '/here/etc'],
  ]),
}

const local = (text: string): string => localText(text, place)

describe('text of a container, on this machine', () => {
  it('has addresses where hosts stand: in URLs, lists, before ports and with a cluster’s domain', () => {
    expect(local('nats://nats:4222,nats://nats-0.nats:4222')).toBe(
      'nats://127.9.9.2:4222,nats://127.9.9.3:4222',
    )
    expect(local('nats:4222, gateway:8000')).toBe('127.9.9.2:4222, 127.9.9.5:8000')
    expect(local('natter-nats.prod.svc.cluster.local')).toBe('127.9.9.2')
    expect(local('http://gateway/connection')).toBe('http://127.9.9.5/connection')
    expect(local('server gateway:8000;')).toBe('server 127.9.9.5:8000;')
  })

  it('keeps a word that is no host, though a service is called so: a scheme, a user, a database, a word', () => {
    expect(local('postgres://postgres:nats@postgres:5432/postgres')).toBe(
      'postgres://postgres:nats@127.9.9.4:5432/postgres',
    )
    expect(local('NATS is nats, and gateway a gateway')).toBe('NATS is nats, and gateway a gateway')
    expect(local('my-gateway:8000 x.nats:4222')).toBe('my-gateway:8000 x.nats:4222')
    expect(localEnv({ PGHOST: 'postgres', PGUSER: 'postgres' }, place)).toEqual({
      PGHOST: '127.9.9.4',
      PGUSER: 'postgres',
    })
  })

  it('listens on its own address where it would take any, and leaves other addresses alone', () => {
    expect(local('0.0.0.0:4222 host: 0.0.0.0')).toBe('127.9.9.1:4222 host: 127.9.9.1')
    expect(local('listen [::]:80')).toBe('listen 127.9.9.1:80')
    expect(local('10.0.0.0 0.0.0.0.1')).toBe('10.0.0.0 0.0.0.0.1')
  })

  it('reads and writes in the folders of this machine, the deepest mount first and never half a name', () => {
    expect(local('/data')).toBe('/here/data')
    expect(local('store_dir: "/data/jetstream"')).toBe('store_dir: "/here/data/jetstream"')
    expect(local('/data/deep/file')).toBe('/here/deep/file')
    expect(local('/database /mnt/data /data-2')).toBe('/database /mnt/data /data-2')
    expect(local('--config=/etc/natter/natter.yaml')).toBe('--config=/here/etc/natter.yaml')
  })
})

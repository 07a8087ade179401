import { defineSection, reloadable, list, network, nodeName, port } from '@natter/config'
import { z } from 'zod'

export const gatewaySection = defineSection('gateway', 'Where clients connect, and how many.', {
  name: {
    schema: nodeName().optional(),
    example: 'gateway-1',
    doc: 'Name of this node in logs and metrics, unique in the mesh. Nothing: host name, port and a random word.',
    shown: true,
  },
  host: {
    schema: z.string().min(1),
    default: '127.0.0.1',
    example: '0.0.0.0',
    doc: 'The address to listen on.',
    shown: true,
  },
  port: {
    schema: port(),
    default: 8000,
    example: '8001',
    doc: 'The port for clients; 0 takes any free one.',
    shown: true,
  },
  share_port: {
    schema: z.boolean(),
    default: false,
    example: 'true',
    doc: 'Lets several gateways of one machine listen on the same port. Off, a taken port is an error.',
    shown: true,
  },
  ...reloadable({
    max_connections: {
      schema: z.int().min(1).optional(),
      example: '50000',
      doc: 'Connections of this node; beyond it the answer is 503. Nothing: 15,000. Either way no more than the descriptors of the process have room for.',
      shown: true,
    },
    trusted_proxies: {
      schema: list(network()),
      default: [],
      example: '10.0.0.0/8,192.0.2.7',
      doc: 'Who is believed when it says in X-Forwarded-For whom it speaks for: addresses and networks of balancers in front. Nothing: nobody.',
      shown: true,
    },
  }),
  apps: {
    schema: list(),
    default: [],
    example: '../attendance/build/app.module.js',
    doc: 'Apps that this gateway runs within: files that export a Nest module, from the working directory.',
    shown: true,
  },
})

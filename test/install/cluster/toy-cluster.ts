/** A cluster of two toys until somebody kills it, however: prints the processes of its pods. */
import { Cluster } from './cluster.js'
import { toyDeployment, toyImages } from './toy.js'

const cluster = new Cluster({ images: toyImages })
const env = `env:
            - { name: POD_IP, valueFrom: { fieldRef: { fieldPath: status.podIP } } }`
await cluster.install(toyDeployment(2, '', env))
await cluster.settled(30_000)
process.stdout.write(
  `pids ${cluster
    .podsOf('toy')
    .map((pod) => pod.container()?.pid)
    .join(' ')}\n`,
)
setInterval(() => {}, 60_000)

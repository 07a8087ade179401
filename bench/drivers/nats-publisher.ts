/** Publishes into NATS what gateways deliver: as a stream's subject takes it, or straight to a channel's live subject. */
import { connect, headers, type NatsConnection } from '@nats-io/transport-node'
import { burst, type PublishLoad } from '../contenders/loads.js'
import { openLoop } from '../harness/open-loop.js'
import { payload } from '../harness/payload.js'
import { serve } from '../harness/remote.js'

let nc: NatsConnection | undefined

serve({
  connect: async (url: string) => {
    nc = await connect({ servers: url })
  },
  /** `channels` are subjects. */
  publish: async (load: PublishLoad) => {
    const nats = nc
    if (nats === undefined) throw new Error('connect first')
    const meta = headers()
    meta.set('Natter-Meta', '{"k":"json"}')
    const send = burst(load, (subject, n, dueUs) =>
      nats.publish(subject, payload(n, dueUs, load.bytes), { headers: meta }),
    )
    const told = await openLoop({ ...load, send })
    await nats.flush()
    return told
  },
})

// A client: node hello.mjs [port of a gateway]
import { Centrifuge } from 'centrifuge'
import { once } from 'node:events'
import { WebSocket } from 'ws' // browsers, and Node from 22 on, have their own

const address = `ws://127.0.0.1:${process.argv[2] ?? 8001}/connection/websocket`
const client = new Centrifuge(address, { websocket: WebSocket })
const lobby = client.newSubscription('chat:lobby')
const heard = once(lobby, 'publication')
lobby.subscribe()
client.connect()

await lobby.ready()
const { data } = await client.rpc('hello', 'world')
console.log(data)
await lobby.publish({ text: 'Hello from {{name}}' })
const [publication] = await heard
console.log(`${publication.data.from}: ${publication.data.text}`)
client.disconnect()

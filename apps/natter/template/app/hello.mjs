// A client: node hello.mjs [port of a gateway]
import { Centrifuge } from 'centrifuge'

const client = new Centrifuge(`ws://127.0.0.1:${process.argv[2] ?? 8001}/connection/websocket`)
const lobby = client.newSubscription('chat:lobby')
lobby.on('publication', ({ data }) => {
  console.log(`${data.from}: ${data.text}`)
  client.disconnect()
})
lobby.subscribe()
client.connect()

await lobby.ready()
const { data } = await client.rpc('hello', 'world')
console.log(data)
await lobby.publish({ text: 'Hello from {{name}}' })

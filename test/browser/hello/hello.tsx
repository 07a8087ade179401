import { createClient } from '@natter/client'
import { hooksFor } from '@natter/client/react'
import { createRoot } from 'react-dom/client'

interface Mesh {
  channels: { 'hello::name': { text: string } }
}
const { NatterProvider, useChannel } = hooksFor<Mesh>()
const client = createClient<Mesh>({ url: 'http://127.0.0.1:8001' })

function Page() {
  const { publications, publish } = useChannel('hello:world', { history: 10 })
  const lines = publications.map(({ data, offset }) => <li key={offset}>{data.text}</li>)
  return <ul onClick={() => void publish({ text: 'Hello, world' })}>{lines} click me</ul>
}

createRoot(document.getElementById('root')!).render(<NatterProvider client={client} children={<Page />} />)

/** A case as people read it, and as much of its bytes as is needed to have it again by hand. */
import type { Case, Step } from './case.js'
import type { Played } from './play.js'

const bytes = (value: Uint8Array): string => {
  const text = Buffer.from(value).toString('utf8')
  const isText = Buffer.from(text).equals(Buffer.from(value)) && !text.includes('\u0000')
  return isText ? text : `hex ${Buffer.from(value).toString('hex')}`
}

function stepText(step: Step): string {
  switch (step.kind) {
    case 'message': {
      const { bytes: message, isBinary, fragments = 1 } = step
      return `${isBinary ? 'binary' : 'text'} message of ${message.length} bytes${fragments > 1 ? `, ${fragments} fragments` : ''}: ${bytes(message)}`
    }
    case 'bytes':
      return `bytes: ${bytes(step.bytes)}`
    case 'post':
      return `POST: ${bytes(step.body)}`
    case 'connected':
      return 'waits for the first answer'
    case 'leave':
      return `leaves by ${step.how}`
  }
}

export function shown({ number, from, what }: Case, played: Played): string {
  const { told, ...rest } = played
  const steps = what.kind === 'request' ? [`body: ${bytes(what.body)}`] : what.steps.map(stepText)
  const body = what.kind === 'conversation' && what.body !== undefined ? [`body: ${bytes(what.body)}`] : []
  const kind = what.kind === 'conversation' ? `${what.carrier}, ${what.encoding}` : 'request'
  return [
    `case ${number} from ${from}: ${kind}`,
    what.head.trimEnd(),
    ...body,
    ...steps.map((step) => `-> ${step}`),
    JSON.stringify(rest),
    ...told.map((one) => `<- ${JSON.stringify(one)}`),
    '',
  ].join('\n')
}

import { useEffect, useId, useRef, useState, type SubmitEvent } from 'react'
import { rememberedName } from '../session/remembered-name.js'
import { BrandMark, WarningIcon } from './icons.js'

export interface DoorProblem {
  about: 'name' | 'server'
  message: string
}

interface Props {
  isBusy: boolean
  problem: DoorProblem | undefined
  onEnter: (name: string) => void
}

/** The first page: choose a name. */
export function Door({ isBusy, problem, onEnter }: Props) {
  const [name, setName] = useState(() => rememberedName.read() ?? '')
  const input = useRef<HTMLInputElement>(null)
  const hintId = useId()
  const problemId = useId()
  const isNameRefused = problem?.about === 'name'

  useEffect(() => {
    if (problem) input.current?.focus()
  }, [problem])

  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    if (!isBusy) onEnter(name)
  }

  return (
    <main className="door">
      <form className="door-card" onSubmit={submit} noValidate>
        <p className="brand">
          <BrandMark /> Natter
        </p>
        <h1>Come in and talk.</h1>
        <p className="lead">
          Rooms that keep every message, over several gateways. When one of them goes away, the talk goes on.
        </p>
        <label htmlFor="name">Your name</label>
        <input
          id="name"
          ref={input}
          name="name"
          autoComplete="nickname"
          autoCapitalize="words"
          spellCheck={false}
          autoFocus
          value={name}
          onChange={(event) => setName(event.target.value)}
          aria-invalid={isNameRefused}
          aria-describedby={problem ? problemId : hintId}
        />
        <div className="door-note">
          {problem ? (
            <p id={problemId} role="alert" className="problem">
              <WarningIcon /> {problem.message}
            </p>
          ) : (
            <p id={hintId} className="hint">
              No password: this is a place to try things. Anybody can take any name.
            </p>
          )}
        </div>
        <button type="submit" className="primary wide" aria-disabled={isBusy}>
          {isBusy ? 'Coming in…' : 'Come in'}
        </button>
      </form>
    </main>
  )
}

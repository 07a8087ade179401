/** Calls `act` so often in a second, with the number of the turn; what is late is caught up with. Answers how to stop. */
export function steadily(perSecond: number, act: (turn: number) => void): () => void {
  const startMs = performance.now()
  let turn = 0
  const timer = setInterval(() => {
    const due = ((performance.now() - startMs) / 1_000) * perSecond
    for (; turn < due; turn += 1) act(turn)
  }, 5)
  return () => clearInterval(timer)
}

/** Preloaded into a process whose memory is measured: collects all garbage when the bench asks, and tells when it has. */
process.on('message', (message) => {
  if (message?.ask !== 'collect') return
  globalThis.gc()
  setImmediate(() => {
    globalThis.gc()
    process.send({ id: message.id, answer: null })
  })
})

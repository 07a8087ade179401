const KEY = 'natter.name'

/** The name that this browser used last. Storage may be switched off: then nothing is remembered, and that is all. */
export const rememberedName = {
  read(): string | undefined {
    try {
      return localStorage.getItem(KEY) ?? undefined
    } catch {
      return undefined
    }
  },
  write(name: string | undefined): void {
    try {
      if (name === undefined) localStorage.removeItem(KEY)
      else localStorage.setItem(KEY, name)
    } catch {
      // Nothing to do: see above.
    }
  },
}

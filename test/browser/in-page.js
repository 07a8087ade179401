/**
 * What the browser tests ask a page from within, as `inPage.…`. Plain JavaScript, loaded before the page's own scripts.
 */
globalThis.inPage = (() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })

  /** Any CSS colour as [r, g, b, alpha], by drawing it. */
  function rgba(colour) {
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = colour
    canvas.fillRect(0, 0, 1, 1)
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data
    return [r, g, b, a / 255]
  }

  const over = ([r, g, b, a], under) => [r, g, b].map((part, index) => part * a + under[index] * (1 - a))

  /** The colour behind an element: the backgrounds of it and its parents, laid over each other. */
  function backgroundOf(element) {
    if (!element) return matchMedia('(prefers-color-scheme: dark)').matches ? [0, 0, 0] : [255, 255, 255]
    const own = rgba(getComputedStyle(element).backgroundColor)
    return own[3] === 1 ? own.slice(0, 3) : over(own, backgroundOf(element.parentElement))
  }

  function luminance(colour) {
    const [r, g, b] = colour.map((part) => {
      const share = part / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }

  function contrast(element, colour) {
    const behind = backgroundOf(element)
    const [light, dark] = [luminance(behind), luminance(over(rgba(colour), behind))].toSorted((a, b) => b - a)
    return (light + 0.05) / (dark + 0.05)
  }

  const isDrawn = (element) =>
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) &&
    !element.closest('.visually-hidden') &&
    element.getClientRects().length > 0

  function* texts() {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement
      const text = walker.currentNode.data.trim()
      if (text && isDrawn(element)) yield { element, text, colour: getComputedStyle(element).color }
    }
    for (const element of document.querySelectorAll('input, textarea')) {
      if (!isDrawn(element)) continue
      const isHint = element.value === ''
      const { color } = getComputedStyle(element, isHint ? '::placeholder' : null)
      yield { element, text: isHint ? element.placeholder : element.value.slice(0, 40), colour: color }
    }
  }

  return {
    countTexts: () => [...texts()].length,

    /** Every drawn text below 4.5:1. */
    faintTexts: () =>
      [...texts()]
        .map(({ element, text, colour }) => ({ text, contrast: contrast(element, colour) }))
        .filter((each) => each.contrast < 4.5),

    /** How the focused element, or the box it sits in, shows it: '' = not at all. */
    focusMark() {
      const marks = []
      for (let element = document.activeElement; element; element = element.parentElement) {
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element)
        if (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2) marks.push('outline')
        else if (boxShadow !== 'none' && element.matches(':has(:focus-visible)')) marks.push('shadow')
      }
      return marks.join()
    },

    isFocused: (selector) => document.activeElement?.matches(selector) ?? false,
    overflow: () => Math.max(0, document.documentElement.scrollWidth - innerWidth),

    /** From now on each layout shift is kept in `shifts`. */
    watchShifts() {
      this.shifts = []
      new PerformanceObserver((list) => {
        for (const { value, sources } of list.getEntries())
          this.shifts.push({ value, moved: sources.map(({ node }) => node?.className ?? node?.nodeName) })
      }).observe({ type: 'layout-shift' })
    },
  }
})()

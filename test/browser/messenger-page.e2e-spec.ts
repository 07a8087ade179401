/**
 * The messenger's page in a real Chromium, on a real mesh: one NATS, two gateways, the messenger's server.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'
import { startStack, type Stack } from './stack.js'

const SHOTS = join(import.meta.dirname, '../../.natter/screenshots')
const DESKTOP = { width: 1280, height: 800 }
const PHONE = { width: 390, height: 844 }
const THEMES = ['light', 'dark'] as const

let stack: Stack
let browser: Browser
/** In #general, for the photographs; had once. */
let conversation: Promise<void> | undefined

beforeAll(async () => {
  await mkdir(SHOTS, { recursive: true })
  stack = await startStack()
  browser = await startBrowser()
}, 90_000)

afterEach(async () => {
  await Promise.all(browser.contexts().map((context) => context.close()))
})

afterAll(async () => {
  await browser.close()
  await stack.stop()
}, 30_000)

describe('the messenger’s page', () => {
  it('can be used from the door to an answer with the keyboard alone', async () => {
    const page = await newPage(DESKTOP, 'light')
    await page.goto(`${stack.page}/#keyboard`)
    await page.waitForSelector('input:focus')
    await page.keyboard.type('Key Board')
    await page.keyboard.press('Enter')
    await page.waitForSelector('textarea:focus')
    await page.keyboard.type('first line')
    await page.keyboard.press('Shift+Enter')
    await page.keyboard.type('second line')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.message-text')
    expect(await page.innerText('.message-text')).toBe('first line\nsecond line')
    await page.waitForSelector('a[href="#random"]')
    await tabTo(page, 'a[href="#random"]')
    await page.keyboard.press('Enter')
    await page.waitForSelector('h1:has-text("#random")')
    await tabTo(page, '.me button')
    await page.keyboard.press('Enter')
    await page.waitForSelector('#name')
  })

  it('shows where the keyboard is on everything that can be reached', async () => {
    const page = await enter(DESKTOP, 'light', 'Focus', '#focus')
    for (let step = 0; step < 24; step++) {
      await page.keyboard.press('Tab')
      // Between the last and the first the focus is in the browser's own bar.
      if (await page.evaluate("inPage.isFocused('body')")) continue
      expect(await page.evaluate('inPage.focusMark()')).not.toBe('')
    }
  })

  it('moves nothing while thirty messages of somebody else arrive', async () => {
    const reader = await enter(DESKTOP, 'light', 'Reader', '#still')
    const writer = await enter(DESKTOP, 'light', 'Writer', '?gateway=2#still')
    await reader.waitForSelector('.person:nth-child(2)')
    await send(writer, 'before')
    await reader.waitForSelector('text=before')
    await reader.evaluate('inPage.watchShifts()')
    for (let number = 1; number <= 30; number++) await send(writer, `number ${number}`)
    await reader.waitForSelector('text=number 30')
    expect(await reader.evaluate('inPage.shifts')).toEqual([])
    const fromEnd = await reader
      .locator('.messages-scroll')
      .evaluate((box) => box.scrollHeight - box.scrollTop - box.clientHeight)
    expect(Math.abs(fromEnd)).toBeLessThan(2)
  })

  it('leaves a reader of old messages where they are, and says what came', async () => {
    const reader = await enter(DESKTOP, 'light', 'Reader', '#read')
    const writer = await enter(DESKTOP, 'light', 'Writer', '?gateway=2#read')
    for (let number = 1; number <= 30; number++) await send(writer, `number ${number}`)
    await reader.waitForSelector('text=number 30')
    await reader.locator('.messages-scroll').evaluate((box) => box.scrollTo({ top: 60 }))
    await reader.waitForSelector('.to-end')
    const line = reader.locator('.message', { hasText: /number 5$/ })
    const top = async (): Promise<number | undefined> => (await line.boundingBox())?.y
    const before = await top()
    await send(writer, 'while you read')
    await reader.waitForSelector('.to-end:has-text("1 new message")')
    expect(await top()).toBe(before)
    await reader.click('.to-end')
    await reader.waitForSelector('.to-end', { state: 'detached' })
  })

  it('shows who is here over both gateways', async () => {
    const one = await enter(DESKTOP, 'light', 'Left', '#both')
    const two = await enter(DESKTOP, 'light', 'Right', '?gateway=2#both')
    expect(await one.innerText('.badge')).toContain('gateway 1')
    expect(await two.innerText('.badge')).toContain('gateway 2')
    await one.waitForSelector('.person:has-text("Right")')
    await two.waitForSelector('.person:has-text("Left")')
    await two.context().close()
    await one.waitForSelector('.person:has-text("Right")', { state: 'detached' })
  })

  it('says why a name or a message cannot be sent before it is too late', async () => {
    const page = await newPage(DESKTOP, 'light')
    await page.goto(`${stack.page}/#limits`)
    await page.fill('#name', 'n'.repeat(33))
    await page.keyboard.press('Enter')
    await page.waitForSelector('[role=alert]:has-text("32 characters")')
    await page.fill('#name', 'Limits')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.badge-connected')
    await page.fill('textarea', 'x'.repeat(66_000))
    await page.waitForSelector('.composer-note:has-text("Too long to send")')
    await page.keyboard.press('Enter')
    expect(await page.locator('.message').count()).toBe(0)
  })

  it('shows a refused message with the reason that the server gave, to be written anew with the keyboard', async () => {
    const page = await enter(DESKTOP, 'light', 'Dancer', '#refused')
    await send(page, 'before')
    await send(page, '/dance with me')
    const refused = page.locator('.message.refused', { hasText: '/dance with me' })
    await refused.locator('text=There is no command /dance. Write /help').waitFor()
    await page.waitForSelector('[aria-live]:has-text("Not sent. There is no command /dance")')
    await send(page, 'after')
    await page.waitForSelector('.message:not(.refused):has-text("after")')
    expect(await page.locator('.message-text').allInnerTexts()).toEqual(['before', '/dance with me', 'after'])
    await page.fill('textarea', 'half a sentence')
    await tabTo(page, '.delivery-refused button:first-of-type')
    await page.keyboard.press('Enter')
    await page.waitForSelector('textarea:focus')
    expect(await page.inputValue('textarea')).toBe('/dance with me\nhalf a sentence')
    expect(await page.locator('.message.refused').count()).toBe(0)
  })

  it('refuses what nobody can read, in the words of the server', async () => {
    const page = await enter(DESKTOP, 'light', 'Silent', '#silent')
    await send(page, '\u200B')
    await page.waitForSelector('.message.refused:has-text("There is nothing to read in this message.")')
    await page.click('.delivery-refused button:has-text("Discard")')
    expect(await page.locator('.message').count()).toBe(0)
  })

  it('shows the bot’s answer to the one who asked and to nobody else, not even later', async () => {
    const asker = await enter(DESKTOP, 'light', 'Asker', '#bot')
    const sameName = await enter(DESKTOP, 'light', 'Asker', '?gateway=2#bot')
    const other = await enter(DESKTOP, 'light', 'Other', '?gateway=2#bot')
    await send(asker, '/help')
    await asker.waitForSelector('.answer:has-text("I know one command: /help")')
    await asker.waitForSelector('[aria-live]:has-text("Bot: ")')
    await say(asker, other, 'thank you, bot')
    await sameName.waitForSelector('.message-text:has-text("thank you, bot")')
    for (const page of [other, sameName])
      expect(await page.locator('.message-text').allInnerTexts()).toEqual(['thank you, bot'])
    expect(await asker.locator('.message-text').allInnerTexts()).toEqual([
      '/help',
      expect.stringContaining('I know one command'),
      'thank you, bot',
    ])
    await asker.click('.answer button')
    expect(await asker.locator('.message-text').allInnerTexts()).toEqual(['thank you, bot'])
  })

  it('lists the rooms that the server knows, with who is there, and moves none of them', async () => {
    const guest = await enter(DESKTOP, 'light', 'Guest', '#lobby')
    await guest.waitForSelector('.other-rooms a[href="#random"]')
    await guest.evaluate('inPage.watchShifts()')
    await enter(DESKTOP, 'light', 'Founder', '?gateway=2#new-room')
    const link = guest.locator('.other-rooms a[href="#new-room"]')
    await link.filter({ hasText: '1 person there' }).waitFor({ timeout: 20_000 })
    expect(await guest.evaluate('inPage.shifts')).toEqual([])
    await link.click()
    await guest.waitForSelector('h1:has-text("#new-room")')
    await guest.waitForSelector('.person:has-text("Founder")')
    expect(await link.count()).toBe(0)
  }, 30_000)

  it('lets two people on two gateways talk to each other', async () => {
    await talk('#talk')
  })

  for (const theme of THEMES) {
    it(`has 4.5:1 for every text and fits its width, ${theme}`, async () => {
      for (const viewport of [DESKTOP, PHONE]) await inspectAll(viewport, theme)
    }, 40_000)
  }

  it('goes to the other gateway when its own is killed, and loses nothing that was sent meanwhile', async () => {
    const page = await enter(DESKTOP, 'light', 'Mover', '#move')
    const other = await enter(DESKTOP, 'light', 'Stayer', '?gateway=2#move')
    await send(page, 'before')
    await other.waitForSelector('.message-text:text-is("before")')
    const isBack = stack.gateways[0]?.crash()
    for (const text of ['one', 'two', 'three']) await send(page, text)
    await page.waitForSelector('.badge-connected:has-text("gateway 2")')
    for (const each of [page, other]) {
      await each.waitForSelector('.message-text:text-is("three")')
      await each.waitForSelector('.delivery', { state: 'detached' })
      expect(await each.locator('.message-text').allInnerTexts()).toEqual(['before', 'one', 'two', 'three'])
    }
    await isBack
  })

  it('says that sending does not work while the messenger is away, and loses nothing that was written', async () => {
    const writer = await enter(DESKTOP, 'light', 'Writer', '#killed')
    const reader = await enter(DESKTOP, 'light', 'Reader', '?gateway=2#killed')
    const newcomer = await enter(PHONE, 'dark', 'Zoe', '#elsewhere')
    await say(writer, reader, 'before')
    await writer.waitForSelector('.other-rooms a[href="#random"]')
    await writer.evaluate('inPage.watchShifts()')
    const written = ['before']
    const write = async (text: string): Promise<void> => {
      written.push(text)
      await send(writer, text)
    }
    const isKilled = stack.messenger.crash()
    for (let number = 1; number <= 5; number++) await write(`while it dies ${number}`)
    await isKilled
    for (let number = 1; number <= 5; number++) await write(`while it is away ${number}`)
    await writer.waitForSelector('.composer-note:has-text("Sending doesn’t work right now")')
    await writer.waitForSelector('.other-rooms .hint:has-text("can’t be had right now")')
    await inspect(writer, 'messenger-away-1280-light')
    await send(newcomer, 'Hello?')
    await newcomer.waitForSelector('.composer-note:has-text("Sending doesn’t work right now")')
    await inspect(newcomer, 'messenger-away-390-dark')
    await newcomer.click('.show-rooms')
    await inspect(newcomer, 'messenger-away-drawer-390-dark')
    await newcomer.keyboard.press('Escape')
    await newcomer.evaluate("location.hash = 'killed'")
    await newcomer.waitForSelector('.beginning:has-text("The messenger doesn’t answer right now")')
    const isBack = stack.messenger.start()
    await write('while it comes back')
    await isBack
    for (const page of [writer, reader])
      await page.waitForSelector('.message-text:text-is("while it comes back")', { timeout: 20_000 })
    await writer.waitForSelector('.delivery', { state: 'detached', timeout: 20_000 })
    await writer.waitForSelector('.composer-note:has-text("Enter sends")')
    await newcomer.waitForSelector('.message-text:text-is("before")', { timeout: 20_000 })
    for (const page of [writer, reader])
      expect(await page.locator('.message-text').allInnerTexts()).toEqual(written)
    expect(await writer.evaluate('inPage.shifts')).toEqual([])
  }, 90_000)
})

/** A conversation over both gateways, each line read before the next is written. */
async function talk(room: string): Promise<void> {
  const mira = await enter(DESKTOP, 'light', 'Mira', room)
  const tom = await enter(DESKTOP, 'light', 'Tom', `?gateway=2${room}`)
  await say(mira, tom, 'Both gateways are up. You should be on the second one.')
  await say(tom, mira, 'I am. And I saw your line before you finished the sentence.')
  await say(tom, mira, 'What happens when I kill the one you are on?')
  await say(mira, tom, 'My page goes to yours and carries on.\nNothing is lost, nothing comes twice.')
  await say(tom, mira, 'And after a restart of everything?')
  await say(
    mira,
    tom,
    'A message counts as sent only when it is stored. Stop it all, start it again, scroll up.',
  )
}

async function inspectAll(viewport: typeof DESKTOP, theme: (typeof THEMES)[number]): Promise<void> {
  const name = (what: string): string => `${what}-${viewport.width}-${theme}`
  await (conversation ??= talk('#general'))
  const door = await newPage(viewport, theme)
  await door.goto(stack.page)
  await door.waitForSelector('#name')
  await inspect(door, name('door'))

  const page = await enter(viewport, theme, 'Mira', '#general')
  await page.waitForSelector('.message-text:has-text("scroll up")')
  await page.waitForSelector('.badge-connected')
  await page.waitForSelector('.person', { state: 'attached' })
  await inspect(page, name('room'))
  if (viewport === PHONE) {
    await page.click('.show-rooms')
    await inspect(page, name('drawer'))
    await page.keyboard.press('Escape')
  }
  await page.goto(`${stack.page}/#${name('bot')}`)
  await send(page, 'Is there anybody who can help?')
  await send(page, '/hlep')
  await send(page, '/help')
  await page.waitForSelector('.message.refused')
  await page.waitForSelector('.answer')
  await inspect(page, name('refused-and-answered'))
  await page.goto(`${stack.page}/#empty-${theme}`)
  await page.waitForSelector('text=Nobody has written here yet')
  await page.waitForSelector('.person', { state: 'attached' })
  await inspect(page, name('empty'))
  await page.context().setOffline(true)
  await page.waitForSelector('.badge:not(.badge-connected)')
  await page.fill('textarea', 'written without a connection')
  await page.keyboard.press('Enter')
  await page.waitForSelector('.delivery-waiting')
  await inspect(page, name('offline'))
}

async function inspect(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(SHOTS, `${name}.png`) })
  expect(await page.evaluate<number>('inPage.countTexts()')).toBeGreaterThan(3)
  const found = {
    tooFaint: await page.evaluate('inPage.faintTexts()'),
    overflow: await page.evaluate('inPage.overflow()'),
  }
  expect({ name, ...found }).toEqual({ name, tooFaint: [], overflow: 0 })
}

async function newPage(
  viewport: typeof DESKTOP,
  colorScheme: 'light' | 'dark',
  name?: string,
): Promise<Page> {
  const context = await browser.newContext({ viewport, colorScheme })
  await context.addInitScript({ path: join(import.meta.dirname, 'in-page.js') })
  if (name !== undefined)
    await context.addInitScript(`localStorage.setItem('natter.name', ${JSON.stringify(name)})`)
  return context.newPage()
}

async function enter(
  viewport: typeof DESKTOP,
  theme: 'light' | 'dark',
  name: string,
  where: string,
): Promise<Page> {
  const page = await newPage(viewport, theme, name)
  await page.goto(`${stack.page}/${where}`)
  await page.waitForSelector('.badge-connected')
  return page
}

async function send(page: Page, text: string): Promise<void> {
  await page.fill('textarea', text)
  await page.keyboard.press('Enter')
}

/** And waits until it has been read. */
async function say(writer: Page, reader: Page, text: string): Promise<void> {
  await send(writer, text)
  const lastWords = text.split('\n').at(-1)
  await reader.waitForSelector(`.message-text:has-text("${lastWords}")`)
}

async function tabTo(page: Page, selector: string): Promise<void> {
  for (let step = 0; step < 30; step++) {
    await page.keyboard.press('Shift+Tab')
    if (await page.evaluate<boolean>(`inPage.isFocused(${JSON.stringify(selector)})`)) return
  }
  throw new Error(`${selector} cannot be reached by Tab`)
}

async function startBrowser(): Promise<Browser> {
  const executablePath = process.env['NATTER_CHROMIUM'] ?? '/usr/bin/chromium'
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic'],
  })
}

/**
 * /ready, /alive (200 or not, as told), /name; /unready, /ready-again, /hang change what it answers.
 * Ends `END_AFTER_MS` after SIGTERM; never, where that is `never`.
 */
import { createServer } from 'node:http'

const { POD_NAME = '', POD_IP = '', END_AFTER_MS = '0' } = process.env
const answers = { isReady: true, isHanging: false }

const page = createServer((request, response) => {
  if (request.url === '/unready') answers.isReady = false
  if (request.url === '/ready-again') answers.isReady = true
  if (request.url === '/hang') answers.isHanging = true
  if (answers.isHanging && request.url !== '/hang') return
  response.statusCode = request.url === '/ready' && !answers.isReady ? 503 : 200
  response.end(POD_NAME)
})
page.listen(8080, POD_IP)

process.on('SIGTERM', () => {
  answers.isReady = false
  if (END_AFTER_MS !== 'never') setTimeout(() => process.exit(0), Number(END_AFTER_MS))
})

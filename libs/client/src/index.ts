export { call, type Call } from './call.js'

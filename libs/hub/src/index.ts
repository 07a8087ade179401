export { Hub, type HubConnection } from './hub.js'

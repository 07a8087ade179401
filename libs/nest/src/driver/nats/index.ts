export { createNatsDriver, type NatsDriverOptions } from './nats-driver.js'

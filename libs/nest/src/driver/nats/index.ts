export { createNatsDriver, hostNodeVariable, type NatsDriverOptions } from './nats-driver.js'

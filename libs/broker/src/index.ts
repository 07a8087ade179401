export type {
  Appended,
  AppendEnd,
  AppendOptions,
  Broker,
  BrokerEvents,
  Bus,
  BusMessage,
  BusSubscription,
  Journal,
  JournalEntry,
  Log,
  ReadRange,
  Records,
  RecordsListener,
  Registry,
  RegistryEntry,
  Route,
  StoredAt,
  StoredMessage,
  StoredRecord,
  StreamMessage,
  StreamState,
  Tops,
} from './broker.js'
export { MemoryBroker } from './memory/memory-broker.js'
export { MemoryMesh, type Delivery, type Fault, type MeshOptions } from './memory/memory-mesh.js'
export { publicationMessageId } from './message-id.js'
export { decodeMeta, encodeMeta, kindOfMeta, type PublicationMeta } from './meta.js'
export { createNatsBroker, type NatsBrokerOptions } from './nats/nats-broker.js'
export { decodeName, encodeName, Subjects } from './subjects.js'

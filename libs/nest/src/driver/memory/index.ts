export { MemoryDriver } from './memory-driver.js'
export { MemoryMesh, type ConnectRequest, type MemoryMeshOptions } from './memory-mesh.js'
export type { ClientEnd, Connection, Identity } from './connection.js'
export type { MemoryNamespace, Namespaces } from './rules.js'

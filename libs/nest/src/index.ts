export type * from './driver/mesh-driver.js'

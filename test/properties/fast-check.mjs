/**
 * What tests get as `fast-check`: the same, but a bound that a property names is reached. By itself the library draws arrays and texts of ten
 * at most, whatever `maxLength` says, and laws about long ones would never see one.
 */
import fc from '../../node_modules/fast-check/lib/fast-check.js'

fc.configureGlobal({ ...fc.readConfigureGlobal(), defaultSizeToMaxWhenMaxSpecified: true })

export * from '../../node_modules/fast-check/lib/fast-check.js'
export default fc

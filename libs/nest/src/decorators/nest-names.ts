/** Names and numbers of Nest's metadata that it doesn't export for applications. `hidden-names.spec.ts` compares them. */

export const nestKeys = {
  controller: '__controller__',
  httpMethod: 'method',
  pattern: 'microservices:pattern',
  extras: 'microservices:pattern_extras',
  parameterTypes: 'design:paramtypes',
} as const

export const nestParameters = {
  key: '__routeArguments__',
  custom: '__customRouteArgs__',
  /** `@Payload()`, and `@Body()`. */
  payload: 3,
  param: 5,
  /** `@Ctx()`, and `@Headers()`. */
  context: 6,
} as const

/** What Nest throws, in an `RpcException`, when a guard says no. */
export const forbiddenMessage = 'Forbidden resource'

export {
  hooksFor,
  NatterProvider,
  useChannel,
  useClient,
  useConnectionState,
  usePresence,
  useRpc,
  type Hooks,
  type UseChannelOptions,
  type UsedChannel,
  type UsedRpc,
} from './hooks.js'
export type { ChannelSnapshot, ChannelViewOptions } from './channel-view.js'
export type { RpcState } from './rpc-run.js'

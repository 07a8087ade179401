export function obtainImageBase(say: (line: string) => void, suite?: string): Promise<string | null>
export const storeBytes: number
export function roomyFolder(bytes: number): string
export function baseHindrance(suite?: string): string | undefined

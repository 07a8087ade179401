export function obtainImageBase(say: (line: string) => void, suite?: string): Promise<string | null>
export function roomyFolder(bytes: number): Promise<string>
export function baseHindrance(suite?: string): string | undefined

export const minimumVersion: string
export const wantedVersion: string
export function isAtLeast(version: string, minimum: string): boolean
export function obtainNatsServer(say: (line: string) => void): Promise<string | null>

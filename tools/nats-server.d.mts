export const minimumVersion: string
export const wantedVersion: string
export function obtainNatsServer(say: (line: string) => void): Promise<string | null>

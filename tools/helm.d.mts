export const wantedVersion: string
export function obtainHelm(say: (line: string) => void): Promise<string | null>

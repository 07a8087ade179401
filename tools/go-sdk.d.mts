export function obtainGoSdk(say: (line: string) => void): Promise<[string, ...string[]] | string>

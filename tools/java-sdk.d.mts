export function obtainJavaSdk(say: (line: string) => void): Promise<[string, ...string[]] | string>

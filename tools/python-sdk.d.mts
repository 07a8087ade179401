export function obtainPythonSdk(say: (line: string) => void): Promise<[string, ...string[]] | string>

export function obtainNginx(say: (line: string) => void): Promise<string | null>

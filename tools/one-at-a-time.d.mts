export function oneAtATime<T>(file: string, work: () => Promise<T>, say?: (line: string) => void): Promise<T>

export function debianSource(suite: string, etc?: string): string | null

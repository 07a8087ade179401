export function run(
  command: string,
  args: readonly string[],
  options?: { cwd?: string; env?: NodeJS.ProcessEnv; timeoutMs?: number; echo?: boolean },
): Promise<{ ok: boolean; code: number; stdout: string; stderr: string; reason: string }>

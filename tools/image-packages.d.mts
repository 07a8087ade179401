export function importedPackages(folder: string): string[]
export function imageManifest(
  app: string,
  imported: readonly string[],
  own: {
    version: string
    license: string
    dependencies: Record<string, string>
    optionalDependencies: Record<string, string>
  },
): object

/** By which names a Service and the pods of a StatefulSet are found in a cluster. Pure. */
const domains = (namespace: string): string[] => [
  '',
  `.${namespace}`,
  `.${namespace}.svc`,
  `.${namespace}.svc.cluster.local`,
]

/** @param pods addresses by name, of the sets whose `serviceName` is the key. */
export function namesOf(
  namespace: string,
  services: ReadonlyMap<string, string>,
  pods: ReadonlyMap<string, ReadonlyMap<string, string>>,
): Map<string, string> {
  const names = new Map<string, string>()
  for (const domain of domains(namespace)) {
    for (const [service, address] of services) names.set(service + domain, address)
    for (const [service, members] of pods)
      for (const [pod, address] of members) names.set(`${pod}.${service}${domain}`, address)
  }
  return names
}

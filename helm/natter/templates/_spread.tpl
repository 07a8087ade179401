{{/* Pods of one component over nodes and zones. dict root component spread */}}
{{- define "natter.spread" -}}
{{- if .spread.enabled -}}
{{- $names := dict "root" .root "component" .component -}}
topologySpreadConstraints:
  {{- /* Zones are only a wish: where nodes have no such label, a demand would keep the pods from being started at all. */}}
  {{- range $key, $otherwise := dict "kubernetes.io/hostname" .spread.whenUnsatisfiable "topology.kubernetes.io/zone" "ScheduleAnyway" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: {{ $otherwise }}
    labelSelector:
      matchLabels:
        {{- include "natter.selector" $names | nindent 8 }}
    # A rollout spreads the new pods among themselves.
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end -}}
{{- end -}}

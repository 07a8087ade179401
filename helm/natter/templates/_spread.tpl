{{/* Pods of one component over nodes and zones. dict root component spread */}}
{{- define "natter.spread" -}}
{{- if .spread.enabled -}}
{{- $names := dict "root" .root "component" .component -}}
topologySpreadConstraints:
  {{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: {{ $.spread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- include "natter.selector" $names | nindent 8 }}
    # A rollout spreads the new pods among themselves.
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end -}}
{{- end -}}

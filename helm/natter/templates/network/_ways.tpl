{{/* Ways out: egress rules of network policies. */}}

{{- define "natter.wayToNames" -}}
- ports:
    - protocol: UDP
      port: 53
    - protocol: TCP
      port: 53
{{- end -}}

{{- define "natter.wayToNats" -}}
{{- if .Values.nats.enabled -}}
- ports:
    - port: client
  to:
    - podSelector:
        matchLabels:
          {{- include "nats.selector" . | nindent 10 }}
{{- else -}}
- ports:
    {{- range .Values.externalNats.ports }}
    - port: {{ . }}
    {{- end }}
  {{- with .Values.externalNats.peers }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
{{- end -}}

{{- define "natter.wayToPostgres" -}}
{{- if .Values.postgres.enabled -}}
- ports:
    - port: postgres
  to:
    - podSelector:
        matchLabels:
          {{- include "postgres.selector" . | nindent 10 }}
{{- else -}}
- ports:
    - port: {{ .Values.externalPostgres.port }}
  {{- with .Values.externalPostgres.peers }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
{{- end -}}

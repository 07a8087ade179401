{{/* Environment of containers. What an app reads of it: docs/reference/configuration.md. */}}

{{/* Where NATS is, and as whom. dict root user */}}
{{- define "natter.env.nats" -}}
{{- $root := .root -}}
{{- if $root.Values.nats.enabled -}}
- name: NATTER_NATS_URL
  value: {{ include "nats.url" $root | quote }}
- name: NATTER_NATS_USER
  value: {{ .user }}
- name: NATTER_NATS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ include "natter.natsSecret" $root }}
      key: {{ .user }}-password
{{- else -}}
{{- with $root.Values.externalNats -}}
- name: NATTER_NATS_URL
  value: {{ .url | quote }}
{{- if .user }}
- name: NATTER_NATS_USER
  value: {{ .user | quote }}
{{- end }}
{{- range $variable, $key := dict "NATTER_NATS_PASSWORD" .passwordKey "NATTER_NATS_TOKEN" .tokenKey }}
{{- if $key }}
- name: {{ $variable }}
  valueFrom:
    secretKeyRef:
      name: {{ $root.Values.externalNats.existingSecret }}
      key: {{ $key }}
{{- end }}
{{- end }}
{{- if .credsKey }}
- name: NATTER_NATS_CREDS_FILE
  value: /etc/natter-nats/nats.creds
{{- end }}
{{- end }}
{{- end }}
- name: NATTER_NATS_CONNECT_TIMEOUT
  value: 5m
{{- end -}}

{{/* Only for those who write the archive. */}}
{{- define "natter.env.postgres" -}}
- name: NATTER_POSTGRES_URL
  valueFrom:
    secretKeyRef:
      {{- if .Values.postgres.enabled }}
      name: {{ include "natter.postgresSecret" . }}
      key: url
      {{- else }}
      name: {{ .Values.externalPostgres.existingSecret }}
      key: {{ .Values.externalPostgres.urlKey }}
      {{- end }}
{{- end -}}

{{/* At an install Postgres starts beside the one who waits for it. */}}
{{- define "natter.env.postgresPatience" -}}
- name: NATTER_POSTGRES_CONNECT_TIMEOUT
  value: 5m
{{- end -}}

{{- define "natter.env.ops" -}}
- name: NATTER_CONFIG
  value: /etc/natter/natter.yaml
- name: NATTER_OPS_HOST
  value: 0.0.0.0
- name: NATTER_OPS_PORT
  value: '9000'
{{- end -}}

{{/* The key that signs clients' tokens. dict root variable key */}}
{{- define "natter.env.tokens" -}}
- name: {{ .variable }}
  valueFrom:
    secretKeyRef:
      name: {{ .root.Values.tokens.existingSecret | default (include "natter.name" (dict "root" .root "component" "tokens")) }}
      key: {{ .key }}
{{- end -}}

{{/* Gateways have no way to Postgres. Where there is an archive, nothing that waits for it may be forgotten. */}}
{{- define "natter.env.onFull" -}}
{{- if and (include "natter.hasPostgres" .) .Values.persistence.enabled (not (dig "nats" "on_full" "" .Values.config)) -}}
- name: NATTER_NATS_ON_FULL
  value: refuse
{{- end -}}
{{- end -}}

{{/* A map of names and texts. */}}
{{- define "natter.env.extra" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end -}}

{{/* The Secrets of the sub-charts, whose templates aren't there where they are off. */}}
{{- define "natter.natsSecret" -}}
{{- if .Values.nats.enabled }}{{ include "nats.secretName" (dict "Release" .Release "Values" .Values.nats) }}{{ end -}}
{{- end -}}

{{- define "natter.postgresSecret" -}}
{{- if .Values.postgres.enabled }}{{ include "postgres.secretName" (dict "Release" .Release "Values" .Values.postgres) }}{{ end -}}
{{- end -}}

{{/*
natter.yaml: what `config` says, and what the chart itself knows better.

C1. No secret is in it: secrets come by environment from Secrets (values.schema.json refuses them in `config`).
C2. What it knows better is a default that `config` may overrule: copies by the number of servers, pages by the name of the ingress.
C3. What must fit the chart's other values (addresses, ports, drain) comes by environment, and `config` may not say it.
*/}}
{{- define "natter.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $nats := default dict $config.nats -}}
{{- if and .Values.nats.enabled (not (hasKey $nats "replicas")) -}}
{{- $nats = set $nats "replicas" (min 3 (int .Values.nats.replicas)) -}}
{{- end -}}
{{- if $nats }}{{ $config = set $config "nats" $nats }}{{ end -}}
{{- $client := default dict $config.client -}}
{{- if and .Values.ingress.enabled (not (hasKey $client "allowed_origins")) -}}
{{- $scheme := ternary "https" "http" (ne .Values.ingress.tlsSecretName "") -}}
{{- $client = set $client "allowed_origins" (list (printf "%s://%s" $scheme .Values.ingress.host)) -}}
{{- end -}}
{{- if $client }}{{ $config = set $config "client" $client }}{{ end -}}
{{- range $section, $settings := $config -}}
{{- if not $settings }}{{ $config = omit $config $section }}{{ end -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* Changes when natter.yaml does, so that the pods are made anew: they read it at their start only. */}}
{{- define "natter.configChecksum" -}}
checksum/config: {{ include "natter.config" . | sha256sum }}
{{- end -}}

{{/* "true" where publications are archived. */}}
{{- define "natter.hasPostgres" -}}
{{- if or .Values.postgres.enabled .Values.externalPostgres.existingSecret }}true{{ end -}}
{{- end -}}

{{/* Where clients outside reach the gateways. */}}
{{- define "natter.publicAddress" -}}
{{- if .Values.ingress.enabled -}}
{{- printf "%s://%s/connection/websocket" (ternary "wss" "ws" (ne .Values.ingress.tlsSecretName "")) .Values.ingress.host -}}
{{- end -}}
{{- end -}}

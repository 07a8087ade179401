{{/* The same rules as the chart around it: ../../../templates/_names.tpl. */}}
{{- define "nats.release" -}}
{{- if gt (len .Release.Name) 40 -}}
{{- printf "%s-%s" (.Release.Name | trunc 31 | trimSuffix "-") (.Release.Name | sha256sum | trunc 8) -}}
{{- else -}}
{{- .Release.Name -}}
{{- end -}}
{{- end -}}

{{- define "nats.name" -}}
{{- printf "%s-nats" (include "nats.release" .) -}}
{{- end -}}

{{- define "nats.url" -}}
{{- printf "nats://%s:4222" (include "nats.name" .) -}}
{{- end -}}

{{/* dict Release Values (of this chart) */}}
{{- define "nats.secretName" -}}
{{- .Values.existingSecret | default (include "nats.name" .) -}}
{{- end -}}

{{- define "nats.selector" -}}
app.kubernetes.io/instance: {{ include "nats.release" . }}
app.kubernetes.io/component: nats
{{- end -}}

{{- define "nats.labels" -}}
{{ include "nats.selector" . }}
app.kubernetes.io/name: nats
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "nats.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ include "nats.name" . }}{{ else }}default{{ end -}}
{{- end -}}

{{/* Without the version of the chart: a new one makes no pod anew that is as before. */}}
{{- define "nats.podLabels" -}}
{{ include "nats.selector" . }}
app.kubernetes.io/name: nats
{{- end -}}

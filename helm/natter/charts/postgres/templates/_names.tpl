{{/* The same rules as the chart around it: ../../../templates/_names.tpl. */}}
{{- define "postgres.release" -}}
{{- if gt (len .Release.Name) 40 -}}
{{- printf "%s-%s" (.Release.Name | trunc 31 | trimSuffix "-") (.Release.Name | sha256sum | trunc 8) -}}
{{- else -}}
{{- .Release.Name -}}
{{- end -}}
{{- end -}}

{{- define "postgres.name" -}}
{{- printf "%s-postgres" (include "postgres.release" .) -}}
{{- end -}}

{{/* dict Release Values (of this chart) */}}
{{- define "postgres.secretName" -}}
{{- .Values.existingSecret | default (include "postgres.name" .) -}}
{{- end -}}

{{- define "postgres.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ include "postgres.name" . }}{{ else }}default{{ end -}}
{{- end -}}

{{- define "postgres.selector" -}}
app.kubernetes.io/instance: {{ include "postgres.release" . }}
app.kubernetes.io/component: postgres
{{- end -}}

{{- define "postgres.labels" -}}
{{ include "postgres.selector" . }}
app.kubernetes.io/name: postgres
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* Without the version of the chart: a new one makes no pod anew that is as before. */}}
{{- define "postgres.podLabels" -}}
{{ include "postgres.selector" . }}
app.kubernetes.io/name: postgres
{{- end -}}
